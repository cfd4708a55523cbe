"""Labels in HDF5: pixels as PNGs of whole numbers (`CODES`), everything else as numbers.

Two labels need no field of their own: ``world_position`` follows from ``png_depth`` and the camera
of the record, and ``box_2d`` is ``box_px``.
"""

from __future__ import annotations

from dataclasses import dataclass

import h5py
import numpy as np

from synrender.archive.hdf5_files import PNG_DTYPE
from synrender.dataset.archive_layout import ANY, NUMBERS, PX_FIELDS, Numbers
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.info import CameraInfo, DatasetInfo
from synrender.dataset.label_reader import LabelReader, read_named_points
from synrender.images.label_codes import CODES, numbers_to_png
from synrender.labels.derive import Labels
from synrender.labels.keypoints import NamedPoints
from synrender.settings.label_table import list_fields

DERIVED = ("world_position", "box_2d")
"""What a reader gets from other fields."""


@dataclass(frozen=True)
class LabelPlan:
    """What an archive holds of labels; a plain value that goes to other processes."""

    fields: tuple[str, ...]
    idxs: range  # of all samples, among which flow finds its partner
    camera: CameraInfo
    named: NamedPoints

    def open(self, folder: DatasetFolder) -> LabelReader:
        """Reader of the labels of the small files."""
        return LabelReader(folder, self.camera, self.idxs, self.named)


def plan_labels(folder: DatasetFolder, info: DatasetInfo, idxs: np.ndarray) -> LabelPlan | None:
    """Labels of a data set to archive; None: there are none.

    Args:
        folder: of the data set.
        info: its description.
        idxs: all samples of the archive, in any order.

    Raises:
        UserError: ``keypoints.json`` is damaged.
    """
    names = list_fields(info.settings.rendering.labels)
    fields = tuple(name for name in names if name not in DERIVED)
    if not fields:
        return None
    samples = range(int(idxs.min()), int(idxs.max()) + 1)
    return LabelPlan(fields, samples, info.camera, read_named_points(folder.path))


def create_label_fields(
    file: h5py.File, plan: LabelPlan, num_rows: int, num_objs: int, side_px: int
) -> None:
    """Creates the fields of all labels, with their descriptions and steps."""
    for name in plan.fields:
        if name in CODES:
            code = CODES[name]
            field = file.create_dataset(f"png_{name}", (num_rows,), PNG_DTYPE)
            bits = 16 if code.channels else 8
            field.attrs["description"] = f"PNG files, {bits}-bit: {code.description}"
            if code.step:
                field.attrs["step"] = code.step(side_px)
            continue
        numbers = NUMBERS[name]
        shape = (num_rows, *_find_shape(numbers, plan, num_objs))
        field = file.create_dataset(name, shape, numbers.dtype)
        field.attrs["description"] = numbers.description
        if name.startswith("keypoint_"):
            field.attrs["names"] = list(plan.named.all_names)


def find_label_numbers(
    labels: Labels, plan: LabelPlan, num_objs: int, side_px: int
) -> dict[str, np.ndarray]:
    """Whole numbers of pixel labels, and values of the others, by field.

    Objects that a sample lacks are hidden and unknown: 0, and NaN.

    Args:
        labels: of a sample.
        plan: what to find.
        num_objs: rows that the archive has for the objects of a sample.
        side_px: side of the images.
    """
    found = {}
    for name in plan.fields:
        value = np.asarray(getattr(labels, name))
        is_per_object = CODES[name].is_per_object if name in CODES else NUMBERS[name].is_per_object
        if name in CODES:
            value = CODES[name].encode(value, side_px)
        if is_per_object and len(value) < num_objs:
            is_unknown = value.dtype.kind == "f" and name != "visible_share"
            filled = np.full((num_objs, *value.shape[1:]), np.nan if is_unknown else 0, value.dtype)
            filled[: len(value)] = value
            value = filled
        found[name] = value
    return found


def encode_labels(
    labels: Labels, plan: LabelPlan, num_objs: int, side_px: int
) -> dict[str, bytes | np.ndarray]:
    """What `create_label_fields` made room for, of one sample: PNGs and values by field."""
    found = find_label_numbers(labels, plan, num_objs, side_px)
    return {
        f"png_{name}" if name in CODES else name: (
            numbers_to_png(value) if name in CODES else value
        )
        for name, value in found.items()
    }


def scale_px(name: str, values: np.ndarray, scale: float) -> np.ndarray:
    """Values of a field in the px of images of ``scale`` times the size.

    Boxes and numbers of pixels grow to whole ones, so that what is visible stays so.
    """
    if name not in PX_FIELDS or scale == 1:
        return values
    if name == "intrinsics":
        return values * np.array([[scale], [scale], [1.0]])
    if values.dtype.kind == "f":
        return (values * scale).astype(values.dtype)
    if name == "num_visible_px":
        return _round_out(values * scale**2, np.ceil).astype(values.dtype)
    ends = (values[..., :2], np.floor), (values[..., 2:], np.ceil)
    found = [_round_out(end * scale, to_whole) for end, to_whole in ends]
    return np.concatenate(found, axis=-1).astype(values.dtype)


def _round_out(values: np.ndarray, to_whole: np.ufunc) -> np.ndarray:
    """Whole numbers above or below; what differs from one by rounding alone is that one."""
    return to_whole(np.round(values, 9))


def _find_shape(numbers: Numbers, plan: LabelPlan, num_objs: int) -> tuple[int, ...]:
    num_points = len(plan.named.all_names)
    shape = tuple(num_points if size == ANY else size for size in numbers.shape)
    return (num_objs, *shape) if numbers.is_per_object else shape
