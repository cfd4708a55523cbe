"""Reads the faces of OBJ files and their materials, with code that the renderer does not use.

The format of MTL files: "MTL material format", appendix B1 of the manual of Wavefront's Advanced
Visualizer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from synrender.assets.model_file import ModelFile
from synrender.audit.models.own_materials import PLAIN, Finish, ImageReader
from synrender.audit.models.polygons import Polygons
from synrender.audit.models.texture import Wrap

_READ = (b"v", b"vn", b"vt", b"f")
_NAMING = (b"usemtl", b"mtllib")
_MAX_JOINED_BYTES = 1 << 16
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Corner = tuple[int, int, int]
"""Index of the vertex, the normal, and the place in the texture, from 0; -1: none."""


@dataclass(frozen=True)
class ObjFaces:
    """The faces of all objects of a file, and what it says about their colors."""

    polygons: Polygons
    uv: np.ndarray  # (c, 2) float64 at each corner, v upwards; NaN: none
    srgb: np.ndarray | None  # (c, 3) color of each corner's vertex; None: vertices have none
    materials: np.ndarray  # (c,) int64, index into names, of each corner's face
    names: list[str]  # of materials; the first is that of faces without one, ""
    libraries: list[str]  # names of MTL files


def read_obj(data: bytes) -> ObjFaces:
    """Faces of all objects in a file's content.

    A normal or a place in a texture that cannot be read counts as none.

    Raises:
        ValueError, IndexError: a vertex or a face cannot be read.
    """
    vertices: list[bytes] = []
    colors: list[list[bytes]] = []
    normals: list[list[float]] = []
    uv: list[list[float]] = []
    corners: list[bytes] = []
    sizes: list[int] = []
    names = {"": 0}
    material, materials = 0, []
    libraries: list[str] = []
    for kind, fields in _read_statements(data):
        if kind == b"v":
            vertices += fields[:3]
            colors += [fields[-3:]] if len(fields) in (6, 7) else []
            if len(fields) < 3:
                raise ValueError(f"a vertex of {len(fields)} numbers")
        elif kind == b"vn":
            normals.append(_read_numbers(fields, 3))
        elif kind == b"vt":
            uv.append(_read_numbers(fields, 2))
        elif kind == b"usemtl" and fields[0]:
            material = names.setdefault(_to_name(fields), len(names))
        elif kind == b"mtllib":
            libraries.append(_to_name(fields))
        elif kind == b"f":
            if len(fields) < 3:
                raise ValueError(f"a face of {len(fields)} corners")
            if any(b"-" in field for field in fields):
                counts = len(vertices) // 3, len(uv), len(normals)
                fields = [_count_back(field, counts) for field in fields]
            corners += fields
            sizes.append(len(fields))
            materials.append(material)
    places = np.array(list(map(float, vertices))).reshape(-1, 3)
    read = {field: _read_corner(field) for field in set(corners)}
    idxs = np.array([read[field] for field in corners], np.int64).reshape(-1, 3)
    for name, own, num in zip(
        ("vertex", "normal"), idxs.T, (len(places), len(normals)), strict=False
    ):
        if own.max(initial=-1) >= num:
            raise IndexError(f"a face names {name} {own.max() + 1} of {num}")
    with np.errstate(all="ignore"):
        units = np.array([*normals, [np.nan] * 3])
        units /= np.linalg.norm(units, axis=1, keepdims=True)
    faces = np.array(sizes, np.int64)
    has_colors = 0 < len(colors) == len(places)
    return ObjFaces(
        Polygons(places, idxs[:, 0], units[idxs[:, 1]], faces),
        np.array([*uv, [np.nan] * 2])[np.where(idxs[:, 2] < len(uv), idxs[:, 2], -1)],
        np.array(colors, np.float64)[idxs[:, 0]] if has_colors else None,
        np.repeat(np.array(materials, np.int64), faces),
        [*names],
        libraries,
    )


def _read_statements(data: bytes) -> Iterator[tuple[bytes, list[bytes]]]:
    """Keyword and fields of each vertex, normal, place and face; and of what names materials.

    The former alone go on in the next line after a backslash; comments and names may end in one.
    A name may hold blanks and be anything, so it is one field.
    """
    waiting = b""
    for line in data.replace(_BYTE_ORDER_MARK, b"").splitlines():
        text, comment, _ = (waiting + line).partition(b"#")
        kind, *fields = text.split() or [b""]
        waiting = b""
        if b"\\" in text and not comment and kind.removesuffix(b"\\") in _READ:
            goes_on, is_end, blanks = text.rpartition(b"\\")
            if is_end and not blanks.strip():
                waiting = goes_on + b" "
                if len(waiting) > _MAX_JOINED_BYTES:
                    raise ValueError(f"a line of more than {_MAX_JOINED_BYTES} bytes")
                continue
        if kind in _READ:
            yield kind, fields
        elif kind in _NAMING:
            yield kind, [b"".join(line.split(None, 1)[1:]).strip()]
    if waiting:
        raise ValueError("ends within a line that goes on")


def _read_numbers(fields: list[bytes], num: int) -> list[float]:
    """The first numbers of a normal or a place; NaN if they cannot be read."""
    try:
        numbers = [float(field) for field in fields[:num]]
    except ValueError:
        numbers = []
    return numbers if len(numbers) == num else [np.nan] * num


def _to_name(fields: list[bytes]) -> str:
    return fields[0].decode("utf-8", "surrogateescape")


def _count_back(field: bytes, counts: tuple[int, int, int]) -> bytes:
    """A corner such as ``-1//-1`` with numbers from 1 in place of those that count back."""
    numbers = [
        b"%d" % (int(part) + num + 1) if part.startswith(b"-") else part
        for part, num in zip(field.split(b"/"), counts, strict=False)
    ]
    return b"/".join(numbers)


def _read_corner(field: bytes) -> Corner:
    """Reads a corner such as ``3``, ``3/7``, ``3//2`` or ``3/7/2``."""
    vertex, place, normal = [*field.split(b"/"), b"", b""][:3]
    idxs = int(vertex) - 1, int(normal) - 1 if normal else 0
    if min(idxs) < 0 or max(idxs) >= 1 << 31:
        raise IndexError(f"a face names {field.decode('ascii', 'replace')[:40]}")
    uv_idx = int(place) - 1 if place.isdigit() and len(place) < 10 else -1
    return idxs[0], idxs[1] if normal else -1, max(uv_idx, -1)


# --- materials ------------------------------------------------------------------------------------


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
            is_number = words[0].replace(".", "", 1).replace("-", "", 1).isdigit()
            if may_lack and not is_number:
                break
            values.append(words.pop(0))
        text = text.split(None, 1 + len(values))[-1]
    return options, text.strip().strip('"')


def _find_pair(values: list[str], default: float) -> tuple[float, float]:
    numbers = [*map(float, values), default, default]
    return numbers[0], numbers[1]
