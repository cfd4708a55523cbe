"""Benches: park, garden, church, locker-room and stone benches. They are long in x, facing -z."""

from __future__ import annotations

from functools import partial

import numpy as np

from ..curves import arc, fillet, spline
from ..mesh import Mesh
from ..parts import (
    beam,
    box,
    cushion,
    ellipsoid,
    extrude,
    lathe,
    pair,
    rod,
    rounded_box,
    sheet,
    torus,
    tube,
)
from ..writer import Design


def slats(
    path: np.ndarray, num: int, length: float, width: float, thickness: float = 0.03
) -> Design:
    """Planks in x along a (z, y) path, each lying flat on it."""
    step = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    parts: Design = []
    for s in np.linspace(0.5 * width, step[-1] - 0.5 * width, num):
        z, y = (np.interp(s, step, path[:, i]) for i in (0, 1))
        z1, y1 = (np.interp(s + 0.01, step, path[:, i]) for i in (0, 1))
        z0, y0 = (np.interp(s - 0.01, step, path[:, i]) for i in (0, 1))
        angle = np.degrees(np.arctan2(y1 - y0, z1 - z0))
        plank = rounded_box(length, thickness, width, 0.006).turned("x", -float(angle))
        parts.append(("plank", "wood", plank.moved(y=float(y), z=float(z))))
    return parts


SEAT_AND_BACK = fillet([(-0.26, 0.46), (0.16, 0.42), (0.32, 0.9)], 0.08)


def park(ends: str, length: float = 1.6, num: int = 9) -> Design:
    """Slats on "iron" scrolls, "concrete" sides or "tube" frames."""
    design = slats(SEAT_AND_BACK, num, length, 0.075)
    inset = 0.5 * length - 0.12
    for side in (-1, 1):
        x = side * inset
        if ends == "iron":
            leg = spline([(x, 0.02, -0.34), (x, 0.2, -0.2), (x, 0.42, -0.24)], 10)
            rear = spline([(x, 0.02, 0.38), (x, 0.22, 0.2), (x, 0.42, 0.17), (x, 0.9, 0.35)], 14)
            arm = spline(
                [
                    (x, 0.42, -0.24),
                    (x, 0.6, -0.3),
                    (x, 0.69, -0.2),
                    (x, 0.66, 0.0),
                    (x, 0.68, 0.26),
                ],
                16,
            )
            design += [("iron", "dark", tube(p, 0.022)) for p in (leg, rear, arm)]
            design.append(("iron", "dark", rod((x, 0.43, -0.25), (x, 0.39, 0.17), 0.022)))
            ring = torus(0.07, 0.014, 20, 8).turned("z", 90).moved(x, 0.55, -0.05)
            design.append(("scroll", "dark", ring))
        elif ends == "concrete":
            outline = [
                (-0.3, 0),
                (0.34, 0),
                (0.34, 0.3),
                (0.24, 0.38),
                (0.38, 0.88),
                (0.32, 0.92),
                (0.14, 0.4),
            ]
            outline += [(-0.28, 0.44), (-0.32, 0.36)]
            design.append(("side", "stone", extrude(outline, 0.12, 0.015).moved(x)))
        else:
            loop = fillet(
                [
                    (x, 0.42, 0.2),
                    (x, 0.02, 0.3),
                    (x, 0.02, -0.28),
                    (x, 0.66, -0.26),
                    (x, 0.66, 0.24),
                ],
                0.1,
            )
            design.append(("frame", "metal", tube(loop, 0.024)))
            design.append(
                (
                    "bracket",
                    "metal",
                    tube([(x, p[1] - 0.02, p[0] + 0.012) for p in SEAT_AND_BACK], 0.016),
                )
            )
    return design


def garden(style: str) -> Design:
    """Wooden with arms; back of "slats", "lattice" or an "arched" crest."""
    length, half = 1.45, 0.68
    design = slats(np.array([(-0.26, 0.43), (0.2, 0.42)]), 5, length, 0.08)
    for side in (-1, 1):
        x = side * half
        design += [
            ("leg", "wood", box(0.06, 0.64, 0.06, x, 0.32, -0.24)),
            ("post", "wood", beam((x, 0, 0.24), (x, 0.92, 0.3), 0.06, 0.055)),
            ("arm", "wood", rounded_box(0.09, 0.03, 0.58, 0.01, x, 0.66, -0.0)),
            ("rail", "wood", box(0.04, 0.07, 0.46, x, 0.38, 0)),
        ]
    design.append(("apron", "wood", box(2 * half, 0.08, 0.03, 0, 0.38, -0.24)))
    design.append(("low_rail", "wood", box(2 * half, 0.06, 0.035, 0, 0.52, 0.272)))
    if style == "arched":
        arch = [
            (x, 0.86 + 0.14 * np.cos(0.5 * np.pi * x / half), 0.3)
            for x in np.linspace(-half, half, 15)
        ]
        grid = np.array([[(x, y + dy, z) for dy in (-0.04, 0.04)] for x, y, z in arch])
        design.append(("crest", "wood", sheet(grid, 0.035)))
        for x in np.linspace(-half, half, 15)[1:-1]:
            top = 0.86 + 0.14 * np.cos(0.5 * np.pi * x / half)
            design.append(("slat", "wood", beam((x, 0.52, 0.272), (x, top, 0.3), 0.04, 0.014)))
        return design
    design.append(("crest", "wood", rounded_box(2 * half, 0.07, 0.04, 0.01, 0, 0.9, 0.3)))
    if style == "slats":
        for x in np.linspace(-half, half, 13)[1:-1]:
            design.append(("slat", "wood", beam((x, 0.52, 0.272), (x, 0.9, 0.3), 0.05, 0.014)))
    else:
        for x in np.linspace(-half, half, 4):
            design.append(("post", "wood", beam((x, 0.52, 0.272), (x, 0.9, 0.3), 0.05, 0.03)))
        for k in range(3):
            low, high = -half + k * 2 * half / 3, -half + (k + 1) * 2 * half / 3
            for a, b in ((low, high), (high, low)):
                design.append(
                    ("brace", "wood", beam((a, 0.54, 0.275), (b, 0.88, 0.297), 0.03, 0.014))
                )
            ring = torus(0.1, 0.014, 20, 8).turned("x", 90).moved(0.5 * (low + high), 0.71, 0.285)
            design.append(("ring", "wood", ring))
    return design


def plain(legs: str) -> Design:
    """Backless: "trestle", "hairpin", "stone", "locker", "piano" or "log"."""
    if legs == "stone":
        design: Design = [("seat", "stone", rounded_box(1.4, 0.12, 0.46, 0.03, 0, 0.43))]
        foot = [
            (-0.18, 0),
            (0.18, 0),
            (0.18, 0.06),
            (0.1, 0.12),
            (0.1, 0.26),
            (0.18, 0.37),
            (-0.18, 0.37),
        ]
        foot += [(-0.1, 0.26), (-0.1, 0.12), (-0.18, 0.06)]
        return design + [("foot", "stone", p) for p in pair(extrude(foot, 0.16, 0.015).moved(0.48))]
    if legs == "locker":
        design = [
            ("plank", "wood", rounded_box(1.7, 0.04, 0.11, 0.012, 0, 0.45, z))
            for z in (-0.13, 0, 0.13)
        ]
        for side in (-1, 0, 1):
            x = 0.7 * side
            design += [
                ("post", "metal", rod((x, 0.02, 0), (x, 0.42, 0), 0.03)),
                (
                    "flange",
                    "metal",
                    lathe([(0, 0), (0.1, 0), (0.1, 0.015), (0.04, 0.03), (0, 0.03)], 20).moved(x),
                ),
                ("bracket", "metal", box(0.06, 0.025, 0.36, x, 0.42)),
            ]
        return design
    if legs == "piano":
        design = [
            ("pad", "leather", cushion(0.85, 0.12, 0.4, 7.0, 0, 0.5)),
            ("frame", "wood", rounded_box(0.86, 0.09, 0.4, 0.012, 0, 0.42)),
        ]
        leg = [
            (0, 0),
            (0.03, 0),
            (0.022, 0.06),
            (0.04, 0.12),
            (0.025, 0.2),
            (0.045, 0.36),
            (0.045, 0.4),
            (0, 0.4),
        ]
        for x in (-0.37, 0.37):
            for z in (-0.15, 0.15):
                design.append(("leg", "wood", lathe(leg, 16).moved(x, 0, z)))
        for x in np.linspace(-0.3, 0.3, 5):
            design.append(("button", "leather", ellipsoid(0.018, 0.012, 0.018, x, 0.562, 0)))
        return design
    if legs == "log":
        outline = np.concatenate([arc(0.2, 180, 360, 15), [(0.2, 0.02), (-0.2, 0.02)]])
        design = [("seat", "wood", extrude(outline, 1.5, 0.012).moved(y=0.45))]
        for x in (-0.45, 0.45):
            design.append(("stub", "wood", rod((x, 0, 0), (x, 0.32, 0), 0.17, 0.14, 18)))
        return design
    design = [("seat", "wood", rounded_box(1.5, 0.05, 0.36, 0.012, 0, 0.45))]
    for side in (-1, 1):
        x = 0.55 * side
        if legs == "trestle":
            for z in (-1, 1):
                design.append(
                    (
                        "leg",
                        "wood",
                        beam((x + 0.05 * side, 0, 0.2 * z), (x, 0.43, 0.08 * z), 0.06, 0.05),
                    )
                )
            design.append(("cleat", "wood", box(0.08, 0.05, 0.3, x, 0.41)))
            design.append(("rung", "wood", box(0.04, 0.05, 0.26, x + 0.025 * side, 0.18)))
            if side == 1:
                design.append(("stretcher", "wood", box(1.12, 0.05, 0.03, 0, 0.18)))
        else:
            for z in (-1, 1):
                for dx, dz in ((0.08, 0), (0, 0.08)):
                    foot = (x + 0.09 * side, 0.006, 0.16 * z)
                    end = (x + side * (0.08 - dx), 0.43, z * (0.15 - dz))
                    design.append(("leg", "metal", rod(foot, end, 0.009, sides=8)))
    return design


def pew() -> Design:
    """Church pew with shaped ends."""
    end = [
        (-0.28, 0),
        (0.3, 0),
        (0.34, 0.6),
        (0.38, 0.95),
        (0.33, 1.0),
        (0.24, 0.98),
        (0.18, 0.7),
        (0.0, 0.6),
    ]
    end += [(-0.22, 0.62), (-0.3, 0.56), (-0.26, 0.4)]
    design: Design = [("end", "wood", p) for p in pair(extrude(end, 0.06, 0.01).moved(0.85))]
    back = rounded_box(1.66, 0.55, 0.03, 0.01).turned("x", 10).moved(y=0.7, z=0.25)
    design += [
        ("seat", "wood", rounded_box(1.66, 0.035, 0.44, 0.01, 0, 0.44, -0.02)),
        ("back", "wood", back),
        ("cap", "wood", rounded_box(1.7, 0.04, 0.08, 0.015, 0, 0.98, 0.3)),
        ("front", "wood", box(1.66, 0.4, 0.025, 0, 0.22, 0.2)),
        ("book_rest", "wood", box(1.66, 0.025, 0.14, 0, 0.8, 0.38)),
        ("kick", "wood", box(1.66, 0.1, 0.03, 0, 0.37, -0.22)),
    ]
    for x in np.linspace(-0.66, 0.66, 4):
        panel = rounded_box(0.36, 0.36, 0.02, 0.008).turned("x", 10).moved(x, 0.7, 0.232)
        design.append(("panel", "wood", panel))
    return design


def storage(style: str) -> Design:
    """ "hall" with hooks and cubbies, or a "chest" with a lid."""
    if style == "chest":
        design: Design = [
            ("chest", "wood", rounded_box(1.2, 0.36, 0.46, 0.01, 0, 0.24)),
            ("lid", "wood", rounded_box(1.26, 0.04, 0.5, 0.012, 0, 0.44)),
            ("pad", "fabric", cushion(1.2, 0.09, 0.46, 8.0, 0, 0.48)),
            ("back", "wood", rounded_box(1.2, 0.36, 0.04, 0.012, 0, 0.64, 0.23)),
        ]
        for x in (-0.38, 0, 0.38):
            design.append(("panel", "trim", rounded_box(0.32, 0.24, 0.02, 0.008, x, 0.24, -0.235)))
        for side in (-1, 1):
            design.append(("arm", "wood", rounded_box(0.05, 0.3, 0.48, 0.015, 0.6 * side, 0.58)))
            design.append(("foot", "wood", box(0.1, 0.06, 0.44, 0.5 * side, 0.03)))
        return design
    design = [
        ("seat", "wood", rounded_box(1.1, 0.04, 0.4, 0.01, 0, 0.46)),
        ("base", "wood", box(1.06, 0.04, 0.38, 0, 0.06)),
        ("board", "wood", box(1.06, 0.5, 0.03, 0, 1.35, 0.18)),
        ("shelf", "wood", rounded_box(1.1, 0.035, 0.3, 0.01, 0, 1.62, 0.06)),
    ]
    for x in np.linspace(-0.52, 0.52, 4):
        design.append(("divider", "wood", box(0.03, 0.4, 0.38, x, 0.25)))
    for x in np.linspace(-0.4, 0.4, 4):
        hook = spline([(x, 1.36, 0.16), (x, 1.34, 0.06), (x, 1.4, 0.02), (x, 1.46, 0.03)], 9)
        design.append(("hook", "metal", tube(hook, 0.012, 8)))
    for side in (-1, 1):
        design.append(("post", "wood", box(0.05, 1.16, 0.05, 0.53 * side, 1.05, 0.17)))
        design.append(
            (
                "bracket",
                "wood",
                extrude([(0.16, 1.4), (0.16, 1.6), (-0.06, 1.6)], 0.03).moved(0.5 * side),
            )
        )
    return design


def ribbon() -> Design:
    """One wavy sheet of metal mesh on two feet."""
    path = spline(
        [
            (-0.3, 0.36),
            (-0.26, 0.44),
            (0.0, 0.42),
            (0.2, 0.44),
            (0.3, 0.65),
            (0.4, 0.88),
            (0.46, 0.86),
        ],
        26,
    )
    grid = np.stack([[(x, y, z) for z, y in path] for x in np.linspace(-0.75, 0.75, 6)])
    design: Design = [("seat", "paint", sheet(grid, 0.03))]
    for x in np.linspace(-0.7, 0.7, 15):
        rib = [(x, y + 0.012, z - 0.012) for z, y in path[2:-2]]
        design.append(("rib", "paint", tube(rib, 0.012, 6)))
    for side in (-1, 1):
        x = 0.5 * side
        design.append(
            (
                "leg",
                "metal",
                tube(fillet([(x, 0.42, 0.1), (x, 0.02, 0.1), (x, 0.02, -0.25)], 0.06), 0.028),
            )
        )
        design.append(("leg", "metal", rod((x, 0.02, 0.1), (x, 0.02, 0.35), 0.028)))
    return design


def curved() -> Design:
    """Backless arc of planks on three blocks."""
    design: Design = []
    for radius in (1.0, 1.1, 1.2, 1.3):
        angle = np.radians(np.linspace(-50, 50, 26))
        middle = np.stack(
            [radius * np.sin(angle), np.full(26, 0.45), -radius * np.cos(angle) + 1.1], axis=-1
        )
        across = np.stack([np.sin(angle), 0 * angle, -np.cos(angle)], axis=-1)
        grid = np.stack([middle + w * across for w in (-0.04, 0.04)], axis=1)
        design.append(("plank", "wood", sheet(grid, 0.04)))
    for angle in (-40, 0, 40):
        block = (
            rounded_box(0.1, 0.42, 0.38, 0.015)
            .moved(y=0.21, z=-1.15)
            .turned("y", angle)
            .moved(z=1.1)
        )
        design.append(("block", "stone", block))
    return design


def tree_seat() -> Design:
    """Hexagonal bench with a backrest that looks outward on all sides."""
    design: Design = []
    for k in range(6):
        turn = 60.0 * k
        for radius in (0.52, 0.61, 0.70):
            length = 2 * radius * np.tan(np.radians(30)) - 0.01
            plank = box(length, 0.03, 0.08, 0, 0.44, -radius).turned("y", turn)
            design.append(("plank", "wood", plank))
        for y in (0.6, 0.72, 0.84):
            length = 2 * (0.46 - 0.06 * (y - 0.6)) * np.tan(np.radians(30))
            board = box(length, 0.08, 0.025, 0, y, -(0.45 - 0.1 * (y - 0.6))).turned("y", turn)
            design.append(("back", "wood", board))
        leg = box(0.05, 0.43, 0.05, 0, 0.215, -0.8).turned("y", turn + 30)
        post = beam((0, 0, -0.52), (0, 0.9, -0.47), 0.05, 0.05).turned("y", turn + 30)
        bearer = box(0.04, 0.05, 0.35, 0, 0.4, -0.65).turned("y", turn + 30)
        design += [("leg", "wood", leg), ("post", "wood", post), ("bearer", "wood", bearer)]
    return design


def swing() -> Design:
    """Porch swing hung in an A-frame."""
    path = np.add(SEAT_AND_BACK, (0.0, 0.05))
    design = slats(path, 9, 1.2, 0.07, 0.025)
    frame: list[Mesh] = [rod((-0.95, 1.75, 0.05), (0.95, 1.75, 0.05), 0.04)]
    for side in (-1, 1):
        for z in (-0.55, 0.65):
            frame.append(rod((1.0 * side, 0, z), (0.86 * side, 1.75, 0.05), 0.035))
        frame.append(rod((0.95 * side, 0.6, -0.35), (0.95 * side, 0.6, 0.44), 0.022))
        design.append(("arm", "wood", rounded_box(0.06, 0.03, 0.5, 0.01, 0.58 * side, 0.7, 0.0)))
        for z in (-0.22, 0.26):
            design.append(
                (
                    "chain",
                    "metal",
                    rod((0.58 * side, 0.45, z), (0.58 * side, 1.75, 0.05), 0.009, sides=6),
                )
            )
    return design + [("frame", "metal", part) for part in frame]


def shelter() -> Design:
    """Bus-stop bench under a small roof."""
    design = slats(np.array([(-0.2, 0.45), (0.2, 0.45)]), 4, 1.6, 0.085)
    for side in (-1, 1):
        post = fillet(
            [(0.85 * side, 0, 0.38), (0.85 * side, 1.7, 0.38), (0.85 * side, 1.8, -0.5)], 0.25
        )
        design.append(("post", "metal", tube(post, 0.032)))
        arm = fillet([(0.6 * side, 0, 0.0), (0.6 * side, 0.43, 0.0)], 0.1)
        design.append(("leg", "metal", tube(arm, 0.03)))
    panel = sheet(np.array([[(x, y, 0.36) for y in (0.5, 1.45)] for x in (-0.8, 0.8)]), 0.03)
    bow = fillet([(0.4, 1.66), (0.3, 1.79), (-0.52, 1.86)], 0.3)
    roof = sheet(np.stack([[(x, y, z) for z, y in bow] for x in (-0.95, 0, 0.95)]), 0.035)
    return [*design, ("panel", "glass", panel), ("roof", "paint", roof)]


def blocks() -> Design:
    """Two planters joined by a bench."""
    design: Design = [
        ("plank", "wood", rounded_box(1.1, 0.05, 0.1, 0.01, 0, 0.42, z))
        for z in np.linspace(-0.18, 0.18, 4)
    ]
    for side in (-1, 1):
        x = 0.76 * side
        design.append(("planter", "stone", rounded_box(0.46, 0.52, 0.5, 0.03, x, 0.26)))
        for k in range(7):
            angle = 2 * np.pi * k / 6
            r = 0.12 if k < 6 else 0.0
            bush = ellipsoid(
                0.13,
                0.15,
                0.13,
                x + r * np.cos(angle),
                0.58 + 0.1 * (k == 6),
                r * np.sin(angle),
                12,
            )
            design.append(("plant", "paint", bush))
    design.append(("bearer", "metal", box(1.1, 0.06, 0.08, 0, 0.36)))
    return design


def gym() -> Design:
    """Weight bench: padded, inclined back, uprights."""
    back = rounded_box(0.3, 0.1, 0.8, 0.04).turned("x", -28).moved(y=0.66, z=0.3)
    design: Design = [
        ("seat", "leather", rounded_box(0.32, 0.1, 0.4, 0.04, 0, 0.48, -0.32)),
        ("back", "leather", back),
        ("beam", "metal", beam((0, 0.36, -0.5), (0, 0.36, 0.45), 0.07, 0.07)),
        ("support", "metal", beam((0, 0.36, 0.2), (0, 0.68, 0.36), 0.05, 0.05)),
    ]
    for z in (-0.5, 0.5):
        design.append(("foot", "metal", box(0.6, 0.05, 0.07, 0, 0.025, z)))
        design.append(("leg", "metal", box(0.07, 0.34, 0.07, 0, 0.2, z)))
    for side in (-1, 1):
        design.append(
            (
                "upright",
                "metal",
                beam((0.3 * side, 0.03, 0.5), (0.42 * side, 1.15, 0.62), 0.05, 0.05),
            )
        )
        plate = rod((0.62 * side, 1.16, 0.6), (0.72 * side, 1.16, 0.6), 0.2, sides=24)
        design.append(("plate", "dark", plate))
    design.append(("bar", "metal", rod((-0.85, 1.16, 0.6), (0.85, 1.16, 0.6), 0.016)))
    return design


def upholstered() -> Design:
    """Settle: padded seat with rolled ends."""
    roll = np.concatenate([arc(0.1, -60, 200, 16)])
    design: Design = [
        ("base", "wood", rounded_box(1.3, 0.08, 0.44, 0.015, 0, 0.36)),
        ("pad", "fabric", cushion(1.22, 0.13, 0.44, 8.0, 0, 0.43)),
    ]
    for side in (-1, 1):
        path = spline([(0.62, 0.36), (0.66, 0.52), (0.76, 0.66), (0.84, 0.7), (0.88, 0.63)], 16)
        grid = np.stack([[(side * x, y, z) for x, y in path] for z in (-0.21, -0.07, 0.07, 0.21)])
        design.append(("end", "fabric", sheet(grid, 0.06)))
        for z in (-0.17, 0.17):
            foot = spline(
                [
                    (0.55 * side, 0.34, z),
                    (0.62 * side, 0.2, 1.05 * z),
                    (0.56 * side, 0.0, 1.25 * z),
                ],
                8,
            )
            design.append(("leg", "wood", tube(foot, np.linspace(0.035, 0.018, 8), 10)))
        bolster = rod(
            (0.5 * side, 0.56, -0.2),
            (0.5 * side, 0.56, 0.2),
            float(np.ptp(roll[:, 0])) * 0.45,
            sides=20,
        )
        design.append(("bolster", "fabric", bolster))
    return design


DESIGNS = (
    partial(park, "iron"),
    partial(garden, "slats"),
    partial(plain, "trestle"),
    pew,
    partial(plain, "stone"),
    partial(park, "concrete"),
    ribbon,
    partial(garden, "arched"),
    partial(storage, "hall"),
    partial(plain, "locker"),
    swing,
    partial(park, "tube", 1.9, 10),
    curved,
    partial(garden, "lattice"),
    partial(plain, "hairpin"),
    partial(storage, "chest"),
    tree_seat,
    gym,
    shelter,
    partial(plain, "piano"),
    blocks,
    upholstered,
    partial(plain, "log"),
    partial(park, "iron", 1.0, 12),
)
