"""How a command is cut short: by which signals, when, and how it goes on from there.

Ctrl-C takes effect between samples, SIGTERM at once or as Ctrl-C does.
"""

from __future__ import annotations

import contextlib
import contextvars
import enum
import os
import signal
import threading
from collections.abc import Callable, Generator, Mapping
from typing import Any, NamedTuple

from synrender.errors import EXIT_INTERRUPTED, EXIT_UNFINISHED
from synrender.system.console import warn

ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""What batch systems, and terminals that are closed, send to end a process."""


class Terminated(KeyboardInterrupt):
    """A signal of `ENDING` came, where it counts as Ctrl-C."""

    def __init__(self, number: int) -> None:
        """Takes the number of the signal."""
        super().__init__()
        self.status = find_stop_status(number)


# --- going on -------------------------------------------------------------------------------------


class Resume(enum.Enum):
    """How a command that was cut short goes on."""

    NOT = ""
    SAME = "the same command goes on from"
    WITHOUT_OVERWRITE = "the same command without --overwrite goes on from"


class _Course(NamedTuple):
    """How the command that runs in this process goes on, and whether SIGTERM tells it to, later."""

    resume: Resume = Resume.NOT
    is_requeued: bool = False


_UNKNOWN = _Course()
_course = contextvars.ContextVar("course", default=_UNKNOWN)


@contextlib.contextmanager
def resumed(resume: Resume, is_requeued: bool = False) -> Generator[None]:
    """Says within how a command goes on, for `add_resume` and `describe_stop`.

    By the exit status of one that is requeued, batch systems start it again after SIGTERM.
    """
    token = _course.set(_Course(resume, is_requeued))
    try:
        yield
    finally:
        _course.reset(token)


def add_resume(line: str) -> str:
    """A line on why the command ends early, and how it goes on, if it does."""
    how = _course.get().resume.value
    return f"{line}; what is finished is valid, and {how} there" if how else line


def describe_stop() -> str:
    """A line for the user who has stopped the command."""
    how = _course.get().resume.value
    return f"stopped; {how} here" if how else "stopped"


def find_stop_status(number: int) -> int:
    """Exit status of the command that runs in this process if a signal ends it."""
    is_asked = number == signal.SIGTERM and _course.get().is_requeued
    return EXIT_UNFINISHED if is_asked else 128 + number


# --- signals --------------------------------------------------------------------------------------


@contextlib.contextmanager
def endings_interrupt() -> Generator[None]:
    """Makes the signals of `ENDING` raise `Terminated`, so that all within is left in good order.

    Once: nothing disturbs the cleaning up. Outside the main thread, and for signals that are
    handled or ignored already, this does nothing.
    """
    is_main = threading.current_thread() is threading.main_thread()
    numbers = [n for n in ENDING if is_main and signal.getsignal(n) is signal.SIG_DFL]

    def interrupt(number: int, frame: object) -> None:
        for other in numbers:
            signal.signal(other, signal.SIG_IGN)
        raise Terminated(number)

    for number in numbers:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


def exit_on_signals(
    counts: Mapping[int, int], clean_up: Callable[[], object] = lambda: None
) -> None:
    """Makes signals end this process at once, with one line of output; see `find_stop_status`.

    A thread waits for them, because Python runs a signal handler only after the current C call
    returns. One in Blender may hang, and if Ray was stopped too, one in the driver may as well.

    Args:
        counts: for each signal, how many of it end the process.
        clean_up: called at each of these signals, in that thread.
    """
    line = f"{describe_stop()}\n".encode()
    statuses = {number: find_stop_status(number) for number in counts}
    reader, writer = os.pipe()
    stderr = os.dup(2)  # where it goes now: Blender's own output is captured later
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    left = dict(counts)

    def listen() -> None:
        while True:
            for number in os.read(reader, 64):
                if number not in left:
                    continue
                left[number] -= 1
                clean_up()
                if left[number] <= 0:
                    os.write(stderr, line)
                    os._exit(statuses[number])

    threading.Thread(target=listen, daemon=True).start()
    if signal.SIGTERM in counts:
        signal.signal(signal.SIGTERM, lambda signum, frame: None)


@contextlib.contextmanager
def sigterm_kept() -> Generator[None]:
    """Keeps other people's code from handling SIGTERM.

    A handler of Ray's, which it sets while it starts, raises SystemExit in the midst of whatever
    runs; where Python forks, that is printed as a traceback of the lock of `logging`, and dropped.
    Another one, of its C++ code, prints a stack trace; it is replaced in the end.
    """
    set_handler, handler_before = signal.signal, signal.getsignal(signal.SIGTERM)

    def keep(number: int, handler: Any) -> Any:
        is_ours = number == signal.SIGTERM
        return signal.getsignal(number) if is_ours else set_handler(number, handler)

    signal.signal = keep  # ty: ignore[invalid-assignment]
    try:
        yield
    finally:
        signal.signal = set_handler
        signal.signal(signal.SIGTERM, handler_before or signal.SIG_DFL)


@contextlib.contextmanager
def interrupts_held() -> Generator[Callable[[], None]]:
    """Delays Ctrl-C; call the yielded function to raise KeyboardInterrupt if it was pressed.

    Without this, Blender handles the signal itself: it drops the frame and continues the script.
    An exception raised inside a Blender callback is lost. A second Ctrl-C ends the process at once.
    Outside the main thread this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    was_pressed = False

    def hold(signum: int, frame: object) -> None:
        nonlocal was_pressed
        if was_pressed:
            warn(describe_stop())
            os._exit(EXIT_INTERRUPTED)
        was_pressed = True

    def check() -> None:
        if was_pressed:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, hold)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before or signal.default_int_handler)
    check()
