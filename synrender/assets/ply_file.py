"""Reads the polygons of a PLY file, text or binary: strictly, and with bounds."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

import numpy as np

from synrender.assets.material import Look
from synrender.assets.mesh import Mesh, drop_repeats, to_double
from synrender.assets.obj_file import MAX_CORNERS
from synrender.errors import RejectedAsset, shorten
from synrender.images.conversions import srgb_to_linear

MAX_ELEMENTS = 1 << 22
MAX_HEADER_BYTES = 1 << 16

_TYPES = {
    **dict.fromkeys(("char", "int8"), "i1"),
    **dict.fromkeys(("uchar", "uint8"), "u1"),
    **dict.fromkeys(("short", "int16"), "i2"),
    **dict.fromkeys(("ushort", "uint16"), "u2"),
    **dict.fromkeys(("int", "int32"), "i4"),
    **dict.fromkeys(("uint", "uint32"), "u4"),
    **dict.fromkeys(("float", "float32"), "f4"),
    **dict.fromkeys(("double", "float64"), "f8"),
}
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_HEADER = re.compile(rb"\Aply[ \t]*\r?\n.*?^end_header[ \t]*\r?\n", re.DOTALL | re.MULTILINE)
_BLOCK_ROWS = 1 << 16
"""Lines of a text file that are held as words at once."""

_FACE_LISTS = ("vertex_indices", "vertex_index")


@dataclass(frozen=True)
class _Property:
    """A value, or a list of values, of each element."""

    name: str
    dtype: str  # of numpy, without the order of bytes
    count_dtype: str | None  # of the length of a list; None: a single value


@dataclass(frozen=True)
class _Element:
    """A table of the file."""

    name: str
    count: int
    properties: tuple[_Property, ...]

    def find(self, *names: str) -> int:
        """Position of the first property of one of these names; -1 if there is none."""
        found = [k for k, p in enumerate(self.properties) if p.name in names]
        return found[0] if found else -1


@dataclass(frozen=True)
class _Column:
    """The values of a property, element after element."""

    values: np.ndarray  # (sum of lengths,)
    lengths: np.ndarray  # (count,) int32; 1 where a property is a single value


def read_ply(data: bytes, has_look: bool = False) -> Mesh:
    """Reads a PLY file, and the sRGB colors of its vertices if asked for; their alpha is left out.

    Raises:
        RejectedAsset: it is not PLY, is truncated, has no faces, or a face or vertex that cannot be
            read.
    """
    order, elements, start = _read_header(data)
    reader = _BinaryReader(data[start:], order) if order else _TextReader(data[start:])
    tables = {element.name: (element, reader.read(element)) for element in elements}
    if "vertex" not in tables or "face" not in tables or not tables["face"][0].count:
        raise RejectedAsset("no faces")
    vertices, normals = _to_vertices(*tables["vertex"])
    corners, sizes = _to_faces(*tables["face"])
    if corners.min() < 0 or corners.max() >= len(vertices):
        raise RejectedAsset(f"a face beyond the {len(vertices)} vertices")
    idxs = corners.astype(np.int32)
    look = None
    if has_look:
        colors = _to_colors(*tables["vertex"])
        plain = np.zeros(len(sizes), np.int32)
        look = Look(plain, colors=None if colors is None else colors[idxs])
    return drop_repeats(Mesh(vertices, idxs, sizes, normals[idxs], look))


def _read_header(data: bytes) -> tuple[str, list[_Element], int]:
    """Order of bytes (empty: text), the tables, and where they begin."""
    match = _HEADER.match(data[:MAX_HEADER_BYTES])
    if not match:
        raise RejectedAsset("not PLY: it has no header")
    order, elements = None, []
    for line in match[0].decode("ascii", "replace").splitlines()[1:-1]:
        words = line.split()
        kind = words[0] if words else "comment"
        if kind == "format" and len(words) == 3:
            order = _ORDERS.get(words[1])
        elif kind == "element" and len(words) == 3 and words[2].isdecimal():
            count = int(words[2][:12])
            if count > MAX_ELEMENTS:
                raise RejectedAsset(f"more than {MAX_ELEMENTS} elements")
            elements.append(_Element(words[1], count, ()))
        elif kind == "property" and elements:
            last = elements.pop()
            known = (*last.properties, _read_property(words))
            elements.append(_Element(last.name, last.count, known))
        elif kind not in ("comment", "obj_info"):
            raise RejectedAsset(f"PLY header: {shorten(line)!r} cannot be read")
    if order is None:
        raise RejectedAsset("PLY header: it has no format that is known")
    return order, elements, match.end()


def _read_property(words: list[str]) -> _Property:
    is_list = len(words) == 5 and words[1] == "list"
    types = words[2:4] if is_list else words[1:2]
    if not (is_list or len(words) == 3) or not all(name in _TYPES for name in types):
        raise RejectedAsset(f"PLY header: {shorten(' '.join(words))!r} cannot be read")
    count_dtype = _TYPES[types[0]] if is_list else None
    if count_dtype and count_dtype.startswith("f"):
        raise RejectedAsset("PLY header: the length of a list must be an integer")
    return _Property(words[-1], _TYPES[types[-1]], count_dtype)


# --- tables ---------------------------------------------------------------------------------------


class _TextReader:
    """Reads tables of a text file, one after the other."""

    def __init__(self, data: bytes) -> None:
        lines = data.replace(b"\r\n", b"\n").split(b"\n")
        self._lines = (line.split() for line in lines if line.strip())

    def read(self, element: _Element) -> list[_Column]:
        if not element.count or not element.properties:
            return _join_rows([], element)
        blocks = [
            self._read_block(element, min(_BLOCK_ROWS, element.count - start))
            for start in range(0, element.count, _BLOCK_ROWS)
        ]
        return [
            _Column(
                np.concatenate([column.values for column in columns]),
                np.concatenate([column.lengths for column in columns]),
            )
            for columns in zip(*blocks, strict=True)
        ]

    def _read_block(self, element: _Element, num_rows: int) -> list[_Column]:
        rows = list(itertools.islice(self._lines, num_rows))
        if len(rows) == num_rows and (columns := _read_equal_rows(element, rows)):
            return columns
        rows += [[]] * (len(rows) < num_rows)
        return _join_rows([_read_row(element, words) for words in rows], element)


def _read_equal_rows(element: _Element, rows: list[list[bytes]]) -> list[_Column] | None:
    """Reads rows whose lists are all as long as those of the first one; else None."""
    lengths = [len(values) for values in _read_row(element, rows[0])]
    width = sum(lengths) + sum(p.count_dtype is not None for p in element.properties)
    if set(map(len, rows)) != {width}:
        return None
    try:
        numbers = np.fromiter(map(float, itertools.chain(*rows)), float).reshape(-1, width)
    except ValueError:
        return None
    columns, start = [], 0
    for p, length in zip(element.properties, lengths, strict=True):
        if p.count_dtype:
            if (numbers[:, start] != length).any():
                return None
            start += 1
        values = numbers[:, start : start + length].reshape(-1)
        columns.append(_Column(values, np.full(len(rows), length, np.int32)))
        start += length
    return columns


def _read_row(element: _Element, words: list[bytes]) -> list[np.ndarray]:
    try:
        numbers = np.array([float(word) for word in words])
    except ValueError:
        line = shorten(b" ".join(words).decode("ascii", "replace"))
        raise RejectedAsset(f"{element.name}: {line!r} are no numbers") from None
    row, start = [], 0
    for p in element.properties:
        length = 1
        if p.count_dtype:
            length = _to_length(numbers[start] if start < len(numbers) else 0)
            start += 1
        row.append(numbers[start : start + length])
        start += length
    if start > len(numbers):
        raise _truncated(element)
    return row


class _BinaryReader:
    """Reads tables of a binary file, one after the other."""

    def __init__(self, data: bytes, order: str) -> None:
        self._data, self._start, self._order = data, 0, order

    def read(self, element: _Element) -> list[_Column]:
        if not element.count or not element.properties:
            return _join_rows([], element)
        start = self._start
        lengths = [len(values) for values in self._read_row(element)]
        self._start = start
        return self._read_equal(element, lengths) or _join_rows(
            [self._read_row(element) for _ in range(element.count)], element
        )

    def _read_equal(self, element: _Element, lengths: list[int]) -> list[_Column] | None:
        """Reads a table whose lists are all as long as those of its first row; else None."""
        fields = []
        for k, (p, length) in enumerate(zip(element.properties, lengths, strict=True)):
            if p.count_dtype:
                fields.append((f"count {k}", self._order + p.count_dtype))
            fields.append((str(k), self._order + p.dtype, (length,)))
        dtype = np.dtype(fields)
        if self._start + dtype.itemsize * element.count > len(self._data):
            if any(p.count_dtype for p in element.properties):
                return None
            raise _truncated(element)
        table = np.frombuffer(self._data, dtype, element.count, self._start)
        for k, (p, length) in enumerate(zip(element.properties, lengths, strict=True)):
            if p.count_dtype and (table[f"count {k}"] != length).any():
                return None
        self._start += dtype.itemsize * element.count
        return [
            _Column(table[str(k)].reshape(-1), np.full(element.count, length, np.int32))
            for k, length in enumerate(lengths)
        ]

    def _read_row(self, element: _Element) -> list[np.ndarray]:
        row = []
        for p in element.properties:
            length = 1
            if p.count_dtype:
                length = _to_length(self._take(p.count_dtype, 1, element)[0])
            row.append(self._take(p.dtype, length, element))
        return row

    def _take(self, name: str, count: int, element: _Element) -> np.ndarray:
        dtype = np.dtype(self._order + name)
        end = self._start + dtype.itemsize * count
        if end > len(self._data):
            raise _truncated(element)
        values = np.frombuffer(self._data[self._start : end], dtype)
        self._start = end
        return values


def _join_rows(rows: list[list[np.ndarray]], element: _Element) -> list[_Column]:
    columns = zip(*rows, strict=True) if rows else [()] * len(element.properties)
    return [
        _Column(
            np.concatenate(values) if values else np.zeros(0),
            np.array([len(v) for v in values], np.int32),
        )
        for values in columns
    ]


def _truncated(element: _Element) -> RejectedAsset:
    return RejectedAsset(f"truncated: ends within the {element.name} table")


def _to_length(value: float) -> int:
    if not 0 <= value <= MAX_CORNERS or value != int(value):
        raise RejectedAsset(f"a list of {value:g} values: at most {MAX_CORNERS} are read")
    return int(value)


# --- vertices and faces ---------------------------------------------------------------------------


def _to_vertices(element: _Element, columns: list[_Column]) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (v, 3) float64 and their unit normals (v, 3) float32, 0 where there are none."""
    vertices = _stack(element, columns, "x", "y", "z")
    if vertices is None:
        raise RejectedAsset("vertices without x, y and z")
    if not np.isfinite(vertices).all():
        raise RejectedAsset("a vertex that is not finite")
    normals = _stack(element, columns, "nx", "ny", "nz")
    if normals is None:
        return vertices, np.zeros((len(vertices), 3), np.float32)
    with np.errstate(all="ignore"):
        normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    is_usable = np.isfinite(normals).all(axis=1, keepdims=True)
    return vertices, np.where(is_usable, normals, 0).astype(np.float32)


def _to_colors(element: _Element, columns: list[_Column]) -> np.ndarray | None:
    """Scene-linear colors of the vertices and an alpha of 1, (v, 4) float32; None: it has none."""
    srgb = _stack(element, columns, "red", "green", "blue")
    if srgb is None:
        return None
    dtype = np.dtype(element.properties[element.find("red")].dtype)
    white = 1.0 if dtype.kind == "f" else np.iinfo(dtype).max
    with np.errstate(invalid="ignore"):
        rgb = srgb_to_linear(np.clip(np.nan_to_num(srgb) / white, 0, 1))
    return np.concatenate([rgb, np.ones((len(rgb), 1))], axis=1).astype(np.float32)


def _stack(element: _Element, columns: list[_Column], *names: str) -> np.ndarray | None:
    """Single values of some names, (count, names) float64; None if one is not there."""
    places = [element.find(name) for name in names]
    if min(places) < 0 or any(element.properties[place].count_dtype for place in places):
        return None
    return np.stack([to_double(columns[place].values) for place in places], axis=1)


def _to_faces(element: _Element, columns: list[_Column]) -> tuple[np.ndarray, np.ndarray]:
    """Vertex of each corner (c,) int64, and the number of corners of each face (f,) int32."""
    place = element.find(*_FACE_LISTS)
    if place < 0 or not element.properties[place].count_dtype:
        raise RejectedAsset("faces without the list vertex_indices")
    corners, sizes = columns[place].values, columns[place].lengths
    if sizes.min() < 3:
        raise RejectedAsset(f"a face of {sizes.min()} corners")
    with np.errstate(invalid="ignore"):
        if (corners != np.floor(corners)).any() or np.abs(corners).max() > 2 * MAX_ELEMENTS:
            raise RejectedAsset("a face with a corner that is no index of a vertex")
    return corners.astype(np.int64), sizes
