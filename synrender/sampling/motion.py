"""Where factors are in the samples of a sequence: pure, from the place in it alone."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from synrender.sampling.camera import ORBIT, find_orbit
from synrender.sampling.designs.kind import NAMES
from synrender.sampling.distributions import find_distributions
from synrender.sampling.quantiles import find_extent, find_hammersley, find_value
from synrender.sampling.streams import PATH, create_rng
from synrender.settings.distributions import Distribution
from synrender.settings.factor_table import COLUMNS, FACTORS, find_columns
from synrender.settings.groups import Scene, Settings, is_standing
from synrender.settings.path_forms import Path, parse_path

TURNING = 0.6
"""Standard deviation of the angle by which a random walk's direction turns in each step, rad."""

HALF_TURN = 0.5 * math.pi
ELEVATIONS = ("camera_elevation", "light_elevation")
"""Angles that a random walk keeps from pole to pole."""


@dataclass(frozen=True)
class Moment:
    """A sample of a sequence."""

    base: int  # number of the sequence
    step: int  # place in it, from 0


def move_factors(
    values: np.ndarray, settings: Settings, at: Moment, draw: Callable[[int], np.ndarray]
) -> None:
    """Moves the factors of ``design.paths`` to where they are at a moment.

    Args:
        values: (num_objs, len(COLUMNS)) as drawn for the whole sequence; changed in place.
        settings: of the data set.
        at: the sample.
        draw: other values of the same shape, by a number from 1 on.
    """
    rest = _find_rest(values, settings.scene)
    for name, given in settings.design.paths.items():
        columns = list(find_columns(name))
        path, start = parse_path(name, given), values[:, columns]
        start = np.where(np.isnan(start), [rest.get(COLUMNS[c], np.nan) for c in columns], start)
        other = None
        if path.kind == "drawn" or (path.kind == "linear" and not path.numbers):
            number = at.step if path.kind == "drawn" else 1
            other = draw(number)[:, columns] if number else start
        values[:, columns] = _find_place(_Walker(name, path, settings, at), start, other)
        if name == "layout" and is_standing(settings):
            values[:, columns[2]] = start[:, 2]  # the height above the ground


def _find_rest(values: np.ndarray, scene: Scene) -> dict[str, float]:
    """Where factors are, by column, that do not apply until they move."""
    (light_angle,) = values[0, list(find_columns("light_angle"))].tolist()
    return {
        **dict(zip(ORBIT, find_orbit(scene), strict=True)),
        "light_azimuth": math.copysign(HALF_TURN, math.sin(light_angle)),
        "light_elevation": math.asin(math.cos(light_angle)),
        "environment_rotation": 0.0,
        "environment_energy": 1.0,
    }


@dataclass(frozen=True)
class _Walker:
    """A factor on its path."""

    name: str
    path: Path
    settings: Settings
    at: Moment

    @property
    def share(self) -> float:
        """How much of the sequence is over, 0 to 1."""
        return self.at.step / (self.settings.design.length - 1)


def _find_place(walker: _Walker, start: np.ndarray, other: np.ndarray | None) -> np.ndarray:
    """Values at a moment, of the same shape as ``start``, (num_objs, k)."""
    path, at, length = walker.path, walker.at, walker.settings.design.length
    match path.kind:
        case "linear":
            size = start.shape[1]
            first = np.array(path.numbers[:size]) if path.numbers else start
            last = np.array(path.numbers[size:]) if other is None else other
            return np.broadcast_to((1 - walker.share) * first + walker.share * last, start.shape)
        case "turn":
            return start + 2 * math.pi * path.numbers[0] * at.step / length
        case "drift":
            return start + (at.step - (length - 1) / 2) * _draw_velocity(walker, len(start))
        case "walk":
            return _walk(walker, start)
        case "sphere":
            chances = find_hammersley(at.step, length, 2)
            direction = Distribution("sphere", path.numbers)
            azimuth, elevation = find_value(walker.name, direction, chances)
            turned = start[:, :1] + azimuth
            return np.hstack([turned, np.full_like(turned, elevation)])
    return start if other is None else other


def _create_rng(walker: _Walker) -> np.random.Generator:
    return create_rng(walker.settings.batch.seed, PATH, NAMES.index(walker.name), walker.at.base)


def _draw_velocity(walker: _Walker, num_objs: int) -> np.ndarray:
    """Steps of the objects along the ground, (num_objs, 3) m."""
    (step,) = walker.path.numbers
    angles = (2 * math.pi * _create_rng(walker).random(num_objs)).tolist()
    return np.array([(step * math.cos(a), step * math.sin(a), 0.0) for a in angles])


# --- random walks ---------------------------------------------------------------------------------


def _walk(walker: _Walker, start: np.ndarray) -> np.ndarray:
    """A smooth random walk of each number.

    Each step is the largest one times the sine of an angle that itself takes random steps.
    """
    (largest,) = walker.path.numbers
    num_steps = walker.settings.design.length - 1
    rng = _create_rng(walker)
    # Objects of a sample walk by themselves; what belongs to the whole sample walks once.
    num_rows = len(start) if walker.name in _OF_OBJECTS else 1
    phases = rng.random((num_rows, start.shape[1])) * 2 * math.pi
    turns = TURNING * rng.standard_normal((num_rows, start.shape[1], num_steps))
    moved = np.empty((num_rows, start.shape[1]))
    for (row, column), phase in np.ndenumerate(phases):
        angles = itertools.accumulate([phase, *turns[row, column, : walker.at.step].tolist()])
        steps = [largest * math.sin(angle) for angle in list(angles)[1:]]
        low, high = find_walk_bounds(walker.settings, walker.name, column)
        begin = min(max(float(start[row, column]), low), high)
        moved[row, column] = _fold(math.fsum([begin, *steps]), low, high)
    return np.broadcast_to(moved, start.shape)


_OF_OBJECTS = (
    *(n for n, f in FACTORS.items() if f.scope.value == "object"),
    "viewpoint",
    "surface",
)


def find_walk_bounds(settings: Settings, name: str, column: int) -> tuple[float, float]:
    """Where a random walk of one of a factor's numbers turns back."""
    part = COLUMNS[find_columns(name)[column]]
    if part in ELEVATIONS:
        return -HALF_TURN, HALF_TURN
    own = find_distributions(settings.design).get(name)
    if own is not None and own.is_one_number:
        return find_extent(own)
    factor = next(f for f in FACTORS.values() if part in f.columns)
    return factor.low, factor.high


def _fold(value: float, low: float, high: float) -> float:
    """The value, mirrored at both bounds until it lies between them: no step gets larger."""
    if low <= value <= high:
        return value
    span = high - low
    offset = math.fmod(value - low, 2 * span) % (2 * span)
    return low + (offset if offset <= span else 2 * span - offset)


def find_reach(name: str, settings: Settings) -> tuple[float, float] | None:
    """The least and the largest value of a number that is drawn or moves; None if it is fixed."""
    design = settings.design
    own = find_distributions(design).get(name)
    extent = None if own is None else find_extent(own)
    if "sequence" in design.kind and name in design.paths:
        path = parse_path(name, design.paths[name])
        if path.kind == "linear" and path.numbers:
            return min(path.numbers), max(path.numbers)
        if path.kind == "walk":
            low, high = find_walk_bounds(settings, name, 0)
            rest = {
                "camera_distance": math.dist(settings.scene.camera_location, (0, 0, 0)),
                "camera_lens": settings.scene.camera_lens,
            }
            first, last = extent or (rest[name], rest[name])
            farthest = path.numbers[0] * (design.length - 1)
            return max(low, first - farthest), min(high, last + farthest)
    return extent
