from __future__ import annotations

import numpy as np
import pytest

from synrender.labels.coordinates import find_camera, world_position
from synrender.labels.derive import Labels
from tests.labels.scenes import INTRINSICS, SIZE_PX, Scene, Solid, turn


def no_partner() -> None:
    return None


def test_a_tilted_plane_lies_where_its_formula_says() -> None:
    world_to_camera = np.eye(4)
    world_to_camera[:3, :3], world_to_camera[:3, 3] = turn(0.2, -0.3, 0.4), (0.1, 0.2, 0.3)
    normal, distance_m = np.array([0.3, -0.8, -0.52]), -1.4  # in camera space
    xs, ys = np.meshgrid(np.arange(SIZE_PX) + 0.5, np.arange(SIZE_PX) + 0.5)
    rays = np.stack([(xs - 64) / 180, (ys - 64) / 180, np.ones_like(xs)], axis=2)
    depth_m = distance_m / (rays @ normal)
    assert depth_m.min() > 0
    depth_m[5, 6] = np.inf
    position_m = world_position(depth_m, INTRINSICS, world_to_camera)
    in_camera = position_m @ world_to_camera[:3, :3].T + world_to_camera[:3, 3]
    assert np.isnan(position_m[5, 6]).all()
    is_hit = np.isfinite(depth_m)
    np.testing.assert_allclose(in_camera[is_hit] @ normal, distance_m, atol=1e-9)
    np.testing.assert_allclose(in_camera[is_hit] / depth_m[is_hit][:, None], rays[is_hit])


def test_the_faces_of_a_turned_box_have_their_coordinates() -> None:
    solid = Solid(
        "box", (0.1, 0, 2), (0.5, 0.4, 0.6), turn(0.7, 0.5, 0.3), (0.5, 0.2, 0.3), (4, 5, 6)
    )
    view = Scene([solid]).view()
    coordinates = Labels(view, no_partner).object_coordinates
    is_box = view.image.instance == 1
    assert is_box.sum() > 500
    assert (coordinates[~is_box] == 0).all()
    assert coordinates.dtype == np.float32
    half = np.array(solid.half)
    on_unit_box = (coordinates[is_box] - 0.5) * 2 * np.linalg.norm(half) / half
    distance = np.abs(np.abs(on_unit_box) - 1).min(axis=1)  # from the nearest face
    assert distance.max() < 1e-5
    assert np.abs(on_unit_box).max() < 1 + 1e-5
    shown_faces = {(int(np.abs(p).argmax()), bool(p[np.abs(p).argmax()] > 0)) for p in on_unit_box}
    assert len(shown_faces) == 3


def test_a_sphere_is_half_a_box_wide_around_the_middle_of_its_coordinates() -> None:
    solid = Solid("ellipsoid", (0, 0.1, 1.5), (0.7, 0.5, 0.6), turn(0.1, 2, 0.3), center=(1, 2, 3))
    view = Scene([solid]).view()
    coordinates = Labels(view, no_partner).object_coordinates[view.image.instance == 1]
    radius = np.linalg.norm(coordinates - 0.5, axis=1)
    np.testing.assert_allclose(radius, 0.5 / np.sqrt(3), atol=2e-6)


def test_an_old_record_has_the_camera_of_its_data_set() -> None:
    record = Scene([Solid("box", (0, 0, 2))]).record()
    assert find_camera(record, np.ones((3, 3)), np.ones((4, 4)))[0] is not None
    np.testing.assert_array_equal(find_camera(record, np.ones((3, 3)), np.eye(4))[0], INTRINSICS)
    record["world_to_camera"] = np.nan
    np.testing.assert_array_equal(find_camera(record, np.ones((3, 3)), np.eye(4))[0], 1)


@pytest.mark.parametrize("name", ["world_position", "object_coordinates"])
def test_nothing_hit_has_no_place(name: str) -> None:
    view = Scene([Solid("box", (0, 0, 2))], backdrop_m=np.inf).view()
    values = getattr(Labels(view, no_partner), name)
    is_hit = view.image.instance > 0
    assert np.isfinite(values[is_hit]).all()
    if name == "world_position":
        assert np.isnan(values[~is_hit]).all()
