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
