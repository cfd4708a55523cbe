"""The directory of a zip archive, read once and kept in little room: 45 bytes a file, and its name.

Python's zipfile keeps 500 bytes, of a million files half a gigabyte.
"""

from __future__ import annotations

import contextlib
import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synrender.assets.model_file import MAX_POINTER_BYTES, MODEL_SUFFIXES, Member, is_pointer
from synrender.errors import UserError, shorten
from synrender.system.files import Hindrance, is_plain_name, open_regular, read_small_file

MAX_DIRECTORY_BYTES = 1 << 27
"""Of an archive's directory: a million files. That of the whole ShapeNetCore takes 50 MB."""

MAX_DEPTH, MAX_NAME_LENGTH = 16, 1024
"""Of a member's name: folders and a file; letters. A name of 60 kB would make 30,000 folders: 1 GB.
"""

PACKED = (".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar")
"""What archives end in that are not read."""

_MAY_BE_READ = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MAX_INT64 = 2**63 - 1
_ENCRYPTED = 1
"""Bit of a member's flags."""

_ROW = np.dtype(
    [
        ("check", "<u4"),  # CRC of the name: no two names have it and their hash in common
        ("offset", "<i8"),
        ("num_stored", "<i8"),
        ("num_bytes", "<i8"),
        ("crc", "<u4"),
        ("method", "<u2"),
        ("kind", "<u2"),  # of file, as the system that wrote it says; 0: not stated
        ("is_encrypted", "?"),
    ]
)


@dataclass(frozen=True)
class Names:
    """What lies in a folder, sorted; hidden files are left out."""

    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def to_names(folders: Iterable[str], files: Iterable[str]) -> Names:
    """Sorts the names of what lies in a folder."""
    return Names(tuple(sorted(folders)), tuple(sorted(files)))


@dataclass(frozen=True)
class ZipIndex:
    """The files of an archive."""

    folders: dict[str, Names]  # by name; "": the root
    keys: np.ndarray  # (n,) int64, hashes of the files' names in this process, sorted
    rows: np.ndarray  # (n,) of `_ROW`, in the same order

    def find(self, name: str) -> Member | None:
        """A file by its name; None if there is no such file."""
        key, check = hash(name), zlib.crc32(name.encode())
        place = int(np.searchsorted(self.keys, key))
        if place == len(self.keys) or self.keys[place] != key:
            return None
        row_check, *values = self.rows[place].tolist()
        return _to_member(name, values) if row_check == check else None


class _BoundedFile(io.FileIO):
    """A file of which no more is read at once than a directory may take."""

    def read(self, size: int | None = -1) -> bytes:
        if size is not None and size > MAX_DIRECTORY_BYTES:
            raise ValueError(f"a directory of {size} bytes")
        return super().read(size)


def read_index(path: Path) -> ZipIndex:
    """Reads the directory of an archive.

    Raises:
        UserError: it is no archive that can be read.
    """
    try:
        with open_regular(path) as file:
            bounded = _BoundedFile(file.fileno(), closefd=False)
            with zipfile.ZipFile(bounded) as archive:
                infos = archive.infolist()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, EOFError) as error:
        raise UserError(f"{path}: {_find_advice(path, shorten(error))}") from None
    except struct.error:
        raise UserError(f"{path}: {_find_advice(path, 'its directory is cut off')}") from None
    members = {info.filename: info for info in infos if _is_plain_path(info.filename)}
    keys = np.array([hash(name) for name in members], np.int64)
    rows = np.array([_to_row(info) for info in members.values()], _ROW)
    order = np.argsort(keys)
    return ZipIndex(_group_by_folder(members), keys[order], rows[order])


def _find_advice(path: Path, error: str) -> str:
    """What a file is that cannot be read as a zip archive, and what helps."""
    with contextlib.suppress(OSError, ValueError, Hindrance):
        if is_pointer(read_small_file(path, MAX_POINTER_BYTES)):
            return "only a pointer of Git LFS; fetch the file itself with: git lfs pull"
    kind = path.suffix.lower()
    if kind in MODEL_SUFFIXES:
        return "a single model; name the folder that it is in"
    if kind in PACKED:
        return "packed; unpack it, and name the folder (of archives, .zip alone is read as it is)"
    if kind == ".zip":
        return f"cut off or damaged ({error}); download it again, or move it away"
    return f"neither a folder nor a zip archive ({error}); name the folder that the models are in"


def _group_by_folder(names: Iterable[str]) -> dict[str, Names]:
    files: dict[str, list[str]] = {"": []}
    folders: dict[str, list[str]] = {"": []}
    known: dict[str, str] = {}  # the same name in many folders is kept once
    for name in names:
        folder, _, base = name.rpartition("/")
        new = folder
        while new not in files:  # nor may those that it lies in be there
            parent, _, own = new.rpartition("/")
            files[new] = []
            folders.setdefault(new, [])
            folders.setdefault(parent, []).append(own)
            new = parent
        files[folder].append(known.setdefault(base, base))
    return {name: to_names(folders[name], files[name]) for name in files}


def _is_plain_path(name: str) -> bool:
    """Whether all components are plain names; not so of a folder's own entry, which ends in "/"."""
    if len(name) > MAX_NAME_LENGTH or name.count("/") >= MAX_DEPTH:
        return False
    return name.isprintable() and all(map(is_plain_name, name.split("/")))


def _to_row(info: zipfile.ZipInfo) -> tuple[int | bool, ...]:
    return (
        zlib.crc32(info.filename.encode()),
        min(info.header_offset, _MAX_INT64),
        min(info.compress_size, _MAX_INT64),
        min(info.file_size, _MAX_INT64),
        info.CRC,
        info.compress_type,
        stat.S_IFMT(info.external_attr >> 16),
        bool(info.flag_bits & _ENCRYPTED),
    )


def _to_member(name: str, values: list[int]) -> Member:
    offset, num_stored, num_bytes, crc, method, kind, is_encrypted = values
    refusal = ""
    if is_encrypted:
        refusal = "encrypted in its archive"
    elif kind not in (0, stat.S_IFREG):
        refusal = "not a regular file in its archive"
    elif method not in _MAY_BE_READ:
        refusal = f"packed by method {method} in its archive, which is not read"
    return Member(name, offset, num_stored, num_bytes, method, crc, refusal)
