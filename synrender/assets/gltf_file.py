"""Reads the triangles of a glTF 2.0 file, as GLB or as JSON: strictly, and with bounds.

Of the files that it names only buffers are opened, through a function that the caller gives; for
images see `gltf_materials`. Skins, morph targets and animations are left out: vertices stand where
the nodes' transforms place them.
The format: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from synrender.assets.gltf_document import (
    Document,
    Json,
    integer,
    items,
    list_of,
    member,
    parse,
    refuse_compression,
    refuse_extensions,
    split_chunks,
)
from synrender.assets.gltf_materials import GltfMaterials
from synrender.assets.material import Look
from synrender.assets.mesh import Mesh, drop_repeats, to_double
from synrender.assets.model_file import ModelFile
from synrender.errors import RejectedAsset

MAX_NODES = 1 << 16
MAX_PRIMITIVES = 1 << 14
"""In the scene; one that stands there several times counts each time. They take 5 s."""

MAX_PLACE = 1e6
"""Of a place in a texture, in widths of the texture."""

_MIN_QUATERNION = 1e-6
"""Length below which programs do not agree on what a quaternion means."""

_ROUNDING = 1e-6

_TRIANGLES, _STRIP, _FAN = 4, 5, 6


def read_gltf(
    data: bytes,
    read_beside: Callable[[str], bytes],
    find_beside: Callable[[str], ModelFile] | None = None,
) -> Mesh:
    """Reads the triangles of the file's scene; y is up, as the format says.

    Args:
        data: content of the file, GLB or JSON.
        read_beside: gives the content of a buffer that stands in a file of its own.
        find_beside: gives the file of an image by its name, and raises ValueError if it is not the
            model's; None: the colors of the faces are left out.

    Raises:
        RejectedAsset: it is not glTF 2.0, is compressed, has no triangles, or does not hold what it
            says it holds.
    """
    text, binary = split_chunks(data)
    document = Document(parse(text), binary, read_beside)
    refuse_extensions(document.root)
    materials = None if find_beside is None else GltfMaterials(document, find_beside)
    parts = [
        part
        for primitive, to_world in list(_find_primitives(document))  # all, before one is read
        if (part := _read_primitive(document, primitive, to_world)) is not None
    ]
    if not parts:
        raise RejectedAsset("no faces")
    starts = np.cumsum([0] + [len(part.vertices) for part in parts[:-1]])
    corners = [part.corners + start for part, start in zip(parts, starts, strict=True)]
    corner_vertices = np.concatenate(corners).astype(np.int32)
    return drop_repeats(
        Mesh(
            vertices=np.concatenate([part.vertices for part in parts]),
            corner_vertices=corner_vertices,
            face_sizes=np.full(len(corner_vertices) // 3, 3, np.int32),
            corner_normals=np.concatenate([part.normals for part in parts])[corner_vertices],
            look=None if materials is None else _read_look(document, parts, materials),
        )
    )


# --- nodes ----------------------------------------------------------------------------------------


def _walk(document: Document) -> Iterator[tuple[object, np.ndarray]]:
    """Index and transform to world space, (4, 4), of each mesh in the file's scene."""
    waiting = [(idx, np.eye(4)) for idx in reversed(_find_roots(document))]
    seen = set()
    while waiting:
        idx, parent = waiting.pop()
        node = document.find("nodes", idx)
        if idx in seen or len(seen) >= MAX_NODES:
            problem = "stands in the scene twice" if idx in seen else f"is one of over {MAX_NODES}"
            raise RejectedAsset(f"node {idx} {problem}")
        seen.add(idx)
        with np.errstate(all="ignore"):
            to_world = parent @ _find_transform(node)
        if not np.isfinite(to_world).all():
            raise RejectedAsset(f"node {idx}: its transform is not finite")
        if node.get("mesh") is not None:
            yield node["mesh"], to_world
        waiting += [(child, to_world) for child in reversed(list_of(node, "children"))]


def _find_primitives(document: Document) -> Iterator[tuple[Json, np.ndarray]]:
    """Each primitive in the scene, with its transform to world space, (4, 4)."""
    num = 0
    for mesh_idx, to_world in _walk(document):
        for primitive in items(document.find("meshes", mesh_idx), "primitives"):
            num += 1
            if num > MAX_PRIMITIVES:
                raise RejectedAsset(f"more than {MAX_PRIMITIVES} primitives in the scene")
            yield primitive, to_world


def _find_roots(document: Document) -> list[object]:
    if document.root.get("scenes") is not None:
        return list_of(document.find("scenes", document.root.get("scene", 0)), "nodes")
    nodes = list(items(document.root, "nodes"))
    children = {c for node in nodes for c in list_of(node, "children") if isinstance(c, int)}
    return [idx for idx in range(len(nodes)) if idx not in children]


def _find_transform(node: Json) -> np.ndarray:
    """Transform of a node to its parent, (4, 4)."""
    if node.get("matrix") is not None:
        return _numbers(node, "matrix", [0.0] * 16).reshape(4, 4).T  # columns first
    x, y, z, w = _read_quaternion(node)
    transform = np.eye(4)
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    transform[:3, :3] = turn * _numbers(node, "scale", [1.0] * 3)
    transform[:3, 3] = _numbers(node, "translation", [0.0] * 3)
    return transform


def _read_quaternion(node: Json) -> np.ndarray:
    """Rotation of a node as a unit quaternion (x, y, z, w).

    The format demands unit length; of another length, the direction counts, as in Blender. What is
    of unit length but for rounding stays as it is.
    """
    quaternion = _numbers(node, "rotation", [0.0, 0.0, 0.0, 1.0])
    length = np.linalg.norm(quaternion)
    if not _MIN_QUATERNION < length < 1 / _MIN_QUATERNION:
        raise RejectedAsset(f"rotation of a node: a quaternion of length {length:g}")
    return quaternion if abs(length - 1) < _ROUNDING else quaternion / length


def _numbers(node: Json, key: str, default: list[float]) -> np.ndarray:
    values = node.get(key, default)
    try:
        numbers = np.array(values, np.float64)
    except (TypeError, ValueError, OverflowError):
        numbers = np.zeros(0)
    if numbers.shape != (len(default),):
        raise RejectedAsset(f"{key} of a node: must be {len(default)} numbers")
    return numbers


# --- triangles ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Part:
    """Triangles of a primitive in world space."""

    vertices: np.ndarray  # (v, 3) float64
    normals: np.ndarray  # (v, 3) float32, unit length; 0 where there are none
    corners: np.ndarray  # (3 f,) int64, index into vertices
    primitive: Json


def _read_primitive(document: Document, primitive: Json, to_world: np.ndarray) -> _Part | None:
    """The triangles of a primitive; None if it is points or lines."""
    mode = integer(primitive, "mode", _TRIANGLES, _FAN)
    if mode < _TRIANGLES:
        return None
    attributes = member(primitive, "attributes")
    refuse_compression(primitive)
    if "POSITION" not in attributes:
        return None
    points = to_double(document.read_accessor(attributes["POSITION"], ("VEC3",)))
    corners = _read_corners(document, primitive, len(points))
    if mode != _TRIANGLES:
        corners = _cut(corners, mode)
    if len(corners) % 3:
        raise RejectedAsset(f"{len(corners)} corners are no triangles")
    if not len(corners):
        return None
    normals = np.zeros((len(points), 3))
    if "NORMAL" in attributes:
        normals = to_double(document.read_accessor(attributes["NORMAL"], ("VEC3",)))
    if len(normals) != len(points):
        raise RejectedAsset(f"{len(normals)} normals for {len(points)} vertices")
    turn = to_world[:3, :3]
    with np.errstate(all="ignore"):
        vertices = points @ turn.T + to_world[:3, 3]
        if np.linalg.det(turn) < 0:  # a mirror
            corners = corners.reshape(-1, 3)[:, ::-1].reshape(-1)
        normals = normals @ _find_cofactors(turn).T
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    normals = np.where(np.isfinite(normals).all(axis=1, keepdims=True), normals, 0)
    if not np.isfinite(vertices).all():
        raise RejectedAsset("a vertex that is not finite")
    return _Part(vertices, normals.astype(np.float32), corners, primitive)


def _read_corners(document: Document, primitive: Json, num_points: int) -> np.ndarray:
    if primitive.get("indices") is None:
        return np.arange(num_points)
    corners = document.read_accessor(primitive["indices"], ("SCALAR",))[:, 0]
    if corners.dtype.kind == "f":
        raise RejectedAsset("indexes that are no integers")
    corners = corners.astype(np.int64)
    if len(corners) and not 0 <= corners.min() <= corners.max() < num_points:
        raise RejectedAsset(f"a face beyond the {num_points} vertices")
    return corners


def _cut(corners: np.ndarray, mode: int) -> np.ndarray:
    """Triangles of a strip or a fan, (3 f,)."""
    num = max(len(corners) - 2, 0)
    first = np.arange(num)
    if mode == _FAN:
        triangles = np.stack([first + 1, first + 2, np.zeros(num, np.int64)], axis=1)
    else:
        odd = first % 2
        triangles = np.stack([first, first + 1 + odd, first + 2 - odd], axis=1)
    return corners[triangles.reshape(-1)]


def _find_cofactors(turn: np.ndarray) -> np.ndarray:
    """Matrix that turns normals as ``turn`` turns vertices, (3, 3), up to a positive scale."""
    after, later = turn.T[[1, 2, 0]], turn.T[[2, 0, 1]]  # of each column, the two others
    cofactors = (
        after[:, [1, 2, 0]] * later[:, [2, 0, 1]] - after[:, [2, 0, 1]] * later[:, [1, 2, 0]]
    )
    return cofactors.T * np.sign(np.linalg.det(turn))


# --- colors ---------------------------------------------------------------------------------------


def _read_look(document: Document, parts: list[_Part], materials: GltfMaterials) -> Look:
    """Materials of the parts, places of their corners in textures, and colors of their vertices."""
    own = [materials.find(part.primitive.get("material")) for part in parts]
    used = list(dict.fromkeys(own))
    sizes = [len(part.corners) // 3 for part in parts]
    num_sets = 1 + max((t.uv_set for material in used for t in material.textures), default=-1)
    uv_sets = [
        np.concatenate([_read_places(document, part, k, materials.problems) for part in parts])
        for k in range(num_sets)
    ]
    colors = None
    if any(_COLORS in member(part.primitive, "attributes") for part in parts):
        colors = [_read_colors(document, part, materials.problems) for part in parts]
    return Look(
        np.repeat([used.index(material) for material in own], sizes).astype(np.int32),
        tuple(used),
        tuple(materials.images.images),
        tuple(uv_sets),
        None if colors is None else np.concatenate(colors),
        tuple(materials.problems),
    )


_COLORS = "COLOR_0"


def _read_places(document: Document, part: _Part, uv_set: int, problems: list[str]) -> np.ndarray:
    """Places of a part's corners in textures, (3 f, 2) float32, v upwards; 0 if it has none."""
    values = _read_attribute(document, part, f"TEXCOORD_{uv_set}", ("VEC2",), problems)
    if values is None:
        return np.zeros((len(part.corners), 2), np.float32)
    return np.stack([values[:, 0], 1 - values[:, 1]], axis=1).astype(np.float32)[part.corners]


def _read_colors(document: Document, part: _Part, problems: list[str]) -> np.ndarray:
    """Scene-linear RGB and alpha of a part's corners, (3 f, 4) float32; 1 if it has none."""
    colors = np.ones((len(part.vertices), 4), np.float32)
    values = _read_attribute(document, part, _COLORS, ("VEC3", "VEC4"), problems)
    if values is not None:
        colors[:, : values.shape[1]] = np.clip(values, 0, 1)
    return colors[part.corners]


def _read_attribute(
    document: Document, part: _Part, name: str, kinds: tuple[str, ...], problems: list[str]
) -> np.ndarray | None:
    """Values of a part's vertices, (v, width) float64; None if it has none that can be read."""
    attributes = member(part.primitive, "attributes")
    if name not in attributes:
        return None
    try:
        values = to_double(document.read_accessor(attributes[name], kinds))
    except RejectedAsset as reason:
        problems.append(f"{name}: {reason}")
        return None
    if len(values) != len(part.vertices) or not np.abs(values).max(initial=0) < MAX_PLACE:
        problems.append(f"{name}: not a finite value for each of {len(part.vertices)} vertices")
        return None
    return values
