"""YOLO: images in folders, and a text file of polygons, and one of boxes, for each image.

``data.yaml`` is what Ultralytics reads. It goes by the polygons in ``labels/``, also for boxes.
``boxes/`` has the same objects as boxes for programs that want these; rename it to ``labels``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from synrender.dataset.info import DatasetInfo
from synrender.export.columns import Schema, idx_to_name, to_sample_idx
from synrender.export.croissant import describe_files
from synrender.export.format import (
    ExportPlan,
    Format,
    find_sample_idxs,
    lines_path,
    write_lines,
)
from synrender.loading.dataset import Dataset
from synrender.loading.row_source import IMAGE, INSTANCE_MAP, Sample
from synrender.system.files import write_bytes, write_text

NUM_DIGITS = 6
"""Of a coordinate, in shares of the image's side: a hundredth of a pixel at 10,000 px."""

_ULTRALYTICS_SPLITS = {"train": "train", "validation": "val", "test": "test"}


def refuse(schema: Schema, info: DatasetInfo) -> str:
    """Only EXR images have instances."""
    return "" if schema.has_labels else "has no instance masks; they need images in EXR"


def list_paths(plan: ExportPlan, data: Dataset) -> list[str]:
    """Three files for each sample, and the description."""
    names = [idx_to_name(idx) for idx in find_sample_idxs(data).tolist()]
    kinds = (("images", "png"), ("labels", "txt"), ("boxes", "txt"))
    paths = [
        f"{folder}/{split}/{names[row]}.{ending}"
        for folder, ending in kinds
        for split, rows in plan.split_rows.items()
        for row in rows
    ]
    return [*paths, "data.yaml"]


def encode(samples: Sequence[Sample], split: str, plan: ExportPlan) -> list[dict[str, object]]:
    """Writes the files of each sample; returns their names."""
    classes = {class_id: k for k, class_id in enumerate(plan.schema.class_ids)}
    names: list[dict[str, object]] = []
    for sample in samples:
        name = idx_to_name(to_sample_idx(sample))
        write_bytes(plan.out / "images" / split / f"{name}.png", sample[IMAGE])
        objects = list(find_objects(sample))
        for folder, shapes in (
            ("labels", [polygon for _, polygon in objects]),
            ("boxes", [polygon_to_box(polygon) for _, polygon in objects]),
        ):
            lines = [
                " ".join([str(classes[c]), *(f"{v:.{NUM_DIGITS}f}" for v in np.ravel(shape))])
                for (c, _), shape in zip(objects, shapes, strict=True)
            ]
            text = "".join(f"{line}\n" for line in lines)
            write_text(plan.out / folder / split / f"{name}.txt", text)
        names.append({"name": name})
    return names


def find_objects(sample: Sample) -> Iterator[tuple[int, np.ndarray]]:
    """Class id and polygon, (k, 2) in shares of the width and height, of each visible object."""
    labels = sample["labels"]
    of_objects = zip(np.ravel(sample["instance"]), np.ravel(sample["class"]), strict=True)
    for instance, class_id in of_objects:
        mask = labels == instance
        if instance > 0 and mask.any():
            yield int(class_id), mask_to_polygon(mask) / labels.shape[::-1]


def mask_to_polygon(mask: np.ndarray) -> np.ndarray:
    """One polygon of a mask, with all of its parts and holes.

    Its lines run between the centers of pixels inside and outside, so that exactly the pixels of
    the mask have their centers inside. Parts and holes are joined by lines there and back.

    Args:
        mask: (h, w) bool, not empty.

    Returns:
        (k, 2) float64: x, y in px; edges of pixels are whole numbers.
    """
    from skimage.measure import find_contours

    padded = np.pad(mask, 1).astype(np.float64)
    contours = find_contours(padded, 0.5)  # holes wind the other way
    first = contours[0]
    path = [first, *(part for other in contours[1:] for part in (other, first[:1]))]
    # A pixel's center is at half a pixel, and there is one pixel of padding.
    return np.concatenate(path)[:, ::-1] - 0.5


def polygon_to_box(polygon: np.ndarray) -> np.ndarray:
    """Center and size of a polygon's box, (4,), in its own unit."""
    low, high = polygon.min(axis=0), polygon.max(axis=0)
    return np.concatenate([(low + high) / 2, high - low])


def finish(plan: ExportPlan) -> None:
    """Writes ``data.yaml``."""
    import yaml

    splits = {_ULTRALYTICS_SPLITS[name]: f"images/{name}" for name in plan.splits}
    values = {"path": ".", **splits, "names": dict(enumerate(plan.schema.class_names))}
    write_text(plan.out / "data.yaml", yaml.safe_dump(values, sort_keys=False))


def create_reading_line(folder: str, plan: ExportPlan) -> str:
    """Reads the description, whose path Ultralytics takes as ``data=``."""
    return f'yaml.safe_load(open("{folder}/data.yaml"))'


FORMAT = Format(
    piece_path=lines_path,
    encode=encode,
    write=write_lines,
    describe=describe_files(
        "images/*/*.png",
        ("polygons", "labels/*/*.txt", "text/plain"),
        ("boxes", "boxes/*/*.txt", "text/plain"),
    ),
    reading_line=create_reading_line,
    data_files="images/{split}/*.png",
    packages=("skimage", "yaml"),
    pixel_labels=(INSTANCE_MAP,),
    refuse=refuse,
    list_paths=list_paths,
    finish=finish,
)
