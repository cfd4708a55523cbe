"""Reads and writes files, and tells what hinders this process from what is wrong with a file.

A file is written under a temporary name in the same folder and then renamed; see `locks` for what
becomes of temporary files of processes that were killed.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from synrender.errors import UserError
from synrender.system.disk import full_disk_named
from synrender.system.locks import Lock, temporary_file, try_lock

if TYPE_CHECKING:
    import h5py
    import numpy as np

_KEPT = " -_.'()+&"
_MAX_NAME_BYTES = 100
"""Of a name that is made of a text. File systems take 255, with what is added to it."""

HEAD_BYTES = 1 << 16
BLOCK_BYTES = 1 << 20

_TEMPORARY = re.compile(r"\.(\.?[^.]+)\..+\.[0-9]+(\.[a-z0-9]+)")


def temporary_to_name(name: str) -> str | None:
    """Name of the file that a temporary one becomes, of this version or an earlier; else None."""
    match = _TEMPORARY.fullmatch(name)
    return f"{match[1]}{match[2]}" if match else None


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Calls ``write(temporary path)`` and renames the result; on failure removes it.

    Raises:
        DiskFull: there is no room.
        UserError: a folder has this name.
    """
    refuse_folder(path)
    with full_disk_named(path.parent), temporary_file(path) as temporary:
        write(temporary)
        os.replace(temporary, path)


def refuse_folder(path: Path) -> None:
    """Raises UserError if there is a folder where a file of ours is to be written or removed."""
    if path.is_dir() and not path.is_symlink():
        raise UserError(f"{path}: is a folder, and a file must have this name; move it away")


def read_small_file(path: Path | str, max_bytes: int) -> bytes:
    """Content of a regular file; never waits at a FIFO, and never reads without end.

    Raises:
        ValueError: it is not a regular file, or larger than ``max_bytes``.
        Hindrance: this process cannot read it, which is no fault of the file.
        OSError: it is missing, or its disk cannot read it.
    """
    return read_bounded_file(path, lambda head: max_bytes)


def read_bounded_file(path: Path | str, find_max_bytes: Callable[[bytes], int]) -> bytes:
    """Content of a regular file, like `read_small_file`.

    Args:
        path: of the file.
        find_max_bytes: its size at most, given its first `HEAD_BYTES`; may raise ValueError.
    """
    # A third of the time that `Path.read_bytes` takes: a data set has millions of them.
    descriptor, size = _open_regular(path)
    try:
        parts = [os.read(descriptor, min(size, HEAD_BYTES))]
        num_bytes, max_bytes = len(parts[0]), find_max_bytes(parts[0])
        if size > max_bytes:
            raise ValueError(f"{size} bytes, at most {max_bytes} are allowed")
        while num_bytes < size and (part := os.read(descriptor, size - num_bytes)):
            parts.append(part)
            num_bytes += len(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def read_sha256(path: Path | str, max_bytes: int) -> tuple[int, bytes]:
    """Size of a regular file, and its SHA-256; takes little memory, whatever the size.

    Raises:
        ValueError, Hindrance, OSError: as `read_small_file` does.
    """
    digest, num_bytes = hashlib.sha256(), 0
    descriptor, size = _open_regular(path)
    try:
        if size > max_bytes:
            raise ValueError(f"{size} bytes, at most {max_bytes} are allowed")
        while block := os.read(descriptor, BLOCK_BYTES):
            digest.update(block)
            num_bytes += len(block)
        return num_bytes, digest.digest()
    finally:
        os.close(descriptor)


def open_regular(path: Path | str) -> BinaryIO:
    """Opens a regular file of any size for reading; never waits at a FIFO.

    Raises:
        ValueError: it is not a regular file.
        Hindrance: this process cannot read it, which is no fault of the file.
        OSError: it is missing, or its disk cannot read it.
    """
    return os.fdopen(_open_regular(path)[0], "rb")


def _open_regular(path: Path | str) -> tuple[int, int]:
    """Descriptor and size of a regular file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        if hindrance := find_hindrance(path, error):
            raise hindrance from None
        raise
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise ValueError("not a regular file")
    return descriptor, status.st_size


def is_plain_name(name: str) -> bool:
    """Whether a name is one visible component of a path, so that it leads out of no folder."""
    return name.isprintable() and not name.startswith(".") and "/" not in name and bool(name)


def to_file_name(text: str) -> str:
    """A text as the name of a file or folder that any operating system takes."""
    kept = "".join(c if c.isalnum() or c in _KEPT else "_" for c in text)
    return kept.encode()[:_MAX_NAME_BYTES].decode(errors="ignore").strip(" .") or "_"


def write_bytes(path: Path, data: bytes) -> None:
    """Writes a file atomically."""
    write_atomically(path, lambda temporary: temporary.write_bytes(data))


def write_text(path: Path, text: str) -> None:
    """Writes a UTF-8 text file atomically."""
    write_bytes(path, text.encode())


def write_array(path: Path, array: np.ndarray) -> None:
    """Writes an ``.npy`` file atomically."""
    import numpy as np  # late: what reads names of files needs no numpy

    write_atomically(path, lambda temporary: np.save(temporary, array, allow_pickle=False))


# --- hindrances -----------------------------------------------------------------------------------


_OTHER_PROCESS = "another process has locked it; wait until it is closed there"
_NO_RIGHT = "this user may not read it; its owner can change that with chmod"
_NO_DISK = "its disk does not answer; repeat the command when it does"

_OF_FILES = {
    **dict.fromkeys((errno.EAGAIN, errno.EWOULDBLOCK), _OTHER_PROCESS),
    **dict.fromkeys((errno.EACCES, errno.EPERM), _NO_RIGHT),
    **dict.fromkeys((errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN, errno.EHOSTDOWN), _NO_DISK),
}
_OF_PROCESSES = {
    errno.EMFILE: "this process has too many files open; allow more with: ulimit -n 4096",
    errno.ENFILE: "this machine has too many files open; end some processes",
}


class Hindrance(UserError):
    """A file cannot be read now; that says nothing of its content, nor of that of others."""

    def __init__(self, line: str, strerror: str) -> None:
        """Keeps the line for the user, and what the system says."""
        super().__init__(line, strerror)
        self.strerror = strerror

    def __str__(self) -> str:
        """The line for the user."""
        return self.args[0]


class Unreadable(Hindrance):
    """A hindrance of this file alone: others can be read."""


def find_hindrance(path: Path | str, error: BaseException) -> Hindrance | None:
    """What to raise for an error that is no fault of the file; None if it may be one."""
    number = find_errno(error)
    if number is None:
        return None
    for kind, rules in ((Unreadable, _OF_FILES), (Hindrance, _OF_PROCESSES)):
        if rule := rules.get(number):
            reason = os.strerror(number)
            return kind(f"{path}: cannot be read ({reason}): {rule}", reason)
    return None


def find_errno(error: BaseException) -> int | None:
    """The number that the system gave, also of HDF5's errors; None if there was none."""
    number = getattr(error, "errno", None)
    if number is None and (match := re.search(r"errno = (\d+)", str(error))):
        number = int(match[1])
    return number


def open_hdf5_file(path: Path, is_held: bool = False) -> h5py.File:
    """Opens a file for reading; where there are no locks, says so once.

    Args:
        path: of the file.
        is_held: whether its lock is not asked for, because this process or its parent holds it.

    Raises:
        Hindrance: another process holds it, or this one may not read it, or has too many open.
        ValueError: it is not a regular file.
        OSError: it is missing, or no HDF5 file.
    """
    import h5py  # late: only the host has it

    # HDF5 itself knows but one kind of disk without locks, and opens no file in two ways at once.
    with open_regular(path) as file:
        has_locks = not is_held and try_lock(file.fileno(), path, is_shared=True) is not Lock.NONE
    try:
        return h5py.File(path, "r", locking=has_locks)
    except OSError as error:
        raise find_hindrance(path, error) or error from None
