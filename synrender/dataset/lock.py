"""Keeps processes that change the same data set's description from each other's way."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Generator
from pathlib import Path

from synrender.dataset.names import LOCK_FILE
from synrender.errors import UserError
from synrender.system.console import warn
from synrender.system.disk import READ_ONLY
from synrender.system.locks import Lock, is_at, try_lock

try:
    import fcntl
except ImportError:  # Windows: there are no locks
    fcntl = None

PATIENCE_S = 1.0
"""Others hold the lock for milliseconds; after this long the user is told who holds it."""


@contextlib.contextmanager
def locked(dataset_dir: Path) -> Generator[None]:
    """Holds the lock of a data set; waits for it, and says for whom.

    The file is never written to, and nothing that a link leads to is opened. Whoever cannot create
    it cannot write anything else in the folder either, and so needs no lock.

    Raises:
        UserError: something else than our lock has its name.
        OSError: it cannot be made.
    """
    path = dataset_dir / LOCK_FILE
    while True:
        fd = _open_lock(path)
        try:
            if fd is not None:
                _wait(fd, path)
                if not is_at(fd, path):  # removed meanwhile: others lock a new one
                    continue
            yield
            return
        finally:
            if fd is not None:
                os.close(fd)


def _open_lock(path: Path) -> int | None:
    """Opens the lock; None: it is not there, and this user or disk lets nothing be written."""
    flags = 0
    for name in ("O_NOFOLLOW", "O_NONBLOCK"):  # Windows has none of them
        flags |= getattr(os, name, 0)
    for mode in (os.O_RDWR | os.O_CREAT, os.O_RDONLY):
        try:
            return os.open(path, mode | flags, 0o666)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
                raise UserError(
                    f"{path}: is no plain file, as a lock must be; move it away"
                ) from None
            if error.errno != errno.ENOENT and error.errno not in READ_ONLY:
                raise
            if not path.parent.is_dir():
                raise
    return None


@contextlib.contextmanager
def in_use(path: Path, purpose: str, is_shared: bool) -> Generator[None]:
    """Holds a folder, or a file, for as long as a process works with it: with its like, or alone.

    The lock is on it itself, so it leaves no file, and ends with the process. Where there are no
    locks, no process is kept out.

    Raises:
        UserError: others hold it, who do not go together with ``purpose``.
    """
    if fcntl is None:
        yield
        return
    fd = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)  # as NFS wants it
    try:
        if try_lock(fd, path, is_shared) is Lock.HELD:
            raise UserError(
                f"{path} cannot be {purpose} now: {_find_holder(fd)} is at work there; wait for "
                "it, or stop it"
            )
        yield
    finally:
        os.close(fd)


def _wait(fd: int, path: Path) -> None:
    """Takes the lock as soon as it is free."""
    end = time.monotonic() + PATIENCE_S
    while try_lock(fd, path) is Lock.HELD:
        if fcntl is not None and time.monotonic() > end:
            warn(f"waiting for {_find_holder(fd)}, which holds {path}")
            fcntl.flock(fd, fcntl.LOCK_EX)
            return
        time.sleep(0.01)


def _find_holder(fd: int) -> str:
    """Who holds the lock, as far as Linux tells (``/proc/locks``: one lock a line)."""
    inode = str(os.fstat(fd).st_ino)
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
            fields = line.split()
            if fields[1] == "FLOCK" and fields[5].rpartition(":")[2] == inode:
                return f"process {fields[4]} ({_read_command(fields[4])})"
    return "another process, perhaps on another machine"


def _read_command(pid: str) -> str:
    command = Path("/proc", pid, "cmdline").read_bytes().replace(b"\0", b" ")
    return " ".join(command.decode(errors="replace").split())[:100]
