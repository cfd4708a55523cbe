"""Catalogs and layouts of models for tests."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from synrender.assets.model_file import ModelFile
from synrender.assets.sources.source import ModelEntry

TETRAHEDRON = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 {}\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 3 1 4\n"


def create_entries(model_ids: Iterable[str]) -> dict[str, ModelEntry]:
    """Models of a class whose files nobody opens."""
    return {name: ModelEntry(name, ModelFile(Path("nowhere", name))) for name in model_ids}


def create_obj(height: float = 1.0) -> bytes:
    """A closed shape."""
    return TETRAHEDRON.format(height).encode()


def write_files(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Writes files by their names below a folder."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def write_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    """Writes an archive of files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path
