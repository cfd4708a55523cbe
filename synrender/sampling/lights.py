"""Where the lights of a sample are, and their colors."""

from __future__ import annotations

import math
from dataclasses import dataclass

from synrender.sampling.streams import MORE_LIGHTS, create_rng
from synrender.settings.groups import Design

Vector = tuple[float, ...]

DIRECTION = ("light_azimuth", "light_elevation")
"""Factors that say where the first light is, instead of ``light_angle``."""


@dataclass(frozen=True)
class LightsPlan:
    """The lights of a sample, apart from the first one's location and the energy."""

    color: Vector  # (3,) of all but the sun, scene-linear RGB, 0 to 1
    sun_color: Vector  # likewise
    other_locations: tuple[Vector, ...]  # (3,) each, of all lights but the first one and the sun, m


def uses_direction(design: Design) -> bool:
    """Whether two angles say where the first light is."""
    return bool(design.decided & set(DIRECTION))


def angle_to_location(angle: float, distance_m: float) -> Vector:
    """Location (3,) in m at an angle from the zenith, rad, on an arc in the plane x = 0."""
    return (0.0, distance_m * math.sin(angle), distance_m * math.cos(angle))


def direction_to_location(azimuth: float, elevation: float, distance_m: float) -> Vector:
    """Location (3,) in m on a sphere about the origin.

    Args:
        azimuth: rad, from +X towards +Y.
        elevation: rad, from there towards +Z.
        distance_m: radius of the sphere.
    """
    level_m = distance_m * math.cos(elevation)
    return (
        level_m * math.cos(azimuth),
        level_m * math.sin(azimuth),
        distance_m * math.sin(elevation),
    )


def draw_other_lights(
    seed: int, key: tuple[int, ...], num: int, distance_m: float
) -> tuple[Vector, ...]:
    """Locations of all point lights but the first one, (3,) in m each.

    Each is drawn from a stream of its own, so that one light more does not move the others: evenly
    over the upper half of a sphere about the origin, on which heights are even (Archimedes).
    """
    locations = []
    for light in range(num):
        height, turn = create_rng(seed, MORE_LIGHTS, light, *key).random(2).tolist()
        elevation, azimuth = math.asin(height), 2 * math.pi * turn
        locations.append(direction_to_location(azimuth, elevation, distance_m))
    return tuple(locations)
