"""The tables of a report: splits, balance, and factors that a design ties together."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from synrender.dataset.info import DesignFactor
from synrender.dataset.splits import SPLITS
from synrender.report.distributions import to_label
from synrender.report.filters import name_levels
from synrender.report.record_text import to_class_name
from synrender.report.survey import Survey

MAX_SIDE = 24
"""Rows and columns of a table of two factors."""


@dataclass(frozen=True)
class Cell:
    """A count, and its share of the largest in its table, 0 to 1."""

    count: int
    share: float


@dataclass(frozen=True)
class Table:
    """Counts, with names for rows and columns."""

    title: str
    row_title: str
    columns: tuple[str, ...]
    rows: dict[str, list[Cell]]


@dataclass(frozen=True)
class SplitRow:
    """What a split holds."""

    name: str
    num_samples: int
    num_objects: int
    num_models: int
    num_textures: int


@dataclass(frozen=True)
class SharedRow:
    """What two splits have in common."""

    name: str
    num_models: int
    num_textures: int


def find_split_rows(found: Survey) -> list[SplitRow]:
    """What each split holds."""
    return [
        SplitRow(
            split,
            found.num_samples[k],
            found.num_objects[k],
            len(found.models[k]),
            len(found.textures[k]),
        )
        for k, split in enumerate(SPLITS)
    ]


def find_shared_rows(found: Survey) -> list[SharedRow]:
    """What each two splits share."""
    return [
        SharedRow(
            f"{SPLITS[a]} and {SPLITS[b]}",
            len(found.models[a] & found.models[b]),
            len(found.textures[a] & found.textures[b]),
        )
        for a, b in itertools.combinations(range(len(SPLITS)), 2)
    ]


def find_balance(found: Survey, class_names: Mapping[int, str]) -> Table:
    """Objects of each class, by split; shares are of the largest of the split."""
    ids = sorted({class_id for _, class_id in found.classes})
    largest = [max((found.classes[k, c] for c in ids), default=0) for k in range(len(SPLITS))]
    rows = {
        f"{c} {to_class_name(c, class_names)}": [
            _to_cell(found.classes[k, c], largest[k]) for k in range(len(SPLITS))
        ]
        for c in ids
    }
    return Table("Objects of each class", "class", SPLITS, rows)


def find_factor_tables(found: Survey, factors: Mapping[str, DesignFactor]) -> list[Table]:
    """Samples with each combination of two levels, for each split that has any."""
    tables = []
    for (a, b), counts in found.tables.items():
        rows, columns = (
            dict(itertools.islice(name_levels(factors[name]).items(), MAX_SIDE)) for name in (a, b)
        )
        for k, split in enumerate(SPLITS):
            grid = [[counts[k, i, j] for j in columns] for i in rows]
            largest = max(map(max, grid))
            if largest:
                title = f"{to_label(a)} and {to_label(b)}, {split}"
                cells = [[_to_cell(count, largest) for count in line] for line in grid]
                named = dict(zip(_make_unique(list(rows.values())), cells, strict=True))
                tables.append(Table(title, to_label(a), tuple(columns.values()), named))
    return tables


def _make_unique(names: list[str]) -> list[str]:
    return [name if names.count(name) == 1 else f"{k}: {name}" for k, name in enumerate(names)]


def _to_cell(count: int, largest: int) -> Cell:
    return Cell(count, count / largest if largest else 0.0)
