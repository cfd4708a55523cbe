"""A second renderer of labels: Embree casts rays through pixel centres onto the OBJ files."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synrender.audit.rays.audited_dataset import Camera, Subject
from synrender.audit.rays.model_caster import ModelCaster
from synrender.errors import UserError


@dataclass(frozen=True)
class Rays:
    """Rays from the camera, in world space."""

    origin: np.ndarray  # (3,) m
    camera: Camera
    directions: np.ndarray  # (r, 3), scaled to 1 m of depth: depth = distance along the ray


@dataclass(frozen=True)
class Cast:
    """What rays hit first: (r,), or (h, w) where there is one for each pixel."""

    instance: np.ndarray  # int64, row of the record from 1; 0 = backdrop or nothing
    depth_m: np.ndarray  # along the viewing axis; inf = nothing hit
    is_hit_alone: np.ndarray  # (num_objs, ...) bool: by each object, whatever stands before it

    def to_image(self, shape: tuple[int, ...]) -> Cast:
        """Rays through all pixels, row by row, as an image of (h, w)."""
        alone = self.is_hit_alone.reshape(-1, *shape)
        return Cast(self.instance.reshape(shape), self.depth_m.reshape(shape), alone)


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
    """Rays through positions in the image, (r, 2) in px as x, y."""
    pixels = np.column_stack([positions_px, np.ones(len(positions_px))])
    camera_to_world = np.linalg.inv(camera.world_to_camera)
    in_camera = pixels @ np.linalg.inv(camera.intrinsics).T
    in_camera /= in_camera[:, 2:]
    return Rays(camera_to_world[:3, 3], camera, in_camera @ camera_to_world[:3, :3].T)


def find_pixel_centers(camera: Camera) -> np.ndarray:
    """Centres of all pixels, row by row, (h * w, 2) in px."""
    centers = np.arange(camera.resolution) + 0.5
    return np.stack(np.meshgrid(centers, centers), axis=-1).reshape(-1, 2)


def cast_rays(
    subject: Subject, rays: Rays, record: np.ndarray, casters: dict[str, ModelCaster]
) -> Cast:
    """Casts rays onto the objects of a sample and its backdrop.

    Args:
        subject: the data set.
        rays: r of them.
        record: (num_objs,) of RECORD_DTYPE.
        casters: by the path of the model.

    Returns:
        Arrays of shape (r,).
    """
    depth_m = _cast_backdrop(subject, rays)
    instance = np.zeros(len(depth_m), np.int64)
    is_hit_alone = np.zeros((len(record), len(depth_m)), bool)
    for k, row in enumerate(record, start=1):
        try:
            world_to_obj = np.linalg.inv(row["obj_to_world"])
        except np.linalg.LinAlgError:
            continue  # an object without extent, which nothing can hit
        origin = world_to_obj[:3, :3] @ rays.origin + world_to_obj[:3, 3]
        caster = casters[str(subject.model_path(row))]
        # An affine map keeps ratios along a line, so that the distance is the depth in m.
        distances = caster.cast(origin, rays.directions @ world_to_obj[:3, :3].T)
        is_hit_alone[k - 1] = np.isfinite(distances)
        is_nearer = distances < depth_m
        depth_m[is_nearer] = distances[is_nearer]
        instance[is_nearer] = k
    return Cast(instance, depth_m, is_hit_alone)


def _cast_backdrop(subject: Subject, rays: Rays) -> np.ndarray:
    """Depths of a square that is parallel to the image, (r,) in m; inf = not hit."""
    world_to_camera = rays.camera.world_to_camera
    center = world_to_camera[:3, :3] @ subject.backdrop.location + world_to_camera[:3, 3]
    hits = rays.directions @ world_to_camera[:3, :3].T * center[2]
    is_inside = (np.abs(hits - center)[:, :2] <= subject.backdrop.size / 2).all(axis=1)
    return np.where(is_inside & (center[2] > 0), center[2], np.inf)
