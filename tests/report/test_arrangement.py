"""Which samples a sheet shows, and in which lines, from plans alone; nothing is rendered."""

from __future__ import annotations

import numpy as np
import pytest

from synrender.report.arrangement import Arrangement, arrange, choose_members, spread
from synrender.report.rows import plans_to_rows
from synrender.sampling.sample_plan import SamplePlan
from tests.report.test_design_summary import describe, draw_plans
from tests.sampling.designs.helpers import read_levels

NAMES = {k: f"class {k}" for k in range(5)}


def show(config: str, num: int = 24) -> tuple[Arrangement, np.ndarray, list[SamplePlan]]:
    splits, plans = draw_plans(config)
    _, design = describe(config)
    blocks = range(len(plans) // design.block_size)
    places = np.array(choose_members(blocks, design.block_size))
    rows = plans_to_rows([plans[k] for k in places], splits[places])
    return arrange(rows, design, NAMES, num), splits, plans


def test_twins_stand_in_pairs_of_all_factors() -> None:
    found, _, plans = show("design_twins")
    assert len(found.lines) == 12
    factors = []
    for line in found.lines:
        first, second = (plans[place] for place in line.places)
        assert first.base == second.base
        name = first.varied.replace("_", " ")
        assert line.label == f"class {first.objects[0].class_idx}: {name}"
        factors.append(first.varied)
        assert line.captions[0] != line.captions[1]
    assert {factors.count(name) for name in describe("design_twins")[1].twins} <= {1, 2, 3}
    assert factors == sorted(factors, key=describe("design_twins")[1].twins.index)


def test_sweeps_of_one_scene_follow_each_other() -> None:
    found, _, plans = show("design_one_at_a_time")
    lengths = [len(line.places) for line in found.lines]
    assert lengths == [5, 3, 2] * 2
    bases = [{plans[place].base for place in line.places} for line in found.lines]
    assert bases[0] == bases[1] == bases[2] != bases[3]
    assert found.lines[2].captions == ("1 m", "1.3 m")


def test_a_sequence_is_a_strip_in_order() -> None:
    found, _, plans = show("design_sequence")
    assert len(found.lines) == 3
    for line in found.lines:
        assert list(line.places) == list(range(line.places[0], line.places[0] + 8))
        assert plans[line.places[0]].base == plans[line.places[-1]].base


def test_a_grid_is_a_grid() -> None:
    found, _, plans = show("design_grid")
    assert (len(found.lines), found.num_beside) == (4, 1)
    for line in found.lines:
        levels = read_levels([plans[place] for place in line.places], "azimuth", "light_angle")
        np.testing.assert_array_equal(levels[:, 0], range(6))
        assert len(set(levels[:, 1])) == 1
    assert len(set(found.places)) == 24
    assert found.lines[0].label == "light angle -1.2 rad, backdrop texture kind_020"


def test_a_shortcut_shows_training_beside_the_test() -> None:
    found, splits, plans = show("design_shortcut")
    assert found.num_beside == 2
    assert [line.label for line in found.lines[:2]] == ["class 0, train", "class 0, test"]
    for k, line in enumerate(found.lines):
        assert set(splits[list(line.places)]) == {2 * (k % 2)}
        levels = read_levels([plans[place] for place in line.places], "class")
        assert set(levels[:, 0]) == {k // 2}


def test_a_combination_that_a_split_lacks_leaves_its_place_free() -> None:
    found, _, _ = show("design_holdout")
    labels = [line.label for line in found.lines]
    assert [label.split(",")[1][:5] for label in labels] == [" trai", " test"] * 4
    assert all(line.label.endswith(": none") for line in found.lines if not line.places)


def test_few_samples_are_looked_at_however_many_there_are() -> None:
    assert choose_members(range(10**9), 1, 4) == [0, 333333333, 666666666, 999999999]
    of_pairs = choose_members(range(100), 2, 8)
    assert of_pairs == [0, 1, 66, 67, 132, 133, 198, 199]
    long = choose_members(range(50), 10_000, 30)
    assert len(long) == 30
    assert (long[0], long[9], long[-1]) == (0, 9999, 499_999)


@pytest.mark.parametrize("num", [6, 24, 500])
def test_every_value_of_every_attribute_gets_its_turn(num: int) -> None:
    rng = np.random.default_rng(0)
    splits = np.repeat([0, 1, 2], [320, 40, 40])
    attributes = np.stack([splits, rng.integers(0, 6, 400), rng.integers(0, 4, 400)], axis=1)
    chosen = spread(attributes, num)
    assert len(chosen) == min(num, 400)
    assert (np.diff(chosen) > 0).all()
    for column in attributes[chosen].T if num < 400 else ():
        counts = np.bincount(column)
        assert counts.max() - counts.min() <= 2
