"""Settings: one frozen dataclass for each gin name, read once and passed as an argument.

Only ``load_settings`` reads gin. All other code receives a `Settings`.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synrender.errors import UserError, nearest_name, shorten
from synrender.settings.bounds import (
    MAX_ANGLE_RAD,
    MAX_BUCKETS,
    MAX_CLASSES,
    MAX_ENERGY,
    MAX_LENGTH_M,
    MAX_OBJECTS,
    MAX_RESOLUTION,
    MAX_SAMPLES,
    MAX_SEED,
    MAX_THREADS,
    MAX_TOTAL_SAMPLES,
    check_line,
)
from synrender.settings.factor_table import FACTORS
from synrender.settings.frozen import FrozenDict, freeze
from synrender.settings.gin_text import Binding, read_gin_file, read_gin_text
from synrender.settings.label_table import LABELS
from synrender.system.folders import CONFIG_DIRS

BACKDROP_PASS_INDEX = 99
"""Material index of the backdrop in an EXR; class ids must be smaller."""

DEFAULT_CLASSES = (
    "airplane,aeroplane,plane",
    "bench",
    "cabinet",
    "car,auto,automobile,machine,motorcar",
    "chair",
    "lamp",
    "sofa,couch,lounge",
    "table",
    "vessel,watercraft",
    "motorcycle,bike",
)

DESIGNS = ("random", "grid", "one_at_a_time", "twins", "shortcut", "holdout", "causal")
SPLITS = ("train", "validation", "test")

RENDERERS = ("cycles", "eevee")
PREFILTERS = ("none", "fast", "accurate")
VIEW_TRANSFORMS = ("Standard", "Filmic", "AgX", "Raw")

# --- checks -----------------------------------------------------------------------------------
# A check takes a value and returns it in its final type, or raises ValueError that states the rule.

Check = Callable[[Any], Any]


def _setting(default: Any, check: Check) -> Any:
    return field(default=default, metadata={"check": check})


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be True or False")
    return value


def _integer(low: int, high: int | None = None) -> Check:
    rule = f"must be a whole number of at least {low}"
    if high is not None:
        rule += f" and at most {high}"

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < low:
            raise ValueError(rule)
        if high is not None and value > high:
            raise ValueError(rule)
        return value

    return check


def _number(low: float = -math.inf, high: float = math.inf) -> Check:
    rule = "must be a finite number"
    if low > -math.inf:
        rule += f" of at least {low:g}"
    if high < math.inf:
        rule += f" and at most {high:g}"

    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError(rule)
        if not (low <= value <= high and abs(value) <= sys.float_info.max):
            raise ValueError(rule)
        return float(value)

    return check


def _vector(length: int, largest: float) -> Check:
    def check(value: Any) -> tuple[float, ...]:
        if not isinstance(value, (tuple, list)) or len(value) != length:
            raise ValueError(f"must be {length} numbers in brackets, such as (1, 0, 0.4)")
        return tuple(_number(-largest, largest)(v) for v in value)

    return check


_length, _angle, _energy = (_number(0, m) for m in (MAX_LENGTH_M, MAX_ANGLE_RAD, MAX_ENERGY))
_location = _vector(3, MAX_LENGTH_M)


def _one_of(names: Sequence[str]) -> Check:
    def check(value: Any) -> str:
        if value not in names:
            raise ValueError(f"must be one of {', '.join(map(repr, names))}")
        return value

    return check


def _files_per_folder(value: Any) -> int:
    value = _integer(0, 2 * MAX_SAMPLES)(value)
    if value == 1:
        raise ValueError("must be at least 2, an image and its record, or 0 for a single folder")
    return value


def _class_idxs(value: Any) -> int | tuple[int, ...]:
    if isinstance(value, (list, tuple)):
        idxs = tuple(_integer(0, MAX_CLASSES)(v) for v in value)
        if not idxs or len(set(idxs)) != len(idxs):
            raise ValueError("must name at least one class, and each only once")
        return idxs
    try:
        return _integer(1, MAX_CLASSES)(value)
    except ValueError:
        raise ValueError(
            f"must be a number N up to {MAX_CLASSES} (classes 0..N-1) or a list such as [0, 4]"
        ) from None


def _classes(value: Any) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not 0 < len(value) <= MAX_CLASSES:
        raise ValueError(
            f"must be a list of names or synset ids from taxonomy.json, {MAX_CLASSES} at most"
        )
    if not all(isinstance(v, str) and v for v in value) or len(set(value)) != len(value):
        raise ValueError("must hold strings, each only once")
    return tuple(map(check_line, value))


@dataclass(frozen=True)
class _Checked:
    """Checks every field when an instance is created."""

    def __post_init__(self) -> None:
        for f in dataclasses.fields(self):
            value = getattr(self, f.name)
            try:
                object.__setattr__(self, f.name, f.metadata["check"](value))
            except ValueError as rule:
                name = GIN_NAMES[type(self).__name__]
                raise UserError(f"{name}.{f.name} = {shorten(repr(value))}: {rule}") from None


def _names(value: Any) -> tuple[str, ...]:
    value = (value,) if isinstance(value, str) else value
    if not isinstance(value, (list, tuple)) or not all(isinstance(v, str) for v in value):
        raise ValueError("must be a name or a list of names")
    return tuple(value)


def _factor_names(value: Any) -> tuple[str, ...]:
    return tuple(_factor_name(name) for name in _names(value))


def _factor_name(name: Any) -> str:
    if name not in (*FACTORS, "viewpoint"):
        raise ValueError(f"{shorten(name)!r} is no factor{nearest_name(str(name), FACTORS)}")
    return name


def _labels(value: Any) -> tuple[str, ...]:
    names = _names(value)
    for name in names:
        if name not in LABELS:
            raise ValueError(f"{name!r} is no label{nearest_name(name, LABELS)}")
    return tuple(name for name in LABELS if name in names)


def _kinds(value: Any) -> tuple[str, ...]:
    names = _names(value)
    if not names or not set(names) <= set(DESIGNS) or len(set(names)) != len(names):
        raise ValueError(f"must be one or more of {', '.join(map(repr, DESIGNS))}, each once")
    return names


def _factor_map(value: Any) -> FrozenDict:
    """A dictionary by the names of factors."""
    if not isinstance(value, dict):
        raise ValueError("must be a dictionary such as {'azimuth': [0, 0.5]}")
    return freeze({_factor_name(name): item for name, item in value.items()})


def _parent_map(value: Any) -> FrozenDict:
    """A dictionary by factor, of the names of its parents."""
    return FrozenDict({child: _names(parents) for child, parents in _factor_map(value).items()})


def _split_map(value: Any) -> FrozenDict:
    """A dictionary by split, of dictionaries by factor."""
    if not isinstance(value, dict) or not set(value) <= set(SPLITS):
        raise ValueError(f"must be a dictionary by split: {', '.join(SPLITS)}")
    return FrozenDict({split: _factor_map(factors) for split, factors in value.items()})


def _held_out(value: Any) -> int | tuple[FrozenDict, ...]:
    if isinstance(value, (list, tuple)):
        return tuple(_factor_map(combination) for combination in value)
    try:
        return _integer(0, 1_000_000)(value)
    except ValueError:
        raise ValueError(
            "must be a number of combinations, or a list such as [{'class': 0, 'texture': 2}]"
        ) from None


def _rho(value: Any) -> tuple[float, ...]:
    if not isinstance(value, (tuple, list)) or len(value) != len(SPLITS):
        raise ValueError(f"must be 3 numbers from 0 to 1: {', '.join(SPLITS)}")
    return tuple(_number(0, 1)(v) for v in value)


def _split_buckets(value: Any) -> tuple[int, ...]:
    if not isinstance(value, (tuple, list)) or len(value) not in (0, len(SPLITS)):
        raise ValueError(f"must be 3 numbers of buckets: {', '.join(SPLITS)}")
    return tuple(_integer(0, MAX_BUCKETS)(v) for v in value)


# --- the settings, one class for each gin name ------------------------------------------------

GIN_NAMES = {
    "BatchSettings": "batch",
    "Design": "design",
    "Lighting": "lighting",
    "Material": "material",
    "Object": "object",
    "Rendering": "rendering",
    "Sample": "sample",
    "Scene": "scene",
}


@dataclass(frozen=True)
class BatchSettings(_Checked):
    """Which samples to render."""

    num_samples: int = _setting(20, _integer(1, MAX_SAMPLES))  # how many, from idx_offset on
    idx_offset: int = _setting(0, _integer(0, MAX_TOTAL_SAMPLES))  # index of the first one
    cache_obj_frames: int = _setting(10, _integer(1, 10_000))  # samples that share models: a group
    seed: int = _setting(0, _integer(0, MAX_SEED))  # of every random choice
    files_per_folder: int = _setting(10_000, _files_per_folder)  # then img/0001/; 0: all in img/

    @property
    def idxs(self) -> range:
        """Indexes of the samples."""
        return range(self.idx_offset, self.idx_offset + self.num_samples)


@dataclass(frozen=True)
class Design(_Checked):
    """How factors vary together; see `synrender.sampling.designs`."""

    kind: tuple[str, ...] = _setting(("random",), _kinds)  # one or more of DESIGNS
    levels: FrozenDict = _setting(FrozenDict(), _factor_map)  # factor: how many, or a list
    fixed: FrozenDict = _setting(FrozenDict(), _factor_map)  # factor: its value in all samples
    repeats: int = _setting(1, _integer(1, MAX_TOTAL_SAMPLES))  # grid: samples of each combination
    grid: tuple[str, ...] = _setting((), _factor_names)  # factors of the grid; (): all with levels
    sweeps: tuple[str, ...] = _setting((), _factor_names)  # one_at_a_time: likewise
    twins: tuple[str, ...] = _setting((), _factor_names)  # twins differ in one of these; likewise
    twin_size: int = _setting(2, _integer(2, 1000))  # samples of a tuple of twins
    shortcut: tuple[str, ...] = _setting((), _factor_names)  # (cue, target)
    rho: tuple[float, ...] = _setting((0.95, 0.0, 0.0), _rho)  # its strength in each split
    held_out: int | tuple[FrozenDict, ...] = _setting(0, _held_out)  # combinations, by level
    held_out_factors: tuple[str, ...] = _setting((), _factor_names)  # where held_out is a number
    inner_ranges: FrozenDict = _setting(FrozenDict(), _factor_map)  # factor: (low, high)
    parents: FrozenDict = _setting(FrozenDict(), _parent_map)  # causal: child: its parents
    tables: FrozenDict = _setting(FrozenDict(), _factor_map)  # child: rows of probabilities
    strength: float = _setting(0.8, _number(0, 1))  # of tables that are drawn
    do: FrozenDict = _setting(FrozenDict(), _split_map)  # split: factor: level, or 'even'
    split: tuple[int, ...] = _setting((), _split_buckets)  # buckets of each; (): all but 2, 1, 1


@dataclass(frozen=True)
class Lighting(_Checked):
    """Position of the point light: angle -0.5 + r * N(0, 1) on an arc above the scene."""

    r: float = _setting(0.0, _angle)  # standard deviation of the angle, rad


@dataclass(frozen=True)
class Material(_Checked):
    """Textures and colours."""

    color_intensity: float = _setting(0.0, _number(0, 1))  # 0: texture alone, 1: colour alone
    color_variation: float = _setting(0.2, _number(0, 1000))  # std; 0.3 of it on the hue
    num_modes: int = _setting(1, _integer(1, 1000))  # reference colours of a class
    use_color_ref: bool = _setting(True, _boolean)  # colours by class, or random colours
    use_emission: bool = _setting(False, _boolean)  # no shading, no shadows
    use_texture: bool = _setting(True, _boolean)  # texture images, or plain colour


@dataclass(frozen=True)
class Object(_Checked):
    """Pose of the objects, and how the models are split over the data set."""

    random_scaling: float = _setting(0.0, _number(0, 1000))  # std of the scale around 0.8
    random_viewpoint: float = _setting(0.0, _angle)  # std added to each Euler angle, rad
    random_warp: float = _setting(0.1, _number(0, 1000))  # std of the scale of each axis
    total_num_samples: int = _setting(
        60000, _integer(1, MAX_TOTAL_SAMPLES)
    )  # of the whole data set
    n_buckets: int = _setting(12, _integer(1, MAX_BUCKETS))  # slices with models of their own


@dataclass(frozen=True)
class Rendering(_Checked):
    """How Blender renders and what it writes."""

    render_exr: bool = _setting(False, _boolean)  # EXR with label passes, or PNG
    render_samples: int = _setting(32, _integer(1, 1 << 24))  # per pixel, at most
    renderer: str = _setting("cycles", _one_of(RENDERERS))
    resolution: int = _setting(128, _integer(1, MAX_RESOLUTION))  # side of the square image, px
    use_gpu: bool = _setting(False, _boolean)
    view_transform: str = _setting("Standard", _one_of(VIEW_TRANSFORMS))  # of a PNG's colours
    denoise: bool = _setting(True, _boolean)  # if this Blender has a denoiser
    denoise_prefilter: str = _setting("fast", _one_of(PREFILTERS))  # of albedo and normals
    adaptive_threshold: float = _setting(0.02, _number(0, 1))  # noise to stop at; 0: off
    threads: int = _setting(0, _integer(0, MAX_THREADS))  # 0: one for each CPU
    labels: tuple[str, ...] = _setting((), _labels)  # of LABELS, besides instance, class, depth

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.labels and not self.render_exr:
            raise UserError(
                f"rendering.labels = {self.labels!r}: a PNG has no room for labels; set "
                "rendering.render_exr = True"
            )


@dataclass(frozen=True)
class Sample(_Checked):
    """What is in a sample."""

    num_objs: int = _setting(1, _integer(1, MAX_OBJECTS))
    class_idxs: int | tuple[int, ...] = _setting(10, _class_idxs)  # N: all of 0..N-1, or a list
    balanced: bool = _setting(False, _boolean)  # classes take turns over the groups
    classes: tuple[str, ...] = _setting(DEFAULT_CLASSES, _classes)  # names or ids; idx is class id

    @property
    def class_list(self) -> tuple[int, ...]:
        """Class ids that may appear, in order."""
        if isinstance(self.class_idxs, int):
            return tuple(range(self.class_idxs))
        return self.class_idxs


@dataclass(frozen=True)
class Scene(_Checked):
    """Camera, lights and backdrop. World: Z up, metres."""

    camera_location: tuple[float, ...] = _setting((1.0, 0.0, 0.4), _location)  # m
    camera_rotation: tuple[float, ...] = _setting(  # Euler XYZ, rad
        (0.36 * math.pi, 0.0, 0.5 * math.pi), _vector(3, MAX_ANGLE_RAD)
    )
    camera_lens: float = _setting(50.0, _number(1, 5000))  # mm, on a sensor 36 mm wide
    light_energy: float = _setting(100.0, _energy)  # of the point light, W
    light_radius: float = _setting(1.0, _length)  # of the point light, m: softness of shadows
    light_distance: float = _setting(1.5, _length)  # of it from the origin, m
    sun_energy: float = _setting(1.0, _energy)  # W / m^2, straight from above
    backdrop_size: float = _setting(20.0, _number(0.01, MAX_LENGTH_M))  # side of the plane, m
    backdrop_location: tuple[float, ...] = _setting((-3.0, 0.0, -1.2), _location)  # m


@dataclass(frozen=True)
class Settings:
    """All settings of a run."""

    batch: BatchSettings = field(default_factory=BatchSettings)
    design: Design = field(default_factory=Design)
    lighting: Lighting = field(default_factory=Lighting)
    material: Material = field(default_factory=Material)
    object: Object = field(default_factory=Object)
    rendering: Rendering = field(default_factory=Rendering)
    sample: Sample = field(default_factory=Sample)
    scene: Scene = field(default_factory=Scene)

    def __post_init__(self) -> None:
        end, total = self.batch.idx_offset + self.batch.num_samples, self.object.total_num_samples
        if end > total:
            raise UserError(
                f"batch.idx_offset + batch.num_samples = {end}: must be at most "
                f"object.total_num_samples = {total}; increase it for a larger data set"
            )
        if self.object.n_buckets > total:
            raise UserError(
                f"object.n_buckets = {self.object.n_buckets}: must be at most "
                f"object.total_num_samples = {total}"
            )
        num_classes, last = len(self.sample.classes), max(self.sample.class_list)
        if last >= num_classes:
            raise UserError(
                f"sample.class_idxs = {self.sample.class_idxs!r}: class {last} does not exist; "
                f"sample.classes names {num_classes}, 0 to {num_classes - 1}"
            )
        if self.rendering.render_exr and last >= BACKDROP_PASS_INDEX:
            raise UserError(
                f"sample.class_idxs = {self.sample.class_idxs!r}: with rendering.render_exr class "
                f"ids must be below {BACKDROP_PASS_INDEX}, the backdrop's own index"
            )


# --- gin ----------------------------------------------------------------------------------------


def find_config(name: str) -> Path:
    """Path of a gin file given by its name in ``config/`` (``render_multi``) or by its path.

    Raises:
        UserError: there is no such file.
    """
    named = [folder / f"{name}.gin" for folder in CONFIG_DIRS]
    for candidate in (*named, Path(name), Path(f"{name}.gin")):
        if candidate.is_file():
            return candidate
    names = [path.stem for folder in CONFIG_DIRS for path in folder.glob("*.gin")]
    raise UserError(
        f"--gin_config {name}: no such file in config/ and no such path{nearest_name(name, names)}"
    )


def load_settings(gin_config: Iterable[str] = (), gin_param: Iterable[str] = ()) -> Settings:
    """Reads gin files, then bindings (which win), and returns checked settings.

    Args:
        gin_config: names from ``config/`` without ``.gin``, or paths; later ones win.
        gin_param: bindings such as ``"material.use_texture = False"``.

    Raises:
        UserError: an unknown file, name or parameter, or a value of the wrong type or range.
    """
    bindings: list[Binding] = []
    for name in gin_config:
        bindings += read_gin_file(find_config(name))
    for text in gin_param:
        if "=" not in text:
            shown = shorten(repr(text))
            raise UserError(f"--gin_param {shown}: must read 'name.parameter = value'")
        bindings += read_gin_text(text)
    types = dict(_setting_types())
    groups: dict[str, dict[str, Any]] = {group: {} for group in types}
    for binding in bindings:
        group, parameter = binding.group, binding.parameter
        if group not in types:
            hint = nearest_name(group, types)
            raise UserError(f"{shorten(group)}: no such group of parameters{hint}")
        parameters = [f.name for f in dataclasses.fields(types[group])]
        if parameter not in parameters:
            hint = nearest_name(parameter, parameters)
            raise UserError(f"{group}.{shorten(parameter)}: no such parameter{hint}")
        groups[group][parameter] = binding.value
    return _create_settings(groups)


def _create_settings(groups: dict[str, dict[str, Any]]) -> Settings:
    """Settings of checked values; what a group lacks has its default."""
    made: dict[str, Any] = {name: kind(**groups[name]) for name, kind in _setting_types()}
    return Settings(**made)


def _setting_types() -> list[tuple[str, type[_Checked]]]:
    by_class = {c.__name__: c for c in _Checked.__subclasses__()}
    return [(name, by_class[class_name]) for class_name, name in GIN_NAMES.items()]


# --- to and from other formats --------------------------------------------------------------------


def settings_to_dict(settings: Settings) -> dict[str, Any]:
    """Flat dictionary ``{"batch.seed": 0, ...}`` with values that JSON can hold."""
    return {
        f"{group}.{name}": list(value) if isinstance(value, tuple) else value
        for group, values in dataclasses.asdict(settings).items()
        for name, value in values.items()
    }


def dict_to_settings(values: dict[str, Any]) -> Settings:
    """Converts back from `settings_to_dict`; missing settings have their default.

    Raises:
        UserError: an unknown name, or a value of the wrong type or range.
    """
    types = dict(_setting_types())
    groups: dict[str, dict[str, Any]] = {group: {} for group in types}
    for name, value in values.items():
        group, _, parameter = name.partition(".")
        if group not in types or parameter not in {
            f.name for f in dataclasses.fields(types[group])
        }:
            raise UserError(f"{shorten(name)}: no such setting")
        groups[group][parameter] = value
    return _create_settings(groups)


def with_layout(settings: Settings, files_per_folder: int) -> Settings:
    """The settings with ``batch.files_per_folder`` as a data set has it."""
    batch = dataclasses.replace(settings.batch, files_per_folder=files_per_folder)
    return dataclasses.replace(settings, batch=batch)


def settings_to_gin(settings: Settings) -> str:
    """All settings as gin text, from which `load_settings` reads equal settings."""
    lines = []
    for group, values in dataclasses.asdict(settings).items():
        lines += [f"# Parameters for {group}:", "# " + "=" * 78]
        lines += [f"{group}.{name} = {value!r}" for name, value in sorted(values.items())]
        lines.append("")
    return "\n".join(lines)
