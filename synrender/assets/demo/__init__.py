"""The built-in demo set: generated models (ShapeNetCore.v2 layout) and textures (DTD layout).

It replaces the real data sets if they are missing, so that everything runs without a download. Its
environments are a set of their own, which is made when it is used.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from synrender.errors import UserError
from synrender.system.locks import temporary_folder

from .environments import write_environments
from .models import NUM_MODELS_PER_CLASS, SYNSETS, write_models
from .shapes import write_shapes
from .textures import write_textures

__all__ = [
    "DEMO_VERSION",
    "ENVIRONMENTS_VERSION",
    "NUM_MODELS_PER_CLASS",
    "SYNSET_IDS",
    "ensure_demo",
    "ensure_demo_environments",
    "ensure_shapes",
]

DEMO_VERSION = 2
ENVIRONMENTS_VERSION = 1
SHAPES_VERSION = 1
"""Increase them whenever a file of their sets changes; an older set on disk is then replaced."""

DEMO_SEED = 2023

SYNSET_IDS = frozenset(synset_id for synset_id, _ in SYNSETS.values())
"""ShapeNet's ids of the classes of the demo set."""


def ensure_demo(root: Path) -> tuple[Path, Path]:
    """Create the demo set in `root` if it is missing or old; returns (shapenet_dir, dtd_dir).

    The set is written to a folder beside `root` and then renamed, so that a killed or concurrent
    run never leaves an incomplete set. Only a folder with a `version` file is replaced.
    """
    root = Path(root)
    shapenet_dir, dtd_dir = root / "ShapeNetCore.v2", root / "dtd"

    def write(folder: Path) -> None:
        write_models(folder / "ShapeNetCore.v2", DEMO_SEED)
        write_textures(folder / "dtd")

    _ensure(root, DEMO_VERSION, write)
    return shapenet_dir, dtd_dir


def ensure_demo_environments(root: Path) -> None:
    """Creates the demo environments in `root` if they are missing or old, as `ensure_demo` does."""
    _ensure(root, ENVIRONMENTS_VERSION, write_environments)


def ensure_shapes(root: Path) -> None:
    """Creates the cube, the sphere and the cylinder in `root`, as `ensure_demo` does."""
    _ensure(root, SHAPES_VERSION, write_shapes)


def _ensure(root: Path, version: int, write: Callable[[Path], None]) -> None:
    there = _read_version(root)
    if there == version:
        return
    if there is None and root.is_dir() and any(root.iterdir()):
        raise UserError(
            f"{root} holds files that are no demo set; move them away or choose another folder"
        )
    with temporary_folder(root.parent, f".{root.name}") as folder:
        scratch = folder / "new"
        scratch.mkdir()
        write(scratch)
        (scratch / "version").write_text(f"{version}\n", encoding="ascii")
        _move_into_place(scratch, root, version)


def _read_version(root: Path) -> int | None:
    """Version of the set in `root`; None if there is none."""
    try:
        return int((root / "version").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _move_into_place(scratch: Path, root: Path, version: int) -> None:
    """Rename scratch to root, replacing an older set; keeps a set of another process."""
    outdated = scratch.with_name("outdated")
    if _read_version(root) not in (None, version):
        with contextlib.suppress(FileNotFoundError):  # another process replaces it as well
            os.rename(root, outdated)
    try:
        os.rename(scratch, root)
    except OSError:
        if _read_version(root) != version:
            raise
