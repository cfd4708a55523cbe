"""What every reader of model files returns: polygons as arrays, not yet cleaned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synrender.assets.material import Look
from synrender.errors import RejectedAsset


@dataclass(frozen=True)
class Mesh:
    """The faces of all objects of a file. The corners of all faces are listed face after face."""

    vertices: np.ndarray  # (v, 3) float64, model units
    corner_vertices: np.ndarray  # (c,) int32, index into vertices
    face_sizes: np.ndarray  # (f,) int32, corners of each face, 3 or more
    corner_normals: np.ndarray  # (c, 3) float32, unit length; 0 where the file has none
    look: Look | None = None  # what the file says about colors, if that was asked for


def to_double(values: np.ndarray) -> np.ndarray:
    """Numbers of a file as float64; a signaling NaN, which numpy warns of, becomes a quiet one."""
    with np.errstate(invalid="ignore"):
        return values.astype(np.float64)


def drop_repeats(mesh: Mesh) -> Mesh:
    """Leaves out a corner at the vertex of the one before it, and faces of fewer than three then.

    Raises:
        RejectedAsset: no face is left.
    """
    vertices, sizes = mesh.corner_vertices, mesh.face_sizes
    ends = np.cumsum(sizes)
    starts = ends - sizes
    before = np.roll(vertices, 1)
    before[starts] = vertices[ends - 1]
    is_kept = vertices != before
    sizes_left = np.add.reduceat(is_kept, starts, dtype=np.int32)
    is_face = sizes_left >= 3
    if not is_face.any():
        raise RejectedAsset("degenerate: no face has three corners")
    is_kept &= np.repeat(is_face, sizes)
    return Mesh(
        mesh.vertices,
        vertices[is_kept],
        sizes_left[is_face],
        mesh.corner_normals[is_kept],
        mesh.look and mesh.look.select(is_kept, is_face),
    )
