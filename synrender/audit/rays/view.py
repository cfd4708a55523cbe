"""One sample as rays see it: what stands at each pixel, and whether a point is seen.

Embree casts rays through pixel centers onto the OBJ files: a second renderer of labels.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from synrender.audit.rays.audited_dataset import Subject
from synrender.audit.rays.cameras import Backdrop, Camera
from synrender.audit.rays.model_caster import ModelCaster, Rays
from synrender.errors import UserError


@dataclass(frozen=True)
class Cast:
    """What rays hit first: (r,), or (h, w) where there is one for each pixel."""

    instance: np.ndarray  # int64, row of the record from 1; 0 = backdrop or nothing
    depth_m: np.ndarray  # along the viewing axis; inf = nothing hit
    is_hit_alone: np.ndarray  # (num_objs, ...) bool: by each object, whatever stands before it
    is_known: np.ndarray  # (num_objs, ...) bool: False where rounding decides what alpha cuts away


def require_ray_caster() -> None:
    """Raises UserError when the ray caster is not installed."""
    try:
        import embreex  # noqa: F401
        import trimesh  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"the audit needs a ray caster, and {error.name} is missing: pip install "
            "'embreex>=4.4,<5' 'trimesh>=5.2,<6' (make setup does it)"
        ) from None


def pixels_to_rays(camera: Camera, positions_px: np.ndarray) -> Rays:
    """Rays in world space through positions in the image, (r, 2) in px as x, y.

    Directions are scaled to 1 m of depth, so that distances are depths in m.
    """
    pixels = np.column_stack([positions_px, np.ones(len(positions_px))])
    camera_to_world = np.linalg.inv(camera.world_to_camera)
    in_camera = pixels @ np.linalg.inv(camera.intrinsics).T
    in_camera /= in_camera[:, 2:]
    directions = in_camera @ camera_to_world[:3, :3].T
    return Rays(camera_to_world[:3, 3], directions, 1 / float(camera.intrinsics[0, 0]))


def find_pixel_centers(camera: Camera) -> np.ndarray:
    """Centers of all pixels, row by row, (h * w, 2) in px."""
    centers = np.arange(camera.resolution) + 0.5
    return np.stack(np.meshgrid(centers, centers), axis=-1).reshape(-1, 2)


def _cast_backdrop(backdrop: Backdrop, rays: Rays) -> np.ndarray:
    """Depths of a square, (r,) in m; inf = not hit, or not shown."""
    center = (backdrop.location - rays.origin) @ backdrop.axes
    directions = rays.directions @ backdrop.axes
    with np.errstate(all="ignore"):
        depth_m = center[2] / directions[:, 2]
        offsets = np.abs(depth_m[:, None] * directions - center)[:, :2]
        is_inside = (offsets <= backdrop.size / 2).all(axis=1) & (depth_m > 0)
    return np.where(is_inside & backdrop.is_shown, depth_m, np.inf)


# --- a sample -------------------------------------------------------------------------------------


SEEN, HIDDEN, OUTSIDE, UNSURE = 2, 1, 0, -1

_CONTACT_M = 1e-3
"""A surface this close in front of a point is the point's own."""
_COVER = 5e-3
"""A surface hides a point for sure if it is nearer to the camera by more than this share of its
depth; thinner sheets cannot be distinguished from the point's own surface."""
_EDGE_WIDTHS = 3.0
"""A point this far before or behind all surfaces near it is not on them, in pixels' widths."""
_MAX_BEND = 0.1
"""Difference of depth's slopes on two sides of a pixel: a crease, in pixels' widths."""
_MAX_GAP = 0.05
"""Between a point's own ray and the plane through the pixels, in pixels' widths."""
_FRAME_PX = 0.5
"""Nearer to the frame's border there are no pixels on both sides of a point."""


@dataclass(frozen=True)
class RayView:
    """One sample: its record, camera and models."""

    subject: Subject
    record: np.ndarray  # (num_objs,) of RECORD_DTYPE
    camera: Camera
    casters: dict[str, ModelCaster]  # by the path of the model

    @functools.cached_property
    def backdrop(self) -> Backdrop:
        """The backdrop of the sample."""
        return self.subject.find_backdrop(self.record)

    @functools.cached_property
    def cast(self) -> Cast:
        """What rays through the pixels' centers hit, (h, w)."""
        shape = self.camera.resolution, self.camera.resolution
        rows = vars(self.cast_at(find_pixel_centers(self.camera))).values()
        return Cast(*(values.reshape(*values.shape[:-1], *shape) for values in rows))

    def cast_at(self, positions_px: np.ndarray) -> Cast:
        """What rays through positions (r, 2) hit of the objects and the backdrop, (r,)."""
        rays = self.rays(positions_px)
        depth_m = _cast_backdrop(self.backdrop, rays)
        instance = np.zeros(len(depth_m), np.int64)
        is_hit_alone = np.zeros((len(self.record), len(depth_m)), bool)
        is_known = np.ones(is_hit_alone.shape, bool)
        for k in range(1, len(self.record) + 1):
            try:
                own_rays = self.to_obj_rays(k, rays)
            except np.linalg.LinAlgError:
                continue  # an object without extent, which nothing can hit
            reach = self.caster(k).cast(own_rays)
            is_hit_alone[k - 1], is_known[k - 1] = np.isfinite(reach.distances), reach.is_known
            is_nearer = reach.distances < depth_m
            depth_m[is_nearer] = reach.distances[is_nearer]
            instance[is_nearer] = k
        return Cast(instance, depth_m, is_hit_alone, is_known)

    def rays(self, positions_px: np.ndarray) -> Rays:
        """Rays through positions (r, 2) in px."""
        return pixels_to_rays(self.camera, positions_px)

    def caster(self, row: int) -> ModelCaster:
        """Of the model of a row of the record, from 1."""
        return self.casters[str(self.subject.model_file(self.record[row - 1]))]

    def to_obj(self, row: int) -> np.ndarray:
        """(4, 4) from world to the coordinates of a row's OBJ file."""
        return np.linalg.inv(self.record[row - 1]["obj_to_world"])

    def to_obj_rays(self, row: int, rays: Rays) -> Rays:
        """Rays in the coordinates of a row's model."""
        return rays.transform(self.to_obj(row))

    @functools.cached_property
    def points(self) -> np.ndarray:
        """World position of what each pixel's center shows, (h, w, 3) m; NaN: nothing is hit."""
        rays = self.rays(find_pixel_centers(self.camera))
        depth_m = self.cast.depth_m.reshape(-1, 1)
        with np.errstate(invalid="ignore"):
            points = np.where(np.isinf(depth_m), np.nan, rays.origin + depth_m * rays.directions)
        return points.reshape(*self.cast.depth_m.shape, 3)

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """World points (..., 3) in camera space."""
        matrix = self.camera.world_to_camera
        return points @ matrix[:3, :3].T + matrix[:3, 3]

    def to_backdrop(self, points: np.ndarray) -> np.ndarray:
        """Places (r, 2) of world points in the backdrop's texture, which covers it once."""
        offset = (points - self.backdrop.location) @ self.backdrop.axes
        return 0.5 + offset[:, :2] / self.backdrop.size

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pixel positions (..., 2) of world points, NaN from the camera backwards; depths (...)."""
        in_camera = self.to_camera(points)
        depth_m = in_camera[..., 2]
        with np.errstate(all="ignore"):
            homogeneous = in_camera @ self.camera.intrinsics.T
            positions = homogeneous[..., :2] / homogeneous[..., 2:]
            return np.where(depth_m[..., None] > 0, positions, np.nan), depth_m

    def judge(self, points: np.ndarray) -> np.ndarray:
        """Whether the camera sees world points (r, 3), by a ray to each.

        Returns:
            (r,) of SEEN, HIDDEN and OUTSIDE; UNSURE at the frame's border, and where a point is
            close to a surface that has an edge or a crease beside it.
        """
        side = self.camera.resolution
        positions, depth_m = self.project(points)
        verdicts = np.full(len(points), OUTSIDE)
        with np.errstate(invalid="ignore"):
            margin = np.minimum(positions, side - positions).min(axis=1)
        verdicts[np.abs(margin) <= _FRAME_PX] = UNSURE
        inside = np.flatnonzero(margin > _FRAME_PX)
        positions, depth_m = positions[inside], depth_m[inside]
        width_m = depth_m / self.camera.intrinsics[0, 0]  # of a pixel there
        x, y = np.floor(positions).astype(np.int64).T
        near_m = np.stack(
            [
                self.cast.depth_m[np.clip(y + dy, 0, side - 1), np.clip(x + dx, 0, side - 1)]
                for dy in (-1, 0, 1)
                for dx in (-1, 0, 1)
            ]
        )  # (9, r), row by row
        surface_m = self.cast_at(positions).depth_m
        with np.errstate(invalid="ignore"):
            bends_m = np.abs(near_m + near_m[::-1] - 2 * near_m[4])[:4].max(axis=0)
            # Where the plane through the pixels is not what the point's own ray hits, an edge
            # passes between the two.
            slopes = np.stack([near_m[5] - near_m[3], near_m[7] - near_m[1]], axis=1) / 2
            offsets = positions - 0.5 - np.stack([x, y], axis=1)
            gap_m = np.abs(near_m[4] + np.sum(slopes * offsets, axis=1) - surface_m)
            is_smooth = (bends_m <= _MAX_BEND * width_m) & (gap_m <= _MAX_GAP * width_m)
        is_clear = surface_m >= depth_m - _CONTACT_M
        is_before = surface_m < depth_m * (1 - _COVER)
        is_covered = near_m.max(axis=0) < depth_m - _EDGE_WIDTHS * width_m
        is_open = near_m.min(axis=0) > depth_m + _EDGE_WIDTHS * width_m
        verdicts[inside] = np.where(
            is_clear & (is_smooth | is_open),
            SEEN,
            np.where(is_before & (is_smooth | is_covered), HIDDEN, UNSURE),
        )
        return verdicts
