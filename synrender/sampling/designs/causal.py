"""``causal``: a directed acyclic graph over factors, with interventions."""

from __future__ import annotations

import math

import numpy as np

from synrender.sampling.designs.cell import CAUSAL, TABLES, create_design_rng, draw_even

Tables = dict[str, tuple[tuple[float, ...], ...]]
EVEN_LEVEL = -1
"""Level of an intervention that draws evenly, whatever the parents are."""


def sort_graph(parents: dict[str, tuple[str, ...]]) -> list[str]:
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


def draw_table(
    name: str, num_rows: int, num_levels: int, strength: float, seed: int
) -> tuple[tuple[float, ...], ...]:
    """A table of given strength: each row prefers one level, by that much over an even draw."""
    rows = []
    for row in range(num_rows):
        probabilities = np.full(num_levels, (1 - strength) / num_levels)
        probabilities[draw_even(seed, TABLES, name, num_levels, row)] += strength
        rows.append(tuple(probabilities.tolist()))
    return tuple(rows)


def assign_causal(
    parents: dict[str, tuple[str, ...]],
    tables: Tables,
    do: dict[str, int],
    num_levels: dict[str, int],
    seed: int,
    idx: int,
) -> dict[str, int]:
    """Levels of all factors of a graph in a sample.

    Args:
        parents: of each child.
        tables: of each child, a row for each combination of its parents' levels (the last parent
            changes fastest).
        do: interventions in the sample's split: factor to level, or `EVEN_LEVEL`.
        num_levels: of each factor.
        seed: of the draw.
        idx: of the sample.
    """
    levels: dict[str, int] = {}
    for name in sort_graph(parents):
        fixed = do.get(name)
        chance = create_design_rng(seed, CAUSAL, name, idx).random()
        if fixed is not None and fixed != EVEN_LEVEL:
            levels[name] = fixed
        elif fixed == EVEN_LEVEL or name not in parents:
            levels[name] = int(chance * num_levels[name])
        else:
            row = tables[name][find_row(parents[name], levels, num_levels)]
            place = int(np.searchsorted(np.cumsum(row), chance, side="right"))
            levels[name] = min(place, num_levels[name] - 1)
    return levels


def find_row(names: tuple[str, ...], levels: dict[str, int], num_levels: dict[str, int]) -> int:
    """Row of a table for its parents' levels."""
    row = 0
    for name in names:
        row = row * num_levels[name] + levels[name]
    return row


def count_rows(names: tuple[str, ...], num_levels: dict[str, int]) -> int:
    """Rows of a table."""
    return math.prod(num_levels[name] for name in names)
