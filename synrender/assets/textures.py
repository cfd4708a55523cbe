"""Which textures there are: those of DTD, of any folder of images, or of a list."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from synrender.assets.pbr_sets import group_sets
from synrender.errors import UserError, shorten
from synrender.system.files import is_plain_name, read_small_file

LABELS_FILE = Path("labels", "labels_joint_anno.txt")
"""DTD's list of images; by it DTD is recognized."""

MAX_LIST_BYTES = 1 << 26
"""64 MiB. DTD's list takes 0.4 MB."""

MAX_TEXTURES = 1_000_000

_IMAGE_NAME = re.compile(r".*\.(png|jpe?g|bmp|webp|exr)(?=\s|$)", re.IGNORECASE | re.DOTALL)


def find_images_dir(path: Path) -> Path:
    """Folder that names of textures are relative to; it need not exist.

    Args:
        path: DTD's folder, a folder of images, or a file that lists images. What is not there is
            taken for DTD.
    """
    if path.is_file():
        return path.parent
    is_plain = path.is_dir() and not (path / LABELS_FILE).is_file()
    return path if is_plain else path / "images"


@dataclass(frozen=True)
class Textures:
    """Textures that were found."""

    names: tuple[str, ...]  # sorted: paths below `find_images_dir`, which none of them leaves
    maps: dict[str, dict[str, str]] | None  # see `list_maps`; None: their folders were not read


def list_textures(path: Path) -> tuple[str, ...]:
    """Names of all textures; see `find_textures`."""
    return find_textures(path).names


def find_textures(path: Path) -> Textures:
    """All textures of DTD, of a folder or of a list.

    Raises:
        UserError: there is no such folder or file, or it names what cannot be a texture.
    """
    if (path / LABELS_FILE).is_file():
        return Textures(_read_list(path / LABELS_FILE), None)
    if not path.exists():
        raise UserError(f"{path}: there is no such folder or list of textures")
    found = _walk(path) if path.is_dir() else Textures(_read_list(path), None)
    if not found.names:
        raise UserError(f"{path}: no image in it (.png, .jpg, .bmp, .webp or .exr)")
    return found


def _walk(root: Path) -> Textures:
    """Images at any depth; hidden files are left out, and links to folders are not followed.

    Of the maps of one surface only the color is named.
    """
    names: list[str] = []
    maps: dict[str, dict[str, str]] = {}
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        images = [f for f in files if not f.startswith(".") and _IMAGE_NAME.fullmatch(f)]
        sets = group_sets(images)
        for file in images:
            if file in sets.no_textures:
                continue
            name = Path(folder, file).relative_to(root).as_posix()
            _check_name(root, name, "rename it")
            names.append(name)
            if file in sets.maps:
                maps[name] = sets.maps[file]
        if len(names) > MAX_TEXTURES:
            raise UserError(f"{root}: more than {MAX_TEXTURES:,} images; name a folder of fewer")
    return Textures(tuple(sorted(names)), {name: maps[name] for name in sorted(maps)})


def _read_list(path: Path) -> tuple[str, ...]:
    try:
        lines = read_small_file(path, MAX_LIST_BYTES).decode().splitlines()
    except ValueError as error:
        raise UserError(f"{path}: not a list of images ({error}); restore it") from None
    names = sorted({_find_name(line.strip()) for line in lines if line.strip()})
    for name in names:
        _check_name(path, name, "mend that line")
    return tuple(names)


def _find_name(line: str) -> str:
    """Path of an image, which may have blanks in it; categories follow it."""
    match = _IMAGE_NAME.match(line)
    return match[0] if match else line.split()[0]


def _check_name(path: Path, name: str, remedy: str) -> None:
    if not all(map(is_plain_name, name.split("/"))):
        raise UserError(f"{path}: {shorten(ascii(name))} is no path below its images; {remedy}")
