"""Three environments of the demo set: a sky, a studio and a sunset, as HDR images.

Each is a function of the direction alone, so that a test can say what must be seen where. On a
surface that faces up they give about as much light as the lamps of the usual scene, 4 W/m^2.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from synrender.images.environment import find_directions
from synrender.images.radiance import encode_radiance

from .textures import rise

HEIGHT, WIDTH = 180, 360
"""Of the images, px: one degree each."""

SUN_EDGE_DEG = (3.0, 5.0)
"""Where a sun's disk begins to fade, and where it has ended, from its center. Grids of 2 degrees
see it; the real one has 0.27."""

Environment = Callable[[np.ndarray], np.ndarray]
"""Directions of length 1, (..., 3), +Z up -> radiance, (..., 3) scene-linear RGB, W/(sr m^2)."""


def write_environments(folder: Path) -> None:
    """Writes ``<name>.hdr`` of each environment."""
    folder.mkdir(parents=True, exist_ok=True)
    directions = find_directions(HEIGHT, WIDTH)
    for name, environment in ENVIRONMENTS.items():
        (folder / f"{name}.hdr").write_bytes(encode_radiance(environment(directions)))


def sky(directions: np.ndarray) -> np.ndarray:
    """A clear sky over gray ground, with the sun at `SKY_SUN`."""
    up = directions[..., 2:]
    air = _mix((0.95, 1.05, 1.15), (0.14, 0.38, 1.05), np.sqrt(np.maximum(up, 0)))
    above = air + _sun(directions, SKY_SUN, (150.0, 140.0, 120.0))
    return _mix((0.30, 0.28, 0.25), above, rise(up, 0.04))


def studio(directions: np.ndarray) -> np.ndarray:
    """A gray room with a large warm lamp towards +Y, a cold one towards -Y, and one overhead."""
    room = _mix((0.16, 0.16, 0.16), (0.34, 0.34, 0.34), (directions[..., 2:] + 1) / 2)
    for axis, half_width, half_height, color in STUDIO_LAMPS:
        shape = _rectangle(directions, np.array(axis), (half_width, half_height))
        room = _mix(room, color, shape)
    return room


def sunset(directions: np.ndarray) -> np.ndarray:
    """A low sun at `SUNSET_SUN`, an orange sky about it, and a dark blue one behind."""
    up = directions[..., 2:]
    towards = (directions[..., :2] @ SUNSET_SUN[:2])[..., None] / 2 + 0.5
    horizon = _mix((0.55, 0.40, 0.62), (4.4, 2.2, 0.9), towards**2)
    air = _mix(horizon, (0.22, 0.28, 0.60), np.sqrt(np.maximum(up, 0)))
    above = air + _sun(directions, SUNSET_SUN, (700.0, 360.0, 130.0))
    return _mix((0.16, 0.11, 0.09), above, rise(up, 0.04))


def _from_angles(azimuth_deg: float, elevation_deg: float) -> np.ndarray:
    azimuth, elevation = np.radians([azimuth_deg, elevation_deg])
    level = np.cos(elevation)
    return np.array([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)])


SKY_SUN, SUNSET_SUN = _from_angles(-40, 45), _from_angles(60, 12)
"""Directions of the centers of the suns."""

STUDIO_LAMPS = (
    # axis from the origin, half of the sides at distance 1, radiance
    ((0.70, 0.50, 0.50), 0.45, 0.45, (5.6, 5.2, 4.7)),
    ((0.45, -0.85, 0.20), 0.20, 0.60, (2.9, 3.3, 4.0)),
    ((-0.30, 0.00, 0.95), 0.50, 0.25, (3.7, 3.7, 3.7)),
)

ENVIRONMENTS: dict[str, Environment] = {"sky": sky, "studio": studio, "sunset": sunset}
"""By id."""


def _mix(first: object, second: object, share: np.ndarray) -> np.ndarray:
    """``share`` of the second, (..., 1) from 0 to 1, and the rest of the first."""
    return np.asarray(first) * (1 - share) + np.asarray(second) * share


def _sun(
    directions: np.ndarray, center: np.ndarray, color: tuple[float, float, float]
) -> np.ndarray:
    inner, outer = np.cos(np.radians(SUN_EDGE_DEG))
    cosine = (directions @ center)[..., None]
    return np.array(color) * rise(cosine - (inner + outer) / 2, inner - outer)


def _rectangle(
    directions: np.ndarray, axis: np.ndarray, half_sides: tuple[float, float]
) -> np.ndarray:
    """How much a rectangle across an axis covers each direction, (..., 1) from 0 to 1."""
    axis = axis / np.linalg.norm(axis)
    right = np.cross(axis, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    distance = (directions @ axis)[..., None]
    away = np.maximum(distance, 1e-6)
    covered = distance > 0
    for side, half in zip((right, np.cross(right, axis)), half_sides, strict=True):
        across = np.abs((directions @ side)[..., None]) / away
        covered = covered * rise(half - across, 0.1)
    return covered
