"""Decodes the PNGs of an archive, in less than half of the time that Pillow takes."""

from __future__ import annotations

import numpy as np
from kornia_rs.io import decode_image_png_u8, decode_image_png_u16


def decode_png(png: bytes) -> np.ndarray:
    """Pixels of a PNG file.

    Args:
        png: RGB or grey of 8 or 16 bits, which are the kinds that this program writes.

    Returns:
        (h, w, 3) or (h, w), uint8 or uint16.

    Raises:
        ValueError: it is damaged or of another kind.
    """
    height_width = tuple(int.from_bytes(png[i : i + 4], "big") for i in (20, 16))
    kind = png[24:26]  # bit depth and colour type
    try:
        if kind == b"\x08\x02":
            return decode_image_png_u8(png, height_width, "rgb")
        if kind == b"\x10\x00":
            return decode_image_png_u16(png, height_width, "mono")[:, :, 0]
        if kind == b"\x10\x02":
            return decode_image_png_u16(png, height_width, "rgb")
        if kind == b"\x08\x00":
            return decode_image_png_u8(png, height_width, "mono")[:, :, 0]
    except Exception as error:  # kornia_rs raises nothing narrower
        raise ValueError(str(error)) from None
    raise ValueError("neither RGB nor grey of 8 or 16 bits")
