"""Sequences: what moves moves as promised, and all else stays equal to the bit."""

from __future__ import annotations

import math

import numpy as np
import pytest

from synrender.dataset.claim import describe_design
from synrender.errors import UserError
from synrender.sampling.sample_plan import SamplePlan, draw_sample
from synrender.settings.factor_table import COLUMNS, find_columns
from synrender.settings.groups import Settings
from synrender.settings.path_forms import Path, describe, parse_path
from tests.sampling.designs.helpers import create_catalog, create_settings, draw, find_differences

LENGTH = 10
SPREAD = (
    "object.random_viewpoint = 0.5", "object.random_scaling = 0.1", "lighting.r = 1",
    "material.color_intensity = 0.5",
)  # fmt: skip


def create(paths: dict, *others: str, length: int = LENGTH) -> Settings:
    bindings = ("design.kind = 'sequence'", f"design.length = {length}", f"design.paths = {paths}")
    return create_settings(*bindings, *SPREAD, *others)


def values_of(plans: list[SamplePlan], name: str) -> np.ndarray:
    """(sequences, length, objects, k)."""
    columns = list(find_columns(name))
    rows = [[np.array(obj.factor_values)[columns] for obj in plan.objects] for plan in plans]
    return np.array(rows).reshape(-1, LENGTH, len(plans[0].objects), len(columns))


TOUCHED = {"azimuth": {"euler"}, "light_angle": {"light_location"}, "layout": {"location"}}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("azimuth", ("turn", 1)),
        ("azimuth", "drawn"),
        ("light_angle", ("linear", -1, 1)),
        ("layout", ("drift", 0.02)),
    ],
)
def test_all_but_the_path_is_equal_to_the_bit(name: str, path: object) -> None:
    plans = draw(create({name: path}, "sample.num_objs = 2"), range(40))
    for start in range(0, 40, LENGTH):
        first, *others = plans[start : start + LENGTH]
        assert {plan.base for plan in (first, *others)} == {start // LENGTH}
        assert {plan.group for plan in (first, *others)} == {start // LENGTH}
        for other in others:
            assert find_differences(first, other) == TOUCHED[name] | {"factor_values"}
            for obj_a, obj_b in zip(first.objects, other.objects, strict=True):
                pairs = zip(COLUMNS, obj_a.factor_values, obj_b.factor_values, strict=True)
                changed = {column for column, a, b in pairs if repr(a) != repr(b)}
                assert changed <= {COLUMNS[c] for c in find_columns(name)}


def test_a_turn_closes_in_equal_steps_from_where_it_is_drawn() -> None:
    plans = draw(create({"azimuth": ("turn", -2)}), range(40))
    angles = values_of(plans, "azimuth")[:, :, 0, 0]
    np.testing.assert_allclose(np.diff(angles, axis=1), -2 * 2 * math.pi / LENGTH)
    free = draw(create({"light_angle": ("turn", 1)}), range(0, 40, LENGTH))
    starts = [plan.objects[0].factor_values[COLUMNS.index("azimuth")] for plan in free]
    assert angles[:, 0].tolist() == starts


def test_a_line_goes_from_its_first_value_to_its_last() -> None:
    plans = draw(create({"light_angle": ("linear", -1, 0.8), "scale": ("linear",)}), range(40))
    angles = values_of(plans, "light_angle")[:, :, 0, 0]
    np.testing.assert_allclose(angles, np.tile(np.linspace(-1, 0.8, LENGTH), (4, 1)), atol=1e-15)
    assert (angles[:, [0, -1]] == [-1, 0.8]).all()
    scales = values_of(plans, "scale")[:, :, 0, 0]
    steps = np.diff(scales, axis=1)
    np.testing.assert_allclose(steps, steps[:, :1] * np.ones(LENGTH - 1), atol=1e-12)
    assert len(np.unique(steps[:, 0])) == 4


def test_objects_drift_in_straight_lines_about_where_they_are_drawn() -> None:
    plans = draw(create({"layout": ("drift", 0.03)}, "sample.num_objs = 3"), range(40))
    places = values_of(plans, "layout")
    steps = np.diff(places, axis=1)
    np.testing.assert_allclose(steps, np.broadcast_to(steps[:, :1], steps.shape), atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(steps, axis=-1), 0.03)
    assert (steps[..., 2] == 0).all()
    assert len(np.unique(steps[:, 0, :, 0].round(9))) == 12
    still = draw(create({"azimuth": ("turn", 1)}, "sample.num_objs = 3"), range(40))
    np.testing.assert_allclose(places.mean(axis=1), values_of(still, "layout")[:, 0], atol=1e-12)


def test_a_walk_is_smooth_bounded_and_turns_back() -> None:
    bounds = "design.distributions = {'azimuth': ('uniform', -0.3, 0.3)}"
    plans = draw(create({"azimuth": ("walk", 0.1), "light_angle": ("walk", 0.2)}, bounds))
    angles = values_of(plans, "azimuth")[:, :, 0, 0]
    steps = np.diff(angles, axis=1)
    assert np.abs(steps).max() <= 0.1 + 1e-12
    assert np.abs(steps).mean() > 0.03
    assert np.abs(angles).max() <= 0.3
    light_steps = np.diff(values_of(plans, "light_angle")[:, :, 0, 0], axis=1)
    assert np.abs(light_steps).max() <= 0.2 + 1e-12
    assert np.corrcoef(light_steps[:, :-1].ravel(), light_steps[:, 1:].ravel())[0, 1] > 0.5


def test_drawn_values_are_those_of_the_distribution() -> None:
    own = "design.distributions = {'camera_lens': ('uniform', 30, 60)}"
    plans = draw(create({"camera_lens": "drawn"}, own), range(60))
    lenses = [plan.scene.camera_lens for plan in plans]
    assert len(set(lenses)) == 60
    assert 30 <= min(lenses) < 34
    assert 56 < max(lenses) <= 60


def test_a_sample_depends_on_its_index_alone() -> None:
    paths = {"azimuth": ("walk", 0.1), "layout": ("drift", 0.1), "scale": ("linear",)}
    settings, catalog = create(paths), create_catalog()
    last = draw_sample(settings, catalog, 237)
    draw_sample(settings, catalog, 3)
    assert draw_sample(settings, catalog, 237) == last


def test_no_sequence_is_cut_by_a_split_or_a_bucket() -> None:
    with pytest.raises(UserError) as caught:
        describe_design(create({"azimuth": ("turn", 1)}, length=7), create_catalog())
    assert "a sequence has 7 samples and lies in one of the 12 buckets" in str(caught.value)
    for start, plan in enumerate(draw(create({"azimuth": ("turn", 1)}))):
        assert plan.bucket == start // LENGTH * LENGTH * 12 // 240


def test_a_sequence_combines_with_a_shortcut() -> None:
    settings = create(
        {"azimuth": ("turn", 1)},
        "design.kind = ['sequence', 'shortcut']",
        "design.levels = {'class': 4, 'backdrop_texture': 4}",
        "design.shortcut = ('backdrop_texture', 'class')",
        "design.rho = (1, 1, 1)",
    )
    partners = describe_design(settings, create_catalog()).shortcut.partners
    for plan in draw(settings, range(60)):
        levels = plan.objects[0].factor_levels
        assert partners[levels[0]] == levels[COLUMNS.index("backdrop_texture")]


def test_sequences_are_recorded() -> None:
    design = describe_design(create({"azimuth": ("turn", 1)}), create_catalog())
    assert (design.kinds, design.block_size) == (("sequence",), LENGTH)
    assert design.paths == {"azimuth": Path("turn", (1.0,))}
    assert "azimuth" in design.factors


@pytest.mark.parametrize(
    ("bindings", "message"),
    [
        (["design.paths = {}"], "say in design.paths what moves"),
        (["design.paths = {'azimut': 'drawn'}"], "'azimut' is no factor; did you mean 'azimuth'"),
        (["design.paths = {'texture': 'drawn'}"], "'texture': has no values between"),
        (["design.paths = {'scale': ('turn', 1)}"], "'scale': 'turn' must be one of 'linear'"),
        (["design.paths = {'azimuth': ('turn',)}"], "must read ('turn', number of turns), is"),
        (["design.paths = {'azimuth': ('turn', 0.5)}"], "a number of turns must be whole"),
        (["design.paths = {'scale': ('linear', 0, 1)}"], "must lie within 0.01 to 100"),
        (["design.paths = {'scale': ('linear', 1, 1)}"], "so it does not move"),
        (["design.paths = {'scale': ('walk', -1)}"], "a step must be above 0"),
        (["design.paths = {'layout': ('linear', 0, 1)}"], "must read ('linear', first, last) or"),
        (
            ["design.paths = {'viewpoint': 'drawn', 'roll': 'drawn'}"],
            "names 'viewpoint' and 'roll', which is a part of it",
        ),
        (
            ["design.paths = {'azimuth': 'drawn'}", "object.random_viewpoint = 0"],
            "it is not drawn (object.random_viewpoint is what spreads it)",
        ),
        (["design.paths = {'camera_lens': 'drawn'}"], "it is not drawn; give it a distribution"),
        (
            ["design.paths = {'azimuth': 'drawn'}", "design.levels = {'azimuth': 3}"],
            "design.levels names 'azimuth' too",
        ),
        (
            ["design.paths = {'azimuth': 'drawn'}", "design.fixed = {'viewpoint': [0, 0, 1]}"],
            "design.fixed names 'viewpoint' too",
        ),
        (
            ["design.paths = {'azimuth': ('turn', 1)}", "design.kind = ['sequence', 'twins']"],
            "both say which samples belong together",
        ),
    ],
)
def test_what_cannot_be_is_one_clear_line(bindings: list[str], message: str) -> None:
    with pytest.raises(UserError) as caught:
        describe_design(create({"azimuth": ("turn", 1)}, *bindings), create_catalog())
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_paths_are_told_in_words() -> None:
    paths = {"azimuth": ("turn", 1), "scale": ("linear", 0.5, 1), "layout": ("drift", 0.2)}
    said = [describe(parse_path(name, path)) for name, path in paths.items()]
    assert said == [
        "a full turn", "in equal steps from 0.5 to 1", "0.2 m a sample, in a straight line",
    ]  # fmt: skip
