"""``export.json``, which describes an export: what it holds, in which files, and of what data set.

It is written last: an export without it is not complete.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from synrender.errors import shorten
from synrender.system.files import is_plain_name
from synrender.system.json_text import decode, parse_json

MARKER = "export.json"

MAX_MARKER_BYTES = 1 << 31
"""Ten million files, with 120 bytes each."""

_LINE = re.compile(r"([0-9a-f]{64}) ([0-9]{1,18}) (.+)", re.DOTALL)


@dataclass(frozen=True)
class ExportedFile:
    """A file that holds samples."""

    path: str  # below the folder of the export
    split: str
    num_samples: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class ListedFile:
    """A file of an export as it was written."""

    path: str  # below the folder of the export
    bytes: int
    sha256: str  # hexadecimal

    def to_line(self) -> str:
        """Text for ``export.json``."""
        return f"{self.sha256} {self.bytes} {self.path}"


def parse_line(line: str) -> ListedFile:
    """Reads a line of `ListedFile.to_line`.

    Raises:
        ValueError: it is not such a line.
    """
    match = _LINE.fullmatch(line)
    if not match:
        raise ValueError(f"{line[:100]!r}: must be a SHA-256, a number of bytes and a path")
    return ListedFile(match[3], int(match[2]), match[1])


@dataclass(frozen=True)
class Marker:
    """Content of `MARKER`; or, while the export is written, of a hidden file beside it."""

    dataset: str
    version: str  # of this program
    format: str
    splits: dict[str, int]  # samples of each
    samples_per_piece: int
    fingerprint: str
    files: tuple[ExportedFile, ...] = ()  # that hold the samples, in formats of large files
    listing: tuple[str, ...] = ()  # all files but `MARKER`, `ListedFile.to_line` of each
    planned: tuple[str, ...] = ()  # of the hidden file: paths of the files that will be there
    constants: dict[str, object] = field(default_factory=dict)
    """What is the same in all samples, by the names of columns that are left out for that."""
    info: dict[str, object] = field(default_factory=dict)  # ``dataset.json``, without folders
    keypoint_names: tuple[str, ...] = ()  # see `Dataset.keypoint_names`
    told: dict[str, str] | None = None  # in the card, besides the data; None: it is to be written

    def check(self) -> None:
        """Raises ValueError for impossible values, such as a path that leads out of the folder."""
        if self.samples_per_piece < 1:
            raise ValueError(f"samples_per_piece must be at least 1, is {self.samples_per_piece}")
        for path in self.find_paths():
            if not all(map(is_plain_name, path.split("/"))):
                raise ValueError(f"{shorten(repr(path))} is not a path below the folder")

    def find_listed(self) -> list[ListedFile]:
        """All files of a complete export but `MARKER`; none if an earlier version wrote it."""
        return [parse_line(line) for line in self.listing]

    def find_paths(self) -> set[str]:
        """Paths of all files that the export has or will have, but `MARKER`."""
        listed = (file.path for file in self.find_listed())
        return {*listed, *self.planned, *(file.path for file in self.files)}


def parse_marker(data: bytes) -> Marker:
    """Reads the content of `MARKER`.

    Raises:
        ValueError: it is damaged, or no marker of this program.
    """
    marker = decode(Marker, parse_json(data))
    marker.check()
    return marker
