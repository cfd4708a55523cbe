"""``causal``: a directed acyclic graph over factors, with interventions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from synrender.errors import UserError, nearest_name
from synrender.sampling.designs.kind import (
    CAUSAL,
    TABLES,
    Assignment,
    DesignKind,
    Given,
    SamplePlace,
    check_level,
    create_design_rng,
    draw_even,
    require_levels,
)
from synrender.settings.checks import SPLITS, FrozenDict

EVEN_LEVEL = -1
"""Level of an intervention that draws evenly, whatever the parents are."""

Table = tuple[tuple[float, ...], ...]
"""A row of probabilities for each combination of the parents' levels; the last changes fastest."""


@dataclass(frozen=True, kw_only=True)
class Graph(DesignKind):
    """Factors of which some depend on others; `decided` has parents before children."""

    parents: FrozenDict  # of each child
    tables: FrozenDict  # of each child a `Table`
    do: FrozenDict  # by split, by factor: level, or `EVEN_LEVEL`

    def apply(self, assigned: Assignment, place: SamplePlace) -> Assignment:
        """Draws the level of each factor, given those of its parents."""
        do = self.do.get(SPLITS[place.split], {})
        levels: dict[str, int] = {}
        for name in self.decided:
            fixed = do.get(name)
            chance = create_design_rng(self.seed, CAUSAL, name, place.base).random()
            if fixed is not None and fixed != EVEN_LEVEL:
                levels[name] = fixed
            elif fixed == EVEN_LEVEL or name not in self.parents:
                levels[name] = int(chance * self.num_levels[name])
            else:
                sums = np.cumsum(self.tables[name][self._find_row(name, levels)])
                level = int(np.searchsorted(sums, chance, side="right"))
                levels[name] = min(level, self.num_levels[name] - 1)
        return assigned.replace_levels(levels)

    def _find_row(self, name: str, levels: dict[str, int]) -> int:
        """Row of a child's table for the levels of its parents."""
        row = 0
        for parent in self.parents[name]:
            row = row * self.num_levels[parent] + levels[parent]
        return row


def sort_graph(parents: Mapping[str, tuple[str, ...]]) -> list[str]:
    """All factors of a graph, parents before children.

    Raises:
        ValueError: there is a cycle; the message names it.
    """
    order: list[str] = []
    path: list[str] = []

    def visit(name: str) -> None:
        if name in path:
            raise ValueError(" -> ".join([*path[path.index(name) :], name]))
        if name in order:
            return
        path.append(name)
        for parent in parents.get(name, ()):
            visit(parent)
        path.pop()
        order.append(name)

    for child in parents:
        visit(child)
    return order


def create_graph(given: Given) -> Graph:
    """Checks ``design.parents``, ``tables`` and ``do``, and draws the tables that are not given.

    Raises:
        UserError: there is no graph, it has a cycle, or a table or an intervention does not fit.
    """
    design, num_levels = given.design, given.num_levels
    if not design.parents:
        raise UserError("design.kind = 'causal': set design.parents")
    try:
        names = sort_graph(design.parents)
    except ValueError as cycle:
        raise UserError(f"design.parents: a cycle, {cycle}; a graph of causes has none") from None
    require_levels("design.parents", names, num_levels)
    for name in design.tables:
        if name not in design.parents:
            raise UserError(f"design.tables: {name!r} has no parents in design.parents")
    return Graph(
        seed=given.seed,
        num_levels=num_levels,
        decided=tuple(names),
        parents=design.parents,
        tables=FrozenDict({name: _create_table(name, given) for name in design.parents}),
        do=FrozenDict({split: _create_do(split, names, given) for split in design.do}),
    )


def _create_table(name: str, given: Given) -> Table:
    """The table that a user gave for a child, or one of strength ``design.strength``.

    Each row of a drawn table prefers one level: its probability is higher by the strength.
    """
    design, n = given.design, given.num_levels[name]
    num_rows = math.prod(given.num_levels[parent] for parent in design.parents[name])
    if name in design.tables:
        return _check_table(name, design.tables[name], num_rows, n)
    rows = []
    for row in range(num_rows):
        probabilities = np.full(n, (1 - design.strength) / n)
        probabilities[draw_even(given.seed, TABLES, name, n, row)] += design.strength
        rows.append(tuple(probabilities.tolist()))
    return tuple(rows)


def _check_table(name: str, table: object, num_rows: int, n: int) -> Table:
    rows = table if isinstance(table, tuple) else ()
    if len(rows) != num_rows or any(not isinstance(r, tuple) or len(r) != n for r in rows):
        raise UserError(
            f"design.tables: {name!r}: must have {num_rows} rows (one for each combination of its "
            f"parents' levels) of {n} probabilities"
        )
    for k, row in enumerate(rows):
        is_number = all(isinstance(p, (int, float)) and p >= 0 for p in row)
        if not is_number or abs(sum(row) - 1) > 1e-6:
            raise UserError(f"design.tables: {name!r}: row {k} must add up to 1, is {row}")
    return rows


def _create_do(split: str, names: list[str], given: Given) -> FrozenDict:
    """Interventions of a split: factor to level, or `EVEN_LEVEL`."""
    setting, levels = f"design.do[{split!r}]", {}
    for name, level in given.design.do[split].items():
        if name not in names:
            hint = nearest_name(name, names)
            raise UserError(f"{setting}: {name!r} is no factor of the graph{hint}")
        is_even = level == "even"
        where = f"{setting} (or 'even')"
        levels[name] = EVEN_LEVEL if is_even else check_level(where, name, level, given.num_levels)
    return FrozenDict(levels)
