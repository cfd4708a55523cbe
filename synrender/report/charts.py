"""Charts of each factor by split: SVG to be put into a page, and the same in words.

Text stays text, and colors follow the theme of the page.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from synrender.dataset.archive_layout import SPLITS
from synrender.dataset.design_info import DesignFactor
from synrender.dataset.design_words import (
    describe_default,
    describe_drawn,
    name_levels,
    to_label,
    to_text,
    to_texture_name,
)
from synrender.dataset.info import DatasetInfo
from synrender.errors import shorten
from synrender.report.record_text import to_class_name
from synrender.report.survey import Distribution, Survey, find_range
from synrender.settings.factor_table import BACKDROPS, FACTORS

# --- factors --------------------------------------------------------------------------------------


MAX_NAME = 18


@dataclass(frozen=True)
class Chart:
    """Chart of one column of a factor."""

    column: str
    svg: str
    text: str  # the same in words


@dataclass(frozen=True)
class FactorCharts:
    """Charts of a factor that varies."""

    name: str
    origin: str  # its distribution in words
    charts: list[Chart]


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
        value = values.pop() if values else ""
        if distribution.factor == "class" and isinstance(value, int):
            return to_class_name(value, class_names)
        if distribution.factor == "backdrop" and isinstance(value, int):
            return BACKDROPS[value]
        return _to_name(value, {})
    numbers = [h.mean for h in distribution.histograms or () if h.total]
    return to_text(numbers[0]) if numbers else ""


def draw_factors(
    found: Survey,
    factors: Mapping[str, DesignFactor],
    class_names: Mapping[int, str],
    info: DatasetInfo,
) -> Iterator[FactorCharts]:
    """Charts of all factors that vary, one factor after the other.

    Args:
        found: what the records say.
        factors: `Dataset.factors`, with levels where the design gives them.
        class_names: by class id.
        info: of the data set.
    """
    told = describe_drawn(info.design)
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
        origin = told.get(name) or describe_default(name, info.settings)
        if levels:  # one chart shows all columns: a level is a value of them together
            origin, charts = f"{len(levels)} levels of the design", charts[:1]
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
        label = f"{to_plural(to_label(distribution.column))}, by how often they appear"
        return Chart(distribution.column, draw_ranks(used, label), text)
    shown = [_to_name(v, names) for v in values]
    texts = []
    for split, numbers in zip(SPLITS, counts, strict=True):
        shares = (100 * n / max(1, sum(numbers)) for n in numbers)
        each = ", ".join(f"{n} {share:.0f} %" for n, share in zip(shown, shares, strict=True))
        texts += [f"{split}: {each}"] * any(numbers)
    return Chart(distribution.column, draw_bars(shown, counts), "; ".join(texts))


def to_plural(noun: str) -> str:
    """Such as "classes"."""
    return f"{noun}es" if noun.endswith("s") else f"{noun}s"


def _to_name(value: int | str, names: Mapping[int, str]) -> str:
    """Name of a level, class, texture or model, or a number."""
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


# --- SVG ------------------------------------------------------------------------------------------


MIN_BINS, MAX_BINS = 8, 32
MAX_BARS = 24
MAX_RANKS = 400  # points of a line

# Sizes in px of a page that shows a chart in its own size.
WIDTH, HEIGHT = 300, 148
FONT, CHARACTER = 13, 7.4  # size of text, width of a character
BELOW = 56  # height of an x axis and its texts
BAR = 20  # height that each value takes in a bar chart
_DASHES = ("", "", ' stroke-dasharray="5 3"')


@dataclass(frozen=True)
class _Frame:
    """The rectangle that data is drawn in, and the numbers at its edges."""

    left: float  # px
    height: float  # px, without the axis below
    x_range: tuple[float, float]
    y_range: tuple[float, float]  # at the bottom and at the top

    def x(self, value: float) -> float:
        """Place of a number, px from the left."""
        low, high = self.x_range
        return self.left + (value - low) / (high - low) * (WIDTH - self.left - 8)

    def y(self, value: float) -> float:
        """Place of a number, px from the top."""
        bottom, top = self.y_range
        return 6 + (top - value) / (top - bottom) * self.height

    def path(self, xs: Iterable[float], ys: Iterable[float]) -> str:
        """Points as the ``d`` of a path."""
        points = (f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in zip(xs, ys, strict=True))
        return "M" + "L".join(points)


def draw_histogram(counts: Sequence[np.ndarray], low: float, high: float, unit: str) -> str:
    """Share of each split's numbers in each bin.

    Args:
        counts: of each split, (num_bins,); a split without numbers is left out.
        low: where the bins begin.
        high: where they end.
        unit: of the numbers.
    """
    shares = [100 * numbers / max(1, numbers.sum()) for numbers in counts]
    high = high if high > low else low + 1
    frame = _Frame(
        48, HEIGHT - BELOW, (low, high), (0, max(1.0, *(s.max() for s in shares)) * 1.05)
    )
    edges = np.repeat(np.linspace(low, high, len(counts[0]) + 1), 2)
    parts = [*_draw_x_axis(frame, unit), *_draw_y_axis(frame, "%")]
    for k, heights in enumerate(shares):
        if heights.any():
            d = frame.path(edges, [0, *np.repeat(heights, 2), 0])
            fill = f'fill="var(--{SPLITS[k]})" fill-opacity=".35"' if k == 0 else 'fill="none"'
            parts.append(f'<path d="{d}" {fill}{_stroke(k)}/>')
    return _to_svg(HEIGHT, parts)


def draw_bars(names: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """Share of each value, one bar for each split that has it.

    Args:
        names: of the values, from top to bottom.
        counts: of each split, one number for each value.
    """
    used = [k for k, numbers in enumerate(counts) if sum(numbers)]
    shares = {k: [100 * n / sum(counts[k]) for n in counts[k]] for k in used}
    left = 12 + CHARACTER * min(24, max(map(len, names), default=0))
    most = max((max(values) for values in shares.values()), default=1)
    frame = _Frame(left, BAR * len(names), (0, most * 1.02), (len(names), 0))
    thick = 0.8 * BAR / max(1, len(used))
    parts = list(_draw_x_axis(frame, "%"))
    for place, name in enumerate(names):
        parts.append(_text(left - 6, frame.y(place + 0.5) + 4, name, "end"))
        shown = [k for k in used if shares[k][place]]
        for row, k in enumerate(shown):
            y = frame.y(place + 0.5) + (row - len(shown) / 2) * thick
            width = frame.x(shares[k][place]) - left
            parts.append(
                f'<rect x="{left:.1f}" y="{y:.1f}" width="{width:.1f}" height="{0.9 * thick:.1f}" '
                f'fill="var(--{SPLITS[k]})"/>'
            )
    return _to_svg(frame.height + BELOW, parts)


def draw_ranks(counts: Sequence[Sequence[int]], label: str) -> str:
    """How often each of many values appears in each split, from often to rarely."""
    longest, most = max(map(len, counts)), max(max(n, default=0) for n in counts)
    frame = _Frame(48, HEIGHT - BELOW, (0, max(1, longest)), (0, max(1, most) * 1.05))
    parts = [*_draw_x_axis(frame, label, 1), *_draw_y_axis(frame, "times", 1)]
    for k, numbers in enumerate(counts):
        if numbers:
            heights = np.sort(numbers)[::-1]
            places = np.unique(np.linspace(0, len(heights) - 1, MAX_RANKS).astype(int))
            d = frame.path(np.repeat([*places, len(heights)], 2)[1:-1], heights[places].repeat(2))
            parts.append(f'<path d="{d}" fill="none"{_stroke(k)}/>')
    return _to_svg(HEIGHT, parts)


def find_ticks(low: float, high: float, most: int = 5, least_step: float = 0) -> list[float]:
    """Round numbers from low to high: steps of 1, 2 or 5 times a power of ten, ``most`` steps."""
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(f * power for f in (1, 2, 5, 10) if (high - low) / (f * power) <= most)
    step = max(step, least_step)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 12) for k in range(first, last + 1)]


def _draw_x_axis(frame: _Frame, label: str, least_step: float = 0) -> Iterator[str]:
    bottom = 6 + frame.height
    yield f'<path d="M{frame.left:.1f} {bottom:.1f}H{WIDTH - 8}" stroke="var(--faint)"/>'
    for tick in find_ticks(*frame.x_range, least_step=least_step):
        yield _text(frame.x(tick), bottom + 17, f"{tick:.6g}", "middle")
    yield _text((frame.left + WIDTH - 8) / 2, bottom + 37, label, "middle")


def _draw_y_axis(frame: _Frame, label: str, least_step: float = 0) -> Iterator[str]:
    yield f'<path d="M{frame.left:.1f} 6v{frame.height:.1f}" stroke="var(--faint)"/>'
    for tick in find_ticks(*frame.y_range, least_step=least_step):
        yield _text(frame.left - 6, frame.y(tick) + 4, f"{tick:.6g}", "end")
    middle = 6 + frame.height / 2
    turn = f' transform="rotate(-90 12 {middle:.1f})"'
    yield _text(12, middle, label, "middle", turn)


def _stroke(k: int) -> str:
    return f' stroke="var(--{SPLITS[k]})" stroke-width="1.4"{_DASHES[k]}'


def _text(x: float, y: float, text: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{html.escape(text)}</text>'


def _to_svg(height: float, parts: Sequence[str]) -> str:
    """An ``<svg>`` element without colors of its own."""
    return (
        f'<svg aria-hidden="true" focusable="false" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'font-size="{FONT}" fill="var(--ink)">\n' + "\n".join(parts) + "\n</svg>"
    )
