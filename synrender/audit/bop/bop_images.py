"""Reads the image files of a BOP data set; refuses damaged ones and those of another size."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from synrender.audit.bop.bop_files import IMAGE_KINDS, BopImage
from synrender.images.image_files import read_image
from synrender.system.hindrances import Unreadable

MAX_SIDE_PX = 16384


class BadImage(Exception):
    """A file of an image that is missing or cannot be used; the message says why."""


def read_size(image: BopImage) -> tuple[int, int]:
    """Height and width of an image, of which colour or grey picture or depth must be there."""
    path = image.find_picture() or image.find_file("depth")
    if path is None:
        raise BadImage(f"no file in {', '.join(IMAGE_KINDS)} or depth")
    with _open(path) as opened:
        width, height = opened.size
    if max(width, height) > MAX_SIDE_PX:
        raise BadImage(f"{path}: {width} x {height} px, at most {MAX_SIDE_PX} are allowed")
    if path.parent.name in IMAGE_KINDS:
        _decode(path, (height, width))
    return height, width


def read_depth(image: BopImage, size: tuple[int, int]) -> np.ndarray | None:
    """Steps of the depth image, (h, w); None if the scene has no folder ``depth``."""
    if not image.has("depth"):
        return None
    path = image.find_file("depth")
    if path is None:
        raise BadImage("no file in depth")
    pixels = _decode(path, size)
    if pixels.ndim != 2:
        raise BadImage(f"{path}: must be a grey image of 16 bits")
    return pixels.astype(np.float64)


def read_mask(image: BopImage, kind: str, size: tuple[int, int]) -> np.ndarray | None:
    """Masks of all objects, (k, h, w) bool; None if the scene has no folder ``kind``."""
    if not image.has(kind):
        return None
    masks = np.zeros((len(image.objects), *size), bool)
    for number in range(len(image.objects)):
        path = image.mask_path(kind, number)
        pixels = _decode(path, size)
        if pixels.ndim != 2:
            raise BadImage(f"{path}: must be a grey image")
        masks[number] = pixels > 0
    return masks


def _open(path: Path) -> Image.Image:
    try:
        return Image.open(io.BytesIO(read_image(path)))
    except FileNotFoundError:
        raise BadImage(f"{path}: no such file") from None
    except (Unreadable, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadImage(f"{path}: {str(error).splitlines()[0]}") from None


def _decode(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Pixels; an image of another size is refused before it takes memory."""
    with _open(path) as opened:
        width, height = opened.size
        if (height, width) != size:
            raise BadImage(f"{path}: {width} x {height} px, the others have {size[1]} x {size[0]}")
        try:
            return np.asarray(opened)
        except (OSError, ValueError, SyntaxError) as error:
            raise BadImage(f"{path}: {error}") from None
