"""The processes of a run on this machine: none of them outlives the driver, or writes after it.

However the driver ends, the kernel ends Ray's servers with it (Ray asks for that), each worker with
its server, and a Blender executable with its worker (`end_with_parent`). Ray's helpers, which the
kernel does not end and which would go on for a minute, are left to `cleanup_process`.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

PR_SET_PDEATHSIG = 1  # prctl(2)
START_NOTE = "start.log"
"""File beside Ray's that says why the driver ended as Ray started, if it could not itself."""

GUARD_PATH = Path(__file__).with_name("cleanup_process.py")

PATIENCE_S = 5.0
"""A killed process that still runs so long is stuck in the kernel; nobody waits longer for it."""


def end_with_parent(pid: int) -> None:
    """Lets the kernel kill this process when its parent ends.

    Args:
        pid: process that this one works for; if it has ended already, this one ends now. 0: none.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if pid and not is_running(pid):
        os._exit(1)


def end_family() -> None:
    """Kills what Ray's servers have started, and returns when none of it runs any more.

    The servers are this process's children, and are only stopped: they end when it ends, and if
    they ended before, Ray would end it in its own way. A guard is left alone.
    """
    servers = [pid for pid in find_children(os.getpid()) if _is_in_session(pid)]
    for pid in servers:
        _send(pid, signal.SIGSTOP)
    end = time.monotonic() + PATIENCE_S
    family: set[int] = set()
    while time.monotonic() < end:
        family.update(pid for server in servers for pid in find_family(server)[1:])
        running = [pid for pid in family if is_running(pid)]
        if not running:
            return
        for pid in running:
            _send(pid, signal.SIGKILL)
        time.sleep(0.005)


@contextlib.contextmanager
def guarded(folder: Path, remedy: str = "") -> Generator[None]:
    """Has a guard clean up when this process leaves the context, or ends.

    Args:
        folder: of Ray's files; whoever has one open for writing is killed, and it is removed.
        remedy: what to say if this process ends as Ray starts, and leaves a note of that.
    """
    command = [sys.executable, "-I", "-S", str(GUARD_PATH), str(folder), str(os.getpid())]
    command += [START_NOTE, remedy]
    # In a session of its own neither Ctrl-C nor a signal to the driver's group reaches it.
    guard = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield
    finally:
        guard.communicate()


# --- finding --------------------------------------------------------------------------------------


def find_family(pid: int) -> list[int]:
    """A process, its children, and theirs."""
    found = [pid]
    for member in found:
        found += find_children(member)
    return found


def find_children(pid: int) -> list[int]:
    """Processes that a process has started and that still run under it."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, path.read_text(encoding="ascii").split())
    return found


def is_running(pid: int) -> bool:
    """Whether a process still does something: a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def _is_in_session(pid: int) -> bool:
    try:
        return os.getsid(pid) == os.getsid(0)
    except ProcessLookupError:
        return False


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
