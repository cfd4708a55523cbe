"""Where assets are: what the user names, the data folder, or the built-in demo set."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from synrender.assets import demo
from synrender.assets.environments import list_environments
from synrender.assets.pbr_sets import list_maps
from synrender.assets.sources.registry import OpenSource, open_source
from synrender.assets.sources.shapenet import SHAPENET_V2
from synrender.assets.sources.source import ModelClass
from synrender.assets.sources.synsets import NAMES, TAXONOMY_FILE
from synrender.assets.textures import LABELS_FILE, Textures, find_images_dir, find_textures
from synrender.assets.tree import Tree
from synrender.errors import UserError
from synrender.settings.checks import SHAPES_NAME
from synrender.settings.groups import Assets, Settings
from synrender.system.folders import DTD_VARIABLE, SHAPENET_VARIABLE, Folders

SHAPENET_NAME, DTD_NAME = "ShapeNetCore.v2", "dtd"
"""Names of the two folders inside the data folder."""

_NUM_SHOWN = 5
"""Classes that a line names."""


@dataclass(frozen=True)
class Place:
    """A folder of models, textures or environments, or a file of models or textures."""

    path: Path
    is_demo: bool
    is_named: bool = False  # by ``assets.*`` or its variable: its layout is to be recognized


@dataclass(frozen=True)
class OpenAssets:
    """The assets that a run names: each is found, opened and listed once, when it is asked for.

    The built-in shapes are made when they are first asked for.

    All data sets of the same `Assets` share it. Each property raises UserError if what it stands
    for is missing, incomplete, or in no layout that is read.
    """

    assets: Assets
    folders: Folders

    @functools.cached_property
    def models_place(self) -> Place:
        """Where the models are."""
        is_shapes = self.assets.models == SHAPES_NAME
        named = str(self.folders.shapes) if is_shapes else self.assets.models
        return _find_named(self.folders.models, named) or _find_place(
            SHAPENET_VARIABLE, self.folders.shapenet, self.folders, SHAPENET_NAME, TAXONOMY_FILE
        )

    @functools.cached_property
    def models(self) -> OpenSource:
        """Models: the layout of those that the user names is recognized, others are ShapeNet's."""
        place = self.models_place
        if place.path == self.folders.shapes:
            demo.ensure_shapes(place.path)
        if place.is_named:
            return open_source(place.path, self.assets.source)
        if place.is_demo and not (place.path / TAXONOMY_FILE).is_file():
            raise UserError(
                f"{place.path / TAXONOMY_FILE}: missing; render.py and distributed_render.py make "
                "it"
            )
        return OpenSource(SHAPENET_V2, Tree(place.path))

    @functools.cached_property
    def classes(self) -> tuple[ModelClass, ...]:
        """All classes of models."""
        return self.models.list_classes()

    @functools.cached_property
    def textures_place(self) -> Place:
        """Where the textures are."""
        return _find_named(self.folders.textures, self.assets.textures) or _find_place(
            DTD_VARIABLE, self.folders.dtd, self.folders, DTD_NAME, str(LABELS_FILE)
        )

    @functools.cached_property
    def textures(self) -> tuple[str, ...]:
        """Names of the textures; see `find_textures`."""
        return self._found_textures.names

    @functools.cached_property
    def _found_textures(self) -> Textures:
        return find_textures(self.textures_place.path)

    @functools.cached_property
    def texture_maps(self) -> dict[str, dict[str, str]]:
        """Names of other maps than the color of each texture; see `list_maps`."""
        found = self._found_textures
        if found.maps is not None:
            return found.maps
        return list_maps(find_images_dir(self.textures_place.path), found.names)

    @functools.cached_property
    def environments_place(self) -> Place:
        """Where the environments are."""
        named = _find_named(self.folders.environments, self.assets.environments)
        return named or Place(self.folders.demo_environments, True)

    @functools.cached_property
    def environments(self) -> dict[str, str]:
        """Names of the environments' files by their ids; see `list_environments`."""
        return list_environments(self.environments_place.path)


def open_assets(settings: Settings, folders: Folders) -> OpenAssets:
    """The assets that settings name. Reads nothing yet."""
    return OpenAssets(settings.assets, folders)


def lacks_in_demo(name: str) -> bool:
    """Whether the demo set lacks a class of ShapeNet, given by its name or id."""
    return any(name in pair and pair[0] not in demo.SYNSET_IDS for pair in NAMES.items())


def uses_environments(settings: Settings) -> bool:
    """Whether samples show an environment; if not, none is looked for."""
    return "environment" in settings.design.decided


def _find_named(explicit: Path | None, setting: str | None) -> Place | None:
    """What a variable names, or else a setting; None: neither does."""
    path = explicit or (Path(setting) if setting else None)
    return Place(path, False, is_named=True) if path else None


def _find_place(
    variable: str, explicit: Path | None, folders: Folders, name: str, needed: str
) -> Place:
    if explicit is not None:
        if not _is_complete(explicit, needed):
            problem = f"it has no {needed}" if explicit.is_dir() else "there is no such folder"
            raise UserError(
                f"{variable} = {explicit}: {problem}; set it to the folder {name}, or unset it "
                "to use the data folder or the demo set"
            )
        return Place(explicit, False)
    folder = folders.data / name
    if _is_complete(folder, needed):
        return Place(folder, False)
    if folder.exists():
        raise UserError(
            f"{folder}: it has no {needed}; add the missing files, or move the folder away"
        )
    return Place(folders.demo / name, True)


def _is_complete(folder: Path, needed: str) -> bool:
    """Whether the needed file is there; the names of ShapeNet's synsets are known without it."""
    is_shapenet = needed == TAXONOMY_FILE
    return (folder / needed).is_file() or (is_shapenet and SHAPENET_V2.recognizes(Tree(folder)))


def ensure_demo_sources(settings: Settings, opened: OpenAssets) -> list[str]:
    """Creates the demo sets that replace missing assets; returns lines to print.

    The lines say where assets come from that nobody, or another layout than ShapeNet's, provides.

    Raises:
        UserError: a configured folder is missing or incomplete.
    """
    folders, found = opened.folders, {"models": opened.models_place}
    if settings.material.use_texture:
        found["textures"] = opened.textures_place
    lines = []
    if opened.models_place.is_named:
        models = opened.models
        lines.append(f"Models: {models.source.title} in {models.tree}{_count_classes(opened)}.")
    if (textures := found.get("textures")) and textures.is_named:
        lines.append(f"Textures: {len(opened.textures)} in {textures.path}.")
    lines += _ensure_environments(settings, opened)
    what = " and ".join(name for name, place in found.items() if place.is_demo)
    if what:
        demo.ensure_demo(folders.demo)
        lines.append(
            f"Using the built-in demo {what}; to use ShapeNet and DTD, put them into "
            f"{folders.data} or set {SHAPENET_VARIABLE} and {DTD_VARIABLE}."
        )
    lacking = list(filter(lacks_in_demo, settings.sample.classes))
    if opened.models_place.is_demo and lacking:
        lines.append(
            f"The demo models have {len(settings.sample.class_list)} of the configuration's "
            f"{len(settings.sample.classes)} classes; the other {len(lacking)} are left out."
        )
    return lines


def _ensure_environments(settings: Settings, opened: OpenAssets) -> list[str]:
    if not uses_environments(settings):
        return []
    place = opened.environments_place
    if not place.is_demo:
        return [f"Environments: {len(opened.environments)} in {place.path}."]
    demo.ensure_demo_environments(place.path)
    return [
        f"Using the built-in demo environments: {', '.join(opened.environments)}; to use others, "
        "set assets.environments."
    ]


def _count_classes(opened: OpenAssets) -> str:
    names = [found.name for found in opened.classes if found.is_there]
    shown = ", ".join(name.split(",")[0] for name in names[:_NUM_SHOWN])
    return f", {len(names)} classes: {shown}" + ", ..." * (len(names) > _NUM_SHOWN)
