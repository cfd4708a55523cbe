"""A minimal PNG encoder for the demo textures."""

from __future__ import annotations

import struct
import zlib

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
FILTER_UP = 2


def encode_png(image: np.ndarray) -> bytes:
    """(H, W, 3) uint8 sRGB -> the bytes of an 8-bit RGB PNG file.

    Each row is stored as its difference from the row above, which zlib compresses better.
    """
    height, width, _ = image.shape
    rows = image.reshape(height, width * 3)
    above = np.concatenate([np.zeros_like(rows[:1]), rows[:-1]])
    filtered = np.insert(rows - above, 0, FILTER_UP, axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(filtered.tobytes(), 4)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
