"""Reads image files of any origin: finds their size and damage before anything decodes them.

Uses nothing that Blender's own Python lacks, so that it can check its files there.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from synrender.system.files import read_bounded_file

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
EXR_MAGIC = b"v/1\x01"
JPEG_MAGIC = b"\xff\xd8\xff"

PNG_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Bit depths that the PNG format allows for each color type."""

EXR_MULTIPART_FLAG = 0x1000


def find_damage(data: bytes) -> str | None:
    """Says what is wrong with the content of a PNG, EXR or JPEG file; None if nothing is.

    Checks for PNG: a valid header, every chunk's checksum, and the end chunk. For EXR: the last
    chunk of the offset table ends within the file. For JPEG: an end marker after the last scan,
    because decoders silently fill missing pixels with gray. Other formats are not checked. Does not
    check whether the pixels can be decoded.
    """
    if not data:
        return "empty file"
    try:
        if data[:8] == PNG_SIGNATURE[: len(data)]:
            return _find_png_damage(data)
        if data[:4] == EXR_MAGIC[: len(data)]:
            return _find_exr_damage(data)
        if data[:3] == JPEG_MAGIC[: len(data)]:
            return _find_jpeg_damage(data)
    except (struct.error, IndexError, ValueError, KeyError):
        return "truncated"
    return None


def _find_png_damage(data: bytes) -> str | None:
    """Checks a PNG file. Source: PNG specification, third edition, 11.2.1 for the header."""
    width, height, depth, kind, *methods = struct.unpack_from(">8xIIBB3B", data, len(PNG_SIGNATURE))
    if not (width and height) or depth not in PNG_DEPTHS.get(kind, ()) or methods[:2] != [0, 0]:
        return "PNG with a header that the format does not allow"
    start = len(PNG_SIGNATURE)
    while start < len(data):
        length, kind = struct.unpack_from(">I4s", data, start)
        end = start + 8 + length
        (checksum,) = struct.unpack_from(">I", data, end)
        if zlib.crc32(data[start + 4 : end]) != checksum:
            return "PNG chunk with a wrong checksum"
        if kind == b"IEND":
            return None
        start = end + 4
    return "truncated PNG"


def _find_jpeg_damage(data: bytes) -> str | None:
    """Checks a JPEG file. ITU-T T.81, annex B: FF DA starts a scan, FF D9 ends the image."""
    return None if data.rfind(b"\xff\xda") < data.rfind(b"\xff\xd9") else "truncated JPEG"


def _find_exr_damage(data: bytes) -> str | None:
    """Checks header, offset table and chunks. Source: OpenEXR file layout."""
    (version,) = struct.unpack_from("<I", data, 4)
    is_multipart = bool(version & EXR_MULTIPART_FLAG)
    headers, position = read_exr_headers(data)
    num_chunks = sum(map(count_exr_chunks, headers))
    offsets = struct.unpack_from(f"<{num_chunks}Q", data, position)
    last = max(offsets)
    if min(offsets) < position:
        return "EXR with an unfinished offset table"
    if last > len(data):  # a place may be beyond what can be reckoned with
        return "truncated EXR"
    size_at = last + (8 if is_multipart else 4)  # after the part number and the line number
    (size,) = struct.unpack_from("<I", data, size_at)
    return None if size_at + 4 + size <= len(data) else "truncated EXR"


def read_exr_headers(data: bytes) -> tuple[list[dict[bytes, tuple[bytes, bytes]]], int]:
    """Headers of all parts of an EXR file, and the position after them."""
    (version,) = struct.unpack_from("<I", data, 4)
    header, position = read_exr_header(data, 8)
    headers = [header]
    while version & EXR_MULTIPART_FLAG:
        header, position = read_exr_header(data, position)
        if not header:
            break
        headers.append(header)
    return headers, position


def read_exr_header(data: bytes, position: int) -> tuple[dict[bytes, tuple[bytes, bytes]], int]:
    """Attributes ``{name: (type, value)}`` of an EXR header, and the position after it."""
    attributes = {}
    while data[position] != 0:
        name_end = data.index(b"\0", position)
        kind_end = data.index(b"\0", name_end + 1)
        (size,) = struct.unpack_from("<I", data, kind_end + 1)
        value_start = kind_end + 5
        value = data[value_start : value_start + size]
        attributes[data[position:name_end]] = (data[name_end + 1 : kind_end], value)
        position = value_start + size
    return attributes, position + 1


def count_exr_chunks(attributes: dict[bytes, tuple[bytes, bytes]]) -> int:
    """Number of chunks of a scan-line file, from its header."""
    if b"chunkCount" in attributes:
        return struct.unpack("<i", attributes[b"chunkCount"][1])[0]
    lines_per_chunk = {0: 1, 1: 1, 2: 1, 3: 16, 4: 32, 5: 16, 6: 32, 7: 32, 8: 32, 9: 256}
    _, y_min, _, y_max = struct.unpack("<4i", attributes[b"dataWindow"][1])
    compression = attributes[b"compression"][1][0]
    return -(-(y_max - y_min + 1) // lines_per_chunk[compression])


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
    """Size of the first frame. Source: ITU-T T.81, B.1.1.2 for markers, B.2.2 for the frame."""
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


MAX_SIDE_PX = 16_384
"""Side of the largest image that can be rendered."""

MAX_EXR_BYTES_PER_PX = 1200
"""255 masks of whole objects and some 30 other channels, of 4 bytes each."""

MAX_BYTES_PER_PX = 9
"""The same for other kinds: 4 channels of 16 bits, which no encoder makes longer by a tenth."""

MAX_OTHER_BYTES = 1 << 24
"""Room for everything besides pixels, such as the header, texts and color profiles."""

MAX_UNKNOWN_BYTES = 1 << 28
"""Limit for a file whose size in px is unknown, because it is damaged or of another kind."""


def read_image(path: Path, side_px: int | None = None) -> bytes:
    """Content of an image file; one that is too large is refused before it takes memory.

    Args:
        path: of the file.
        side_px: side that the square image must have; None: any.

    Raises:
        ValueError: it is no regular file, too large for its image, or of another size.
        Hindrance: this process cannot read it, which is no fault of the file.
        OSError: it is missing, or its disk cannot read it.
    """

    def find_max_bytes(head: bytes) -> int:
        width, height = read_size(head) or (0, 0)
        if side_px and (width, height) not in ((0, 0), (side_px, side_px)):
            raise ValueError(f"{width} x {height} px, must be {side_px} x {side_px}")
        if max(width, height) > MAX_SIDE_PX:
            raise ValueError(f"{width} x {height} px, at most {MAX_SIDE_PX} a side are allowed")
        if not (width and height):
            return MAX_UNKNOWN_BYTES
        is_exr = head.startswith(EXR_MAGIC)
        per_px = MAX_EXR_BYTES_PER_PX if is_exr else MAX_BYTES_PER_PX
        return width * height * per_px + MAX_OTHER_BYTES

    return read_bounded_file(path, find_max_bytes)


def find_image_damage(path: Path) -> str | None:
    """Says what is wrong with a PNG, EXR or JPEG file; None if nothing is.

    Checks what `read_image` refuses and what `find_damage` finds. Other formats are not checked.
    Does not check whether the pixels can be decoded.
    """
    try:
        return find_damage(read_image(path))
    except OSError as error:
        return error.strerror or "cannot be read"
    except ValueError as error:
        return str(error)


def is_whole_image(path: Path) -> bool:
    """Whether a file is a PNG or EXR (by its magic number) and not truncated."""
    try:
        data = read_image(path)
    except (OSError, ValueError):
        return False
    return data.startswith((PNG_SIGNATURE, EXR_MAGIC)) and find_damage(data) is None
