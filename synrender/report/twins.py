"""Chooses which twins and sweeps to show: tuples of samples that differ in one factor."""

from __future__ import annotations

import zlib

import numpy as np

from synrender.report.choice import EvenChoice, mix
from synrender.report.rows import Rows

MAX_MEMBERS = 10
"""Samples of a tuple that are shown, evenly over it: a sweep can have hundreds of levels."""


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
