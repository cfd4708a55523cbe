"""Draws what ``design.distributions`` sets, each factor from a stream of its own.

Classes and files are drawn by their names; all other factors become numbers.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping

import numpy as np

from synrender.errors import UserError, nearest_name
from synrender.sampling.designs.kind import NAMES, Range
from synrender.sampling.quantiles import (
    count_chances,
    find_chance,
    find_place,
    find_value,
    invert,
)
from synrender.sampling.streams import DISTRIBUTION, create_rng
from synrender.settings.checks import FrozenDict
from synrender.settings.distributions import COUNTS, Distribution, parse_distribution
from synrender.settings.factor_table import JOINT
from synrender.settings.groups import Design, Settings

Key = tuple[int, ...]
Vector = tuple[float, ...]

FILES = ("texture", "backdrop_texture", "environment")
"""Factors that are drawn as files, by their names."""


def find_distributions(design: Design) -> Mapping[str, Distribution]:
    """The distributions that a design sets, by factor or name of `JOINT`."""
    return _parse(design.distributions) if design.distributions else {}


@functools.lru_cache(maxsize=64)
def _parse(given: FrozenDict) -> FrozenDict:
    return FrozenDict({name: parse_distribution(name, value) for name, value in given.items()})


def draw_values(
    name: str,
    distribution: Distribution,
    key: tuple[int, ...],
    num: int,
    bounds: Range | None = None,
) -> np.ndarray:
    """Draws a factor from a stream of its own.

    Args:
        name: of the factor, or of `JOINT`.
        distribution: what to draw from.
        key: seed of the data set, then the key of the sample or of its group.
        num: how many; adding one changes none of those before it.
        bounds: where a value of one number must lie.

    Returns:
        (num, k) float64: a number for each column.
    """
    seed, *of_sample = key
    rng = create_rng(seed, DISTRIBUTION, NAMES.index(name), *of_sample)
    # The last chance is for a value out of bounds, whether it is needed or not.
    chances = rng.random((num, count_chances(distribution) + 1)).tolist()
    values = [find_value(name, distribution, row[:-1]) for row in chances]
    if bounds is not None:
        values = [
            value if bounds.holds(value[0]) else _draw_within(distribution, bounds, row[-1])
            for value, row in zip(values, chances, strict=True)
        ]
    return np.array(values)


def _draw_within(distribution: Distribution, bounds: Range, chance: float) -> Vector:
    """A value within a range, or beyond it, by one uniform number."""
    low, high = (find_chance(distribution, v) for v in (bounds.low, bounds.high))
    chance = bounds.move_chance(chance, low, high)
    ends = (bounds.low, bounds.high)
    if not bounds.is_inside:
        ends = (-math.inf, bounds.low) if chance < low else (bounds.high, math.inf)
    return (_push(invert(distribution, chance), ends, bounds),)


def _push(value: float, ends: tuple[float, float], bounds: Range) -> float:
    """The value, moved by a rounding error if it lies just outside of where it must."""
    value = min(max(value, ends[0]), ends[1])
    if bounds.holds(value):
        return value
    return math.nextafter(value, -math.inf if ends[0] == -math.inf else math.inf)


# --- names ----------------------------------------------------------------------------------------


def draw_weighted_class(seed: int, group: int, num: int, weights: Vector) -> list[int]:
    """Places of the classes of a group's objects among those with weights, [num]."""
    rng = create_rng(seed, DISTRIBUTION, NAMES.index("class"), group)
    return [find_place(weights, chance) for chance in rng.random(num).tolist()]


def draw_weighted_order(
    seed: int, name: str, key: Key, distribution: Distribution, num: int
) -> list[tuple[str, ...]]:
    """Names in the order in which they are tried, for each of ``num`` objects.

    The first has the probability of its weight; the others follow as if those before them were not
    there (Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006).
    """
    rng = create_rng(seed, DISTRIBUTION, NAMES.index(name), *key)
    orders = []
    for chances in rng.random((num, len(distribution.names))).tolist():
        ranked = sorted(
            (-math.log(1 - chance) / weight, name)
            for chance, weight, name in zip(
                chances, distribution.numbers, distribution.names, strict=True
            )
            if weight > 0
        )
        orders.append(tuple(name for _, name in ranked))
    return orders


def find_class_weights(settings: Settings) -> Vector | None:
    """Weight of each of ``sample.class_list``; None where classes are drawn as usual.

    Raises:
        UserError: a name is not one of these classes.
    """
    distribution = find_distributions(settings.design).get("class")
    if distribution is None:
        return None
    sample = settings.sample
    names = {sample.classes[c].split(",")[0]: c for c in sample.class_list}
    names |= {sample.classes[c]: c for c in sample.class_list}
    weights = dict.fromkeys(sample.class_list, 0.0)
    for name, weight in zip(distribution.names, distribution.numbers, strict=True):
        if name not in names:
            raise UserError(
                f"design.distributions: 'class': {name!r} is none of the classes of "
                f"sample.class_idxs{nearest_name(name, names)}"
            )
        weights[names[name]] = weight
    if not any(weights.values()):
        raise UserError("design.distributions: 'class': all weights are 0")
    return tuple(weights.values())


# --- checks ---------------------------------------------------------------------------------------


def check_distributions(settings: Settings, files: Mapping[str, tuple[str, ...]]) -> None:
    """Refuses distributions that do not fit the rest of the settings.

    Args:
        settings: of the data set.
        files: names of the files that each of `FILES` can show.

    Raises:
        UserError: one line says what, and what to change.
    """
    design = settings.design
    for name, distribution in find_distributions(design).items():
        _refuse_decided(name, distribution, design)
        if name == "class":
            find_class_weights(settings)
            if settings.sample.balanced:
                raise UserError(
                    "design.distributions: 'class': with sample.balanced = True classes take "
                    "turns; leave one of the two out"
                )
        if name in files:
            _check_files(name, distribution, files[name])
        if name == "num_objs":
            _check_num_objs(distribution, settings.sample.num_objs)


def _refuse_decided(name: str, distribution: Distribution, design: Design) -> None:
    """Refuses a factor that has a value or levels already."""
    where = f"design.distributions: {name!r}"
    own = {name, *JOINT.get(name, ()), *(joint for joint, parts in JOINT.items() if name in parts)}
    for fixed in own & design.fixed.keys():
        raise UserError(f"{where}: design.fixed names {fixed!r}; leave it out of one of them")
    for other in own & design.levels.keys():
        levels = design.levels[other]
        if other != name or not isinstance(levels, int):
            raise UserError(
                f"{where}: design.levels gives {other!r} its values; leave it out of one of them"
            )
        if distribution.kind == "weights" and name not in COUNTS:
            raise UserError(
                f"{where}: a design gives its {levels} levels to the samples, so that weights have "
                "no effect; leave it out of design.levels or design.distributions"
            )


def _check_files(name: str, distribution: Distribution, files: tuple[str, ...]) -> None:
    known = set(files)
    for file in distribution.names:
        if file not in known:
            raise UserError(
                f"design.distributions: {name!r}: there is no {file!r}{nearest_name(file, files)}"
            )


def _check_num_objs(distribution: Distribution, num_objs: int) -> None:
    is_named = distribution.kind == "weights"
    largest = max(map(int, distribution.names)) if is_named else int(distribution.part(1)[0])
    if largest > num_objs:
        raise UserError(
            f"design.distributions: 'num_objs' goes up to {largest}, and sample.num_objs = "
            f"{num_objs} is the most; set it to {largest}"
        )
