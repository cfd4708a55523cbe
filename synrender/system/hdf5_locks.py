"""Opens HDF5 files for reading, also where files cannot be locked."""

from __future__ import annotations

from pathlib import Path

import h5py

from synrender.system.files import open_regular
from synrender.system.hindrances import find_hindrance
from synrender.system.locks import Lock, try_lock


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
    # HDF5 itself knows but one kind of disk without locks, and opens no file in two ways at once.
    with open_regular(path) as file:
        has_locks = not is_held and try_lock(file.fileno(), path, is_shared=True) is not Lock.NONE
    try:
        return h5py.File(path, "r", locking=has_locks)
    except OSError as error:
        raise find_hindrance(path, error) or error from None
