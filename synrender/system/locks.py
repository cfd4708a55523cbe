"""Locks, and what they prove: whether the process that uses a temporary file or folder still runs.

A process holds a lock on one as long as it uses it; see `temporary_file` and `temporary_folder`.
The kernel frees the lock when the process ends, for whatever reason. Process ids and host names
prove nothing: containers share both.

A lock is sure to be seen by others only within one running kernel, through one mounted file system.
Some network file systems lock within one machine, and some do not lock at all. So the name of a
temporary file or folder holds its *realm*, which is a hash of kernel and file system, and a random
number. It is abandoned if nobody holds its lock, and

- it is of this realm and locks work here, or
- nothing in it has changed for a day, by the clock of the disk that it is on.
"""

from __future__ import annotations

import contextlib
import enum
import functools
import hashlib
import multiprocessing
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Generator, Iterable
from pathlib import Path

from synrender.system.console import warn_once
from synrender.system.disk import find_disk

try:
    import fcntl
except ImportError:  # Windows: there are no locks
    fcntl = None

CAN_LOCK = fcntl is not None
NO_LINK_NO_WAIT = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""For `os.open`; Windows has none of them."""

ABANDONED_AFTER_S = 24 * 3600
"""Age of what counts as abandoned where a lock proves nothing."""

_MARK = r"-(?P<realm>[0-9a-f]{8})[.-]\d{1,18}"
_FILE_MARK = re.compile(r"\..+\.tmp" + _MARK + r"(\.\w+)?")
_ANY_MARK = re.compile(r".+" + _MARK + r"(\.\w+)?")
_MAX_TRIES = 100


class Lock(enum.Enum):
    """What became of an attempt to lock a file."""

    TAKEN = "taken"
    HELD = "held by another process"
    NONE = "there are no locks on this file system"


def try_lock(fd: int, path: Path, is_shared: bool = False) -> Lock:
    """Locks an open file or folder, until ``fd`` is closed; does not wait.

    Where there are no locks, says so once in each process.

    Args:
        fd: of ``path``; on NFS a file must be open for writing.
        path: to name its disk.
        is_shared: others may hold it in the same way.
    """
    if fcntl is None:
        return Lock.NONE
    try:
        fcntl.flock(fd, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return Lock.HELD
    except OSError as error:
        warn_of_no_locks(path, error)
        return Lock.NONE
    return Lock.TAKEN


def warn_of_no_locks(path: Path, error: OSError) -> None:
    """Says once that a disk has no locks; the parent of worker processes says it for them."""
    if multiprocessing.parent_process() is not None:
        return
    warn_once(
        f"warning: files on {find_disk(path)} cannot be locked ({os.strerror(error.errno or 0)}); "
        "going on without locks, so run only one command at a time on a data set"
    )


def is_at(fd: int, path: Path) -> bool:
    """Whether an open file is still the one at its path: it may have been removed or replaced."""
    try:
        return os.path.samestat(os.fstat(fd), os.lstat(path))
    except FileNotFoundError:
        return False


# --- holding --------------------------------------------------------------------------------------


@contextlib.contextmanager
def temporary_file(path: Path, label: str = "tmp") -> Generator[Path]:
    """An empty file beside ``path``, to be written and renamed to it.

    Nobody else removes it meanwhile. In the end it is removed, unless it has been renamed. Write
    into the file that is there: a new one in its place would not be locked.

    Args:
        path: of the file to make; the temporary one has its suffix.
        label: "tmp" for what `remove_abandoned_files` may remove after a crash.
    """

    def create() -> tuple[Path, int]:
        mark = f"{label}-{find_realm(path.parent)}.{secrets.randbits(48)}"
        temporary = path.with_name(f".{path.stem}.{mark}{path.suffix}")
        return temporary, os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)

    with _held(create) as temporary:
        try:
            yield temporary
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink()


@contextlib.contextmanager
def temporary_folder(parent: Path, prefix: str) -> Generator[Path]:
    """A folder in ``parent`` that only this user can enter; it is removed in the end.

    Nobody else removes it meanwhile. First, folders of the same prefix that are abandoned are
    removed. ``parent`` is created if it is missing, and is left alone in the end.

    Args:
        parent: where the folder goes.
        prefix: of its name, such as ``"run"``.
    """
    parent.mkdir(parents=True, exist_ok=True)
    marked = re.compile(re.escape(prefix) + _MARK)
    remove_abandoned(path for path in parent.iterdir() if marked.fullmatch(path.name))

    def create() -> tuple[Path, int]:
        parent.mkdir(parents=True, exist_ok=True)  # another process may have removed it
        folder = parent / f"{prefix}-{find_realm(parent)}-{secrets.randbits(24)}"
        folder.mkdir(mode=0o700)
        return folder, _open_folder(folder)

    with _held(create) as folder:
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def used_folder(folder: Path) -> Generator[None]:
    """Keeps a `temporary_folder` of another process, which may end meanwhile, from being removed.

    Creates it where it is not there, because each machine has a disk of its own.
    """
    for _ in range(_MAX_TRIES):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            fd = _open_folder(folder)
        except FileNotFoundError:
            continue  # another process that looks for abandoned ones came between
        try:
            if try_lock(fd, folder, is_shared=True) is Lock.TAKEN and not is_at(fd, folder):
                continue
            yield
            return
        finally:
            _close(fd)
    raise OSError(f"{folder}: others remove it again and again")


@contextlib.contextmanager
def _held(create: Callable[[], tuple[Path, int]]) -> Generator[Path]:
    """Creates a file or folder, and holds its lock, as `used_folder` does too."""
    for _ in range(_MAX_TRIES):
        try:
            path, fd = create()
        except FileExistsError:
            continue
        try:
            if not CAN_LOCK:
                fd = _close(fd)  # Windows does not rename an open file
            elif try_lock(fd, path, is_shared=True) is Lock.HELD or not is_at(fd, path):
                continue  # another process that looks for abandoned ones removes it
            yield path
            return
        finally:
            _close(fd)
    raise OSError("no temporary file could be created")


def _open_folder(folder: Path) -> int:
    """Descriptor to lock; -1 on Windows, which opens no folders."""
    return os.open(folder, os.O_RDONLY) if CAN_LOCK else -1


def _close(fd: int) -> int:
    if fd >= 0:
        os.close(fd)
    return -1


# --- abandoned ------------------------------------------------------------------------------------


def remove_abandoned_files(folder: Path) -> None:
    """Removes the files of `temporary_file` that processes left in a folder as they were killed."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if _FILE_MARK.fullmatch(entry.name)]
    remove_abandoned(folder / name for name in names)


def remove_abandoned(paths: Iterable[Path]) -> None:
    """Removes those files and folders that are abandoned; skips what it may not remove."""
    for path in paths:
        with _tested(path) as is_free, contextlib.suppress(OSError):
            if is_free and path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif is_free:
                path.unlink()


def is_abandoned(path: Path, after_s: float = ABANDONED_AFTER_S) -> bool:
    """Whether the process that created a file or folder here has ended; False if it is not sure.

    Where a lock proves nothing, it counts as abandoned from an age on.
    """
    with _tested(path, after_s) as is_free:
        return is_free


@contextlib.contextmanager
def _tested(path: Path, after_s: float = ABANDONED_AFTER_S) -> Generator[bool]:
    """`is_abandoned`; if it is, nobody else finds so until the context ends."""
    try:
        fd = _open_existing(path)
    except OSError:  # it has just been removed, or is another user's
        yield False
        return
    try:
        lock = try_lock(fd, path)
        is_gone = lock is Lock.HELD or not is_at(fd, path)
        yield not is_gone and (
            (lock is Lock.TAKEN and _is_of_realm(path)) or _is_old(path, after_s)
        )
    finally:
        os.close(fd)


def _open_existing(path: Path) -> int:
    """Opens a file or folder; waits at no FIFO, and follows no link."""
    mode = os.O_RDWR if stat.S_ISREG(os.lstat(path).st_mode) else os.O_RDONLY
    return os.open(path, mode | NO_LINK_NO_WAIT)


def _is_of_realm(path: Path) -> bool:
    match = _ANY_MARK.fullmatch(path.name)
    return match is not None and match["realm"] == find_realm(path.parent)


def _is_old(path: Path, after_s: float) -> bool:
    newest = max(_read_mtime(p) for p in (path, *path.rglob("*")))
    try:
        with tempfile.TemporaryFile(dir=path.parent) as file:  # the disk may have another clock
            now = os.fstat(file.fileno()).st_mtime
    except OSError:
        return False
    return now - newest > after_s


def _read_mtime(path: Path) -> float:
    try:
        return os.lstat(path).st_mtime
    except OSError:
        return 0.0


def find_realm(folder: Path) -> str:
    """Eight hexadecimal digits: where locks of files in a folder are surely seen."""
    realm = f"{_find_kernel()} {os.stat(folder).st_dev}"
    return hashlib.sha256(realm.encode()).hexdigest()[:8]


@functools.cache
def _find_kernel() -> str:
    """What only processes of the kernel that runs now find; where there is none, this one alone."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return secrets.token_hex()
