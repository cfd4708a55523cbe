"""What factors are drawn from, as a user sets it in ``design.distributions``.

``('uniform', low, high)``: evenly between two values; of `COUNTS`, whole numbers with both ends.
``('log_uniform', low, high)``: evenly in the logarithm.
``('normal', mean, std)`` or ``('normal', mean, std, low, high)``: cut off at the bounds; without
bounds, at those of the factor.
``('weights', {'name': weight})``: names with their weights, which need not add up to 1; what is not
named is not drawn.
``('choice', value, another, ...)``: one of some values, each as often as the others; a factor of
several numbers has its values in brackets.
``('hue', saturation, value)``: colors of every hue, evenly; scene-linear RGB.
``('kelvin', low, high)``: colors of black bodies, evenly in their temperature.
``'so3'``: every rotation of an object evenly, of ``viewpoint``.
``'sphere'`` or ``('sphere', low, high)``: every direction evenly, of ``camera_direction`` and
``light_direction``; between two elevations in rad, if they are given.

A factor of several numbers, such as ``color``, has one number for all of them, or as many, in
brackets: ``('uniform', (0, 0, 0), (1, 0.5, 1))``.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from synrender.errors import shorten
from synrender.settings.color_values import MAX_KELVIN, MIN_KELVIN, find_color
from synrender.settings.factor_table import FACTORS, JOINT, Factor, Kind, find_columns, find_factor

Given = Any
"""A value of ``design.distributions``, with tuples in place of lists."""

COUNTS = ("num_objs", "num_lights")
"""Factors whose values are whole numbers."""

MIN_SHARE = 1e-6
"""Least share of a normal distribution within its bounds."""

MAX_NAMED = 100_000
"""Names of weights."""


@dataclass(frozen=True)
class Distribution:
    """What one factor is drawn from, as numbers; see the module for the kinds."""

    kind: str
    numbers: tuple[float, ...] = ()
    """uniform, log_uniform: lows, then highs, a number for each column; normal: means, standard
    deviations, lows, highs; choice: the values, one after the other; hue: saturation and value;
    kelvin, sphere: low and high; weights: the weights."""
    names: tuple[str, ...] = ()  # of weights

    def part(self, which: int) -> tuple[float, ...]:
        """Lows (0), highs (1) and so on of a kind that has a number for each column."""
        size = len(self.numbers) // (4 if self.kind == "normal" else 2)
        return self.numbers[which * size : (which + 1) * size]

    @property
    def is_one_number(self) -> bool:
        """Whether a value is one number, so that there is a cumulative distribution function."""
        sizes = {"uniform": 2, "log_uniform": 2, "normal": 4}
        return sizes.get(self.kind) == len(self.numbers)


def describe(distribution: Distribution, unit: str = "") -> str:
    """A distribution in words, such as ``"uniform from 0.1 to 0.6 rad"``."""
    after = f" {unit}" if unit else ""

    def span(low: int, high: int) -> str:
        return f"{_show(distribution.part(low))} to {_show(distribution.part(high))}{after}"

    match distribution.kind:
        case "uniform" | "log_uniform":
            return f"{distribution.kind.replace('_', '-')} from {span(0, 1)}"
        case "normal":
            mean, std = _show(distribution.part(0)), _show(distribution.part(1))
            return f"N({mean}, {std}), cut off at {span(2, 3)}"
        case "weights":
            total = sum(distribution.numbers)
            pairs = zip(distribution.names[:8], distribution.numbers, strict=False)
            named = ", ".join(f"{name} {100 * weight / total:.3g} %" for name, weight in pairs)
            more = len(distribution.names) - 8
            return f"weighted: {named}{f' and {more} more' if more > 0 else ''}"
        case "choice":
            return f"one of {', '.join(f'{number:g}' for number in distribution.numbers)}{after}"
        case "hue":
            saturation, value = distribution.numbers
            return f"every hue evenly, saturation {saturation:g}, value {value:g}"
        case "kelvin":
            return f"black bodies, evenly from {span(0, 1).removesuffix(after)} K"
        case "so3":
            return "every rotation evenly"
    return f"every direction evenly, elevation {span(0, 1)}"


def _show(numbers: tuple[float, ...]) -> str:
    texts = [f"{number:g}" for number in numbers]
    return texts[0] if len(set(texts)) == 1 else f"({', '.join(texts)})"


# --- from what a user set -------------------------------------------------------------------------


@functools.lru_cache(maxsize=1000)
def parse_distribution(name: str, given: Given) -> Distribution:
    """The distribution of a factor or one of `JOINT`, checked; in what is given, lists are tuples.

    Raises:
        ValueError: it is no distribution, or none of this factor; the message says the rule.
    """
    if name == "model":
        raise ValueError(
            "'model': each bucket has models of its own, so they are drawn evenly; leave it out"
        )
    kind, arguments = split_kind(name, given, find_kinds(name))
    try:
        return _CREATE[kind](dataclasses.replace(find_factor(name), name=name), *arguments)
    except TypeError:  # another number of arguments
        raise ValueError(f"{name!r}: must read {FORMS[kind]}, is {_shorten(given)}") from None
    except ValueError as rule:
        raise ValueError(f"{name!r}: {_shorten(given)} {rule}") from None


FORMS = {
    "uniform": "('uniform', low, high)",
    "log_uniform": "('log_uniform', low, high)",
    "normal": "('normal', mean, std) or ('normal', mean, std, low, high)",
    "weights": "('weights', {'name': weight, ...})",
    "choice": "('choice', value, another, ...)",
    "hue": "('hue', saturation, value)",
    "kelvin": "('kelvin', low, high)",
    "so3": "'so3'",
    "sphere": "'sphere' or ('sphere', low, high)",
}
"""How each kind is written."""


def split_kind(name: str, given: Given, known: tuple[str, ...]) -> tuple[str, tuple[Any, ...]]:
    """The kind that was given for a factor, and what follows it.

    Raises:
        ValueError: it is none of the known ones.
    """
    kind, others = (given[0], given[1:]) if isinstance(given, tuple) and given else (given, ())
    if kind not in known:
        shown = _shorten(kind if isinstance(kind, str) else given)
        raise ValueError(f"{name!r}: {shown} must be one of {', '.join(map(repr, known))}")
    return kind, others


def _shorten(given: object) -> str:
    return shorten(repr(given))


def find_kinds(name: str) -> tuple[str, ...]:
    """Kinds of distributions that a factor can have; none of models, which are drawn evenly."""
    if name == "viewpoint":
        return ("so3",)
    if name == "surface":
        return ("choice",)
    if name in JOINT:
        return ("sphere",)
    factor = FACTORS[name]
    if name == "model":
        return ()
    if name in COUNTS:
        return ("uniform", "weights")
    if factor.kind is Kind.CATEGORICAL:
        return ("weights",)
    if factor.parts == "rgb":
        return ("uniform", "normal", "choice", "hue", "kelvin")
    logarithm = ("log_uniform",) if factor.low >= 0 else ()
    return ("uniform", *logarithm, "normal", "choice")


def _create_span(kind: str, factor: Factor, low: object, high: object) -> Distribution:
    lows, highs = _to_parts(factor, low), _to_parts(factor, high)
    _check_bounds(factor, lows, highs)
    if factor.name in COUNTS and any(v != int(v) for v in (*lows, *highs)):
        raise ValueError("must have whole numbers")
    if kind == "log_uniform" and min(lows) <= 0:
        raise ValueError("must begin above 0")
    return Distribution(kind, (*lows, *highs))


def _create_normal(
    factor: Factor, mean: object, std: object, low: object = None, high: object = None
) -> Distribution:
    means, stds = _to_parts(factor, mean), _to_parts(factor, std)
    lows = _to_parts(factor, factor.low if low is None else low)
    highs = _to_parts(factor, factor.high if high is None else high)
    _check_bounds(factor, lows, highs)
    if min(stds) <= 0:
        raise ValueError("must have a standard deviation above 0")
    for mean_, std_, low_, high_ in zip(means, stds, lows, highs, strict=True):
        normal = NormalDist(mean_, std_)
        if normal.cdf(high_) - normal.cdf(low_) < MIN_SHARE:
            raise ValueError(f"has next to nothing from {low_:g} to {high_:g}; move its mean")
    return Distribution("normal", (*means, *stds, *lows, *highs))


def _create_weights(factor: Factor, weights: object) -> Distribution:
    if not isinstance(weights, dict) or not 0 < len(weights) <= MAX_NAMED:
        raise ValueError("must have a dictionary such as {'name': 2, 'another': 1}")
    numbers = tuple(map(_to_number, weights.values()))
    if min(numbers) < 0 or not 0 < sum(numbers) < math.inf:
        raise ValueError("must have weights of at least 0, and one above 0")
    if factor.name in COUNTS:
        for name in weights:
            is_count = name.isdecimal() and len(name) < 10
            if not is_count or not factor.low <= int(name) <= factor.high:
                raise ValueError(
                    f"must name whole numbers from {factor.low:g} to {factor.high:g}, not {name!r}"
                )
    return Distribution("weights", numbers, tuple(weights))


def _create_choice(factor: Factor, *values: object) -> Distribution:
    find = find_color if factor.parts == "rgb" else functools.partial(_to_parts, factor)
    found = [find(value) for value in values]
    numbers = tuple(number for value in found for number in value)
    if len(set(found)) < max(2, len(found)):
        raise ValueError("must have two values or more, all of them different")
    if not all(factor.low <= number <= factor.high for number in numbers):
        raise ValueError(f"must lie within {factor.bounds}")
    return Distribution("choice", numbers)


def _create_hue(_: Factor, saturation: object, value: object) -> Distribution:
    numbers = (_to_number(saturation), _to_number(value))
    if not all(0 <= v <= 1 for v in numbers):
        raise ValueError("must have saturation and value from 0 to 1")
    return Distribution("hue", numbers)


def _create_kelvin(_: Factor, low: object, high: object) -> Distribution:
    numbers = (_to_number(low), _to_number(high))
    if not MIN_KELVIN <= numbers[0] < numbers[1] <= MAX_KELVIN:
        raise ValueError(f"must lie within {MIN_KELVIN:g} to {MAX_KELVIN:g}, the lower one first")
    return Distribution("kelvin", numbers)


def _create_sphere(
    _: Factor, low: object = -0.5 * math.pi, high: object = 0.5 * math.pi
) -> Distribution:
    numbers = (_to_number(low), _to_number(high))
    # Digits of pi / 2 that a user types may be rounded up.
    half = 0.5 * math.pi
    if not -half - 1e-3 <= numbers[0] < numbers[1] <= half + 1e-3:
        raise ValueError("must have two elevations from -pi/2 to pi/2 rad, the lower one first")
    return Distribution("sphere", (max(numbers[0], -half), min(numbers[1], half)))


_CREATE = {
    "uniform": functools.partial(_create_span, "uniform"),
    "log_uniform": functools.partial(_create_span, "log_uniform"),
    "normal": _create_normal,
    "weights": _create_weights,
    "choice": _create_choice,
    "hue": _create_hue,
    "kelvin": _create_kelvin,
    "so3": lambda _: Distribution("so3"),
    "sphere": _create_sphere,
}


def _to_number(value: object) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not abs(value) <= 1e30:
        raise ValueError(f"must have numbers, not {_shorten(value)}")
    return float(value)


def _to_parts(factor: Factor, value: object) -> tuple[float, ...]:
    """A number for each of the factor's columns."""
    size = len(find_columns(factor.name))
    if not isinstance(value, tuple):
        return (_to_number(value),) * size
    if len(value) != size or size == 1:
        rule = f"one number or {size} in brackets" if size > 1 else "one number"
        raise ValueError(f"must have {rule} in place of {_shorten(value)}")
    return tuple(map(_to_number, value))


def _check_bounds(factor: Factor, lows: tuple[float, ...], highs: tuple[float, ...]) -> None:
    if min(lows) < factor.low or max(highs) > factor.high:
        raise ValueError(f"must lie within {factor.bounds}")
    pairs = list(zip(lows, highs, strict=True))
    if any(low > high for low, high in pairs) or all(low == high for low, high in pairs):
        raise ValueError("must have the lower bound first, and two that differ")
