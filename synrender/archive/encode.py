"""Encodes samples for HDF5: images and labels of pixels as PNG files, all else as numbers.

Labels of pixels are stored as whole numbers, see `CODES`. Two labels need no field of their own:
``world_position`` follows from ``png_depth`` and the camera of the record, and ``box_2d`` is
``box_px``.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from PIL import Image

from synrender.archive.hdf5_files import PNG_DTYPE
from synrender.dataset.archive_layout import ANY, NUMBERS, Numbers
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.info import CameraInfo, DatasetInfo
from synrender.dataset.label_reader import LabelReader, read_named_points
from synrender.errors import UserError
from synrender.images.conversions import depth_to_16_bit
from synrender.images.exr import ExrImage, read_exr
from synrender.images.image_files import PNG_SIGNATURE, find_damage, read_image
from synrender.images.label_codes import CODES, numbers_to_png
from synrender.labels.boxes import instance_to_boxes
from synrender.labels.derive import Labels
from synrender.labels.keypoints import NamedPoints
from synrender.settings.label_table import list_fields

PNG_LEVEL = 4
"""Level of zlib: 10 % smaller than the fastest level, 3 times as fast as the default 6."""

MAX_INSTANCES = 255
"""Largest number of instances in the 8 bits of ``png_targets``."""


Encoded = dict[str, bytes | np.ndarray]
"""What fields of a shard hold of one sample, by name: PNG files, and values."""


def encode_image(
    path: Path,
    num_objs: int,
    side_px: int,
    labels: Labels | None = None,
    plan: LabelPlan | None = None,
) -> Encoded:
    """Encodes an image file: keeps the bytes of a PNG, turns an EXR into three PNGs and its labels.

    Args:
        path: ``.png`` or ``.exr``.
        num_objs: number of objects in the sample.
        side_px: side of the data set's square images.
        labels: of the sample, opened from the same file; None: there are none to encode.
        plan: which labels.

    Raises:
        UserError: the file is missing, damaged, or of another size or kind.
    """
    if path.suffix == ".png":
        data = read_png(path)
        _refuse_other_size(path, _png_to_size(data), side_px)
        return {"png_images": data}
    if num_objs > MAX_INSTANCES:
        raise UserError(
            f"{path}: {num_objs} objects; the 8 bits of png_targets hold at most {MAX_INSTANCES}"
        )
    exr = labels.view.image if labels else read_exr(path)
    _refuse_other_size(path, _exr_to_size(exr), side_px)
    try:
        num_visible_px, box_px = instance_to_boxes(exr.instance, num_objs)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    found = find_label_numbers(labels, plan, num_objs, side_px) if labels and plan else {}
    return {
        "png_images": array_to_png(exr.image8),
        "png_targets": array_to_png(exr_to_targets(exr)),
        "png_depth": array_to_png(depth_to_16_bit(exr.depth_m)),
        "num_visible_px": num_visible_px,
        "box_px": box_px,
        **{f"png_{name}": numbers_to_png(v) for name, v in found.items() if name in CODES},
        **{name: value for name, value in found.items() if name not in CODES},
    }


def exr_to_targets(exr: ExrImage) -> np.ndarray:
    """Dense targets in 8 bits.

    Returns:
        (h, w, 3) uint8: instance from 1, 0 = backdrop; class id + 1, 0 = backdrop; depth in cm,
        rounded, 255 = that or more.
    """
    depth_cm = np.rint(np.minimum(exr.depth_m * 100, 255))
    return np.stack([exr.instance, exr.class_label, depth_cm], axis=2).astype(np.uint8)


def array_to_png(array: np.ndarray) -> bytes:
    """PNG file of (h, w, 3) uint8, of (h, w, 4) with alpha, or of (h, w) uint16.

    Calls Pillow directly: imageio uses it too, and takes a third longer.
    """
    file = io.BytesIO()
    Image.fromarray(array).save(file, "png", compress_level=PNG_LEVEL)
    return file.getvalue()


def read_png(path: Path) -> bytes:
    """Bytes of a whole PNG file.

    Raises:
        UserError: it is missing, truncated, or not 8-bit RGB or RGBA.
    """
    try:
        data = read_image(path)
    except OSError as error:
        data, damage = b"", error.strerror or "cannot be read"
    except ValueError as error:
        data, damage = b"", str(error)
    else:
        damage = find_damage(data)
    if not damage and not data.startswith(PNG_SIGNATURE):
        damage = "not a PNG file"
    if damage:
        raise UserError(f"{path}: {damage}; remove it and render it again")
    if data[24:26] not in (b"\x08\x02", b"\x08\x06"):  # bit depth and color type
        raise UserError(f"{path}: not an 8-bit image, RGB or with alpha, as render.py writes them")
    return data


def read_image_size(path: Path) -> tuple[int, int]:
    """Width and height in px.

    Raises:
        UserError: the file is missing or damaged.
    """
    if path.suffix == ".png":
        return _png_to_size(read_png(path))
    return _exr_to_size(read_exr(path))


def _exr_to_size(exr: ExrImage) -> tuple[int, int]:
    height, width = exr.instance.shape
    return width, height


def _png_to_size(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _refuse_other_size(path: Path, size: tuple[int, int], side_px: int) -> None:
    if size != (side_px, side_px):
        raise UserError(
            f"{path}: {size[0]} x {size[1]} px, the data set began with {side_px} x {side_px}: "
            "all images must be of one size; remove it and render again"
        )


DERIVED = ("world_position", "box_2d")
"""Labels that a reader computes from other fields."""


@dataclass(frozen=True)
class LabelPlan:
    """The labels that an archive holds; a plain value that is sent to other processes."""

    fields: tuple[str, ...]
    idxs: range  # of all samples, among which flow finds its partner
    camera: CameraInfo
    named: NamedPoints
    has_ground: bool

    def open(self, folder: DatasetFolder) -> LabelReader:
        """Reader of the labels of the small files."""
        return LabelReader(folder, self.camera, self.idxs, self.named, self.has_ground)


def plan_labels(folder: DatasetFolder, info: DatasetInfo, idxs: np.ndarray) -> LabelPlan | None:
    """Labels of a data set to archive, of which all samples are given; None: there are none.

    Raises:
        UserError: ``keypoints.json`` is damaged.
    """
    names = list_fields(info.settings.rendering.labels)
    fields = tuple(name for name in names if name not in DERIVED)
    if not fields:
        return None
    samples = range(int(idxs.min()), int(idxs.max()) + 1)
    named, has_ground = read_named_points(folder.path), info.settings.scene.ground
    return LabelPlan(fields, samples, info.camera, named, has_ground)


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

    The archive has rows for ``num_objs`` objects of each sample. Those that a sample lacks are
    hidden and unknown: 0, and NaN.
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


def _find_shape(numbers: Numbers, plan: LabelPlan, num_objs: int) -> tuple[int, ...]:
    num_points = len(plan.named.all_names)
    shape = tuple(num_points if size == ANY else size for size in numbers.shape)
    return (num_objs, *shape) if numbers.is_per_object else shape
