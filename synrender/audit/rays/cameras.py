"""Where the camera and the backdrop must be, from the values of factors, by scipy's rotations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from synrender.settings.factor_table import BACKDROPS, find_columns
from synrender.settings.groups import Scene

MAX_CAMERA_ERROR = 1e-9
"""Of an entry of a matrix: of a rotation, in m, or as a share of the focal length."""

_ORBIT = [*find_columns("camera_azimuth"), *find_columns("camera_elevation")]
_ORBIT += find_columns("camera_roll")
_DISTANCE, _LENS = *find_columns("camera_distance"), *find_columns("camera_lens")
(_FSTOP,), (_BACKDROP,) = find_columns("camera_fstop"), find_columns("backdrop")


@dataclass(frozen=True)
class Camera:
    """Camera of a sample: OpenCV's convention, top left pixel's center at (0.5, 0.5)."""

    intrinsics: np.ndarray  # (3, 3) px
    world_to_camera: np.ndarray  # (4, 4) m
    resolution: int  # side of the square image, px


@dataclass(frozen=True)
class Backdrop:
    """The square plane behind the objects, which faces the camera, or the ground below them."""

    location: np.ndarray  # (3,) of its center, world, m
    size: float  # side, m
    axes: np.ndarray  # (3, 3) columns, world: the texture's right and up, and where it faces
    is_shown: bool  # or what is around the scene, or nothing, is behind the objects


@dataclass(frozen=True)
class Stage:
    """What ``dataset.json`` says of the camera and the backdrop of all samples."""

    camera: Camera
    lens_mm: float
    scene: Scene

    def find_camera(self, values: np.ndarray) -> Camera:
        """The camera of a sample, by its factors' values (c,); NaN where they are not known."""
        intrinsics, matrix = self.camera.intrinsics.copy(), self.camera.world_to_camera.copy()
        if np.isfinite(values[_LENS]):
            intrinsics[0, 0] *= values[_LENS] / self.lens_mm
            intrinsics[1, 1] *= values[_LENS] / self.lens_mm
        usual_m, distance_m = float(np.linalg.norm(self.scene.camera_location)), values[_DISTANCE]
        if is_orbit(values):
            matrix[:3, :3] = _IN_CAMERA @ _find_turn(values).inv().as_matrix()
            matrix[:3, 3] = 0, 0, distance_m
        elif np.isfinite(distance_m):
            matrix[2, 3] += distance_m - usual_m  # the camera moves along its viewing axis
        return Camera(intrinsics, matrix, self.camera.resolution)

    def find_backdrop(self, values: np.ndarray) -> Backdrop:
        """The backdrop of a sample, with values as in `find_camera`."""
        location, size = np.array(self.scene.backdrop_location), self.scene.backdrop_size
        is_shown = find_behind(values) == "plane"
        if self.scene.ground:
            return Backdrop(np.array([0, 0, self.scene.ground_height]), size, np.eye(3), is_shown)
        axes = self.find_camera(values).world_to_camera[:3, :3].T * (1, -1, -1)
        if is_orbit(values):
            # It is fixed to the camera, and here it is where it is for a camera at that place.
            x, y, z = self.scene.camera_location
            usual = _to_rotation(np.arctan2(y, x), np.arcsin(z / np.linalg.norm((x, y, z))), 0.0)
            location = (_find_turn(values) * usual.inv()).apply(location)
        return Backdrop(location, size, axes, is_shown)


_IN_CAMERA = np.array([[0.0, 1, 0], [0, 0, -1], [-1, 0, 0]])
"""What a camera on +X, looking at the origin, sees to the right, downwards and forwards."""


def is_orbit(values: np.ndarray) -> bool:
    """Whether the camera looks at the origin from an azimuth and an elevation."""
    return bool(np.isfinite(values[_ORBIT]).all())


def is_blurred(values: np.ndarray) -> bool:
    """Whether the lens blurs what is out of focus."""
    return bool(np.isfinite(values[_FSTOP]))


def find_behind(values: np.ndarray) -> str:
    """What is behind the objects, of BACKDROPS."""
    return BACKDROPS[int(np.nan_to_num(values[_BACKDROP]))]


def _find_turn(values: np.ndarray) -> Rotation:
    """The rotation about the origin that takes a camera on +X to its place."""
    return _to_rotation(*values[_ORBIT])


def _to_rotation(azimuth: float, elevation: float, roll: float) -> Rotation:
    return Rotation.from_euler("ZYX", [azimuth, -elevation, roll])


def find_camera_error(found: Camera, expected: Camera) -> float:
    """Largest difference of two cameras, see `MAX_CAMERA_ERROR`."""
    focal_px = expected.intrinsics[0, 0]
    errors = (
        np.abs(found.intrinsics - expected.intrinsics) / focal_px,
        np.abs(found.world_to_camera - expected.world_to_camera),
    )
    return float(np.nan_to_num(max(map(np.max, errors)), nan=np.inf))
