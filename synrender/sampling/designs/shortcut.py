"""``shortcut``: one factor predicts another, with a strength for each split."""

from __future__ import annotations

from synrender.sampling.designs.cell import PARTNERS, SHORTCUT, create_design_rng
from synrender.sampling.streams import draw_permutation


def find_partners(cue: str, num_cue: int, num_target: int, seed: int) -> tuple[int, ...]:
    """Cue level that belongs to each level of the target; no two targets share one."""
    order = draw_permutation(create_design_rng(seed, PARTNERS, cue), num_cue)
    return tuple(map(int, order[:num_target]))


def assign_cue(
    cue: str,
    partners: tuple[int, ...],
    num_cue: int,
    target_level: int,
    rho: float,
    seed: int,
    idx: int,
) -> int:
    """Cue level of a sample: its target's partner with probability ``rho``, else any, evenly."""
    chance, even = create_design_rng(seed, SHORTCUT, cue, idx).random(2)
    return partners[target_level] if chance < rho else int(even * num_cue)
