"""The CPUs that this process may use."""

from __future__ import annotations

import os


def find_allowed_cpus() -> list[int]:
    """Numbers of the CPUs; all of them where the system knows no affinity (macOS, Windows)."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))
