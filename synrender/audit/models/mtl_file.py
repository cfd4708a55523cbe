"""Reads the materials of OBJ files, with code that the renderer does not use.

The format: "MTL material format", appendix B1 of the manual of Wavefront's Advanced Visualizer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synrender.assets.model_file import ModelFile
from synrender.audit.models.own_materials import PLAIN, Finish, ImageReader
from synrender.audit.models.texture import Wrap

_VALUES = {
    "-blendu": 1, "-blendv": 1, "-bm": 1, "-boost": 1, "-cc": 1, "-clamp": 1, "-imfchan": 1,
    "-mm": 2, "-texres": 1, "-type": 1, "-o": 3, "-s": 3, "-t": 3,
}  # fmt: skip
"""Values that the options of an image have; of the last three the second and third may lack."""
_MAX_BYTES = 1 << 28

Statements = dict[str, str]
"""The rest of a line, by its first word."""


def read_finishes(
    names: Sequence[str], libraries: Sequence[tuple[ModelFile, bytes]], images: ImageReader
) -> tuple[Finish, ...]:
    """What materials of these names show; `PLAIN` those that no library describes.

    Of MTL files and their contents, the first description of a name holds.
    """
    found: dict[str, tuple[ModelFile, Statements]] = {}
    for file, data in libraries:
        for name, statements in _read_library(data).items():
            found.setdefault(name, (file, statements))

    return tuple(_create_finish(*found[n], images) if n in found else PLAIN for n in names)


def _read_library(data: bytes) -> dict[str, Statements]:
    """Statements of each material, by its name."""
    materials: dict[str, Statements] = {}
    statements: Statements = {}
    for line in data.removeprefix(b"\xef\xbb\xbf").splitlines():
        kind, *rest = line.decode("utf-8", "surrogateescape").split(None, 1) or [""]
        text = rest[0].strip() if rest else ""
        if kind.lower() == "newmtl":
            statements = materials.setdefault(text, {})
        else:
            statements[kind.lower()] = text
    return materials


def _create_finish(file: ModelFile, statements: Statements, images: ImageReader) -> Finish:
    """The base color: ``Kd``, times ``map_Kd``; but a black ``Kd`` beside an image is white."""
    factor = np.ones(4)
    color = statements.get("kd", "1").partition("#")[0].split()
    is_known = not color[:1] or not color[0].isalpha()  # "xyz" and "spectral" are other ways
    if is_known and len(color) in (1, 3):
        factor[:3] = np.clip([float(value) for value in color], 0, 1)
    options, name = _split_options(statements.get("map_kd", ""))
    try:
        image = file.beside(name) if name else None
    except ValueError:
        image = None  # it leads out of the model's folder
    if image is None:
        return Finish(factor, is_known=is_known)
    if not factor[:3].any():
        factor[:3] = 1
    texture, is_judged = images.read(name, image, lambda: image.read(_MAX_BYTES))
    offset, scale = (_find_pair(options.get(k, []), v) for k, v in (("-o", 0.0), ("-s", 1.0)))
    wrap = Wrap.CLAMP if options.get("-clamp") == ["on"] else Wrap.REPEAT
    return Finish(
        factor,
        texture,
        (wrap, wrap),
        transform=np.column_stack([np.diag(scale), offset]),
        is_known=is_known and is_judged,
    )


def _split_options(text: str) -> tuple[dict[str, list[str]], str]:
    """Values of the options before the name of an image, and the name, which may hold blanks."""
    options: dict[str, list[str]] = {}
    words = text.split()
    while words and words[0].lower() in _VALUES:
        option = words.pop(0).lower()
        values = options[option] = []
        may_lack = option in ("-o", "-s", "-t")
        while len(values) < _VALUES[option] and len(words) > 1:
            if may_lack and not _is_number(words[0]):
                break
            values.append(words.pop(0))
        text = text.split(None, 1 + len(values))[-1]
    return options, text.strip().strip('"')


def _find_pair(values: list[str], default: float) -> tuple[float, float]:
    numbers = [*map(float, values), default, default]
    return numbers[0], numbers[1]


def _is_number(word: str) -> bool:
    return word.replace(".", "", 1).replace("-", "", 1).isdigit()
