"""Where a picture without label passes shows its objects: the outline that the rays predict.

Crossing an object's outline a picture changes more than elsewhere. So the outline is laid over the
picture where it should be and at all shifts around; the change of colour across it has to be
largest where it should be. Textures make edges of their own, but none that follow the outline.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MAX_SHIFT_PX = 6
"""How far around the outline is tried."""

MAX_ERROR_PX = 1
"""How far from where it should be an outline may be found: pixels are whole, and filtered."""

MIN_OUTLINE_PX = 24
"""Shorter outlines say too little."""

_MAX_STEP = 60
"""Change of an 8-bit value above which an edge counts no more: one bright edge is no outline."""


@dataclass(frozen=True)
class OutlineFindings:
    """Of one sample."""

    num_visible_px: int  # of all objects, to the rays
    is_measured: bool  # False: the outline is too short
    shift_px: tuple[int, int]  # (x, y) at which the picture changes most along the outline
    rank: float  # share of shifts where it changes less than where the outline should be


def find_outline(rgb8: np.ndarray, instance: np.ndarray) -> OutlineFindings:
    """Looks for the objects' outlines around where they should be.

    Args:
        rgb8: (h, w, 3) uint8.
        instance: (h, w) of the rays, 0 = backdrop.
    """
    reach = range(-MAX_SHIFT_PX, MAX_SHIFT_PX + 1)
    pairs = []  # changes between neighbours along an axis, and where the outline runs between two
    for axis in (0, 1):
        change = np.abs(np.diff(rgb8.astype(np.int16), axis=axis)).max(axis=2)
        change = np.pad(np.minimum(change, _MAX_STEP), MAX_SHIFT_PX, mode="edge")
        pairs.append((change, np.nonzero(np.diff(instance, axis=axis))))
    length = sum(len(ys) for _, (ys, _) in pairs)
    contrasts = {
        (dx, dy): sum(
            int(change[ys + MAX_SHIFT_PX + dy, xs + MAX_SHIFT_PX + dx].sum())
            for change, (ys, xs) in pairs
        )
        / max(length, 1)
        for dy in reach
        for dx in reach
    }
    # Of equals the one closest to where it should be.
    shift = max(contrasts, key=lambda s: (contrasts[s], -abs(s[0]) - abs(s[1])))
    there = max(c for s, c in contrasts.items() if _is_near(s))
    elsewhere = np.array([c for s, c in contrasts.items() if not _is_near(s)])
    return OutlineFindings(
        int((instance > 0).sum()),
        length >= MIN_OUTLINE_PX,
        shift,
        float((elsewhere < there).mean()),
    )


def _is_near(shift_px: tuple[int, int]) -> bool:
    return max(map(abs, shift_px)) <= MAX_ERROR_PX
