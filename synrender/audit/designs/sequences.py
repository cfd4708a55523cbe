"""Sequences: what moves moves as promised from sample to sample, and all else is equal."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from scipy.spatial.transform import Rotation

from synrender.audit.check import Check, count_faults, decide, skip
from synrender.audit.designs.twins import find_differences
from synrender.audit.rays.audited_dataset import Records
from synrender.dataset.design_info import DesignInfo
from synrender.settings.factor_table import find_columns
from synrender.settings.path_forms import Path

MAX_ERROR = 1e-9
"""Largest error of a value of a factor, relative to 1 or to the value."""

MAX_PLACE_ERROR = 1e-5
"""Largest error in space, m: poses went through Blender's single precision."""

MAX_TURN_ERROR = 1e-4
"""Largest error of a turn in space, in m of the camera or light and in entries of a matrix."""


Strip = dict[int, np.ndarray]
"""Records (num_objs,) of the samples of a sequence that are there, by their index."""


def check_sequences(design: DesignInfo, records: Records) -> Check:
    """Paths keep their steps, and nothing else changes, to the bit."""
    if not design.paths:
        return skip("sequences", "no sequences")
    names = tuple(design.paths)
    strips: dict[int, Strip] = {}
    for idx, record in records.by_sample().items():
        strips.setdefault(idx // design.block_size, {})[idx] = record
    culprits: list[str] = []
    num_compared, num_missing = 0, 0
    for number, strip in strips.items():
        (first_idx, first), *others = strip.items()
        num_compared += len(others)
        num_missing += design.block_size - len(strip)
        for idx, record in strip.items():
            if (record["base"] != number).any():
                culprits.append(f"{idx}: base is {record['base'][0]}, not {number}")
        for idx, record in others:
            if wrong := find_differences(first, record, names):
                culprits.append(f"{first_idx} and {idx}: {', '.join(wrong)}")
        if len({len(record) for record in strip.values()}) == 1:
            for name, path in design.paths.items():
                faults = _find_faults(name, path, strip, design.block_size)
                culprits += [f"sequence {number} ({name}): {fault}" for fault in faults]
    figures = (
        f"{len(strips)} of {design.block_size} samples, {num_compared} pairs equal to the bit but "
        f"for {', '.join(names)}, which keep their steps; {len(culprits)} faults, {num_missing} "
        "samples missing"
    )
    measures = count_faults(culprits, num_compared, "samples compared with another")
    return decide("sequences", figures, culprits, measures)


def _find_faults(name: str, path: Path, strip: Strip, length: int) -> Iterator[str]:
    """What is wrong with the way of one factor."""
    if len(strip) < 2:
        return
    values = _stack(strip, "factor_values")[..., list(find_columns(name))]
    steps = np.array(list(strip)) % length
    if not np.isfinite(values).all():
        yield "values are not known"
        return
    yield from _CHECKS[path.kind](path, values, steps, length)
    if path.kind == "turn":
        angles = 2 * math.pi * path.numbers[0] * (steps - steps[0]) / length
        yield from _find_turn_faults(name, angles, strip)
    if path.kind == "drift":
        places = _stack(strip, "location")
        rates = _find_rates(places, steps)
        error = np.abs(places - places[:1] - rates * (steps - steps[0])[:, None, None]).max()
        if error > MAX_PLACE_ERROR:
            yield f"objects leave their lines by {error:.2g} m"


def _stack(strip: Strip, field: str) -> np.ndarray:
    """A field of all samples, (n, num_objs, ...)."""
    return np.stack([rows[field] for rows in strip.values()])


# --- paths: (path, values (n, num_objs, k), steps (n,), length) -> faults -------------------------


def _find_rates(values: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Change from a sample to the next, from the two ends: (1, num_objs, k)."""
    return (values[-1:] - values[:1]) / (steps[-1] - steps[0])


def _is_off(values: np.ndarray, expected: np.ndarray) -> bool:
    return bool((np.abs(values - expected) > MAX_ERROR * np.maximum(1, np.abs(expected))).any())


def _check_linear(path: Path, values: np.ndarray, steps: np.ndarray, length: int) -> Iterator[str]:
    shares = (steps / (length - 1))[:, None, None]
    if path.numbers:
        first, last = np.reshape(path.numbers, (2, 1, 1, -1))
        if _is_off(values, first + shares * (last - first)):
            yield "leaves its line between the promised values"
        return
    moved = (steps - steps[0])[:, None, None] * _find_rates(values, steps)
    if _is_off(values, values[:1] + moved):
        yield "its steps are not equal"
    if (values[0] == values[-1]).all():
        yield "does not move"


def _check_turn(path: Path, values: np.ndarray, steps: np.ndarray, length: int) -> Iterator[str]:
    angle = 2 * math.pi * path.numbers[0] / length
    if _is_off(values, values[:1] + angle * (steps - steps[0])[:, None, None]):
        yield f"its steps are not {angle:.6g} rad, so that the turn does not close"


def _check_walk(path: Path, values: np.ndarray, steps: np.ndarray, _: int) -> Iterator[str]:
    farthest = path.numbers[0] * np.diff(steps)[:, None, None]
    moved = np.abs(np.diff(values, axis=0))
    if (moved > farthest + MAX_ERROR).any():
        yield f"a step of {moved.max():.6g}, promised at most {path.numbers[0]:g}"
    if (values == values[:1]).all():
        yield "does not move"


def _check_drift(path: Path, values: np.ndarray, steps: np.ndarray, _: int) -> Iterator[str]:
    rates = _find_rates(values, steps)
    if _is_off(values, values[:1] + rates * (steps - steps[0])[:, None, None]):
        yield "an object leaves its line"
    lengths = np.linalg.norm(rates[0], axis=-1)
    if _is_off(lengths, np.full_like(lengths, path.numbers[0])):
        yield f"steps of {lengths.max():.6g} m, promised {path.numbers[0]:g}"
    if (np.abs(rates[..., 2]) > MAX_ERROR).any():
        yield "an object rises or sinks"


def _check_sphere(path: Path, values: np.ndarray, steps: np.ndarray, length: int) -> Iterator[str]:
    """Heights are mirrored binary fractions, and azimuths take equal steps."""
    low, high = np.sin(path.numbers)
    mirrored = np.array([int(f"{step:b}"[::-1], 2) / 2 ** len(f"{step:b}") for step in steps])
    heights = low + (high - low) * mirrored
    if (np.abs(np.sin(values[:, 0, 1]) - heights) > MAX_ERROR).any():
        yield "its heights are not those of a Hammersley set"
    turned = values[:, 0, 0] - values[0, 0, 0] - 2 * math.pi * (steps - steps[0]) / length
    if (np.abs(np.sin(turned / 2)) > MAX_ERROR).any():
        yield "its azimuths do not take equal steps"


def _check_drawn(_: Path, values: np.ndarray, __: np.ndarray, ___: int) -> Iterator[str]:
    flat = values.reshape(len(values), -1)
    if len(np.unique(flat, axis=0)) < len(flat):
        yield "two samples have one value"


_CHECKS: dict[str, Callable[[Path, np.ndarray, np.ndarray, int], Iterator[str]]] = {
    "linear": _check_linear,
    "turn": _check_turn,
    "walk": _check_walk,
    "drift": _check_drift,
    "sphere": _check_sphere,
    "drawn": _check_drawn,
}


# --- in space -------------------------------------------------------------------------------------


def _find_turn_faults(name: str, angles: np.ndarray, strip: Strip) -> Iterator[str]:
    """Turns by angles (n,) about the vertical axis: of objects, of the camera and of the light.

    Directions are compared whatever else moves: those of the camera and the light along the ground,
    and of an object that of its axes, if it does not tilt.
    """
    if name == "azimuth":
        tilts = _stack(strip, "factor_values")[..., _TILTS]
        if (tilts != tilts[:1]).any():
            return
        turns = _stack(strip, "rot_mat")
        about_z = Rotation.from_euler("z", angles[:, None]).as_matrix()
        errors = np.abs(turns - about_z[:, None] @ turns[:1])
    elif name in ("camera_azimuth", "light_azimuth"):
        if name == "camera_azimuth":
            matrices = _stack(strip, "world_to_camera")[:, 0]
            places = -np.einsum("nji,nj->ni", matrices[:, :3, :3], matrices[:, :3, 3])
        else:
            places = _stack(strip, "light")[:, 0]
        # Beyond a pole the direction is the opposite one, and at a pole there is none.
        turned = np.arctan2(places[:, 1], places[:, 0])
        radii = np.hypot(places[:, 0], places[:, 1])
        farthest = radii.argmax()
        errors = radii * np.abs(np.sin(turned - turned[farthest] - angles + angles[farthest]))
    else:
        return
    if not errors.max() <= MAX_TURN_ERROR:
        yield f"it is off its turn in space by {errors.max():.2g}"


_TILTS = [*find_columns("elevation"), *find_columns("roll")]
