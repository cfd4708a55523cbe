"""Folders: of this program and its version, and of data sets, models and textures."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import synrender
from synrender.errors import UserError

PROJECT_DIR = Path(__file__).resolve().parents[2]

CONFIG_DIRS = (PROJECT_DIR / "config", Path(__file__).resolve().parents[1] / "config")
"""Folders that are searched for gin files: of a clone, and of an installed package."""

SHAPENET_VARIABLE, DTD_VARIABLE = "SYNRENDER_SHAPENET_DIR", "SYNRENDER_DTD_DIR"
MODELS_VARIABLE, TEXTURES_VARIABLE = "SYNRENDER_MODELS_DIR", "SYNRENDER_TEXTURES_DIR"
ENVIRONMENTS_VARIABLE = "SYNRENDER_ENVIRONMENTS_DIR"
DATA_VARIABLE = "SYNRENDER_DATA_DIR"

NO_DEFAULTS: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True)
class Folders:
    """Paths of a run; all are absolute."""

    data: Path  # data sets are written to and read from this folder
    shapenet: Path | None = None  # ShapeNetCore.v2; None: the data folder's, else the demo models
    dtd: Path | None = None  # DTD; None: the data folder's, else the demo textures
    models: Path | None = None  # a folder or file of models in any layout, instead of ShapeNet
    textures: Path | None = None  # a folder of images or a list of them, instead of DTD
    environments: Path | None = None  # a folder of HDR images; None: the demo environments

    @property
    def demo(self) -> Path:
        """Folder of the built-in demo models and textures."""
        return self.data / "demo_assets"

    @property
    def demo_environments(self) -> Path:
        """Folder of the built-in demo environments."""
        return self.data / "demo_environments"

    @property
    def shapes(self) -> Path:
        """Folder of the built-in cube, sphere and cylinder."""
        return self.data / "demo_shapes"

    @property
    def blender(self) -> Path:
        """Folder for files that Blender itself writes: caches, settings, scratch files."""
        return self.data / ".blender"

    @property
    def fanout(self) -> Path:
        """Folder for journals and logs of fan-outs that are running."""
        return self.data / ".fanout"

    def __reduce__(self) -> tuple:
        """Pickles paths as text, because Python 3.11 cannot read a path pickled by Python 3.13."""
        paths = (getattr(self, f.name) for f in dataclasses.fields(self))
        return _create_folders, tuple(p and str(p) for p in paths)


def find_folders(
    environment: Mapping[str, str], defaults: Mapping[str, object] = NO_DEFAULTS
) -> Folders:
    """Reads the folders from environment variables, else from the defaults.

    Call it once, at the start of a command, and pass the result on.

    Args:
        environment: such as ``os.environ``; empty values count as unset.
        defaults: ``DATA_DIR``, ``SHAPENET_DIR`` and ``DTD_DIR``, such as ``vars(paths)``; None
            counts as unset.

    Raises:
        UserError: a default is no path, or there is no such home folder.
    """

    def find(variable: str, default: str) -> str | None:
        value = environment.get(variable) or defaults.get(default)
        if not isinstance(value, (str, os.PathLike, type(None))):
            raise UserError(f"paths.py: {default} = {value!r}: must be a path in quotes, or None")
        return os.fspath(value) if value else None

    return _create_folders(
        find(DATA_VARIABLE, "DATA_DIR") or _default_data_dir(),
        find(SHAPENET_VARIABLE, "SHAPENET_DIR"),
        find(DTD_VARIABLE, "DTD_DIR"),
        environment.get(MODELS_VARIABLE),
        environment.get(TEXTURES_VARIABLE),
        environment.get(ENVIRONMENTS_VARIABLE),
    )


def _create_folders(data: str | Path, *others: str | None) -> Folders:
    return Folders(to_absolute(data), *(to_absolute(path) if path else None for path in others))


def to_absolute(path: str | Path) -> Path:
    """An absolute path, in which ``~`` is a home folder: shells replace it only in some places.

    Raises:
        UserError: there is no such home folder, or the path is not UTF-8, as records need it.
    """
    try:
        absolute = Path(path).expanduser().absolute()
        str(absolute).encode()
    except RuntimeError:
        raise UserError(f"{path}: there is no such home folder; write the whole path") from None
    except UnicodeEncodeError:
        raise UserError(f"{path}: its name is not UTF-8; give it another one") from None
    return absolute


def is_clone() -> bool:
    """Whether this code runs from a clone or an editable install, not from site-packages."""
    return (PROJECT_DIR / "pyproject.toml").is_file()


def _default_data_dir() -> Path:
    """``datasets/`` in the clone, or in the current folder for an installed package."""
    return (PROJECT_DIR if is_clone() else Path.cwd()) / "datasets"


def find_program_version() -> str:
    """Version of this program, with the git commit if it runs from a clone."""
    if not (PROJECT_DIR / ".git").exists():  # do not use an outer repository's commit
        return synrender.__version__
    command = ["git", "-C", str(PROJECT_DIR), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        commit = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return synrender.__version__
    return f"{synrender.__version__}+{commit}"
