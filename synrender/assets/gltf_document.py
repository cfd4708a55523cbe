"""The parts of a glTF 2.0 file: its container, its JSON and the numbers of its accessors.

Everything is checked against bounds. The format:
https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import struct
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from synrender.errors import RejectedAsset, shorten

MAX_JSON_BYTES = 1 << 26
MAX_BUFFER_BYTES = 1 << 28
MAX_VALUES = 1 << 25
"""Numbers that are read from all accessors together: those of about four million triangles."""

_MAGIC, _JSON_CHUNK, _BINARY_CHUNK = b"glTF", 0x4E4F534A, 0x004E4942
_DTYPES = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
_SCHEME = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*:")
_HARMLESS = ("KHR_materials_", "KHR_texture_", "EXT_texture_", "KHR_lights_", "KHR_xmp")
_READ = ("KHR_mesh_quantization",)
_COMPRESSIONS = {
    "KHR_draco_mesh_compression": "Draco",
    "EXT_meshopt_compression": "meshopt",
    "KHR_meshopt_compression": "meshopt",
}

Json = Mapping[str, object]


def split_chunks(data: bytes) -> tuple[bytes, bytes | None]:
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


def parse(text: bytes) -> Json:
    """The JSON of a file.

    Raises:
        RejectedAsset: it is too large, no JSON, or not that of glTF 2.0.
    """
    if len(text) > MAX_JSON_BYTES:
        raise RejectedAsset(f"its JSON has more than {MAX_JSON_BYTES >> 20} MiB")
    try:
        root = json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise RejectedAsset("not glTF: its JSON cannot be read") from None
    version = member(root, "asset", {}).get("version") if isinstance(root, dict) else None
    if not str(version).startswith("2."):
        raise RejectedAsset(f"not glTF 2.0: asset.version is {shorten(str(version))}")
    return root


def refuse_compression(place: Json) -> None:
    """Raises RejectedAsset if something is compressed in a way that is not read."""
    for name in member(place, "extensions", {}):
        if name in _COMPRESSIONS:
            raise RejectedAsset(f"compressed by {_COMPRESSIONS[name]}; save it uncompressed")


def refuse_extensions(root: Json) -> None:
    """Raises RejectedAsset if the file needs an extension that places or packs vertices."""
    names = [str(name) for name in list_of(root, "extensionsRequired")]
    refuse_compression({"extensions": dict.fromkeys(names)})
    for name in names:
        if name not in _READ and not name.startswith(_HARMLESS):
            raise RejectedAsset(f"needs the extension {shorten(name)}, which is not read")


@dataclass
class Document:
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
        entries = list_of(self.root, kind)
        if not isinstance(idx, int) or isinstance(idx, bool) or not 0 <= idx < len(entries):
            raise RejectedAsset(f"{kind}[{shorten(str(idx))}]: there are {len(entries)}")
        entry = entries[idx]
        if not isinstance(entry, dict):
            raise RejectedAsset(f"{kind}[{idx}] is no object")
        return entry

    def read_view(self, idx: object) -> tuple[bytes, int]:
        """Bytes of a buffer view, and the distance of its elements, 0 if they are packed."""
        view = self.find("bufferViews", idx)
        refuse_compression(view)
        data = self._read_buffer(view.get("buffer"))
        start = integer(view, "byteOffset", 0, len(data))
        length = integer(view, "byteLength", None, len(data) - start)
        return data[start : start + length], integer(view, "byteStride", 0, 1 << 16)

    def _read_buffer(self, idx: object) -> bytes:
        buffer = self.find("buffers", idx)
        assert isinstance(idx, int)
        if idx not in self.buffers:
            length = integer(buffer, "byteLength", None, MAX_BUFFER_BYTES)
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
        try:
            data = decode_data(uri, "its")
            name = "" if data is not None else to_file_name(uri)
        except ValueError as error:
            raise RejectedAsset(f"buffer {idx}: {error}") from None
        return self.read_beside(name) if data is None else data

    def read_accessor(self, idx: object, kinds: tuple[str, ...]) -> np.ndarray:
        """Values of an accessor, (count, width), as integers or float64, of types like "VEC3"."""
        accessor = self.find("accessors", idx)
        kind = accessor.get("type")
        if kind not in kinds:
            raise RejectedAsset(f"accessor {idx} is {shorten(str(kind))}, not {kinds[0]}")
        dtype = np.dtype(_dtype(accessor))
        width = _WIDTHS[str(kind)]
        count = integer(accessor, "count", None, MAX_VALUES)
        self.num_values += count * width
        if self.num_values > MAX_VALUES:
            raise RejectedAsset(f"more than {MAX_VALUES} numbers")
        if accessor.get("bufferView") is None:
            values = np.zeros((count, width), dtype)
        else:
            values = self._read_array(accessor, "bufferView", (count, width), dtype)
        if accessor.get("sparse") is not None:
            values = self._replace_sparse(member(accessor, "sparse"), values)
        if accessor.get("normalized") is True and dtype.kind != "f":
            return np.maximum(values / np.iinfo(dtype).max, -1.0)  # from -1 or 0 to 1
        return values

    def _read_array(
        self, place: Json, view_key: str, shape: tuple[int, int], dtype: np.dtype
    ) -> np.ndarray:
        data, stride = self.read_view(place.get(view_key))
        size = dtype.itemsize * shape[1]
        if stride and stride < size:
            raise RejectedAsset(f"a stride of {stride} bytes for elements of {size}")
        start = integer(place, "byteOffset", 0, len(data))
        strides = (stride or size, dtype.itemsize)
        if shape[0] and start + strides[0] * (shape[0] - 1) + size > len(data):
            raise RejectedAsset("truncated: an accessor reaches beyond its buffer")
        return np.ndarray(shape, dtype, data, start, strides).copy()

    def _replace_sparse(self, sparse: Json, values: np.ndarray) -> np.ndarray:
        count = integer(sparse, "count", None, len(values))
        indices = member(sparse, "indices")
        dtype = np.dtype(_dtype(indices))
        rows = self._read_array(indices, "bufferView", (count, 1), dtype)[:, 0]
        if dtype.kind == "f" or (count and not 0 <= rows.min() <= rows.max() < len(values)):
            raise RejectedAsset("a sparse accessor beyond its values")
        shape = (count, values.shape[1])
        members = member(sparse, "values")
        values[rows] = self._read_array(members, "bufferView", shape, values.dtype)
        return values


def _dtype(place: Json) -> str:
    component = place.get("componentType")
    if not isinstance(component, int) or component not in _DTYPES:
        raise RejectedAsset(f"numbers of the unknown type {shorten(str(component))}")
    return _DTYPES[component]


def decode_data(uri: str, whose: str) -> bytes | None:
    """What a URI holds itself; None if it names a file.

    Raises:
        ValueError: it holds data that are not base64; the message says whose they are.
    """
    if not uri.startswith("data:"):
        return None
    head, _, body = uri.partition(",")
    with contextlib.suppress(ValueError):
        if head.endswith(";base64"):
            return base64.b64decode(body, validate=True)
    raise ValueError(f"{whose} data are not base64")


def to_file_name(uri: str) -> str:
    """The relative name of a file that a URI means.

    Raises:
        ValueError: it has a scheme, such as ``file:``.
    """
    if _SCHEME.match(uri):
        raise ValueError(f"{shorten(uri)!r} is not a file beside the model")
    return urllib.parse.unquote(uri)


def integer(place: Json, key: str, default: int | None, most: int) -> int:
    """A whole number from 0 to ``most``; raises RejectedAsset if it is anything else."""
    value = place.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise RejectedAsset(f"{key} = {shorten(str(value))}: must be 0 to {most}")
    return value


def list_of(place: Json, key: str) -> list[object]:
    """A list, empty if there is none; raises RejectedAsset if it is anything else."""
    value = place.get(key, [])
    if not isinstance(value, list):
        raise RejectedAsset(f"{key} is no list")
    return value


def items(place: Json, key: str) -> Iterator[Json]:
    """The objects of a list; raises RejectedAsset if it holds anything else."""
    for value in list_of(place, key):
        if not isinstance(value, dict):
            raise RejectedAsset(f"{key} holds what is no object")
        yield value


def member(place: Json, key: str, default: Json | None = None) -> Json:
    """An object; raises RejectedAsset if it is anything else, or not there without a default."""
    value = place.get(key, default)
    if not isinstance(value, dict):
        raise RejectedAsset(f"{key} is no object")
    return value
