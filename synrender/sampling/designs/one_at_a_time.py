"""``one_at_a_time``: some factors swept through their levels, one after the other."""

from __future__ import annotations


def find_sweep(num_levels: dict[str, int], place: int) -> tuple[str, int]:
    """Factor that is swept, and its level, at a place of a block.

    Args:
        num_levels: of each factor that is swept, in order; a block has their sum of samples.
        place: 0 to the length of a block - 1.
    """
    for name, n in num_levels.items():
        if place < n:
            return name, place
        place -= n
    raise ValueError("the place lies beyond the block")
