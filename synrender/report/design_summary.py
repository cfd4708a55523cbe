"""What a design promises, and what the records hold: one value, which card and report both show."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from synrender.dataset.archive_layout import SPLITS
from synrender.dataset.design_info import DesignInfo
from synrender.dataset.design_words import (
    describe_factors,
    join_and,
    name_levels,
    to_label,
    to_sentences,
)
from synrender.dataset.info import DatasetInfo
from synrender.loading.dataset import Dataset
from synrender.report.design_graph import Panel, draw_design
from synrender.report.mechanisms import (
    MAX_SIDE,
    Mechanism,
    find_held_out,
    find_mechanisms,
    find_set,
)
from synrender.report.rows import Rows, open_records, read_all_rows
from synrender.sampling.sample_plan import find_split_sizes
from synrender.settings.factor_table import Scope, find_columns, find_factor

MAX_CELLS = 100_000
"""Combinations of levels that are counted; of more, nothing is told."""

MAX_ROWS = 12
"""Combinations that have a row of their own among the promises."""

MAX_TABLES = 6


# --- what the records hold ------------------------------------------------------------------------


class DesignCounts:
    """Counts samples by split and levels; the memory that it needs is bounded by the design."""

    def __init__(self, design: DesignInfo | None) -> None:
        """Counts nothing yet."""
        self.mechanisms = find_mechanisms(design) if design else []
        self.levels: dict[tuple[str, ...], np.ndarray] = {}  # (3, *levels) by factors
        self._ranges = dict(design.inner_ranges) if design else {}
        for names in _find_counted(design, self.mechanisms) if design else ():
            shape = [len(design.factors[name].levels) for name in names] if design else []
            if 0 < math.prod(shape) <= MAX_CELLS:
                self.levels[names] = np.zeros([len(SPLITS), *shape], np.int64)
        self.num_samples: Counter[int] = Counter()
        self.varied: Counter[tuple[int, str]] = Counter()
        self.inside: Counter[tuple[str, int, bool]] = Counter()

    def add(self, rows: Rows) -> None:
        """Counts the samples of some rows."""
        firsts = rows.is_first
        splits = rows.splits[firsts]
        self.num_samples.update(splits.tolist())
        self.varied.update(zip(splits.tolist(), rows.fields["varied"][firsts], strict=True))
        for names, counts in self.levels.items():
            levels = [rows.fields["factor_levels"][firsts, find_columns(n)[0]] for n in names]
            are_known = np.all([level >= 0 for level in levels], axis=0)
            np.add.at(counts, (splits[are_known], *(level[are_known] for level in levels)), 1)
        for name, (low, high) in self._ranges.items():
            some = slice(None) if find_factor(name).scope is Scope.OBJECT else firsts
            values = rows.fields["factor_values"][some, find_columns(name)[0]]
            inside = (values >= low) & (values <= high)
            owners = rows.splits[some].tolist()
            keys = zip(itertools.repeat(name), owners, inside.tolist())
            self.inside.update(keys)


def _find_counted(design: DesignInfo, mechanisms: Sequence[Mechanism]) -> Iterator[tuple[str, ...]]:
    """Factors whose levels are counted together."""
    yield from ((*mechanism.parents, mechanism.child) for mechanism in mechanisms)
    yield from ((name,) for name in find_set(design))
    yield from filter(None, (find_held_out(design), design.grid))


def count_design(data: Dataset) -> DesignCounts:
    """Counts all samples of a data set."""
    counts = DesignCounts(data.info.design)
    if data.info.design:
        for rows in read_all_rows(open_records(data.with_fields(None))):
            counts.add(rows)
    return counts


# --- what is shown --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Share:
    """How many of a split have something, and how many should have it."""

    count: int
    total: int
    promised: float | None = None  # share, 0 to 1; None: the total is what is promised

    @property
    def realized(self) -> str:
        """Such as "95.9 %"."""
        if self.promised is None:
            return f"{self.count:,} of {self.total:,}"
        return _to_percent(self.count / self.total) if self.total else ""

    @property
    def promise(self) -> str:
        """Such as "96.3 %"; "" where the total says it."""
        return _to_percent(self.promised) if self.promised is not None and self.total else ""


def _to_percent(share: float) -> str:
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


@dataclass(frozen=True)
class Promise:
    """Something that a design promises."""

    text: str
    shares: tuple[Share, ...]  # of each split
    is_detail: bool = False  # a part of the promise before it


@dataclass(frozen=True)
class JointCell:
    """Samples with two levels."""

    count: int
    expected: float
    heat: float  # 0 to 1: the count, relative to the largest of its split


@dataclass(frozen=True)
class JointTable:
    """Samples with each pair of levels of two factors, by split; all splits have equal columns."""

    row_name: str
    column_name: str
    columns: tuple[str, ...]
    rows: dict[str, list[list[JointCell]]]  # by level: cells of each split
    num_left_out: int  # rows and columns that are not shown

    @property
    def title(self) -> str:
        """Both factors."""
        return f"{self.row_name} and {self.column_name}"


@dataclass(frozen=True)
class DesignSummary:
    """All that is told of a design."""

    sentences: tuple[str, ...]
    factors: dict[str, str]  # levels or distribution of each factor that it names
    promises: tuple[Promise, ...]
    tables: tuple[JointTable, ...]
    panels: tuple[Panel, ...]


def summarize_design(info: DatasetInfo, counts: DesignCounts) -> DesignSummary:
    """What is told of the design of a data set.

    Args:
        info: of the data set.
        counts: of all its samples.
    """
    design = info.design
    sentences = tuple(to_sentences(design))
    if design is None:
        return DesignSummary(sentences, {}, (), (), ())
    told = {to_label(name): text for name, text in describe_factors(design, info.settings).items()}
    sizes = find_split_sizes(design.split_buckets, info.settings.object)
    promises = (
        _promise("samples", [(counts.num_samples[k], size, None) for k, size in enumerate(sizes)]),
        *_list_blocks(design, counts, sizes),
        *_list_grid(design, counts),
        *_list_mechanisms(design, counts),
        *_list_set(design, counts),
        *_list_held_out(design, counts),
    )
    tables = tuple(itertools.islice(_list_tables(design, counts), MAX_TABLES))
    return DesignSummary(sentences, told, promises, tables, draw_design(design, counts.mechanisms))


def _promise(text: str, shares: Sequence[tuple[int, int, float | None]]) -> Promise:
    return Promise(text, tuple(Share(*share) for share in shares))


def _list_blocks(
    design: DesignInfo, counts: DesignCounts, sizes: Sequence[int]
) -> Iterator[Promise]:
    """Tuples of twins, sets of sweeps, sequences."""
    size, splits = design.block_size, range(len(SPLITS))
    if size == 1:
        return
    twins = "pairs" if size == 2 else "tuples"
    what = "sets of sweeps" if design.sweeps else "sequences" if design.paths else twins
    yield _promise(what, [(counts.num_samples[k] // size, sizes[k] // size, None) for k in splits])
    for name in design.twins if len(design.twins) > 1 else ():
        shares = [
            (counts.varied[k, name], counts.num_samples[k], 1 / len(design.twins)) for k in splits
        ]
        yield _promise(f"{twins} that differ in {to_label(name)}", shares)


def _list_grid(design: DesignInfo, counts: DesignCounts) -> Iterator[Promise]:
    if design.grid not in counts.levels:
        return
    cells = counts.levels[design.grid]
    times = sorted({int(cells.sum(axis=0).min()), int(cells.sum(axis=0).max())})
    often = " to ".join(f"{n:,}" for n in times)
    named = join_and([to_label(name) for name in design.grid])
    text = f"combinations of {named}; each is shown {often} times over all splits"
    yield _promise(text, [(int((part > 0).sum()), part.size, None) for part in cells])


def _list_mechanisms(design: DesignInfo, counts: DesignCounts) -> Iterator[Promise]:
    for mechanism in counts.mechanisms:
        names = (*mechanism.parents, mechanism.child)
        if names not in counts.levels:
            continue
        found, child = counts.levels[names], to_label(mechanism.child)
        causes = join_and([f"the {to_label(name)}" for name in mechanism.parents])
        make = "makes" if len(mechanism.parents) == 1 else "make"
        is_cue = design.shortcut is not None and design.shortcut.cue == mechanism.child
        says = f"the partner of {causes}" if is_cue else f"what {causes} {make} likeliest"
        usual = mechanism.usual.argmax(axis=-1)
        cases = list(np.ndindex(*usual.shape))
        yield _promise(f"the {child} is {says}", _count_usual(mechanism, found, cases))
        levels = [name_levels(design.factors[name]) for name in names]
        for case in cases if len(cases) <= MAX_ROWS else ():
            given = join_and(
                [f"{to_label(n)} {levels[i][case[i]]}" for i, n in enumerate(mechanism.parents)]
            )
            text = f"{levels[-1][int(usual[case])]}, given {given}"
            promise = _promise(text, _count_usual(mechanism, found, [case]))
            yield dataclasses.replace(promise, is_detail=True)


def _count_usual(
    mechanism: Mechanism, found: np.ndarray, cases: Sequence[tuple[int, ...]]
) -> list[tuple[int, int, float | None]]:
    """Of samples whose causes are among some cases: how many have the usual level."""
    shares: list[tuple[int, int, float | None]] = []
    for counts, table in zip(found, mechanism.tables, strict=True):
        usual = [(case, int(mechanism.usual[case].argmax())) for case in cases]
        total = sum(int(counts[case].sum()) for case in cases)
        expected = sum(counts[case].sum() * table[case][level] for case, level in usual)
        count = sum(int(counts[case][level]) for case, level in usual)
        shares.append((count, total, float(expected) / total if total else 0.0))
    return shares


def _list_set(design: DesignInfo, counts: DesignCounts) -> Iterator[Promise]:
    for name, by_split in find_set(design).items():
        levels = name_levels(design.factors[name])
        for level in sorted(set(by_split.values())):
            shares: list[tuple[int, int, float | None]] = []
            for split, found in zip(SPLITS, counts.levels[name,], strict=True):
                share = float(by_split[split] == level) if split in by_split else 1 / len(levels)
                shares.append((int(found[level]), int(found.sum()), share))
            yield _promise(f"the {to_label(name)} is {levels[level]}", shares)


def _list_held_out(design: DesignInfo, counts: DesignCounts) -> Iterator[Promise]:
    names = find_held_out(design)
    if names in counts.levels:
        places = tuple(np.array([[c[n] for n in names] for c in design.held_out]).T)
        shares = [
            (int(part[places].sum()), int(part.sum()), float(split == "test"))
            for split, part in zip(SPLITS, counts.levels[names], strict=True)
        ]
        named = join_and([to_label(name) for name in names])
        yield _promise(f"combinations of {named} that are held out", shares)
    for name, (low, high) in design.inner_ranges.items():
        unit = f" {find_factor(name).unit}".rstrip()
        shares = []
        for k, split in enumerate(SPLITS):
            inside, outside = (counts.inside[name, k, is_inside] for is_inside in (True, False))
            shares.append((inside, inside + outside, float(split != "test")))
        yield _promise(f"{to_label(name)} within {low:g} to {high:g}{unit}", shares)


# --- tables of two factors ------------------------------------------------------------------------


def _list_tables(design: DesignInfo, counts: DesignCounts) -> Iterator[JointTable]:
    """Of each factor and what it follows from, of combinations held out, and of a grid."""
    for mechanism in counts.mechanisms:
        names = (*mechanism.parents, mechanism.child)
        if names in counts.levels:
            found = counts.levels[names]
            given = found.sum(axis=-1, keepdims=True)
            expected = given * np.stack(mechanism.tables)
            for parent in mechanism.parents:
                yield _create_table(design, (parent, mechanism.child), names, (found, expected))
    if (names := find_held_out(design)) in counts.levels:
        found = counts.levels[names]
        are_held_out = np.zeros(found.shape[1:], bool)
        are_held_out[tuple(np.array([[c[n] for n in names] for c in design.held_out]).T)] = True
        shown = np.stack([are_held_out if s == "test" else ~are_held_out for s in SPLITS])
        yield _create_table(design, names[:2], names, (found, _spread_evenly(found, shown)))
    if len(design.grid) > 1 and design.grid in counts.levels:
        found = counts.levels[design.grid]
        expected = _spread_evenly(found, np.ones_like(found))
        yield _create_table(design, design.grid[:2], design.grid, (found, expected))


def _spread_evenly(found: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """The samples of each split, spread over the cells that it should show."""
    axes = tuple(range(1, found.ndim))
    num_cells = shown.sum(axis=axes, keepdims=True)
    return found.sum(axis=axes, keepdims=True) * shown / np.maximum(num_cells, 1)


def _create_table(
    design: DesignInfo,
    pair: Sequence[str],
    names: Sequence[str],
    counted: tuple[np.ndarray, np.ndarray],
) -> JointTable:
    """The table of two of the factors that were counted together.

    Args:
        design: of the data set.
        pair: the factors of rows and columns, in the order of ``names``.
        names: of all factors that were counted.
        counted: samples that were found and that were expected, (3, *levels).
    """
    others = tuple(k for k, name in enumerate(names, 1) if name not in pair)
    found, expected = (array.sum(axis=others) for array in counted)
    rows, columns = (name_levels(design.factors[name]) for name in pair)
    row_levels, column_levels = list(rows)[:MAX_SIDE], list(columns)[:MAX_SIDE]
    lines: dict[str, list[list[JointCell]]] = {}
    for i in row_levels:
        name = rows[i] if rows[i] not in lines else f"{rows[i]} ({i})"
        lines[name] = [
            [
                JointCell(
                    int(found[k, i, j]), float(expected[k, i, j]), found[k, i, j] / max(1, most)
                )
                for j in column_levels
            ]
            for k, most in enumerate(found.max(axis=(1, 2)).tolist())
        ]
    return JointTable(
        to_label(pair[0]),
        to_label(pair[1]),
        tuple(columns[j] for j in column_levels),
        lines,
        len(rows) - len(row_levels) + len(columns) - len(column_levels),
    )
