"""Reads the materials of an OBJ file, which stand in MTL files: strictly, and with bounds.

Read are ``Kd``, ``map_Kd``, ``d``, ``Tr`` and ``map_d``; how a material reflects is as usual.
``Kd`` is scene-linear, as in Blender's importer. ``map_Kd`` is multiplied by ``Kd`` as the format
says; a ``Kd`` of 0 0 0 beside it counts as 1 1 1: exporters write it where the image is the color.
The format: "MTL material format", appendix B1 of the manual of Wavefront's Advanced Visualizer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from synrender.assets.material import (
    MAX_MATERIALS,
    PLAIN,
    AlphaMode,
    ImageList,
    OwnImage,
    OwnMaterial,
    Texture,
    WrapMode,
)
from synrender.assets.model_file import ModelFile
from synrender.errors import shorten
from synrender.system.files import Unreadable

MAX_MTL_BYTES = 1 << 24
"""16 MiB. Those of ShapeNet take at most 100 kB."""

MAX_LINE_LENGTH = 1 << 12
MAX_FILES = 16
"""That one line names."""

_READ = ("kd", "map_kd", "d", "tr", "map_d")
_NUM_VALUES = {
    "-blendu": 1, "-blendv": 1, "-bm": 1, "-boost": 1, "-cc": 1, "-clamp": 1, "-imfchan": 1,
    "-mm": 2, "-texres": 1, "-type": 1, "-o": 3, "-s": 3, "-t": 3,
}  # fmt: skip
"""Values of the options before the name of an image; of the last three some may lack."""

_MAY_LACK = ("-o", "-s", "-t")

Statements = dict[str, str]
"""The rest of each line that is read, by its first word in lower case."""


@dataclass
class Library:
    """The materials of a model's MTL files, as they are asked for."""

    images: ImageList = field(default_factory=ImageList)
    problems: list[str] = field(default_factory=list)
    _statements: dict[str, tuple[Statements, ModelFile]] = field(default_factory=dict)

    def read(self, text: str, find_beside: Callable[[str], ModelFile]) -> None:
        """Adds the materials of one file; of two with one name, the one that was read first holds.

        Args:
            text: what a line of the model says: the name of a file with blanks in it, or several.
            find_beside: gives a file by its name; raises ValueError if it is not the model's.
        """
        names = [text]
        try:
            if len(words := text.split()) > 1 and not find_beside(text).is_there:
                names = words
            for name in names[:MAX_FILES]:
                file = find_beside(name)
                for material, statements in _split(file.read(MAX_MTL_BYTES)).items():
                    self._statements.setdefault(material, (statements, file))
        except (OSError, Unreadable, ValueError) as error:
            reason = (isinstance(error, OSError) and error.strerror) or error
            self.problems.append(f"MTL file {shorten(text)!r}: {reason}")

    def find(self, name: str) -> OwnMaterial:
        """A material; white if it is not described."""
        if name not in self._statements:
            if self._statements:  # else the missing file is told
                self.problems.append(f"no material {shorten(name)!r} in its MTL file")
            return PLAIN
        statements, file = self._statements[name]
        material = PLAIN
        try:
            if (kd := _read_color(statements.get("kd"))) is not None:
                material = replace(material, color=kd)
            alpha = _read_alpha(statements)
        except ValueError as error:
            self.problems.append(f"material {shorten(name)!r}: {error}")
            alpha = 1.0
        texture = self._find_texture(statements.get("map_kd"), file)
        if texture and not any(material.color):
            material = replace(material, color=PLAIN.color)
        mask = self._find_texture(statements.get("map_d"), file)
        return replace(
            material,
            color_texture=texture,
            alpha=alpha,
            alpha_texture=mask,
            is_alpha_gray=True,
            alpha_mode=AlphaMode.BLEND if alpha < 1 or mask else AlphaMode.OPAQUE,
        )

    def _find_texture(self, text: str | None, file: ModelFile) -> Texture | None:
        if not text:
            return None
        options, name = _split_options(text)
        try:
            image = file.beside(name)
            place = self.images.add(OwnImage(name, image), image)
            transform = _find_transform(options)
        except ValueError as error:
            self.problems.append(str(error))
            return None
        wrap = WrapMode.CLAMP if options.get("-clamp") == ["on"] else WrapMode.REPEAT
        return Texture(place, transform=transform, wraps=(wrap, wrap))


def _split(data: bytes) -> dict[str, Statements]:
    """Statements of each material, by its name.

    Raises:
        ValueError: it is no MTL file.
    """
    if b"\0" in data:
        raise ValueError("binary data, not an MTL file")
    text = data.decode("utf-8-sig", "surrogateescape").replace("\r", "\n")
    materials: dict[str, Statements] = {}
    statements: Statements = {}
    for line in text.split("\n"):
        words = line.split(None, 1)
        kind = words[0].lower() if words else ""
        if kind not in (*_READ, "newmtl"):
            continue
        rest = words[1].strip() if len(words) > 1 else ""
        if len(rest) > MAX_LINE_LENGTH:
            raise ValueError(f"a line of {len(rest)} characters")
        if kind == "newmtl":
            statements = materials.setdefault(rest, {})
            if len(materials) > MAX_MATERIALS:
                raise ValueError(f"more than {MAX_MATERIALS} materials")
        else:
            statements[kind] = rest
    return materials


def _read_color(text: str | None) -> tuple[float, float, float] | None:
    """A color of three numbers, or of one for all three; None if there is none.

    Raises:
        ValueError: it is none that is read.
    """
    if text is None:
        return None
    values = _read_numbers("Kd", text, (1, 3))
    red, green, blue = values * 3 if len(values) == 1 else values
    return red, green, blue


def _read_alpha(statements: Statements) -> float:
    """From ``d``; else from ``Tr``, which is its opposite."""
    if "d" in statements:
        return _read_numbers("d", statements["d"].removeprefix("-halo"), (1,))[0]
    if "tr" in statements:
        return 1 - _read_numbers("Tr", statements["tr"], (1,))[0]
    return 1.0


def _read_numbers(kind: str, text: str, lengths: Sequence[int]) -> list[float]:
    """Numbers, each moved into 0 to 1."""
    words = text.partition("#")[0].split()
    try:
        values = [float(word) for word in words]
    except ValueError:
        values = []
    if len(values) not in lengths or not all(map(math.isfinite, values)):
        raise ValueError(f"{kind} {shorten(text)!r} is not read")
    return [min(max(value, 0.0), 1.0) for value in values]


# --- images ---------------------------------------------------------------------------------------


def _split_options(text: str) -> tuple[dict[str, list[str]], str]:
    """The options before the name of an image with their values, and the name.

    The name may hold blanks, and be in quotes.
    """
    options: dict[str, list[str]] = {}
    rest = text
    while (words := rest.split(None, 1)) and len(words) > 1 and words[0].lower() in _NUM_VALUES:
        option, rest = words[0].lower(), words[1]
        options[option] = []
        for _ in range(_NUM_VALUES[option]):
            value, *others = rest.split(None, 1)
            if not others or (option in _MAY_LACK and not _is_number(value)):
                break
            options[option].append(value)
            rest = others[0]
    name = rest.strip()
    is_quoted = len(name) > 2 and name[0] == name[-1] == '"'
    return options, name[1:-1] if is_quoted else name


def _is_number(word: str) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False


def _find_transform(options: dict[str, list[str]]) -> tuple[float, ...] | None:
    """Scale and offset of places, as Blender's importer takes them; None: the places stay."""
    offset, scale = (_find_pair(options, *pair) for pair in (("-o", 0.0), ("-s", 1.0)))
    if offset == (0, 0) and scale == (1, 1):
        return None
    return scale[0], 0.0, offset[0], 0.0, scale[1], offset[1]


def _find_pair(options: dict[str, list[str]], option: str, default: float) -> tuple[float, float]:
    values = [float(word) for word in options.get(option, ())]
    first, second, *_ = (*values, default, default)
    return first, second
