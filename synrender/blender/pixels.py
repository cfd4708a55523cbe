"""Image files as Blender takes them: their paths, and the values of a PNG."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np


def load_image(path: Path) -> bpy.types.Image:
    """Loads an image file, which Blender decodes later.

    Raises:
        RuntimeError: Blender cannot load it.
    """
    return bpy.data.images.load(_to_absolute(path))


def to_output_path(path: Path) -> str:
    """A path for Blender to write to. From 4.5 on braces in it are a template."""
    text = _to_absolute(path)
    if bpy.app.version < (4, 5):
        return text
    return text.replace("{", "{{").replace("}", "}}")


def _to_absolute(path: Path) -> str:
    """Text of a path; what begins with two slashes is relative to the .blend file in Blender."""
    text = str(path)
    return "/" + text.lstrip("/") if text.startswith("//") else text


def read_png(path: Path) -> np.ndarray:
    """Values of an 8-bit image without conversion: (h, w, 3) uint8, top line first."""
    image = load_image(path)
    try:
        image.colorspace_settings.name = "Non-Color"
        width, height = image.size
        values = np.empty(width * height * 4, np.float32)
        image.pixels.foreach_get(values)
    finally:
        bpy.data.images.remove(image)
    return np.rint(values.reshape(height, width, 4)[::-1, :, :3] * 255).astype(np.uint8)
