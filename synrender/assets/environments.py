"""Which environments there are: images of what surrounds a scene, in a folder of HDR and EXR files.

The id of an environment is its file's name without suffix and resolution, at any depth: both
``sunset.hdr`` and Poly Haven's ``kiara_1_dawn/kiara_1_dawn_2k.hdr`` are read so, and ambientCG's
``DaySkyHDRI021A_2K-HDR.exr``. Of an environment in several resolutions, the one of 2k is taken,
else the next higher, else the highest; a name without resolution comes first. Of equal ones, HDR is
taken, not EXR. `images.environment` says what the pixels mean.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from synrender.assets.pbr_sets import rank_size
from synrender.errors import UserError, shorten
from synrender.images.environment import SUFFIXES
from synrender.settings.checks import MAX_NAME_LENGTH
from synrender.system.files import is_plain_name

MAX_FILES = 1_000_000
_RESOLUTION = re.compile(r"(.+)_(\d{1,2})k(?:-hdr)?", re.IGNORECASE)


def to_rejected_name(environment: str) -> str:
    """Name of an environment, by its id, among rejected assets: no model and no texture has it."""
    return f"environment:{environment}"


def list_environments(path: Path) -> dict[str, str]:
    """Names of the chosen files below a folder by the ids of environments, sorted.

    Opens no file. Hidden files are left out, and links to folders are not followed.

    Raises:
        UserError: there is no such folder, or no environment in it; or a file has a name that no
            record can hold, or that of another one.
    """
    if not path.is_dir():
        raise UserError(f"{path}: there is no such folder of environments")
    found: dict[str, dict[tuple[int, int, int], str]] = {}
    for name in _walk(path):
        file = PurePosixPath(name)
        match = _RESOLUTION.fullmatch(file.stem)
        identity, place = (match[1], rank_size(int(match[2]))) if match else (file.stem, (-1, 0))
        rank = (*place, SUFFIXES.index(file.suffix.lower()))
        _check_id(path, name, identity)
        other = found.setdefault(identity, {}).setdefault(rank, name)
        if other != name:
            raise UserError(
                f"{path}: {other} and {name} are both the environment {identity!r}; rename one"
            )
    if not found:
        raise UserError(f"{path}: no environment in it (.hdr or .exr)")
    return {identity: files[min(files)] for identity, files in sorted(found.items())}


def _walk(root: Path) -> Iterator[str]:
    num_files = 0
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        num_files += len(files)
        if num_files > MAX_FILES:
            raise UserError(f"{root}: more than {MAX_FILES:,} files; name a folder of fewer")
        for file in sorted(files):
            if not file.startswith(".") and file.lower().endswith(SUFFIXES):
                yield Path(folder, file).relative_to(root).as_posix()


def _check_id(root: Path, name: str, identity: str) -> None:
    if not all(map(is_plain_name, name.split("/"))) or len(identity) > MAX_NAME_LENGTH:
        raise UserError(
            f"{root}: {shorten(ascii(name))} cannot be named in records: an id must be printable "
            f"and have at most {MAX_NAME_LENGTH} characters; rename it"
        )
