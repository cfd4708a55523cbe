"""Colors have the names that people give them, and none where that is in doubt."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from synrender.captions.color_names import MIN_LEAD, name_colors, name_surfaces
from synrender.settings.caption_words import MULTICOLORED, NAMED_COLORS

PEOPLE = {
    **{"#c00000": "red", "#ff7f0e": "orange", "#ffe119": "yellow", "#3cb44b": "green"},
    **{"#40bfb0": "turquoise", "#4363d8": "blue", "#911eb4": "purple", "#f06ab0": "pink"},
    **{"#7a4a20": "brown", "#151515": "black", "#707070": "gray", "#ffffff": "white"},
    **{"#e6d5b8": "beige", "#000075": "blue", "#808000": "green"},
}


def to_linear(text: str) -> np.ndarray:
    srgb = np.array(list(bytes.fromhex(text[1:]))) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize(("text", "name"), PEOPLE.items())
def test_names_that_people_give(text: str, name: str) -> None:
    assert name_colors(to_linear(text)[None], light=1.0)[0].name == name


def test_the_nearest_example_by_ciede2000_gives_the_name() -> None:
    linear = np.random.default_rng(0).random((200, 3))
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    nearest = []
    for examples in NAMED_COLORS.values():
        labs = rgb2lab(np.array([[list(bytes.fromhex(e[1:])) for e in examples]]) / 255)[0]
        distances = deltaE_ciede2000(rgb2lab(srgb[None])[0][:, None], labs[None])
        nearest.append(distances.min(axis=1))
    distances, names = np.stack(nearest, axis=1), list(NAMED_COLORS)
    best, lead = distances.argmin(axis=1), np.diff(np.sort(distances, axis=1)[:, :2])[:, 0]
    found = name_colors(linear, light=1.0)
    for k, name in enumerate(found):  # rounding to 8 bits moves a distance by less than 0.3
        if abs(lead[k] - MIN_LEAD) > 0.3:
            assert name.name == (names[best[k]] if lead[k] > MIN_LEAD else ""), srgb[k]
        assert names[best[k]] in (name.possible or ())
    assert sum(bool(name.name) for name in found) > 140


def test_a_color_that_dim_light_changes_has_no_name() -> None:
    white = np.ones((1, 3))
    assert name_colors(white, light=1.0)[0].name == "white"
    assert name_colors(white, light=0.35)[0].name == ""  # gray in the shadow


def test_surfaces_of_several_colors() -> None:
    red, green, blue = (np.tile(to_linear(t), (30, 1)) for t in ("#c00000", "#208020", "#2040d0"))
    orange = np.tile(to_linear("#d04020"), (30, 1))
    found = name_surfaces(
        [np.concatenate([red, green, blue]), np.concatenate([red, red, red, red, blue]),
         np.concatenate([red, red, blue]), np.concatenate([red, orange]), red[:0]]
    )  # fmt: skip
    assert [f.name for f in found] == [MULTICOLORED, "red", MULTICOLORED, "red", ""]
    assert set(found[0].possible or ()) >= {"red", "green", "blue", MULTICOLORED}
    assert "blue" in (found[1].possible or ())
    assert found[4].possible is None
