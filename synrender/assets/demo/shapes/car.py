"""Cars: a lofted body with wheel arches, a glasshouse, wheels, and what sets each apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..curves import rounded_rect, spline
from ..mesh import Mesh, skin
from ..parts import box, ellipsoid, extrude, hull, lathe, pair, rod, rounded_box, sheet, tube
from ..writer import Design


@dataclass(frozen=True)
class Body:
    """Side view of a car in metres; z runs from the nose (negative) to the tail.

    top: (z, height) of bonnet, belt and boot. belt and roof: (front z, rear z) of the glasshouse.
    """

    top: Sequence[tuple[float, float]]
    belt: tuple[float, float]
    roof: tuple[float, float]
    roof_height: float
    width: float = 1.76
    axles: tuple[float, float] = (-1.3, 1.3)
    wheel_radius: float = 0.32
    clearance: float = 0.2
    tumblehome: float = 0.2
    pillars: int = 1
    spokes: int = 5
    nose_taper: float = 0.16


def create_car(body: Body, glasshouse: bool = True) -> Design:
    """Body, wheels, lamps, bumpers and, if wanted, the glasshouse."""
    front, rear = body.top[0][0], body.top[-1][0]
    design: Design = [("body", "paint", _body_shell(body))]
    for z in body.axles:
        for side in (-1, 1):
            x = side * (0.5 * body.width - 0.11)
            design += create_wheel(body.wheel_radius, 0.2, x, z, side, body.spokes)
    nose, tail = body.top[1][1], body.top[-2][1]
    rear_y = min(tail - 0.16, _height(body, rear - 0.08) - 0.06)
    lamp_x = 0.5 * body.width * (1.0 - 0.8 * body.nose_taper) - 0.16
    for side in (-1, 1):
        lamp = ellipsoid(0.16, 0.07, 0.1, side * lamp_x, nose - 0.14, front + 0.09, 12)
        rear_lamp = rounded_box(0.26, 0.1, 0.08, 0.03, side * lamp_x, rear_y, rear - 0.03)
        mirror = rounded_box(0.14, 0.1, 0.08, 0.035)
        mirror = mirror.moved(
            side * (0.5 * body.width + 0.05), _height(body, body.belt[0] + 0.3) + 0.06
        )
        design += [("headlamp", "light", lamp), ("rear_lamp", "paint", rear_lamp)]
        if glasshouse:
            design.append(("mirror", "paint", mirror.moved(z=body.belt[0] + 0.42)))
    wide = body.width - 0.34
    low = body.clearance + 0.13
    design += [
        ("grille", "dark", rounded_box(0.5 * wide, 0.12, 0.06, 0.025, 0, low + 0.17, front + 0.03)),
        ("bumper", "dark", rounded_box(wide, 0.11, 0.12, 0.05, 0, low, front + 0.03)),
        ("bumper", "dark", rounded_box(wide, 0.12, 0.12, 0.05, 0, low + 0.03, rear - 0.03)),
    ]
    return design + create_glasshouse(body) if glasshouse else design


def _height(body: Body, z: float) -> float:
    knots = np.asarray(body.top)
    return float(np.interp(z, knots[:, 0], knots[:, 1]))


def _body_shell(body: Body) -> Mesh:
    """Loft along z; the wheel arches are where its underside rises."""
    fair = spline(body.top, 60, overshoot=False)
    front, rear = fair[0, 0], fair[-1, 0]
    arch = body.wheel_radius * 1.16
    z = [np.linspace(front, front + 0.12, 4), np.linspace(front + 0.12, rear - 0.12, 26)]
    z.append(np.linspace(rear - 0.12, rear, 4))
    for axle in body.axles:
        inside = np.cos(np.linspace(0.0, np.pi, 13)) * arch
        z += [axle + inside, np.array([axle - arch - 0.005, axle + arch + 0.005])]
    z = np.unique(np.round(np.concatenate(z), 4))
    z = z[(z >= front) & (z <= rear)]
    z = z[np.concatenate([[True], np.diff(z) > 0.004])]
    top = np.interp(z, fair[:, 0], fair[:, 1])
    bottom = np.full(len(z), body.clearance)
    for axle in body.axles:
        rise = np.sqrt(np.maximum(arch**2 - (z - axle) ** 2, 0.0)) + body.wheel_radius
        bottom = np.where(np.abs(z - axle) < arch + 0.001, np.maximum(bottom, rise), bottom)
    bottom = np.minimum(bottom, top - 0.06)
    along = (z - 0.5 * (front + rear)) / (0.5 * (rear - front))
    half = 0.5 * body.width * (1.0 - body.nose_taper * np.abs(along) ** 5)
    return hull(np.column_stack([z, bottom, top, half, np.full(len(z), 5.0)]), sides=28)


def create_wheel(
    radius: float, width: float, x: float, z: float, side: float, spokes: int = 5
) -> Design:
    """Tyre, rim and spokes of a wheel standing on y = 0; side (-1 or 1) says which way is out."""
    half, inner = 0.5 * width, 0.62 * radius
    section = [(inner, -half), (0.92 * radius, -half), (radius, -0.6 * half)]
    section += [(radius, 0.6 * half), (0.92 * radius, half), (inner, half)]

    def place(mesh: Mesh) -> Mesh:
        return mesh.turned("z", -90.0 * side).moved(x, radius, z)

    design: Design = [("tyre", "rubber", place(lathe(section, 28, hollow=True)))]
    dish = [
        (0, -0.3 * half),
        (inner * 1.01, -0.3 * half),
        (inner * 1.01, 0.1 * half),
        (0, 0.2 * half),
    ]
    design.append(("rim", "metal", place(lathe(dish, 20))))
    for k in range(spokes):
        angle = 2.0 * np.pi * k / spokes
        end = (inner * np.cos(angle), 0.6 * half, inner * np.sin(angle))
        design.append(("spoke", "metal", place(rod((0, 0.8 * half, 0), end, 0.05, 0.04, 6))))
    return design


def create_glasshouse(body: Body) -> Design:
    """Windows as one dark block, pillars over its edges and a roof panel."""
    belt_low = min(_height(body, body.belt[0]), _height(body, body.belt[1])) - 0.05
    wide_belt, wide_roof = body.width - 0.12, body.width - 0.12 - 2 * body.tumblehome

    def outline(z_span: tuple[float, float], width: float, y: float, inset: float) -> np.ndarray:
        depth = z_span[1] - z_span[0] - 2 * inset
        ring = rounded_rect(width - 2 * inset, depth, 0.12, 5)
        ring[:, 1] += 0.5 * (z_span[0] + z_span[1])
        return np.insert(ring, 1, y, axis=1)

    low = outline(body.belt, wide_belt, belt_low, 0.045)
    high = outline(body.roof, wide_roof, body.roof_height - 0.03, 0.045)
    design: Design = [("glass", "glass", skin(np.array([low, high])))]
    roof = [
        outline(body.roof, wide_roof, body.roof_height - 0.06, -0.015),
        outline(body.roof, wide_roof, body.roof_height - 0.02, -0.01),
        outline(body.roof, wide_roof, body.roof_height, 0.05),
        outline(body.roof, wide_roof, body.roof_height + 0.02, 0.2),
    ]
    design.append(("roof", "paint", skin(np.array(roof))))
    corners = [0.0, 1.0, *np.linspace(0.0, 1.0, body.pillars + 2)[1:-1]]
    for k, t in enumerate(corners):
        inset = 0.05 if k < 2 else 0.0
        z_low = body.belt[0] + inset + t * (body.belt[1] - body.belt[0] - 2 * inset)
        z_high = body.roof[0] + inset + t * (body.roof[1] - body.roof[0] - 2 * inset)
        x_low, x_high = 0.5 * wide_belt - 0.6 * inset, 0.5 * wide_roof - 0.6 * inset
        start, end = (x_low, belt_low, z_low), (x_high, body.roof_height - 0.03, z_high)
        design += [("pillar", "paint", part) for part in pair(rod(start, end, 0.035, sides=8))]
    return design


def roof_rack(body: Body) -> Design:
    """Two rails and cross bars."""
    x, y = 0.5 * body.width - body.tumblehome - 0.18, body.roof_height + 0.08
    z = (body.roof[0] + 0.25, body.roof[1] - 0.2)
    rail = tube(
        [(x, y - 0.06, z[0]), (x, y, z[0] + 0.1), (x, y, z[1] - 0.1), (x, y - 0.06, z[1])], 0.022, 6
    )
    design: Design = [("rail", "metal", part) for part in pair(rail)]
    for t in (0.25, 0.75):
        at = z[0] + t * (z[1] - z[0])
        design.append(("bar", "metal", rod((-x, y, at), (x, y, at), 0.018, sides=6)))
    return design


def rear_wing(z: float, y: float, width: float) -> Design:
    """Spoiler on two struts."""
    blade = extrude([(0, 0), (0.1, 0.035), (0.3, 0.05), (0.3, 0.03)], width, 0.005).moved(y=y, z=z)
    strut = box(0.04, 0.24, 0.12, 0.32 * width, y - 0.1, z + 0.15)
    return [("spoiler", "paint", blade), *(("strut", "dark", part) for part in pair(strut))]


SEDAN = Body(
    ((-2.3, 0.42), (-2.22, 0.72), (-1.2, 0.88), (-0.8, 0.95), (1.3, 1.0), (2.2, 0.98), (2.32, 0.6)),
    (-0.95, 1.65),
    (-0.25, 0.95),
    1.45,
    axles=(-1.4, 1.35),
)
LIMOUSINE = Body(
    ((-2.95, 0.45), (-2.9, 0.8), (-1.7, 0.93), (2.0, 1.0), (2.9, 0.98), (3.0, 0.6)),
    (-1.6, 2.2),
    (-1.0, 1.6),
    1.5,
    axles=(-2.0, 2.0),
    pillars=4,
    spokes=8,
)
HATCH = Body(
    ((-1.85, 0.42), (-1.78, 0.74), (-0.95, 0.93), (1.5, 1.0), (1.78, 0.98), (1.85, 0.6)),
    (-0.95, 1.78),
    (-0.25, 1.4),
    1.48,
    width=1.7,
    axles=(-1.15, 1.2),
    tumblehome=0.18,
)
MICRO = Body(
    ((-1.3, 0.45), (-1.25, 0.8), (-0.8, 1.0), (1.1, 1.05), (1.25, 1.0), (1.3, 0.6)),
    (-0.95, 1.2),
    (-0.35, 0.95),
    1.55,
    width=1.56,
    axles=(-0.85, 0.9),
    wheel_radius=0.28,
    pillars=1,
)
ESTATE = Body(
    ((-2.3, 0.42), (-2.22, 0.72), (-1.2, 0.88), (2.1, 1.0), (2.27, 0.96), (2.32, 0.6)),
    (-0.95, 2.22),
    (-0.25, 1.95),
    1.47,
    axles=(-1.4, 1.35),
    pillars=2,
)
SUV = Body(
    ((-2.25, 0.55), (-2.2, 0.98), (-1.1, 1.12), (2.0, 1.18), (2.2, 1.15), (2.25, 0.7)),
    (-1.05, 2.15),
    (-0.45, 1.9),
    1.82,
    width=1.92,
    axles=(-1.35, 1.35),
    wheel_radius=0.39,
    clearance=0.32,
    pillars=2,
    spokes=6,
)
JEEP = Body(
    ((-1.95, 0.75), (-1.93, 1.02), (-0.75, 1.06), (1.7, 1.08), (1.74, 1.05), (1.75, 0.7)),
    (-0.7, 1.68),
    (-0.52, 1.6),
    1.85,
    width=1.66,
    axles=(-1.3, 1.1),
    wheel_radius=0.4,
    clearance=0.4,
    tumblehome=0.06,
    pillars=2,
    nose_taper=0.02,
    spokes=8,
)
SPORTS = Body(
    ((-2.2, 0.3), (-2.12, 0.52), (-1.3, 0.74), (-0.5, 0.8), (1.2, 0.88), (2.0, 0.86), (2.12, 0.5)),
    (-0.75, 1.6),
    (0.05, 0.55),
    1.15,
    width=1.9,
    axles=(-1.32, 1.3),
    wheel_radius=0.34,
    clearance=0.13,
    tumblehome=0.26,
    pillars=0,
    nose_taper=0.22,
    spokes=10,
)
WEDGE = Body(
    ((-2.1, 0.25), (-2.06, 0.38), (-0.6, 0.78), (1.0, 0.9), (2.0, 0.92), (2.05, 0.5)),
    (-0.9, 1.3),
    (0.25, 0.75),
    1.08,
    width=1.95,
    axles=(-1.25, 1.3),
    wheel_radius=0.34,
    clearance=0.12,
    tumblehome=0.3,
    pillars=0,
    nose_taper=0.12,
    spokes=7,
)
COUPE = Body(
    ((-2.4, 0.4), (-2.32, 0.76), (-0.9, 0.9), (1.2, 0.98), (2.2, 0.92), (2.35, 0.55)),
    (-0.6, 1.9),
    (0.15, 0.95),
    1.33,
    width=1.88,
    axles=(-1.45, 1.35),
    wheel_radius=0.35,
    pillars=0,
)
BEETLE = Body(
    ((-1.95, 0.4), (-1.85, 0.62), (-1.3, 0.86), (-0.7, 0.95), (0.9, 1.0), (1.6, 0.84), (1.98, 0.4)),
    (-0.75, 1.5),
    (-0.25, 0.75),
    1.48,
    width=1.5,
    axles=(-1.2, 1.2),
    tumblehome=0.22,
    nose_taper=0.4,
)
VAN = Body(
    ((-2.4, 0.5), (-2.33, 1.0), (-1.75, 1.22), (2.3, 1.25), (2.38, 1.2), (2.4, 0.7)),
    (-1.95, 2.36),
    (-1.2, 2.25),
    1.95,
    width=1.95,
    axles=(-1.55, 1.45),
    tumblehome=0.12,
    pillars=3,
)
PANEL_VAN = Body(
    ((-2.7, 0.5), (-2.65, 1.05), (-2.0, 1.25), (-0.9, 1.28), (-0.85, 1.28), (-0.8, 0.7)),
    (-2.1, -0.85),
    (-1.5, -0.8),
    2.0,
    width=1.96,
    axles=(-1.9, 1.7),
    tumblehome=0.1,
)
CAMPER = Body(
    ((-2.15, 0.5), (-2.13, 0.95), (-2.05, 1.15), (2.0, 1.15), (2.1, 1.1), (2.12, 0.6)),
    (-2.1, 2.08),
    (-1.85, 1.95),
    1.95,
    width=1.8,
    axles=(-1.25, 1.2),
    tumblehome=0.12,
    pillars=4,
    nose_taper=0.1,
    clearance=0.24,
)
BUS = Body(
    ((-4.4, 0.6), (-4.38, 1.35), (-4.3, 1.5), (4.3, 1.5), (4.38, 1.4), (4.4, 0.7)),
    (-4.38, 4.36),
    (-4.25, 4.3),
    2.75,
    width=2.4,
    axles=(-2.7, 2.5),
    wheel_radius=0.46,
    clearance=0.3,
    tumblehome=0.06,
    pillars=7,
    nose_taper=0.04,
    spokes=8,
)
PICKUP = Body(
    ((-2.6, 0.6), (-2.55, 1.0), (-1.5, 1.12), (0.45, 1.16), (0.5, 1.16), (0.55, 0.6)),
    (-1.4, 0.48),
    (-0.75, 0.3),
    1.78,
    width=1.9,
    axles=(-1.7, 1.75),
    wheel_radius=0.38,
    clearance=0.34,
    pillars=1,
    spokes=6,
)
OLD_TIMER = Body(
    ((-1.6, 0.7), (-1.55, 1.02), (-0.5, 1.08), (1.2, 1.12), (1.45, 1.05), (1.55, 0.6)),
    (-0.45, 1.4),
    (-0.38, 1.3),
    1.8,
    width=1.26,
    axles=(-1.35, 1.25),
    wheel_radius=0.38,
    clearance=0.42,
    tumblehome=0.05,
    nose_taper=0.1,
    spokes=12,
)


def sedan(taxi: bool = False) -> Design:
    design = create_car(SEDAN)
    if taxi:
        design.append(("sign", "light", rounded_box(0.55, 0.16, 0.2, 0.05, 0, 1.57, 0.3)))
    return design


def estate() -> Design:
    return create_car(ESTATE) + roof_rack(ESTATE)


def suv() -> Design:
    spare = lathe([(0, 0), (0.36, 0), (0.38, 0.06), (0.36, 0.16), (0, 0.16)], 24)
    spare = spare.turned("x", 90).moved(y=1.05, z=2.22)
    return [*create_car(SUV), *roof_rack(SUV), ("spare", "rubber", spare)]


def jeep() -> Design:
    design = create_car(JEEP)
    for side in (-1, 1):
        for z in JEEP.axles:
            flare = rounded_box(0.28, 0.07, 0.95, 0.03, side * 0.88, 0.9, z)
            design.append(("flare", "dark", flare))
    spare = (
        lathe([(0, 0), (0.4, 0), (0.4, 0.2), (0, 0.2)], 24).turned("x", 90).moved(y=1.05, z=1.76)
    )
    design.append(("spare", "rubber", spare))
    slots = [box(0.05, 0.22, 0.04, x, 0.85, -1.96) for x in np.linspace(-0.3, 0.3, 7)]
    return design + [("slot", "dark", slot) for slot in slots]


def sports(wing: bool = False, scoop: bool = False) -> Design:
    design = create_car(WEDGE if wing else SPORTS)
    if wing:
        design += rear_wing(1.75, 1.18, 1.7)
        intake = extrude([(0.2, 0.45), (0.95, 0.4), (0.95, 0.75), (0.5, 0.72)], 0.06, 0.02)
        design += [("intake", "dark", part) for part in pair(intake.moved(0.97))]
    if scoop:
        scoop_shape = [(-1.4, 0.7), (-1.35, 0.82), (-0.8, 0.88), (-0.7, 0.75)]
        design.append(("scoop", "paint", extrude(scoop_shape, 0.5, 0.03)))
    return design


def roadster() -> Design:
    """Open two-seater: a wind screen, two seats and their head fairings."""
    body = Body(
        ((-2.0, 0.4), (-1.92, 0.68), (-0.5, 0.86), (0.9, 0.9), (1.8, 0.84), (1.95, 0.5)),
        (-0.35, 0.9),
        (0.1, 0.5),
        1.2,
        width=1.72,
        axles=(-1.2, 1.2),
        spokes=12,
    )
    design = create_car(body, glasshouse=False)
    screen = skin(
        np.array(
            [
                [
                    (-0.74, 0.84, -0.34),
                    (0.74, 0.84, -0.34),
                    (0.74, 0.84, -0.3),
                    (-0.74, 0.84, -0.3),
                ],
                [(-0.6, 1.22, -0.02), (0.6, 1.22, -0.02), (0.6, 1.22, 0.02), (-0.6, 1.22, 0.02)],
            ]
        )
    )
    frame = tube(
        [(-0.76, 0.84, -0.32), (-0.62, 1.23, 0), (0.62, 1.23, 0), (0.76, 0.84, -0.32)], 0.03
    )
    design += [("screen", "glass", screen), ("frame", "metal", frame)]
    design.append(("cockpit", "dark", rounded_box(1.3, 0.1, 0.95, 0.05, 0, 0.88, 0.4)))
    for side in (-1, 1):
        seat = rounded_box(0.5, 0.5, 0.16, 0.07).turned("x", 12).moved(0.35 * side, 1.0, 0.6)
        fairing = ellipsoid(0.24, 0.2, 0.55, 0.35 * side, 0.88, 1.05)
        roll_bar = tube(
            [
                (0.35 * side + 0.2 * x, y, 0.82)
                for x, y in ((-1, 0.9), (-0.9, 1.2), (0.9, 1.2), (1, 0.9))
            ],
            0.03,
            8,
        )
        design += [
            ("seat", "leather", seat),
            ("fairing", "paint", fairing),
            ("bar", "metal", roll_bar),
        ]
    wheel = tube(
        [(-0.35 + 0.17 * np.cos(a), 1.0 + 0.15 * np.sin(a), 0.15) for a in np.arange(0, 6.2, 0.5)],
        0.02,
        6,
        closed=True,
    )
    return [*design, ("steering", "dark", wheel)]


def racer() -> Design:
    """Single-seater with open wheels and two wings."""
    tub = [(-2.5, 0.2, 0.3, 0.1), (-1.6, 0.16, 0.48, 0.2), (-0.6, 0.12, 0.68, 0.33)]
    tub += [(0.4, 0.12, 0.72, 0.4), (1.3, 0.14, 0.6, 0.3), (2.1, 0.22, 0.45, 0.14)]
    design: Design = [("tub", "paint", hull(tub, 3.5, 24, 28))]
    pod = hull(
        [(-0.4, 0.12, 0.55, 0.2), (0.2, 0.1, 0.55, 0.26), (1.6, 0.14, 0.3, 0.1)], 4.0, 20, 14
    )
    design += [("pod", "paint", part) for part in pair(pod.moved(0.52))]
    airbox = hull(
        [(0.35, 0.6, 1.0, 0.14), (0.8, 0.6, 0.96, 0.15), (1.9, 0.4, 0.6, 0.05)], 2.5, 16, 12
    )
    design.append(("airbox", "paint", airbox))
    design.append(("cockpit", "dark", ellipsoid(0.24, 0.1, 0.45, 0, 0.68, -0.12)))
    design.append(("helmet", "light", ellipsoid(0.14, 0.15, 0.16, 0, 0.84, 0.05)))
    for z, radius, width, x in ((-1.75, 0.33, 0.34, 0.78), (1.65, 0.34, 0.44, 0.74)):
        for side in (-1, 1):
            design += create_wheel(radius, width, side * x, z, side, 6)
            for dy in (-0.08, 0.1):
                for dz in (-0.28, 0.28):
                    arm = rod(
                        (0.12 * side, 0.32, z + dz), (side * x, radius + dy, z), 0.022, sides=6
                    )
                    design.append(("arm", "dark", arm))
    foil = extrude([(0, 0), (0.12, 0.03), (0.5, 0.1), (0.5, 0.07), (0.15, -0.01)], 1.8, 0.004)
    design.append(("front_wing", "paint", foil.moved(y=0.14, z=-2.72)))
    design.append(("rear_wing", "paint", foil.scaled(0.62).moved(y=0.86, z=1.85)))
    design.append(("rear_wing", "paint", foil.scaled(0.62, 1, 0.6).moved(y=0.68, z=2.0)))
    for x, y, z, tall, deep in ((0.9, 0.22, -2.45, 0.22, 0.6), (0.56, 0.75, 2.1, 0.5, 0.62)):
        plate = rounded_box(0.03, tall, deep, 0.012, x, y, z)
        design += [("end_plate", "paint", part) for part in pair(plate)]
    design.append(("pylon", "dark", box(0.06, 0.5, 0.25, 0, 0.6, 2.1)))
    return design


def panel_van(ladder: bool) -> Design:
    """Cab and a windowless box."""
    design = create_car(PANEL_VAN)
    body = Body(
        ((-1.0, 0.9), (-0.98, 1.9), (-0.9, 2.2), (2.4, 2.22), (2.52, 2.1), (2.55, 0.9)),
        (0, 1),
        (0, 1),
        2.0,
        width=1.98,
        axles=(-1.9, 1.7),
        tumblehome=0.0,
        nose_taper=0.03,
    )
    design.append(("box", "paint", _body_shell(body)))
    door = box(0.02, 1.1, 1.1, 0.99, 1.25, -0.1)
    rail = box(0.03, 0.04, 2.6, 0.99, 1.2, 0.9)
    design += [("door", "trim", part) for part in pair(door)]
    design += [("rail", "dark", part) for part in pair(rail)]
    if ladder:
        for x in (-0.3, 0.3):
            design.append(("stile", "metal", rod((x, 2.36, -0.7), (x, 2.36, 2.3), 0.03, sides=6)))
        for z in np.linspace(-0.6, 2.2, 9):
            design.append(("rung", "metal", rod((-0.3, 2.36, z), (0.3, 2.36, z), 0.022, sides=6)))
        for z in (-0.4, 1.9):
            design.append(("foot", "metal", box(0.9, 0.16, 0.05, 0, 2.28, z)))
    return design


def camper() -> Design:
    """Rounded minibus with a luggage rack and a V-shaped front."""
    design = create_car(CAMPER) + roof_rack(CAMPER)
    badge = lathe([(0, 0), (0.17, 0), (0.17, 0.03), (0, 0.03)], 20).turned("x", -90)
    design.append(("badge", "metal", badge.moved(y=0.88, z=-2.12)))
    design.append(("trim", "trim", rounded_box(1.84, 0.05, 3.9, 0.02, 0, 1.02, 0)))
    return design


def bus(decks: int = 1) -> Design:
    design = create_car(BUS)
    top = BUS.roof_height
    if decks == 2:
        ring = [(-4.25, top - 0.1, top + 0.6, 1.13), (4.25, top - 0.1, top + 0.6, 1.13)]
        design.append(("deck", "paint", hull(ring, 8.0, 28, 2)))
        upper = rounded_box(2.3, 0.75, 8.4, 0.1, 0, top + 0.9, 0.0)
        design += [("glass", "glass", upper)]
        design.append(("roof", "paint", rounded_box(2.36, 0.28, 8.56, 0.12, 0, top + 1.35)))
        for z in np.linspace(-4.1, 4.1, 8):
            design += [
                ("pillar", "paint", p) for p in pair(box(0.06, 0.9, 0.14, 1.15, top + 0.9, z))
            ]
    else:
        design.append(("cooler", "trim", rounded_box(1.5, 0.25, 2.0, 0.1, 0, top + 0.1, -1.8)))
        design.append(("cooler", "trim", rounded_box(1.5, 0.25, 1.4, 0.1, 0, top + 0.1, 2.2)))
    return design


def pickup(load: str) -> Design:
    """Cab and an open bed; load: "", "crates" or "roll_bar"."""
    design = create_car(PICKUP)
    arch = 0.44
    around = [
        (PICKUP.axles[1] + z, 0.38 + y)
        for z, y in arch
        * np.column_stack(
            [
                -np.cos(np.linspace(0.15, np.pi - 0.15, 12)),
                np.sin(np.linspace(0.15, np.pi - 0.15, 12)),
            ]
        )
    ]
    side = [(0.52, 0.42), *around, (2.7, 0.46), (2.7, 1.12), (0.52, 1.12)]
    wall = extrude(side, 0.09, 0.015)
    design += [("bed_side", "paint", part) for part in pair(wall.moved(0.9))]
    design += [
        ("bed", "dark", box(1.75, 0.06, 2.1, 0, 0.86, 1.6)),
        ("bulkhead", "paint", box(1.8, 0.5, 0.07, 0, 0.86, 0.58)),
        ("tailgate", "paint", rounded_box(1.74, 0.6, 0.08, 0.02, 0, 0.82, 2.66)),
        ("bumper", "metal", rounded_box(1.8, 0.14, 0.16, 0.05, 0, 0.46, 2.75)),
    ]
    if load == "crates":
        for x, z, size in ((-0.4, 1.1, 0.6), (0.35, 1.2, 0.7), (0.0, 2.05, 0.65)):
            design.append(
                ("crate", "wood", rounded_box(size, size, size, 0.03, x, 0.9 + 0.5 * size, z))
            )
    elif load == "roll_bar":
        hoop = [(-0.84, 1.1, 0.75), (-0.7, 1.72, 0.7), (0.7, 1.72, 0.7), (0.84, 1.1, 0.75)]
        design.append(("hoop", "metal", tube(hoop, 0.05, 8)))
        for x in np.linspace(-0.5, 0.5, 4):
            lamp = lathe([(0, 0), (0.09, 0), (0.11, 0.1), (0, 0.13)], 14).turned("x", -90)
            design.append(("spotlight", "light", lamp.moved(x, 1.84, 0.72)))
        for z, y in ((1.4, 1.15),):
            brace = rod((0.76, 1.6, 0.71), (0.82, y, z), 0.04, sides=8)
            design += [("brace", "metal", part) for part in pair(brace)]
    return design


def truck() -> Design:
    """Cab-over lorry with a box."""
    cab = rounded_box(2.1, 1.75, 1.5, 0.16, 0, 1.45, -2.3)
    design: Design = [
        ("cab", "paint", cab),
        ("screen", "glass", rounded_box(1.85, 0.7, 0.1, 0.04, 0, 1.85, -3.03)),
        ("grille", "dark", rounded_box(1.5, 0.4, 0.08, 0.03, 0, 1.1, -3.04)),
        ("bumper", "dark", rounded_box(2.16, 0.3, 0.3, 0.08, 0, 0.55, -2.98)),
        ("deflector", "paint", extrude([(-2.7, 2.3), (-1.6, 2.3), (-1.6, 2.85)], 1.9, 0.04)),
        ("chassis", "dark", box(0.9, 0.2, 5.6, 0, 0.62, 0.2)),
        ("box", "trim", rounded_box(2.2, 2.1, 4.4, 0.05, 0, 1.82, 0.75)),
    ]
    for side in (-1, 1):
        window = rounded_box(0.06, 0.55, 0.75, 0.02, side * 1.04, 1.85, -2.4)
        lamp = rounded_box(0.36, 0.16, 0.1, 0.04, side * 0.78, 0.78, -3.08)
        mirror = rounded_box(0.1, 0.42, 0.16, 0.04, side * 1.22, 1.75, -2.95)
        design += [("window", "glass", window), ("lamp", "light", lamp), ("mirror", "dark", mirror)]
        for z in np.linspace(-1.0, 2.6, 7):
            design.append(("rib", "trim", box(0.05, 1.9, 0.06, side * 1.1, 1.85, z)))
        for z in (-2.25, 1.6, 2.5):
            design += create_wheel(0.46, 0.32, side * 0.9, z, side, 6)
    return design


def old_timer() -> Design:
    """Upright 1920s car: separate wings, running boards, round lamps."""
    design = create_car(OLD_TIMER)
    for side in (-1, 1):
        x = 0.74 * side
        for z in OLD_TIMER.axles:
            arch = [
                (x, 0.4 + 0.5 * np.sin(a), z - 0.5 * np.cos(a)) for a in np.linspace(0.2, 3.0, 14)
            ]
            grid = np.array(
                [[(px + w, y, pz) for w in (-0.15, -0.08, 0.08, 0.15)] for px, y, pz in arch]
            )
            grid[:, [0, -1], 1] -= 0.03
            design.append(("wing", "paint", sheet(grid, 0.03)))
        design.append(("board", "dark", rounded_box(0.28, 0.05, 1.7, 0.02, x, 0.42, -0.05)))
        lamp = lathe([(0, 0.2), (0.1, 0.16), (0.15, 0.02), (0.15, 0), (0, -0.02)], 18)
        design.append(("lamp", "metal", lamp.turned("x", 90).moved(0.46 * side, 0.98, -1.78)))
    design.append(("radiator", "metal", rounded_box(0.72, 0.75, 0.1, 0.05, 0, 0.82, -1.62)))
    spare = lathe([(0, 0), (0.38, 0), (0.38, 0.15), (0, 0.15)], 24).turned("x", 90)
    return [*design, ("spare", "rubber", spare.moved(y=0.85, z=1.56))]


DESIGNS = (
    sedan,
    partial(create_car, HATCH),
    suv,
    partial(sports, scoop=True),
    partial(pickup, "crates"),
    partial(create_car, VAN),
    bus,
    estate,
    roadster,
    jeep,
    partial(create_car, MICRO),
    racer,
    partial(panel_van, ladder=False),
    partial(create_car, BEETLE),
    partial(sports, wing=True),
    camper,
    partial(create_car, COUPE),
    truck,
    old_timer,
    partial(create_car, LIMOUSINE),
    partial(pickup, "roll_bar"),
    partial(sedan, taxi=True),
    partial(bus, decks=2),
    partial(panel_van, ladder=True),
)
