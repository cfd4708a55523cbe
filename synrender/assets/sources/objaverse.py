"""Objaverse 1.0: ``glbs/000-023/<uid>.glb``, with classes of LVIS for some of the models."""

from __future__ import annotations

import functools
import re

from synrender.assets.sources.packed_lists import unpack_list
from synrender.assets.sources.source import UNLABELED, ModelClass, ModelEntry, Source, find_glbs
from synrender.assets.tree import Tree
from synrender.errors import UserError
from synrender.system.json_text import decode, parse_json

CLASSES_FILE = "lvis-annotations.json.gz"
_PART = re.compile(r"\d{3}-\d{3}")


def _find_parts(tree: Tree) -> list[str]:
    """Folders of models below ``glbs``."""
    return [name for name in tree.list("glbs").folders if _PART.fullmatch(name)]


@functools.lru_cache(maxsize=4)
def _find_models(tree: Tree) -> dict[str, str]:
    """Name of each model's file, by its uid."""
    return find_glbs(tree, "glbs", _find_parts(tree))


@functools.lru_cache(maxsize=4)
def _read_classes(tree: Tree) -> dict[str, list[str]]:
    """Uids by class, sorted; of models that are not there, too.

    Raises:
        UserError: the file of classes is damaged.
    """
    if CLASSES_FILE not in tree.list().files:
        return {UNLABELED: sorted(_find_models(tree))}
    file = tree.file(CLASSES_FILE)
    data = unpack_list(file)
    try:
        classes = decode(dict[str, tuple[str, ...]], parse_json(data))
    except ValueError as error:
        raise UserError(f"{file}: not Objaverse's classes ({error}); download it again") from None
    return {name: sorted(set(uids)) for name, uids in sorted(classes.items())}


def _list_classes(tree: Tree) -> tuple[ModelClass, ...]:
    models, named_by = _find_models(tree), str(tree.file(CLASSES_FILE))
    return tuple(
        ModelClass(name, name, named_by, any(uid in models for uid in uids))
        for name, uids in _read_classes(tree).items()
    )


def _list_models(tree: Tree, model_class: ModelClass) -> tuple[ModelEntry, ...]:
    models, uids = _find_models(tree), _read_classes(tree)[model_class.key]
    return tuple(ModelEntry(uid, tree.file(models[uid])) for uid in uids if uid in models)


OBJAVERSE = Source(
    "objaverse", "Objaverse 1.0", lambda tree: bool(_find_parts(tree)), _list_classes, _list_models
)
