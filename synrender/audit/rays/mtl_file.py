"""Reads the materials of OBJ files, with code that the renderer does not use.

The format: "MTL material format", appendix B1 of the manual of Wavefront's Advanced Visualizer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from synrender.audit.rays.own_materials import Finish
from synrender.audit.rays.texture import decode_texture

_VALUES = {
    "-blendu": 1, "-blendv": 1, "-bm": 1, "-boost": 1, "-cc": 1, "-clamp": 1, "-imfchan": 1,
    "-mm": 2, "-texres": 1, "-type": 1, "-o": 3, "-s": 3, "-t": 3,
}  # fmt: skip
"""Values that the options of an image have; of the last three the second and third may lack."""
_NOT_JUDGED = ("-cc", "-clamp", "-mm", "-o", "-s", "-t")
"""Options that move an image or change its colors."""

Statements = dict[str, str]
"""The rest of a line, by its first word."""


def read_finishes(
    names: Sequence[str], libraries: Sequence[bytes], read_image: Callable[[str], bytes]
) -> tuple[Finish, ...]:
    """What materials show; one that no library describes is white.

    Args:
        names: of materials, as faces use them.
        libraries: contents of MTL files; the first description of a name holds.
        read_image: content of an image, by the name that the library gives.

    Raises:
        OSError, ValueError: a color or an image cannot be read.
    """
    found: dict[str, Statements] = {}
    for data in libraries:
        found = {**_read_library(data), **found}
    return tuple(_create_finish(found.get(name, {}), read_image) for name in names)


def _read_library(data: bytes) -> dict[str, Statements]:
    """Statements of each material, by its name."""
    materials: dict[str, Statements] = {}
    statements: Statements = {}
    for line in data.decode("utf-8", "surrogateescape").splitlines():
        kind, _, rest = line.strip().replace("\t", " ").partition(" ")
        if kind == "newmtl":
            statements = materials.setdefault(rest.strip(), {})
        else:
            statements[kind.lower()] = rest.strip()
    return materials


def _create_finish(statements: Statements, read_image: Callable[[str], bytes]) -> Finish:
    color = statements.get("kd", "1 1 1").split()
    is_known = not color[0].isalpha()  # "xyz" and "spectral" are other ways to say a color
    factor = np.ones(4)
    if is_known:
        factor[:3] = [float(value) for value in (color * 3 if len(color) == 1 else color)[:3]]
    if "map_kd" not in statements:
        return Finish(factor, is_known=is_known)
    options, name = _split_options(statements["map_kd"])
    texture = decode_texture(read_image(name))
    is_known &= texture is not None and not {*options} & {*_NOT_JUDGED}
    return Finish(factor, texture, is_known=is_known)


def _split_options(text: str) -> tuple[list[str], str]:
    """The options before the name of an image, and the name, which may hold blanks."""
    options, words = [], text.split(" ")
    while words and words[0] in _VALUES:
        options.append(words[0])
        num, words = _VALUES[words[0]], words[1:]
        while num and words and (options[-1] not in ("-o", "-s", "-t") or _is_number(words[0])):
            num, words = num - 1, words[1:]
    return options, " ".join(words)


def _is_number(word: str) -> bool:
    return word.replace(".", "", 1).replace("-", "", 1).isdigit()
