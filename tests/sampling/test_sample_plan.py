from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from synrender.assets.catalog import Catalog
from synrender.sampling.camera import project, scene_to_intrinsics, scene_to_world_to_camera
from synrender.sampling.draws import draw_color_reference, draw_colors, draw_layout
from synrender.sampling.sample_plan import (
    bucket_to_first_idx,
    describe_size,
    describe_uneven_splits,
    draw_sample,
    idx_to_bucket,
    idx_to_group,
)
from synrender.settings.groups import (
    BatchSettings,
    Lighting,
    Material,
    Object,
    Sample,
    Scene,
    Settings,
)
from synrender.settings.load import load_settings
from tests.assets.helpers import create_entries
from tests.sampling.designs import helpers

NUM_CLASSES = 10


def create_catalog(num_models: int = 30, n_buckets: int = 12) -> Catalog:
    return Catalog(
        models_path=Path("shapenet"),
        layout="shapenet-v2",
        textures_path=Path("dtd"),
        is_demo=(False, False),
        synset_ids={c: f"synset{c}" for c in range(NUM_CLASSES)},
        class_names={c: f"class {c}" for c in range(NUM_CLASSES)},
        entries={
            c: create_entries(f"model{m:03d}" for m in range(num_models))
            for c in range(NUM_CLASSES)
        },
        textures=tuple(f"kind/kind_{t:03d}.jpg" for t in range(40)),
        n_buckets=n_buckets,
    )


def create_settings(**changes: object) -> Settings:
    return replace(Settings(sample=Sample(num_objs=3)), **changes)


CATALOG = create_catalog()

GOLDEN = {
    "place": (2, 1234, 1410426350),
    "classes": [4, 2, 5],
    "models": ["model006", "model006", "model006"],
    "textures": ("kind/kind_020.jpg", "kind/kind_019.jpg"),
    "light": (0.0, -1.4516376400208068, -0.3778202774796803),
    "scale": (0.6828693693069878, 0.8147099508215727, 0.9024206798714396),
    "color": (0.5719477761877482, 0.3788079178296242, 1.0),
    "location": (0.03376393960523161, 0.02526096577371779, 0.03090949127754746),
}


# --- buckets and groups -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "n_buckets"), [(60000, 12), (20, 12), (25, 12), (240, 5), (7, 7)]
)
def test_buckets_are_the_floor_formula_and_their_starts_agree(total: int, n_buckets: int) -> None:
    objects = Object(total_num_samples=total, n_buckets=n_buckets)
    buckets = [idx_to_bucket(i, objects) for i in range(total)]
    assert buckets == [int(np.floor(i * n_buckets / total)) for i in range(total)]
    for bucket in range(n_buckets):
        assert buckets.index(bucket) == bucket_to_first_idx(bucket, objects)
    assert bucket_to_first_idx(n_buckets, objects) == total


def test_groups_are_consecutive_and_end_with_their_bucket() -> None:
    objects, batch = Object(total_num_samples=100, n_buckets=6), BatchSettings(cache_obj_frames=4)
    groups = [idx_to_group(i, batch, objects) for i in range(100)]
    assert sorted(set(groups)) == list(range(max(groups) + 1))
    assert groups == sorted(groups)
    for group in set(groups):
        members = [i for i, g in enumerate(groups) if g == group]
        assert len({idx_to_bucket(i, objects) for i in members}) == 1
        assert len(members) <= 4


@pytest.mark.parametrize("num_models", [12, 13, 24, 35])
def test_buckets_share_out_all_models_evenly(num_models: int) -> None:
    catalog = create_catalog(num_models)
    shares = [catalog.bucket_models(0, b) for b in range(12)]
    assert sum(shares, ()) == catalog.model_ids[0]
    assert {len(s) for s in shares} <= {num_models // 12, num_models // 12 + 1}


# --- purity and streams ---------------------------------------------------------------------------


def test_a_plan_depends_on_neither_order_nor_batch() -> None:
    settings = create_settings()
    alone = draw_sample(settings, CATALOG, 13)
    all_of_them = [draw_sample(settings, CATALOG, i) for i in range(20)]
    other_batch = replace(settings, batch=BatchSettings(num_samples=3, idx_offset=12))
    assert all_of_them[13] == alone == draw_sample(other_batch, CATALOG, 13)


def test_another_seed_or_index_changes_every_factor() -> None:
    settings = create_settings(lighting=Lighting(r=1), object=Object(random_viewpoint=0.5))
    plan = draw_sample(settings, CATALOG, 3)
    others = [
        draw_sample(replace(settings, batch=BatchSettings(seed=1)), CATALOG, 3),
        draw_sample(settings, CATALOG, 44),
    ]
    for other in others:
        assert other.backdrop_texture != plan.backdrop_texture
        assert other.light_location != plan.light_location
        assert other.noise_seed != plan.noise_seed
        for a, b in zip(plan.objects, other.objects, strict=True):
            assert a.model != b.model or a.class_idx != b.class_idx
            assert (a.euler, a.scale, a.location) != (b.euler, b.scale, b.location)
            assert a.color != b.color
            assert a.texture != b.texture


def strip(plan: object, *names: str) -> dict:
    values = {k: v for k, v in vars(plan).items() if k not in names and k != "objects"}
    values["objects"] = [
        {k: v for k, v in vars(obj).items() if k not in names} for obj in plan.objects
    ]
    return values


@pytest.mark.parametrize(
    ("changes", "touched"),
    [
        ({"material": Material(use_texture=False)}, ["texture", "backdrop_texture"]),
        ({"material": Material(source="own")}, ["texture", "surface"]),
        ({"material": Material(source="pbr")}, ["surface", "backdrop_surface"]),
        ({"lighting": Lighting(r=2)}, ["light_location"]),
        ({"material": Material(use_color_ref=False)}, ["color"]),
        ({"material": Material(color_variation=0.5)}, ["color"]),
        ({"material": Material(num_modes=5)}, ["color"]),
        ({"material": Material(color_intensity=0.5)}, []),
        ({"object": Object(random_viewpoint=0.5)}, ["euler"]),
        ({"object": Object(random_scaling=0.1)}, ["scale"]),
        ({"object": Object(random_warp=0.3)}, ["scale"]),
        ({"scene": Scene(light_distance=2)}, ["light_location"]),
    ],
)
def test_a_factor_leaves_all_others_as_they_were(changes: dict, touched: list[str]) -> None:
    for idx in (0, 7, 31):
        plan = draw_sample(create_settings(), CATALOG, idx)
        changed = draw_sample(create_settings(**changes), CATALOG, idx)
        derived = ("factor_values", "scene")
        assert strip(changed, *touched, *derived) == strip(plan, *touched, *derived)
        if touched:
            assert changed != plan


def test_golden_plan() -> None:
    """Fixed values: a change here changes every data set and needs a note in CHANGELOG."""
    plan = draw_sample(create_settings(lighting=Lighting(r=1)), CATALOG, 12345)
    assert (plan.bucket, plan.group, plan.noise_seed) == GOLDEN["place"]
    assert [obj.class_idx for obj in plan.objects] == GOLDEN["classes"]
    assert [obj.model.first for obj in plan.objects] == GOLDEN["models"]
    shown = (plan.backdrop_texture.first, plan.objects[0].texture.first)
    assert shown == GOLDEN["textures"]
    np.testing.assert_allclose(plan.light_location, GOLDEN["light"], atol=1e-12)
    np.testing.assert_allclose(plan.objects[0].scale, GOLDEN["scale"], atol=1e-12)
    np.testing.assert_allclose(plan.objects[0].color, GOLDEN["color"], atol=1e-12)
    np.testing.assert_allclose(plan.objects[0].location, GOLDEN["location"], atol=1e-12)


# --- groups ---------------------------------------------------------------------------------------


def test_a_group_shares_models_and_every_object_gets_a_new_pose() -> None:
    settings = create_settings(object=Object(random_viewpoint=0.5))
    first, second, next_group = (draw_sample(settings, CATALOG, i) for i in (0, 1, 10))
    for a, b in zip(first.objects, second.objects, strict=True):
        assert (a.class_idx, a.model) == (b.class_idx, b.model)
        assert a.euler != b.euler
        assert a.scale != b.scale
        assert a.location != b.location
    assert [o.model for o in first.objects] != [o.model for o in next_group.objects]


@pytest.mark.parametrize("num_objs", [1, 4])
def test_balanced_classes_are_even(num_objs: int) -> None:
    settings = Settings(
        batch=BatchSettings(cache_obj_frames=2),
        object=Object(total_num_samples=240),
        sample=Sample(num_objs=num_objs, balanced=True),
    )
    classes = [
        obj.class_idx for i in range(240) for obj in draw_sample(settings, CATALOG, i).objects
    ]
    assert set(Counter(classes).values()) == {24 * num_objs}
    in_first_bucket = Counter(classes[: 20 * num_objs])
    assert set(in_first_bucket.values()) == {2 * num_objs}


def test_unbalanced_classes_are_drawn_from_the_list() -> None:
    settings = create_settings(sample=Sample(class_idxs=[7, 2]))
    classes = {draw_sample(settings, CATALOG, i).objects[0].class_idx for i in range(0, 400, 10)}
    assert classes == {2, 7}


# --- distributions --------------------------------------------------------------------------------


def test_textures_are_without_replacement() -> None:
    plan = draw_sample(create_settings(), CATALOG, 5)
    shown = [plan.backdrop_texture.first, *(obj.texture.first for obj in plan.objects)]
    assert len({*shown, *plan.backdrop_texture.candidates[4:]}) == len(CATALOG.textures)


def test_poses_follow_their_formulas() -> None:
    objects = Object(random_viewpoint=0.5, random_scaling=0.2, random_warp=0.1)
    settings = create_settings(object=objects)
    plans = [draw_sample(settings, CATALOG, i) for i in range(600)]
    eulers = np.array([obj.euler for plan in plans for obj in plan.objects])
    scales = np.array([obj.scale for plan in plans for obj in plan.objects])
    rest = np.array([np.pi / 2, 0, -np.pi / 6])
    np.testing.assert_allclose(eulers.mean(axis=0), rest, atol=0.03)
    np.testing.assert_allclose(eulers.std(axis=0), 0.5, atol=0.02)
    assert abs(scales.mean() - 0.8) < 0.01
    assert scales.min() >= 0.1 * 0.5
    assert scales.max() <= 1.5 * 1.5
    # The warp keeps the overall size: without random scaling the three factors average 0.8.
    plain = draw_sample(create_settings(), CATALOG, 1)
    np.testing.assert_allclose(np.mean(plain.objects[0].scale), 0.8, atol=1e-9)
    unwarped = draw_sample(create_settings(object=Object(random_warp=0)), CATALOG, 1)
    assert unwarped.objects[0].scale == pytest.approx((0.8, 0.8, 0.8))


def test_light_stands_on_its_arc() -> None:
    plan = draw_sample(create_settings(), CATALOG, 0)
    expected = (0, 1.5 * np.sin(-0.5), 1.5 * np.cos(-0.5))
    assert plan.light_location == pytest.approx(expected)
    plans = [draw_sample(create_settings(lighting=Lighting(r=0.1)), CATALOG, i) for i in range(400)]
    angles = [np.arctan2(p.light_location[1], p.light_location[2]) for p in plans]
    assert np.mean(angles) == pytest.approx(-0.5, abs=0.02)
    assert np.std(angles) == pytest.approx(0.1, abs=0.01)


def test_colors_are_colors_and_tell_the_class() -> None:
    """In the 2020 release they were gray: green and blue were overwritten with red."""
    material = Material(color_variation=0)
    reference = draw_color_reference(0, 10, 1)
    colors, backdrop = draw_colors(0, (0,), list(range(10)), reference, material)
    assert np.ptp(colors, axis=1).min() > 0.05
    assert np.ptp(backdrop) > 0
    again, _ = draw_colors(0, (99,), list(range(10)), reference, material)
    np.testing.assert_array_equal(colors, again)
    jittered, _ = draw_colors(0, (0,), list(range(10)), reference, Material(color_variation=0.2))
    assert not np.allclose(jittered, colors)
    free, _ = draw_colors(0, (0,), [0] * 500, reference, Material(use_color_ref=False))
    np.testing.assert_allclose(free.mean(axis=0), 0.5, atol=0.05)


def test_color_reference_keeps_its_first_values() -> None:
    small, large = draw_color_reference(3, 4, 1), draw_color_reference(3, 10, 5)
    assert large.shape == (10, 5, 3)
    np.testing.assert_array_equal(small, large[:4, :1])


# --- layout ---------------------------------------------------------------------------------------


def test_a_single_object_stands_at_the_origin() -> None:
    np.testing.assert_array_equal(
        draw_layout(Settings(), (0,), np.ones(1), Scene()), np.zeros((1, 3))
    )


@pytest.mark.parametrize("num_objs", [2, 3, 4, 6])
def test_several_objects_keep_their_distance_and_are_in_view(num_objs: int) -> None:
    intrinsics = scene_to_intrinsics(Scene(), 1)
    world_to_camera = scene_to_world_to_camera(Scene())
    steps = []
    for idx in range(60):
        locations = draw_layout(Settings(), (idx,), np.ones(num_objs), Scene())
        ground = (locations[:, :2] - [0.05, 0]) * 5
        np.testing.assert_allclose(ground.mean(axis=0), 0, atol=1e-9)
        distances = np.linalg.norm(ground[:, None] - ground[None], axis=-1)
        distances[np.diag_indices(num_objs)] = np.inf
        assert distances.min() >= 1.25
        steps += list(distances.min(axis=1))
        positions, depth = project(locations, intrinsics, world_to_camera)
        assert depth.min() > 0
        assert np.abs(positions - 0.5).max() < 0.5
    assert np.mean(steps) == pytest.approx(1.75, rel=0.15)


def test_on_a_ground_objects_are_upright_and_low_unless_told() -> None:
    def read(name: str, *bindings: str) -> np.ndarray:
        on_ground = ["scene.ground = True", "sample.num_objs = 2", *bindings]
        plans = helpers.draw(helpers.create_settings(*on_ground, total=96), range(3))
        return helpers.read_values(plans, name)

    names = ("elevation", "roll", "layout_z")
    assert all((read(name) == 0).all() for name in names)
    assert (read("azimuth") != 0).all()
    assert (read("roll", "design.fixed = {'roll': 0.5}") == 0.5).all()
    assert (read("elevation", "design.fixed = {'viewpoint': (0, 0.5, 1)}") == 0.5).all()
    assert all((read(name, "scene.standing = False") != 0).all() for name in names)
    walk = ("design.kind = 'sequence'", "design.paths = {'layout': ('walk', 0.1)}")
    assert (read("layout_z", *walk) == 0).all()


def test_a_layout_exists_even_for_many_objects() -> None:
    assert draw_layout(Settings(), (0,), np.ones(40), Scene()).shape == (40, 3)


@pytest.mark.parametrize(("total", "n_buckets", "frames"), [(100, 12, 7), (13, 12, 10), (97, 5, 3)])
def test_groups_count_up_from_0_and_end_with_their_bucket(
    total: int, n_buckets: int, frames: int
) -> None:
    batch = BatchSettings(cache_obj_frames=frames)
    objects = Object(total_num_samples=total, n_buckets=n_buckets)
    expected, group, begun = [], -1, 0
    for idx in range(total):
        is_new_bucket = idx == 0 or idx_to_bucket(idx, objects) != idx_to_bucket(idx - 1, objects)
        if is_new_bucket or idx - begun == frames:
            group, begun = group + 1, idx
        expected.append(group)
    assert [idx_to_group(idx, batch, objects) for idx in range(total)] == expected


def test_a_part_of_one_bucket_is_said_with_what_to_type() -> None:
    part = Settings(batch=BatchSettings(num_samples=1200))
    line = describe_size(part, is_begun=False) or ""
    assert "will share models" in line
    assert line.endswith('-p "object.total_num_samples = 1200"')
    assert (describe_size(part, is_begun=True) or "").endswith("another --dataset_name")
    whole = Settings(
        batch=BatchSettings(num_samples=1200),
        object=Object(total_num_samples=1200),
        named=("object.total_num_samples",),
    )
    for settings in (whole, Settings()):
        assert describe_size(settings, is_begun=False) is None


def test_a_size_that_nothing_names_is_said_at_the_start() -> None:
    settings = load_settings(["render_single"], ["batch.num_samples = 1200"])
    assert "have these 1200 samples" in (describe_size(settings, is_begun=False) or "")
    assert describe_size(settings, is_begun=True) is None


def test_the_nearest_sizes_that_12_divides() -> None:
    assert describe_uneven_splits(24) is None
    assert "take 12 samples" in (describe_uneven_splits(5) or "")
    assert "take 60000 or 60012 samples" in (describe_uneven_splits(60_001) or "")
