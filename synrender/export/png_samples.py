"""Samples as an export holds them: every picture as the bytes of a PNG file."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from synrender.archive.encode import array_to_png
from synrender.dataset.record import RECORD_DTYPE
from synrender.errors import UserError
from synrender.images.conversions import depth_to_16_bit
from synrender.labels.boxes import instance_to_boxes
from synrender.loading.dataset import Dataset, open_dataset
from synrender.loading.row_source import (
    CLASS_MAP,
    DEPTH,
    IMAGE,
    IMAGE_PNG,
    INSTANCE_MAP,
    Sample,
)

PICTURES = {IMAGE: "png", INSTANCE_MAP: "instance.png", CLASS_MAP: "class.png", DEPTH: "depth.png"}
"""Pictures of a sample, and how the names of their files end."""

OBJECT_LABELS = (
    *("visible_share", "box_2d", "box_2d_amodal", "box_3d_world_m", "box_3d_camera_m"),
    *("box_3d_px", "keypoint_px", "keypoint_world_m", "keypoint_visibility"),
)
"""Labels of each object, which are exported where ``rendering.labels`` asks for them."""

AMODAL = "amodal"
OF_MASKS = ("num_visible_px", "box_px")
"""Values that an archive stores for each object, and that are counted for the small files."""

_MAPS = tuple(name for name in PICTURES if name != IMAGE)
_FIELDS = (*_MAPS, *(RECORD_DTYPE.names or ()), *OF_MASKS, *OBJECT_LABELS, AMODAL)
"""Fields to read besides the image; no format holds labels with values for each pixel."""

_FILE_BYTES, _RECORD_BYTES = 1024, 4096
"""Around a file in a tar, at most; of a record as JSON, for one object."""


def open_source(path: Path) -> Dataset:
    """Opens all splits of a data set, with the fields that are exported.

    Raises:
        UserError: nothing of it can be exported.
    """
    data = open_dataset(path)
    if not len(data):
        raise UserError(f"{path}: holds no samples")
    image = IMAGE_PNG if IMAGE_PNG in data.all_fields else IMAGE
    first = data.with_fields((image,))[0]
    if image == IMAGE and first[IMAGE].dtype != np.uint8:
        raise UserError(
            f"{path}: only normalized arrays are left ({data.files[0].name}); an export needs the "
            "images of imgs_XX.h5 or the small files"
        )
    fields = [name for name in data.fields if name in _FIELDS]
    return data.with_fields((image, *fields), np.inf)


@functools.lru_cache(maxsize=1)
def _open_once(path: Path, fingerprint: str) -> Dataset:
    """The data set of a worker, which keeps it from task to task; a changed one is opened again."""
    return open_source(path)


def read_task(path: Path, fingerprint: str, num_rows: int, rows: range) -> list[Sample]:
    """Samples of some rows, in a worker; see `read_rows`.

    Raises:
        UserError: the data set has changed since the export began.
    """
    data = _open_once(path, fingerprint)
    if len(data) != num_rows:
        raise UserError(f"{path}: has {len(data)} samples, it had {num_rows} as the export began")
    return read_rows(data, np.arange(rows.start, rows.stop))


def read_rows(data: Dataset, rows: Sequence[int] | np.ndarray) -> list[Sample]:
    """Samples of some rows of `open_source`.

    Pictures are PNG bytes, with ``image``, ``instance_map``, ``class_map`` and ``depth_m`` (0.1 mm
    steps, 65535 = nothing hit) for names. ``labels`` is (h, w) int, the instances, or None. With
    labels there are ``num_visible_px`` and ``box_px`` too, see `instance_to_boxes`, and what there
    is of `OBJECT_LABELS` and ``amodal``, whose first axis is that of the objects.
    """
    return [_encode(sample) for sample in data.read_checked(rows)]


def find_sample_bytes(sample: Sample) -> int:
    """Size of a sample of `read_rows` in any format, at most."""
    num_bytes = sum(len(sample[name]) + _FILE_BYTES for name in PICTURES if name in sample)
    return num_bytes + _FILE_BYTES + _RECORD_BYTES * np.size(sample["class"])


def _encode(sample: Sample) -> Sample:
    found = {k: v for k, v in sample.items() if k not in PICTURES and k != IMAGE_PNG}
    found[IMAGE] = sample[IMAGE_PNG] if IMAGE_PNG in sample else array_to_png(sample[IMAGE])
    found["labels"] = labels = sample.get(INSTANCE_MAP)
    if labels is not None:
        found[INSTANCE_MAP] = array_to_png(labels.astype(np.uint16))
        found[CLASS_MAP] = array_to_png(sample[CLASS_MAP].astype(np.uint16))
        found[DEPTH] = array_to_png(depth_to_16_bit(sample[DEPTH]))
        if OF_MASKS[0] not in found:
            boxes = instance_to_boxes(labels, max(1, np.size(sample["class"])))
            is_single = np.ndim(sample["class"]) == 0
            found |= {k: v[0] if is_single else v for k, v in zip(OF_MASKS, boxes, strict=True)}
    return found
