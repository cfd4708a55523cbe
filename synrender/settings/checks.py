"""Bounds of settings and arguments, values that cannot change, and checks.

A check takes a value and returns it in its final type, or raises ValueError, whose message states
the rule.
"""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from synrender.errors import nearest_name, shorten
from synrender.settings.caption_styles import check_patterns
from synrender.settings.distributions import parse_distribution
from synrender.settings.factor_table import FACTORS, JOINT
from synrender.settings.label_table import LABELS
from synrender.settings.path_forms import parse_path
from synrender.system.folders import to_absolute

DESIGNS = (
    *("random", "grid", "one_at_a_time", "twins", "sequence"),
    *("shortcut", "holdout", "causal"),
)
LEVEL_CHOICES = ("spread", "drawn")
SPLITS = ("train", "validation", "test")

SHAPES_NAME = "builtin:shapes"
"""As ``assets.models``: a cube, a sphere and a cylinder."""

GinValue = Any
"""What gin's parser returns."""

Check = Callable[[GinValue], GinValue]

# --- bounds: what the use of a value can bear -----------------------------------------------------

MAX_SAMPLES = 10_000_000
"""Samples of a run. The list of those that are missing then takes 400 MB."""

MAX_TOTAL_SAMPLES = 1_000_000_000_000
"""Samples of a data set. It can be larger than a run, because designs are never listed."""

MAX_TEXT = 200
"""Characters of a text that is shown, such as the name of a class."""

MAX_NAME_LENGTH = 64
"""Characters of a synset id, a model id or the name of a texture in a record."""

MAX_PATH_LENGTH = 4096
"""Characters of a path, which Linux takes."""

MAX_CLASSES = 1000
MAX_OBJECTS = 1000
"""Objects of a sample."""

MAX_LEVELS = 1_000_000
"""Levels of a factor."""

MAX_BUCKETS = 10_000
MAX_SHARDS = 1000
"""Files of an archive."""

MAX_SEED = 2**63 - 1
"""The largest integer that an attribute of an HDF5 file can hold."""

MAX_RESOLUTION = 16_384
"""Side of an image, px: an EXR of that size takes 5 GB of memory."""

MAX_CPUS = 8192
"""Linux can be built for so many."""

MAX_THREADS = 1024
"""Blender uses no more."""

MAX_SECONDS = 10_000_000
"""The longest time limit: four months. The timer of the operating system overflows at 9e9."""

MAX_LENGTH_M = MAX_ANGLE_RAD = 1e6
MAX_ENERGY = 1e9
"""Larger values give blank pictures, because Blender computes in single precision."""


# --- values that cannot change --------------------------------------------------------------------


class FrozenDict(dict):
    """A dictionary that cannot be changed, so that settings stay values."""

    def __hash__(self) -> int:
        """Equal for equal dictionaries, in any order."""
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple:
        """Pickles by way of a plain dictionary."""
        return FrozenDict, (dict(self),)

    def _refuse(self, *args: object, **kwargs: object) -> NoReturn:
        raise TypeError("this dictionary cannot be changed")

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = __ior__ = _refuse


def freeze(value: GinValue) -> GinValue:
    """Numbers, text, lists and dictionaries as values that cannot be changed.

    Raises:
        ValueError: there is a value of another type.
    """
    if isinstance(value, dict):
        return FrozenDict({_check_key(k): freeze(v) for k, v in value.items()})
    if isinstance(value, (list, tuple)):
        return tuple(freeze(v) for v in value)
    if isinstance(value, (bool, int, float, str)):
        return value
    raise ValueError(f"must hold numbers and text, not {type(value).__name__}")


def _check_key(key: object) -> str:
    if not isinstance(key, str):
        raise ValueError(f"has the key {key!r}, which must be text")
    return key


# --- checks ---------------------------------------------------------------------------------------


def check_line(text: str) -> str:
    """A text that can be shown in one line.

    Raises:
        ValueError: it cannot be shown; the message says the rule.
    """
    if not text.isprintable() or not 0 < len(text) <= MAX_TEXT:
        raise ValueError(f"must be one line of at most {MAX_TEXT} characters that can be shown")
    return text


def boolean(value: GinValue) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise ValueError("must be True or False")
    return value


def integer(low: int, high: int) -> Check:
    """A whole number from ``low`` to ``high``."""

    def check(value: GinValue) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"must be a whole number of at least {low} and at most {high}")
        return value

    return check


def number(low: float = -math.inf, high: float = math.inf) -> Check:
    """A finite number from ``low`` to ``high``."""
    rule = "must be a finite number"
    if low > -math.inf:
        rule += f" of at least {low:g}"
    if high < math.inf:
        rule += f" and at most {high:g}"

    def check(value: GinValue) -> float:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not (is_number and low <= value <= high and abs(value) <= sys.float_info.max):
            raise ValueError(rule)
        return float(value)

    return check


def vector(length: int, largest: float) -> Check:
    """``length`` numbers from -``largest`` to ``largest``."""

    def check(value: GinValue) -> tuple[float, ...]:
        if not isinstance(value, (tuple, list)) or len(value) != length:
            raise ValueError(f"must be {length} numbers in brackets, such as (1, 0, 0.4)")
        return tuple(number(-largest, largest)(v) for v in value)

    return check


length, angle, energy = (number(0, m) for m in (MAX_LENGTH_M, MAX_ANGLE_RAD, MAX_ENERGY))
location = vector(3, MAX_LENGTH_M)


def one_of(names: Sequence[str]) -> Check:
    """One of some names."""

    def check(value: GinValue) -> str:
        if value not in names:
            raise ValueError(f"must be one of {', '.join(map(repr, names))}")
        return value

    return check


def files_per_folder(value: GinValue) -> int:
    """A number of files; 0: all in one folder."""
    value = integer(0, 2 * MAX_SAMPLES)(value)
    if value == 1:
        raise ValueError("must be at least 2, an image and its record, or 0 for a single folder")
    return value


def class_idxs(value: GinValue) -> int | tuple[int, ...]:
    """A number of classes, or a list of class ids."""
    if isinstance(value, (list, tuple)):
        idxs = tuple(integer(0, MAX_CLASSES)(v) for v in value)
        if not idxs or len(set(idxs)) != len(idxs):
            raise ValueError("must name at least one class, and each only once")
        return idxs
    try:
        return integer(1, MAX_CLASSES)(value)
    except ValueError:
        raise ValueError(
            f"must be a number N up to {MAX_CLASSES} (classes 0..N-1) or a list such as [0, 4]"
        ) from None


def classes(value: GinValue) -> tuple[str, ...]:
    """Names or synset ids of classes."""
    if not isinstance(value, (list, tuple)) or not 0 < len(value) <= MAX_CLASSES:
        raise ValueError(
            f"must be a list of names or synset ids from taxonomy.json, {MAX_CLASSES} at most"
        )
    if not all(isinstance(v, str) and v for v in value) or len(set(value)) != len(value):
        raise ValueError("must hold strings, each only once")
    return tuple(map(check_line, value))


def path(value: GinValue) -> str:
    """A path, which becomes absolute; "" for none."""
    if not isinstance(value, str) or not (value.isprintable() and len(value) <= MAX_PATH_LENGTH):
        raise ValueError(f"must be a text in one line of at most {MAX_PATH_LENGTH} characters")
    return str(to_absolute(value)) if value else ""


def models(value: GinValue) -> str:
    """A path as `path` takes it, or the name of the built-in shapes."""
    return value if value == SHAPES_NAME else path(value)


def name_or_none(value: GinValue) -> str:
    """A name; "" for none."""
    if not isinstance(value, str):
        raise ValueError("must be a name in quotes, or ''")
    return check_line(value) if value else ""


def names(value: GinValue) -> tuple[str, ...]:
    """A name, or a list of names."""
    value = (value,) if isinstance(value, str) else value
    if not isinstance(value, (list, tuple)) or not all(isinstance(v, str) for v in value):
        raise ValueError("must be a name or a list of names")
    return tuple(value)


def factor_names(value: GinValue) -> tuple[str, ...]:
    """Names of factors."""
    return tuple(_factor_name(name) for name in names(value))


def _factor_name(name: GinValue) -> str:
    if name not in (*FACTORS, *JOINT):
        raise ValueError(
            f"{shorten(name)!r} is no factor{nearest_name(str(name), (*FACTORS, *JOINT))}"
        )
    return name


def labels(value: GinValue) -> tuple[str, ...]:
    """Names of labels, in the order of their table."""
    found = names(value)
    for name in found:
        if name not in LABELS:
            raise ValueError(f"{name!r} is no label{nearest_name(name, LABELS)}")
    return tuple(name for name in LABELS if name in found)


def kinds(value: GinValue) -> tuple[str, ...]:
    """One or more kinds of design."""
    found = names(value)
    if not found or not set(found) <= set(DESIGNS) or len(set(found)) != len(found):
        raise ValueError(f"must be one or more of {', '.join(map(repr, DESIGNS))}, each once")
    return found


def factor_map(value: GinValue, example: str = "{'azimuth': [0, 0.5]}") -> FrozenDict:
    """A dictionary by the names of factors."""
    if not isinstance(value, dict):
        raise ValueError(f"must be a dictionary such as {example}")
    return freeze({_factor_name(name): item for name, item in value.items()})


def factor_map_like(example: str) -> Check:
    """A dictionary by the names of factors; its rule shows an example."""
    return functools.partial(factor_map, example=example)


def distribution_map(value: GinValue) -> FrozenDict:
    """A dictionary by factor, of distributions; see `synrender.settings.distributions`."""
    if not isinstance(value, dict):
        raise ValueError("must be a dictionary such as {'azimuth': ('uniform', -1.57, 1.57)}")
    found = factor_map({name: _name_weights(given) for name, given in value.items()})
    for name, given in found.items():
        parse_distribution(name, given)
    _refuse_parts(found)
    return found


def _name_weights(given: GinValue) -> GinValue:
    """The same with text in place of whole numbers that weights belong to, as in JSON."""
    if not isinstance(given, (list, tuple)):
        return given
    return tuple(
        {str(k) if type(k) is int else k: v for k, v in part.items()}
        if isinstance(part, dict)
        else part
        for part in given
    )


def _refuse_parts(found: FrozenDict) -> None:
    """Refuses a factor beside a name of `JOINT` that it is a part of."""
    for name in sorted(JOINT.keys() & found.keys()):
        if parts := sorted(found.keys() & set(JOINT[name])):
            raise ValueError(f"names {name!r} and {parts[0]!r}, which is a part of it")


def path_map(value: GinValue) -> FrozenDict:
    """A dictionary by factor, of paths; see `synrender.settings.path_forms`."""
    found = factor_map(value, "{'camera_azimuth': ('turn', 1)}")
    for name, given in found.items():
        parse_path(name, given)
    _refuse_parts(found)
    return found


def caption_patterns(value: GinValue) -> FrozenDict:
    """Patterns of captions; see `synrender.settings.caption_styles`."""
    return freeze(check_patterns(value))


def parent_map(value: GinValue) -> FrozenDict:
    """A dictionary by factor, of the names of its parents."""
    children = factor_map(value, "{'backdrop_texture': ['class']}")
    return FrozenDict({child: names(parents) for child, parents in children.items()})


def split_map(value: GinValue) -> FrozenDict:
    """A dictionary by split, of dictionaries by factor."""
    if not isinstance(value, dict) or not set(value) <= set(SPLITS):
        raise ValueError(f"must be a dictionary by split: {', '.join(SPLITS)}")
    return FrozenDict({split: factor_map(factors) for split, factors in value.items()})


def held_out(value: GinValue) -> int | tuple[FrozenDict, ...]:
    """A number of combinations, or a list of them."""
    if isinstance(value, (list, tuple)):
        return tuple(factor_map(combination) for combination in value)
    try:
        return integer(0, 1_000_000)(value)
    except ValueError:
        raise ValueError(
            "must be a number of combinations, or a list such as [{'class': 0, 'texture': 2}]"
        ) from None


def rho(value: GinValue) -> tuple[float, ...]:
    """A strength from 0 to 1 for each split."""
    if not isinstance(value, (tuple, list)) or len(value) != len(SPLITS):
        raise ValueError(f"must be 3 numbers from 0 to 1: {', '.join(SPLITS)}")
    return tuple(number(0, 1)(v) for v in value)


def split_buckets(value: GinValue) -> tuple[int, ...]:
    """A number of buckets for each split, or nothing."""
    if not isinstance(value, (tuple, list)) or len(value) not in (0, len(SPLITS)):
        raise ValueError(f"must be 3 numbers of buckets: {', '.join(SPLITS)}")
    return tuple(integer(0, MAX_BUCKETS)(v) for v in value)
