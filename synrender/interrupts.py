"""Ctrl-C between samples, which Blender would swallow while it renders, and SIGTERM at once."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Generator

EXIT_INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 plus the number of SIGINT, as shells have it."""

STOPPED = "stopped; the same command goes on from here"


def exit_on_sigterm() -> None:
    """From now on SIGTERM ends this process at once, with exit status 143 and a line that says so.

    A handler of Python's own would have to wait for the end of whatever C code runs: a driver
    whose Ray got the signal too would wait with it, and for nothing. So a thread listens.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)

    def listen() -> None:
        while signal.SIGTERM not in os.read(reader, 64):
            pass
        os.write(2, f"{STOPPED}\n".encode())
        os._exit(128 + signal.SIGTERM)

    threading.Thread(target=listen, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda signum, frame: None)


@contextlib.contextmanager
def interrupts_held() -> Generator[Callable[[], None]]:
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
