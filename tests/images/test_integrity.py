from __future__ import annotations

import os
import zlib
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import OpenEXR
import pytest
from PIL import Image

from synrender.images.image_files import find_image_damage, is_whole_image

COMPRESSIONS = [OpenEXR.NO_COMPRESSION, OpenEXR.ZIPS_COMPRESSION, OpenEXR.ZIP_COMPRESSION]


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.Generator(np.random.PCG64(0)).integers(0, 255, (50, 40, 3), np.uint8)


def write_exr(path: Path, pixels: np.ndarray, compression: int, num_parts: int) -> None:
    parts = [
        OpenEXR.Part({"compression": compression}, {"RGB": pixels.astype(np.float32)}, f"part{p}")
        for p in range(num_parts)
    ]
    OpenEXR.File(parts).write(str(path))


def assert_every_truncation_is_found(path: Path) -> None:
    data = path.read_bytes()
    assert find_image_damage(path) is None
    for size in [0, 4, 9, *range(20, len(data), max(1, len(data) // 40)), len(data) - 1]:
        path.write_bytes(data[:size])
        assert find_image_damage(path), f"{size} of {len(data)} bytes"


def test_png(tmp_path: Path, pixels: np.ndarray) -> None:
    path = tmp_path / "a.png"
    iio.imwrite(path, pixels)
    assert is_whole_image(path)
    assert_every_truncation_is_found(path)
    iio.imwrite(path, pixels)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert "checksum" in find_image_damage(path)


@pytest.mark.parametrize("num_parts", [1, 3])
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_exr(tmp_path: Path, pixels: np.ndarray, compression: int, num_parts: int) -> None:
    path = tmp_path / "a.exr"
    write_exr(path, pixels, compression, num_parts)
    assert is_whole_image(path)
    assert_every_truncation_is_found(path)


def test_jpeg(tmp_path: Path, pixels: np.ndarray) -> None:
    path = tmp_path / "a.jpg"
    iio.imwrite(path, pixels)
    assert not is_whole_image(path)  # only PNG and EXR count
    assert_every_truncation_is_found(path)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"optimize": True}])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpegs_of_every_usual_kind_are_whole(
    tmp_path: Path, pixels: np.ndarray, mode: str, options: dict
) -> None:
    Image.fromarray(pixels).convert(mode).save(tmp_path / "a.jpg", **options)
    assert_every_truncation_is_found(tmp_path / "a.jpg")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_pngs_of_every_usual_kind_are_whole(tmp_path: Path, pixels: np.ndarray, mode: str) -> None:
    image = Image.fromarray(pixels)
    if mode == "I;16":
        image = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    else:
        image = image.convert(mode)
    image.save(tmp_path / "a.png")
    assert_every_truncation_is_found(tmp_path / "a.png")


def test_a_png_header_must_make_sense(tmp_path: Path, pixels: np.ndarray) -> None:
    path = tmp_path / "a.png"
    iio.imwrite(path, pixels)
    data = path.read_bytes()
    for offset, value in ((16, bytes(4)), (20, bytes(4)), (24, b"\3"), (25, b"\1"), (26, b"\1")):
        header = bytearray(data[12:29])
        header[offset - 12 : offset - 12 + len(value)] = value
        checksum = zlib.crc32(header).to_bytes(4, "big")  # so that only the value is wrong
        path.write_bytes(data[:12] + header + checksum + data[33:])
        assert "header" in find_image_damage(path)


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    assert find_image_damage(tmp_path / "none.png")
    assert not is_whole_image(tmp_path / "none.png")
    (tmp_path / "text.png").write_text("no image")
    assert not is_whole_image(tmp_path / "text.png")


@pytest.mark.timeout(20)
def test_a_pipe_or_a_device_is_damage(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    for name in ("pipe.png", "zero.png"):
        assert find_image_damage(tmp_path / name) == "not a regular file"
        assert not is_whole_image(tmp_path / name)
