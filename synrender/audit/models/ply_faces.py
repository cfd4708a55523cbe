"""Reads the faces of PLY files, with code that the renderer does not use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from synrender.audit.models.polygons import Polygons
from synrender.audit.models.texture import srgb_to_linear

_TYPES = {
    "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4",
    "float": "f4", "double": "f8", "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2",
    "int32": "i4", "uint32": "u4", "float32": "f4", "float64": "f8",
}  # fmt: skip
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
MAX_CORNERS = 1000
"""Of one face, as for OBJ files."""
_RGB = ("red", "green", "blue")
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


def read_ply(data: bytes) -> tuple[Polygons, np.ndarray]:
    """Faces in a file's content, and the colors at their corners.

    Returns:
        The faces; (c, 3) scene-linear RGB of each corner, 1 where the file has none.

    Raises:
        ValueError: it is not PLY, ends early, or a face names a vertex that is not there.
    """
    order, elements, body = _read_header(data)
    numbers = _Numbers(body, order)
    places, normals, colors, faces = None, None, None, ()
    for element in elements:
        columns = _read_element(element, numbers)
        if element.name == "vertex" and {*"xyz"} <= {*columns}:
            places = np.stack([np.ravel(columns[axis]) for axis in "xyz"], axis=1)
            normals = np.full_like(places, np.nan)
            if {"nx", "ny", "nz"} <= {*columns}:
                normals = np.stack([np.ravel(columns["n" + axis]) for axis in "xyz"], axis=1)
            colors = _find_colors(element, columns)
        elif element.name == "face":
            faces = next((columns[name] for name in _FACE_LISTS if name in columns), ())
    faces = [face for face in faces if len(face) >= 3]  # lines and points are no faces
    if places is None or normals is None or colors is None or not faces:
        raise ValueError("no faces")
    corners = np.concatenate(faces).astype(np.float64)
    if not ((corners >= 0) & (corners < len(places))).all():
        raise ValueError("a face names a vertex that is not there")
    sizes = np.array([len(face) for face in faces], np.int64)
    corners = corners.astype(np.int64)
    with np.errstate(all="ignore"):
        normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    return Polygons(places, corners, normals[corners], sizes), colors[corners]


def _find_colors(
    element: _Element, columns: Mapping[str, np.ndarray | Sequence[np.ndarray]]
) -> np.ndarray:
    """Scene-linear RGB of each vertex, (v, 3), from sRGB; 1 where the file has none."""
    if not {*_RGB} <= {*columns}:
        return np.ones((element.num_rows, 3))
    dtype = np.dtype(next(p.dtype for p in element.properties if p.name == "red"))
    white = 1 if dtype.kind == "f" else np.iinfo(dtype).max
    srgb = np.stack([np.ravel(columns[name]) for name in _RGB], axis=1) / white
    return srgb_to_linear(np.clip(np.nan_to_num(srgb), 0, 1))


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
