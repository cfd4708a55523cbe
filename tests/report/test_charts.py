from __future__ import annotations

import re

import pytest

from synrender.report.charts import draw_bars, find_ticks


def test_names_in_a_chart_are_what_they_are() -> None:
    """Numbers and colors of a chart's marks are shortened; those in a name are not."""
    names = ["part.12345", "#010205", "a > b.98765 <i>", "$x_1$"]
    svg = draw_bars(names, [[1, 2, 3, 4]])
    for name in ("part.12345", "#010205", "a &gt; b.98765 &lt;i&gt;", "$x_1$"):
        assert f">{name}</text>" in svg
    assert "var(--train)" in svg
    assert "<i>" not in svg


def test_bars_stand_beside_their_name() -> None:
    """Also where one split of three has the value."""
    svg = draw_bars(["first", "second"], [[5, 0], [0, 2], [1, 1]])
    labels = [float(y) for y in re.findall(r'y="([0-9.]+)" text-anchor="end"', svg)]
    bars = re.findall(r'<rect .* y="([0-9.]+)" .* height="([0-9.]+)" fill="var\(--(\w+)\)"', svg)
    assert [name for *_, name in bars] == ["train", "test", "validation", "test"]
    centers = [float(y) + float(height) / 2 for y, height, _ in bars]
    for label, pair in zip(labels, (centers[:2], centers[2:]), strict=True):
        assert abs(label - 4 - sum(pair) / 2) < 1


@pytest.mark.parametrize(
    ("low", "high"), [(0.03, 0.98), (0, 1), (-3, 3.2), (100, 1e5), (0.8, 1.13)]
)
def test_an_axis_has_three_numbers_at_least(low: float, high: float) -> None:
    ticks = find_ticks(low, high)
    assert 3 <= len(ticks) <= 6
    assert low <= ticks[0] < ticks[-1] <= high
