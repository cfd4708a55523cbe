"""Reads the triangles of a glTF file, where trimesh's scene graph places them."""

from __future__ import annotations

import base64
import contextlib
import io
import json
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

import numpy as np

from synrender.audit.models.gltf_document import GltfDocument
from synrender.audit.models.own_materials import PLAIN, Coloring, Finish, ImageReader
from synrender.audit.models.polygons import Polygons

_PLACING = ("children", "matrix", "translation", "rotation", "scale", "mesh")
_TRIANGLES, _STRIP, _FAN = 4, 5, 6


@dataclass(frozen=True)
class _Part:
    """Triangles of a primitive."""

    points: np.ndarray  # (v, 3)
    normals: np.ndarray  # (v, 3) NaN: none
    corners: np.ndarray  # (3 t,) int64, index into points
    uv: np.ndarray  # (v, 2) v upwards; NaN: none
    colors: np.ndarray  # (v, 4)
    finish: Finish


def read_gltf(
    data: bytes, read_beside: Callable[[str], bytes], images: ImageReader | None
) -> tuple[Polygons, Coloring | None]:
    """Triangles of the scene of a glTF file, GLB or JSON, where its nodes place them, and colors.

    Other files of the model's folder are read by name. Without a reader of images, what the file
    says about colors is left out.

    Raises:
        ValueError: it cannot be read.
    """
    with reading():
        document = GltfDocument(data, read_beside)
        meshes = [
            [
                _read_part(document, primitive, images)
                for primitive in mesh["primitives"]
                if primitive.get("mode", _TRIANGLES) >= _TRIANGLES
            ]
            for mesh in document.root.get("meshes", [])
        ]
        parts = [
            _place(part, to_world)
            for mesh_idx, to_world in _find_places(document.root)
            for part in meshes[mesh_idx]
        ]
        if not parts:
            raise ValueError("no faces")
        return _join(parts), None if images is None else _join_colors(parts)


@contextlib.contextmanager
def reading() -> Generator[None]:
    """Turns whatever a damaged file raises into a ValueError."""
    try:
        yield
    except Exception as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None


# --- nodes ----------------------------------------------------------------------------------------


def _find_places(root: dict) -> list[tuple[int, np.ndarray]]:
    """Index and transform to world space, (4, 4), of each mesh in the scene, by trimesh.

    trimesh gets a triangle in place of each mesh, and nodes without names and cameras: it loses the
    transforms of nodes below a camera.
    """
    import trimesh

    nodes = [{k: node[k] for k in _PLACING if k in node} for node in root.get("nodes", [])]
    children = {child for node in nodes for child in node.get("children", [])}
    roots = [{"nodes": [k for k in range(len(nodes)) if k not in children]}]
    triangle = np.eye(3, dtype="<f4").tobytes()
    uri = "data:;base64," + base64.b64encode(triangle).decode()
    dummy = {
        "asset": {"version": "2.0"},
        "scene": root.get("scene", 0),
        "scenes": root.get("scenes", roots),
        "nodes": nodes,
        "meshes": [
            {"name": str(k), "primitives": [{"attributes": {"POSITION": 0}}]}
            for k in range(len(root["meshes"]))
        ],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}],
        "bufferViews": [{"buffer": 0, "byteLength": len(triangle)}],
        "buffers": [{"byteLength": len(triangle), "uri": uri}],
    }
    file = io.BytesIO(json.dumps(dummy).encode())
    graph = trimesh.load_scene(file, file_type="gltf", process=False).graph
    found = [graph[node] for node in graph.nodes_geometry]
    return [(int(str(name)), np.asarray(to_world)) for to_world, name in found]


def _place(part: _Part, to_world: np.ndarray) -> _Part:
    """A part in world space; a mirror turns its triangles around."""
    turn = to_world[:3, :3]
    with np.errstate(all="ignore"):
        points = part.points @ turn.T + to_world[:3, 3]
        normals = part.normals @ np.linalg.inv(turn)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        is_mirror = np.linalg.det(turn) < 0
    corners = part.corners.reshape(-1, 3)[:, ::-1].reshape(-1) if is_mirror else part.corners
    return replace(part, points=points, normals=normals, corners=corners)


# --- triangles ------------------------------------------------------------------------------------


def _read_part(document: GltfDocument, primitive: dict, images: ImageReader | None) -> _Part:
    attributes = primitive["attributes"]
    points = document.read_numbers(attributes["POSITION"]).astype(np.float64)
    num = len(points)
    normals = np.full((num, 3), np.nan)
    if "NORMAL" in attributes:
        normals = document.read_numbers(attributes["NORMAL"]).astype(np.float64)
    corners = np.arange(num)
    if "indices" in primitive:
        corners = document.read_numbers(primitive["indices"])[:, 0]
    corners = _cut(corners, primitive.get("mode", _TRIANGLES))
    if len(corners) % 3 or not ((corners >= 0) & (corners < num)).all():
        raise ValueError(f"triangles that {num} vertices do not make")
    uv, colors, finish = np.full((num, 2), np.nan), np.ones((num, 4)), PLAIN
    if images is not None:
        finish, uv_set = document.read_finish(primitive.get("material"), images)
        if f"TEXCOORD_{uv_set}" in attributes:
            uv = document.read_numbers(attributes[f"TEXCOORD_{uv_set}"]) * (1, -1) + (0, 1)
        if "COLOR_0" in attributes:
            own = document.read_numbers(attributes["COLOR_0"])
            colors[:, : own.shape[1]] = np.clip(own, 0, 1)
    return _Part(points, normals, corners, uv, colors, finish)


def _cut(corners: np.ndarray, mode: int) -> np.ndarray:
    """Corners (3 t,) of the triangles that corners of a list, strip or fan make."""
    if mode == _TRIANGLES:
        return corners
    triangles = [
        (k + k % 2, k + 1 - k % 2, k + 2) if mode == _STRIP else (k + 1, k + 2, 0)
        for k in range(len(corners) - 2)
    ]
    return corners[np.array(triangles, np.int64).reshape(-1)]


def _join(parts: list[_Part]) -> Polygons:
    starts = np.cumsum([0, *(len(part.points) for part in parts)])
    corners = np.concatenate([p.corners + start for p, start in zip(parts, starts, strict=False)])
    normals = np.concatenate([part.normals for part in parts])
    points = np.concatenate([part.points for part in parts])
    return Polygons(points, corners, normals[corners], np.full(len(corners) // 3, 3))


def _join_colors(parts: list[_Part]) -> Coloring:
    return Coloring(
        np.concatenate([part.uv[part.corners] for part in parts]),
        np.concatenate([part.colors[part.corners] for part in parts]),
        np.repeat(np.arange(len(parts)), [len(part.corners) for part in parts]),
        tuple(part.finish for part in parts),
    )
