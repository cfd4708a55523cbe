"""Casts rays onto one model: where they hit it, which normal is drawn, which part of a texture."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from synrender.assets.model_file import ModelFile
from synrender.audit.models.model_files import read_model
from synrender.audit.models.own_materials import ImageReader, OwnColors, OwnSurface
from synrender.audit.models.polygons import Triangles, cut_polygons, dot
from synrender.system.files import Unreadable

_CUBE_TIE = 1e-4
"""Difference of a normal's two largest entries below which rounding decides the cube's side."""


_STEP = 1e-5
"""Beyond a surface that is cut away, rays go on this far behind it, in the model's largest side."""
_ERROR_PX = 2.0**-10
"""Cycles' rays pass beside the centers of pixels by 0.0004 px, and at most by 0.0008 px; of 32 to
128 px."""
_ROUNDING = 2.0**-22
"""Error of its hits in single precision, as a share of the distance."""
_MAX_LAYERS = 256
"""Surfaces cut away that a ray passes; what is behind more of them is not judged."""


@dataclass(frozen=True)
class Reach:
    """How far r rays go until they hit a model."""

    distances: np.ndarray  # (r,) as multiples of the directions; inf = nothing is hit
    is_known: np.ndarray  # (r,) bool: False where rounding decides whether alpha cuts a surface


@dataclass(frozen=True)
class SurfaceHits:
    """Of r rays at one model, in the file's coordinates; NaN where nothing is hit."""

    corner_normals: np.ndarray  # (r, 3, 3) of the triangle's corners, on the side of the camera
    weights: np.ndarray  # (r, 3) of the corners at the hit; they add up to 1
    uv: np.ndarray  # (r, 2) in a texture around the model, v upwards; repeats beyond 0 and 1
    is_cube_tie: np.ndarray  # (r,) bool: the face looks at two sides of the cube alike
    is_normal_known: np.ndarray  # (r,) bool: False where rounding decides which normals are mixed


@dataclass(frozen=True)
class Rays:
    """Rays from one point, in any coordinates."""

    origin: np.ndarray  # (3,)
    directions: np.ndarray  # (r, 3) of any length; distances are multiples of it
    px_width: float = 0.0  # of a pixel, as a share of the distance: see `_ERROR_PX`

    def select(self, chosen: np.ndarray) -> Rays:
        """Some of the rays, by index."""
        return replace(self, directions=self.directions[chosen])

    def transform(self, matrix: np.ndarray) -> Rays:
        """The rays in other coordinates, (4, 4); an affine map keeps the distances along a ray."""
        turn, move = matrix[:3, :3], matrix[:3, 3]
        return replace(self, origin=turn @ self.origin + move, directions=self.directions @ turn.T)

    def follow(self, chosen: np.ndarray, distances: np.ndarray) -> np.ndarray:
        """Points (c, 3) at distances (c,) on some rays (c,)."""
        with np.errstate(all="ignore"):
            return self.origin + distances[:, None] * self.directions[chosen]


@dataclass(frozen=True)
class _Hits:
    """The first triangles that rays hit, of the h rays that hit something."""

    idxs: np.ndarray  # (h,) of the triangles
    rays: np.ndarray  # (h,)
    distances: np.ndarray  # (h,) not finite where a ray runs along its triangle
    is_known: np.ndarray  # (r,) bool of all rays, see Reach


class UnusableModel(Exception):
    """A model that a record names but rays cannot be cast onto; the message says why."""


class ModelCaster:
    """Casts rays onto one model, in its file's own coordinates."""

    def __init__(self, file: ModelFile, problem: str | None = None) -> None:
        """Reads the faces of all objects of the file.

        Args:
            file: of the model.
            problem: None: the model does not show its own colors. Else it does, its alpha cuts its
                surface, and this is what `dataset.json` says could not be shown; "" if all could.

        Raises:
            UnusableModel: there is no such file, or no face in it that can be read.
        """
        from trimesh import Trimesh
        from trimesh.ray.ray_pyembree import RayMeshIntersector

        self._triangles, self._surface = load_triangles(file, problem)
        self.bounds = self._triangles.bounds  # (2, 3) model units
        corners = self._triangles.corners
        edges = corners[:, 1:] - corners[:, :1]
        self._windings = np.cross(edges[:, 0], edges[:, 1])  # (t, 3), twice the area long
        faces = np.arange(3 * len(corners)).reshape(-1, 3)
        self._intersector = RayMeshIntersector(
            Trimesh(corners.reshape(-1, 3), faces, process=False)
        )

    def find_lowest(self, obj_to_world: np.ndarray) -> float:
        """World z of the lowest point of the model's faces, with a matrix (4, 4)."""
        up = obj_to_world[2, :3]
        lowest = float((self._triangles.corners @ up).min())
        return lowest + float(self._triangles.center @ up) + float(obj_to_world[2, 3])

    def cast(self, rays: Rays) -> Reach:
        """How far rays in the file's coordinates go until they hit the model."""
        distances = np.full(len(rays.directions), np.inf)
        hits = self._find_hits(self._center(rays))
        is_hit = np.isfinite(hits.distances)
        distances[hits.rays[is_hit]] = hits.distances[is_hit]
        return Reach(distances, hits.is_known)

    def hit(self, rays: Rays) -> SurfaceHits:
        """Casts r rays, see `cast`."""
        rays = self._center(rays)
        hits = self._find_hits(rays)
        points = rays.follow(hits.rays, hits.distances)
        side = -np.sign(dot(self._windings[hits.idxs], rays.directions[hits.rays]))
        normals = self._triangles.normals[hits.idxs] * side[:, None, None]
        uv, is_tie = self._project_to_cube(points, self._triangles.face_normals[hits.idxs])
        num = len(rays.directions)
        return SurfaceHits(
            _spread(normals, hits.rays, num, np.nan),
            _spread(self._weigh(hits.idxs, points), hits.rays, num, np.nan),
            _spread(uv, hits.rays, num, np.nan),
            _spread(is_tie, hits.rays, num, False),
            _spread(self._triangles.is_known[hits.idxs], hits.rays, num, True),
        )

    def find_own_colors(self, rays: Rays) -> OwnColors:
        """The model's own colors where r rays hit it, see `cast`; black elsewhere.

        Raises:
            ValueError: the model was read without them.
        """
        if self._surface is None:
            raise ValueError("the model was read without its colors")
        rays = self._center(rays)
        hits = self._find_hits(rays)
        found, num = self._look_up(self._surface, rays, hits), len(rays.directions)
        return OwnColors(*(_spread(values, hits.rays, num, 0) for values in vars(found).values()))

    def _center(self, rays: Rays) -> Rays:
        """The rays relative to the model's center."""
        return replace(rays, origin=rays.origin - self._triangles.center)

    def _look_up(self, surface: OwnSurface, rays: Rays, hits: _Hits) -> OwnColors:
        """The colors at hits, and how sure they are."""
        points, winding = rays.follow(hits.rays, hits.distances), self._windings[hits.idxs]
        way = points - rays.origin
        with np.errstate(all="ignore"):
            # Its length, over the cosine between it and the triangle's normal.
            reach = dot(way, way) * np.linalg.norm(winding, axis=1) / np.abs(dot(way, winding))
        errors = (_ERROR_PX * rays.px_width + _ROUNDING) * reach
        return surface.look_up(hits.idxs, self._weigh(hits.idxs, points), errors)

    def _weigh(self, idxs: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Weights (h, 3) of the corners of triangles at points (h, 3) on them."""
        corners, winding = self._triangles.corners[idxs], self._windings[idxs]
        with np.errstate(all="ignore"):
            # Twice the area of the triangles between the point and each edge, over the whole.
            spans = corners - points[:, None]
            parts = np.cross(np.roll(spans, -1, axis=1), np.roll(spans, -2, axis=1))
            return dot(parts, winding[:, None]) / dot(winding, winding)[:, None]

    def _find_hits(self, rays: Rays) -> _Hits:
        """The first triangles that rays hit.

        Where alpha cuts a surface away, the rays go on to the next one.
        """
        num, surface = len(rays.directions), self._surface
        hits = self._intersect(rays, np.arange(num), np.zeros(num))
        if surface is None or not surface.has_holes:
            return hits
        is_known, found = np.ones(num, bool), []
        step = _STEP * float(np.ptp(self.bounds, axis=0).max())
        for _ in range(_MAX_LAYERS):
            colors = self._look_up(surface, rays, hits)
            is_known[hits.rays] &= colors.is_cut_known
            goes_on = colors.is_cut & np.isfinite(hits.distances)
            found.append([hits.idxs[~goes_on], hits.rays[~goes_on], hits.distances[~goes_on]])
            if not goes_on.any():
                break
            others = hits.rays[goes_on]
            steps = step / np.linalg.norm(rays.directions[others], axis=1)
            hits = self._intersect(rays, others, hits.distances[goes_on] + steps)
        else:
            is_known[hits.rays] = False
        return _Hits(*(np.concatenate(parts) for parts in zip(*found, strict=True)), is_known)

    def _intersect(self, rays: Rays, chosen: np.ndarray, starts: np.ndarray) -> _Hits:
        """The first triangles that some rays (c,) hit beyond distances (c,)."""
        idxs, found = self._intersector.intersects_id(
            rays.follow(chosen, starts), rays.directions[chosen], multiple_hits=False
        )
        hit = chosen[found]
        # Embree works in single precision: it says which triangle is hit, and we compute where.
        winding = self._windings[idxs]
        with np.errstate(all="ignore"):
            offset = dot(winding, self._triangles.corners[idxs, 0] - rays.origin)
            distances = offset / dot(winding, rays.directions[hit])
        return _Hits(idxs, hit, distances, np.ones(len(rays.directions), bool))

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


def load_triangles(
    file: ModelFile, problem: str | None = None
) -> tuple[Triangles, OwnSurface | None]:
    """The triangles of a model's file, and their colors unless the problem is None.

    Raises:
        UnusableModel: see `ModelCaster`.
    """
    try:
        images = None if problem is None else ImageReader(problem)
        polygons, coloring = read_model(file, images)
        triangles = cut_polygons(polygons)
        return triangles, OwnSurface(triangles, coloring) if coloring else None
    except Unreadable as error:
        raise UnusableModel(f"model {error}") from None
    except (OSError, ValueError, IndexError) as error:
        is_missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        reason = "no such file" if is_missing else error
        raise UnusableModel(f"model {file}: {reason}") from None


def _spread(values: np.ndarray, rays: np.ndarray, num: int, missing: float) -> np.ndarray:
    """Values of some of ``num`` rays as an array for all of them."""
    spread = np.full((num, *values.shape[1:]), missing, values.dtype)
    spread[rays] = values
    return spread
