"""Reads and writes Radiance's RGBE images, which end in .hdr: strictly, and with bounds.

A pixel is three mantissas and a common exponent, a byte each. Lines are stored as they are, with
the run lengths of old (repeated pixels), or with those of today (a line for each of the four
bytes). Source: the file formats in Radiance's manual, "ray/doc/filefmts.pdf", and its
"src/common/color.c".
"""

from __future__ import annotations

import re

import numpy as np

MAGIC = (b"#?RADIANCE", b"#?RGBE")
MAX_PIXELS = 1 << 25
"""8192 x 4096 px."""

MAX_HEADER_BYTES = 1 << 16
_FORMAT = b"32-bit_rle_rgbe"
_SIZE = re.compile(rb"-Y +(\d{1,6}) +\+X +(\d{1,6})")
_MIN_WIDTH, _MAX_WIDTH = 8, 0x7FFF
"""Of lines that can have the run lengths of today."""

_BIAS = 136  # an exponent of 128 is 2^0 for mantissas of 0 to 1, which are stored times 256
_LONGEST_RUN, _LONGEST_REST = 127, 128
_SHORTEST_RUN = 4  # a run takes two bytes, and splits what else is one literal


def decode_radiance(data: bytes) -> np.ndarray:
    """Reads an image; a line of the header that says EXPOSURE is not heeded, as in Blender.

    Returns:
        (h, w, 3) float32, scene-linear RGB, 0 or more, top line first.

    Raises:
        ValueError: as `decode_rgbe`.
    """
    rgbe = decode_rgbe(data)
    scale = np.ldexp(np.float32(1), rgbe[..., 3:].astype(np.int32) - _BIAS)
    return np.where(rgbe[..., 3:] > 0, rgbe[..., :3] * scale, np.float32(0))


def decode_rgbe(data: bytes) -> np.ndarray:
    """Reads the bytes of an image's pixels.

    Returns:
        (h, w, 4) uint8: mantissas of red, green and blue, and the exponent; top line first.

    Raises:
        ValueError: it is no such image, is larger than `MAX_PIXELS`, or holds less or more than its
            header says.
    """
    height, width, position = _read_header(data)
    # All lines if nothing is repeated, and as much again as no encoder wastes.
    if len(data) - position > 4 * height * width * 65 // 64 + 64 * height:
        raise ValueError(f"{len(data)} bytes are too many for {width} x {height} px")
    rgbe = np.empty((height, width, 4), np.uint8)
    has_runs = _MIN_WIDTH <= width <= _MAX_WIDTH
    mark = bytes((2, 2, width >> 8, width & 255)) if has_runs else b""
    for line in rgbe:
        if has_runs and data.startswith(mark, position):
            position = _read_line(data, position + len(mark), line)
        else:
            position = _read_old_line(data, position, line)
    return rgbe


def _read_header(data: bytes) -> tuple[int, int, int]:
    """Height and width, and where the pixels begin."""
    if not data.startswith(MAGIC):
        raise ValueError("not a Radiance image (.hdr)")
    head, blank, _ = data[:MAX_HEADER_BYTES].partition(b"\n\n")
    if not blank:
        raise ValueError("truncated: ends within its header")
    lines = head.split(b"\n")
    formats = [line[7:].strip() for line in lines if line.startswith(b"FORMAT=")]
    if any(name != _FORMAT for name in formats):
        raise ValueError("a Radiance image of another format than 32-bit_rle_rgbe")
    start = len(head) + len(blank)
    end = data.find(b"\n", start, start + 64)
    size = _SIZE.fullmatch(data[start:end]) if end > 0 else None
    if size is None:
        raise ValueError("no size such as -Y 1024 +X 2048, lines from the top and pixels from left")
    height, width = map(int, size.groups())
    if not 0 < height * width <= MAX_PIXELS:
        raise ValueError(f"{width} x {height} px: must be 1 to {MAX_PIXELS} px in all")
    return height, width, end + 1


def _read_line(data: bytes, position: int, line: np.ndarray) -> int:
    """Fills a line, (w, 4), from the run lengths of today; returns where the next one begins."""
    width = len(line)
    for channel in range(4):
        parts, num = [], 0
        while num < width:
            if position + 1 >= len(data):
                raise ValueError("truncated")
            count = data[position]
            if count > 128:
                count -= 128
                parts.append(data[position + 1 : position + 2] * count)
                position += 2
            elif count:
                parts.append(data[position + 1 : position + 1 + count])
                position += 1 + count
            else:
                raise ValueError("damaged: a run of no pixels")
            num += count
        values = b"".join(parts)
        if len(values) < num:
            raise ValueError("truncated")
        if num > width:
            raise ValueError("damaged: a run beyond its line")
        line[:, channel] = np.frombuffer(values, np.uint8)
    return position


def _read_old_line(data: bytes, position: int, line: np.ndarray) -> int:
    """Fills a line, (w, 4), of pixels; (1, 1, 1, n) repeats the one before n times.

    Of several such in a row the second counts 256 times as much, and so on.
    """
    num_stored = min(len(line), (len(data) - position) // 4)
    stored = np.frombuffer(data, np.uint8, 4 * num_stored, position).reshape(-1, 4)
    is_repeat = (stored[:, :3] == 1).all(axis=1)
    counts = np.ones(num_stored, np.int64)
    place, before = 0, -2
    for k in np.flatnonzero(is_repeat).tolist():
        place = place + 1 if k == before + 1 else 0
        before = k
        counts[k] = int(stored[k, 3]) << 8 * place if place < 3 else len(line) + 1
    ends = np.cumsum(np.minimum(counts, len(line) + 1))
    num_used = int(np.searchsorted(ends, len(line))) + 1
    if num_used > num_stored:
        raise ValueError("truncated")
    if ends[num_used - 1] != len(line) or is_repeat[0]:
        raise ValueError("damaged: a run beyond its line, or of no pixel")
    is_pixel = ~is_repeat[:num_used]
    sources = np.maximum.accumulate(np.where(is_pixel, np.arange(num_used), 0))
    line[:] = stored[np.repeat(sources, counts[:num_used])]
    return position + 4 * num_used


# --- writing --------------------------------------------------------------------------------------


def encode_radiance(image: np.ndarray) -> bytes:
    """(h, w, 3) scene-linear RGB, 0 or more, with 8 to 32767 px a line -> content of a file."""
    height, width = image.shape[:2]
    rgbe = _to_rgbe(image)
    mark = bytes((2, 2, width >> 8, width & 255))
    lines = [
        mark + b"".join(_encode_bytes(line[:, k].tobytes()) for k in range(4)) for line in rgbe
    ]
    head = b"#?RADIANCE\nFORMAT=" + _FORMAT + b"\n\n"
    return head + f"-Y {height} +X {width}\n".encode() + b"".join(lines)


def _to_rgbe(image: np.ndarray) -> np.ndarray:
    """The exponent is that of the largest of the three numbers, whose mantissa is 128 to 255."""
    _, exponents = np.frexp(image.max(axis=2) * (256 / 255.5))  # what rounds to 256 goes up one
    mantissas = np.rint(np.ldexp(image, 8 - exponents[..., None]))
    pixels = np.concatenate([np.minimum(mantissas, 255), exponents[..., None] + 128], axis=2)
    pixels[(exponents <= -128) | (image.max(axis=2) == 0)] = 0
    return pixels.astype(np.uint8)


def _encode_bytes(values: bytes) -> bytes:
    """Runs, and what lies between them."""
    encoded, rest, start = bytearray(), bytearray(), 0

    def write_rest() -> None:
        for k in range(0, len(rest), _LONGEST_REST):
            part = rest[k : k + _LONGEST_REST]
            encoded.extend(bytes([len(part)]) + part)
        rest.clear()

    while start < len(values):
        longest = values[start : start + _LONGEST_RUN]
        count = len(longest) - len(longest.lstrip(longest[:1]))
        if count >= _SHORTEST_RUN:
            write_rest()
            encoded += bytes([128 + count]) + longest[:1]
        else:
            rest += longest[:count]
        start += count
    write_rest()
    return bytes(encoded)
