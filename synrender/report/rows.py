"""Reads the records of a data set, of any format, in parts of bounded size; chooses some."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from synrender.dataset.archive_layout import SPLITS
from synrender.dataset.record import create_records
from synrender.loading.dataset import Dataset
from synrender.sampling.sample_plan import SamplePlan
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
    fields: dict[str, np.ndarray]  # of FIELDS: (m, ...); text as objects

    def __len__(self) -> int:
        return len(self.samples)

    def find(self, sample: int) -> list[int]:
        """Rows of a sample, by its place in the data set."""
        return np.flatnonzero(self.samples == sample).tolist()

    def choose(self, places: np.ndarray) -> Rows:
        """The rows of some samples, by their places in the data set."""
        some = np.isin(self.samples, places)
        fields = {name: values[some] for name, values in self.fields.items()}
        return Rows(self.samples[some], self.splits[some], self.is_first[some], fields)

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
    fields = {name: values[is_there] for name, values in fields.items()}
    unknown = create_records((len(owners),))
    fields |= {name: _to_objects(unknown[name]) for name in FIELDS if name not in fields}
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


def plans_to_rows(plans: Sequence[SamplePlan], splits: Sequence[int]) -> Rows:
    """What records of samples will say, as far as plans know it.

    Args:
        plans: of the samples; their indexes are the places in the data set.
        splits: of each, its place in SPLITS.
    """
    objects = [(plan, obj) for plan in plans for obj in plan.objects]
    records = create_records((len(objects),))
    for row, (plan, obj) in zip(records, objects, strict=True):
        row["class"], row["sample_idx"] = obj.class_idx, plan.idx
        row["base"], row["varied"] = plan.base, plan.varied
        row["factor_values"], row["factor_levels"] = obj.factor_values, obj.factor_levels
        choices = {"model_id": obj.model, "texture": obj.texture}
        for field, choice in {**choices, "backdrop_texture": plan.backdrop_texture}.items():
            row[field] = choice.first if choice.candidates else ""
        row["color"], row["backdrop_color"] = obj.color, plan.backdrop_color
    nums = [len(plan.objects) for plan in plans]
    return Rows(
        np.repeat([plan.idx for plan in plans], nums),
        np.repeat(splits, nums),
        np.concatenate([np.arange(num) == 0 for num in nums]),
        {name: _to_objects(records[name]) for name in FIELDS},
    )


def open_records(data: Dataset) -> Dataset:
    """The same data set, with only the fields of records."""
    return data.with_fields([name for name in FIELDS if name in data.fields])


def _join(values: list[str | list[str] | np.ndarray], name: str) -> np.ndarray:
    """A field of all objects, from one value, or one value for each object, of each sample."""
    unknown = _to_objects(create_records((1,))[name])
    arrays = [np.asarray(value, unknown.dtype) for value in values]
    return np.concatenate([array.reshape(-1, *unknown.shape[1:]) for array in arrays])


def _to_objects(column: np.ndarray) -> np.ndarray:
    """The same values; text as objects, which take less memory."""
    return column.astype(object) if column.dtype.kind == "U" else column


def _count_runs(owners: np.ndarray) -> np.ndarray:
    starts = np.flatnonzero(np.append(True, owners[1:] != owners[:-1]))
    return np.diff(np.append(starts, len(owners)))


def _fill_what_records_say(fields: dict[str, np.ndarray], nums: np.ndarray) -> None:
    """Fills in factors of records from before there were columns of factors."""
    values = np.array(fields["factor_values"])
    for name, known in (("class", fields["class"]), ("num_objs", nums)):
        column = COLUMNS.index(name)
        values[:, column] = np.where(np.isnan(values[:, column]), known, values[:, column])
    fields["factor_values"] = values


# --- choosing -------------------------------------------------------------------------------------


MAX_MEMBERS = 10
"""Samples of a tuple that are shown, evenly over it: a sweep can have hundreds of levels."""


class EvenChoice:
    """Chooses items so that every cell gets its turn: one of each, then a second of each, ...

    Within a cell those with the lowest keys are taken, so random keys make a random choice that
    does not depend on the order in which items arrive. An item that is not among the first ``num``
    by turn and key can never come back, because others only push it to a later turn; so it is
    dropped at once.
    """

    def __init__(self, num: int) -> None:
        """An empty choice of at most ``num`` items."""
        self._num = num
        self._cells = self._keys = np.zeros(0, np.uint64)
        self._items = np.zeros(0, np.int64)

    def add(self, cells: np.ndarray, keys: np.ndarray, items: np.ndarray) -> None:
        """Adds items, (m,) int64, with their cells and keys, (m,) uint64.

        An item that is there already, by cell and key, is not added again.
        """
        cells, keys = np.append(self._cells, cells), np.append(self._keys, keys)
        items = np.append(self._items, items)
        order = np.lexsort((keys, cells))
        cells, keys, items = cells[order], keys[order], items[order]
        is_new_cell = np.append(True, cells[1:] != cells[:-1])
        is_new = is_new_cell | np.append(True, keys[1:] != keys[:-1])
        cells, keys, items, is_new_cell = (a[is_new] for a in (cells, keys, items, is_new_cell))
        starts = np.flatnonzero(is_new_cell)
        turns = np.arange(len(cells)) - starts[np.cumsum(is_new_cell) - 1]
        kept = np.lexsort((keys, turns))[: self._num]
        self._cells, self._keys, self._items = cells[kept], keys[kept], items[kept]

    @property
    def items(self) -> np.ndarray:
        """Items that are chosen so far, (k,) int64, in order of their turns."""
        return self._items


def mix(*columns: np.ndarray) -> np.ndarray:
    """A hash of each row of integer columns, (m,) uint64; SplitMix64's finalizer for each column.

    Equal rows have equal hashes in every process, and different ones look independent.
    """
    mixed = np.full(len(columns[0]), 0x9E3779B97F4A7C15, np.uint64)
    for column in columns:
        mixed = mixed + column.astype(np.int64).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return mixed


class TwinChoice:
    """Chooses tuples of twins, sweeps and sequences, evenly over factors; in any order."""

    def __init__(self, num: int, moved: str = "") -> None:
        """Chooses at most ``num`` tuples; in sequences, ``moved`` names the factors that move."""
        self._choice, self._moved = EvenChoice(num), moved
        self._members: dict[int, tuple[str, dict[int, int]]] = {}  # factor; place by sample_idx

    def add(self, rows: Rows) -> None:
        """Adds the samples of some rows."""
        varied = [name or self._moved for name in rows.fields["varied"]]
        some = [i for i in np.flatnonzero(rows.is_first).tolist() if varied[i]]
        if not some:
            return
        factors = np.array([zlib.crc32(varied[i].encode()) for i in some])
        bases = rows.fields["base"][some]
        keys = mix(bases, factors)
        self._choice.add(mix(factors), keys, keys.view(np.int64))
        kept = set(self._choice.items.tolist())
        self._members = {key: found for key, found in self._members.items() if key in kept}
        for i, key in zip(some, keys.view(np.int64).tolist(), strict=True):
            if key in kept:
                _, members = self._members.setdefault(key, (varied[i], {}))
                members[int(rows.fields["sample_idx"][i])] = int(rows.samples[i])

    def find(self) -> dict[str, list[list[int]]]:
        """Places of the samples of each tuple, by factor; a single sample is not a tuple."""
        found: dict[str, list[list[int]]] = {}
        for factor, members in sorted(self._members.values(), key=lambda m: (m[0], min(m[1]))):
            if len(members) > 1:
                places = [place for _, place in sorted(members.items())]
                shown = np.linspace(0, len(places) - 1, min(len(places), MAX_MEMBERS))
                found.setdefault(factor, []).append([places[k] for k in shown.round().astype(int)])
        return found
