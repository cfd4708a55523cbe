"""Motorcycles: road bikes, cruisers, racers, dirt bikes, scooters, three- and four-wheelers."""

from __future__ import annotations

from functools import partial

import numpy as np

from ..curves import fillet, spline
from ..parts import (
    box,
    cushion,
    ellipsoid,
    extrude,
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
from .motorcycle_parts import (
    Chassis,
    create_wheel,
    engine,
    exhaust,
    fender,
    frame,
    front_end,
    mirrors,
    rear_end,
    saddle,
    tail_lamp,
    tank,
)


def naked(kind: str = "standard") -> Design:
    """Upright road bike: "standard", "cafe", "boxer" or "tracker"."""
    chassis = Chassis(spokes=24 if kind != "standard" else 0)
    design = front_end(
        chassis,
        "clip" if kind == "cafe" else "wide" if kind == "tracker" else "flat",
        "plate" if kind == "tracker" else "round",
    )
    design += rear_end(chassis) + frame(chassis)
    design += engine({"standard": "four", "cafe": "single", "boxer": "boxer", "tracker": "v"}[kind])
    design += exhaust(
        {"standard": "four", "cafe": "long", "boxer": "long", "tracker": "high"}[kind]
    )
    design.append(
        (
            "tank",
            "paint",
            tank("long" if kind == "cafe" else "peanut" if kind == "tracker" else "tear"),
        )
    )
    design += saddle(chassis, "hump" if kind in ("cafe", "tracker") else "bench")
    design.append(("fender", "paint", fender(0.34, 0.15, 0.31, -0.72, 25, 150)))
    if kind != "tracker":
        design += [("fender", "paint", fender(0.37, 0.19, 0.33, 0.7, 10, 110)), *mirrors(chassis)]
    if kind == "cafe":
        cowl = sheet(
            np.array(
                [
                    [
                        (
                            0.17 * np.sin(a) * (1 - 0.35 * t),
                            0.72 + 0.3 * t + 0.04 * np.cos(a),
                            -0.5 - 0.14 * np.cos(a) + 0.14 * t,
                        )
                        for a in np.linspace(-1.4, 1.4, 13)
                    ]
                    for t in np.linspace(0, 1, 6)
                ]
            ),
            0.01,
        )
        design.append(("cowl", "paint", cowl))
    side_panel = extrude([(0.2, 0.5), (0.4, 0.48), (0.36, 0.68), (0.16, 0.68)], 0.03, 0.008)
    design += [("panel", "paint", p) for p in pair(side_panel.moved(0.14))]
    return design + tail_lamp(0.78, 0.92)


def cruiser(kind: str = "cruiser") -> Design:
    """Long and low: "cruiser", "bobber", "chopper" or "bagger"."""
    if kind == "chopper":
        chassis = Chassis((0.36, 0.32), (-1.3, 0.72), (0.04, 0.1), (0.98, -0.42), 36, 0.6)
    else:
        chassis = Chassis(
            (0.32, 0.32),
            (-0.92, 0.76),
            (0.075, 0.085),
            (0.88, -0.46),
            26 if kind != "bagger" else 0,
            0.64,
        )
    design = front_end(chassis, {"chopper": "high", "bobber": "flat"}.get(kind, "swept"))
    design += (
        rear_end(chassis, "" if kind == "chopper" else "twin")
        + frame(chassis)
        + engine("v")
        + exhaust("long")
    )
    design.append(
        ("tank", "paint", tank("peanut" if kind in ("chopper", "bobber") else "tear", 0.74))
    )
    design += saddle(chassis, "solo" if kind in ("chopper", "bobber") else "stepped")
    design.append(("fender", "paint", fender(0.37, 0.24, 0.32, chassis.axles[1], 5, 140)))
    if kind in ("cruiser", "bagger"):
        design.append(("fender", "paint", fender(0.36, 0.19, 0.32, chassis.axles[0], 0, 150)))
    if kind == "chopper":
        for x in (-0.13, 0.13):
            bar = spline([(x, 0.36, 0.76), (x, 0.8, 0.72), (0.9 * x, 1.35, 0.88)], 12)
            design.append(("sissy_bar", "metal", tube(bar, 0.012, 8)))
        design.append(("sissy_bar", "metal", rod((-0.12, 1.34, 0.88), (0.12, 1.34, 0.88), 0.012)))
        design.append(
            ("pad", "leather", cushion(0.2, 0.3, 0.06, 4.0).turned("x", 8).moved(0, 1.05, 0.76))
        )
    if kind == "bagger":
        bag = hull(
            [
                (0.42, 0.36, 0.62, 0.09),
                (0.55, 0.34, 0.68, 0.12),
                (1.0, 0.34, 0.68, 0.12),
                (1.16, 0.42, 0.6, 0.08),
            ],
            4.0,
            20,
            14,
        )
        design += [("bag", "paint", b) for b in pair(bag.moved(0.28))]
        bat = hull(
            [
                (-0.78, 0.86, 0.98, 0.2),
                (-0.68, 0.8, 1.08, 0.34),
                (-0.52, 0.84, 1.12, 0.36),
                (-0.46, 0.9, 1.08, 0.32),
            ],
            2.6,
            24,
            14,
        )
        screen = sheet(
            np.array(
                [
                    [
                        (0.3 * s * (1 - 0.2 * t), 1.06 + 0.22 * t, -0.62 + 0.12 * s * s + 0.08 * t)
                        for s in np.linspace(-1, 1, 9)
                    ]
                    for t in (0, 0.5, 1.0)
                ]
            ),
            0.012,
        )
        design += [("fairing", "paint", bat), ("screen", "glass", screen)]
        design.append(("case", "paint", rounded_box(0.5, 0.32, 0.42, 0.08, 0, 0.9, 1.0)))
        design.append(("backrest", "leather", rounded_box(0.4, 0.24, 0.08, 0.035, 0, 0.92, 0.76)))
    return design + mirrors(chassis, 0.32) + tail_lamp(0.66, 1.08)


def sport(kind: str = "full") -> Design:
    """Race replica: "full" or "half" fairing, or "tourer" with panniers."""
    chassis = Chassis((0.3, 0.31), (-0.68, 0.7), (0.06, 0.095), (0.84, -0.38), 0, 0.82)
    design = front_end(
        chassis, "flat" if kind == "tourer" else "clip", "", upside_down=True
    ) + rear_end(chassis, "mono")
    design.append(("tank", "paint", tank("slab", 0.84)))
    design.append(("fender", "paint", fender(0.33, 0.14, 0.3, -0.68, 30, 140)))
    nose = hull(
        [
            (-0.86, 0.74, 0.84, 0.06),
            (-0.76, 0.68, 0.95, 0.16),
            (-0.58, 0.66, 1.04, 0.23),
            (-0.38, 0.7, 1.0, 0.24),
        ],
        2.4,
        22,
        14,
    )
    design.append(("nose", "paint", nose))
    screen = hull(
        [(-0.68, 0.9, 0.99, 0.1), (-0.52, 0.92, 1.15, 0.15), (-0.42, 0.95, 1.17, 0.14)], 2.2, 18, 8
    )
    design.append(("screen", "glass", screen))
    for side in (-1, 1):
        lamp = ellipsoid(0.07, 0.03, 0.06, 0.085 * side, 0.8, -0.79, 12)
        design.append(("headlamp", "light", lamp))
    if kind != "half":
        outline = [
            (-0.62, 0.78),
            (-0.3, 0.84),
            (0.05, 0.7),
            (0.2, 0.45),
            (0.3, 0.24),
            (0.02, 0.18),
            (-0.3, 0.22),
            (-0.42, 0.42),
        ]
        side_fairing = extrude(outline, 0.06, 0.02)
        design += [("fairing", "paint", f) for f in pair(side_fairing.moved(0.2))]
        vent = extrude([(-0.3, 0.62), (-0.08, 0.62), (-0.16, 0.4), (-0.28, 0.42)], 0.02, 0.004)
        design += [("vent", "dark", v) for v in pair(vent.moved(0.235))]
        design.append(
            (
                "belly",
                "paint",
                hull(
                    [(-0.4, 0.2, 0.36, 0.16), (-0.1, 0.14, 0.4, 0.2), (0.3, 0.18, 0.34, 0.18)],
                    3.0,
                    18,
                    10,
                ),
            )
        )
    else:
        design += engine("four") + frame(chassis)
    tail = hull(
        [
            (0.3, 0.76, 0.84, 0.14),
            (0.5, 0.8, 0.92, 0.15),
            (0.8, 0.93, 1.02, 0.1),
            (0.98, 1.0, 1.04, 0.05),
        ],
        3.0,
        20,
        14,
    )
    design += [
        ("tail", "paint", tail),
        ("seat", "leather", rounded_box(0.28, 0.06, 0.34, 0.025, 0, 0.85, 0.32)),
    ]
    design.append(("crankcase", "dark", rounded_box(0.32, 0.3, 0.46, 0.06, 0, 0.38, 0.02)))
    for x in (-0.17, 0.17):
        spar = fillet([(0.3 * x, 0.84, -0.36), (x, 0.76, -0.05), (x, 0.42, 0.26)], 0.1)
        design.append(("spar", "metal", tube(spar, 0.035, 8)))
    if kind == "tourer":
        bag = hull(
            [
                (0.4, 0.42, 0.7, 0.09),
                (0.5, 0.38, 0.76, 0.12),
                (0.92, 0.4, 0.78, 0.12),
                (1.05, 0.5, 0.7, 0.08),
            ],
            4.0,
            20,
            12,
        )
        design += [("bag", "paint", b) for b in pair(bag.moved(0.27))] + exhaust("four")
        return (
            design
            + mirrors(chassis, 0.2)
            + [("case", "paint", rounded_box(0.42, 0.3, 0.36, 0.08, 0, 1.1, 0.86))]
        )
    return design + exhaust("under" if kind == "full" else "four") + mirrors(chassis, 0.2)


def dirt(kind: str = "motocross") -> Design:
    """Off the road: "motocross", "adventure", "scrambler" or "trials"."""
    chassis = Chassis(
        (0.36, 0.34),
        (-0.76, 0.72),
        (0.05, 0.065),
        (1.02, -0.4),
        32,
        0.92 if kind != "trials" else 0.7,
    )
    design = front_end(
        chassis, "wide", "round" if kind == "scrambler" else "plate", upside_down=True
    )
    design += (
        rear_end(chassis, "mono")
        + frame(chassis)
        + engine("single" if kind != "adventure" else "boxer")
        + exhaust("high")
    )
    if kind == "trials":
        design.append(
            (
                "tank",
                "paint",
                hull(
                    [
                        (-0.36, 0.84, 0.96, 0.07),
                        (-0.2, 0.74, 0.9, 0.09),
                        (0.3, 0.68, 0.76, 0.06),
                        (0.8, 0.72, 0.78, 0.05),
                    ],
                    2.6,
                    18,
                    14,
                ),
            )
        )
    else:
        design.append(("tank", "paint", tank("slab" if kind == "adventure" else "peanut", 0.92)))
        design += saddle(
            chassis,
            "bench" if kind == "scrambler" else "plank" if kind == "motocross" else "stepped",
        )
    high_front = sheet(
        np.array(
            [
                [
                    (
                        0.07 * a * (1 - 0.3 * abs(t - 0.4)),
                        0.82 - 0.12 * (t - 0.35) ** 2 * 2 - 0.02 * a * a,
                        -1.12 + 0.7 * t,
                    )
                    for a in np.linspace(-1, 1, 5)
                ]
                for t in np.linspace(0, 1, 9)
            ]
        ),
        0.01,
    )
    if kind == "scrambler":
        design.append(("fender", "metal", fender(0.4, 0.13, 0.36, -0.76, 30, 140)))
        design.append(("fender", "metal", fender(0.39, 0.16, 0.35, 0.72, 20, 110)))
    else:
        design.append(("fender", "paint", high_front))
        rear = spline(
            [
                (0.5, chassis.seat_y - 0.06),
                (0.75, chassis.seat_y + 0.0),
                (1.08, chassis.seat_y + 0.1),
            ],
            8,
        )
        grid = np.array(
            [[(0.08 * a, y - 0.02 * a * a, z) for a in np.linspace(-1, 1, 5)] for z, y in rear]
        )
        design.append(("fender", "paint", sheet(grid, 0.012)))
    if kind == "motocross":
        shroud = extrude(
            [(-0.44, 0.98), (-0.1, 1.0), (0.08, 0.86), (-0.2, 0.66), (-0.34, 0.62)], 0.03, 0.01
        )
        panel = extrude([(0.2, 0.86), (0.74, 0.98), (0.6, 0.74), (0.26, 0.62)], 0.025, 0.008)
        design += [("shroud", "paint", s) for s in pair(shroud.moved(0.15))]
        design += [("number_plate", "trim", p) for p in pair(panel.moved(0.13))]
    if kind == "adventure":
        beak = extrude([(-0.98, 0.86), (-0.5, 1.0), (-0.4, 0.86), (-0.6, 0.8)], 0.16, 0.03)
        screen = sheet(
            np.array(
                [
                    [
                        (0.17 * s * (1 - 0.15 * t), 1.04 + 0.34 * t, -0.6 + 0.1 * s * s + 0.16 * t)
                        for s in np.linspace(-1, 1, 7)
                    ]
                    for t in (0, 0.5, 1.0)
                ]
            ),
            0.012,
        )
        design += [("beak", "paint", beak), ("screen", "glass", screen)]
        design += [
            ("case", "metal", c) for c in pair(rounded_box(0.22, 0.36, 0.44, 0.03, 0.3, 0.68, 0.78))
        ]
        design.append(("top_case", "metal", rounded_box(0.42, 0.26, 0.34, 0.03, 0, 1.12, 0.9)))
        for x in (-0.22, 0.22):
            bar = fillet(
                [(x, 0.28, 0.1), (x + 0.06 * np.sign(x), 0.26, -0.3), (x, 0.75, -0.42)], 0.15
            )
            design.append(("crash_bar", "metal", tube(bar, 0.014, 8)))
        design += mirrors(chassis, 0.3)
    return design + tail_lamp(chassis.seat_y + 0.02, 0.95)


def scooter(kind: str = "classic") -> Design:
    """Step-through with leg shield: "classic", "maxi" or "moped"."""
    chassis = Chassis((0.22, 0.22), (-0.6, 0.6), (0.05, 0.055), (0.9, -0.46), 0, 0.74)
    if kind == "moped":
        chassis = Chassis((0.3, 0.3), (-0.62, 0.56), (0.035, 0.035), (0.92, -0.42), 28, 0.78)
        design = front_end(chassis, "swept") + rear_end(chassis)
        spine = spline([(0, 0.84, -0.4), (0, 0.5, -0.2), (0, 0.42, 0.1), (0, 0.66, 0.5)], 20)
        design += [
            ("spine", "paint", tube(spine, 0.06, 12)),
            ("engine", "metal", rounded_box(0.2, 0.18, 0.3, 0.05, 0, 0.3, 0.08)),
        ]
        design += [
            ("cylinder", "dark", rod((0, 0.32, -0.05), (0, 0.36, -0.26), 0.06)),
            ("post", "metal", rod((0, 0.5, 0.24), (0, 0.76, 0.3), 0.02)),
        ]
        design += [
            ("seat", "leather", cushion(0.24, 0.1, 0.32, 3.0, 0, 0.79, 0.32)),
            ("rack", "metal", box(0.2, 0.025, 0.36, 0, 0.7, 0.68)),
        ]
        for side in (-1, 1):
            design.append(
                (
                    "strut",
                    "metal",
                    rod((0.08 * side, 0.3, 0.56), (0.09 * side, 0.7, 0.8), 0.01, sides=6),
                )
            )
            design.append(
                (
                    "pedal",
                    "dark",
                    rod(
                        (0.1 * side, 0.26 + 0.08 * side, 0.1),
                        (0.24 * side, 0.26 + 0.08 * side, 0.1),
                        0.02,
                    ),
                )
            )
        design += [("fender", "paint", fender(0.33, 0.1, 0.3, z, 10, 150)) for z in chassis.axles]
        return [
            *design,
            ("silencer", "metal", rod((0.12, 0.22, 0.1), (0.13, 0.26, 0.66), 0.03, 0.035)),
            *tail_lamp(0.62, 0.88),
        ]
    design = create_wheel(0.22, 0.05, 0.22, -0.6, 0) + create_wheel(0.22, 0.055, 0.22, 0.6, 0)
    design.append(("column", "metal", rod((0, 0.24, -0.6), (0, 0.95, -0.4), 0.035)))
    shield = np.array(
        [
            [
                (
                    s * (0.16 + 0.1 * np.sin(np.pi * min(t + 0.1, 1))),
                    0.28 + 0.58 * t,
                    -0.3 - 0.17 * t + 0.09 * s * s,
                )
                for s in np.linspace(-1, 1, 11)
            ]
            for t in np.linspace(0, 1, 9)
        ]
    )
    design += [
        ("shield", "paint", sheet(shield, 0.03)),
        ("floor", "paint", rounded_box(0.4, 0.07, 0.56, 0.03, 0, 0.25, -0.06)),
    ]
    body = hull(
        [
            (0.14, 0.24, 0.66, 0.11),
            (0.26, 0.26, 0.7, 0.2),
            (0.55, 0.3, 0.72, 0.24),
            (0.8, 0.4, 0.68, 0.17),
            (0.9, 0.5, 0.62, 0.06),
        ],
        2.4,
        24,
        18,
    )
    design += [
        ("body", "paint", body),
        ("fender", "paint", ellipsoid(0.085, 0.16, 0.27, 0, 0.36, -0.6)),
    ]
    design.append(("seat", "leather", rounded_box(0.28, 0.1, 0.66, 0.045, 0, 0.76, 0.48)))
    bar = spline([(0, 0.96, -0.42), (0.14, 0.99, -0.4), (0.34, 1.0, -0.28)], 8)
    design += [("handlebar", "metal", h) for h in pair(tube(bar, 0.022, 8))]
    design += [("grip", "rubber", h) for h in pair(rod(bar[-3], bar[-1], 0.028))]
    nacelle = hull(
        [(-0.56, 0.92, 1.02, 0.06), (-0.46, 0.88, 1.05, 0.11), (-0.34, 0.92, 1.02, 0.08)],
        2.2,
        18,
        10,
    )
    lamp = (
        lathe([(0, 0), (0.07, 0), (0.075, 0.03), (0, 0.05)], 18)
        .turned("x", -90)
        .moved(0, 0.97, -0.53)
    )
    design += [("nacelle", "paint", nacelle), ("headlamp", "light", lamp), *mirrors(chassis, 0.3)]
    if kind == "maxi":
        nose = hull(
            [
                (-0.86, 0.6, 0.72, 0.07),
                (-0.74, 0.5, 0.86, 0.19),
                (-0.5, 0.42, 0.95, 0.26),
                (-0.32, 0.4, 0.9, 0.27),
            ],
            2.8,
            22,
            14,
        )
        screen = sheet(
            np.array(
                [
                    [
                        (0.22 * s * (1 - 0.2 * t), 0.9 + 0.42 * t, -0.62 + 0.12 * s * s + 0.2 * t)
                        for s in np.linspace(-1, 1, 9)
                    ]
                    for t in (0, 0.5, 1.0)
                ]
            ),
            0.012,
        )
        return [
            *design,
            ("nose", "paint", nose),
            ("screen", "glass", screen),
            ("case", "paint", rounded_box(0.44, 0.32, 0.4, 0.1, 0, 0.98, 0.92)),
            ("rack", "metal", box(0.2, 0.06, 0.3, 0, 0.8, 0.85)),
        ]
    cowl = ellipsoid(0.12, 0.17, 0.3, 0.2, 0.44, 0.55)
    rack = fillet(
        [(-0.12, 0.74, 0.8), (-0.12, 0.76, 1.08), (0.12, 0.76, 1.08), (0.12, 0.74, 0.8)], 0.06
    )
    design += [("cowl", "paint", c) for c in pair(cowl)]
    return [
        *design,
        ("rack", "metal", tube(rack, 0.012, 8)),
        ("crest", "metal", rounded_box(0.02, 0.05, 0.2, 0.008, 0, 0.53, -0.62)),
        *tail_lamp(0.58, 0.9),
    ]


def side_car() -> Design:
    """Boxer with a torpedo side car on a third wheel."""
    design = naked("boxer")
    body = hull(
        [
            (-0.95, 0.42, 0.5, 0.06),
            (-0.75, 0.32, 0.66, 0.2),
            (-0.3, 0.26, 0.76, 0.29),
            (0.4, 0.26, 0.82, 0.3),
            (0.85, 0.4, 0.7, 0.14),
        ],
        2.4,
        24,
        24,
    )
    design += [
        ("side_car", "paint", body.moved(0.72)),
        (
            "coaming",
            "leather",
            torus(0.2, 0.035, 28, 8).scaled(1.0, 1, 1.35).moved(0.72, 0.77, 0.05),
        ),
    ]
    design += [
        ("seat", "leather", rounded_box(0.36, 0.34, 0.1, 0.04, 0.72, 0.86, 0.34)),
        *create_wheel(0.29, 0.055, 0.29, 0.25, 24, 1.16),
    ]
    screen = sheet(
        np.array(
            [
                [
                    (0.72 + 0.22 * s, 0.74 + 0.24 * t, -0.3 + 0.08 * s * s + 0.1 * t)
                    for s in np.linspace(-1, 1, 7)
                ]
                for t in (0.0, 1.0)
            ]
        ),
        0.012,
    )
    design += [
        ("screen", "glass", screen),
        ("fender", "paint", fender(0.33, 0.16, 0.29, 0.25, 5, 175).moved(1.16)),
    ]
    for z in (-0.3, 0.3):
        design.append(("bar", "metal", rod((0.1, 0.34, z), (1.1, 0.3, z), 0.024)))
    return design


def trike(kind: str) -> Design:
    """Three wheels ("trike") or four fat ones ("quad")."""
    if kind == "trike":
        chassis = Chassis((0.33, 0.33), (-1.15, 0.72), (0.06, 0.1), (0.96, -0.46), 32, 0.62)
        design = (
            front_end(chassis, "high")
            + frame(chassis)
            + engine("v")
            + [("tank", "paint", tank("tear", 0.76))]
            + saddle(chassis, "stepped")
        )
        for side in (-1, 1):
            design += create_wheel(0.33, 0.11, 0.33, 0.72, 0, 0.5 * side)
            design.append(
                ("fender", "paint", fender(0.37, 0.28, 0.34, 0.72, 10, 165).moved(0.5 * side))
            )
        design += [
            ("axle", "metal", rod((-0.5, 0.33, 0.72), (0.5, 0.33, 0.72), 0.05)),
            ("trunk", "paint", rounded_box(0.7, 0.34, 0.5, 0.1, 0, 0.62, 0.84)),
        ]
        return (
            design
            + exhaust("short")
            + [("fender", "paint", fender(0.37, 0.17, 0.33, -1.15, 20, 150))]
        )
    chassis = Chassis((0.27, 0.28), (-0.6, 0.58), (0.11, 0.13), (0.9, -0.3), 0, 0.78)
    design = []
    for side in (-1, 1):
        for z, tyre in ((-0.6, 0.11), (0.58, 0.13)):
            design += create_wheel(0.28, tyre, 0.28, z, 0, 0.46 * side)
            design.append(
                ("arm", "metal", rod((0.1 * side, 0.36, 0.5 * z), (0.44 * side, 0.28, z), 0.03))
            )
            design.append(
                ("shock", "metal", rod((0.14 * side, 0.66, 0.7 * z), (0.36 * side, 0.3, z), 0.028))
            )
            design.append(
                ("fender", "paint", fender(0.35, 0.3, 0.3, z, 25, 155).moved(0.46 * side))
            )
    design += (
        engine("single")
        + frame(chassis)
        + [("tank", "paint", tank("slab", 0.82)), *saddle(chassis, "bench")]
    )
    nose = hull(
        [(-0.82, 0.56, 0.68, 0.12), (-0.66, 0.5, 0.82, 0.24), (-0.36, 0.56, 0.88, 0.2)], 3.0, 20, 12
    )
    bar = fillet(
        [(0, 0.98, -0.3), (0.14, 1.02, -0.3), (0.24, 1.1, -0.26), (0.42, 1.1, -0.16)], 0.06
    )
    design += [
        ("nose", "paint", nose),
        *(("handlebar", "metal", h) for h in pair(tube(bar, 0.016, 8))),
        *(("grip", "rubber", h) for h in pair(rod(bar[-2], bar[-1], 0.022))),
    ]
    for z, y in ((-0.66, 0.86), (0.8, 0.84)):
        for x in np.linspace(-0.3, 0.3, 5):
            design.append(
                ("rack", "metal", rod((x, y, z - 0.17), (x, y, z + 0.17), 0.012, sides=6))
            )
        design += [
            ("rack", "metal", rod((-0.32, y, z + d), (0.32, y, z + d), 0.014, sides=6))
            for d in (-0.17, 0.17)
        ]
    bumper = fillet(
        [(-0.28, 0.36, -0.7), (-0.28, 0.5, -0.98), (0.28, 0.5, -0.98), (0.28, 0.36, -0.7)], 0.1
    )
    return [
        *design,
        ("bumper", "metal", tube(bumper, 0.02, 8)),
        *(("lamp", "light", s) for s in pair(ellipsoid(0.07, 0.05, 0.05, 0.13, 0.7, -0.72, 12))),
    ]


def streamliner(kind: str) -> Design:
    """ "dustbin" racer in one shell, "light" bike of glowing discs, or "electric" city bike."""
    if kind == "light":
        design: Design = []
        for z in (-0.78, 0.78):
            wheel = torus(0.36, 0.1, 40, 12).turned("z", 90).moved(0, 0.42, z)
            disc = (
                lathe([(0.24, -0.05), (0.3, -0.05), (0.3, 0.05), (0.24, 0.05)], 36, hollow=True)
                .turned("z", 90)
                .moved(0, 0.42, z)
            )
            design += [("tyre", "rubber", wheel), ("disc", "light", disc)]
        spine = hull(
            [
                (-1.0, 0.76, 0.88, 0.06),
                (-0.72, 0.66, 0.98, 0.16),
                (-0.2, 0.45, 0.92, 0.2),
                (0.3, 0.4, 0.78, 0.2),
                (0.8, 0.72, 0.92, 0.14),
                (1.05, 0.8, 0.88, 0.05),
            ],
            2.6,
            24,
            30,
        )
        design += [
            ("spine", "paint", spine),
            ("belly", "dark", rounded_box(0.26, 0.3, 0.72, 0.1, 0, 0.36, 0)),
            ("canopy", "glass", ellipsoid(0.13, 0.12, 0.34, 0, 0.92, -0.42)),
        ]
        for side in (-1, 1):
            for z in (-0.78, 0.78):
                design.append(
                    (
                        "arm",
                        "metal",
                        tube(
                            spline(
                                [
                                    (0.12 * side, 0.5, 0.35 * z),
                                    (0.15 * side, 0.42, 0.7 * z),
                                    (0.12 * side, 0.42, z),
                                ],
                                10,
                            ),
                            0.035,
                            8,
                        ),
                    )
                )
            design.append(
                ("bar", "metal", rod((0.12 * side, 0.84, -0.55), (0.32 * side, 0.8, -0.5), 0.022))
            )
        return [*design, ("seat", "leather", rounded_box(0.26, 0.06, 0.4, 0.028, 0, 0.78, 0.3))]
    if kind == "dustbin":
        chassis = Chassis((0.31, 0.31), (-0.7, 0.72), (0.045, 0.055), (0.82, -0.4), 28, 0.76)
        design = (
            front_end(chassis, "clip", "")
            + rear_end(chassis)
            + [("tank", "metal", tank("long", 0.76)), *saddle(chassis, "hump")]
        )
        shell = hull(
            [
                (-1.14, 0.5, 0.62, 0.06),
                (-0.95, 0.34, 0.82, 0.2),
                (-0.55, 0.18, 0.94, 0.29),
                (-0.1, 0.16, 0.74, 0.27),
                (0.3, 0.2, 0.5, 0.2),
                (0.5, 0.26, 0.38, 0.1),
            ],
            2.3,
            26,
            30,
        )
        screen = sheet(
            np.array(
                [
                    [
                        (0.2 * s, 0.9 + 0.16 * t, -0.6 + 0.14 * s * s + 0.1 * t)
                        for s in np.linspace(-1, 1, 9)
                    ]
                    for t in (0.0, 1.0)
                ]
            ),
            0.012,
        )
        number = (
            lathe([(0, 0), (0.14, 0), (0.14, 0.02), (0, 0.03)], 24)
            .turned("z", -90)
            .moved(0.275, 0.52, -0.35)
        )
        return [
            *design,
            ("shell", "paint", shell),
            ("screen", "glass", screen),
            *(("number", "trim", n) for n in pair(number)),
            *exhaust("long")[-2:],
        ]
    chassis = Chassis((0.3, 0.3), (-0.66, 0.64), (0.06, 0.07), (0.9, -0.4), 0, 0.8)
    design = front_end(chassis, "flat", "double", upside_down=True) + rear_end(chassis, "mono")
    block = extrude(
        [(-0.36, 0.8), (0.1, 0.84), (0.3, 0.72), (0.26, 0.3), (-0.14, 0.22), (-0.34, 0.5)],
        0.3,
        0.04,
    )
    design += [
        ("battery", "metal", block),
        (
            "tail",
            "paint",
            extrude([(0.05, 0.86), (0.9, 0.96), (0.95, 0.9), (0.3, 0.74), (0.1, 0.76)], 0.22, 0.03),
        ),
    ]
    design += [
        (
            "cover",
            "paint",
            extrude(
                [(-0.42, 0.88), (0.05, 0.92), (0.2, 0.84), (-0.1, 0.78), (-0.4, 0.78)], 0.26, 0.04
            ),
        ),
        ("seat", "leather", rounded_box(0.24, 0.06, 0.5, 0.025, 0, 0.9, 0.4).turned("x", -4)),
    ]
    for k in range(5):
        design += [
            ("rib", "dark", r) for r in pair(box(0.03, 0.018, 0.34, 0.15, 0.42 + 0.06 * k, -0.02))
        ]
    return [
        *design,
        ("fender", "paint", fender(0.33, 0.14, 0.3, -0.66, 30, 140)),
        *mirrors(chassis, 0.26),
    ]


DESIGNS = (
    naked,
    cruiser,
    sport,
    partial(dirt, "motocross"),
    scooter,
    partial(cruiser, "chopper"),
    partial(naked, "cafe"),
    partial(dirt, "adventure"),
    side_car,
    partial(scooter, "moped"),
    partial(cruiser, "bagger"),
    partial(sport, "half"),
    partial(trike, "quad"),
    partial(streamliner, "dustbin"),
    partial(dirt, "scrambler"),
    partial(cruiser, "bobber"),
    partial(scooter, "maxi"),
    partial(streamliner, "light"),
    partial(naked, "boxer"),
    partial(trike, "trike"),
    partial(dirt, "trials"),
    partial(sport, "tourer"),
    partial(streamliner, "electric"),
    partial(naked, "tracker"),
)
