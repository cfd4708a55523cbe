"""Takes pixels to points and back: in the camera, in the world, and in the box of a model.

Also says which points a camera sees.
"""

from __future__ import annotations

import numpy as np


def pixel_centers(height: int, width: int) -> np.ndarray:
    """Centers of all pixels, (h, w, 2) float64: x, y in px."""
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
    """Camera of a sample: that of its record, or that of the data set if the record has none.

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
        depth_m: (h, w) along the viewing axis at the pixels' centers; inf or NaN = nothing hit.
        intrinsics: (3, 3) px.
        world_to_camera: (4, 4).
        pixels_px: (h, w, 2) where the depth was taken; None: at the centers of these pixels.

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
    """Normalized object coordinates (NOCS; Wang et al., CVPR 2019).

    The model's box is centered on 0.5 and scaled so that its diagonal is 1: a point p of the OBJ
    file, whose box has the center c and the diagonal d, gets (p - c) / d + 0.5.

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


# --- visibility -----------------------------------------------------------------------------------

RELATIVE_TOLERANCE = 1e-3
"""Share of its depth by which a point may lie behind the surface and still count as on it: 1 mm at
1 m, less than which seams and panels of models stand out. Single precision makes errors of 1e-6."""

MAX_BEND = 0.004
"""The same where the surface is not even. Beyond it, pixels around show a jump, not a crease."""


def is_seen(pixels_px: np.ndarray, point_depth_m: np.ndarray, depth_m: np.ndarray) -> np.ndarray:
    """Which points are in the frame and not behind the surface that a depth map shows.

    A point falls between pixel centers, so the surface there is interpolated. Between the centers
    of the four pixels around, 1 / depth is interpolated bilinearly: 1 / depth of a plane is linear
    in the image, so this is exact for a plane however grazing, where a fixed tolerance in depth
    would fail (at 80 degrees the depth changes by centimeters from a pixel to the next). Two things
    are not planes, and for a point that the interpolation calls hidden both are looked at:

    - a crease, a hollow, or relief finer than a pixel: the surface lies behind the interpolated
      one. How far is not known, but the slopes of 1 / depth differ as much between the pixels
      around, so that a point is not called hidden for less; nor by more than `MAX_BEND`.
    - a jump from one surface to another between the four pixels. There the pixel whose center is
      nearest decides: its own surface, continued with the smaller slope of its two sides (the
      larger one may cross the jump).

    Args:
        pixels_px: (n, 2) positions of the points; NaN: not in front of the camera.
        point_depth_m: (n,) along the viewing axis.
        depth_m: (h, w) depth map at the pixels' centers; inf = nothing hit.

    Returns:
        (n,) bool.
    """
    height, width = depth_m.shape
    with np.errstate(invalid="ignore"):  # NaN is in no frame
        is_in_frame = ((pixels_px >= 0) & (pixels_px < (width, height))).all(axis=1)
    seen = is_in_frame.copy()
    inverse = _pad(1 / np.asarray(depth_m, np.float64))
    # Points behind the surface by more than the tolerance have a smaller value than this.
    own = (1 + RELATIVE_TOLERANCE) / np.asarray(point_depth_m, np.float64)[is_in_frame]
    cell = _Cell(inverse, pixels_px[is_in_frame])
    hidden = np.flatnonzero(own < cell.interpolate())
    if len(hidden):
        cell, own = _Cell(inverse, pixels_px[is_in_frame][hidden]), own[hidden]
        surface = np.minimum(cell.interpolate() - cell.find_bend(), cell.extend_nearest())
        inside = np.flatnonzero(is_in_frame)
        seen[inside[hidden]] = own >= surface
    return seen


class _Cell:
    """The square between the centers of the four pixels around each point."""

    def __init__(self, inverse: np.ndarray, pixels_px: np.ndarray) -> None:
        """Takes 1 / depth (h + 3, w + 3), see `_pad`, and positions (n, 2) within the frame."""
        self._inverse = inverse
        limit = np.array([max(size - 5, 0) for size in inverse.shape[::-1]])
        corner = np.clip(np.floor(pixels_px - 0.5).astype(np.int64), 0, limit)
        self._x, self._y = corner.T + 1  # of the padded map
        # Where in the cell, 0 to 1; a point in the outer half of a border's pixel lies beyond.
        self._tx, self._ty = (pixels_px - 0.5 - corner).T

    def _at(self, dx: int, dy: int) -> np.ndarray:
        return self._inverse[self._y + dy, self._x + dx]

    def interpolate(self) -> np.ndarray:
        """1 / depth between the four pixels, (n,)."""
        top = self._at(0, 0) * (1 - self._tx) + self._at(1, 0) * self._tx
        bottom = self._at(0, 1) * (1 - self._tx) + self._at(1, 1) * self._tx
        return top * (1 - self._ty) + bottom * self._ty

    def find_bend(self) -> np.ndarray:
        """How much smaller 1 / depth may be than interpolated, (n,), 0 or more."""
        along_x = [_find_bend([self._at(dx, dy) for dx in range(-1, 3)]) for dy in (0, 1)]
        along_y = [_find_bend([self._at(dx, dy) for dy in range(-1, 3)]) for dx in (0, 1)]
        bend = np.maximum(*along_x) + np.maximum(*along_y)
        return np.minimum(bend, MAX_BEND * self.interpolate())

    def extend_nearest(self) -> np.ndarray:
        """1 / depth of the nearest pixel's own surface at the point, (n,)."""
        dx, dy = (self._tx >= 0.5).astype(np.int64), (self._ty >= 0.5).astype(np.int64)
        x, y = self._x + dx, self._y + dy
        center = self._inverse[y, x]
        slope_x = _smaller(self._inverse[y, x + 1] - center, center - self._inverse[y, x - 1])
        slope_y = _smaller(self._inverse[y + 1, x] - center, center - self._inverse[y - 1, x])
        return center + slope_x * (self._tx - dx) + slope_y * (self._ty - dy)


def _pad(inverse: np.ndarray) -> np.ndarray:
    """Continues the map beyond each side with the slope at its border: by 1 px, then by 2."""
    return np.pad(inverse, (1, 2), mode="reflect", reflect_type="odd")


def _find_bend(four: list[np.ndarray]) -> np.ndarray:
    """Largest difference of two slopes between four values of a line that follow each other."""
    before, left, right, after = four
    return np.maximum(np.abs(before - 2 * left + right), np.abs(left - 2 * right + after))


def _smaller(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The number of smaller size; 0 where the signs differ."""
    return np.where(a * b > 0, np.where(np.abs(a) < np.abs(b), a, b), 0)
