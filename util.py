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
        Pillow's bicubic filter, which is anti-aliased, and rounded to 8 bits. It stands in for
        `skimage.transform.resize`, which takes 20 times as long; tests/archive/test_util.py holds
        it to that function's picture.

    Raises:
        OSError: the data are truncated or no image.
    """
    import io

    from PIL import Image

    with Image.open(io.BytesIO(bytes(png_data))) as image:
        array = np.asarray(image)
    return array if res is None else img_resize(array, res, nearest)


def img_resize(image: np.ndarray, res: int, nearest: bool = False) -> np.ndarray:
    """Resizes an image as `img_read_and_resize` does; one of that size comes back as it is.

    Args:
        image: (h, w, channels) or (h, w) uint8, or (h, w) uint16.
        res: side of the square result in px.
        nearest: copy pixels and never mix them, as labels need it.
    """
    if image.shape[:2] == (res, res):
        return image
    from PIL import Image

    method = Image.Resampling.NEAREST if nearest else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(image).resize((res, res), method))
