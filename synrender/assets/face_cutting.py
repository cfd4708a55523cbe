"""Cuts the faces of a model into triangles, as Blender's triangles lie.

Where a face is not flat, or has normals of its own at its corners, what one sees depends on how it
is cut. Blender cuts quads along the diagonal from their first corner, unless the face has a dent
there, and larger faces by ear clipping. Its rule is followed here in double precision; tests
compare the two.
"""

from __future__ import annotations

import numpy as np

_ROUNDING = 5e-7
"""Of a face's double area in single precision, in its largest side and its distance from 0."""


def cut_faces(points: np.ndarray, face_normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cuts faces of equally many corners.

    Args:
        points: (f, size, 3) of the corners, about the model's center.
        face_normals: (f, 3) unit length.

    Returns:
        Corners of each triangle in its face, (f, size - 2, 3), and for each face whether rounding
        to single precision may have decided how it is cut, (f,) bool.
    """
    num, size = points.shape[:2]
    has_tie = np.zeros(num, bool)
    if size == 3:
        return np.tile(np.arange(3), (num, 1, 1)), has_tie
    flat, side = _flatten(points, face_normals)
    ties = _ROUNDING * np.abs(points).max(axis=(1, 2)) / side
    if size == 4:
        areas = _find_areas(flat[:, :1], flat[:, 2:3], flat[:, 1::2])  # beside the first diagonal
        cuts = np.tile([(0, 1, 2), (0, 2, 3)], (num, 1, 1))
        cuts[_is_dented(points)] = [(0, 1, 3), (1, 2, 3)]
        return cuts, ((areas != 0) & (np.abs(areas) <= ties[:, None])).any(axis=1)
    circle = np.exp(2j * np.pi * np.arange(size) / size) / 2
    usual, _ = clip_ears(list(zip(circle.real.tolist(), circle.imag.tolist(), strict=True)))
    cuts = np.tile(usual, (num, 1, 1))  # of faces without a dent
    turns = _find_areas(np.roll(flat, 1, axis=1), flat, np.roll(flat, -1, axis=1))
    for face in np.flatnonzero((turns <= np.maximum(ties, NO_AREA)[:, None]).any(axis=1)).tolist():
        places = [tuple(place) for place in flat[face].tolist()]
        cuts[face], has_tie[face] = clip_ears(places, ties[face])
    return cuts, has_tie


def _is_dented(quads: np.ndarray) -> np.ndarray:
    """Quads (f, 4, 3) whose second and fourth corner are on one side of the line between others."""
    second, third, fourth = np.moveaxis(quads[:, 1:] - quads[:, :1], 1, 0)
    return np.sum(np.cross(second, third) * np.cross(fourth, third), axis=1) > 0


def _flatten(points: np.ndarray, face_normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Faces (f, size, 3) seen from their fronts, (f, size, 2) in their largest side, and that."""
    across = np.cross(face_normals, np.eye(3)[np.abs(face_normals).argmin(axis=1)])
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    axes = np.stack([across, np.cross(face_normals, across)], axis=2)
    flat = (points - points[:, :1]) @ axes
    side = np.ptp(flat, axis=1).max(axis=1)
    return flat / side[:, None, None], side


def _find_areas(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Twice the areas of triangles in a plane (..., 2); below 0 if they are wound clockwise."""
    first, second = b - a, c - a
    return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]


# --- ear clipping ---------------------------------------------------------------------------------


NO_AREA = 1e-12
"""Twice the area of a triangle of three corners on a line, in a face with a largest side of 1."""

Corners = tuple[int, int, int]
Place = tuple[float, float]


def clip_ears(places: list[Place], tie: float = 0.0) -> tuple[list[Corners], bool]:
    """Triangles of one face, as numbers of its corners, wound as the face is.

    Args:
        places: of the corners, seen from the face's front, with a largest side of 1; the face may
            be dented, and meet itself.
        tie: areas up to this one may be rounded to either side of 0 in single precision, but for 0
            itself, as of corners at one place.

    Returns:
        The triangles, and whether rounding may have decided how they lie.
    """
    ring = _Ring(places, tie)
    triangles = []
    first, step = 0, 1
    while ring.num_left > 3:
        ear = ring.find_ear(first, step)
        before, after = ring.neighbor(ear, -1), ring.neighbor(ear, 1)
        triangles.append((before, ear, after))
        ring.remove(ear)
        # Every other corner is cut in turn. Where the next one is no candidate, it turns around.
        first = ring.neighbor(before if step < 0 else after, step)
        if ring.turns[first] <= 0:
            first, step = ring.neighbor(first, step), -step
    middle = ring.neighbor(before, 1)
    triangles.append((before, middle, ring.neighbor(middle, 1)))
    return triangles, ring.has_tie


class _Ring:
    """The corners of a face that are not yet cut off."""

    def __init__(self, places: list[Place], tie: float) -> None:
        num = len(places)
        self.num_left, self.has_tie = num, False
        self._places, self._tie = places, tie
        self._neighbors = {-1: [k - 1 for k in range(num)], 1: [k + 1 for k in range(num)]}
        self._neighbors[-1][0], self._neighbors[1][-1] = num - 1, 0
        self.turns = [self._find_turn(k) for k in range(num)]
        """1 where the face turns left at a corner, which then points outwards; -1 right; 0 not."""

    def neighbor(self, corner: int, step: int) -> int:
        """The corner before (-1) or after (1) another."""
        return self._neighbors[step][corner]

    def find_ear(self, first: int, step: int) -> int:
        """The corner to be cut off next; if none is an ear, one that does the least harm."""
        blunt = [k for k, turn in enumerate(self.turns) if turn <= 0]  # may reach into triangles
        if not blunt:
            return first
        around = [first]
        while len(around) < self.num_left:
            around.append(self.neighbor(around[-1], step))
        for turn in (1, 0):
            for corner in around:
                if self.turns[corner] == turn and not self._is_entered(corner, blunt):
                    return corner
        forward = around if step > 0 else [first, *around[:0:-1]]
        return next((corner for corner in forward if self.turns[corner] >= 0), first)

    def remove(self, corner: int) -> None:
        """Cuts a corner off, after which its neighbors may turn another way."""
        before, after = self.neighbor(corner, -1), self.neighbor(corner, 1)
        self._neighbors[1][before], self._neighbors[-1][after] = after, before
        self.num_left -= 1
        self.turns[corner] = 1
        for other in (before, after):
            if self.turns[other] <= 0:
                self.turns[other] = self._find_turn(other)

    def _find_turn(self, corner: int) -> int:
        a, b, c = (self._places[k] for k in self._find_triangle(corner))
        area = _find_area(a, b, c)
        self.has_tie |= 0 < abs(area) <= self._tie
        return 0 if abs(area) <= NO_AREA else 1 if area > 0 else -1

    def _find_triangle(self, corner: int) -> Corners:
        return self.neighbor(corner, -1), corner, self.neighbor(corner, 1)

    def _is_entered(self, corner: int, blunt: list[int]) -> bool:
        """Whether any of the other corners is in the triangle at one, or on its edge."""
        own = self._find_triangle(corner)
        a, b, c = (self._places[k] for k in own)
        (x_min, x_max), (y_min, y_max) = ((min(v), max(v)) for v in zip(a, b, c, strict=True))
        for x, y in (self._places[k] for k in blunt if k not in own):
            if x_min <= x <= x_max and y_min <= y <= y_max:
                depth = min(_find_area(*edge, (x, y)) for edge in ((c, a), (a, b), (b, c)))
                self.has_tie |= 0 < abs(depth) <= self._tie
                if depth >= -NO_AREA:
                    return True
        return False


def _find_area(a: Place, b: Place, c: Place) -> float:
    """Twice the area of a triangle; below 0 if it is wound clockwise."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
