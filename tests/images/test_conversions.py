from __future__ import annotations

import numpy as np
import pytest
from skimage.color import rgb2lab

from synrender.images.conversions import (
    find_alpha,
    linear_to_rgba8,
    linear_to_srgb8,
    over_white,
    srgb8_to_lab,
)


# Values of IEC 61966-2-1, computed by hand: 255 * (1.055 * x ** (1 / 2.4) - 0.055).
@pytest.mark.parametrize(
    ("linear", "srgb"),
    [
        (-1.0, 0),
        (0.0, 0),
        (0.0031308, 10),
        (0.01, 25),
        (0.18, 118),
        (0.2158605, 128),
        (0.5, 188),
        (0.8, 231),
        (1.0, 255),
        (7.0, 255),
        (np.inf, 255),
    ],
)
def test_linear_values_become_the_srgb_of_the_standard(linear: float, srgb: int) -> None:
    assert linear_to_srgb8(np.array([linear], np.float32)) == [srgb]


def test_srgb_is_rounded_and_not_cut() -> None:
    srgb = np.arange(1, 256)
    for shift, expected in ((-0.4, srgb), (-0.6, srgb - 1)):
        encoded = (srgb + shift) / 255
        linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
        np.testing.assert_array_equal(linear_to_srgb8(linear.astype(np.float32)), expected)


def test_lab_equals_scikit_image_on_a_grid_of_all_colors() -> None:
    levels = np.append(np.arange(0, 256, 5), np.arange(1, 12)).astype(np.uint8)
    image = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, len(levels), 3)
    lab = srgb8_to_lab(np.moveaxis(image, -1, 0))
    assert lab.dtype == np.float32
    np.testing.assert_allclose(np.moveaxis(lab, 0, -1), rgb2lab(image), atol=2e-4)


def test_light_of_an_image_and_of_white_is_added() -> None:
    """As shares of a color and of white, in linear light."""
    colors = np.linspace(0, 1, 256)
    for alpha in (0.0, 0.2, 0.4, 1.0):
        rgba = linear_to_rgba8(np.stack([colors * alpha] * 3, axis=1), np.full(256, alpha))
        found = over_white(rgba)[:, 0].astype(int)
        expected = linear_to_srgb8(colors * alpha + 1 - alpha)
        assert np.abs(found - expected).max() <= 1
        assert (find_alpha(rgba) == round(255 * alpha)).all()
    opaque = np.arange(256, dtype=np.uint8)[:, None].repeat(3, axis=1)
    full = np.concatenate([opaque, np.full((256, 1), 255, np.uint8)], axis=1)
    np.testing.assert_array_equal(over_white(full), opaque)
    assert over_white(opaque) is opaque
    assert (find_alpha(opaque) == 255).all()
