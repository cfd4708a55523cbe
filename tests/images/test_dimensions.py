"""An image that asks for too much memory is refused by its header, in every format that is read."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from synrender.images.image_files import find_excess


def encode(kind: str, size: tuple[int, int] = (40, 30), **options: object) -> bytes:
    file = io.BytesIO()
    pixels = np.random.Generator(np.random.PCG64(0)).integers(0, 255, (*size[::-1], 3), np.uint8)
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def write_png_header(width: int, height: int) -> bytes:
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    )


@pytest.mark.parametrize("kind", ["png", "jpeg", "bmp", "webp"])
def test_what_another_library_writes_may_be_decoded(kind: str) -> None:
    assert find_excess(encode(kind)) is None
    assert find_excess(encode(kind, (1, 1))) is None


@pytest.mark.parametrize("options", [{"lossless": True}, {"lossless": True, "exif": b"Exif\0\0"}])
def test_webp_has_three_kinds_of_header(options: dict) -> None:
    assert find_excess(encode("webp", **options)) is None


def test_a_progressive_jpeg_with_a_long_comment_may_be_decoded() -> None:
    assert find_excess(encode("jpeg", progressive=True, comment=b"\xff\xc0" * 5000)) is None


def test_sizes_that_no_memory_holds_are_refused() -> None:
    for size in ((60_000, 60_000), (1 << 31, 1), (8193, 8192)):
        assert f"{size[0]} x {size[1]} px" in (find_excess(write_png_header(*size)) or "")
    jpeg = encode("jpeg")
    at = jpeg.index(b"\xff\xc0")
    for side in (65_500, 65_535, 0):
        bomb = jpeg[: at + 5] + struct.pack(">HH", side, side) + jpeg[at + 9 :]
        assert f"{side} x {side} px" in (find_excess(bomb) or "")
    bmp = encode("bmp")
    assert find_excess(bmp[:18] + struct.pack("<ii", 1 << 30, -(1 << 30)) + bmp[26:])


def test_a_jpeg_of_endless_scans_is_refused() -> None:
    assert "scans" in (find_excess(encode("jpeg") + b"\xff\xda" * 300) or "")


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"text", b"RIFF", b"BM", encode("jpeg")[:20]])
def test_a_header_that_cannot_be_read_is_refused(data: bytes) -> None:
    assert find_excess(data)
