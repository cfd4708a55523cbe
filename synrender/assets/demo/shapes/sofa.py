"""Sofas: two to four seats, corner sofas, chesterfields, chaises. They are wide in x, facing -z."""

from __future__ import annotations

from functools import partial

import numpy as np

from ..curves import fillet, spline, superellipse
from ..mesh import Mesh, skin
from ..parts import box, cushion, ellipsoid, lathe, pair, rod, rounded_box, sheet, tube
from ..writer import Design


def tilted(
    size: tuple[float, float, float], radius: float, degrees: float, at: tuple[float, float, float]
) -> Mesh:
    """Rounded box that leans back."""
    return rounded_box(*size, radius).turned("x", degrees).moved(*at)


def feet(half_x: float, half_z: float, kind: str, height: float = 0.12) -> Design:
    """Four feet: "cone", "block", "bun" or "steel"."""
    parts: Design = []
    for sx in (-1, 1):
        for sz in (-1, 1):
            x, z = sx * half_x, sz * half_z
            if kind == "cone":
                parts.append(
                    (
                        "foot",
                        "wood",
                        rod((x + 0.04 * sx, 0, z + 0.03 * sz), (x, height + 0.03, z), 0.016, 0.032),
                    )
                )
            elif kind == "block":
                parts.append(("foot", "wood", box(0.08, height, 0.08, x, 0.5 * height, z)))
            elif kind == "bun":
                bun = lathe(
                    [(0, 0), (0.04, 0), (0.06, 0.4 * height), (0.035, height), (0, height)], 16
                )
                parts.append(("foot", "wood", bun.moved(x, 0, z)))
            else:
                parts.append(("foot", "metal", rod((x, 0, z), (x, height + 0.02, z), 0.018)))
    return parts


def modern(
    seats: int,
    arm: str = "block",
    foot: str = "cone",
    pillows: bool = False,
    high: float = 0.78,
    seat_width: float = 0.62,
) -> Design:
    """Loose cushions between arms; arm: "block", "slim", "round", "pillow" or "none"."""
    wide = seats * seat_width
    arm_wide = {"block": 0.2, "slim": 0.08, "round": 0.2, "pillow": 0.24, "none": 0.0}[arm]
    total = wide + 2 * arm_wide
    design: Design = [
        ("base", "fabric", rounded_box(total - 0.05, 0.16, 0.8, 0.04, 0, 0.22)),
        (
            "back",
            "fabric",
            tilted((wide + 0.04, high - 0.2, 0.18), 0.07, 8, (0, 0.2 + 0.5 * (high - 0.2), 0.35)),
        ),
    ]
    for k in range(seats):
        x = (k - 0.5 * (seats - 1)) * seat_width
        design.append(
            ("seat", "fabric", cushion(seat_width - 0.01, 0.18, 0.66, 7.0, x, 0.37, -0.08))
        )
        lean = cushion(seat_width - 0.02, high - 0.3, 0.2, 5.0).turned("x", 12)
        design.append(("cushion", "fabric", lean.moved(x, 0.16 + 0.5 * high + 0.06, 0.22)))
    x = 0.5 * (wide + arm_wide)
    if arm == "block":
        arms = rounded_box(arm_wide, 0.46, 0.86, 0.04, x, 0.37)
    elif arm == "slim":
        arms = rounded_box(arm_wide, 0.5, 0.86, 0.03, x, 0.37)
    elif arm == "round":
        arms = rounded_box(arm_wide, 0.3, 0.84, 0.04, x, 0.32)
        roll = [rod((x, 0.54, -0.43), (x, 0.54, 0.4), 0.13, sides=24)]
        design += [("roll", "fabric", r) for part in roll for r in pair(part)]
    else:
        arms = cushion(arm_wide + 0.02, 0.3, 0.8, 5.0, x, 0.46)
    if arm != "none":
        design += [("arm", "fabric", a) for a in pair(arms)]
    if pillows:
        for side in (-1, 1):
            pillow = cushion(0.4, 0.4, 0.15, 2.6).turned("x", 18).turned("y", 14 * side)
            design.append(("pillow", "trim", pillow.moved(side * (0.5 * wide - 0.24), 0.62, 0.06)))
    return design + feet(0.5 * total - 0.09, 0.34, foot, 0.14)


def chesterfield(seats: int = 3) -> Design:
    """Rolled arms and back of one height, deep buttons."""
    wide = 0.6 * seats
    design: Design = [
        ("base", "leather", rounded_box(wide + 0.36, 0.22, 0.75, 0.03, 0, 0.23)),
        ("back", "leather", rounded_box(wide + 0.3, 0.5, 0.18, 0.05, 0, 0.46, 0.32)),
        (
            "roll",
            "leather",
            rod((-0.5 * wide - 0.2, 0.7, 0.36), (0.5 * wide + 0.2, 0.7, 0.36), 0.12, sides=22),
        ),
    ]
    for k in range(seats):
        x = (k - 0.5 * (seats - 1)) * 0.6
        design.append(("seat", "leather", cushion(0.6, 0.16, 0.62, 7.0, x, 0.4, -0.08)))
    for row in range(3):
        for x in np.arange(-0.5 * wide + 0.1 + 0.1 * (row % 2), 0.5 * wide - 0.02, 0.2):
            design.append(
                ("button", "leather", ellipsoid(0.022, 0.022, 0.012, x, 0.5 + 0.1 * row, 0.235, 8))
            )
    for side in (-1, 1):
        x = side * (0.5 * wide + 0.12)
        design.append(("arm", "leather", rounded_box(0.16, 0.46, 0.78, 0.04, x, 0.4)))
        design.append(
            (
                "arm_roll",
                "leather",
                rod((x + 0.03 * side, 0.7, -0.44), (x + 0.03 * side, 0.7, 0.36), 0.12, sides=22),
            )
        )
        scroll = rod((x + 0.03 * side, 0.7, -0.46), (x + 0.03 * side, 0.7, -0.43), 0.06, sides=16)
        design.append(("scroll", "wood", scroll))
        design.append(
            ("corner", "leather", ellipsoid(0.125, 0.125, 0.125, x + 0.03 * side, 0.7, 0.36))
        )
    return design + feet(0.5 * wide + 0.08, 0.34, "bun", 0.12)


def corner(chaise_only: bool = False, side: int = 1) -> Design:
    """L-shaped sofa, or a sofa with a chaise; side 1 puts the long leg at +x."""
    design: Design = [
        ("base", "fabric", rounded_box(2.3, 0.2, 0.8, 0.04, 0, 0.22)),
        ("back", "fabric", rounded_box(2.28, 0.46, 0.2, 0.07, 0, 0.5, 0.34)),
    ]
    for k in range(3):
        x = -0.68 + 0.68 * k
        design.append(("seat", "fabric", cushion(0.67, 0.18, 0.68, 7.0, x, 0.38, -0.08)))
        lean = cushion(0.64, 0.4, 0.18, 5.0).turned("x", 12)
        design.append(("cushion", "fabric", lean.moved(x, 0.62, 0.22)))
    reach = 0.8 if chaise_only else 1.5
    x = 0.76 * side
    design.append(
        ("leg", "fabric", rounded_box(0.78, 0.2, reach + 0.1, 0.04, x, 0.22, -0.38 - 0.5 * reach))
    )
    count = 1 if chaise_only else 2
    for k in range(count):
        deep = reach / count
        design.append(
            (
                "seat",
                "fabric",
                cushion(0.68, 0.18, deep, 7.0, x - 0.02 * side, 0.38, -0.42 - (k + 0.5) * deep),
            )
        )
    if not chaise_only:
        design.append(
            ("back", "fabric", rounded_box(0.2, 0.46, reach + 0.86, 0.07, 1.1 * side, 0.5, -0.36))
        )
        for k in range(2):
            lean = cushion(0.64, 0.4, 0.18, 5.0).turned("x", 12).turned("y", 90 * side)
            design.append(("cushion", "fabric", lean.moved(0.94 * side, 0.62, -0.72 - 0.74 * k)))
    else:
        design.append(("arm", "fabric", rounded_box(0.18, 0.42, 0.86, 0.06, 1.16 * side, 0.4)))
    design.append(("arm", "fabric", rounded_box(0.18, 0.42, 0.86, 0.06, -1.16 * side, 0.4)))
    for z in (0.34, -0.3):
        for sx in (-1, 1):
            design.append(("foot", "metal", rod((1.05 * sx, 0, z), (1.05 * sx, 0.14, z), 0.022)))
    end = -0.3 - reach
    return design + [
        ("foot", "metal", rod((a * side, 0, end), (a * side, 0.14, end), 0.022))
        for a in (0.44, 1.08)
    ]


def chaise() -> Design:
    """Day bed with one scrolled end and a half back."""
    path = spline([(0.55, 0.36), (0.72, 0.5), (0.82, 0.72), (0.96, 0.84), (1.02, 0.74)], 16)
    scroll = np.stack([[(x, y, z) for x, y in path] for z in np.linspace(-0.33, 0.33, 5)])
    design: Design = [
        ("base", "wood", rounded_box(1.7, 0.09, 0.68, 0.02, -0.15, 0.28)),
        ("seat", "fabric", cushion(1.66, 0.2, 0.68, 8.0, -0.15, 0.39)),
        ("scroll", "fabric", sheet(scroll, 0.11)),
        ("bolster", "trim", rod((0.52, 0.56, -0.3), (0.52, 0.56, 0.3), 0.1, sides=22)),
    ]
    line = spline([(0.8, 0.78), (0.4, 0.74), (0.0, 0.58), (-0.5, 0.46)], 14)
    back = np.stack(
        [[(x, y0, z) for y0, z in ((0.34, 0.3), (y - 0.04, 0.34), (y, 0.38))] for x, y in line]
    )
    design.append(("back", "fabric", sheet(back, 0.1)))
    for x in (-0.88, 0.6):
        for z in (-0.27, 0.27):
            leg = spline(
                [
                    (x, 0.27, z),
                    (x + 0.03 * np.sign(x), 0.14, 1.06 * z),
                    (x - 0.01 * np.sign(x), 0, 1.15 * z),
                ],
                8,
            )
            design.append(("leg", "wood", tube(leg, np.linspace(0.045, 0.018, 8), 10)))
    return design


def camel_back() -> Design:
    """Curved crest, rolled arms, turned legs."""
    u = np.linspace(-1, 1, 25)
    crest = 0.86 + 0.13 * np.cos(np.pi * u) * (1 - 0.3 * np.abs(u))
    v = np.linspace(0, 1, 7)
    grid = np.stack(
        [
            [(0.86 * a, 0.36 + (c - 0.36) * t, 0.3 + 0.1 * t) for t in v]
            for a, c in zip(u, crest, strict=True)
        ]
    )
    crown = [(0.86 * a, c, 0.41) for a, c in zip(u, crest, strict=True)]
    design: Design = [
        ("back", "fabric", sheet(grid, 0.12)),
        ("crown", "wood", tube(crown, 0.045, 10)),
        ("base", "fabric", rounded_box(1.76, 0.14, 0.74, 0.03, 0, 0.3)),
    ]
    design += [
        ("seat", "fabric", cushion(0.83, 0.16, 0.64, 7.0, x, 0.42, -0.04)) for x in (-0.41, 0.41)
    ]
    for side in (-1, 1):
        path = spline([(0.84, 0.34), (0.88, 0.52), (0.96, 0.64), (1.06, 0.62), (1.05, 0.55)], 14)
        arm = np.stack([[(side * x, y, z) for x, y in path] for z in np.linspace(-0.34, 0.36, 4)])
        design.append(("arm", "fabric", sheet(arm, 0.08)))
    leg = lathe(
        [(0, 0), (0.02, 0), (0.035, 0.06), (0.02, 0.1), (0.042, 0.2), (0.042, 0.24), (0, 0.24)], 16
    )
    for x in (-0.8, 0, 0.8):
        for z in (-0.32, 0.32):
            design.append(("leg", "wood", leg.moved(x, 0, z)))
    return design


def curved() -> Design:
    """Crescent sofa."""
    angle = np.radians(np.linspace(-62, 62, 40))

    def sweep(outline: np.ndarray) -> np.ndarray:
        return np.array(
            [[(r * np.sin(a), y, r * np.cos(a) - 0.9) for r, y in outline] for a in angle]
        )

    seat = fillet([(0.75, 0.12), (1.45, 0.12), (1.45, 0.42), (0.75, 0.42)], 0.08, closed=True)
    back = fillet([(1.34, 0.3), (1.62, 0.12), (1.66, 0.78), (1.45, 0.8)], 0.09, closed=True)
    design: Design = [("seat", "fabric", skin(sweep(seat))), ("back", "fabric", skin(sweep(back)))]
    plinth = fillet([(0.85, 0.0), (1.5, 0.0), (1.5, 0.13), (0.85, 0.13)], 0.02, closed=True)
    design.append(("plinth", "wood", skin(sweep(plinth))))
    for a, size in ((-45, 0.36), (40, 0.42)):
        pillow = (
            cushion(size, size, 0.15, 2.6)
            .turned("x", 14)
            .moved(0, 0.6, 1.26)
            .turned("y", a)
            .moved(z=-0.9)
        )
        design.append(("pillow", "trim", pillow))
    return design


def wooden(kind: str) -> Design:
    """Show-wood frame with loose cushions: "danish", "futon" or "rattan"."""
    design: Design = []
    for k in (-1, 0, 1):
        design.append(("seat", "fabric", cushion(0.58, 0.15, 0.64, 7.0, 0.59 * k, 0.41, -0.05)))
        lean = cushion(0.58, 0.46, 0.15, 6.0).turned("x", 18)
        design.append(("cushion", "fabric", lean.moved(0.59 * k, 0.66, 0.27)))
    if kind == "futon":
        for x in np.linspace(-0.85, 0.85, 9):
            design.append(("slat", "wood", box(0.07, 0.025, 0.72, x, 0.32)))
            design.append(
                ("slat", "wood", box(0.07, 0.52, 0.02).turned("x", 18).moved(x, 0.62, 0.38))
            )
        for side in (-1, 1):
            x = 0.95 * side
            for z in (-0.34, 0.34):
                design.append(("post", "wood", box(0.06, 0.62, 0.06, x, 0.31, z)))
            for y in np.linspace(0.12, 0.5, 4):
                design.append(("rail", "wood", box(0.03, 0.05, 0.64, x, y, 0)))
            design.append(("arm", "wood", rounded_box(0.12, 0.035, 0.86, 0.01, x, 0.635)))
        design.append(("rail", "wood", box(1.84, 0.1, 0.035, 0, 0.3, -0.36)))
        return design
    material, thick = ("wood", 0.022) if kind == "danish" else ("wood", 0.03)
    for side in (-1, 1):
        x = 0.93 * side
        frame = fillet([(x, 0, -0.36), (x, 0.6, -0.32), (x, 0.58, 0.36), (x, 0, 0.42)], 0.1)
        design.append(("frame", material, tube(frame, thick)))
        design.append(("side_rail", material, rod((x, 0.3, -0.34), (x, 0.27, 0.39), 0.02)))
        if kind == "rattan":
            for z in np.linspace(-0.28, 0.32, 9):
                design.append(("cane", material, rod((x, 0.3, z), (x, 0.58, z), 0.013, sides=6)))
            hoop = fillet([(x, 0.3, -0.34), (x, 0.05, 0.0), (x, 0.27, 0.39)], 0.2)
            design.append(("hoop", material, tube(hoop, 0.02)))
        else:
            design.append(("arm", material, rounded_box(0.08, 0.03, 0.6, 0.012, x, 0.61)))
    for y, z in ((0.3, -0.33), (0.27, 0.36), (0.84, 0.43)):
        design.append(("bar", material, rod((-0.93, y, z), (0.93, y, z), 0.02)))
    for side in (-1, 1):
        design.append(
            ("stile", material, rod((0.93 * side, 0.27, 0.37), (0.93 * side, 0.84, 0.43), 0.02))
        )
    for x in np.linspace(-0.85, 0.85, 19 if kind == "rattan" else 13):
        design.append(("spindle", material, rod((x, 0.27, 0.36), (x, 0.84, 0.43), 0.01, sides=6)))
    return design


def steel(seats: int) -> Design:
    """Leather blocks in a tubular cage."""
    wide = 0.58 * seats
    design: Design = []
    for k in range(seats):
        x = (k - 0.5 * (seats - 1)) * 0.58
        design.append(("seat", "leather", rounded_box(0.57, 0.17, 0.62, 0.05, x, 0.4, -0.05)))
        design.append(("seat", "leather", rounded_box(0.57, 0.13, 0.62, 0.05, x, 0.25, -0.05)))
        design.append(("back", "leather", rounded_box(0.57, 0.38, 0.16, 0.05, x, 0.6, 0.3)))
    half = 0.5 * wide + 0.18
    design += [
        ("arm", "leather", a)
        for a in pair(rounded_box(0.15, 0.44, 0.78, 0.05, 0.5 * wide + 0.08, 0.42))
    ]
    for y in (0.2, 0.6):
        cage = fillet([(-half, y, -0.4), (-half, y, 0.42), (half, y, 0.42), (half, y, -0.4)], 0.1)
        design.append(("rail", "metal", tube(cage, 0.016)))
    for side in (-1, 1):
        for z in (-0.4, 0.38):
            design.append(
                ("post", "metal", rod((half * side, 0, z), (half * side, 0.62, z), 0.017))
            )
    design.append(("rail", "metal", rod((-half, 0.2, -0.4), (half, 0.2, -0.4), 0.016)))
    return design


def sleeper() -> Design:
    """Wide backless day bed with bolsters and a tufted mattress."""
    design: Design = [("frame", "wood", rounded_box(1.95, 0.1, 0.84, 0.015, 0, 0.26))]
    for i in range(8):
        for k in range(3):
            x, z = -0.84 + 0.24 * i, -0.27 + 0.27 * k
            design.append(("tuft", "leather", cushion(0.24, 0.14, 0.27, 4.0, x, 0.36, z)))
    for side in (-1, 1):
        design.append(
            (
                "bolster",
                "leather",
                rod((0.86 * side, 0.52, -0.38), (0.86 * side, 0.52, 0.38), 0.11, sides=22),
            )
        )
    return design + feet(0.86, 0.33, "cone", 0.2)


def puffy() -> Design:
    """Low lounge of fat folded pads."""
    design: Design = []
    for k in (-1, 0, 1):
        x = 0.66 * k
        design.append(("seat", "fabric", cushion(0.66, 0.34, 0.8, 3.4, x, 0.19, -0.12)))
        design.append(("back", "fabric", cushion(0.66, 0.36, 0.4, 3.2, x, 0.42, 0.34)))
        design.append(("crown", "fabric", cushion(0.66, 0.26, 0.34, 3.0, x, 0.68, 0.36)))
    design += [("arm", "fabric", a) for a in pair(cushion(0.34, 0.5, 0.95, 3.2, 1.12, 0.3, -0.02))]
    return design


def wing_settee() -> Design:
    """High-backed two-seater with wings and vertical channels."""
    design: Design = [
        ("base", "fabric", rounded_box(1.4, 0.16, 0.72, 0.04, 0, 0.3)),
        ("seat", "fabric", cushion(1.22, 0.16, 0.62, 8.0, 0, 0.42, -0.06)),
    ]
    for x in np.linspace(-0.56, 0.56, 9):
        channel = cushion(0.15, 0.8, 0.16, 3.0).turned("x", 6)
        design.append(("channel", "fabric", channel.moved(x, 0.78, 0.3)))
    for side in (-1, 1):
        wing = (
            rounded_box(0.1, 0.62, 0.46, 0.045)
            .turned("y", -10 * side)
            .moved(0.68 * side, 0.85, 0.14)
        )
        design.append(("wing", "fabric", wing))
        design.append(("arm", "fabric", rounded_box(0.12, 0.26, 0.7, 0.05, 0.67 * side, 0.47)))
    return design + feet(0.6, 0.28, "cone", 0.22)


def cloud() -> Design:
    """Round-ended sofa of two stacked ovals with ball cushions."""

    def oval(rx: float, rz: float, low: float, high: float, soft: float) -> Mesh:
        levels = [
            (low, -soft),
            (low + 0.4 * soft, -0.2 * soft),
            (low + soft, 0.0),
            (high - soft, 0.0),
            (high - 0.4 * soft, -0.2 * soft),
            (high, -soft),
        ]
        return skin(
            np.array(
                [np.insert(superellipse(rx + e, rz + e, 2.4, 40), 1, y, axis=1) for y, e in levels]
            )
        )

    design: Design = [
        ("base", "fabric", oval(1.05, 0.48, 0.06, 0.42, 0.09)),
        ("plinth", "dark", oval(0.9, 0.36, 0, 0.1, 0.01)),
    ]
    angle = np.radians(np.linspace(-8, 188, 30))
    path = np.stack([0.93 * np.cos(angle), np.full(30, 0.55), 0.38 * np.sin(angle)], axis=-1)
    roll = tube(path, 0.17, 14)
    design.append(("back", "fabric", roll.scaled(y=1.35).moved(y=-0.19)))
    design.append(("end", "fabric", ellipsoid(0.17, 0.23, 0.17, 0.92, 0.55, -0.05)))
    design.append(("end", "fabric", ellipsoid(0.17, 0.23, 0.17, -0.92, 0.55, -0.05)))
    for x, r in ((-0.5, 0.14), (0.52, 0.17)):
        design.append(("ball", "trim", ellipsoid(r, r, r, x, 0.42 + r, 0.08)))
    return design


DESIGNS = (
    partial(modern, 3, "block"),
    chesterfield,
    partial(corner, side=1),
    partial(wooden, "danish"),
    partial(modern, 2, "round", "bun", pillows=True),
    chaise,
    curved,
    partial(steel, 2),
    camel_back,
    partial(modern, 3, "slim", "steel", high=0.7, seat_width=0.7),
    puffy,
    partial(wooden, "futon"),
    partial(corner, chaise_only=True, side=-1),
    wing_settee,
    sleeper,
    partial(modern, 4, "pillow", "block", pillows=True),
    cloud,
    partial(wooden, "rattan"),
    partial(chesterfield, 2),
    partial(modern, 2, "none", "steel", high=0.85),
    partial(steel, 3),
    partial(corner, chaise_only=True, side=1),
    partial(modern, 2, "slim", "cone", high=1.0),
    partial(modern, 3, "round", "bun", high=0.9),
)
