"""Vessels: sailing boats, cargo ships, ferries, work boats, a submarine, rowing boats."""

from __future__ import annotations

from functools import partial

import numpy as np

from ..curves import fillet, spline
from ..parts import box, ellipsoid, hull, lathe, pair, rod, rounded_box, sheet, torus, tube
from ..writer import Design
from .ship_parts import bulwark, deck_house, funnel, mast, sail, ship_hull, square_sail


def sailing(kind: str) -> Design:
    """ "sloop", "catamaran", "ketch" or "junk"."""
    if kind == "catamaran":
        body = hull(
            [
                (-5.5, 0.3, 0.7, 0.06),
                (-4, -0.5, 0.75, 0.4),
                (0, -0.7, 0.7, 0.55),
                (4.5, -0.4, 0.65, 0.45),
                (5.2, 0.1, 0.6, 0.35),
            ],
            2.6,
            18,
            24,
        )
        design: Design = [("hull", "trim", b) for b in pair(body.moved(2.2))]
        design += [
            ("deck", "trim", rounded_box(4.2, 0.35, 5.5, 0.15, 0, 0.55, 1.4)),
            (
                "cabin",
                "trim",
                hull(
                    [
                        (-1.8, 0.6, 0.8, 1.2),
                        (-0.6, 0.6, 1.6, 1.7),
                        (2.2, 0.6, 1.75, 1.7),
                        (2.6, 0.6, 1.6, 1.6),
                    ],
                    5.0,
                    24,
                    14,
                ),
            ),
            (
                "windows",
                "glass",
                hull(
                    [(-1.2, 0.95, 1.2, 1.45), (-0.5, 1.0, 1.45, 1.72), (2.1, 1.05, 1.5, 1.73)],
                    6.0,
                    24,
                    10,
                ),
            ),
            ("mast", "metal", rod((0, 0.6, -0.6), (0, 10.5, -0.4), 0.12, 0.07)),
            ("boom", "metal", rod((0, 2.1, -0.5), (0, 2.1, 4.4), 0.09)),
            ("main_sail", "trim", sail((-0.35, 4.3), 2.3, (-0.3, 10.2), 2.3, 0.5)),
            ("jib", "trim", sail((-4.8, -0.8), 1.2, (-0.7, 9.2), 1.6, 0.45)),
            ("beam", "metal", rod((-2.2, 0.6, -4.6), (2.2, 0.6, -4.6), 0.1)),
            ("net", "dark", box(3.6, 0.05, 3.2, 0, 0.55, -3.0)),
        ]
        return design
    if kind == "junk":
        design = [
            ("hull", "wood", ship_hull(9.0, 2.8, 1.3, 0.9, 0.9, 0.3)),
            ("house", "wood", rounded_box(1.7, 0.9, 2.2, 0.08, 0, 0.6, 3.0)),
        ]
        design.append(("rail", "wood", bulwark(9.0, 2.8, 1.3, 0.25, 0.9, 0.9, 0.3)))
        for z, y, tall, wide in ((-2.6, 0.6, 4.6, 2.0), (0.5, 0.0, 6.8, 3.2)):
            design.append(("mast", "wood", rod((0, y - 0.3, z), (0, y + tall + 0.5, z), 0.1, 0.06)))
            for k in range(6):
                t0, t1 = k / 6, (k + 1) / 6
                grid = []
                for t in np.linspace(t0, t1, 4):
                    w = wide * (0.8 + 0.5 * t - 0.55 * t**3)
                    bow = 0.16 * np.sin(np.pi * (t - t0) * 6)
                    grid.append(
                        [
                            (0.12 + bow, y + 0.6 + tall * t + 0.25 * s * t, z - 0.3 * w + w * s)
                            for s in np.linspace(0, 1, 5)
                        ]
                    )
                design.append(("sail", "paint", sheet(np.array(grid), 0.04)))
                w = wide * (0.8 + 0.5 * t0 - 0.55 * t0**3)
                batten = rod(
                    (0.14, y + 0.6 + tall * t0, z - 0.3 * w),
                    (0.14, y + 0.6 + tall * t0 + 0.25 * t0, z + 0.7 * w),
                    0.045,
                    sides=6,
                )
                design.append(("batten", "wood", batten))
        return design
    length, tall = (10.0, 12.0) if kind == "sloop" else (13.0, 12.5)
    design = [
        ("hull", "trim", ship_hull(length, 0.3 * length, 1.25, 0.45, 0.6, 0.15)),
        (
            "keel",
            "dark",
            hull(
                [(-1.2, -2.9, -1.0, 0.06), (-0.6, -3.0, -1.0, 0.16), (0.9, -3.0, -1.0, 0.08)],
                3.0,
                14,
                8,
            ),
        ),
        (
            "cabin",
            "trim",
            hull(
                [
                    (-2.6, -0.1, 0.25, 0.5),
                    (-1.8, -0.1, 0.55, 0.85),
                    (0.9, -0.1, 0.75, 1.0),
                    (1.6, -0.1, 0.7, 0.95),
                ],
                4.0,
                22,
                12,
            ),
        ),
        ("windows", "glass", box(2.0, 0.16, 1.9, 0, 0.4, 0.2)),
        ("cockpit", "wood", rounded_box(1.5, 0.3, 2.0, 0.08, 0, 0.1, 2.8)),
        ("mast", "metal", rod((0, 0, -0.9), (0, tall, -0.6), 0.1, 0.06)),
        ("boom", "metal", rod((0, 1.35, -0.8), (0, 1.35, 3.6), 0.08)),
        ("main_sail", "trim", sail((-0.75, 3.5), 1.5, (-0.55, tall - 0.2), 1.5, 0.6)),
        ("jib", "paint", sail((-0.47 * length, -0.2), 0.8, (-0.95, 0.88 * tall), 1.2, 0.6)),
        (
            "forestay",
            "metal",
            rod((0, 0.6, -0.49 * length), (0, tall - 0.2, -0.65), 0.025, sides=6),
        ),
        ("rudder", "dark", box(0.1, 1.3, 0.5, 0, -1.0, 0.43 * length)),
    ]
    for side in (-1, 1):
        shroud = rod((0.14 * length * side, 0, -0.6), (0, 0.9 * tall, -0.62), 0.02, sides=5)
        design.append(("shroud", "metal", shroud))
    if kind == "ketch":
        design += [
            ("mizzen", "metal", rod((0, 0, 4.3), (0, 8.5, 4.5), 0.08, 0.05)),
            ("boom", "metal", rod((0, 1.4, 4.4), (0, 1.4, 6.9), 0.06)),
            ("mizzen_sail", "trim", sail((4.45, 6.8), 1.5, (4.5, 8.3), 1.5, 0.4)),
            ("bowsprit", "wood", rod((0, 0.5, -6.2), (0, 0.9, -8.0), 0.1, 0.06)),
            ("flying_jib", "trim", sail((-7.9, -3.6), 1.0, (-1.1, 0.75 * tall), 1.8, 0.5)),
        ]
    return design


def tall_ship(masts: int = 3) -> Design:
    """Square-rigged ship with a bowsprit; one mast and a row of shields make a longship."""
    if masts == 1:
        design: Design = [
            ("hull", "wood", ship_hull(16, 3.4, 1.2, 0.6, 0.15, 0.3)),
            ("rail", "wood", bulwark(16, 3.4, 1.2, 0.3, 0.6, 0.15, 0.3)),
        ]
        prow = spline(
            [(0, 0.3, -8.2), (0, 1.4, -9.0), (0, 2.8, -9.3), (0, 3.4, -8.8), (0, 3.3, -9.5)], 18
        )
        stern = spline([(0, -0.2, 7.6), (0, 1.2, 8.4), (0, 2.6, 8.6), (0, 2.9, 8.1)], 14)
        design += [
            ("prow", "wood", tube(prow, np.linspace(0.24, 0.1, 18))),
            ("stern", "wood", tube(stern, np.linspace(0.2, 0.08, 14))),
        ]
        design += [
            ("mast", "wood", rod((0, 0, 0.3), (0, 8.2, 0.3), 0.17, 0.1)),
            ("yard", "wood", rod((-3.4, 7.2, 0.1), (3.4, 7.2, 0.1), 0.1)),
        ]
        design.append(("sail", "paint", square_sail(6.6, 5.2, 2.0, 0.0, 1.1)))
        shield = lathe(
            [(0, -0.05), (0.36, -0.03), (0.36, 0.02), (0.1, 0.07), (0, 0.12)], 16
        ).turned("z", -90)
        for z in np.linspace(-4.0, 4.5, 11):
            edge = 1.62 - 0.035 * z * z * 0.55
            design += [("shield", "trim", s) for s in pair(shield.moved(edge, 0.3, z))]
            oar = rod((edge, 0.0, z), (edge + 2.4, -1.5, z + 0.5), 0.05, sides=5)
            design += [("oar", "wood", o) for o in pair(oar)]
        return design
    design = [
        ("hull", "wood", ship_hull(22, 5.6, 3.0, 0.45, 0.7, 0.4)),
        ("rail", "wood", bulwark(22, 5.6, 3.0, 0.5, 0.45, 0.7, 0.4, 0.2)),
        ("poop", "wood", rounded_box(4.0, 1.3, 4.5, 0.15, 0, 0.9, 8.6)),
        ("cabin", "wood", rounded_box(2.4, 0.9, 3.0, 0.1, 0, 0.5, 2.0)),
        ("bowsprit", "wood", rod((0, 1.2, -10.5), (0, 3.2, -15.5), 0.2, 0.1)),
        ("jib", "trim", sail((-14.6, -8.4), 3.0, (-7.2, 11.5), 3.5, 0.8)),
    ]
    for k in range(7):
        design.append(("gallery", "glass", box(0.3, 0.45, 0.1, -1.5 + 0.5 * k, 1.0, 10.88)))
    for z, tall in ((-7.0, 14.0), (-0.3, 16.5), (6.2, 12.5))[:masts]:
        design.append(("mast", "wood", rod((0, 0, z), (0, tall + 1, z), 0.24, 0.1)))
        for k, (low, high) in enumerate(((0.14, 0.45), (0.48, 0.73), (0.76, 0.95))):
            wide = 7.6 - 1.6 * k
            design.append(
                (
                    "yard",
                    "wood",
                    rod(
                        (-0.5 * wide, high * tall, z - 0.3),
                        (0.5 * wide, high * tall, z - 0.3),
                        0.11,
                        sides=8,
                    ),
                )
            )
            design.append(
                (
                    "sail",
                    "trim",
                    square_sail(0.96 * wide, (high - low) * tall, low * tall, z - 0.4, 0.9),
                )
            )
        for side in (-1, 1):
            for dz in (0.3, 1.0):
                design.append(
                    (
                        "shroud",
                        "dark",
                        rod((2.5 * side, 0.4, z + dz), (0, 0.75 * tall, z), 0.035, sides=5),
                    )
                )
    return design


def cargo(kind: str) -> Design:
    """ "container", "bulk" with cranes, or "tanker"."""
    length, beam, depth = 40.0, 6.4, 4.0
    design: Design = [
        ("hull", "paint", ship_hull(length, beam, depth, 0.35, 0.85, 0.85)),
        ("rail", "paint", bulwark(length, beam, depth, 0.35, 0.35, 0.85, 0.85, 0.15)),
    ]
    aft = 15.0
    design += deck_house(
        [
            (5.6, 1.6, 4.0, 0.0, aft),
            (5.2, 1.5, 3.4, 1.6, aft),
            (5.2, 1.5, 3.2, 3.1, aft),
            (6.6, 1.3, 2.4, 4.6, aft - 0.3),
        ]
    )
    design += funnel(0, 3.0, aft + 3.0, 0.9, 3.0) + mast(5.9, aft, 2.6)
    if kind == "container":
        for i, z in enumerate(np.linspace(-14.5, 10.6, 9)):
            stack = (2, 3, 3, 4, 3, 4, 4, 3, 4)[i]
            for row in range(5):
                for level in range(stack - (i * 3 + row * 2) % 3 % 2):
                    wide = 1.16
                    if i == 0 and row in (0, 4):
                        continue
                    material = ("paint", "trim", "metal", "fabric")[(i + 2 * row + 3 * level) % 4]
                    at = (wide * 1.04 * (row - 2), 0.15 + 1.1 * level + 0.55, z)
                    design.append(("container", material, box(wide, 1.05, 2.8, *at)))
    elif kind == "tanker":
        design.append(("pipe", "metal", rod((0.5, 0.7, -15), (0.5, 0.7, 12), 0.24)))
        design.append(("pipe", "metal", rod((-0.5, 0.7, -15), (-0.5, 0.7, 12), 0.24)))
        design.append(("walkway", "metal", box(0.5, 0.1, 28, 0, 1.3, -1.4)))
        for z in np.linspace(-14, 10, 7):
            design.append(("frame", "metal", box(1.9, 1.2, 0.16, 0, 0.65, z)))
            for x in (-1.9, 1.9):
                design.append(
                    (
                        "hatch",
                        "metal",
                        lathe([(0, 0), (0.5, 0), (0.5, 0.4), (0.3, 0.55), (0, 0.55)], 14).moved(
                            x, 0.05, z + 1.6
                        ),
                    )
                )
        for z in (-2.6, 0.0):
            design.append(("crane", "metal", rod((0.0, 0, z), (0.0, 3.6, z), 0.2)))
            design.append(("jib", "metal", rod((0, 3.2, z), (2.4, 4.3, z - 0.6), 0.12)))
        design.append(("manifold", "metal", rod((-3.0, 0.8, -1.3), (3.0, 0.8, -1.3), 0.22)))
    else:
        for z in np.linspace(-12.5, 9.0, 5):
            design.append(("coaming", "metal", rounded_box(4.2, 0.9, 3.4, 0.12, 0, 0.4, z)))
            design.append(("hatch", "trim", rounded_box(4.5, 0.25, 3.6, 0.1, 0, 0.95, z)))
        for z in (-9.8, -4.4, 1.0, 6.4):
            design.append(("crane", "trim", rod((0, 0, z), (0, 4.2, z), 0.5, 0.42)))
            design.append(("cab", "trim", rounded_box(1.1, 1.1, 1.3, 0.15, 0, 4.4, z)))
            design.append(("jib", "metal", rod((0, 4.4, z - 0.5), (0, 6.6, z - 4.6), 0.22, 0.1, 8)))
            design.append(
                ("cable", "dark", rod((0, 5.0, z + 0.4), (0, 6.6, z - 4.6), 0.04, sides=5))
            )
    return design


def liner(kind: str) -> Design:
    """Passenger ships: "cruise" with many decks, "steamer" with four funnels, or "ferry"."""
    if kind == "ferry":
        design: Design = [("hull", "paint", ship_hull(24, 6.6, 2.6, 0.25, 0.95, 0.7))]
        design += deck_house(
            [(6.4, 1.8, 18.0, 0.0, 1.8), (6.0, 1.5, 15.0, 1.8, 2.0), (5.6, 1.3, 3.4, 3.3, -3.8)]
        )
        design += [f for x in (-1.8, 1.8) for f in funnel(x, 3.2, 6.5, 0.6, 2.2)] + mast(
            4.6, -3.4, 2.4
        )
        for side in (-1, 1):
            for z in np.linspace(-1.5, 8.0, 4):
                design.append(
                    ("lifeboat", "paint", ellipsoid(0.4, 0.4, 0.95, 3.1 * side, 3.5, z, 14))
                )
        return design
    if kind == "steamer":
        design = [
            ("hull", "dark", ship_hull(44, 5.0, 3.4, 0.4, 0.45, 0.6)),
            ("rail", "dark", bulwark(44, 5.0, 3.4, 0.3, 0.4, 0.45, 0.6, 0.15)),
        ]
        design += deck_house(
            [
                (4.4, 1.1, 28, 0, 0.5),
                (4.0, 1.1, 24, 1.1, 0.3),
                (3.4, 0.9, 18, 2.2, 0.0),
                (3.6, 0.9, 2.0, 3.1, -8.2),
            ]
        )
        for z in (-5.8, -1.6, 2.6, 6.8):
            design += funnel(0, 2.8, z, 0.95, 4.2)
        for z in (-14.5, 14.5):
            design.append(("mast", "wood", rod((0, 0, z), (0, 9.5, z + 0.8), 0.16, 0.08)))
        for side in (-1, 1):
            for z in np.linspace(-6, 8, 8):
                design.append(
                    ("lifeboat", "trim", ellipsoid(0.3, 0.28, 0.75, 1.95 * side, 2.6, z, 12))
                )
        return design
    design = [
        ("hull", "trim", ship_hull(44, 6.4, 3.2, 0.5, 0.8, 0.7)),
        ("rail", "trim", bulwark(44, 6.4, 3.2, 0.4, 0.5, 0.8, 0.7, 0.2)),
    ]
    for k in range(6):
        depth = 34.0 - 2.2 * k
        y, z = 0.1 + 1.05 * k, 2.6 + 0.35 * k
        design.append(
            ("deck", "trim", rounded_box(6.2 - 0.12 * k, 0.24, depth, 0.08, 0, y + 0.95, z))
        )
        design.append(
            ("cabins", "glass", rounded_box(5.6 - 0.12 * k, 0.9, depth - 0.7, 0.08, 0, y + 0.45, z))
        )
        for dz in np.linspace(-0.46, 0.46, 16):
            for side in (-1, 1):
                wall = box(0.28, 0.9, 0.1, (2.92 - 0.06 * k) * side, y + 0.45, z + dz * depth)
                design.append(("wall", "trim", wall))
    design += [("bridge", "glass", rounded_box(6.6, 0.8, 1.6, 0.1, 0, 5.0, -11.6))]
    design += funnel(0, 6.4, 13.0, 1.3, 2.8) + mast(6.6, -6.0, 2.8, 2)
    for side in (-1, 1):
        for z in np.linspace(-8, 14, 8):
            design.append(
                ("lifeboat", "paint", ellipsoid(0.42, 0.42, 1.0, 3.25 * side, 1.7, z, 12))
            )
    design.append(("pool", "glass", rounded_box(2.4, 0.16, 4.0, 0.05, 0, 6.42, 4.0)))
    return design


def work_boat(kind: str) -> Design:
    """ "tug" with tyre fenders, or "trawler" with booms and a gantry."""
    length, beam, depth = {
        "tug": (11.0, 4.2, 2.0),
        "trawler": (14.0, 4.2, 2.2),
    }[kind]
    design: Design = [
        ("hull", "paint", ship_hull(length, beam, depth, 0.55, 0.8, 0.4)),
        ("rail", "paint", bulwark(length, beam, depth, 0.4, 0.55, 0.8, 0.4, 0.14)),
    ]
    if kind == "tug":
        design += deck_house([(2.6, 1.5, 3.6, 0.0, -0.6), (2.2, 1.4, 1.9, 1.5, -1.0)])
        design += funnel(0, 1.4, 1.0, 0.45, 1.9) + mast(2.9, -0.9, 2.2, 2)
        tyre = torus(0.28, 0.12, 18, 8).turned("z", 90)
        for z in np.linspace(-2.6, 4.4, 7):
            edge = 0.5 * beam * (1.03 if z > -1.5 else 0.95)
            design += [("fender", "rubber", t) for t in pair(tyre.moved(edge, -0.25, z))]
        design.append(("bow_fender", "rubber", ellipsoid(0.7, 0.5, 0.5, 0, 0.9, -5.6, 14)))
        design.append(("winch", "metal", rod((-0.6, 0.4, 2.6), (0.6, 0.4, 2.6), 0.4)))
        return [*design, ("bitt", "metal", rod((0, 0, 3.7), (0, 0.8, 3.7), 0.15))]
    design += deck_house([(2.4, 1.6, 2.6, 0.1, -2.2), (2.0, 1.2, 1.6, 1.7, -2.3)]) + mast(
        2.9, -2.0, 2.6
    )
    gantry = fillet([(-1.7, 0, 5.0), (-1.6, 3.4, 5.2), (1.6, 3.4, 5.2), (1.7, 0, 5.0)], 0.4)
    design += [
        ("gantry", "metal", tube(gantry, 0.15)),
        ("mast", "metal", rod((0, 0, 0.6), (0, 6.2, 0.6), 0.16, 0.1)),
    ]
    for side in (-1, 1):
        design.append(
            ("boom", "metal", rod((0.2 * side, 1.2, 0.7), (3.2 * side, 5.2, 1.6), 0.1, 0.06))
        )
        design.append(("stay", "dark", rod((3.2 * side, 5.2, 1.6), (0, 6.0, 0.6), 0.03, sides=5)))
    design += [
        ("drum", "wood", rod((-1.0, 0.7, 3.4), (1.0, 0.7, 3.4), 0.55, sides=18)),
        ("stay", "dark", rod((0, 6.0, 0.6), (0, 1.2, -6.6), 0.03, sides=5)),
    ]
    return [
        *design,
        *(("crate", "wood", box(0.7, 0.5, 0.7, x, 0.25, 1.8)) for x in (-1.0, 0.0, 1.0)),
    ]


def speed_boat(kind: str) -> Design:
    """ "runabout", "cruiser", "inflatable" or "hover" craft."""
    if kind == "inflatable":
        path = fillet(
            [
                (1.0, 0.3, 2.4),
                (1.0, 0.3, -1.2),
                (0.0, 0.62, -2.9),
                (-1.0, 0.3, -1.2),
                (-1.0, 0.3, 2.4),
            ],
            1.3,
        )
        design: Design = [
            ("tube", "paint", tube(path, 0.32, 14)),
            ("floor", "dark", box(1.6, 0.12, 3.9, 0, 0.12, 0.4)),
        ]
        design += [
            ("cone", "paint", rod((x, 0.3, 2.4), (x, 0.3, 2.9), 0.32, 0.06, 14))
            for x in (-1.0, 1.0)
        ]
        design += [
            ("transom", "wood", box(1.6, 0.7, 0.12, 0, 0.35, 2.3)),
            ("engine", "dark", rounded_box(0.45, 0.7, 0.6, 0.15, 0, 0.95, 2.65)),
        ]
        design += [
            ("shaft", "dark", box(0.16, 0.9, 0.25, 0, 0.2, 2.65)),
            ("console", "trim", rounded_box(0.6, 0.9, 0.5, 0.1, 0, 0.6, 0.2)),
        ]
        design += [
            ("seat", "leather", rounded_box(0.6, 0.5, 0.8, 0.12, 0, 0.42, 1.2)),
            ("wheel", "dark", torus(0.2, 0.03, 20, 6).turned("x", 60).moved(0, 1.05, 0.5)),
        ]
        return [*design, ("thwart", "wood", box(1.5, 0.1, 0.4, 0, 0.4, -0.9))]
    if kind == "hover":
        ring = fillet(
            [
                (2.0, 0, 4.0),
                (2.0, 0, -2.8),
                (0.9, 0, -4.4),
                (-0.9, 0, -4.4),
                (-2.0, 0, -2.8),
                (-2.0, 0, 4.0),
            ],
            1.0,
            closed=True,
        )
        design = [
            ("skirt", "rubber", tube(ring, 0.6, 12, closed=True)),
            ("deck", "trim", rounded_box(3.8, 0.5, 7.6, 0.2, 0, 0.4, -0.1)),
        ]
        design += deck_house([(2.6, 1.3, 4.0, 0.6, -1.0)])
        for x in (-1.0, 1.0):
            design.append(
                (
                    "duct",
                    "paint",
                    torus(0.85, 0.14, 28, 8).turned("x", 90).scaled(z=2.2).moved(x, 1.7, 3.2),
                )
            )
            design.append(("hub", "dark", rod((x, 1.7, 2.9), (x, 1.7, 3.4), 0.16)))
            for k in range(4):
                design.append(
                    (
                        "blade",
                        "dark",
                        box(0.16, 0.8, 0.05, 0, 0.4, 0)
                        .turned("z", 90 * k + 20)
                        .moved(x, 1.7, 3.15),
                    )
                )
            design.append(("post", "metal", box(0.2, 0.9, 0.4, x, 0.8, 3.2)))
            design.append(("rudder", "paint", box(0.08, 1.5, 0.5, x, 1.7, 4.0)))
        return design
    if kind == "cruiser":
        design = [("hull", "trim", ship_hull(13, 3.9, 1.7, 0.5, 0.85, 0.35))]
        cabin = [
            (-4.4, -0.1, 0.45, 0.6),
            (-2.6, -0.1, 0.95, 1.3),
            (-1.4, -0.1, 1.9, 1.5),
            (2.8, -0.1, 2.0, 1.55),
            (3.4, -0.1, 1.9, 1.45),
        ]
        glass = [(-2.3, 0.75, 1.05, 1.22), (-1.25, 0.95, 1.75, 1.53), (2.6, 1.05, 1.75, 1.6)]
        design += [
            ("cabin", "trim", hull(cabin, 4.5, 26, 20)),
            ("glass", "glass", hull(glass, 6.0, 24, 12)),
        ]
        design.append(
            (
                "flybridge",
                "trim",
                hull(
                    [(-0.6, 1.9, 2.2, 0.9), (0.1, 1.9, 2.6, 1.2), (2.8, 1.9, 2.5, 1.2)], 5.0, 22, 10
                ),
            )
        )
        arch = fillet([(-1.3, 1.8, 2.6), (-1.1, 3.6, 3.2), (1.1, 3.6, 3.2), (1.3, 1.8, 2.6)], 0.4)
        rail = spline([(1.5, 0.9, 0.0), (1.35, 1.2, -3.0), (0.5, 1.5, -5.8), (0, 1.55, -6.6)], 14)
        design += [
            ("arch", "trim", tube(arch, 0.14)),
            *(("rail", "metal", r) for r in pair(tube(rail, 0.035, 6))),
        ]
        for z in (-1.5, -3.0, -4.6):
            x = float(np.interp(z, rail[::-1, 2], rail[::-1, 0]))
            design += [
                ("stanchion", "metal", s)
                for s in pair(rod((x, 0.1, z), (x, 1.2, z), 0.03, sides=6))
            ]
        return [*design, ("platform", "wood", rounded_box(3.0, 0.14, 1.3, 0.05, 0, -0.7, 6.6))]
    body = ship_hull(7.2, 2.3, 0.95, 0.25, 0.85, 0.2, 0.5)
    design = [("hull", "paint", body)]
    screen = sheet(
        np.array(
            [
                [(x, 0.15 + h * 0.5, -0.7 + 0.35 * abs(x) ** 2 + 0.28 * h) for h in (0, 1)]
                for x in np.linspace(-0.95, 0.95, 11)
            ]
        ),
        0.05,
    )
    design += [
        ("screen", "glass", screen),
        ("cockpit", "dark", rounded_box(1.7, 0.12, 2.6, 0.05, 0, 0.05, 1.0)),
    ]
    for z in (0.5, 1.7):
        design += [
            ("seat", "leather", s) for s in pair(rounded_box(0.66, 0.2, 0.55, 0.08, 0.42, 0.18, z))
        ]
        design += [
            ("back", "leather", s)
            for s in pair(rounded_box(0.66, 0.5, 0.16, 0.07, 0.42, 0.38, z + 0.32))
        ]
    design += [
        ("wheel", "dark", torus(0.17, 0.025, 20, 6).turned("x", 60).moved(0.42, 0.42, 0.0)),
        ("engine", "dark", rounded_box(0.5, 0.75, 0.6, 0.16, 0, 0.35, 3.75)),
    ]
    return [
        *design,
        ("leg", "dark", box(0.18, 1.0, 0.3, 0, -0.4, 3.85)),
        ("stripe", "trim", rounded_box(0.16, 0.06, 2.2, 0.02, 0, 0.24, -2.0)),
    ]


def open_boat(kind: str) -> Design:
    """Thin shells: "rowing" with oars, "kayak" or "gondola"."""
    length, beam, depth, rise = {
        "rowing": (4.0, 1.4, 0.5, 0.25),
        "gondola": (10.5, 1.5, 0.55, 1.1),
        "kayak": (4.6, 0.66, 0.3, 0.12),
    }[kind]
    stern = 0.7 if kind == "rowing" else 0.02
    t = np.linspace(0.0, 1.0, 28)
    entry, run = np.clip(t / 0.5, 0, 1), np.clip((1 - t) / 0.5, 0, 1)
    wide = (
        0.5
        * beam
        * (0.02 + 0.98 * np.sin(0.5 * np.pi * entry) ** 0.85)
        * (stern + (1 - stern) * np.sin(0.5 * np.pi * run) ** 0.85)
    )
    lift = rise * np.abs(2 * t - 1) ** 3
    if kind == "rowing":
        lift = rise * np.where(t < 0.5, (1 - 2 * t) ** 2, 0.3 * (2 * t - 1) ** 2)
    floor = -depth + 0.75 * (lift + 0.2 * depth * (1 - entry) ** 3)
    angle = np.linspace(0, np.pi, 17)
    z = length * (t - 0.5)
    if kind == "kayak":
        rows = [
            (
                -0.5 * length + length * s,
                -depth + 0.5 * depth * abs(2 * s - 1) ** 3,
                0.04 + rise * abs(2 * s - 1) ** 2 * 0.7,
                max(0.5 * beam * np.sin(np.pi * s) ** 0.9, 0.01),
            )
            for s in np.linspace(0, 1, 24)
        ]
        design: Design = [
            ("hull", "paint", hull(rows, 2.2, 22)),
            ("coaming", "dark", torus(0.27, 0.035, 28, 8).scaled(0.85, 1, 1.6).moved(0, 0.04, 0.2)),
        ]
        design += [
            ("seat", "dark", rounded_box(0.36, 0.2, 0.1, 0.04, 0, 0.12, 0.5)),
            (
                "hatch",
                "dark",
                lathe([(0, 0), (0.16, 0), (0.14, 0.05), (0, 0.06)], 18).moved(0, 0.03, -1.2),
            ),
        ]
        design.append(
            ("paddle", "wood", rod((-1.05, 0.42, -0.25), (1.05, 0.3, -0.05), 0.018, sides=8))
        )
        for side, y, zz in ((-1, 0.44, -0.27), (1, 0.28, -0.03)):
            design.append(("blade", "trim", ellipsoid(0.24, 0.03, 0.09, 1.2 * side, y, zz, 12)))
        return design
    grid = np.stack(
        [
            np.column_stack(
                [
                    w * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.6,
                    f + (h - f) * (1 - np.sin(angle) ** 0.75),
                    np.full(17, zz),
                ]
            )
            for w, h, f, zz in zip(wide, lift, floor, z, strict=True)
        ]
    )
    design = [("shell", "wood", sheet(grid, 0.035))]
    for column in (0, -1):
        design.append(("gunwale", "wood", tube(grid[:, column], 0.032, 8)))
    for zz in {"rowing": (-0.9, 0.2, 1.3), "gondola": (-0.4, 1.0)}[kind]:
        w = float(np.interp(zz, z, wide)) * 1.86
        design.append(("thwart", "wood", box(w, 0.035, 0.24, 0, -0.32 * depth, zz)))
    if kind == "rowing":
        design.append(("transom", "wood", box(1.9 * wide[-1], 0.42, 0.05, 0, -0.1, 1.98)))
        for side in (-1, 1):
            design.append(
                (
                    "oar",
                    "wood",
                    rod((0.3 * side, 0.3, 0.5), (1.75 * side, -0.3, -0.4), 0.024, sides=8),
                )
            )
            blade = (
                rounded_box(0.5, 0.03, 0.15, 0.012).turned("z", -20 * side).turned("y", 30 * side)
            )
            design.append(("blade", "wood", blade.moved(1.95 * side, -0.38, -0.52)))
            design.append(
                ("rowlock", "metal", rod((0.67 * side, 0, 0.25), (0.67 * side, 0.16, 0.25), 0.03))
            )
        return design
    prow = spline([(0, 0.9, -5.2), (0, 1.7, -5.5), (0, 2.1, -5.2), (0, 1.9, -4.9)], 14)
    design += [("prow", "metal", tube(prow, np.linspace(0.09, 0.05, 14), 8))]
    design += [
        ("tooth", "metal", box(0.04, 0.06, 0.3, 0, 1.15 + 0.16 * k, -5.55)) for k in range(4)
    ]
    cabin = np.array(
        [
            [
                (0.6 * np.cos(a), -0.1 + 1.05 * np.sin(a) ** 0.7, zz)
                for a in np.linspace(0.05, np.pi - 0.05, 16)
            ]
            for zz in np.linspace(-0.1, 1.4, 5)
        ]
    )
    design += [
        ("cabin", "fabric", sheet(cabin, 0.05)),
        ("seat", "leather", rounded_box(0.9, 0.5, 0.18, 0.07, 0, 0.0, 2.0)),
    ]
    return [
        *design,
        ("oar", "wood", rod((0.4, 1.2, 3.6), (1.6, -0.7, 1.9), 0.03, sides=8)),
        ("post", "wood", rod((0.55, 0.1, 3.2), (0.6, 0.6, 3.1), 0.05)),
    ]


def submarine() -> Design:
    """Cigar hull with a sail, planes and a seven-bladed screw."""
    body = hull(
        [
            (-16, -0.3, 0.3, 0.3),
            (-15.2, -1.2, 1.2, 1.2),
            (-12.5, -1.75, 1.75, 1.75),
            (6, -1.75, 1.75, 1.75),
            (14, -0.5, 0.6, 0.55),
            (16, -0.2, 0.2, 0.2),
        ],
        2.0,
        26,
        34,
    )
    tower = hull(
        [
            (-7.2, 1.2, 3.6, 0.1),
            (-6.4, 1.2, 3.9, 0.55),
            (-4.0, 1.2, 3.9, 0.6),
            (-1.6, 1.2, 3.5, 0.12),
        ],
        3.0,
        20,
        16,
    )
    design: Design = [
        ("hull", "dark", body),
        ("tower", "dark", tower),
        ("deck", "dark", rounded_box(1.3, 0.4, 19, 0.15, 0, 1.75, -2.0)),
    ]
    design += [
        ("plane", "dark", p) for p in pair(rounded_box(2.4, 0.14, 1.1, 0.06, 1.5, 3.1, -5.4))
    ]
    for k in range(4):
        design.append(
            ("fin", "dark", rounded_box(0.18, 2.2, 1.6, 0.08, 0, 1.4, 13.2).turned("z", 90 * k))
        )
    for k in range(7):
        blade = ellipsoid(0.22, 0.7, 0.05, 0, 0.75, 0, 10).turned("y", 35).turned("z", 360 / 7 * k)
        design.append(("blade", "metal", blade.moved(z=15.9)))
    for z, tall in ((-5.6, 1.8), (-4.9, 2.3), (-4.2, 1.5)):
        design.append(("periscope", "metal", rod((0, 3.6, z), (0, 3.8 + tall, z), 0.1, sides=10)))
    return design


def warship() -> Design:
    """Destroyer: long hull, stepped house, gun turrets, lattice of masts."""
    design: Design = [
        ("hull", "metal", ship_hull(44, 4.6, 3.0, 0.5, 0.7, 0.5)),
        ("rail", "metal", bulwark(44, 4.6, 3.0, 0.12, 0.5, 0.7, 0.5, 0.1)),
    ]
    design += [
        (n, "metal" if m == "trim" else m, p)
        for n, m, p in deck_house(
            [
                (3.8, 1.5, 10, 0, -4),
                (3.2, 1.4, 5, 1.5, -5.6),
                (2.6, 1.2, 2.8, 2.9, -6),
                (3.6, 1.4, 7, 0, 7.5),
                (2.6, 1.1, 3.4, 1.4, 7),
            ]
        )
    ]
    design += (
        funnel(0, 1.4, -0.6, 0.8, 2.6)
        + funnel(0, 1.2, 3.8, 0.7, 2.2)
        + mast(4.0, -4.9, 5.0, 3)
        + mast(2.4, 6.6, 3.4, 2)
    )
    for z, y, aim in ((-14.5, 0.5, 0), (-11.2, 0.9, 0), (13.6, 0.2, 180)):
        turret = hull(
            [(-1.2, 0, 0.8, 0.7), (-0.6, 0, 1.2, 0.95), (1.0, 0, 1.15, 0.9), (1.3, 0, 0.9, 0.7)],
            4.5,
            18,
        ).turned("y", aim)
        design.append(("turret", "metal", turret.moved(0, y, z)))
        for x in (-0.28, 0.28):
            barrel = rod((x, 0.7, -1.0), (x, 0.95, -3.8), 0.13, 0.09, 10).turned("y", aim)
            design.append(("barrel", "dark", barrel.moved(0, y, z)))
    for x, z in zip((-1.3, 1.3), (3.0, 3.0), strict=True):
        design.append(("tubes", "dark", rounded_box(0.7, 0.7, 2.6, 0.1, x, 0.9, z)))
    design.append(("dome", "trim", ellipsoid(0.7, 0.7, 0.7, 0, 3.0, 8.6)))
    return design


def paddle_steamer() -> Design:
    """River boat: two galleried decks, tall twin stacks, a wheel at the stern."""
    design: Design = [("hull", "trim", ship_hull(22, 5.6, 1.4, 0.15, 0.95, 0.7))]
    for level in range(3):
        depth, y = (17.0, 14.5, 5.0)[level], 0.1 + 1.7 * level
        z = (0.6, 0.6, -1.4)[level]
        design.append(
            ("cabin", "trim", box(3.9 - 0.8 * (level == 2), 1.55, depth - 2.0, 0, y + 0.78, z))
        )
        design.append(
            ("windows", "glass", box(3.96 - 0.8 * (level == 2), 0.6, depth - 3.0, 0, y + 0.9, z))
        )
        design.append(
            ("deck", "wood", rounded_box(5.6 - 0.6 * level, 0.14, depth, 0.05, 0, y + 1.62, z))
        )
        if level < 2:
            for side in (-1, 1):
                for dz in np.linspace(-0.47, 0.47, 10):
                    design.append(
                        (
                            "post",
                            "trim",
                            rod(
                                ((2.65 - 0.3 * level) * side, y, z + dz * depth),
                                ((2.65 - 0.3 * level) * side, y + 1.6, z + dz * depth),
                                0.07,
                                sides=6,
                            ),
                        )
                    )
                design.append(
                    (
                        "rail",
                        "trim",
                        rod(
                            ((2.65 - 0.3 * level) * side, y + 0.7, z - 0.47 * depth),
                            ((2.65 - 0.3 * level) * side, y + 0.7, z + 0.47 * depth),
                            0.05,
                            sides=6,
                        ),
                    )
                )
    for side in (-1, 1):
        stack = lathe(
            [(0, 0), (0.32, 0), (0.28, 5.0), (0.55, 5.5), (0.5, 5.6), (0, 5.4)], 18
        ).moved(1.3 * side, 3.4, -5.4)
        design += [
            ("stack", "dark", stack),
            ("arm", "wood", box(0.2, 0.4, 4.2, 2.2 * side, 0.6, 11.0)),
        ]
        design.append(
            ("wheel", "paint", torus(1.7, 0.1, 32, 6).turned("z", 90).moved(1.9 * side, 0.6, 12.2))
        )
    design.append(("axle", "metal", rod((-2.2, 0.6, 12.2), (2.2, 0.6, 12.2), 0.14)))
    for angle in range(0, 360, 30):
        paddle = box(3.9, 0.6, 0.08, 0, 1.5, 0).turned("x", angle).moved(0, 0.6, 12.2)
        design.append(("paddle", "paint", paddle))
        for side in (-1, 1):
            spoke = (
                rod((1.9 * side, 0, 0), (1.9 * side, 1.7, 0), 0.05, sides=5)
                .turned("x", angle)
                .moved(0, 0.6, 12.2)
            )
            design.append(("spoke", "paint", spoke))
    return design


DESIGNS = (
    partial(sailing, "sloop"),
    partial(cargo, "container"),
    partial(work_boat, "tug"),
    partial(speed_boat, "runabout"),
    submarine,
    partial(open_boat, "rowing"),
    partial(liner, "ferry"),
    tall_ship,
    partial(sailing, "catamaran"),
    partial(liner, "cruise"),
    partial(open_boat, "kayak"),
    warship,
    partial(speed_boat, "cruiser"),
    partial(cargo, "tanker"),
    partial(sailing, "junk"),
    partial(work_boat, "trawler"),
    paddle_steamer,
    partial(speed_boat, "inflatable"),
    partial(open_boat, "gondola"),
    partial(liner, "steamer"),
    partial(speed_boat, "hover"),
    partial(tall_ship, 1),
    partial(cargo, "bulk"),
    partial(sailing, "ketch"),
)
