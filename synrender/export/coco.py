"""COCO: images in folders, and masks, boxes and categories in one JSON file for each split."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypedDict

import numpy as np

from synrender.archive.encode import MAX_INSTANCES
from synrender.dataset.info import DatasetInfo
from synrender.export.columns import (
    AMODAL,
    INTEGER,
    NUMBER,
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
    samples_of_paths,
)
from synrender.export.format import (
    CroissantParts,
    ExportedFile,
    ExportPlan,
    Format,
    Piece,
    find_sample_idxs,
    lines_path,
    read_lines,
    to_json,
    write_lines,
)
from synrender.loading.captions import CAPTION
from synrender.loading.dataset import Dataset
from synrender.loading.export_fields import OBJECT_LABELS
from synrender.loading.pixel_files import npy_to_array
from synrender.loading.row_source import IMAGE, INSTANCE_MAP, Sample
from synrender.system.files import write_atomically, write_bytes

_OF_AN_OBJECT = (
    *("model_id", "texture", "location", "rot_mat", "scale"),
    *OBJECT_LABELS,
)
"""What each annotation has besides COCO's own fields."""

Annotation = dict[str, object]
"""Fields of COCO, and the fields `_OF_AN_OBJECT`."""

_IDS_PER_SAMPLE = MAX_INSTANCES + 1


class Rle(TypedDict):
    """COCO's encoding of a mask: lengths of its runs, column by column."""

    size: list[int]  # height, width
    counts: str


class Image(TypedDict):
    """An entry of COCO's ``images``."""

    id: int
    file_name: str
    width: int
    height: int
    caption: str


class Entry(TypedDict):
    """An image and its annotations."""

    image: Image
    annotations: list[Annotation]


def refuse(schema: Schema, info: DatasetInfo) -> str:
    """Only EXR images have instances."""
    return "" if schema.has_labels else "has no instance masks; they need images in EXR"


def list_paths(plan: ExportPlan, data: Dataset) -> list[str]:
    """An image for each sample, and a file of labels for each split."""
    names = [f"{idx_to_name(idx)}.png" for idx in find_sample_idxs(data).tolist()]
    images = [f"{split}/{names[row]}" for split, rows in plan.split_rows.items() for row in rows]
    return images + [f"annotations/instances_{split}.json" for split in plan.splits]


def encode(samples: Sequence[Sample], split: str, plan: ExportPlan) -> list[Entry]:
    """Writes the images; returns an entry for each."""
    entries: list[Entry] = []
    for sample in samples:
        idx = to_sample_idx(sample)
        name = f"{idx_to_name(idx)}.png"
        write_bytes(plan.out / split / name, sample[IMAGE])
        height, width = sample["labels"].shape
        image: Image = {
            "id": idx,
            "file_name": name,
            "width": width,
            "height": height,
            "caption": sample[CAPTION],
        }
        values = to_values(sample, plan.schema, split)
        lists = {k: [v] if plan.schema.is_single else v for k, v in values.items()}
        of_objects = {k: v for k, v in lists.items() if isinstance(v, list)}
        entries.append({"image": image, "annotations": list(annotate(sample, of_objects))})
    return entries


def annotate(sample: Sample, values: Mapping[str, list]) -> Iterator[Annotation]:
    """Annotations of the objects that are visible.

    Args:
        sample: of `read_rows`.
        values: of `to_values`, each a list over objects.
    """
    from pycocotools import mask as rle

    idx = to_sample_idx(sample)
    instances, class_ids = (np.ravel(sample[name]).tolist() for name in ("instance", "class"))
    amodal = npy_to_array(sample[AMODAL]) if AMODAL in sample else None
    for k, (instance, class_id) in enumerate(zip(instances, class_ids, strict=True)):
        mask = sample["labels"] == instance
        if instance < 1 or not mask.any():
            continue
        segmentation = _to_rle(mask)
        found: Annotation = {
            "id": idx * _IDS_PER_SAMPLE + instance,  # never 0, which COCO's evaluation mistakes
            "image_id": idx,
            "category_id": class_id + 1,
            "segmentation": segmentation,
            "area": int(rle.area(segmentation)),
            "bbox": rle.toBbox(segmentation).tolist(),
            "iscrowd": 0,
            "instance": instance,
        }
        if amodal is not None:
            found["amodal_segmentation"] = _to_rle(amodal[k])
        yield {**found, **{name: values[name][k] for name in _OF_AN_OBJECT if name in values}}


def _to_rle(mask: np.ndarray) -> Rle:
    """Encodes a mask, (h, w) bool, with text that JSON can hold."""
    from pycocotools import mask as rle

    found = rle.encode(np.asfortranarray(mask, np.uint8))
    return {"size": found["size"], "counts": found["counts"].decode("ascii")}


def finish(plan: ExportPlan) -> None:
    """Writes ``annotations/instances_<split>.json`` from the pieces, line by line."""
    names = plan.schema.names_by_class
    categories = [{"id": c + 1, "name": names[c], "supercategory": "object"} for c in names]
    for split, group in itertools.groupby(plan.pieces, lambda piece: piece.split):
        info = {"description": f"{plan.source.path.name}, {split}", "version": "1.0"}
        head = to_json({"info": info, "licenses": [], "categories": categories})
        write = functools.partial(_write_annotations, plan.out, list(group), head)
        write_atomically(plan.out / "annotations" / f"instances_{split}.json", write)


def _write_annotations(out: Path, pieces: Sequence[Piece], head: str, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(head[:-1])
        for key in ("images", "annotations"):
            file.write(f',\n"{key}":[')
            separator = "\n"
            for item in _read_items(out, pieces, key):
                file.write(separator + to_json(item))
                separator = ",\n"
            file.write("]")
        file.write("}\n")


def _read_items(out: Path, pieces: Sequence[Piece], key: str) -> Iterator[object]:
    for piece in pieces:
        for entry in read_lines(out, piece, {"image": dict, "annotations": list}):
            yield from [entry["image"]] if key == "images" else entry["annotations"]


def create_reading_line(folder: str, plan: ExportPlan) -> str:
    """Reads the annotations of the training split."""
    return f'pycocotools.coco.COCO("{folder}/annotations/instances_train.json")'


def describe(schema: Schema, files: Sequence[ExportedFile]) -> CroissantParts:
    """Annotations and images are tables of the same JSON files."""
    (image,) = schema.pixel_columns
    sets = [
        file_set(name, "annotations/*.json", "application/json") for name in ("instances", "files")
    ]
    sets.append(file_set(IMAGE, "*/[0-9]*[0-9].png", "image/png"))
    tables = [
        samples_of_paths(
            "instances",
            "One visible object of an image",
            [Column(n, t, d, m) for n, t, d, m in _ANNOTATION],
            "$.annotations[*]",
        ),
        samples_of_paths(
            "files", "One image", [Column(n, t, d, m) for n, t, d, m in _IMAGE], "$.images[*]"
        ),
        pictures_of_files(image),
    ]
    return CroissantParts(tuple(sets), tuple(tables))


_ANNOTATION = (
    ("id", INTEGER, 0, "of the annotation"),
    ("image_id", INTEGER, 0, "number of the sample"),
    ("category_id", INTEGER, 0, "class id + 1"),
    ("area", INTEGER, 0, "visible pixels"),
    ("bbox", NUMBER, 1, "x, y, width, height of the visible pixels"),
    ("instance", INTEGER, 0, "number of the object in its sample, from 1"),
    ("model_id", TEXT, 0, "id of the model"),
)
_IMAGE = (
    ("id", INTEGER, 0, "number of the sample"),
    ("file_name", TEXT, 0, "below the folder of its split"),
    ("width", INTEGER, 0, "px"),
    ("height", INTEGER, 0, "px"),
    ("caption", TEXT, 0, "true sentences about the image"),
)

FORMAT = Format(
    piece_path=lines_path,
    encode=encode,
    write=write_lines,
    describe=describe,
    reading_line=create_reading_line,
    data_files="{split}/*.png",
    packages=("pycocotools",),
    pixel_labels=(INSTANCE_MAP, AMODAL),
    refuse=refuse,
    list_paths=list_paths,
    finish=finish,
)
