"""``holdout``: combinations of levels that are never trained on and make up the test."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

from synrender.sampling.designs.cell import HOLDOUT, create_design_rng
from synrender.sampling.designs.grid import code_to_levels
from synrender.sampling.designs.permutation import permute
from synrender.sampling.streams import DESIGN


def draw_held_out(num_held_out: int, num_levels: dict[str, int], seed: int) -> tuple[int, ...]:
    """Numbers of the combinations that are held out, drawn once, ascending."""
    num_cells = math.prod(num_levels.values())
    return tuple(sorted(permute(k, num_cells, seed, DESIGN, HOLDOUT) for k in range(num_held_out)))


def assign_combination(
    held_out: Sequence[int], num_levels: dict[str, int], is_test: bool, seed: int, idx: int
) -> dict[str, int]:
    """Levels of a sample: of a held-out combination in the test, of another one elsewhere.

    Args:
        held_out: numbers of combinations, ascending.
        num_levels: of each factor of a combination.
        is_test: whether the sample is of the test.
        seed: of the draw.
        idx: of the sample.
    """
    chance = create_design_rng(seed, HOLDOUT, "", idx).random()
    if is_test:
        return code_to_levels(held_out[int(chance * len(held_out))], num_levels)
    num_allowed = math.prod(num_levels.values()) - len(held_out)
    return code_to_levels(find_allowed(int(chance * num_allowed), held_out), num_levels)


def find_allowed(k: int, held_out: Sequence[int]) -> int:
    """Number of the k-th combination that is not held out."""
    # Before held-out number h at place p, h - p combinations are allowed.
    num_before = bisect_right(range(len(held_out)), k, key=lambda p: held_out[p] - p)
    return k + num_before
