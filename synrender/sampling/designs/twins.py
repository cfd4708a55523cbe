"""``twins``: tuples of samples that differ in exactly one factor."""

from __future__ import annotations

from synrender.sampling.designs.cell import TWIN, draw_even
from synrender.sampling.designs.permutation import permute
from synrender.sampling.streams import DESIGN


def draw_twin_factor(names: tuple[str, ...], seed: int, base: int) -> str:
    """The factor in which the twins of tuple ``base`` differ: one of ``names``, evenly."""
    return names[draw_even(seed, TWIN, "", len(names), base)]


def find_twin_level(first: int, num_levels: int, member: int, seed: int, base: int) -> int:
    """Level of a member of a tuple: all differ, and member 0 has the ``first``."""
    if member == 0:
        return first
    step = 1 + permute(member - 1, num_levels - 1, seed, DESIGN, TWIN, base)
    return (first + step) % num_levels
