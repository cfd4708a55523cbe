"""Reads a model's file by the reader of its format."""

from __future__ import annotations

from collections.abc import Callable

from synrender.assets.gltf_file import read_gltf
from synrender.assets.mesh import Mesh
from synrender.assets.model_file import ModelFile
from synrender.assets.obj_file import read_obj
from synrender.assets.ply_file import read_ply
from synrender.assets.stl_file import read_stl
from synrender.errors import RejectedAsset
from synrender.system.files import Unreadable

MAX_BYTES = 1 << 28
"""256 MiB; a model of two million triangles takes about 150 MB as OBJ."""

ReadBeside = Callable[[str], bytes]
"""Content of a file that the model names, by its relative name; raises RejectedAsset."""

READERS: dict[str, Callable[[bytes, ReadBeside], Mesh]] = {
    ".obj": lambda data, _: read_obj(data),
    ".glb": read_gltf,
    ".gltf": read_gltf,
    ".ply": lambda data, _: read_ply(data),
    ".stl": lambda data, _: read_stl(data),
}
"""By the suffix of the file. Each takes its content, and raises RejectedAsset."""


def read_mesh(file: ModelFile) -> Mesh:
    """Reads the faces of a model.

    Raises:
        RejectedAsset: the file is missing, not a regular file, too large, of no format that is
            read, or its reader rejects it.
    """
    if file.suffix not in READERS:
        formats = ", ".join(suffix.removeprefix(".").upper() for suffix in READERS)
        raise RejectedAsset(f"{_name(file) or 'a file without suffix'}: {formats} are read")
    return READERS[file.suffix](_read(file), lambda name: _read(_find_beside(file, name)))


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


def _find_beside(file: ModelFile, name: str) -> ModelFile:
    try:
        return file.beside(name)
    except ValueError as error:
        raise RejectedAsset(str(error)) from None


def _name(file: ModelFile) -> str:
    """Format of a file, such as "OBJ"."""
    return file.suffix.removeprefix(".").upper()
