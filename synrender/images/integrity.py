"""Finds truncated image files by their structure, without decoding the pixels.

Uses nothing that Blender's own Python lacks, so that it can check its files there.
"""

from __future__ import annotations

import struct
import zlib

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
EXR_MAGIC = b"v/1\x01"
JPEG_MAGIC = b"\xff\xd8\xff"

PNG_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Bit depths that the PNG format allows for each colour type."""

EXR_MULTIPART_FLAG = 0x1000


def find_damage(data: bytes) -> str | None:
    """Says what is wrong with the content of a PNG, EXR or JPEG file; None if nothing is.

    Checks for PNG: a valid header, every chunk's checksum, and the end chunk. For EXR: the last
    chunk of the offset table ends within the file. For JPEG: an end marker after the last scan,
    because decoders silently fill missing pixels with grey. Other formats are not checked. Does not
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
