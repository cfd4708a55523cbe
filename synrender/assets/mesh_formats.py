"""Reads a model's file by the reader of its format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from synrender.assets.gltf_file import read_gltf
from synrender.assets.material import Look
from synrender.assets.mesh import Mesh
from synrender.assets.model_file import ModelFile
from synrender.assets.obj_file import read_obj
from synrender.assets.ply_file import read_ply
from synrender.assets.stl_file import read_stl
from synrender.errors import RejectedAsset
from synrender.system.files import Unreadable

MAX_BYTES = 1 << 28
"""256 MiB; a model of two million triangles takes about 150 MB as OBJ."""

FindBeside = Callable[[str], ModelFile]
"""A file that the model names, by its relative name; raises ValueError if it leads elsewhere."""

READERS: dict[str, Callable[[bytes, FindBeside, bool], Mesh]] = {
    ".obj": lambda data, find, has_look: read_obj(data, find if has_look else None),
    **dict.fromkeys(
        (".glb", ".gltf"),
        lambda data, find, has_look: read_gltf(
            data, lambda name: _read_beside(find, name), find if has_look else None
        ),
    ),
    ".ply": lambda data, _, has_look: read_ply(data, has_look),
    ".stl": lambda data, _, has_look: read_stl(data),
}
"""By the suffix of the file. Each takes its content, and raises RejectedAsset."""


def read_mesh(file: ModelFile, has_look: bool = False) -> Mesh:
    """Reads the faces of a model.

    Args:
        file: of the model.
        has_look: read what it says about colors, too. It opens MTL files for that, but no image.

    Raises:
        RejectedAsset: the file is missing, not a regular file, too large, of no format that is
            read, or its reader rejects it.
    """
    if file.suffix not in READERS:
        formats = ", ".join(suffix.removeprefix(".").upper() for suffix in READERS)
        raise RejectedAsset(f"{_name(file) or 'a file without suffix'}: {formats} are read")
    mesh = READERS[file.suffix](_read(file), file.beside, has_look)
    if has_look and mesh.look is None:
        return replace(mesh, look=Look(np.zeros(len(mesh.face_sizes), np.int32)))
    return mesh


def _read(file: ModelFile) -> bytes:
    kind = _name(file)
    try:
        return file.read(MAX_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        raise RejectedAsset(f"no {kind} file") from None
    except (OSError, Unreadable) as error:
        raise RejectedAsset(f"{kind} file: {error.strerror}") from None
    except ValueError as error:
        raise RejectedAsset(f"{kind} file: {error}") from None


def _read_beside(find: FindBeside, name: str) -> bytes:
    try:
        return _read(find(name))
    except ValueError as error:
        raise RejectedAsset(str(error)) from None


def _name(file: ModelFile) -> str:
    """Format of a file, such as "OBJ"."""
    return file.suffix.removeprefix(".").upper()
