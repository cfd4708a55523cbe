"""Streams of random numbers: every choice has one of its own, at one index.

``SeedSequence([seed, stream, index])``: a factor that is switched off leaves all others as they
were. Only ``Generator.random`` and ``standard_normal`` are used: their values are the same in every
numpy that Blender 3.4 to 5.2 brings along.
"""

from __future__ import annotations

import numpy as np

# A number is never given a new meaning: that would change every data set.
CLASS, MODEL, TEXTURE, COLOR, POSE, LIGHT, LAYOUT, NOISE, COLOR_REFERENCE = range(9)
DESIGN, LEVEL = 9, 10


def create_rng(seed: int, stream: int, *key: int) -> np.random.Generator:
    """Random generator of one stream at one index."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, stream, *key])))


def draw_permutation(rng: np.random.Generator, n: int) -> np.ndarray:
    """The numbers 0 to n - 1 in random order, (n,) int64."""
    return np.argsort(rng.random(n), kind="stable")
