"""What an export tells of each sample: columns with a type and a meaning, the same in all formats.

Of several objects, a column is a list with one value for each object, unless it belongs to the
sample as a whole, such as the light.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from synrender.dataset.info import DatasetInfo
from synrender.dataset.record import RECORD_DTYPE
from synrender.export.meanings import MEANINGS, PICTURE_MEANINGS
from synrender.export.png_samples import OBJECT_LABELS, OF_MASKS
from synrender.loading.row_source import Sample
from synrender.settings.factor_table import COLUMNS, FACTORS, Scope
from synrender.system.files import to_file_name

PICTURE, LABEL, INTEGER, NUMBER, TEXT = "picture", "label", "integer", "number", "text"
"""Types of columns. A label is the place of a class among `Content.class_names`."""

_NUMPY_TYPES = {"i": INTEGER, "u": INTEGER, "b": INTEGER, "f": NUMBER, "U": TEXT}
_EXPANDED = ("class", "factor_values", "factor_levels")
_OF_THE_SAMPLE = frozenset(
    ("light", "sample_idx", "bucket", "group", "backdrop_texture", "backdrop_color")
) | {"base", "varied", "intrinsics", "world_to_camera"}
"""Fields of a record that are equal for all objects of a sample."""


@dataclass(frozen=True)
class Column:
    """A value of each sample, or a nested list of them."""

    name: str
    type: str
    depth: int  # lists around a value
    meaning: str
    field: str = ""  # of a sample of `read_rows` that it is taken from; "": computed
    place: int | None = None  # in that field, of a factor
    is_of_object: bool = False  # a list over objects, where there are several


@dataclass(frozen=True)
class Content:
    """What each sample of a data set has."""

    columns: tuple[Column, ...]
    class_names: tuple[str, ...]  # in the order of the class ids; each is unique and a plain name
    class_ids: tuple[int, ...]
    is_single: bool  # one object in each sample
    has_labels: bool  # instances, classes and depth

    @property
    def pictures(self) -> tuple[Column, ...]:
        """Columns of pictures."""
        return tuple(column for column in self.columns if column.type == PICTURE)


def plan_content(info: DatasetInfo, sample: Sample) -> Content:
    """What the samples of a data set have, of which one of `read_rows` is given."""
    is_single = np.ndim(sample["class"]) == 0
    objects = 0 if is_single else 1
    names = name_classes(info)

    def create(name: str, kind: str, rank: int, field: str, is_of_object: bool) -> Column:
        depth = rank + (objects if is_of_object else 0)
        return Column(name, kind, depth, MEANINGS[name], field, None, is_of_object)

    columns = [
        Column(name, PICTURE, 0, m) for name, m in PICTURE_MEANINGS.items() if name in sample
    ]
    columns.append(create("split", TEXT, 0, "", False))
    for name, kind in (("label", LABEL), ("class_name", TEXT), ("class", INTEGER)):
        columns.append(create(name, kind, 0, "", True))
    for name in RECORD_DTYPE.names or ():
        if name not in _EXPANDED and name in sample:
            field = RECORD_DTYPE[name]
            kind = _NUMPY_TYPES[field.base.kind]
            columns.append(create(name, kind, len(field.shape), name, name not in _OF_THE_SAMPLE))
    for name in (*OF_MASKS, *OBJECT_LABELS):
        if name in sample:
            value = np.asarray(sample[name])
            has_axis = name in OBJECT_LABELS or not is_single  # of the objects
            kind = _NUMPY_TYPES[value.dtype.kind]
            columns.append(create(name, kind, value.ndim - has_axis, name, True))
    if "factor_values" in sample:
        columns += _plan_factors(info, objects)
    has_labels = sample["labels"] is not None
    return Content(tuple(columns), tuple(names.values()), tuple(names), is_single, has_labels)


def name_classes(info: DatasetInfo) -> dict[int, str]:
    """Short name of each class id: "airplane" of "airplane,aeroplane,plane".

    Each can name a folder of any operating system. The synset id is added where that takes a
    change, or where two classes would have the same name.
    """
    short = {c: entry.name.split(",")[0].strip() for c, entry in sorted(info.classes.items())}
    counts = Counter(name.casefold() for name in short.values())
    names = {
        c: name
        if counts[name.casefold()] == 1 and to_file_name(name) == name
        else to_file_name(f"{to_file_name(name)}_{info.classes[c].synset_id}")
        for c, name in short.items()
    }
    counts = Counter(name.casefold() for name in names.values())
    return {c: n if counts[n.casefold()] == 1 else f"{n}_{c}" for c, n in names.items()}


def _plan_factors(info: DatasetInfo, objects: int) -> list[Column]:
    """Columns of the factors' values, and of the levels of those that have any."""
    named = info.design.factors if info.design else {}
    found = []
    for factor in FACTORS.values():
        is_of_object = factor.scope is Scope.OBJECT
        depth = objects if is_of_object else 0
        unit = f", {factor.unit}" if factor.unit else ""
        has_levels = factor.name in named and named[factor.name].levels
        for name in factor.columns:
            place = COLUMNS.index(name)
            meaning = f"value of the factor {factor.name} ({factor.kind.value}{unit})"
            of_value = Column(f"factor_{name}", NUMBER, depth, meaning)
            found.append(replace(of_value, field="factor_values", place=place))
            if has_levels:
                meaning = f"which of its levels the factor {factor.name} has, from 0"
                of_level = Column(f"level_{name}", INTEGER, depth, meaning)
                found.append(replace(of_level, field="factor_levels", place=place))
    return [replace(column, is_of_object=column.depth > 0) for column in found]
