"""Motorcycles: a frame around two wheels, and the tank, seat, engine and fairing of each kind."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from ..curves import fillet, spline
from ..mesh import Mesh
from ..parts import box, cushion, ellipsoid, extrude, hull, lathe, pair, rod, rounded_box, sheet, torus, tube
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


def create_wheel(radius: float, tyre: float, y: float, z: float, spokes: int, x: float = 0.0) -> Design:
    """Tyre, rim, brake disc and either wire spokes or (spokes=0) five cast ones."""
    rim = radius - 1.6 * tyre

    def place(mesh: Mesh) -> Mesh:
        return mesh.turned("z", 90).moved(x, y, z)

    parts: Design = [
        ("tyre", "rubber", place(torus(radius - tyre, tyre, 32, 10))),
        ("rim", "metal", place(torus(rim, 0.35 * tyre, 28, 6).scaled(y=2.0))),
        ("hub", "metal", place(lathe([(0, -0.07), (0.045, -0.07), (0.045, 0.07), (0, 0.07)], 16))),
        ("disc", "metal", place(lathe([(0.05, 0.045), (0.42 * radius, 0.045), (0.42 * radius, 0.055), (0.05, 0.055)], 28, hollow=True))),
    ]  # fmt: skip
    for k in range(spokes or 5):
        turn = 360.0 / (spokes or 5) * k
        if spokes:
            side = 0.05 if k % 2 else -0.05
            spoke = rod((0.035, side, 0.0), (rim * np.cos(0.25), 0, rim * np.sin(0.25)), 0.0055, sides=3)
        else:
            spoke = rod((0.03, 0, 0), (rim, 0, 0), 0.032, 0.02, 8)
        parts.append(("spoke", "metal", place(spoke.turned("y", turn))))
    return parts


def fender(radius: float, width: float, y: float, z: float, start_deg: float, end_deg: float) -> Mesh:
    """Mudguard around a wheel; angles from the rear (0) over the top (90) to the front (180)."""
    angle = np.radians(np.linspace(start_deg, end_deg, 14))
    across = np.linspace(-1, 1, 5)
    grid = np.array([[(0.5 * width * a, y + (radius - 0.025 * a * a) * np.sin(t), z + (radius - 0.025 * a * a) * np.cos(t)) for a in across] for t in angle])
    return sheet(grid, 0.008)


def front_end(chassis: Chassis, bars: str, lamp: str = "round", upside_down: bool = False) -> Design:
    """Fork, yokes, handlebar ("flat", "clip", "high", "wide", "swept"), headlamp and wheel."""
    radius, z = chassis.wheels[0], chassis.axles[0]
    head_y, head_z = chassis.head
    parts = create_wheel(radius, chassis.tyres[0], radius, z, chassis.spokes)
    wide = chassis.tyres[0] + 0.055
    middle_y, middle_z = 0.5 * (radius + head_y), 0.5 * (z + head_z)
    thick = (0.022, 0.03) if upside_down else (0.032, 0.022)
    for x in (-wide, wide):
        parts.append(("slider", "metal", rod((x, radius, z), (x, middle_y, middle_z), thick[0])))
        parts.append(("stanchion", "metal", rod((x, middle_y, middle_z), (x, head_y, head_z), thick[1])))
    parts.append(("axle", "metal", rod((-wide - 0.02, radius, z), (wide + 0.02, radius, z), 0.02)))
    for t in (1.0, 0.78):
        y, zz = radius + (head_y - radius) * t, z + (head_z - z) * t
        parts.append(("yoke", "dark", rounded_box(2 * wide + 0.08, 0.035, 0.09, 0.012, 0, y, zz)))
    shapes = {
        "flat": [(0, 0.06, 0), (0.12, 0.07, 0), (0.22, 0.14, 0.04), (0.4, 0.14, 0.12)],
        "clip": [(0, 0.0, 0), (0.1, 0.0, 0), (0.2, -0.02, 0.0), (0.34, -0.05, 0.1)],
        "high": [(0, 0.05, 0), (0.12, 0.08, 0), (0.2, 0.42, 0.06), (0.3, 0.46, 0.12), (0.36, 0.44, 0.28)],
        "wide": [(0, 0.06, 0), (0.14, 0.08, 0), (0.24, 0.17, 0.02), (0.46, 0.17, 0.12)],
        "swept": [(0, 0.05, 0), (0.12, 0.08, 0), (0.3, 0.2, 0.0), (0.42, 0.19, 0.12), (0.42, 0.17, 0.32)],
    }  # fmt: skip
    path = fillet(shapes[bars], 0.07) + (0, head_y, head_z)
    parts += [("handlebar", "metal", h) for h in pair(tube(path[1:], 0.014, 8))]
    parts.append(("clamp", "metal", rod((-0.12, *path[0, 1:]), (0.12, *path[0, 1:]), 0.016)))
    direction = (path[-1] - path[-2]) / np.linalg.norm(path[-1] - path[-2])
    grip = rod(path[-1] - 0.11 * direction, path[-1] + 0.02 * direction, 0.021)
    parts += [("grip", "rubber", g) for g in pair(grip)]
    lever = rod(path[-1] - 0.12 * direction + (0, 0, -0.05), path[-1] + (0, 0, -0.06), 0.008, sides=6)
    parts += [("lever", "metal", v) for v in pair(lever)]
    at = (0, head_y - 0.1, head_z - 0.12)
    if lamp == "round":
        shell = lathe([(0, 0.1), (0.05, 0.085), (0.085, 0.02), (0.09, -0.03), (0, -0.045)], 22)
        parts.append(("headlamp", "light", shell.turned("x", 90).moved(*at)))
    elif lamp == "double":
        shell = lathe([(0, 0.08), (0.04, 0.07), (0.065, 0.01), (0.068, -0.03), (0, -0.04)], 18).turned("x", 90)
        parts += [("headlamp", "light", s) for s in pair(shell.moved(0.085, at[1], at[2]))]
    elif lamp == "plate":
        plate = rounded_box(0.22, 0.28, 0.02, 0.009).turned("x", -18).moved(0, head_y - 0.06, head_z - 0.1)
        parts.append(("plate", "paint", plate))
    return parts


def rear_end(chassis: Chassis, shock: str = "twin") -> Design:
    """Rear wheel, swing arm, chain and shock absorbers ("twin", "mono" or "" for a rigid frame)."""
    radius, z = chassis.wheels[1], chassis.axles[1]
    parts = create_wheel(radius, chassis.tyres[1], radius, z, chassis.spokes)
    wide = chassis.tyres[1] + 0.05
    for x in (-wide, wide):
        parts.append(("swing_arm", "metal", rod((x, radius + 0.05, 0.2), (x, radius, z + 0.03), 0.03, 0.024)))
        if shock == "twin":
            bottom, top = np.array((x, radius + 0.03, z - 0.05)), np.array((x, chassis.seat_y - 0.08, z - 0.22))
            parts.append(("shock", "metal", rod(bottom, top, 0.016)))
            parts.append(("spring", "dark", rod(bottom + 0.25 * (top - bottom), bottom + 0.85 * (top - bottom), 0.032)))
    parts.append(("axle", "metal", rod((-wide - 0.02, radius, z), (wide + 0.02, radius, z), 0.018)))
    sprocket = lathe([(0, -0.006), (0.1, -0.006), (0.1, 0.006), (0, 0.006)], 24).turned("z", 90)
    parts.append(("sprocket", "metal", sprocket.moved(-wide + 0.02, radius, z)))
    chain = fillet([(-wide + 0.02, radius + 0.1, z), (-wide + 0.02, radius + 0.1, 0.17), (-wide + 0.02, radius, 0.17), (-wide + 0.02, radius - 0.1, z)], 0.05)
    return [*parts, ("chain", "dark", tube(chain, 0.012, 6))]


def frame(chassis: Chassis) -> Design:
    """Double cradle from the steering head to the seat."""
    head_y, head_z = chassis.head
    parts: Design = []
    for x in (-0.11, 0.11):
        loop = fillet([(0.3 * x, head_y - 0.08, head_z + 0.04), (x, 0.3, -0.28), (x, 0.22, 0.18), (x, 0.6, 0.3), (0.8 * x, chassis.seat_y - 0.06, 0.35)], 0.12)
        top = spline([(0.3 * x, head_y - 0.02, head_z + 0.03), (x, chassis.seat_y - 0.04, 0.1), (x, chassis.seat_y - 0.05, 0.6)], 10)
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
        out: Design = [("barrel", "dark", rounded_box(0.75 * width, length, 0.75 * depth, 0.02, 0, 0.5 * length + 0.1))]
        for k in range(fins):
            out.append(("fin", "metal", box(width, 0.012, depth, 0, 0.13 + length * k / fins)))
        out.append(("cover", "metal", rounded_box(0.9 * width, 0.06, 0.9 * depth, 0.025, 0, 0.12 + length)))
        return [(n, m, mesh.turned("x", tilt).moved(y=0.38)) for n, m, mesh in out]

    if kind == "v":
        return parts + cylinder(-26, 0.24, 0.17, 0.17) + cylinder(26, 0.24, 0.17, 0.17)
    if kind == "single":
        return parts + cylinder(-10, 0.24, 0.18, 0.19)
    if kind == "four":
        return parts + cylinder(-16, 0.2, 0.42, 0.2)
    for side in (-1, 1):
        for k in range(4):
            parts.append(("fin", "metal", box(0.012, 0.16, 0.18, side * (0.18 + 0.03 * k), 0.38, -0.06)))
        parts.append(("barrel", "dark", rod((0.1 * side, 0.38, -0.06), (0.3 * side, 0.38, -0.06), 0.07)))
        parts.append(("head", "metal", rounded_box(0.08, 0.15, 0.17, 0.04, 0.33 * side, 0.38, -0.06)))
    return parts


def exhaust(style: str) -> Design:
    """ "long" low pipes, "high" scrambler pipes, "short" can, "four" headers into one, "under" the seat."""
    parts: Design = []
    if style == "under":
        for part in pair(rod((0.07, 0.74, 0.5), (0.08, 0.84, 0.98), 0.04, 0.05)):
            parts.append(("silencer", "metal", part))
        return parts
    if style == "four":
        for x in (-0.15, -0.05, 0.05, 0.15):
            path = spline([(x, 0.6, -0.16), (x, 0.48, -0.3), (0.8 * x, 0.22, -0.22), (0.5 * x + 0.06, 0.16, 0.05)], 14)
            parts.append(("header", "metal", tube(path, 0.02, 8)))
        parts.append(("collector", "metal", rod((0.08, 0.17, 0.02), (0.15, 0.24, 0.3), 0.045)))
        return [*parts, ("silencer", "metal", rod((0.16, 0.25, 0.3), (0.2, 0.42, 0.82), 0.055, 0.06, 16))]
    if style == "high":
        path = spline([(0.02, 0.6, -0.14), (0.1, 0.52, -0.24), (0.18, 0.56, -0.05), (0.18, 0.62, 0.3)], 18)
        parts.append(("header", "metal", tube(path, 0.022)))
        return [*parts, ("silencer", "metal", rod((0.18, 0.62, 0.28), (0.2, 0.7, 0.8), 0.045, 0.05, 16))]
    end = 0.5 if style == "short" else 1.0
    for x, dz in ((0.16, 0.0), (0.16, 0.14)) if style == "long" else ((0.16, 0.0),):
        y = 0.24 + 0.7 * dz
        path = spline([(0.02, 0.56, -0.16 + dz), (0.1, 0.42, -0.3 + 2 * dz), (x, y, -0.1 + dz), (x + 0.02, y, 0.25)], 18)
        parts.append(("header", "metal", tube(path, 0.022)))
        parts.append(("silencer", "metal", rod((x + 0.02, y, 0.22), (x + 0.03, y + 0.03, end), 0.036, 0.05, 16)))
    return parts


def tank(kind: str, y: float = 0.8) -> Mesh:
    """Fuel tank: "tear", "long", "peanut" or "slab"."""
    shapes = {
        "tear": [(-0.36, 0.02, 0.1, 0.05), (-0.28, -0.04, 0.17, 0.13), (-0.08, -0.05, 0.19, 0.16), (0.12, -0.02, 0.1, 0.1), (0.22, -0.01, 0.04, 0.05)],
        "long": [(-0.38, 0.0, 0.1, 0.06), (-0.3, -0.04, 0.15, 0.13), (0.0, -0.04, 0.16, 0.15), (0.14, -0.02, 0.12, 0.09), (0.24, 0.0, 0.06, 0.06)],
        "peanut": [(-0.34, 0.03, 0.1, 0.04), (-0.26, 0.0, 0.15, 0.09), (-0.1, 0.0, 0.15, 0.1), (0.1, 0.0, 0.07, 0.06)],
        "slab": [(-0.32, -0.06, 0.12, 0.1), (-0.24, -0.1, 0.2, 0.17), (-0.02, -0.08, 0.2, 0.17), (0.12, -0.04, 0.08, 0.09), (0.2, -0.02, 0.02, 0.07)],
    }  # fmt: skip
    return hull([(z, a + y, b + y, w) for z, a, b, w in shapes[kind]], 2.7, 22, 18)


def saddle(chassis: Chassis, kind: str) -> Design:
    """Seat: "bench", "solo", "stepped", "hump" or "plank"."""
    y = chassis.seat_y
    if kind == "solo":
        pad = hull([(0.1, y - 0.02, y + 0.02, 0.07), (0.25, y - 0.04, y + 0.03, 0.13), (0.42, y - 0.04, y + 0.07, 0.17), (0.5, y, y + 0.1, 0.13)], 2.6, 20, 14)
        return [("seat", "leather", pad)]
    if kind == "stepped":
        front = cushion(0.34, 0.13, 0.42, 4.0, 0, y, 0.28)
        rear = cushion(0.3, 0.12, 0.34, 4.0, 0, y + 0.09, 0.64)
        return [("seat", "leather", front), ("pillion", "leather", rear)]
    if kind == "hump":
        pad = rounded_box(0.24, 0.07, 0.4, 0.03, 0, y, 0.3)
        tail = hull([(0.46, y - 0.05, y + 0.1, 0.12), (0.56, y - 0.04, y + 0.15, 0.13), (0.78, y + 0.02, y + 0.1, 0.07)], 2.6, 18, 12)
        return [("seat", "leather", pad), ("tail", "paint", tail)]
    if kind == "plank":
        pad = hull([(-0.22, y + 0.02, y + 0.09, 0.07), (0.2, y - 0.03, y + 0.05, 0.1), (0.75, y + 0.03, y + 0.11, 0.1)], 4.0, 18, 14)
        return [("seat", "leather", pad)]
    return [("seat", "leather", rounded_box(0.27, 0.09, 0.74, 0.04, 0, y + 0.01, 0.48))]


def tail_lamp(y: float, z: float) -> Design:
    """Lamp and indicators behind the seat."""
    parts: Design = [("tail_lamp", "paint", rounded_box(0.1, 0.07, 0.06, 0.02, 0, y, z))]
    for side in (-1, 1):
        parts.append(("stalk", "metal", rod((0, y - 0.02, z - 0.02), (0.15 * side, y - 0.02, z), 0.009, sides=6)))
        parts.append(("indicator", "light", ellipsoid(0.03, 0.025, 0.03, 0.16 * side, y - 0.02, z, 10)))
    return parts


def mirrors(chassis: Chassis, up: float = 0.3) -> Design:
    """Two round mirrors on stalks."""
    y, z = chassis.head
    out: Design = []
    for side in (-1, 1):
        stalk = rod((0.24 * side, y + 0.12, z + 0.04), (0.34 * side, y + up, z - 0.02), 0.008, sides=6)
        glass = lathe([(0, -0.012), (0.06, -0.008), (0.06, 0.008), (0, 0.012)], 18).turned("x", 80)
        out += [("stalk", "metal", stalk), ("mirror", "glass", glass.moved(0.35 * side, y + up + 0.04, z - 0.02))]
    return out


def naked(kind: str = "standard") -> Design:
    """Upright road bike: "standard", "cafe", "boxer" or "tracker"."""
    chassis = Chassis(spokes=24 if kind != "standard" else 0)
    design = front_end(chassis, "clip" if kind == "cafe" else "wide" if kind == "tracker" else "flat", "plate" if kind == "tracker" else "round")
    design += rear_end(chassis) + frame(chassis)
    design += engine({"standard": "four", "cafe": "single", "boxer": "boxer", "tracker": "v"}[kind])
    design += exhaust({"standard": "four", "cafe": "long", "boxer": "long", "tracker": "high"}[kind])
    design.append(("tank", "paint", tank("long" if kind == "cafe" else "peanut" if kind == "tracker" else "tear")))
    design += saddle(chassis, "hump" if kind in ("cafe", "tracker") else "bench")
    design.append(("fender", "paint", fender(0.34, 0.15, 0.31, -0.72, 25, 150)))
    if kind != "tracker":
        design += [("fender", "paint", fender(0.37, 0.19, 0.33, 0.7, 10, 110)), *mirrors(chassis)]
    if kind == "cafe":
        cowl = sheet(np.array([[(0.17 * np.sin(a) * (1 - 0.35 * t), 0.72 + 0.3 * t + 0.04 * np.cos(a), -0.5 - 0.14 * np.cos(a) + 0.14 * t) for a in np.linspace(-1.4, 1.4, 13)] for t in np.linspace(0, 1, 6)]), 0.01)
        design.append(("cowl", "paint", cowl))
    side_panel = extrude([(0.2, 0.5), (0.4, 0.48), (0.36, 0.68), (0.16, 0.68)], 0.03, 0.008)
    design += [("panel", "paint", p) for p in pair(side_panel.moved(0.14))]
    return design + tail_lamp(0.78, 0.92)


def cruiser(kind: str = "cruiser") -> Design:
    """Long and low: "cruiser", "bobber", "chopper" or "bagger"."""
    if kind == "chopper":
        chassis = Chassis((0.36, 0.32), (-1.3, 0.72), (0.04, 0.1), (0.98, -0.42), 36, 0.6)
    else:
        chassis = Chassis((0.32, 0.32), (-0.92, 0.76), (0.075, 0.085), (0.88, -0.46), 26 if kind != "bagger" else 0, 0.64)
    design = front_end(chassis, {"chopper": "high", "bobber": "flat"}.get(kind, "swept"))
    design += rear_end(chassis, "" if kind == "chopper" else "twin") + frame(chassis) + engine("v") + exhaust("long")
    design.append(("tank", "paint", tank("peanut" if kind in ("chopper", "bobber") else "tear", 0.74)))
    design += saddle(chassis, "solo" if kind in ("chopper", "bobber") else "stepped")
    design.append(("fender", "paint", fender(0.37, 0.24, 0.32, chassis.axles[1], 5, 140)))
    if kind in ("cruiser", "bagger"):
        design.append(("fender", "paint", fender(0.36, 0.19, 0.32, chassis.axles[0], 0, 150)))
    if kind == "chopper":
        for x in (-0.13, 0.13):
            bar = spline([(x, 0.36, 0.76), (x, 0.8, 0.72), (0.9 * x, 1.35, 0.88)], 12)
            design.append(("sissy_bar", "metal", tube(bar, 0.012, 8)))
        design.append(("sissy_bar", "metal", rod((-0.12, 1.34, 0.88), (0.12, 1.34, 0.88), 0.012)))
        design.append(("pad", "leather", cushion(0.2, 0.3, 0.06, 4.0).turned("x", 8).moved(0, 1.05, 0.76)))
    if kind == "bagger":
        bag = hull([(0.42, 0.36, 0.62, 0.09), (0.55, 0.34, 0.68, 0.12), (1.0, 0.34, 0.68, 0.12), (1.16, 0.42, 0.6, 0.08)], 4.0, 20, 14)
        design += [("bag", "paint", b) for b in pair(bag.moved(0.28))]
        bat = hull([(-0.78, 0.86, 0.98, 0.2), (-0.68, 0.8, 1.08, 0.34), (-0.52, 0.84, 1.12, 0.36), (-0.46, 0.9, 1.08, 0.32)], 2.6, 24, 14)
        screen = sheet(np.array([[(0.3 * s * (1 - 0.2 * t), 1.06 + 0.22 * t, -0.62 + 0.12 * s * s + 0.08 * t) for s in np.linspace(-1, 1, 9)] for t in (0, 0.5, 1.0)]), 0.012)
        design += [("fairing", "paint", bat), ("screen", "glass", screen)]
        design.append(("case", "paint", rounded_box(0.5, 0.32, 0.42, 0.08, 0, 0.9, 1.0)))
        design.append(("backrest", "leather", rounded_box(0.4, 0.24, 0.08, 0.035, 0, 0.92, 0.76)))
    return design + mirrors(chassis, 0.32) + tail_lamp(0.66, 1.08)


def sport(kind: str = "full") -> Design:
    """Race replica: "full" or "half" fairing, or "tourer" with panniers."""
    chassis = Chassis((0.3, 0.31), (-0.68, 0.7), (0.06, 0.095), (0.84, -0.38), 0, 0.82)
    design = front_end(chassis, "flat" if kind == "tourer" else "clip", "", upside_down=True) + rear_end(chassis, "mono")
    design.append(("tank", "paint", tank("slab", 0.84)))
    design.append(("fender", "paint", fender(0.33, 0.14, 0.3, -0.68, 30, 140)))
    nose = hull([(-0.86, 0.74, 0.84, 0.06), (-0.76, 0.68, 0.95, 0.16), (-0.58, 0.66, 1.04, 0.23), (-0.38, 0.7, 1.0, 0.24)], 2.4, 22, 14)
    design.append(("nose", "paint", nose))
    screen = hull([(-0.68, 0.9, 0.99, 0.1), (-0.52, 0.92, 1.15, 0.15), (-0.42, 0.95, 1.17, 0.14)], 2.2, 18, 8)
    design.append(("screen", "glass", screen))
    for side in (-1, 1):
        lamp = ellipsoid(0.07, 0.03, 0.06, 0.085 * side, 0.8, -0.79, 12)
        design.append(("headlamp", "light", lamp))
    if kind != "half":
        outline = [(-0.62, 0.78), (-0.3, 0.84), (0.05, 0.7), (0.2, 0.45), (0.3, 0.24), (0.02, 0.18), (-0.3, 0.22), (-0.42, 0.42)]
        side_fairing = extrude(outline, 0.06, 0.02)
        design += [("fairing", "paint", f) for f in pair(side_fairing.moved(0.2))]
        vent = extrude([(-0.3, 0.62), (-0.08, 0.62), (-0.16, 0.4), (-0.28, 0.42)], 0.02, 0.004)
        design += [("vent", "dark", v) for v in pair(vent.moved(0.235))]
        design.append(("belly", "paint", hull([(-0.4, 0.2, 0.36, 0.16), (-0.1, 0.14, 0.4, 0.2), (0.3, 0.18, 0.34, 0.18)], 3.0, 18, 10)))
    else:
        design += engine("four") + frame(chassis)
    tail = hull([(0.3, 0.76, 0.84, 0.14), (0.5, 0.8, 0.92, 0.15), (0.8, 0.93, 1.02, 0.1), (0.98, 1.0, 1.04, 0.05)], 3.0, 20, 14)
    design += [("tail", "paint", tail), ("seat", "leather", rounded_box(0.28, 0.06, 0.34, 0.025, 0, 0.85, 0.32))]
    design.append(("crankcase", "dark", rounded_box(0.32, 0.3, 0.46, 0.06, 0, 0.38, 0.02)))
    for x in (-0.17, 0.17):
        spar = fillet([(0.3 * x, 0.84, -0.36), (x, 0.76, -0.05), (x, 0.42, 0.26)], 0.1)
        design.append(("spar", "metal", tube(spar, 0.035, 8)))
    if kind == "tourer":
        bag = hull([(0.4, 0.42, 0.7, 0.09), (0.5, 0.38, 0.76, 0.12), (0.92, 0.4, 0.78, 0.12), (1.05, 0.5, 0.7, 0.08)], 4.0, 20, 12)
        design += [("bag", "paint", b) for b in pair(bag.moved(0.27))] + exhaust("four")
        return design + mirrors(chassis, 0.2) + [("case", "paint", rounded_box(0.42, 0.3, 0.36, 0.08, 0, 1.1, 0.86))]
    return design + exhaust("under" if kind == "full" else "four") + mirrors(chassis, 0.2)


def dirt(kind: str = "motocross") -> Design:
    """Off the road: "motocross", "adventure", "scrambler" or "trials"."""
    chassis = Chassis((0.36, 0.34), (-0.76, 0.72), (0.05, 0.065), (1.02, -0.4), 32, 0.92 if kind != "trials" else 0.7)
    design = front_end(chassis, "wide", "round" if kind == "scrambler" else "plate", upside_down=True)
    design += rear_end(chassis, "mono") + frame(chassis) + engine("single" if kind != "adventure" else "boxer") + exhaust("high")
    if kind == "trials":
        design.append(("tank", "paint", hull([(-0.36, 0.84, 0.96, 0.07), (-0.2, 0.74, 0.9, 0.09), (0.3, 0.68, 0.76, 0.06), (0.8, 0.72, 0.78, 0.05)], 2.6, 18, 14)))
    else:
        design.append(("tank", "paint", tank("slab" if kind == "adventure" else "peanut", 0.92)))
        design += saddle(chassis, "bench" if kind == "scrambler" else "plank" if kind == "motocross" else "stepped")
    high_front = sheet(np.array([[(0.07 * a * (1 - 0.3 * abs(t - 0.4)), 0.82 - 0.12 * (t - 0.35) ** 2 * 2 - 0.02 * a * a, -1.12 + 0.7 * t) for a in np.linspace(-1, 1, 5)] for t in np.linspace(0, 1, 9)]), 0.01)
    if kind == "scrambler":
        design.append(("fender", "metal", fender(0.4, 0.13, 0.36, -0.76, 30, 140)))
        design.append(("fender", "metal", fender(0.39, 0.16, 0.35, 0.72, 20, 110)))
    else:
        design.append(("fender", "paint", high_front))
        rear = spline([(0.5, chassis.seat_y - 0.06), (0.75, chassis.seat_y + 0.0), (1.08, chassis.seat_y + 0.1)], 8)
        grid = np.array([[(0.08 * a, y - 0.02 * a * a, z) for a in np.linspace(-1, 1, 5)] for z, y in rear])
        design.append(("fender", "paint", sheet(grid, 0.012)))
    if kind == "motocross":
        shroud = extrude([(-0.44, 0.98), (-0.1, 1.0), (0.08, 0.86), (-0.2, 0.66), (-0.34, 0.62)], 0.03, 0.01)
        panel = extrude([(0.2, 0.86), (0.74, 0.98), (0.6, 0.74), (0.26, 0.62)], 0.025, 0.008)
        design += [("shroud", "paint", s) for s in pair(shroud.moved(0.15))]
        design += [("number_plate", "trim", p) for p in pair(panel.moved(0.13))]
    if kind == "adventure":
        beak = extrude([(-0.98, 0.86), (-0.5, 1.0), (-0.4, 0.86), (-0.6, 0.8)], 0.16, 0.03)
        screen = sheet(np.array([[(0.17 * s * (1 - 0.15 * t), 1.04 + 0.34 * t, -0.6 + 0.1 * s * s + 0.16 * t) for s in np.linspace(-1, 1, 7)] for t in (0, 0.5, 1.0)]), 0.012)
        design += [("beak", "paint", beak), ("screen", "glass", screen)]
        design += [("case", "metal", c) for c in pair(rounded_box(0.22, 0.36, 0.44, 0.03, 0.3, 0.68, 0.78))]
        design.append(("top_case", "metal", rounded_box(0.42, 0.26, 0.34, 0.03, 0, 1.12, 0.9)))
        for x in (-0.22, 0.22):
            bar = fillet([(x, 0.28, 0.1), (x + 0.06 * np.sign(x), 0.26, -0.3), (x, 0.75, -0.42)], 0.15)
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
        design += [("spine", "paint", tube(spine, 0.06, 12)), ("engine", "metal", rounded_box(0.2, 0.18, 0.3, 0.05, 0, 0.3, 0.08))]
        design += [("cylinder", "dark", rod((0, 0.32, -0.05), (0, 0.36, -0.26), 0.06)), ("post", "metal", rod((0, 0.5, 0.24), (0, 0.76, 0.3), 0.02))]
        design += [("seat", "leather", cushion(0.24, 0.1, 0.32, 3.0, 0, 0.79, 0.32)), ("rack", "metal", box(0.2, 0.025, 0.36, 0, 0.7, 0.68))]
        for side in (-1, 1):
            design.append(("strut", "metal", rod((0.08 * side, 0.3, 0.56), (0.09 * side, 0.7, 0.8), 0.01, sides=6)))
            design.append(("pedal", "dark", rod((0.1 * side, 0.26 + 0.08 * side, 0.1), (0.24 * side, 0.26 + 0.08 * side, 0.1), 0.02)))
        design += [("fender", "paint", fender(0.33, 0.1, 0.3, z, 10, 150)) for z in chassis.axles]
        return [*design, ("silencer", "metal", rod((0.12, 0.22, 0.1), (0.13, 0.26, 0.66), 0.03, 0.035)), *tail_lamp(0.62, 0.88)]
    design = create_wheel(0.22, 0.05, 0.22, -0.6, 0) + create_wheel(0.22, 0.055, 0.22, 0.6, 0)
    design.append(("column", "metal", rod((0, 0.24, -0.6), (0, 0.95, -0.4), 0.035)))
    shield = np.array([[(s * (0.16 + 0.1 * np.sin(np.pi * min(t + 0.1, 1))), 0.28 + 0.58 * t, -0.3 - 0.17 * t + 0.09 * s * s) for s in np.linspace(-1, 1, 11)] for t in np.linspace(0, 1, 9)])
    design += [("shield", "paint", sheet(shield, 0.03)), ("floor", "paint", rounded_box(0.4, 0.07, 0.56, 0.03, 0, 0.25, -0.06))]
    body = hull([(0.14, 0.24, 0.66, 0.11), (0.26, 0.26, 0.7, 0.2), (0.55, 0.3, 0.72, 0.24), (0.8, 0.4, 0.68, 0.17), (0.9, 0.5, 0.62, 0.06)], 2.4, 24, 18)
    design += [("body", "paint", body), ("fender", "paint", ellipsoid(0.085, 0.16, 0.27, 0, 0.36, -0.6))]
    design.append(("seat", "leather", rounded_box(0.28, 0.1, 0.66, 0.045, 0, 0.76, 0.48)))
    bar = spline([(0, 0.96, -0.42), (0.14, 0.99, -0.4), (0.34, 1.0, -0.28)], 8)
    design += [("handlebar", "metal", h) for h in pair(tube(bar, 0.022, 8))]
    design += [("grip", "rubber", h) for h in pair(rod(bar[-3], bar[-1], 0.028))]
    nacelle = hull([(-0.56, 0.92, 1.02, 0.06), (-0.46, 0.88, 1.05, 0.11), (-0.34, 0.92, 1.02, 0.08)], 2.2, 18, 10)
    lamp = lathe([(0, 0), (0.07, 0), (0.075, 0.03), (0, 0.05)], 18).turned("x", -90).moved(0, 0.97, -0.53)
    design += [("nacelle", "paint", nacelle), ("headlamp", "light", lamp), *mirrors(chassis, 0.3)]
    if kind == "maxi":
        nose = hull([(-0.86, 0.6, 0.72, 0.07), (-0.74, 0.5, 0.86, 0.19), (-0.5, 0.42, 0.95, 0.26), (-0.32, 0.4, 0.9, 0.27)], 2.8, 22, 14)
        screen = sheet(np.array([[(0.22 * s * (1 - 0.2 * t), 0.9 + 0.42 * t, -0.62 + 0.12 * s * s + 0.2 * t) for s in np.linspace(-1, 1, 9)] for t in (0, 0.5, 1.0)]), 0.012)
        return [*design, ("nose", "paint", nose), ("screen", "glass", screen), ("case", "paint", rounded_box(0.44, 0.32, 0.4, 0.1, 0, 0.98, 0.92)), ("rack", "metal", box(0.2, 0.06, 0.3, 0, 0.8, 0.85))]
    cowl = ellipsoid(0.12, 0.17, 0.3, 0.2, 0.44, 0.55)
    rack = fillet([(-0.12, 0.74, 0.8), (-0.12, 0.76, 1.08), (0.12, 0.76, 1.08), (0.12, 0.74, 0.8)], 0.06)
    design += [("cowl", "paint", c) for c in pair(cowl)]
    return [*design, ("rack", "metal", tube(rack, 0.012, 8)), ("crest", "metal", rounded_box(0.02, 0.05, 0.2, 0.008, 0, 0.53, -0.62)), *tail_lamp(0.58, 0.9)]


def side_car() -> Design:
    """Boxer with a torpedo side car on a third wheel."""
    design = naked("boxer")
    body = hull([(-0.95, 0.42, 0.5, 0.06), (-0.75, 0.32, 0.66, 0.2), (-0.3, 0.26, 0.76, 0.29), (0.4, 0.26, 0.82, 0.3), (0.85, 0.4, 0.7, 0.14)], 2.4, 24, 24)
    design += [("side_car", "paint", body.moved(0.72)), ("coaming", "leather", torus(0.2, 0.035, 28, 8).scaled(1.0, 1, 1.35).moved(0.72, 0.77, 0.05))]
    design += [("seat", "leather", rounded_box(0.36, 0.34, 0.1, 0.04, 0.72, 0.86, 0.34)), *create_wheel(0.29, 0.055, 0.29, 0.25, 24, 1.16)]
    screen = sheet(np.array([[(0.72 + 0.22 * s, 0.74 + 0.24 * t, -0.3 + 0.08 * s * s + 0.1 * t) for s in np.linspace(-1, 1, 7)] for t in (0.0, 1.0)]), 0.012)
    design += [("screen", "glass", screen), ("fender", "paint", fender(0.33, 0.16, 0.29, 0.25, 5, 175).moved(1.16))]
    for z in (-0.3, 0.3):
        design.append(("bar", "metal", rod((0.1, 0.34, z), (1.1, 0.3, z), 0.024)))
    return design


def trike(kind: str) -> Design:
    """Three wheels ("trike") or four fat ones ("quad")."""
    if kind == "trike":
        chassis = Chassis((0.33, 0.33), (-1.15, 0.72), (0.06, 0.1), (0.96, -0.46), 32, 0.62)
        design = front_end(chassis, "high") + frame(chassis) + engine("v") + [("tank", "paint", tank("tear", 0.76))] + saddle(chassis, "stepped")
        for side in (-1, 1):
            design += create_wheel(0.33, 0.11, 0.33, 0.72, 0, 0.5 * side)
            design.append(("fender", "paint", fender(0.37, 0.28, 0.34, 0.72, 10, 165).moved(0.5 * side)))
        design += [("axle", "metal", rod((-0.5, 0.33, 0.72), (0.5, 0.33, 0.72), 0.05)), ("trunk", "paint", rounded_box(0.7, 0.34, 0.5, 0.1, 0, 0.62, 0.84))]
        return design + exhaust("short") + [("fender", "paint", fender(0.37, 0.17, 0.33, -1.15, 20, 150))]
    chassis = Chassis((0.27, 0.28), (-0.6, 0.58), (0.11, 0.13), (0.9, -0.3), 0, 0.78)
    design = []
    for side in (-1, 1):
        for z, tyre in ((-0.6, 0.11), (0.58, 0.13)):
            design += create_wheel(0.28, tyre, 0.28, z, 0, 0.46 * side)
            design.append(("arm", "metal", rod((0.1 * side, 0.36, 0.5 * z), (0.44 * side, 0.28, z), 0.03)))
            design.append(("shock", "metal", rod((0.14 * side, 0.66, 0.7 * z), (0.36 * side, 0.3, z), 0.028)))
            design.append(("fender", "paint", fender(0.35, 0.3, 0.3, z, 25, 155).moved(0.46 * side)))
    design += engine("single") + frame(chassis) + [("tank", "paint", tank("slab", 0.82)), *saddle(chassis, "bench")]
    nose = hull([(-0.82, 0.56, 0.68, 0.12), (-0.66, 0.5, 0.82, 0.24), (-0.36, 0.56, 0.88, 0.2)], 3.0, 20, 12)
    bar = fillet([(0, 0.98, -0.3), (0.14, 1.02, -0.3), (0.24, 1.1, -0.26), (0.42, 1.1, -0.16)], 0.06)
    design += [("nose", "paint", nose), *(("handlebar", "metal", h) for h in pair(tube(bar, 0.016, 8))), *(("grip", "rubber", h) for h in pair(rod(bar[-2], bar[-1], 0.022)))]
    for z, y in ((-0.66, 0.86), (0.8, 0.84)):
        for x in np.linspace(-0.3, 0.3, 5):
            design.append(("rack", "metal", rod((x, y, z - 0.17), (x, y, z + 0.17), 0.012, sides=6)))
        design += [("rack", "metal", rod((-0.32, y, z + d), (0.32, y, z + d), 0.014, sides=6)) for d in (-0.17, 0.17)]
    bumper = fillet([(-0.28, 0.36, -0.7), (-0.28, 0.5, -0.98), (0.28, 0.5, -0.98), (0.28, 0.36, -0.7)], 0.1)
    return [*design, ("bumper", "metal", tube(bumper, 0.02, 8)), *(("lamp", "light", s) for s in pair(ellipsoid(0.07, 0.05, 0.05, 0.13, 0.7, -0.72, 12)))]


def streamliner(kind: str) -> Design:
    """ "dustbin" racer in one shell, "light" bike of glowing discs, or "electric" city bike."""
    if kind == "light":
        design: Design = []
        for z in (-0.78, 0.78):
            wheel = torus(0.36, 0.1, 40, 12).turned("z", 90).moved(0, 0.42, z)
            disc = lathe([(0.24, -0.05), (0.3, -0.05), (0.3, 0.05), (0.24, 0.05)], 36, hollow=True).turned("z", 90).moved(0, 0.42, z)
            design += [("tyre", "rubber", wheel), ("disc", "light", disc)]
        spine = hull([(-1.0, 0.76, 0.88, 0.06), (-0.72, 0.66, 0.98, 0.16), (-0.2, 0.45, 0.92, 0.2), (0.3, 0.4, 0.78, 0.2), (0.8, 0.72, 0.92, 0.14), (1.05, 0.8, 0.88, 0.05)], 2.6, 24, 30)
        design += [("spine", "paint", spine), ("belly", "dark", rounded_box(0.26, 0.3, 0.72, 0.1, 0, 0.36, 0)), ("canopy", "glass", ellipsoid(0.13, 0.12, 0.34, 0, 0.92, -0.42))]
        for side in (-1, 1):
            for z in (-0.78, 0.78):
                design.append(("arm", "metal", tube(spline([(0.12 * side, 0.5, 0.35 * z), (0.15 * side, 0.42, 0.7 * z), (0.12 * side, 0.42, z)], 10), 0.035, 8)))
            design.append(("bar", "metal", rod((0.12 * side, 0.84, -0.55), (0.32 * side, 0.8, -0.5), 0.022)))
        return [*design, ("seat", "leather", rounded_box(0.26, 0.06, 0.4, 0.028, 0, 0.78, 0.3))]
    if kind == "dustbin":
        chassis = Chassis((0.31, 0.31), (-0.7, 0.72), (0.045, 0.055), (0.82, -0.4), 28, 0.76)
        design = front_end(chassis, "clip", "") + rear_end(chassis) + [("tank", "metal", tank("long", 0.76)), *saddle(chassis, "hump")]
        shell = hull([(-1.14, 0.5, 0.62, 0.06), (-0.95, 0.34, 0.82, 0.2), (-0.55, 0.18, 0.94, 0.29), (-0.1, 0.16, 0.74, 0.27), (0.3, 0.2, 0.5, 0.2), (0.5, 0.26, 0.38, 0.1)], 2.3, 26, 30)
        screen = sheet(np.array([[(0.2 * s, 0.9 + 0.16 * t, -0.6 + 0.14 * s * s + 0.1 * t) for s in np.linspace(-1, 1, 9)] for t in (0.0, 1.0)]), 0.012)
        number = lathe([(0, 0), (0.14, 0), (0.14, 0.02), (0, 0.03)], 24).turned("z", -90).moved(0.275, 0.52, -0.35)
        return [*design, ("shell", "paint", shell), ("screen", "glass", screen), *(("number", "trim", n) for n in pair(number)), *exhaust("long")[-2:]]
    chassis = Chassis((0.3, 0.3), (-0.66, 0.64), (0.06, 0.07), (0.9, -0.4), 0, 0.8)
    design = front_end(chassis, "flat", "double", upside_down=True) + rear_end(chassis, "mono")
    block = extrude([(-0.36, 0.8), (0.1, 0.84), (0.3, 0.72), (0.26, 0.3), (-0.14, 0.22), (-0.34, 0.5)], 0.3, 0.04)
    design += [("battery", "metal", block), ("tail", "paint", extrude([(0.05, 0.86), (0.9, 0.96), (0.95, 0.9), (0.3, 0.74), (0.1, 0.76)], 0.22, 0.03))]
    design += [("cover", "paint", extrude([(-0.42, 0.88), (0.05, 0.92), (0.2, 0.84), (-0.1, 0.78), (-0.4, 0.78)], 0.26, 0.04)), ("seat", "leather", rounded_box(0.24, 0.06, 0.5, 0.025, 0, 0.9, 0.4).turned("x", -4))]
    for k in range(5):
        design += [("rib", "dark", r) for r in pair(box(0.03, 0.018, 0.34, 0.15, 0.42 + 0.06 * k, -0.02))]
    return [*design, ("fender", "paint", fender(0.33, 0.14, 0.3, -0.66, 30, 140)), *mirrors(chassis, 0.26)]


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
