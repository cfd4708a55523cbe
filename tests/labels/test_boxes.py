from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from synrender.labels.boxes import BOX_CORNERS, mask_to_box
from synrender.labels.derive import Labels
from synrender.labels.keypoints import NamedPoints
from tests.labels.scenes import SIZE_PX, Scene, Solid, turn

BOX = Solid("box", (0.1, 0, 2), (0.5, 0.4, 0.6), turn(0.7, 0.5, 0.3), (0.5, 0.2, 0.3), (4, 5, 6))


def labels(*solids: Solid, named: NamedPoints | None = None, **more: Any) -> Labels:
    return Labels(Scene(solids, **more).view(), lambda: None, named)


def test_corner_i_is_at_the_upper_end_of_x_y_and_z_by_its_bits() -> None:
    record = Scene([BOX]).record()
    for i in range(8):
        signs = np.array([1 if i & bit else -1 for bit in (4, 2, 1)])
        in_obj = np.array(BOX.center) + signs * BOX.half
        expected = (record["obj_to_world"][0] @ (*in_obj, 1))[:3]
        np.testing.assert_allclose(labels(BOX).box_3d_world_m[0, i], expected, atol=1e-6)
        assert (BOX_CORNERS[i] == (signs > 0)).all()


def test_corners_are_projected_as_the_camera_sees_them() -> None:
    world_to_camera = np.eye(4)
    world_to_camera[:3, :3], world_to_camera[:3, 3] = turn(0.1, 0.1, 0.5), (0.05, 0, 0.2)
    found = labels(BOX, world_to_camera=world_to_camera)
    in_camera = found.box_3d_camera_m[0]
    expected = found.box_3d_world_m[0] @ world_to_camera[:3, :3].T + world_to_camera[:3, 3]
    np.testing.assert_allclose(in_camera, expected, atol=1e-6)
    expected_px = 64 + 180 * in_camera[:, :2] / in_camera[:, 2:]
    np.testing.assert_allclose(found.box_3d_px[0], expected_px, rtol=1e-5)
    mask = found.amodal[0]
    x_min, y_min, x_max, y_max = mask_to_box(mask)  # a convex box touches its corners' hull
    low, high = expected_px.min(axis=0), expected_px.max(axis=0)
    np.testing.assert_allclose((x_min, y_min, x_max, y_max), (*low, *high), atol=1)


def test_what_is_behind_the_camera_is_nowhere_in_the_image() -> None:
    found = labels(Solid("box", (0, 0, 0.1)))
    is_behind = found.box_3d_camera_m[0, :, 2] <= 0
    assert is_behind.any()
    assert not is_behind.all()
    assert (np.isnan(found.box_3d_px[0]).all(axis=1) == is_behind).all()
    assert (found.keypoint_visibility[0, :8][is_behind] == 0).all()


def test_boxes_of_masks_end_after_their_last_pixel() -> None:
    mask = np.zeros((8, 9), bool)
    assert mask_to_box(mask) == (0, 0, 0, 0)
    mask[2:4, 3:8] = True
    assert mask_to_box(mask) == (3, 2, 8, 4)


def test_the_shares_of_half_hidden_spheres() -> None:
    near = Solid("ellipsoid", (0, 0, 1), (0.2, 0.2, 0.2))
    far = Solid("ellipsoid", (0.2, 0, 2), (0.4, 0.4, 0.4))  # as large in the image, 1 radius aside
    gone = Solid("ellipsoid", (0, 0, 2), (0.1, 0.1, 0.1))
    outside = Solid("ellipsoid", (5, 0, 2), (0.1, 0.1, 0.1))
    found = labels(near, far, gone, outside)
    share = found.visible_share
    assert share.dtype == np.float32
    # A disc that another one of the same radius covers up to its center shows 0.609 of itself:
    # the lens has the area 2 pi / 3 - sqrt(3) / 2 of pi.
    expected = 1 - (2 * np.pi / 3 - np.sqrt(3) / 2) / np.pi
    np.testing.assert_allclose(share, (1, expected, 0, 0), atol=0.02)
    assert (found.box_2d[2:] == 0).all()
    assert (found.box_2d_amodal[2] > 0).all()
    assert (found.box_2d_amodal[3] == 0).all()
    assert found.box_2d_amodal[1][0] < found.box_2d[1][0]


def test_shading_times_albedo_is_the_image() -> None:
    found = labels(BOX)
    np.testing.assert_allclose(found.shading, 0.5)
    found.albedo[3] = 0
    assert (found.shading[3] == 0).all()


def test_keypoints_see_what_is_before_them() -> None:
    found = labels(Solid("box", (0, 0, 2)), Solid("box", (0.2, 0, 1.5)))
    visibility = dict(zip(NamedPoints().all_names, found.keypoint_visibility[0], strict=True))
    assert visibility["face_-z"] == 2  # towards the camera
    assert visibility["center"] == 1  # inside
    assert visibility["corner_0"] == visibility["corner_2"] == 2  # left, in front
    assert visibility["corner_1"] == visibility["corner_3"] == 1  # left, behind
    assert visibility["corner_4"] == 1  # right, in front: the other box hides it
    np.testing.assert_allclose(found.keypoint_px[0, 8], (64, 64), atol=1e-4)
    np.testing.assert_allclose(found.keypoint_world_m[0, :8], found.box_3d_world_m[0])
    assert labels(Solid("box", (3, 0, 2))).keypoint_visibility.max() == 0


def test_named_points_follow_the_points_of_the_box() -> None:
    named = NamedPoints(
        ("hole", "tip"), {"s/m": {"tip": (4.5, 5, 6)}, "s/other": {"hole": (0,) * 3}}
    )
    found = labels(BOX, named=named)
    assert found.keypoint_px.shape == (1, 17, 2)
    assert np.isnan(found.keypoint_world_m[0, 15]).all()
    assert found.keypoint_visibility[0, 15] == 0
    np.testing.assert_allclose(found.keypoint_world_m[0, 16], found.keypoint_world_m[0, 10])
    assert named.all_names[10] == "face_+x"


@pytest.mark.parametrize("name", ["box_2d", "box_2d_amodal"])
def test_boxes_are_whole_numbers(name: str) -> None:
    values = getattr(labels(BOX), name)
    assert values.dtype == np.int32
    assert values.shape == (1, 4)
    assert values.max() <= SIZE_PX
