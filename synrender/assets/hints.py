"""What a folder without models that are read may be: a wrong or partial download, by its names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from synrender.assets.model_file import MODEL_SUFFIXES
from synrender.assets.tree import Tree
from synrender.assets.zip_index import PACKED

_UNFINISHED = (".incomplete", ".part", ".crdownload", ".aria2")
_OTHER_MODELS = (".fbx", ".dae", ".blend", ".off", ".usd", ".usdz", ".usdc", ".3ds", ".ma", ".max")
_IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
_NUM_FOLDERS, _MAX_DEPTH = 200, 4
"""That are looked into, from the top down."""


def find_hint(tree: Tree) -> str:
    """What a folder or archive seems to be, and what helps; "" if nothing tells."""
    listed, everything = tree.list(), _list_names(tree)
    folders, files = set(listed.folders), set(listed.files)
    if unfinished := _find(everything, _UNFINISHED):
        return f"{unfinished} is a download that has not ended; start it again"
    if {"dataset.json", "config.gin"} <= files:
        return "this is a data set that was rendered; name the folder of the models instead"
    if "3dmodels" in folders or "listings" in folders:
        return "this is the metadata of ABO without its models; unpack abo-3dmodels.tar beside it"
    if {"object-paths.json.gz", "lvis-annotations.json.gz"} & files:
        return "this is the metadata of Objaverse without its models; download glbs/ beside it"
    if "taxonomy.json" in files:
        return "this is the taxonomy of ShapeNet without its synsets; download them beside it"
    if packed := _find(everything, PACKED):
        return f"{packed} is packed; unpack it (of archives, .zip alone is read as it is)"
    if other := _find(everything, _OTHER_MODELS):
        return f"{other} is of a format that is not read; export models as GLB or OBJ"
    if model := _find(everything, MODEL_SUFFIXES):
        return (
            f"{model} is in too many folders; models are found as CLASS/MODEL.obj, as "
            "CLASS/MODEL/ANY.obj, or by a table models.csv of their paths"
        )
    return _find_images(everything) or (
        "" if folders or files else "it is empty; name the folder that the models are in"
    )


def _find_images(names: Iterable[str]) -> str:
    if _find(names, (".hdr",)) or (_find(names, (".exr",)) and not _find(names, _IMAGES)):
        return "it holds environments; name it in assets.environments, not in assets.models"
    if _find(names, (*_IMAGES, ".exr")):
        return "it holds images; to use them as textures, name it in assets.textures"
    return ""


def _list_names(tree: Tree) -> list[str]:
    """Names of files, those of the first folders to the top."""
    names, waiting = [], [("", 0)]
    for num, (folder, depth) in enumerate(waiting):
        if num >= _NUM_FOLDERS:
            break
        listed = tree.list(folder)
        names += listed.files
        prefix = f"{folder}/" if folder else ""
        waiting += [(prefix + name, depth + 1) for name in listed.folders] * (depth < _MAX_DEPTH)
    return names


def _find(names: Iterable[str], suffixes: tuple[str, ...]) -> str:
    """The first of the names that has one of these suffixes; "" if there is none."""
    return next((n for n in names if PurePosixPath(n).suffix.lower() in suffixes), "")
