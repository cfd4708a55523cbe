"""Distributions of factors, drawn and spread over levels; see also the audit's tests of fit."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from synrender.dataset.claim import describe_design
from synrender.errors import UserError
from synrender.sampling.camera import euler_to_rot_mat
from synrender.sampling.distributions import draw_values, find_distributions
from synrender.sampling.levels import find_levels
from synrender.sampling.sample_plan import draw_sample
from synrender.settings.checks import freeze
from synrender.settings.distributions import Distribution, describe, parse_distribution
from synrender.settings.factor_table import COLUMNS, find_columns
from synrender.settings.groups import Settings
from synrender.settings.load import dict_to_settings, settings_to_dict
from tests.sampling.designs.helpers import create_catalog, create_settings, draw, read_values

NUM = 2000
ALPHA = 1e-4


def set_distributions(*others: str, **distributions: object) -> Settings:
    return create_settings(f"design.distributions = {distributions}", *others, total=24_000)


def draw_numbers(settings: Settings, num: int = NUM) -> np.ndarray:
    """Values of the factors with distributions, (num, len(COLUMNS)); 0 elsewhere."""
    values = np.zeros((num, len(COLUMNS)))
    for name, own in find_distributions(settings.design).items():
        rows = [draw_values(name, own, (0, i), 1)[0] for i in range(num)]
        values[:, list(find_columns(name))] = rows
    return values


def column(values: np.ndarray, name: str) -> np.ndarray:
    return values[:, COLUMNS.index(name)]


# --- drawing --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "given", "cdf"),
    [
        ("azimuth", ("uniform", -1.57, 0.5), stats.uniform(-1.57, 2.07).cdf),
        ("scale", ("log_uniform", 0.1, 10), stats.loguniform(0.1, 10).cdf),
        ("light_angle", ("normal", 0.3, 0.1), stats.norm(0.3, 0.1).cdf),
        ("elevation", ("normal", 0.3, 0.1, 0.25, 9), stats.truncnorm(-0.5, 87, 0.3, 0.1).cdf),
        ("camera_distance", ("uniform", 0.8, 1.6), stats.uniform(0.8, 0.8).cdf),
        ("light_energy", ("log_uniform", 10, 1000), stats.loguniform(10, 1000).cdf),
    ],
)
def test_values_follow_their_distribution(name: str, given: tuple, cdf) -> None:
    values = column(draw_numbers(set_distributions(**{name: given})), name)
    assert stats.kstest(values, cdf).pvalue > ALPHA
    assert stats.kstest(values[1:] - values[:-1] > 0, stats.bernoulli(0.5).cdf).statistic < 0.6


def test_a_factor_of_several_numbers_has_a_distribution_for_each() -> None:
    settings = set_distributions(
        color=("uniform", (0, 0.2, 0.5), (1, 0.4, 0.5)), warp=("normal", 1, 0.1, 0.8, 1.2)
    )
    values = draw_numbers(settings)
    red, green, blue = (column(values, f"color_{c}") for c in "rgb")
    assert stats.kstest(red, stats.uniform(0, 1).cdf).pvalue > ALPHA
    assert stats.kstest(green, stats.uniform(0.2, 0.2).cdf).pvalue > ALPHA
    assert set(blue) == {0.5}
    x, y = (column(values, f"warp_{c}") for c in "xy")
    assert stats.spearmanr(x, y).pvalue > ALPHA
    assert 0.8 <= x.min() < x.max() <= 1.2


def test_a_hue_is_uniform_at_one_saturation_and_value() -> None:
    values = draw_numbers(set_distributions(color=("hue", 0.5, 0.8)))
    rgb = values[:, list(find_columns("color"))]
    np.testing.assert_allclose(rgb.max(axis=1), 0.8)
    np.testing.assert_allclose(rgb.min(axis=1), 0.4)
    middle = np.sort(rgb, axis=1)[:, 1]
    assert stats.kstest(middle, stats.uniform(0.4, 0.4).cdf).pvalue > ALPHA


def test_a_choice_gives_each_of_its_values_as_often() -> None:
    colors = ((1, 0, 0), (0.25, 0.5, 1), ("hue", 0.5, 1, 1))
    settings = set_distributions(
        scale=("choice", 0.35, 0.7), color=("choice", *colors), surface=("choice", (0.2, 1), (1, 0))
    )
    values = draw_numbers(settings)
    for names, expected in (
        (["scale"], {(0.35,): 0.5, (0.7,): 0.5}),
        (["color_r", "color_g", "color_b"], dict.fromkeys([*colors[:2], (0, 1, 1)], 1 / 3)),
        (["roughness", "metallic"], {(0.2, 1): 0.5, (1, 0): 0.5}),
    ):
        found = Counter(zip(*(column(values, name).tolist() for name in names), strict=True))
        assert found.keys() == expected.keys()
        for value, share in expected.items():
            assert stats.binomtest(found[value], NUM, share).pvalue > ALPHA
    three = create_settings(
        "design.distributions = {'scale': ('choice', 0.3, 0.5, 0.7)}",
        "design.levels = {'scale': 3}",
    )
    assert find_levels("scale", 3, three, create_catalog()).values == ((0.3,), (0.5,), (0.7,))


def rotations(values: np.ndarray) -> np.ndarray:
    """Rotations of objects at rest that are turned by drawn offsets, (n, 3, 3)."""
    offsets = values[:, [COLUMNS.index(name) for name in ("roll", "elevation", "azimuth")]]
    rest = np.array([math.pi / 2, 0, -math.pi / 6])
    return np.array([euler_to_rot_mat(offset + rest) for offset in offsets])


def test_so3_gives_uniform_rotations() -> None:
    """The rotation itself: its angle from any other one, and where it takes any axis."""
    found = rotations(draw_numbers(set_distributions(viewpoint="so3")))
    references = rotations(np.random.default_rng(0).normal(size=(6, len(COLUMNS))))
    p_values = []
    for reference in [np.eye(3), *references]:
        traces = np.einsum("nij,ij->n", found, reference)
        angles = np.arccos(np.clip((traces - 1) / 2, -1, 1))
        p_values.append(stats.kstest(angles, lambda a: (a - np.sin(a)) / np.pi).pvalue)
        for axis in reference:
            heights = found @ axis @ reference[0]
            p_values.append(stats.kstest(heights, stats.uniform(-1, 2).cdf).pvalue)
    assert min(p_values) > ALPHA / len(p_values)


def test_uniform_angles_are_no_uniform_rotations() -> None:
    """What the test above would find: three uniform angles crowd at the poles."""
    own = dict.fromkeys(("azimuth", "elevation", "roll"), ("uniform", -math.pi, math.pi))
    found = rotations(draw_numbers(set_distributions(**own)))
    heights = found[:, 2, 0]
    assert stats.kstest(heights, stats.uniform(-1, 2).cdf).pvalue < 1e-20


def test_weights_of_classes_and_textures() -> None:
    names = {"kind/kind_003.jpg": 3, "kind/kind_005.jpg": 1, "kind/kind_006.jpg": 0}
    settings = set_distributions(
        "batch.cache_obj_frames = 1",
        **{"class": ("weights", {"bench": 1, "airplane": 3}), "texture": ("weights", names)},
        backdrop_texture=("weights", {"kind/kind_009.jpg": 1}),
    )
    plans = draw(settings, range(400))
    classes = np.array([plan.objects[0].class_idx for plan in plans])
    assert set(classes) == {0, 1}
    assert stats.binomtest(int((classes == 0).sum()), 400, 0.75).pvalue > ALPHA
    textures = [plan.objects[0].texture.first for plan in plans]
    assert set(textures) == {"kind/kind_003.jpg", "kind/kind_005.jpg"}
    assert stats.binomtest(textures.count("kind/kind_003.jpg"), 400, 0.75).pvalue > ALPHA
    assert {plan.backdrop_texture.first for plan in plans} == {"kind/kind_009.jpg"}


@pytest.mark.parametrize("given", [("uniform", 2, 4), ("weights", {2: 1, 3: 1, 4: 1})])
def test_a_number_of_objects_is_drawn_evenly(given: tuple) -> None:
    settings = set_distributions("sample.num_objs = 4", num_objs=given)
    counts = np.bincount([len(plan.objects) for plan in draw(settings, range(150))], minlength=5)
    assert counts[:2].tolist() == [0, 0]
    assert stats.chisquare(counts[2:]).pvalue > ALPHA


def test_the_camera_and_the_light_take_their_drawn_values() -> None:
    settings = set_distributions(
        camera_lens=("uniform", 30, 60),
        light_energy=("uniform", 10, 20),
        light_angle=("uniform", 0, 1),
    )
    for plan in draw(settings, range(20)):
        (lens,), (energy,) = (read_values([plan], n) for n in ("camera_lens", "light_energy"))
        assert (plan.scene.camera_lens, plan.scene.light_energy) == (lens, energy)
        assert 0 <= plan.light_location[1] <= 1.5


DISTRIBUTIONS = {
    "class": ("weights", {"bench": 1, "airplane": 3}), "azimuth": ("uniform", -1, 1),
    "texture": ("weights", {"kind/kind_003.jpg": 3}), "color": ("hue", 1, 0.8),
    "viewpoint": "so3", "light_angle": ("normal", 0, 1), "layout": ("uniform", -0.2, 0.2),
    "scale": ("uniform", 0.5, 0.9), "camera_lens": ("uniform", 30, 60),
}  # fmt: skip


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_distribution_changes_its_own_factor_alone(name: str) -> None:
    """Twice: set beside none, and beside all others that it is no part of."""
    free = ("sample.num_objs = 2", "object.random_viewpoint = 0.5", "lighting.r = 1")
    beside = {
        n: g for n, g in DISTRIBUTIONS.items() if n != name and n not in ("azimuth", "viewpoint")
    }
    for others in ({}, beside):
        before = draw(set_distributions(*free, **others), range(5))
        after = draw(set_distributions(*free, **others, **{name: DISTRIBUTIONS[name]}), range(5))
        columns = set(find_columns(name)) | (
            set(find_columns("color")) if name == "class" else set()
        )
        for a, b in zip(before, after, strict=True):
            for obj_a, obj_b in zip(a.objects, b.objects, strict=True):
                changed = {
                    k
                    for k, pair in enumerate(
                        zip(obj_a.factor_values, obj_b.factor_values, strict=True)
                    )
                    if repr(pair[0]) != repr(pair[1])
                }
                assert changed <= columns
                if name not in ("class", "texture"):
                    assert changed
                assert obj_a.model == obj_b.model or name == "class"
                assert obj_a.texture == obj_b.texture or name == "texture"
            assert a.backdrop_texture == b.backdrop_texture


def test_an_object_more_leaves_the_others_as_they_are() -> None:
    one, two = (
        draw(set_distributions(f"sample.num_objs = {n}", azimuth=("uniform", -1, 1)), range(5))
        for n in (1, 2)
    )
    assert [read_values([p], "azimuth")[0] for p in one] == [
        read_values([p], "azimuth")[0] for p in two
    ]


# --- levels ---------------------------------------------------------------------------------------


def find_numbers(name: str, num: int, *bindings: str, **distributions: object) -> np.ndarray:
    """Levels of a factor, (num, k)."""
    settings = set_distributions(f"design.levels = {{'{name}': {num}}}", *bindings, **distributions)
    return np.array(find_levels(name, num, settings, create_catalog()).values)


@pytest.mark.parametrize("num", [1, 2, 6, 101])
def test_levels_are_the_quantiles_of_their_distribution(num: int) -> None:
    shares = (np.arange(num) + 0.5) / num
    levels = find_numbers("azimuth", num, "object.random_viewpoint = 0.5")
    np.testing.assert_allclose(levels[:, 0], stats.norm(0, 0.5).ppf(shares), atol=1e-9)
    levels = find_numbers("azimuth", num, azimuth=("uniform", -1, 3))
    np.testing.assert_allclose(levels[:, 0], -1 + 4 * shares)
    levels = find_numbers("scale", num, scale=("log_uniform", 0.1, 10))
    np.testing.assert_allclose(levels[:, 0], stats.loguniform(0.1, 10).ppf(shares))
    levels = find_numbers("light_angle", num, "lighting.r = 2")
    np.testing.assert_allclose(levels[:, 0], stats.norm(-0.5, 2).ppf(shares), atol=1e-8)


def test_levels_over_a_full_turn_have_no_end_twice() -> None:
    levels = find_numbers("azimuth", 6, azimuth=("uniform", -math.pi, math.pi))[:, 0]
    gaps = np.diff([*levels, levels[0] + 2 * math.pi])
    np.testing.assert_allclose(gaps, math.pi / 3)


def test_levels_of_colors_have_hues_at_equal_distances() -> None:
    for levels in (find_numbers("color", 6), find_numbers("color", 6, color=("hue", 1, 1))):
        assert len(np.unique(levels.round(9), axis=0)) == 6
        np.testing.assert_allclose(np.ptp(levels, axis=1), np.ptp(levels[0]))
        distances = np.linalg.norm(levels - np.roll(levels, 1, axis=0), axis=1)
        np.testing.assert_allclose(distances, distances[0])


def test_levels_of_rotations_lie_apart() -> None:
    levels = find_numbers("viewpoint", 24, viewpoint="so3")
    values = np.zeros((24, len(COLUMNS)))
    values[:, list(find_columns("viewpoint"))] = levels
    found = rotations(values)
    angles = [
        math.degrees(math.acos(min(1, (np.trace(a.T @ b) - 1) / 2)))
        for a, b in itertools.combinations(found, 2)
    ]
    assert min(angles) > 20


def test_levels_of_a_number_of_objects_are_whole_and_complete() -> None:
    levels = find_numbers("num_objs", 3, "sample.num_objs = 4", num_objs=("uniform", 2, 4))
    assert levels.tolist() == [[2], [3], [4]]


def test_levels_can_be_drawn_as_before() -> None:
    drawn = find_numbers("azimuth", 6, "design.level_choice = 'drawn'")[:, 0]
    expected = [-0.4066, 0.6234, 0.0686, 0.3023, -0.4840, -0.0413]  # by version 1.0.0
    np.testing.assert_allclose(drawn, expected, atol=1e-4)


def test_drawn_levels_follow_their_distribution() -> None:
    levels = find_numbers(
        "azimuth", 500, "design.level_choice = 'drawn'", azimuth=("uniform", 2, 3)
    )[:, 0]
    assert stats.kstest(levels, stats.uniform(2, 1).cdf).pvalue > ALPHA


# --- with designs ---------------------------------------------------------------------------------


def test_a_holdout_cuts_a_distribution_at_its_range() -> None:
    settings = create_settings(
        "design.kind = 'holdout'", "design.inner_ranges = {'azimuth': (-0.5, 0.5)}",
        "design.distributions = {'azimuth': ('normal', 0.2, 0.6, -1, 2)}",
        "design.split = (6, 0, 6)", total=600,
    )  # fmt: skip
    values = read_values(draw(settings), "azimuth")
    inner, outer = values[:300], values[300:]
    cdf = stats.truncnorm(-2, 3, 0.2, 0.6).cdf
    low, high = cdf([-0.5, 0.5])
    assert stats.kstest((cdf(inner) - low) / (high - low), stats.uniform.cdf).pvalue > ALPHA
    shares = cdf(outer)
    shares = np.where(shares < low, shares, shares - (high - low)) / (1 - high + low)
    assert stats.kstest(shares, stats.uniform.cdf).pvalue > ALPHA
    assert ((outer < -0.5) | (outer > 0.5)).all()


def test_a_range_of_a_distribution_needs_no_spread_of_the_usual_one() -> None:
    settings = create_settings(
        "design.kind = 'holdout'", "design.inner_ranges = {'azimuth': (-0.5, 0.5)}",
        "design.distributions = {'azimuth': ('uniform', -1, 1)}", "object.random_viewpoint = 0",
    )  # fmt: skip
    assert np.ptp(read_values(draw(settings, range(3)), "azimuth")) > 0


def test_twins_can_differ_in_a_factor_that_only_a_distribution_draws() -> None:
    settings = create_settings(
        "design.kind = 'twins'", "design.twins = 'camera_lens'",
        "design.distributions = {'camera_lens': ('uniform', 30, 60)}",
    )  # fmt: skip
    describe_design(settings, create_catalog())
    plans = draw(settings)
    lenses = read_values(plans, "camera_lens")
    assert (lenses[::2] != lenses[1::2]).all()
    assert stats.kstest(lenses, stats.uniform(30, 30).cdf).pvalue > ALPHA


def test_the_camera_sees_every_center_whatever_lens_is_drawn() -> None:
    settings = set_distributions("sample.num_objs = 4", camera_lens=("uniform", 30, 90))
    layouts = {plan.objects[0].location for plan in draw(settings, range(3))}
    fixed = create_settings(
        "design.fixed = {'camera_lens': 90}", "sample.num_objs = 4", total=24_000
    )
    assert layouts == {plan.objects[0].location for plan in draw(fixed, range(3))}


def test_distributions_are_recorded() -> None:
    settings = set_distributions(viewpoint="so3", scale=("uniform", 0.5, 1))
    assert dict_to_settings(settings_to_dict(settings)) == settings
    design = describe_design(settings, create_catalog())
    assert design.factors["viewpoint"].distribution == Distribution("so3")
    assert design.factors["scale"].distribution == Distribution("uniform", (0.5, 1.0))


def test_the_last_sample_depends_on_its_index_alone() -> None:
    settings = set_distributions(**{n: g for n, g in DISTRIBUTIONS.items() if n != "azimuth"})
    catalog = create_catalog()
    last = draw_sample(settings, catalog, 23_999)
    draw_sample(settings, catalog, 5)
    assert draw_sample(settings, catalog, 23_999) == last


# --- what cannot be -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("{'azimut': 'so3'}", "'azimut' is no factor; did you mean 'azimuth'"),
        ("{'azimuth': 'so3'}", "'azimuth': 'so3' must be one of 'uniform', 'normal'"),
        ("{'azimuth': 0.5}", "'azimuth': 0.5 must be one of 'uniform', 'normal'"),
        ("{'azimuth': ('uniform', 1)}", "'azimuth': must read ('uniform', low, high), is"),
        ("{'azimuth': ('uniform', 1, 1)}", "must have the lower bound first"),
        ("{'azimuth': ('uniform', 2, 1)}", "must have the lower bound first"),
        ("{'azimuth': ('uniform', 'a', 1)}", "must have numbers, not 'a'"),
        ("{'azimuth': ('uniform', (0, 1), 2)}", "must have one number in place of (0, 1)"),
        ("{'color': ('uniform', (0, 1), 1)}", "one number or 3 in brackets in place of (0, 1)"),
        ("{'color': ('uniform', 0, 2)}", "must lie within 0 to 1 scene-linear RGB"),
        ("{'scale': ('uniform', 0, 2)}", "('uniform', 0, 2) must lie within 0.01 to 100"),
        ("{'scale': ('normal', 1, 0)}", "a standard deviation above 0"),
        ("{'scale': ('normal', -5, 0.1)}", "has next to nothing from 0.01 to 100"),
        ("{'light_energy': ('log_uniform', 0, 1)}", "must begin above 0"),
        ("{'azimuth': ('log_uniform', 1, 2)}", "must be one of 'uniform', 'normal'"),
        ("{'scale': ('choice', 1, 1)}", "must have two values or more, all of them different"),
        ("{'scale': ('choice', 0, 1)}", "must lie within 0.01 to 100"),
        ("{'surface': ('choice', (0, 1, 1), 0)}", "must have one number or 2"),
        ("{'color': ('choice', 0.5, 1)}", "must be red, green and blue from 0 to 1"),
        ("{'surface': ('uniform', 0, 1)}", "'surface': 'uniform' must be one of 'choice'"),
        ("{'color': ('hue', 2, 1)}", "must have saturation and value from 0 to 1"),
        ("{'color': ('kelvin', 100, 3000)}", "must lie within 1667 to 25000"),
        ("{'num_objs': ('uniform', 0, 3)}", "must lie within 1 to 1000 objects"),
        ("{'num_objs': ('uniform', 1.5, 3)}", "must have whole numbers"),
        ("{'num_objs': ('weights', {'a': 1})}", "must name whole numbers from 1 to 1000"),
        ("{'texture': ('weights', {})}", "must have a dictionary such as"),
        ("{'texture': ('weights', {'a': -1})}", "must have weights of at least 0"),
        ("{'model': ('weights', {'a': 1})}", "each bucket has models of its own"),
        ("{'viewpoint': 'so3', 'roll': ('uniform', 0, 1)}", "'viewpoint' and 'roll', which is a"),
        ("5", "must be a dictionary such as"),
    ],
)
def test_a_distribution_is_checked_when_it_is_set(given: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        create_settings(f"design.distributions = {given}")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("bindings", "message"),
    [
        (
            ["design.distributions = {'class': ('weights', {'bensh': 1})}"],
            "'bensh' is none of the classes of sample.class_idxs; did you mean 'bench'",
        ),
        (
            ["design.distributions = {'class': ('weights', {'bench': 1})}",
             "sample.balanced = True"],
            "with sample.balanced = True classes take turns",
        ),
        (
            ["design.distributions = {'texture': ('weights', {'kind/kind_04.jpg': 1})}"],
            "there is no 'kind/kind_04.jpg'; did you mean",
        ),
        (
            ["design.distributions = {'environment': ('weights', {'skyy': 1})}"],
            "'environment': there is no 'skyy'; did you mean 'sky'",
        ),
        (
            ["design.distributions = {'num_objs': ('uniform', 1, 3)}"],
            "sample.num_objs = 1 is the most",
        ),
        (
            ["design.distributions = {'roll': ('uniform', 0, 1)}",
             "design.fixed = {'viewpoint': [0, 0, 1]}"],
            "design.fixed names 'viewpoint'",
        ),
        (
            ["design.distributions = {'roll': ('uniform', 0, 1)}",
             "design.levels = {'roll': [0, 1]}"],
            "design.levels gives 'roll' its values",
        ),
        (
            ["design.distributions = {'texture': ('weights', {'kind/kind_004.jpg': 1})}",
             "design.levels = {'texture': 3}"],
            "so that weights have no effect",
        ),
        (
            ["design.distributions = {'roll': ('uniform', 0, 1)}", "design.kind = 'holdout'",
             "design.inner_ranges = {'roll': (-1, 2)}"],
            "(-1, 2) holds all, and the test needs some of it",
        ),
        (
            ["design.distributions = {'roll': ('uniform', 0, 1)}", "design.kind = 'holdout'",
             "design.inner_ranges = {'roll': (2, 3)}"],
            "(2, 3) holds next to nothing, and training needs some of it",
        ),
        (
            ["design.distributions = {'viewpoint': 'so3'}", "design.kind = 'holdout'",
             "design.inner_ranges = {'viewpoint': (2, 3)}"],
            "must be a factor that is drawn as one number",
        ),
        (
            ["design.distributions = {'num_objs': ('uniform', 1, 2)}", "design.kind = 'twins'",
             "sample.num_objs = 2", "design.twins = 'num_objs'"],
            "has few values",
        ),
        (
            ["design.distributions = {'texture': ('weights', {'kind/kind_004.jpg': 1})}",
             "design.kind = 'twins'", "design.twins = 'texture'"],
            "twins would look the same, because of its weights",
        ),
    ],
)  # fmt: skip
def test_a_distribution_that_does_not_fit_the_rest_is_one_line(
    bindings: list[str], message: str
) -> None:
    with pytest.raises(UserError) as caught:
        describe_design(create_settings(*bindings), create_catalog())
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_distributions_are_told_in_words() -> None:
    texts = {
        "azimuth": ("uniform", -1, 1), "viewpoint": "so3", "scale": ("normal", 1, 0.1, 0.5, 2),
        "texture": ("weights", {"a": 1, "b": 3}), "color": ("uniform", (0, 0, 0), (1, 0.5, 1)),
    }  # fmt: skip
    said = [describe(parse_distribution(name, freeze(given))) for name, given in texts.items()]
    assert said == [
        "uniform from -1 to 1", "every rotation evenly", "N(1, 0.1), cut off at 0.5 to 2",
        "weighted: a 25 %, b 75 %", "uniform from 0 to (1, 0.5, 1)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("azimuth", ("uniform", -1.0, 1.0)),
        ("viewpoint", "so3"),
        ("class", ("weights", {"bench": 1, "airplane": 1})),
        ("texture", ("weights", dict.fromkeys(create_catalog().textures, 1))),
        ("backdrop_texture", ("weights", dict.fromkeys(create_catalog().textures, 1))),
    ],
)
def test_another_seed_draws_otherwise_from_every_kind(name: str, given: object) -> None:
    catalog, plans = create_catalog(), []
    for seed in (0, 1):
        settings = set_distributions(f"batch.seed = {seed}", **{name: given})
        plans.append([draw_sample(settings, catalog, i) for i in range(0, 400, 20)])
    shown = [[_find_shown(name, plan) for plan in seeds] for seeds in plans]
    assert shown[0] != shown[1]
    assert len(set(map(str, shown[0]))) > 1


def _find_shown(name: str, plan) -> object:
    (first, *_) = plan.objects
    shown = {
        "class": first.class_idx,
        "texture": first.texture,
        "backdrop_texture": plan.backdrop_texture,
    }
    return shown.get(name, first.euler)
