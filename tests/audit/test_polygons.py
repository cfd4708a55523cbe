"""The audit cuts faces as Blender does, by code of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from synrender.assets.face_cutting import cut_faces
from synrender.audit.models.polygons import Polygons, cut_polygons

CUT_IN_BLENDER = """
import os, sys
import bpy
import numpy as np
vertices, corners, sizes = np.load(sys.argv[1]).values()
mesh = bpy.data.meshes.new("faces")
parts = np.split(corners, np.cumsum(sizes)[:-1])
mesh.from_pydata(vertices.tolist(), [], [part.tolist() for part in parts])
mesh.calc_loop_triangles()
np.save(sys.argv[2], [list(t.vertices) for t in mesh.loop_triangles])
os._exit(0)
"""


def draw_face(kind: str, num: int, rng: np.random.Generator) -> np.ndarray:
    """Corners (n, 3) of one face, exact in single precision."""
    angles = (np.arange(num) + 0.9 * rng.random(num)) * 2 * np.pi / num
    radii = 1 - rng.random(num) * (0 if kind == "round" else 0.9)
    face = np.stack([radii * np.cos(angles), radii * np.sin(angles), 0 * angles], axis=1)
    if kind == "bent":
        face[:, 2] = rng.normal(size=num) * 0.4
    if kind == "tilted":
        face = face @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
    if kind == "on a grid":  # corners on lines with others, and faces that cross themselves
        face = np.round(4 * face)
        face = face[(face != np.roll(face, 1, axis=0)).any(axis=1)]
    if kind == "hole":
        inner = 0.5 * face[::-1]
        face = np.concatenate([face, face[:1], inner[-1:], inner])
    return face.astype(np.float32).astype(np.float64)


def find_normal(face: np.ndarray) -> np.ndarray:
    """Normal of a whole face, twice its area long."""
    return np.cross(face - face[0], np.roll(face, -1, axis=0) - face[0]).sum(axis=0)


@pytest.fixture(scope="module")
def faces() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    kinds = ("round", "star", "bent", "tilted", "on a grid", "hole")
    drawn = [draw_face(kinds[i % 6], int(rng.integers(4, 16)), rng) for i in range(900)]
    return [f for f in drawn if len(f) >= 4 and np.linalg.norm(find_normal(f)) > 1e-3]


def cut(face: np.ndarray) -> np.ndarray:
    normal = find_normal(face)
    return cut_faces(face[None], normal[None] / np.linalg.norm(normal))[0][0]


def test_faces_are_cut_as_blender_cuts_them(tmp_path: Path, faces: list[np.ndarray]) -> None:
    source, result = tmp_path / "faces.npz", tmp_path / "triangles.npy"
    sizes = [len(face) for face in faces]
    np.savez(source, np.concatenate(faces), np.arange(sum(sizes)), sizes)
    command = [sys.executable, "-c", CUT_IN_BLENDER, str(source), str(result)]
    subprocess.run(command, check=True, capture_output=True)
    num_cuts = np.array(sizes) - 2
    cut_by_blender = np.split(np.load(result), np.cumsum(num_cuts)[:-1])
    for face, triangles in zip(faces, cut_by_blender, strict=True):
        # Each from its lowest corner on; both may list them in any order.
        own, expected = (
            {tuple(np.roll(t, -t.argmin()).tolist()) for t in some}
            for some in (cut(face), triangles - triangles.min())
        )
        assert own == expected, face.tolist()


def test_triangles_fill_a_flat_face_that_does_not_cross_itself() -> None:
    rng = np.random.default_rng(1)
    for kind in ("round", "star", "tilted", "hole") * 50:
        face = draw_face(kind, int(rng.integers(4, 16)), rng)
        a, b, c = np.moveaxis(face[cut(face)], 1, 0)
        normal = find_normal(face)
        areas = np.cross(b - a, c - a) @ normal / np.linalg.norm(normal)
        assert areas.min() > -1e-6
        assert np.isclose(areas.sum(), np.linalg.norm(normal))


def test_odd_faces_are_left_out() -> None:
    square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], float)
    faces = [[0, 0, 0, 1], [0, 1, 0], [0, 2, 0, 2], [0, 1, 1, 2, 3, 3, 0], [3, 2, 1, 0], [0, 1, 3]]
    corners = np.concatenate(faces)
    sizes = np.array([len(face) for face in faces])
    triangles = cut_polygons(
        Polygons(np.add(square, (5e6, 0, 0)), corners, np.full((len(corners), 3), np.nan), sizes)
    )
    assert len(triangles.corners) == 3  # the square once, and a triangle
    np.testing.assert_array_equal(triangles.center, [5e6 + 0.5, 0.5, 0])
    np.testing.assert_array_equal(triangles.bounds, [[5e6, 0, 0], [5e6 + 1, 1, 0]])


def test_normals_are_unknown_where_rounding_decides_how_a_face_is_cut() -> None:
    """A square with a corner in the middle of two sides, or of one, as it lies and tilted."""
    corners = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0], [2, 2, 0], [1, 2, 0], [0, 2, 0]]) / 3
    tilt = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))[0]
    for face in (corners, corners[[0, 1, 2, 3]], corners[[0, 0, 2, 3]]):
        normals = np.add(face, (0, 0, 1))
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        num = len(face)
        for turn, is_tilted in ((np.eye(3), False), (tilt, True)):
            for own, are_alike in ((normals, False), (np.tile([[0.0, 0, 1]], (num, 1)), True)):
                found = cut_polygons(
                    Polygons(face @ turn, np.arange(num), own @ turn, np.array([num]))
                )
                is_on_line = len(np.unique(face, axis=0)) == num
                assert found.is_known.all() == (not is_tilted or are_alike or not is_on_line)
