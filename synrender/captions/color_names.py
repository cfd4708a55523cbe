"""Names of colors: that of the nearest example by CIEDE2000, or "multicolored"."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synrender.images.conversions import linear_to_srgb8
from synrender.settings.caption_words import MULTICOLORED, NAMED_COLORS

CLEARLY_FARTHER = 15.0
"""A color may well bear each name that is farther than its own by less than this; a distance of 1
is just noticeable."""

NEARLY, RATHER = 6.0, 10.0
"""A color counts for each name that is farther than its own by less than the first; by less than
the second, it is rather such a color than one of two."""

MIN_LEAD = 2.5
"""By how much the nearest name must be nearer than the next one, for most of the pixels."""

OBJECT_LIGHT, BACKDROP_LIGHT = 0.6, 0.35
"""How bright surfaces are in the image, as a share of what they reflect: the backdrop is farther
from the lamps. A color is named if it counts for the same name as it is and in such light."""

MIN_SHARE = 0.75
"""An object has one color if this share of its pixels counts for it."""

MIN_PART = 0.2
"""Else it is multicolored if two names each have this share of its pixels, which could not be
called by the other name."""

SURE_SHARE = 0.9
"""Nobody would call an object multicolored if this share of its pixels counts for one name."""

_FEW = 0.05
"""An object shows no color that fewer of its pixels may be called."""

NUM_PIXELS = 100
"""Pixels of an object that are looked at, spread evenly."""


@dataclass(frozen=True)
class ColorName:
    """What a color is called."""

    name: str = ""  # "": not known, or in doubt
    possible: tuple[str, ...] | None = None  # what it may well be called; None: anything


def name_colors(linear: np.ndarray, light: float = OBJECT_LIGHT) -> list[ColorName]:
    """Names of plain colors, (n, 3) scene-linear RGB, in some light."""
    return name_surfaces(list(linear[:, None]), light)


def name_surfaces(surfaces: Sequence[np.ndarray], light: float = OBJECT_LIGHT) -> list[ColorName]:
    """Names for the colors of surfaces, pixels (k, 3) scene-linear RGB of each, in a light."""
    few = [s[np.linspace(0, len(s) - 1, min(len(s), NUM_PIXELS)).astype(int)] for s in surfaces]
    if not sum(map(len, few)):
        return [ColorName()] * len(few)
    linear = np.concatenate(few)
    behind = [
        d - d.min(axis=1, keepdims=True) for d in map(_find_distances, (linear, light * linear))
    ]
    ends = np.cumsum([len(s) for s in few])[:-1]
    return [_judge(part) for part in np.split(np.stack(behind), ends, axis=1)]


def _judge(behind: np.ndarray) -> ColorName:
    """Name for the colors of one surface.

    Args:
        behind: (2, k, names) how much farther than the nearest one each of `NAMED_COLORS` is: of
            k colors as they are, and in dim light.
    """
    if not behind.shape[1]:
        return ColorName()
    names, shares = np.array(list(NAMED_COLORS)), (behind < CLEARLY_FARTHER).mean(axis=1)
    best = int(np.bincount(behind[0].argmin(axis=1)).argmax())
    possible = tuple(names[shares.max(axis=0) >= _FEW].tolist())
    if (behind[0] < NEARLY).mean(axis=0).max() < SURE_SHARE:
        possible += (MULTICOLORED,)
    lead = np.median(np.delete(behind[0], best, axis=1).min(axis=1) - behind[0, :, best])
    is_near = ((behind[..., best] < NEARLY).mean(axis=1) >= MIN_SHARE).all()
    if is_near and lead >= MIN_LEAD:
        return ColorName(str(names[best]), possible)
    counts, is_other = behind[0] < NEARLY, behind[0] >= CLEARLY_FARTHER
    parts = (counts[:, :, None] & is_other[:, None]).mean(axis=0)  # of one name, not of the other
    is_varied = (np.minimum(parts, parts.T) >= MIN_PART).any()
    is_one = (behind[0] < RATHER).mean(axis=0).max() >= MIN_SHARE
    return ColorName(MULTICOLORED if is_varied and not is_one else "", possible)


def _find_distances(linear: np.ndarray) -> np.ndarray:
    """CIEDE2000 from colors (n, 3) to the nearest example of each name, (n, names)."""
    from skimage.color import deltaE_ciede2000

    examples, starts = _find_examples()
    distances = deltaE_ciede2000(_to_lab(linear_to_srgb8(linear))[:, None], examples[None])
    return np.minimum.reduceat(distances, starts, axis=1)


@functools.cache
def _find_examples() -> tuple[np.ndarray, np.ndarray]:
    """Lab of all examples, (k, 3), and the place of the first one of each name."""
    counts = [len(examples) for examples in NAMED_COLORS.values()]
    texts = [text for examples in NAMED_COLORS.values() for text in examples]
    srgb8 = np.array([list(bytes.fromhex(text[1:])) for text in texts], np.uint8)
    return _to_lab(srgb8), np.cumsum([0, *counts[:-1]])


def _to_lab(srgb8: np.ndarray) -> np.ndarray:
    from skimage.color import rgb2lab

    return rgb2lab(srgb8[None])[0]
