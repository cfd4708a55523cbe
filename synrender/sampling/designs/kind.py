"""What all kinds of designs share: what they are made from, what they decide, and their checks.

A level is the index of one of a factor's values, from 0.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from synrender.errors import UserError, nearest_name
from synrender.sampling.streams import DESIGN, create_rng
from synrender.settings.checks import FrozenDict
from synrender.settings.factor_table import FACTORS, JOINT, VIEWPOINT
from synrender.settings.groups import Design, Lighting, Object

EVEN, SHORTCUT, HOLDOUT, CAUSAL, TWIN, GRID, PARTNERS, TABLES = range(8)
"""Streams within `DESIGN`. A number is never given a new meaning."""

_FIRST = list(FACTORS)[: list(FACTORS).index("environment")]
_FIRST_JOINT = ("viewpoint", "camera_direction", "light_direction")
NAMES = (
    *(*_FIRST, *_FIRST_JOINT, *(name for name in FACTORS if name not in _FIRST)),
    *(name for name in JOINT if name not in _FIRST_JOINT),
)
"""All factors; the place of a name is part of the key of its choices, and never changes."""
TRAIN, VALIDATION, TEST = range(3)
ALWAYS_FIXED = (
    *("light_energy", "num_objs", "camera_distance", "camera_lens"),
    *("environment", "environment_rotation", "environment_energy"),
    *("light_color", "sun_color", "light_elevation", "light_azimuth", "num_lights"),
    *("camera_azimuth", "camera_elevation", "camera_roll", "camera_fstop"),
    *("roughness", "metallic", "backdrop_roughness", "backdrop_metallic"),
    *("backdrop", "exposure"),
)
"""Factors whose own distribution is one value."""


@dataclass(frozen=True)
class Range:
    """Where a drawn value must lie."""

    low: float
    high: float
    is_inside: bool  # between the two, or beyond them

    def holds(self, value: float) -> bool:
        """Whether a value lies where it must."""
        return (self.low <= value <= self.high) == self.is_inside

    def move_chance(self, chance: float, below: float, up_to: float) -> float:
        """A uniform number as the chance of a value that lies where it must.

        Those of a value below the range, and of one up to its end, are given.
        """
        if self.is_inside:
            return below + chance * (up_to - below)
        chance *= 1 - up_to + below
        return chance if chance < below else chance + up_to - below


Ranges = Mapping[str, Range]
"""Ranges by factor."""


@dataclass(frozen=True)
class Assignment:
    """What a design decides about one sample; all else is drawn, from the streams of ``base``."""

    base: int
    levels: dict[str, int] = field(default_factory=dict)  # by factor
    varied: str = ""  # factor in which the samples of a block differ
    member: int = 0  # of its block, if the varied factor is drawn; 0 is drawn as its base
    step: int = 0  # place in its sequence
    ranges: Ranges = field(default_factory=dict)

    def member_of(self, name: str) -> int:
        """Place in its block of a sample that differs in this drawn factor; 0 for all others."""
        is_varied = self.varied == name or name in JOINT.get(self.varied, ())
        return self.member if is_varied else 0

    def replace_levels(self, levels: dict[str, int]) -> Assignment:
        """The same with other levels of some factors."""
        return dataclasses.replace(self, levels={**self.levels, **levels})


@dataclass(frozen=True)
class SamplePlace:
    """Where a sample is in its data set."""

    base: int  # number of its block
    member: int  # place in it
    split: int  # TRAIN, VALIDATION or TEST


@dataclass(frozen=True)
class Given:
    """What a design is made from."""

    design: Design
    num_levels: FrozenDict  # of each factor in ``design.levels``
    seed: int
    objects: Object  # how many samples and buckets there are, and the spread of poses
    lighting: Lighting


@dataclass(frozen=True, kw_only=True)
class DesignKind:
    """A design of one kind, checked, with all that is drawn for it once."""

    seed: int
    num_levels: FrozenDict  # of each factor that has levels
    decided: tuple[str, ...]  # factors that it decides
    block_size: int = 1  # consecutive samples with one base

    def apply(self, assigned: Assignment, place: SamplePlace) -> Assignment:
        """What it changes of a sample for which other kinds have decided already."""
        raise NotImplementedError


def create_design_rng(seed: int, stream: int, name: str, *key: int) -> np.random.Generator:
    """Generator for a choice that a design makes about a factor."""
    return create_rng(seed, DESIGN, stream, NAMES.index(name) if name else 0, *key)


def draw_even(seed: int, stream: int, name: str, num_levels: int, *key: int) -> int:
    """A level, each with the same probability."""
    return int(create_design_rng(seed, stream, name, *key).random() * num_levels)


# --- checks ---------------------------------------------------------------------------------------


def find_spreads(objects: Object, lighting: Lighting) -> dict[str, tuple[str, float]]:
    """Factors that are drawn about a mean: the setting that spreads them, and its value."""
    viewpoint = ("object.random_viewpoint", objects.random_viewpoint)
    return {
        **dict.fromkeys((*VIEWPOINT, "viewpoint"), viewpoint),
        "light_angle": ("lighting.r", lighting.r),
        "scale": ("object.random_scaling", objects.random_scaling),
        "warp": ("object.random_warp", objects.random_warp),
    }


def require_levels(setting: str, names: Iterable[str], num_levels: FrozenDict) -> None:
    """Refuses a factor without levels."""
    for name in names:
        if name not in num_levels:
            hint = nearest_name(name, num_levels)
            raise UserError(
                f"{setting}: {name!r} has no levels{hint}; give it some in design.levels"
            )


def check_level(setting: str, name: str, level: object, num_levels: FrozenDict) -> int:
    """A level that a user gave."""
    if isinstance(level, bool) or not isinstance(level, int) or not 0 <= level < num_levels[name]:
        raise UserError(
            f"{setting}: {name!r}: level {level!r} must be a whole number from 0 to "
            f"{num_levels[name] - 1}"
        )
    return level


def check_blocks(what: str, size: int, objects: Object) -> None:
    """Refuses blocks that would lie in two buckets, and so show models of both."""
    step = objects.n_buckets * size
    total = objects.total_num_samples
    if total % step:
        below, above = total // step * step, (total // step + 1) * step
        raise UserError(
            f"object.total_num_samples = {total}: {what} has {size} samples and lies in one of the "
            f"{objects.n_buckets} buckets, so it must be a multiple of {step}, such as "
            + " or ".join(str(n) for n in (below, above) if n)
        )
