"""How a data set is cut into the pieces of an export, and how a format writes them.

A format is a module of this folder that defines `FORMAT`.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from synrender.dataset.export_marker import ExportedFile
from synrender.dataset.info import DatasetInfo
from synrender.errors import UserError, shorten
from synrender.export.columns import Schema
from synrender.export.png_samples import Source, open_once
from synrender.loading.dataset import Dataset
from synrender.loading.row_source import Sample
from synrender.system.files import open_regular
from synrender.system.folders import Folders
from synrender.system.json_text import parse_json


@dataclass(frozen=True)
class Piece:
    """Consecutive rows of one split that are finished together, such as a file of the export."""

    split: str
    number: int  # among the pieces of its split
    count: int  # of pieces of its split
    rows: range  # of the whole data set


@dataclass(frozen=True)
class ExportPlan:
    """What is exported, and in which pieces: plain values that go to other processes."""

    source: Source
    out: Path  # folder of the export
    format: str
    schema: Schema
    split_ends: tuple[tuple[str, int], ...]  # by name, as in `Dataset.split_ends`
    piece_rows: int  # samples of a piece, at most
    folders: Folders  # where models may be

    @property
    def info(self) -> DatasetInfo:
        """Description of the data set: each process reads it, since it can be long."""
        return open_once(self.source).info

    @property
    def split_rows(self) -> dict[str, range]:
        """Rows of each split, by its name."""
        starts = (0, *(end for _, end in self.split_ends))
        return {
            name: range(start, end)
            for start, (name, end) in zip(starts, self.split_ends, strict=False)
        }

    @property
    def split_sizes(self) -> dict[str, int]:
        """Number of samples in each split."""
        return {name: len(rows) for name, rows in self.split_rows.items()}

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


# --- formats --------------------------------------------------------------------------------------

Node = dict[str, object]
"""Of Croissant's metadata, in JSON-LD."""

Chunk = TypeVar("Chunk")
"""What a worker makes of some samples."""


@dataclass(frozen=True)
class CroissantParts:
    """The files of an export, and the tables that they hold."""

    files: tuple[Node, ...]
    record_sets: tuple[Node, ...]


@dataclass(frozen=True)
class Loader:
    """A package that reads an export without this program, as ``tools/test_loaders.sh`` shows."""

    package: str  # with its version, such as "timm 1.0"
    line: str  # of Python, that reads it
    modules: tuple[str, ...] = ()  # to import; (): that of the line
    before: tuple[str, ...] = ()  # lines
    note: str = ""  # what it is for, in Markdown

    @property
    def script(self) -> str:
        """Lines of Python that import what they need, and end with ``data``."""
        modules = self.modules or (self.line.split("(")[0].rpartition(".")[0],)
        imports = [f"import {module}" for module in modules]
        return "\n".join([*imports, "", *self.before, f"data = {self.line}"])


def list_no_loaders(folder: str, plan: ExportPlan) -> tuple[Loader, ...]:
    """For formats that no other loader is known for."""
    return ()


def accept_all(schema: Schema, info: DatasetInfo) -> str:
    """For formats that hold any data set."""
    return ""


def finish_nothing(plan: ExportPlan) -> None:
    """For formats whose pieces are the files of the export."""


@dataclass(frozen=True)
class Format(Generic[Chunk]):
    """How samples become the files of an export.

    A piece is one large file; or, if there is ``list_paths``, the records of many small files.
    """

    piece_path: Callable[[Path, Piece], Path]
    """Names the file of a piece, in the given folder of the export."""

    encode: Callable[[Sequence[Sample], str, ExportPlan], Chunk]
    """Makes a chunk of samples of `read_rows`, which are of the given split; runs in a worker."""

    write: Callable[[Schema, Iterable[Chunk], Path], None]
    """Writes the file of a piece from its chunks in order, under the given temporary name."""

    describe: Callable[[Schema, Sequence[ExportedFile]], CroissantParts]
    """Describes its files for Croissant."""

    reading_line: Callable[[str, ExportPlan], str]
    """Writes a line of Python that reads the export in a folder of the given name."""

    data_files: str = ""  # pattern of the files of a split that the Hugging Face Hub can show
    has_features: bool = False  # whether the Hub's types of columns are those of `Schema`
    packages: tuple[str, ...] = ()  # that it needs, as Python imports them
    pixel_labels: tuple[str, ...] | None = None
    """Of `PIXEL_FILES`, those that it reads to make something else; None: it holds all of them."""
    refuse: Callable[[Schema, DatasetInfo], str] = accept_all
    """Says why such a data set cannot be exported; "": it can."""

    list_paths: Callable[[ExportPlan, Dataset], list[str]] | None = None
    """Lists all small files, below the folder of the export."""

    index_file: str = ""
    """Pattern of a file of each split that `finish` writes beside the pieces; "": there is none."""

    max_piece_bytes: int = sys.maxsize  # that its files can hold
    finish: Callable[[ExportPlan], None] = finish_nothing
    """Runs after all pieces are written."""

    list_loaders: Callable[[str, ExportPlan], tuple[Loader, ...]] = list_no_loaders
    """Lists other packages that read the export in a folder of the given name."""

    def list_files(self, plan: ExportPlan, data: Dataset) -> list[str]:
        """Files that hold the samples or their labels, below the folder of the export."""
        if self.list_paths is not None:
            return self.list_paths(plan, data)
        indexes = [self.index_file.format(split=split) for split in plan.splits]
        return [*self.list_pieces(plan), *(indexes if self.index_file else ())]

    def list_pieces(self, plan: ExportPlan) -> list[str]:
        """Files of the pieces, below the folder of the export."""
        return [self.piece_path(Path(), piece).as_posix() for piece in plan.pieces]


def find_format(name: str) -> Format[object]:
    """A format by its name, which is also that of its module."""
    return importlib.import_module(f"synrender.export.{name}").FORMAT


# --- formats of many small files ------------------------------------------------------------------

MAX_LINE_BYTES = 1 << 28
"""Of a record: 255 masks of an image of 16,384 px."""

PIECES_DIR = ".pieces"
"""Where the records of finished pieces are kept until all are there."""


def find_sample_idxs(data: Dataset) -> np.ndarray:
    """Number of each sample, (n,) int64."""
    return data.read_column("sample_idx").reshape(len(data), -1)[:, 0]


def lines_path(out: Path, piece: Piece) -> Path:
    """File of a piece's records, one JSON object a line."""
    return out / PIECES_DIR / f"{piece.split}-{piece.number:05d}.jsonl"


def write_lines(schema: Schema, chunks: Iterable[Sequence[object]], path: Path) -> None:
    """Writes the records of a piece."""
    with path.open("w", encoding="utf-8") as file:
        for records in chunks:
            file.writelines(to_json(record) + "\n" for record in records)


def read_lines(out: Path, piece: Piece, kinds: Mapping[str, type]) -> Iterator[dict]:
    """Reads the records of a finished piece, one by one.

    Args:
        out: folder of the export.
        piece: to read.
        kinds: fields that each record has, and their types.

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


def to_json(value: object) -> str:
    """JSON in one line, without NaN."""
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
