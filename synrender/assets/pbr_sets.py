"""Which images of a folder are the maps of one surface: color, roughness, metalness and normals.

Names are those of two sites, as they are downloaded: ambientCG's ``Bricks076_2K-JPG_Color.jpg``,
and Poly Haven's ``brick_wall_diff_2k.jpg``. A set without a color map is none; its images are
textures like any others. Maps of other kinds, such as displacement, and normals in DirectX's
convention are not used; nor is the image that shows what a set looks like.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

WANTED_RESOLUTION = 2
"""Of a set in several resolutions in one folder, the one of 2k is taken, else the next higher, else
the highest."""

_AMBIENT_CG = re.compile(r"(?P<name>.+)_(?P<size>\d{1,2})K(?:-[A-Z]+)?_(?P<kind>[A-Za-z]+)")
_POLY_HAVEN = re.compile(
    r"(?P<name>.+?)_(?P<kind>diff|diffuse|coll?|rough|metal|nor_gl|nor_dx|arm|ao|rough_ao|disp|spec|"
    r"bump|translucent|mask|alpha|opacity)(?:_?\d\d?)?_(?P<size>\d{1,2})k"
)
_KINDS = {
    **{"Color": "color", "Roughness": "roughness", "Metalness": "metalness", "NormalGL": "normal"},
    **{"diff": "color", "diffuse": "color", "col": "color", "coll": "color", "rough": "roughness"},
    **{"metal": "metalness", "nor_gl": "normal", "arm": "packed"},
    **dict.fromkeys(("NormalDX", "AmbientOcclusion", "Displacement", "Opacity", "Emission"), ""),
    **dict.fromkeys(("nor_dx", "ao", "rough_ao", "disp", "spec", "bump", "translucent"), ""),
    **dict.fromkeys(("mask", "alpha", "opacity", "IdMask", "Scattering"), ""),
}
"""What a map is, by its name on either site; "": it is not used."""

_FORMATS = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".exr")
"""Of a map in several formats, the first one is taken."""


@dataclass(frozen=True)
class SurfaceMaps:
    """The images of one surface. All but the color are data, not colors: 0 to 1, linear."""

    color: Path
    roughness: Path | None = None
    metalness: Path | None = None
    normal: Path | None = None  # tangent space; red to the right, green up, as in OpenGL
    packed: Path | None = None  # red: occlusion, green: roughness, blue: metalness


@dataclass(frozen=True)
class Sets:
    """The sets of one folder."""

    maps: dict[str, dict[str, str]]  # by the name of the color map: name of each map by its kind
    no_textures: frozenset[str]  # names of images that only belong to a set


def group_sets(names: Iterable[str]) -> Sets:
    """Finds sets among the names of the images in one folder."""
    names = sorted(names, key=_rank_format)
    members: dict[tuple[str, str], list[_Member]] = {}
    for name in names:
        if member := _parse(name):
            members.setdefault((member.site, member.asset), []).append(member)
    maps: dict[str, dict[str, str]] = {}
    hidden: set[str] = set()
    for (_, asset), all_of_set in members.items():
        sizes = [m.rank for m in all_of_set if m.kind == "color"]
        if not sizes or len(all_of_set) == 1:
            continue
        chosen: dict[str, str] = {}
        for member in all_of_set:
            if member.kind and member.rank == min(sizes):
                chosen.setdefault(member.kind, member.name)
        maps[chosen["color"]] = chosen
        hidden.update(member.name for member in all_of_set)
        hidden.update(name for name in names if _is_preview(name, asset))
    return Sets(maps, frozenset(hidden - maps.keys()))


@dataclass(frozen=True)
class _Member:
    """An image that is a map of a set."""

    name: str
    site: str
    asset: str
    rank: tuple[int, int]  # of its resolution
    kind: str


def _parse(name: str) -> _Member | None:
    stem = PurePosixPath(name).stem
    for pattern in (_AMBIENT_CG, _POLY_HAVEN):
        match = pattern.fullmatch(stem)
        if match and match["kind"] in _KINDS:
            rank = rank_size(int(match["size"]))
            return _Member(name, pattern.pattern, match["name"], rank, _KINDS[match["kind"]])
    return None


def find_maps(color: Path) -> SurfaceMaps:
    """The maps of the surface that the file of a color map belongs to; or that alone."""
    maps = _group_folder(color.parent).get(color.name, {})
    return SurfaceMaps(**{"color": color, **{k: color.parent / v for k, v in maps.items()}})


def list_maps(root: Path, textures: Iterable[str]) -> dict[str, dict[str, str]]:
    """Of textures below a folder with other maps than the color: names of the maps, by kind."""
    folders: dict[str, dict[str, dict[str, str]]] = {}
    found = {}
    for texture in textures:
        folder, _, name = texture.rpartition("/")
        if folder not in folders:
            folders[folder] = _group_folder(root / folder)
        if name in folders[folder]:
            found[texture] = folders[folder][name]
    return found


def _group_folder(folder: Path) -> dict[str, dict[str, str]]:
    try:
        names = [name for name in os.listdir(folder) if not name.startswith(".")]
    except OSError:
        return {}
    return group_sets(n for n in names if PurePosixPath(n).suffix.lower() in _FORMATS).maps


def rank_size(size: int) -> tuple[int, int]:
    """Place of a resolution, such as 4 for 4k, in the order of preference."""
    is_lower = size < WANTED_RESOLUTION
    return (1, -size) if is_lower else (0, size)


def _rank_format(name: str) -> tuple[int, str]:
    suffix = PurePosixPath(name).suffix.lower()
    return _FORMATS.index(suffix) if suffix in _FORMATS else len(_FORMATS), name


def _is_preview(name: str, asset: str) -> bool:
    """Whether an image only shows what a set looks like."""
    rest = PurePosixPath(name).stem.removeprefix(asset)
    return rest in ("", "_PREVIEW", "_preview", "_Preview")
