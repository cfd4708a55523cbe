"""Any folder: ``<class>/<model>.obj``, or ``<class>/<model>/anything.obj``, or one class of models.

Of a model that is there in several formats, the first of `MODEL_SUFFIXES` is read. A folder of
several models that have other names than the folder is no model: it cannot be told which is meant.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from synrender.assets.model_file import MODEL_SUFFIXES
from synrender.assets.sources.source import ModelClass, ModelEntry, Source
from synrender.assets.tree import Tree
from synrender.system.files import is_plain_name

_USUAL_NAMES = ("model", "model_normalized", "mesh")
"""Of a model's file in the model's own folder, besides the folder's."""


def _list_classes(tree: Tree) -> tuple[ModelClass, ...]:
    """Folders with models; if there is none, what holds the models is the only class."""
    folders = [name for name in tree.list().folders if _has_models(tree, name)]
    if not folders and _find_files(tree.list().files):
        return (ModelClass(_name_only_class(tree), _name_only_class(tree), str(tree)),)
    return tuple(ModelClass(name, name, str(tree)) for name in folders)


def _name_only_class(tree: Tree) -> str:
    name = tree.name.removesuffix(".zip")
    return name if is_plain_name(name) else "models"


def _list_models(tree: Tree, model_class: ModelClass) -> tuple[ModelEntry, ...]:
    key = model_class.key
    folder = f"{key}/" if key in tree.list().folders and _has_models(tree, key) else ""
    listed = tree.list(folder.removesuffix("/"))
    files = _find_files(listed.files)
    for name in listed.folders if folder else ():
        if name not in files and (file := _find_file(tree, folder + name)):
            files[name] = f"{name}/{file}"
    return tuple(ModelEntry(name, tree.file(folder + files[name])) for name in sorted(files))


def _has_models(tree: Tree, folder: str) -> bool:
    listed = tree.list(folder)
    if _find_files(listed.files):
        return True
    return any(_find_file(tree, f"{folder}/{name}") for name in listed.folders)


def _find_files(names: Iterable[str]) -> dict[str, str]:
    """Files of models by their names without suffix."""
    found: dict[str, str] = {}
    for name in names:
        path = PurePosixPath(name)
        if path.suffix.lower() in MODEL_SUFFIXES:
            other = found.get(path.stem)
            if other is None or _rank(name) < _rank(other):
                found[path.stem] = name
    return found


def _rank(name: str) -> tuple[int, str]:
    return MODEL_SUFFIXES.index(PurePosixPath(name).suffix.lower()), name


def _find_file(tree: Tree, folder: str) -> str | None:
    """The file of the model that a folder is; None if it is none."""
    files = _find_files(tree.list(folder).files)
    if len(files) == 1:
        return next(iter(files.values()))
    own = folder.rpartition("/")[2]
    return next((files[name] for name in (own, *_USUAL_NAMES) if name in files), None)


ANY_FOLDER = Source(
    "folder",
    "a folder for each class",
    lambda tree: bool(_list_classes(tree)),
    _list_classes,
    _list_models,
)
