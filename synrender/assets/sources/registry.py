"""All layouts of models, and which of them a folder or file has."""

from __future__ import annotations

import contextlib
import itertools
import re
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

_NUM_BELOW, _NUM_SHOWN = 20, 5
"""Folders in one without models that are looked into, and those that a line names."""

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
    """Recognizes the layout of a folder or file from its content, or takes the one of a given name.

    A download may lie in a folder of its own, or in one of the same name.

    Raises:
        UserError: there is no such source, folder or file, or no layout that is known.
    """
    by_name = {source.name: source for source in SOURCES}
    if name and name not in by_name:
        hint = nearest_name(name, by_name)
        raise UserError(f"assets.source = {shorten(repr(name))}: no such source{hint}")
    trees = _unwrap(open_tree(path))
    if name:
        return _recognize(trees, [by_name[name]]) or OpenSource(by_name[name], trees[0])
    if opened := _recognize(trees, SOURCES):
        return opened
    hint = (
        _find_below(trees[-1])
        or next(filter(None, map(find_hint, trees)), "")
        or ("name the folder that they are in; python -m synrender.assets --help lists the layouts")
    )
    raise UserError(f"{path}: no models in a layout that is read; {hint}")


def find_whole(opened: OpenSource) -> OpenSource | None:
    """The set of which an opened folder or archive is only a part, such as one synset.

    Only if it was taken for any folder of models; None: it seems to be no part of a set.
    """
    path = opened.tree.path
    for source in SOURCES if opened.source is ANY_FOLDER else ():
        for depth in range(1, min(len(source.levels), len(path.parts) - 1) + 1):
            names = [*path.parts[-depth:-1], path.name.removesuffix(".zip")]
            if not all(map(re.fullmatch, source.levels, names)):
                continue
            whole = OpenSource(source, Tree(path.parents[depth - 1]))
            with contextlib.suppress(UserError):  # another part of it is damaged
                if source.recognizes(whole.tree) and _holds(whole, path):
                    return whole
    return None


def _holds(opened: OpenSource, path: Path) -> bool:
    """Whether a model of a set is in a folder or archive."""
    return any(
        str(entry.file).startswith(f"{path}/")
        for found in opened.list_classes()
        if found.is_there
        for entry in opened.list_models(found)
    )


def _recognize(trees: Sequence[Tree], sources: Sequence[Source]) -> OpenSource | None:
    """The first layout that one of the trees has."""
    return next(
        (OpenSource(s, tree) for s in sources for tree in trees if s.recognizes(tree)), None
    )


def _find_below(tree: Tree) -> str:
    """Which folders in one without models have some, and what helps; "" if that is not plain."""
    found: dict[str, Source] = {}
    for name in tree.list().folders[:_NUM_BELOW]:
        with contextlib.suppress(UserError):
            if opened := _recognize(_unwrap(tree.enter(name)), SOURCES):
                found[name] = opened.source
    if len(found) > 1:  # folders of models may be parts of one set
        found = {name: source for name, source in found.items() if source is not ANY_FOLDER}
    shown = [f"{name} ({source.title})" for name, source in found.items()]
    return f"name a folder in it: {', '.join(shown[:_NUM_SHOWN])}" if shown else ""


def _unwrap(tree: Tree) -> list[Tree]:
    """The tree, and those within it that are all that it holds."""
    return list(itertools.islice(_enter_wrappers(tree), MAX_WRAPPERS))


def _enter_wrappers(tree: Tree) -> Iterator[Tree]:
    yield tree
    listed = tree.list()
    archives = [name for name in listed.files if name.endswith(".zip")]
    if len(listed.folders) == 1:
        yield from _enter_wrappers(tree.enter(listed.folders[0]))
    elif not listed.folders and len(archives) == 1:
        yield from _enter_wrappers(tree.open_zip(archives[0]))
