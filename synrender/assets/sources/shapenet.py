"""ShapeNetCore in its three forms, unpacked or not.

The Hugging Face Hub has an archive for each synset, shapenet.org one for all of them. The forms
differ in where a model's file is.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from synrender.assets.sources.source import ModelClass, ModelEntry, Source
from synrender.assets.sources.synsets import find_synset, find_synsets, list_synsets
from synrender.assets.tree import Tree

MODEL_FILE = "models/model_normalized.obj"
_OLD_MODEL_FILE = "model.obj"
_NUM_TRIED = 5
"""Models that are looked at; some of a download may lack their files."""


def _find_first_synset(tree: Tree) -> Tree | None:
    return next((find_synset(tree, synset_id) for synset_id in find_synsets(tree)[:1]), None)


def _recognizes(tree: Tree, file: str) -> bool:
    """Whether the folder of a model holds what the path of a model's file begins with."""
    if (synset := _find_first_synset(tree)) is None:
        return False
    models = map(synset.list, synset.list().folders[:_NUM_TRIED])
    name, is_in_folder, _ = file.partition("/")
    return any(name in (model.folders if is_in_folder else model.files) for model in models)


def _recognizes_glb(tree: Tree) -> bool:
    return (synset := _find_first_synset(tree)) is not None and any(
        name.endswith(".glb") for name in synset.list().files
    )


def _list_folders(tree: Tree, model_class: ModelClass, file: str) -> tuple[ModelEntry, ...]:
    """A model in each folder of a synset, whether its file is there or not."""
    synset, levels = find_synset(tree, model_class.key), file.count("/")
    return tuple(
        ModelEntry(m, replace(synset.file(f"{m}/{file}"), levels=levels))
        for m in synset.list().folders
    )


def _list_glb(tree: Tree, model_class: ModelClass) -> tuple[ModelEntry, ...]:
    synset = find_synset(tree, model_class.key)
    names = [name for name in synset.list().files if name.endswith(".glb")]
    return tuple(ModelEntry(name.removesuffix(".glb"), synset.file(name)) for name in names)


_SYNSET = r"\d{8}"
SHAPENET_V2 = Source(
    "shapenet-v2",
    "ShapeNetCore.v2",
    partial(_recognizes, file=MODEL_FILE),
    list_synsets,
    partial(_list_folders, file=MODEL_FILE),
    levels=(_SYNSET, ".+", "models"),
)
SHAPENET_V1 = Source(
    "shapenet-v1",
    "ShapeNetCore.v1",
    partial(_recognizes, file=_OLD_MODEL_FILE),
    list_synsets,
    partial(_list_folders, file=_OLD_MODEL_FILE),
    levels=(_SYNSET, ".+"),
)
SHAPENET_GLB = Source(
    "shapenet-glb",
    "ShapeNetCore as GLB",
    _recognizes_glb,
    list_synsets,
    _list_glb,
    levels=(_SYNSET,),
)
