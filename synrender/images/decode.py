"""Decodes the PNGs of an archive, in less than half of the time that Pillow takes."""

from __future__ import annotations

import numpy as np
from kornia_rs.io import decode_image_png_u8, decode_image_png_u16


def decode_png(png: bytes) -> np.ndarray:
    """Pixels of a PNG file.

    Args:
        png: 8-bit RGB or 16-bit grey, which are the kinds that this program writes.

    Returns:
        (h, w, 3) uint8, or (h, w) uint16.

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
    except Exception as error:  # kornia_rs raises nothing narrower
        raise ValueError(str(error)) from None
    raise ValueError("neither 8-bit RGB nor 16-bit grey")
