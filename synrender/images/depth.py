"""Depth in 16 bits, as the HDF5 files hold it: whole steps of 0.1 mm."""

from __future__ import annotations

import numpy as np

DEPTH_STEPS_PER_M = 10_000
"""0.1 mm a step."""

FARTHEST_M = 1e9
"""Blender's depth is 1e10 (in half floats: infinity) where a ray hits nothing."""

DEPTH_BEYOND = 65535
"""Where nothing was hit, or farther than 6.5534 m away."""


def depth_to_16_bit(depth_m: np.ndarray) -> np.ndarray:
    """Depth in m to uint16 steps of 0.1 mm, rounded; `DEPTH_BEYOND` where it does not fit."""
    steps = np.rint(np.minimum(depth_m.astype(np.float64) * DEPTH_STEPS_PER_M, DEPTH_BEYOND))
    return steps.astype(np.uint16)


def depth_to_m(steps: np.ndarray, nothing_hit: float) -> np.ndarray:
    """The way back.

    Args:
        steps: uint16 of any shape.
        nothing_hit: value for `DEPTH_BEYOND`, such as NaN or 0.

    Returns:
        float32 of the same shape, m.
    """
    depth_m = steps.astype(np.float32) / np.float32(DEPTH_STEPS_PER_M)
    depth_m[steps == DEPTH_BEYOND] = nothing_hit
    return depth_m
