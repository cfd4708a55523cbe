"""OmniObject3D: ``raw_scans/<category>/<object>/Scan/Scan.obj``."""

from __future__ import annotations

from synrender.assets.sources.source import ModelClass, ModelEntry, Source
from synrender.assets.tree import Tree

MODEL_FOLDER, MODEL_FILE = "Scan", "Scan.obj"


def _find_scans(tree: Tree) -> Tree:
    """What holds the categories: the folder of raw scans, or what the user named."""
    return tree.enter("raw_scans") if "raw_scans" in tree.list().folders else tree


def _has_models(scans: Tree, category: str) -> bool:
    return any(
        MODEL_FOLDER in scans.list(f"{category}/{name}").folders
        for name in scans.list(category).folders
    )


def _recognizes(tree: Tree) -> bool:
    scans = _find_scans(tree)
    return any(_has_models(scans, category) for category in scans.list().folders)


def _list_classes(tree: Tree) -> tuple[ModelClass, ...]:
    scans = _find_scans(tree)
    categories = [c for c in scans.list().folders if _has_models(scans, c)]
    return tuple(ModelClass(category, category, str(scans)) for category in categories)


def _list_models(tree: Tree, model_class: ModelClass) -> tuple[ModelEntry, ...]:
    category = _find_scans(tree).enter(model_class.key)
    return tuple(
        ModelEntry(name, category.file(f"{name}/{MODEL_FOLDER}/{MODEL_FILE}"))
        for name in category.list().folders
        if MODEL_FOLDER in category.list(name).folders
    )


_TITLE = "OmniObject3D"
OMNIOBJECT3D = Source(
    "omniobject3d",
    _TITLE,
    _recognizes,
    _list_classes,
    _list_models,
    _TITLE,
    levels=("raw_scans", ".+", ".+", MODEL_FOLDER),
)
