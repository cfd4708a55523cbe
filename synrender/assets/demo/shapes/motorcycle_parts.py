"""What motorcycles share: chassis, wheels, fork, engine, exhaust, tank and saddle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..curves import fillet, spline
from ..mesh import Mesh
from ..parts import (
    box,
    cushion,
    ellipsoid,
    hull,
    lathe,
    pair,
    rod,
    rounded_box,
    sheet,
    torus,
    tube,
)
from ..writer import Design


@dataclass(frozen=True)
class Chassis:
    """Side view in metres; z runs from the front (negative) to the rear.

    wheels: (front, rear) radius; axles: their z; head: (y, z) of the steering head's top.
    """

    wheels: tuple[float, float] = (0.31, 0.31)
    axles: tuple[float, float] = (-0.72, 0.7)
    tyres: tuple[float, float] = (0.055, 0.075)
    head: tuple[float, float] = (0.88, -0.36)
    spokes: int = 0
    seat_y: float = 0.76


def create_wheel(
    radius: float, tyre: float, y: float, z: float, spokes: int, x: float = 0.0
) -> Design:
    """Tyre, rim, brake disc and either wire spokes or (spokes=0) five cast ones."""
    rim = radius - 1.6 * tyre

    def place(mesh: Mesh) -> Mesh:
        return mesh.turned("z", 90).moved(x, y, z)

    parts: Design = [
        ("tyre", "rubber", place(torus(radius - tyre, tyre, 32, 10))),
        ("rim", "metal", place(torus(rim, 0.35 * tyre, 28, 6).scaled(y=2.0))),
        ("hub", "metal", place(lathe([(0, -0.07), (0.045, -0.07), (0.045, 0.07), (0, 0.07)], 16))),
        (
            "disc",
            "metal",
            place(
                lathe(
                    [(0.05, 0.045), (0.42 * radius, 0.045), (0.42 * radius, 0.055), (0.05, 0.055)],
                    28,
                    hollow=True,
                )
            ),
        ),
    ]
    for k in range(spokes or 5):
        turn = 360.0 / (spokes or 5) * k
        if spokes:
            side = 0.05 if k % 2 else -0.05
            spoke = rod(
                (0.035, side, 0.0), (rim * np.cos(0.25), 0, rim * np.sin(0.25)), 0.0055, sides=3
            )
        else:
            spoke = rod((0.03, 0, 0), (rim, 0, 0), 0.032, 0.02, 8)
        parts.append(("spoke", "metal", place(spoke.turned("y", turn))))
    return parts


def fender(
    radius: float, width: float, y: float, z: float, start_deg: float, end_deg: float
) -> Mesh:
    """Mudguard around a wheel; angles from the rear (0) over the top (90) to the front (180)."""
    angle = np.radians(np.linspace(start_deg, end_deg, 14))
    across = np.linspace(-1, 1, 5)
    grid = np.array(
        [
            [
                (
                    0.5 * width * a,
                    y + (radius - 0.025 * a * a) * np.sin(t),
                    z + (radius - 0.025 * a * a) * np.cos(t),
                )
                for a in across
            ]
            for t in angle
        ]
    )
    return sheet(grid, 0.008)


def front_end(
    chassis: Chassis, bars: str, lamp: str = "round", upside_down: bool = False
) -> Design:
    """Fork, yokes, handlebar ("flat", "clip", "high", "wide", "swept"), headlamp and wheel."""
    radius, z = chassis.wheels[0], chassis.axles[0]
    head_y, head_z = chassis.head
    parts = create_wheel(radius, chassis.tyres[0], radius, z, chassis.spokes)
    wide = chassis.tyres[0] + 0.055
    middle_y, middle_z = 0.5 * (radius + head_y), 0.5 * (z + head_z)
    thick = (0.022, 0.03) if upside_down else (0.032, 0.022)
    for x in (-wide, wide):
        parts.append(("slider", "metal", rod((x, radius, z), (x, middle_y, middle_z), thick[0])))
        parts.append(
            ("stanchion", "metal", rod((x, middle_y, middle_z), (x, head_y, head_z), thick[1]))
        )
    parts.append(("axle", "metal", rod((-wide - 0.02, radius, z), (wide + 0.02, radius, z), 0.02)))
    for t in (1.0, 0.78):
        y, zz = radius + (head_y - radius) * t, z + (head_z - z) * t
        parts.append(("yoke", "dark", rounded_box(2 * wide + 0.08, 0.035, 0.09, 0.012, 0, y, zz)))
    shapes = {
        "flat": [(0, 0.06, 0), (0.12, 0.07, 0), (0.22, 0.14, 0.04), (0.4, 0.14, 0.12)],
        "clip": [(0, 0.0, 0), (0.1, 0.0, 0), (0.2, -0.02, 0.0), (0.34, -0.05, 0.1)],
        "high": [
            (0, 0.05, 0),
            (0.12, 0.08, 0),
            (0.2, 0.42, 0.06),
            (0.3, 0.46, 0.12),
            (0.36, 0.44, 0.28),
        ],
        "wide": [(0, 0.06, 0), (0.14, 0.08, 0), (0.24, 0.17, 0.02), (0.46, 0.17, 0.12)],
        "swept": [
            (0, 0.05, 0),
            (0.12, 0.08, 0),
            (0.3, 0.2, 0.0),
            (0.42, 0.19, 0.12),
            (0.42, 0.17, 0.32),
        ],
    }
    path = np.add(fillet(shapes[bars], 0.07), (0, head_y, head_z))
    parts += [("handlebar", "metal", h) for h in pair(tube(path[1:], 0.014, 8))]
    parts.append(("clamp", "metal", rod((-0.12, *path[0, 1:]), (0.12, *path[0, 1:]), 0.016)))
    direction = (path[-1] - path[-2]) / np.linalg.norm(path[-1] - path[-2])
    grip = rod(path[-1] - 0.11 * direction, path[-1] + 0.02 * direction, 0.021)
    parts += [("grip", "rubber", g) for g in pair(grip)]
    lever = rod(
        path[-1] - 0.12 * direction + (0, 0, -0.05), path[-1] + (0, 0, -0.06), 0.008, sides=6
    )
    parts += [("lever", "metal", v) for v in pair(lever)]
    at = (0, head_y - 0.1, head_z - 0.12)
    if lamp == "round":
        shell = lathe([(0, 0.1), (0.05, 0.085), (0.085, 0.02), (0.09, -0.03), (0, -0.045)], 22)
        parts.append(("headlamp", "light", shell.turned("x", 90).moved(*at)))
    elif lamp == "double":
        shell = lathe(
            [(0, 0.08), (0.04, 0.07), (0.065, 0.01), (0.068, -0.03), (0, -0.04)], 18
        ).turned("x", 90)
        parts += [("headlamp", "light", s) for s in pair(shell.moved(0.085, at[1], at[2]))]
    elif lamp == "plate":
        plate = (
            rounded_box(0.22, 0.28, 0.02, 0.009)
            .turned("x", -18)
            .moved(0, head_y - 0.06, head_z - 0.1)
        )
        parts.append(("plate", "paint", plate))
    return parts


def rear_end(chassis: Chassis, shock: str = "twin") -> Design:
    """Rear wheel, swing arm, chain and shock absorbers ("twin", "mono" or "" for a rigid frame)."""
    radius, z = chassis.wheels[1], chassis.axles[1]
    parts = create_wheel(radius, chassis.tyres[1], radius, z, chassis.spokes)
    wide = chassis.tyres[1] + 0.05
    for x in (-wide, wide):
        parts.append(
            ("swing_arm", "metal", rod((x, radius + 0.05, 0.2), (x, radius, z + 0.03), 0.03, 0.024))
        )
        if shock == "twin":
            bottom, top = (
                np.array((x, radius + 0.03, z - 0.05)),
                np.array((x, chassis.seat_y - 0.08, z - 0.22)),
            )
            parts.append(("shock", "metal", rod(bottom, top, 0.016)))
            parts.append(
                (
                    "spring",
                    "dark",
                    rod(bottom + 0.25 * (top - bottom), bottom + 0.85 * (top - bottom), 0.032),
                )
            )
    parts.append(("axle", "metal", rod((-wide - 0.02, radius, z), (wide + 0.02, radius, z), 0.018)))
    sprocket = lathe([(0, -0.006), (0.1, -0.006), (0.1, 0.006), (0, 0.006)], 24).turned("z", 90)
    parts.append(("sprocket", "metal", sprocket.moved(-wide + 0.02, radius, z)))
    chain = fillet(
        [
            (-wide + 0.02, radius + 0.1, z),
            (-wide + 0.02, radius + 0.1, 0.17),
            (-wide + 0.02, radius, 0.17),
            (-wide + 0.02, radius - 0.1, z),
        ],
        0.05,
    )
    return [*parts, ("chain", "dark", tube(chain, 0.012, 6))]


def frame(chassis: Chassis) -> Design:
    """Double cradle from the steering head to the seat."""
    head_y, head_z = chassis.head
    parts: Design = []
    for x in (-0.11, 0.11):
        loop = fillet(
            [
                (0.3 * x, head_y - 0.08, head_z + 0.04),
                (x, 0.3, -0.28),
                (x, 0.22, 0.18),
                (x, 0.6, 0.3),
                (0.8 * x, chassis.seat_y - 0.06, 0.35),
            ],
            0.12,
        )
        top = spline(
            [
                (0.3 * x, head_y - 0.02, head_z + 0.03),
                (x, chassis.seat_y - 0.04, 0.1),
                (x, chassis.seat_y - 0.05, 0.6),
            ],
            10,
        )
        parts += [("frame", "dark", tube(loop, 0.02, 8)), ("frame", "dark", tube(top, 0.018, 8))]
    head = rod((0, head_y - 0.2, head_z - 0.0), (0, head_y + 0.0, head_z + 0.02), 0.035)
    return [*parts, ("head", "dark", head)]


def engine(kind: str) -> Design:
    """ "v" twin, "single", "four" or "boxer"; crankcase around (0.36, 0)."""
    parts: Design = [
        ("crankcase", "metal", rounded_box(0.3, 0.24, 0.42, 0.06, 0, 0.36, 0.0)),
        ("cover", "metal", rod((0.14, 0.36, -0.06), (0.2, 0.36, -0.06), 0.11, 0.09, 22)),
        ("cover", "metal", rod((-0.14, 0.36, 0.04), (-0.2, 0.36, 0.04), 0.12, 0.1, 22)),
    ]

    def cylinder(tilt: float, length: float, width: float, depth: float, fins: int = 6) -> Design:
        out: Design = [
            (
                "barrel",
                "dark",
                rounded_box(0.75 * width, length, 0.75 * depth, 0.02, 0, 0.5 * length + 0.1),
            )
        ]
        for k in range(fins):
            out.append(("fin", "metal", box(width, 0.012, depth, 0, 0.13 + length * k / fins)))
        out.append(
            ("cover", "metal", rounded_box(0.9 * width, 0.06, 0.9 * depth, 0.025, 0, 0.12 + length))
        )
        return [(n, m, mesh.turned("x", tilt).moved(y=0.38)) for n, m, mesh in out]

    if kind == "v":
        return parts + cylinder(-26, 0.24, 0.17, 0.17) + cylinder(26, 0.24, 0.17, 0.17)
    if kind == "single":
        return parts + cylinder(-10, 0.24, 0.18, 0.19)
    if kind == "four":
        return parts + cylinder(-16, 0.2, 0.42, 0.2)
    for side in (-1, 1):
        for k in range(4):
            parts.append(
                ("fin", "metal", box(0.012, 0.16, 0.18, side * (0.18 + 0.03 * k), 0.38, -0.06))
            )
        parts.append(
            ("barrel", "dark", rod((0.1 * side, 0.38, -0.06), (0.3 * side, 0.38, -0.06), 0.07))
        )
        parts.append(
            ("head", "metal", rounded_box(0.08, 0.15, 0.17, 0.04, 0.33 * side, 0.38, -0.06))
        )
    return parts


def exhaust(style: str) -> Design:
    """Pipes: "long" and low, "high", "short", "four" headers into one, or "under" the seat."""
    parts: Design = []
    if style == "under":
        for part in pair(rod((0.07, 0.74, 0.5), (0.08, 0.84, 0.98), 0.04, 0.05)):
            parts.append(("silencer", "metal", part))
        return parts
    if style == "four":
        for x in (-0.15, -0.05, 0.05, 0.15):
            path = spline(
                [
                    (x, 0.6, -0.16),
                    (x, 0.48, -0.3),
                    (0.8 * x, 0.22, -0.22),
                    (0.5 * x + 0.06, 0.16, 0.05),
                ],
                14,
            )
            parts.append(("header", "metal", tube(path, 0.02, 8)))
        parts.append(("collector", "metal", rod((0.08, 0.17, 0.02), (0.15, 0.24, 0.3), 0.045)))
        return [
            *parts,
            ("silencer", "metal", rod((0.16, 0.25, 0.3), (0.2, 0.42, 0.82), 0.055, 0.06, 16)),
        ]
    if style == "high":
        path = spline(
            [(0.02, 0.6, -0.14), (0.1, 0.52, -0.24), (0.18, 0.56, -0.05), (0.18, 0.62, 0.3)], 18
        )
        parts.append(("header", "metal", tube(path, 0.022)))
        return [
            *parts,
            ("silencer", "metal", rod((0.18, 0.62, 0.28), (0.2, 0.7, 0.8), 0.045, 0.05, 16)),
        ]
    end = 0.5 if style == "short" else 1.0
    for x, dz in ((0.16, 0.0), (0.16, 0.14)) if style == "long" else ((0.16, 0.0),):
        y = 0.24 + 0.7 * dz
        path = spline(
            [
                (0.02, 0.56, -0.16 + dz),
                (0.1, 0.42, -0.3 + 2 * dz),
                (x, y, -0.1 + dz),
                (x + 0.02, y, 0.25),
            ],
            18,
        )
        parts.append(("header", "metal", tube(path, 0.022)))
        parts.append(
            (
                "silencer",
                "metal",
                rod((x + 0.02, y, 0.22), (x + 0.03, y + 0.03, end), 0.036, 0.05, 16),
            )
        )
    return parts


def tank(kind: str, y: float = 0.8) -> Mesh:
    """Fuel tank: "tear", "long", "peanut" or "slab"."""
    shapes = {
        "tear": [
            (-0.36, 0.02, 0.1, 0.05),
            (-0.28, -0.04, 0.17, 0.13),
            (-0.08, -0.05, 0.19, 0.16),
            (0.12, -0.02, 0.1, 0.1),
            (0.22, -0.01, 0.04, 0.05),
        ],
        "long": [
            (-0.38, 0.0, 0.1, 0.06),
            (-0.3, -0.04, 0.15, 0.13),
            (0.0, -0.04, 0.16, 0.15),
            (0.14, -0.02, 0.12, 0.09),
            (0.24, 0.0, 0.06, 0.06),
        ],
        "peanut": [
            (-0.34, 0.03, 0.1, 0.04),
            (-0.26, 0.0, 0.15, 0.09),
            (-0.1, 0.0, 0.15, 0.1),
            (0.1, 0.0, 0.07, 0.06),
        ],
        "slab": [
            (-0.32, -0.06, 0.12, 0.1),
            (-0.24, -0.1, 0.2, 0.17),
            (-0.02, -0.08, 0.2, 0.17),
            (0.12, -0.04, 0.08, 0.09),
            (0.2, -0.02, 0.02, 0.07),
        ],
    }
    return hull([(z, a + y, b + y, w) for z, a, b, w in shapes[kind]], 2.7, 22, 18)


def saddle(chassis: Chassis, kind: str) -> Design:
    """Seat: "bench", "solo", "stepped", "hump" or "plank"."""
    y = chassis.seat_y
    if kind == "solo":
        pad = hull(
            [
                (0.1, y - 0.02, y + 0.02, 0.07),
                (0.25, y - 0.04, y + 0.03, 0.13),
                (0.42, y - 0.04, y + 0.07, 0.17),
                (0.5, y, y + 0.1, 0.13),
            ],
            2.6,
            20,
            14,
        )
        return [("seat", "leather", pad)]
    if kind == "stepped":
        front = cushion(0.34, 0.13, 0.42, 4.0, 0, y, 0.28)
        rear = cushion(0.3, 0.12, 0.34, 4.0, 0, y + 0.09, 0.64)
        return [("seat", "leather", front), ("pillion", "leather", rear)]
    if kind == "hump":
        pad = rounded_box(0.24, 0.07, 0.4, 0.03, 0, y, 0.3)
        tail = hull(
            [
                (0.46, y - 0.05, y + 0.1, 0.12),
                (0.56, y - 0.04, y + 0.15, 0.13),
                (0.78, y + 0.02, y + 0.1, 0.07),
            ],
            2.6,
            18,
            12,
        )
        return [("seat", "leather", pad), ("tail", "paint", tail)]
    if kind == "plank":
        pad = hull(
            [
                (-0.22, y + 0.02, y + 0.09, 0.07),
                (0.2, y - 0.03, y + 0.05, 0.1),
                (0.75, y + 0.03, y + 0.11, 0.1),
            ],
            4.0,
            18,
            14,
        )
        return [("seat", "leather", pad)]
    return [("seat", "leather", rounded_box(0.27, 0.09, 0.74, 0.04, 0, y + 0.01, 0.48))]


def tail_lamp(y: float, z: float) -> Design:
    """Lamp and indicators behind the seat."""
    parts: Design = [("tail_lamp", "paint", rounded_box(0.1, 0.07, 0.06, 0.02, 0, y, z))]
    for side in (-1, 1):
        parts.append(
            (
                "stalk",
                "metal",
                rod((0, y - 0.02, z - 0.02), (0.15 * side, y - 0.02, z), 0.009, sides=6),
            )
        )
        parts.append(
            ("indicator", "light", ellipsoid(0.03, 0.025, 0.03, 0.16 * side, y - 0.02, z, 10))
        )
    return parts


def mirrors(chassis: Chassis, up: float = 0.3) -> Design:
    """Two round mirrors on stalks."""
    y, z = chassis.head
    out: Design = []
    for side in (-1, 1):
        stalk = rod(
            (0.24 * side, y + 0.12, z + 0.04), (0.34 * side, y + up, z - 0.02), 0.008, sides=6
        )
        glass = lathe([(0, -0.012), (0.06, -0.008), (0.06, 0.008), (0, 0.012)], 18).turned("x", 80)
        out += [
            ("stalk", "metal", stalk),
            ("mirror", "glass", glass.moved(0.35 * side, y + up + 0.04, z - 0.02)),
        ]
    return out
