"""Settings: one frozen dataclass for each gin name, read once and passed as an argument."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import TypeVar

from synrender.errors import UserError, shorten
from synrender.settings import checks as check
from synrender.settings.caption_styles import STYLES
from synrender.settings.checks import (
    MAX_ANGLE_RAD,
    MAX_BUCKETS,
    MAX_LENGTH_M,
    MAX_OBJECTS,
    MAX_RESOLUTION,
    MAX_SAMPLES,
    MAX_SEED,
    MAX_THREADS,
    MAX_TOTAL_SAMPLES,
    Check,
    FrozenDict,
)
from synrender.settings.factor_table import JOINT

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


LAYOUTS = ("chain", "scatter")
UP_AXES = ("", "y", "z")
LIGHT_KINDS = ("point", "spot")
RENDERERS = ("cycles", "eevee")
PREFILTERS = ("none", "fast", "accurate")
VIEW_TRANSFORMS = ("Standard", "Filmic", "AgX", "Raw")
MATERIAL_SOURCES = ("texture", "own", "pbr")
ALPHA_RULES = ("opaque", "blend")


MIN_SPOT_RAD = math.radians(1)
"""Blender has no narrower cone of a spot light."""

SUN_RAD = 0.009180432
"""Width of the sun's disk: 0.526 degrees, Blender's own value."""

T = TypeVar("T")


def _setting(default: T, check: Check) -> T:
    return field(default=default, metadata={"check": check})


@dataclass(frozen=True)
class CheckedGroup:
    """Checks every field when an instance is created."""

    def __post_init__(self) -> None:
        for f in dataclasses.fields(self):
            value = getattr(self, f.name)
            try:
                object.__setattr__(self, f.name, f.metadata["check"](value))
            except ValueError as rule:
                name = next(name for name, kind in find_types().items() if kind is type(self))
                raise UserError(f"{name}.{f.name} = {shorten(repr(value))}: {rule}") from None


# --- the settings, one class for each gin name ------------------------------------------------


@dataclass(frozen=True)
class Assets(CheckedGroup):
    """Where models, textures and environments come from.

    SYNRENDER_MODELS_DIR, SYNRENDER_TEXTURES_DIR and SYNRENDER_ENVIRONMENTS_DIR win over `models`,
    `textures` and `environments`. `models` = 'builtin:shapes' has the classes cube, cylinder and
    sphere, which are made by code.
    """

    models: str = _setting("", check.models)  # a folder or file; "": ShapeNet, else the demo set
    source: str = _setting("", check.name_or_none)  # layout, such as 'folder'; "": recognize it
    textures: str = _setting("", check.path)  # DTD, a folder of images, a list; "": DTD, else demo
    environments: str = _setting("", check.path)  # a folder of .hdr and .exr images; "": the demo's
    up_axis: str = _setting("", check.one_of(UP_AXES))  # of models; "": 'y', as glTF has it


@dataclass(frozen=True)
class BatchSettings(CheckedGroup):
    """Which samples to render."""

    num_samples: int = _setting(20, check.integer(1, MAX_SAMPLES))  # how many, from idx_offset on
    idx_offset: int = _setting(0, check.integer(0, MAX_TOTAL_SAMPLES))  # index of the first one
    cache_obj_frames: int = _setting(
        10, check.integer(1, 10_000)
    )  # a group: samples that share models
    seed: int = _setting(0, check.integer(0, MAX_SEED))  # of every random choice
    files_per_folder: int = _setting(
        10_000, check.files_per_folder
    )  # then img/0001/; 0: all in img/

    @property
    def idxs(self) -> range:
        """Indexes of the samples."""
        return range(self.idx_offset, self.idx_offset + self.num_samples)


@dataclass(frozen=True)
class Captions(CheckedGroup):
    """Sentences about each sample. They are made when a data set is read, and change no pixel.

    `patterns` replaces single patterns of the style; see `synrender.settings.caption_styles`.
    """

    style: str = _setting("full", check.one_of(tuple(STYLES)))
    patterns: FrozenDict = _setting(FrozenDict(), check.caption_patterns)  # name: pattern
    num_negatives: int = _setting(4, check.integer(0, 100))  # false captions of each sample


@dataclass(frozen=True)
class Design(CheckedGroup):
    """How factors vary together; see `synrender.sampling.designs`."""

    kind: tuple[str, ...] = _setting(("random",), check.kinds)  # one or more of DESIGNS
    levels: FrozenDict = _setting(FrozenDict(), check.factor_map)  # factor: how many, or a list
    level_choice: str = _setting(  # how a number of levels becomes values: evenly, or by chance
        "spread", check.one_of(check.LEVEL_CHOICES)
    )
    distributions: FrozenDict = _setting(FrozenDict(), check.distribution_map)  # factor: from what
    fixed: FrozenDict = _setting(  # factor: its value
        FrozenDict(), check.factor_map_like("{'azimuth': 0.5}")
    )
    repeats: int = _setting(1, check.integer(1, MAX_TOTAL_SAMPLES))  # grid: of each combination
    grid: tuple[str, ...] = _setting((), check.factor_names)  # of the grid; (): all with levels
    sweeps: tuple[str, ...] = _setting((), check.factor_names)  # one_at_a_time: likewise
    twins: tuple[str, ...] = _setting((), check.factor_names)  # that twins differ in; likewise
    twin_size: int = _setting(2, check.integer(2, 1000))  # samples of a tuple of twins
    length: int = _setting(8, check.integer(2, 10_000))  # samples of a sequence
    paths: FrozenDict = _setting(FrozenDict(), check.path_map)  # sequence: how factors move
    shortcut: tuple[str, ...] = _setting((), check.factor_names)  # (cue, target)
    rho: tuple[float, ...] = _setting((0.95, 0.0, 0.0), check.rho)  # its strength in each split
    held_out: int | tuple[FrozenDict, ...] = _setting(0, check.held_out)  # combinations, by level
    held_out_factors: tuple[str, ...] = _setting((), check.factor_names)  # if held_out is a number
    inner_ranges: FrozenDict = _setting(FrozenDict(), check.factor_map)  # factor: (low, high)
    parents: FrozenDict = _setting(FrozenDict(), check.parent_map)  # causal: child: its parents
    tables: FrozenDict = _setting(  # child: rows of probabilities
        FrozenDict(), check.factor_map_like("{'texture': [[0.9, 0.1], [0.2, 0.8]]}")
    )
    strength: float = _setting(0.8, check.number(0, 1))  # of tables that are drawn
    do: FrozenDict = _setting(FrozenDict(), check.split_map)  # split: factor: level, or 'even'
    split: tuple[int, ...] = _setting((), check.split_buckets)  # (): all but 2, 1, 1

    @property
    def backdrops(self) -> frozenset[str]:
        """Names of backdrops that samples can have, if any are named."""
        levels, weights = self.levels.get("backdrop"), self.distributions.get("backdrop")
        named = [*(levels if isinstance(levels, tuple) else ()), self.fixed.get("backdrop")]
        if weights is not None:
            named += [name for name, weight in weights[1].items() if weight]
        return frozenset(name for name in named if isinstance(name, str))

    @property
    def decided(self) -> frozenset[str]:
        """Factors that get their values from the design; of a joint name, all of its parts."""
        named = (*self.levels, *self.fixed, *self.distributions, *self.paths)
        return frozenset(part for name in named for part in JOINT.get(name, (name,)))


@dataclass(frozen=True)
class Lighting(CheckedGroup):
    """Position of the point light: angle -0.5 + r * N(0, 1) on an arc above the scene."""

    r: float = _setting(0.0, check.angle)  # standard deviation of the angle, rad


@dataclass(frozen=True)
class Material(CheckedGroup):
    """What the objects and the backdrop are made of.

    With `source` = 'texture' all of them show images of the textures, or plain colors. With 'pbr'
    these images come with maps of roughness, metalness and normals, where a texture has them. With
    'own' each object shows the materials of its model's file, and only the backdrop shows a
    texture or plain color.

    Labels are those of the first surface. Alpha masks of a model's materials cut image and labels
    alike. A blended alpha is rendered opaque, or with `alpha` = 'blend' as it is; labels are equal.
    """

    alpha: str = _setting("opaque", check.one_of(ALPHA_RULES))  # of blended own materials
    color_intensity: float = _setting(0.0, check.number(0, 1))  # 0: texture alone, 1: color alone
    color_variation: float = _setting(0.2, check.number(0, 1000))  # std; 0.3 of it on the hue
    num_modes: int = _setting(1, check.integer(1, 1000))  # reference colors of a class
    source: str = _setting("texture", check.one_of(MATERIAL_SOURCES))  # 'own': the model's file
    use_color_ref: bool = _setting(True, check.boolean)  # colors by class, or random colors
    use_emission: bool = _setting(False, check.boolean)  # no shading, no shadows
    use_texture: bool = _setting(True, check.boolean)  # texture images, or plain color

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.alpha == "blend" and self.source != "own":
            raise UserError(
                f"material.alpha = 'blend': with material.source = {self.source!r} nothing has an "
                "alpha; set material.source = 'own'"
            )
        if self.source == "pbr" and not self.use_texture:
            raise UserError(
                "material.source = 'pbr': shows textures, and material.use_texture = False leaves "
                "them out; set material.use_texture = True"
            )


@dataclass(frozen=True)
class Object(CheckedGroup):
    """Pose of the objects, and how the models are split over the data set."""

    random_scaling: float = _setting(0.0, check.number(0, 1000))  # std of the scale around 0.8
    random_viewpoint: float = _setting(0.0, check.angle)  # std added to each Euler angle, rad
    random_warp: float = _setting(0.1, check.number(0, 1000))  # std of the scale of each axis
    own_size: bool = _setting(False, check.boolean)  # of models' files, in m; else 0.7 m at scale 1
    total_num_samples: int = _setting(
        60000, check.integer(1, MAX_TOTAL_SAMPLES)
    )  # of the whole data set
    n_buckets: int = _setting(12, check.integer(1, MAX_BUCKETS))  # slices with models of their own


@dataclass(frozen=True)
class Rendering(CheckedGroup):
    """How Blender renders and what it writes."""

    render_exr: bool = _setting(False, check.boolean)  # EXR with label passes, or PNG
    render_samples: int = _setting(32, check.integer(1, 1 << 24))  # per pixel, at most
    renderer: str = _setting("cycles", check.one_of(RENDERERS))
    resolution: int = _setting(128, check.integer(1, MAX_RESOLUTION))  # side of the image, px
    use_gpu: bool = _setting(False, check.boolean)
    allow_mixed_devices: bool = _setting(False, check.boolean)  # of samples of a data set
    view_transform: str = _setting("Standard", check.one_of(VIEW_TRANSFORMS))  # of a PNG's colors
    denoise: bool = _setting(True, check.boolean)  # if this Blender has a denoiser
    denoise_prefilter: str = _setting("fast", check.one_of(PREFILTERS))  # of albedo and normals
    adaptive_threshold: float = _setting(0.02, check.number(0, 1))  # noise to stop at; 0: off
    threads: int = _setting(0, check.integer(0, MAX_THREADS))  # 0: one for each CPU
    labels: tuple[str, ...] = _setting((), check.labels)  # of LABELS, besides the usual

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.labels and not self.render_exr:
            raise UserError(
                f"rendering.labels = {self.labels!r}: a PNG has no room for labels; set "
                "rendering.render_exr = True"
            )


@dataclass(frozen=True)
class Sample(CheckedGroup):
    """What is in a sample."""

    num_objs: int = _setting(1, check.integer(1, MAX_OBJECTS))
    class_idxs: int | tuple[int, ...] = _setting(10, check.class_idxs)  # N: 0 to N - 1, or a list
    balanced: bool = _setting(False, check.boolean)  # classes take turns over the groups
    every_model: bool = _setting(False, check.boolean)  # all models of a bucket take turns
    classes: tuple[str, ...] = _setting(
        DEFAULT_CLASSES, check.classes
    )  # names or ids; idx is class id

    @property
    def class_list(self) -> tuple[int, ...]:
        """Class ids that may appear, in order."""
        if isinstance(self.class_idxs, int):
            return tuple(range(self.class_idxs))
        return self.class_idxs


@dataclass(frozen=True)
class Scene(CheckedGroup):
    """Camera, lights and backdrop. World: Z up, meters.

    With `ground` the backdrop is a level plane below the origin, in place of one that faces the
    camera; with another `backdrop` than the plane only the shadows on it are seen. With `standing`
    objects stand on it: the z of `layout` is the height of an object's lowest point above the
    ground, 0 unless a design says it, and `object.random_viewpoint` turns objects about the
    vertical axis alone.

    With `layout` = 'scatter' objects are anywhere in a square. Two centers are at least as far
    apart as `layout_distance` times the mean of the two scales. Their difference across the view,
    and along it, is at least `layout_margin`: so it is clear what is left, right, in front and
    behind.
    """

    camera_location: tuple[float, ...] = _setting((1.0, 0.0, 0.4), check.location)  # m
    camera_rotation: tuple[float, ...] = _setting(  # Euler XYZ, rad
        (0.36 * math.pi, 0.0, 0.5 * math.pi), check.vector(3, MAX_ANGLE_RAD)
    )
    camera_lens: float = _setting(50.0, check.number(1, 5000))  # mm, on a sensor 36 mm wide
    focus_distance: float = _setting(0.0, check.length)  # m along the view; 0: nearest object
    light_energy: float = _setting(100.0, check.energy)  # of all lights but the sun together, W
    light_radius: float = _setting(1.0, check.length)  # of each, m: softness of shadows
    light_distance: float = _setting(1.5, check.length)  # of each from the origin, m
    light_kind: str = _setting("point", check.one_of(LIGHT_KINDS))  # a spot aims at the origin
    spot_angle: float = _setting(0.785, check.number(MIN_SPOT_RAD, math.pi))  # of its cone, rad
    spot_blend: float = _setting(0.15, check.number(0, 1))  # share of the cone with a soft edge
    sun_energy: float = _setting(1.0, check.energy)  # W / m^2, straight from above
    sun_angle: float = _setting(SUN_RAD, check.number(0, math.pi))  # its width: softness of shadows
    backdrop_size: float = _setting(20.0, check.number(0.01, MAX_LENGTH_M))  # side of the plane, m
    backdrop_location: tuple[float, ...] = _setting((-3.0, 0.0, -1.2), check.location)  # m
    ground: bool = _setting(False, check.boolean)  # the backdrop lies flat, and objects stand on it
    ground_height: float = _setting(-0.25, check.number(-MAX_LENGTH_M, MAX_LENGTH_M))  # its z, m
    standing: bool = _setting(True, check.boolean)  # on the ground, if there is one
    layout: str = _setting("chain", check.one_of(LAYOUTS))  # or 'scatter', over a square
    layout_size: float = _setting(2.0, check.length)  # side of that square about the origin, m
    layout_distance: float = _setting(0.7, check.length)  # of two centers at scale 1, at least, m
    layout_margin: float = _setting(0.0, check.length)  # likewise across and along the view, m


@dataclass(frozen=True)
class Settings:
    """All settings of a run."""

    assets: Assets = field(default_factory=Assets)
    batch: BatchSettings = field(default_factory=BatchSettings)
    captions: Captions = field(default_factory=Captions)
    design: Design = field(default_factory=Design)
    lighting: Lighting = field(default_factory=Lighting)
    material: Material = field(default_factory=Material)
    object: Object = field(default_factory=Object)
    rendering: Rendering = field(default_factory=Rendering)
    sample: Sample = field(default_factory=Sample)
    scene: Scene = field(default_factory=Scene)
    named: tuple[str, ...] = field(default=(), compare=False, repr=False)
    """Settings that the command line names, then those of its gin files; used only in messages."""

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
        if self.sample.every_model:
            self._check_turns()
        if self.scene.layout == "scatter":
            self._check_scatter()
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
        without_plane = sorted(self.design.backdrops - {"plane"})
        if without_plane and self.scene.ground and self.rendering.renderer == "eevee":
            raise UserError(
                f"design: 'backdrop': {without_plane[0]!r}: of a ground only shadows are seen, "
                "which Eevee cannot render; set rendering.renderer = 'cycles' or scene.ground = "
                "False"
            )

    def _check_scatter(self) -> None:
        """Refuses designs that vary what scattered objects keep their distances by."""
        design, has_margin = self.design, self.scene.layout_margin > 0
        moved = {*design.levels, *design.paths, *design.twins}
        kept = {"scale", *(("camera_azimuth", "camera_direction") if has_margin else ())}
        if taken := sorted(moved & kept):
            raise UserError(
                f"scene.layout = 'scatter': objects keep their distances by {taken[0]!r}, which "
                "the design varies; give it a value in design.fixed or a distribution"
            )

    def _check_turns(self) -> None:
        """Refuses other choices of classes and models beside those of all models by turns."""
        named = {*self.design.decided, *self.design.twins}
        taken = ["sample.balanced"] if self.sample.balanced else []
        taken += [f"design: {name!r}" for name in ("class", "model") if name in named]
        if taken:
            raise UserError(
                f"sample.every_model = True: models take turns, and {taken[0]} chooses them in "
                "another way; leave one of the two out"
            )


def has_alpha(settings: Settings) -> bool:
    """Whether a data set can have images through which one sees."""
    return "none" in settings.design.backdrops


def is_standing(settings: Settings) -> bool:
    """Whether objects stand on a ground."""
    return settings.scene.ground and settings.scene.standing


def find_split_buckets(design: Design, n_buckets: int) -> tuple[int, ...]:
    """Numbers of buckets of training, validation and test.

    Raises:
        UserError: ``design.split`` does not add up.
    """
    if not design.split:
        return (n_buckets - 2, 1, 1) if n_buckets > 2 else (n_buckets, 0, 0)
    if sum(design.split) != n_buckets:
        raise UserError(
            f"design.split = {design.split}: must add up to object.n_buckets = {n_buckets}"
        )
    return design.split


def find_types() -> dict[str, type[CheckedGroup]]:
    """Each class of settings by its name in gin files."""
    values = vars(Settings())
    return {name: type(value) for name, value in values.items() if isinstance(value, CheckedGroup)}
