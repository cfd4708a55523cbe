"""Charts as SVG to be put into a page: text stays text, and colours follow the page's theme."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from synrender.dataset.splits import SPLITS

WIDTH_IN, HEIGHT_IN = 4.2, 1.5
BAR_IN = 0.2  # height that each value takes in a bar chart
MIN_BINS, MAX_BINS = 8, 32
MAX_BARS = 24
MAX_RANKS = 400  # points of a line

_METADATA = ("Date", "Creator", "Format", "Type")
_CUTS = (
    (r"<metadata>.*?</metadata>|<style.*?</style>", ""),
    (r' id="(?:[a-z0-9.]+_)+\d+"', ""),  # of which a page with many charts would have many
    (r'width="[\d.]+pt" height="[\d.]+pt"', ""),  # the page decides
    (r"^<svg ", '<svg aria-hidden="true" focusable="false" '),
    (r"font(?:-size)?: [\d.]+px[^\"]*?; (text-anchor|fill)", r"\1"),  # likewise
    (r' transform="rotate\(-0 [\d. ]+\)"', ""),
    (r"(\.\d\d)\d+", r"\1"),
    (r"\n\s*", "\n"),
)
"""What an ``<svg>`` element in a page does not need."""

# Placeholders, which become variables of the page's style sheet.
_COLORS = {"#010203": "ink", "#010204": "faint", **dict(zip(
    ("#010205", "#010206", "#010207"), SPLITS, strict=True,
))}  # fmt: skip
_INK, _FAINT, *_SPLIT_COLORS = _COLORS
_STYLES = ("-", "-", "--")
_RC: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "synrender",  # equal data, equal file
    "font.size": 8,
    "text.parse_math": False,  # a name may hold a dollar sign
    "text.color": _INK,
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": _FAINT,
    "ytick.color": _FAINT,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
}


def draw_histogram(counts: Sequence[np.ndarray], low: float, high: float, unit: str) -> str:
    """Share of each split's numbers in each bin.

    Args:
        counts: of each split, (num_bins,); a split without numbers is left out.
        low: where the bins begin.
        high: where they end.
        unit: of the numbers.
    """
    with rc_context(_RC):
        figure, axes = _begin(HEIGHT_IN)
        edges = np.linspace(low, high, len(counts[0]) + 1)
        for k, numbers in enumerate(counts):
            if numbers.sum():
                shares = 100 * numbers / numbers.sum()
                if k == 0:
                    axes.stairs(shares, edges, color=_SPLIT_COLORS[k], fill=True, alpha=0.35)
                axes.stairs(shares, edges, color=_SPLIT_COLORS[k], ls=_STYLES[k], lw=1.2)
        axes.set_xlabel(unit)
        axes.set_ylabel("%")
        axes.set_xlim(low, high)
        return _to_svg(figure)


def draw_bars(names: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """Share of each value, one bar for each split.

    Args:
        names: of the values, from top to bottom.
        counts: of each split, one number for each value.
    """
    with rc_context(_RC):
        figure, axes = _begin(0.45 + BAR_IN * 1.4 * len(names))
        used = [k for k, numbers in enumerate(counts) if sum(numbers)]
        height = 0.8 / max(1, len(used))
        for row, k in enumerate(used):
            shares = 100 * np.array(counts[k]) / sum(counts[k])
            places = np.arange(len(names)) + (row + 0.5) * height - 0.4
            axes.barh(places, shares, height * 0.9, color=_SPLIT_COLORS[k])
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_xlabel("%")
        return _to_svg(figure)


def draw_ranks(counts: Sequence[Sequence[int]]) -> str:
    """How often each of many values appears in each split, the most frequent first."""
    with rc_context(_RC):
        figure, axes = _begin(HEIGHT_IN)
        for k, numbers in enumerate(counts):
            if not numbers:
                continue
            heights = np.sort(numbers)[::-1]
            places = np.unique(np.linspace(0, len(heights) - 1, MAX_RANKS).astype(int))
            (line,) = axes.step(places + 1, heights[places], where="mid", lw=1.4)
            line.set(color=_SPLIT_COLORS[k], ls=_STYLES[k])
        axes.set_ylim(bottom=0)
        axes.set_xlabel("values, the most frequent first")
        axes.set_ylabel("times")
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        return _to_svg(figure)


def _begin(height_in: float) -> tuple[Figure, Axes]:
    figure = Figure((WIDTH_IN, height_in), layout="constrained")
    axes = figure.subplots()
    figure.patch.set_visible(False)
    axes.patch.set_visible(False)
    axes.locator_params(axis="y", nbins=4)
    axes.tick_params(length=0)
    return figure, axes


def _to_svg(figure: Figure) -> str:
    """An ``<svg>`` element for a page that holds many: no ids, and no colours of its own."""
    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True, metadata=dict.fromkeys(_METADATA))
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :]
    for pattern, text in _CUTS:
        svg = re.sub(pattern, text, svg, flags=re.DOTALL)
    for color, name in _COLORS.items():
        svg = svg.replace(color, f"var(--{name})")
    return svg
