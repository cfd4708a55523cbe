"""Reads a model's file by the reader of its format."""

from __future__ import annotations

from collections.abc import Callable

from synrender.assets.mesh import Mesh
from synrender.assets.model_file import ModelFile
from synrender.assets.obj_file import read_obj
from synrender.errors import RejectedAsset
from synrender.system.hindrances import Unreadable

MAX_BYTES = 1 << 28
"""256 MiB; a model of two million triangles takes about 150 MB as OBJ."""

READERS: dict[str, Callable[[bytes], Mesh]] = {".obj": read_obj}
"""By the suffix of the file. Each takes its content, and raises RejectedAsset."""


def read_mesh(file: ModelFile) -> Mesh:
    """Reads the faces of a model.

    Raises:
        RejectedAsset: the file is missing, not a regular file, too large, of no format that is
            read, or its reader rejects it.
    """
    kind = file.suffix.removeprefix(".").upper()
    if file.suffix not in READERS:
        formats = ", ".join(suffix.removeprefix(".").upper() for suffix in READERS)
        raise RejectedAsset(f"{kind or 'a file without suffix'}: {formats} is read")
    try:
        data = file.read(MAX_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        raise RejectedAsset(f"no {kind} file") from None
    except (OSError, Unreadable) as error:
        raise RejectedAsset(f"{kind} file: {error.strerror}") from None
    except ValueError as error:
        raise RejectedAsset(f"{kind} file: {error}") from None
    return READERS[file.suffix](data)
