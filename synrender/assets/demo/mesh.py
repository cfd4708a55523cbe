"""A closed polygon mesh, and `skin`, which builds most parts from a stack of rings.

Coordinates follow ShapeNet: x to the right, y up, z backwards (a model faces -z).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Point = Sequence[float] | np.ndarray
Points = Sequence[Sequence[float]] | np.ndarray


@dataclass(frozen=True)
class Mesh:
    """One closed part.

    vertices: (V, 3) float64. faces: (F, 4) int64, counter-clockwise seen from outside; the last
    entry of a triangle is -1.
    """

    vertices: np.ndarray
    faces: np.ndarray

    def moved(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Mesh:
        """Shift along the axes."""
        return Mesh(np.add(self.vertices, (x, y, z)), self.faces)

    def turned(self, axis: str, degrees: float) -> Mesh:
        """Rotate about a coordinate axis ("x", "y" or "z") through the origin, right-handed."""
        i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        vertices = self.vertices.copy()
        vertices[:, i] = cos * self.vertices[:, i] - sin * self.vertices[:, j]
        vertices[:, j] = sin * self.vertices[:, i] + cos * self.vertices[:, j]
        return Mesh(vertices, self.faces)

    def scaled(self, x: float = 1.0, y: float = 1.0, z: float = 1.0) -> Mesh:
        """Scale along the axes; a negative factor mirrors."""
        return outward(self.vertices * (x, y, z), self.faces)

    def mirrored(self) -> Mesh:
        """Mirror at the plane x = 0."""
        return self.scaled(x=-1.0)


def faces_to_triangles(faces: np.ndarray) -> np.ndarray:
    """(F, 4) faces -> (T, 3) triangles, a quad split along its first diagonal."""
    quads = faces[faces[:, 3] >= 0]
    return np.concatenate([faces[:, :3], quads[:, [0, 2, 3]]])


def signed_volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Volume of a closed mesh; positive if its faces wind outward."""
    a, b, c = np.moveaxis(vertices[faces_to_triangles(faces)], 1, 0)
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)


def outward(vertices: np.ndarray, faces: np.ndarray) -> Mesh:
    """A mesh with outward faces: reverses the winding if needed."""
    if signed_volume(vertices - vertices.mean(axis=0), faces) < 0.0:
        is_quad = faces[:, 3:] >= 0
        faces = np.where(is_quad, faces[:, ::-1], faces[:, [2, 1, 0, 3]])
    return Mesh(vertices, faces)


def ring_quads(num_rings: int, num_points: int, closed: bool = False) -> np.ndarray:
    """Quads (Q, 4) between neighbouring rings whose vertices are numbered ring after ring."""
    ring = np.arange(num_rings if closed else num_rings - 1)[:, None] * num_points
    above = (ring + num_points) % (num_rings * num_points)
    point = np.arange(num_points)[None]
    after = (point + 1) % num_points
    quads = np.stack([ring + point, ring + after, above + after, above + point], axis=-1)
    return quads.reshape(-1, 4)


def skin(rings: np.ndarray, closed: bool = False) -> Mesh:
    """Join neighbouring rings with quads.

    rings: (K, N, 3), each a closed loop of N points. With closed=True the last ring joins the
    first (a torus); otherwise a triangle fan closes each end. An end ring that is a single point
    becomes the centre of that fan.
    """
    rings = np.asarray(rings, dtype=np.float64)
    centers = []
    if not closed:
        centers = [rings[0].mean(axis=0), rings[-1].mean(axis=0)]
        is_tip = [float(np.ptp(ring, axis=0).max()) < 1e-9 for ring in (rings[0], rings[-1])]
        rings = rings[int(is_tip[0]) : len(rings) - int(is_tip[1])]
    num_rings, num_points = rings.shape[:2]
    faces, vertices = [ring_quads(num_rings, num_points, closed)], [rings.reshape(-1, 3)]
    if not closed:
        point = np.arange(num_points)
        after = np.roll(point, -1)
        first, none = np.full(num_points, num_rings * num_points), np.full(num_points, -1)
        top = (num_rings - 1) * num_points
        faces.append(np.stack([after, point, first, none], axis=1))
        faces.append(np.stack([top + point, top + after, first + 1, none], axis=1))
        vertices.append(np.array(centers))
    return outward(np.concatenate(vertices), np.concatenate(faces))


def corner_normals(vertices: np.ndarray, faces: np.ndarray, crease_deg: float = 38.0) -> np.ndarray:
    """Unit normals (F, 4, 3), one for each corner of a face; a triangle's fourth repeats its third.

    A corner's normal is the area-weighted mean over the faces around its vertex whose normals are
    within crease_deg of its own face's: round parts become smooth and boxes stay flat.
    """
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    d = np.where(faces[:, 3:] >= 0, vertices[faces[:, 3]], c)
    area_normal = np.cross(c - a, d - b)
    unit = area_normal / np.linalg.norm(area_normal, axis=1, keepdims=True)

    corner = np.flatnonzero(faces.ravel() >= 0)
    corner = corner[np.argsort(faces.ravel()[corner], kind="stable")]
    face_idx = corner // 4
    count = np.bincount(faces.ravel()[corner], minlength=len(vertices))
    valence = np.repeat(count, count)
    start = np.repeat(np.cumsum(count) - count, count)
    left = np.repeat(np.arange(len(corner)), valence)
    first_pair = np.cumsum(valence) - valence
    right = np.arange(len(left)) - first_pair[left] + start[left]
    cosine = np.einsum("ij,ij->i", unit[face_idx[left]], unit[face_idx[right]])
    is_smooth = cosine > np.cos(np.radians(crease_deg))
    left, right = left[is_smooth], right[is_smooth]
    weight = area_normal[face_idx[right]]
    total = np.stack([np.bincount(left, weight[:, i], len(corner)) for i in range(3)], axis=1)
    normals = np.zeros((faces.size, 3))
    normals[corner] = total / np.linalg.norm(total, axis=1, keepdims=True)
    normals = normals.reshape(-1, 4, 3)
    normals[:, 3] = np.where(faces[:, 3:] >= 0, normals[:, 3], normals[:, 2])
    return normals
