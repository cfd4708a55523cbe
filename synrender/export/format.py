"""How a data set is cut into the pieces of an export, and what a format makes of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synrender.dataset.info import info_to_json
from synrender.errors import UserError, shorten
from synrender.export.columns import Content
from synrender.export.png_samples import find_sample_bytes, read_rows
from synrender.loading.dataset import Dataset
from synrender.loading.row_source import Sample
from synrender.system.files import open_regular
from synrender.system.json_text import parse_json

MAX_LINE_BYTES = 1 << 28
"""Of a record: 255 masks of an image of 16,384 px."""

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


# --- formats --------------------------------------------------------------------------------------


PIECES_DIR = ".pieces"
"""Where formats of many small files keep the records of finished pieces until all are there."""


Node = dict[str, Any]
"""Of Croissant's metadata, in JSON-LD."""


@dataclass(frozen=True)
class CroissantParts:
    """The files of an export, and the tables that they hold."""

    files: tuple[Node, ...]
    record_sets: tuple[Node, ...]


@dataclass(frozen=True)
class Format:
    """How samples become the files of an export."""

    name: str
    packages: tuple[str, ...]  # that it needs, as Python imports them
    refuse: Callable[[Content], str]  # why such a data set cannot be exported; "": it can
    piece_path: Callable[[Path, Piece], Path]  # folder of the export: file that ends a piece
    list_paths: Callable[[Job, Content, Dataset], list[str]]
    """Files that hold the samples or their labels, below the folder of the export."""
    encode: Callable[[Sequence[Sample], str, Content, Path], Any]
    """In a worker: samples of `read_rows`, their split, the folder of the export."""
    write: Callable[[Path, Content, Iterable[Any]], None]
    """A piece, under the given temporary name, from what ``encode`` returned in order."""
    finish: Callable[[Job, Content], None]
    """What comes after all pieces."""
    line: Callable[[str, Job], str]
    """Line of Python that reads the export in a folder of the given name."""
    data_files: str  # pattern of the files of a split, for the Hugging Face Hub
    describe: Callable[[Content, Sequence[ExportedFile]], CroissantParts]
    """Its files for Croissant."""
    has_features: bool = False  # whether the Hub's types of columns are those of `Content`


def accept_all(content: Content) -> str:
    """For formats that hold any data set."""
    return ""


def finish_nothing(job: Job, content: Content) -> None:
    """For formats whose pieces are the files of the export."""


def find_sample_idxs(data: Dataset) -> np.ndarray:
    """Number of each sample, (n,) int64."""
    return data.read_column("sample_idx").reshape(len(data), -1)[:, 0]


# --- formats of many small files --------------------------------------------------------------


def lines_path(out: Path, piece: Piece) -> Path:
    """File of a piece's records, one JSON object a line."""
    return out / PIECES_DIR / f"{piece.split}-{piece.number:05d}.jsonl"


def write_lines(path: Path, content: Content, chunks: Iterable[list[Any]]) -> None:
    """Writes the records of a piece."""
    with path.open("w", encoding="utf-8") as file:
        for records in chunks:
            file.writelines(to_json(record) + "\n" for record in records)


def read_lines(out: Path, piece: Piece, kinds: Mapping[str, type]) -> Iterator[dict[str, Any]]:
    """Records of a finished piece in order; reads them one by one.

    Args:
        out: folder of the export.
        piece: to read.
        kinds: what each record has, and of which type.

    Raises:
        UserError: the file is damaged.
    """
    path, num_lines = lines_path(out, piece), 0
    try:
        with open_regular(path) as file:
            while line := file.readline(MAX_LINE_BYTES):
                record, num_lines = parse_json(line), num_lines + 1
                if not all(isinstance(record.get(name), kind) for name, kind in kinds.items()):
                    raise ValueError(f"line {num_lines} lacks one of {', '.join(kinds)}")
                yield record
        if num_lines != len(piece.rows):
            raise ValueError(f"{num_lines} lines instead of {len(piece.rows)}")
    except (OSError, ValueError, AttributeError) as error:
        raise UserError(
            f"{path}: damaged ({shorten(error, 200)}); remove it, and the same command writes it "
            "again"
        ) from None


def to_json(value: Any) -> str:
    """JSON in one line; there is no NaN in it."""
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
