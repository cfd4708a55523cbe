"""What a design decides about one sample, and the random numbers that designs draw."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from synrender.sampling.streams import DESIGN, create_rng
from synrender.settings.factor_table import FACTORS, VIEWPOINT

EVEN, SHORTCUT, HOLDOUT, CAUSAL, TWIN, GRID, PARTNERS, TABLES = range(8)
"""Streams within `DESIGN`. A number is never given a new meaning."""

NAMES = (*FACTORS, "viewpoint")
TRAIN, VALIDATION, TEST = range(3)


@dataclass(frozen=True)
class Range:
    """Where a drawn value must lie."""

    low: float
    high: float
    is_inside: bool  # between the two, or beyond them

    def holds(self, value: float) -> bool:
        """Whether a value lies where it must."""
        return (self.low <= value <= self.high) == self.is_inside


@dataclass(frozen=True)
class Cell:
    """What a design decides about one sample; all else is drawn, from the streams of ``base``."""

    base: int
    levels: dict[str, int] = field(default_factory=dict)  # factor: index of its level
    varied: str = ""  # factor in which the samples of a block differ
    member: int = 0  # of its block, if the varied factor is drawn; 0 is drawn as its base
    ranges: dict[str, Range] = field(default_factory=dict)  # factor: where its value must lie

    def is_varied(self, name: str) -> bool:
        """Whether this factor is the one that is varied; ``viewpoint`` is three."""
        return self.varied == name or (self.varied == "viewpoint" and name in VIEWPOINT)


def create_design_rng(seed: int, stream: int, name: str, *key: int) -> np.random.Generator:
    """Generator for a choice that a design makes about a factor."""
    return create_rng(seed, DESIGN, stream, NAMES.index(name) if name else 0, *key)


def draw_even(seed: int, stream: int, name: str, num_levels: int, *key: int) -> int:
    """A level, each with the same probability."""
    return int(create_design_rng(seed, stream, name, *key).random() * num_levels)
