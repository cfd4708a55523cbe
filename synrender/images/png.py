"""A minimal PNG encoder, also for 16-bit RGB, which Pillow cannot write."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from synrender.images.integrity import PNG_SIGNATURE

FILTER_UP = 2
GREY, RGB = 0, 2  # PNG's numbers of the colour types


def encode_png(image: np.ndarray) -> bytes:
    """(h, w, 3) or (h, w), uint8 or uint16 -> the bytes of an RGB or grey PNG of 8 or 16 bits.

    Each row is stored as its difference from the row above, which zlib compresses better.
    """
    height, width = image.shape[:2]
    kind, bits = RGB if image.ndim == 3 else GREY, 8 * image.dtype.itemsize
    rows = np.ascontiguousarray(image, image.dtype.newbyteorder(">")).view(np.uint8)
    rows = rows.reshape(height, -1)
    above = np.concatenate([np.zeros_like(rows[:1]), rows[:-1]])
    filtered = np.insert(rows - above, 0, FILTER_UP, axis=1)
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    data = zlib.compress(filtered.tobytes(), 4)
    return PNG_SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
