"""COCO's instances: images in folders, and masks, boxes and categories in one JSON a split."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from synrender.archive.encode import MAX_INSTANCES
from synrender.export.columns import (
    INTEGER,
    NUMBER,
    TEXT,
    Column,
    Content,
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
    Format,
    Job,
    find_sample_idxs,
    lines_path,
    read_lines,
    to_json,
    write_lines,
)
from synrender.export.png_samples import AMODAL, OBJECT_LABELS
from synrender.loading.dataset import Dataset
from synrender.loading.row_source import IMAGE, Sample
from synrender.system.files import write_atomically, write_bytes

_OF_AN_OBJECT = (
    *("instance", "synset_id", "model_id", "texture", "location", "rot_mat", "scale"),
    *OBJECT_LABELS,
)
"""What each annotation has besides COCO's own fields."""

_IDS_PER_SAMPLE = MAX_INSTANCES + 1


def refuse(content: Content) -> str:
    """Instances are only in EXR."""
    return "" if content.has_labels else "holds no instance masks; they need images in EXR"


def list_paths(job: Job, content: Content, data: Dataset) -> list[str]:
    """An image for each sample, and a file of labels for each split."""
    names = [f"{idx_to_name(idx)}.png" for idx in find_sample_idxs(data).tolist()]
    images = [f"{split}/{names[row]}" for split, rows in job.split_rows.items() for row in rows]
    return images + [f"annotations/instances_{split}.json" for split in job.splits]


def encode(
    samples: Sequence[Sample], split: str, content: Content, out: Path
) -> list[dict[str, Any]]:
    """Writes the images; returns an entry of COCO's images and its annotations for each."""
    entries = []
    for sample in samples:
        idx = to_sample_idx(sample)
        name = f"{idx_to_name(idx)}.png"
        write_bytes(out / split / name, sample[IMAGE])
        height, width = sample["labels"].shape
        values = to_values(sample, content, split)
        if content.is_single:
            values = {key: [value] for key, value in values.items()}
        image = {"id": idx, "file_name": name, "width": width, "height": height}
        entries.append({"image": image, "annotations": list(annotate(sample, values))})
    return entries


def annotate(sample: Sample, values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Annotations of the objects that are visible.

    Args:
        sample: of `read_rows`.
        values: of `to_values`, each a list over objects.
    """
    from pycocotools import mask as rle

    idx = to_sample_idx(sample)
    for k, instance in enumerate(values["instance"]):
        mask = sample["labels"] == instance
        if not mask.any():
            continue
        segmentation = _to_rle(mask)
        found = {
            "id": idx * _IDS_PER_SAMPLE + instance,  # never 0, which COCO's evaluation mistakes
            "image_id": idx,
            "category_id": values["class"][k] + 1,
            "segmentation": segmentation,
            "area": int(rle.area(segmentation)),
            "bbox": rle.toBbox(segmentation).tolist(),
            "iscrowd": 0,
        }
        if AMODAL in sample:
            found["amodal_segmentation"] = _to_rle(sample[AMODAL][k])
        yield {**found, **{name: values[name][k] for name in _OF_AN_OBJECT if name in values}}


def _to_rle(mask: np.ndarray) -> dict[str, Any]:
    """COCO's encoding of a mask, (h, w) bool, with text that JSON can hold."""
    from pycocotools import mask as rle

    found = rle.encode(np.asfortranarray(mask, np.uint8))
    return {"size": found["size"], "counts": found["counts"].decode("ascii")}


def finish(job: Job, content: Content) -> None:
    """Writes ``annotations/instances_<split>.json`` from the pieces, line by line."""
    folder = job.out / "annotations"
    named = zip(content.class_ids, content.class_names, strict=True)
    categories = [{"id": c + 1, "name": name, "supercategory": "object"} for c, name in named]
    for split, group in itertools.groupby(job.pieces, lambda piece: piece.split):
        pieces = list(group)
        info = {"description": f"{job.dataset_path.name}, {split}", "version": "1.0"}
        head = {"info": info, "licenses": [], "categories": categories}

        def write(temporary: Path, pieces: list = pieces, head: dict = head) -> None:
            with temporary.open("w", encoding="utf-8") as file:
                file.write(to_json(head)[:-1])
                for key in ("images", "annotations"):
                    file.write(f',\n"{key}":[')
                    separator = "\n"
                    for items in _read_entries(job.out, pieces, key):
                        for item in items:
                            file.write(separator + to_json(item))
                            separator = ",\n"
                    file.write("]")
                file.write("}\n")

        write_atomically(folder / f"instances_{split}.json", write)


def _read_entries(out: Path, pieces: Sequence[Any], key: str) -> Iterator[list[Any]]:
    for piece in pieces:
        for entry in read_lines(out, piece, {"image": dict, "annotations": list}):
            yield [entry["image"]] if key == "images" else entry["annotations"]


def read_line(folder: str, job: Job) -> str:
    """The training split's annotations."""
    return f'pycocotools.coco.COCO("{folder}/annotations/instances_train.json")'


def describe(content: Content, files: Sequence[ExportedFile]) -> CroissantParts:
    """Annotations and images are tables of the same JSON files."""
    (image,) = (column for column in content.pictures if column.name == IMAGE)
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
    ("synset_id", TEXT, 0, "folder of the class, in ShapeNet its WordNet synset"),
    ("model_id", TEXT, 0, "id of the model"),
)
_IMAGE = (
    ("id", INTEGER, 0, "number of the sample"),
    ("file_name", TEXT, 0, "below the folder of its split"),
    ("width", INTEGER, 0, "px"),
    ("height", INTEGER, 0, "px"),
)

FORMAT = Format(
    "coco",
    ("pycocotools",),
    refuse,
    lines_path,
    list_paths,
    encode,
    write_lines,
    finish,
    read_line,
    "{split}/*.png",
    describe,
)
