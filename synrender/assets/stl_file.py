"""Reads the triangles of an STL file, binary or text: strictly, and with bounds."""

from __future__ import annotations

import re

import numpy as np

from synrender.assets.mesh import Mesh, drop_repeats, to_double
from synrender.errors import RejectedAsset

MAX_TRIANGLES = 1 << 22

_HEADER_BYTES, _TRIANGLE_BYTES = 84, 50
_TRIANGLE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_VERTEX = re.compile(rb"^[ \t]*vertex[ \t]+(.*)$", re.MULTILINE | re.IGNORECASE)
_LOOP = re.compile(rb"^[ \t]*outer[ \t]+loop", re.MULTILINE | re.IGNORECASE)


def read_stl(data: bytes) -> Mesh:
    """Reads an STL file.

    Its normals are left out: each belongs to a face, and follows from the face's corners.

    Raises:
        RejectedAsset: it is truncated, has no faces, or has a vertex that cannot be read.
    """
    size = int.from_bytes(data[_HEADER_BYTES - 4 : _HEADER_BYTES], "little")
    is_binary = len(data) >= _HEADER_BYTES + _TRIANGLE_BYTES * size and size > 0
    is_text = data.lstrip().lower().startswith(b"solid") and _LOOP.search(data) is not None
    corners = _read_text(data) if is_text and not is_binary else _read_binary(data, size)
    if not len(corners):
        raise RejectedAsset("no faces")
    if len(corners) > 3 * MAX_TRIANGLES:
        raise RejectedAsset(f"more than {MAX_TRIANGLES} triangles")
    if not np.isfinite(corners).all():
        raise RejectedAsset("a vertex that is not finite")
    vertices, idxs = np.unique(corners, axis=0, return_inverse=True)
    idxs = idxs.reshape(-1).astype(np.int32)
    sizes = np.full(len(idxs) // 3, 3, np.int32)
    return drop_repeats(Mesh(vertices, idxs, sizes, np.zeros((len(idxs), 3), np.float32)))


def _read_binary(data: bytes, num: int) -> np.ndarray:
    """Corners of all triangles, (3 n, 3) float64."""
    if len(data) < _HEADER_BYTES:
        raise RejectedAsset(f"truncated: an STL file of {len(data)} bytes")
    if len(data) < _HEADER_BYTES + _TRIANGLE_BYTES * num:
        there = (len(data) - _HEADER_BYTES) // _TRIANGLE_BYTES
        raise RejectedAsset(f"truncated: {there} triangles of {num}")
    if num > MAX_TRIANGLES:
        raise RejectedAsset(f"more than {MAX_TRIANGLES} triangles")
    triangles = np.frombuffer(data, _TRIANGLE, num, _HEADER_BYTES)
    return to_double(triangles["corners"].reshape(-1, 3))


def _read_text(data: bytes) -> np.ndarray:
    """Corners of all triangles, (3 n, 3) float64."""
    if b"endsolid" not in data[-1024:].lower():
        raise RejectedAsset("truncated: the text does not end in endsolid")
    lines = [match[1].split() for match in _VERTEX.finditer(data.replace(b"\r", b"\n"))]
    if len(lines) % 3:
        raise RejectedAsset(f"{len(lines)} corners are no triangles")
    try:
        return np.array([[float(number) for number in line] for line in lines]).reshape(-1, 3)
    except ValueError:
        raise RejectedAsset("a vertex that is not three numbers") from None
