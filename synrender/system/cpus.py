"""The CPUs that this process may use, and what kind they are of."""

from __future__ import annotations

import functools
import os
import platform
from dataclasses import dataclass
from pathlib import Path

_CHOSEN_BY = (
    *("sse4", "avx", "fma", "f16c", "amx"),  # of x86
    *("asimd", "sve", "bf16", "i8mm"),  # of ARM
)
"""Beginnings of the names of instruction sets by which programs choose their code."""

MAX_NAME = 200


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
    """A model's name without trademarks and blanks, which not all programs tell."""
    for mark in ("(R)", "(TM)", "(r)", "(tm)", " "):
        model = model.replace(mark, "")
    return model
