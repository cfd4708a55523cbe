"""ShapeNetCore.v2: ``<synset>/<model>/models/model_normalized.obj``, unpacked or not.

The Hugging Face Hub has an archive for each synset, shapenet.org one for all of them.
"""

from __future__ import annotations

from synrender.assets.sources.source import ModelClass, ModelEntry, Source
from synrender.assets.sources.synsets import find_synset, find_synsets, list_synsets
from synrender.assets.tree import Tree

MODEL_FILE = "models/model_normalized.obj"
_NUM_TRIED = 5
"""Models that are looked at; some of a download may lack their files."""


def _recognizes(tree: Tree) -> bool:
    """Whether a synset's models have a folder of models."""
    for synset_id in find_synsets(tree)[:1]:
        synset = find_synset(tree, synset_id)
        tried = synset.list().folders[:_NUM_TRIED]
        return any("models" in synset.list(model).folders for model in tried)
    return False


def _list_models(tree: Tree, model_class: ModelClass) -> tuple[ModelEntry, ...]:
    synset = find_synset(tree, model_class.key)
    return tuple(ModelEntry(m, synset.file(f"{m}/{MODEL_FILE}")) for m in synset.list().folders)


SHAPENET_V2 = Source("shapenet-v2", "ShapeNetCore.v2", _recognizes, list_synsets, _list_models)
