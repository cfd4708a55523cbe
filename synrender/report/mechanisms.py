"""What follows from what in a design, and how strongly, in each split."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from synrender.dataset.archive_layout import SPLITS
from synrender.dataset.design_info import CausalInfo, DesignInfo

MAX_SIDE = 24
"""Levels of a factor that are looked at, as rows or columns of a table or for a strength."""


@dataclass(frozen=True)
class Mechanism:
    """How a factor follows from others."""

    child: str
    parents: tuple[str, ...]
    tables: tuple[np.ndarray, ...]  # of each split, probabilities (*parents' levels, levels)
    usual: np.ndarray  # the same without interventions

    def find_strength(self, parent: str, split: int) -> float:
        """How much the child changes with this parent alone, 0 to 1.

        The mean total variation distance between the child's distributions for two levels of the
        parent, over all pairs of them and over the levels of the other parents.
        """
        table = np.moveaxis(self.tables[split], self.parents.index(parent), 0)[:MAX_SIDE]
        pairs = list(itertools.combinations(range(len(table)), 2))
        distances = [np.abs(table[a] - table[b]).sum(axis=-1).mean() / 2 for a, b in pairs]
        return float(np.mean(distances)) if pairs else 0.0


def find_mechanisms(design: DesignInfo) -> list[Mechanism]:
    """What follows from what, causes before their effects."""
    found, sizes = [], {n: len(f.levels) for n, f in design.factors.items()}
    if shortcut := design.shortcut:
        usual, even = np.eye(sizes[shortcut.cue])[list(shortcut.partners)], 1 / sizes[shortcut.cue]
        tables = tuple(rho * usual + (1 - rho) * even for rho in shortcut.rho)
        found.append(Mechanism(shortcut.cue, (shortcut.target,), tables, usual))
    causal = design.causal or CausalInfo({}, {}, {})
    for child, parents in causal.parents.items():
        usual = np.reshape(causal.tables[child], [sizes[name] for name in (*parents, child)])
        done = [causal.do.get(split, {}).get(child) for split in SPLITS]
        tables = tuple(_intervene(usual, level) for level in done)
        found.append(Mechanism(child, parents, tables, usual))
    return found


def _intervene(usual: np.ndarray, level: int | None) -> np.ndarray:
    """The table where a level is set, or drawn evenly (-1), whatever the parents are."""
    if level is None:
        return usual
    num_levels = usual.shape[-1]
    fixed = np.full(num_levels, 1 / num_levels) if level < 0 else np.eye(num_levels)[level]
    return np.broadcast_to(fixed, usual.shape)


def find_set(design: DesignInfo) -> dict[str, dict[str, int]]:
    """Factors without causes that are set to a level; of each, the level by split."""
    found: dict[str, dict[str, int]] = {}
    causal = design.causal or CausalInfo({}, {}, {})
    for split, given in causal.do.items():
        for name, level in given.items():
            if level >= 0 and name not in causal.parents:
                found.setdefault(name, {})[split] = level
    return found


def find_held_out(design: DesignInfo) -> tuple[str, ...]:
    """Factors of the combinations that are held out."""
    return tuple(design.held_out[0]) if design.held_out else ()


def find_pair(design: DesignInfo) -> tuple[str, str] | None:
    """A factor, and one that depends on it or is held out with it."""
    if mechanisms := find_mechanisms(design):
        return mechanisms[0].parents[0], mechanisms[0].child
    held_out = find_held_out(design)
    return (held_out[0], held_out[1]) if held_out else None
