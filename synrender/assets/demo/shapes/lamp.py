"""Lamps: table, desk, floor, pendant, wall and street lamps."""

from __future__ import annotations

from functools import partial

import numpy as np

from ..curves import arc, circle, fillet, spline
from ..mesh import Mesh
from ..parts import (
    box,
    ellipsoid,
    extrude,
    lathe,
    ring_shell,
    rod,
    rounded_box,
    sheet,
    torus,
    tube,
)
from ..writer import Design


def shade(
    bottom: float, top: float, height: float, y: float, sides: int = 32, bulge: float = 0.0
) -> Design:
    """Open cloth shade between two radii, with its rings and a bulb; y is its lower edge."""
    t = np.linspace(0, 1, 8 if bulge else 2)
    radius = bottom + (top - bottom) * t + bulge * np.sin(np.pi * t)
    profile = np.column_stack([radius, y + height * t])
    return [
        ("shade", "light", ring_shell(profile, 0.006, sides)),
        ("ring", "metal", torus(bottom - 0.002, 0.006, sides, 6).moved(y=y)),
        ("ring", "metal", torus(top - 0.002, 0.006, sides, 6).moved(y=y + height)),
        ("bulb", "light", ellipsoid(0.03, 0.045, 0.03, 0, y + 0.4 * height, 0, 14)),
    ]


def base_disc(radius: float, height: float = 0.03) -> Mesh:
    """Weighted foot with an eased edge."""
    return lathe(
        [
            (0, 0),
            (radius, 0),
            (radius, 0.5 * height),
            (0.92 * radius, height),
            (0.03, 1.3 * height),
            (0, 1.3 * height),
        ],
        32,
    )


def table_lamp(body: str) -> Design:
    """Shade on a body: "vase", "gourd", "urn", "stack" or "cube"."""
    if body == "cube":
        design: Design = [("base", "wood", rounded_box(0.16, 0.16, 0.16, 0.015, 0, 0.09))]
        design.append(
            ("base", "wood", rounded_box(0.11, 0.11, 0.11, 0.012, 0.0, 0.225).turned("y", 45))
        )
        design.append(("stem", "metal", rod((0, 0.28, 0), (0, 0.38, 0), 0.01)))
        for n, m, mesh in shade(0.17 * 1.41, 0.17 * 1.41, 0.2, 0.34, 4):
            design.append((n, m, mesh.turned("y", 45)))
        return design
    profiles = {
        "vase": [(0.07, 0), (0.11, 0.06), (0.13, 0.16), (0.1, 0.27), (0.045, 0.33), (0.03, 0.36)],
        "gourd": [
            (0.06, 0),
            (0.13, 0.06),
            (0.12, 0.14),
            (0.06, 0.2),
            (0.09, 0.27),
            (0.07, 0.33),
            (0.02, 0.37),
        ],
        "urn": [
            (0.1, 0),
            (0.1, 0.02),
            (0.035, 0.05),
            (0.03, 0.08),
            (0.11, 0.2),
            (0.12, 0.28),
            (0.05, 0.33),
            (0.065, 0.36),
        ],
    }
    if body == "stack":
        design = [("base", "metal", base_disc(0.1, 0.02))]
        y = 0.025
        for k, r in enumerate((0.085, 0.065, 0.078, 0.05)):
            design.append(("ball", ("glass", "paint")[k % 2], ellipsoid(r, r, r, 0, y + r, 0, 24)))
            y += 1.93 * r
        top = y
    else:
        points = profiles[body]
        smooth = spline(points, 28, overshoot=False)
        design = [("body", "paint", lathe([(0, 0), *smooth, (0, points[-1][1])], 32))]
        top = points[-1][1]
    design.append(("stem", "metal", rod((0, top - 0.02, 0), (0, top + 0.1, 0), 0.011)))
    if body == "urn":
        for side in (-1, 1):
            handle = spline(
                [
                    (0.11 * side, 0.29, 0),
                    (0.19 * side, 0.28, 0),
                    (0.18 * side, 0.18, 0),
                    (0.1 * side, 0.17, 0),
                ],
                12,
            )
            design.append(("handle", "metal", tube(handle, 0.011, 8)))
    sizes = {
        "vase": (0.21, 0.13, 0.2),
        "gourd": (0.2, 0.2, 0.17),
        "urn": (0.24, 0.1, 0.19),
        "stack": (0.19, 0.15, 0.22),
    }
    bottom, upper, tall = sizes[body]
    return design + shade(bottom, upper, tall, top + 0.01, bulge=-0.035 if body == "urn" else 0.0)


def desk_lamp(kind: str) -> Design:
    """Jointed: "spring" arms, "gooseneck" or "clamp"."""
    bell = [(0.022, 0.1), (0.035, 0.1), (0.045, 0.06), (0.075, 0.035), (0.1, -0.04)]
    head = ring_shell(spline(bell, 16, overshoot=False), 0.005, 28)
    cap = lathe([(0, 0.13), (0.02, 0.128), (0.028, 0.09), (0, 0.088)], 16)
    bulb = ellipsoid(0.032, 0.04, 0.032, 0, 0.01, 0, 14)

    def aimed(part: Mesh, y: float, z: float) -> Mesh:
        return part.turned("x", 38).moved(y=y, z=z)

    if kind == "gooseneck":
        neck = spline(
            [(0, 0.02, 0.1), (0, 0.24, 0.13), (0, 0.4, 0.06), (0, 0.4, -0.08), (0, 0.34, -0.15)], 26
        )
        design: Design = [
            ("base", "dark", base_disc(0.12).moved(z=0.1)),
            ("neck", "metal", tube(neck, 0.011)),
        ]
        at = (0.28, -0.22)
    else:
        elbow, tip = (0.36, 0.26), (0.58, -0.04)
        foot = 0.06
        design = [("base", "dark", base_disc(0.11, 0.035).moved(z=foot))]
        if kind == "clamp":
            design = [
                ("clamp", "dark", rounded_box(0.07, 0.03, 0.12, 0.008, 0, 0.03, 0.04)),
                ("clamp", "dark", rounded_box(0.07, 0.14, 0.03, 0.008, 0, -0.03, 0.1)),
                ("clamp", "dark", rounded_box(0.07, 0.03, 0.12, 0.008, 0, -0.09, 0.04)),
                ("screw", "metal", rod((0, -0.16, 0.02), (0, -0.04, 0.02), 0.012)),
                ("post", "metal", rod((0, 0.03, foot), (0, 0.1, foot), 0.016)),
            ]
            elbow, tip = (0.46, 0.22), (0.52, -0.22)
        for x in (-0.018, 0.018):
            design.append(
                ("arm", "metal", rod((x, 0.05, foot), (x, elbow[0], elbow[1]), 0.007, sides=8))
            )
            design.append(
                ("arm", "metal", rod((x, elbow[0], elbow[1]), (x, tip[0], tip[1]), 0.007, sides=8))
            )
        for y, z in ((0.06, foot), elbow, tip):
            design.append(("joint", "dark", rod((-0.03, y, z), (0.03, y, z), 0.02, sides=16)))
        spring = [
            (
                0.012 * np.cos(a),
                0.08 + 0.012 * a / 3.0,
                foot + 0.035 + 0.006 * a / 3.0 + 0.012 * np.sin(a),
            )
            for a in np.arange(0, 40, 0.55)
        ]
        design.append(("spring", "metal", tube(spring, 0.0035, 5)))
        at = (tip[0] - 0.08, tip[1] - 0.06)
    return [
        *design,
        ("head", "paint", aimed(head, *at)),
        ("cap", "paint", aimed(cap, *at)),
        ("bulb", "light", aimed(bulb, *at)),
    ]


def banker() -> Design:
    """Green half-cylinder shade on a brass stem."""
    angle = np.radians(np.linspace(8, 172, 18))
    trough = np.stack(
        [
            [(x, 0.29 + 0.085 * np.sin(a), -0.03 + 0.095 * np.cos(a)) for a in angle]
            for x in np.linspace(-0.19, 0.19, 4)
        ]
    )
    design: Design = [
        ("shade", "paint", sheet(trough, 0.008)),
        ("base", "metal", base_disc(0.1, 0.03).scaled(1.25, 1, 0.9).moved(z=-0.03)),
        (
            "stem",
            "metal",
            lathe(
                [
                    (0, 0.02),
                    (0.02, 0.04),
                    (0.012, 0.08),
                    (0.018, 0.1),
                    (0.01, 0.12),
                    (0.01, 0.2),
                    (0, 0.2),
                ],
                16,
            ).moved(z=-0.03),
        ),
        ("bulb", "light", rod((-0.12, 0.3, -0.03), (0.12, 0.3, -0.03), 0.022)),
        ("chain", "metal", rod((0.1, 0.17, -0.06), (0.1, 0.28, -0.04), 0.004, sides=6)),
        ("pull", "metal", ellipsoid(0.009, 0.016, 0.009, 0.1, 0.16, -0.06, 10)),
    ]
    for side in (-1, 1):
        yoke = fillet(
            [(0, 0.19, -0.03), (0.205 * side, 0.2, -0.03), (0.205 * side, 0.31, -0.03)], 0.06
        )
        design.append(("yoke", "metal", tube(yoke, 0.008, 8)))
        design.append(
            ("knob", "metal", ellipsoid(0.014, 0.014, 0.014, 0.205 * side, 0.31, -0.03, 10))
        )
        half_disc = arc(0.08, 6, 174, 14) * (1.0, 0.84) + (-0.03, 0.3)
        end = extrude(half_disc, 0.01).moved(0.188 * side)
        design.append(("end", "paint", end))
    return design


def floor_lamp(kind: str) -> Design:
    """Tall: "classic", "arc", "tripod", "torchiere" or "column"."""
    if kind == "arc":
        stem = spline(
            [
                (0, 0.04, 0.55),
                (0, 0.9, 0.62),
                (0, 1.55, 0.35),
                (0, 1.78, -0.1),
                (0, 1.62, -0.5),
                (0, 1.5, -0.56),
            ],
            40,
        )
        dome = ring_shell(
            spline([(0.2, 1.26), (0.19, 1.36), (0.12, 1.45), (0.025, 1.49)], 16), 0.008
        )
        return [
            ("base", "stone", rounded_box(0.34, 0.1, 0.34, 0.02, 0, 0.05, 0.55)),
            ("stem", "metal", tube(stem, 0.014)),
            ("shade", "metal", dome.moved(z=-0.56)),
            ("cap", "metal", rod((0, 1.47, -0.56), (0, 1.54, -0.56), 0.03)),
            ("bulb", "light", ellipsoid(0.06, 0.07, 0.06, 0, 1.34, -0.56)),
        ]
    if kind == "tripod":
        design: Design = [
            (
                "hub",
                "metal",
                lathe([(0, 1.02), (0.06, 1.02), (0.06, 1.08), (0.02, 1.12), (0, 1.12)], 20),
            )
        ]
        for k in range(3):
            design.append(
                (
                    "leg",
                    "wood",
                    rod((0, 0, -0.36), (0, 1.06, -0.035), 0.016, 0.022).turned("y", 120 * k + 20),
                )
            )
            design.append(
                (
                    "brace",
                    "metal",
                    rod((0, 0.5, 0), (0, 0.5, -0.2), 0.007, sides=8).turned("y", 120 * k + 20),
                )
            )
        return [
            *design,
            ("stem", "metal", rod((0, 1.08, 0), (0, 1.3, 0), 0.013)),
            *shade(0.26, 0.24, 0.3, 1.16),
        ]
    if kind == "torchiere":
        bowl = [(0.02, 1.62), (0.1, 1.64), (0.19, 1.72), (0.22, 1.8)]
        return [
            ("base", "metal", base_disc(0.16, 0.04)),
            ("stem", "metal", rod((0, 0.04, 0), (0, 1.64, 0), 0.014)),
            ("bowl", "light", ring_shell(spline(bowl, 14, overshoot=False), 0.007)),
            ("cup", "metal", lathe([(0, 1.56), (0.03, 1.58), (0.05, 1.63), (0, 1.65)], 18)),
            (
                "arm",
                "metal",
                tube(
                    spline([(0, 1.05, 0), (0, 1.12, -0.1), (0, 1.22, -0.18), (0, 1.24, -0.24)], 14),
                    0.009,
                ),
            ),
            ("head", "light", ring_shell([(0.07, 1.12), (0.03, 1.24)], 0.005, 24).moved(z=-0.25)),
            ("ring", "metal", torus(0.03, 0.012, 20, 8).moved(y=1.05)),
        ]
    if kind == "column":
        design = [
            ("base", "wood", box(0.3, 0.04, 0.3, 0, 0.02)),
            ("cap", "wood", box(0.3, 0.04, 0.3, 0, 1.28)),
        ]
        design.append(("paper", "light", box(0.24, 1.22, 0.24, 0, 0.65)))
        for x in (-0.13, 0.13):
            for z in (-0.13, 0.13):
                design.append(("post", "wood", box(0.022, 1.24, 0.022, x, 0.65, z)))
        for y in np.linspace(0.04, 1.26, 7)[1:-1]:
            for side in (-1, 1):
                design.append(("bar", "wood", box(0.26, 0.012, 0.012, 0, y, 0.13 * side)))
                design.append(("bar", "wood", box(0.012, 0.012, 0.26, 0.13 * side, y, 0)))
        return design
    design = [
        ("base", "metal", base_disc(0.17, 0.04)),
        ("stem", "metal", rod((0, 0.04, 0), (0, 1.4, 0), 0.014)),
    ]
    for y in (0.12, 0.7, 1.2):
        design.append(("knop", "metal", ellipsoid(0.03, 0.035, 0.03, 0, y, 0, 14)))
    return design + shade(0.27, 0.13, 0.26, 1.28)


def pendant(kind: str) -> Design:
    """Hanging: "dome", "globes", "industrial", "chandelier" or "ring"."""
    rose = lathe([(0, 1.0), (0.06, 1.0), (0.055, 0.975), (0.012, 0.96), (0, 0.96)], 24)
    design: Design = [("rose", "metal", rose)]
    if kind in ("dome", "industrial"):
        profiles = {
            "dome": spline([(0.24, 0.2), (0.22, 0.32), (0.13, 0.42), (0.03, 0.46)], 16),
            "industrial": spline(
                [(0.26, 0.2), (0.25, 0.23), (0.12, 0.3), (0.07, 0.36), (0.06, 0.44)],
                18,
                overshoot=False,
            ),
        }
        design.append(("cord", "dark", rod((0, 0.45, 0), (0, 0.97, 0), 0.007, sides=8)))
        design.append(("shade", "paint", ring_shell(profiles[kind], 0.007, 36)))
        design.append(
            (
                "cap",
                "metal",
                lathe([(0, 0.44), (0.065, 0.44), (0.045, 0.5), (0.02, 0.53), (0, 0.53)], 20),
            )
        )
        design.append(("bulb", "light", ellipsoid(0.05, 0.06, 0.05, 0, 0.26, 0)))
        if kind == "industrial":
            for k in range(4):
                wire = spline([(0.1, 0.24, 0), (0.11, 0.16, 0), (0.06, 0.1, 0), (0, 0.09, 0)], 10)
                design.append(("guard", "metal", tube(wire, 0.006, 6).turned("y", 90 * k)))
            design.append(("guard", "metal", torus(0.105, 0.006, 28, 6).moved(y=0.17)))
        return design
    if kind == "globes":
        design.append(("bar", "wood", rounded_box(0.06, 0.04, 0.8, 0.015, 0, 0.96)))
        for z, y in ((-0.32, 0.42), (0.0, 0.25), (0.32, 0.52)):
            design.append(("cord", "dark", rod((0, y, z), (0, 0.95, z), 0.005, sides=6)))
            design.append(("holder", "metal", rod((0, y, z), (0, y + 0.07, z), 0.03)))
            design.append(("globe", "light", ellipsoid(0.12, 0.12, 0.12, 0, y - 0.1, z, 24)))
        return design
    if kind == "ring":
        for k, (r, y) in enumerate(((0.36, 0.3), (0.24, 0.48), (0.13, 0.62))):
            band = lathe(
                [(r, y), (r, y + 0.035), (r - 0.025, y + 0.035), (r - 0.025, y)], 48, hollow=True
            )
            design.append(
                ("ring", "light", band.turned("x", (-6, 9, -8)[k]).moved(z=(0.03, -0.06, 0.08)[k]))
            )
        for k in range(3):
            wire = rod((0.34, 0.32, 0), (0.02, 0.97, 0), 0.004, sides=6).turned("y", 120 * k)
            design.append(("wire", "metal", wire))
        return design
    design.append(("chain", "metal", rod((0, 0.55, 0), (0, 0.97, 0), 0.012, sides=8)))
    column = [
        (0, 0.14),
        (0.025, 0.16),
        (0.05, 0.22),
        (0.02, 0.28),
        (0.035, 0.36),
        (0.05, 0.42),
        (0.02, 0.5),
        (0.012, 0.56),
        (0, 0.56),
    ]
    design.append(("column", "metal", lathe(spline(column, 30), 20)))
    for k in range(6):
        arm = spline([(0.02, 0.3, 0), (0.12, 0.18, 0), (0.27, 0.17, 0), (0.34, 0.3, 0)], 18)
        parts = [
            ("arm", "metal", tube(arm, 0.011, 8)),
            (
                "pan",
                "metal",
                lathe([(0, 0.3), (0.05, 0.315), (0.05, 0.325), (0, 0.32)], 16).moved(0.34),
            ),
            ("candle", "light", rod((0.34, 0.32, 0), (0.34, 0.42, 0), 0.016)),
            ("flame", "light", lathe([(0, 0.42), (0.016, 0.445), (0, 0.49)], 10).moved(0.34)),
            ("drop", "glass", lathe([(0, 0.24), (0.016, 0.255), (0, 0.295)], 8).moved(0.34)),
        ]
        design += [(n, m, mesh.turned("y", 60 * k + 15)) for n, m, mesh in parts]
    return design


def globe() -> Design:
    """Milk-glass ball in a metal cup on a short stem."""
    return [
        ("base", "metal", base_disc(0.1, 0.025)),
        ("stem", "metal", rod((0, 0.03, 0), (0, 0.12, 0), 0.02)),
        ("cup", "metal", lathe([(0, 0.1), (0.04, 0.11), (0.09, 0.15), (0.1, 0.18), (0, 0.18)], 28)),
        ("globe", "light", ellipsoid(0.17, 0.17, 0.17, 0, 0.31, 0, 32)),
    ]


def mushroom() -> Design:
    """One-piece dome over a flared stem."""
    cap = spline(
        [(0.24, 0.29), (0.25, 0.32), (0.2, 0.42), (0.1, 0.48), (0.0, 0.495)], 22, overshoot=False
    )
    stem = spline([(0.13, 0.0), (0.1, 0.06), (0.07, 0.18), (0.085, 0.3)], 14, overshoot=False)
    return [
        ("cap", "paint", lathe([(0, 0.33), (0.2, 0.31), *cap], 36)),
        ("stem", "paint", lathe([(0, 0), *stem, (0, 0.32)], 32)),
        ("foot", "metal", torus(0.13, 0.012, 32, 8).moved(y=0.012)),
    ]


def lantern() -> Design:
    """Street lantern on a post with a ladder bar."""
    post = [
        (0, 0),
        (0.2, 0),
        (0.2, 0.08),
        (0.12, 0.14),
        (0.12, 0.4),
        (0.07, 0.5),
        (0.05, 0.6),
        (0.04, 1.9),
        (0.06, 1.95),
        (0.03, 2.0),
        (0, 2.0),
    ]
    design: Design = [("post", "dark", lathe(post, 16))]
    design.append(("bar", "dark", rod((-0.3, 1.8, 0), (0.3, 1.8, 0), 0.02)))
    design += [
        ("ball", "dark", ellipsoid(0.035, 0.035, 0.035, 0.3 * s, 1.8, 0, 12)) for s in (-1, 1)
    ]
    design.append(("glass", "light", lathe([(0, 2.04), (0.1, 2.04), (0.19, 2.42), (0, 2.42)], 6)))
    design.append(("tray", "dark", lathe([(0, 1.98), (0.08, 1.98), (0.12, 2.04), (0, 2.05)], 6)))
    design.append(
        (
            "roof",
            "dark",
            lathe([(0, 2.42), (0.24, 2.42), (0.22, 2.46), (0.1, 2.58), (0.06, 2.6), (0, 2.62)], 6),
        )
    )
    design.append(
        ("finial", "dark", lathe([(0, 2.6), (0.035, 2.64), (0.015, 2.68), (0, 2.76)], 12))
    )
    for p, q in zip(circle(0.105, 6), circle(0.2, 6), strict=True):
        design.append(("bar", "dark", rod((p[0], 2.03, p[1]), (q[0], 2.43, q[1]), 0.014, sides=6)))
    return design


def sconce() -> Design:
    """Wall plate with two swan-neck arms and small shades."""
    design: Design = [
        (
            "plate",
            "metal",
            lathe([(0, 0), (0.08, 0), (0.07, 0.025), (0.02, 0.04), (0, 0.04)], 24)
            .turned("x", -90)
            .scaled(y=1.7)
            .moved(z=0.2),
        )
    ]
    for side in (-1, 1):
        arm = spline(
            [
                (0, 0, 0.17),
                (0.06 * side, -0.08, 0.08),
                (0.17 * side, -0.06, 0.02),
                (0.2 * side, 0.06, 0),
            ],
            18,
        )
        design.append(("arm", "metal", tube(arm, 0.011)))
        design.append(
            (
                "cup",
                "metal",
                lathe([(0, 0.05), (0.035, 0.06), (0.03, 0.075), (0, 0.075)], 16).moved(0.2 * side),
            )
        )
        design += [(n, m, mesh.moved(0.2 * side)) for n, m, mesh in shade(0.1, 0.06, 0.14, 0.08)]
    return design


def lava() -> Design:
    """Rocket-shaped glass between two cones of metal."""
    design: Design = [
        (
            "base",
            "metal",
            lathe([(0, 0), (0.11, 0), (0.11, 0.015), (0.05, 0.13), (0.085, 0.22), (0, 0.22)], 28),
        ),
        (
            "glass",
            "glass",
            lathe([(0, 0.22), (0.085, 0.22), (0.095, 0.3), (0.045, 0.62), (0, 0.62)], 28),
        ),
        (
            "cap",
            "metal",
            lathe([(0, 0.62), (0.047, 0.62), (0.03, 0.74), (0.02, 0.76), (0, 0.76)], 24),
        ),
    ]
    for angle, y, r, s in (
        (0, 0.3, 0.07, 0.035),
        (120, 0.37, 0.066, 0.03),
        (240, 0.43, 0.06, 0.028),
        (30, 0.5, 0.052, 0.022),
        (300, 0.34, 0.07, 0.024),
    ):
        blob = ellipsoid(s, 1.3 * s, 0.5 * s, 0, y, -r, 14).turned("y", angle)
        design.append(("blob", "paint", blob))
    return design


DESIGNS = (
    partial(table_lamp, "vase"),
    partial(desk_lamp, "spring"),
    partial(floor_lamp, "classic"),
    partial(pendant, "dome"),
    banker,
    globe,
    partial(floor_lamp, "tripod"),
    partial(pendant, "chandelier"),
    partial(table_lamp, "gourd"),
    lantern,
    partial(floor_lamp, "arc"),
    mushroom,
    partial(desk_lamp, "gooseneck"),
    partial(pendant, "globes"),
    partial(table_lamp, "urn"),
    sconce,
    partial(floor_lamp, "column"),
    partial(pendant, "industrial"),
    partial(table_lamp, "stack"),
    partial(floor_lamp, "torchiere"),
    partial(pendant, "ring"),
    partial(table_lamp, "cube"),
    partial(desk_lamp, "clamp"),
    lava,
)
