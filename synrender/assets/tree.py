"""The files of a source as names, whether they lie in a folder or in a zip archive.

A name is a path below the source: components of `is_plain_name`, with slashes between them. No
other name is ever listed, so that none leads out of the folder, or out of the archive.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from synrender.assets.model_file import Member, ModelFile
from synrender.errors import UserError, shorten
from synrender.system.files import is_plain_name, open_regular

MAX_DIRECTORY_BYTES = 1 << 27
"""Of an archive's directory: a million files. That of the whole ShapeNetCore takes 50 MB."""

MAX_DEPTH, MAX_NAME_LENGTH = 16, 1024
"""Of a member's name: folders and a file; letters. A name of 60 kB would make 30,000 folders: 1 GB.
"""

_MAY_BE_READ = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 1
"""Bit of a member's flags."""


@dataclass(frozen=True)
class Names:
    """What lies in a folder, sorted; hidden files are left out."""

    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class Tree:
    """A folder on disk. What is listed once is kept."""

    def __init__(self, path: Path, inside: str = "") -> None:
        """A folder, or a folder below it."""
        self.path = path
        self._inside = f"{inside}/" if inside else ""
        self._listed: dict[str, Names] = {}

    def __str__(self) -> str:
        return str(self.path / self._inside)

    can_open_zips = True
    """Whether archives in it are read."""

    @property
    def name(self) -> str:
        """Of the folder or archive."""
        return PurePosixPath(self._inside).name or self.path.name

    def list(self, folder: str = "") -> Names:
        """Names in a folder below; none if there is no such folder.

        Raises:
            UserError: the name of a folder cannot be shown.
        """
        if folder not in self._listed:
            self._listed[folder] = self._scan(self._inside + folder)
        return self._listed[folder]

    def file(self, name: str) -> ModelFile:
        """A file below, which need not exist."""
        return ModelFile(self.path / f"{self._inside}{name}")

    def enter(self, folder: str) -> Tree:
        """The tree of a folder below."""
        return Tree(self.path, self._inside + folder)

    def open_zip(self, name: str) -> Tree:
        """The tree of an archive below.

        Raises:
            UserError: it cannot be read.
        """
        return ZipTree(self.path / f"{self._inside}{name}")

    def _scan(self, folder: str) -> Names:
        path = self.path / folder
        try:
            with os.scandir(path) as entries:
                found = [(e.name, _is_dir(e)) for e in entries if not e.name.startswith(".")]
        except (FileNotFoundError, NotADirectoryError):
            return Names()
        except OSError as error:
            raise UserError(
                f"{path}: cannot be listed ({error.strerror}); let this user read it"
            ) from None
        folders = [name for name, is_folder in found if is_folder]
        for name in folders:
            if not is_plain_name(name):
                raise UserError(f"{path}: the folder {name!a} needs a printable name; rename it")
        return _to_names(folders, (n for n, is_dir in found if not is_dir and is_plain_name(n)))


def _is_dir(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder, or a link to one; a link in a circle is none."""
    return os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir()


def _to_names(folders: Iterable[str], files: Iterable[str]) -> Names:
    return Names(tuple(sorted(folders)), tuple(sorted(files)))


class ZipTree(Tree):
    """A zip archive, whose directory is read once."""

    can_open_zips = False

    def __init__(self, path: Path, inside: str = "", index: _Index | None = None) -> None:
        """Reads the directory of an archive, if it is not given.

        Raises:
            UserError: it is no archive that can be read.
        """
        super().__init__(path, inside)
        self._index = index or _read_index(path)

    def file(self, name: str) -> ModelFile:
        """A file in the archive, which need not exist."""
        member = self._index.find(self._inside + name)
        return ModelFile(self.path, member, self._index.find) if member else super().file(name)

    def enter(self, folder: str) -> ZipTree:
        """The tree of a folder in the archive."""
        return ZipTree(self.path, self._inside + folder, self._index)

    def open_zip(self, name: str) -> Tree:
        """Refuses an archive in an archive.

        Raises:
            UserError: always.
        """
        raise UserError(
            f"{self.path}: {self._inside}{name} is an archive in an archive; unpack the outer one"
        )

    def _scan(self, folder: str) -> Names:
        return self._index.folders.get(folder.removesuffix("/"), Names())


def open_tree(path: Path) -> Tree:
    """The files of a folder or a zip archive.

    Raises:
        UserError: there is no such thing, or the archive cannot be read.
    """
    if path.is_dir():
        return Tree(path)
    if not path.exists():
        raise UserError(f"{path}: there is no such folder or file")
    return ZipTree(path)


# --- archives -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Index:
    """The directory of an archive."""

    members: dict[str, zipfile.ZipInfo] = field(default_factory=dict)  # by name
    folders: dict[str, Names] = field(default_factory=dict)  # by name; "": the root

    def find(self, name: str) -> Member | None:
        """A file by its name; None if there is no such file."""
        info = self.members.get(name)
        return _to_member(info) if info else None


class _BoundedFile(io.FileIO):
    """A file of which no more is read at once than a directory may take."""

    def read(self, size: int | None = -1) -> bytes:
        if size is not None and size > MAX_DIRECTORY_BYTES:
            raise ValueError(f"a directory of {size} bytes")
        return super().read(size)


def _read_index(path: Path) -> _Index:
    try:
        with open_regular(path) as file:
            bounded = _BoundedFile(file.fileno(), closefd=False)
            with zipfile.ZipFile(bounded) as archive:
                infos = archive.infolist()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, EOFError) as error:
        raise UserError(f"{path}: {_NO_ZIP} ({shorten(error)}); download it again") from None
    except struct.error:
        raise UserError(f"{path}: {_NO_ZIP}; download it again") from None
    members = {info.filename: info for info in infos if _is_plain_path(info.filename)}
    files: dict[str, list[str]] = {"": []}
    folders: dict[str, set[str]] = {"": set()}
    for name in members:
        folder, _, base = name.rpartition("/")
        if folder not in files:
            _add_folder(folder, files, folders)
        files[folder].append(base)
    return _Index(members, {name: _to_names(folders[name], files[name]) for name in files})


_NO_ZIP = "neither a folder nor a zip archive that can be read"


def _add_folder(folder: str, files: dict[str, list[str]], folders: dict[str, set[str]]) -> None:
    """Adds a folder and those that it lies in."""
    while folder not in files:
        files[folder], folders[folder] = [], folders.get(folder, set())
        parent, _, base = folder.rpartition("/")
        folders.setdefault(parent, set()).add(base)
        folder = parent


def _is_plain_path(name: str) -> bool:
    """Whether all components are plain names; not so of a folder's own entry, which ends in "/"."""
    if len(name) > MAX_NAME_LENGTH or name.count("/") >= MAX_DEPTH:
        return False
    return name.isprintable() and all(map(is_plain_name, name.split("/")))


def _to_member(info: zipfile.ZipInfo) -> Member:
    refusal = ""
    mode = info.external_attr >> 16
    if info.flag_bits & _ENCRYPTED:
        refusal = "encrypted in its archive"
    elif stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        refusal = "not a regular file in its archive"
    elif info.compress_type not in _MAY_BE_READ:
        refusal = f"packed by method {info.compress_type} in its archive, which is not read"
    return Member(
        info.filename,
        info.header_offset,
        info.compress_size,
        info.file_size,
        info.compress_type,
        info.CRC,
        refusal,
    )
