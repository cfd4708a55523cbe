"""``twins``: tuples of samples that differ in exactly one factor."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from synrender.errors import UserError, nearest_name
from synrender.sampling.designs.kind import (
    ALWAYS_FIXED,
    TWIN,
    Assignment,
    DesignKind,
    Given,
    SamplePlace,
    check_blocks,
    draw_even,
)
from synrender.sampling.streams import DESIGN, permute
from synrender.settings.factor_table import FACTORS, JOINT

FEW_VALUES = ("class", "num_objs", "num_lights", "backdrop")
"""Factors of which two draws are often equal."""


@dataclass(frozen=True, kw_only=True)
class Twins(DesignKind):
    """Tuples of samples; which factor they differ in is drawn for each tuple."""

    def apply(self, assigned: Assignment, place: SamplePlace) -> Assignment:
        """Gives a sample another level than its twins, or says that its factor is drawn anew."""
        varied = self.decided[draw_even(self.seed, TWIN, "", len(self.decided), place.base)]
        if varied not in self.num_levels:
            return dataclasses.replace(assigned, varied=varied, member=place.member)
        level = self._find_level(assigned.levels[varied], self.num_levels[varied], place)
        return dataclasses.replace(assigned.replace_levels({varied: level}), varied=varied)

    def _find_level(self, first: int, num_levels: int, place: SamplePlace) -> int:
        """Level of a member of a tuple: all differ, and member 0 has the ``first``."""
        if place.member == 0:
            return first
        step = permute(place.member - 1, num_levels - 1, self.seed, DESIGN, TWIN, place.base)
        return (first + 1 + step) % num_levels


def create_twins(given: Given) -> Twins:
    """Checks ``design.twins`` and ``design.twin_size``.

    Raises:
        UserError: twins could not differ in one of the factors, or do not fit into the buckets.
    """
    design, num_levels = given.design, given.num_levels
    names, size = design.twins or tuple(num_levels), design.twin_size
    if not names:
        raise UserError("design.kind = 'twins': name factors in design.twins or design.levels")
    for name in names:
        if name not in (*FACTORS, *JOINT):
            raise UserError(f"design.twins: {name!r} is no factor{nearest_name(name, FACTORS)}")
        if name in num_levels and num_levels[name] < size:
            raise UserError(
                f"design.twin_size = {size}: {name!r} has {num_levels[name]} levels, and twins "
                "differ in all of theirs; give it more"
            )
        is_set = name in design.distributions
        if name not in num_levels and not is_set and name in ALWAYS_FIXED:
            raise UserError(
                f"design.twins: {name!r} is not drawn, so that twins would be equal; give it "
                "values in design.levels"
            )
        if name not in num_levels and is_set and name in FEW_VALUES:
            raise UserError(
                f"design.twins: {name!r} has few values, so that twins could be drawn equal; give "
                "it values in design.levels"
            )
        if name in design.fixed:
            raise UserError(f"design.twins: {name!r} is in design.fixed, so twins would be equal")
    check_blocks("a tuple of twins", size, given.objects)
    return Twins(seed=given.seed, num_levels=num_levels, decided=names, block_size=size)
