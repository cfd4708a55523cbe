"""``holdout``: combinations of levels, and ranges of values, that are in the test alone."""

from __future__ import annotations

import dataclasses
import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from synrender.errors import UserError
from synrender.sampling.designs.grid import code_to_levels, levels_to_code
from synrender.sampling.designs.kind import (
    HOLDOUT,
    TEST,
    Assignment,
    DesignKind,
    Given,
    Range,
    SamplePlace,
    check_level,
    create_design_rng,
    find_spreads,
    require_levels,
)
from synrender.sampling.quantiles import find_chance
from synrender.sampling.streams import DESIGN, permute
from synrender.settings.checks import FrozenDict
from synrender.settings.distributions import (
    COUNTS,
    MIN_SHARE,
    Distribution,
    describe,
    parse_distribution,
)
from synrender.settings.factor_table import VIEWPOINT

MAX_HELD_OUT = 100_000
RANGED = (*VIEWPOINT, "light_angle", "scale")
"""Factors that are drawn as one number unless a user says from what."""


@dataclass(frozen=True, kw_only=True)
class Holdout(DesignKind):
    """What the test shows and training never does."""

    held_out: tuple[int, ...]  # numbers of combinations of the decided factors, ascending
    inner_ranges: FrozenDict  # factor: (low, high) outside the test; the test is beyond

    def list_combinations(self) -> tuple[dict[str, int], ...]:
        """Levels of the combinations that are held out."""
        return tuple(code_to_levels(code, self.num_levels) for code in self.held_out)

    def apply(self, assigned: Assignment, place: SamplePlace) -> Assignment:
        """Gives a sample a combination and ranges of its split."""
        is_test = place.split == TEST
        ranges = {n: Range(*bounds, not is_test) for n, bounds in self.inner_ranges.items()}
        assigned = dataclasses.replace(assigned, ranges=ranges)
        if not self.held_out:
            return assigned
        chance = create_design_rng(self.seed, HOLDOUT, "", place.base).random()
        if is_test:
            code = self.held_out[int(chance * len(self.held_out))]
        else:
            num_allowed = math.prod(self.num_levels.values()) - len(self.held_out)
            code = find_allowed(int(chance * num_allowed), self.held_out)
        return assigned.replace_levels(code_to_levels(code, self.num_levels))


def find_allowed(k: int, held_out: Sequence[int]) -> int:
    """Number of the k-th combination that is not held out."""
    # Before held-out number h at place p, h - p combinations are allowed.
    num_before = bisect_right(range(len(held_out)), k, key=lambda p: held_out[p] - p)
    return k + num_before


def create_holdout(given: Given) -> Holdout:
    """Checks ``design.held_out`` and ``design.inner_ranges``, and draws the combinations.

    Raises:
        UserError: nothing is held out, or nothing is left to train on.
    """
    design = given.design
    require_levels("design.held_out_factors", design.held_out_factors, given.num_levels)
    for name, bounds in design.inner_ranges.items():
        _check_range(name, bounds, given)
    factors, codes = FrozenDict(), ()
    if design.held_out:
        factors = _find_factors(given)
        codes = _find_codes(given, factors)
        _check_rest(codes, factors)
    elif not design.inner_ranges:
        raise UserError("design.kind = 'holdout': set design.held_out or design.inner_ranges")
    return Holdout(
        seed=given.seed,
        num_levels=factors,
        decided=tuple(factors),
        held_out=codes,
        inner_ranges=design.inner_ranges,
    )


def _find_factors(given: Given) -> FrozenDict:
    """Numbers of levels of the factors of a combination."""
    names, held_out = given.design.held_out_factors, given.design.held_out
    if isinstance(held_out, tuple):
        names = tuple(held_out[0])
    require_levels("design.held_out", names, given.num_levels)
    if len(set(names)) < 2:
        raise UserError(
            f"design.held_out: names {list(names)}, a combination needs two factors or more; a "
            "number of combinations needs design.held_out_factors"
        )
    return FrozenDict({name: given.num_levels[name] for name in names})


def _find_codes(given: Given, factors: FrozenDict) -> tuple[int, ...]:
    """Numbers of the combinations that are held out, drawn or given, ascending."""
    held_out, num_cells = given.design.held_out, math.prod(factors.values())
    if isinstance(held_out, int):
        if held_out > min(MAX_HELD_OUT, num_cells):
            raise UserError(
                f"design.held_out = {held_out}: there are {num_cells} combinations, and at "
                f"most {MAX_HELD_OUT} can be held out"
            )
        drawn = (permute(k, num_cells, given.seed, DESIGN, HOLDOUT) for k in range(held_out))
        return tuple(sorted(drawn))
    codes = set()
    for combination in held_out:
        if set(combination) != set(factors):
            raise UserError(
                f"design.held_out: {dict(combination)} must name the same factors as the first "
                f"combination, {list(factors)}"
            )
        for name, level in combination.items():
            check_level("design.held_out", name, level, factors)
        codes.add(levels_to_code(dict(combination), factors))
    return tuple(sorted(codes))


def _check_rest(codes: tuple[int, ...], factors: FrozenDict) -> None:
    """Refuses a hold-out that leaves nothing to train on, or nothing of one class."""
    num_cells = math.prod(factors.values())
    if not 0 < len(codes) < num_cells:
        raise UserError(
            f"design.held_out: {len(codes)} of {num_cells} combinations; training needs one or more"
        )
    if "class" in factors:
        num_left = dict.fromkeys(range(factors["class"]), num_cells // factors["class"])
        for code in codes:
            num_left[code_to_levels(code, factors)["class"]] -= 1
        if empty := [c for c, n in num_left.items() if n == 0]:
            raise UserError(
                f"design.held_out: leaves level {empty[0]} of 'class' without training samples"
            )


def _check_range(name: str, bounds: object, given: Given) -> None:
    """Refuses a range of a factor that is not drawn as one number, or that has only one value."""
    own = _find_own(name, given)
    is_drawn = name in RANGED if own is None else own.is_one_number and name not in COUNTS
    if not is_drawn or name in given.num_levels or name in given.design.fixed:
        raise UserError(
            f"design.inner_ranges: {name!r} must be a factor that is drawn as one number "
            f"({', '.join(RANGED)}, or one with such a distribution), without levels"
        )
    if (
        not isinstance(bounds, tuple)
        or len(bounds) != 2
        or not all(isinstance(b, (int, float)) for b in bounds)
        or bounds[0] >= bounds[1]
    ):
        raise UserError(f"design.inner_ranges: {name!r}: must be (low, high), is {bounds!r}")
    if own is not None:
        _check_shares(name, bounds, own)
        return
    setting, spread = find_spreads(given.objects, given.lighting)[name]
    if not spread:
        raise UserError(
            f"design.inner_ranges: {name!r} has one value, because {setting} = 0; increase it, or "
            "leave the factor out"
        )


def _find_own(name: str, given: Given) -> Distribution | None:
    """The distribution that a user set for a factor."""
    own = given.design.distributions.get(name)
    return None if own is None else parse_distribution(name, own)


def _check_shares(name: str, bounds: tuple[float, ...], own: Distribution) -> None:
    """Refuses a range that holds all of a distribution, or nothing of it."""
    low, high = (find_chance(own, float(bound)) for bound in bounds)
    share = high - low
    if not MIN_SHARE <= share <= 1 - MIN_SHARE:
        which = "next to nothing, and training" if share < MIN_SHARE else "all, and the test"
        raise UserError(
            f"design.inner_ranges: {name!r}: {bounds} holds {which} needs some of it: its "
            f"distribution is {describe(own)}; change one of them"
        )
