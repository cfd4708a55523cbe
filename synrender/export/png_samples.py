"""Samples as an export holds them: all pixels as the bytes of files."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synrender.dataset.info import CameraInfo
from synrender.dataset.record import RECORD_DTYPE
from synrender.errors import UserError, nearest_name, shorten
from synrender.labels.boxes import instance_to_boxes
from synrender.loading.dataset import Dataset, open_dataset
from synrender.loading.export_fields import FLOW_TO, OBJECT_LABELS, OF_MASKS
from synrender.loading.pixel_files import PIXEL_FILES
from synrender.loading.row_source import IMAGE, IMAGE_PNG, INSTANCE_MAP, Sample
from synrender.settings.groups import Captions

LABEL_FIELDS = (*(name for name in PIXEL_FILES if name != IMAGE), *OBJECT_LABELS, FLOW_TO)
"""What can be exported besides the image and the record."""

_FILE_BYTES, _RECORD_BYTES = 1024, 4096
"""Around a file in a tar, at most; of a record as JSON, for one object."""


@dataclass(frozen=True)
class Source:
    """Samples to export: a plain value that goes to other processes."""

    path: Path  # what `open_dataset` reads
    fields: tuple[str, ...]  # to read
    fingerprint: str  # of the data set
    num_rows: int
    captions: Captions  # what they are like


def open_source(path: Path) -> Dataset:
    """Opens all splits of a data set, with the fields of its images and its records.

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
    names = [name for name in RECORD_DTYPE.names or () if name in data.all_fields]
    return data.with_fields((image, *names), np.inf)


def choose_labels(data: Dataset, named: Sequence[str] | None) -> list[str]:
    """Those of `LABEL_FIELDS` to export.

    Args:
        data: of `open_source`.
        named: by the user; None: all that the data set was rendered for.

    Raises:
        UserError: the data set cannot give one of them.
    """
    known = [name for name in LABEL_FIELDS if name in data.all_fields]
    if named is None:
        return [name for name in known if name in data.with_fields(None).fields]
    for name in named:
        if name not in known:
            raise UserError(
                f"--fields {shorten(name)}: {data.path} cannot give it{nearest_name(name, known)}"
            )
    leads = {FLOW_TO} if {"flow", "occlusion"} & {*named} else set()
    return [name for name in known if name in {*named} | leads]


@functools.lru_cache(maxsize=1)
def open_once(source: Source) -> Dataset:
    """The data set of a worker, which keeps it from task to task; a changed one is opened again.

    Raises:
        UserError: the data set has changed since the export began.
    """
    data = open_dataset(source.path).with_captions(source.captions)
    data = data.with_fields(source.fields, np.inf)
    if len(data) != source.num_rows:
        raise UserError(
            f"{source.path}: has {len(data)} samples, it had {source.num_rows} as the export began"
        )
    return data


def read_task(source: Source, rows: range) -> list[Sample]:
    """Samples of some rows, in a worker; see `read_rows`.

    Raises:
        UserError: the data set has changed since the export began.
    """
    return read_rows(open_once(source), np.arange(rows.start, rows.stop))


def read_task_records(source: Source, rows: range) -> list[Sample]:
    """The fields of the records alone, in a worker."""
    data = open_once(source)
    names = [name for name in source.fields if name in (RECORD_DTYPE.names or ())]
    return data.with_fields(names).read_samples(np.arange(rows.start, rows.stop))


def read_rows(data: Dataset, rows: Sequence[int] | np.ndarray) -> list[Sample]:
    """Samples of some rows of a data set with the fields of a `Source`.

    Fields of `PIXEL_FILES` are the bytes of their files. ``labels`` is (h, w) int, the instances,
    or None. With labels there are ``num_visible_px`` and ``box_px`` too, see `instance_to_boxes`.
    The first axis of `OBJECT_LABELS` is that of the objects.
    """
    return [_encode(sample) for sample in data.read_checked(rows)]


def find_sample_camera(sample: Sample, camera: CameraInfo) -> tuple[np.ndarray, np.ndarray]:
    """Camera of a sample: intrinsics (3, 3) px, and world to camera (4, 4).

    Args:
        sample: with the fields of its record.
        camera: of the data set, for records without one.
    """
    own = [
        np.reshape(sample[name], (-1, *shape))[0]  # all objects have the same
        for name, shape in (("intrinsics", (3, 3)), ("world_to_camera", (4, 4)))
        if name in sample
    ]
    if len(own) == 2 and all(np.isfinite(matrix).all() for matrix in own):
        return own[0], own[1]
    return np.array(camera.intrinsics), np.array(camera.world_to_camera)


def find_sample_bytes(sample: Sample) -> int:
    """Size of a sample of `read_rows` in any format, at most."""
    num_bytes = sum(len(sample[name]) + _FILE_BYTES for name in PIXEL_FILES if name in sample)
    return num_bytes + _FILE_BYTES + _RECORD_BYTES * np.size(sample["class"])


def _encode(sample: Sample) -> Sample:
    found = {name: value for name, value in sample.items() if name != IMAGE_PNG}
    found |= {name: f.encode(sample[name]) for name, f in PIXEL_FILES.items() if name in sample}
    if IMAGE_PNG in sample:
        found[IMAGE] = sample[IMAGE_PNG]
    found["labels"] = labels = sample.get(INSTANCE_MAP)
    if labels is not None and not found.keys() & OF_MASKS.keys():
        boxes = instance_to_boxes(labels, max(1, np.size(sample["class"])))
        is_single = np.ndim(sample["class"]) == 0
        found |= {k: v[0] if is_single else v for k, v in zip(OF_MASKS, boxes, strict=True)}
    return found
