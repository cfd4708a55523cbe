"""What rays at the models of a BOP data set see in one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synrender.audit.bop.bop_files import BopObject
from synrender.audit.mask_checks import mask_to_box
from synrender.audit.rays.model_caster import ModelCaster

MIN_DEPTH_MM = 1e-3
"""A model's box that comes nearer to the camera's plane is taken to fill the whole picture."""


@dataclass(frozen=True)
class Silhouette:
    """A whole object, as if it stood alone, on a canvas of three by three pictures."""

    depth_mm: np.ndarray  # (h, w) of the picture; inf = not hit
    num_px: int  # on the canvas
    box_px: np.ndarray  # (4,) x_min, y_min, x_max, y_max on it, ends excluded; zeros = nothing


@dataclass(frozen=True)
class BopCamera:
    """Rays of an image, in camera space."""

    intrinsics: np.ndarray  # (3, 3) px
    pixel_center: float  # coordinate of the top left pixel's centre: 0 or 0.5
    size: tuple[int, int]  # height and width, px

    def find_directions(self, positions: np.ndarray) -> np.ndarray:
        """Rays with z = 1 through positions (r, 2) as x, y: whole numbers are pixels' centres."""
        pixels = np.column_stack([positions + self.pixel_center, np.ones(len(positions))])
        return pixels @ np.linalg.inv(self.intrinsics).T

    def project(self, points_mm: np.ndarray) -> np.ndarray:
        """Positions (n, 2) of points (n, 3) before the camera, the inverse of the above."""
        pixels = points_mm @ self.intrinsics.T
        return pixels[:, :2] / pixels[:, 2:] - self.pixel_center


def cast_object(
    camera: BopCamera, thing: BopObject, caster: ModelCaster, positions: np.ndarray
) -> np.ndarray:
    """Depth in mm at which rays through positions (r, 2) hit an object, (r,); inf = not."""
    to_model = np.linalg.inv(thing.rotation)
    origin = -to_model @ thing.translation_mm
    return caster.cast(origin, camera.find_directions(positions) @ to_model.T)


def cast_silhouette(camera: BopCamera, thing: BopObject, caster: ModelCaster) -> Silhouette:
    """Casts rays through all pixels of the canvas that an object may cover."""
    height, width = camera.size
    depth_mm = np.full((height, width), np.inf)
    x_min, y_min, x_max, y_max = _find_reach(camera, thing, caster.bounds)
    if x_max <= x_min or y_max <= y_min:
        return Silhouette(depth_mm, 0, np.zeros(4, np.int64))
    xs, ys = np.arange(x_min, x_max), np.arange(y_min, y_max)
    positions = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2).astype(np.float64)
    depths = cast_object(camera, thing, caster, positions).reshape(len(ys), len(xs))
    rows, columns = (ys >= 0) & (ys < height), (xs >= 0) & (xs < width)
    depth_mm[np.ix_(ys[rows], xs[columns])] = depths[np.ix_(rows, columns)]
    is_hit = np.isfinite(depths)
    box = mask_to_box(is_hit)
    if is_hit.any():
        box += [x_min, y_min, x_min, y_min]
    return Silhouette(depth_mm, int(is_hit.sum()), box)


def _find_reach(camera: BopCamera, thing: BopObject, bounds: np.ndarray) -> tuple[int, ...]:
    """Pixels of the canvas that a model's box covers: x_min, y_min, x_max, y_max, ends excluded."""
    height, width = camera.size
    low, high = np.array([-width, -height]), np.array([2 * width, 2 * height])
    corners = np.stack(np.meshgrid(*bounds.T), axis=-1).reshape(-1, 3)
    in_camera = corners @ thing.rotation.T + thing.translation_mm
    if (in_camera[:, 2] < MIN_DEPTH_MM).all():
        return (0, 0, 0, 0)  # behind the camera
    if (in_camera[:, 2] >= MIN_DEPTH_MM).all():
        projected = camera.project(in_camera)
        ends = np.floor(projected.min(axis=0)) - 1, np.ceil(projected.max(axis=0)) + 2
        low, high = (np.clip(end, low, high) for end in ends)
    return (*low.astype(int).tolist(), *high.astype(int).tolist())


def cast_around(
    camera: BopCamera,
    things: Sequence[BopObject],
    casters: Sequence[ModelCaster],
    at: np.ndarray,
    offsets: np.ndarray,
) -> np.ndarray:
    """Depths beside pixels' centres, (num_objects, p, o) mm; inf = not hit.

    Args:
        camera: of the image.
        things: its objects.
        casters: of each object.
        at: (p, 2) pixels as x, y.
        offsets: (o, 2) px.
    """
    positions = (at[:, None] + offsets).reshape(-1, 2).astype(np.float64)
    depths = [
        cast_object(camera, thing, caster, positions)
        for thing, caster in zip(things, casters, strict=True)
    ]
    return np.stack(depths).reshape(len(things), len(at), len(offsets))
