"""What each format defines; see `formats`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synrender.export.columns import Content
from synrender.export.croissant_parts import Distribution
from synrender.export.pieces import ExportedFile, Job, Piece
from synrender.loading.dataset import Dataset
from synrender.loading.row_source import Sample

PIECES_DIR = ".pieces"
"""Where formats of many small files keep the records of finished pieces until all are there."""


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
    describe: Callable[[Content, Sequence[ExportedFile]], Distribution]
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


def to_json(value: Any) -> str:
    """JSON in one line; there is no NaN in it."""
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
