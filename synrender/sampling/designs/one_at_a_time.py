"""``one_at_a_time``: some factors swept through their levels, one after the other."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from synrender.errors import UserError
from synrender.sampling.designs.kind import (
    Assignment,
    DesignKind,
    Given,
    SamplePlace,
    check_blocks,
    require_levels,
)


@dataclass(frozen=True, kw_only=True)
class Sweeps(DesignKind):
    """Blocks in which each factor goes through its levels, around one base."""

    def apply(self, assigned: Assignment, place: SamplePlace) -> Assignment:
        """Gives a sample the level that its place in the block has."""
        step = place.member
        for name in self.decided:
            if step < self.num_levels[name]:
                return dataclasses.replace(assigned.replace_levels({name: step}), varied=name)
            step -= self.num_levels[name]
        raise ValueError("the place lies beyond the block")


def create_sweeps(given: Given) -> Sweeps:
    """Checks ``design.sweeps``.

    Raises:
        UserError: no factor has levels, or blocks do not fit into the buckets.
    """
    num_levels = given.num_levels
    names = tuple(dict.fromkeys(given.design.sweeps or num_levels))
    require_levels("design.sweeps", names, num_levels)
    if not names:
        raise UserError("design.kind = 'one_at_a_time': no factor has levels; name some")
    size = sum(num_levels[name] for name in names)
    check_blocks("a set of sweeps", size, given.objects)
    return Sweeps(seed=given.seed, num_levels=num_levels, decided=names, block_size=size)
