"""``dataset.json``, the description of a data set, as typed values that are checked when read."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from synrender.assets.provenance import Sources
from synrender.dataset.cpu_kinds import CpuSamples
from synrender.dataset.design_info import DesignInfo, check_design
from synrender.dataset.names import FLAT, INFO_FILE, MAX_INFO_BYTES
from synrender.errors import UserError, shorten
from synrender.settings.checks import check_line
from synrender.settings.factor_table import COLUMNS, FIRST_COLUMNS
from synrender.settings.groups import Settings
from synrender.settings.load import dict_to_settings, settings_to_dict
from synrender.system.cpus import CpuKind
from synrender.system.files import Hindrance, is_plain_name, read_small_file, write_text
from synrender.system.json_text import decode, parse_json

RENDER_REVISION = 2
"""Goes up with every change that alters any pixel or label of an unchanged configuration.

1: versions 0.1, which did not record it. 2: colors of textures are shown whatever their alpha, and
models are centered in double precision.
"""

_FIRST_VERSION = "0.1.0"

MAX_REVISION = 1_000_000

FORMAT_VERSION = 1
"""Version of the file format; increased when readers must handle a change."""

MAX_ROTATION_ERROR = 1e-6
"""Largest error of a camera's rotation matrix. Rounding alone leaves 1e-15."""

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
    incomplete: dict[str, str] = field(default_factory=dict)
    """Models that are shown without all of their own textures and colors: reason."""
    device: str | None = None  # such as "CPU"; None: unknown, or nothing rendered yet
    design: DesignInfo | None = None  # None: drawn at random
    render_revision: int = 1  # see `RENDER_REVISION`; data sets of revision 1 do not record it
    cpus: tuple[CpuSamples, ...] = ()  # which kind of CPU rendered which samples; empty: unknown
    num_columns: int = len(FIRST_COLUMNS)  # of factors, in each record: the first of COLUMNS

    def __post_init__(self) -> None:
        settings = self.settings
        for name, here, there in (
            ("seed", self.seed, settings.batch.seed),
            ("camera.resolution", self.camera.resolution, settings.rendering.resolution),
            ("classes", sorted(self.classes), sorted(settings.sample.class_list)),
        ):
            if here != there:
                raise ValueError(f"{name} is {shorten(here)}, the settings say {shorten(there)}")
        if not len(FIRST_COLUMNS) <= self.num_columns <= len(COLUMNS):
            raise ValueError(
                f"num_columns is {self.num_columns}, this program knows {len(FIRST_COLUMNS)} to "
                f"{len(COLUMNS)}"
            )
        if not 1 <= self.render_revision <= MAX_REVISION:
            raise ValueError(f"render_revision must be 1 to {MAX_REVISION}")
        if self.design:
            check_design(self.design, settings)


@dataclass(frozen=True)
class RenderedBy:
    """The program and the machine that rendered: pixels depend on them besides the settings."""

    blender: str  # version, such as "4.5.15"
    device: str  # such as "CPU" or "OPTIX: NVIDIA L4"
    cpu: CpuKind
    revision: int = RENDER_REVISION


def info_to_json(info: DatasetInfo) -> str:
    """Text of ``dataset.json``."""
    return json.dumps(info_to_dict(info), indent=1) + "\n"


def info_to_dict(info: DatasetInfo) -> dict[str, object]:
    """Content of ``dataset.json``, as values that JSON can hold."""
    values = {f.name: getattr(info, f.name) for f in dataclasses.fields(info)}
    for name in ("sources", "camera", "design"):
        values[name] = values[name] and dataclasses.asdict(values[name])
    if not info.incomplete:  # as in data sets from before there were models' own materials
        del values["incomplete"]
    values["cpus"] = [
        {name: value for name, value in dataclasses.asdict(entry).items() if value is not None}
        for entry in info.cpus
    ]
    values["classes"] = {str(c): dataclasses.asdict(v) for c, v in info.classes.items()}
    values["settings"] = settings_to_dict(info.settings)
    return values


_EARLIER = {"batch.files_per_folder": FLAT, "design.level_choice": "drawn"}
"""Settings that data sets of earlier versions do not have: files lay in one folder, and all levels
that were given as a number were drawn."""


def json_to_info(text: str) -> DatasetInfo:
    """Reads the text of ``dataset.json``.

    Raises:
        ValueError: the text is not valid; the message says where and why.
    """
    values = parse_json(text.encode())
    if not isinstance(values, dict):
        raise ValueError("must be a JSON object")
    return dict_to_info(values)


def dict_to_info(values: dict[str, object]) -> DatasetInfo:
    """Reads the content of ``dataset.json``; see `json_to_info`."""
    version = values.get("format_version")
    if version != FORMAT_VERSION:
        raise ValueError(
            f"format_version is {shorten(repr(version))}, this program reads {FORMAT_VERSION}"
        )
    settings = values.get("settings")
    if isinstance(settings, dict):
        values = {**values, "settings": dict_to_settings({**_EARLIER, **settings})}
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


# --- what rendered it -----------------------------------------------------------------------------


def find_rendered_by(info: DatasetInfo) -> RenderedBy | None:
    """Program and machine that rendered the latest samples; None if nothing is rendered yet."""
    blender, device = info.versions.get("blender"), info.device
    if not (blender and device and info.cpus):
        return None
    return RenderedBy(blender, device, info.cpus[-1].cpu, info.render_revision)


def find_device(info: DatasetInfo) -> str | None:
    """Device that rendered a data set; None if nothing is rendered yet or it is unknown.

    Older data sets record no device. They count as rendered on the CPU unless they allowed a GPU.
    Or they name a model of GPU once for each of its cards.
    """
    if info.device is not None:
        backend, colon, names = info.device.partition(": ")
        return f"{backend}{colon}{', '.join(dict.fromkeys(names.split(', ')))}"
    is_old = info.versions.get("blender") is not None
    return "CPU" if is_old and not info.settings.rendering.use_gpu else None


def is_other_revision(info: DatasetInfo, revision: int = RENDER_REVISION) -> bool:
    """Whether a revision, of this program by default, has other pixels than a data set."""
    return info.render_revision != revision


def refuse_other_revision(
    dataset_dir: Path, info: DatasetInfo, does_what: str, revision: int = RENDER_REVISION
) -> None:
    """Refuses to render a data set on, or again, with other pixels: those of another revision.

    The line ends with what the right version does, and any other remedy, such as ``"replays it"``.

    Raises:
        UserError: the revision is another one; the line says which version of this program to use.
    """
    if is_other_revision(info, revision):
        version = shorten(info.versions.get("synrender") or _FIRST_VERSION)
        raise UserError(
            f"{dataset_dir} has pixels of revision {info.render_revision}, and this program "
            f"renders revision {revision}: version {version} of it {does_what}"
        )
