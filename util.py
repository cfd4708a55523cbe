"""The few helpers that users of the data sets call by name."""

from __future__ import annotations

import numpy as np


def img_read_and_resize(
    png_data: bytes | np.ndarray, res: int | None = None, nearest: bool = False
) -> np.ndarray:
    """Decodes a PNG, as the HDF5 files hold them, and resizes it if asked to.

    Args:
        png_data: the bytes of a PNG file, or the same as a uint8 array.
        res: side of the square result in px; None or the image's own leaves it as it is.
        nearest: copy pixels and never mix them. Labels (``png_targets``, ``png_depth``) need it:
            a class id or a depth beyond range that is interpolated means nothing.

    Returns:
        (h, w, channels) uint8, or (h, w) for grey, uint16 for 16 bits. Colours are resized by
        Pillow's bicubic filter, which is anti-aliased, and rounded to 8 bits.

    Raises:
        OSError: the data are truncated or no image.
    """
    import io

    from PIL import Image

    with Image.open(io.BytesIO(png_data)) as image:
        if res is None or image.size == (res, res):
            return np.asarray(image)
        method = Image.Resampling.NEAREST if nearest else Image.Resampling.BICUBIC
        return np.asarray(image.resize((res, res), method))
