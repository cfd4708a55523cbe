"""Curves and outlines for parts, as arrays of points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .mesh import Points


def spline(points: Points, num: int, overshoot: bool = True) -> np.ndarray:
    """Cubic Hermite curve through the points, evenly spaced in the curve's parameter.

    points: (K, D) -> (num, D). overshoot=True uses Catmull-Rom tangents (smooth paths);
    overshoot=False limits them so that each coordinate is monotone between two points (hulls).
    """
    p = np.asarray(points, dtype=np.float64)
    step = np.diff(p, axis=0)
    before, after = step[:-1], step[1:]
    if overshoot:
        inner = 0.5 * (before + after)
    else:
        product = before * after
        total = np.where(product > 0.0, before + after, 1.0)
        inner = np.where(product > 0.0, 2.0 * product / total, 0.0)
    tangent = np.concatenate([step[:1], inner, step[-1:]])
    t = np.linspace(0.0, len(p) - 1.0, num)
    i = np.minimum(t.astype(int), len(p) - 2)
    s = (t - i)[:, None]
    return (
        (2 * s**3 - 3 * s**2 + 1) * p[i]
        + (s**3 - 2 * s**2 + s) * tangent[i]
        + (3 * s**2 - 2 * s**3) * p[i + 1]
        + (s**3 - s**2) * tangent[i + 1]
    )


def fillet(points: Sequence[Sequence[float]], radius: float, closed: bool = False) -> np.ndarray:
    """Polyline with rounded corners, like bent steel tube: (K, D) -> (M, D).

    radius: how far from a corner the bend begins (at most 45 % of the shorter side).
    """
    p = np.asarray(points, dtype=np.float64)
    out = [] if closed else [p[:1]]
    s = np.linspace(0.0, 1.0, 6)[:, None]
    for i in range(0 if closed else 1, len(p) if closed else len(p) - 1):
        corner, to_last, to_next = p[i], p[i - 1] - p[i], p[(i + 1) % len(p)] - p[i]
        length_last, length_next = np.linalg.norm(to_last), np.linalg.norm(to_next)
        reach = min(radius, 0.45 * length_last, 0.45 * length_next)
        start, end = corner + to_last * reach / length_last, corner + to_next * reach / length_next
        out.append((1 - s) ** 2 * start + 2 * s * (1 - s) * corner + s**2 * end)
    return np.concatenate(out if closed else [*out, p[-1:]])


def arc(radius: float, start_deg: float, end_deg: float, num: int) -> np.ndarray:
    """(num, 2) points of a circular arc about the origin."""
    angle = np.radians(np.linspace(start_deg, end_deg, num))
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def circle(radius: float, num: int) -> np.ndarray:
    """(num, 2) points of a circle, counter-clockwise, the first one not repeated."""
    return arc(radius, 0.0, 360.0, num + 1)[:-1]


def rounded_rect(width: float, depth: float, radius: float, corner_points: int = 4) -> np.ndarray:
    """(4 * corner_points, 2) outline about the origin, counter-clockwise."""
    radius = min(radius, 0.49 * width, 0.49 * depth)
    corners = []
    for quarter, (sign_u, sign_v) in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        center = (sign_u * (0.5 * width - radius), sign_v * (0.5 * depth - radius))
        corners.append(arc(radius, 90 * quarter, 90 * quarter + 90, corner_points) + center)
    return np.concatenate(corners)


def superellipse(half_u: float, half_v: float, power: float, num: int) -> np.ndarray:
    """(num, 2) outline |u / half_u|^power + |v / half_v|^power = 1; power 2 is an ellipse."""
    unit = circle(1.0, num)
    return np.sign(unit) * np.abs(unit) ** (2.0 / power) * (half_u, half_v)
