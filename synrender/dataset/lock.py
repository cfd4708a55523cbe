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

try:
    import fcntl
except ImportError:  # Windows: nobody is kept out
    fcntl = None

CAN_LOCK = fcntl is not None

PATIENCE_S = 1.0
"""Others hold the lock for milliseconds; after this long the user is told who holds it."""


@contextlib.contextmanager
def locked(dataset_dir: Path) -> Generator[None]:
    """Holds the lock of a data set; waits for it, and says for whom.

    The file is never written to, and nothing that a link leads to is opened.

    Raises:
        UserError: something else than our lock has its name.
        OSError: it cannot be made.
    """
    path = dataset_dir / LOCK_FILE
    flags = os.O_RDWR | os.O_CREAT
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC"):  # Windows has none of them
        flags |= getattr(os, name, 0)
    try:
        fd = os.open(path, flags, 0o644)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            raise
        raise UserError(f"{path}: is no plain file, as a lock must be; move it away") from None
    try:
        _wait(fd, path)
        yield
    finally:
        os.close(fd)


@contextlib.contextmanager
def in_use(folder: Path, purpose: str, is_shared: bool) -> Generator[None]:
    """Holds a folder, or a file, for as long as a process works with it: with its like, or alone.

    The lock is on the folder itself, so it leaves no file, and ends with the process. File systems
    that cannot lock a folder keep nobody out.

    Raises:
        UserError: others hold it, who do not go together with ``purpose``.
    """
    if fcntl is None:
        yield
        return
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = _find_holder(fd)
        os.close(fd)
        raise UserError(
            f"{folder} cannot be {purpose} now: {holder} is at work there; wait for it, or stop it"
        ) from None
    except OSError:
        pass
    try:
        yield
    finally:
        os.close(fd)


def is_abandoned(path: Path) -> bool:
    """Whether no process holds a file with `in_use`; False where that cannot be told."""
    if fcntl is None:
        return False
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(fd)
    return True


def _wait(fd: int, path: Path) -> None:
    if fcntl is None:
        return None
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with contextlib.suppress(BlockingIOError):
            return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        time.sleep(0.01)
    warn(f"waiting for {_find_holder(fd)}, which holds {path}")
    return fcntl.flock(fd, fcntl.LOCK_EX)


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
