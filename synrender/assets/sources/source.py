"""What a module of this folder says of a layout of models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from synrender.assets.model_file import ModelFile
from synrender.assets.tree import Tree

UNLABELED = "unlabeled"
"""The class of models of which a source says none."""


@dataclass(frozen=True)
class ModelClass:
    """A class of models."""

    key: str  # in records: a synset id, or the name of a folder
    name: str  # as the source names it
    named_by: str  # the file or folder that does, for messages
    is_there: bool = True  # False: it is named, but has no models


@dataclass(frozen=True)
class ModelEntry:
    """A model."""

    model_id: str  # in records; unique in its class
    file: ModelFile
    license: str | None = None  # in words of the source; None: it states none
    creator: str | None = None
    split: str | None = None  # train, validation or test; None: whichever
    source: str | None = None  # what set it is from; None: not stated
    title: str | None = None  # what its creator calls it
    up: str | None = None  # axis of the file that is up: "y" or "z"; None: not stated


def find_glbs(tree: Tree, folder: str, parts: Iterable[str]) -> dict[str, str]:
    """Names of the files ``<folder>/<part>/<id>.glb`` below a tree, by their ids."""
    return {
        name.removesuffix(".glb"): f"{folder}/{part}/{name}"
        for part in parts
        for name in tree.list(f"{folder}/{part}").files
        if name.endswith(".glb")
    }


@dataclass(frozen=True)
class Source:
    """A layout of models. All functions take the tree of what the user names."""

    name: str  # in ``assets.source``
    title: str  # in messages
    recognizes: Callable[[Tree], bool]
    list_classes: Callable[[Tree], tuple[ModelClass, ...]]
    list_models: Callable[[Tree, ModelClass], tuple[ModelEntry, ...]]  # sorted by their ids
    origin: str | None = None  # what set all its models are from; None: any may have this layout
    credit: Callable[[Tree, Sequence[ModelEntry]], Sequence[ModelEntry]] | None = None
    """Gives models what takes long to read: license, creator and title. None: `list_models` did."""
    usual_up: str = "y"  # axis that is up in most of its files
    levels: tuple[str, ...] = ()  # patterns of the names of folders between its root and a model
    find_missing: Callable[[Tree], str] = lambda tree: ""
    """What a partial download lacks besides models, and what then is unknown; "" if nothing."""
