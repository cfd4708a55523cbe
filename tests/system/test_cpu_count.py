"""How many CPUs a container lets a process keep busy, from trees of control groups."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from synrender.system.cpus import count_cpus, find_allowed_cpus
from synrender.system.workers import Workers

HALF_V1 = {"cpu.cfs_quota_us": "50000\n", "cpu.cfs_period_us": "100000\n"}
FREE_V1 = {"cpu.cfs_quota_us": "-1\n", "cpu.cfs_period_us": "100000\n"}
HALF_V2, FREE_V2 = {"cpu.max": "50000 100000\n"}, {"cpu.max": "max 100000\n"}
V1 = "9:memory:/job\n4:cpu,cpuacct:{}\n1:name=systemd:/job\n"
V2 = "0::{}\n"

needs_two_cpus = pytest.mark.skipif(len(find_allowed_cpus()) < 2, reason="needs two CPUs")


def write_tree(root: Path, groups: str, files: dict[str, dict[str, str]]) -> Path:
    """A root folder with what the kernel says of the groups of a process."""
    texts = {"proc/self/cgroup": groups}
    for folder, contents in files.items():
        texts |= {f"sys/fs/cgroup/{folder}/{name}": text for name, text in contents.items()}
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@needs_two_cpus
@pytest.mark.parametrize(
    ("groups", "files"),
    [
        (V2.format("/"), {"": HALF_V2}),
        (V2.format("/user.slice/job"), {"user.slice/job": HALF_V2, "user.slice": FREE_V2}),
        (V2.format("/user.slice/job"), {"user.slice/job": FREE_V2, "user.slice": HALF_V2}),
        (V2.format("/docker/3f2a"), {"": HALF_V2}),  # a path of the machine, seen in a container
        (V2.format("/../../job"), {"job": HALF_V2}),
        ("1:cpu:/\n0::/a\n", {"unified/a": HALF_V2}),
        (V1.format("/"), {"cpu,cpuacct": HALF_V1}),
        (V1.format("/"), {"cpu": HALF_V1}),
        (V1.format("/a/b"), {"cpu,cpuacct/a/b": FREE_V1, "cpu,cpuacct/a": HALF_V1}),
        (V1.format("/docker/3f2a"), {"cpu,cpuacct": HALF_V1}),
        (V2.format("/"), {"": {"cpu.max": "1000 100000\n"}}),
    ],
)
def test_half_a_cpu_is_one(tmp_path: Path, groups: str, files: dict) -> None:
    assert count_cpus(write_tree(tmp_path, groups, files)) == 1


@pytest.mark.parametrize(
    ("groups", "files"),
    [
        (V2.format("/"), {"": FREE_V2}),
        (V2.format("/"), {"": {"cpu.max": "10000000 100000\n"}}),
        (V1.format("/"), {"cpu,cpuacct": FREE_V1}),
        (V2.format("/"), {}),
        (V2.format("/a"), {"b": HALF_V2}),  # a group of others
        ("", {}),
        ("no such line\n::\n", {}),
        (V2.format("/"), {"": {"cpu.max": "many\n"}}),
        (V2.format("/"), {"": {"cpu.max": ""}}),
        (V2.format("/"), {"": {"cpu.max": "100000 0\n"}}),
    ],
)
def test_without_a_quota_all_cpus_count(tmp_path: Path, groups: str, files: dict) -> None:
    assert count_cpus(write_tree(tmp_path, groups, files)) == len(find_allowed_cpus())


@needs_two_cpus
def test_one_and_a_half_are_two(tmp_path: Path) -> None:
    assert count_cpus(write_tree(tmp_path, V2.format("/"), {"": {"cpu.max": "150000 100000"}})) == 2


@needs_two_cpus
def test_the_count_is_that_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Workers(0).num_jobs == count_cpus() <= len(find_allowed_cpus())
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0})
    assert count_cpus() == 1
