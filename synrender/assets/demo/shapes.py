"""A cube, a sphere and a cylinder, made by code.

Their files lie below a table that names their classes. Each shape has `NUM_COPIES` equal models, so
that each of as many buckets has one. The sphere and the cylinder have a radius of 1, the cylinder
is 2 high, and the cube is so large that its diagonal seen from above is 2; its edges and those of
the cylinder are round. Y is up, as in ShapeNet.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

NUM_COPIES = 20
ROUND = 0.06
"""Radius of round edges, as a share of half the shape's side."""

Surface = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Vertices (v, 3), unit normals (v, 3) and quads (f, 4), counter-clockwise from outside."""


def write_shapes(folder: Path) -> None:
    """Writes ``models.csv`` and ``<class>/<class>_<k>.obj``."""
    rows = []
    for name, create in SHAPES.items():
        text = to_obj(create())
        (folder / name).mkdir(parents=True)
        for k in range(NUM_COPIES):
            path = f"{name}/{name}_{k:02d}.obj"
            (folder / path).write_text(text, encoding="ascii")
            rows.append((path, name, "CC0-1.0", "synrender", "shapes made by code"))
    with (folder / "models.csv").open("w", encoding="ascii", newline="") as file:
        csv.writer(file).writerows([("path", "class", "license", "creator", "source"), *rows])


def to_obj(surface: Surface) -> str:
    """Text of an OBJ file."""
    vertices, normals, quads = surface
    lines = [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in vertices.tolist()]
    lines += [f"vn {x:.5f} {y:.5f} {z:.5f}" for x, y, z in normals.tolist()]
    lines += ["f " + " ".join(f"{v}//{v}" for v in quad) for quad in (quads + 1).tolist()]
    return "\n".join(lines) + "\n"


def create_cube() -> Surface:
    """A cube with round edges: every point is `ROUND` away from a smaller cube."""
    ends = np.array([0, 0.25, 0.5, 0.75, 1]) * ROUND
    steps = np.concatenate([ends - 1, [0], 1 - ends[::-1]])
    grid = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    faces = []
    for axis in range(3):
        for sign in (-1, 1):
            points = np.empty((len(grid), 3))
            points[:, axis] = sign
            # The order of the other two makes the face look outwards.
            points[:, [(axis + 1) % 3, (axis + 2) % 3][::sign]] = grid
            faces.append(points)
    outer = np.concatenate(faces)
    inner = outer.clip(ROUND - 1, 1 - ROUND)
    normals = outer - inner
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    num = len(steps)
    quads = [_grid_to_quads(num, num) + k * num * num for k in range(6)]
    return (inner + ROUND * normals) / np.sqrt(2), normals, np.concatenate(quads)


def create_sphere() -> Surface:
    """A sphere of radius 1."""
    angles = np.linspace(-0.5 * np.pi, 0.5 * np.pi, 33)
    profile = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return _turn_on_a_lathe(profile, profile)


def create_cylinder() -> Surface:
    """A cylinder of radius 1 and height 2 with round rims."""
    turn = np.linspace(0, 0.5 * np.pi, 7)
    rim = np.stack([np.sin(turn), -np.cos(turn)], axis=1)
    normals = np.concatenate([[(0, -1)], rim, rim[::-1] * (1, -1), [(0, 1)]])
    center = np.concatenate([[(ROUND, ROUND - 1)], np.tile((1 - ROUND, ROUND - 1), (7, 1))])
    center = np.concatenate([center, center[::-1] * (1, -1)])
    profile = center + ROUND * normals
    profile[[0, -1], 0] = 0
    return _turn_on_a_lathe(profile, normals)


def _turn_on_a_lathe(profile: np.ndarray, normals: np.ndarray, num: int = 64) -> Surface:
    """Turns a profile (p, 2) of radius and height, from below, about Y; normals likewise."""
    angles = np.arange(num) * 2 * np.pi / num
    around = np.stack([np.cos(angles), np.sin(angles)], axis=1)

    def turn(points: np.ndarray) -> np.ndarray:
        radii, heights = points[:, :1, None], points[:, 1:, None]
        spread = np.broadcast_to(heights, (len(points), num, 1))
        x, z = (radii[:, :, 0] * around[None, :, k] for k in (0, 1))
        return np.concatenate([x[..., None], spread, z[..., None]], axis=2).reshape(-1, 3)

    return turn(profile), turn(normals), _grid_to_quads(len(profile), num, is_closed=True)


def _grid_to_quads(num_rows: int, num_columns: int, is_closed: bool = False) -> np.ndarray:
    """Quads (f, 4) between the points of a grid; closed: the last column meets the first."""
    rows, columns = np.meshgrid(
        np.arange(num_rows - 1), np.arange(num_columns - (not is_closed)), indexing="ij"
    )
    after = (columns + 1) % num_columns
    corners = [(rows, columns), (rows + 1, columns), (rows + 1, after), (rows, after)]
    return np.stack([(r * num_columns + c).ravel() for r, c in corners], axis=1)


SHAPES = {"cube": create_cube, "cylinder": create_cylinder, "sphere": create_sphere}
"""By the name of the class."""
