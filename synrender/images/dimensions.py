"""Size of an image as its header says, before anything decodes it. Uses the standard library only.

A header of a few bytes can ask for gigabytes. Formats whose header is not read here are refused.
"""

from __future__ import annotations

import struct

from synrender.images.integrity import (
    EXR_MAGIC,
    JPEG_MAGIC,
    PNG_SIGNATURE,
    read_exr_header,
)

MAX_PIXELS = 1 << 26
"""8192 x 8192 px. Decoded it takes 0.3 GB with 8 bits a channel, 1 GB with more."""

MAX_JPEG_SCANS = 200
"""A progressive JPEG has about ten; decoding time is pixels times scans."""

_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})


def find_excess(data: bytes) -> str | None:
    """Why an image file must not be decoded; None if it may be.

    Knows PNG, JPEG, BMP, WebP and EXR.
    """
    size = read_size(data)
    if size is None:
        return "not an image of a readable size (PNG, JPEG, BMP, WebP or EXR)"
    width, height = size
    if width <= 0 or height <= 0 or width * height > MAX_PIXELS:
        return f"{width} x {height} px: must be 1 to {MAX_PIXELS} px in all"
    if data.startswith(JPEG_MAGIC) and data.count(b"\xff\xda") > MAX_JPEG_SCANS:
        return f"JPEG of more than {MAX_JPEG_SCANS} scans"
    return None


def read_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in px, as the beginning of an image file says; None: it does not."""
    try:
        return _read_size(data)
    except (struct.error, IndexError, ValueError, KeyError):
        return None


def _read_size(data: bytes) -> tuple[int, int]:
    if data.startswith(PNG_SIGNATURE):
        return struct.unpack_from(">II", data, 16)
    if data.startswith(JPEG_MAGIC):
        return _read_jpeg_size(data)
    if data.startswith(b"BM"):
        width, height = struct.unpack_from("<ii", data, 18)
        return width, abs(height)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _read_webp_size(data)
    if data.startswith(EXR_MAGIC):
        attributes, _ = read_exr_header(data, 8)
        left, top, right, bottom = struct.unpack("<4i", attributes[b"dataWindow"][1])
        return right - left + 1, bottom - top + 1
    raise ValueError("unknown format")


def _read_jpeg_size(data: bytes) -> tuple[int, int]:
    """Of the first frame. Source: ITU-T T.81, B.1.1.2 for markers and B.2.2 for the frame."""
    position = 2
    while True:
        position = data.index(b"\xff", position)
        while data[position] == 0xFF:  # may be repeated to fill space
            position += 1
        marker = data[position]
        position += 1
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, position + 3)
            return width, height
        if marker and marker not in _JPEG_WITHOUT_LENGTH:
            (length,) = struct.unpack_from(">H", data, position)
            position += length


def _read_webp_size(data: bytes) -> tuple[int, int]:
    """Source: RFC 9649, sections 2.5 to 2.7."""
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[k : k + 3], "little") + 1 for k in (24, 27))
        return width, height
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF
