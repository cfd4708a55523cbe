"""Values of distributions that a user set: functions from uniform numbers to a value.

A value is drawn by giving `find_value` uniform random numbers, and levels are spread by giving it
evenly spaced ones. So a normal distribution is drawn by the inverse of its cumulative distribution
function, and a rotation by that of each of its Euler angles.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

from synrender.settings.color_values import hue_to_rgb, kelvin_to_rgb
from synrender.settings.distributions import COUNTS, Distribution
from synrender.settings.factor_table import BACKDROPS, find_columns

Vector = tuple[float, ...]

LEAST_CHANCE = 1e-12
"""Normal values are drawn within the quantiles of this and of 1 minus this: 7.03 deviations."""

FARTHEST = -NormalDist().inv_cdf(LEAST_CHANCE)
"""Standard deviations from the mean to the farthest value that can be drawn."""


def count_chances(distribution: Distribution) -> int:
    """Uniform numbers that a value is made from."""
    fixed = {"weights": 1, "choice": 1, "hue": 1, "kelvin": 1, "so3": 3, "sphere": 2}
    return fixed.get(distribution.kind) or len(distribution.part(0))


def find_value(name: str, distribution: Distribution, chances: Sequence[float]) -> Vector:
    """The value at some uniform numbers, from 0 to below 1: a number for each column.

    There are as many of them as `count_chances` says; the factor is no class and no file.
    """
    kind = distribution.kind
    if kind in ("uniform", "log_uniform", "normal"):
        columns = [distribution.part(k) for k in range(4 if kind == "normal" else 2)]
        parts = zip(*columns, chances, strict=True)
        if name in COUNTS:
            return tuple(float(low + int(u * (high - low + 1))) for low, high, u in parts)
        return tuple(_INVERSE[kind](*part) for part in parts)
    if kind == "weights":
        chosen = distribution.names[find_place(distribution.numbers, chances[0])]
        return (float(chosen) if name in COUNTS else float(BACKDROPS.index(chosen)),)
    if kind == "choice":
        size = len(find_columns(name))
        first = int(chances[0] * (len(distribution.numbers) // size)) * size
        return distribution.numbers[first : first + size]
    if kind == "hue":
        return hue_to_rgb(chances[0], *distribution.numbers)
    if kind == "kelvin":
        low, high = distribution.numbers
        return kelvin_to_rgb(low + chances[0] * (high - low))
    if kind == "so3":
        return _find_rotation(chances)
    return _find_direction(chances, *distribution.numbers)


def find_place(weights: Sequence[float], chance: float) -> int:
    """Place of the weight that a uniform number falls on; never one whose weight is 0."""
    left = chance * math.fsum(weights)
    last = 0
    for place, weight in enumerate(weights):
        if weight > 0:
            last = place
            if left < weight:
                return place
            left -= weight
    return last  # rounding


def _find_rotation(chances: Sequence[float]) -> Vector:
    """Azimuth, elevation and roll of a rotation.

    The invariant measure of SO(3) in Euler angles in XYZ order is the product of two uniform angles
    and the cosine of the middle one (Miles, "On random rotations in R^3", Biometrika 52, 1965).
    The pose at rest adds constants to the uniform ones and nothing to the middle one, so that the
    rotation is uniform, too.
    """
    around, tilt, roll = chances
    return _to_angle(around), _to_asin(2 * tilt - 1), _to_angle(roll)


def _find_direction(chances: Sequence[float], low: float, high: float) -> Vector:
    """Azimuth and elevation of a direction between two elevations, rad.

    Slices of a sphere of equal height have equal areas (Archimedes).
    """
    bottom, top = math.sin(low), math.sin(high)
    elevation = _to_asin(bottom + chances[1] * (top - bottom))
    return _to_angle(chances[0]), min(max(elevation, low), high)


def _to_angle(chance: float) -> float:
    return (2 * chance - 1) * math.pi


def _to_asin(sine: float) -> float:
    return math.asin(min(max(sine, -1.0), 1.0))


# --- one number -----------------------------------------------------------------------------------


def invert(distribution: Distribution, chance: float) -> float:
    """Value of a distribution of one number at a uniform number."""
    return _INVERSE[distribution.kind](*distribution.numbers, chance)


def _invert_uniform(low: float, high: float, chance: float) -> float:
    return min(low + chance * (high - low), high)


def _invert_log_uniform(low: float, high: float, chance: float) -> float:
    value = math.exp(math.log(low) + chance * (math.log(high) - math.log(low)))
    return min(max(value, low), high)


def _invert_normal(mean: float, std: float, low: float, high: float, chance: float) -> float:
    normal = NormalDist(mean, std)
    first, last = normal.cdf(low), normal.cdf(high)
    share = first + chance * (last - first)
    value = normal.inv_cdf(min(max(share, LEAST_CHANCE), 1 - LEAST_CHANCE))
    return min(max(value, low), high)


_INVERSE = {
    "uniform": _invert_uniform,
    "log_uniform": _invert_log_uniform,
    "normal": _invert_normal,
}


def find_chance(distribution: Distribution, value: float) -> float:
    """Cumulative distribution function of a distribution of one number, 0 to 1."""
    if distribution.kind == "normal":
        mean, std, low, high = distribution.numbers
        normal = NormalDist(mean, std)
        first, last = normal.cdf(low), normal.cdf(high)
        chance = (normal.cdf(value) - first) / (last - first)
    else:
        low, high = distribution.numbers
        if distribution.kind == "log_uniform":
            low, high, value = (math.log(max(v, 1e-300)) for v in (low, high, value))
        chance = (value - low) / (high - low)
    return min(max(chance, 0.0), 1.0)


def find_extent(distribution: Distribution) -> tuple[float, float]:
    """The least and the largest value that a distribution of one number can give."""
    if distribution.kind == "choice":
        return min(distribution.numbers), max(distribution.numbers)
    low, high = distribution.numbers[-2:]
    if distribution.kind == "normal":
        mean, std = distribution.numbers[:2]
        return max(low, mean - FARTHEST * std), min(high, mean + FARTHEST * std)
    return low, high


# --- spreading ------------------------------------------------------------------------------------


def spread_values(name: str, distribution: Distribution, num: int) -> tuple[Vector, ...]:
    """Values evenly over a distribution, the lowest first: at the quantiles (k + 0.5) / num.

    Of several numbers, those of a Hammersley set (see `find_hammersley`).
    """
    size = count_chances(distribution)
    return tuple(find_value(name, distribution, find_hammersley(k, num, size)) for k in range(num))


_BASES = (2, 3, 5, 7, 11, 13)


def find_hammersley(k: int, num: int, size: int) -> Vector:
    """Point ``k`` of ``num`` that fill a cube evenly, each coordinate from 0 to below 1.

    The first coordinate is (k + 0.5) / num, the others are the digits of ``k`` in the bases 2, 3,
    5, ... mirrored at the point (Hammersley, "Monte Carlo methods for solving multivariable
    problems", 1960).
    """
    return ((k + 0.5) / num, *(_mirror(k, base) for base in _BASES[: size - 1]))


def _mirror(number: int, base: int) -> float:
    mirrored, unit = 0.0, 1.0
    while number:
        number, digit = divmod(number, base)
        unit /= base
        mirrored += digit * unit
    return mirrored
