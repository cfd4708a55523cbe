"""Where the surface behind each pixel is: in the world, and in the box of its model."""

from __future__ import annotations

import numpy as np

from synrender.labels.projection import back_project, pixel_centers


def world_position(
    depth_m: np.ndarray,
    intrinsics: np.ndarray,
    world_to_camera: np.ndarray,
    pixels_px: np.ndarray | None = None,
) -> np.ndarray:
    """Position of the surface behind each pixel.

    Args:
        depth_m: (h, w) along the viewing axis at the pixels' centres; inf or NaN = nothing hit.
        intrinsics: (3, 3) px.
        world_to_camera: (4, 4).
        pixels_px: (h, w, 2) where the depth was taken; None: at the centres of these pixels.

    Returns:
        (h, w, 3) float64, world, m; NaN where nothing is hit.
    """
    depth_m = np.where(np.isfinite(depth_m), depth_m, np.nan)
    if pixels_px is None:
        pixels_px = pixel_centers(*depth_m.shape)
    return back_project(pixels_px, depth_m, intrinsics, world_to_camera)


def object_coordinates(
    position_m: np.ndarray, instance: np.ndarray, record: np.ndarray
) -> np.ndarray:
    """Normalised object coordinates (NOCS; Wang et al., CVPR 2019).

    The model's box is centred on 0.5 and scaled so that its diagonal is 1: a point p of the OBJ
    file, of which the box has the centre c and the diagonal d, gets (p - c) / d + 0.5.

    Args:
        position_m: (h, w, 3) world, m.
        instance: (h, w) int, from 1; 0 = none.
        record: (num_objs,) of `RECORD_DTYPE`.

    Returns:
        (h, w, 3) float32 along the axes of the OBJ file, 0 to 1; (0, 0, 0) off objects.
    """
    result = np.zeros((*instance.shape, 3), np.float32)
    for k in find_shown(instance, len(record)):
        is_shown = instance == k + 1
        points = (position_m[is_shown] - record["location"][k]) @ np.linalg.inv(linear(record[k])).T
        diagonal = np.linalg.norm(record["bbox"][k][1] - record["bbox"][k][0])
        # A surface lies in its box; rounding of a pose in single precision may leave it by 1e-6.
        result[is_shown] = np.clip(points / diagonal + 0.5, 0, 1)
    return result


def linear(row: np.void) -> np.ndarray:
    """Linear part of one object's ``obj_to_world``, (3, 3): rotation and scale."""
    return row["obj_to_world"][:3, :3]


def find_shown(instance: np.ndarray, num_objs: int) -> list[int]:
    """Rows of the record (from 0) of objects that have a pixel in the instance map."""
    counts = np.bincount(instance.ravel(), minlength=num_objs + 1)[1 : num_objs + 1]
    return np.flatnonzero(counts).tolist()
