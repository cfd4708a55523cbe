"""The CPUs that this process may use: how many, of which kind, and which are its own.

Containers allow fewer CPUs than a process may run on.

Workers are pinned, because every Blender process keeps threads busy on all CPUs of the machine; the
denoiser does so whatever ``rendering.threads`` says. The workers of a machine need no server to
agree: a CPU belongs to the process that binds the abstract Unix socket with the CPU's name. The
kernel frees the socket when the process ends for any reason, and no file is left behind.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
import platform
import socket
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_CHOSEN_BY = (
    *("sse4", "avx", "fma", "f16c", "amx"),  # of x86
    *("asimd", "sve", "bf16", "i8mm"),  # of ARM
)
"""Beginnings of the names of instruction sets by which programs choose their code."""

MAX_NAME = 200

MAX_LAYERS = 64
"""Most workers on one CPU; the next one is not pinned. More than one is already a misuse."""


@dataclass(frozen=True)
class CpuKind:
    """A kind of CPU: programs choose their code by it, and makers round some instructions apart."""

    maker: str  # as the CPU says it, such as "AuthenticAMD"; "": unknown
    model: str  # such as "AMD EPYC 7B13 64-Core Processor, family 25, model 1"
    instruction_sets: tuple[str, ...]  # by name, as Linux calls them

    def __str__(self) -> str:
        return f"{self.maker} {self.model}".strip() or "unknown"


def find_allowed_cpus() -> list[int]:
    """Numbers of the CPUs; all of them where the system knows no affinity (macOS, Windows)."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


@functools.cache
def find_cpu(seen_model: str = "") -> CpuKind:
    """The kind of this machine's CPUs; of several kinds, that of the first one.

    Args:
        seen_model: model that a program sees. If the system names another, the CPU is emulated,
            and no more is known of it.
    """
    try:
        text = Path("/proc/cpuinfo").read_text(errors="replace")
    except OSError:  # not Linux
        text = ""
    lines = (line.partition(":") for line in text.split("\n\n")[0].splitlines())
    facts = {name.strip(): value.strip() for name, _, value in lines}
    model = facts.get("model name") or platform.processor() or platform.machine()
    if seen_model and _to_plain(seen_model) not in _to_plain(model):
        return CpuKind("", _shorten(seen_model), ())
    for what in ("cpu family", "model", "CPU part"):
        if what in facts:
            model += f", {what.removeprefix('cpu ')} {facts[what]}"
    names = (facts.get("flags") or facts.get("Features") or "").split()
    return CpuKind(
        _shorten(facts.get("vendor_id") or facts.get("CPU implementer") or ""),
        _shorten(model),
        tuple(sorted(name for name in set(names) if name.startswith(_CHOSEN_BY))),
    )


def _shorten(name: str) -> str:
    return " ".join(name.split())[:MAX_NAME]


def _to_plain(model: str) -> str:
    """A model's name without trademarks and blanks, which not all programs write."""
    for mark in ("(R)", "(TM)", "(r)", "(tm)", " "):
        model = model.replace(mark, "")
    return model


# --- counting -------------------------------------------------------------------------------------


def count_cpus(root: Path = Path("/")) -> int:
    """CPUs that this process can keep busy at once; at least 1.

    As many as it may run on, but no more than its control groups allow, as ``proc`` and ``sys``
    below a root say: half a CPU counts as one, and one and a half as two.
    """
    return max(1, math.ceil(min(len(find_allowed_cpus()), _find_quota(root))))


def _find_quota(root: Path) -> float:
    """CPUs that the control groups of this process allow, of version 1 and 2; may be infinite.

    A container is limited by a group, or by one that holds it. In it, the path of its group may
    lead from the root of the machine, which it does not see; the group is then where all are.
    """
    quota = math.inf
    for mount, path in _find_groups(root):
        for group in (path, *path.parents):
            quota = min(quota, _read_quota(mount / str(group).lstrip("/")))
    return quota


def _find_groups(root: Path) -> Iterator[tuple[Path, PurePosixPath]]:
    """Where control groups that limit CPUs are mounted, and the path of this process's group."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        lines = ["0:cpu,cpuacct:/", "0::/"]
    for line in lines:  # such as "4:cpu,cpuacct:/docker/3f2a" of version 1, "0::/" of version 2
        _, _, controllers_and_path = line.partition(":")
        controllers, _, path = controllers_and_path.partition(":")
        group = PurePosixPath("/", *(part for part in path.split("/") if part != ".."))
        if not controllers:
            yield root / "sys/fs/cgroup", group
            yield root / "sys/fs/cgroup/unified", group
        elif "cpu" in controllers.split(","):
            for name in dict.fromkeys((controllers, "cpu")):
                yield root / "sys/fs/cgroup" / name, group


def _read_quota(group: Path) -> float:
    """CPUs that one control group allows; infinite if it says nothing."""
    with contextlib.suppress(OSError, ValueError):
        quota_us, period_us = (group / "cpu.max").read_text(encoding="ascii").split()
        return math.inf if quota_us == "max" else int(quota_us) / max(1, int(period_us))
    with contextlib.suppress(OSError, ValueError):
        quota_us, period_us = (
            int((group / f"cpu.cfs_{name}_us").read_text(encoding="ascii"))
            for name in ("quota", "period")
        )
        return quota_us / max(1, period_us) if quota_us > 0 else math.inf
    return math.inf


# --- pinning --------------------------------------------------------------------------------------


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
    """Like `find_allowed_cpus`; first called before any pinning."""
    return find_allowed_cpus()


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
