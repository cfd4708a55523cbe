"""How a factor moves over a sequence, as a user sets it in ``design.paths``.

``('linear', first, last)``: in equal steps from one value to another; ``('linear',)``: between two
values that each sequence draws.
``('turn', n)``: n full turns of an angle, from where the sequence draws it, in equal steps. The
sample after the last one would be where the first one is.
``('walk', step)``: a smooth random walk from where the sequence draws it. No step is larger than
``step``, and it turns back at the factor's bounds.
``('drift', step)``: of ``layout`` alone. Each object moves by ``step`` m from each sample to the
next, in a direction of its own along the ground. In the middle of the sequence it is where the
sequence draws it.
``'sphere'`` or ``('sphere', low, high)``: of ``camera_direction`` and ``light_direction``. Views
from all sides in no order: a Hammersley set between two elevations in rad, turned about the
vertical axis to where the sequence draws the azimuth.
``'drawn'``: each sample draws the factor anew.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

from synrender.errors import shorten
from synrender.settings.distributions import Given, parse_distribution, split_kind
from synrender.settings.factor_table import JOINT, Kind, find_columns, find_factor

MAX_TURNS = 1000


@dataclass(frozen=True)
class Path:
    """How one factor moves, as numbers; see the module for the kinds."""

    kind: str
    numbers: tuple[float, ...] = ()
    """linear: the first value, then the last, or none; turn: number of turns; walk, drift: the
    step; sphere: the lowest and the highest elevation, rad."""


FORMS = {
    "linear": "('linear', first, last) or ('linear',)",
    "turn": "('turn', number of turns)",
    "walk": "('walk', step)",
    "drift": "('drift', step in m)",
    "sphere": "'sphere' or ('sphere', low, high)",
    "drawn": "'drawn'",
}
"""How each kind is written."""


@functools.lru_cache(maxsize=1000)
def parse_path(name: str, given: Given) -> Path:
    """The path of a factor or one of `JOINT`, checked; in what is given, lists are tuples.

    Raises:
        ValueError: it is no path, or none of this factor; the message says the rule.
    """
    kind, numbers = split_kind(name, given, _find_kinds(name))
    if kind == "sphere":
        return Path(kind, parse_distribution(name, ("sphere", *numbers)).numbers)
    flat = tuple(n for value in numbers for n in (value if isinstance(value, tuple) else (value,)))
    is_number = all(isinstance(n, (int, float)) and not isinstance(n, bool) for n in flat)
    if not is_number or (len(flat), len(numbers)) not in _find_sizes(name, kind):
        raise ValueError(f"{name!r}: must read {FORMS[kind]}, is {shorten(repr(given))}")
    path = Path(kind, tuple(map(float, flat)))
    _check(name, path)
    return path


def _find_kinds(name: str) -> tuple[str, ...]:
    """Kinds of paths that a factor can take."""
    factor = find_factor(name)
    if factor.kind is Kind.CATEGORICAL:
        raise ValueError(f"{name!r}: has no values between its values; leave it out")
    if name == "layout":
        return ("linear", "walk", "drift", "drawn")
    if name in ("viewpoint", "surface"):
        return ("linear", "walk", "drawn")
    if name in JOINT:
        return ("sphere", "linear", "walk", "drawn")
    if factor.kind is Kind.CIRCULAR:
        return ("linear", "turn", "walk", "drawn")
    return ("linear", "walk", "drawn")


def _find_sizes(name: str, kind: str) -> tuple[tuple[int, int], ...]:
    """How many numbers a path can have, and in how many brackets."""
    if kind == "linear":  # a layout is drawn at both ends: the number of objects is not known here
        size = len(find_columns(name))
        return ((0, 0),) if name == "layout" else ((0, 0), (2 * size, 2))
    return ((0, 0),) if kind == "drawn" else ((1, 1),)


def _check(name: str, path: Path) -> None:
    factor, numbers = find_factor(name), path.numbers
    if path.kind == "linear" and not all(factor.low <= v <= factor.high for v in numbers):
        raise ValueError(f"{name!r}: must lie within {factor.bounds}")
    if path.kind == "linear" and numbers and len(set(_halves(numbers))) == 1:
        raise ValueError(f"{name!r}: begins and ends at the same value, so it does not move")
    if path.kind == "turn" and (
        numbers[0] != int(numbers[0]) or not 0 < abs(numbers[0]) <= MAX_TURNS
    ):
        raise ValueError(
            f"{name!r}: a number of turns must be whole, from 1 to {MAX_TURNS} or negative"
        )
    if path.kind in ("walk", "drift") and not 0 < numbers[0] <= min(factor.high, 1e6):
        raise ValueError(f"{name!r}: a step must be above 0 and at most {factor.high:g}")


def _halves(numbers: tuple[float, ...]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    middle = len(numbers) // 2
    return numbers[:middle], numbers[middle:]


def describe(path: Path, unit: str = "") -> str:
    """A path in words, such as ``"a full turn"``."""
    after = f" {unit}" if unit else ""
    numbers = [f"{number:g}" for number in path.numbers]
    match path.kind:
        case "linear" if not numbers:
            return "in equal steps between two drawn values"
        case "linear":
            first, last = (", ".join(f"{v:g}" for v in half) for half in _halves(path.numbers))
            return f"in equal steps from {first} to {last}{after}"
        case "turn":
            return "a full turn" if path.numbers[0] == 1 else f"{numbers[0]} full turns"
        case "walk":
            return f"a smooth random walk in steps of at most {numbers[0]}{after}"
        case "drift":
            return f"{numbers[0]} m a sample, in a straight line"
        case "drawn":
            return "drawn anew in each sample"
    half = math.degrees(1)
    low, high = (f"{number * half:.0f}" for number in path.numbers)
    return f"views from all sides, elevation {low} to {high} degrees"
