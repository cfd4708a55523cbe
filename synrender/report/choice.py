"""Chooses samples to show, a few of many: evenly over cells, in one pass, and tuples of twins."""

from __future__ import annotations

import zlib

import numpy as np

from synrender.report.rows import Rows

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
        """What is chosen so far, (k,) int64, in order of their turns."""
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
    """Chooses tuples of twins and sweeps, evenly over factors; their samples come in any order."""

    def __init__(self, num: int) -> None:
        """Chooses at most ``num`` tuples."""
        self._choice = EvenChoice(num)
        self._members: dict[int, tuple[str, dict[int, int]]] = {}  # factor; place by sample_idx

    def add(self, rows: Rows) -> None:
        """Adds the samples of some rows."""
        varied = rows.fields["varied"]
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
        """Places of the samples of each tuple, by factor; alone, a sample is no tuple."""
        found: dict[str, list[list[int]]] = {}
        for factor, members in sorted(self._members.values(), key=lambda m: (m[0], min(m[1]))):
            if len(members) > 1:
                places = [place for _, place in sorted(members.items())]
                shown = np.linspace(0, len(places) - 1, min(len(places), MAX_MEMBERS))
                found.setdefault(factor, []).append([places[k] for k in shown.round().astype(int)])
        return found
