"""Pinhole camera: intrinsics, pose and projection, in plain numpy.

World: Blender's, Z up, metres. Camera: OpenCV's, x right, y down, z forward. Pixels: x right,
y down; the top left pixel covers [0, 1) x [0, 1), so its centre is at (0.5, 0.5).
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from synrender.settings.groups import Scene

SENSOR_WIDTH_MM = 36.0

# Blender's camera looks along -Z with Y up; OpenCV's camera looks along +Z with Y down.
_BLENDER_TO_OPENCV = np.diag([1.0, -1.0, -1.0])


def euler_to_rot_mat(euler: np.ndarray) -> np.ndarray:
    """Rotation matrix of Euler angles in Blender's XYZ order: ``Rz @ Ry @ Rx``.

    Args:
        euler: (3,) rad.

    Returns:
        (3, 3) float64.
    """
    (cx, cy, cz), (sx, sy, sz) = np.cos(euler), np.sin(euler)
    rot_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    rot_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    rot_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return rot_z @ rot_y @ rot_x


def scene_to_intrinsics(scene: Scene, resolution: int) -> np.ndarray:
    """Matrix K, (3, 3) float64 in px, of the square image of ``resolution`` px."""
    focal_px = scene.camera_lens / SENSOR_WIDTH_MM * resolution
    center_px = resolution / 2
    return np.array([[focal_px, 0, center_px], [0, focal_px, center_px], [0, 0, 1]])


def scene_to_world_to_camera(scene: Scene) -> np.ndarray:
    """Rigid transform from world to OpenCV camera space, (4, 4) float64."""
    rot_mat = _BLENDER_TO_OPENCV @ euler_to_rot_mat(np.array(scene.camera_rotation)).T
    world_to_camera = np.eye(4)
    world_to_camera[:3, :3] = rot_mat
    world_to_camera[:3, 3] = -rot_mat @ np.array(scene.camera_location)
    return world_to_camera


def move_camera(scene: Scene, distance_m: float) -> Scene:
    """The scene with its camera moved along the viewing axis.

    Args:
        scene: whose camera is ``math.dist(scene.camera_location, (0, 0, 0))`` from the origin.
        distance_m: what takes the place of that distance.
    """
    backwards = euler_to_rot_mat(np.array(scene.camera_rotation))[:, 2]
    step_m = distance_m - math.dist(scene.camera_location, (0, 0, 0))
    location_m = np.array(scene.camera_location) + step_m * backwards
    return dataclasses.replace(scene, camera_location=tuple(float(v) for v in location_m))


def project(
    points: np.ndarray, intrinsics: np.ndarray, world_to_camera: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Projects world points into the image.

    Args:
        points: (n, 3) in m.
        intrinsics: (3, 3) in px.
        world_to_camera: (4, 4).

    Returns:
        Pixel positions (n, 2) and depths (n,) in m along the viewing axis. Points with a depth
        of 0 or less are behind the camera; their positions are not valid.
    """
    in_camera = points @ world_to_camera[:3, :3].T + world_to_camera[:3, 3]
    depth_m = in_camera[:, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        positions_px = (in_camera @ intrinsics.T)[:, :2] / depth_m[:, None]
    return positions_px, depth_m
