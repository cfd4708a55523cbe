"""Which samples show a design, and in which lines: rows of twins, strips of sequences, a grid."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from synrender.dataset.archive_layout import SPLITS
from synrender.dataset.design_info import DesignInfo
from synrender.dataset.design_words import name_levels, to_label
from synrender.report.mechanisms import find_pair
from synrender.report.record_text import find_value, to_class_name
from synrender.report.rows import MAX_MEMBERS, Rows, mix
from synrender.settings.factor_table import find_columns

MAX_CANDIDATES = 960
"""Samples that are looked at to choose some."""

MIN_BLOCKS = 3
"""Tuples of twins, sets of sweeps or sequences that are looked at, however long they are."""

MAX_COLUMNS = 12
"""Levels of the factor that a grid's columns show."""

MAX_IN_PAIR = 6
"""Samples of a level and a split that stand in one line."""


T = TypeVar("T")


@dataclass(frozen=True)
class Line:
    """Samples that stand side by side."""

    label: str  # what they have in common, or differ in; "": nothing is to be said
    places: tuple[int, ...]  # in the data set
    captions: tuple[str, ...]


@dataclass(frozen=True)
class Arrangement:
    """Lines of samples."""

    lines: tuple[Line, ...]
    num_beside: int = 0  # lines that stand side by side; 0: as many as fit

    @property
    def places(self) -> list[int]:
        """Places of all samples in the data set, line by line."""
        return [place for line in self.lines for place in line.places]


def choose_members(blocks: Sequence[int], block_size: int, most: int = MAX_CANDIDATES) -> list[int]:
    """Indexes of samples to choose from: whole blocks, spread evenly; of very long ones a part.

    Args:
        blocks: numbers of the tuples of twins, sets of sweeps or sequences that there are.
        block_size: samples of each; 1 without such a design.
        most: how many samples, about.
    """
    num = min(len(blocks), max(MIN_BLOCKS, most // block_size))
    members = _thin(range(block_size), most // num)
    return [block * block_size + member for block in _thin(blocks, num) for member in members]


def arrange(
    rows: Rows, design: DesignInfo | None, class_names: Mapping[int, str], num: int
) -> Arrangement:
    """Chooses samples that show a design, and says how they stand.

    Args:
        rows: records to choose from, at least one.
        design: of the data set.
        class_names: by class id.
        num: how many samples are shown, about.
    """
    samples = _Samples(rows, class_names)
    if design is not None:
        if design.block_size > 1:
            return _arrange_blocks(samples, design, num)
        if design.grid:
            return Arrangement(tuple(_list_grid(samples, design, num)), num_beside=1)
        if pair := find_pair(design):
            return Arrangement(tuple(_list_pair(samples, design, pair, num)), num_beside=2)
    levels = (
        [samples.levels(name) for name, f in design.factors.items() if f.levels] if design else []
    )
    chosen = spread(np.stack([samples.splits, samples.classes, *levels], axis=1), num)
    places = tuple(samples.places[chosen].tolist())
    return Arrangement((Line("", places, tuple(map(samples.name_classes, chosen.tolist()))),))


def spread(attributes: np.ndarray, num: int) -> np.ndarray:
    """Chooses items so that each value of each attribute appears about equally often.

    Args:
        attributes: (n, k) integers.
        num: how many to choose, at most.

    Returns:
        Ascending numbers of items.
    """
    codes = [np.unique(column, return_inverse=True)[1] for column in attributes.T]
    counts = [np.zeros(code.max() + 1) for code in codes]
    order = np.argsort(mix(np.arange(len(attributes))))  # neighbors are alike
    chosen: list[int] = []
    is_left = np.ones(len(order), bool)
    for _ in range(min(num, len(order))):
        cost = sum(count[code] for count, code in zip(counts, codes, strict=True))
        left = order[is_left[order]]
        best = int(left[np.argmin(cost[left])])
        is_left[best] = False
        chosen.append(best)
        for count, code in zip(counts, codes, strict=True):
            count[code[best]] += 1
    return np.sort(chosen)


class _Samples:
    """Samples to choose from, in order, with what captions say of them."""

    def __init__(self, rows: Rows, class_names: Mapping[int, str]) -> None:
        self._rows, self._class_names = rows, class_names
        order = np.argsort(rows.fields["sample_idx"][rows.is_first], kind="stable")
        self._firsts = np.flatnonzero(rows.is_first)[order]  # row of each sample's first object
        self.places, self.splits = rows.samples[self._firsts], rows.splits[self._firsts]
        self.classes = rows.fields["class"][self._firsts]
        self.bases = rows.fields["base"][self._firsts]
        self.varied = rows.fields["varied"][self._firsts]

    def levels(self, name: str) -> np.ndarray:
        """Levels of a factor, (n,) int64; -1: drawn freely."""
        return self._rows.fields["factor_levels"][self._firsts, find_columns(name)[0]]

    def name_classes(self, k: int) -> str:
        """Classes of the objects of a sample, the most frequent first."""
        ids = self._rows.fields["class"][self._rows.find(int(self.places[k]))].tolist()
        names = dict.fromkeys(sorted(ids, key=lambda c: (-ids.count(c), ids.index(c))))
        return ", ".join(to_class_name(c, self._class_names) for c in names)

    def name_value(self, k: int, name: str) -> str:
        """Value of a factor of a sample."""
        return find_value(self._rows, int(self._firsts[k]), name, self._class_names).text

    def create_line(self, label: str, members: Sequence[int], captions: Sequence[str]) -> Line:
        """A line of some samples, by their numbers here."""
        return Line(label, tuple(self.places[list(members)].tolist()), tuple(captions))


# --- blocks ---------------------------------------------------------------------------------------


def _arrange_blocks(samples: _Samples, design: DesignInfo, num: int) -> Arrangement:
    """Tuples of twins, sweeps, or sequences; factors, splits and classes take turns."""
    blocks: dict[int, list[int]] = {}
    for k, base in enumerate(samples.bases.tolist()):
        blocks.setdefault(base, []).append(k)
    order = {name: k for k, name in enumerate(["", *design.sweeps, *design.twins])}
    firsts = [members[0] for members in blocks.values()]
    varied = [0 if design.sweeps else order.get(samples.varied[k], 0) for k in firsts]
    attributes = np.stack([varied, samples.splits[firsts], samples.classes[firsts]], axis=1)
    longest = max(map(len, blocks.values()))
    size = longest if design.sweeps else min(longest, MAX_MEMBERS)
    chosen = spread(attributes, max(1, num // size)).tolist()
    lines = []
    for k in sorted(chosen, key=lambda k: varied[k]):
        members = blocks[int(samples.bases[firsts[k]])]
        for name in dict.fromkeys(samples.varied[members].tolist()):
            own = [i for i in members if samples.varied[i] == name]
            lines.append(_create_strip(samples, own, [name] if name else list(design.paths)))
    return Arrangement(tuple(lines))


def _create_strip(samples: _Samples, members: list[int], moved: list[str]) -> Line:
    shown = _thin(members, MAX_MEMBERS)
    captions = [", ".join(samples.name_value(i, name) for name in moved) for i in shown]
    label = f"{samples.name_classes(shown[0])}: {', '.join(map(to_label, moved))}"
    return samples.create_line(label, shown, captions)


# --- grids and pairs ------------------------------------------------------------------------------


def _list_grid(samples: _Samples, design: DesignInfo, num: int) -> Iterator[Line]:
    """One sample of each combination; the factor with the most levels is in the columns."""
    names = {name: name_levels(design.factors[name]) for name in design.grid}
    sizes = {n: len(levels) for n, levels in names.items() if len(levels) <= MAX_COLUMNS}
    column = max(sizes, key=lambda name: sizes[name]) if sizes else design.grid[0]
    columns = _thin(list(names[column]), MAX_COLUMNS)
    others = [name for name in names if name != column]
    found: dict[tuple[int, ...], int] = {}
    for k, levels in enumerate(zip(*(samples.levels(n) for n in (*others, column)), strict=True)):
        found.setdefault(tuple(map(int, levels)), k)
    cells = _thin(list(itertools.product(*(names[n] for n in others))), max(1, num // len(columns)))
    for cell in cells:
        members = {level: found[(*cell, level)] for level in columns if (*cell, level) in found}
        label = ", ".join(f"{to_label(n)} {names[n][k]}" for n, k in zip(others, cell, strict=True))
        if members:
            captions = [names[column][level] for level in members]
            yield samples.create_line(label or to_label(column), list(members.values()), captions)


def _thin(items: Sequence[T], num: int) -> list[T]:
    """At most ``num`` items, evenly from the first to the last."""
    kept = np.linspace(0, len(items) - 1, min(num, len(items))).round()
    return [items[int(k)] for k in kept]


def _list_pair(
    samples: _Samples, design: DesignInfo, pair: tuple[str, str], num: int
) -> Iterator[Line]:
    """For each level of the first factor a line of training, and one of the test."""
    rows, columns = (name_levels(design.factors[name]) for name in pair)
    given, other = (samples.levels(name) for name in pair)
    size = min(MAX_IN_PAIR, max(1, num // (2 * len(rows))))
    for level in _thin(list(rows), max(1, num // (2 * size))):
        for split in (0, len(SPLITS) - 1):
            are_own = np.flatnonzero((given == level) & (samples.splits == split))
            shown = _thin(are_own.tolist(), size)
            captions = [columns.get(int(other[k]), "") for k in shown]
            label = f"{rows[level]}, {SPLITS[split]}{'' if shown else ': none'}"
            yield samples.create_line(label, shown, captions)
