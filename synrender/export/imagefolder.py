"""A folder for each class, ``train/chair/000012.png``, and records in ``train/metadata.jsonl``.

The Hugging Face Hub and its library read the records by this name, as columns of the data set.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from pathlib import Path

from synrender.dataset.info import DatasetInfo
from synrender.export.columns import (
    TEXT,
    Column,
    Schema,
    idx_to_name,
    to_sample_idx,
    to_values,
)
from synrender.export.croissant import (
    file_set,
    pictures_of_files,
    samples_of_table,
)
from synrender.export.format import (
    CroissantParts,
    ExportedFile,
    ExportPlan,
    Format,
    Loader,
    Piece,
    find_sample_idxs,
    lines_path,
    read_lines,
    to_json,
    write_lines,
)
from synrender.loading.dataset import Dataset
from synrender.loading.row_source import IMAGE, Sample
from synrender.system.files import write_atomically, write_bytes

RECORDS_FILE = "metadata.jsonl"
"""In the folder of each split."""


def refuse(schema: Schema, info: DatasetInfo) -> str:
    """An image of several objects has no single class."""
    if schema.is_single:
        return ""
    return "has several objects in each sample, but a folder is for one class; use coco"


def list_paths(plan: ExportPlan, data: Dataset) -> list[str]:
    """An image for each sample, and a file of records for each split."""
    names = plan.schema.names_by_class
    class_names = [names.get(c, "") for c in data.read_column("class").ravel().tolist()]
    idxs = find_sample_idxs(data).tolist()
    images = [
        f"{split}/{_find_path(class_names[row], idxs[row])}"
        for split, rows in plan.split_rows.items()
        for row in rows
    ]
    return images + [f"{split}/{RECORDS_FILE}" for split in plan.splits]


def _find_path(class_name: str, idx: int) -> str:
    """Of an image, below the folder of its split."""
    return f"{class_name}/{idx_to_name(idx)}.png"


def encode(samples: Sequence[Sample], split: str, plan: ExportPlan) -> list[dict[str, object]]:
    """Writes the images; returns the records."""
    records: list[dict[str, object]] = []
    for sample in samples:
        values = to_values(sample, plan.schema, split)
        path = _find_path(plan.schema.names_by_class[int(sample["class"])], to_sample_idx(sample))
        write_bytes(plan.out / split / path, sample[IMAGE])
        records.append({"file_name": path, **values})
    return records


def finish(plan: ExportPlan) -> None:
    """Joins the records of each split."""
    for split, group in itertools.groupby(plan.pieces, lambda piece: piece.split):
        write = functools.partial(_write_records, plan.out, list(group))
        write_atomically(plan.out / split / RECORDS_FILE, write)


def _write_records(out: Path, pieces: list[Piece], path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for piece in pieces:
            for record in read_lines(out, piece, {"file_name": str}):
                file.write(to_json(record) + "\n")


def create_reading_line(folder: str, plan: ExportPlan) -> str:
    """Reads all splits."""
    return f'datasets.load_dataset("{folder}")'


def list_loaders(folder: str, plan: ExportPlan) -> tuple[Loader, ...]:
    """A split for timm, and an image for Kornia."""
    image = f'sorted(glob.glob("{folder}/train/*/*.png"))[0]'
    return (
        Loader("timm 1.0", f'timm.data.create_dataset("", root="{folder}", split="train")'),
        Loader(
            "Kornia 0.9",
            f"kornia.io.load_image({image}, kornia.io.ImageLoadType.RGB32)",
            ("glob", "kornia"),
        ),
    )


def describe(schema: Schema, files: Sequence[ExportedFile]) -> CroissantParts:
    """The records are a table, and the images a set of files."""
    records = file_set("records", f"*/{RECORDS_FILE}", "application/jsonlines")
    (image,) = schema.pixel_columns
    images = file_set(IMAGE, "*/*/*.png", "image/png")
    columns = [column for column in schema.columns if not column.pixels]
    table = samples_of_table([_FILE_NAME, *columns], "records")
    return CroissantParts((records, images), (table, pictures_of_files(image)))


_FILE_NAME = Column("file_name", TEXT, 0, "image, below the folder of its split")

FORMAT = Format(
    piece_path=lines_path,
    encode=encode,
    write=write_lines,
    describe=describe,
    reading_line=create_reading_line,
    data_files="{split}/**",
    pixel_labels=(),
    refuse=refuse,
    list_paths=list_paths,
    finish=finish,
    list_loaders=list_loaders,
)
