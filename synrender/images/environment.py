"""Reads images of what surrounds a scene, as light comes from all directions: HDR and EXR files.

They are equirectangular. World: Z up. The center of the image is the direction +X, its left and
right edges are -X, its top line is +Z and its bottom line -Z; at a quarter of its width from the
left is +Y, at three quarters -Y. So whoever stands at the origin and looks along +X sees the image
as it is, with +Y to the left. A direction (x, y, z) of length 1 is at

    u = 0.5 - atan2(y, x) / (2 pi)    of the width from the left,
    v = acos(z) / pi                  of the height from the top,

as Blender maps it. A rotation of the environment by an angle turns it about +Z, counter-clockwise
seen from above.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from synrender.errors import RejectedAsset
from synrender.images.image_files import (
    EXR_MAGIC,
    EXR_MULTIPART_FLAG,
    find_damage,
    read_exr_header,
    read_size,
)
from synrender.images.radiance import MAGIC, MAX_PIXELS, decode_radiance
from synrender.images.scanline_exr import decode_channels, read_channel_list
from synrender.system.files import Unreadable, read_small_file

SUFFIXES = (".hdr", ".exr")
"""Of files that are read. Of an environment in both formats, the first one is read."""

MAX_BYTES = 1 << 28
"""256 MiB: an image of 8192 x 4096 px takes 134 MB as HDR."""

MAX_CHANNELS = 8
"""Of an EXR: red, green, blue, alpha, and room for as many more."""

_TILES_OR_DEEP = 0xA00
_COMPRESSIONS = {1: "RLE", 4: "PIZ", 5: "PXR24", 6: "B44", 7: "B44A", 8: "DWAA", 9: "DWAB"}
"""Of EXR files that Blender decodes, and this program does not."""

_MAX_STRETCH = 0.01
"""How far the width may be from twice the height, as a share of it."""


def find_directions(height: int, width: int) -> np.ndarray:
    """Directions of the centers of an image's pixels, see above: (h, w, 3) float64, length 1."""
    polar = (np.arange(height)[:, None] + 0.5) / height * np.pi
    azimuth = (0.5 - (np.arange(width) + 0.5) / width) * 2 * np.pi
    level, up = np.sin(polar), np.cos(polar) * np.ones(width)
    return np.stack([level * np.cos(azimuth), level * np.sin(azimuth), up], axis=2)


MAP_WIDTHS_PX = (512, 1024, 2048)
"""Of maps by which a renderer chooses directions of light; twice the width takes four times as
long to make."""

MAX_MISSED, DARK = 0.1, 0.1


def find_map_width(image: np.ndarray) -> int:
    """Least of `MAP_WIDTHS_PX` for a map that finds nearly all light of an image.

    The map knows of each of its cells how bright its middle is. It may miss the light of a cell
    that is dark somewhere: less than `DARK` of its mean. Of all light this may be `MAX_MISSED`.
    `benchmarks/costs.md` has the noise that follows.

    Args:
        image: (h, w, 3) float32, an environment, top or bottom line first.
    """
    height, width = image.shape[:2]
    level = np.sin((np.arange(height, dtype=np.float32) + 0.5) / height * np.pi)
    light = image.sum(axis=2) * level[:, None]
    for map_px in MAP_WIDTHS_PX[:-1]:
        side = -(-width // map_px)
        cells = light[: height // side * side, : width // side * side]
        cells = cells.reshape(height // side, side, -1, side)
        means = cells.mean(axis=(1, 3))
        are_missed = cells.min(axis=(1, 3)) < DARK * means
        if means[are_missed].sum() <= MAX_MISSED * means.sum():
            return map_px
    return MAP_WIDTHS_PX[-1]


def check_environment(path: Path) -> None:
    """Looks at an image before anything else decodes it.

    An HDR, and an EXR of a compression that `read_environment` reads, are decoded; of other EXR
    files the header and the places of the pixels are checked.

    Raises:
        RejectedAsset: the file is missing, damaged, too large, or no image of all directions.
    """
    try:
        data = read_small_file(path, MAX_BYTES)
        if problem := _find_problem(data):
            raise ValueError(problem)
        if _find_foreign_compression(data) is None:
            _decode(data)
    except (OSError, Unreadable) as error:
        raise RejectedAsset(error.strerror or "cannot be read") from None
    except ValueError as error:
        raise RejectedAsset(str(error)) from None


def read_environment(path: Path) -> np.ndarray:
    """Reads an image.

    Returns:
        (h, w, 3) float32, scene-linear RGB, finite, 0 or more, top line first; see above.

    Raises:
        ValueError: it is damaged, too large, or of a kind that is not read.
        Hindrance: this process cannot read it.
        OSError: it is missing, or its disk cannot read it.
    """
    data = read_small_file(path, MAX_BYTES)
    if problem := _find_problem(data):
        raise ValueError(f"{path}: {problem}")
    if name := _find_foreign_compression(data):
        raise ValueError(f"{path}: an EXR that is compressed by {name}; ZIP is read")
    try:
        return _decode(data)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _decode(data: bytes) -> np.ndarray:
    if data.startswith(MAGIC):
        image = decode_radiance(data)
        _check_shape(*image.shape[:2])
        return image
    _, channels = decode_channels(data)
    image = np.stack([channels[name] for name in "RGB"], axis=2, dtype=np.float32)
    if not np.isfinite(image).all():
        raise ValueError("pixels that are not finite")
    return np.maximum(image, 0)


def _check_shape(height: int, width: int) -> None:
    if abs(width - 2 * height) > _MAX_STRETCH * width:
        raise ValueError(
            f"{width} x {height} px: an image of all directions is twice as wide as high"
        )


def _find_problem(data: bytes) -> str | None:
    """Why a file is no image that may be decoded, as far as its beginning tells."""
    if data.startswith(MAGIC):
        return None  # its decoder says so
    if not data.startswith(EXR_MAGIC):
        return "empty file" if not data else "neither HDR nor EXR"
    try:
        return _find_exr_problem(data)
    except (struct.error, IndexError, KeyError):
        return "truncated EXR"
    except ValueError as error:
        return str(error)


def _find_exr_problem(data: bytes) -> str | None:
    (version,) = struct.unpack_from("<I", data, 4)
    if version & (_TILES_OR_DEEP | EXR_MULTIPART_FLAG):
        return "an EXR of tiles or of several parts; save it with scan lines"
    attributes, _ = read_exr_header(data, 8)
    width, height = read_size(data) or (0, 0)
    if width <= 0 or height <= 0 or width * height > MAX_PIXELS:
        return f"{width} x {height} px: must be 1 to {MAX_PIXELS} px in all"
    _check_shape(height, width)
    names = read_channel_list(attributes[b"channels"][1])
    if not set("RGB") <= names.keys() or len(names) > MAX_CHANNELS:
        return f"an EXR without channels R, G and B, or with more than {MAX_CHANNELS}"
    return find_damage(data)


def _find_foreign_compression(data: bytes) -> str | None:
    """Compression of an EXR that is not decoded here; None if it is."""
    if not data.startswith(EXR_MAGIC):
        return None
    attributes, _ = read_exr_header(data, 8)
    return _COMPRESSIONS.get(attributes[b"compression"][1][0])
