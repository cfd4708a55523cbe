"""CPUs that a worker has for itself.

Unpinned, every Blender process keeps threads busy on all CPUs of the machine, and the denoiser
does so whatever ``rendering.threads`` says. The workers of a machine agree without a server: a
CPU belongs to whoever binds the abstract Unix socket of its name. The kernel frees it when the
process ends, however it ends, and no file is left behind.
"""

from __future__ import annotations

import contextlib
import functools
import os
import socket
from collections.abc import Generator

MAX_LAYERS = 64
"""Workers on one CPU before a further one goes unpinned; more than one is already a misuse."""


@contextlib.contextmanager
def leased_cpus(num_cpus: int) -> Generator[tuple[int, ...]]:
    """Pins all threads of this process to CPUs that no other worker has; ``num_cpus`` 0: does not.

    Where there are more workers than CPUs (two Ray nodes on one machine, say), they share evenly.
    """
    if num_cpus == 0:
        yield ()
        return
    allowed = _allowed_cpus()
    with contextlib.ExitStack() as leases:
        cpus = _lease(min(num_cpus, len(allowed)), allowed, leases)
        pin_process(cpus)
        try:
            yield tuple(cpus)
        finally:
            pin_process(allowed)


def pin_process(cpus: list[int]) -> None:
    """Pins every thread that there is; those to come inherit it from the one that starts them."""
    for thread in os.listdir("/proc/self/task"):
        with contextlib.suppress(OSError):  # it has just ended
            os.sched_setaffinity(int(thread), cpus)


@functools.cache
def _allowed_cpus() -> list[int]:
    """CPUs that this process may use, asked before the first pinning."""
    return sorted(os.sched_getaffinity(0))


def _lease(num_cpus: int, allowed: list[int], leases: contextlib.ExitStack) -> list[int]:
    cpus: list[int] = []
    for layer in range(MAX_LAYERS):
        for cpu in allowed:
            if cpu in cpus:
                continue
            lease = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                lease.bind(f"\0synrender-cpu-{cpu}-{layer}")
            except OSError:
                lease.close()
                continue
            leases.callback(lease.close)
            cpus.append(cpu)
            if len(cpus) == num_cpus:
                return cpus
    return allowed
