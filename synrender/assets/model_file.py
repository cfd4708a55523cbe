"""Where a model's file is, and its content with a bound."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from synrender.system.files import read_small_file


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
