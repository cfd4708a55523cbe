"""``grid``: every combination of the levels of some factors, in a seeded order."""

from __future__ import annotations

import math
from dataclasses import dataclass

from synrender.errors import UserError
from synrender.sampling.designs.kind import (
    GRID,
    Assignment,
    DesignKind,
    Given,
    SamplePlace,
    require_levels,
)
from synrender.sampling.streams import DESIGN, permute


@dataclass(frozen=True, kw_only=True)
class Grid(DesignKind):
    """A complete grid; the last factor changes fastest."""

    repeats: int  # samples of each combination

    def apply(self, assigned: Assignment, place: SamplePlace) -> Assignment:
        """Gives a sample its combination."""
        factors = {name: self.num_levels[name] for name in self.decided}
        num_cells = math.prod(factors.values())
        turn = permute(place.base, num_cells * self.repeats, self.seed, DESIGN, GRID)
        return assigned.replace_levels(code_to_levels(turn % num_cells, factors))


def create_grid(given: Given) -> Grid:
    """Checks ``design.grid`` and ``design.repeats``.

    Raises:
        UserError: no factor has levels, or the data set has another number of samples.
    """
    design, num_levels, total = given.design, given.num_levels, given.objects.total_num_samples
    others = {*design.shortcut[:1], *design.held_out_factors, *design.parents}
    names = tuple(dict.fromkeys(design.grid))
    names = names or tuple(name for name in num_levels if name not in others)
    require_levels("design.grid", names, num_levels)
    if not names:
        raise UserError("design.kind = 'grid': no factor has levels; name some in design.levels")
    num_cells = math.prod(num_levels[name] for name in names)
    if num_cells * design.repeats != total:
        product = " x ".join(f"{num_levels[name]} of {name}" for name in names)
        raise UserError(
            f"object.total_num_samples = {total}: a complete grid of {product} "
            f"has {num_cells} combinations, {design.repeats} times each: set it to "
            f"{num_cells * design.repeats}, or change design.levels or design.repeats"
        )
    return Grid(seed=given.seed, num_levels=num_levels, decided=names, repeats=design.repeats)


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
