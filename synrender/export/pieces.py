"""What is exported, and how it is cut into pieces: plain values that go to other processes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synrender.dataset.info import info_to_json
from synrender.export.png_samples import find_sample_bytes, read_rows
from synrender.loading.dataset import Dataset

MAX_PIECE_ROWS = 10_000
"""Samples of a piece at most, however small they are."""

_NUM_PROBED = 32


@dataclass(frozen=True)
class Piece:
    """Consecutive rows of one split that are finished together, such as a file of the export."""

    split: str
    number: int  # among the pieces of its split
    count: int  # of pieces of its split
    rows: range  # of the whole data set


@dataclass(frozen=True)
class ExportedFile:
    """A file that holds samples."""

    path: str  # below the folder of the export
    split: str
    num_samples: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Job:
    """One export."""

    dataset_path: Path  # what `open_dataset` reads
    out: Path
    format: str
    split_ends: tuple[tuple[str, int], ...]  # by name, as in `Dataset.split_ends`
    piece_rows: int  # samples of a piece, at most
    fingerprint: str  # of the data set that is read

    @property
    def split_rows(self) -> dict[str, range]:
        """Rows of each split, by its name."""
        starts = (0, *(end for _, end in self.split_ends))
        return {
            name: range(start, end)
            for start, (name, end) in zip(starts, self.split_ends, strict=False)
        }

    @property
    def splits(self) -> list[str]:
        """Names of the splits that have samples."""
        return [name for name, rows in self.split_rows.items() if rows]

    @property
    def num_rows(self) -> int:
        """Samples in all splits."""
        return self.split_ends[-1][1]

    @property
    def pieces(self) -> list[Piece]:
        """All pieces, split by split."""
        found = []
        for name, rows in self.split_rows.items():
            starts = rows[:: self.piece_rows]
            for k, start in enumerate(starts):
                stop = min(start + self.piece_rows, rows.stop)
                found.append(Piece(name, k, len(starts), range(start, stop)))
        return found

    def to_values(self) -> dict[str, object]:
        """What must be the same for an export to go on, for JSON."""
        return {
            "format": self.format,
            "splits": {name: len(rows) for name, rows in self.split_rows.items()},
            "samples_per_piece": self.piece_rows,
            "fingerprint": self.fingerprint,
        }


def plan_job(data: Dataset, out: Path, form: str, piece_bytes: int) -> Job:
    """Cuts a data set into pieces of a bounded size.

    Args:
        data: all splits of the data set.
        out: folder of the export.
        form: name of the format.
        piece_bytes: size of a piece, at most; the largest of some samples is taken for all, so
            most pieces are smaller.

    Raises:
        UserError: a sample is damaged.
    """
    rows = np.unique(np.linspace(0, len(data) - 1, min(_NUM_PROBED, len(data))).astype(int))
    largest = max(map(find_sample_bytes, read_rows(data, rows)))
    return Job(
        data.path,
        out,
        form,
        tuple(data.split_ends.items()),
        max(1, min(MAX_PIECE_ROWS, piece_bytes // largest)),
        fingerprint(data),
    )


def fingerprint(data: Dataset) -> str:
    """SHA-256 of what a data set holds, as far as its description and its files' sizes tell."""
    sizes = [(path.name, path.stat().st_size) for path in data.files if path.is_file()]
    text = f"{info_to_json(data.info)}{data.split_ends}{sizes}"
    return hashlib.sha256(text.encode()).hexdigest()


def cut_rows(rows: range, size: int) -> Iterator[range]:
    """Consecutive ranges of at most ``size`` rows."""
    return (range(start, min(start + size, rows.stop)) for start in rows[::size])
