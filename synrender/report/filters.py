"""By what the samples of a report can be filtered, and the tokens that say what each one has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from synrender.dataset.info import DesignFactor
from synrender.dataset.splits import SPLITS
from synrender.report.record_text import to_class_name, to_text, to_texture_name
from synrender.report.rows import Rows
from synrender.report.survey import Survey, find_thirds
from synrender.settings.factor_table import FACTORS, find_columns

MAX_LEVELS = 100


@dataclass(frozen=True)
class Filter:
    """A list to choose from."""

    name: str
    options: dict[int, str]  # label of the token "name=k", by k, in the order to be read in
    is_main: bool  # else it is among those that are folded away
    values: tuple[float, ...] = ()  # of classes: their ids; of thirds: the two limits

    def find_tokens(self, rows: Rows, objects: list[int]) -> set[str]:
        """Tokens of a sample: one for each option that one of its objects fits."""
        places = {self._find_place(rows, i) for i in objects}
        return {f"{self.name}={k}" for k in places if k in self.options}

    def _find_place(self, rows: Rows, i: int) -> int:
        if self.name == "split":
            return int(rows.splits[i])
        if self.name == "class":
            return self.values.index(int(rows.fields["class"][i]))
        column = find_columns(self.name)[0]
        if not self.values:
            return int(rows.fields["factor_levels"][i, column])
        value = rows.fields["factor_values"][i, column]
        return int(np.searchsorted(self.values, value)) if np.isfinite(value) else -1


def find_filters(
    found: Survey, factors: Mapping[str, DesignFactor], class_names: Mapping[int, str]
) -> list[Filter]:
    """Splits and classes, the levels of a design, and thirds of what is drawn freely.

    Args:
        found: what the records say.
        factors: `Dataset.factors`, with levels where the design gives them.
        class_names: by class id.
    """
    class_ids = tuple(sorted({class_id for _, class_id in found.classes}))
    names = [to_class_name(c, class_names) for c in class_ids]
    filters = [
        Filter("split", dict(enumerate(SPLITS)), True),
        Filter("class", dict(enumerate(names)), True, class_ids),
    ]
    for name, factor in factors.items():
        if name == "class":
            continue
        if 0 < len(factor.levels) <= MAX_LEVELS:
            filters.append(Filter(name, name_levels(factor), True))
            continue
        histograms = found.distributions[FACTORS[name].columns[0]].histograms or []
        thirds = find_thirds(histograms) if len(factor.columns) == 1 else None
        if thirds:
            options = dict(enumerate(_name_thirds(*thirds, factor.unit)))
            filters.append(Filter(name, options, False, thirds))
    return [f for f in filters if len(f.options) > 1]


def name_levels(factor: DesignFactor) -> dict[int, str]:
    """What to call each level of a factor, by its index; numbers are in order of their size."""
    if factor.names:
        names = (to_texture_name(name.split(",")[0]) for name in factor.names)
        return dict(enumerate(names))
    unit = f" {factor.unit}" if factor.unit and "place" not in factor.unit else ""
    order = sorted(range(len(factor.levels)), key=lambda k: factor.levels[k])
    return {k: ", ".join(map(to_text, factor.levels[k])) + unit for k in order}


def _name_thirds(low: float, high: float, unit: str) -> tuple[str, ...]:
    a, b, unit = to_text(low), to_text(high), f" {unit}" if unit else ""
    return f"low: up to {a}{unit}", f"middle: {a} to {b}{unit}", f"high: from {b}{unit}"
