"""Parametric parts: each function returns one closed Mesh with outward winding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .curves import circle, rounded_rect, spline, superellipse
from .mesh import Mesh, Point, Points, outward, ring_quads, skin

BOX_FACES = np.array(
    [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
)


def box(
    size_x: float, size_y: float, size_z: float, x: float = 0.0, y: float = 0.0, z: float = 0.0
) -> Mesh:
    """Sharp-edged box about the centre (x, y, z)."""
    corner = np.stack(np.meshgrid([-0.5, 0.5], [-0.5, 0.5], [-0.5, 0.5], indexing="ij"), axis=-1)
    return outward(corner.reshape(8, 3) * (size_x, size_y, size_z) + (x, y, z), BOX_FACES)


def rounded_box(
    size_x: float,
    size_y: float,
    size_z: float,
    radius: float,
    x: float = 0.0,
    y: float = 0.0,
    z: float = 0.0,
) -> Mesh:
    """Box with rounded edges about the centre (x, y, z)."""
    radius = min(radius, 0.49 * min(size_x, size_y, size_z))
    rings = []
    for elevation in np.radians([-86, -60, -30, 0, 0, 30, 60, 86]):
        inset = radius * (1.0 - np.cos(elevation))
        side = 1.0 if len(rings) >= 4 else -1.0
        height = side * (0.5 * size_y - radius) + radius * np.sin(elevation)
        outline = rounded_rect(size_x - 2 * inset, size_z - 2 * inset, radius - inset)
        rings.append(np.insert(outline, 1, height, axis=1))
    return skin(np.array(rings)).moved(x, y, z)


def cushion(
    size_x: float,
    size_y: float,
    size_z: float,
    power: float = 4.0,
    x: float = 0.0,
    y: float = 0.0,
    z: float = 0.0,
) -> Mesh:
    """Cushion (a superellipsoid) about the centre; a higher power makes it more like a box."""
    rings = []
    for elevation in np.radians(np.linspace(-90.0, 90.0, 13)):
        cos, sin = max(np.cos(elevation), 0.0), np.sin(elevation)
        height = 0.5 * size_y * np.sign(sin) * abs(sin) ** (2.0 / 2.6)
        girth = cos ** (2.0 / power) if cos > 1e-9 else 0.0
        outline = superellipse(0.5 * size_x, 0.5 * size_z, power + 1.0, 24) * girth
        rings.append(np.insert(outline, 1, height, axis=1))
    return skin(np.array(rings)).moved(x, y, z)


def ellipsoid(
    radius_x: float,
    radius_y: float,
    radius_z: float,
    x: float = 0.0,
    y: float = 0.0,
    z: float = 0.0,
    sides: int = 20,
) -> Mesh:
    """Ellipsoid about the centre (x, y, z)."""
    elevation = np.radians(np.linspace(-90.0, 90.0, sides // 2 + 1))
    profile = np.stack([np.cos(elevation), np.sin(elevation)], axis=1)
    return lathe(profile, sides).scaled(radius_x, radius_y, radius_z).moved(x, y, z)


def lathe(profile: Sequence[Point] | np.ndarray, sides: int = 24, hollow: bool = False) -> Mesh:
    """Rotate a profile about the y axis.

    profile: (K, 2) of (radius, y). A solid profile is a line whose two ends get closed; a hollow
    one is a closed loop that does not touch the axis (a lamp shade, a tyre).
    """
    profile = np.asarray(profile, dtype=np.float64)
    profile = np.where(np.abs(profile) < 1e-9, 0.0, profile)
    turn = circle(1.0, sides)
    radius = profile[:, 0][:, None]
    height = np.broadcast_to(profile[:, 1][:, None], (len(profile), sides))
    rings = np.stack([radius * turn[:, 0], height, radius * turn[:, 1]], axis=-1)
    return skin(rings, closed=hollow)


def torus(radius: float, tube_radius: float, sides: int = 32, tube_sides: int = 10) -> Mesh:
    """Ring about the y axis through the origin."""
    return lathe(np.add(circle(tube_radius, tube_sides), (radius, 0.0)), sides, hollow=True)


def ring_shell(profile: Sequence[Point] | np.ndarray, thickness: float, sides: int = 28) -> Mesh:
    """Thin shell about the y axis, open at both ends; profile: (K, 2) of (radius, y)."""
    outer = np.asarray(profile, dtype=np.float64)
    inner = outer[::-1] - (thickness, 0.0)
    return lathe(np.concatenate([outer, inner]), sides, hollow=True)


def tube(
    path: Sequence[Point] | np.ndarray,
    radius: float | np.ndarray,
    sides: int = 10,
    closed: bool = False,
) -> Mesh:
    """Sweep a circle along a path.

    path: (K, 3). radius: one number or (K,). The circle does not twist along the path.
    """
    path = np.asarray(path, dtype=np.float64)
    if closed:
        tangent = np.roll(path, -1, axis=0) - np.roll(path, 1, axis=0)
    else:
        tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    axis = np.eye(3)[np.argmin(np.abs(tangent[0]))]
    frames = []
    for direction in tangent:
        axis = axis - direction * (axis @ direction)
        axis = axis / np.linalg.norm(axis)
        frames.append((axis, np.cross(direction, axis)))
    frame = np.array(frames)
    turn = circle(1.0, sides)
    radius = np.broadcast_to(np.asarray(radius, dtype=np.float64), len(path))[:, None, None]
    ring = turn[None, :, :1] * frame[:, None, 0] + turn[None, :, 1:] * frame[:, None, 1]
    return skin(path[:, None] + radius * ring, closed)


def rod(
    start: Point, end: Point, radius: float, end_radius: float | None = None, sides: int = 12
) -> Mesh:
    """Straight round bar, or a cone, between two points."""
    return tube(
        [start, end], np.array([radius, radius if end_radius is None else end_radius]), sides
    )


def beam(start: Point, end: Point, width: float, depth: float, roll_deg: float = 0.0) -> Mesh:
    """Square-edged bar between two points; its width is as close to x as possible."""
    first, last = np.asarray(start, dtype=np.float64), np.asarray(end, dtype=np.float64)
    direction = (last - first) / np.linalg.norm(last - first)
    side = np.array([1.0, 0.0, 0.0]) if abs(direction[0]) < 0.9 else np.array([0.0, 0.0, 1.0])
    side = side - direction * (side @ direction)
    side /= np.linalg.norm(side)
    other = np.cross(direction, side)
    cos, sin = np.cos(np.radians(roll_deg)), np.sin(np.radians(roll_deg))
    side, other = cos * side + sin * other, cos * other - sin * side
    corner = [
        end_point + u * side * width + v * other * depth
        for u in (-0.5, 0.5)
        for v in (-0.5, 0.5)
        for end_point in (first, last)
    ]
    return outward(np.array(corner), BOX_FACES)


def sheet(grid: np.ndarray, thickness: float) -> Mesh:
    """Curved plate; grid: (M, N, 3) points of its middle surface."""
    grid = np.asarray(grid, dtype=np.float64)
    normal = np.cross(np.gradient(grid, axis=0), np.gradient(grid, axis=1))
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    loop = np.concatenate(
        [grid + 0.5 * thickness * normal, (grid - 0.5 * thickness * normal)[:, ::-1]], 1
    )
    num_rows, num_points = loop.shape[:2]
    index = np.arange(num_rows * num_points).reshape(num_rows, num_points)
    after = np.roll(index, -1, axis=1)
    around = np.stack([index[:-1], after[:-1], after[1:], index[1:]], axis=-1).reshape(-1, 4)
    half = num_points // 2
    left, right = index[:, :half], index[:, half:][:, ::-1]
    first = np.stack([left[0, 1:], left[0, :-1], right[0, :-1], right[0, 1:]], axis=1)
    last = np.stack([left[-1, :-1], left[-1, 1:], right[-1, 1:], right[-1, :-1]], axis=1)
    return outward(loop.reshape(-1, 3), np.concatenate([around, first, last]))


def bent_board(
    width: float,
    height: float,
    thickness: float,
    bend: float,
    x: float = 0.0,
    y: float = 0.0,
    z: float = 0.0,
    taper: float = 1.0,
) -> Mesh:
    """Upright board in the x-y plane whose middle is `bend` further back (+z) than its sides.

    taper: width at the top over width at the bottom.
    """
    u = np.linspace(-0.5, 0.5, 9)
    v = np.linspace(-0.5, 0.5, 2)
    across = u[None] * (1.0 + (taper - 1.0) * (v[:, None] + 0.5)) * width
    depth = np.broadcast_to(bend * (1.0 - 4.0 * u[None] ** 2), across.shape)
    up = np.broadcast_to(v[:, None] * height, across.shape)
    return sheet(np.stack([across, up, depth], axis=-1), thickness).moved(x, y, z)


def extrude(profile: Sequence[Point] | np.ndarray, width: float, bevel: float = 0.0) -> Mesh:
    """Plate of any simple outline, centred on x = 0; profile: (N, 2) of (z, y), any winding."""
    outline = np.asarray(profile, dtype=np.float64)
    if polygon_area(outline) < 0.0:
        outline = outline[::-1]
    layers = [(-0.5 * width, outline), (0.5 * width, outline)]
    if bevel > 0.0:
        inset = inset_polygon(outline, bevel)
        layers = [
            (-0.5 * width, inset),
            (-0.5 * width + bevel, outline),
            (0.5 * width - bevel, outline),
            (0.5 * width, inset),
        ]
    rings = np.array([np.column_stack([np.full(len(o), x), o[:, 1], o[:, 0]]) for x, o in layers])
    quads = ring_quads(len(layers), len(outline))
    triangles = cut_ears(layers[0][1])
    ends = np.full((2 * len(triangles), 4), -1)
    ends[: len(triangles), :3] = triangles[:, ::-1]
    ends[len(triangles) :, :3] = triangles + (len(layers) - 1) * len(outline)
    return outward(rings.reshape(-1, 3), np.concatenate([quads, ends]))


def polygon_area(outline: np.ndarray) -> float:
    """Signed area of a (N, 2) polygon, positive if counter-clockwise."""
    u, v = outline.T
    return float(0.5 * np.sum(u * np.roll(v, -1) - v * np.roll(u, -1)))


def inset_polygon(outline: np.ndarray, distance: float) -> np.ndarray:
    """Move each edge of a counter-clockwise (N, 2) polygon inwards; mitred corners."""
    edge = np.roll(outline, -1, axis=0) - outline
    normal = np.stack([-edge[:, 1], edge[:, 0]], axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    last = np.roll(normal, 1, axis=0)
    mitre = (normal + last) / np.maximum(1.0 + np.sum(normal * last, axis=1, keepdims=True), 0.3)
    return outline + distance * mitre


def cut_ears(outline: np.ndarray) -> np.ndarray:
    """Triangulate a simple counter-clockwise polygon: (N, 2) -> (N - 2, 3) indices."""
    remaining = list(range(len(outline)))
    triangles = []
    while len(remaining) > 3:
        best = max(range(len(remaining)), key=lambda i: ear_quality(outline, remaining, i))
        triangles.append(
            [remaining[best - 1], remaining[best], remaining[(best + 1) % len(remaining)]]
        )
        del remaining[best]
    triangles.append(remaining)
    return np.array(triangles)


def ear_quality(outline: np.ndarray, remaining: list[int], i: int) -> float:
    """Smallest sine of the triangle at corner i; -1 if it cannot be cut off (is no ear)."""
    idx = [remaining[i - 1], remaining[i], remaining[(i + 1) % len(remaining)]]
    a, b, c = outline[idx]
    sides = np.array([b - a, c - b, a - c])
    length = np.linalg.norm(sides, axis=1)
    double_area = sides[0, 0] * sides[1, 1] - sides[0, 1] * sides[1, 0]
    if double_area <= 1e-9:
        return -1.0
    others = outline[[j for j in remaining if j not in idx]]
    start = np.array([a, b, c])
    offset = others[:, None] - start[None]
    turn = sides[None, :, 0] * offset[..., 1] - sides[None, :, 1] * offset[..., 0]
    if np.any(np.all(turn >= -1e-9, axis=1)):
        return -1.0
    # Rounded, so that equal ears of a symmetric outline compare equal in every numpy version.
    return round(float(double_area / np.max(length * np.roll(length, 1))), 6)


def hull(stations: Points, power: float = 2.0, sides: int = 24, steps: int = 0) -> Mesh:
    """Body lofted along z, such as a fuselage, a tank or a car body.

    stations: (K, 5) of (z, bottom y, top y, half width, power of the superellipse), or (K, 4) to
    use `power` everywhere. steps > 0 interpolates that many stations; 0 uses them unchanged.
    """
    table = np.asarray(stations, dtype=np.float64)
    if table.shape[1] == 4:
        table = np.column_stack([table, np.full(len(table), power)])
    if steps:
        table = spline(table, steps, overshoot=False)
    rings = []
    for z, bottom, top, half_width, shape in table:
        outline = superellipse(half_width, 0.5 * (top - bottom), shape, sides)
        rings.append(
            np.column_stack(
                [outline[:, 0], outline[:, 1] + 0.5 * (top + bottom), np.full(sides, z)]
            )
        )
    return skin(np.array(rings))


def wing(
    root: Point,
    tip: Point,
    chord: float,
    tip_chord: float,
    thickness: float = 0.12,
    steps: int = 6,
) -> Mesh:
    """Aerofoil between two leading-edge points; the chord runs backwards (+z).

    thickness: relative to the chord. The tip is rounded.
    """
    root, tip = np.asarray(root, dtype=np.float64), np.asarray(tip, dtype=np.float64)
    span = np.subtract(tip, root)
    up = np.cross((0.0, 0.0, 1.0), span)
    up /= np.linalg.norm(up)
    s = 0.5 * (1.0 - np.cos(np.linspace(0.0, np.pi, 9)))
    half = 2.0 * (0.2969 * np.sqrt(s) - 0.126 * s - 0.3516 * s**2 + 0.2843 * s**3 - 0.08 * s**4)
    half = np.maximum(half, 0.012)
    s_loop = np.concatenate([s, s[::-1][:-1]])
    v_loop = np.concatenate([half, -half[::-1][:-1]])
    rings = []
    for t in [*np.linspace(0.0, 0.94, steps), 0.98, 1.0]:
        at_tip = max(0.0, (t - 0.94) / 0.06)
        round_off = np.sqrt(max(1.0 - 0.8 * at_tip**2, 0.0))
        length = chord + (tip_chord - chord) * t
        start = root + span * t + (0.0, 0.0, 0.5 * length * (1.0 - round_off))
        ring = start + np.outer(s_loop * length * round_off, (0.0, 0.0, 1.0))
        rings.append(ring + np.outer(v_loop * length * thickness * round_off, up))
    return skin(np.array(rings))


def pair(mesh: Mesh) -> tuple[Mesh, Mesh]:
    """A part and its mirror image in x."""
    return mesh, mesh.mirrored()
