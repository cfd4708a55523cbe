"""Radiance's images are read as they were written, and damaged ones are refused."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest

from synrender.images import radiance
from synrender.images.radiance import decode_radiance, decode_rgbe, encode_radiance

HEAD = b"#?RADIANCE\n# made by hand\nFORMAT=32-bit_rle_rgbe\nEXPOSURE=2\n\n-Y {} +X {}\n"


def create_file(pixels: bytes, height: int, width: int) -> bytes:
    return HEAD.replace(b"{}", str(height).encode(), 1).replace(b"{}", str(width).encode()) + pixels


def test_what_is_written_is_read_within_half_a_step() -> None:
    rng = np.random.default_rng(3)
    image = rng.random((5, 200, 3)) * 10.0 ** rng.integers(-6, 7, (5, 200, 1))
    image[1, 40:170] = 0.25  # runs
    image[2] = 0
    image[3, 3] = (0.99805, 0.5, 0)  # its mantissa rounds to 256
    found = decode_radiance(encode_radiance(image))
    largest = image.max(axis=2, keepdims=True)
    assert found.dtype == np.float32
    assert np.all(np.abs(found - image) <= largest / 255)
    assert np.all(found[1, 40:170] == 0.25)
    assert not found[2].any()


def test_numbers_are_mantissas_times_powers_of_two() -> None:
    pixels = bytes([128, 64, 0, 129, 255, 0, 1, 120, 7, 7, 7, 0])
    found = decode_radiance(create_file(pixels, 1, 3))
    scale = math.ldexp(1, 120 - 136)
    assert found[0].tolist() == [[1, 0.5, 0], [255 * scale, 0, scale], [0, 0, 0]]


def test_old_run_lengths_repeat_pixels() -> None:
    first, second = bytes([10, 20, 30, 130]), bytes([1, 2, 3, 131])
    line = first + bytes([1, 1, 1, 44, 1, 1, 1, 1]) + second + bytes([1, 1, 1, 3])
    width = 1 + 44 + 256 + 1 + 3
    rgbe = decode_rgbe(create_file(line + (first * width), 2, width))
    expected = [[*first]] * 301 + [[*second]] * 4
    assert rgbe[0].tolist() == expected
    assert rgbe[1].tolist() == [[*first]] * width


def test_run_lengths_of_today() -> None:
    channels = [bytes([128 + 10, 5]), bytes([3, 1, 2, 3, 128 + 7, 9]), bytes([10, *range(10)])]
    line = struct.pack(">BBH", 2, 2, 10) + b"".join(channels) + bytes([128 + 9, 130, 1, 131])
    rgbe = decode_rgbe(create_file(line, 1, 10))
    assert rgbe[0, :, 0].tolist() == [5] * 10
    assert rgbe[0, :, 1].tolist() == [1, 2, 3] + [9] * 7
    assert rgbe[0, :, 2].tolist() == list(range(10))
    assert rgbe[0, :, 3].tolist() == [130] * 9 + [131]


NEW = struct.pack(">BBH", 2, 2, 10) + bytes([128 + 10, 5]) * 4
GOOD = create_file(NEW, 1, 10)


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "not a Radiance image"),
        (b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n", "ends within its header"),
        (GOOD.replace(b"rgbe", b"xyze"), "another format"),
        (GOOD.replace(b"-Y 1 +X", b"+Y 1 +X"), "no size such as"),
        (GOOD.replace(b"-Y 1 ", b"-Y 0 "), "must be 1 to"),
        (GOOD.replace(b"-Y 1 +X 10", b"-Y 9999 +X 9999"), "must be 1 to"),
        (GOOD.replace(b"-Y 1 ", b"-Y 9999999 "), "no size such as"),
        (GOOD.replace(b"-Y 1 ", b"-Y 2 "), "truncated"),
        (GOOD[:-1], "truncated"),
        (GOOD[:-2] + bytes([0, 5]), "a run of no pixels"),
        (GOOD[:-2] + bytes([128 + 11, 5]), "a run beyond its line"),
        (GOOD[:-2] + bytes([11, *range(10)]), "truncated"),
        (create_file(bytes([1, 1, 1, 3]), 1, 3), "of no pixel"),
        (create_file(bytes([9, 9, 9, 9, 1, 1, 1, 3]), 1, 3), "a run beyond its line"),
        (create_file(bytes([9, 9, 9, 9, 1, 1, 1, 0]), 1, 3), "truncated"),
        (create_file(bytes([9, 9, 9, 9] + [1, 1, 1, 0] * 5), 1, 6), "a run beyond|truncated"),
        (GOOD + bytes(1000), "bytes are too many"),
    ],
)
def test_damage_is_named(data: bytes, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        decode_radiance(data)


def test_damaged_bytes_are_refused_or_read_and_do_no_harm() -> None:
    rng = np.random.default_rng(5)
    good = bytearray(encode_radiance(rng.random((6, 40, 3))))
    num_refused = 0
    for _ in range(2000):
        data = bytearray(good)
        for _ in range(rng.integers(1, 4)):
            data[rng.integers(len(data))] = rng.integers(256)
        try:
            assert decode_radiance(bytes(data[: rng.integers(len(data)) or None])).ndim == 3
        except ValueError:
            num_refused += 1
    assert num_refused > 1000


def test_a_size_alone_takes_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(radiance, "MAX_PIXELS", 100)
    with pytest.raises(ValueError, match="20 x 6 px: must be 1 to 100 px"):
        decode_radiance(create_file(b"", 6, 20))
