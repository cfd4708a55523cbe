"""Reads a PNG with Blender's own decoder."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np


def read_png(path: Path) -> np.ndarray:
    """Values of an 8-bit image without conversion: (h, w, 3) uint8, top line first."""
    image = bpy.data.images.load(str(path))
    try:
        image.colorspace_settings.name = "Non-Color"
        width, height = image.size
        values = np.empty(width * height * 4, np.float32)
        image.pixels.foreach_get(values)
    finally:
        bpy.data.images.remove(image)
    return np.rint(values.reshape(height, width, 4)[::-1, :, :3] * 255).astype(np.uint8)
