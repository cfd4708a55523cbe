"""Where a model's file is, on disk or in a zip archive, and its content with a bound."""

from __future__ import annotations

import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from synrender.errors import shorten
from synrender.system.files import is_plain_name, open_regular, read_small_file

MODEL_SUFFIXES = (".obj", ".glb", ".gltf", ".ply", ".stl")
"""Of files that `mesh_formats` reads. Of a model in several formats, the first one is read."""

_SIGNATURE = b"PK\x03\x04"
_LOCAL_HEADER = struct.Struct("<4s22xHH")
"""Of a member: its signature, and the lengths of its name and of what stands between it and the
data."""


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
        """The file of a relative name, with slashes, in the folder of this one or below it.

        Raises:
            ValueError: the name leads elsewhere, or this file is in an archive.
        """
        if self.member is not None:
            raise ValueError(f"{shorten(name)!r} is a file of its own; unpack the archive")
        path = self.path.parent / name
        is_inside = all(map(is_plain_name, name.split("/")))
        if not is_inside or not path.resolve().is_relative_to(self.path.parent.resolve()):
            raise ValueError(f"{shorten(name)!r} is not in the model's folder")
        return ModelFile(path)


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
