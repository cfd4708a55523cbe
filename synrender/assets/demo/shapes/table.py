"""Tables: dining, pedestal, trestle, desks, side and garden tables."""

from __future__ import annotations

from functools import partial

import numpy as np

from ..curves import circle, fillet, rounded_rect, spline, superellipse
from ..mesh import Mesh, skin
from ..parts import beam, box, ellipsoid, extrude, lathe, rod, rounded_box, torus, tube
from ..writer import Design


def slab(outline: np.ndarray, thickness: float, top: float, edge: float = 0.008) -> Mesh:
    """Table top of a convex outline (N, 2) in x-z, its edge eased, its upper side at `top`."""
    size = np.ptp(outline, axis=0)
    inner = outline * (1.0 - 2.0 * edge / size)
    levels = [(top - thickness, inner), (top - thickness + edge, outline), (top - edge, outline)]
    rings = [np.insert(o, 1, y, axis=1) for y, o in [*levels, (top, inner)]]
    return skin(np.array(rings))


def dining(
    legs: str, length: float = 1.6, width: float = 0.9, height: float = 0.75, oval: bool = False
) -> Design:
    """Top, apron and four legs; legs: "square", "tapered", "turned", "splayed" or "hairpin"."""
    outline = (
        superellipse(0.5 * width, 0.5 * length, 2.6, 48)
        if oval
        else rounded_rect(width, length, 0.03)
    )
    design: Design = [("top", "wood", slab(outline, 0.035, height))]
    x, z = (0.3 * width, 0.33 * length) if oval else (0.5 * width - 0.08, 0.5 * length - 0.08)
    if legs not in ("hairpin", "splayed"):
        for side in (-1, 1):
            design.append(("apron", "wood", box(0.022, 0.1, 2 * z, side * x, height - 0.085)))
            design.append(("apron", "wood", box(2 * x, 0.1, 0.022, 0, height - 0.085, side * z)))
    turned = [
        (0, 0),
        (0.025, 0),
        (0.02, 0.04),
        (0.036, 0.08),
        (0.022, 0.14),
        (0.034, 0.3),
        (0.042, 0.48),
    ]
    turned += [(0.026, 0.53), (0.045, 0.56), (0.045, 0.7), (0, 0.7)]
    for sx in (-1, 1):
        for sz in (-1, 1):
            at = (sx * x, 0.0, sz * z)
            top = (at[0], height - 0.03, at[2])
            if legs == "square":
                design.append(
                    (
                        "leg",
                        "wood",
                        box(0.075, height - 0.03, 0.075, at[0], 0.5 * height - 0.015, at[2]),
                    )
                )
            elif legs == "tapered":
                design.append(("leg", "wood", rod(at, top, 0.022, 0.048, 4)))
            elif legs == "turned":
                scale = (height - 0.03) / 0.7
                design.append(("leg", "wood", lathe(turned, 16).scaled(1.1, scale, 1.1).moved(*at)))
            elif legs == "splayed":
                foot = (1.1 * at[0], 0, 1.12 * at[2])
                design.append(
                    (
                        "leg",
                        "wood",
                        rod(foot, (0.8 * at[0], height - 0.03, 0.82 * at[2]), 0.016, 0.032),
                    )
                )
            else:
                foot = (1.02 * at[0], 0.008, 1.02 * at[2])
                for dx, dz in ((0.06, 0.0), (0.0, 0.06)):
                    end = (at[0] - sx * (dx + 0.03), height - 0.03, at[2] - sz * (dz + 0.03))
                    design.append(("leg", "metal", rod(foot, end, 0.008, sides=8)))
                plate = box(0.14, 0.01, 0.14, at[0] - 0.06 * sx, height - 0.04, at[2] - 0.06 * sz)
                design.append(("plate", "metal", plate))
    return design


def pedestal(style: str) -> Design:
    """One column: "tulip", "bistro", "claw" or "drum"."""
    height, radius = {
        "tulip": (0.73, 0.6),
        "bistro": (0.74, 0.35),
        "claw": (0.76, 0.62),
        "drum": (0.5, 0.38),
    }[style]
    design: Design = [("top", "stone", slab(circle(radius, 56), 0.03, height, 0.01))]
    if style == "tulip":
        profile = spline(
            [(0.33, 0.0), (0.3, 0.02), (0.1, 0.1), (0.045, 0.3), (0.06, 0.55), (0.2, 0.71)], 22
        )
        design.append(("column", "paint", lathe([(0, 0), *profile, (0, 0.71)], 36)))
    elif style == "bistro":
        design.append(("edge", "metal", torus(radius, 0.016, 56, 8).moved(y=height - 0.015)))
        design.append(("column", "dark", rod((0, 0.06, 0), (0, height - 0.03, 0), 0.032)))
        for k in range(4):
            foot = spline([(0, 0.2, -0.02), (0, 0.1, -0.07), (0, 0.06, -0.2), (0, 0.02, -0.34)], 10)
            design.append(
                (
                    "foot",
                    "dark",
                    tube(foot, np.linspace(0.026, 0.018, 10), 8).turned("y", 90 * k + 45),
                )
            )
        design.append(
            ("spider", "dark", lathe([(0, 0.66), (0.04, 0.66), (0.2, 0.71), (0, 0.71)], 20))
        )
    elif style == "claw":
        profile = [
            (0, 0.16),
            (0.07, 0.16),
            (0.09, 0.22),
            (0.06, 0.28),
            (0.1, 0.36),
            (0.11, 0.43),
            (0.05, 0.5),
        ]
        profile += [(0.06, 0.6), (0.045, 0.63), (0.18, 0.7), (0.18, 0.73), (0, 0.73)]
        design[0] = ("top", "wood", design[0][2])
        design.append(("column", "wood", lathe(profile, 28)))
        for k in range(3):
            foot = spline(
                [(0, 0.26, -0.03), (0, 0.24, -0.16), (0, 0.1, -0.3), (0, 0.045, -0.42)], 12
            )
            design.append(
                ("foot", "wood", tube(foot, np.linspace(0.05, 0.028, 12), 10).turned("y", 120 * k))
            )
            design.append(
                ("claw", "wood", ellipsoid(0.042, 0.04, 0.055, 0, 0.04, -0.44).turned("y", 120 * k))
            )
    else:
        profile = [
            (0, 0),
            (0.3, 0),
            (0.36, 0.06),
            (0.38, 0.2),
            (0.38, 0.34),
            (0.34, 0.44),
            (0, 0.47),
        ]
        design.append(("drum", "wood", lathe(profile, 40)))
        for y in (0.12, 0.36):
            design.append(("hoop", "metal", torus(0.378, 0.014, 48, 8).moved(y=y)))
    return design


def trestle(style: str) -> Design:
    """A-frames ("a"), crossed legs ("x") or two solid ends ("slab"), with a stretcher."""
    height, length = 0.75, 1.8
    design: Design = []
    for z in np.linspace(-0.36, 0.36, 5):
        plank = rounded_box(0.17, 0.045, length, 0.008, z, height - 0.022)
        design.append(("plank", "wood", plank))
    for z in (-0.6, 0.6):
        if style == "slab":
            end = extrude(
                [
                    (-0.36, 0),
                    (0.36, 0),
                    (0.3, 0.1),
                    (0.2, 0.4),
                    (0.3, 0.7),
                    (-0.3, 0.7),
                    (-0.2, 0.4),
                    (-0.3, 0.1),
                ],
                0.06,
                0.01,
            )
            design.append(("end", "wood", end.turned("y", 90).moved(z=z)))
        elif style == "x":
            for side in (-1, 1):
                bar = beam((0.38 * side, 0.0, z), (-0.36 * side, 0.7, z), 0.06, 0.07)
                design.append(("leg", "wood", bar.moved(z=0.02 * side)))
            design.append(("foot", "wood", box(0.76, 0.06, 0.07, 0, 0.69, z)))
        else:
            for side in (-1, 1):
                for dz in (-0.18, 0.18):
                    bar = beam(
                        (0.34 * side, 0, z + dz), (0.3 * side, 0.68, z + 0.15 * dz), 0.045, 0.045
                    )
                    design.append(("leg", "wood", bar))
                design.append(("rung", "wood", box(0.03, 0.04, 0.28, 0.325 * side, 0.22, z)))
            design.append(("head", "wood", box(0.72, 0.06, 0.08, 0, 0.69, z)))
    y = 0.36 if style != "a" else 0.22
    design.append(("stretcher", "wood", box(0.05, 0.09, 1.24, 0, y, 0)))
    return design


def picnic() -> Design:
    """Garden table with benches joined to it."""
    design: Design = []
    for x in np.linspace(-0.32, 0.32, 5):
        design.append(("plank", "wood", rounded_box(0.14, 0.04, 1.7, 0.008, x, 0.74)))
    for side in (-1, 1):
        for dx in (0.0, 0.15):
            design.append(
                ("seat", "wood", rounded_box(0.13, 0.04, 1.7, 0.008, side * (0.62 + dx), 0.45))
            )
    for z in (-0.58, 0.58):
        for side in (-1, 1):
            design.append(
                ("leg", "wood", beam((0.62 * side, 0, z), (0.24 * side, 0.72, z), 0.08, 0.045))
            )
        design.append(("bearer", "wood", box(1.56, 0.09, 0.045, 0, 0.39, z + 0.045)))
        design.append(("cleat", "wood", box(0.74, 0.08, 0.045, 0, 0.68, z + 0.045)))
        design.append(("brace", "wood", beam((0, 0.4, z * 0.95), (0, 0.7, 0.2 * z), 0.06, 0.04)))
    return design


def desk(style: str) -> Design:
    """Writing desk: "pedestal" (two drawer blocks), "legs", "standing" or "corner"."""
    height, length, width = 0.74, 1.5, 0.7
    design: Design = [("top", "wood", rounded_box(width, 0.035, length, 0.01, 0, height))]
    if style in ("pedestal", "legs"):
        ends = (-1, 1) if style == "pedestal" else (1,)
        for side in ends:
            z = side * 0.52
            design.append(("block", "wood", box(width - 0.06, 0.66, 0.42, 0, 0.39, z)))
            for k in range(3):
                y = 0.17 + 0.21 * k
                design.append(("drawer", "trim", rounded_box(0.03, 0.18, 0.38, 0.01, 0.32, y, z)))
                design.append(
                    ("handle", "metal", rounded_box(0.025, 0.02, 0.14, 0.008, 0.35, y + 0.02, z))
                )
        if style == "pedestal":
            design.append(("panel", "wood", box(0.02, 0.4, 0.7, -0.28, 0.52)))
        else:
            for x in (-0.3, 0.3):
                design.append(("leg", "metal", rod((x, 0, -0.68), (x, 0.73, -0.68), 0.022)))
            design.append(
                ("screen", "dark", rounded_box(0.03, 0.36, 0.6, 0.012, -0.1, 1.02, -0.15))
            )
            design.append(("stand", "dark", rod((-0.1, 0.75, -0.15), (-0.1, 0.9, -0.15), 0.025)))
            design.append(
                ("base", "dark", rounded_box(0.18, 0.02, 0.26, 0.008, -0.1, 0.765, -0.15))
            )
    elif style == "standing":
        design = [("top", "wood", rounded_box(width, 0.035, length, 0.01, 0, 1.08))]
        for z in (-0.52, 0.52):
            design += [
                ("foot", "metal", rounded_box(0.66, 0.035, 0.08, 0.012, 0, 0.02, z)),
                ("column", "metal", box(0.09, 0.62, 0.07, 0, 0.34, z)),
                ("column", "metal", box(0.07, 0.7, 0.05, 0, 0.72, z)),
                ("arm", "metal", box(0.55, 0.04, 0.06, 0, 1.045, z)),
            ]
        design.append(("beam", "metal", box(0.06, 0.05, 1.04, 0, 1.03)))
    else:
        design.append(("wing", "wood", rounded_box(0.84, 0.033, 0.6, 0.01, 0.76, height, 0.45)))
        for x, z in ((-0.3, -0.7), (0.3, -0.7), (-0.3, 0.7), (1.14, 0.7), (1.14, 0.2), (0.3, 0.2)):
            design.append(("leg", "metal", box(0.05, 0.73, 0.05, x, 0.36, z)))
        design.append(("panel", "wood", box(0.02, 0.45, 1.35, -0.3, 0.5)))
        design.append(("panel", "wood", box(1.4, 0.45, 0.02, 0.42, 0.5, 0.7)))
    return design


def coffee(style: str) -> Design:
    """Low table: "shelf", "glass", "slatted", "cubes" or "waterfall"."""
    if style == "glass":
        design: Design = [
            ("top", "glass", slab(superellipse(0.38, 0.65, 2.4, 48), 0.02, 0.42, 0.006))
        ]
        for side in (-1, 1):
            arch = spline(
                [
                    (0.3, 0.015, 0.45 * side),
                    (0.12, 0.3, 0.3 * side),
                    (-0.12, 0.3, 0.3 * side),
                    (-0.3, 0.015, 0.45 * side),
                ],
                18,
            )
            design.append(("arch", "wood", tube(arch, 0.032)))
            design.append(("post", "metal", rod((0, 0.33, 0.3 * side), (0, 0.4, 0.3 * side), 0.03)))
        design.append(("bar", "wood", rod((0, 0.33, -0.3), (0, 0.33, 0.3), 0.02)))
        return design
    if style == "waterfall":
        path = fillet([(0.0, 0.55), (0.42, 0.55), (0.42, -0.55), (0.0, -0.55)], 0.1)
        outer = [(z, y) for y, z in path]
        inner = [(z * 0.93, y - 0.0 if y < 0.01 else y - 0.035) for y, z in path[::-1]]
        design = [("body", "wood", extrude([*outer, *inner], 0.6, 0.006))]
        design.append(("shelf", "wood", box(0.56, 0.03, 1.02, 0, 0.18)))
        return design
    if style == "cubes":
        design = [("top", "stone", rounded_box(0.7, 0.06, 1.1, 0.015, 0, 0.4))]
        for z in (-0.3, 0.3):
            design.append(("cube", "wood", rounded_box(0.5, 0.36, 0.4, 0.02, 0, 0.19, z)))
            design.append(("drawer", "trim", rounded_box(0.03, 0.28, 0.34, 0.01, 0.25, 0.19, z)))
            design.append(("knob", "metal", ellipsoid(0.025, 0.025, 0.025, 0.28, 0.19, z)))
        return design
    design = []
    if style == "slatted":
        for x in np.linspace(-0.27, 0.27, 8):
            design.append(("slat", "wood", rounded_box(0.055, 0.03, 1.2, 0.008, x, 0.42)))
        for z in (-0.42, 0.42):
            frame = fillet(
                [(-0.26, 0.39, z), (-0.3, 0.02, z), (0.3, 0.02, z), (0.26, 0.39, z)], 0.06
            )
            design.append(("frame", "metal", tube(frame, 0.014)))
            design.append(("bearer", "metal", box(0.56, 0.025, 0.03, 0, 0.395, z)))
        return design
    for y in (0.16, 0.44):
        design.append(("board", "wood", rounded_box(0.62, 0.035, 1.1, 0.01, 0, y)))
    for x in (-0.27, 0.27):
        for z in (-0.5, 0.5):
            design.append(("leg", "wood", box(0.06, 0.44, 0.06, x, 0.22, z)))
    return design


def game(kind: str) -> Design:
    """ "tennis" with its net, or "billiards" with cushions and pockets."""
    if kind == "tennis":
        design: Design = [("top", "paint", rounded_box(1.52, 0.04, 2.74, 0.008, 0, 0.76))]
        design.append(("net", "trim", box(1.75, 0.15, 0.015, 0, 0.86)))
        design += [
            ("post", "metal", rod((s * 0.87, 0.7, 0), (s * 0.87, 0.94, 0), 0.02)) for s in (-1, 1)
        ]
        for z in (-0.95, 0.95):
            for side in (-1, 1):
                frame = fillet(
                    [
                        (0.6 * side, 0.74, z - 0.25),
                        (0.6 * side, 0.03, z - 0.1),
                        (0.6 * side, 0.03, z + 0.1),
                        (0.6 * side, 0.74, z + 0.25),
                    ],
                    0.1,
                )
                design.append(("frame", "metal", tube(frame, 0.022)))
            design.append(("bar", "metal", rod((-0.6, 0.4, z), (0.6, 0.4, z), 0.02)))
        design.append(("line", "trim", box(0.03, 0.01, 2.7, 0, 0.782)))
        return design
    design = [("bed", "fabric", box(1.2, 0.06, 2.3, 0, 0.78))]
    for side in (-1, 1):
        design.append(("rail", "wood", rounded_box(0.15, 0.12, 2.5, 0.03, 0.64 * side, 0.8)))
        design.append(("rail", "wood", rounded_box(1.3, 0.12, 0.15, 0.03, 0, 0.8, 1.18 * side)))
        design.append(("apron", "wood", box(0.06, 0.16, 2.2, 0.56 * side, 0.68)))
        design.append(("apron", "wood", box(1.1, 0.16, 0.06, 0, 0.68, 1.1 * side)))
        for z in (-1.17, 0, 1.17):
            design.append(
                (
                    "pocket",
                    "dark",
                    rod((0.63 * side, 0.78, z), (0.63 * side, 0.866, z), 0.075, sides=16),
                )
            )
        leg = [
            (0, 0),
            (0.07, 0),
            (0.05, 0.08),
            (0.09, 0.16),
            (0.06, 0.26),
            (0.1, 0.42),
            (0.1, 0.64),
            (0, 0.64),
        ]
        for z in (-0.92, 0.92):
            design.append(("leg", "wood", lathe(leg, 18).moved(0.48 * side, 0, z)))
    balls = [
        (0.0, 0.5),
        (-0.06, 0.6),
        (0.06, 0.6),
        (-0.12, 0.7),
        (0, 0.7),
        (0.12, 0.7),
        (0.05, -0.6),
    ]
    return design + [
        ("ball", "trim", ellipsoid(0.05, 0.05, 0.05, x, 0.85, z, 12)) for x, z in balls
    ]


def console() -> Design:
    """Narrow half-round wall table with turned legs and a shelf."""
    half = np.concatenate([circle(0.5, 48)[:25] * (0.7, 1.0), [(-0.35, -0.08), (0.35, -0.08)]])
    half = np.column_stack([half[:, 1], half[:, 0]]) * (0.8, 1.3)
    design: Design = [
        ("top", "wood", slab(half, 0.03, 0.8)),
        ("shelf", "wood", slab(half * 0.85, 0.02, 0.2)),
    ]
    leg = [
        (0, 0),
        (0.02, 0),
        (0.016, 0.06),
        (0.026, 0.1),
        (0.016, 0.2),
        (0.028, 0.5),
        (0.02, 0.6),
        (0.028, 0.77),
        (0, 0.77),
    ]
    for x, z in ((0.0, -0.38), (0.0, 0.38), (0.3, 0.15), (0.3, -0.15)):
        design.append(("leg", "wood", lathe(leg, 14).moved(x, 0, z)))
    return design


def workbench() -> Design:
    """Joiner's bench: thick top, vice, lower shelf, tool board."""
    design: Design = [("top", "wood", rounded_box(0.65, 0.09, 1.6, 0.01, 0, 0.82))]
    for x in (-0.26, 0.26):
        for z in (-0.66, 0.66):
            design.append(("leg", "wood", box(0.09, 0.78, 0.09, x, 0.39, z)))
        design.append(("rail", "wood", box(0.05, 0.09, 1.3, x, 0.2)))
    for x in np.linspace(-0.2, 0.2, 4):
        design.append(("shelf", "wood", box(0.11, 0.025, 1.36, x, 0.255)))
    design += [
        ("jaw", "metal", rounded_box(0.06, 0.16, 0.36, 0.015, 0.42, 0.77, -0.45)),
        ("screw", "metal", rod((0.3, 0.74, -0.45), (0.58, 0.74, -0.45), 0.025)),
        ("handle", "metal", rod((0.56, 0.74, -0.6), (0.56, 0.74, -0.3), 0.012)),
        ("board", "wood", box(0.03, 0.45, 1.5, -0.3, 1.08)),
        ("tray", "wood", box(0.14, 0.03, 1.5, -0.23, 1.0)),
    ]
    return design


DESIGNS = (
    partial(dining, "tapered"),
    partial(pedestal, "tulip"),
    partial(desk, "pedestal"),
    partial(coffee, "shelf"),
    partial(trestle, "x"),
    picnic,
    partial(dining, "hairpin", 1.4, 0.75),
    partial(pedestal, "claw"),
    partial(coffee, "glass"),
    partial(desk, "legs"),
    partial(game, "tennis"),
    partial(dining, "turned", 1.9, 0.95),
    partial(pedestal, "bistro"),
    partial(trestle, "slab"),
    partial(coffee, "waterfall"),
    partial(desk, "standing"),
    console,
    partial(dining, "splayed", 1.7, 1.0, oval=True),
    partial(game, "billiards"),
    partial(coffee, "slatted"),
    partial(trestle, "a"),
    partial(desk, "corner"),
    workbench,
    partial(pedestal, "drum"),
)
