"""``shortcut``: one factor, the cue, predicts another, with a strength for each split."""

from __future__ import annotations

from dataclasses import dataclass

from synrender.errors import UserError
from synrender.sampling.designs.kind import (
    PARTNERS,
    SHORTCUT,
    Assignment,
    DesignKind,
    Given,
    SamplePlace,
    create_design_rng,
    require_levels,
)
from synrender.sampling.streams import draw_permutation


@dataclass(frozen=True, kw_only=True)
class Shortcut(DesignKind):
    """A cue that has its target's partner with probability rho, and any level else, evenly."""

    cue: str
    target: str
    partners: tuple[int, ...]  # cue level of each target level; no two share one
    rho: tuple[float, ...]  # of each split

    def apply(self, assigned: Assignment, place: SamplePlace) -> Assignment:
        """Gives a sample the cue for its target."""
        rng = create_design_rng(self.seed, SHORTCUT, self.cue, place.base)
        chance, even = rng.random(2)
        level = int(even * self.num_levels[self.cue])
        if chance < self.rho[place.split]:
            level = self.partners[assigned.levels[self.target]]
        return assigned.replace_levels({self.cue: level})


def create_shortcut(given: Given) -> Shortcut:
    """Checks ``design.shortcut``, and draws the partners.

    Raises:
        UserError: it does not name two factors, or the cue has fewer levels than the target.
    """
    names, num_levels = given.design.shortcut, given.num_levels
    require_levels("design.shortcut", names, num_levels)
    if len(names) != 2 or names[0] == names[1]:
        raise UserError(
            f"design.shortcut = {names}: must be two factors, such as "
            "('backdrop_texture', 'class'): the first one predicts the second"
        )
    cue, target = names
    num_cue, num_target = num_levels[cue], num_levels[target]
    if num_cue < num_target:
        raise UserError(
            f"design.shortcut: {cue!r} has {num_cue} levels and {target!r} "
            f"{num_target}: each level of the second needs a partner of its own"
        )
    order = draw_permutation(create_design_rng(given.seed, PARTNERS, cue), num_cue)
    return Shortcut(
        seed=given.seed,
        num_levels=num_levels,
        decided=(cue,),
        cue=cue,
        target=target,
        partners=tuple(map(int, order[:num_target])),
        rho=given.design.rho,
    )
