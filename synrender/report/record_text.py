"""What a record says of a sample, as text for a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from synrender.errors import shorten
from synrender.images.color import linear_to_srgb8
from synrender.report.rows import NAMED, Rows
from synrender.settings.factor_table import COLUMNS, FACTORS, Scope, find_columns

COLORS = ("color", "backdrop_color")
MAX_LENGTH = 40
MAX_OBJECTS = 12


@dataclass(frozen=True)
class Value:
    """Of a factor, of one object or of the whole sample."""

    text: str
    color: str = ""  # "#rrggbb", if it is one

    def __bool__(self) -> bool:
        return bool(self.text)


def find_facts(
    rows: Rows, objects: list[int], class_names: Mapping[int, str]
) -> dict[str, list[Value]]:
    """Values of all factors that a record knows: one for each object, or one for the sample.

    Only of the first `MAX_OBJECTS`.

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
    unit = FACTORS["azimuth" if name == "viewpoint" else name].unit
    return Value(f"{', '.join(map(to_text, numbers.tolist()))} {unit}".strip())


def find_differences(samples: list[tuple[Rows, list[int]]]) -> list[str]:
    """Names of the factors in which some samples differ, by what their records say of them.

    Args:
        samples: each with the rows that it is among, and its own.
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
    """First of the names that ShapeNet gives a class."""
    name = class_names.get(class_id, f"class {class_id}")
    return shorten(name.split(",")[0], MAX_LENGTH) or f"class {class_id}"


def to_texture_name(path: str) -> str:
    """Name of a texture, which in DTD begins with that of its folder."""
    return shorten(path.rpartition("/")[2].partition(".")[0], MAX_LENGTH)


def to_text(number: float) -> str:
    """A number with three digits."""
    return f"{number:.3g}" if abs(number) >= 1e-9 else "0"


def _to_color(rgb_linear: np.ndarray) -> Value:
    if not np.isfinite(rgb_linear).all():
        return Value("")
    red, green, blue = linear_to_srgb8(rgb_linear).tolist()
    code = f"#{red:02x}{green:02x}{blue:02x}"
    return Value(code, code)
