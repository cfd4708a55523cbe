"""OBJ files of shapes that are known in closed form."""

from __future__ import annotations

import re

import numpy as np

PLANE = "v -1 -1 0\nv 1 -1 0\nv 1 1 0\nv -1 1 0\nf 1 2 3 4\n"
CUBE = (
    "".join(f"v {x} {y} {z}\n" for x in (-1, 1) for y in (-1, 1) for z in (-1, 1))
    + "f 1 2 4 3\nf 5 7 8 6\nf 1 5 6 2\nf 3 4 8 7\nf 1 3 7 5\nf 2 6 8 4\n"
)


def write_sphere(num_around: int, num_rings: int) -> str:
    """A ball of radius 1 with its own normals at the corners."""
    theta = np.pi * np.arange(num_rings + 1) / num_rings
    phi = 2 * np.pi * np.arange(num_around) / num_around
    points = np.stack(
        [
            np.sin(theta)[:, None] * np.cos(phi),
            np.sin(theta)[:, None] * np.sin(phi),
            np.cos(theta)[:, None] * np.ones(num_around),
        ],
        axis=-1,
    ).reshape(-1, 3)
    ring, around = np.mgrid[:num_rings, :num_around]
    after = (around + 1) % num_around
    low, high = ring * num_around, (ring + 1) * num_around
    quads = 1 + np.stack([low + around, high + around, high + after, low + after], axis=-1)
    return "".join(
        [
            *("v {:.7f} {:.7f} {:.7f}\n".format(*p) for p in points),
            *("vn {:.7f} {:.7f} {:.7f}\n".format(*p) for p in points),
            *(
                "f " + " ".join(f"{i}//{i}" for i in quad) + "\n"
                for quad in quads.reshape(-1, 4).tolist()
            ),
        ]
    )


# --- models in odd files ------------------------------------------------------------------------

_SPHERE = write_sphere(24, 12)
_FACES = [line.split()[1:] for line in _SPHERE.splitlines() if line.startswith("f ")]


def _turned(faces: list[list[str]]) -> str:
    """The same faces from behind, with normals that point inwards."""
    num = _SPHERE.count("vn ")
    corners = [[f"{c.split('//')[0]}//{int(c.split('//')[1]) + num}" for c in f] for f in faces]
    inward = re.findall(r"vn (\S+) (\S+) (\S+)", _SPHERE)
    return "".join("vn {} {} {}\n".format(*(-float(x) for x in n)) for n in inward) + "".join(
        f"f {' '.join(c[::-1])}\n" for c in corners
    )


ODD_MODELS = {
    "doubled": _SPHERE + _turned(_FACES),
    "inside_out": re.sub(r"f (\S+) (\S+) (\S+) (\S+)", r"f \4 \3 \2 \1", _SPHERE),
    "unusable": re.sub(r"(?m)^vn (?!-).*", "vn 0 0 0", _SPHERE, count=90),
    "some_without": re.sub(r"(f \S+ \S+) (\d+)//\d+", r"\1 \2", _SPHERE, count=120),
    "open": PLANE,
    "flat": CUBE,
    "far_off": re.sub(r"(?m)^v (\S+)", lambda m: f"v {float(m[1]) + 30}", _SPHERE),
}
"""Doubled faces, faces from behind, unusable normals, a sheet; balls have edges of no length."""


# --- faces of more than four corners ------------------------------------------------------------


def write_prism(outline: list[tuple[float, float]], height: float = 0.4) -> str:
    """A body with flat faces of any outline, given counterclockwise, at its top and bottom."""
    num = len(outline)
    sides = [(k, (k + 1) % num, num + (k + 1) % num, num + k) for k in range(num)]
    faces = [range(num)[::-1], range(num, 2 * num), *sides]
    vertices = [(x, y, z) for z in (0, height) for x, y in outline]
    return "".join("v {} {} {}\n".format(*v) for v in vertices) + "".join(
        f"f {' '.join(str(k + 1) for k in face)}\n" for face in faces
    )


def write_sheet(points: np.ndarray, has_normals: bool) -> str:
    """One face of any outline (n, 3), and where wished a normal at each corner."""
    outward = points / 2 + (0, 0, 1)
    return "".join(
        [
            *("v {:.7f} {:.7f} {:.7f}\n".format(*p) for p in points),
            *("vn {:.7f} {:.7f} {:.7f}\n".format(*n) for n in outward),
            "f",
            *(f" {k + 1}//{k + 1}" if has_normals else f" {k + 1}" for k in range(len(points))),
            "\n",
        ]
    )  # fmt: skip


_ANGLES = 2 * np.pi * np.arange(12) / 12
_RADII = np.where(np.arange(12) % 2, 0.45, 1)
_STAR = np.stack([_RADII * np.cos(_ANGLES), _RADII * np.sin(_ANGLES), 0 * _ANGLES], axis=1)
_BENT_QUAD = np.array([(1.2, -1.1, 1), (0.2, -0.8, -0.3), (-0.9, 0.7, 0.3), (-0.6, -1.1, 0.3)])
_UP = np.array([0.0, 0.0, 1.0])
_WITH_HOLE = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0), (0.3, 0.3), (0.3, 0.7), (0.7, 0.7)]
_WITH_HOLE += [(0.7, 0.3), (0.3, 0.3)]

POLYGON_MODELS = {
    "l_shape": write_prism([(0, 0), (1, 0), (1, 0.3), (0.3, 0.3), (0.3, 1), (0, 1)]),
    "arrowhead": write_prism([(0, 0), (1, 0.5), (0, 1), (0.35, 0.5)]),
    "hole": write_prism(_WITH_HOLE),
    "star": write_sheet(_STAR, has_normals=True),
    "saddle": write_sheet(_STAR + np.outer(0.4 * np.cos(2 * _ANGLES), _UP), has_normals=False),
    "bent_quad": write_sheet(_BENT_QUAD, has_normals=False),
    "crown": write_sheet(_STAR + np.outer(0.3 * np.sin(5 * _ANGLES), _UP), has_normals=True),
    "on_a_map": re.sub(
        r"(?m)^v (\S+) (\S+)",
        lambda m: f"v {float(m[1]) + 431250:.7f} {float(m[2]) + 5412300:.7f}",
        _SPHERE,
    ),
    "backslashes": "# C:\\models\\\n" + re.sub(
        r"(?m)^(f \S+) (\S+) ", r"g a\\\n\1 \\ \n \2 \\\n", write_sphere(12, 6)
    ),
}  # fmt: skip
"""Dents, a hole, faces that are not flat, a place far away, lines that go on and lines that do not.

Each has one face or one kind of face, so that nothing else hides how it is cut.
"""
