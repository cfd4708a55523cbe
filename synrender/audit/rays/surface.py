"""What a ray finds where it hits a model: the normal that is drawn, the place in the texture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synrender.audit.rays.polygons import Triangles, read_triangles

_CUBE_TIE = 1e-4
"""Difference of a normal's two largest entries below which rounding decides the cube's side."""


@dataclass(frozen=True)
class SurfaceHits:
    """Of r rays at one model, in the file's coordinates; NaN where nothing is hit."""

    corner_normals: np.ndarray  # (r, 3, 3) of the triangle's corners, on the side of the camera
    weights: np.ndarray  # (r, 3) of the corners at the hit; they add up to 1
    uv: np.ndarray  # (r, 2) in the texture, v upwards; repeats beyond 0 and 1
    is_cube_tie: np.ndarray  # (r,) bool: the face looks at two sides of the cube alike


class Surface:
    """The surface of one OBJ file."""

    def __init__(self, path: Path, bounds: np.ndarray) -> None:
        """Reads the file.

        Args:
            path: of the OBJ file.
            bounds: (2, 3) low and high corner of its faces, model units.

        Raises:
            OSError, ValueError, IndexError: it cannot be read.
        """
        from trimesh import Trimesh
        from trimesh.ray.ray_pyembree import RayMeshIntersector

        self._triangles: Triangles = read_triangles(path)
        self._center, self._size = bounds.mean(axis=0), float(np.ptp(bounds, axis=0).max())
        corners = self._triangles.corners
        faces = np.arange(3 * len(corners)).reshape(-1, 3)
        self._intersector = RayMeshIntersector(
            Trimesh(corners.reshape(-1, 3), faces, process=False)
        )

    def hit(self, origin: np.ndarray, directions: np.ndarray) -> SurfaceHits:
        """Casts r rays from one origin (3,), with directions (r, 3), in model units."""
        idxs, rays = self._intersector.intersects_id(
            np.broadcast_to(origin, directions.shape), directions, multiple_hits=False
        )
        corners, toward = self._triangles.corners[idxs], directions[rays]
        edges = corners[:, 1:] - corners[:, :1]
        winding = np.cross(edges[:, 0], edges[:, 1])
        with np.errstate(all="ignore"):
            distance = _dot(winding, corners[:, 0] - origin) / _dot(winding, toward)
            points = origin + distance[:, None] * toward
            # Twice the area of the triangles between the point and each edge, over the whole.
            spans = corners - points[:, None]
            parts = np.cross(np.roll(spans, -1, axis=1), np.roll(spans, -2, axis=1))
            weights = _dot(parts, winding[:, None]) / _dot(winding, winding)[:, None]
        side = -np.sign(_dot(winding, toward))
        normals = self._triangles.normals[idxs] * side[:, None, None]
        uv, is_tie = self._project_to_cube(points, self._triangles.face_normals[idxs])
        num = len(directions)
        return SurfaceHits(
            _spread(normals, rays, num, np.nan),
            _spread(weights, rays, num, np.nan),
            _spread(uv, rays, num, np.nan),
            _spread(is_tie, rays, num, False),
        )

    def _project_to_cube(
        self, points: np.ndarray, face_normals: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Places on the side of a cube that each face looks at most directly, (r, 2).

        The cube has twice the model's largest side, and the model is at its centre.
        """
        turned = np.sort(np.abs(face_normals), axis=1)
        is_tie = turned[:, 2] - turned[:, 1] < _CUBE_TIE
        axis = np.abs(face_normals).argmax(axis=1)
        relative = 0.5 + (points - self._center) / (2 * self._size)
        # The two axes that are left, in the order x, y, z.
        first, second = np.where(axis == 0, 1, 0), np.where(axis == 2, 1, 2)
        rows = np.arange(len(points))
        return np.stack([relative[rows, first], relative[rows, second]], axis=1), is_tie


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.sum(a * b, axis=-1)


def _spread(values: np.ndarray, rays: np.ndarray, num: int, missing: float) -> np.ndarray:
    """Values of some of ``num`` rays as an array for all of them."""
    spread = np.full((num, *values.shape[1:]), missing, values.dtype)
    spread[rays] = values
    return spread
