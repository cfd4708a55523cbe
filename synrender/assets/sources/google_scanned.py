"""Google Scanned Objects: a folder or a zip archive for each model.

Each holds ``meshes/model.obj``, and ``metadata.pbtxt`` with the category, license and author.
"""

from __future__ import annotations

import functools
import re
from dataclasses import replace

from synrender.assets.sources.source import (
    UNLABELED,
    ModelEntry,
    Source,
    list_group_classes,
    list_group_models,
)
from synrender.assets.tree import Tree
from synrender.errors import shorten
from synrender.settings.checks import MAX_TEXT

MODEL_FILE, METADATA_FILE = "meshes/model.obj", "metadata.pbtxt"
TEXTURES_FOLDER = "materials/textures"
"""Where the textures are that the MTL looks for beside the model."""

MAX_METADATA_BYTES = 1 << 20
"""Google's take 1 kB."""

_NUM_TRIED = 5
"""Folders and archives that are looked at; some of a download may be incomplete."""

_TEXT = r'"((?:[^"\\\n]|\\.)*)"'
_CATEGORY = re.compile(r"^categories\s*\{[^{}]*?\bfirst:\s*" + _TEXT, re.MULTILINE)
_LICENSE = re.compile(r"^legal\s*\{[^{}]*?\blicense:\s*" + _TEXT, re.MULTILINE)
_AUTHOR = re.compile(r"^authors\s*\{[^{}]*?\bname:\s*" + _TEXT, re.MULTILINE)


def _recognizes(tree: Tree) -> bool:
    listed = tree.list()
    archives = [name for name in listed.files if name.endswith(".zip")]
    return any(
        _has_model(model)
        for model in (
            *map(tree.enter, listed.folders[:_NUM_TRIED]),
            *map(tree.open_zip, archives[:_NUM_TRIED] if tree.can_open_zips else ()),
        )
    )


def _has_model(model: Tree) -> bool:
    return "model.obj" in model.list("meshes").files


@functools.lru_cache(maxsize=1)
def _list_by_category(tree: Tree) -> dict[str, tuple[ModelEntry, ...]]:
    """All models by their category, sorted by their names."""
    listed = tree.list()
    models = {name: tree.enter(name) for name in listed.folders}
    for name in listed.files if tree.can_open_zips else ():
        if name.endswith(".zip"):
            models.setdefault(name.removesuffix(".zip"), tree.open_zip(name))
    found: dict[str, list[ModelEntry]] = {}
    for name in sorted(models):
        if _has_model(models[name]):
            category, entry = _describe(name, models[name])
            found.setdefault(category, []).append(entry)
    return {category: tuple(entries) for category, entries in sorted(found.items())}


def _describe(name: str, model: Tree) -> tuple[str, ModelEntry]:
    """Category and entry of a model; what its metadata do not say is not stated."""
    try:
        text = model.file(METADATA_FILE).read(MAX_METADATA_BYTES).decode(errors="replace")
    except (OSError, ValueError):
        text = ""
    category, license, creator = (_find(k, text) for k in (_CATEGORY, _LICENSE, _AUTHOR))
    key = (category or UNLABELED).replace("/", " ").strip(". ") or UNLABELED
    file = replace(model.file(MODEL_FILE), levels=1, others=(TEXTURES_FOLDER,))
    return key, ModelEntry(name, file, license, creator)


def _find(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.search(text)
    return shorten(match[1], MAX_TEXT // 2) or None if match else None


_TITLE = "Google Scanned Objects"
GOOGLE_SCANNED = Source(
    "google-scanned",
    _TITLE,
    _recognizes,
    list_group_classes(_list_by_category),
    list_group_models(_list_by_category),
    _TITLE,
    usual_up="z",  # they are made for Gazebo
    levels=(".+", "meshes"),
)
