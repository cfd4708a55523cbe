"""Rows of a tar of a WebDataset export, at random: where each file lies is looked up once."""

from __future__ import annotations

import json
import mmap
import tarfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synrender.loading.pixel_files import PIXEL_FILES, npy_to_array
from synrender.loading.row_source import Values
from synrender.system.files import open_regular

RECORD = "json"
"""Ending of the file with all columns but those of pixels."""


@dataclass(frozen=True)
class TarRows:
    """The samples of a tar in memory; each has files with the same endings."""

    tar: mmap.mmap
    endings: tuple[str, ...]
    places: np.ndarray  # (n, number of endings, 2) int64: first byte, and end
    columns: Collection[str]

    @property
    def num_rows(self) -> int:
        """Number of samples."""
        return len(self.places)

    def read(self, columns: Sequence[str], rows: np.ndarray) -> dict[str, Values]:
        """Values of some rows by column; see `synrender.loading.export_fields.ExportRows`."""
        found: dict[str, Values] = {}
        for name in columns:
            if name in PIXEL_FILES:
                files = self._read_files(PIXEL_FILES[name].ending, rows)
                found[name] = [*files] if PIXEL_FILES[name].mode else [*map(npy_to_array, files)]
        if names := [name for name in columns if name not in PIXEL_FILES]:
            records = [json.loads(data) for data in self._read_files(RECORD, rows)]
            found |= {name: [record[name] for record in records] for name in names}
        return found

    def _read_files(self, ending: str, rows: np.ndarray) -> Iterator[bytes]:
        for start, stop in self.places[rows, self.endings.index(ending)].tolist():
            yield self.tar[start:stop]


def open_tar(path: Path) -> TarRows:
    """Opens a tar, and looks up its files.

    Raises:
        ValueError: it is none, is cut off, or holds something else than samples.
        tarfile.TarError: likewise.
        OSError: it cannot be read.
    """
    with open_regular(path) as file:
        tar = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        with tarfile.open(fileobj=file, mode="r:") as listed:
            members = listed.getmembers()
    samples: dict[str, dict[str, tuple[int, int]]] = {}
    for member in members:
        key, _, ending = member.name.partition(".")
        start = member.offset_data
        samples.setdefault(key, {})[ending] = start, start + member.size
    endings = next((tuple(files) for files in samples.values()), ())
    if RECORD not in endings or any(tuple(files) != endings for files in samples.values()):
        raise ValueError("its samples have not the same files")
    places = np.array([list(files.values()) for files in samples.values()], np.int64)
    start, stop = places[0, endings.index(RECORD)]
    record = json.loads(tar[start:stop])
    pixels = [name for name, pixel_file in PIXEL_FILES.items() if pixel_file.ending in endings]
    return TarRows(tar, endings, places, (*pixels, *record))
