"""Charts of each factor by split, with what they show in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from synrender.dataset.archive_layout import SPLITS
from synrender.dataset.design_info import DesignFactor
from synrender.errors import shorten
from synrender.report.charts import (
    MAX_BARS,
    MAX_BINS,
    MIN_BINS,
    draw_bars,
    draw_histogram,
    draw_ranks,
)
from synrender.report.record_text import name_levels, to_class_name, to_text, to_texture_name
from synrender.report.survey import Distribution, Survey, find_range
from synrender.settings.factor_table import FACTORS

MAX_NAME = 24
LABELS = {
    **{"color": "colour", "backdrop_color": "backdrop colour", "num_objs": "number of objects"},
    **{f"{b}color_{c[0]}": c for c in ("red", "green", "blue") for b in ("", "backdrop_")},
}


@dataclass(frozen=True)
class Chart:
    """Of one column of a factor."""

    column: str
    svg: str
    text: str  # for who does not see it


@dataclass(frozen=True)
class FactorCharts:
    """Of a factor that varies."""

    name: str
    origin: str  # what it is drawn from, in words
    charts: list[Chart]


def to_label(name: str) -> str:
    """A factor's name as people write it."""
    return LABELS.get(name, name.replace("_", " "))


def find_constants(found: Survey, class_names: Mapping[int, str]) -> dict[str, str]:
    """Factors that are the same in all samples, with their value; unknown ones are left out."""
    constants = {}
    for name, factor in FACTORS.items():
        columns = [found.distributions[column] for column in factor.columns]
        if any(column.varies for column in columns):
            continue
        values = [_find_only_value(column, class_names) for column in columns]
        if all(values):
            unit = factor.unit if columns[0].histograms is not None else ""
            constants[name] = f"{', '.join(values)} {unit}".strip()
    return constants


def _find_only_value(distribution: Distribution, class_names: Mapping[int, str]) -> str:
    if distribution.counts is not None:
        values = set().union(*distribution.counts)
        if distribution.factor == "class" and values:
            return to_class_name(values.pop(), class_names)
        return _to_name(values.pop(), {}) if values else ""
    numbers = [h.mean for h in distribution.histograms or () if h.total]
    return to_text(numbers[0]) if numbers else ""


def draw_factors(
    found: Survey, factors: Mapping[str, DesignFactor], class_names: Mapping[int, str]
) -> Iterator[FactorCharts]:
    """Charts of all factors that vary, one factor after the other.

    Args:
        found: what the records say.
        factors: `Dataset.factors`, with levels where the design gives them.
        class_names: by class id.
    """
    for name, factor in FACTORS.items():
        columns = [found.distributions[column] for column in factor.columns]
        levels = factors[name].levels
        names = name_levels(factors[name])
        if name == "class" and not levels:
            names = {c: to_class_name(c, class_names) for c in sorted(class_names)}
        varying = [column for column in columns if column.varies]
        if not varying:
            continue
        charts = [_draw(column, names, factor.unit) for column in varying]
        origin = f"{len(levels)} levels of the design" if levels else factor.distribution
        if levels:  # one chart shows all columns: a level is a value of them together
            charts = charts[:1]
        yield FactorCharts(to_label(name), origin, charts)


def _draw(distribution: Distribution, names: dict[int, str], unit: str) -> Chart:
    if distribution.counts is None:
        return _draw_numbers(distribution, unit)
    found = set().union(*distribution.counts)
    values = [v for v in names if v in found] + sorted(found - names.keys())
    counts = [[counter[value] for value in values] for counter in distribution.counts]
    if len(values) > MAX_BARS:
        used = [[n for n in numbers if n] for numbers in counts]
        text = "; ".join(
            f"{split}: {len(n)} values, {min(n)} to {max(n)} times each"
            for split, n in zip(SPLITS, used, strict=True)
            if n
        )
        return Chart(distribution.column, draw_ranks(used), text)
    shown = [_to_name(v, names) for v in values]
    texts = []
    for split, numbers in zip(SPLITS, counts, strict=True):
        shares = (100 * n / max(1, sum(numbers)) for n in numbers)
        each = ", ".join(f"{n} {share:.0f} %" for n, share in zip(shown, shares, strict=True))
        texts += [f"{split}: {each}"] * any(numbers)
    return Chart(distribution.column, draw_bars(shown, counts), "; ".join(texts))


def _to_name(value: int | str, names: Mapping[int, str]) -> str:
    """Name of a level or class, a number, or what a texture or model is called in its folder."""
    if isinstance(value, int):
        return shorten(names.get(value, value), MAX_NAME)
    return shorten(to_texture_name(value), MAX_NAME)


def _draw_numbers(distribution: Distribution, unit: str) -> Chart:
    histograms = distribution.histograms or []
    low, high = find_range(histograms) or (0.0, 1.0)
    text = "; ".join(
        f"{split}: {to_text(h.min)} to {to_text(h.max)}, mean {to_text(h.mean)}"
        for split, h in zip(SPLITS, histograms, strict=True)
        if h.total
    )
    fewest = min((h.total for h in histograms if h.total), default=0)
    num_bins = min(max(2 * math.isqrt(fewest), MIN_BINS), MAX_BINS)  # no more than show noise
    counts = [h.read(low, high, num_bins) for h in histograms]
    return Chart(distribution.column, draw_histogram(counts, low, high, unit), text)
