from __future__ import annotations

from synrender.report.charts import draw_bars


def test_names_in_a_chart_are_what_they_are() -> None:
    """Numbers and colors of a chart's marks are shortened; those in a name are not."""
    names = ["part.12345", "#010205", "a > b.98765 <i>", "$x_1$"]
    svg = draw_bars(names, [[1, 2, 3, 4]])
    for name in ("part.12345", "#010205", "a &gt; b.98765 &lt;i&gt;", "$x_1$"):
        assert f">{name}</text>" in svg
    assert "var(--train)" in svg
    assert "<i>" not in svg
