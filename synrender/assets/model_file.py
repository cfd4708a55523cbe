"""Where a model's file is, on disk or in a zip archive, and its content with a bound."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from synrender.errors import shorten
from synrender.system.files import is_plain_name, open_regular, read_small_file

MODEL_SUFFIXES = (".obj", ".glb", ".gltf", ".ply", ".stl")
"""Of files that `mesh_formats` reads. Of a model in several formats, the first one is read."""

MAX_POINTER_BYTES = 1024
"""Of the file that stands for one that Git LFS has not fetched."""

_POINTER = b"version https://git-lfs"
_SIGNATURE = b"PK\x03\x04"
_LOCAL_HEADER = struct.Struct("<4s22xHH")
"""Of a member: its signature, and the lengths of its name and of what stands between it and the
data."""


def is_pointer(data: bytes) -> bool:
    """Whether the content of a file only names what Git LFS has not fetched."""
    return len(data) <= MAX_POINTER_BYTES and data.startswith(_POINTER)


@dataclass(frozen=True)
class Member:
    """A file in a zip archive, as the archive's directory describes it."""

    name: str
    offset: int  # of its header in the archive
    num_stored: int  # bytes in the archive
    num_bytes: int  # when it is unpacked
    method: int  # ZIP_STORED or ZIP_DEFLATED, or one that is not read
    crc: int
    refusal: str = ""  # why it is not read, such as "encrypted"


@dataclass(frozen=True)
class ModelFile:
    """A file that a source of models lists. It need not exist: then its model is rejected."""

    path: Path  # of the file, or of the archive
    member: Member | None = None  # None: the path is that of the file itself
    find_member: Callable[[str], Member | None] | None = field(default=None, compare=False)
    """Finds another file of the archive by its name there; None: the file is in no archive."""
    levels: int = 0  # of folders above that of the file that are the model's own, too
    others: tuple[str, ...] = ()  # folders below the highest of these, see `beside`

    def __str__(self) -> str:
        return str(self.path / self.member.name if self.member else self.path)

    @property
    def suffix(self) -> str:
        """What says its format, such as ".obj"; lower case."""
        return PurePosixPath(self.member.name if self.member else self.path.name).suffix.lower()

    def read(self, max_bytes: int) -> bytes:
        """Its content.

        Raises:
            ValueError: it is not a regular file, is larger than ``max_bytes``, or is damaged or
                encrypted in its archive.
            Hindrance: this process cannot read it, which is no fault of the file.
            OSError: it is missing, or its disk cannot read it.
        """
        if self.member is None:
            return read_small_file(self.path, max_bytes)
        return _read_member(self.path, self.member, max_bytes)

    def beside(self, name: str) -> ModelFile:
        """A file of the model that this one names, such as a texture. It need not exist.

        Args:
            name: path from the folder of this file, with slashes or backslashes. It leads out of no
                folder that is not the model's own. What is not there is looked for in ``others``.

        Raises:
            ValueError: the name leads elsewhere.
        """
        own = PurePosixPath(self.member.name if self.member else self.path).parent
        root = (own, *own.parents)[self.levels]
        file = self._find(root, own.relative_to(root), name)
        others = (self._find(root, PurePosixPath(other), name) for other in self.others)
        if file is None or not file.is_there:
            file = next((other for other in others if other and other.is_there), file)
        if file is None:
            raise ValueError(f"{shorten(name)!r} is not in the model's folder")
        return file

    @property
    def is_there(self) -> bool:
        """Whether it exists."""
        return self.member is not None or os.path.isfile(self.path)

    def _find(self, root: PurePosixPath, folder: PurePosixPath, name: str) -> ModelFile | None:
        """The file of a name in a folder below the model's own; None if it leads out of that."""
        inside = _resolve(folder, name)
        if inside is None:
            return None
        found = replace(self, levels=len(inside.parts) - 1)
        if self.find_member is not None:
            member = self.find_member(str(root / inside))
            return replace(found, member=member) if member else ModelFile(self.path / root / inside)
        path = Path(root / inside)
        # realpath, because Python 3.11's resolve raises RuntimeError for links in a circle
        is_inside = Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))
        return replace(found, path=path) if is_inside else None


def _resolve(folder: PurePosixPath, name: str) -> PurePosixPath | None:
    """A path, as it is meant in a folder; None if it is none, or leads above the folder's root."""
    parts = list(folder.parts)
    for part in name.replace("\\", "/").split("/"):
        if part == ".." and parts:
            parts.pop()
        elif is_plain_name(part):
            parts.append(part)
        elif part != ".":
            return None
    return PurePosixPath(*parts) if parts else None


def _read_member(path: Path, member: Member, max_bytes: int) -> bytes:
    """Unpacks one member in memory.

    Python's zipfile would read the directory of the whole archive again for each: half a second for
    the largest one of ShapeNet, or a hundred megabytes if it is kept.
    """
    if member.refusal:
        raise ValueError(member.refusal)
    if max(member.num_bytes, member.num_stored) > max_bytes:
        raise ValueError(f"{member.num_bytes} bytes, at most {max_bytes} are allowed")
    with open_regular(path) as file:
        file.seek(member.offset)
        header = file.read(_LOCAL_HEADER.size)
        if len(header) < _LOCAL_HEADER.size:
            raise ValueError("its archive is cut off")
        signature, *lengths = _LOCAL_HEADER.unpack(header)
        if signature != _SIGNATURE:
            raise ValueError("its archive is damaged")
        file.seek(sum(lengths), 1)
        data = file.read(member.num_stored)
    if member.method == zipfile.ZIP_DEFLATED:
        try:
            data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, member.num_bytes + 1)
        except zlib.error:
            raise ValueError("damaged in its archive") from None
    if len(data) != member.num_bytes or zlib.crc32(data) != member.crc:
        raise ValueError("damaged in its archive")
    return data
