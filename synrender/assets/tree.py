"""The files of a source as names, whether they lie in a folder or in a zip archive.

A name is a path below the source: components of `is_plain_name`, with slashes between them. No
other name is ever listed, so that none leads out of the folder, or out of the archive.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from synrender.assets.model_file import ModelFile
from synrender.assets.zip_index import Names, ZipIndex, read_index, to_names
from synrender.errors import UserError
from synrender.system.files import is_plain_name


class Tree:
    """A folder on disk. What is listed or opened once is kept."""

    def __init__(self, path: Path, inside: str = "") -> None:
        """A folder, or a folder below it."""
        self.path = path
        self._inside = f"{inside}/" if inside else ""
        self._listed: dict[str, Names] = {}
        self._opened: dict[str, Tree] = {}

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
        if folder not in self._opened:
            self._opened[folder] = self._enter(self._inside + folder)
        return self._opened[folder]

    def open_zip(self, name: str) -> Tree:
        """The tree of an archive below.

        Raises:
            UserError: it cannot be read.
        """
        if name not in self._opened:
            self._opened[name] = ZipTree(self.path / f"{self._inside}{name}")
        return self._opened[name]

    def _enter(self, inside: str) -> Tree:
        return Tree(self.path, inside)

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
        return to_names(folders, (n for n, is_dir in found if not is_dir and is_plain_name(n)))


def _is_dir(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder, or a link to one; a link in a circle is none."""
    return os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir()


class ZipTree(Tree):
    """A zip archive, whose directory is read once."""

    can_open_zips = False

    def __init__(self, path: Path, inside: str = "", index: ZipIndex | None = None) -> None:
        """Reads the directory of an archive, if it is not given.

        Raises:
            UserError: it is no archive that can be read.
        """
        super().__init__(path, inside)
        self._index = index or read_index(path)

    def file(self, name: str) -> ModelFile:
        """A file in the archive, which need not exist."""
        member = self._index.find(self._inside + name)
        return ModelFile(self.path, member, self._index.find) if member else super().file(name)

    def _enter(self, inside: str) -> ZipTree:
        return ZipTree(self.path, inside, self._index)

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
