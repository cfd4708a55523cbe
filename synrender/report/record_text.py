"""Records as text: facts for a table, filters, and the names of levels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from synrender.dataset.archive_layout import SPLITS
from synrender.dataset.design_info import DesignFactor
from synrender.dataset.design_words import MAX_LENGTH, name_levels, to_text, to_texture_name
from synrender.errors import shorten
from synrender.images.conversions import linear_to_srgb8
from synrender.report.rows import NAMED, Rows
from synrender.report.survey import Survey, find_thirds
from synrender.settings.factor_table import (
    BACKDROPS,
    COLUMNS,
    FACTORS,
    Scope,
    find_columns,
    find_factor,
)

COLORS = ("color", "backdrop_color")
MAX_OBJECTS = 12


@dataclass(frozen=True)
class Value:
    """Value of a factor, for one object or for the whole sample."""

    text: str
    color: str = ""  # "#rrggbb", if it is one

    def __bool__(self) -> bool:
        return bool(self.text)


def find_facts(
    rows: Rows, objects: list[int], class_names: Mapping[int, str]
) -> dict[str, list[Value]]:
    """Values of all factors that a record knows: one for each object, or one for the sample.

    Only for the first `MAX_OBJECTS` objects.

    Args:
        rows: that hold the sample.
        objects: its rows.
        class_names: by class id.
    """
    facts = {}
    for name, factor in FACTORS.items():
        some = objects[:MAX_OBJECTS] if factor.scope is Scope.OBJECT else objects[:1]
        values = [find_value(rows, i, name, class_names) for i in some]
        if any(values):
            facts[name] = values
    return facts


def find_value(rows: Rows, i: int, name: str, class_names: Mapping[int, str]) -> Value:
    """Value of a factor, or of ``viewpoint``, of the object in row ``i``; empty if not known."""
    fields = rows.fields
    if name == "class":
        return Value(to_class_name(int(fields["class"][i]), class_names))
    if name == "model":
        return Value(shorten(fields["model_id"][i], MAX_LENGTH))
    if name in ("texture", "backdrop_texture"):
        return Value(to_texture_name(fields[name][i]))
    if name in COLORS:
        return _to_color(fields[name][i])
    numbers = fields["factor_values"][i, list(find_columns(name))]
    if not np.isfinite(numbers).all():
        return Value("")
    if name == "backdrop":
        return Value(BACKDROPS[int(numbers[0])])
    unit = find_factor(name).unit
    return Value(f"{', '.join(map(to_text, numbers.tolist()))} {unit}".strip())


def find_differences(samples: list[tuple[Rows, list[int]]]) -> list[str]:
    """Names of the factors in which the records of some samples differ.

    Args:
        samples: for each, rows that contain it, and the numbers of its own rows.
    """
    names = []
    for name, factor in FACTORS.items():
        values = set()
        for rows, objects in samples:
            some = objects if factor.scope is Scope.OBJECT else objects[:1]
            if name in NAMED:
                values.add(tuple(rows.fields[field][i] for i in some for field in NAMED[name]))
            else:
                columns = [COLUMNS.index(column) for column in factor.columns]
                values.add(rows.fields["factor_values"][some][:, columns].tobytes())
        if len(values) > 1:
            names.append(name)
    return names


def to_class_name(class_id: int, class_names: Mapping[int, str]) -> str:
    """First name of a class in ShapeNet."""
    name = class_names.get(class_id, f"class {class_id}")
    return shorten(name.split(",")[0], MAX_LENGTH) or f"class {class_id}"


def _to_color(rgb_linear: np.ndarray) -> Value:
    if not np.isfinite(rgb_linear).all():
        return Value("")
    red, green, blue = linear_to_srgb8(rgb_linear).tolist()
    code = f"#{red:02x}{green:02x}{blue:02x}"
    return Value(code, code)


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


def _name_thirds(low: float, high: float, unit: str) -> tuple[str, ...]:
    a, b, unit = to_text(low), to_text(high), f" {unit}" if unit else ""
    return f"low: up to {a}{unit}", f"middle: {a} to {b}{unit}", f"high: from {b}{unit}"
