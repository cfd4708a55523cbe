"""The server of a Ray cluster (its GCS): whether there is one, and whether it is still there.

Ray itself waits for many minutes at a port where something else listens or for a server that does
not come up, and for one minute at a server that has died, and then ends the process in words of its
own.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Generator

from synrender.errors import EXIT_FAILURE, EXIT_USER, UserError
from synrender.fanout.processes import IDLE_S, Idleness, end_family
from synrender.system.interrupts import add_resume

CONNECT_TIMEOUT_S = 10.0
TOKEN_HELP = "copy ~/.ray/auth_token of its first machine to this one and set RAY_AUTH_MODE=token"
NO_ANSWER = (
    f"something listens there, but did not take this driver in within {IDLE_S:g} s; is it Ray? If "
    f"it has a token, {TOKEN_HELP}"
)
WATCH_EVERY_S = 2.0
MAX_FAILURES = 5
"""Connections in a row that fail before the server counts as dead: 10 s."""


def check_reachable(address: str) -> None:
    """Raises OSError if nothing listens at an address."""
    host, port = split_address(address)
    if port:  # else it is "auto"
        socket.create_connection((host, port), timeout=CONNECT_TIMEOUT_S).close()


def split_address(address: str) -> tuple[str, int]:
    """Host and port of an address; port 0 if it has none."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    return host.strip("[]"), int(port) if port.isdigit() and int(port) < 1 << 16 else 0


@contextlib.contextmanager
def joining(address: str) -> Generator[None]:
    """Ends this process with one line and status 2 if it waits in vain within the context.

    For what is not Ray, or is a Ray that is stuck.
    """
    idleness, why = Idleness(), str(no_cluster(address, NO_ANSWER))
    with ended_early(lambda: why if idleness.is_idle([os.getpid()]) else None, EXIT_USER):
        yield


@contextlib.contextmanager
def ended_early(find_reason: Callable[[], str | None], status: int) -> Generator[None]:
    """Ends this process with one line and a status as soon as there is a reason to.

    From a thread, because Ray does not always come back from its C++ code.

    Args:
        find_reason: called every `WATCH_EVERY_S`; None: go on.
        status: exit status.
    """
    is_over = threading.Event()
    stderr = os.dup(2)  # the descriptor itself leads nowhere while Ray starts

    def watch() -> None:
        while not is_over.wait(WATCH_EVERY_S):
            reason = find_reason()
            if reason and not is_over.is_set():
                end_family()
                os.write(stderr, f"error: {reason}\n".encode())
                os._exit(status)

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        is_over.set()


def no_cluster(address: str, why: str) -> UserError:
    """The error that there is no cluster at an address."""
    return UserError(
        f"--address {address}: no Ray cluster answers there ({why}); start one "
        "with 'ray start --head', or leave --address out to use this machine alone"
    )


@contextlib.contextmanager
def watched_head(address: str) -> Generator[None]:
    """Ends this process with one line and status 1 if the server at the address dies meanwhile."""
    num_failures = 0

    dead = add_resume(f"Ray's server at {address} has died")

    def find_reason() -> str | None:
        nonlocal num_failures
        try:
            socket.create_connection(split_address(address), timeout=WATCH_EVERY_S).close()
            num_failures = 0
        except OSError:
            num_failures += 1
        return dead if num_failures >= MAX_FAILURES else None

    if not split_address(address)[1]:
        yield
        return
    with ended_early(find_reason, EXIT_FAILURE):
        yield
