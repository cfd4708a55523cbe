from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
from scipy.spatial.transform import Rotation

from synrender.sampling.camera import (
    euler_to_rot_mat,
    project,
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
