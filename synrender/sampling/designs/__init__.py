"""Designs: how factors vary together. (rules, index) -> levels, pure, O(1) for any index.

One kind a module. ``grid``, ``one_at_a_time``, ``twins`` and ``sequence`` give the data set its
structure, and one of them can be combined with any of ``shortcut``, ``holdout`` and ``causal``, as
long as no factor is decided twice. A factor that has levels and that no design decides takes one of
them, evenly. `create_rules` checks a design and prepares it; `assign` says what a sample gets.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from synrender.errors import UserError
from synrender.sampling.designs.causal import create_graph
from synrender.sampling.designs.grid import create_grid
from synrender.sampling.designs.holdout import create_holdout
from synrender.sampling.designs.kind import (
    EVEN,
    TEST,
    Assignment,
    DesignKind,
    Given,
    SamplePlace,
    draw_even,
)
from synrender.sampling.designs.one_at_a_time import create_sweeps
from synrender.sampling.designs.sequence import create_sequence
from synrender.sampling.designs.shortcut import create_shortcut
from synrender.sampling.designs.twins import create_twins
from synrender.sampling.lights import DIRECTION
from synrender.settings.checks import FrozenDict
from synrender.settings.factor_table import JOINT
from synrender.settings.groups import Design, find_split_buckets

KINDS: dict[str, Callable[[Given], DesignKind]] = {
    "grid": create_grid,
    "holdout": create_holdout,
    "causal": create_graph,
    "shortcut": create_shortcut,
    "one_at_a_time": create_sweeps,
    "twins": create_twins,
    "sequence": create_sequence,
}
"""In the order in which they are applied: a cue follows its target, blocks vary what is decided."""

STRUCTURES = ("grid", "one_at_a_time", "twins", "sequence")
T = TypeVar("T", bound=DesignKind)


@dataclass(frozen=True)
class Rules:
    """A design that was checked, with all that is drawn for it once."""

    seed: int
    num_levels: FrozenDict  # of each factor that has levels
    split_buckets: tuple[int, ...]  # numbers of buckets of training, validation and test
    kinds: tuple[DesignKind, ...] = ()

    @property
    def block_size(self) -> int:
        """Consecutive samples with one base."""
        return max((kind.block_size for kind in self.kinds), default=1)

    def find(self, kind: type[T]) -> T | None:
        """The design of one kind, if it is a part of this one."""
        return next((k for k in self.kinds if isinstance(k, kind)), None)

    def find_split(self, bucket: int) -> int:
        """0, 1 or 2 for a bucket of training, validation or test."""
        train, validation, _ = self.split_buckets
        return 0 if bucket < train else 1 if bucket < train + validation else TEST


def assign(rules: Rules, idx: int, bucket: int) -> Assignment:
    """What a design decides about sample ``idx``, which is in a bucket."""
    base, member = divmod(idx, rules.block_size)
    place = SamplePlace(base, member, rules.find_split(bucket))
    even = {
        name: draw_even(rules.seed, EVEN, name, n, base) for name, n in rules.num_levels.items()
    }
    assigned = Assignment(base, even)
    for kind in rules.kinds:
        assigned = kind.apply(assigned, place)
    return assigned


@functools.lru_cache(maxsize=16)
def create_rules(given: Given) -> Rules:
    """Checks a design and prepares it.

    Raises:
        UserError: the design cannot be; one line says why, with the numbers.
    """
    design = given.design
    _check_names(design)
    kinds = {name: create(given) for name, create in KINDS.items() if name in design.kind}
    _check_combination(design, kinds)
    split_buckets = find_split_buckets(design, given.objects.n_buckets)
    return Rules(given.seed, given.num_levels, split_buckets, tuple(kinds.values()))


def _check_names(design: Design) -> None:
    if "random" in design.kind and len(design.kind) > 1:
        raise UserError(f"design.kind = {list(design.kind)}: 'random' goes alone")
    structures = [kind for kind in design.kind if kind in STRUCTURES]
    if len(structures) > 1:
        raise UserError(
            f"design.kind = {list(design.kind)}: {' and '.join(structures)} both say which samples "
            "belong together; choose one of them"
        )
    if both := sorted(set(design.levels) & set(design.fixed)):
        raise UserError(f"design.fixed names {both[0]!r}, which design.levels names too")
    named = {*design.levels, *design.fixed}
    for joint, parts in JOINT.items():
        if joint in named and (taken := sorted(named & set(parts))):
            raise UserError(f"design.levels: {joint!r} and {taken[0]!r}, which is a part of it")
    _check_surroundings(design)


def _check_surroundings(design: Design) -> None:
    """Refuses two places for one light, and an environment of which only the rotation is named."""
    named = {*design.decided, *design.twins, *design.inner_ranges}
    if "light_angle" in named and (others := sorted(named & set(DIRECTION))):
        raise UserError(
            f"design: 'light_angle' and {others[0]!r} both say where the light is; leave one out"
        )
    lost = sorted(named & {"environment_rotation", "environment_energy"})
    if lost and "environment" not in named:
        raise UserError(
            f"design: {lost[0]!r}: no sample has an environment; name some in design.levels or "
            "one in design.fixed"
        )


def _check_combination(design: Design, kinds: dict[str, DesignKind]) -> None:
    """Refuses a factor that two designs decide."""
    seen: dict[str, str] = {}
    for kind, made in kinds.items():
        for name in sorted(set(made.decided)):
            if name in seen:
                raise UserError(
                    f"design.kind = {list(design.kind)}: {seen[name]!r} and {kind!r} both decide "
                    f"{name!r}; leave it out of one of them"
                )
            seen[name] = kind
    if "shortcut" in kinds and seen.get(design.shortcut[1]) in ("one_at_a_time", "twins"):
        raise UserError(
            f"design.shortcut: its target {design.shortcut[1]!r} is varied within a block, and its "
            "cue is not; choose other factors"
        )
