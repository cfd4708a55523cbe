"""Rejects a model that stands so far from the origin that its file's numbers have lost its shape.

A ball of 1 m at 5,412,300 m, written with six digits, is a heap of flat steps. Numbers are read in
double precision and centered before anything else, so that only what a file does not say is lost.
"""

from __future__ import annotations

import numpy as np

from synrender.assets.mesh import Mesh
from synrender.errors import RejectedAsset

FAR = 1e4
"""Nearer to the origin than this, in sizes of the model, six digits show its shape."""

MIN_STEPS = 16
"""Of the numbers that a file's format can tell apart, along the model's largest side."""

_DIGITS = 6
"""Significant digits that `%g` in C, and streams in C++, write."""

_MAX_ROUNDING = 0.2
"""Of a number that was written in single precision with few digits, in steps of it."""


def refuse_lost_shape(mesh: Mesh) -> None:
    """Looks at a model that is far from the origin.

    Raises:
        RejectedAsset: most of its faces have no area, or the steps between the numbers that its
            file can express are what one would see of it.
    """
    used = mesh.vertices[mesh.corner_vertices]
    with np.errstate(over="ignore"):  # of a model beyond any size
        reach, size = float(np.abs(used).max()), float(np.ptp(used, axis=0).max())
    if reach <= FAR * size:
        return
    problem = f"{reach:g} from the origin, and the file's digits leave no shape of size {size:g}"
    if np.mean(find_areas(mesh) > 0) < 0.5:
        raise RejectedAsset(f"{problem}: most faces have no area")
    has_few_digits = _has_few_digits(used)
    for axis, values in zip("xyz", used.T, strict=True):
        levels = np.unique(values)
        step = _find_step(levels, has_few_digits)
        num_steps = np.ptp(levels) / step
        is_stepped = len(levels) > max(2, num_steps / 2) and size <= MIN_STEPS * step
        if is_stepped or size < step:
            raise RejectedAsset(f"{problem}: its steps along {axis} are {step:g}")


def find_areas(mesh: Mesh) -> np.ndarray:
    """Area of each face, (f,) float64."""
    ends = np.cumsum(mesh.face_sizes)
    starts = ends - mesh.face_sizes
    corners = mesh.vertices[mesh.corner_vertices]
    spokes = corners - np.repeat(corners[starts], mesh.face_sizes, axis=0)
    # The last corner's product is with the next face's first spoke, which is 0.
    normals = np.add.reduceat(np.cross(spokes, np.roll(spokes, -1, axis=0)), starts)
    return np.linalg.norm(normals, axis=1) / 2


def _find_step(levels: np.ndarray, has_few_digits: bool) -> float:
    """Distance of the two nearest numbers that the file tells apart beside its farthest one.

    Of different coordinates (n,) along one axis; the file's numbers may have `_DIGITS` at most.
    """
    reach = np.abs(levels).max()
    steps = [np.spacing(reach)]
    with np.errstate(over="ignore", invalid="ignore"):
        single = np.unique(levels.astype(np.float32))
        single_step = np.spacing(np.abs(single).max())
    if len(single) == len(levels) and np.abs(levels - single).max() <= _MAX_ROUNDING * single_step:
        steps.append(single_step)
    if has_few_digits:
        steps.append(10.0 ** (np.floor(np.log10(reach)) - _DIGITS + 1))
    return float(max(steps))


def _has_few_digits(values: np.ndarray) -> bool:
    numbers = np.abs(np.unique(values))
    numbers = numbers[numbers > 0]
    scaled = numbers / 10.0 ** (np.floor(np.log10(numbers)) - _DIGITS + 1)
    return bool((np.abs(scaled - np.rint(scaled)) < 1e-6).all())
