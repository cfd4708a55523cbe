"""MDS, the shards of MosaicML Streaming: a folder for each split, with ``index.json``.

A shard begins with the number of its samples, and where each of them begins and the last one ends,
as uint32. The columns follow as JSON, then the samples. A sample begins with the sizes of its
values, as uint32, but for those that always have the same size; then come the values.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from synrender.export.columns import (
    CREDIT_COLUMNS,
    INTEGER,
    LABEL,
    NUMBER,
    PICTURE,
    TEXT,
    Column,
    Schema,
    to_values,
)
from synrender.export.croissant import file_object
from synrender.export.format import (
    CroissantParts,
    ExportedFile,
    ExportPlan,
    Format,
    Piece,
    to_json,
)
from synrender.loading.pixel_files import npy_to_array
from synrender.loading.row_source import Sample
from synrender.system.files import write_text

INDEX_FILE = "{split}/index.json"

_MAX_BYTES = 1 << 31
"""Of a shard: half of what places in it can say."""

_JSON, _SIZES = "json", {"int": 8, "float64": 8}


def piece_path(out: Path, piece: Piece) -> Path:
    """``train/shard.00000.mds``."""
    return out / piece.split / f"shard.{piece.number:05d}.mds"


def find_encoding(column: Column) -> str:
    """How Streaming names what a column holds; it has nothing for what may be unknown but JSON."""
    if pixels := column.pixels:
        if pixels.mode:
            return "png"
        shape = "" if None in pixels.shape else ":" + ",".join(map(str, pixels.shape))
        return f"ndarray:{pixels.dtype}{shape}"
    if column.depth or column.name in CREDIT_COLUMNS or column.field == "factor_levels":
        return _JSON
    return {LABEL: "int", INTEGER: "int", NUMBER: "float64", TEXT: "str"}[column.type]


def _find_size(column: Column) -> int | None:
    """Bytes of each value; None: they differ."""
    if (pixels := column.pixels) and not pixels.mode and None not in pixels.shape:
        return int(np.prod([d or 0 for d in pixels.shape])) * np.dtype(pixels.dtype).itemsize
    return _SIZES.get(find_encoding(column))


def encode(samples: Sequence[Sample], split: str, plan: ExportPlan) -> list[bytes]:
    """The bytes of each sample."""
    columns = _sort(plan.schema)
    found = []
    for sample in samples:
        values = to_values(sample, plan.schema, split)
        parts = [
            _encode_pixels(column, sample[column.name])
            if column.pixels
            else encode_value(find_encoding(column), values[column.name])
            for column in columns
        ]
        sizes = [len(p) for c, p in zip(columns, parts, strict=True) if _find_size(c) is None]
        found.append(np.array(sizes, "<u4").tobytes() + b"".join(parts))
    return found


def _sort(schema: Schema) -> list[Column]:
    return sorted(schema.columns, key=lambda column: column.name)


def _encode_pixels(column: Column, data: bytes) -> bytes:
    """A PNG as it is; an array as its values, after its shape if that differs between samples."""
    if column.type == PICTURE:
        return data
    array = npy_to_array(data)
    shape = b""
    if _find_size(column) is None:
        shape = bytes([array.ndim << 2 | 2]) + np.array(array.shape, "<u4").tobytes()
    return shape + np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()


def encode_value(encoding: str, value: object) -> bytes:
    """A value that is not of pixels; None: not known, which "int" and "str" cannot say."""
    if encoding == "int":
        return np.array(value, "<i8").tobytes()
    if encoding == "float64":
        return np.array(np.nan if value is None else value, "<f8").tobytes()
    return (str(value) if encoding == "str" else to_json(value)).encode()


def write(schema: Schema, chunks: Iterable[list[bytes]], path: Path) -> None:
    """Writes a shard from its samples."""
    samples = list(itertools.chain.from_iterable(chunks))
    head = json.dumps(_describe_columns(schema), sort_keys=True).encode()
    start = 4 * (len(samples) + 2) + len(head)
    ends = np.cumsum([start, *map(len, samples)])
    with path.open("wb") as file:
        file.write(np.array([len(samples), *ends], "<u4").tobytes() + head)
        file.writelines(samples)


def _describe_columns(schema: Schema) -> dict[str, object]:
    columns = _sort(schema)
    return {
        "column_names": [column.name for column in columns],
        "column_encodings": [find_encoding(column) for column in columns],
        "column_sizes": [_find_size(column) for column in columns],
        **{"format": "mds", "version": 2, "compression": None, "hashes": [], "size_limit": None},
    }


def finish(plan: ExportPlan) -> None:
    """Writes the list of each split's shards."""
    for split, pieces in itertools.groupby(plan.pieces, lambda piece: piece.split):
        shards = []
        for piece in pieces:
            path = piece_path(plan.out, piece)
            file = {"basename": path.name, "bytes": path.stat().st_size, "hashes": {}}
            counted = {"samples": len(piece.rows), "raw_data": file, "zip_data": None}
            shards.append(_describe_columns(plan.schema) | counted)
        text = to_json({"version": 2, "shards": shards})
        write_text(plan.out / INDEX_FILE.format(split=split), text + "\n")


def create_reading_line(folder: str, plan: ExportPlan) -> str:
    """Reads the training split."""
    return f'streaming.StreamingDataset(local="{folder}", split="train", batch_size=1)'


def describe(schema: Schema, files: Sequence[ExportedFile]) -> CroissantParts:
    """The shards, which Croissant cannot look into."""
    kind = "application/octet-stream"
    return CroissantParts(tuple(file_object(file.path, kind, file.sha256) for file in files), ())


FORMAT = Format(
    piece_path=piece_path,
    encode=encode,
    write=write,
    describe=describe,
    reading_line=create_reading_line,
    index_file=INDEX_FILE,
    max_piece_bytes=_MAX_BYTES,
    finish=finish,
)
