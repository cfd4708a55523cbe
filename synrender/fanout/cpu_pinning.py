"""Gives each worker CPUs of its own.

Without pinning, every Blender process keeps threads busy on all CPUs of the machine; the denoiser
does so whatever ``rendering.threads`` says. The workers of a machine need no server to agree: a
CPU belongs to the process that binds the abstract Unix socket with the CPU's name. The kernel
frees the socket when the process ends for any reason, and no file is left behind.
"""

from __future__ import annotations

import contextlib
import functools
import os
import socket
from collections.abc import Generator

MAX_LAYERS = 64
"""Most workers on one CPU; the next one is not pinned. More than one is already a misuse."""


@contextlib.contextmanager
def leased_cpus(num_cpus: int) -> Generator[tuple[int, ...]]:
    """Pins all threads of this process to CPUs that no other worker uses; 0 CPUs: does not pin.

    More workers than CPUs (two Ray nodes on one machine, for example) share the CPUs evenly.
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
    """Pins every thread; new threads inherit it from the thread that starts them."""
    for thread in os.listdir("/proc/self/task"):
        with contextlib.suppress(OSError):  # it has just ended
            os.sched_setaffinity(int(thread), cpus)


@functools.cache
def _allowed_cpus() -> list[int]:
    """CPUs that this process may use; first called before any pinning."""
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
