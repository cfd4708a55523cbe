"""Casts rays onto one model: where they hit it, which normal is drawn, which part of a texture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synrender.assets.model_file import ModelFile
from synrender.audit.rays.model_files import read_gltf, read_obj, read_ply, read_stl
from synrender.audit.rays.polygons import Polygons, Triangles, cut_polygons
from synrender.system.files import Unreadable

_MAX_MODEL_BYTES = 1 << 28
_CUBE_TIE = 1e-4
"""Difference of a normal's two largest entries below which rounding decides the cube's side."""


@dataclass(frozen=True)
class SurfaceHits:
    """Of r rays at one model, in the file's coordinates; NaN where nothing is hit."""

    corner_normals: np.ndarray  # (r, 3, 3) of the triangle's corners, on the side of the camera
    weights: np.ndarray  # (r, 3) of the corners at the hit; they add up to 1
    uv: np.ndarray  # (r, 2) in the texture, v upwards; repeats beyond 0 and 1
    is_cube_tie: np.ndarray  # (r,) bool: the face looks at two sides of the cube alike
    is_normal_known: np.ndarray  # (r,) bool: False where rounding decides which normals are mixed


class UnusableModel(Exception):
    """A model that a record names but rays cannot be cast onto; the message says why."""


class ModelCaster:
    """Casts rays onto one model, in its file's own coordinates."""

    def __init__(self, file: ModelFile) -> None:
        """Reads the faces of all objects of the file.

        Raises:
            UnusableModel: there is no such file, or no face in it that can be read.
        """
        from trimesh import Trimesh
        from trimesh.ray.ray_pyembree import RayMeshIntersector

        self._triangles = load_triangles(file)
        self.bounds = self._triangles.bounds  # (2, 3) model units
        corners = self._triangles.corners
        edges = corners[:, 1:] - corners[:, :1]
        self._windings = np.cross(edges[:, 0], edges[:, 1])  # (t, 3), twice the area long
        faces = np.arange(3 * len(corners)).reshape(-1, 3)
        self._intersector = RayMeshIntersector(
            Trimesh(corners.reshape(-1, 3), faces, process=False)
        )

    def cast(self, origin: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """Distances to the first hit, (r,), as multiples of the directions; inf = none.

        Args:
            origin: (3,) shared by all rays, model units.
            directions: (r, 3).
        """
        distances = np.full(len(directions), np.inf)
        _, rays, found = self._intersect(origin - self._triangles.center, directions)
        is_hit = np.isfinite(found)
        distances[rays[is_hit]] = found[is_hit]
        return distances

    def hit(self, origin: np.ndarray, directions: np.ndarray) -> SurfaceHits:
        """Casts r rays from one origin (3,), with directions (r, 3), in model units."""
        origin = origin - self._triangles.center
        idxs, rays, distances = self._intersect(origin, directions)
        corners, winding = self._triangles.corners[idxs], self._windings[idxs]
        with np.errstate(all="ignore"):
            points = origin + distances[:, None] * directions[rays]
            # Twice the area of the triangles between the point and each edge, over the whole.
            spans = corners - points[:, None]
            parts = np.cross(np.roll(spans, -1, axis=1), np.roll(spans, -2, axis=1))
            weights = _dot(parts, winding[:, None]) / _dot(winding, winding)[:, None]
        side = -np.sign(_dot(winding, directions[rays]))
        normals = self._triangles.normals[idxs] * side[:, None, None]
        uv, is_tie = self._project_to_cube(points, self._triangles.face_normals[idxs])
        num = len(directions)
        return SurfaceHits(
            _spread(normals, rays, num, np.nan),
            _spread(weights, rays, num, np.nan),
            _spread(uv, rays, num, np.nan),
            _spread(is_tie, rays, num, False),
            _spread(self._triangles.is_known[idxs], rays, num, True),
        )

    def _intersect(
        self, origin: np.ndarray, directions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The first triangle that rays from an origin relative to the model's center hit.

        Returns:
            Triangles, rays and distances of the h rays that hit something, (h,) each; a distance is
            not finite where a ray runs along its triangle.
        """
        idxs, rays = self._intersector.intersects_id(
            np.broadcast_to(origin, directions.shape), directions, multiple_hits=False
        )
        # Embree works in single precision: it says which triangle is hit, and we compute where.
        winding = self._windings[idxs]
        with np.errstate(all="ignore"):
            offset = _dot(winding, self._triangles.corners[idxs, 0] - origin)
            return idxs, rays, offset / _dot(winding, directions[rays])

    def _project_to_cube(
        self, points: np.ndarray, face_normals: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Places on the side of a cube that each face looks at most directly, (r, 2).

        The cube has twice the model's largest side, and the model is at its center.
        """
        turned = np.sort(np.abs(face_normals), axis=1)
        is_tie = turned[:, 2] - turned[:, 1] < _CUBE_TIE
        axis = np.abs(face_normals).argmax(axis=1)
        relative = 0.5 + points / (2 * np.ptp(self.bounds, axis=0).max())
        # The two axes that are left, in the order x, y, z.
        first, second = np.where(axis == 0, 1, 0), np.where(axis == 2, 1, 2)
        rows = np.arange(len(points))
        return np.stack([relative[rows, first], relative[rows, second]], axis=1), is_tie


def load_triangles(file: ModelFile) -> Triangles:
    """The triangles of a model's file.

    Raises:
        UnusableModel: see `ModelCaster`.
    """
    try:
        return cut_polygons(_read_polygons(file))
    except Unreadable as error:
        raise UnusableModel(f"model {error}") from None
    except (OSError, ValueError, IndexError) as error:
        is_missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        reason = "no such file" if is_missing else error
        raise UnusableModel(f"model {file}: {reason}") from None


def _read_polygons(file: ModelFile) -> Polygons:
    def read_beside(name: str) -> bytes:
        return file.beside(name).read(_MAX_MODEL_BYTES)

    data = file.read(_MAX_MODEL_BYTES)
    match file.suffix:
        case ".glb" | ".gltf" as suffix:
            return read_gltf(data, suffix[1:], read_beside)
        case ".ply":
            return read_ply(data)
        case ".stl":
            return read_stl(data)
        case _:
            return read_obj(data)


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.sum(a * b, axis=-1)


def _spread(values: np.ndarray, rays: np.ndarray, num: int, missing: float) -> np.ndarray:
    """Values of some of ``num`` rays as an array for all of them."""
    spread = np.full((num, *values.shape[1:]), missing, values.dtype)
    spread[rays] = values
    return spread
