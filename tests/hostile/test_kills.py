from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile.kills import FAULTS, TARGETS, create_driver, kill_many

pytestmark = [pytest.mark.slow, pytest.mark.weekly]  # it renders and archives again and again


def test_a_few_random_kills_lose_nothing(tmp_path: Path) -> None:
    """A hundred by hand: make test-kill N=100."""
    counts = kill_many(create_driver(tmp_path), num_kills=4, seed=1)
    assert sum(counts[target] for target in TARGETS) >= 4
    assert {fault: counts[fault] for fault in FAULTS} == dict.fromkeys(FAULTS, 0)
