"""Measures faults of a picture: blank, clipped, Blender's magenta, not finite, duplicate."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PictureFindings:
    """Findings about one sample."""

    spread: float  # standard deviation of the grey value, 8-bit steps
    clipped_share: float  # of pixels, white or black in all channels
    magenta_share: float  # of pixels in the hue and saturation of a missing texture
    num_not_finite: int  # values of an EXR
    digest: str  # equal for equal pixels


def examine_picture(rgb8: np.ndarray, num_not_finite: int = 0) -> PictureFindings:
    """Examines (h, w, 3) uint8 sRGB."""
    rgb = rgb8.astype(np.int16)
    is_clipped = (rgb == 255).all(axis=2) | (rgb == 0).all(axis=2)
    red, green, blue = np.moveaxis(rgb, 2, 0)
    # Blender paints a missing image as red = blue = 1, green = 0. Shading makes that darker, and
    # gloss adds a little green; purple textures have more green.
    weaker = np.minimum(red, blue)
    is_magenta = (weaker >= 64) & (green * 6 <= weaker) & (np.abs(red - blue) * 16 <= weaker)
    return PictureFindings(
        spread=float(rgb.mean(axis=2).std()),
        clipped_share=float(is_clipped.mean()),
        magenta_share=float(is_magenta.mean()),
        num_not_finite=num_not_finite,
        digest=hashlib.sha256(rgb8.tobytes() + repr(rgb8.shape).encode()).hexdigest(),
    )
