"""Reads the faces of OBJ, PLY, glTF and STL files, with code that the renderer does not use."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from synrender.audit.rays.polygons import Polygons

if TYPE_CHECKING:
    import trimesh
    from trimesh.resolvers import Resolver

# --- OBJ ------------------------------------------------------------------------------------------


_READ = (b"v", b"vn", b"f")
_MAX_JOINED_BYTES = 1 << 16
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Corner = tuple[int, int]
"""Index of the vertex and of the normal, from 0; normal -1: none."""


def read_obj(data: bytes) -> Polygons:
    """Faces of all objects in a file's content.

    A normal that cannot be read counts as none.

    Raises:
        ValueError, IndexError: a vertex or a face cannot be read.
    """
    vertices: list[bytes] = []
    normals: list[list[float]] = []
    corners: list[bytes] = []
    sizes: list[int] = []
    for kind, fields in _read_statements(data):
        if kind == b"v":
            vertices += fields[:3]
            if len(fields) < 3:
                raise ValueError(f"a vertex of {len(fields)} numbers")
        elif kind == b"vn":
            normals.append(_read_normal(fields[:3]))
        else:
            if len(fields) < 3:
                raise ValueError(f"a face of {len(fields)} corners")
            if any(b"-" in field for field in fields):
                fields = [_count_back(f, len(vertices) // 3, len(normals)) for f in fields]
            corners += fields
            sizes.append(len(fields))
    places = np.array(list(map(float, vertices))).reshape(-1, 3)
    read = {field: _read_corner(field) for field in set(corners)}
    idxs = np.array([read[field] for field in corners], np.int64).reshape(-1, 2)
    for name, own, num in zip(
        ("vertex", "normal"), idxs.T, (len(places), len(normals)), strict=True
    ):
        if own.max(initial=-1) >= num:
            raise IndexError(f"a face names {name} {own.max() + 1} of {num}")
    with np.errstate(all="ignore"):
        units = np.array([*normals, [np.nan] * 3])
        units /= np.linalg.norm(units, axis=1, keepdims=True)
    return Polygons(places, idxs[:, 0], units[idxs[:, 1]], np.array(sizes, np.int64))


def _read_statements(data: bytes) -> Iterator[tuple[bytes, list[bytes]]]:
    """Keyword and fields of each vertex, normal and face.

    These alone go on in the next line after a backslash; comments and names may end in one.
    """
    waiting = b""
    for line in data.replace(_BYTE_ORDER_MARK, b"").splitlines():
        text, comment, _ = (waiting + line).partition(b"#")
        kind, *fields = text.split() or [b""]
        waiting = b""
        if b"\\" in text and not comment and kind.removesuffix(b"\\") in _READ:
            goes_on, is_end, blanks = text.rpartition(b"\\")
            if is_end and not blanks.strip():
                waiting = goes_on + b" "
                if len(waiting) > _MAX_JOINED_BYTES:
                    raise ValueError(f"a line of more than {_MAX_JOINED_BYTES} bytes")
                continue
        if kind in _READ:
            yield kind, fields
    if waiting:
        raise ValueError("ends within a line that goes on")


def _read_normal(fields: list[bytes]) -> list[float]:
    try:
        normal = [float(field) for field in fields]
    except ValueError:
        return [np.nan] * 3
    return normal if len(normal) == 3 else [np.nan] * 3


def _count_back(field: bytes, num_vertices: int, num_normals: int) -> bytes:
    """A corner such as ``-1//-1`` with numbers from 1 in place of those that count back."""
    counts = (num_vertices, 0, num_normals)
    numbers = [
        b"%d" % (int(part) + num + 1) if part.startswith(b"-") else part
        for part, num in zip(field.split(b"/"), counts, strict=False)
    ]
    return b"/".join(numbers)


def _read_corner(field: bytes) -> Corner:
    """Reads a corner such as ``3``, ``3/7``, ``3//2`` or ``3/7/2``."""
    vertex, _, normal = [*field.split(b"/"), b"", b""][:3]
    idxs = int(vertex) - 1, int(normal) - 1 if normal else 0
    if min(idxs) < 0 or max(idxs) >= 1 << 31:
        raise IndexError(f"a face names {field.decode('ascii', 'replace')[:40]}")
    return idxs if normal else (idxs[0], -1)


# --- PLY ------------------------------------------------------------------------------------------


_TYPES = {
    "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4",
    "float": "f4", "double": "f8", "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2",
    "int32": "i4", "uint32": "u4", "float32": "f4", "float64": "f8",
}  # fmt: skip
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
MAX_CORNERS = 1000
"""Of one face, as for OBJ files."""
_FACE_LISTS = ("vertex_indices", "vertex_index")


@dataclass(frozen=True)
class _Property:
    name: str
    dtype: str
    count_dtype: str  # of a list's length; "": not a list


@dataclass(frozen=True)
class _Element:
    name: str
    num_rows: int
    properties: list[_Property]


def read_ply(data: bytes) -> Polygons:
    """Faces in a file's content.

    Raises:
        ValueError: it is not PLY, ends early, or a face names a vertex that is not there.
    """
    order, elements, body = _read_header(data)
    numbers = _Numbers(body, order)
    places, normals, faces = None, None, ()
    for element in elements:
        columns = _read_element(element, numbers)
        if element.name == "vertex" and {*"xyz"} <= {*columns}:
            places = np.stack([np.ravel(columns[axis]) for axis in "xyz"], axis=1)
            normals = np.full_like(places, np.nan)
            if {"nx", "ny", "nz"} <= {*columns}:
                normals = np.stack([np.ravel(columns["n" + axis]) for axis in "xyz"], axis=1)
        elif element.name == "face":
            faces = next((columns[name] for name in _FACE_LISTS if name in columns), ())
    faces = [face for face in faces if len(face) >= 3]  # lines and points are no faces
    if places is None or normals is None or not faces:
        raise ValueError("no faces")
    corners = np.concatenate(faces).astype(np.float64)
    if not ((corners >= 0) & (corners < len(places))).all():
        raise ValueError("a face names a vertex that is not there")
    sizes = np.array([len(face) for face in faces], np.int64)
    corners = corners.astype(np.int64)
    with np.errstate(all="ignore"):
        normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    return Polygons(places, corners, normals[corners], sizes)


def _read_header(data: bytes) -> tuple[str, list[_Element], bytes]:
    """Byte order ("" for text), elements, and what comes after the header."""
    order, elements = None, []
    start = 0
    while True:
        end = data.find(b"\n", start)
        if end < 0:
            raise ValueError("not a PLY file: its header has no end")
        words = data[start:end].decode("latin-1").split() or ["comment"]
        if start == 0 and words != ["ply"]:
            raise ValueError("not a PLY file")
        start = end + 1
        match words:
            case ["end_header"]:
                break
            case ["format", kind, _] if kind in _ORDERS:
                order = _ORDERS[kind]
            case ["element", name, num] if num.isdecimal() and len(num) < 12:
                elements.append(_Element(name, int(num), []))
            case ["property", kind, name] if kind in _TYPES and elements:
                elements[-1].properties.append(_Property(name, _TYPES[kind], ""))
            case ["property", "list", count, kind, name] if {count, kind} <= {*_TYPES} and elements:
                elements[-1].properties.append(_Property(name, _TYPES[kind], _TYPES[count]))
            case ["ply" | "comment" | "obj_info", *_]:
                pass
            case _:
                raise ValueError(f"not a PLY header: {' '.join(words)[:60]!r}")
    if order is None:
        raise ValueError("not a PLY file: its header names no format")
    return order, elements, data[start:]


class _Numbers:
    """The numbers after the header, in turn."""

    def __init__(self, body: bytes, order: str) -> None:
        self._order = order
        self._values = np.array([] if order else list(map(float, body.split())), np.float64)
        self._body = body
        self._at = 0

    def read(self, dtype: str, num: int) -> np.ndarray:
        """The next ``num`` numbers of one type."""
        size = np.dtype(dtype).itemsize if self._order else 1
        start, self._at = self._at, self._at + num * size
        if self._at > (len(self._body) if self._order else len(self._values)):
            raise ValueError("truncated")
        if not self._order:
            return self._values[start : self._at]
        return np.frombuffer(self._body, self._order + dtype, num, start)

    def read_table(self, dtypes: list[str], num_rows: int) -> list[np.ndarray]:
        """Columns of the next rows, each of one number of each type."""
        if not self._order:
            table = self.read("f8", num_rows * len(dtypes)).reshape(num_rows, len(dtypes))
            return list(table.T)
        row = np.dtype([(str(k), self._order + dtype) for k, dtype in enumerate(dtypes)])
        table = np.frombuffer(self.read("u1", num_rows * row.itemsize).tobytes(), row)
        return [table[name].astype(np.float64) for name in row.names or ()]


def _read_element(
    element: _Element, numbers: _Numbers
) -> Mapping[str, np.ndarray | Sequence[np.ndarray]]:
    """Numbers by property; of a list, an array for each row."""
    properties = element.properties
    if not any(p.count_dtype for p in properties):
        columns = numbers.read_table([p.dtype for p in properties], element.num_rows)
        return {p.name: column for p, column in zip(properties, columns, strict=True)}
    lists: dict[str, list[np.ndarray]] = {p.name: [] for p in properties}
    for _ in range(element.num_rows):
        for p in properties:
            num = numbers.read(p.count_dtype, 1)[0] if p.count_dtype else 1
            if not 0 <= num <= MAX_CORNERS:
                raise ValueError(f"a list of {num:g} numbers")
            lists[p.name].append(numbers.read(p.dtype, int(num)))
    return lists


# --- glTF and STL, by trimesh ---------------------------------------------------------------------


def read_gltf(data: bytes, kind: str, read_beside: Callable[[str], bytes]) -> Polygons:
    """Triangles of the scene of a glTF file, where its nodes place them.

    Args:
        data: content of the file.
        kind: "glb" or "gltf".
        read_beside: content of a file in the model's folder, by its name.

    Raises:
        ValueError: trimesh cannot read it, or it has a triangle fan, which trimesh leaves out.
    """
    import trimesh

    with _reading():
        has_normals = _find_primitives_with_normals(data)
        scene = trimesh.load_scene(
            io.BytesIO(data),
            file_type=kind,
            resolver=_create_resolver(read_beside),
            process=False,
            skip_materials=True,
        )
    meshes = {k: g for k, g in scene.geometry.items() if isinstance(g, trimesh.Trimesh)}
    known = dict(zip(meshes, has_normals, strict=True))
    parts = []
    with _reading():
        for node in scene.graph.nodes_geometry:
            to_world, name = scene.graph[node]
            if name in meshes:
                parts.append(_place(meshes[name], to_world, known[name]))
    if not parts:
        raise ValueError("no faces")
    starts = np.cumsum([0, *(len(places) for places, _, _ in parts)])
    corners = np.concatenate([c + start for (_, _, c), start in zip(parts, starts, strict=False)])
    places, normals = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
    return Polygons(places, corners, normals[corners], np.full(len(corners) // 3, 3))


def read_stl(data: bytes) -> Polygons:
    """Triangles of an STL file.

    Raises:
        ValueError: trimesh cannot read it.
    """
    import trimesh

    with _reading():
        mesh = trimesh.load_mesh(io.BytesIO(data), file_type="stl", process=False)
    corners = np.asarray(mesh.faces, np.int64).reshape(-1)
    normals = np.full((len(corners), 3), np.nan)
    return Polygons(np.asarray(mesh.vertices), corners, normals, np.full(len(corners) // 3, 3))


@contextlib.contextmanager
def _reading() -> Generator[None]:
    """Turns whatever a damaged file raises into a ValueError."""
    try:
        yield
    except Exception as error:
        raise ValueError(f"trimesh: {type(error).__name__}: {error}") from None


def _create_resolver(read_beside: Callable[[str], bytes]) -> Resolver:
    from trimesh.resolvers import Resolver

    class Beside(Resolver):
        def __init__(self) -> None:
            pass

        def get(self, key: str) -> bytes:
            return read_beside(key)

        def keys(self) -> list[str]:
            return []

        def namespaced(self, namespace: str) -> Resolver:
            raise NotImplementedError

        def write(self, name: str, data: bytes) -> None:
            raise NotImplementedError

    return Beside()


def _find_primitives_with_normals(data: bytes) -> list[bool]:
    """Of each primitive of triangles, in the order of the file, whether it has normals."""
    text = data
    if data.startswith(b"glTF"):
        text = data[20 : 20 + int.from_bytes(data[12:16], "little")]
    meshes = json.loads(text).get("meshes", [])
    primitives = [primitive for mesh in meshes for primitive in mesh["primitives"]]
    if any(primitive.get("mode") == 6 for primitive in primitives):
        raise ValueError("a triangle fan, which is not audited")
    return ["NORMAL" in p["attributes"] for p in primitives if p.get("mode", 4) in (4, 5)]


def _place(
    mesh: trimesh.Trimesh, to_world: np.ndarray, has_normals: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places (v, 3), normals (v, 3), and corners (3 t,) of a mesh in world space."""
    turn = to_world[:3, :3]
    normals = np.full((len(mesh.vertices), 3), np.nan)
    with np.errstate(all="ignore"):
        places = np.asarray(mesh.vertices) @ turn.T + to_world[:3, 3]
        if has_normals:
            normals = np.asarray(mesh.vertex_normals) @ np.linalg.inv(turn)
            normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        is_mirror = np.linalg.det(turn) < 0
    faces = np.asarray(mesh.faces, np.int64)
    return places, normals, (faces[:, ::-1] if is_mirror else faces).reshape(-1)
