"""Recipes: they are found by their name, and their plans are what their headers say."""

from __future__ import annotations

import numpy as np
import pytest

from synrender.dataset.claim import describe_design
from synrender.errors import UserError
from synrender.sampling.sample_plan import draw_sample
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
