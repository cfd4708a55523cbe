"""Ways to give a color."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest

from synrender.settings.color_values import find_color

TO_RGB = np.linalg.inv(
    [(0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505)]
)


def integrate_black_body(kelvin: float) -> np.ndarray:
    """RGB of Planck's law, by the fit of the color matching functions of Wyman et al. (2013)."""
    nm = np.arange(360.0, 831.0)
    radiance = nm**-5 / np.expm1(1.438776877e7 / (nm * kelvin))

    def lobe(mean: float, low: float, high: float) -> np.ndarray:
        return np.exp(-0.5 * ((nm - mean) * np.where(nm < mean, low, high)) ** 2)

    x = 0.362 * lobe(442, 0.0624, 0.0374) + 1.056 * lobe(599.8, 0.0264, 0.0323)
    x -= 0.065 * lobe(501.1, 0.0490, 0.0382)
    y = 0.821 * lobe(568.8, 0.0213, 0.0247) + 0.286 * lobe(530.9, 0.0613, 0.0322)
    z = 1.217 * lobe(437, 0.0845, 0.0278) + 0.681 * lobe(459, 0.0385, 0.0725)
    rgb = TO_RGB @ np.array([x @ radiance, y @ radiance, z @ radiance])
    return rgb.clip(0) / rgb.max()


@pytest.mark.parametrize("kelvin", [1700, 2222, 2700, 3999, 4001, 5000, 6500, 12000, 25000])
def test_a_temperature_gives_the_color_of_a_black_body(kelvin: float) -> None:
    np.testing.assert_allclose(
        find_color(("kelvin", kelvin)), integrate_black_body(kelvin), atol=0.02
    )


def test_a_hue_gives_its_color() -> None:
    assert find_color(("hue", 0.6, 1, 0.8)) == colorsys.hsv_to_rgb(0.6, 1, 0.8)
    assert find_color(["hue", 0, 1, 0.8]) == (0.8, 0, 0)
    assert find_color((1, 0.5, 0)) == (1, 0.5, 0)


@pytest.mark.parametrize(
    "value",
    [
        (), "red", 3, (1, 0), (1, 0, 2), (1, 0, -0.1), (1, 0, float("nan")), (True, 0, 0),
        ("kelvin",), ("kelvin", 1000), ("kelvin", 30000), ("kelvin", "6500"), ("hue", 0.5),
        ("hue", 0.5, 1, 1.1), ("hsv", 0.5, 1, 1), (("kelvin", 5000),),
    ],
)  # fmt: skip
def test_what_is_no_color_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="must be red, green and blue from 0 to 1"):
        find_color(value)
