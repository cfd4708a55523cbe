"""Reads the faces of an OBJ file, one line after the other; shares nothing with the renderer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from synrender.audit.rays.polygons import Polygons

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
