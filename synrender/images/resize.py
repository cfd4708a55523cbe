"""Decodes and resizes images; users of the data sets find this in ``util.py``, too."""

from __future__ import annotations

import numpy as np


def img_read_and_resize(
    png_data: bytes | np.ndarray, res: int | None = None, nearest: bool = False
) -> np.ndarray:
    """Decodes a PNG from the HDF5 files, and resizes it if ``res`` is given.

    Args:
        png_data: the bytes of a PNG file, or a uint8 array of them.
        res: side of the square result in px; None or the image's own size: no change.
        nearest: copy pixels instead of mixing them. Use it for labels (``png_targets``,
            ``png_depth``), because interpolated class ids are not valid.

    Returns:
        (h, w, channels) uint8, or (h, w) for gray, uint16 for 16 bits. Colors are resized by
        Pillow's bicubic filter, which is anti-aliased, and rounded to 8 bits. This is
        20 times as fast as `skimage.transform.resize`; tests/archive/test_util.py compares the two.

    Raises:
        OSError: the data are truncated or not an image.
    """
    import io

    from PIL import Image

    with Image.open(io.BytesIO(bytes(png_data))) as image:
        array = np.asarray(image)
    return array if res is None else img_resize(array, res, nearest)


def img_resize(image: np.ndarray, res: int, nearest: bool = False) -> np.ndarray:
    """Resizes an image as `img_read_and_resize` does; no change if it has that size.

    Args:
        image: (h, w, channels) or (h, w) uint8, or (h, w) uint16; any kind for ``nearest``.
        res: side of the square result in px.
        nearest: copy pixels instead of mixing them; use it for labels.
    """
    if image.shape[:2] == (res, res):
        return image
    if nearest:
        rows, columns = (find_nearest_pixels(side_px, res) for side_px in image.shape[:2])
        return image[rows[:, None], columns]
    from PIL import Image

    return np.asarray(Image.fromarray(image).resize((res, res), Image.Resampling.BICUBIC))


def find_nearest_pixels(side_px: int, res: int) -> np.ndarray:
    """Which of ``side_px`` pixels each of ``res`` pixels shows after resizing by nearest neighbor.

    It is the pixel that holds the new one's center: floor((x + 0.5) * side_px / res), in whole
    numbers, so that all labels agree (Pillow rounds differently for 8 and 16 bits).

    Returns:
        (res,) int64.
    """
    return (2 * np.arange(res) + 1) * side_px // (2 * res)
