"""Full disks: recognized, and named in one line."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

from synrender.errors import CutShort, UserError

FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""No room, a quota, a limit on the size of a file."""

READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)
"""This user, or nobody, may write there."""

PROBE_BYTES = 1 << 20
"""A disk that can take so many bytes is not full: what failed there failed for another reason."""


class DiskFull(CutShort):
    """There is no room to write; the message names the disk. Scripts end with status 1."""


@contextlib.contextmanager
def full_disk_named(folder: Path) -> Generator[None]:
    """Raises `DiskFull` where the code within fails for want of room in ``folder``."""
    try:
        yield
    except DiskFull:
        raise
    except OSError as error:
        if full := find_full_disk(error, folder):
            raise full from None
        raise


def find_full_disk(error: BaseException, folder: Path) -> DiskFull | None:
    """`DiskFull` if there is no room in ``folder``, or the error says so; None if there is.

    A file is written to find out, because Blender, Ray and HDF5 do not say why they failed.
    """
    if isinstance(error, DiskFull):
        return error
    reason = error if isinstance(error, OSError) else None
    if reason is None or reason.errno not in FULL_DISK:
        reason = _probe(folder)
    if reason is None:
        return None
    disk = find_disk(folder)
    room, remedy = f"{shutil.disk_usage(disk).free / 1e6:.1f} MB free", "make room"
    if count_free_files(folder) == 0:
        room, remedy = f"{room}, but no more files (inodes)", "remove files"
    return DiskFull(
        f"{disk} is full: {folder} cannot be written ({os.strerror(reason.errno or 0)}, {room}); "
        f"{remedy}"
    )


def refuse_unwritable(folder: Path, option: str = "--out") -> None:
    """Refuses to begin what could not be written in the end.

    Raises:
        UserError: there is no such folder, or this user cannot write there; names the option.
    """
    if not os.access(folder, os.W_OK):
        reason = "cannot be written to" if folder.is_dir() else "no such folder"
        raise UserError(f"{folder}: {reason}; name a file in another folder with {option}")


def check_free_files(folder: Path, num_files: int) -> None:
    """Raises `DiskFull` if the disk of a folder does not take so many more files."""
    num_free = count_free_files(folder)
    if num_free < num_files:
        raise DiskFull(
            f"{find_disk(folder)} is full: it takes {num_free:g} more files (inodes), and {folder} "
            f"needs {num_files}; remove files"
        )


def count_free_files(folder: Path) -> float:
    """Files that the disk of a folder still takes; infinite if it has no limit on their number."""
    if not hasattr(os, "statvfs"):
        return math.inf
    status = os.statvfs(find_disk(folder))
    return status.f_favail if status.f_files else math.inf


def find_disk(folder: Path) -> Path:
    """Where the disk of a folder is mounted."""
    folder = existing_parent(folder.absolute())
    while not os.path.ismount(folder):
        folder = folder.parent
    return folder


def existing_parent(folder: Path) -> Path:
    """The folder itself, or its nearest parent that exists."""
    return folder if folder.exists() else existing_parent(folder.parent)


def _probe(folder: Path) -> OSError | None:
    """What a file of `PROBE_BYTES` meets in the folder, or its nearest parent, if it is no room."""
    try:
        with tempfile.TemporaryFile(dir=existing_parent(folder)) as file:
            file.write(bytes(PROBE_BYTES))
            file.flush()
    except OSError as error:
        return error if error.errno in FULL_DISK else None
    return None
