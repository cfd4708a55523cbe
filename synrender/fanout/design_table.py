"""The table of a design, for ``--dry_run``: factors, levels, combinations, samples, shares."""

from __future__ import annotations

import math

from synrender.dataset.design_info import DesignFactor, DesignInfo
from synrender.sampling.sample_plan import bucket_to_first_idx
from synrender.settings.checks import SPLITS
from synrender.settings.groups import Settings

MAX_LEVELS_SHOWN = 8


def format_design(design: DesignInfo, settings: Settings) -> list[str]:
    """Lines for the user."""
    lines = [f"design: {', '.join(design.kinds)}"]
    width = max(map(len, design.factors), default=0)
    for name, factor in design.factors.items():
        lines.append(f"  {name:<{width}}  {_describe_levels(factor)}")
    objects, total = settings.object, settings.object.total_num_samples
    if design.grid:
        num_cells = math.prod(len(design.factors[name].levels) for name in design.grid)
        lines.append(
            f"  grid of {' x '.join(design.grid)}: {num_cells} combinations, {design.repeats} "
            "samples of each"
        )
    if design.block_size > 1:
        what = "sets of sweeps" if design.sweeps else "tuples of twins"
        lines.append(f"  {total // design.block_size} {what}, {design.block_size} samples each")
    if shortcut := design.shortcut:
        rho = ", ".join(f"{s} {r:g}" for s, r in zip(SPLITS, shortcut.rho, strict=True))
        lines.append(f"  {shortcut.cue} predicts {shortcut.target} with rho: {rho}")
    if design.held_out:
        lines.append(f"  {len(design.held_out)} combinations are in the test alone")
    for name, (low, high) in design.inner_ranges.items():
        lines.append(f"  {name}: {low:g} to {high:g} outside the test, beyond in the test")
    if design.causal:
        for child, parents in design.causal.parents.items():
            lines.append(f"  {child} depends on {', '.join(parents)}")
        for split, factors in design.causal.do.items():
            for name, level in factors.items():
                what = "drawn evenly" if level < 0 else f"level {level}"
                lines.append(f"  in {split}, {name} is {what}, against the graph")
    ends = [0]
    for num_buckets in design.split_buckets:
        ends.append(ends[-1] + num_buckets)
    firsts = [bucket_to_first_idx(end, objects) for end in ends]
    shares = (f"{s} {b - a}" for s, a, b in zip(SPLITS, firsts, firsts[1:], strict=False))
    return [*lines, f"  samples: {', '.join(shares)}"]


def _describe_levels(factor: DesignFactor) -> str:
    if not factor.levels:
        return "drawn"
    texts = factor.names or tuple(
        "/".join(f"{number:.3g}" for number in level) for level in factor.levels
    )
    more = len(texts) - MAX_LEVELS_SHOWN
    listed = ", ".join(texts[:MAX_LEVELS_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return f"{len(texts)} levels: {listed}"
