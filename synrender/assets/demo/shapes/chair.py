"""Chairs: from ladder-backs to office chairs on castors."""

from __future__ import annotations

from functools import partial

import numpy as np

from ..curves import arc, fillet, spline
from ..mesh import Mesh
from ..parts import (
    beam,
    bent_board,
    box,
    cushion,
    ellipsoid,
    lathe,
    pair,
    rod,
    rounded_box,
    sheet,
    torus,
    tube,
)
from ..writer import Design

SEAT = 0.45


def wooden(
    back: str, width: float = 0.46, height: float = 0.95, padded: bool = False, splay: float = 0.02
) -> Design:
    """Four-legged dining chair; back: "slats", "ladder", "panel", "cross" or "spindles"."""
    half, front, rear = 0.5 * width - 0.03, -0.21, 0.2
    lean = 0.1
    design: Design = [("seat", "wood", rounded_box(width, 0.035, 0.45, 0.012, y=SEAT))]
    if padded:
        design.append(("pad", "fabric", cushion(width - 0.04, 0.07, 0.42, y=SEAT + 0.03, z=-0.01)))
    for side in (-1, 1):
        x = side * half
        design += [
            ("leg", "wood", rod((x + side * splay, 0, front), (x, SEAT, front), 0.016, 0.024)),
            ("post", "wood", _post(x, rear, height, lean, side * splay)),
            ("rail", "wood", beam((x, 0.2, front), (x, 0.2, rear), 0.018, 0.03)),
            ("apron", "wood", beam((x, SEAT - 0.05, front), (x, SEAT - 0.05, rear), 0.02, 0.06)),
        ]
    design.append(("rail", "wood", beam((-half, 0.2, 0.0), (half, 0.2, 0.0), 0.018, 0.03)))
    design.append(("apron", "wood", box(2 * half, 0.06, 0.02, y=SEAT - 0.05, z=front)))
    span = height - SEAT

    def depth(y: float) -> float:
        return rear + lean * (y - SEAT) / span

    crown = bent_board(2 * half + 0.05, 0.085, 0.025, 0.03, y=height - 0.03, z=depth(height) - 0.01)
    if back != "ladder":
        design.append(("crown", "wood", crown))
    low = SEAT + 0.12
    if back == "slats":
        design.append(("rail", "wood", box(2 * half, 0.04, 0.022, y=low, z=depth(low))))
        for x in np.linspace(-half, half, 7)[1:-1]:
            end = (x, height - 0.05, depth(height) + 0.01)
            design.append(("slat", "wood", beam((x, low, depth(low)), end, 0.034, 0.012)))
    elif back == "spindles":
        for x in np.linspace(-half, half, 9)[1:-1]:
            end = (1.05 * x, height - 0.05, depth(height) + 0.015)
            design.append(("spindle", "wood", rod((x, SEAT, rear), end, 0.009, sides=8)))
    elif back == "ladder":
        for y in np.linspace(SEAT + 0.13, height - 0.06, 4):
            board = bent_board(2 * half, 0.07, 0.018, 0.035, y=y, z=depth(y) - 0.01)
            design.append(("rung", "wood", board))
    elif back == "cross":
        design.append(("rail", "wood", box(2 * half, 0.04, 0.022, y=low, z=depth(low))))
        for side in (-1, 1):
            start, end = (
                (side * half, low, depth(low)),
                (-side * half, height - 0.06, depth(height)),
            )
            design.append(("brace", "wood", beam(start, end, 0.035, 0.016, 40.0)))
    else:
        tall = height - 0.06 - low
        middle = low + 0.5 * tall
        panel = rounded_box(2 * half - 0.05, tall, 0.06, 0.03).turned("x", 12)
        design.append(("panel", "fabric", panel.moved(y=middle, z=depth(middle))))
    return design


def _post(x: float, rear: float, height: float, lean: float, splay: float) -> Mesh:
    path = spline(
        [
            (x + splay, 0, rear + 0.05),
            (x, 0.25, rear + 0.005),
            (x, SEAT, rear),
            (x, height, rear + lean),
        ],
        10,
    )
    return tube(path, np.linspace(0.016, 0.021, 10), 8)


def office(back: str, arms: bool, headrest: bool = False) -> Design:
    """Swivel chair on five castors; back: "mesh", "tall" or "round"."""
    design: Design = [
        ("column", "metal", rod((0, 0.1, 0), (0, 0.4, 0), 0.028)),
        ("sleeve", "dark", rod((0, 0.08, 0), (0, 0.25, 0), 0.042)),
        ("mechanism", "dark", rounded_box(0.2, 0.06, 0.24, 0.02, y=0.4)),
        ("seat", "fabric", cushion(0.52, 0.11, 0.5, 5.0, y=0.47)),
    ]
    for angle in range(5):
        spoke = rod((0, 0.1, 0), (0, 0.075, -0.31), 0.032, 0.018, 8).turned("y", 72 * angle)
        castor = rod((-0.028, 0.032, -0.31), (0.028, 0.032, -0.31), 0.032).turned("y", 72 * angle)
        design += [("spoke", "metal", spoke), ("castor", "rubber", castor)]
    spine = spline([(0, 0.42, 0.2), (0, 0.46, 0.3), (0, 0.62, 0.31), (0, 0.8, 0.3)], 12)
    design.append(("spine", "dark", tube(spine, 0.022)))
    if back == "round":
        design.append(("back", "fabric", cushion(0.44, 0.34, 0.09, 3.0, y=0.8, z=0.26)))
    else:
        tall = 0.74 if back == "tall" else 0.54
        u, v = np.linspace(-1, 1, 13), np.linspace(0, 1, 12)
        half = 0.24 * (1.0 - 0.35 * np.abs(2 * v - 0.9) ** 3)[:, None]
        depth = 0.25 - 0.05 * np.sin(np.pi * v)[:, None] + 0.09 * v[:, None] ** 3 - 0.07 * u**2
        up = np.broadcast_to(0.53 + tall * v[:, None], (12, 13))
        surface = np.stack([half * u, up, depth], axis=-1)
        design.append(("back", "fabric", sheet(surface, 0.07 if back == "tall" else 0.025)))
        if back == "mesh":
            rim = np.concatenate(
                [surface[0], surface[1:, -1], surface[-1, -2::-1], surface[-2:0:-1, 0]]
            )
            design.append(("rim", "dark", tube(rim, 0.017, 8, closed=True)))
    if headrest:
        design.append(("headrest", "fabric", cushion(0.3, 0.16, 0.09, 3.0, y=1.22, z=0.28)))
        design.append(("stalk", "metal", rod((0, 1.0, 0.31), (0, 1.2, 0.3), 0.015)))
    if arms:
        for side in (-1, 1):
            path = fillet(
                [(side * 0.2, 0.42, 0.05), (side * 0.31, 0.42, 0.05), (side * 0.31, 0.66, 0.05)],
                0.05,
            )
            design.append(("arm", "dark", tube(path, 0.018)))
            design.append(
                ("rest", "dark", rounded_box(0.07, 0.035, 0.27, 0.015, side * 0.31, 0.67))
            )
    return design


def sled(padded: bool, cantilever: bool = False, arms: bool = False) -> Design:
    """Bent steel tube with a slung seat and back; a cantilever has no rear legs."""
    x = 0.23
    if cantilever:
        side = [(0.24, 0.02), (-0.22, 0.02), (-0.22, SEAT), (0.18, SEAT), (0.26, 0.92)]
    else:
        side = [(-0.2, SEAT), (-0.22, 0.02), (0.24, 0.02), (0.17, SEAT), (0.26, 0.92)]
    right = fillet([(x, y, z) for z, y in side], 0.09)
    design: Design = [("frame", "metal", part) for part in pair(tube(right, 0.014))]
    foot = 0.23 if cantilever else 0.0
    design.append(("bar", "metal", rod((-x, 0.02, foot), (x, 0.02, foot), 0.013)))
    design.append(("bar", "metal", rod((-x, 0.92, 0.26), (x, 0.92, 0.26), 0.013)))
    if padded:
        design.append(("seat", "leather", cushion(0.44, 0.08, 0.44, 6.0, y=SEAT + 0.03, z=-0.02)))
        back = cushion(0.44, 0.36, 0.07, 6.0).turned("x", 10).moved(y=0.74, z=0.21)
        design.append(("back", "leather", back))
    else:
        design.append(
            ("seat", "wood", rounded_box(0.46, 0.022, 0.42, 0.01, y=SEAT + 0.015, z=-0.02))
        )
        board = bent_board(0.48, 0.2, 0.018, 0.05).turned("x", 10).moved(y=0.82, z=0.2)
        design.append(("back", "wood", board))
    if arms:
        path = fillet([(x, SEAT, -0.18), (x + 0.03, 0.65, -0.16), (x, 0.65, 0.21)], 0.06)
        design += [("arm", "metal", part) for part in pair(tube(path, 0.013))]
        rest = rounded_box(0.05, 0.025, 0.26, 0.01, x + 0.02, 0.665, -0.0)
        design += [("rest", "wood", part) for part in pair(rest)]
    return design


def _fair(v: np.ndarray, knots: list[float], values: list[float]) -> np.ndarray:
    """Smooth function through (knots, values), monotone between them, at v (N,) -> (N,)."""
    curve = spline(list(zip(knots, values, strict=True)), 200, overshoot=False)
    return np.interp(v, curve[:, 0], curve[:, 1])


def shell(base: str, wide: float = 1.0, arms: bool = False) -> Design:
    """Moulded shell on "dowels", a "pedestal", "wire" legs or "rockers"."""
    u, v = np.linspace(-1, 1, 15), np.linspace(0, 1, 22)
    path = spline(
        [(-0.25, 0.43), (-0.12, 0.45), (0.1, 0.43), (0.2, 0.52), (0.24, 0.7), (0.28, 0.86)], 22
    )
    half = wide * _fair(v, [0, 0.1, 0.4, 0.6, 0.85, 1], [0.18, 0.22, 0.24, 0.235, 0.2, 0.12])
    lift = _fair(v, [0, 0.3, 0.55, 0.8, 1], [0.015, 0.05, 0.05, 0.02, 0.0])
    wrap = _fair(v, [0, 0.35, 0.6, 0.8, 1], [0.0, 0.02, 0.1, 0.07, 0.03])
    if arms:
        lift = lift + _fair(v, [0, 0.15, 0.35, 0.55, 0.75, 1], [0, 0.1, 0.17, 0.1, 0.0, 0])
    edge = np.abs(u[None]) ** 3
    grid = np.stack(
        [
            half[:, None] * u[None],
            path[:, 1:] + lift[:, None] * edge,
            path[:, :1] - wrap[:, None] * u[None] ** 2,
        ],
        axis=-1,
    )
    design: Design = [("shell", "paint", sheet(grid, 0.016))]
    if base == "pedestal":
        profile = [(0, 0), (0.24, 0), (0.24, 0.012), (0.1, 0.03), (0.032, 0.1), (0.024, 0.25)]
        profile += [(0.035, 0.38), (0.12, 0.425), (0.0, 0.43)]
        return [*design, ("pedestal", "paint", lathe(profile, 32))]
    if base == "rockers":
        for side in (-1, 1):
            x = 0.19 * side
            runner = spline([(x, 0.1, -0.36), (x, 0.03, -0.15), (x, 0.02, 0.1), (x, 0.1, 0.38)], 14)
            design.append(("rocker", "wood", tube(runner, 0.018, 8)))
            for z in (-0.17, 0.17):
                design.append(
                    ("leg", "metal", rod((x, 0.03, z), (0.13 * side, 0.43, 0.6 * z), 0.01))
                )
            design.append(
                ("brace", "metal", rod((x, 0.03, 0.17), (0.13 * side, 0.43, -0.1), 0.007))
            )
        return design
    material, radius, tip = ("wood", 0.02, 0.013) if base == "dowels" else ("metal", 0.009, 0.009)
    for side in (-1, 1):
        for z in (-0.2, 0.2):
            leg = rod((0.22 * side, 0, 1.1 * z), (0.12 * side, 0.43, 0.6 * z), tip, radius)
            design.append(("leg", material, leg))
            if base == "wire":
                brace = rod((0.22 * side, 0.0, 1.1 * z), (0.1 * side, 0.42, -0.3 * z), 0.006)
                design.append(("brace", "metal", brace))
        cross = rod((0.17 * side, 0.22, -0.17), (-0.17 * side, 0.22, 0.17), 0.005)
        design.append(("cross", "metal", cross))
    return design


def armchair(style: str) -> Design:
    """Upholstered: "wingback", "club" or "lounge"."""
    if style == "lounge":
        design: Design = []
        for side in (-1, 1):
            x = 0.32 * side
            frame = fillet([(x, 0, -0.36), (x, 0.52, -0.28), (x, 0.46, 0.36), (x, 0, 0.42)], 0.08)
            design.append(("frame", "wood", tube(frame, 0.022, 8)))
        seat = rounded_box(0.58, 0.12, 0.62, 0.05).turned("x", 8).moved(y=0.36, z=-0.02)
        back = rounded_box(0.58, 0.62, 0.12, 0.05).turned("x", 22).moved(y=0.68, z=0.36)
        bar = rod((-0.32, 0.28, -0.3), (0.32, 0.28, -0.3), 0.018)
        rear = rod((-0.32, 0.3, 0.38), (0.32, 0.3, 0.38), 0.018)
        design += [("seat", "fabric", seat), ("back", "fabric", back)]
        return [*design, ("bar", "wood", bar), ("bar", "wood", rear)]
    design = [
        ("base", "fabric", rounded_box(0.7, 0.2, 0.66, 0.04, y=0.24)),
        ("cushion", "fabric", cushion(0.5, 0.16, 0.56, 5.0, y=0.42, z=-0.05)),
    ]
    if style == "wingback":
        back = rounded_box(0.6, 0.75, 0.14, 0.06).turned("x", 8).moved(y=0.76, z=0.3)
        wings = rounded_box(0.09, 0.5, 0.3, 0.04, 0.31, 0.86, 0.17)
        design += [("back", "fabric", back), *(("wing", "fabric", w) for w in pair(wings))]
        arms = rounded_box(0.11, 0.3, 0.58, 0.05, 0.31, 0.46, -0.03)
    else:
        design.append(("back", "leather", cushion(0.74, 0.5, 0.22, 5.0, y=0.55, z=0.27)))
        arms = rounded_box(0.16, 0.4, 0.62, 0.08, 0.34, 0.42, -0.02)
    design += [("arm", "fabric", arm) for arm in pair(arms)]
    for x in (-0.28, 0.28):
        for z in (-0.26, 0.26):
            design.append(("foot", "wood", rod((x, 0, z), (x, 0.16, z), 0.018, 0.03)))
    return design


def bar_stool(back: bool, frame: str) -> Design:
    """High stool on "legs" or a "pedestal"."""
    height = 0.76
    design: Design = []
    if frame == "legs":
        design.append(("seat", "wood", rounded_box(0.38, 0.05, 0.38, 0.02, y=height)))
        for x in (-1, 1):
            for z in (-1, 1):
                start, end = (0.21 * x, 0, 0.21 * z), (0.14 * x, height, 0.14 * z)
                design.append(("leg", "wood", rod(start, end, 0.017, 0.022)))
        for a, b in (
            ((-1, -1), (1, -1)),
            ((-1, 1), (1, 1)),
            ((-1, -1), (-1, 1)),
            ((1, -1), (1, 1)),
        ):
            for y, r in ((0.25, 0.187), (0.5, 0.164)):
                rung = rod((r * a[0], y, r * a[1]), (r * b[0], y, r * b[1]), 0.012)
                design.append(("rung", "wood", rung))
    else:
        base = [
            (0, 0),
            (0.21, 0),
            (0.21, 0.015),
            (0.05, 0.05),
            (0.026, 0.1),
            (0.026, 0.7),
            (0, 0.7),
        ]
        design.append(("pedestal", "metal", lathe(base, 32)))
        design.append(("ring", "metal", torus(0.14, 0.012).moved(y=0.28)))
        design += [
            ("spoke", "metal", rod((0, 0.28, 0), (0.14 * s, 0.28, 0), 0.009)) for s in (-1, 1)
        ]
        seat = [(0, 0.7), (0.15, 0.7), (0.19, 0.73), (0.19, 0.77), (0.16, 0.8), (0, 0.8)]
        design.append(("seat", "leather", lathe(seat, 32)))
    if back:
        board = bent_board(0.38, 0.13, 0.025, 0.09, y=1.08, z=0.13)
        design.append(("back", "leather" if frame == "pedestal" else "wood", board))
        for side in (-1, 1):
            path = spline(
                [(0.12 * side, height, 0.14), (0.13 * side, 0.9, 0.2), (0.14 * side, 1.1, 0.2)], 8
            )
            design.append(("post", "metal" if frame == "pedestal" else "wood", tube(path, 0.013)))
    return design


def folding() -> Design:
    """Director's chair: crossed legs, slung cloth."""
    design: Design = []
    for z in (-0.2, 0.2):
        for side in (-1, 1):
            start, end = (0.26 * side, 0.02, z), (-0.26 * side, 0.46, z)
            design.append(
                ("cross", "wood", beam(start, end, 0.03, 0.03, 0.0).moved(z=0.016 * side))
            )
    for side in (-1, 1):
        x = 0.27 * side
        design += [
            ("skid", "wood", box(0.04, 0.035, 0.5, x, 0.02)),
            ("side", "wood", box(0.035, 0.035, 0.46, x, 0.46)),
            ("arm", "wood", rounded_box(0.06, 0.025, 0.5, 0.01, x, 0.66)),
            ("post", "wood", beam((x, 0.46, -0.2), (x, 0.66, -0.2), 0.03, 0.03)),
            ("post", "wood", beam((x, 0.46, 0.2), (x, 0.92, 0.24), 0.03, 0.03)),
        ]
    u = np.linspace(-1, 1, 11)
    sag = np.stack([0.27 * u, 0.475 - 0.05 * (1 - u**2), 0 * u], axis=-1)
    seat = np.stack([np.add(sag, (0, 0, z)) for z in np.linspace(-0.21, 0.21, 5)])
    design.append(("seat", "fabric", sheet(seat, 0.012)))
    design.append(("back", "fabric", bent_board(0.56, 0.19, 0.014, 0.04, y=0.81, z=0.225)))
    return design


def egg() -> Design:
    """Egg-shaped swivel chair: a bowl that opens to the front, a cushion, a four-toed foot."""
    bowl = np.concatenate([arc(0.4, -90, 36, 18), arc(0.355, 36, -90, 18)])
    shell_part = lathe(bowl, 36).turned("x", -72).scaled(y=1.4)
    seat = cushion(0.5, 0.16, 0.46, 2.6).turned("x", 6).moved(y=0.45, z=-0.04)
    back = cushion(0.44, 0.5, 0.12, 2.6).turned("x", 14).moved(y=0.82, z=0.22)
    design: Design = [
        ("shell", "paint", shell_part.moved(y=0.82)),
        ("seat", "fabric", seat),
        ("back", "fabric", back),
        ("column", "metal", rod((0, 0.03, 0), (0, 0.32, 0), 0.03)),
    ]
    for angle in (45, 135, 225, 315):
        foot = rod((0, 0.05, 0), (0, 0.015, -0.34), 0.026, 0.014).turned("y", angle)
        design.append(("foot", "metal", foot))
    return design


def stacking() -> Design:
    """Garden chair of one bent tube with slats."""
    design: Design = []
    for side in (-1, 1):
        x = 0.25 * side
        legs = fillet([(x, 0, -0.24), (x, 0.64, -0.2), (x, 0.64, 0.2), (x, 0, 0.26)], 0.08)
        rail = fillet([(0.9 * x, SEAT, -0.22), (0.9 * x, 0.41, 0.16), (0.9 * x, 0.9, 0.32)], 0.1)
        design += [("frame", "metal", tube(legs, 0.015)), ("rail", "metal", tube(rail, 0.013))]
        for z, y in ((-0.21, 0.45), (0.22, 0.44)):
            design.append(("stub", "metal", rod((0.9 * x, y, z), (x, y, z), 0.01)))
    line = fillet([(SEAT, -0.22), (0.41, 0.16), (0.9, 0.32)], 0.1)
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    for s in np.linspace(0.02, length[-1] - 0.02, 12):
        y, z = (float(np.interp(s, length, line[:, i])) for i in (0, 1))
        y2, z2 = (float(np.interp(s + 0.04, length, line[:, i])) for i in (0, 1))
        angle = np.degrees(np.arctan2(y2 - y, max(z2 - z, 1e-6)))
        slat = box(0.46, 0.012, 0.055).turned("x", -angle).moved(y=y + 0.012, z=z - 0.008)
        design.append(("slat", "wood", slat))
    return design


def throne() -> Design:
    """High-backed chair with turned legs, arms and finials."""
    turned = [(0, 0), (0.028, 0), (0.022, 0.05), (0.034, 0.09), (0.018, 0.14), (0.03, 0.22)]
    turned += [(0.018, 0.3), (0.034, 0.35), (0.034, 0.44), (0, 0.44)]
    design: Design = [
        ("seat", "wood", rounded_box(0.6, 0.06, 0.52, 0.02, y=SEAT)),
        ("cushion", "fabric", cushion(0.52, 0.1, 0.46, y=SEAT + 0.06, z=-0.01)),
        ("back", "fabric", rounded_box(0.44, 0.62, 0.06, 0.02, y=0.92, z=0.23)),
        ("crest", "wood", rounded_box(0.56, 0.1, 0.06, 0.02, y=1.27, z=0.23)),
        ("dome", "wood", rod((0, 1.3, 0.2), (0, 1.3, 0.26), 0.13, sides=24)),
    ]
    for side in (-1, 1):
        x = 0.26 * side
        design += [
            ("leg", "wood", lathe(turned, 16).moved(x, 0, -0.22)),
            ("post", "wood", box(0.05, 1.32, 0.05, x, 0.66, 0.23)),
            ("finial", "wood", ellipsoid(0.035, 0.05, 0.035, x, 1.37, 0.23)),
            ("arm", "wood", rounded_box(0.06, 0.04, 0.5, 0.018, x, 0.7, -0.02)),
            ("knob", "wood", ellipsoid(0.04, 0.04, 0.04, x, 0.7, -0.27)),
            ("support", "wood", lathe(turned, 14).scaled(0.9, 0.52, 0.9).moved(x, 0.47, -0.22)),
            ("rail", "wood", box(0.03, 0.04, 0.42, x, 0.16)),
        ]
    return design


DESIGNS = (
    partial(wooden, "slats"),
    partial(office, "tall", arms=True),
    partial(shell, "dowels"),
    partial(armchair, "wingback"),
    partial(wooden, "ladder", 0.44, 1.08),
    partial(sled, padded=False),
    partial(bar_stool, back=True, frame="legs"),
    partial(shell, "pedestal", 1.05),
    partial(wooden, "cross", 0.44, 0.88),
    partial(office, "mesh", arms=True, headrest=True),
    folding,
    partial(armchair, "club"),
    partial(wooden, "panel", 0.5, 1.05, padded=True),
    partial(sled, padded=True, cantilever=True, arms=True),
    egg,
    partial(shell, "rockers", 1.15, arms=True),
    stacking,
    partial(office, "round", arms=False),
    partial(wooden, "spindles", 0.5, 1.0, splay=0.06),
    throne,
    partial(armchair, "lounge"),
    partial(bar_stool, back=True, frame="pedestal"),
    partial(shell, "wire", 1.2, arms=True),
    partial(sled, padded=True),
)
