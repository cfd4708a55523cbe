"""From pixels to points and back: in the camera, in the world, and in the box of a model."""

from __future__ import annotations

import numpy as np


def pixel_centers(height: int, width: int) -> np.ndarray:
    """Centres of all pixels, (h, w, 2) float64: x, y in px."""
    xs, ys = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    return np.stack([xs, ys], axis=2)


def back_project(
    pixels_px: np.ndarray, depth_m: np.ndarray, intrinsics: np.ndarray, world_to_camera: np.ndarray
) -> np.ndarray:
    """World points at given depths behind given pixels.

    Args:
        pixels_px: (..., 2).
        depth_m: (...) along the viewing axis.
        intrinsics: (3, 3) px.
        world_to_camera: (4, 4), rigid.

    Returns:
        (..., 3) float64, m.
    """
    focal, center = np.diag(intrinsics)[:2], intrinsics[:2, 2]
    depth_m = np.asarray(depth_m, np.float64)[..., None]
    in_camera = np.concatenate([(pixels_px - center) / focal * depth_m, depth_m], axis=-1)
    # p_camera = R p + t, so p = R^T (p_camera - t), which reads p_camera @ R for rows.
    return (in_camera - world_to_camera[:3, 3]) @ world_to_camera[:3, :3]


def to_camera(points_m: np.ndarray, world_to_camera: np.ndarray) -> np.ndarray:
    """World points (..., 3) in camera space, (..., 3) float64, m."""
    return points_m @ world_to_camera[:3, :3].T + world_to_camera[:3, 3]


def project(in_camera_m: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """Pixel positions of points in camera space (..., 3).

    Returns:
        (..., 2) float64, px; NaN for points that are not in front of the camera.
    """
    depth_m = in_camera_m[..., 2:]
    depth_m = np.where(depth_m > 0, depth_m, np.nan)
    return in_camera_m[..., :2] / depth_m * np.diag(intrinsics)[:2] + intrinsics[:2, 2]


def find_camera(
    record: np.ndarray, intrinsics: np.ndarray, world_to_camera: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Camera of a sample: the record's own, or that of the data set where it has none.

    Args:
        record: (num_objs,) of `RECORD_DTYPE`; NaN in records from before designs.
        intrinsics: (3, 3) of the data set, px.
        world_to_camera: (4, 4) of the data set.
    """
    own = record["intrinsics"][0], record["world_to_camera"][0]
    if np.isfinite(own[0]).all() and np.isfinite(own[1]).all():
        return own
    return np.asarray(intrinsics, np.float64), np.asarray(world_to_camera, np.float64)


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
