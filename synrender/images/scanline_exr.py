"""Reads and writes Blender's single-part EXR files with only numpy and zlib.

Blender's own Python has no OpenEXR library. Supports only what Blender writes: scan lines,
uncompressed or ZIP, float or half values. On the host, `synrender.images.exr` uses OpenEXR.

Source: the OpenEXR project's "OpenEXR File Layout" and, for ZIP, its predictor and interleaving.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np

from synrender.images.image_files import read_image
from synrender.images.integrity import EXR_MAGIC, count_exr_chunks, read_exr_header

_LINES_PER_CHUNK = {0: 1, 3: 16}  # by compression: none, ZIP
_ZIP = 3
_ZIP_LEVEL = 4  # as the OpenEXR library
_DTYPES = {0: np.dtype("<u4"), 1: np.dtype("<f2"), 2: np.dtype("<f4")}  # by pixel type number
_TYPE_NUMBERS = {dtype: number for number, dtype in _DTYPES.items()}

Header = dict[bytes, tuple[bytes, bytes]]
"""Attributes of a file: {name: (type, value)}."""


def read_channels(path: Path) -> tuple[Header, dict[str, np.ndarray]]:
    """Reads header and channels of a file: {name: (h, w)}, top line first.

    Raises:
        ValueError: the file is not of the supported kind.
    """
    data = read_image(path)
    version = struct.unpack_from("<I", data, 4)[0] if data[:4] == EXR_MAGIC else None
    if version is None or version & 0xFF != 2 or version & 0x1A00:
        raise ValueError(f"{path}: not a scan-line EXR file of one part")
    header, position = read_exr_header(data, 8)
    compression = header[b"compression"][1][0]
    if compression not in _LINES_PER_CHUNK:
        raise ValueError(f"{path}: compression {compression} is not supported")
    types = _read_channel_list(header[b"channels"][1])
    x_min, y_min, x_max, y_max = struct.unpack("<4i", header[b"dataWindow"][1])
    width, height = x_max - x_min + 1, y_max - y_min + 1
    channels = {name: np.empty((height, width), dtype) for name, dtype in types.items()}
    line_size = sum(dtype.itemsize for dtype in types.values()) * width
    offsets = struct.unpack_from(f"<{count_exr_chunks(header)}Q", data, position)
    for offset in offsets:
        first_line, size = struct.unpack_from("<2i", data, offset)
        first_line -= y_min
        num_lines = min(_LINES_PER_CHUNK[compression], height - first_line)
        chunk = data[offset + 8 : offset + 8 + size]
        if size < num_lines * line_size:
            chunk = _unzip(chunk)
        lines = np.frombuffer(chunk, np.uint8).reshape(num_lines, line_size)
        start = 0
        for name, dtype in types.items():
            end = start + dtype.itemsize * width
            block = np.ascontiguousarray(lines[:, start:end]).view(dtype)
            channels[name][first_line : first_line + num_lines] = block
            start = end
    return header, channels


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


def _read_channel_list(value: bytes) -> dict[str, np.dtype]:
    types, position = {}, 0
    while value[position]:
        end = value.index(b"\0", position)
        (number,) = struct.unpack_from("<i", value, end + 1)
        types[value[position:end].decode()] = _DTYPES[number]
        position = end + 17  # type, linearity, two samplings
    return types


def _create_channel_list(channels: dict[str, np.ndarray]) -> bytes:
    entries = [
        name.encode() + b"\0" + struct.pack("<4i", _TYPE_NUMBERS[pixels.dtype], 0, 1, 1)
        for name, pixels in channels.items()
    ]
    return b"".join(entries) + b"\0"


def _unzip(packed: bytes) -> bytes:
    """Undoes zlib, then the neighbour differences, then the split into even and odd bytes."""
    steps = np.frombuffer(zlib.decompress(packed), np.uint8).astype(np.int64)
    steps[1:] -= 128
    split = (np.cumsum(steps) & 255).astype(np.uint8)
    raw = np.empty_like(split)
    half = (len(split) + 1) // 2
    raw[0::2], raw[1::2] = split[:half], split[half:]
    return raw.tobytes()


def _zip(raw: bytes) -> bytes:
    values = np.frombuffer(raw, np.uint8)
    split = np.concatenate([values[0::2], values[1::2]])
    steps = split.copy()
    steps[1:] -= split[:-1]  # bytes wrap around, as they should
    steps[1:] += 128
    return zlib.compress(steps.tobytes(), _ZIP_LEVEL)
