"""Amazon Berkeley Objects: ``3dmodels/original/<X>/<id>.glb``; a class is a type of product."""

from __future__ import annotations

import functools
import re

from synrender.assets.sources.packed_lists import unpack_list
from synrender.assets.sources.source import UNLABELED, ModelClass, ModelEntry, Source, find_glbs
from synrender.assets.tree import Tree
from synrender.errors import UserError
from synrender.system.json_text import parse_json

MODELS, LISTINGS = "3dmodels/original", "listings/metadata"
_LISTING = re.compile(r"listings_\w+\.json\.gz")
_HAS_MODEL = b'"3dmodel_id"'
_NAME = re.compile(r"\w{1,64}", re.ASCII)


@functools.lru_cache(maxsize=4)
def _find_models(tree: Tree) -> dict[str, str]:
    """Name of each model's file, by its id."""
    return find_glbs(tree, MODELS, tree.list(MODELS).folders)


@functools.lru_cache(maxsize=4)
def _group_by_class(tree: Tree) -> dict[str, list[str]]:
    """Ids of the models that are there, by class, sorted.

    Raises:
        UserError: a listing is damaged.
    """
    types = _read_product_types(tree)
    classes: dict[str, list[str]] = {}
    for model_id in sorted(_find_models(tree)):
        classes.setdefault(types.get(model_id, UNLABELED), []).append(model_id)
    return dict(sorted(classes.items()))


def _read_product_types(tree: Tree) -> dict[str, str]:
    """Type of product by id of the model; the first listing that names a model counts."""
    types: dict[str, str] = {}
    for name in filter(_LISTING.fullmatch, tree.list(LISTINGS).files):
        file = tree.file(f"{LISTINGS}/{name}")
        for line in unpack_list(file).split(b"\n"):
            if _HAS_MODEL not in line:  # 19 of 20 products have no model
                continue
            try:
                product = parse_json(line)
                model_id, kind = product["3dmodel_id"], product["product_type"][0]["value"]
            except (ValueError, KeyError, TypeError, IndexError) as error:
                raise UserError(f"{file}: not a listing of ABO ({error}); restore it") from None
            if _NAME.fullmatch(str(kind)):
                types.setdefault(str(model_id), str(kind))
    return types


def _list_classes(tree: Tree) -> tuple[ModelClass, ...]:
    named_by = str(tree.file(LISTINGS))
    return tuple(ModelClass(name, name, named_by) for name in _group_by_class(tree))


def _list_models(tree: Tree, model_class: ModelClass) -> tuple[ModelEntry, ...]:
    models, ids = _find_models(tree), _group_by_class(tree)[model_class.key]
    return tuple(ModelEntry(model_id, tree.file(models[model_id])) for model_id in ids)


def _find_missing(tree: Tree) -> str:
    if any(map(_LISTING.fullmatch, tree.list(LISTINGS).files)):
        return ""
    return f"{LISTINGS}/ is not there: models have no classes; unpack abo-listings.tar beside them"


_TITLE = "Amazon Berkeley Objects"
ABO = Source(
    "abo",
    _TITLE,
    lambda tree: bool(_find_models(tree)),
    _list_classes,
    _list_models,
    _TITLE,
    levels=(*MODELS.split("/"), r"\w"),
    find_missing=_find_missing,
)
