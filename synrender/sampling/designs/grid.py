"""``grid``: every combination of the levels of some factors, in a seeded order."""

from __future__ import annotations

import math

from synrender.sampling.designs.cell import GRID
from synrender.sampling.designs.permutation import permute
from synrender.sampling.streams import DESIGN


def assign_grid(num_levels: dict[str, int], repeats: int, seed: int, idx: int) -> dict[str, int]:
    """Levels of sample ``idx``.

    Args:
        num_levels: of each factor of the grid.
        repeats: samples of each combination.
        seed: of the order.
        idx: 0 to product of the levels * repeats - 1.
    """
    num_cells = math.prod(num_levels.values())
    return code_to_levels(
        permute(idx, num_cells * repeats, seed, DESIGN, GRID) % num_cells, num_levels
    )


def code_to_levels(code: int, num_levels: dict[str, int]) -> dict[str, int]:
    """Levels of a combination by its number; the last factor changes fastest."""
    levels = {}
    for name, n in reversed(num_levels.items()):
        code, levels[name] = divmod(code, n)
    return {name: levels[name] for name in num_levels}


def levels_to_code(levels: dict[str, int], num_levels: dict[str, int]) -> int:
    """Number of a combination, the inverse of `code_to_levels`."""
    code = 0
    for name, n in num_levels.items():
        code = code * n + levels[name]
    return code
