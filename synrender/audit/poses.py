"""Checks with scipy's rotations that the pose fields of a record agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

MAX_ROTATION_ERROR = 1e-4
"""Largest error of an entry of a rotation matrix; the renderer works in single precision."""

MAX_POSITION_ERROR_M = 1e-4
"""0.1 mm: the required accuracy of all geometry."""


@dataclass(frozen=True)
class PoseErrors:
    """Largest differences of each object, (r,) each; infinite where a field is not a pose."""

    rotation: np.ndarray  # entries of rot_mat against itself, quaternion, euler
    linear_m: np.ndarray  # obj_to_world against rot_mat @ diag(scale), over the model's extent

    @property
    def are_right(self) -> np.ndarray:
        """(r,) bool."""
        return (self.rotation <= MAX_ROTATION_ERROR) & (self.linear_m <= MAX_POSITION_ERROR_M)


@dataclass(frozen=True)
class PositionErrors:
    """Differences between a record and the boxes of its OBJ files, (num_objs,) each, in m."""

    location_m: np.ndarray  # obj_to_world @ the box's center against location
    bbox_m: np.ndarray  # extent of bbox against the file's, scaled; and how far bbox is off center

    @property
    def are_right(self) -> np.ndarray:
        """(num_objs,) bool."""
        return (self.location_m <= MAX_POSITION_ERROR_M) & (self.bbox_m <= MAX_POSITION_ERROR_M)


def find_pose_errors(rows: np.ndarray) -> PoseErrors:
    """Compares the pose fields of objects, (r,) of RECORD_DTYPE, with each other."""
    rot_mat, quaternion = rows["rot_mat"], rows["quaternion"]
    is_unit = np.abs(np.linalg.norm(quaternion, axis=1) - 1) <= MAX_ROTATION_ERROR
    xyzw = np.where(is_unit[:, None], np.roll(quaternion, -1, axis=1), [0.0, 0, 0, 1])
    is_angle = np.isfinite(rows["euler"]).all(axis=1)
    euler = np.where(is_angle[:, None], rows["euler"], 0)
    rotation = np.stack(
        [
            _largest(rot_mat @ np.swapaxes(rot_mat, 1, 2) - np.eye(3)),
            np.abs(np.linalg.det(rot_mat) - 1),  # -1: a mirror image
            _largest(rot_mat - Rotation.from_quat(xyzw).as_matrix()),
            _largest(rot_mat - Rotation.from_euler("xyz", euler).as_matrix()),
            np.where(is_unit & is_angle, 0, np.inf),
        ]
    ).max(axis=0)
    scale, extent = rows["scale"], np.ptp(rows["bbox"], axis=1)
    linear = rows["obj_to_world"][:, :3, :3] - rot_mat * scale[:, None, :]
    last_row = rows["obj_to_world"][:, 3] - [0, 0, 0, 1]
    linear_m = np.maximum(_largest(linear * extent[:, None, :]), _largest(last_row[:, None, :]))
    linear_m[~(scale > 0).all(axis=1)] = np.inf
    return PoseErrors(_no_nan(rotation), _no_nan(linear_m))


def find_position_errors(record: np.ndarray, bounds: np.ndarray) -> PositionErrors:
    """Compares the positions of objects, (num_objs,) of RECORD_DTYPE, with their OBJ files.

    The bounds, (num_objs, 2, 3) in model units, are the corners of each file's box.
    """
    matrices, centers = record["obj_to_world"], bounds.mean(axis=1)
    at = (matrices[:, :3, :3] @ centers[:, :, None])[:, :, 0] + matrices[:, :3, 3]
    centered = bounds - centers[:, None]
    return PositionErrors(
        _no_nan(np.abs(at - record["location"]).max(axis=1)),
        _no_nan(_largest((record["bbox"] - centered) * record["scale"][:, None])),
    )


def _largest(matrices: np.ndarray) -> np.ndarray:
    return np.abs(matrices).max(axis=(1, 2))


def _no_nan(errors: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(errors), np.inf, errors)
