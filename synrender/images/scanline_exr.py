"""Reads and writes Blender's EXR files with only numpy and zlib.

Supports what Blender writes: scan lines, uncompressed or ZIP, float or half values, in one part or
several. The OpenEXR library is not used, because Blender's own Python has none, and because it
prints a line of its own for each damaged chunk.

Source: the OpenEXR project's "OpenEXR File Layout" and, for ZIP, its predictor and interleaving.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from synrender.images.image_files import (
    EXR_MAGIC,
    EXR_MULTIPART_FLAG,
    count_exr_chunks,
    read_exr_headers,
    read_image,
)

_LINES_PER_CHUNK = {0: 1, 2: 1, 3: 16}  # by compression: none, ZIP of one line, ZIP
_ZIP = 3
_ZIP_LEVEL = 4  # as the OpenEXR library
_MAX_RATIO = 1100  # of what zlib can make of a byte
_OTHER_FLAGS = 0xA00  # tiles, deep data
_DTYPES = {0: np.dtype("<u4"), 1: np.dtype("<f2"), 2: np.dtype("<f4")}  # by pixel type number
_TYPE_NUMBERS = {dtype: number for number, dtype in _DTYPES.items()}

Header = dict[bytes, tuple[bytes, bytes]]
"""Attributes of a file: {name: (type, value)}."""


def read_channels(path: Path) -> tuple[Header, dict[str, np.ndarray]]:
    """Reads a file; see `decode_channels`.

    Raises:
        ValueError: the file is damaged, or not of the supported kind.
        OSError: it cannot be read.
    """
    try:
        return decode_channels(read_image(path))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def decode_channels(data: bytes) -> tuple[Header, dict[str, np.ndarray]]:
    """First header and all channels of a file: {name: (h, w)}, top line first.

    Raises:
        ValueError: the file is damaged, or not of the supported kind.
    """
    is_exr = len(data) > 8 and data.startswith(EXR_MAGIC)
    version = struct.unpack_from("<I", data, 4)[0] if is_exr else 0
    if version & 0xFF != 2 or version & _OTHER_FLAGS:
        raise ValueError("not a scan-line EXR file")
    try:
        headers, position = read_exr_headers(data)
        channels: dict[str, np.ndarray] = {}
        for header in headers:
            offsets = struct.unpack_from(f"<{count_exr_chunks(header)}Q", data, position)
            position += 8 * len(offsets)
            if version & EXR_MULTIPART_FLAG:
                offsets = [offset + 4 for offset in offsets]  # after the number of the part
            channels |= _decode_part(data, header, offsets)
    except (struct.error, zlib.error, IndexError, KeyError, OverflowError) as error:
        raise ValueError(f"damaged pixels or header ({error})") from None
    return headers[0], channels


def _decode_part(data: bytes, header: Header, offsets: Sequence[int]) -> dict[str, np.ndarray]:
    compression = header[b"compression"][1][0]
    if compression not in _LINES_PER_CHUNK:
        raise ValueError(f"compression {compression} is not supported")
    types = read_channel_list(header[b"channels"][1])
    x_min, y_min, x_max, y_max = struct.unpack("<4i", header[b"dataWindow"][1])
    width, height = x_max - x_min + 1, y_max - y_min + 1
    line_size = sum(dtype.itemsize for dtype in types.values()) * width
    if not 0 < height * line_size <= _MAX_RATIO * len(data) or width <= 0:
        raise ValueError(f"damaged header: {width} x {height} px in {len(data)} bytes")
    lines = np.empty((height, line_size), np.uint8)
    num_lines = _LINES_PER_CHUNK[compression]
    first_lines = [struct.unpack_from("<i", data, offset)[0] for offset in offsets]
    if first_lines != list(range(y_min, y_max + 1, num_lines)):
        raise ValueError("damaged pixels: not each line once")
    for first_line, offset in zip(range(0, height, num_lines), offsets, strict=True):
        (size,) = struct.unpack_from("<i", data, offset + 4)
        chunk = memoryview(data)[offset + 8 : offset + 8 + size]
        _decode_chunk(chunk, lines[first_line : first_line + num_lines].reshape(-1))
    channels, start = {}, 0
    for name, dtype in types.items():
        end = start + dtype.itemsize * width
        channels[name] = np.ascontiguousarray(lines[:, start:end]).view(dtype)
        start = end
    return channels


def write_channels(path: Path, header: Header, channels: dict[str, np.ndarray]) -> None:
    """Writes channels, {name: (h, w) float32 or float16}, with ZIP and the given header."""
    channels = dict(sorted(channels.items()))
    header = {
        **header,
        b"channels": (b"chlist", _create_channel_list(channels)),
        b"compression": (b"compression", bytes([_ZIP])),
    }
    head = b"".join(
        name + b"\0" + kind + b"\0" + struct.pack("<i", len(value)) + value
        for name, (kind, value) in header.items()
    )
    height = len(next(iter(channels.values())))
    _, y_min, _, _ = struct.unpack("<4i", header[b"dataWindow"][1])
    chunks = []
    for first_line in range(0, height, _LINES_PER_CHUNK[_ZIP]):
        lines = slice(first_line, first_line + _LINES_PER_CHUNK[_ZIP])
        blocks = [
            np.ascontiguousarray(pixels[lines]).view(np.uint8) for pixels in channels.values()
        ]
        raw = np.concatenate(blocks, axis=1).tobytes()
        packed = _zip(raw)
        chunk = packed if len(packed) < len(raw) else raw
        chunks.append(struct.pack("<2i", first_line + y_min, len(chunk)) + chunk)
    # Bit 10 of the version field allows names longer than 31 characters.
    start = EXR_MAGIC + struct.pack("<I", 2 | 0x400) + head + b"\0"
    offsets = np.cumsum([len(start) + 8 * len(chunks), *map(len, chunks)])[:-1]
    path.write_bytes(start + offsets.astype("<u8").tobytes() + b"".join(chunks))


def read_channel_list(value: bytes) -> dict[str, np.dtype]:
    """Types of all channels by name, from the attribute of a header that lists them.

    Raises:
        ValueError, IndexError, KeyError, struct.error: it is damaged, or not of the supported kind.
    """
    types, position = {}, 0
    while value[position]:
        end = value.index(b"\0", position)
        (number,) = struct.unpack_from("<i", value, end + 1)
        if struct.unpack_from("<2i", value, end + 9) != (1, 1):
            raise ValueError("channels of fewer pixels are not supported")
        types[value[position:end].decode()] = _DTYPES[number]
        position = end + 17  # type, linearity, two samplings
    return types


def _create_channel_list(channels: dict[str, np.ndarray]) -> bytes:
    entries = [
        name.encode() + b"\0" + struct.pack("<4i", _TYPE_NUMBERS[pixels.dtype], 0, 1, 1)
        for name, pixels in channels.items()
    ]
    return b"".join(entries) + b"\0"


def _decode_chunk(chunk: memoryview, out: np.ndarray) -> None:
    """Undoes zlib, then the neighbor differences, then the split into even and odd bytes.

    Args:
        chunk: of a file; as long as ``out`` if it is not compressed.
        out: (n,) uint8 that is filled.
    """
    if len(chunk) == len(out):
        out[:] = np.frombuffer(chunk, np.uint8)
        return
    unzip = zlib.decompressobj()
    steps = np.frombuffer(unzip.decompress(chunk, len(out) + 1), np.uint8)
    if len(steps) != len(out) or not unzip.eof:
        raise ValueError(f"damaged pixels: a chunk of {len(steps)} bytes instead of {len(out)}")
    split = np.cumsum(steps, dtype=np.uint8)  # bytes wrap around, as they should
    split[1::2] ^= 128  # each step but the first is 128 too large
    half = (len(out) + 1) // 2
    out[0::2], out[1::2] = split[:half], split[half:]


def _zip(raw: bytes) -> bytes:
    values = np.frombuffer(raw, np.uint8)
    split = np.concatenate([values[0::2], values[1::2]])
    steps = split.copy()
    steps[1:] -= split[:-1]  # bytes wrap around, as they should
    steps[1:] += 128
    return zlib.compress(steps.tobytes(), _ZIP_LEVEL)
