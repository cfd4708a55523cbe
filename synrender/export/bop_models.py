"""Models as BOP has them: rigid, in mm about the center of their box, and their silhouettes."""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synrender.assets.face_cutting import cut_faces
from synrender.assets.mesh_formats import read_mesh
from synrender.assets.rendered_models import find_model_file
from synrender.errors import RejectedAsset, UserError

MIN_RELATIVE_AREA = 1e-12
"""The renderer drops faces with a smaller area, as a share of the squared largest side."""

_MAX_BOX_ERROR = 1e-3
"""Of a model's box against that of the record, as a share of its largest side."""

_MAX_TESTS = 1 << 22
"""Pixels of triangles that are tested at once."""

_NUM_FEW = 64
"""Points whose distances are compared without looking for their hull."""


@dataclass(frozen=True)
class Shape:
    """A model in one size, which BOP calls an object."""

    synset_id: str
    model_id: str
    scale: tuple[float, ...]  # (3,) model units to m, along the model's own axes


@dataclass(frozen=True)
class ModelPlace:
    """Where the models of a data set are."""

    path: Path
    layout: str  # name of a source of models


@dataclass(frozen=True)
class Triangles:
    """Faces of a model, without those that have no area."""

    vertices: np.ndarray  # (v, 3) float64 about the center of the box of those that are used
    corners: np.ndarray  # (t, 3) int, index into vertices

    @property
    def bounds(self) -> np.ndarray:
        """(2, 3) low and high corner."""
        return np.stack([self.vertices.min(axis=0), self.vertices.max(axis=0)])


@functools.lru_cache(maxsize=256)
def load_model(place: ModelPlace, synset_id: str, model_id: str) -> Triangles:
    """Triangles of a model, in its own units.

    Raises:
        UserError: its file is not there, or cannot be read.
    """
    file = find_model_file(place.path, place.layout, synset_id, model_id)
    try:
        mesh = read_mesh(file)
    except RejectedAsset as error:
        raise UserError(
            f"{file}: {error}; the models of the data set must be where they were, or "
            "SYNRENDER_MODELS_DIR must name their folder"
        ) from None
    sizes, starts = mesh.face_sizes, np.cumsum(mesh.face_sizes) - mesh.face_sizes
    used = mesh.vertices[mesh.corner_vertices]
    middle = (used.min(axis=0) + used.max(axis=0)) / 2
    min_area, found = MIN_RELATIVE_AREA * np.ptp(used, axis=0).max() ** 2, []
    for size in np.unique(sizes).tolist():
        faces = mesh.corner_vertices[starts[sizes == size][:, None] + np.arange(size)]
        points = mesh.vertices[faces] - middle
        spokes = points - points[:, :1]
        winding = np.cross(spokes[:, 1:-1], spokes[:, 2:]).sum(axis=1)
        length = np.linalg.norm(winding, axis=1)
        has_area = length > 2 * min_area
        normals = winding[has_area] / length[has_area, None]
        cuts, _ = cut_faces(points[has_area], normals)
        rows = np.arange(len(cuts))[:, None, None]
        found.append(faces[has_area][rows, cuts].reshape(-1, 3))
    idxs, corners = np.unique(np.concatenate(found), return_inverse=True)
    vertices = mesh.vertices[idxs]
    center = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    return Triangles(vertices - center, corners.reshape(-1, 3))


def load_shape(place: ModelPlace, shape: Shape, bbox: np.ndarray) -> Triangles:
    """Triangles of a model in one size, in mm.

    Args:
        place: of the models.
        shape: the model and its size.
        bbox: (2, 3) box that the record has for it, model units.

    Raises:
        UserError: there is no such model, or it is another one than was rendered.
    """
    model = load_model(place, shape.synset_id, shape.model_id)
    if not np.abs(model.bounds - bbox).max() <= _MAX_BOX_ERROR * np.ptp(bbox, axis=0).max():
        raise UserError(
            f"{place.path}: model {shape.synset_id}/{shape.model_id} is not the one that was "
            "rendered: its box has another size; set SYNRENDER_MODELS_DIR to where that one is"
        )
    return Triangles(model.vertices * np.array(shape.scale) * 1000, model.corners)


# --- files ----------------------------------------------------------------------------------------


def to_ply(model: Triangles) -> bytes:
    """Binary PLY file with the normals of vertices: sums over faces, weighted by area."""
    points = model.vertices[model.corners]
    winding = np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])
    normals = np.zeros_like(model.vertices)
    for k in range(3):
        np.add.at(normals, model.corners[:, k], winding)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)
    names = ("x", "y", "z", "nx", "ny", "nz")
    header = [
        *("ply", "format binary_little_endian 1.0", f"element vertex {len(model.vertices)}"),
        *(f"property float {name}" for name in names),
        *(f"element face {len(model.corners)}", "property list uchar int vertex_indices"),
        "end_header",
    ]
    faces = np.zeros(len(model.corners), [("size", "u1"), ("corners", "<i4", 3)])
    faces["size"], faces["corners"] = 3, model.corners
    file = io.BytesIO()
    file.write("".join(f"{line}\n" for line in header).encode())
    file.write(np.concatenate([model.vertices, normals], axis=1).astype("<f4").tobytes())
    file.write(faces.tobytes())
    return file.getvalue()


def describe_model(model: Triangles) -> dict[str, float]:
    """An entry of ``models_info.json``: box and diameter, mm."""
    low, high = model.bounds
    found = {f"min_{axis}": float(v) for axis, v in zip("xyz", low, strict=True)}
    found |= {f"size_{axis}": float(v) for axis, v in zip("xyz", high - low, strict=True)}
    return {"diameter": find_diameter(model.vertices), **found}


def find_diameter(points: np.ndarray) -> float:
    """Largest distance of any two points (n, 3)."""
    if len(points) > _NUM_FEW:
        from scipy.spatial import ConvexHull

        # Joggled, so that points in a plane have a hull, too.
        points = points[ConvexHull(points, qhull_options="QJ").vertices]
    return max(float(np.linalg.norm(points - point, axis=1).max()) for point in points)


# --- silhouettes ----------------------------------------------------------------------------------


def draw_silhouette(
    places_px: np.ndarray, corners: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """Pixels whose centers lie in a triangle.

    Args:
        places_px: (v, 2) of the vertices, x, y; the top left pixel's center is (0.5, 0.5).
        corners: (t, 3) vertices of the triangles.
        size: height and width of the picture, px.

    Returns:
        (h, w) bool.
    """
    mask = np.zeros(size, bool)
    triangles = places_px[corners]
    low = np.maximum(np.ceil(triangles.min(axis=1) - 0.5), 0)
    high = np.minimum(np.floor(triangles.max(axis=1) - 0.5), np.array(size[::-1]) - 1)
    is_there = (high >= low).all(axis=1)  # also where all is finite
    triangles, low, high = triangles[is_there], low[is_there].astype(int), high[is_there]
    # Triangles of similar size are tested together, each in a square of pixels.
    levels = np.ceil(np.log2((high - low).max(axis=1) + 1)).astype(int)
    for level in np.unique(levels).tolist():
        side, rows = 2**level, np.flatnonzero(levels == level)
        grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=2).reshape(-1, 2)
        step = max(1, _MAX_TESTS // len(grid))
        for start in range(0, len(rows), step):
            chosen = rows[start : start + step]
            pixels = low[chosen][:, None] + grid
            is_in = _are_inside(triangles[chosen], pixels + 0.5)
            xs, ys = pixels[is_in & (pixels <= high[chosen][:, None]).all(axis=2)].T
            mask[ys, xs] = True
    return mask


def _are_inside(triangles: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Which points (t, p, 2) lie in their triangle (t, 3, 2), (t, p) bool."""
    from_corners = points[:, :, None] - triangles[:, None]
    edges = (np.roll(triangles, -1, axis=1) - triangles)[:, None]
    sides = edges[..., 0] * from_corners[..., 1] - edges[..., 1] * from_corners[..., 0]
    return (sides >= 0).all(axis=2) | (sides <= 0).all(axis=2)
