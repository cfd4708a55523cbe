"""Where a model's file is, and its content with a bound."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from synrender.errors import shorten
from synrender.system.files import is_plain_name, read_small_file


@dataclass(frozen=True)
class ModelFile:
    """A file that a source of models lists. It need not exist: then its model is rejected."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def suffix(self) -> str:
        """What says its format, such as ".obj"; lower case."""
        return self.path.suffix.lower()

    def read(self, max_bytes: int) -> bytes:
        """Its content.

        Raises:
            ValueError: it is not a regular file, or larger than ``max_bytes``.
            Hindrance: this process cannot read it, which is no fault of the file.
            OSError: it is missing, or its disk cannot read it.
        """
        return read_small_file(self.path, max_bytes)

    def beside(self, name: str) -> ModelFile:
        """The file of a relative name, with slashes, in the folder of this one or below it.

        Raises:
            ValueError: the name leads elsewhere.
        """
        path = self.path.parent / name
        is_inside = all(map(is_plain_name, name.split("/")))
        if not is_inside or not path.resolve().is_relative_to(self.path.parent.resolve()):
            raise ValueError(f"{shorten(name)!r} is not in the model's folder")
        return ModelFile(path)
