from __future__ import annotations

import io

import imageio.v3 as iio
import numpy as np
import pytest
from skimage.transform import resize

from synrender.images.resize import img_read_and_resize, img_resize


def to_png(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    iio.imwrite(file, array, extension=".png")
    return file.getvalue()


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)


def test_an_image_comes_back_as_it_is(image: np.ndarray) -> None:
    png = to_png(image)
    np.testing.assert_array_equal(img_read_and_resize(png), image)
    np.testing.assert_array_equal(img_read_and_resize(png, 16), image)
    np.testing.assert_array_equal(img_read_and_resize(np.frombuffer(png, np.uint8)), image)


def test_sixteen_bits_come_back_as_they_are() -> None:
    depth = np.arange(256, dtype=np.uint16).reshape(16, 16) * 257
    np.testing.assert_array_equal(img_read_and_resize(to_png(depth)), depth)


def test_shrinking_is_anti_aliased() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    for res in (32, 24, 16):
        small = img_read_and_resize(to_png(stripes), res)
        assert small.shape == (res, res, 3)
        assert np.abs(small[:, 2:-2].astype(int) - 127).max() < 16


def test_labels_are_copied_and_not_mixed() -> None:
    labels = np.zeros((16, 16, 3), np.uint8)
    labels[::3] = 200
    labels[1::3] = 7
    for res in (8, 11, 40):
        resized = img_read_and_resize(to_png(labels), res, nearest=True)
        assert set(np.unique(resized)) == {0, 7, 200}
        assert len(np.unique(img_read_and_resize(to_png(labels), res))) > 3


def test_a_truncated_image_raises(image: np.ndarray) -> None:
    with pytest.raises(OSError, match="truncated"):
        img_read_and_resize(to_png(image)[:-60])


def test_shrinking_gives_the_picture_of_scikit_image() -> None:
    """Their filters differ at edges; the mean difference is about a level."""
    ramp = np.add.outer(np.arange(64), 2 * np.arange(64)) % 160
    image = np.stack([ramp, ramp[::-1], ramp.T], axis=-1).astype(np.uint8)
    image[20:40, 10:50] = (200, 90, 30)
    for res in (48, 32, 16):
        expected = 255 * resize(image, (res, res), order=3, anti_aliasing=True)
        difference = np.abs(img_read_and_resize(to_png(image), res) - expected)
        assert difference.mean() < 2


@pytest.mark.parametrize(("side_px", "res"), [(64, 28), (64, 88), (100, 40), (128, 64), (9, 4)])
def test_all_kinds_of_labels_keep_the_same_pixels(side_px: int, res: int) -> None:
    columns = np.broadcast_to(np.arange(side_px), (side_px, side_px))
    kept = img_resize(columns.astype(np.uint16), res, nearest=True)[0]
    np.testing.assert_array_equal(kept, np.floor((np.arange(res) + 0.5) * side_px / res + 1e-9))
    for dtype, channels in ((np.uint8, 3), (np.uint16, 3), (np.uint16, 2)):
        image = np.repeat(columns.astype(dtype)[:, :, None], channels, axis=2)
        resized = img_resize(image, res, nearest=True)
        assert resized.shape == (res, res, channels)
        np.testing.assert_array_equal(resized[0, :, 0], kept)
