"""The files of a sample in an export: the image, and labels with a value for each pixel.

One channel of whole numbers is a PNG of 8 or 16 bits. Several channels, and floats, are a NumPy
file: common readers of PNG cut 16-bit RGB to 8 bits.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from synrender.archive.encode import array_to_png
from synrender.images.conversions import (
    DEPTH_STEPS_PER_M,
    depth_to_16_bit,
    depth_to_m,
    over_white,
)
from synrender.images.label_codes import CODES, Code, numbers_to_png
from synrender.images.png import decode_image, decode_png
from synrender.loading.row_source import CLASS_MAP, DEPTH, IMAGE, INSTANCE_MAP, WORLD_POSITION

GRAY_8, GRAY_16, RGB_8 = "L", "I;16", "RGB"
"""Pillow's names of what a PNG holds."""


@dataclass(frozen=True)
class PixelFile:
    """How the values of a field become a file."""

    ending: str  # of the file's name
    meaning: str
    encode: Callable[[np.ndarray], bytes]
    mode: str = ""  # of a PNG; "": a NumPy file
    find_step: Callable[[int], float] | None = None  # of the numbers, by the image's side in px


def _encode_numbers(values: np.ndarray) -> bytes:
    return array_to_png(values.astype(np.uint16))


def array_to_npy(values: np.ndarray) -> bytes:
    """NumPy file of an array."""
    file = io.BytesIO()
    np.save(file, values, allow_pickle=False)
    return file.getvalue()


def npy_to_array(data: bytes) -> np.ndarray:
    """The array in a file of `array_to_npy`."""
    return np.load(io.BytesIO(data), allow_pickle=False)


def _to_pixel_file(name: str, code: Code) -> PixelFile:
    """How an archive's code of a label becomes a file."""
    is_gray = code.channels < 2 and not code.is_per_object
    to_bytes = numbers_to_png if is_gray else array_to_npy

    def encode(values: np.ndarray) -> bytes:
        return to_bytes(code.encode(values, len(values)))

    mode = (GRAY_16 if code.channels else GRAY_8) if is_gray else ""
    return PixelFile(
        f"{name}.{'png' if mode else 'npy'}", code.description, encode, mode, code.step
    )


PIXEL_FILES = {
    IMAGE: PixelFile("png", "8-bit sRGB", array_to_png, RGB_8),
    INSTANCE_MAP: PixelFile(
        "instance.png",
        "16 bits: number of the object, from 1; 0 = backdrop",
        _encode_numbers,
        GRAY_16,
    ),
    CLASS_MAP: PixelFile(
        "class.png",
        "16 bits: number of the class, see the table of classes; 0 = backdrop",
        _encode_numbers,
        GRAY_16,
    ),
    DEPTH: PixelFile(
        "depth.png",
        "16 bits: depth along the viewing axis in 0.1 mm; 65535 = nothing hit, or beyond 6.5534 m",
        lambda depth_m: array_to_png(depth_to_16_bit(depth_m)),
        GRAY_16,
        lambda _: 1 / DEPTH_STEPS_PER_M,
    ),
    **{name: _to_pixel_file(name, code) for name, code in CODES.items() if name != "shading"},
    "shading": PixelFile(
        "shading.npy",
        "scene-linear image / albedo; 0 where the albedo is 0",
        lambda shading: array_to_npy(CODES["shading"].encode(shading, 0).view(np.float16)),
    ),
    WORLD_POSITION: PixelFile(
        "world_position.npy",
        "point in the world, m; NaN = nothing hit",
        lambda points_m: array_to_npy(np.where(np.isinf(points_m), np.float32(np.nan), points_m)),
    ),
}
"""By field of `synrender.open_dataset`, in the order of columns."""


def decode_pixels(
    name: str, data: bytes | np.ndarray, side_px: int, nothing_hit: float
) -> np.ndarray:
    """Values of a field as `synrender.open_dataset` gives them; the inverse of ``encode``.

    Args:
        name: of the field.
        data: bytes of a PNG, or the array of a NumPy file.
        side_px: of the image.
        nothing_hit: value of depth and positions there.

    Raises:
        ValueError: a PNG is damaged, or of another size or kind.
    """
    if isinstance(data, bytes):
        if name == IMAGE:
            return over_white(decode_image(data, side_px))
        is_mask = PIXEL_FILES[name].mode == GRAY_8
        data = decode_png(data, (side_px, side_px), np.uint8 if is_mask else np.uint16)
    if name == DEPTH:
        return depth_to_m(data, nothing_hit)
    if name == WORLD_POSITION:
        return np.where(np.isnan(data), np.float32(nothing_hit), data)
    if name in CODES:
        numbers = data.view(np.uint16) if data.dtype == np.float16 else data
        return CODES[name].decode(numbers, side_px)
    return data.astype(np.int32)
