"""All layouts of models, and which of them a folder or file has."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from synrender.assets.hints import find_hint
from synrender.assets.sources.abo import ABO
from synrender.assets.sources.any_folder import ANY_FOLDER
from synrender.assets.sources.google_scanned import GOOGLE_SCANNED
from synrender.assets.sources.objaverse import OBJAVERSE
from synrender.assets.sources.omniobject3d import OMNIOBJECT3D
from synrender.assets.sources.shapenet import SHAPENET_GLB, SHAPENET_V1, SHAPENET_V2
from synrender.assets.sources.source import ModelClass, ModelEntry, Source
from synrender.assets.sources.table import TABLE
from synrender.assets.tree import Tree, open_tree
from synrender.errors import UserError, nearest_name, shorten

MAX_WRAPPERS = 3
"""Folders within each other that are looked into."""

SOURCES = (
    TABLE,
    SHAPENET_V2,
    SHAPENET_V1,
    SHAPENET_GLB,
    OBJAVERSE,
    ABO,
    GOOGLE_SCANNED,
    OMNIOBJECT3D,
    ANY_FOLDER,
)
"""In the order in which they are tried: the first that recognizes a folder or file reads it."""


@dataclass(frozen=True)
class OpenSource:
    """A folder or file of models, and its layout."""

    source: Source
    tree: Tree

    def list_classes(self) -> tuple[ModelClass, ...]:
        """All classes that it names."""
        return self.source.list_classes(self.tree)

    def list_models(self, model_class: ModelClass) -> tuple[ModelEntry, ...]:
        """The models of a class, sorted by their ids."""
        return self.source.list_models(self.tree, model_class)

    def credit(self, entries: Sequence[ModelEntry]) -> Sequence[ModelEntry]:
        """The models in the same order, with all that the source states about them."""
        if self.source.credit:
            entries = self.source.credit(self.tree, entries)
        if (origin := self.source.origin) is None:
            return entries
        return [replace(entry, source=entry.source or origin) for entry in entries]


def open_source(path: Path, name: str = "") -> OpenSource:
    """Recognizes the layout of a folder or file from its content.

    A download may lie in a folder of its own, or in one of the same name.

    Args:
        path: of the folder or file.
        name: of a source, which is then not doubted; "": recognize it.

    Raises:
        UserError: there is no such source, folder or file, or no layout that is known.
    """
    by_name = {source.name: source for source in SOURCES}
    if name and name not in by_name:
        hint = nearest_name(name, by_name)
        raise UserError(f"assets.source = {shorten(repr(name))}: no such source{hint}")
    trees = list(itertools.islice(_unwrap(open_tree(path)), MAX_WRAPPERS))
    sources = [by_name[name]] if name else SOURCES
    for source in sources:
        for tree in trees:
            if source.recognizes(tree):
                return OpenSource(source, tree)
    if name:
        return OpenSource(by_name[name], trees[0])
    hint = next(filter(None, map(find_hint, trees)), "") or (
        "name the folder that they are in; python -m synrender.assets --help lists the layouts"
    )
    raise UserError(f"{path}: no models in a layout that is read; {hint}")


def _unwrap(tree: Tree) -> Iterator[Tree]:
    """The tree, and those within it that are all that it holds."""
    yield tree
    listed = tree.list()
    archives = [name for name in listed.files if name.endswith(".zip")]
    if len(listed.folders) == 1:
        yield from _unwrap(tree.enter(listed.folders[0]))
    elif not listed.folders and len(archives) == 1:
        yield from _unwrap(tree.open_zip(archives[0]))
