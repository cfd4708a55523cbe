"""Which kind of CPU rendered which samples is kept in a few ranges."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synrender.dataset.cpu_kinds import (
    CpuSamples,
    add_samples,
    describe_mixture,
    find_cpu_of,
    find_kinds,
)
from synrender.system.cpus import CpuKind, find_cpu

OLD, NEW = CpuKind("Maker", "old", ("avx",)), CpuKind("Maker", "new", ("avx", "avx2"))


def test_ranges_grow_together_and_a_sample_has_one_kind() -> None:
    known = add_samples((), OLD, range(40))
    known = add_samples(known, OLD, [40, 41, 50])
    assert known == (CpuSamples(OLD, "0-41, 50"),)
    known = add_samples(known, NEW, [3, 4, 41, 42])
    assert known == (CpuSamples(OLD, "0-2, 5-40, 50"), CpuSamples(NEW, "3-4, 41-42"))
    assert find_kinds(known, [0, 3, 42, 43, 50, 51]).tolist() == [0, 1, 1, -1, 0, -1]
    assert find_cpu_of(known, 41) == NEW
    assert find_cpu_of(known, 43) is None
    assert add_samples(known, NEW, range(60)) == (CpuSamples(NEW, "0-59"),)


def test_ranges_agree_with_sets_of_indexes() -> None:
    rng = np.random.default_rng(0)
    kinds, expected = (OLD, NEW), np.full(100, -1)
    known: tuple[CpuSamples, ...] = ()
    for _ in range(200):
        kind, idxs = int(rng.integers(2)), np.unique(rng.integers(100, size=6))
        known = add_samples(known, kinds[kind], idxs.tolist())
        expected[idxs] = kind
        found = [find_cpu_of(known, idx) for idx in range(100)]
        assert found == [None if k < 0 else kinds[k] for k in expected]


@pytest.mark.parametrize("text", ["", "x", "3-1", "0-4, 4", "5, 3", "1,2", "0-9999999999999", "-1"])
def test_what_are_no_ranges_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="samples of a kind of CPU"):
        CpuSamples(OLD, text)


def test_a_mixture_is_one_line() -> None:
    assert describe_mixture([OLD, OLD]) == ""
    line = describe_mixture([NEW, OLD, NEW])
    assert line.startswith("2 kinds of CPU: Maker new with avx2; Maker old. Their pixels differ")


def test_the_kind_of_this_cpu_is_known() -> None:
    kind = find_cpu()
    assert kind.model
    assert all(name in Path("/proc/cpuinfo").read_text() for name in kind.instruction_sets)
    assert kind.instruction_sets
    assert find_cpu(kind.model.partition(",")[0]) == kind
    assert find_cpu("Emulated (R) CPU") == CpuKind("", "Emulated (R) CPU", ())
