"""Reads image files of any origin: regular ones, and none that is larger than its image can be."""

from __future__ import annotations

from pathlib import Path

from synrender.images.dimensions import read_size
from synrender.images.integrity import EXR_MAGIC, PNG_SIGNATURE, find_damage
from synrender.system.files import read_bounded_file

MAX_SIDE_PX = 16_384
"""Side of the largest image that can be rendered."""

MAX_EXR_BYTES_PER_PX = 1200
"""255 masks of whole objects and some 30 other channels, of 4 bytes each."""

MAX_BYTES_PER_PX = 9
"""Of other kinds: 4 channels of 16 bits, which no encoder makes longer by a tenth."""

MAX_OTHER_BYTES = 1 << 24
"""What a file holds besides pixels, such as its header, texts and color profiles."""

MAX_UNKNOWN_BYTES = 1 << 28
"""Of a file whose size in px is not known, because it is damaged or of another kind."""


def read_image(path: Path, side_px: int | None = None) -> bytes:
    """Content of an image file; one that is too large is refused before it takes memory.

    Args:
        path: of the file.
        side_px: side that the square image must have; None: any.

    Raises:
        ValueError: it is no regular file, too large for its image, or of another size.
        Hindrance: this process cannot read it, which is no fault of the file.
        OSError: it is missing, or its disk cannot read it.
    """

    def find_max_bytes(head: bytes) -> int:
        width, height = read_size(head) or (0, 0)
        if side_px and (width, height) not in ((0, 0), (side_px, side_px)):
            raise ValueError(f"{width} x {height} px, must be {side_px} x {side_px}")
        if max(width, height) > MAX_SIDE_PX:
            raise ValueError(f"{width} x {height} px, at most {MAX_SIDE_PX} a side are allowed")
        if not (width and height):
            return MAX_UNKNOWN_BYTES
        is_exr = head.startswith(EXR_MAGIC)
        per_px = MAX_EXR_BYTES_PER_PX if is_exr else MAX_BYTES_PER_PX
        return width * height * per_px + MAX_OTHER_BYTES

    return read_bounded_file(path, find_max_bytes)


def find_image_damage(path: Path, side_px: int | None = None) -> str | None:
    """Says what is wrong with a PNG, EXR or JPEG file; None if nothing is.

    Checks what `read_image` refuses and what `find_damage` finds. Other formats are not checked.
    Does not check whether the pixels can be decoded.
    """
    try:
        return find_damage(read_image(path, side_px))
    except OSError as error:
        return error.strerror or "cannot be read"
    except ValueError as error:
        return str(error)


def is_whole_image(path: Path) -> bool:
    """Whether a file is a PNG or EXR (by its magic number) and not truncated."""
    try:
        data = read_image(path)
    except (OSError, ValueError):
        return False
    return data.startswith((PNG_SIGNATURE, EXR_MAGIC)) and find_damage(data) is None
