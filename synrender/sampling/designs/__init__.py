"""Designs: how factors vary together. (rules, index) -> levels, pure, O(1) for any index.

One kind a module. ``grid``, ``one_at_a_time`` and ``twins`` give the data set its structure, and
one of them can be combined with any of ``shortcut``, ``holdout`` and ``causal``, as long as no
factor is decided twice. A factor that has levels and that no design decides takes one of them,
evenly. `assign` says what a sample gets; `create_rules` checks a design and prepares it.
"""

from __future__ import annotations

from synrender.sampling.designs.causal import assign_causal
from synrender.sampling.designs.cell import EVEN, TEST, TRAIN, VALIDATION, Cell, Range, draw_even
from synrender.sampling.designs.grid import assign_grid
from synrender.sampling.designs.holdout import assign_combination
from synrender.sampling.designs.one_at_a_time import find_sweep
from synrender.sampling.designs.rules import Rules, create_rules
from synrender.sampling.designs.shortcut import assign_cue
from synrender.sampling.designs.twins import draw_twin_factor, find_twin_level
from synrender.settings.checks import SPLITS

__all__ = ["TEST", "TRAIN", "VALIDATION", "Cell", "Range", "Rules", "assign", "create_rules"]


def assign(rules: Rules, idx: int, bucket: int) -> Cell:
    """What a design decides about sample ``idx``, which is in a bucket."""
    split = rules.find_split(bucket)
    base, place = divmod(idx, rules.block_size)
    levels = _assign_levels(rules, base, split)
    ranges = {n: Range(*bounds, split != TEST) for n, bounds in rules.inner_ranges.items()}
    if rules.sweeps:
        varied, level = find_sweep(rules.sweeps, place)
        return Cell(base, {**levels, varied: level}, varied, ranges=ranges)
    if rules.twins:
        varied = draw_twin_factor(rules.twins, rules.seed, base)
        if varied not in levels:
            return Cell(base, levels, varied, place, ranges)
        n = rules.num_levels[varied]
        level = find_twin_level(levels[varied], n, place, rules.seed, base)
        return Cell(base, {**levels, varied: level}, varied, ranges=ranges)
    return Cell(base, levels, ranges=ranges)


def _assign_levels(rules: Rules, base: int, split: int) -> dict[str, int]:
    """Levels of all factors that have some, before a block varies one of them."""
    seed, num_levels = rules.seed, rules.num_levels
    levels: dict[str, int] = {}
    if rules.grid:
        levels |= assign_grid(rules.grid, rules.repeats, seed, base)
    if rules.held_out:
        factors, codes = rules.held_out_factors, rules.held_out
        levels |= assign_combination(codes, factors, split == TEST, seed, base)
    if rules.parents:
        do = rules.do.get(SPLITS[split], {})
        levels |= assign_causal(rules.parents, rules.tables, do, num_levels, seed, base)
    for name, n in num_levels.items():
        if name not in levels and name != rules.cue:
            levels[name] = draw_even(seed, EVEN, name, n, base)
    if rules.cue:
        levels[rules.cue] = assign_cue(
            rules.cue,
            rules.partners,
            num_levels[rules.cue],
            levels[rules.target],
            rules.rho[split],
            seed,
            base,
        )
    return levels
