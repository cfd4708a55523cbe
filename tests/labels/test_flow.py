from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from synrender.labels.coordinates import is_seen
from synrender.labels.derive import Labels
from synrender.labels.flow import find_partner, move_points
from tests.labels.scenes import SIZE_PX, Scene, Solid, turn


def labels(scene: Scene, partner: Scene) -> Labels:
    return Labels(scene.view(), partner.view)


def erode(mask: np.ndarray, num_px: int) -> np.ndarray:
    """Pixels of which all neighbors within num_px are in the mask too."""
    windows = np.pad(mask, num_px, constant_values=False)
    size = 2 * num_px + 1
    return np.lib.stride_tricks.sliding_window_view(windows, (size, size)).all(axis=(2, 3))


def test_a_cube_that_moves_by_a_known_amount() -> None:
    cube = Solid("box", (0, 0, 2))
    moved = dataclasses.replace(cube, location=(0.05, -0.02, 2))
    found = labels(Scene([cube]), Scene([moved], idx=7))
    is_front = Scene([cube]).image().depth_m == np.float32(1.85)
    flow = found.flow[is_front]
    np.testing.assert_allclose(
        flow, np.broadcast_to((180 * 0.05 / 1.85, -180 * 0.02 / 1.85), flow.shape), atol=1e-4
    )
    assert found.flow.dtype == np.float32
    assert found.flow_to == 7
    assert not found.occlusion[is_front].any()
    backdrop = Scene([cube]).image().instance == 0
    assert np.abs(found.flow[backdrop]).max() < 1e-4
    # The backdrop's points that the moved cube covers, and none else.
    assert (found.occlusion[backdrop] == (Scene([moved]).image().instance == 1)[backdrop]).all()


def test_a_camera_that_comes_nearer_spreads_the_image_and_leaves_its_border() -> None:
    nearer = np.eye(4)
    nearer[2, 3] = -0.5
    cube = [Solid("box", (0, 0, 2))]
    found = labels(Scene(cube), Scene(cube, nearer))
    is_backdrop = Scene(cube).image().instance == 0
    xs, ys = np.meshgrid(np.arange(SIZE_PX) + 0.5, np.arange(SIZE_PX) + 0.5)
    from_center = np.stack([xs, ys], axis=2) - 64
    expected = from_center * (3 / 2.5 - 1)
    np.testing.assert_allclose(found.flow[is_backdrop], expected[is_backdrop], atol=1e-4)
    leaves = (np.abs(from_center * 3 / 2.5) > 64).any(axis=2)
    assert found.occlusion[leaves & is_backdrop].all()


def test_flow_there_and_back_again_is_zero() -> None:
    a = Scene([Solid("ellipsoid", (0, 0, 2), (0.6, 0.6, 0.6))])
    b = Scene([Solid("ellipsoid", (0.1, 0, 1.9), (0.5, 0.6, 0.7), turn(0.2, 0.3, 0.1))])
    there, back = labels(a, b), labels(b, a)
    ys, xs = np.nonzero(~there.occlusion & erode(a.image().instance == 1, 3))
    assert len(ys) > 500
    end = np.stack([xs + 0.5, ys + 0.5], axis=1) + there.flow[ys, xs]
    nearest = np.clip(np.floor(end).astype(int), 0, SIZE_PX - 1)
    returned = end + back.flow[nearest[:, 1], nearest[:, 0]]
    error = np.linalg.norm(returned - np.stack([xs + 0.5, ys + 0.5], axis=1), axis=1)
    assert np.median(error) < 0.1
    assert np.quantile(error, 0.99) < 1  # the way back is that of the nearest pixel


@pytest.mark.parametrize("seed", range(12))
def test_occlusion_is_right_on_interior_pixels(seed: int) -> None:
    rng = np.random.default_rng(seed)

    def draw_scene() -> Scene:
        solids = [
            Solid(
                kind,
                (*rng.uniform(-0.35, 0.35, 2), rng.uniform(1.2, 2.6)),
                rng.uniform(0.25, 0.5, 3) * (1, 1, 0.15 if k == 0 else 1),  # one is a thin board
                turn(*rng.uniform(0, 6, 3)),
            )
            for k, kind in enumerate(("box", "ellipsoid", "box", "ellipsoid"))
        ]
        world_to_camera = np.eye(4)
        world_to_camera[:3, :3] = turn(*rng.normal(0, 0.02, 3))
        return Scene(solids, world_to_camera)

    scene, partner = draw_scene(), draw_scene()
    found, view, there = labels(scene, partner), scene.view(), partner.view()
    moved_m = move_points(found.world_position, view.image.instance, view.record, there.record)
    target_t, _ = partner.cast(moved_m.reshape(-1, 3))
    is_hidden = (target_t < 1 - 3e-4).reshape(SIZE_PX, SIZE_PX)
    end = found.flow + np.stack(np.meshgrid(np.arange(SIZE_PX), np.arange(SIZE_PX)), axis=2) + 0.5
    is_in_frame = ((end >= 0) & (end < SIZE_PX)).all(axis=2)
    expected = is_hidden | ~is_in_frame

    # Interior: no edge of an object, and no jump in depth, within 2 px in either image.
    pixel = np.clip(np.nan_to_num(np.floor(end)), 0, SIZE_PX - 1).astype(int)
    smooth = [find_smooth(v.image.depth_m, v.image.instance) for v in (view, there)]
    is_interior = smooth[0] & smooth[1][pixel[..., 1], pixel[..., 0]]
    assert is_interior.sum() > 6000
    wrong = is_interior & (found.occlusion != expected)
    assert wrong.sum() == 0
    # At edges their place within a pixel decides, which a depth map does not tell.
    assert (found.occlusion != expected).mean() < 0.04


def find_smooth(depth_m: np.ndarray, instance: np.ndarray) -> np.ndarray:
    """Pixels around which 5 x 5 show one instance and no jump of more than 5 cm a pixel."""
    padded = np.pad(instance, 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5))
    is_one = windows.max(axis=(2, 3)) == windows.min(axis=(2, 3))
    is_flat = np.ones(depth_m.shape, bool)
    for axis in (0, 1):
        jump = np.abs(np.diff(depth_m, axis=axis, append=depth_m.take([-1], axis))) > 0.05
        is_flat &= ~jump
    return is_one & erode(is_flat, 2)


def cell_points(depth_of: object, num: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    points_px = np.random.default_rng(0).uniform(4, SIZE_PX - 4, (num, 2))
    return points_px, depth_of(points_px[:, 0], points_px[:, 1])  # type: ignore[operator]


def depth_map(depth_of: object) -> np.ndarray:
    xs, ys = np.meshgrid(np.arange(SIZE_PX) + 0.5, np.arange(SIZE_PX) + 0.5)
    return depth_of(xs, ys).astype(np.float32)  # type: ignore[operator]


SURFACES = {
    "85 degrees": lambda x, _: 1 / (0.2 + 0.02 * x),
    "hollow": lambda x, y: 1 / (0.5 + 0.002 * np.abs(x - 60.3) + 0.001 * np.abs(y - 41.9)),
    "ridge": lambda x, y: 1 / (0.9 - 0.002 * np.abs(x - 60.3) - 0.001 * np.abs(y - 41.9)),
    "bowl": lambda x, y: 2 - 5e-5 * ((x - 64) ** 2 + (y - 64) ** 2),
}


@pytest.mark.parametrize("name", SURFACES)
def test_points_between_pixels_are_seen_on_the_surface_and_hidden_behind(name: str) -> None:
    depth_of = SURFACES[name]
    points_px, point_depth_m = cell_points(depth_of)
    depth_m = depth_map(depth_of)
    assert is_seen(points_px, point_depth_m, depth_m).all()
    assert is_seen(points_px, point_depth_m * 0.9, depth_m).all()
    # Behind by 1.5 %, which at 85 degrees is much less than the surface falls off in a pixel.
    behind = is_seen(points_px, point_depth_m * 1.015, depth_m)
    assert not behind.any()


def test_relief_finer_than_a_pixel_hides_none_of_its_own_points() -> None:
    def depth_of(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return 1.5 + 0.001 * x + 0.002 * np.sign(np.sin(4 * x) * np.sin(3 * y))

    points_px, point_depth_m = cell_points(depth_of)
    is_right = is_seen(points_px, point_depth_m, depth_map(depth_of))
    assert is_right.mean() > 0.97
    assert not is_seen(points_px, point_depth_m + 0.03, depth_map(depth_of)).any()


def test_no_point_is_seen_behind_everything_around_it() -> None:
    rng = np.random.default_rng(0)
    depth_m = rng.choice([1.2, 1.5, 1.7], (SIZE_PX, SIZE_PX)).astype(np.float32)
    points_px = rng.uniform(2, SIZE_PX - 2, (4000, 2))
    assert not is_seen(points_px, np.full(4000, 1.9), depth_m).any()


def test_no_point_is_seen_where_it_is_not_in_the_frame() -> None:
    depth_m = np.full((4, 6), np.inf, np.float32)
    points_px = np.array([(0, 0), (5.99, 3.99), (6, 2), (2, 4), (-0.01, 2), (np.nan, np.nan)])
    seen = is_seen(points_px, np.full(6, 2.0), depth_m)
    np.testing.assert_array_equal(seen, [True, True, False, False, False, False])
    assert is_seen(np.array([(0.2, 0.7)]), np.array([1.0]), np.ones((1, 1))).all()


def test_without_a_partner_there_is_no_flow() -> None:
    found = Labels(Scene([Solid("box", (0, 0, 2))]).view(), lambda: None)
    assert np.isnan(found.flow).all()
    assert found.occlusion.all()
    assert found.flow_to == -1


# --- choice of the partner ------------------------------------------------------------------------


def choose(groups: list[int], models: list[str]) -> list[int]:
    """Partner of each of some samples, whose indexes are 10, 12, 14 ..."""
    idxs = [10 + 2 * k for k in range(len(groups))]
    records = {
        idx: Scene([Solid("box", (0, 0, 2), model=m) for m in names], idx=idx, group=group).record()
        for idx, group, names in zip(idxs, groups, models, strict=True)
    }
    return [find_partner(place, idxs, records.__getitem__) for place in range(len(idxs))]


def test_the_partner_is_the_next_of_the_group_and_the_last_goes_to_the_first() -> None:
    assert choose([0, 0, 0, 1, 1, 2], ["a"] * 6) == [12, 14, 10, 18, 16, -1]


def test_a_partner_shows_the_same_models_in_the_same_slots() -> None:
    assert choose([0, 0, 0, 0], ["ab", "ba", "ab", "a"]) == [14, -1, 10, -1]
