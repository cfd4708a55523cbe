"""Objaverse 1.0: ``glbs/000-023/<uid>.glb``, with classes of LVIS for some of the models."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Sequence
from dataclasses import replace

from synrender.assets.model_file import ModelFile
from synrender.assets.sources.source import (
    UNLABELED,
    ModelClass,
    ModelEntry,
    Source,
    find_glbs,
    unpack_list,
)
from synrender.assets.tree import Tree
from synrender.errors import UserError, shorten
from synrender.settings.checks import MAX_TEXT
from synrender.system.json_text import decode, parse_json

CLASSES_FILE = "lvis-annotations.json.gz"
_PART = re.compile(r"\d{3}-\d{3}")
_ENTRY = re.compile(r'"([0-9a-f]{32})":\s?\{')
_DECODER = json.JSONDecoder()
_CC_BY = ("by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd")
_LICENSES = {"cc0": "CC0-1.0", **{name: f"CC-{name.upper()}-4.0" for name in _CC_BY}}
"""Licenses by the names that Sketchfab, where the models are from, gives them."""


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


# --- who made them --------------------------------------------------------------------------------


def _credit(tree: Tree, entries: Sequence[ModelEntry]) -> Sequence[ModelEntry]:
    """License, creator and name of each model, from the metadata of the parts that they lie in.

    Raises:
        UserError: a file of metadata is damaged.
    """
    models, there = _find_models(tree), set(tree.list("metadata").files)
    by_file: dict[str, set[str]] = {}
    for entry in entries:
        part = models[entry.model_id].split("/")[-2]
        by_file.setdefault(f"{part}.json.gz", set()).add(entry.model_id)
    known: dict[str, dict[str, object]] = {}
    for name in sorted(by_file.keys() & there):
        known |= _read_metadata(tree.file(f"metadata/{name}"), by_file[name])
    return [_state(entry, known.get(entry.model_id, {})) for entry in entries]


def _read_metadata(file: ModelFile, uids: set[str]) -> dict[str, dict[str, object]]:
    """What a file says of some models.

    It is 20 MB of JSON about 5,000 models, of which few may be wanted: only their entries are read.
    """
    text = unpack_list(file).decode(errors="replace")
    found: dict[str, dict[str, object]] = {}
    for match in _ENTRY.finditer(text):
        if match[1] in uids and match[1] not in found:
            try:
                entry, _ = _DECODER.raw_decode(text, match.end() - 1)
            except (ValueError, RecursionError):
                raise UserError(
                    f"{file}: not Objaverse's metadata (of {match[1]}); download it again"
                ) from None
            found[match[1]] = entry
    return found


def _state(entry: ModelEntry, metadata: dict[str, object]) -> ModelEntry:
    user = metadata.get("user")
    license, title = _clean(metadata.get("license")), _clean(metadata.get("name"))
    creator = _clean(user.get("username")) if isinstance(user, dict) else None
    license = _LICENSES.get(license or "", license)
    return replace(entry, license=license, creator=creator, title=title)


def _clean(value: object) -> str | None:
    """A text in one line; None if it is none."""
    return shorten(value, MAX_TEXT // 2) or None if isinstance(value, str) else None


def _find_missing(tree: Tree) -> str:
    listed = tree.list()
    if CLASSES_FILE not in listed.files:
        return f"{CLASSES_FILE} is not there: models have no classes; download it beside glbs/"
    if "metadata" not in listed.folders:
        return "metadata/ is not there: licenses are unknown; download it beside glbs/"
    return ""


_TITLE = "Objaverse 1.0"
OBJAVERSE = Source(
    "objaverse",
    _TITLE,
    lambda tree: bool(_find_parts(tree)),
    _list_classes,
    _list_models,
    _TITLE,
    _credit,
    levels=("glbs", _PART.pattern),
    find_missing=_find_missing,
)
