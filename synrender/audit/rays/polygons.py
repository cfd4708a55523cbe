"""Reads the faces of an OBJ file with their corners' normals, for what trimesh does not keep.

trimesh cuts faces into triangles, reorders them, and drops all normals of a file in which some
corners have none. This reader takes one line after the other, and shares nothing with the
renderer's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synrender.system.files import read_small_file

MAX_MODEL_BYTES = 1 << 28
_MIN_RELATIVE_AREA = 1e-12
"""The renderer drops faces with a smaller area, as a share of the squared largest side."""
_MIN_COSINE = 1e-3
"""A normal nearer to its face's plane does not tell the side that it is on."""


@dataclass(frozen=True)
class Triangles:
    """The faces that are drawn, cut into triangles as Blender cuts quads; larger ones as a fan."""

    corners: np.ndarray  # (t, 3, 3) float64, model units, rounded to single precision
    normals: np.ndarray  # (t, 3, 3) unit normal at each corner, on the front of its face
    face_normals: np.ndarray  # (t, 3) unit normal of the whole face


def read_triangles(path: Path) -> Triangles:
    """Reads a file and applies the rules of the renderer to its faces.

    A face is left out if an earlier one has its corners at the same places, or if it has no area.
    A corner has its face's own normal where the file has none or an unusable one.

    Raises:
        ValueError, IndexError: the file is not a readable OBJ file.
        OSError: it cannot be read.
    """
    text = read_small_file(path, MAX_MODEL_BYTES).decode("utf-8", "replace")
    vertices, normals, faces = _read_lines(text.replace("\\\r\n", " ").replace("\\\n", " "))
    used = vertices[[vertex for face in faces for vertex, _ in face]]
    min_area = _MIN_RELATIVE_AREA * float(np.ptp(used, axis=0).max()) ** 2
    _, places = np.unique(vertices + 0.0, axis=0, return_inverse=True)  # -0.0 becomes 0.0
    by_size: dict[int, list[list[Corner]]] = {}
    for face in faces:
        by_size.setdefault(len(face), []).append(face)
    parts = []
    for size, same in by_size.items():
        corners = np.array(same, np.int64)  # (f, size, 2)
        keys = np.sort(places.reshape(-1)[corners[:, :, 0]], axis=1)
        corners = corners[np.sort(np.unique(keys, axis=0, return_index=True)[1])]
        at = vertices[corners[:, :, 0]]
        # The sum over a fan is the normal of the whole face, twice its area long.
        spokes = at - at[:, :1]
        normal = np.cross(spokes[:, 1:-1], spokes[:, 2:]).sum(axis=1)
        length = np.linalg.norm(normal, axis=1)
        has_area = length > 2 * min_area
        at, normal = at[has_area], normal[has_area] / length[has_area, None]
        turned = _turn(normals[corners[has_area, :, 1]], normal)
        fan = np.tile(np.arange(size), (len(at), 1))
        if size == 4:  # a quad with a dent is cut along its other diagonal
            fan[_is_dented(at)] = (1, 2, 3, 0)
        at, turned = (np.take_along_axis(a, fan[:, :, None], axis=1) for a in (at, turned))
        parts += [
            (at[:, [0, k, k + 1]], turned[:, [0, k, k + 1]], normal) for k in range(1, size - 1)
        ]
    triangles = Triangles(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
    if not len(triangles.corners):
        raise ValueError("no faces")
    return triangles


def _is_dented(quads: np.ndarray) -> np.ndarray:
    """Quads (f, 4, 3) whose second and fourth corner are on one side of the line between others."""
    second, third, fourth = np.moveaxis(quads[:, 1:] - quads[:, :1], 1, 0)
    return np.sum(np.cross(second, third) * np.cross(fourth, third), axis=1) > 0


def _turn(normals: np.ndarray, face_normals: np.ndarray) -> np.ndarray:
    """Unit normals of corners (f, c, 3), on the front of their face; its own where unusable."""
    cosines = np.einsum("fck,fk->fc", normals, face_normals)
    is_usable = np.abs(cosines) > _MIN_COSINE  # False for NaN
    turned = normals * np.sign(cosines)[:, :, None]
    return np.where(is_usable[:, :, None], turned, face_normals[:, None])


Corner = tuple[int, int]
"""Index of the vertex and of the normal, from 0; normal -1: none."""


def _read_lines(text: str) -> tuple[np.ndarray, np.ndarray, list[list[Corner]]]:
    """Vertices (v, 3), unit normals (n + 1, 3), and the corners of each face.

    A normal that cannot be read is NaN, and so is the last one, which stands for none.
    """
    vertices: list[list[float]] = []
    normals: list[list[float]] = []
    faces: list[list[Corner]] = []
    for line in text.split("\n"):
        kind, *fields = line.partition("#")[0].split() or [""]
        if kind == "v":
            vertices.append([float(field) for field in fields[:3]])
        elif kind == "vn":
            normals.append(_read_normal(fields[:3]))
        elif kind == "f":
            corners = [_read_corner(field, len(vertices), len(normals)) for field in fields]
            # A corner at the place of the one before it is none.
            corners = [c for i, c in enumerate(corners) if c[0] != corners[i - 1][0]]
            if len(corners) >= 3:
                faces.append(corners)
    if not faces:
        raise ValueError("no faces")
    with np.errstate(all="ignore"):
        units = np.array([*normals, [np.nan] * 3])
        units /= np.linalg.norm(units, axis=1, keepdims=True)
    return np.array(vertices, np.float32).astype(np.float64), units, faces


def _read_normal(fields: list[str]) -> list[float]:
    try:
        normal = [float(field) for field in fields]
    except ValueError:
        return [np.nan] * 3
    return normal if len(normal) == 3 else [np.nan] * 3


def _read_corner(field: str, num_vertices: int, num_normals: int) -> Corner:
    """Indexes from 0 of a corner such as ``3``, ``3/7``, ``3//2``, ``3/7/2`` or ``-1``."""
    vertex, *_, normal = [*field.split("/"), "", ""][:3]
    return (
        _to_idx(int(vertex), num_vertices),
        _to_idx(int(normal), num_normals) if normal else -1,
    )


def _to_idx(number: int, num: int) -> int:
    idx = number - 1 if number > 0 else number + num
    if not 0 <= idx < num or number == 0:
        raise IndexError(f"a face names {number}, of {num}")
    return idx
