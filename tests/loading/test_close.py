from __future__ import annotations

import os
from pathlib import Path

import synrender


def count_open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_a_data_set_can_be_closed_and_a_loop_leaves_nothing_open(single: Path) -> None:
    before = count_open_files()
    for _ in range(20):
        with synrender.open_dataset(single) as data:
            assert len(data[0]["image"])
        synrender.open_dataset(single)[0]
    assert count_open_files() == before
    assert data[1]["image"].shape == data[0]["image"].shape  # opens its files again
    data.close()
    assert count_open_files() == before
