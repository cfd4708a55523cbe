"""What a folder without models that are read may be: a wrong or partial download, by its names."""

from __future__ import annotations

from pathlib import PurePosixPath

from synrender.assets.tree import Tree

_UNFINISHED = (".incomplete", ".part", ".crdownload", ".aria2")
_PACKED = (".tar", ".tgz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar")
_OTHER_MODELS = (".fbx", ".dae", ".blend", ".off", ".usd", ".usdz", ".usdc", ".3ds", ".ma", ".max")
_IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".exr")
MAX_POINTER_BYTES = 1024
"""Of the file that stands for one that Git LFS has not fetched."""

_POINTER = b"version https://git-lfs"


def find_hint(tree: Tree) -> str:
    """What a folder or archive seems to be, and what helps; "" if nothing tells."""
    listed = tree.list()
    folders, files = set(listed.folders), set(listed.files)
    below = {name for folder in listed.folders[:3] for name in tree.list(folder).files}
    if unfinished := _find(files | below, _UNFINISHED):
        return f"{unfinished} is a download that has not ended; start it again"
    if "3dmodels" in folders or "listings" in folders:
        return "this is the metadata of ABO without its models; unpack abo-3dmodels.tar beside it"
    if {"object-paths.json.gz", "lvis-annotations.json.gz"} & files:
        return "this is the metadata of Objaverse without its models; download glbs/ beside it"
    if "taxonomy.json" in files:
        return "this is the taxonomy of ShapeNet without its synsets; download them beside it"
    if packed := _find(files, _PACKED):
        return f"{packed} is packed; unpack it (of archives, .zip alone is read as it is)"
    if other := _find(files | below, _OTHER_MODELS):
        return f"{other} is of a format that is not read; export models as GLB or OBJ"
    if _find(files | below, _IMAGES):
        return "this holds images; assets.textures names folders of images"
    if not folders and not files:
        return "it is empty"
    return ""


def _find(names: set[str], suffixes: tuple[str, ...]) -> str:
    """The first of the names that has one of these suffixes; "" if there is none."""
    with_suffix = (n for n in sorted(names) if PurePosixPath(n).suffix.lower() in suffixes)
    return next(with_suffix, "")


def is_pointer(data: bytes) -> bool:
    """Whether the content of a file only names what Git LFS has not fetched."""
    return len(data) <= MAX_POINTER_BYTES and data.startswith(_POINTER)
