"""From pixels to points and back: the pinhole camera for arrays of any shape."""

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
