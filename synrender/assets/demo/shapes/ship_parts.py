"""What ships share: hulls, bulwarks, deck houses, funnels, masts and sails."""

from __future__ import annotations

import numpy as np

from ..mesh import Mesh, skin
from ..parts import box, lathe, rod, rounded_box, sheet
from ..writer import Design


def ship_hull(
    length: float,
    beam: float,
    depth: float,
    sheer: float = 0.3,
    stern: float = 0.75,
    full: float = 0.5,
    flare: float = 0.35,
) -> Mesh:
    """Hull with its deck at y = 0 amidships and its keel at y = -depth; bow at -z.

    sheer: how much the bow rises over the deck amidships, in depths. stern: width of the transom
    over the beam. full: how long the parallel middle body is, 0 to 1. flare: how far the waterline
    is narrower than the deck towards the bow.
    """
    half = 0.5 * length
    rings = []
    for t in np.concatenate([np.linspace(0.0, 0.1, 5)[:-1], np.linspace(0.1, 1.0, 20)]):
        entry = np.clip(t / (0.55 - 0.35 * full), 0.0, 1.0)
        run = np.clip((1.0 - t) / (0.45 - 0.3 * full), 0.0, 1.0)
        wide = np.sin(0.5 * np.pi * entry) ** 0.8 * (
            stern + (1 - stern) * np.sin(0.5 * np.pi * run)
        )
        wide = 0.5 * beam * max(wide, 0.012)
        rise = sheer * depth * (max(0.0, 1 - t / 0.5) ** 2 + 0.35 * max(0.0, (t - 0.6) / 0.4) ** 2)
        keel = (
            -depth
            + 0.55 * depth * max(0.0, 1 - t / 0.08) ** 2
            + 0.4 * depth * max(0.0, (t - 0.85) / 0.15) ** 2
        )
        low = wide * (1.0 - flare * (1 - entry) - 0.1)
        z = -half + length * t + 0.06 * length * (1 - t) ** 8
        rake = -0.06 * length * (1.0 - entry)
        side = [
            (wide, rise, rake),
            (0.5 * (wide + low) + 0.02 * wide, 0.5 * rise + 0.35 * keel, 0.45 * rake),
            (low, 0.75 * keel, 0.15 * rake),
            (0.72 * low, 0.94 * keel, 0.0),
        ]
        points = (
            [(x, y, z + dz) for x, y, dz in side]
            + [(0.0, keel, z)]
            + [(-x, y, z + dz) for x, y, dz in side[::-1]]
        )
        points.append((0.0, rise + 0.03 * wide, z + rake))
        rings.append(points)
    return skin(np.array(rings))


def bulwark(
    length: float,
    beam: float,
    depth: float,
    height: float,
    sheer: float = 0.3,
    stern: float = 0.75,
    full: float = 0.5,
    thick: float = 0.1,
) -> Mesh:
    """Low wall along the deck's edge, all around."""
    half = 0.5 * length
    t = np.linspace(0.004, 1.0, 30)
    entry = np.clip(t / (0.55 - 0.35 * full), 0.0, 1.0)
    run = np.clip((1.0 - t) / (0.45 - 0.3 * full), 0.0, 1.0)
    wide = (
        0.5
        * beam
        * np.maximum(
            np.sin(0.5 * np.pi * entry) ** 0.8 * (stern + (1 - stern) * np.sin(0.5 * np.pi * run)),
            0.012,
        )
    )
    rise = (
        sheer
        * depth
        * (np.maximum(0.0, 1 - t / 0.5) ** 2 + 0.35 * np.maximum(0.0, (t - 0.6) / 0.4) ** 2)
    )
    z = -half + length * t + 0.06 * length * (1 - t) ** 8 - 0.06 * length * (1.0 - entry)
    x = np.concatenate([wide, -wide[::-1]])
    y, z = np.concatenate([rise, rise[::-1]]), np.concatenate([z, z[::-1]])
    inner = np.sign(x) * np.maximum(np.abs(x) - thick, 0.2 * np.abs(x))
    z_in = np.clip(z, z.min() + thick, z.max() - thick)
    loop = np.stack(
        [
            np.stack([x, y - 0.1 * height, z], 1),
            np.stack([1.01 * x, y + height, z], 1),
            np.stack([inner, y + height, z_in], 1),
            np.stack([inner, y - 0.1 * height, z_in], 1),
        ],
        axis=1,
    )
    return skin(loop, closed=True)


def deck_house(tiers: list[tuple[float, float, float, float, float]]) -> Design:
    """Stacked storeys: (width, height, depth, base y, centre z); a window band on each."""
    parts: Design = []
    for width, height, depth, y, z in tiers:
        parts.append(
            (
                "house",
                "trim",
                rounded_box(width, height, depth, 0.06 * height, 0, y + 0.5 * height, z),
            )
        )
        band = rounded_box(
            1.015 * width, 0.28 * height, 0.94 * depth, 0.03 * height, 0, y + 0.62 * height, z
        )
        front = rounded_box(
            0.9 * width, 0.28 * height, 1.01 * depth, 0.03 * height, 0, y + 0.62 * height, z
        )
        roof = rounded_box(
            1.06 * width, 0.08 * height, 1.06 * depth, 0.03 * height, 0, y + height, z
        )
        parts += [("windows", "glass", band), ("windows", "glass", front), ("roof", "trim", roof)]
    return parts


def funnel(x: float, y: float, z: float, radius: float, height: float) -> Design:
    """Smoke stack with a band, leaning back."""
    stack = lathe(
        [
            (0, 0),
            (radius, 0),
            (0.94 * radius, height),
            (0.8 * radius, height),
            (0.78 * radius, 0.9 * height),
            (0, 0.9 * height),
        ],
        20,
    )
    band = lathe(
        [
            (1.03 * radius, 0.55 * height),
            (1.01 * radius, 0.75 * height),
            (0.9 * radius, 0.75 * height),
            (0.9 * radius, 0.55 * height),
        ],
        20,
        hollow=True,
    )
    return [
        ("funnel", "paint", p.scaled(0.8, 1, 1.25).turned("x", 8).moved(x, y, z))
        for p in (stack, band)
    ]


def mast(y: float, z: float, height: float, yards: int = 1) -> Design:
    """Signal mast with cross-trees and a radar bar."""
    parts: Design = [
        ("mast", "metal", rod((0, y, z), (0, y + height, z), 0.03 * height, 0.015 * height))
    ]
    for k in range(yards):
        level = y + height * (0.85 - 0.25 * k)
        parts.append(
            (
                "yard",
                "metal",
                rod((-0.25 * height, level, z), (0.25 * height, level, z), 0.012 * height, sides=8),
            )
        )
    parts.append(
        (
            "radar",
            "trim",
            box(
                0.35 * height, 0.05 * height, 0.06 * height, 0, y + 0.7 * height, z - 0.08 * height
            ),
        )
    )
    return parts


def sail(
    foot: tuple[float, float], tack_y: float, head: tuple[float, float], clew_y: float, belly: float
) -> Mesh:
    """Triangular sail between foot (front z, rear z) and head (z, y), bellied out to +x."""
    u, v = np.linspace(0, 1, 10), np.linspace(0, 0.97, 14)
    grid = []
    for t in v:
        front = np.array([foot[0] + (head[0] - foot[0]) * t, tack_y + (head[1] - tack_y) * t])
        rear = np.array([foot[1] + (head[0] - foot[1]) * t, clew_y + (head[1] - clew_y) * t])
        rear[0] += 0.08 * (foot[1] - foot[0]) * np.sin(np.pi * t)
        line = front + u[:, None] * (rear - front)
        out = (
            belly
            * np.sin(np.pi * u) ** 0.8
            * (1 - 0.6 * t)
            * (0.35 + 0.65 * np.sin(np.pi * np.clip(t + 0.15, 0, 1)))
        )
        grid.append(np.column_stack([out, line[:, 1], line[:, 0]]))
    return sheet(np.array(grid), 0.03)


def square_sail(width: float, height: float, y: float, z: float, belly: float) -> Mesh:
    """Four-cornered sail across the ship, bellied forward."""
    u, v = np.linspace(-1, 1, 10), np.linspace(0, 1, 8)
    grid = np.array(
        [
            [
                (
                    0.5 * width * (1 - 0.12 * t) * a,
                    y + height * t,
                    z - belly * (1 - a * a) * np.sin(np.pi * (0.1 + 0.8 * t)),
                )
                for a in u
            ]
            for t in v
        ]
    )
    return sheet(grid, 0.04)
