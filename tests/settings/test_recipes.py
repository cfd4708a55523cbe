"""Recipes: they are found by their name, and their plans are what their headers say."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest

from synrender.assets.sources import synsets
from synrender.dataset.claim import describe_design
from synrender.errors import UserError
from synrender.sampling.camera import euler_to_rot_mat
from synrender.sampling.sample_plan import SamplePlan, draw_sample
from synrender.settings.factor_table import COLUMNS
from synrender.settings.load import load_settings
from tests.sampling.designs.helpers import create_catalog


def test_a_wrong_name_of_a_recipe_suggests_the_right_one() -> None:
    with pytest.raises(UserError, match="did you mean 'recipes/orbit'"):
        load_settings(["recipes/orbits"])
    with pytest.raises(UserError, match=r"valid: .*recipes/orbit"):
        load_settings(["nothing_like_it"])


def test_orbits_go_around_each_object_once() -> None:
    settings = load_settings(["render_single", "recipes/orbit"], ["sample.class_idxs = 5"])
    catalog = create_catalog()
    assert describe_design(settings, catalog).block_size == 24
    plans = [draw_sample(settings, catalog, idx) for idx in range(72)]
    elevations = set()
    for start in range(0, 72, 24):
        views = plans[start : start + 24]
        assert len({view.objects[0].model for view in views}) == 1
        places = np.array([view.scene.camera_location for view in views])
        angles = np.unwrap(np.arctan2(places[:, 1], places[:, 0]))
        np.testing.assert_allclose(np.diff(angles), 2 * np.pi / 24)
        np.testing.assert_allclose(places[:, 2], places[0, 2])
        elevations.add(float(np.arcsin(places[0, 2] / np.linalg.norm(places[0]))))
    assert len(elevations) == 3
    assert 0 <= min(elevations) < max(elevations) <= 0.6


def find_columns_of(plans: list[SamplePlan], *names: str) -> np.ndarray:
    """Values of some columns, of all objects of all plans, (n, len(names))."""
    columns = [COLUMNS.index(name) for name in names]
    return np.array([[o.factor_values[c] for c in columns] for p in plans for o in p.objects])


def draw_recipe(name: str, num: int, *bindings: str) -> list[SamplePlan]:
    settings = load_settings([f"recipes/{name}"], list(bindings))
    last = max(settings.sample.class_list)
    catalog = create_catalog(settings.object.n_buckets, num_classes=last + 1)
    step = settings.object.total_num_samples // num
    return [draw_sample(settings, catalog, idx * step) for idx in range(num)]


def test_3diebench_has_its_seven_latents_and_its_scene() -> None:
    plans = draw_recipe("threediebench", 200)
    angles = find_columns_of(plans, "roll", "elevation", "azimuth") - [0, 0, np.pi / 6]
    assert np.abs(angles).max() <= np.pi / 2 + 1e-12
    assert np.abs(angles).max(axis=0).min() > 1.5
    hues = np.array([colorsys.rgb_to_hsv(*plan.backdrop_color) for plan in plans])
    np.testing.assert_allclose(hues[:, 1:], 0.6)
    assert np.ptp(hues[:, 0]) > 0.95
    hues = np.array([colorsys.rgb_to_hsv(*plan.lights.color) for plan in plans])
    np.testing.assert_allclose(hues[:, 1:], [[1, 0.8]] * 200)
    lights = np.array([plan.light_location for plan in plans])
    np.testing.assert_allclose(np.linalg.norm(lights, axis=1), 4)
    assert lights[:, 2].min() >= 4 * np.cos(np.pi / 4) - 1e-9
    for plan in plans:
        (shown,) = plan.objects
        assert (shown.location, shown.scale) == ((0, 0, 0), (1, 1, 1))
        np.testing.assert_allclose(np.linalg.norm(plan.scene.camera_location), 2.5)
        assert plan.scene.camera_location[0] == 0
    assert len({plan.objects[0].class_idx for plan in plans}) > 45
    settings = load_settings(["recipes/threediebench"])
    assert {*settings.sample.classes} == {*synsets.NAMES}
    catalog = create_catalog(10, num_classes=55)
    first = [draw_sample(settings, catalog, idx) for idx in range(51)]
    shown = [plan.objects[0].model.first for plan in first]
    assert len(set(shown[:50])) == 1 != len(set(shown))


def test_clevr_has_its_colors_surfaces_sizes_and_numbers() -> None:
    plans = draw_recipe("clevr_like", 80)
    assert {len(plan.objects) for plan in plans} == set(range(3, 11))
    palette = [
        (87, 87, 87), (173, 35, 35), (42, 75, 215), (29, 105, 20),
        (129, 74, 25), (129, 38, 192), (41, 208, 208), (255, 238, 51),
    ]  # fmt: skip
    colors = find_columns_of(plans, "color_r", "color_g", "color_b")
    assert {tuple(row) for row in np.rint(colors * 255).astype(int).tolist()} == set(palette)
    assert np.abs(colors * 255 - np.rint(colors * 255)).max() < 0.02
    assert {tuple(row) for row in find_columns_of(plans, "roughness", "metallic").tolist()} == {
        (0.7, 0), (0.2, 1),
    }  # fmt: skip
    assert {*find_columns_of(plans, "scale")[:, 0]} == {0.35, 0.7}
    assert {o.class_idx for plan in plans for o in plan.objects} == {0, 1, 2}
    assert not find_columns_of(plans, "roll", "elevation", "layout_z").any()
    assert len({plan.group for plan in plans}) == len(plans)
    settings = load_settings(["recipes/clevr_like"])
    share = settings.object.total_num_samples // settings.object.n_buckets
    assert [num * share for num in settings.design.split] == [70_000, 15_000, 15_000]


def test_the_paper_of_2020_has_its_sizes() -> None:
    settings = load_settings(["render_single", "recipes/newell2020"])
    assert (settings.object.total_num_samples, settings.object.n_buckets) == (60_000, 12)
    assert (settings.rendering.resolution, settings.rendering.view_transform) == (128, "Filmic")


def test_s3o4d_turns_models_and_light_evenly() -> None:
    plans = draw_recipe("s3o4d_like", 400)
    assert (plans[0].objects[0].color, plans[0].backdrop_color) == ((0.7,) * 3, (0, 0, 0))
    lights = np.array([plan.light_location for plan in plans]) / 1.5
    np.testing.assert_allclose(np.linalg.norm(lights, axis=1), 1)
    ups = np.array([euler_to_rot_mat(np.array(p.objects[0].euler))[:, 1] for p in plans])
    for directions in (lights, ups):  # 4 standard errors of a coordinate, and of its square
        assert np.abs(directions.mean(axis=0)).max() < 4 * (1 / 3 / 400) ** 0.5
        assert np.abs((directions**2).mean(axis=0) - 1 / 3).max() < 4 * (4 / 45 / 400) ** 0.5
    groups = [plan.objects[0].model.first for plan in plans[:40]]
    assert len({*groups[:20]}) == 1 != len({*groups})


def test_views_of_shapenet_are_24_of_each_model_within_their_ranges() -> None:
    settings = load_settings(["recipes/shapenet_views"])
    catalog = create_catalog(10, num_classes=13)
    plans = [draw_sample(settings, catalog, idx) for idx in range(240)]
    assert describe_design(settings, catalog).block_size == 24
    places = np.array([plan.scene.camera_location for plan in plans])
    distances = np.linalg.norm(places, axis=1)
    elevations = np.degrees(np.arcsin(places[:, 2] / distances))
    azimuths = np.degrees(np.arctan2(places[:, 1], places[:, 0])) % 360
    for values, low, high in (
        (distances / 1.75, 0.65, 0.95), (elevations, 25, 30), (azimuths, 0, 360),
    ):  # fmt: skip
        assert low - 1e-9 <= values.min() < low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) < values.max() <= high + 1e-9
    models = [plan.objects[0].model.first for plan in plans]
    assert [len({*models[k : k + 24]}) for k in range(0, 240, 24)] == [1] * 10
    assert len({*models}) == 10
    assert {plan.backdrop for plan in plans} == {"none"}
    angle = 2 * np.degrees(np.arctan(18 / settings.scene.camera_lens))
    assert angle == pytest.approx(49.13, abs=0.01)


def test_pug_is_a_complete_factorial_design() -> None:
    settings = load_settings(["recipes/pug_like"])
    design = describe_design(settings, create_catalog(1, num_classes=10))
    sizes = {name: len(factor.levels) for name, factor in design.factors.items() if factor.levels}
    assert sizes == {
        "environment": 3, "class": 10, "model": 24, "texture": 4, "scale": 3, "azimuth": 4,
    }  # fmt: skip
    assert np.prod([*sizes.values()]) == settings.object.total_num_samples == 34_560
    plans = draw_recipe("pug_like", 60)
    assert {(plan.backdrop, plan.is_standing) for plan in plans} == {("environment", True)}
    levels = {plan.objects[0].factor_levels for plan in plans}
    assert len(levels) == 60
