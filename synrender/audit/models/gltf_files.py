"""Reads the triangles of a glTF 2.0 file, where trimesh's scene graph places them, and its colors.

Of numbers, images and materials, trimesh leaves out what some say: that integers are fractions,
sparse numbers, the cutoff of alpha, the second set of places in a texture, and half of a color's
digits. The format: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import urllib.parse
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

import numpy as np

from synrender.audit.models.own_materials import PLAIN, Coloring, Finish, ImageReader
from synrender.audit.models.polygons import Polygons
from synrender.audit.models.texture import Wrap

_PLACING = ("children", "matrix", "translation", "rotation", "scale", "mesh")
_TRIANGLES, _STRIP, _FAN = 4, 5, 6
_MAX_VALUES = 1 << 25
_TYPES = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
_WRAPS = {10497: Wrap.REPEAT, 33071: Wrap.CLAMP, 33648: Wrap.MIRROR}
_NEAREST = 9728
_GLOSSY = "KHR_materials_pbrSpecularGlossiness"
_USUAL_NAMES = ("baseColorFactor", "baseColorTexture")
_GLOSSY_NAMES = ("diffuseFactor", "diffuseTexture")


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


# --- the document ---------------------------------------------------------------------------------


class GltfDocument:
    """A glTF file; whatever is wrong with it raises some exception."""

    def __init__(self, data: bytes, read_beside: Callable[[str], bytes]) -> None:
        """Reads the JSON of a content, GLB or JSON; other files of the model are read by name."""
        text, self._binary = data, b""
        if data.startswith(b"glTF"):
            chunks, start = {}, 12
            while start + 8 <= len(data):
                size, kind = (
                    int.from_bytes(data[start + k : start + k + 4], "little") for k in (0, 4)
                )
                chunks.setdefault(kind, data[start + 8 : start + 8 + size])
                start += 8 + size
            text, self._binary = chunks[0x4E4F534A], chunks.get(0x004E4942, b"")
        self.root = json.loads(text)
        self._read_beside = read_beside
        self._buffers: dict[int, bytes] = {}

    def read_numbers(self, idx: int) -> np.ndarray:
        """Values of an accessor, (count, width): integers, or float64 where they are fractions."""
        accessor = self.root["accessors"][idx]
        dtype, shape = np.dtype(_TYPES[accessor["componentType"]]), _find_shape(accessor)
        values = np.zeros(shape, dtype)
        if "bufferView" in accessor:
            values = self._read_table(accessor, dtype, shape)
        if sparse := accessor.get("sparse"):
            num = sparse["count"]
            places = np.dtype(_TYPES[sparse["indices"]["componentType"]])
            rows = self._read_table(sparse["indices"], places, (num, 1))[:, 0]
            values = values.copy()
            values[rows] = self._read_table(sparse["values"], dtype, (num, shape[1]))
        if dtype.kind == "f":
            return values.astype(np.float64)
        if accessor.get("normalized"):
            return np.maximum(values / np.iinfo(dtype).max, -1.0)
        return values.astype(np.int64)

    def _read_table(self, place: dict, dtype: np.dtype, shape: tuple[int, int]) -> np.ndarray:
        view = self.root["bufferViews"][place["bufferView"]]
        data = self._read_view(view)
        size = dtype.itemsize * shape[1]
        start, step = place.get("byteOffset", 0), view.get("byteStride") or size
        rows = start + step * np.arange(shape[0])[:, None] + np.arange(size)
        return np.frombuffer(data, np.uint8)[rows].view(dtype).reshape(shape)

    def _read_view(self, view: dict) -> bytes:
        start = view.get("byteOffset", 0)
        return self._read_buffer(view["buffer"])[start : start + view["byteLength"]]

    def _read_buffer(self, idx: int) -> bytes:
        if idx not in self._buffers:
            uri = self.root["buffers"][idx].get("uri")
            self._buffers[idx] = self._binary if uri is None else self._read_uri(uri)
        return self._buffers[idx]

    def _read_uri(self, uri: str) -> bytes:
        if uri.startswith("data:"):
            return base64.b64decode(uri.partition(",")[2])
        return self._read_beside(urllib.parse.unquote(uri))

    # --- materials --------------------------------------------------------------------------------

    def read_finish(self, idx: int | None, images: ImageReader) -> tuple[Finish, int]:
        """Base color of a material, and which set of places in a texture it uses."""
        if idx is None:
            return PLAIN, 0
        material = self.root["materials"][idx]
        colors, names = material.get("pbrMetallicRoughness", {}), _USUAL_NAMES
        if _GLOSSY in material.get("extensions", {}):
            colors, names = material["extensions"][_GLOSSY], _GLOSSY_NAMES
        factor = np.clip(np.array(colors.get(names[0], [1.0] * 4), np.float64), 0, 1)
        is_masked = material.get("alphaMode") == "MASK"
        cutoff = float(material.get("alphaCutoff", 0.5)) if is_masked else None
        info = colors.get(names[1])
        if info is None:
            return Finish(factor, cutoff=cutoff), 0
        texture = self.root["textures"][info["index"]]
        sampler = self.root["samplers"][texture["sampler"]] if "sampler" in texture else {}
        image, is_known = self._read_image(texture, images)
        moved = info.get("extensions", {}).get("KHR_texture_transform", {})
        finish = Finish(
            factor,
            image,
            (_WRAPS[sampler.get("wrapS", 10497)], _WRAPS[sampler.get("wrapT", 10497)]),
            sampler.get("magFilter") == _NEAREST,
            _find_transform(moved),
            cutoff,
            is_known,
        )
        return finish, moved.get("texCoord", info.get("texCoord", 0))

    def _read_image(self, texture: dict, images: ImageReader) -> tuple[np.ndarray | None, bool]:
        webp = texture.get("extensions", {}).get("EXT_texture_webp", {})
        idx = webp.get("source", texture.get("source"))

        def read() -> bytes:
            image = self.root["images"][idx]
            if "bufferView" in image:
                return self._read_view(self.root["bufferViews"][image["bufferView"]])
            return self._read_uri(image["uri"])

        return images.read(f"image {idx}", idx, read)


def _find_transform(values: dict) -> np.ndarray:
    """(2, 3), of places with v upwards, from those of KHR_texture_transform, whose v is downwards.

    There, places are scaled, then turned counterclockwise as one sees it, then moved.
    """
    (scale_u, scale_v), turn = values.get("scale", (1, 1)), values.get("rotation", 0)
    cosine, sine = np.cos(turn), np.sin(turn)
    matrix = np.eye(3)
    matrix[:2, :2] = [[scale_u * cosine, scale_v * sine], [-scale_u * sine, scale_v * cosine]]
    matrix[:2, 2] = values.get("offset", (0, 0))
    flip = np.array([[1, 0, 0], [0, -1, 1], [0, 0, 1]])
    return (flip @ matrix @ flip)[:2]


def _find_shape(accessor: dict) -> tuple[int, int]:
    num, width = accessor["count"], _WIDTHS[accessor["type"]]
    if not 0 <= num * width <= _MAX_VALUES:
        raise ValueError(f"an accessor of {num} values")
    return num, width
