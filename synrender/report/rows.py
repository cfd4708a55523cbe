"""Reads the records of a data set, of any format, in parts of bounded size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from synrender.dataset.archive_layout import SPLITS
from synrender.dataset.record import create_records
from synrender.loading.dataset import Dataset
from synrender.settings.factor_table import COLUMNS

PART_SIZE = 1000
"""Samples that are read at once."""

FIELDS = (
    *("class", "sample_idx", "synset_id", "model_id", "texture", "color"),
    *("backdrop_texture", "backdrop_color", "factor_values", "factor_levels", "base", "varied"),
)

NAMED = {
    "model": ("synset_id", "model_id"),
    "texture": ("texture",),
    "backdrop_texture": ("backdrop_texture",),
}
"""Factors whose values have a name in the record, in these fields."""


@dataclass(frozen=True)
class Rows:
    """Objects of consecutive samples, one row for each object; m in all."""

    samples: np.ndarray  # (m,) int64, place of the sample in the data set
    splits: np.ndarray  # (m,) int64, place in SPLITS
    is_first: np.ndarray  # (m,) bool, first object of its sample
    fields: dict[str, Any]  # of FIELDS: (m, ...); text as a list of str

    def __len__(self) -> int:
        return len(self.samples)

    def find(self, sample: int) -> list[int]:
        """Rows of a sample, by its place in the data set."""
        return np.flatnonzero(self.samples == sample).tolist()

    def column(self, name: str) -> np.ndarray:
        """Values of one of `COLUMNS`, (m,) float64; NaN: not known."""
        return self.fields["factor_values"][:, COLUMNS.index(name)]

    def level(self, column: str) -> np.ndarray:
        """Levels of one of `COLUMNS`, (m,) int64; -1: drawn freely."""
        return self.fields["factor_levels"][:, COLUMNS.index(column)]


def read_rows(data: Dataset, places: np.ndarray) -> Rows:
    """Records of some samples of a whole data set.

    Args:
        data: opened by `open_records`.
        places: (k,) int64, of the samples.
    """
    samples = data.read_checked(places)
    nums = np.array([np.size(sample["class"]) for sample in samples])
    fields = {name: _join([s[name] for s in samples], name) for name in data.fields}
    is_there = fields["class"] >= 0  # an archive fills up where the number of objects varies
    owners = np.repeat(places, nums)[is_there]
    fields = {name: _choose(values, is_there) for name, values in fields.items()}
    unknown = create_records((len(owners),))
    fields |= {name: _to_values(unknown[name]) for name in FIELDS if name not in fields}
    counts = _count_runs(owners)
    _fill_what_records_say(fields, np.repeat(counts, counts))
    ends = list(data.split_ends.values())
    return Rows(
        owners,
        np.searchsorted(ends, owners, side="right").clip(max=len(SPLITS) - 1),
        np.append(True, owners[1:] != owners[:-1]),
        fields,
    )


def read_all_rows(data: Dataset) -> Iterator[Rows]:
    """Records of all samples, part by part."""
    for start in range(0, len(data), PART_SIZE):
        yield read_rows(data, np.arange(start, min(start + PART_SIZE, len(data))))


def open_records(data: Dataset) -> Dataset:
    """The same data set, with the fields of records alone."""
    return data.with_fields([name for name in FIELDS if name in data.fields])


def _join(values: list[Any], name: str) -> Any:
    """A field of all objects of some samples, of which each has one value or one an object."""
    if isinstance(values[0], str):
        return values
    if isinstance(values[0], list):
        return [text for texts in values for text in texts]
    shape = create_records((1,))[name].shape[1:]
    return np.concatenate([np.reshape(value, (-1, *shape)) for value in values])


def _choose(values: Any, is_there: np.ndarray) -> Any:
    if is_there.all():
        return values
    if isinstance(values, list):
        return [text for text, wanted in zip(values, is_there.tolist(), strict=True) if wanted]
    return values[is_there]


def _to_values(column: np.ndarray) -> Any:
    return column.tolist() if column.dtype.kind == "U" else column


def _count_runs(owners: np.ndarray) -> np.ndarray:
    starts = np.flatnonzero(np.append(True, owners[1:] != owners[:-1]))
    return np.diff(np.append(starts, len(owners)))


def _fill_what_records_say(fields: dict[str, Any], nums: np.ndarray) -> None:
    """Factors that records told before there were columns of factors."""
    values = np.array(fields["factor_values"])
    for name, known in (("class", fields["class"]), ("num_objs", nums)):
        column = COLUMNS.index(name)
        values[:, column] = np.where(np.isnan(values[:, column]), known, values[:, column])
    fields["factor_values"] = values
