"""Airplanes: airliners, jets, propeller planes, gliders."""

from __future__ import annotations

from functools import partial

import numpy as np

from ..mesh import Mesh
from ..parts import box, ellipsoid, extrude, hull, lathe, pair, rod, rounded_box, torus, wing
from ..writer import Design


def fuselage(length: float, radius: float, nose: float = 0.12, tail_lift: float = 0.6) -> Mesh:
    """Round tube with a blunt nose and a tail cone that rises; centred at y = 0."""
    half, r = 0.5 * length, radius
    stations = [
        (-half, -0.25 * r, -0.05 * r, 0.1 * r),
        (-half + 0.12 * nose * length, -0.62 * r, 0.3 * r, 0.48 * r),
        (-half + 0.45 * nose * length, -0.92 * r, 0.75 * r, 0.85 * r),
        (-half + nose * length, -r, r, r),
        (0.0, -r, r, r),
        (half - 0.36 * length, -r, r, r),
        (half - 0.16 * length, (-1 + 0.75 * tail_lift) * r, 0.98 * r, 0.66 * r),
        (half, tail_lift * 0.75 * r, (0.35 + 0.6 * tail_lift) * r, 0.12 * r),
    ]
    return hull(stations, 2.0, 24, 34)


def nacelle(length: float, radius: float) -> Mesh:
    """Jet engine pod along z about the origin, with an open mouth."""
    h, r = 0.5 * length, radius
    profile = [(0, -0.5 * h), (0.78 * r, -0.5 * h), (0.82 * r, -h), (0.9 * r, -1.04 * h)]
    profile += [(1.0 * r, -0.9 * h), (1.04 * r, -0.3 * h), (0.95 * r, 0.4 * h), (0.7 * r, 0.85 * h)]
    profile += [(0.66 * r, 0.7 * h), (0.4 * r, 0.75 * h), (0.1 * r, 1.15 * h), (0, 1.2 * h)]
    return lathe(profile, 20).turned("x", 90)


def propeller(radius: float, blades: int, spin: float = 20.0) -> Design:
    """Spinner and blades in the x-y plane at the origin, facing -z."""
    hub = lathe([(0, 0.22), (0.05, 0.19), (0.09, 0.1), (0.1, 0), (0, 0)], 16).turned("x", -90)
    design: Design = [("spinner", "metal", hub.scaled(radius, radius, radius))]
    for k in range(blades):
        blade = rounded_box(0.13 * radius, 0.96 * radius, 0.03 * radius, 0.012 * radius)
        blade = blade.turned("y", 30).moved(y=0.52 * radius, z=-0.04 * radius)
        design.append(("blade", "dark", blade.turned("z", spin + 360.0 * k / blades)))
    return design


def placed(parts: Design, x: float, y: float, z: float) -> Design:
    return [(name, material, mesh.moved(x, y, z)) for name, material, mesh in parts]


def undercarriage(x: float, y: float, z: float, radius: float, drop: float) -> Design:
    """A leg with a wheel, hanging drop below (x, y, z)."""
    wheel = torus(0.68 * radius, 0.34 * radius, 18, 8).turned("z", 90).moved(x, y - drop, z)
    hub = rod((x - 0.2 * radius, y - drop, z), (x + 0.2 * radius, y - drop, z), 0.5 * radius)
    leg = rod((x, y, z), (x, y - drop, z), 0.16 * radius, sides=8)
    return [("leg", "metal", leg), ("wheel", "rubber", wheel), ("hub", "metal", hub)]


def airliner(
    engines: str = "two",
    length: float = 38.0,
    radius: float = 2.0,
    span: float = 17.0,
    t_tail: bool = False,
    hump: bool = False,
) -> Design:
    """Passenger jet; engines: "two" or "four" under the wing, "rear" or "three"."""
    half = 0.5 * length
    body = fuselage(length, radius)
    root, tip = (0.0, -0.5 * radius, -0.1 * length), (span, 0.06 * span, 0.18 * length)
    design: Design = [("fuselage", "trim", body)]
    design += [
        ("wing", "metal", w) for w in pair(wing(root, tip, 0.2 * length, 0.045 * length, 0.11))
    ]
    winglet = wing(
        (span, 0.06 * span, 0.18 * length),
        (span + 0.3, 0.06 * span + 2.0, 0.22 * length),
        0.045 * length,
        0.02 * length,
        0.1,
        3,
    )
    design += [("winglet", "paint", w) for w in pair(winglet)]
    fin_top = 3.3 * radius
    fin = wing(
        (0, 0.5 * radius, half - 0.2 * length),
        (0, fin_top, half - 0.045 * length),
        0.17 * length,
        0.07 * length,
        0.1,
    )
    design.append(("fin", "paint", fin))
    tail_y, tail_z = (
        (fin_top, half - 0.05 * length) if t_tail else (0.55 * radius, half - 0.13 * length)
    )
    tail = wing(
        (0, tail_y, tail_z),
        (0.38 * span, tail_y + 0.5, tail_z + 0.08 * length),
        0.1 * length,
        0.04 * length,
        0.1,
    )
    design += [("tailplane", "metal", w) for w in pair(tail)]
    under = {"two": (0.33,), "three": (0.36,), "four": (0.32, 0.62), "rear": ()}[engines]
    pod = nacelle(0.13 * length, 0.58 * radius)
    for t in under:
        x, y = t * span, root[1] + t * (tip[1] - root[1])
        z = root[2] + t * (tip[2] - root[2]) - 0.02 * length
        design += [("engine", "paint", e) for e in pair(pod.moved(x, y - 0.75 * radius, z))]
        pylon = box(0.3, 0.5 * radius, 0.09 * length, x, y - 0.3 * radius, z + 0.04 * length)
        design += [("pylon", "metal", p) for p in pair(pylon)]
    if engines == "rear":
        design += [
            ("engine", "paint", e)
            for e in pair(pod.moved(1.55 * radius, 0.45 * radius, 0.27 * length))
        ]
        design.append(
            (
                "pylon",
                "metal",
                box(2.6 * radius, 0.2, 0.07 * length, 0, 0.45 * radius, 0.28 * length),
            )
        )
    if engines == "three":
        design.append(("engine", "paint", pod.moved(0, 1.35 * radius, half - 0.2 * length)))
    if hump:
        bulge = hull(
            [
                (-half + 1.5, 0.0, 0.5 * radius, 0.3 * radius),
                (-half + 5, 0.0, 1.5 * radius, 0.75 * radius),
                (-half + 11, 0, 1.55 * radius, 0.78 * radius),
                (-half + 17, 0, 0.9 * radius, 0.5 * radius),
            ],
            2.0,
            20,
            16,
        )
        design.append(("upper_deck", "trim", bulge))
    screen = box(
        1.3 * radius, 0.28 * radius, 0.25 * radius, 0, 0.42 * radius, -half + 0.05 * length
    )
    design.append(("screen", "glass", screen))
    stripe = rounded_box(
        2.03 * radius, 0.24 * radius, 0.6 * length, 0.05, 0, 0.12 * radius, -0.04 * length
    )
    design.append(("windows", "glass", stripe))
    return design


def fighter(delta: bool = False, twin_fin: bool = True, swing: float = 3.2) -> Design:
    """Jet fighter with intakes, canopy and missiles."""
    stations = [
        (-8, -0.1, 0.1, 0.05),
        (-6.5, -0.42, 0.4, 0.42),
        (-4.5, -0.6, 0.72, 0.6),
        (-2, -0.7, 0.7, 0.9),
        (2, -0.65, 0.62, 1.15),
        (5.5, -0.5, 0.5, 0.95),
        (7, -0.4, 0.42, 0.7),
    ]
    design: Design = [("fuselage", "metal", hull(stations, 2.4, 24, 30))]
    design.append(("canopy", "glass", ellipsoid(0.46, 0.62, 1.7, 0, 0.62, -3.8)))
    intake = hull(
        [(-2.6, -0.55, 0.35, 0.38), (0, -0.6, 0.4, 0.45), (4, -0.4, 0.3, 0.3)], 4.5, 20, 10
    )
    design += [("intake", "metal", i) for i in pair(intake.moved(1.05))]
    nozzle = lathe([(0, 0.15), (0.42, 0.1), (0.46, 1.0), (0.58, 0.95), (0.66, 0), (0, 0)], 18)
    if twin_fin:
        design += [("nozzle", "dark", n) for n in pair(nozzle.turned("x", 90).moved(0.55, 0, 6.6))]
    else:
        design.append(("nozzle", "dark", nozzle.turned("x", 90).scaled(1.2, 1.2).moved(0, 0, 6.6)))
    if delta:
        main = wing((0.4, -0.1, -1.8), (4.9, -0.15, 5.0), 8.2, 0.9, 0.045)
        canard = wing((0.5, 0.3, -4.2), (2.3, 0.45, -2.6), 1.8, 0.5, 0.06)
        design += [("canard", "metal", c) for c in pair(canard)]
    else:
        main = wing((0.5, 0.1, -1.2), (5.6, 0.0, -1.2 + swing), 4.6, 1.3, 0.05)
        tail = wing((0.7, 0.0, 4.6), (3.2, -0.05, 6.6), 2.6, 0.9, 0.06)
        design += [("tailplane", "metal", t) for t in pair(tail)]
    design += [("wing", "metal", w) for w in pair(main)]
    if twin_fin:
        fin = wing((0.85, 0.3, 3.6), (1.45, 2.9, 5.9), 3.0, 1.1, 0.06)
        design += [("fin", "paint", f) for f in pair(fin)]
    else:
        design.append(("fin", "paint", wing((0, 0.3, 2.6), (0, 3.3, 5.9), 3.9, 1.2, 0.06)))
    missile = lathe([(0, -1.3), (0.1, -1.0), (0.12, 1.2), (0, 1.2)], 10).turned("x", 90)
    x = 4.2 if delta else 5.5
    design += [("missile", "trim", m) for m in pair(missile.moved(x, -0.25, 3.6 if delta else 2.6))]
    return design


def stealth() -> Design:
    """Flying wing with a saw-tooth trailing edge."""
    outline = [(-6, 0), (4.5, 13), (6.2, 11.6), (3.0, 7.0), (5.2, 4.0), (2.9, 0)]
    left = [(z, -x) for z, x in outline[-2:0:-1]]
    plan = np.array([*outline, *left])
    plate = extrude(plan, 0.5, 0.24).turned("z", -90)
    hump = hull(
        [
            (-5.6, -0.1, 0.1, 0.2),
            (-3, -0.4, 1.1, 1.6),
            (0.5, -0.4, 1.1, 1.9),
            (3.2, -0.1, 0.2, 0.7),
        ],
        2.2,
        24,
        18,
    )
    pod = hull([(-2.2, 0, 0.35, 0.5), (-0.5, 0, 0.85, 0.8), (2.4, 0, 0.35, 0.6)], 2.6, 20, 12)
    design: Design = [("wing", "dark", plate), ("body", "dark", hump)]
    design += [("engine", "dark", p) for p in pair(pod.moved(2.8))]
    return [*design, ("screen", "glass", box(1.3, 0.3, 0.5, 0, 0.62, -4.1))]


def biplane(floats: bool = False, wings: int = 2) -> Design:
    """Two (or three) wings, struts, a radial engine, fixed wheels or floats."""
    stations = [
        (-2.6, -0.42, 0.42, 0.42),
        (-2.2, -0.55, 0.52, 0.52),
        (-0.5, -0.6, 0.5, 0.48),
        (1.2, -0.45, 0.42, 0.34),
        (3.4, -0.05, 0.3, 0.08),
    ]
    design: Design = [("fuselage", "paint", hull(stations, 3.0, 20, 24))]
    cowl = lathe([(0.2, -0.1), (0.5, -0.12), (0.6, 0.0), (0.6, 0.5), (0.2, 0.5)], 24, hollow=True)
    design.append(("cowl", "metal", cowl.turned("x", 90).moved(z=-2.9)))
    for k in range(7):
        cylinder = rod((0, 0.1, -2.75), (0, 0.5, -2.75), 0.09, sides=8)
        design.append(("cylinder", "dark", cylinder.turned("z", 360 / 7 * k)))
    design += placed(propeller(1.15, 2, 35), 0, 0, -3.05)
    levels = (-0.45, 1.25) if wings == 2 else (-0.5, 0.45, 1.4)
    for y in levels:
        span = 4.6 if y > 1 else 4.2
        stagger = -1.9 if y > 1 else -1.55
        half = wing((0, y, stagger), (span, y + 0.12, stagger), 1.35, 1.25, 0.1, 4)
        design += [("wing", "trim", w) for w in pair(half)]
    for x in (3.3,):
        for dz in (0.25, 1.0):
            strut = rod(
                (x, levels[0], -1.5 + dz), (x, levels[-1] + 0.08, -1.85 + dz), 0.045, sides=6
            )
            design += [("strut", "wood", s) for s in pair(strut)]
    for dz in (0.3, 1.0):
        strut = rod((0.35, 0.4, -1.6 + dz), (0.7, 1.25, -1.85 + dz), 0.04, sides=6)
        design += [("strut", "wood", s) for s in pair(strut)]
        wire = rod((0.4, -0.4, -1.5 + dz), (3.3, levels[-1], -1.85 + dz), 0.014, sides=4)
        design += [("wire", "metal", w) for w in pair(wire)]
    design.append(("fin", "paint", wing((0, 0.1, 2.4), (0, 1.25, 2.85), 1.2, 0.6, 0.09)))
    design += [
        ("tail", "paint", t) for t in pair(wing((0, 0.15, 2.3), (1.6, 0.15, 2.7), 1.1, 0.6, 0.08))
    ]
    design.append(("cockpit", "leather", torus(0.3, 0.06, 20, 8).moved(y=0.5, z=0.0)))
    design.append(("pilot", "leather", ellipsoid(0.17, 0.2, 0.18, 0, 0.72, 0.05)))
    design.append(("screen", "glass", box(0.44, 0.22, 0.04, 0, 0.6, -0.38)))
    if floats:
        pontoon = hull(
            [
                (-3.4, -1.35, -1.2, 0.1),
                (-2.6, -1.75, -1.1, 0.34),
                (0, -1.75, -1.1, 0.36),
                (2.2, -1.3, -1.15, 0.1),
            ],
            3.0,
            16,
            16,
        )
        design += [("float", "trim", p) for p in pair(pontoon.moved(0.95))]
        for z in (-1.8, 0.2):
            design += [
                ("strut", "metal", s)
                for s in pair(rod((0.3, -0.4, z), (0.95, -1.2, z), 0.05, sides=6))
            ]
    else:
        for side in (-1, 1):
            design += undercarriage(0.85 * side, -0.9, -1.7, 0.4, 0.35)
            design.append(
                ("strut", "wood", rod((0.3 * side, -0.4, -1.9), (0.85 * side, -1.2, -1.7), 0.05))
            )
            design.append(
                ("strut", "wood", rod((0.3 * side, -0.4, -1.1), (0.85 * side, -1.2, -1.7), 0.05))
            )
        design.append(("axle", "metal", rod((-0.85, -1.25, -1.7), (0.85, -1.25, -1.7), 0.05)))
    return design


def light_plane(high_wing: bool = True, floats: bool = False, low_tail: bool = True) -> Design:
    """Single propeller: high wing with struts, or low wing with a bubble canopy."""
    stations = [
        (-3.4, -0.3, 0.18, 0.3),
        (-3.1, -0.45, 0.3, 0.45),
        (-1.9, -0.6, 0.42, 0.55),
        (-1.2, -0.65, 0.62 if high_wing else 0.45, 0.58),
        (0.6, -0.6, 0.62 if high_wing else 0.45, 0.55),
        (1.8, -0.3, 0.4, 0.34),
        (4.2, 0.02, 0.3, 0.08),
    ]
    design: Design = [("fuselage", "paint", hull(stations, 3.2, 22, 30))]
    design += placed(propeller(1.05, 2 if high_wing else 3, 25), 0, -0.05, -3.45)
    if high_wing:
        half = wing((0, 0.72, -1.3), (5.4, 0.9, -1.15), 1.6, 1.1, 0.13)
        strut = rod((0.5, -0.45, -0.9), (2.9, 0.74, -0.75), 0.05, sides=6)
        design += [("strut", "metal", s) for s in pair(strut)]
        design.append(("cabin", "glass", rounded_box(1.06, 0.5, 1.9, 0.15, 0, 0.42, -0.5)))
    else:
        half = wing((0, -0.4, -1.5), (4.9, 0.05, -1.1), 1.9, 1.0, 0.13)
        design.append(("canopy", "glass", ellipsoid(0.47, 0.62, 1.35, 0, 0.42, -0.35)))
    design += [("wing", "trim", w) for w in pair(half)]
    design.append(("fin", "paint", wing((0, 0.2, 2.9), (0, 1.7, 3.7), 1.4, 0.7, 0.1)))
    tail_y = 0.18 if low_tail else 1.65
    tail = wing(
        (0, tail_y, 3.2 if low_tail else 3.6),
        (1.9, tail_y, 3.5 if low_tail else 3.9),
        1.0,
        0.65,
        0.09,
    )
    design += [("tail", "trim", t) for t in pair(tail)]
    if floats:
        pontoon = hull(
            [
                (-3.6, -1.6, -1.4, 0.1),
                (-2.8, -2.0, -1.3, 0.35),
                (0, -2.0, -1.3, 0.38),
                (2.8, -1.5, -1.35, 0.1),
            ],
            3.0,
            16,
            18,
        )
        design += [("float", "trim", p) for p in pair(pontoon.moved(1.25))]
        for z in (-2.0, 0.4):
            design += [
                ("strut", "metal", s)
                for s in pair(rod((0.35, -0.5, z), (1.25, -1.4, z), 0.05, sides=6))
            ]
        return design
    for side in (-1, 1):
        design += undercarriage(1.15 * side, -0.95, -0.5, 0.34, 0.3)
        design.append(
            ("gear", "metal", rod((0.3 * side, -0.5, -0.5), (1.15 * side, -1.2, -0.5), 0.05))
        )
    return design + undercarriage(0, -0.4, -2.8, 0.3, 0.85)


def warbird(gull: bool = False, twin_boom: bool = False) -> Design:
    """Propeller fighter of the 1940s, with straight or gull wings, or twin booms."""
    design: Design = []
    if twin_boom:
        pod = [
            (-2.6, -0.2, 0.2, 0.12),
            (-1.4, -0.55, 0.5, 0.5),
            (0.2, -0.55, 0.55, 0.52),
            (2.0, -0.1, 0.15, 0.1),
        ]
        design.append(("pod", "metal", hull(pod, 2.2, 20, 18)))
        design.append(("canopy", "glass", ellipsoid(0.36, 0.45, 1.0, 0, 0.48, -0.3)))
        boom = [
            (-3.0, -0.28, 0.28, 0.28),
            (-2.0, -0.45, 0.42, 0.4),
            (1.0, -0.3, 0.3, 0.3),
            (5.4, -0.1, 0.16, 0.12),
        ]
        design += [("boom", "metal", b) for b in pair(hull(boom, 2.3, 18, 20).moved(2.3))]
        for side in (-1, 1):
            design += placed(propeller(1.2, 3, 15 + 30 * side), 2.3 * side, 0, -3.05)
            design.append(
                (
                    "fin",
                    "paint",
                    wing((2.3 * side, -0.3, 4.4), (2.3 * side, 1.2, 4.8), 1.2, 0.7, 0.1),
                )
            )
        design.append(("tail", "metal", box(4.6, 0.08, 0.9, 0, 0.05, 4.95)))
        design += [
            ("wing", "metal", w)
            for w in pair(wing((0, -0.1, -1.3), (6.6, 0.35, -0.6), 2.2, 0.9, 0.13))
        ]
        return design
    stations = [
        (-4.2, -0.42, 0.42, 0.42),
        (-3.2, -0.6, 0.55, 0.52),
        (-1, -0.75, 0.55, 0.56),
        (1, -0.6, 0.55, 0.48),
        (4.4, 0.0, 0.3, 0.08),
    ]
    design.append(("fuselage", "paint", hull(stations, 2.3, 22, 28)))
    design.append(("canopy", "glass", ellipsoid(0.36, 0.42, 1.15, 0, 0.56, -0.1)))
    design += placed(propeller(1.55, 4, 40), 0, 0, -4.15)
    if gull:
        inner = wing((0.2, -0.35, -2.1), (1.9, -1.15, -2.1), 2.5, 2.3, 0.13, 4)
        outer = wing((1.8, -1.15, -2.1), (6.1, -0.35, -1.6), 2.3, 1.1, 0.12)
        design += [("wing", "paint", w) for half in (inner, outer) for w in pair(half)]
        for side in (-1, 1):
            design += undercarriage(1.9 * side, -1.1, -1.7, 0.4, 0.9)
    else:
        half = wing((0, -0.5, -2.0), (5.6, 0.1, -1.2), 2.6, 0.9, 0.12)
        design += [("wing", "paint", w) for w in pair(half)]
        scoop = hull(
            [(-0.8, -1.15, -0.6, 0.3), (0.4, -1.2, -0.5, 0.34), (2.2, -0.7, -0.4, 0.2)], 3.0, 16, 10
        )
        design.append(("scoop", "metal", scoop))
    design.append(("fin", "paint", wing((0, 0.1, 3.0), (0, 1.8, 3.7), 1.6, 0.8, 0.1)))
    design += [
        ("tail", "paint", t) for t in pair(wing((0, 0.2, 3.0), (2.0, 0.25, 3.4), 1.3, 0.7, 0.1))
    ]
    for k in range(5):
        stub = rod((0.5, 0.2, -3.1 + 0.3 * k), (0.66, 0.2, -3.0 + 0.3 * k), 0.06, sides=6)
        design += [("exhaust", "dark", s) for s in pair(stub)]
    return design


def glider() -> Design:
    """Sailplane: very long thin wings, T tail."""
    stations = [
        (-3.0, -0.1, 0.1, 0.08),
        (-2.4, -0.32, 0.3, 0.28),
        (-1.0, -0.42, 0.46, 0.36),
        (0.5, -0.25, 0.35, 0.24),
        (1.4, -0.05, 0.25, 0.14),
        (4.6, 0.05, 0.22, 0.07),
    ]
    design: Design = [("fuselage", "trim", hull(stations, 2.0, 20, 28))]
    design.append(("canopy", "glass", ellipsoid(0.3, 0.3, 0.9, 0, 0.26, -1.5)))
    inner = wing((0, 0.22, -0.5), (5.0, 0.4, -0.4), 1.0, 0.75, 0.13, 4)
    outer = wing((5.0, 0.4, -0.4), (7.6, 0.75, -0.1), 0.75, 0.3, 0.12, 4)
    design += [("wing", "trim", w) for half in (inner, outer) for w in pair(half)]
    design.append(("fin", "paint", wing((0, 0.1, 3.8), (0, 1.45, 4.1), 0.95, 0.6, 0.1)))
    design += [
        ("tail", "trim", t) for t in pair(wing((0, 1.45, 4.1), (1.4, 1.45, 4.2), 0.6, 0.35, 0.1))
    ]
    return design + undercarriage(0, -0.2, -0.4, 0.24, 0.25)


def transport() -> Design:
    """High wing, four turboprops, an upswept tail and bulging wheel fairings."""
    body = fuselage(28.0, 2.1, 0.14, 1.0)
    design: Design = [("fuselage", "trim", body)]
    design += [
        ("wing", "metal", w) for w in pair(wing((0, 2.0, -4.2), (19, 2.2, -2.8), 4.9, 2.2, 0.14))
    ]
    for x in (5.6, 10.6):
        for side in (-1, 1):
            pod = hull(
                [
                    (-6.6, 1.1, 1.9, 0.4),
                    (-5.6, 0.8, 2.2, 0.62),
                    (-2.5, 1.2, 2.3, 0.6),
                    (0, 1.9, 2.2, 0.2),
                ],
                2.4,
                16,
                14,
            ).moved(side * x)
            design.append(("engine", "metal", pod))
            design += placed(propeller(2.1, 4, 10 * x), side * x, 1.5, -6.6)
    design.append(("fin", "paint", wing((0, 1.4, 8.2), (0, 8.0, 11.6), 6.0, 3.0, 0.1)))
    design += [
        ("tail", "metal", t) for t in pair(wing((0, 2.0, 9.8), (7.2, 2.1, 11.2), 3.8, 1.9, 0.1))
    ]
    fairing = hull(
        [(-2.5, -2.3, -1.2, 0.3), (0, -2.7, -0.6, 0.9), (4.0, -2.3, -1.2, 0.3)], 2.6, 16, 14
    )
    design += [("fairing", "trim", f) for f in pair(fairing.moved(1.7))]
    design.append(("screen", "glass", box(2.2, 0.6, 0.6, 0, 1.1, -12.4)))
    return design


def supersonic() -> Design:
    """Slender delta airliner with a drooping needle nose."""
    stations = [
        (-30, -0.9, -0.7, 0.08),
        (-26, -1.0, 0.1, 0.55),
        (-20, -1.3, 1.2, 1.25),
        (0, -1.4, 1.4, 1.4),
        (18, -1.1, 1.4, 1.2),
        (30, 0.5, 0.8, 0.1),
    ]
    design: Design = [("fuselage", "trim", hull(stations, 2.0, 22, 36))]
    inner = wing((0.6, -0.9, -14), (4.4, -0.95, 3), 34, 17, 0.025, 4)
    outer = wing((4.3, -0.95, 3), (12.6, -0.9, 17.5), 17, 2.0, 0.035, 6)
    design += [("wing", "trim", w) for half in (inner, outer) for w in pair(half)]
    design.append(("fin", "paint", wing((0, 1.0, 11), (0, 7.2, 23), 14.5, 4.0, 0.05)))
    for x in (4.6, 6.6):
        duct = rounded_box(1.75, 1.6, 10, 0.25, x, -1.9, 14.5)
        nozzle = rod((x, -1.9, 19.0), (x, -1.9, 21.0), 0.72, 0.6, 16)
        design += [("engine", "metal", d) for d in pair(duct)]
        design += [("nozzle", "dark", n) for n in pair(nozzle)]
    return design


def flying_boat() -> Design:
    """Boat hull, high wing with two engines, wing-tip floats."""
    stations = [
        (-7.5, -0.4, 0.3, 0.15),
        (-6.4, -1.3, 0.9, 0.9),
        (-2, -1.7, 1.2, 1.15),
        (2.0, -1.4, 1.2, 1.1),
        (2.1, -1.0, 1.2, 1.08),
        (8.5, 0.4, 1.0, 0.18),
    ]
    design: Design = [("hull", "trim", hull(stations, 2.8, 22, 32))]
    design.append(("pylon", "trim", rounded_box(0.9, 1.4, 2.6, 0.3, 0, 1.6, -1.4)))
    design += [
        ("wing", "paint", w) for w in pair(wing((0, 2.3, -2.8), (10.5, 2.5, -2.2), 2.9, 1.5, 0.13))
    ]
    for side in (-1, 1):
        pod = hull(
            [(-4.4, 2.0, 2.8, 0.42), (-3.6, 1.8, 3.0, 0.58), (-0.5, 2.3, 2.7, 0.2)], 2.2, 16, 10
        )
        design.append(("engine", "metal", pod.moved(side * 2.9)))
        design += placed(propeller(1.6, 3, 30), side * 2.9, 2.4, -4.4)
        tip = hull(
            [(-2.8, 0.2, 0.4, 0.08), (-1.8, -0.1, 0.55, 0.3), (0.4, 0.2, 0.5, 0.08)], 2.4, 14, 10
        )
        design.append(("float", "trim", tip.moved(side * 8.2)))
        design.append(
            ("strut", "metal", rod((8.2 * side, 0.4, -1.6), (8.0 * side, 2.4, -1.6), 0.1))
        )
        design.append(
            ("strut", "metal", rod((0.9 * side, 0.3, -1.5), (4.6 * side, 2.3, -1.5), 0.09))
        )
    design.append(("fin", "paint", wing((0, 0.8, 5.8), (0, 3.8, 7.1), 2.9, 1.3, 0.1)))
    design += [
        ("tail", "paint", t) for t in pair(wing((0, 1.9, 6.3), (4.0, 2.1, 6.8), 2.0, 1.0, 0.1))
    ]
    design.append(("screen", "glass", rounded_box(1.5, 0.6, 1.4, 0.2, 0, 1.05, -4.4)))
    return design


def business_jet() -> Design:
    """Small sleek jet: rear engines, T tail, sharp nose."""
    return airliner("rear", 15.0, 0.85, 7.2, t_tail=True)


def pusher() -> Design:
    """Canard with a propeller behind and swept wings with tip fins."""
    stations = [
        (-3.0, -0.15, 0.05, 0.08),
        (-2.2, -0.35, 0.3, 0.34),
        (-0.6, -0.45, 0.62, 0.46),
        (0.9, -0.4, 0.5, 0.42),
        (1.9, -0.2, 0.25, 0.22),
    ]
    design: Design = [("fuselage", "trim", hull(stations, 2.2, 22, 26))]
    design.append(("canopy", "glass", ellipsoid(0.38, 0.45, 1.0, 0, 0.35, -0.6)))
    design += [
        ("canard", "paint", c)
        for c in pair(wing((0, 0.0, -2.6), (1.7, 0.05, -2.5), 0.45, 0.35, 0.13))
    ]
    design += [
        ("wing", "trim", w) for w in pair(wing((0.2, -0.2, -0.6), (4.1, 0.0, 1.6), 2.3, 0.7, 0.11))
    ]
    design += [
        ("fin", "paint", f) for f in pair(wing((4.05, -0.2, 1.4), (4.2, 1.2, 2.1), 1.0, 0.4, 0.1))
    ]
    prop = [(n, m, mesh.turned("y", 180)) for n, m, mesh in propeller(0.85, 3, 50)]
    design += placed(prop, 0, 0.02, 1.9)
    for side in (-1, 1):
        design += undercarriage(0.8 * side, -0.5, 0.4, 0.24, 0.45)
        design.append(
            ("gear", "metal", rod((0.2 * side, -0.3, 0.4), (0.8 * side, -0.9, 0.4), 0.05))
        )
    return design + undercarriage(0, -0.2, -2.0, 0.2, 0.75)


DESIGNS = (
    airliner,
    partial(fighter, twin_fin=True),
    biplane,
    glider,
    partial(light_plane, high_wing=True),
    partial(airliner, "four", 66.0, 3.2, 31.0, hump=True),
    warbird,
    stealth,
    partial(fighter, delta=True, twin_fin=False),
    business_jet,
    transport,
    partial(biplane, floats=True),
    supersonic,
    partial(light_plane, high_wing=False),
    partial(airliner, "three", 50.0, 2.8, 22.0),
    partial(warbird, gull=True),
    flying_boat,
    partial(airliner, "rear", 34.0, 1.7, 14.0, t_tail=True),
    partial(warbird, twin_boom=True),
    partial(fighter, twin_fin=False, swing=5.0),
    pusher,
    partial(light_plane, high_wing=True, floats=True, low_tail=False),
    partial(biplane, wings=3),
    partial(airliner, "four", 56.0, 2.5, 26.0),
)
