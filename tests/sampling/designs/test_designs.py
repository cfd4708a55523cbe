"""What each design promises, from the plans that it leads to."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
from collections import Counter

import numpy as np
import pytest

from synrender.dataset.claim import describe_design
from synrender.errors import UserError
from synrender.sampling import designs
from synrender.sampling.camera import project, scene_to_intrinsics, scene_to_world_to_camera
from synrender.sampling.designs.causal import sort_graph
from synrender.sampling.designs.holdout import find_allowed
from synrender.sampling.sample_plan import AssetChoice, draw_sample
from synrender.settings.checks import DESIGNS
from synrender.settings.color_values import find_color
from synrender.settings.factor_table import FACTORS
from synrender.settings.groups import Design, Scene
from tests.sampling.designs.helpers import (
    create_catalog,
    create_settings,
    draw,
    find_differences,
    read_levels,
    read_values,
)

TRAIN, VALIDATION, TEST = range(0, 200), range(200, 220), range(220, 240)  # of 240 samples
LARGE_SPREAD = (
    "object.random_viewpoint = 0.5", "object.random_scaling = 0.1", "object.random_warp = 0.1",
    "lighting.r = 1", "material.color_intensity = 0.5",
)  # fmt: skip


# --- grid -----------------------------------------------------------------------------------------


def test_a_grid_has_every_combination_equally_often() -> None:
    settings = create_settings(
        "design.kind = 'grid'",
        "design.levels = {'azimuth': 5, 'light_angle': [-1, 0, 1], 'class': 4}",
        "design.repeats = 4",
        "object.random_viewpoint = 0.5",
    )
    counts = Counter(
        map(tuple, read_levels(draw(settings), "azimuth", "light_angle", "class").tolist())
    )
    assert set(counts) == set(itertools.product(range(5), range(3), range(4)))
    assert set(counts.values()) == {4}


def test_levels_are_drawn_once_from_the_factors_own_distribution() -> None:
    settings = create_settings(
        "design.kind = 'grid'", "design.levels = {'azimuth': 240}", "object.random_viewpoint = 0.5"
    )
    plans = draw(settings)
    values = read_values(plans, "azimuth")
    assert len(set(values)) == 240
    assert abs(values.std() - 0.5) < 0.08
    euler = np.array([plan.objects[0].euler[2] for plan in plans])
    np.testing.assert_allclose(euler, values - np.pi / 6)


def test_the_others_are_drawn_as_without_a_design() -> None:
    free = draw(create_settings(*LARGE_SPREAD), range(20))
    settings = create_settings(
        *LARGE_SPREAD, "design.kind = 'grid'", "design.levels = {'light_angle': 240}"
    )
    for a, b in zip(free, draw(settings, range(20)), strict=True):
        assert find_differences(a, b) == {"light_location", "factor_values", "factor_levels"}


def test_fixed_factors_have_their_value_everywhere() -> None:
    settings = create_settings(
        "design.fixed = {'texture': 'kind/kind_007.jpg', 'color': [1, 0, 0.5], 'azimuth': 0.25, "
        "'camera_lens': 70, 'light_energy': 20}",
        "object.random_viewpoint = 0.5",
    )
    for plan in draw(settings, range(10)):
        (obj,) = plan.objects
        assert obj.texture == AssetChoice(("kind/kind_007.jpg",))
        assert obj.color == (1, 0, 0.5)
        assert (plan.scene.camera_lens, plan.scene.light_energy) == (70, 20)
    assert set(read_values(draw(settings, range(10)), "azimuth")) == {0.25}
    assert len(set(read_values(draw(settings, range(10)), "roll"))) == 10


def test_a_color_can_be_given_by_its_temperature_or_hue() -> None:
    settings = create_settings(
        "design.levels = {'backdrop_color': [('hue', 0.5, 0.6, 0.6), ('kelvin', 6500), (1, 0, 0)]}"
    )
    found = {plan.backdrop_color for plan in draw(settings)}
    assert found == {find_color(v) for v in (("hue", 0.5, 0.6, 0.6), ("kelvin", 6500), (1, 0, 0))}


@pytest.mark.parametrize(
    ("kind", "setting", "repeats"), [("grid", "grid", 40), ("one_at_a_time", "sweeps", 1)]
)
def test_a_factor_that_is_named_twice_counts_once(kind: str, setting: str, repeats: int) -> None:
    levels = "design.levels = {'azimuth': [0, 1, 2], 'light_angle': [0, 1]}"
    bindings = f"design.kind = '{kind}'", levels, f"design.repeats = {repeats}"
    twice = f"design.{setting} = ['azimuth', 'azimuth', 'light_angle']"
    once = f"design.{setting} = ['azimuth', 'light_angle']"
    named_twice, named_once = (create_settings(*bindings, names) for names in (twice, once))
    assert draw(named_twice, range(60)) == draw(named_once, range(60))


def test_a_factor_of_twins_that_is_named_twice_is_no_conflict() -> None:
    settings = create_settings(
        *LARGE_SPREAD, "design.kind = 'twins'", "design.twins = ['azimuth', 'azimuth']"
    )
    assert {plan.varied for plan in draw(settings, range(20))} == {"azimuth"}


# --- blocks ---------------------------------------------------------------------------------------


def test_sweeps_go_through_all_levels_around_one_base() -> None:
    distances = [1, 1.2, 1.4, 1.6, 1.8]
    levels = {"azimuth": [-1, 0, 1], "backdrop_texture": 2, "camera_distance": distances}
    settings = create_settings(
        "design.kind = 'one_at_a_time'", f"design.levels = {levels}", *LARGE_SPREAD
    )
    plans = draw(settings)
    expected = [("azimuth", k) for k in range(3)] + [("backdrop_texture", k) for k in range(2)]
    expected += [("camera_distance", k) for k in range(5)]
    touched = {
        "azimuth": {"euler"},
        "backdrop_texture": {"backdrop_texture"},
        "camera_distance": {"scene"},
    }
    for start in range(0, 240, 10):
        block = plans[start : start + 10]
        assert {plan.base for plan in block} == {start // 10}
        assert len({plan.group for plan in block}) == 1
        swept = [(p.varied, int(read_levels([p], p.varied)[0, 0])) for p in block]
        assert swept == expected
        for a, b in itertools.pairwise(block):
            may = touched[a.varied] | touched[b.varied]
            may |= {"varied", "factor_values", "factor_levels"}
            assert find_differences(a, b) <= may
        assert len({p.objects[0].euler for p in block[:3]}) == 3


FACTOR_FIELDS = {
    "class": {"class_idx", "model", "color"},
    "model": {"model"},
    "texture": {"texture"},
    "color": {"color"},
    "scale": {"scale"},
    "viewpoint": {"euler"},
    "azimuth": {"euler"},
    "elevation": {"euler"},
    "roll": {"euler"},
    "warp": {"scale"},
    "light_angle": {"light_location"},
    "light_energy": {"scene"},
    "backdrop_texture": {"backdrop_texture"},
    "backdrop_color": {"backdrop_color"},
    "layout": {"location"},
    "camera_distance": {"scene"},
    "camera_lens": {"scene"},
    **{key: {"scene"} for key in ("camera_azimuth", "camera_elevation", "camera_roll")},
    **{
        key: {"environment"}
        for key in ("environment", "environment_rotation", "environment_energy")
    },
    **{key: {"lights"} for key in ("light_color", "sun_color", "num_lights")},
    **{key: {"light_location"} for key in ("light_elevation", "light_azimuth")},
    **{key: {"surface"} for key in ("roughness", "metallic")},
    **{key: {"backdrop_surface"} for key in ("backdrop_roughness", "backdrop_metallic")},
    "camera_fstop": {"fstop"},
    "backdrop": {"backdrop"},
    "exposure": {"exposure"},
}
GIVEN = {
    "light_energy": [20, 50, 100],
    "camera_distance": [1, 1.2, 1.4],
    "camera_lens": [35, 50, 70],
    **{key: [-1, 0, 0.5] for key in ("camera_azimuth", "camera_elevation", "camera_roll")},
    "environment": ["sky", "studio", "sunset"],
    "environment_rotation": [0, 2, 4],
    "environment_energy": [0, 1, 2],
    "light_color": [("kelvin", 2700), ("hue", 0.5, 1, 0.8), (1, 1, 1)],
    "sun_color": [(1, 0, 0), (0, 1, 0), (0, 0, 1)],
    "light_elevation": [0, 0.5, 1],
    "light_azimuth": [0, 2, 4],
    "num_lights": [1, 3, 8],
    **{key: [0, 0.5, 1] for key in ("roughness", "metallic")},
    **{key: [0, 0.5, 1] for key in ("backdrop_roughness", "backdrop_metallic")},
    "camera_fstop": [0.5, 1.4, 22],
    "backdrop": ["plane", "environment", "none"],
    "exposure": [-1, 0, 2.5],
}


def test_every_factor_is_tried_as_the_one_of_twins() -> None:
    assert set(FACTOR_FIELDS) == {*FACTORS, "viewpoint"} - {"num_objs"}


@pytest.mark.parametrize(
    ("name", "with_levels"),
    [
        *((name, True) for name in FACTOR_FIELDS),
        *((name, False) for name in FACTOR_FIELDS if name not in GIVEN),
    ],
)
def test_twins_differ_in_their_factor_and_in_nothing_else(name: str, with_levels: bool) -> None:
    bindings = ["design.kind = 'twins'", f"design.twins = '{name}'", "design.twin_size = 3"]
    if with_levels:
        bindings.append(f"design.levels = {{'{name}': {GIVEN.get(name, 4)}}}")
    if name in ("environment_rotation", "environment_energy"):
        bindings.append("design.fixed = {'environment': 'sky'}")
    settings = create_settings(
        *LARGE_SPREAD, *bindings, "sample.num_objs = 3", total=252, config="render_multi"
    )
    plans = draw(settings, range(24))
    for start in range(0, 24, 3):
        twins = plans[start : start + 3]
        assert {plan.varied for plan in twins} == {name}
        assert {plan.base for plan in twins} == {start // 3}
        for a, b in itertools.combinations(twins, 2):
            differences = find_differences(a, b) - {"factor_values", "factor_levels"}
            assert differences <= FACTOR_FIELDS[name]
            assert differences, name


def test_twins_in_the_number_of_objects_show_the_same_first_ones() -> None:
    bindings = ("design.kind = 'twins'", "design.levels = {'num_objs': [1, 2, 4]}")
    settings = create_settings(*bindings, "sample.num_objs = 4", config="render_multi")
    plans = draw(settings, range(40))
    for a, b in zip(plans[::2], plans[1::2], strict=True):
        assert len(a.objects) != len(b.objects)
        n = min(len(a.objects), len(b.objects))
        for obj_a, obj_b in zip(a.objects[:n], b.objects[:n], strict=True):
            assert (obj_a.model, obj_a.euler, obj_a.location, obj_a.color) == (
                obj_b.model, obj_b.euler, obj_b.location, obj_b.color,
            )  # fmt: skip


def test_the_factor_of_twins_is_drawn_from_those_named() -> None:
    settings = create_settings(
        *LARGE_SPREAD,
        "design.kind = 'twins'",
        "design.twins = ['texture', 'azimuth', 'light_angle']",
    )
    counts = Counter(plan.varied for plan in draw(settings)[::2])
    assert set(counts) == {"texture", "azimuth", "light_angle"}
    assert min(counts.values()) > 20


@pytest.mark.parametrize("name", ["texture", "backdrop_texture"])
@pytest.mark.parametrize("with_levels", [True, False])
def test_twins_of_a_texture_differ_whichever_textures_are_rejected(
    name: str, with_levels: bool
) -> None:
    """And the other textures of the samples stay the same."""
    bindings = [f"design.levels = {{'{name}': 4}}"] if with_levels else []
    settings = create_settings(
        "design.kind = 'twins'", f"design.twins = '{name}'", "design.twin_size = 3", *bindings,
        "sample.num_objs = 2", total=252, config="render_multi",
    )  # fmt: skip
    plans = draw(settings, range(12))
    rng = np.random.default_rng(0)
    for start in range(0, 12, 3):
        twins = plans[start : start + 3]
        first = [t for p in twins for t in [p.backdrop_texture.first, p.objects[0].texture.first]]
        for _ in range(20):
            bad = {*rng.permutation(first)[:3], *rng.choice(create_catalog().textures, 2)}
            shown = [
                [
                    c.find(lambda name, bad=bad: name not in bad)
                    for c in (plan.backdrop_texture, *(obj.texture for obj in plan.objects))
                ]
                for plan in twins
            ]
            backdrops, *objects = zip(*shown, strict=True)
            varied, others = [backdrops], objects
            if name == "texture":
                varied, others = objects, [backdrops]
            assert all(len(set(textures)) == 3 for textures in varied)
            assert all(len(set(textures)) == 1 for textures in others)


@pytest.mark.parametrize(
    "bindings",
    [
        ["design.fixed = {'camera_lens': 120}"],
        ["scene.camera_lens = 120"],
        ["design.levels = {'camera_lens': [35, 120], 'camera_distance': [0.8, 1.2]}"],
        ["design.levels = {'layout': 5}", "design.fixed = {'camera_lens': 120}"],
        ["design.fixed = {'camera_distance': 0.6}"],
        ["scene.camera_lens = 400"],
        ["design.levels = {'camera_azimuth': [-3, -1, 0, 2], 'camera_lens': [35, 80]}"],
        ["design.distributions = {'camera_direction': 'sphere'}"],
        ["design.fixed = {'camera_elevation': 1.5, 'camera_distance': 0.7, 'camera_roll': 1}"],
    ],
)
def test_the_camera_sees_every_center_of_a_layout(bindings: list[str]) -> None:
    settings = create_settings(*bindings, "sample.num_objs = 4", config="render_multi")
    for plan in draw(settings, range(10)):
        locations = np.array([obj.location for obj in plan.objects])
        intrinsics, pose = scene_to_intrinsics(plan.scene, 1), scene_to_world_to_camera(plan.scene)
        positions, depth_m = project(locations, intrinsics, pose)
        assert depth_m.min() > 0
        assert np.abs(positions - 0.5).max() < 0.5


def test_angles_of_the_camera_that_are_not_named_are_those_of_its_usual_place() -> None:
    settings = create_settings("design.levels = {'camera_azimuth': [0.5, 2]}")
    plans = draw(settings, range(20))
    assert set(read_values(plans, "camera_azimuth")) == {0.5, 2}
    assert set(read_values(plans, "camera_elevation")) == {math.atan2(0.4, 1.0)}
    assert set(read_values(plans, "camera_roll")) == {0}
    for plan in plans:
        assert math.dist(plan.scene.camera_location, (0, 0, 0)) == pytest.approx(math.hypot(1, 0.4))


def test_without_angles_the_camera_stays_where_it_is_to_the_bit() -> None:
    (plan,) = draw(create_settings(), range(1))
    assert plan.scene == Scene()
    for name in ("camera_azimuth", "camera_elevation", "camera_roll"):
        assert math.isnan(read_values([plan], name)[0])


# --- shortcut, holdout, causal --------------------------------------------------------------------


@pytest.mark.parametrize("rho", [0.9, 1.0])
def test_a_shortcut_has_its_strength_in_each_split(rho: float) -> None:
    settings = create_settings(
        "design.kind = 'shortcut'",
        "design.levels = {'class': 4, 'backdrop_texture': 4}",
        "design.shortcut = ('backdrop_texture', 'class')",
        f"design.rho = ({rho}, 0, {1 - rho})",
        "design.split = (6, 0, 6)",
        total=600,
    )
    design = describe_design(settings, create_catalog())
    partners = np.array(design.shortcut.partners)
    assert sorted(partners) == [0, 1, 2, 3]
    levels = read_levels(draw(settings), "class", "backdrop_texture")
    is_partner = partners[levels[:, 0]] == levels[:, 1]
    for rows, strength in ((slice(0, 300), rho), (slice(300, 600), 1 - rho)):
        expected = strength + (1 - strength) / 4
        margin = 4 * np.sqrt(expected * (1 - expected) / 300) + 1e-9
        assert abs(is_partner[rows].mean() - expected) <= margin


def test_held_out_combinations_are_in_the_test_alone() -> None:
    settings = create_settings(
        "design.kind = 'holdout'",
        "design.levels = {'class': 4, 'texture': 3}",
        "design.held_out = [{'class': 0, 'texture': 2}, {'class': 3, 'texture': 1}]",
    )
    cells = [tuple(row) for row in read_levels(draw(settings), "class", "texture").tolist()]
    held_out = {(0, 2), (3, 1)}
    assert set(cells[:220]) == set(itertools.product(range(4), range(3))) - held_out
    assert set(cells[220:]) == held_out


def test_allowed_combinations_are_counted_past_the_held_out_ones() -> None:
    held_out = (0, 3, 4, 9)
    allowed = [find_allowed(k, held_out) for k in range(8)]
    assert allowed == [k for k in range(12) if k not in held_out]


def test_a_range_can_be_held_out() -> None:
    settings = create_settings(
        "design.kind = 'holdout'",
        "design.inner_ranges = {'azimuth': (-0.4, 0.6), 'light_angle': (-1, 1)}",
        *LARGE_SPREAD,
    )
    plans, free_plans = draw(settings), draw(create_settings(*LARGE_SPREAD))
    for name, low, high in (("azimuth", -0.4, 0.6), ("light_angle", -1, 1)):
        values = read_values(plans, name)
        assert ((values[:220] >= low) & (values[:220] <= high)).all()
        assert ((values[220:] < low) | (values[220:] > high)).all()
        free = read_values(free_plans, name)
        was_inside = (free[:220] >= low) & (free[:220] <= high)
        np.testing.assert_array_equal(values[:220][was_inside], free[:220][was_inside])


def test_the_tables_of_a_graph_come_back_and_interventions_cut_it() -> None:
    settings = create_settings(
        "design.kind = 'causal'",
        "design.levels = {'class': 2, 'backdrop_texture': 3, 'light_angle': [-1, 0, 1]}",
        "design.parents = {'backdrop_texture': ['class'], "
        "'light_angle': ['class', 'backdrop_texture']}",
        "design.tables = {'backdrop_texture': [[0.7, 0.2, 0.1], [0, 0.5, 0.5]]}",
        "design.strength = 0.6",
        "design.do = {'test': {'backdrop_texture': 1, 'light_angle': 'even'}}",
        "design.split = (6, 0, 6)",
        total=1500,
    )
    tables = describe_design(settings, create_catalog()).causal.tables
    levels = read_levels(draw(settings), "class", "backdrop_texture", "light_angle")
    train, test = levels[:750], levels[750:]
    for c in range(2):
        rows = train[train[:, 0] == c]
        found = np.bincount(rows[:, 1], minlength=3) / len(rows)
        np.testing.assert_allclose(found, tables["backdrop_texture"][c], atol=0.07)
        for b in range(3):
            lights = rows[rows[:, 1] == b][:, 2]
            if len(lights) > 50:
                found = np.bincount(lights, minlength=3) / len(lights)
                np.testing.assert_allclose(found, tables["light_angle"][3 * c + b], atol=0.14)
    assert set(test[:, 1]) == {1}
    np.testing.assert_allclose(np.bincount(test[:, 2]) / 750, 1 / 3, atol=0.07)


def test_a_graph_is_sorted_parents_first() -> None:
    order = sort_graph({"c": ("a", "b"), "b": ("a",), "d": ("c",)})
    assert [order.index(name) for name in "abcd"] == sorted(order.index(name) for name in "abcd")


# --- all of them ----------------------------------------------------------------------------------

KINDS = {
    "grid": ("design.levels = {'class': 4, 'texture': 3}", "design.repeats = 20"),
    "one_at_a_time": ("design.levels = {'azimuth': 3, 'texture': 2}",),
    "twins": ("design.twins = 'light_angle'",),
    "shortcut": (
        "design.levels = {'class': 3, 'texture': 3}", "design.shortcut = ('texture', 'class')",
    ),
    "holdout": ("design.levels = {'class': 3, 'texture': 3}", "design.held_out = 2",
                "design.held_out_factors = ('class', 'texture')"),
    "causal": (
        "design.levels = {'class': 3, 'texture': 3}", "design.parents = {'texture': 'class'}",
    ),
}  # fmt: skip


def test_every_kind_that_a_user_can_name_is_registered() -> None:
    assert {"random", *designs.KINDS} == set(DESIGNS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_depends_on_its_index_alone(kind: str) -> None:
    settings = create_settings(f"design.kind = '{kind}'", *KINDS[kind], *LARGE_SPREAD)
    catalog = create_catalog()
    forward = [draw_sample(settings, catalog, i) for i in range(20)]
    backward = [draw_sample(settings, catalog, i) for i in reversed(range(20))]
    assert forward == backward[::-1]


@pytest.mark.parametrize("kind", ["random", "one_at_a_time", "twins", "shortcut", "causal"])
def test_a_model_stays_in_its_bucket(kind: str) -> None:
    settings = create_settings(f"design.kind = '{kind}'", *KINDS.get(kind, ()), *LARGE_SPREAD)
    catalog = create_catalog()
    for plan in draw(settings, range(0, 240, 4)):
        for obj in plan.objects:
            assert set(obj.model.candidates) <= set(
                catalog.bucket_models(obj.class_idx, plan.bucket)
            )


def test_designs_combine() -> None:
    settings = create_settings(
        "design.kind = ['grid', 'shortcut']",
        "design.levels = {'class': 4, 'azimuth': [0, 1, 2], 'backdrop_texture': 4}",
        "design.repeats = 20",
        "design.shortcut = ('backdrop_texture', 'class')",
        "design.rho = (1, 1, 0)",
    )
    levels = read_levels(draw(settings), "class", "azimuth", "backdrop_texture")
    assert set(Counter(map(tuple, levels[:, :2].tolist())).values()) == {20}
    partners = describe_design(settings, create_catalog()).shortcut.partners
    assert [partners[c] for c in levels[:220, 0]] == levels[:220, 2].tolist()


def test_the_last_of_a_billion_costs_what_the_first_does() -> None:
    """The figures are in benchmarks/; here only that it ends at all."""
    total = 10**9
    settings = create_settings(
        "design.kind = 'grid'",
        "design.levels = {'azimuth': 1000, 'light_angle': 1000}",
        "design.repeats = 1000",
        *LARGE_SPREAD,
        total=total,
    )
    catalog = create_catalog()
    draw_sample(settings, catalog, total - 1)


@pytest.mark.parametrize(
    ("bindings", "message"),
    [
        (["design.kind = 'gird'"], "must be one or more of 'random', 'grid'"),
        (["design.levels = {'azimut': 3}"], "'azimut' is no factor; did you mean 'azimuth'"),
        (["design.kind = ['grid', 'twins']"], "grid and twins both say which samples"),
        (["design.kind = ['random', 'grid']"], "'random' goes alone"),
        (["design.kind = 'grid'"], "no factor has levels"),
        (
            ["design.kind = 'grid'", "design.levels = {'class': 4, 'texture': 5}"],
            "4 of class x 5 of texture has 20 combinations, 1 times each: set it to 20",
        ),
        (
            ["design.kind = 'twins'", "design.twins = 'texture'", "design.twin_size = 7"],
            "must be a multiple of 84, such as 168 or 252",
        ),
        (
            ["design.kind = 'twins'", "design.twins = 'light_angle'", "lighting.r = 0"],
            "twins would look the same, because of lighting.r",
        ),
        (
            ["design.kind = 'twins'", "design.twins = 'texture'", "material.source = 'own'"],
            "twins would look the same, because of material.source",
        ),
        (
            ["design.kind = 'twins'", "design.twins = 'color'", "material.source = 'own'",
             "material.use_texture = False", "material.color_intensity = 0"],
            "twins would look the same, because of material.color_intensity",
        ),
        (
            ["design.levels = {'texture': 3}", "material.source = 'own'"],
            "objects show no texture; vary 'backdrop_texture' or 'model'",
        ),
        (["design.kind = 'twins'", "design.twins = 'camera_lens'"], "'camera_lens' is not drawn"),
        (["design.levels = {'camera_lens': 3}"], "it is not drawn, so there is nothing to draw"),
        (["design.levels = {'scale': 3}"], "gives equal levels"),
        (["design.levels = {'texture': 41}"], "there are 40 textures"),
        (["design.levels = {'texture': ['kind/kind_99.jpg']}"], "no such texture"),
        (["design.levels = {'class': 6}"], "sample.class_idxs has 5 classes"),
        (["design.levels = {'class': [7]}"], "must be one of sample.class_idxs"),
        (["design.levels = {'model': 6}"], "has 5 models in bucket 0"),
        (["design.levels = {'color': [[1, 0]]}"], "must be red, green and blue from 0 to 1"),
        (["design.levels = {'num_objs': [1, 2]}"], "must be 1 whole number from 1 to 1"),
        (["design.levels = {'azimuth': 0}"], "must be a number of levels from 1"),
        (["design.levels = {'azimuth': 0.5}"], "or a list of values, is 0.5"),
        (["design.levels = {'azimuth': [0.5, 1, 0.5]}"], "0.5 and 0.5 are equal levels"),
        (["design.levels = {'roll': [0, 6.283185307179586]}"], "0 and 6.28319 are equal levels"),
        (["design.levels = {'viewpoint': [[0, 1, 2], [0, 1.0, 2]]}"], "are equal levels"),
        (["design.levels = {'class': [0, 3, 0]}"], "'class': class 0 and class 0 are equal"),
        (
            ["design.levels = {'texture': ['kind/kind_001.jpg', 'kind/kind_001.jpg']}"],
            "'texture': kind/kind_001.jpg and kind/kind_001.jpg are equal",
        ),
        (["design.kind = 'twins'", "design.twins = ('nope',)"], "'nope' is no factor"),
        (
            ["design.kind = 'causal'", "design.parents = {'class': 5}"],
            "design.parents = {'class': 5}: must be a name or a list of names",
        ),
        (
            ["design.kind = 'causal'", "design.parents = {'class': [5]}"],
            "must be a name or a list of names",
        ),
        (
            ["design.kind = 'causal'", "design.parents = [5]"],
            "design.parents = [5]: must be a dictionary",
        ),
        (["design.levels = {'viewpoint': 2, 'roll': 2}"], "a part of it"),
        (["design.fixed = {'roll': 1}", "design.levels = {'roll': [1]}"], "levels names too"),
        (
            ["design.kind = 'shortcut'", "design.shortcut = ('texture', 'class')"],
            "'texture' has no levels",
        ),
        (
            ["design.kind = 'shortcut'", "design.levels = {'texture': 2, 'class': 3}",
             "design.shortcut = ('texture', 'class')"],
            "each level of the second needs a partner",
        ),
        (["design.kind = 'holdout'"], "set design.held_out or design.inner_ranges"),
        (
            ["design.kind = 'holdout'", "design.inner_ranges = {'scale': (0.5, 0.9)}"],
            "'scale' has one value, because object.random_scaling = 0; increase it",
        ),
        (
            ["design.kind = 'holdout'", "design.inner_ranges = {'light_angle': (-1, 1)}"],
            "because lighting.r = 0; increase it",
        ),
        (
            ["design.kind = 'holdout'", "design.levels = {'class': 2, 'texture': 2}",
             "design.held_out = [{'class': 0, 'texture': 0}, {'class': 0, 'texture': 1}]"],
            "leaves level 0 of 'class' without training samples",
        ),
        (
            ["design.kind = 'holdout'", "design.levels = {'texture': 2, 'roll': [0, 1]}",
             "design.held_out = 4", "design.held_out_factors = ('texture', 'roll')"],
            "4 of 4 combinations; training needs one",
        ),
        (
            ["design.kind = 'causal'", "design.levels = {'class': 2, 'texture': 2}",
             "design.parents = {'class': 'texture', 'texture': 'class'}"],
            "a cycle, class -> texture -> class",
        ),
        (
            ["design.kind = 'causal'", "design.levels = {'class': 2, 'texture': 2}",
             "design.parents = {'texture': 'class'}", "design.tables = {'texture': [[1, 0]]}"],
            "must have 2 rows",
        ),
        (
            ["design.kind = 'causal'", "design.levels = {'class': 2, 'texture': 2}",
             "design.parents = {'texture': 'class'}",
             "design.tables = {'texture': [[1, 0], [0.5, 0.6]]}"],
            "row 1 must add up to 1",
        ),
        (
            ["design.kind = 'causal'", "design.levels = {'class': 2, 'texture': 2}",
             "design.parents = {'texture': 'class'}", "design.do = {'test': {'texture': 2}}"],
            "must be a whole number from 0 to 1",
        ),
        (["design.split = (10, 1, 2)"], "must add up to object.n_buckets = 12"),
        (
            ["design.kind = ['grid', 'shortcut']", "design.levels = {'class': 4, 'texture': 4}",
             "design.repeats = 15", "design.grid = ('class', 'texture')",
             "design.shortcut = ('texture', 'class')"],
            "'grid' and 'shortcut' both decide 'texture'",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_clear_line(bindings: list[str], message: str) -> None:
    with pytest.raises(UserError) as caught:
        describe_design(create_settings(*bindings), create_catalog())
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


ODD_VALUES = (
    *(0, -1, 3, 0.5, True, 1e308, 10**400, "", "x", "class", [], {}, [5], ["x"], [0.5, 0.5]),
    *([[1]], [[], []], ["class", "class"], ["class", 5], {"class": 0}, {"train": 5}),
)
ODD_NAMES = (
    "class",
    "azimuth",
    "texture",
    "model",
    "layout",
    "num_objs",
    "camera_lens",
    "viewpoint",
)
ODD_KINDS = ("random", "grid", "one_at_a_time", "twins", "shortcut", "holdout", "causal")


@pytest.mark.slow
def test_odd_values_of_any_setting_are_one_line() -> None:
    """Each value alone, as the value of a factor, and in a list of such dictionaries."""
    catalog, settings = create_catalog(), create_settings(*LARGE_SPREAD)
    usual = {"levels": {"class": 3, "texture": 4, "azimuth": [0, 1]}}
    for field, value in itertools.product(dataclasses.fields(Design), ODD_VALUES):
        by_factor = [{name: value} for name in ODD_NAMES]
        for odd in (value, *by_factor, by_factor, {"train": by_factor[0]}):
            for kind in ODD_KINDS:
                with contextlib.suppress(UserError):
                    design = Design(**{"kind": kind, **usual, field.name: odd})
                    odd_settings = dataclasses.replace(settings, design=design)
                    if describe_design(odd_settings, catalog):
                        draw_sample(odd_settings, catalog, 7)
