"""Terminal output: progress, one-line messages, and capture of Blender's own output."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import os
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol, TextIO

from synrender.errors import to_line

if TYPE_CHECKING:
    from tqdm import tqdm

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_terminal: contextvars.ContextVar[TextIO | None] = contextvars.ContextVar("terminal", default=None)
"""Where stderr went before the capture that is in force, if one is."""


class Capture:
    """Collects all that the process writes to file descriptors 1 and 2, also from C code."""

    def __init__(self, log_fd: int, terminal: TextIO) -> None:
        self._log_fd = log_fd
        self.terminal = terminal  # the original stderr, not captured

    def clear(self) -> None:
        """Deletes the output that was collected so far."""
        os.ftruncate(self._log_fd, 0)

    def tail(self, num_lines: int = 20) -> str:
        """The last collected lines."""
        size = os.fstat(self._log_fd).st_size
        start = max(0, size - 200 * num_lines)
        text = os.pread(self._log_fd, size - start, start).decode(errors="replace")
        return "\n".join(text.splitlines()[-num_lines:])


@contextlib.contextmanager
def redirected_output(fd: int) -> Generator[None]:
    """Redirects file descriptors 1 and 2 to ``fd``, also for output of C code."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved_fds = os.dup(1), os.dup(2)
    try:
        os.dup2(fd, 1)
        os.dup2(fd, 2)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, saved_fd in zip((1, 2), saved_fds, strict=True):
            os.dup2(saved_fd, number)
            os.close(saved_fd)


@contextlib.contextmanager
def captured_output() -> Generator[Capture]:
    """Captures stdout and stderr at the file-descriptor level; exceptions still propagate."""
    with (
        tempfile.TemporaryFile(buffering=0) as log,
        os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace") as terminal,
    ):
        log_fd = log.fileno()
        if fcntl is not None:
            fcntl.fcntl(log_fd, fcntl.F_SETFL, os.O_APPEND)  # else cleared space fills with zeros
        token = _terminal.set(terminal)
        try:
            with redirected_output(log_fd):
                yield Capture(log_fd, terminal)
        finally:
            _terminal.reset(token)


class Progress:
    """One live line with rate and ETA, shown only in a terminal.

    Written here because Blender's own Python has no progress-bar library.
    """

    BAR_WIDTH = 24

    def __init__(self, stream: TextIO, is_shown: bool = True, unit: str = "samples") -> None:
        self._stream, self._unit = stream, unit
        self._start = time.monotonic()
        self._is_shown = is_shown and stream.isatty()

    def show(self, done: int, total: int) -> None:
        """Redraws the line for ``done`` of ``total``; ``done`` = 0 restarts the clock."""
        if done == 0:
            self._start = time.monotonic()
        if not self._is_shown:
            return
        seconds = time.monotonic() - self._start
        rate = done / seconds if seconds else 0.0
        eta = format_duration((total - done) / rate) if rate else "?"
        filled = self.BAR_WIDTH * done // total
        bar = "█" * filled + "░" * (self.BAR_WIDTH - filled)
        end = "\n" if done == total else ""
        line = f"{bar} {done}/{total} {self._unit}  {rate:.2f}/s  ETA {eta}"
        self._stream.write(f"\r{line:<78}{end}")
        self._stream.flush()


class Bar(Protocol):
    """A progress bar, such as one of tqdm."""

    def update(self, n: int) -> object:
        """Counts ``n`` things as done."""


CreateBar = Callable[[int, str], AbstractContextManager[Bar]]
"""``with create(total, what) as bar: bar.update(number)``; see `create_bar`."""


def create_bar(total: int, what: str, unit: str = "samples") -> tqdm:
    """Progress bar with rate and ETA, of scripts that do not run in Blender's Python.

    Shown only in a terminal.
    """
    from tqdm import tqdm

    return tqdm(total=total, desc=what, unit=f" {unit}", disable=None, dynamic_ncols=True)


def create_file_bar(total: int, what: str) -> tqdm:
    """`create_bar` of what counts files."""
    return create_bar(total, what, "files")


def say(*lines: str) -> None:
    """Prints lines and flushes them; each stays one line, whatever names are in it."""
    for line in lines:
        print(to_line(line), flush=True)


def warn(line: str) -> None:
    """Prints a line to stderr at once, past a capture."""
    print(to_line(line), file=_terminal.get() or sys.stderr, flush=True)


@functools.cache
def warn_once(line: str) -> None:
    """`warn`, but a line that this process has printed is not printed again."""
    warn(line)


def format_duration(seconds: float) -> str:
    """Converts seconds to text: ``75`` to ``"1:15"``, ``3675`` to ``"1:01:15"``."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
