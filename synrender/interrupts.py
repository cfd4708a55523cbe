"""Signals: Ctrl-C takes effect between samples, SIGTERM at once."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Generator

EXIT_INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 plus the number of SIGINT, as in shells."""

STOPPED = "stopped; the same command goes on from here"


def exit_on_sigterm() -> None:
    """Makes SIGTERM end this process at once, with one line of output and exit status 143.

    A thread waits for the signal, because Python runs a signal handler only after the current C
    call returns. If Ray was stopped too, that call in the driver might not return for long.
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
