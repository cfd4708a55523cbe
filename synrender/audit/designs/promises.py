"""Whether a design keeps its promises: counts, strengths, hold-outs, causes.

Each check takes arrays and the design of ``dataset.json``. How levels were drawn does not matter.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.stats import binomtest

from synrender.audit.check import MAX_FALSE_ALARMS, Check, Measure, count_faults, decide, skip
from synrender.audit.rays.audited_dataset import Records
from synrender.dataset.archive_layout import buckets_to_splits
from synrender.dataset.design_info import DesignFactor, DesignInfo
from synrender.settings.checks import SPLITS
from synrender.settings.factor_table import COLUMNS


@dataclass(frozen=True)
class Promise:
    """What a data set promises about its factors."""

    design: DesignInfo
    num_buckets: int
    total: int  # samples of the whole data set, rendered or not
    has_class_colors: bool  # whether a class has colors of its own
    rejected: frozenset[str] = frozenset()  # textures and environments that were replaced
    classes: tuple[str, ...] = ()  # by class id, all of their words


# --- factors as arrays ----------------------------------------------------------------------------


TRAIN, TEST = 0, 2


@dataclass(frozen=True)
class Samples:
    """One entry for each sample, or each object of one; n in all."""

    idxs: np.ndarray  # (n,) int64, index of the sample
    splits: np.ndarray  # (n,) int64, place in SPLITS
    levels: np.ndarray  # (n, len(COLUMNS)) int64
    values: np.ndarray  # (n, len(COLUMNS)) float64

    def level(self, factor: DesignFactor) -> np.ndarray:
        """Level of a factor, (n,) int64; -1: none."""
        return self.levels[:, COLUMNS.index(factor.columns[0])]

    def value(self, factor: DesignFactor) -> np.ndarray:
        """First number of a factor's value, (n,) float64."""
        return self.values[:, COLUMNS.index(factor.columns[0])]

    def choose(self, are_chosen: np.ndarray) -> Samples:
        """Some of them."""
        columns = (self.idxs, self.splits, self.levels, self.values)
        return Samples(*(column[are_chosen] for column in columns))

    def drawn(self, design: DesignInfo) -> Samples:
        """One sample of each block: the others follow from it and prove nothing more."""
        return self.choose(self.idxs % design.block_size == 0)


def gather_samples(
    records: Records, design: DesignInfo, num_buckets: int, total: int, is_each_object: bool = False
) -> Samples:
    """The factors of each sample (of its first object), or of each object."""
    rows, idxs = records.rows, records.idxs
    if not is_each_object:
        _, firsts = np.unique(idxs, return_index=True)
        rows, idxs = rows[firsts], idxs[firsts]
    splits = buckets_to_splits(idxs * num_buckets // total, design.split_buckets)
    return Samples(idxs, splits, rows["factor_levels"], rows["factor_values"])


# --- checks ---------------------------------------------------------------------------------------


EVEN = -1  # level of an intervention that draws evenly


def check_cells(design: DesignInfo, samples: Samples, total: int) -> Check:
    """Samples of each combination of a grid."""
    if not design.grid:
        return skip("cells", "no grid")
    sizes = [len(design.factors[name].levels) for name in design.grid]
    codes, is_known = _to_codes(design, samples, design.grid)
    counts = np.bincount(codes, minlength=math.prod(sizes))
    is_whole = len(samples.idxs) == total
    are_right = counts == design.repeats if is_whole else counts <= design.repeats
    product = " x ".join(f"{n} {name}" for n, name in zip(sizes, design.grid, strict=True))
    figures = (
        f"{product} = {len(counts)} combinations with {counts.min()} to {counts.max()} samples, "
        f"promised {'' if is_whole else 'at most '}{design.repeats}"
    )
    culprits = [f"sample {i} has no level" for i in samples.idxs[~is_known]]
    culprits += [
        f"({', '.join(map(str, np.unravel_index(cell, sizes)))}): {counts[cell]}"
        for cell in np.flatnonzero(~are_right)
    ]
    measures = count_faults(culprits, len(counts), "combinations")
    return decide("cells", figures, culprits, measures)


def check_even(design: DesignInfo, samples: Samples) -> Check:
    """Levels that a design does not decide are equally frequent."""
    causal = design.causal
    children = set(causal.parents) if causal else set()
    others = {*design.grid, *design.sweeps, *children, *find_held_out_factors(design)}
    others |= {design.shortcut.cue} if design.shortcut else set()
    names = [n for n, f in design.factors.items() if f.levels and n not in others]
    if not names:
        return skip("even", "the design decides all levels")
    tests = {}
    for name, split in itertools.product(names, range(len(SPLITS))):
        if causal and name in causal.do.get(SPLITS[split], {}):
            continue
        n, levels = len(design.factors[name].levels), _levels_in(design, samples, name, split)
        counts = np.bincount(levels, minlength=n)
        for level, p in enumerate(count_p_values(counts, len(levels), 1 / n)):
            what = f"{name} level {level} in {SPLITS[split]}: {counts[level]} of {len(levels)}"
            tests[what] = float(p)
    return decide_tests("even", f"{len(names)} factors", tests)


def check_shortcut(design: DesignInfo, samples: Samples) -> Check:
    """Strength of a shortcut in each split, and that the other levels are equally frequent."""
    shortcut = design.shortcut
    if shortcut is None:
        return skip("shortcut", "no shortcut")
    num_cue = len(design.factors[shortcut.cue].levels)
    partners, tests, parts = np.array(shortcut.partners), {}, []
    for split, rho in enumerate(shortcut.rho):
        target = _levels_in(design, samples, shortcut.target, split)
        cue = _levels_in(design, samples, shortcut.cue, split)
        if not len(cue):
            continue
        even = 1 / num_cue
        num_partners = int((cue == partners[target]).sum())
        probability = rho + (1 - rho) * even
        low, high = binomtest(num_partners, len(cue)).proportion_ci(method="wilson")
        realized, low, high = (
            (share - even) / (1 - even) if num_cue > 1 else 1.0
            for share in (num_partners / len(cue), low, high)
        )
        where = f"{SPLITS[split]} rho {realized:.3f} ({low:.3f} to {high:.3f})"
        parts.append(f"{where}, promised {rho:g}")
        tests[parts[-1]] = float(count_p_values(num_partners, len(cue), probability))
        table = np.full((len(partners), num_cue), (1 - rho) * even)
        table[np.arange(len(partners)), partners] += rho
        counts = _count(target, cue, table.shape)
        for (row, level), p in np.ndenumerate(table_p_values(counts, table)):
            what = f"{shortcut.cue} level {level} at {shortcut.target} level {row}"
            tests[f"{what} in {SPLITS[split]}"] = float(p)
    return decide_tests("shortcut", "; ".join(parts), tests)


def check_holdout(design: DesignInfo, objects: Samples) -> Check:
    """Held-out combinations and ranges of objects: all of the test, and nothing else, has them."""
    if not (design.held_out or design.inner_ranges):
        return skip("holdout", "nothing is held out")
    is_test = objects.splits == TEST
    parts, wrong = [], []
    names = find_held_out_factors(design)
    if names:
        is_held_out = np.zeros(len(is_test), bool)
        for combination in design.held_out:
            levels = [objects.level(design.factors[n]) == k for n, k in combination.items()]
            is_held_out |= np.all(levels, axis=0)
        parts.append(f"{len(design.held_out)} combinations of {' and '.join(names)}")
        wrong.append(is_held_out != is_test)
    for name, (low, high) in design.inner_ranges.items():
        value = objects.value(design.factors[name])
        parts.append(f"{name} in {low:g} to {high:g}")
        is_inside, is_beyond = (value >= low) & (value <= high), (value < low) | (value > high)
        wrong.append(~np.where(is_test, is_beyond, is_inside))
    figures = "; ".join(
        f"{part}: {int((bad & ~is_test).sum())} held-out objects of {int((~is_test).sum())} in "
        f"training and validation, {int((is_test & ~bad).sum())} of {int(is_test.sum())} in test"
        for part, bad in zip(parts, wrong, strict=True)
    )
    culprits = np.unique(objects.idxs[np.any(wrong, axis=0)])
    lines = [f"sample {i}" for i in culprits]
    measures = count_faults(lines, len(is_test), "objects")
    return decide("holdout", figures, lines, measures)


def check_causal(design: DesignInfo, samples: Samples) -> Check:
    """Frequencies are those of the graph's tables, in splits without intervention on the child."""
    causal = design.causal
    if causal is None:
        return skip("causal", "no graph of causes")
    tests, worst, num_rows = {}, 0.0, 0
    for child, parents in causal.parents.items():
        table = _Table(child, parents, np.array(causal.tables[child]))
        are_free = [child not in causal.do.get(split, {}) for split in SPLITS]
        free = samples.choose(np.array(are_free)[samples.splits])
        difference, child_tests = _test_table(design, free, table)
        tests |= child_tests
        worst, num_rows = max(worst, difference), num_rows + len(table.probabilities)
    figures = f"{num_rows} rows of {len(causal.parents)} tables, frequencies within {worst:.3f}"
    return decide_tests("causal", figures, tests)


def check_do(design: DesignInfo, samples: Samples) -> Check:
    """Interventions took place, whatever the parents are."""
    causal = design.causal
    if causal is None or not any(causal.do.values()):
        return skip("do", "no interventions")
    parts, tests, culprits, num_judged = [], {}, [], 0
    interventions = [(split, *levels) for split, do in causal.do.items() for levels in do.items()]
    for split, name, level in interventions:
        inside = samples.choose(samples.splits == SPLITS.index(split))
        num_judged += len(inside.idxs)
        found, n = inside.level(design.factors[name]), len(design.factors[name].levels)
        if level != EVEN:
            num = int((found == level).sum())
            parts.append(f"{split} {name} = {level} in {num} of {len(found)}")
            culprits += [f"sample {i} ({name})" for i in inside.idxs[found != level]]
            continue
        parents = causal.parents.get(name, ())
        num_rows = math.prod(len(design.factors[p].levels) for p in parents)
        table = _Table(name, parents, np.full((num_rows, n), 1 / n))
        difference, even_tests = _test_table(design, inside, table, f" in {split}")
        tests |= even_tests
        parts.append(f"{split} {name} even within {difference:.3f}, whatever its parents are")
    culprits += _find_unlikely(tests)
    measures = count_faults(culprits, num_judged, "samples")
    return decide("do", "; ".join(parts), culprits, measures)


# --- parts ----------------------------------------------------------------------------------------


def find_held_out_factors(design: DesignInfo) -> tuple[str, ...]:
    """Factors of the held-out combinations."""
    return tuple(design.held_out[0]) if design.held_out else ()


def _levels_in(design: DesignInfo, samples: Samples, name: str, split: int) -> np.ndarray:
    """Levels of a factor in a split; `check_levels` finds samples that have none."""
    factor = design.factors[name]
    levels = samples.level(factor)[samples.splits == split]
    return levels.clip(0, len(factor.levels) - 1)


def _to_codes(
    design: DesignInfo, samples: Samples, names: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Number of each sample's combination, the last factor fastest; and whether it has one."""
    sizes = [len(design.factors[name].levels) for name in names]
    levels = [samples.level(design.factors[name]) for name in names]
    pairs = zip(levels, sizes, strict=True)
    is_known = np.all([(x >= 0) & (x < n) for x, n in pairs], axis=0)
    codes = np.ravel_multi_index([x[is_known] for x in levels], sizes)
    return codes.astype(np.int64), is_known


@dataclass(frozen=True)
class _Table:
    """Probabilities of a factor's levels, given those of its parents."""

    child: str
    parents: tuple[str, ...]
    probabilities: np.ndarray  # (combinations of the parents' levels, levels of the child)


def _test_table(
    design: DesignInfo, samples: Samples, expected: _Table, where: str = ""
) -> tuple[float, dict[str, float]]:
    """Largest difference of a frequency from its probability, and p-values of all by their name."""
    child, table = expected.child, expected.probabilities
    codes, is_known = _to_codes(design, samples, (*expected.parents, child))
    rows, levels = np.divmod(codes, table.shape[1])
    counts = _count(rows, levels, table.shape)
    nums = counts.sum(axis=1, keepdims=True)
    differences = np.where(nums > 0, np.abs(counts / np.maximum(nums, 1) - table), 0)
    tests = {
        f"{child} level {level}, row {row}{where}: {counts[row, level]} of {nums[row, 0]}, "
        f"promised {table[row, level]:.3f}": float(p)
        for (row, level), p in np.ndenumerate(table_p_values(counts, table))
    }
    tests |= {f"sample {i} has no level of {child}": 0.0 for i in samples.idxs[~is_known]}
    return float(differences.max()), tests


def _find_unlikely(tests: dict[str, float]) -> list[str]:
    bound = MAX_FALSE_ALARMS / max(1, len(tests))
    return [what for what, p in sorted(tests.items(), key=lambda test: test[1]) if p < bound]


def decide_tests(name: str, figures: str, tests: dict[str, float]) -> Check:
    """A check of counts: fails where one is less likely than chance allows."""
    unlikely = _find_unlikely(tests)
    smallest = min(1.0, min(tests.values(), default=1.0) * len(tests))
    figures += f"; {len(tests)} counts, the least likely by chance with p = {smallest:.2g}"
    measure = Measure(
        "smallest p, times the number of counts", smallest, at_least=MAX_FALSE_ALARMS,
        num=len(tests), of="counts",
    )  # fmt: skip
    return decide(name, figures, unlikely, [measure])


# --- exact tests ----------------------------------------------------------------------------------


def count_p_values(
    counts: np.ndarray | int, nums: np.ndarray | int, probabilities: np.ndarray | float
) -> np.ndarray:
    """Exact two-sided p-values of binomial counts, of the arrays' common shape."""
    p = np.clip(probabilities, 0, 1)
    lower = stats.binom.cdf(counts, nums, p)
    upper = stats.binom.sf(np.asarray(counts) - 1, nums, p)
    return np.minimum(1, 2 * np.minimum(lower, upper))


def table_p_values(counts: np.ndarray, table: np.ndarray) -> np.ndarray:
    """P-values (r, k) of counts (r, k), given their probabilities; 1 in rows without samples.

    Each row of the table adds up to 1.
    """
    return count_p_values(counts, counts.sum(axis=1, keepdims=True), table)


def _count(rows: np.ndarray, levels: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """How often each pair of a row and a level (n,) is there, of a shape (r, k), int64."""
    counts = np.zeros(shape, np.int64)
    np.add.at(counts, (rows, levels), 1)
    return counts
