"""``dataset.json``, the description of a data set, as typed values that are checked when read."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from synrender.assets.provenance import Sources
from synrender.dataset.cpu_kinds import CpuSamples
from synrender.dataset.design_checks import check_design
from synrender.dataset.listing import FLAT, MAX_INFO_BYTES
from synrender.dataset.names import INFO_FILE
from synrender.errors import UserError, shorten
from synrender.settings.bounds import check_line
from synrender.settings.groups import Settings
from synrender.settings.load import dict_to_settings, settings_to_dict
from synrender.system.files import is_plain_name, read_small_file, write_text
from synrender.system.hindrances import Hindrance
from synrender.system.json_text import decode, parse_json

MAX_REVISION = 1_000_000

FORMAT_VERSION = 1
"""Version of the file format; increased when readers must handle a change."""

MAX_ROTATION_ERROR = 1e-6
"""Of a camera's matrix: what rounding leaves is 1e-15."""

Matrix = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class CameraInfo:
    """The camera of all samples."""

    convention: str  # what the matrices mean, in words
    intrinsics: Matrix  # (3, 3) px
    world_to_camera: Matrix  # (4, 4) m
    lens_mm: float
    sensor_width_mm: float
    resolution: int  # side of the square image, px

    def __post_init__(self) -> None:
        for name, size in (("intrinsics", 3), ("world_to_camera", 4)):
            rows = getattr(self, name)
            if [len(row) for row in rows] != [size] * size:
                raise ValueError(f"{name} must have {size} rows of {size} numbers")
        if self.intrinsics[2] != (0, 0, 1) or not self.intrinsics[0][0] * self.intrinsics[1][1] > 0:
            raise ValueError("intrinsics is no matrix of a camera")
        turn = np.array(self.world_to_camera)[:3, :3]
        if self.world_to_camera[3] != (0, 0, 0, 1) or not np.allclose(
            turn @ turn.T, np.eye(3), atol=MAX_ROTATION_ERROR
        ):
            raise ValueError("world_to_camera is no rotation and translation")


@dataclass(frozen=True)
class ClassInfo:
    """One class that may appear."""

    name: str  # ShapeNet's name, such as "chair"
    synset_id: str

    def __post_init__(self) -> None:
        try:
            check_line(self.name)
        except ValueError as rule:
            raise ValueError(f"the class name {shorten(self.name)!r} {rule}") from None
        if not is_plain_name(self.synset_id):
            raise ValueError(f"the synset id {shorten(self.synset_id)!r} is no folder name")


@dataclass(frozen=True)
class DesignFactor:
    """A factor that a design names."""

    kind: str  # "categorical", "continuous" or "circular"
    scope: str  # "object", "backdrop" or "sample"
    unit: str
    columns: tuple[str, ...]  # of factor_values and factor_levels
    levels: tuple[tuple[float, ...], ...]  # values, one for each column; empty: drawn
    names: tuple[str, ...]  # of the levels of classes and textures; else empty


@dataclass(frozen=True)
class ShortcutInfo:
    """One factor predicts another."""

    cue: str
    target: str
    partners: tuple[int, ...]  # cue level of each target level
    rho: tuple[float, ...]  # strength in training, validation and test


@dataclass(frozen=True)
class CausalInfo:
    """A directed acyclic graph over factors."""

    parents: dict[str, tuple[str, ...]]  # by child
    tables: dict[str, tuple[tuple[float, ...], ...]]  # a row for each combination of the parents
    do: dict[str, dict[str, int]]  # by split, factor: its level; -1: drawn evenly


@dataclass(frozen=True)
class DesignInfo:
    """How the factors of a data set vary together, with all that was drawn for it."""

    kinds: tuple[str, ...]
    factors: dict[str, DesignFactor]
    split_buckets: tuple[int, ...]  # of training, validation and test
    repeats: int  # of each combination of a grid
    block_size: int  # samples of a tuple of twins, or of a set of sweeps; else 1
    grid: tuple[str, ...]  # factors whose combinations are complete
    sweeps: tuple[str, ...]  # factors that are swept one at a time
    twins: tuple[str, ...]  # factors of which twins differ in one
    shortcut: ShortcutInfo | None
    held_out: tuple[dict[str, int], ...]  # level of each factor; test only
    inner_ranges: dict[str, tuple[float, ...]]  # (low, high); the test is outside
    causal: CausalInfo | None


@dataclass(frozen=True)
class DatasetInfo:
    """Content of ``dataset.json``."""

    format_version: int
    versions: dict[str, str | None]  # of this program, Blender, Python and packages
    seed: int
    sources: Sources
    camera: CameraInfo
    classes: dict[int, ClassInfo]  # by class id
    settings: Settings  # the batch includes the samples of all runs so far
    rejected: dict[str, str] = field(default_factory=dict)  # models and textures: reason
    device: str | None = None  # such as "CPU"; None: unknown, or nothing rendered yet
    design: DesignInfo | None = None  # None: drawn at random
    render_revision: int = 1  # see `RENDER_REVISION`; data sets of revision 1 do not record it
    cpus: tuple[CpuSamples, ...] = ()  # which kind of CPU rendered which samples; empty: unknown

    def __post_init__(self) -> None:
        settings = self.settings
        for name, here, there in (
            ("seed", self.seed, settings.batch.seed),
            ("camera.resolution", self.camera.resolution, settings.rendering.resolution),
            ("classes", sorted(self.classes), sorted(settings.sample.class_list)),
        ):
            if here != there:
                raise ValueError(f"{name} is {shorten(here)}, the settings say {shorten(there)}")
        if not 1 <= self.render_revision <= MAX_REVISION:
            raise ValueError(f"render_revision must be 1 to {MAX_REVISION}")
        if self.design:
            check_design(self.design, settings)


def info_to_json(info: DatasetInfo) -> str:
    """Text of ``dataset.json``."""
    values = {f.name: getattr(info, f.name) for f in dataclasses.fields(info)}
    for name in ("sources", "camera", "design"):
        values[name] = values[name] and dataclasses.asdict(values[name])
    values["cpus"] = [dataclasses.asdict(entry) for entry in info.cpus]
    values["classes"] = {str(c): dataclasses.asdict(v) for c, v in info.classes.items()}
    values["settings"] = settings_to_dict(info.settings)
    return json.dumps(values, indent=1) + "\n"


def json_to_info(text: str) -> DatasetInfo:
    """Reads the text of ``dataset.json``.

    Raises:
        ValueError: the text is not valid; the message says where and why.
    """
    values = parse_json(text.encode())
    if not isinstance(values, dict):
        raise ValueError("must be a JSON object")
    version = values.get("format_version")
    if version != FORMAT_VERSION:
        raise ValueError(
            f"format_version is {shorten(repr(version))}, this program reads {FORMAT_VERSION}"
        )
    settings = values.get("settings")
    if isinstance(settings, dict):
        # Data sets from before there were folders in img/ do not have this setting.
        values["settings"] = dict_to_settings({"batch.files_per_folder": FLAT, **settings})
    return decode(DatasetInfo, values)


def read_info(dataset_dir: Path) -> DatasetInfo | None:
    """Reads the description of a data set; None if the file does not exist.

    Raises:
        Hindrance: this process cannot read it.
        UserError: the file is damaged or from another program.
    """
    path = dataset_dir / INFO_FILE
    try:
        return json_to_info(read_small_file(path, MAX_INFO_BYTES).decode())
    except FileNotFoundError:
        return None
    except Hindrance:
        raise
    except (OSError, ValueError, UserError) as error:  # a setting out of range is a UserError
        raise UserError(
            f"{path}: damaged or not of this program ({error}); restore it, or choose another "
            "--dataset_name"
        ) from None


def read_required_info(dataset_dir: Path) -> DatasetInfo:
    """Reads the description of a data set, which must exist.

    Raises:
        UserError: the file is missing, damaged, or from another program.
    """
    info = read_info(dataset_dir)
    if info is None:
        raise UserError(f"{dataset_dir}: has no {INFO_FILE}, so it is no data set of render.py")
    return info


def write_info(dataset_dir: Path, info: DatasetInfo) -> None:
    """Writes ``dataset.json`` atomically."""
    write_text(dataset_dir / INFO_FILE, info_to_json(info))
