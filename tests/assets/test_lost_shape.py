"""A model may stand anywhere, as long as its file's digits still say what it looks like."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from synrender.assets.lost_shape import refuse_lost_shape
from synrender.assets.obj_file import read_obj
from synrender.errors import RejectedAsset
from tests.audit.shapes import CUBE, PLANE, write_sphere

SPHERE = write_sphere(24, 12)
HOUSE = (
    "v 0 0 0\nv 12 0 0\nv 12 8 0\nv 5 8 0\nv 0 3 4\nv 5 0 6\nf 1 2 3\nf 1 3 4\nf 4 5 6\nf 1 5 6\n"
)

Write = Callable[[float], str]


def single(x: float) -> str:
    return repr(float(np.float32(x)))


def move(text: str, place: tuple[float, ...], write: Write) -> str:
    lines = []
    for line in text.splitlines():
        if line.startswith("v "):
            at = (float(x) + shift for x, shift in zip(line.split()[1:], place, strict=True))
            line = "v " + " ".join(map(write, at))
        lines.append(line)
    return "\n".join(lines) + "\n"


FAR = (431250, 5412300, 310)
KEPT = {
    "all digits": (SPHERE, FAR, repr),
    "six decimals": (SPHERE, FAR, "{:.6f}".format),
    "two decimals": (SPHERE, FAR, "{:.2f}".format),
    "single precision, nearer": (SPHERE, (43125, 54123, 310), single),
    "six digits at the origin": (SPHERE, (0, 0, 0), "{:g}".format),
    "six digits, nearer": (SPHERE, (431, 5412, 310), "{:g}".format),
    "very far": (SPHERE, (1e12, -1e12, 0), repr),
    "a cube at whole numbers": (CUBE, FAR, "{:.0f}".format),
    "a cube with six digits": (CUBE, (431250, 310, 0), "{:g}".format),
    "a sheet": (PLANE, FAR, "{:.6f}".format),
    "a house at whole numbers": (HOUSE, FAR, "{:.0f}".format),
}
LOST = {
    "six digits": (SPHERE, FAR, "{:g}".format),
    "seven digits": (SPHERE, FAR, "{:.7g}".format),
    "whole numbers": (SPHERE, FAR, "{:.0f}".format),
    "six digits along one axis": (SPHERE, (4312500, 310, 0), "{:g}".format),
    "six digits, steps alone": (SPHERE, (0, 0, 431250), "{:g}".format),
    "single precision": (SPHERE, FAR, single),
    "nine digits of single precision": (SPHERE, FAR, lambda x: f"{np.float32(x):.9g}"),
    "few digits of single precision": (SPHERE, FAR, lambda x: str(np.float32(x))),
    "double precision": (SPHERE, (1e15, 1e15, 0), repr),
    "nearly all of it": (SPHERE, (1e16, -1e16, 1e16), repr),
}


def read(text: str) -> None:
    refuse_lost_shape(read_obj(text.encode()))


@pytest.mark.parametrize("name", KEPT)
def test_a_shape_that_the_digits_say_is_kept(name: str) -> None:
    read(move(*KEPT[name]))


@pytest.mark.parametrize("name", LOST)
def test_a_shape_that_the_digits_lost_is_rejected(name: str) -> None:
    with pytest.raises(RejectedAsset, match="from the origin, and the file's digits leave no"):
        read(move(*LOST[name]))
