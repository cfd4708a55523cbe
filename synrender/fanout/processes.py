"""The processes of a run on this machine: none of them outlives the driver, or writes after it.

However the driver ends, the kernel ends Ray's servers with it (Ray asks for that), each worker with
its server, and a Blender executable with its worker (`end_with_parent`). Ray's helpers, which the
kernel does not end and which would go on for a minute, are left to a guard: this file as a script,
which also ends a driver that Ray's C++ code keeps from ending itself.

python -I -S processes.py FOLDER DRIVER_PID REMEDY IDLE_S

So it imports nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from pathlib import Path

PR_SET_PDEATHSIG = 1  # prctl(2)
NOTE = "driver.log"
"""File beside Ray's in which the driver, and what ends it, say how far it came."""

STARTING, STARTED = "Ray starts on this machine\n", "Ray has started\n"
WAITING, BEGUN = "tasks should begin\n", "a task has begun\n"
"""What the driver writes into its note, one after the other."""

CRASHED = "Fatal Python error"
"""What `faulthandler` writes into the note."""

RAY_ERROR = re.compile(r"\[[^]]* [EC] \d+ \d+\] [^ ]+:\d+: (.*)")
"""A line of a log of Ray's C++ code that tells an error."""

MAX_REASON = 200
CHECK_EVERY_S = 1.0

PATIENCE_S = 5.0
"""A killed process that still runs so long is stuck in the kernel; nobody waits longer for it."""

IDLE_S = 15.0
"""Processes that have done next to nothing for so long, and should do something, never will."""

MAX_IDLE_SHARE = 0.25
"""Of one CPU, by the busiest thread of each second. A thread of Ray's that only waits uses 0.01 of
one, or 0.1 with the time for which it waits for a CPU of a busy machine; one at work uses 1."""

WAITING_LIMIT_S = 200.0
"""For the first task to begin; the driver gives up 20 s earlier, unless it hangs in a call."""

MAX_GAP_S = 10.0
"""Without a look at the processes for so long, this one was stopped too, or the machine was."""


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
    servers = find_servers()
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

    If the guard is killed, another one takes its place.

    Args:
        folder: of Ray's files. Each process that writes into it is killed, and it is removed.
        remedy: what to say if this process cannot end itself, as its `NOTE` in the folder tells.
    """
    command = [sys.executable, "-I", "-S", __file__, str(folder), str(os.getpid()), remedy]
    command += [str(IDLE_S)]

    def start() -> subprocess.Popen[bytes]:
        # In a session of its own neither Ctrl-C nor a signal to the driver's group reaches it.
        return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)

    def replace() -> None:
        nonlocal process
        while not is_over.wait(CHECK_EVERY_S):
            with contextlib.suppress(OSError):
                process = process if process.poll() is None else start()

    process, is_over = start(), threading.Event()
    watcher = threading.Thread(target=replace, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()
        process.communicate()


# --- watching -------------------------------------------------------------------------------------


class Idleness:
    """Tells processes that wait for what never comes from those that a slow machine holds up.

    What counts as work is also the time that threads wait for a CPU, which the kernel measures, or
    for a disk. Where the kernel does not measure it, nobody counts as idle.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, idle_s: float | None = None
    ) -> None:
        """Takes a clock, and what to use in place of `IDLE_S`."""
        self._clock, self._idle_s = clock, IDLE_S if idle_s is None else idle_s
        self._work_s: dict[Path, float] = {}  # of each thread, when it was last looked at
        self._history: deque[tuple[float, float]] = deque()  # when, and the work since the first
        self._is_measured = _read_work_s(Path("/proc/thread-self")) > 0

    def is_idle(self, pids: Iterable[int]) -> bool:
        """Whether processes have done next to nothing for `IDLE_S`; call it every second or two."""
        now = self._clock()
        if self._history and now - self._history[-1][0] > MAX_GAP_S:
            self._history.clear()
        threads = [thread for pid in pids for thread in Path(f"/proc/{pid}/task").glob("*")]
        work_s = {thread: _read_work_s(thread) for thread in threads}
        if self._history:
            last, total = self._history[-1]
            done_s = (s - self._work_s.get(thread, 0) for thread, s in work_s.items())
            total += max(done_s, default=0.0)
            if any(_read_state(thread) == "D" for thread in threads):  # waits for a disk
                total += now - last
        else:
            total = 0.0
        self._work_s = work_s
        self._history.append((now, total))
        while len(self._history) > 1 and now - self._history[1][0] >= self._idle_s:
            self._history.popleft()
        first, before = self._history[0]
        is_long_enough = now - first >= self._idle_s
        is_quiet = total - before < MAX_IDLE_SHARE * (now - first)
        return self._is_measured and is_long_enough and is_quiet


def _read_work_s(thread: Path) -> float:
    """Seconds that a thread has run, or was ready to and waited for a CPU."""
    try:
        run_ns, wait_ns, _ = (thread / "schedstat").read_text(encoding="ascii").split()
    except (OSError, ValueError):  # it has just ended
        return 0.0
    return (int(run_ns) + int(wait_ns)) / 1e9


# --- finding --------------------------------------------------------------------------------------


def find_servers() -> list[int]:
    """Ray's servers, which this process has started; the guard is in a session of its own."""
    return [pid for pid in find_children(os.getpid()) if _is_in_session(pid)]


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
    return _read_state(Path(f"/proc/{pid}")) not in ("", "Z", "X")


def _read_state(process: Path) -> str:
    """Letter of the state of a process or a thread, as proc(5) has it; "" if it has ended."""
    try:
        stat = (process / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[0]


def _is_in_session(pid: int) -> bool:
    try:
        return os.getsid(pid) == os.getsid(0)
    except ProcessLookupError:
        return False


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


# --- the guard ------------------------------------------------------------------------------------


def guard(folder: Path, driver_pid: int, remedy: str, idle_s: float) -> None:
    """Waits until the driver has ended, says why if it could not, kills what is left and removes.

    The driver has started this process and holds the other end of its input, so that ends when the
    driver does, by whatever signal. For the rest see `guarded` and `Idleness`.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # batch systems send them to all
        signal.signal(number, signal.SIG_IGN)
    note = folder / NOTE
    if reason := _wait_for_end(driver_pid, note, Idleness(idle_s=idle_s)) or find_reason(note):
        print(f"error: {reason}; {remedy}", file=sys.stderr, flush=True)
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and (pids := find_writers(folder) - {driver_pid, os.getpid()}):
        for pid in pids:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
    shutil.rmtree(folder, ignore_errors=True)


def _wait_for_end(driver_pid: int, note: Path, idleness: Idleness) -> str:
    """Returns when the driver has ended; ends it if it cannot do so itself, and says why."""
    reason, patience_s, num_idle, num_waiting = "", PATIENCE_S, 0, 0
    while not select.select([sys.stdin], [], [], CHECK_EVERY_S)[0]:
        text = read_note(note)
        is_watched = text == STARTING or text.endswith(WAITING)
        others = (pid for pid in find_family(driver_pid) if pid != os.getpid())
        is_idle = is_watched and idleness.is_idle(others)
        if is_idle and text == STARTING and not reason:
            reason = "Ray did not start: none of its processes works"
            _send(driver_pid, signal.SIGHUP)  # see `ray_session`
        # The driver sees it itself, unless a call of Ray's never returns.
        num_waiting = num_waiting + 1 if text.endswith(WAITING) else 0
        num_idle = num_idle + 1 if is_idle and num_waiting else 0
        if not reason and num_idle * CHECK_EVERY_S > PATIENCE_S:
            reason = "Ray begins no task: none of its processes works"
        elif not reason and num_waiting * CHECK_EVERY_S > WAITING_LIMIT_S:
            reason = f"Ray began no task within {WAITING_LIMIT_S:g} s"
        if reason and num_waiting:
            _send(driver_pid, signal.SIGKILL)
        patience_s -= CHECK_EVERY_S if reason or CRASHED in text else 0
        if patience_s < 0:
            _send(driver_pid, signal.SIGKILL)
    return reason


def find_reason(note: Path) -> str:
    """Why the driver ended, if it could not say so itself; else ""."""
    text = read_note(note)
    if limit := re.search(r"Timeout \(([0-9:]+)\)", text):
        return f"Ray did not start within {limit[1]}"
    if CRASHED in text:
        return "Ray crashed" if STARTED in text else "Ray crashed as it started"
    if text == STARTING and (error := find_last_error(note.parent)):
        return f"Ray did not start ({error})"
    return ""


def read_note(note: Path) -> str:
    """Text of the driver's note; "" if it has removed the note, as it does when all is well."""
    try:
        return note.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def find_last_error(folder: Path) -> str:
    """Why Ray's C++ code has ended the driver: the first sentence of the last line of its log."""
    for log in folder.rglob("python-core-driver-*.log"):
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        if lines and (found := RAY_ERROR.match(lines[-1])):
            return found[1].partition(". ")[0][:MAX_REASON]
    return ""


def find_writers(folder: Path) -> set[int]:
    """Processes that have a file in a folder open for writing; each of Ray's has its log."""
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended, or is another user's
            if any(_is_open_for_writing(fd, folder) for fd in (path / "fd").iterdir()):
                found.add(int(path.name))
    return found


def _is_open_for_writing(fd: Path, folder: Path) -> bool:
    try:
        if folder not in Path(os.readlink(fd)).parents:
            return False
        lines = (fd.parents[1] / "fdinfo" / fd.name).read_text(encoding="ascii").splitlines()
    except OSError:
        return False
    flags = next(int(line.split()[1], 8) for line in lines if line.startswith("flags:"))
    return flags & os.O_ACCMODE != os.O_RDONLY


if __name__ == "__main__":
    guard(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], float(sys.argv[4]))
