from __future__ import annotations

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from synrender.sampling.camera import (
    euler_to_rot_mat,
    find_orbit,
    orbit_camera,
    project,
    rot_mat_to_euler,
    scene_to_intrinsics,
    scene_to_world_to_camera,
)
from synrender.settings.groups import Scene


def test_rotation_matrix_against_another_library() -> None:
    rng = np.random.Generator(np.random.PCG64(0))
    for euler in rng.uniform(-3, 3, (20, 3)):
        expected = Rotation.from_euler("xyz", euler).as_matrix()
        np.testing.assert_allclose(euler_to_rot_mat(euler), expected, atol=1e-12)


def test_what_the_camera_looks_at_is_in_the_middle() -> None:
    """From (1, 0, 0.4) tilted 0.36 pi from straight down, along -x."""
    scene = Scene()
    direction = np.array([-np.sin(0.36 * np.pi), 0, -np.cos(0.36 * np.pi)])
    points = np.array(scene.camera_location) + np.array([[0.5], [2.0]]) * direction
    positions, depth_m = project(
        points, scene_to_intrinsics(scene, 128), scene_to_world_to_camera(scene)
    )
    np.testing.assert_allclose(positions, 64, atol=1e-9)
    np.testing.assert_allclose(depth_m, [0.5, 2.0])


def test_right_and_down_are_positive() -> None:
    scene = Scene(camera_location=(0, 0, 5), camera_rotation=(0, 0, 0))  # straight down
    points = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 0]])
    positions, depth_m = project(
        points, scene_to_intrinsics(scene, 36), scene_to_world_to_camera(scene)
    )
    # 50 mm lens, 36 mm sensor, 36 px: the focal length is 50 px.
    np.testing.assert_allclose(positions, [[28, 18], [18, 8], [18, 18]])
    np.testing.assert_allclose(depth_m, 5)


def test_other_kinds_of_cpu_give_the_same_bits() -> None:
    """numpy's matrix products are other ones on a CPU without fused multiplication and addition."""
    script = (
        "import dataclasses, hashlib, numpy as np\n"
        "from synrender.sampling.camera import project, scene_to_world_to_camera\n"
        "from synrender.settings.groups import Scene\n"
        "rng, sha = np.random.default_rng(0), hashlib.sha256()\n"
        "for _ in range(200):\n"
        "    angles, place = (tuple(map(float, rng.uniform(-3, 3, 3))) for _ in range(2))\n"
        "    scene = Scene(camera_rotation=angles, camera_location=place)\n"
        "    matrix = scene_to_world_to_camera(scene)\n"
        "    positions, _ = project(rng.uniform(-1, 1, (9, 3)), np.eye(3) * 70, matrix)\n"
        "    sha.update(matrix.tobytes() + positions.tobytes())\n"
        "print(sha.hexdigest())\n"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", script], env={**os.environ, "OPENBLAS_CORETYPE": kind},
            capture_output=True, text=True, check=True,
        ).stdout
        for kind in ("Nehalem", "Haswell")
    }  # fmt: skip
    assert len(found) == 1


# --- orbit ----------------------------------------------------------------------------------------


ANGLES = [
    (0.0, 0.0, 0.0), (1.2, 0.3, 0.0), (-2.5, -0.8, 0.4), (math.pi, 1.4, -2.0),
    (0.7, math.pi / 2, 0.0), (0.7, -math.pi / 2, 0.3), (0.0, 0.0, math.pi / 2),
    (2.0, 1.9, 0.0), (40.0, -3.0, 9.0), (1.0, 1e-9, math.pi / 2 - 1e-9),
]  # fmt: skip


@pytest.mark.parametrize("angles", ANGLES)
def test_an_orbiting_camera_looks_at_the_origin_from_where_its_angles_say(
    angles: tuple[float, float, float],
) -> None:
    azimuth, elevation, roll = angles
    matrix = scene_to_world_to_camera(orbit_camera(Scene(), angles, 1.7))
    # Another library: a camera on +X that sees +Y to the right and +Z upwards is turned.
    turn = Rotation.from_euler("ZYX", [azimuth, -elevation, roll])
    expected = turn.apply([[0, 1, 0], [0, 0, -1], [-1, 0, 0]])
    np.testing.assert_allclose(matrix[:3, :3], expected, atol=1e-12)
    np.testing.assert_allclose(matrix[:3, 3], [0, 0, 1.7], atol=1e-12)
    position = -matrix[:3, :3].T @ matrix[:3, 3]
    height = 1.7 * math.sin(elevation)
    ground = 1.7 * math.cos(elevation) * np.array([math.cos(azimuth), math.sin(azimuth)])
    np.testing.assert_allclose(position, [*ground, height], atol=1e-12)


@pytest.mark.parametrize("angles", ANGLES)
def test_the_backdrop_is_seen_alike_from_everywhere(angles: tuple[float, float, float]) -> None:
    scene = Scene(backdrop_location=(-2.0, 0.7, 0.3))

    def find(scene: Scene) -> np.ndarray:
        matrix = scene_to_world_to_camera(scene)
        return matrix[:3, :3] @ scene.backdrop_location + matrix[:3, 3]

    usual = orbit_camera(scene, find_orbit(scene), 1.7)
    np.testing.assert_allclose(usual.backdrop_location, scene.backdrop_location, atol=1e-12)
    np.testing.assert_allclose(find(orbit_camera(scene, angles, 1.7)), find(usual), atol=1e-12)


def test_no_pole_and_no_turn_is_a_jump() -> None:
    """Where Euler angles jump, the camera does not."""
    steps = np.linspace(-7, 7, 501)
    for angles in (
        lambda a: (0.4, a, 0.0),
        lambda a: (a, math.pi / 2, 0.2),
        lambda a: (0.4, 0.0, a),
        lambda a: (0.1, a, math.pi / 2),
    ):
        matrices = [
            scene_to_world_to_camera(orbit_camera(Scene(), angles(float(a)), 1.0)) for a in steps
        ]
        assert np.abs(np.diff(matrices, axis=0)).max() < 1.5 * (steps[1] - steps[0])


def test_where_the_usual_camera_stands_is_its_orbit() -> None:
    scene = Scene(camera_location=(0.3, -0.9, 0.5))
    distance_m = math.dist(scene.camera_location, (0, 0, 0))
    found = orbit_camera(scene, find_orbit(scene), distance_m)
    np.testing.assert_allclose(found.camera_location, scene.camera_location, atol=1e-12)


def test_angles_of_a_rotation_are_found_where_two_axes_coincide() -> None:
    rng = np.random.Generator(np.random.PCG64(1))
    for y in (0.3, math.pi / 2, -math.pi / 2, math.pi / 2 - 1e-8, -math.pi / 2 + 1e-12):
        for x, z in rng.uniform(-3, 3, (50, 2)):
            expected = euler_to_rot_mat(np.array([x, y, z]))
            found = euler_to_rot_mat(np.array(rot_mat_to_euler(expected)))
            np.testing.assert_allclose(found, expected, atol=1e-14)
