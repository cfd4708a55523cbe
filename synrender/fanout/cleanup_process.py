"""Waits until the driver has ended, kills what is left of its Ray, and removes Ray's files.

python -I -S cleanup_process.py FOLDER DRIVER_PID START_NOTE REMEDY

Started by `processes.guarded`; imports nothing but the standard library. The driver holds the other
end of this process's input, so it ends when the driver does, by whatever signal.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import sys
import time
from pathlib import Path

PATIENCE_S = 5.0


def main(folder: Path, driver_pid: int, start_note: str, remedy: str) -> None:
    """Waits, says why the driver ended if it could not, kills and removes."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # batch systems send them to all
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    if reason := find_reason(folder / start_note):
        print(f"error: {reason}; {remedy}", file=sys.stderr, flush=True)
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and (pids := find_writers(folder) - {driver_pid, os.getpid()}):
        for pid in pids:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)
    shutil.rmtree(folder, ignore_errors=True)


def find_reason(start_note: Path) -> str:
    """Why the driver ended as Ray started, by what `faulthandler` wrote; "" if it did not."""
    try:
        text = start_note.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    if limit := re.match(r"Timeout \(([0-9:]+)\)", text):
        return f"Ray did not start within {limit[1]}"
    return "Ray crashed as it started" if text else ""


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
    main(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
