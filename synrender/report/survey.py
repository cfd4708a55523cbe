"""Reads all records of a data set once: counts them, and chooses samples to show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from synrender.dataset.archive_layout import SPLITS
from synrender.dataset.design_info import DesignFactor
from synrender.dataset.info import DatasetInfo
from synrender.report.design_summary import DesignCounts
from synrender.report.mechanisms import find_pair
from synrender.report.rows import NAMED, EvenChoice, Rows, TwinChoice, mix
from synrender.settings.factor_table import FACTORS, Kind, Scope

NUM_BINS = 512
"""Enough to be merged into the bins of a chart wherever the range ends."""


class GrowingHistogram:
    """Exact counts in bins of equal width; the width doubles when a number falls outside."""

    def __init__(self) -> None:
        """Counts nothing yet."""
        self.counts = np.zeros(NUM_BINS, np.int64)
        self.low, self.width = 0.0, 0.0  # of the first bin; width 0: all numbers so far are equal
        self.min, self.max = np.inf, -np.inf
        self.total, self._sum = 0, 0.0

    @property
    def mean(self) -> float:
        """Of all numbers; NaN if there are none."""
        return self._sum / self.total if self.total else float("nan")

    def add(self, values: np.ndarray) -> None:
        """Counts numbers, (n,); those that are not finite are left out."""
        values = values[np.isfinite(values)].astype(np.float64)
        if not len(values):
            return
        old_min, old_total = self.min, self.total
        self.min, self.max = min(self.min, values.min()), max(self.max, values.max())
        self.total, self._sum = self.total + len(values), self._sum + float(values.sum())
        if self.min == self.max:
            return  # all equal so far; they are counted when another number comes
        if self.width == 0:
            # Half of the bins, so that a second part of the same distribution still fits.
            self.width = max((self.max - self.min) / (NUM_BINS // 2), np.spacing(self.max))
            self.low = self.min - self.width * (NUM_BINS // 4)
            if old_total:
                self._count(np.full(1, old_min), old_total)
        while self.min < self.low or self.max >= self.low + NUM_BINS * self.width:
            self._double()
        self._count(values, 1)

    def _count(self, values: np.ndarray, weight: int) -> None:
        places = ((values - self.low) / self.width).astype(np.int64).clip(0, NUM_BINS - 1)
        self.counts += weight * np.bincount(places, minlength=NUM_BINS)

    def _double(self) -> None:
        """Merges pairs of bins, and puts the free half where it is needed."""
        merged = self.counts.reshape(-1, 2).sum(axis=1)
        grows_down = self.min < self.low
        zeros = np.zeros(NUM_BINS // 2, np.int64)
        self.counts = np.concatenate([zeros, merged] if grows_down else [merged, zeros])
        if grows_down:
            self.low -= NUM_BINS * self.width
        self.width *= 2

    def read(self, low: float, high: float, num_bins: int) -> np.ndarray:
        """Counts in ``num_bins`` bins of equal width from ``low`` to ``high``, (num_bins,) float64.

        The count of a bin across an edge is divided between both sides.
        """
        if self.width == 0:
            counts = np.zeros(num_bins)
            if self.total:
                place = int((self.min - low) / max(high - low, 1e-300) * num_bins)
                counts[min(max(place, 0), num_bins - 1)] = self.total
            return counts
        edges = self.low + self.width * np.arange(NUM_BINS + 1)
        below = np.append(0, np.cumsum(self.counts))
        wanted = np.linspace(low, high, num_bins + 1)
        found = np.interp(wanted, edges, below)
        found[0], found[-1] = 0, self.total  # ends of the range may lie within a bin
        return np.diff(found)

    def quantile(self, q: float) -> float:
        """Number below which a share ``q`` lies, to within a bin; NaN if there are none."""
        if self.width == 0:
            return float(self.min) if self.total else float("nan")
        place = int(np.searchsorted(np.cumsum(self.counts), q * self.total))
        value = self.low + (place + 0.5) * self.width
        return float(min(max(value, self.min), self.max))


MAX_TUPLES = 24
"""Tuples of twins, or sweeps, that are shown."""

NUM_TYPICAL = 96
"""Samples that show which factor follows which: too many to miss a level."""


@dataclass
class Distribution:
    """Distribution of one column of a factor, by split."""

    factor: str
    column: str
    counts: list[Counter[int | str]] | None  # of levels, numbers or names
    histograms: list[GrowingHistogram] | None

    @property
    def varies(self) -> bool:
        """Whether there are two values at all."""
        if self.counts is not None:
            return len(set().union(*self.counts)) > 1
        return find_range(self.histograms or []) is not None


@dataclass
class Survey:
    """What the records of a data set say."""

    num_samples: Counter[int]  # by split
    num_objects: Counter[int]
    classes: Counter[tuple[int, int]]  # objects, by split and class id
    models: list[set[str]]  # "synset/model", of each split
    textures: list[set[str]]
    distributions: dict[str, Distribution]  # by column
    design: DesignCounts
    chosen: np.ndarray  # (k,) int64, places of the samples to show
    typical: np.ndarray  # likewise, where one factor follows another: as often as in the data set
    tuples: dict[str, list[list[int]]] = field(default_factory=dict)  # places, by varied factor


def survey(parts: Iterable[Rows], info: DatasetInfo, num_chosen: int) -> Survey:
    """Reads all records once; the memory that it needs does not grow with their number.

    Only the sets of names of models and textures grow, and a catalog has a bounded number of these.

    Args:
        parts: of `read_all_rows`.
        info: of the data set.
        num_chosen: how many samples to choose, evenly over classes, splits and levels.
    """
    leveled = {n: f for n, f in (info.design.factors if info.design else {}).items() if f.levels}
    columns = [(name, column) for name, factor in FACTORS.items() for column in factor.columns]
    found = Survey(
        num_samples=Counter(),
        num_objects=Counter(),
        classes=Counter(),
        models=[set() for _ in SPLITS],
        textures=[set() for _ in SPLITS],
        distributions={column: _begin(name, column, leveled) for name, column in columns},
        design=DesignCounts(info.design),
        chosen=np.zeros(0, np.int64),
        typical=np.zeros(0, np.int64),
    )
    moved = ", ".join(info.design.paths) if info.design else ""
    choice, sets = EvenChoice(num_chosen), TwinChoice(MAX_TUPLES, moved)
    pair, typical = find_pair(info.design) if info.design else None, EvenChoice(NUM_TYPICAL)
    for rows in parts:
        _count(found, rows)
        _count_factors(found, rows, leveled)
        found.design.add(rows)
        _choose(choice, rows, leveled)
        if pair:
            _choose(typical, rows, [pair[0]])
        sets.add(rows)
    found.chosen, found.typical = np.sort(choice.items), np.sort(typical.items)
    found.tuples = sets.find()
    return found


def _begin(name: str, column: str, leveled: dict[str, DesignFactor]) -> Distribution:
    if name in leveled or FACTORS[name].kind is Kind.CATEGORICAL:
        return Distribution(name, column, [Counter() for _ in SPLITS], None)
    return Distribution(name, column, None, [GrowingHistogram() for _ in SPLITS])


def _count(found: Survey, rows: Rows) -> None:
    found.num_samples.update(rows.splits[rows.is_first].tolist())
    found.num_objects.update(rows.splits.tolist())
    splits = rows.splits.tolist()
    found.classes.update(zip(splits, rows.fields["class"].tolist(), strict=True))
    models = set(zip(splits, rows.fields["synset_id"], rows.fields["model_id"], strict=True))
    for split, synset_id, model_id in models:
        found.models[split].add(f"{synset_id}/{model_id}")
    for name in ("texture", "backdrop_texture"):
        for split, texture in set(zip(splits, rows.fields[name], strict=True)):
            if texture:
                found.textures[split].add(texture)


def _count_factors(found: Survey, rows: Rows, leveled: dict[str, DesignFactor]) -> None:
    places = np.arange(len(rows))
    by_split = [places[rows.splits == k] for k in range(len(SPLITS))]
    firsts = [some[rows.is_first[some]] for some in by_split]
    for column, distribution in found.distributions.items():
        name = distribution.factor
        chosen = by_split if FACTORS[name].scope is Scope.OBJECT else firsts
        for k, some in enumerate(chosen):
            if distribution.histograms is not None:
                distribution.histograms[k].add(rows.column(column)[some])
            elif distribution.counts is not None:
                distribution.counts[k].update(_list_values(rows, name, column, some, leveled))


def _list_values(
    rows: Rows, name: str, column: str, some: np.ndarray, leveled: dict[str, DesignFactor]
) -> list[int | str]:
    """Level or value of each object; unknown ones are left out."""
    if name in leveled:
        return [level for level in rows.level(column)[some].tolist() if level >= 0]
    if name in NAMED:
        columns = [rows.fields[f] for f in NAMED[name]]
        texts = ("/".join(column[i] for column in columns) for i in some.tolist())
        return [text for text in texts if text]
    values = rows.column(column)[some]
    return values[np.isfinite(values)].astype(np.int64).tolist()


def _choose(choice: EvenChoice, rows: Rows, leveled: Iterable[str]) -> None:
    """Cells are splits, classes (of the first object) and levels."""
    firsts = rows.is_first
    levels = [rows.level(FACTORS[n].columns[0])[firsts] for n in leveled if n in FACTORS]
    cells = mix(rows.splits[firsts], rows.fields["class"][firsts], *levels)
    choice.add(cells, mix(rows.fields["sample_idx"][firsts]), rows.samples[firsts])


def find_range(histograms: list[GrowingHistogram]) -> tuple[float, float] | None:
    """Lowest and highest number; None if they are equal but for rounding, or there are none."""
    found = [h for h in histograms if h.total]
    if not found:
        return None
    low, high = min(h.min for h in found), max(h.max for h in found)
    return (low, high) if high - low > 1e-9 * max(1.0, abs(low), abs(high)) else None


def find_thirds(histograms: list[GrowingHistogram]) -> tuple[float, float] | None:
    """Numbers below which one and two thirds of all lie; None if all are equal."""
    ends = find_range(histograms)
    if ends is None:
        return None
    below = np.cumsum(sum(h.read(*ends, 1000) for h in histograms))
    first, second = np.searchsorted(below, below[-1] * np.array([1, 2]) / 3)
    edges = np.linspace(*ends, 1001)
    return float(edges[first + 1]), float(edges[second + 1])
