"""The table of factors: what a sample's named choices are, and which labels each can change.

A factor is fixed, drawn from its own distribution, or takes one of its levels (see
`sampling.designs`). A factor with several numbers, such as a color, has a column for each of
them in ``factor_values`` and ``factor_levels`` of a record.
"""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass


class Kind(enum.Enum):
    """What a factor's values are."""

    CATEGORICAL = "categorical"  # names; the value is an index
    CONTINUOUS = "continuous"
    CIRCULAR = "circular"  # angles in rad: adding 2 pi changes nothing


class Scope(enum.Enum):
    """What a factor belongs to. A level of an object's factor holds for all objects of a sample."""

    OBJECT = "object"
    BACKDROP = "backdrop"
    SAMPLE = "sample"


SHAPE_LABELS = ("class", "mask", "depth", "pose")
"""Labels that say what is where. Factors of appearance change none of them."""


@dataclass(frozen=True)
class Factor:
    """One row of the table."""

    name: str
    kind: Kind
    scope: Scope
    unit: str  # "" where there is none
    low: float  # smallest value that may be given
    high: float  # largest
    distribution: str
    """What a sample gets without a design, in words; after "; with" stands what it gets if settings
    are True or equal a value."""
    labels: tuple[str, ...] = ()  # of SHAPE_LABELS: those that it can change
    parts: str = ""  # what its values are called, a letter for each; "" if there is one

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of its values, one after the other."""
        return tuple(f"{self.name}_{part}" for part in self.parts) or (self.name,)

    @property
    def bounds(self) -> str:
        """The smallest and the largest value in words, such as "0.01 to 100 m"."""
        return f"{self.low:g} to {self.high:g} {self.unit}".rstrip()


BACKDROPS = ("plane", "environment", "none")
"""Levels of the factor ``backdrop``: what is behind the objects. With ``environment`` that is what
is around the scene, with ``none`` nothing: images have alpha."""

MAX_IDX = 2.0**31
"""More than there are classes or files."""

MAX_LIGHTS = 8
"""Lights of a sample besides the sun."""

_CATEGORY, _NUMBER, _ANGLE = Kind.CATEGORICAL, Kind.CONTINUOUS, Kind.CIRCULAR
_OBJECT, _BACKDROP, _SAMPLE = Scope.OBJECT, Scope.BACKDROP, Scope.SAMPLE
_PLACE = ("mask", "depth", "pose")
_MAX_RAD = 1e6
_MAX_M = 100.0

FACTORS = {
    factor.name: factor
    for factor in (
        Factor(
            "class", _CATEGORY, _OBJECT, "class id", 0, MAX_IDX,
            "even over sample.class_idxs, for each group", SHAPE_LABELS,
        ),
        Factor(
            "model", _CATEGORY, _OBJECT, "place among the class's models", 0, MAX_IDX,
            "even over the models of the class and bucket, for each group", _PLACE,
        ),
        Factor(
            "texture", _CATEGORY, _OBJECT, "place among the textures", 0, MAX_IDX,
            "even over the textures, without repetition in a sample",
        ),
        Factor(
            "color", _NUMBER, _OBJECT, "scene-linear RGB", 0, 1,
            "around the reference colors of the class, or even", parts="rgb",
        ),
        Factor(
            "scale", _NUMBER, _OBJECT, "", 0.01, 100,
            "N(0.8, object.random_scaling), clipped to 0.1 to 1.5", _PLACE,
        ),
        Factor(
            "azimuth", _ANGLE, _OBJECT, "rad", -_MAX_RAD, _MAX_RAD,
            "N(0, object.random_viewpoint)", _PLACE,
        ),
        Factor(
            "elevation", _ANGLE, _OBJECT, "rad", -_MAX_RAD, _MAX_RAD,
            "N(0, object.random_viewpoint); with scene.ground and scene.standing: 0", _PLACE,
        ),
        Factor(
            "roll", _ANGLE, _OBJECT, "rad", -_MAX_RAD, _MAX_RAD,
            "N(0, object.random_viewpoint); with scene.ground and scene.standing: 0", _PLACE,
        ),
        Factor(
            "warp", _NUMBER, _OBJECT, "", 0.01, 100,
            "N(1, object.random_warp) for each axis, mean kept, clipped to 0.5 to 1.5", _PLACE,
            parts="xyz",
        ),
        Factor(
            "light_angle", _ANGLE, _SAMPLE, "rad", -_MAX_RAD, _MAX_RAD, "N(-0.5, lighting.r)",
        ),
        Factor("light_energy", _NUMBER, _SAMPLE, "W", 0, 1e9, "scene.light_energy"),
        Factor(
            "backdrop_texture", _CATEGORY, _BACKDROP, "place among the textures", 0, MAX_IDX,
            "even over the textures",
        ),
        Factor(
            "backdrop_color", _NUMBER, _BACKDROP, "scene-linear RGB", 0, 1, "even", parts="rgb",
        ),
        Factor(
            "layout", _NUMBER, _OBJECT, "m", -_MAX_M, _MAX_M,
            "a chain of objects in view, a single object at the origin; with scene.layout = "
            "'scatter': anywhere in a square", _PLACE,
            parts="xyz",
        ),
        Factor(
            "num_objs", _CATEGORY, _SAMPLE, "objects", 1, 1000, "sample.num_objs", SHAPE_LABELS,
        ),
        Factor(
            "camera_distance", _NUMBER, _SAMPLE, "m", 0.01, _MAX_M,
            "the distance of scene.camera_location from the origin", _PLACE,
        ),
        Factor(
            "camera_lens", _NUMBER, _SAMPLE, "mm", 1, 5000, "scene.camera_lens", _PLACE,
        ),
        # New factors go at the end, so that the columns of existing records keep their places.
        Factor(
            "environment", _CATEGORY, _SAMPLE, "place among the environments", 0, MAX_IDX,
            "none: a dim gray world",
        ),
        Factor(
            "environment_rotation", _ANGLE, _SAMPLE, "rad", -_MAX_RAD, _MAX_RAD,
            "0, and nothing without an environment",
        ),
        Factor(
            "environment_energy", _NUMBER, _SAMPLE, "", 0, 1e9,
            "1, and nothing without an environment",
        ),
        Factor(
            "light_color", _NUMBER, _SAMPLE, "scene-linear RGB", 0, 1, "white", parts="rgb",
        ),
        Factor(
            "sun_color", _NUMBER, _SAMPLE, "scene-linear RGB", 0, 1, "white", parts="rgb",
        ),
        Factor(
            "light_elevation", _ANGLE, _SAMPLE, "rad", -_MAX_RAD, _MAX_RAD,
            "nothing: light_angle says it; 1.07 if light_azimuth is given",
        ),
        Factor(
            "light_azimuth", _ANGLE, _SAMPLE, "rad", -_MAX_RAD, _MAX_RAD,
            "nothing: light_angle says it; -1.57 if light_elevation is given",
        ),
        Factor("num_lights", _CATEGORY, _SAMPLE, "lights besides the sun", 1, MAX_LIGHTS, "1"),
        Factor(
            "camera_azimuth", _ANGLE, _SAMPLE, "rad", -_MAX_RAD, _MAX_RAD,
            "nothing: scene.camera_location and scene.camera_rotation say where the camera is",
            _PLACE,
        ),
        Factor(
            "camera_elevation", _ANGLE, _SAMPLE, "rad", -_MAX_RAD, _MAX_RAD,
            "as camera_azimuth", _PLACE,
        ),
        Factor(
            "camera_roll", _ANGLE, _SAMPLE, "rad", -_MAX_RAD, _MAX_RAD, "as camera_azimuth",
            _PLACE,
        ),
        Factor(
            "camera_fstop", _NUMBER, _SAMPLE, "", 0.01, 1e6, "nothing: all is in focus",
        ),
        Factor("roughness", _NUMBER, _OBJECT, "", 0, 1, "0.5, or as files of the material say"),
        Factor("metallic", _NUMBER, _OBJECT, "", 0, 1, "0, or as files of the material say"),
        Factor(
            "backdrop_roughness", _NUMBER, _BACKDROP, "", 0, 1,
            "0.5, or as files of the material say",
        ),
        Factor(
            "backdrop_metallic", _NUMBER, _BACKDROP, "", 0, 1,
            "0, or as files of the material say",
        ),
        Factor(
            "backdrop", _CATEGORY, _BACKDROP, "0 plane, 1 environment, 2 none",
            0, len(BACKDROPS) - 1, "plane", ("depth",),
        ),
        Factor("exposure", _NUMBER, _SAMPLE, "stops", -32, 32, "0"),
    )
}  # fmt: skip
"""All factors by name, in the order of their columns."""

VIEWPOINT = ("azimuth", "elevation", "roll")
"""``viewpoint`` in a configuration means these three at once; each is an offset from the pose at
rest, rad. Roll turns an object about the axis towards the camera, then elevation about the axis to
the right, then azimuth about the vertical axis (the first, second and third Euler angle)."""

JOINT = {
    "viewpoint": VIEWPOINT,
    "camera_direction": ("camera_azimuth", "camera_elevation"),
    "light_direction": ("light_azimuth", "light_elevation"),
    "surface": ("roughness", "metallic"),
}
"""Names for several factors at once: a rotation, directions from the origin, and how objects
reflect light. A configuration names either these or their parts."""

COLUMNS = tuple(column for factor in FACTORS.values() for column in factor.columns)
"""Names of the columns of ``factor_values`` and ``factor_levels``."""

FIRST_COLUMNS = COLUMNS[: COLUMNS.index("environment")]
"""Columns of the first records that had any. Those of later records begin with them."""


@functools.cache
def find_columns(name: str) -> tuple[int, ...]:
    """Columns of a factor, or of one of `JOINT`."""
    names = JOINT.get(name, (name,))
    return tuple(COLUMNS.index(column) for n in names for column in FACTORS[n].columns)


def find_factor(name: str) -> Factor:
    """A factor; of `JOINT`, the first of its parts, which are all of one kind."""
    return FACTORS[JOINT[name][0] if name in JOINT else name]
