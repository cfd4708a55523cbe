"""Colours of a texture where rays hit it, as Cycles looks them up, without its code."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from synrender.system.files import read_small_file

_MAX_BYTES = 1 << 28
MAX_FLAT_STEP = 16
"""Levels of 255 by which the four texels around a place may differ where a texture is flat."""


@dataclass(frozen=True)
class TextureColors:
    """At r places."""

    linear: np.ndarray  # (r, 3) scene-linear RGB
    is_flat: np.ndarray  # (r,) bool: the texels around it are almost alike


def read_texture(path: Path) -> np.ndarray | None:
    """8-bit sRGB of an image file, (h, w, 3) uint8; None where it is not opaque 8-bit RGB or grey.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    data = io.BytesIO(read_small_file(path, _MAX_BYTES))
    try:
        with Image.open(data) as image:
            if image.mode not in ("RGB", "L", "P") or "transparency" in image.info:
                return None
            return np.asarray(image.convert("RGB"))
    except (SyntaxError, Image.DecompressionBombError) as error:  # of Pillow
        raise ValueError(f"{path}: {error}") from None


def look_up(texture: np.ndarray, uv: np.ndarray) -> TextureColors:
    """Bilinear mean of the four texels around each place, of sRGB values, then made linear.

    Args:
        texture: (h, w, 3) uint8 sRGB, top row first.
        uv: (r, 2); (0, 0) is the texture's lower left corner, and it repeats beyond 1.
    """
    height, width = texture.shape[:2]
    x, y = uv[:, 0] * width - 0.5, (1 - uv[:, 1]) * height - 0.5
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    right_share, lower_share = x - left, y - top
    texels, mean = [], np.zeros((len(uv), 3))
    for dy, share_y in ((0, 1 - lower_share), (1, lower_share)):
        for dx, share_x in ((0, 1 - right_share), (1, right_share)):
            texel = texture[(top + dy) % height, (left + dx) % width].astype(np.float64)
            mean += texel * (share_x * share_y)[:, None]
            texels.append(texel)
    steps = np.ptp(texels, axis=0).max(axis=1)
    return TextureColors(srgb_to_linear(mean / 255), steps <= MAX_FLAT_STEP)


def srgb_to_linear(srgb: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1, 0 to 1."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(linear: np.ndarray) -> np.ndarray:
    """The inverse, not rounded; below 0 and above 1 are clipped."""
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
