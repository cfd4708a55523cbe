"""Amazon Berkeley Objects: ``3dmodels/original/<X>/<id>.glb``; a class is a type of product."""

from __future__ import annotations

import functools
import re

from synrender.assets.sources.source import (
    UNLABELED,
    ModelEntry,
    Source,
    find_glbs,
    list_group_classes,
    list_group_models,
    unpack_list,
)
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
def _group_by_class(tree: Tree) -> dict[str, tuple[ModelEntry, ...]]:
    """The models that are there.

    Raises:
        UserError: a listing is damaged.
    """
    types = _read_product_types(tree)
    classes: dict[str, list[ModelEntry]] = {}
    for model_id, name in sorted(_find_models(tree).items()):
        entries = classes.setdefault(types.get(model_id, UNLABELED), [])
        entries.append(ModelEntry(model_id, tree.file(name)))
    return {name: tuple(entries) for name, entries in sorted(classes.items())}


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


def _find_missing(tree: Tree) -> str:
    if any(map(_LISTING.fullmatch, tree.list(LISTINGS).files)):
        return ""
    return f"{LISTINGS}/ is not there: models have no classes; unpack abo-listings.tar beside them"


_TITLE = "Amazon Berkeley Objects"
ABO = Source(
    "abo",
    _TITLE,
    lambda tree: bool(_find_models(tree)),
    list_group_classes(_group_by_class, LISTINGS),
    list_group_models(_group_by_class),
    _TITLE,
    levels=(*MODELS.split("/"), r"\w"),
    find_missing=_find_missing,
)
