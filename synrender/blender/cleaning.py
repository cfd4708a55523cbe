"""Cleans polygons as numpy arrays, and cuts them as Blender needs them. Uses no bpy."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from synrender.assets.material import Look
from synrender.errors import RejectedAsset

MIN_RELATIVE_AREA = 1e-12
"""Smallest area of a face that is kept, as a share of the squared largest side."""


@dataclass(frozen=True)
class Geometry:
    """Polygons as numpy arrays. The corners of all faces are listed face after face."""

    vertices: np.ndarray  # (v, 3) float64, model units, as in the file
    corner_vertices: np.ndarray  # (c,) int32, index into vertices
    places: np.ndarray  # (c,) int64, equal for corners that single precision puts at one place
    face_sizes: np.ndarray  # (f,) int32, corners of each face
    corner_normals: np.ndarray  # (c, 3) float32, unit length, or 0 for the face's own
    face_normals: np.ndarray  # (f, 3) float32
    face_areas: np.ndarray  # (f,) float32
    look: Look | None = None  # what the file says about colors, if that was asked for


def clean_geometry(geometry: Geometry) -> Geometry:
    """Drops duplicate faces, zero-area faces and unused vertices; flips wrong normals.

    Two faces are duplicates if their corners are at the same positions, in any order; the first is
    kept, and what it looks like. A normal is wrong if it is not on its face's front side.

    Raises:
        RejectedAsset: no face with an area is left.
    """
    size = float(np.ptp(geometry.vertices[geometry.corner_vertices], axis=0).max())
    has_area = geometry.face_areas > MIN_RELATIVE_AREA * size**2
    if not has_area.any():
        raise RejectedAsset("degenerate: no face has an area")
    is_kept = _find_first_faces(geometry, has_area)
    is_kept_corner = np.repeat(is_kept, geometry.face_sizes)
    kept_corners = geometry.corner_vertices[is_kept_corner]
    is_used = np.zeros(len(geometry.vertices), bool)
    is_used[kept_corners] = True
    new_idxs = np.cumsum(is_used, dtype=np.int32) - 1
    face_sizes, face_normals = geometry.face_sizes[is_kept], geometry.face_normals[is_kept]
    return Geometry(
        vertices=geometry.vertices[is_used],
        corner_vertices=new_idxs[kept_corners],
        places=geometry.places[is_kept_corner],
        face_sizes=face_sizes,
        corner_normals=_turn_normals(
            geometry.corner_normals[is_kept_corner], np.repeat(face_normals, face_sizes, axis=0)
        ),
        face_normals=face_normals,
        face_areas=geometry.face_areas[is_kept],
        look=geometry.look and geometry.look.select(is_kept_corner, is_kept),
    )


def drop_short_edges(geometry: Geometry) -> Geometry:
    """Leaves out a corner at the same place as the one before it in its face.

    Blender 3.4 to 4.4 turns normals away at an edge without length, by up to 7 degrees. No face
    changes its shape, and those of `clean_geometry` have an area, so that three corners are left.
    """
    places, sizes = geometry.places, geometry.face_sizes
    ends = np.cumsum(sizes)
    before = np.roll(places, 1)
    before[ends - sizes] = places[ends - 1]
    is_kept = places != before
    return dataclasses.replace(
        geometry,
        corner_vertices=geometry.corner_vertices[is_kept],
        places=places[is_kept],
        face_sizes=np.add.reduceat(is_kept, ends - sizes, dtype=np.int32),
        corner_normals=geometry.corner_normals[is_kept],
        look=geometry.look and geometry.look.select(is_kept, np.ones(len(sizes), bool)),
    )


def find_places(vertices: np.ndarray) -> np.ndarray:
    """A number for the place of each vertex, (v,) int64, from (v, 3) float32."""
    # Adding 0 turns -0 into 0, so that both have the same bytes.
    places = np.ascontiguousarray(vertices + np.float32(0)).view("V12").reshape(-1)
    return np.unique(places, return_inverse=True)[1].reshape(-1)


def _find_first_faces(geometry: Geometry, has_area: np.ndarray) -> np.ndarray:
    """Which of the faces with an area are not duplicates of an earlier one, (f,) bool."""
    face_starts = np.cumsum(geometry.face_sizes) - geometry.face_sizes
    is_first = np.zeros(len(geometry.face_sizes), bool)
    for face_size in np.unique(geometry.face_sizes):
        faces = np.flatnonzero(has_area & (geometry.face_sizes == face_size))
        corners = face_starts[faces][:, None] + np.arange(face_size)
        keys = np.sort(geometry.places[corners], axis=1)
        _, first = np.unique(keys, axis=0, return_index=True)
        is_first[faces[first]] = True
    return is_first


def _turn_normals(corner_normals: np.ndarray, face_normals: np.ndarray) -> np.ndarray:
    """Flips normals to their face's front side; uses the face normal where one is unusable."""
    side = np.sum(corner_normals * face_normals, axis=1, keepdims=True)
    length = np.linalg.norm(corner_normals, axis=1, keepdims=True)
    is_usable = np.isfinite(side) & (length > 0.5) & (np.abs(side) > 1e-3)
    return np.where(is_usable, corner_normals * np.sign(side), face_normals).astype(np.float32)


def cube_project(geometry: Geometry, vertices: np.ndarray) -> np.ndarray:
    """Texture coordinates: projects each face onto the cube side that it faces most directly.

    Args:
        geometry: the faces.
        vertices: (v, 3), centered and with a largest side of 1.

    Returns:
        (c, 2) float32: the largest side spans half the texture, as in Blender's cube projection;
        the center is at (0.5, 0.5).
    """
    dominant = np.abs(geometry.face_normals).argmax(axis=1)
    axes = np.array([[1, 2], [0, 2], [0, 1]])[np.repeat(dominant, geometry.face_sizes)]
    corners = vertices[geometry.corner_vertices]
    return (0.5 + 0.5 * np.take_along_axis(corners, axes, axis=1)).astype(np.float32)


def cut_quads(
    geometry: Geometry, vertices: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cuts quads into triangles: Blender's versions differ in how they cut those that are bent.

    Along the diagonal from the first corner; from the second where both others lie on one side.

    Returns:
        The corner of the geometry at each corner that is left; the sizes of the faces, int32; and
        the face of the geometry that each is a part of.
    """
    sizes = geometry.face_sizes
    is_quad, starts = sizes == 4, np.cumsum(sizes) - sizes
    quads = vertices[geometry.corner_vertices[starts[is_quad, None] + np.arange(4)]]
    second, third, fourth = np.moveaxis(quads[:, 1:] - quads[:, :1], 1, 0)
    is_dented = np.zeros(len(sizes), np.int64)
    is_dented[is_quad] = np.sum(np.cross(second, third) * np.cross(fourth, third), axis=1) > 0
    num_corners = np.where(is_quad, 6, sizes)
    face = np.repeat(np.arange(len(sizes)), num_corners)
    place = np.arange(len(face)) - np.repeat(np.cumsum(num_corners) - num_corners, num_corners)
    cuts = np.array([(0, 1, 2, 0, 2, 3), (0, 1, 3, 1, 2, 3)])
    place = np.where(is_quad[face], cuts[is_dented[face], place % 6], place)
    new_sizes = np.repeat(np.where(is_quad, 3, sizes), 1 + is_quad).astype(np.int32)
    return starts[face] + place, new_sizes, np.repeat(np.arange(len(sizes)), 1 + is_quad)


def split_by_normal(geometry: Geometry) -> tuple[np.ndarray, np.ndarray]:
    """Splits each vertex into one for each of its normals: Cycles uses one normal per vertex.

    Cycles splits sharp edges itself, but not edges between faces that wind in opposite directions;
    one of those faces would be black.

    Returns:
        The vertex index of each corner, (c,) int32, and one corner of each vertex, (v,).
    """
    steps = np.rint(geometry.corner_normals.astype(np.float64) * (1 << 19)).astype(np.int64)
    normal_keys = (steps[:, 0] * (1 << 21) + steps[:, 1]) * (1 << 21) + steps[:, 2]
    order = np.lexsort((normal_keys, geometry.corner_vertices))
    is_first = np.ones(len(order), bool)
    is_first[1:] = (np.diff(geometry.corner_vertices[order]) != 0) | (
        np.diff(normal_keys[order]) != 0
    )
    vertex_idxs = np.empty(len(order), np.int32)
    vertex_idxs[order] = np.cumsum(is_first) - 1
    return vertex_idxs, order[is_first]
