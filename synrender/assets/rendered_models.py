"""Finds the models that a data set was rendered from, wherever they are now."""

from __future__ import annotations

import functools
import re
from pathlib import Path

from synrender.assets.model_file import ModelFile
from synrender.assets.provenance import DEFAULT_LAYOUT
from synrender.assets.sources.registry import open_source
from synrender.errors import UserError
from synrender.system.folders import MODELS_VARIABLE, Folders

DEMO_SOURCE = re.compile(r"demo, version (\d+)")
"""What `dataset.json` calls the demo models and textures."""

_open_source = functools.lru_cache(maxsize=1)(open_source)


def find_rendered_models(source: str, folders: Folders, layout: str = DEFAULT_LAYOUT) -> Path:
    """Folder or file of the models that `dataset.json` calls ``source``.

    Raises:
        UserError: it does not exist, or holds another version of the demo models.
    """
    if match := DEMO_SOURCE.fullmatch(source):
        root = folders.demo
        try:
            found = (root / "version").read_text(encoding="ascii").strip()
        except OSError:
            found = "none"
        if found != match[1]:
            raise UserError(
                f"{root}: version {found} of the demo models, the data set was rendered from "
                f"version {match[1]}; render the data set again with --overwrite"
            )
        return root / "ShapeNetCore.v2"
    shapenet = folders.shapenet if layout == DEFAULT_LAYOUT else None
    path = folders.models or shapenet or Path(source)
    if not path.exists():
        raise UserError(
            f"{path}: no such folder or file, the data set's models were there; set "
            f"{MODELS_VARIABLE} to where they are now"
        )
    return path.absolute()


def find_model_file(path: Path, layout: str, synset_id: str, model_id: str) -> ModelFile:
    """File of a model, by the key of its class and its id; one that is not listed need not exist.

    The path is that of `find_rendered_models`, and the layout the name of a source.
    """
    files = _list_files(path, layout, synset_id)
    return files.get(model_id) or ModelFile(path / synset_id / model_id)


@functools.lru_cache(maxsize=64)
def _list_files(path: Path, layout: str, synset_id: str) -> dict[str, ModelFile]:
    """Files of the models of a class, by their ids."""
    opened = _open_source(path, layout)
    return {
        entry.model_id: entry.file
        for found in opened.list_classes()
        if found.key == synset_id and found.is_there
        for entry in opened.list_models(found)
    }
