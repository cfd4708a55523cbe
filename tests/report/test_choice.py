"""Choosing a few of many, and counting numbers, both in one pass."""

from __future__ import annotations

import numpy as np
import pytest

from synrender.report.rows import EvenChoice, mix
from synrender.report.survey import NUM_BINS, GrowingHistogram


def choose(num: int, cells: np.ndarray, part: int) -> np.ndarray:
    choice, items = EvenChoice(num), np.arange(len(cells))
    for start in range(0, len(cells), part):
        some = items[start : start + part]
        choice.add(mix(cells[some]), mix(some), some)
        assert len(choice.items) <= num
    return choice.items


def test_every_cell_gets_its_turn() -> None:
    cells = np.array([0] * 5000 + [1] * 3 + [2] * 500)
    chosen = choose(60, cells, 100)
    counts = np.bincount(cells[chosen])
    assert counts[1] == 3
    assert abs(int(counts[0]) - int(counts[2])) <= 1
    assert len(np.unique(chosen)) == 60


def test_parts_and_order_change_nothing() -> None:
    rng = np.random.default_rng(0)
    cells = rng.integers(0, 40, 3000)
    whole = choose(100, cells, 3000)
    assert set(choose(100, cells, 7)) == set(whole)
    order = rng.permutation(3000)
    choice = EvenChoice(100)
    for some in np.array_split(order, 50):
        choice.add(mix(cells[some]), mix(some), some)
    assert set(choice.items) == set(whole)


def test_more_cells_than_items() -> None:
    chosen = choose(50, np.arange(4000), 64)
    assert len(chosen) == 50
    assert 1000 < chosen.mean() < 3000  # a random choice, not the first ones


def test_fewer_items_than_wanted_are_all_chosen_once() -> None:
    choice, items = EvenChoice(100), np.arange(30)
    for _ in range(3):
        choice.add(mix(items % 4), mix(items), items)
    assert sorted(choice.items) == list(range(30))


def test_hashes_of_neighbors_are_spread() -> None:
    keys = mix(np.arange(10_000)) / 2**64
    assert abs(keys.mean() - 0.5) < 0.02
    assert len(np.unique(mix(np.arange(100), np.full(100, 3)))) == 100
    assert (mix(np.array([-1])) != mix(np.array([1]))).all()


@pytest.mark.parametrize("part", [1, 13, 10_000])
def test_a_growing_histogram_counts_like_numpy(part: int) -> None:
    values = np.random.default_rng(1).normal(5, [[1], [100]], (2, 2000)).ravel()
    histogram = GrowingHistogram()
    for start in range(0, len(values), part):
        histogram.add(values[start : start + part])
    assert histogram.counts.sum() == histogram.total == len(values)
    assert (histogram.min, histogram.max) == (values.min(), values.max())
    assert histogram.mean == pytest.approx(values.mean())
    counts = histogram.read(histogram.min, histogram.max, 20)
    expected, _ = np.histogram(values, 20)
    assert counts.sum() == pytest.approx(len(values))
    assert np.abs(counts - expected).max() < 40  # a bin of 512 lies across an edge
    for q in (0.1, 1 / 3, 0.9):
        assert histogram.quantile(q) == pytest.approx(np.quantile(values, q), abs=histogram.width)


def test_a_histogram_of_equal_numbers_and_of_none() -> None:
    histogram = GrowingHistogram()
    histogram.add(np.array([np.nan, np.inf]))
    assert histogram.total == 0
    assert np.isnan(histogram.quantile(0.5))
    assert histogram.read(0, 1, 4).sum() == 0
    histogram.add(np.full(7, 3.0))
    histogram.add(np.full(2, 3.0))
    assert (histogram.total, histogram.min, histogram.quantile(0.5)) == (9, 3.0, 3.0)
    assert histogram.read(2, 4, 4).tolist() == [0, 0, 9, 0]
    histogram.add(np.array([4.0]))
    assert histogram.counts.sum() == 10
    assert histogram.read(3, 4, 2).tolist() == [9, 1]


def test_tiny_and_huge_ranges_end() -> None:
    histogram = GrowingHistogram()
    histogram.add(np.array([1.0, np.nextafter(1.0, 2)]))
    histogram.add(np.array([-1e9, 1e9]))
    assert histogram.counts.sum() == 4
    assert len(histogram.counts) == NUM_BINS
