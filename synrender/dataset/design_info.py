"""How the factors of a data set vary together, as ``dataset.json`` says it.

`check_design` checks that the parts of a description fit together, so its readers need not.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from synrender.settings.checks import DESIGNS, MAX_TOTAL_SAMPLES, SPLITS
from synrender.settings.distributions import Distribution, parse_distribution
from synrender.settings.factor_table import COLUMNS, FACTORS, JOINT, Kind, Scope, find_columns
from synrender.settings.groups import Settings
from synrender.settings.path_forms import Path, parse_path

MAX_TABLE_ERROR = 1e-6
"""Largest error of a sum of probabilities."""


@dataclass(frozen=True)
class DesignFactor:
    """A factor that a design names."""

    kind: str  # "categorical", "continuous" or "circular"
    scope: str  # "object", "backdrop" or "sample"
    unit: str
    columns: tuple[str, ...]  # of factor_values and factor_levels
    levels: tuple[tuple[float, ...], ...]  # values, one for each column; empty: drawn
    names: tuple[str, ...]  # of the levels of classes and textures; else empty
    distribution: Distribution | None = None  # that a user set; None: see `Factor.distribution`


@dataclass(frozen=True)
class ShortcutInfo:
    """One factor predicts another."""

    cue: str
    target: str
    partners: tuple[int, ...]  # cue level of each target level
    rho: tuple[float, ...]  # strength in training, validation and test


@dataclass(frozen=True)
class CausalInfo:
    """A directed acyclic graph over factors."""

    parents: dict[str, tuple[str, ...]]  # by child
    tables: dict[str, tuple[tuple[float, ...], ...]]  # a row for each combination of the parents
    do: dict[str, dict[str, int]]  # by split, factor: its level; -1: drawn evenly


@dataclass(frozen=True)
class DesignInfo:
    """How the factors of a data set vary together, with all that was drawn for it."""

    kinds: tuple[str, ...]
    factors: dict[str, DesignFactor]
    split_buckets: tuple[int, ...]  # of training, validation and test
    repeats: int  # of each combination of a grid
    block_size: int  # samples of a tuple of twins, a set of sweeps, or a sequence; else 1
    grid: tuple[str, ...]  # factors whose combinations are complete
    sweeps: tuple[str, ...]  # factors that are swept one at a time
    twins: tuple[str, ...]  # factors of which twins differ in one
    shortcut: ShortcutInfo | None
    held_out: tuple[dict[str, int], ...]  # level of each factor; test only
    inner_ranges: dict[str, tuple[float, ...]]  # (low, high); the test is outside
    causal: CausalInfo | None
    paths: dict[str, Path] = field(default_factory=dict)  # sequences: how factors move


def check_design(design: DesignInfo, settings: Settings) -> None:
    """Refuses a description of which a part does not fit the others, or the settings.

    Raises:
        ValueError: the message names the part.
    """
    for name, factor in design.factors.items():
        if name not in (*FACTORS, *JOINT):
            raise ValueError(f"design.factors: {name!r} is no factor")
        _check_factor(name, factor)
    levels = {name: len(factor.levels) for name, factor in design.factors.items() if factor.levels}
    _require(levels.keys() == settings.design.levels.keys(), "factors", f"levels of {[*levels]}")
    _require(set(design.kinds) <= set(DESIGNS), "kinds", design.kinds)
    sizes = design.split_buckets
    is_split = len(sizes) == len(SPLITS) and min(sizes) >= 0
    is_split = is_split and sum(sizes) == settings.object.n_buckets
    _require(is_split, "split_buckets", sizes)
    _require(1 <= design.repeats <= MAX_TOTAL_SAMPLES, "repeats", design.repeats)
    _require(1 <= design.block_size <= MAX_TOTAL_SAMPLES, "block_size", design.block_size)
    _check_distributions(design, settings)
    for part in ("grid", "sweeps"):
        names = getattr(design, part)
        _require(_are_among(names, levels), part, names)
    _require(_are_among(design.twins, design.factors), "twins", design.twins)
    if design.shortcut:
        _check_shortcut(design.shortcut, levels)
    for combination in design.held_out:
        fits = combination.keys() == design.held_out[0].keys() and combination
        _require(bool(fits) and _are_levels(combination, levels), "held_out", combination)
    for name, ends in design.inner_ranges.items():
        is_range = name in design.factors and len(ends) == 2 and ends[0] < ends[1]
        _require(is_range, "inner_ranges", ends)
    if design.causal:
        _check_causal(design.causal, levels)


def _check_distributions(design: DesignInfo, settings: Settings) -> None:
    """Refuses distributions and paths that are not those of the settings."""
    given = settings.design
    found = {n: f.distribution for n, f in design.factors.items() if f.distribution is not None}
    named = {name: parse_distribution(name, value) for name, value in given.distributions.items()}
    _require(found == named, "factors", f"distributions of {[*found]}")
    is_sequence = "sequence" in given.kind
    named = {n: parse_path(n, value) for n, value in given.paths.items() if is_sequence}
    _require(design.paths == named, "paths", [*design.paths])
    _require(design.paths.keys() <= design.factors.keys(), "paths", [*design.paths])
    _require(not is_sequence or design.block_size == given.length, "block_size", design.block_size)


def _require(is_right: bool, part: str, value: object) -> None:
    if not is_right:
        raise ValueError(f"design.{part}: {value} does not fit the rest of it")


def _check_factor(name: str, factor: DesignFactor) -> None:
    columns = tuple(COLUMNS[k] for k in find_columns(name))
    sizes = {len(values) for values in factor.levels}
    is_right = (
        factor.kind in {kind.value for kind in Kind}
        and factor.scope in {scope.value for scope in Scope}
        and factor.columns == columns
        and len(sizes) <= 1
        and all(size and size % len(columns) == 0 for size in sizes)
        and (name == "layout" or sizes <= {len(columns)})
        and len(factor.names) in (0, len(factor.levels))
    )
    _require(is_right, "factors", repr(name))


def _check_shortcut(shortcut: ShortcutInfo, levels: Mapping[str, int]) -> None:
    names = (shortcut.cue, shortcut.target)
    is_right = (
        _are_among(names, levels)
        and len(shortcut.partners) == levels[shortcut.target]
        and all(0 <= partner < levels[shortcut.cue] for partner in shortcut.partners)
        and len(shortcut.rho) == len(SPLITS)
        and all(0 <= rho <= 1 for rho in shortcut.rho)
    )
    _require(is_right, "shortcut", names)


def _check_causal(causal: CausalInfo, levels: Mapping[str, int]) -> None:
    names = set(itertools.chain(causal.parents, *causal.parents.values()))
    _require(names <= levels.keys() and _has_no_cycle(causal.parents), "causal", sorted(names))
    _require(causal.parents.keys() == causal.tables.keys(), "causal.tables", sorted(causal.tables))
    for name, rows in causal.tables.items():
        num_rows = math.prod(levels[parent] for parent in causal.parents[name])
        is_table = len(rows) == num_rows and all(
            len(row) == levels[name] and min(row) >= 0 and abs(sum(row) - 1) <= MAX_TABLE_ERROR
            for row in rows
        )
        _require(is_table, "causal.tables", repr(name))
    for split, given in causal.do.items():
        drawn = {name: max(level, 0) for name, level in given.items() if level >= -1}
        is_right = split in SPLITS and drawn.keys() == given.keys() and given.keys() <= names
        _require(is_right and _are_levels(drawn, levels), "causal.do", given)


def _are_among(names: Iterable[str], known: Collection[str]) -> bool:
    """Whether all are known, and none stands twice."""
    names = list(names)
    return set(names) <= set(known) and len(set(names)) == len(names)


def _are_levels(chosen: Mapping[str, int], levels: Mapping[str, int]) -> bool:
    return all(name in levels and 0 <= k < levels[name] for name, k in chosen.items())


def _has_no_cycle(parents: Mapping[str, Collection[str]]) -> bool:
    left = {child: set(of) for child, of in parents.items()}
    while left:
        free = [child for child, of in left.items() if not of & left.keys()]
        if not free:
            return False
        for child in free:
            del left[child]
    return True
