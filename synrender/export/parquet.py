"""Parquet in the layout of the Hugging Face Hub, which ``datasets.load_dataset`` reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from synrender.export.columns import (
    ARRAY,
    INTEGER,
    LABEL,
    NUMBER,
    PICTURE,
    TEXT,
    Column,
    Schema,
    to_name,
    to_values,
)
from synrender.export.croissant import file_set, samples_of_table
from synrender.export.format import (
    CroissantParts,
    ExportedFile,
    ExportPlan,
    Format,
    Loader,
    Piece,
)
from synrender.loading.pixel_files import npy_to_array
from synrender.loading.row_source import Sample

if TYPE_CHECKING:
    import pyarrow

_GROUP_BYTES = 1 << 25
_GROUP_ROWS = 256
"""Rows that are read at once, at most: a random sample costs the reading of its group."""


def piece_path(out: Path, piece: Piece) -> Path:
    """``data/train-00000-of-00002.parquet``."""
    return out / "data" / f"{piece.split}-{piece.number:05d}-of-{piece.count:05d}.parquet"


def encode(samples: Sequence[Sample], split: str, plan: ExportPlan) -> pyarrow.RecordBatch:
    """The rows of some samples."""
    import pyarrow

    rows: list[dict[str, object]] = []
    for sample in samples:
        name = to_name(sample)
        row: dict[str, object] = {**to_values(sample, plan.schema, split)}
        pictures = (column for column in plan.schema.pixel_columns if column.type == PICTURE)
        for column in pictures:
            row[column.name] = {"bytes": sample[column.name], "path": f"{name}.png"}
        rows.append(row)
    schema = _create_schema(plan.schema)
    batch = pyarrow.RecordBatch.from_pylist(rows, schema)  # arrays are missing, so null
    for k, column in enumerate(plan.schema.columns):
        if column.type == ARRAY:
            arrays = [npy_to_array(sample[column.name]) for sample in samples]
            batch = batch.set_column(k, schema.field(k), arrays_to_lists(arrays))
    return batch


def arrays_to_lists(arrays: Sequence[np.ndarray]) -> pyarrow.ListArray:
    """Nested lists of arrays that may differ in their first axis alone."""
    import pyarrow

    lists = pyarrow.array(np.concatenate([array.ravel() for array in arrays]))
    for size in reversed(arrays[0].shape[1:]):
        ends = np.arange(0, len(lists) + 1, size, dtype=np.int32)
        lists = pyarrow.ListArray.from_arrays(pyarrow.array(ends), lists)
    ends = np.cumsum([0, *map(len, arrays)], dtype=np.int32)
    return pyarrow.ListArray.from_arrays(pyarrow.array(ends), lists)


def write(schema: Schema, chunks: Iterable[pyarrow.RecordBatch], path: Path) -> None:
    """Writes a file from its rows, in groups of rows."""
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    waiting: list[pyarrow.RecordBatch] = []
    with ParquetWriter(path, _create_schema(schema)) as writer:

        def write_group() -> None:
            if waiting:
                writer.write_table(pyarrow.Table.from_batches(waiting))
                waiting.clear()

        for batch in chunks:
            waiting.append(batch)
            is_full = sum(b.num_rows for b in waiting) >= _GROUP_ROWS
            if is_full or sum(b.nbytes for b in waiting) >= _GROUP_BYTES:
                write_group()
        write_group()


def create_features(schema: Schema) -> dict[str, object]:
    """Types of the columns, as ``datasets.Features`` writes them."""
    return {column.name: _to_feature(column, schema) for column in schema.columns}


def _to_feature(column: Column, schema: Schema) -> dict[str, object]:
    if pixels := column.pixels:
        array = {"shape": list(pixels.shape), "dtype": pixels.dtype, "_type": "Array3D"}
        return {"mode": pixels.fixed_mode, "_type": "Image"} if pixels.mode else array
    feature: dict[str, object] = {"dtype": _DTYPES.get(column.type), "_type": "Value"}
    if column.type == LABEL:
        feature = {"names": list(schema.class_names), "_type": "ClassLabel"}
    for _ in range(column.depth):
        feature = {"feature": feature, "_type": "Sequence"}  # a List, also for datasets before 4
    return feature


def _create_schema(schema: Schema) -> pyarrow.Schema:
    import pyarrow

    picture = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    types = {
        PICTURE: picture,
        LABEL: pyarrow.int64(),
        INTEGER: pyarrow.int64(),
        NUMBER: pyarrow.float64(),
        TEXT: pyarrow.string(),
    }
    fields = []
    for column in schema.columns:
        metadata, pixels = {"meaning": column.meaning}, column.pixels
        if pixels and pixels.step:
            metadata["step"] = repr(pixels.step)
        depth, kind = column.depth, types.get(column.type)
        if pixels and not pixels.mode:
            depth, kind = len(pixels.shape), pyarrow.from_numpy_dtype(np.dtype(pixels.dtype))
            # By this the library `datasets` knows the type; for all others it is nested lists.
            metadata["ARROW:extension:name"] = "datasets.features.features.Array3DExtensionType"
            metadata["ARROW:extension:metadata"] = json.dumps([pixels.shape, pixels.dtype])
        for _ in range(depth):
            kind = pyarrow.list_(kind)
        fields.append(pyarrow.field(column.name, kind, metadata=metadata))
    features = {"info": {"features": create_features(schema)}}
    return pyarrow.schema(fields, {"huggingface": json.dumps(features)})


_DTYPES = {INTEGER: "int64", NUMBER: "float64", TEXT: "string"}


def create_reading_line(folder: str, plan: ExportPlan) -> str:
    """Reads all splits."""
    return f'datasets.load_dataset("{folder}")'


def list_loaders(folder: str, plan: ExportPlan) -> tuple[Loader, ...]:
    """LitData for all; others for images of one class each."""
    litdata = (
        f'litdata.StreamingDataset("{folder}/data", index_path="index", '
        "item_loader=litdata.streaming.item_loader.ParquetLoader())"
    )
    before = (
        'os.makedirs("index")',
        f'litdata.index_parquet_dataset("{folder}/data", cache_dir="index")',
    )
    note = 'which has the samples of all splits, as `sample["split"]` says'
    of_all = Loader("LitData 0.2", litdata, ("os", "litdata"), before, note)
    if not plan.schema.is_single:
        return (of_all,)
    timm = (
        f'timm.data.create_dataset("hfds/{folder}", root=None, split="train", input_key="image", '
        'target_key="label")'
    )
    lightning = (
        f'torch.utils.data.DataLoader(datasets.load_dataset("{folder}", split="train")'
        '.select_columns(["image", "label"]).with_format("torch"), batch_size=64)'
    )
    trainer = Loader("Lightning 2.6", lightning, ("datasets", "torch"), note="for `Trainer.fit`")
    return (Loader("timm 1.0", timm), trainer, of_all)


def describe(schema: Schema, files: Sequence[ExportedFile]) -> CroissantParts:
    """One set of files; each column is a field."""
    parquet = file_set("parquet", "data/*.parquet", "application/x-parquet")
    return CroissantParts((parquet,), (samples_of_table(schema.columns, "parquet"),))


FORMAT = Format(
    piece_path=piece_path,
    encode=encode,
    write=write,
    describe=describe,
    reading_line=create_reading_line,
    data_files="data/{split}-*",
    has_features=True,
    packages=("pyarrow",),
    list_loaders=list_loaders,
)
