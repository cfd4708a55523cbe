"""Ctrl-C between samples: Blender would swallow one that arrives while it renders."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator

EXIT_INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 plus the number of SIGINT, as shells have it."""


@contextlib.contextmanager
def interrupts_held() -> Iterator[Callable[[], None]]:
    """Holds Ctrl-C back; the function that it yields raises KeyboardInterrupt if there was one.

    Blender takes the signal for itself, gives up the frame and goes on with the script, and an
    exception that Python raises within one of Blender's callbacks is lost. A second Ctrl-C ends
    the process at once. In a thread other than the main one nothing is held.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    was_pressed = False

    def hold(signum: int, frame: object) -> None:
        nonlocal was_pressed
        if was_pressed:
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
