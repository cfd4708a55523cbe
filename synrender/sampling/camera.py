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

from synrender.settings.groups import Design, Scene

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


MIN_DEPTH_M = 0.01
"""Nearer to the camera nothing is rendered."""


def find_nearest_depth(scene: Scene, points_m: np.ndarray) -> float:
    """Least depth of world points (n, 3), m along the viewing axis; at least `MIN_DEPTH_M`."""
    matrix = scene_to_world_to_camera(scene)
    depths_m = turn(matrix[:3, :3], points_m)[:, 2] + matrix[2, 3]
    return max(float(depths_m.min()), MIN_DEPTH_M)


# --- orbit ------------------------------------------------------------------------------------

ORBIT = ("camera_azimuth", "camera_elevation", "camera_roll")
"""Factors of a camera that looks at the origin, rad. The camera stands at the azimuth,
counterclockwise from +X as seen from above, and at the elevation above the plane Z = 0. Roll turns
it about its viewing axis, so that the picture turns clockwise."""


def is_orbited(design: Design) -> bool:
    """Whether the cameras of a data set look at the origin: a design decides one of `ORBIT`."""
    return not design.decided.isdisjoint(ORBIT)


def find_orbit(scene: Scene) -> tuple[float, float, float]:
    """Azimuth and elevation of ``scene.camera_location``, and no roll; rad."""
    x, y, z = scene.camera_location
    return math.atan2(y, x), math.atan2(z, math.hypot(x, y)), 0.0


def orbit_camera(scene: Scene, angles: tuple[float, float, float], distance_m: float) -> Scene:
    """The scene seen by a camera that looks at the origin, with the backdrop behind it.

    The elevation goes on beyond 90 degrees, where the camera is upside down: at the poles there is
    no jump, and the picture's vertical axis is that of the azimuth.

    Args:
        scene: its backdrop turns with the camera, about the origin, from where it stands for a
            camera at ``scene.camera_location``. So the camera always sees it in the same way.
        angles: as in `ORBIT`.
        distance_m: of the camera from the origin.
    """
    azimuth, elevation, roll = (math.remainder(angle, math.tau) for angle in angles)
    turned = _find_orientation(azimuth, elevation, roll)
    before = _find_orientation(*find_orbit(scene))
    backdrop_m = turn(turned, turn(before.T, np.array(scene.backdrop_location)))
    rotation = (math.pi / 2 - elevation, 0.0, azimuth + math.pi / 2)
    if roll:
        rotation = rot_mat_to_euler(turned)
    return dataclasses.replace(
        scene,
        camera_location=tuple((distance_m * turned[:, 2]).tolist()),
        camera_rotation=rotation,
        backdrop_location=tuple(backdrop_m.tolist()),
    )


def _find_orientation(azimuth: float, elevation: float, roll: float) -> np.ndarray:
    """Axes of an orbiting camera as columns, (3, 3): right, up, and backwards from the origin."""
    (ca, ce, cr), (sa, se, sr) = (
        tuple(map(f, (azimuth, elevation, roll))) for f in (math.cos, math.sin)
    )
    right, up = np.array([-sa, ca, 0.0]), np.array([-se * ca, -se * sa, ce])
    return np.stack(
        [cr * right + sr * up, cr * up - sr * right, np.array([ce * ca, ce * sa, se])], axis=1
    )


def rot_mat_to_euler(rot_mat: np.ndarray) -> tuple[float, float, float]:
    """Euler angles in Blender's XYZ order of a rotation matrix (3, 3), rad.

    The inverse of `euler_to_rot_mat`. The first angle is found after the last one is turned back:
    that is exact wherever the middle angle is, also where the other two are about the same axis.
    """
    m = rot_mat.tolist()
    z = math.atan2(m[1][0], m[0][0])
    cz, sz = math.cos(z), math.sin(z)
    x = math.atan2(sz * m[0][2] - cz * m[1][2], cz * m[1][1] - sz * m[0][1])
    return x, math.atan2(-m[2][0], math.hypot(m[0][0], m[1][0])), z


# --- projection -------------------------------------------------------------------------------


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
