"""Image files as Blender takes them: textures, and paths of images that it reads and writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np

from synrender.assets.material import OwnImage
from synrender.errors import RejectedAsset
from synrender.images.image_files import find_damage, find_excess, read_size
from synrender.system.files import Unreadable, read_small_file

MAX_TEXTURE_BYTES = 1 << 28
"""256 MiB: a PNG of 8192 x 8192 px, uncompressed, takes 200 MB with 8 bits a channel."""


def check_texture(path: Path) -> None:
    """Has Blender decode an image file, once it is known to be whole and of a bounded size.

    Raises:
        RejectedAsset: the file is missing, truncated, too large, or cannot be decoded.
    """
    _read_image(lambda: read_small_file(path, MAX_TEXTURE_BYTES))
    image = load_texture(path)
    refuse_undecoded(image)
    bpy.data.images.remove(image)


def _read_image(read: Callable[[], bytes]) -> bytes:
    """Content of an image file that is whole and of a bounded size; else raises RejectedAsset."""
    try:
        data = read()
    except (OSError, Unreadable) as error:
        raise RejectedAsset(error.strerror or "cannot be read") from None
    except ValueError as error:
        raise RejectedAsset(str(error)) from None
    if problem := find_damage(data) or find_excess(data):
        raise RejectedAsset(problem)
    return data


def refuse_undecoded(image: bpy.types.Image) -> None:
    """Has Blender decode an image; removes it and raises RejectedAsset if it cannot."""
    width, height = image.size  # this makes Blender decode it
    if not (width > 0 and height > 0 and image.has_data):
        bpy.data.images.remove(image)
        raise RejectedAsset("not an image that can be decoded")


def load_texture(path: Path, is_data: bool = False) -> bpy.types.Image:
    """Loads an image file that passed `check_texture`. Cycles decodes it when it renders.

    The values of data are numbers that are taken as they are; others are colors.

    Raises:
        RejectedAsset: Blender cannot load it.
    """
    image = load_image(path)
    image.alpha_mode = "NONE"  # else what is transparent is black
    if is_data:
        image.colorspace_settings.name = "Non-Color"
    if bpy.app.version < (4, 5) and read_small_file(path, MAX_TEXTURE_BYTES).startswith(b"RIFF"):
        image.pack()  # these versions forget it of a WebP file that they read themselves
    return image


def load_own_image(image: OwnImage, is_data: bool, max_pixels: int) -> bpy.types.Image:
    """Loads an image that a model brings; its content is kept in the data block.

    The values of data are numbers that are taken as they are; others are colors, sRGB.

    Raises:
        RejectedAsset: it is missing, truncated, too large, or cannot be decoded.
    """
    content = image.content
    data = _read_image(
        lambda: content if isinstance(content, bytes) else content.read(MAX_TEXTURE_BYTES)
    )
    width, height = read_size(data) or (0, 0)
    if width * height > max_pixels:
        raise RejectedAsset(f"{width} x {height} px: too many with the model's other images")
    block = bpy.data.images.new("Own", 1, 1)
    block.pack(data=data, data_len=len(data))
    block.source = "FILE"
    block.alpha_mode = "CHANNEL_PACKED"  # colors are shown whatever the alpha
    block.colorspace_settings.name = "Non-Color" if is_data else "sRGB"
    refuse_undecoded(block)
    return block


def has_alpha(image: bpy.types.Image) -> bool:
    """Whether an image of 8 bits a channel has alpha; of other images it is not known."""
    return image.depth in (16, 32) and not image.is_float


def load_image(path: Path) -> bpy.types.Image:
    """Loads an image file, which Blender decodes later.

    Raises:
        RejectedAsset: Blender cannot load it.
    """
    try:
        return bpy.data.images.load(_to_absolute(path))
    except RuntimeError:
        raise RejectedAsset("Blender cannot load it") from None


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
    """Values of an 8-bit image without conversion: (h, w, 4) uint8, top line first."""
    image = load_image(path)
    try:
        image.colorspace_settings.name = "Non-Color"
        width, height = image.size
        values = np.empty(width * height * 4, np.float32)
        image.pixels.foreach_get(values)
    finally:
        bpy.data.images.remove(image)
    return np.rint(values.reshape(height, width, 4)[::-1] * 255).astype(np.uint8)
