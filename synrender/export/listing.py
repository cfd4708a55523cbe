"""The files of an export: which are ours, and whether they have changed since they were written.

Links to folders or files are never followed.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from synrender.dataset.export_marker import ListedFile
from synrender.errors import UserError
from synrender.system.files import read_sha256, temporary_to_name
from synrender.system.locks import remove_abandoned_files
from synrender.system.workers import Workers

if TYPE_CHECKING:
    from tqdm import tqdm

CreateBar = Callable[[int, str], "tqdm"]
"""Creates a progress bar, from a number of things and a word for what is done with them."""

_MAX_FILE_BYTES = 1 << 60
_FILES_PER_TASK = 256


@dataclass(frozen=True)
class Found:
    """What is in the folder of an export."""

    sizes: dict[str, int]  # bytes of the files that are ours, by path
    others: tuple[str, ...]  # paths of what is not ours, in order


def find_files(out: Path, ours: AbstractSet[str]) -> Found:
    """Looks through the folder of an export.

    Args:
        out: the folder.
        ours: paths of files that are ours; so are their folders, and temporary files beside them.
    """
    sizes: dict[str, int] = {}
    others = []
    for path, entry in _walk(out, find_folders(ours)):
        status = entry.stat(follow_symlinks=False)
        if path in ours and stat.S_ISREG(status.st_mode):
            sizes[path] = status.st_size
        elif not _is_temporary(path, ours):
            others.append(path)
    return Found(sizes, tuple(sorted(others)))


def find_folders(paths: Collection[str]) -> set[str]:
    """Folders of files, and the folders above these; "" is the folder of the export."""
    folders = {""}
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return folders


def create_folders(out: Path, paths: Collection[str]) -> None:
    """Creates the folders of files. `find_files` has made sure that none of them is a link."""
    for folder in sorted(find_folders(paths)):
        (out / folder).mkdir(exist_ok=True)


def refuse_others(out: Path, found: Found) -> None:
    """Raises UserError if something in the folder is not ours."""
    if found.others:
        raise UserError(
            f"{out}: holds {found.others[0]!r}, which does not belong to an export; choose another "
            "folder with --out, or move it away"
        )


def remove_files(out: Path, ours: AbstractSet[str]) -> None:
    """Removes files that are ours, and their folders if these are empty then."""
    found = find_files(out, ours)
    remove_temporary_files(out, ours)
    for path in found.sizes:
        (out / path).unlink(missing_ok=True)
    for folder in sorted(find_folders(ours) - {""}, reverse=True):
        with contextlib.suppress(OSError):
            (out / folder).rmdir()


def remove_temporary_files(out: Path, paths: Collection[str]) -> None:
    """Removes temporary files of killed runs."""
    for folder in find_folders(paths):
        if (out / folder).is_dir() and not (out / folder).is_symlink():
            remove_abandoned_files(out / folder)


def describe_files(
    out: Path, paths: Sequence[str], workers: Workers, create_bar: CreateBar
) -> list[ListedFile]:
    """Size and SHA-256 of files that exist, in order."""
    starts = range(0, len(paths), _FILES_PER_TASK)
    tasks = [(out, paths[start : start + _FILES_PER_TASK]) for start in starts]
    found: list[ListedFile] = []
    with create_bar(len(paths), "hashes") as bar:
        for files in workers.map(describe_some, tasks):
            found += files
            bar.update(len(files))
    return found


def describe_some(out: Path, paths: Sequence[str]) -> list[ListedFile]:
    """Size and SHA-256 of some files; runs in a worker."""
    found = [(path, *read_sha256(out / path, _MAX_FILE_BYTES)) for path in paths]
    return [ListedFile(path, num_bytes, digest.hex()) for path, num_bytes, digest in found]


def _walk(out: Path, folders: Collection[str]) -> Iterator[tuple[str, os.DirEntry]]:
    """All files and links below a folder, and folders that are not ours, without their content."""
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        with os.scandir(out / folder) as entries:
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                if path in folders and entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                else:
                    yield path, entry


def _is_temporary(path: str, ours: Collection[str]) -> bool:
    folder, slash, name = path.rpartition("/")
    target = temporary_to_name(name)
    return target is not None and f"{folder}{slash}{target}" in ours
