"""Keeps processes that change the same data set's description from each other's way.

A lock of the kernel keeps out the processes that see it: all of this machine, and others where the
file system takes locks to them. A lease is a file that every machine sees. It says who is at work,
and whoever is killed leaves it behind, for `LEASE_LIMIT_S` at most.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import time
from collections.abc import Generator
from pathlib import Path

from synrender.dataset.names import LOCK_FILE, file_to_lease, lease_file
from synrender.errors import UserError
from synrender.system.console import warn
from synrender.system.disk import FULL_DISK, READ_ONLY
from synrender.system.locks import NO_LINK_NO_WAIT, Lock, find_realm, is_at, try_lock

try:
    import fcntl
except ImportError:  # Windows: there are no locks
    fcntl = None

PATIENCE_S = 1.0
"""Others hold the lock for milliseconds; after this long the user is told who holds it."""

LEASE_LIMIT_S = 60.0
"""A lease that has not changed for so long is one of a process that was killed."""

_POLL_S = 0.01


@contextlib.contextmanager
def locked(dataset_dir: Path) -> Generator[None]:
    """Holds the lock and the lease of a data set; waits for them, and says for whom.

    The lock's file is never written to, and nothing that a link leads to is opened. Whoever cannot
    create it cannot write anything else in the folder either, and so needs no lock.

    Raises:
        UserError: something else than our lock has its name.
        OSError: it cannot be made.
    """
    path = dataset_dir / LOCK_FILE
    while True:
        fd = _open_lock(path)
        try:
            has_lock = False
            if fd is not None:
                has_lock = _wait(fd, path)
                if not is_at(fd, path):  # removed meanwhile: others lock a new one
                    continue
            with _leased(dataset_dir, has_lock):
                yield
            return
        finally:
            if fd is not None:
                os.close(fd)


def _open_lock(path: Path) -> int | None:
    """Opens the lock; None: it is not there, and this user or disk lets nothing be written."""
    for mode in (os.O_RDWR | os.O_CREAT, os.O_RDONLY):
        try:
            return os.open(path, mode | NO_LINK_NO_WAIT, 0o666)
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


def _wait(fd: int, path: Path) -> bool:
    """Takes the lock as soon as it is free; returns whether there are locks."""
    end = time.monotonic() + PATIENCE_S
    while (lock := try_lock(fd, path)) is Lock.HELD:
        if fcntl is not None and time.monotonic() > end:
            warn(f"waiting for {_find_holder(fd)}, which holds {path}")
            fcntl.flock(fd, fcntl.LOCK_EX)
            return True
        time.sleep(_POLL_S)
    return lock is Lock.TAKEN


# --- leases ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def _leased(folder: Path, has_lock: bool) -> Generator[None]:
    """Holds the lease of a data set.

    If this process holds the lock too, the lease of one that would have held it is of a dead one.
    """
    path, content = _take_lease(folder, has_lock)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if path is not None and path.read_bytes() == content:
                path.unlink()


def _take_lease(folder: Path, has_lock: bool) -> tuple[Path | None, bytes]:
    """Makes the lease of the highest number; waits until nobody else holds one.

    Returns:
        It and its content; None: nothing can be written in the folder.
    """
    realm = find_realm(folder)
    content = f"{realm} {secrets.token_hex(8)}".encode()
    seen, since, is_told = None, time.monotonic(), False
    while True:
        held = _find_lease(folder)
        if held != seen:
            seen, since = held, time.monotonic()
        waited_s = time.monotonic() - since
        is_dead = has_lock and held[1].startswith(f"{realm} ".encode())
        if held[0] == 0 or is_dead or waited_s > LEASE_LIMIT_S:
            path = folder / lease_file(held[0] + 1)
            if not _create_lease(path, content):
                return None, b""
            if _find_lease(folder) == (held[0] + 1, content):
                _remove_leases(folder, below=held[0] + 1)
                return path, content
        elif waited_s > PATIENCE_S and not is_told:
            is_told = True
            warn(
                f"waiting for a process on another machine, which holds {folder}/"
                f"{lease_file(held[0])}; if it was killed, for {LEASE_LIMIT_S:g} s"
            )
        time.sleep(_POLL_S)


def _find_lease(folder: Path) -> tuple[int, bytes]:
    """Number and content of the lease that counts; (0, b"") if there is none."""
    for number in sorted(_list_leases(folder), reverse=True):
        with contextlib.suppress(OSError):  # its holder has just let it go
            return number, (folder / lease_file(number)).read_bytes()
    return 0, b""


def _create_lease(path: Path, content: bytes) -> bool:
    """Makes a lease unless there is one of its name; False: nothing can be written there."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return True
    except OSError as error:
        if error.errno in (*READ_ONLY, *FULL_DISK):
            return False
        raise
    try:
        os.write(fd, content)
    except OSError as error:
        path.unlink()
        if error.errno not in FULL_DISK:
            raise
        return False
    finally:
        os.close(fd)
    return True


def _remove_leases(folder: Path, below: int) -> None:
    """Removes the leases of dead processes."""
    for number in _list_leases(folder):
        if number < below:
            (folder / lease_file(number)).unlink(missing_ok=True)


def _list_leases(folder: Path) -> list[int]:
    with os.scandir(folder) as entries:
        return [number for entry in entries if (number := file_to_lease(entry.name))]


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
