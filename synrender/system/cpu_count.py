"""How many CPUs this process can keep busy: containers allow fewer than it may run on."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from synrender.system.cpus import find_allowed_cpus


def count_cpus(root: Path = Path("/")) -> int:
    """CPUs that this process can keep busy at once; at least 1.

    As many as it may run on, but no more than its control groups allow: half a CPU counts as one,
    and one and a half as two.

    Args:
        root: where ``proc`` and ``sys`` are.
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
