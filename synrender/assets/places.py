"""Where assets are: what the user names, the data folder, or the built-in demo set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from synrender.assets import demo
from synrender.assets.environments import list_environments
from synrender.assets.sources.registry import OpenSource, open_source
from synrender.assets.sources.shapenet import SHAPENET_V2
from synrender.assets.sources.synsets import TAXONOMY_FILE
from synrender.assets.textures import LABELS_FILE, list_textures
from synrender.assets.tree import Tree
from synrender.errors import UserError
from synrender.settings.groups import Settings
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


def find_models(settings: Settings, folders: Folders) -> Place:
    """Where the models are.

    Raises:
        UserError: a folder of ShapeNet's models is missing or incomplete.
    """
    if folders.models:
        return Place(folders.models, False, True)
    if settings.assets.models:
        return Place(Path(settings.assets.models), False, True)
    return _find_place(SHAPENET_VARIABLE, folders.shapenet, folders, SHAPENET_NAME, TAXONOMY_FILE)


def open_models(place: Place, settings: Settings) -> OpenSource:
    """Recognizes the layout of models that the user names; all others are ShapeNetCore.v2.

    Raises:
        UserError: there are none in a layout that is read.
    """
    if place.is_named:
        return open_source(place.path, settings.assets.source)
    if place.is_demo and not (place.path / TAXONOMY_FILE).is_file():
        raise UserError(
            f"{place.path / TAXONOMY_FILE}: missing; render.py and distributed_render.py make it"
        )
    return OpenSource(SHAPENET_V2, Tree(place.path))


def find_textures(settings: Settings, folders: Folders) -> Place:
    """Where the textures are.

    Raises:
        UserError: DTD's folder is missing or incomplete.
    """
    if folders.textures:
        return Place(folders.textures, False, True)
    if settings.assets.textures:
        return Place(Path(settings.assets.textures), False, True)
    return _find_place(DTD_VARIABLE, folders.dtd, folders, DTD_NAME, str(LABELS_FILE))


def uses_environments(settings: Settings) -> bool:
    """Whether samples show an environment; if not, none is looked for."""
    return "environment" in settings.design.decided


def find_environments(settings: Settings, folders: Folders) -> Place:
    """Where the environments are."""
    if folders.environments:
        return Place(folders.environments, False, True)
    if settings.assets.environments:
        return Place(Path(settings.assets.environments), False, True)
    return Place(folders.demo_environments, True)


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


def ensure_demo_sources(settings: Settings, folders: Folders) -> list[str]:
    """Creates the demo sets that replace missing assets; returns lines to print.

    The lines say where assets come from that nobody, or another layout than ShapeNet's, provides.

    Raises:
        UserError: a configured folder is missing or incomplete.
    """
    place = find_models(settings, folders)
    found = {"models": place}
    if settings.material.use_texture:
        found["textures"] = find_textures(settings, folders)
    lines = []
    if place.is_named:
        opened = open_models(place, settings)
        lines.append(f"Models: {opened.source.title} in {opened.tree}{_count_classes(opened)}.")
    if (textures := found.get("textures")) and textures.is_named:
        lines.append(f"Textures: {len(list_textures(textures.path))} in {textures.path}.")
    lines += _ensure_environments(settings, folders)
    what = " and ".join(name for name, place in found.items() if place.is_demo)
    if what:
        demo.ensure_demo(folders.demo)
        lines.append(
            f"Using the built-in demo {what}; to use ShapeNet and DTD, put them into "
            f"{folders.data} or set {SHAPENET_VARIABLE} and {DTD_VARIABLE}."
        )
    return lines


def _ensure_environments(settings: Settings, folders: Folders) -> list[str]:
    if not uses_environments(settings):
        return []
    place = find_environments(settings, folders)
    if place.is_demo:
        demo.ensure_demo_environments(place.path)
    found = list_environments(place.path)
    if place.is_demo:
        return [
            f"Using the built-in demo environments: {', '.join(found)}; to use others, set "
            "assets.environments."
        ]
    return [f"Environments: {len(found)} in {place.path}."]


def _count_classes(opened: OpenSource) -> str:
    names = [found.name for found in opened.list_classes() if found.is_there]
    shown = ", ".join(name.split(",")[0] for name in names[:_NUM_SHOWN])
    return f", {len(names)} classes: {shown}" + ", ..." * (len(names) > _NUM_SHOWN)
