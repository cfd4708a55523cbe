from __future__ import annotations

import numpy as np
import pytest

from synrender.sampling.streams import permute


@pytest.mark.parametrize("n", [1, 2, 3, 5, 7, 16, 17, 100, 255, 256, 257, 1000, 4095, 12345])
def test_it_is_a_bijection(n: int) -> None:
    assert sorted(permute(i, n, 3) for i in range(n)) == list(range(n))


@pytest.mark.parametrize("n", [10**9, 10**9 + 7, 2**40 + 1])
def test_large_ones_are_computed_and_not_stored(n: int) -> None:
    places = [permute(i, n, 0) for i in range(2000)]
    assert len(set(places)) == 2000
    assert min(places) >= 0
    assert max(places) < n
    assert abs(np.mean(places) / n - 0.5) < 0.05  # evenly over the range


def test_seeds_and_keys_give_orders_of_their_own() -> None:
    orders = {
        tuple(permute(i, 50, seed, key) for i in range(50)) for seed in (0, 1) for key in (0, 1)
    }
    assert len(orders) == 4


def test_neighbors_end_up_far_apart() -> None:
    places = np.array([permute(i, 10_000, 1) for i in range(10_000)])
    correlation = np.corrcoef(places[:-1], places[1:])[0, 1]
    assert abs(correlation) < 0.04
    # The place in the order tells nothing about the value modulo a small grid.
    table = np.zeros((10, 10))
    np.add.at(table, (np.arange(10_000) * 10 // 10_000, places % 10), 1)
    assert ((table - 100) ** 2 / 100).sum() < 130  # chi-square of 81 degrees of freedom
