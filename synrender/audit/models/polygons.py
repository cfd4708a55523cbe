"""Applies the renderer's rules to the faces of a model, with code of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synrender.assets.face_cutting import cut_faces

_MIN_RELATIVE_AREA = 1e-12
"""The renderer drops faces with a smaller area, as a share of the squared largest side."""
_FLAT = 1e-4
"""Difference of a face's normals at its corners that is not seen."""
_MIN_COSINE = 1e-3
"""A normal nearer to its face's plane does not show which side it is on."""


@dataclass(frozen=True)
class Polygons:
    """Faces as they stand in a file. The corners of all faces are listed face after face."""

    vertices: np.ndarray  # (v, 3) float64, model units
    corners: np.ndarray  # (c,) int64, index into vertices
    normals: np.ndarray  # (c, 3) float64, unit length; NaN where the file has none
    sizes: np.ndarray  # (f,) int64, corners of each face


@dataclass(frozen=True)
class Triangles:
    """The faces that are drawn, cut into triangles."""

    center: np.ndarray  # (3,) float64, of their box, model units
    corners: np.ndarray  # (t, 3, 3) float64, model units, minus the center
    normals: np.ndarray  # (t, 3, 3) unit normal at each corner, on the front of its face
    face_normals: np.ndarray  # (t, 3) unit normal of the whole face
    is_known: np.ndarray  # (t,) bool: False where rounding decides which normals are mixed
    is_cut_known: np.ndarray  # (t,) bool: False where rounding decides how its face is cut
    sources: np.ndarray  # (t, 3) int64, corner of the polygons at each corner

    @property
    def bounds(self) -> np.ndarray:
        """(2, 3) low and high corner, in the file's coordinates."""
        corners = self.corners.reshape(-1, 3)
        return self.center + np.stack([corners.min(axis=0), corners.max(axis=0)])


def cut_polygons(polygons: Polygons) -> Triangles:
    """Applies the rules of the renderer to faces, and cuts those that are left.

    A corner at the same vertex as the one before it is left out. A face is left out if it has no
    area, or if an earlier one has its corners at the same places in single precision. A corner has
    its face's own normal where the file has none or an unusable one.

    Raises:
        ValueError: a vertex is no point, or no face is left.
    """
    kept, sizes = _drop_repeats(polygons)
    used, normals = polygons.vertices[polygons.corners[kept]], polygons.normals[kept]
    if not len(used) or not np.isfinite(used).all():
        raise ValueError("a vertex is no point" if len(used) else "no faces")
    low, high = used.min(axis=0), used.max(axis=0)
    center = low + (high - low) / 2
    used -= center
    min_area = _MIN_RELATIVE_AREA * float((high - low).max()) ** 2
    _, places = np.unique(used.astype(np.float32) + np.float32(0), axis=0, return_inverse=True)
    places, starts = places.reshape(-1), np.cumsum(sizes) - sizes
    parts = []
    for size in np.unique(sizes).tolist():
        rows = starts[sizes == size][:, None] + np.arange(size)  # (f, size) corners of each face
        # The sum over a fan is the normal of the whole face, twice its area long.
        spokes = used[rows] - used[rows[:, :1]]
        winding = np.cross(spokes[:, 1:-1], spokes[:, 2:]).sum(axis=1)
        length = np.linalg.norm(winding, axis=1)
        has_area = length > 2 * min_area
        rows, front = rows[has_area], winding[has_area] / length[has_area, None]
        keys = np.sort(places[rows], axis=1)
        is_first = np.sort(np.unique(keys, axis=0, return_index=True)[1])
        rows, front = rows[is_first], front[is_first]
        turned = _turn(normals[rows], front)
        cuts, has_tie = cut_faces(used[rows], front)
        is_known = ~has_tie | (np.ptp(turned, axis=1) <= _FLAT).all(axis=1)
        face = np.repeat(np.arange(len(rows)), size - 2)
        own = face[:, None], cuts.reshape(-1, 3)
        corners = rows[own]
        parts.append(
            (used[corners], turned[own], front[face], is_known[face], ~has_tie[face], kept[corners])
        )
    triangles, *others = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    if not len(triangles):
        raise ValueError("no face has an area")
    shift = (triangles.min(axis=(0, 1)) + triangles.max(axis=(0, 1))) / 2
    return Triangles(center + shift, triangles - shift, *others)


def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Dot products along the last axis, (...)."""
    return np.sum(a * b, axis=-1)


def _drop_repeats(polygons: Polygons) -> tuple[np.ndarray, np.ndarray]:
    """Which corners are not at the vertex of the one before them, (k,), and the faces' sizes."""
    corners, sizes = polygons.corners, polygons.sizes
    face = np.repeat(np.arange(len(sizes)), sizes)
    ends = np.cumsum(sizes)
    before = np.arange(len(corners)) - 1
    before[ends - sizes] = ends - 1
    is_kept = corners != corners[before]
    num_left = np.bincount(face[is_kept], minlength=len(sizes))
    is_kept &= (num_left >= 3)[face]
    return np.flatnonzero(is_kept), num_left[num_left >= 3]


def _turn(normals: np.ndarray, face_normals: np.ndarray) -> np.ndarray:
    """Unit normals of corners (f, c, 3), on the front of their face; its own where unusable."""
    cosines = np.einsum("fck,fk->fc", normals, face_normals)
    is_usable = np.abs(cosines) > _MIN_COSINE  # False for NaN
    turned = normals * np.sign(cosines)[:, :, None]
    return np.where(is_usable[:, :, None], turned, face_normals[:, None])
