"""What each format defines; see `formats`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synrender.errors import UserError, shorten
from synrender.export.columns import Content
from synrender.export.croissant_parts import Distribution
from synrender.export.pieces import ExportedFile, Job, Piece
from synrender.loading.dataset import Dataset
from synrender.loading.row_source import Sample
from synrender.system.files import open_regular
from synrender.system.json_text import parse_json

MAX_LINE_BYTES = 1 << 28
"""Of a record: 255 masks of an image of 16,384 px."""

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
