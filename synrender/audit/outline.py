"""Finds out whether a picture without label passes shows its objects where the rays see them.

A picture's colour changes more across an object's outline than elsewhere. So the outline that the
rays see is laid over the picture, where it should be and at all shifts around; the change of colour
across it has to be largest where it should be. Textures have edges too, but none that follow the
outline.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MAX_SHIFT_PX = 6
"""Largest shift of the outline that is tried, in x and in y."""

MAX_ERROR_PX = 1
"""Largest shift of a right outline: shifts are whole pixels, and the picture is filtered."""

MIN_OUTLINE_PX = 24
"""Shorter outlines are not judged."""

_MAX_STEP = 60
"""Larger changes of an 8-bit value count as this one, so that one bright edge does not decide."""


@dataclass(frozen=True)
class OutlineFindings:
    """Findings about one sample."""

    num_visible_px: int  # of all objects, to the rays
    is_measured: bool  # False: the outline is too short
    shift_px: tuple[int, int]  # (x, y) at which the picture changes most along the outline
    rank: float  # share of shifts where it changes less than where the outline should be


def find_outline(rgb8: np.ndarray, instance: np.ndarray) -> OutlineFindings:
    """Looks for the objects' outlines around where they should be.

    Args:
        rgb8: (h, w, 3) uint8.
        instance: (h, w) that the rays hit, 0 = backdrop.
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
    # Among equal contrasts the smallest shift.
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
