"""Reads the triangles of a glTF 2.0 file, as GLB or as JSON: strictly, and with bounds.

Of the files that it names only buffers are opened, through a function that the caller gives. Skins,
morph targets and animations are left out: vertices stand where the nodes' transforms place them.
The format: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from synrender.assets.mesh import Mesh, drop_repeats, to_double
from synrender.errors import RejectedAsset, shorten

MAX_JSON_BYTES = 1 << 26
MAX_BUFFER_BYTES = 1 << 28
MAX_NODES = 1 << 16
MAX_PRIMITIVES = 1 << 14
"""In the scene; one that stands there several times counts each time. They take 5 s."""

MAX_VALUES = 1 << 25
"""Numbers that are read from all accessors together: those of about four million triangles."""

_MAGIC, _JSON_CHUNK, _BINARY_CHUNK = b"glTF", 0x4E4F534A, 0x004E4942
_DTYPES = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
_TRIANGLES, _STRIP, _FAN = 4, 5, 6
_HARMLESS = ("KHR_materials_", "KHR_texture_", "EXT_texture_", "KHR_lights_", "KHR_xmp")
_READ = ("KHR_mesh_quantization",)
_COMPRESSIONS = {
    "KHR_draco_mesh_compression": "Draco",
    "EXT_meshopt_compression": "meshopt",
    "KHR_meshopt_compression": "meshopt",
}

Json = Mapping[str, object]


def read_gltf(data: bytes, read_beside: Callable[[str], bytes]) -> Mesh:
    """Reads the triangles of the file's scene; y is up, as the format says.

    Args:
        data: content of the file, GLB or JSON.
        read_beside: gives the content of a buffer that stands in a file of its own.

    Raises:
        RejectedAsset: it is not glTF 2.0, is compressed, has no triangles, or does not hold what it
            says it holds.
    """
    text, binary = _split_chunks(data)
    document = _Document(_parse(text), binary, read_beside)
    _refuse_extensions(document.root)
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
        )
    )


# --- the container and its JSON -------------------------------------------------------------------


def _split_chunks(data: bytes) -> tuple[bytes, bytes | None]:
    """The JSON and the binary chunk of a GLB; JSON alone has no such chunk."""
    if not data.startswith(_MAGIC):
        return data, None
    if len(data) < 12:
        raise RejectedAsset("truncated: ends within the header of a GLB file")
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2:
        raise RejectedAsset(f"glTF version {version}; version 2 is read")
    if length > len(data):
        raise RejectedAsset(f"truncated: {len(data)} bytes of {length}")
    chunks: dict[int, bytes] = {}
    start = 12
    while start + 8 <= length:
        size, kind = struct.unpack_from("<II", data, start)
        if start + 8 + size > length:
            raise RejectedAsset("truncated: ends within a chunk of the GLB file")
        chunks.setdefault(kind, data[start + 8 : start + 8 + size])
        start += 8 + size
    if _JSON_CHUNK not in chunks:
        raise RejectedAsset("a GLB file without its JSON chunk")
    return chunks[_JSON_CHUNK], chunks.get(_BINARY_CHUNK)


def _parse(text: bytes) -> Json:
    if len(text) > MAX_JSON_BYTES:
        raise RejectedAsset(f"its JSON has more than {MAX_JSON_BYTES >> 20} MiB")
    try:
        root = json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise RejectedAsset("not glTF: its JSON cannot be read") from None
    version = _member(root, "asset", {}).get("version") if isinstance(root, dict) else None
    if not str(version).startswith("2."):
        raise RejectedAsset(f"not glTF 2.0: asset.version is {shorten(str(version))}")
    return root


def _refuse_compression(place: Json) -> None:
    for name in _member(place, "extensions", {}):
        if name in _COMPRESSIONS:
            raise RejectedAsset(f"compressed by {_COMPRESSIONS[name]}; save it uncompressed")


def _refuse_extensions(root: Json) -> None:
    """Raises RejectedAsset if the file needs an extension that places or packs vertices."""
    names = [str(name) for name in _list(root, "extensionsRequired")]
    _refuse_compression({"extensions": dict.fromkeys(names)})
    for name in names:
        if name not in _READ and not name.startswith(_HARMLESS):
            raise RejectedAsset(f"needs the extension {shorten(name)}, which is not read")


@dataclass
class _Document:
    """The file's JSON, its buffers as they are asked for, and how much was read so far."""

    root: Json
    binary: bytes | None
    read_beside: Callable[[str], bytes]
    buffers: dict[int, bytes] = field(default_factory=dict)
    num_values: int = 0

    def find(self, kind: str, idx: object) -> Json:
        """Entry of one of the document's lists.

        Raises:
            RejectedAsset: there is no such entry.
        """
        entries = _list(self.root, kind)
        if not isinstance(idx, int) or isinstance(idx, bool) or not 0 <= idx < len(entries):
            raise RejectedAsset(f"{kind}[{shorten(str(idx))}]: there are {len(entries)}")
        entry = entries[idx]
        if not isinstance(entry, dict):
            raise RejectedAsset(f"{kind}[{idx}] is no object")
        return entry

    def read_view(self, idx: object) -> tuple[bytes, int]:
        """Bytes of a buffer view, and the distance of its elements, 0 if they are packed."""
        view = self.find("bufferViews", idx)
        _refuse_compression(view)
        data = self._read_buffer(view.get("buffer"))
        start = _integer(view, "byteOffset", 0, len(data))
        length = _integer(view, "byteLength", None, len(data) - start)
        return data[start : start + length], _integer(view, "byteStride", 0, 1 << 16)

    def _read_buffer(self, idx: object) -> bytes:
        buffer = self.find("buffers", idx)
        assert isinstance(idx, int)
        if idx not in self.buffers:
            length = _integer(buffer, "byteLength", None, MAX_BUFFER_BYTES)
            data = self._load_buffer(idx, buffer.get("uri"))
            if len(data) < length:
                raise RejectedAsset(f"truncated: buffer {idx} has {len(data)} bytes of {length}")
            if sum(map(len, self.buffers.values())) + len(data) > MAX_BUFFER_BYTES:
                raise RejectedAsset(f"more than {MAX_BUFFER_BYTES >> 20} MiB of buffers")
            self.buffers[idx] = data[:length]
        return self.buffers[idx]

    def _load_buffer(self, idx: int, uri: object) -> bytes:
        if uri is None:
            if idx != 0 or self.binary is None:
                raise RejectedAsset(f"buffer {idx} has no data")
            return self.binary
        if not isinstance(uri, str):
            raise RejectedAsset(f"buffer {idx}: its uri is no text")
        if uri.startswith("data:"):
            head, _, body = uri.partition(",")
            try:
                if not head.endswith(";base64"):
                    raise ValueError
                return base64.b64decode(body, validate=True)
            except (ValueError, binascii.Error):
                raise RejectedAsset(f"buffer {idx}: its data are not base64") from None
        if urllib.parse.urlsplit(uri).scheme:
            raise RejectedAsset(f"buffer {idx}: {shorten(uri)!r} is not a file beside the model")
        return self.read_beside(urllib.parse.unquote(uri))

    def read_accessor(self, idx: object, kinds: tuple[str, ...]) -> np.ndarray:
        """Values of an accessor, (count, width), as integers or float64.

        Args:
            idx: of the accessor.
            kinds: its type is one of these, such as ``("VEC3",)``.
        """
        accessor = self.find("accessors", idx)
        kind = accessor.get("type")
        if kind not in kinds:
            raise RejectedAsset(f"accessor {idx} is {shorten(str(kind))}, not {kinds[0]}")
        dtype = np.dtype(_dtype(accessor))
        width = _WIDTHS[str(kind)]
        count = _integer(accessor, "count", None, MAX_VALUES)
        self.num_values += count * width
        if self.num_values > MAX_VALUES:
            raise RejectedAsset(f"more than {MAX_VALUES} numbers")
        if accessor.get("bufferView") is None:
            values = np.zeros((count, width), dtype)
        else:
            values = self._read_array(accessor, "bufferView", (count, width), dtype)
        if accessor.get("sparse") is not None:
            values = self._replace_sparse(_member(accessor, "sparse"), values)
        is_normalized = accessor.get("normalized") is True
        return _to_floats(values) if is_normalized and dtype.kind != "f" else values

    def _read_array(
        self, place: Json, view_key: str, shape: tuple[int, int], dtype: np.dtype
    ) -> np.ndarray:
        data, stride = self.read_view(place.get(view_key))
        size = dtype.itemsize * shape[1]
        if stride and stride < size:
            raise RejectedAsset(f"a stride of {stride} bytes for elements of {size}")
        start = _integer(place, "byteOffset", 0, len(data))
        strides = (stride or size, dtype.itemsize)
        if shape[0] and start + strides[0] * (shape[0] - 1) + size > len(data):
            raise RejectedAsset("truncated: an accessor reaches beyond its buffer")
        return np.ndarray(shape, dtype, data, start, strides).copy()

    def _replace_sparse(self, sparse: Json, values: np.ndarray) -> np.ndarray:
        count = _integer(sparse, "count", None, len(values))
        indices = _member(sparse, "indices")
        dtype = np.dtype(_dtype(indices))
        rows = self._read_array(indices, "bufferView", (count, 1), dtype)[:, 0]
        if dtype.kind == "f" or (count and not 0 <= rows.min() <= rows.max() < len(values)):
            raise RejectedAsset("a sparse accessor beyond its values")
        shape = (count, values.shape[1])
        members = _member(sparse, "values")
        values[rows] = self._read_array(members, "bufferView", shape, values.dtype)
        return values


def _dtype(place: Json) -> str:
    component = place.get("componentType")
    if not isinstance(component, int) or component not in _DTYPES:
        raise RejectedAsset(f"numbers of the unknown type {shorten(str(component))}")
    return _DTYPES[component]


def _to_floats(values: np.ndarray) -> np.ndarray:
    """Normalized integers as numbers from -1 or 0 to 1."""
    return np.maximum(values / np.iinfo(values.dtype).max, -1.0)


def _integer(place: Json, key: str, default: int | None, most: int) -> int:
    value = place.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise RejectedAsset(f"{key} = {shorten(str(value))}: must be 0 to {most}")
    return value


def _list(place: Json, key: str) -> list[object]:
    value = place.get(key, [])
    if not isinstance(value, list):
        raise RejectedAsset(f"{key} is no list")
    return value


def _items(place: Json, key: str) -> Iterator[Json]:
    for value in _list(place, key):
        if not isinstance(value, dict):
            raise RejectedAsset(f"{key} holds what is no object")
        yield value


def _member(place: Json, key: str, default: Json | None = None) -> Json:
    value = place.get(key, default)
    if not isinstance(value, dict):
        raise RejectedAsset(f"{key} is no object")
    return value


# --- nodes ----------------------------------------------------------------------------------------


def _walk(document: _Document) -> Iterator[tuple[object, np.ndarray]]:
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
        waiting += [(child, to_world) for child in reversed(_list(node, "children"))]


def _find_primitives(document: _Document) -> Iterator[tuple[Json, np.ndarray]]:
    """Each primitive in the scene, with its transform to world space, (4, 4)."""
    num = 0
    for mesh_idx, to_world in _walk(document):
        for primitive in _items(document.find("meshes", mesh_idx), "primitives"):
            num += 1
            if num > MAX_PRIMITIVES:
                raise RejectedAsset(f"more than {MAX_PRIMITIVES} primitives in the scene")
            yield primitive, to_world


def _find_roots(document: _Document) -> list[object]:
    if document.root.get("scenes") is not None:
        return _list(document.find("scenes", document.root.get("scene", 0)), "nodes")
    nodes = list(_items(document.root, "nodes"))
    children = {c for node in nodes for c in _list(node, "children") if isinstance(c, int)}
    return [idx for idx in range(len(nodes)) if idx not in children]


def _find_transform(node: Json) -> np.ndarray:
    """Transform of a node to its parent, (4, 4)."""
    if node.get("matrix") is not None:
        return _numbers(node, "matrix", [0.0] * 16).reshape(4, 4).T  # columns first
    x, y, z, w = _numbers(node, "rotation", [0.0, 0.0, 0.0, 1.0])
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


def _read_primitive(document: _Document, primitive: Json, to_world: np.ndarray) -> _Part | None:
    """The triangles of a primitive; None if it is points or lines."""
    mode = _integer(primitive, "mode", _TRIANGLES, _FAN)
    if mode < _TRIANGLES:
        return None
    attributes = _member(primitive, "attributes")
    _refuse_compression(primitive)
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
    return _Part(vertices, normals.astype(np.float32), corners)


def _read_corners(document: _Document, primitive: Json, num_points: int) -> np.ndarray:
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
