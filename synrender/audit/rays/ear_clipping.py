"""Cuts one face of five or more corners into triangles by ear clipping, in Blender's order.

An ear is a corner that can be cut off: it points outwards, and no other part of the face reaches
into the triangle of the corner and its two neighbours. Blender takes the first ear that it meets;
where it looks next decides how a face that is not flat lies. Tests compare this with Blender.
"""

from __future__ import annotations

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
        before, after = ring.neighbour(ear, -1), ring.neighbour(ear, 1)
        triangles.append((before, ear, after))
        ring.remove(ear)
        # Every other corner is cut in turn. Where the next one is no candidate, it turns around.
        first = ring.neighbour(before if step < 0 else after, step)
        if ring.turns[first] <= 0:
            first, step = ring.neighbour(first, step), -step
    middle = ring.neighbour(before, 1)
    triangles.append((before, middle, ring.neighbour(middle, 1)))
    return triangles, ring.has_tie


class _Ring:
    """The corners of a face that are not yet cut off."""

    def __init__(self, places: list[Place], tie: float) -> None:
        num = len(places)
        self.num_left, self.has_tie = num, False
        self._places, self._tie = places, tie
        self._neighbours = {-1: [k - 1 for k in range(num)], 1: [k + 1 for k in range(num)]}
        self._neighbours[-1][0], self._neighbours[1][-1] = num - 1, 0
        self.turns = [self._find_turn(k) for k in range(num)]
        """1 where the face turns left at a corner, which then points outwards; -1 right; 0 not."""

    def neighbour(self, corner: int, step: int) -> int:
        """The corner before (-1) or after (1) another."""
        return self._neighbours[step][corner]

    def find_ear(self, first: int, step: int) -> int:
        """The corner to be cut off next; if none is an ear, one that does the least harm."""
        blunt = [k for k, turn in enumerate(self.turns) if turn <= 0]  # may reach into triangles
        if not blunt:
            return first
        around = [first]
        while len(around) < self.num_left:
            around.append(self.neighbour(around[-1], step))
        for turn in (1, 0):
            for corner in around:
                if self.turns[corner] == turn and not self._is_entered(corner, blunt):
                    return corner
        forward = around if step > 0 else [first, *around[:0:-1]]
        return next((corner for corner in forward if self.turns[corner] >= 0), first)

    def remove(self, corner: int) -> None:
        """Cuts a corner off, after which its neighbours may turn another way."""
        before, after = self.neighbour(corner, -1), self.neighbour(corner, 1)
        self._neighbours[1][before], self._neighbours[-1][after] = after, before
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
        return self.neighbour(corner, -1), corner, self.neighbour(corner, 1)

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
