"""Layouts and turns of models that recipes need."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from synrender.errors import UserError
from synrender.sampling.sample_plan import SamplePlan, draw_sample
from synrender.settings.factor_table import COLUMNS
from synrender.settings.groups import Settings
from tests.sampling.designs.helpers import create_catalog, create_settings, draw

SCATTERED = (
    "scene.layout = 'scatter'", "scene.layout_size = 6", "scene.layout_distance = 2",
    "scene.layout_margin = 0.4", "sample.num_objs = 8",
    "design.distributions = {'camera_azimuth': ('uniform', -3, 3), 'scale': ('choice', 0.3, 0.7)}",
)  # fmt: skip


def find_places(plan: SamplePlan) -> np.ndarray:
    return np.array([obj.location[:2] for obj in plan.objects])


def test_scattered_objects_keep_their_distances_along_the_view() -> None:
    plans = draw(create_settings(*SCATTERED), range(60))
    for plan in plans:
        places, (x, y, _) = find_places(plan), plan.scene.camera_location
        view = np.array([x, y]) / np.hypot(x, y)
        offsets = (places[:, None] - places)[np.triu_indices(8, 1)]
        first, second = np.triu_indices(8, 1)
        scales = np.array([obj.factor_values[COLUMNS.index("scale")] for obj in plan.objects])
        assert (np.linalg.norm(offsets, axis=1) >= scales[first] + scales[second]).all()
        assert np.abs(offsets @ view).min() >= 0.4 - 1e-9
        assert np.abs(offsets @ [-view[1], view[0]]).min() >= 0.4 - 1e-9
    places = np.concatenate([find_places(plan) for plan in plans])
    assert 2.8 < np.abs(places).max() <= 3
    assert np.abs(places.mean(axis=0)).max() < 0.3  # 3.5 standard errors
    azimuths = [np.arctan2(*plan.scene.camera_location[1::-1]) for plan in plans]
    assert np.std(azimuths) > 1


def test_a_scatter_without_room_is_refused_with_its_numbers() -> None:
    crowded = create_settings(*SCATTERED, "scene.layout_distance = 8")
    with pytest.raises(UserError, match=r"a square of that size has no room for 8 objects"):
        draw(crowded, range(1))
    for taken in ("camera_azimuth", "scale"):
        with pytest.raises(UserError, match=f"by '{taken}', which the design varies"):
            create_settings(*SCATTERED, f"design.levels = {{'{taken}': [0.3, 0.7]}}")


# --- every model ----------------------------------------------------------------------------------


def find_models(settings: Settings, bucket: int) -> list[tuple[int, str]]:
    """Class and model of each object of the first sample of each group of a bucket."""
    catalog = create_catalog(settings.object.n_buckets, num_models=24)
    size = settings.object.total_num_samples // settings.object.n_buckets
    frames = settings.batch.cache_obj_frames
    firsts = range(bucket * size, (bucket + 1) * size, frames)
    plans = [draw_sample(settings, catalog, idx) for idx in firsts]
    return [(obj.class_idx, obj.model.first) for plan in plans for obj in plan.objects]


@pytest.mark.parametrize(
    "others",
    [
        (),
        ("sample.num_objs = 2",),
        (
            "design.kind = 'sequence'",
            "design.length = 2",
            "design.paths = {'azimuth': ('turn', 1)}",
        ),
    ],
)
def test_all_models_of_a_bucket_take_turns(others: tuple[str, ...]) -> None:
    few = ("sample.every_model = True", "object.n_buckets = 3", "batch.cache_obj_frames = 2")
    settings = create_settings(*few, *others, total=480)
    shown = [find_models(settings, bucket) for bucket in range(3)]
    for bucket, models in enumerate(shown):
        own = create_catalog(3, num_models=24)
        expected = {(c, m) for c in range(5) for m in own.bucket_models(c, bucket)}
        num = len(expected)  # 40 models in 80 groups of one or two
        for start in range(0, len(models), num):
            assert set(models[start : start + num]) == expected
        assert models[:num] != models[num : 2 * num]
    assert Counter(c for c, _ in shown[0]) == dict.fromkeys(range(5), len(shown[0]) // 5)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ("sample.balanced = True", "sample.balanced chooses them in another way"),
        ("design.levels = {'class': 2}", "design: 'class' chooses them"),
        ("design.twins = ('class',)", "design: 'class' chooses them"),
    ],
)
def test_turns_of_models_go_with_no_other_choice_of_them(other: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        create_settings("sample.every_model = True", other)
