"""Cabinets: wardrobes, dressers, sideboards, bookcases, lockers. They are wide in x, facing -z."""

from __future__ import annotations

from functools import partial

import numpy as np

from ..curves import arc, spline
from ..mesh import Mesh
from ..parts import (
    beam,
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


def case(
    width: float,
    height: float,
    depth: float,
    base: float = 0.0,
    board: float = 0.025,
) -> Design:
    """Open box that stands `base` above the floor; the front is left open."""
    middle = base + 0.5 * height
    parts: Design = [
        ("side", "wood", part)
        for part in pair(box(board, height, depth, 0.5 * (width - board), middle))
    ]
    inside = width - 2 * board
    parts.append(("bottom", "wood", box(inside, board, depth, 0, base + 0.5 * board)))
    parts.append(("top", "wood", box(inside, board, depth, 0, base + height - 0.5 * board)))
    back = box(inside, height - 2 * board, 0.012, 0, middle, 0.5 * depth - 0.01)
    return [*parts, ("back", "wood", back)]


def front(
    width: float, height: float, x: float, y: float, z: float, knob: str = "knob", side: float = 0.0
) -> Design:
    """A drawer (side 0: knobs in its middle) or a door (side -1 or 1: handle at that edge)."""
    parts: Design = [
        ("front", "trim", rounded_box(width - 0.012, height - 0.012, 0.022, 0.006, x, y, z))
    ]
    at = x + side * (0.5 * width - 0.05)
    reach = z - 0.03
    if knob == "knob":
        spots = [at] if side or width < 0.5 else [x - 0.28 * width, x + 0.28 * width]
        parts += [("knob", "metal", ellipsoid(0.02, 0.02, 0.022, s, y, reach, 12)) for s in spots]
    elif knob == "bar":
        half = 0.5 * min(0.16, 0.6 * width)
        ends = (
            [(at, y - half, reach), (at, y + half, reach)]
            if side
            else [(x - half, y, reach), (x + half, y, reach)]
        )
        parts.append(("handle", "metal", rod(ends[0], ends[1], 0.009, sides=8)))
        for end in ends:
            parts.append(("stem", "metal", rod(end, (end[0], end[1], z), 0.006, sides=8)))
    elif knob == "panel":
        parts.append(
            (
                "panel",
                "wood",
                rounded_box(width - 0.13, height - 0.13, 0.02, 0.009, x, y, z - 0.008),
            )
        )
        parts.append(("knob", "metal", ellipsoid(0.018, 0.018, 0.02, at, y, reach, 12)))
    return parts


def feet(
    width: float, depth: float, height: float, splay: float = 0.0, radius: float = 0.02
) -> Design:
    """Four tapered legs."""
    x, z = 0.5 * width - 0.07, 0.5 * depth - 0.06
    return [
        (
            "leg",
            "wood",
            rod(
                (sx * (x + splay), 0, sz * (z + 0.5 * splay)),
                (sx * x, height, sz * z),
                0.7 * radius,
                1.2 * radius,
            ),
        )
        for sx in (-1, 1)
        for sz in (-1, 1)
    ]


def chest(
    columns: int, rows: int, width: float, height: float, knob: str, leg: float = 0.0
) -> Design:
    """Chest of drawers on a plinth, or on legs."""
    depth, base = 0.45, leg or 0.08
    design = case(width, height, depth, base)
    if leg:
        design += feet(width, depth, leg, 0.03, 0.022)
    else:
        design.append(("plinth", "wood", box(width - 0.04, 0.08, depth - 0.06, 0, 0.04, 0.01)))
    design.append(
        (
            "top",
            "wood",
            rounded_box(width + 0.04, 0.03, depth + 0.04, 0.01, 0, base + height + 0.015),
        )
    )
    w, h = (width - 0.06) / columns, (height - 0.06) / rows
    for i in range(columns):
        for k in range(rows):
            x, y = -0.5 * width + 0.03 + (i + 0.5) * w, base + 0.03 + (k + 0.5) * h
            design += front(w, h, x, y, -0.5 * depth, knob)
    return design


def wardrobe(style: str) -> Design:
    """ "panel" with a cornice, "mirror", "sliding" or "armoire"."""
    width, height, depth = (1.5 if style == "sliding" else 1.1), 1.9, 0.56
    design = case(width, height, depth, 0.08)
    z = -0.5 * depth
    if style == "sliding":
        for k in range(3):
            x = (k - 1) * width / 3
            design.append(
                (
                    "door",
                    "trim",
                    rounded_box(width / 3 + 0.03, 1.82, 0.025, 0.008, x, 1.03, z - 0.02 * (k % 2)),
                )
            )
            design.append(
                ("grip", "metal", box(0.02, 0.7, 0.02, x + 0.15, 1.0, z - 0.02 - 0.02 * (k % 2)))
            )
            for y in (0.6, 1.2):
                design.append(
                    ("band", "wood", box(width / 3, 0.02, 0.02, x, y, z - 0.012 - 0.02 * (k % 2)))
                )
        design.append(("plinth", "wood", box(width, 0.08, depth - 0.04, 0, 0.04)))
        return [*design, ("rail", "metal", box(width, 0.05, 0.07, 0, 1.96, z - 0.01))]
    if style == "mirror":
        return _mirror_wardrobe(design, width, depth)
    low = 0.45 if style == "armoire" else 0.1
    if style == "armoire":
        for k in range(2):
            design += front(width - 0.06, 0.17, 0, 0.19 + 0.175 * k, z)
    tall = 1.94 - low
    for side in (-1, 1):
        x = 0.25 * width * side
        design += front(0.5 * width - 0.03, tall, x, low + 0.5 * tall, z, "panel", -side)
    profile = [
        (0.5 * depth, 1.96),
        (-0.5 * depth, 1.96),
        (-0.5 * depth - 0.03, 2.0),
        (-0.5 * depth - 0.06, 2.06),
        (0.5 * depth, 2.06),
    ]
    design.append(("cornice", "wood", extrude(profile, width + 0.08, 0.01)))
    if style == "armoire":
        crest = [
            (x, 2.05 + 0.16 * np.cos(np.pi * x / width))
            for x in np.linspace(-0.5 * width, 0.5 * width, 15)
        ]
        crest = [*crest, (0.5 * width, 2.04), (-0.5 * width, 2.04)]
        design.append(("crest", "wood", extrude(crest, 0.05).turned("y", 90).moved(z=z)))
        for side in (-1, 1):
            bun = lathe([(0, 0), (0.05, 0), (0.065, 0.04), (0.04, 0.09), (0, 0.09)], 18)
            design += [("foot", "wood", bun.moved(0.46 * side, 0, s * 0.2)) for s in (-1, 1)]
    else:
        design.append(("plinth", "wood", box(width + 0.03, 0.08, depth + 0.01, 0, 0.04)))
    return design


def _mirror_wardrobe(design: Design, width: float, depth: float) -> Design:
    """Open hanging space beside a mirrored door, over three wide drawers."""
    z = -0.5 * depth
    for k in range(3):
        design += front(width - 0.05, 0.2, 0, 0.21 + 0.2 * k, z, "bar")
    design += [
        ("shelf", "wood", box(width - 0.06, 0.025, depth - 0.03, 0, 0.73)),
        ("divider", "wood", box(0.025, 1.22, depth - 0.03, 0.0, 1.35)),
        ("door", "trim", rounded_box(0.52, 1.2, 0.025, 0.008, 0.265, 1.35, z)),
        ("mirror", "glass", rounded_box(0.42, 1.08, 0.02, 0.008, 0.265, 1.35, z - 0.01)),
        ("rail", "metal", rod((-0.52, 1.85, 0), (0, 1.85, 0), 0.014)),
        ("top", "wood", rounded_box(width + 0.06, 0.035, depth + 0.04, 0.01, 0, 2.0)),
    ]
    for k, x in enumerate((-0.45, -0.36, -0.28, -0.19, -0.1)):
        tall = (0.75, 0.9, 0.6, 0.85, 0.7)[k]
        cloth = cushion(0.07, tall, 0.42, 3.0, x, 1.8 - 0.5 * tall)
        design.append(("garment", ("fabric", "paint", "leather")[k % 3], cloth))
    return [*design, ("plinth", "wood", box(width - 0.04, 0.08, depth - 0.06, 0, 0.04, 0.02))]


def sideboard(style: str) -> Design:
    """Low and long: "mid" century on splayed legs, "tambour" or "media" with a gap."""
    width, height, depth = 1.7, 0.52, 0.42
    design = case(width, height, depth, 0.2) + feet(width - 0.2, depth, 0.2, 0.05, 0.022)
    z = -0.5 * depth
    if style == "mid":
        for x, side in ((-0.62, 1), (0.62, -1)):
            design += front(0.4, 0.46, x, 0.46, z, "knob", side)
        for k in range(3):
            design += front(0.82, 0.155, 0, 0.305 + 0.155 * k, z, "bar")
    elif style == "tambour":
        for x in np.linspace(-0.8, 0.8, 40):
            design.append(
                ("slat", "trim", rod((x, 0.23, z + 0.01), (x, 0.69, z + 0.01), 0.018, sides=6))
            )
        design.append(("gap", "dark", box(0.012, 0.46, 0.03, 0, 0.46, z - 0.005)))
    else:
        for side in (-1, 1):
            design += front(0.5, 0.46, 0.58 * side, 0.46, z, "bar", -side)
            design.append(("divider", "wood", box(0.025, 0.46, depth - 0.03, 0.32 * side, 0.46)))
        design.append(("shelf", "wood", box(0.62, 0.02, depth - 0.05, 0, 0.46, 0.01)))
        design.append(("screen", "dark", rounded_box(1.15, 0.66, 0.04, 0.015, 0, 1.1, 0.05)))
        design.append(("stand", "dark", box(0.1, 0.12, 0.05, 0, 0.75, 0.06)))
        design.append(("base", "dark", rounded_box(0.4, 0.02, 0.2, 0.008, 0, 0.73, 0.03)))
    return design


def bookcase(style: str) -> Design:
    """Open shelves: "books", "cubes", "ladder" or "stepped"."""
    if style == "ladder":
        design: Design = []
        for side in (-1, 1):
            design.append(
                ("rail", "wood", beam((0.4 * side, 0, -0.25), (0.4 * side, 1.8, 0.2), 0.035, 0.06))
            )
            design.append(
                ("post", "wood", beam((0.4 * side, 0, 0.24), (0.4 * side, 1.8, 0.24), 0.035, 0.04))
            )
        for k in range(5):
            y = 0.15 + 0.38 * k
            start = -0.24 + 0.25 * y
            depth = 0.24 - start
            design.append(
                ("shelf", "wood", rounded_box(0.8, 0.03, depth, 0.008, 0, y, start + 0.5 * depth))
            )
        return [
            *design,
            *_books(-0.3, 0.16, 0.0, 0.5, 0),
            ("vase", "stone", _vase().moved(0.15, 0.545, 0.08)),
        ]
    if style == "cubes":
        design = case(1.16, 1.16, 0.36, 0.02, board=0.04)
        for k in (-1, 1):
            design.append(("board", "wood", box(0.022, 1.08, 0.33, 0.18 * k, 0.6)))
            design.append(("board", "wood", box(1.08, 0.022, 0.33, 0, 0.6 + 0.18 * k)))
        for x, y in ((-0.36, 0.24), (0.0, 0.6), (0.36, 0.96)):
            design += front(0.35, 0.35, x, y, -0.16, "knob")
        return design + _books(-0.5, 0.8, 0.0, 0.25, 3) + _books(0.22, 0.07, 0.0, 0.26, 5)
    if style == "stepped":
        design = []
        for k in range(4):
            x, tall = -0.6 + 0.4 * k, 0.45 * (k + 1)
            for level in range(k + 1):
                y = 0.45 * level
                for part in case(0.4, 0.45, 0.36, y, board=0.022):
                    design.append((part[0], part[1], part[2].moved(x)))
            design.append(("cap", "wood", rounded_box(0.42, 0.025, 0.38, 0.008, x, tall + 0.012)))
        return design + front(0.4, 0.45, -0.6, 0.225, -0.18) + front(0.4, 0.45, 0.2, 0.225, -0.18)
    design = case(0.85, 1.85, 0.3, 0.06)
    design.append(("plinth", "wood", box(0.83, 0.06, 0.26, 0, 0.03)))
    for k in range(1, 5):
        y = 0.06 + 0.37 * k
        design.append(("shelf", "wood", box(0.8, 0.022, 0.27, 0, y)))
    for k in range(5):
        design += _books(-0.38, 0.085 + 0.37 * k, 0.0, 0.5 + 0.22 * (k % 2), k)
    return design


def _books(x: float, y: float, z: float, length: float, shift: int) -> Design:
    """A row of books of mixed sizes that starts at x and stands on y."""
    books: Design = []
    k = shift
    end = x + length
    while x < end:
        thick, tall = 0.028 + 0.006 * (k * 7 % 5), 0.2 + 0.02 * (k * 5 % 4)
        material = ("paint", "fabric", "leather", "trim")[k % 4]
        books.append(
            ("book", material, box(thick - 0.003, tall, 0.17, x + 0.5 * thick, y + 0.5 * tall, z))
        )
        x += thick
        k += 1
    return books


def _vase() -> Mesh:
    profile = spline([(0.04, 0), (0.08, 0.08), (0.05, 0.2), (0.035, 0.24), (0.05, 0.28)], 14)
    return lathe([*profile, (0, 0.27)], 18)


def hutch(glass: bool) -> Design:
    """Dresser: cupboards below, shelves or glazed doors above."""
    width = 1.2
    design = case(width, 0.8, 0.46, 0.06)
    design.append(("plinth", "wood", box(width - 0.03, 0.06, 0.42, 0, 0.03)))
    design.append(("counter", "wood", rounded_box(width + 0.06, 0.035, 0.52, 0.01, 0, 0.875)))
    for k in range(3):
        x = (k - 1) * 0.385
        design += front(0.385, 0.18, x, 0.74, -0.23)
        design += front(0.385, 0.54, x, 0.37, -0.23, "panel", 1 if k == 0 else -1)
    upper = [(n, m, mesh.moved(z=0.08)) for n, m, mesh in case(width - 0.06, 1.0, 0.28, 0.89)]
    design += upper
    for y in (1.2, 1.53):
        design.append(("shelf", "wood", box(width - 0.1, 0.02, 0.25, 0, y, 0.08)))
    profile = [(0.22, 1.88), (-0.07, 1.88), (-0.12, 1.96), (0.22, 1.96)]
    design.append(("cornice", "wood", extrude(profile, width + 0.02, 0.012)))
    if glass:
        for k in range(3):
            x = (k - 1) * 0.37
            for dx in (-0.17, 0.17):
                design.append(("stile", "wood", box(0.035, 0.94, 0.022, x + dx, 1.39, -0.07)))
            for y in (0.94, 1.39, 1.84):
                design.append(("rail", "wood", box(0.31, 0.035, 0.022, x, y, -0.07)))
            design.append(("muntin", "wood", box(0.015, 0.94, 0.015, x, 1.39, -0.07)))
        return design
    for y in (0.9, 1.21, 1.54):
        for k in range(5):
            x = -0.44 + 0.22 * k
            plate = lathe([(0, 0), (0.05, 0.004), (0.09, 0.02), (0.09, 0.03), (0, 0.012)], 22)
            design.append(("plate", "stone", plate.turned("x", -80).moved(x, y + 0.1, 0.16)))
    return design


def kitchen() -> Design:
    """Base units with a sink, wall units above and an extractor hood."""
    design = case(1.8, 0.78, 0.56, 0.08)
    design += [
        ("plinth", "dark", box(1.76, 0.08, 0.46, 0, 0.04, 0.03)),
        ("counter", "stone", rounded_box(1.86, 0.04, 0.62, 0.012, 0, 0.88)),
        ("splash", "trim", box(1.8, 0.6, 0.02, 0, 1.18, 0.29)),
    ]
    for k in range(4):
        design += front(0.44, 0.74, -0.66 + 0.44 * k, 0.46, -0.28, "bar", 1 if k % 2 == 0 else -1)
    for x in (-0.62, 0.62):
        for n, m, mesh in (
            case(0.56, 0.62, 0.32, 1.42)
            + front(0.28, 0.6, -0.14, 1.73, -0.16, "bar", 1)
            + front(0.28, 0.6, 0.14, 1.73, -0.16, "bar", -1)
        ):
            design.append((n, m, mesh.moved(x, 0, 0.12)))
    hood = lathe([(0, 1.5), (0.38, 1.5), (0.38, 1.58), (0.16, 1.76), (0.16, 2.04), (0, 2.04)], 4)
    design.append(("hood", "metal", hood.turned("y", 45).scaled(z=0.85).moved(z=0.06)))
    faucet = spline(
        [(0, 0.9, 0.18), (0, 1.14, 0.18), (0, 1.22, 0.1), (0, 1.18, 0.0), (0, 1.12, -0.01)], 16
    )
    design.append(("faucet", "metal", tube(faucet, 0.016).moved(0.5)))
    return [
        *design,
        ("sink", "metal", torus(0.19, 0.02, 32, 8).scaled(1.2, 0.6, 0.85).moved(0.5, 0.9, -0.03)),
    ]


def office(style: str) -> Design:
    """Steel: "filing" drawers, "lockers" or a "safe"."""
    if style == "safe":
        design: Design = [
            ("body", "metal", rounded_box(0.62, 0.8, 0.58, 0.03, 0, 0.46)),
            ("door", "metal", rounded_box(0.52, 0.68, 0.06, 0.02, 0, 0.46, -0.3)),
            ("dial", "dark", rod((0.08, 0.56, -0.32), (0.08, 0.56, -0.37), 0.05, 0.04, 20)),
            ("hub", "metal", rod((-0.06, 0.42, -0.32), (-0.06, 0.42, -0.4), 0.03)),
            ("wheel", "metal", torus(0.09, 0.012, 28, 8).turned("x", 90).moved(-0.06, 0.42, -0.39)),
        ]
        for k in range(3):
            spoke = rod((0, -0.09, 0), (0, 0.09, 0), 0.008, sides=8).turned("z", 60 * k)
            design.append(("spoke", "metal", spoke.moved(-0.06, 0.42, -0.39)))
        for y in (0.24, 0.68):
            design.append(
                ("hinge", "metal", rod((0.28, y - 0.05, -0.31), (0.28, y + 0.05, -0.31), 0.02))
            )
        return design + [
            ("foot", "dark", box(0.08, 0.06, 0.08, 0.25 * x, 0.03, 0.22 * z))
            for x in (-1, 1)
            for z in (-1, 1)
        ]
    if style == "lockers":
        design = []
        for k in range(3):
            x = (k - 1) * 0.34
            design.append(("body", "metal", box(0.335, 1.75, 0.46, x, 1.0)))
            design.append(("door", "paint", rounded_box(0.3, 1.66, 0.025, 0.008, x, 1.0, -0.235)))
            for y in (0.35, 1.5):
                for dy in np.linspace(0, 0.16, 5):
                    design.append(
                        ("slot", "dark", rounded_box(0.16, 0.014, 0.02, 0.005, x, y + dy, -0.25))
                    )
            design.append(
                ("handle", "metal", rounded_box(0.025, 0.12, 0.03, 0.01, x + 0.1, 1.02, -0.26))
            )
        sloped = extrude([(0.23, 1.875), (-0.23, 1.875), (0.23, 2.02)], 1.02, 0.004)
        legs = [
            ("leg", "metal", box(0.04, 0.13, 0.04, 0.48 * x, 0.065, 0.2 * z))
            for x in (-1, 1)
            for z in (-1, 1)
        ]
        return [*design, ("roof", "metal", sloped), *legs]
    design = [("body", "metal", rounded_box(0.48, 1.32, 0.6, 0.012, 0, 0.68))]
    for k in range(4):
        y = 0.19 + 0.325 * k
        out = 0.16 if k == 3 else 0.0
        design += front(0.45, 0.31, 0, y, -0.305 - out, "bar")
        design.append(("label", "trim", box(0.1, 0.05, 0.012, 0, y + 0.09, -0.32 - out)))
        if out:
            design.append(("drawer", "metal", box(0.42, 0.26, out, 0, y - 0.01, -0.3 - 0.5 * out)))
    return design


def nightstand(style: str) -> Design:
    """ "round" with a reeded front, or "open" with one drawer."""
    if style == "open":
        design = (
            case(0.5, 0.42, 0.4, 0.2) + feet(0.5, 0.4, 0.2, 0.04) + front(0.46, 0.18, 0, 0.5, -0.2)
        )
        return [
            *design,
            ("shelf", "wood", box(0.45, 0.02, 0.38, 0, 0.4)),
            *_books(-0.18, 0.23, 0.0, 0.2, 2)[:4],
        ]
    body = lathe([(0, 0.12), (0.3, 0.12), (0.3, 0.62), (0, 0.62)], 40)
    top = lathe([(0, 0.62), (0.31, 0.62), (0.33, 0.635), (0.31, 0.65), (0, 0.65)], 40)
    design = [
        ("body", "wood", body),
        ("top", "stone", top),
        ("plinth", "metal", lathe([(0, 0), (0.25, 0), (0.25, 0.12), (0, 0.12)], 32)),
    ]
    for angle in np.radians(np.arange(0, 360, 10)):
        x, z = 0.3 * np.sin(angle), -0.3 * np.cos(angle)
        design.append(("reed", "wood", rod((x, 0.13, z), (x, 0.61, z), 0.022, sides=6)))
    return design


def bombe() -> Design:
    """Curved commode with three drawers, cabriole feet and a stone top."""
    y = np.array([0.16, 0.3, 0.5, 0.68, 0.8])
    half = np.array([0.46, 0.53, 0.58, 0.56, 0.52])
    rings = [(-yy, -0.2 - 0.4 * (h - 0.46), 0.24, h, 5.0) for yy, h in zip(y, half, strict=True)]
    body = hull(rings, steps=16, sides=36).turned("x", 90)
    design: Design = [
        ("body", "wood", body),
        ("top", "stone", rounded_box(1.12, 0.035, 0.56, 0.015, 0, 0.815)),
    ]
    for k, (yy, h) in enumerate(((0.28, 0.5), (0.47, 0.54), (0.66, 0.53))):
        grid = np.array(
            [
                [
                    (x, yy + dy, -0.225 - 0.4 * (h - 0.46) - 0.012 * (1 - (x / h) ** 2))
                    for x in np.linspace(-0.8 * h, 0.8 * h, 9)
                ]
                for dy in (-0.075, 0.075)
            ]
        )
        design.append(("drawer", "trim", sheet(grid, 0.03)))
        for x in (-0.24, 0.24):
            pull = torus(0.04, 0.008, 18, 6).turned("x", 90).moved(x, yy, -0.28 - 0.4 * (h - 0.46))
            design.append((f"pull_{k}", "metal", pull))
    for side in (-1, 1):
        for z in (-1, 1):
            foot = spline(
                [
                    (0.42 * side, 0.24, 0.18 * z),
                    (0.47 * side, 0.14, 0.22 * z),
                    (0.42 * side, 0.05, 0.2 * z),
                    (0.47 * side, 0.015, 0.24 * z),
                ],
                10,
            )
            design.append(("foot", "wood", tube(foot, np.linspace(0.05, 0.02, 10), 10)))
    return design


def clock_case() -> Design:
    """Tall display cabinet with an arched top and glass shelves."""
    design = case(0.7, 1.5, 0.36, 0.3)
    curve = arc(0.35, 0, 180, 19) * (1.0, 0.75) + (0, 1.8)
    design.append(("arch", "wood", extrude(np.concatenate([curve]), 0.36, 0.01).turned("y", 90)))
    for y in (0.66, 1.02, 1.38):
        design.append(("shelf", "glass", box(0.64, 0.016, 0.32, 0, y)))
    for x, y in ((-0.15, 0.325), (0.16, 0.67), (-0.1, 1.03), (0.12, 1.39)):
        design.append(("vase", "stone", _vase().moved(x, y, 0)))
    for side in (-1, 1):
        design.append(("stile", "wood", box(0.04, 1.5, 0.03, 0.33 * side, 1.05, -0.185)))
    design.append(("mullion", "wood", box(0.03, 1.5, 0.03, 0, 1.05, -0.185)))
    design += front(0.68, 0.0 + 0.2, 0, 0.22, -0.18)
    design.append(("base", "wood", box(0.7, 0.3, 0.36, 0, 0.15)))
    return design


def vanity() -> Design:
    """Dressing table with a round mirror."""
    design: Design = [("top", "wood", rounded_box(1.1, 0.03, 0.42, 0.01, 0, 0.75))]
    for side in (-1, 1):
        for n, m, mesh in (
            case(0.32, 0.5, 0.38, 0.22)
            + front(0.3, 0.23, 0, 0.35, -0.19)
            + front(0.3, 0.23, 0, 0.59, -0.19)
        ):
            design.append((n, m, mesh.moved(0.38 * side)))
        for n, m, mesh in feet(0.32, 0.38, 0.22, 0.0, 0.018):
            design.append((n, m, mesh.moved(0.38 * side)))
        design.append(
            ("post", "metal", rod((0.33 * side, 0.76, 0.14), (0.33 * side, 1.12, 0.14), 0.014))
        )
    design += front(0.42, 0.12, 0, 0.66, -0.19)
    design.append(("box", "wood", box(0.42, 0.11, 0.36, 0, 0.66)))
    mirror = lathe([(0, -0.01), (0.3, -0.01), (0.3, 0.01), (0, 0.01)], 40).turned("x", 90)
    design.append(("mirror", "glass", mirror.moved(0, 1.12, 0.14)))
    return [
        *design,
        ("rim", "metal", torus(0.31, 0.02, 40, 8).turned("x", 90).moved(0, 1.12, 0.14)),
    ]


def apothecary() -> Design:
    """Apothecary chest: many small drawers."""
    design = case(1.0, 0.9, 0.36, 0.28) + feet(1.0, 0.36, 0.28, 0.0, 0.024)
    for i in range(6):
        for k in range(5):
            design += front(0.16, 0.17, -0.4 + 0.16 * i, 0.39 + 0.17 * k, -0.18)
    return [*design, ("rail", "wood", box(0.9, 0.04, 0.03, 0, 0.12, 0.13))]


DESIGNS = (
    partial(chest, 1, 4, 0.8, 0.9, "knob"),
    partial(wardrobe, "panel"),
    partial(sideboard, "mid"),
    partial(bookcase, "books"),
    partial(office, "filing"),
    partial(hutch, glass=False),
    partial(nightstand, "open"),
    partial(wardrobe, "mirror"),
    partial(bookcase, "cubes"),
    kitchen,
    partial(chest, 2, 3, 1.3, 0.62, "bar", 0.16),
    partial(office, "lockers"),
    bombe,
    partial(bookcase, "ladder"),
    vanity,
    partial(sideboard, "tambour"),
    partial(wardrobe, "armoire"),
    partial(office, "safe"),
    partial(bookcase, "stepped"),
    partial(nightstand, "round"),
    partial(hutch, glass=True),
    partial(sideboard, "media"),
    clock_case,
    apothecary,
)
