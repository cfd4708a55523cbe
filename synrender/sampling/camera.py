"""Pinhole camera: intrinsics, pose and projection, in plain numpy.

World: Blender's, Z up, meters. Camera: OpenCV's, x right, y down, z forward. Pixels: x right,
y down; the top left pixel covers [0, 1) x [0, 1), so its center is at (0.5, 0.5).

There are no matrix products and no sines of numpy here: they are rounded differently on other CPUs
(numpy calls a library for products, and uses AVX-512 for sines where it can).
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from synrender.settings.groups import Scene

SENSOR_WIDTH_MM = 36.0


def euler_to_rot_mat(euler: np.ndarray) -> np.ndarray:
    """Rotation matrix of Euler angles in Blender's XYZ order: ``Rz @ Ry @ Rx``.

    Args:
        euler: (3,) rad.

    Returns:
        (3, 3) float64.
    """
    (cx, cy, cz), (sx, sy, sz) = (tuple(map(f, euler.tolist())) for f in (math.cos, math.sin))
    return np.array(
        [
            [cy * cz, sx * sy * cz - cx * sz, cx * sy * cz + sx * sz],
            [cy * sz, sx * sy * sz + cx * cz, cx * sy * sz - sx * cz],
            [-sy, sx * cy, cx * cy],
        ]
    )


def turn(rot_mat: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points (..., 3) multiplied by a matrix (3, 3), with the same bits on every CPU."""
    return (points[..., None, :] * rot_mat).sum(axis=-1)


def scene_to_intrinsics(scene: Scene, resolution: int) -> np.ndarray:
    """Matrix K, (3, 3) float64 in px, of the square image of ``resolution`` px."""
    focal_px = scene.camera_lens / SENSOR_WIDTH_MM * resolution
    center_px = resolution / 2
    return np.array([[focal_px, 0, center_px], [0, focal_px, center_px], [0, 0, 1]])


def scene_to_world_to_camera(scene: Scene) -> np.ndarray:
    """Rigid transform from world to OpenCV camera space, (4, 4) float64."""
    # Blender's camera looks along -Z with Y up; OpenCV's camera looks along +Z with Y down.
    rot_mat = euler_to_rot_mat(np.array(scene.camera_rotation)).T * [[1.0], [-1.0], [-1.0]]
    world_to_camera = np.eye(4)
    world_to_camera[:3, :3] = rot_mat
    world_to_camera[:3, 3] = -turn(rot_mat, np.array(scene.camera_location))
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
    in_camera = turn(world_to_camera[:3, :3], points) + world_to_camera[:3, 3]
    depth_m = in_camera[:, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        positions_px = turn(intrinsics, in_camera)[:, :2] / depth_m[:, None]
    return positions_px, depth_m
