"""The fields of the HDF5 files of an archive: name, shape and type of each.

``imgs_XX.h5``, a shard, holds images and labels of pixels as PNG files, and all else as numbers and
text; ``data_<res>.h5`` holds numbers and text alone. `shard` compares files with these tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from synrender.dataset.record import NEW_NAMES, RECORD_DTYPE
from synrender.images.label_codes import CODES

ANY = -1
"""Length of an axis of a field that the tables leave open: the number of keypoints."""

TEXT, PNG = "text", "PNG"
"""Kinds of fields that hold no numbers."""

_CORNERS = "of the model's box: corner i is at the upper end of x if i & 4, y if i & 2, z if i & 1"
_POINTS = "the attribute `names` says which point is which; NaN where a model has no such point"


@dataclass(frozen=True)
class Numbers:
    """A field of a label that is stored as it is."""

    shape: tuple[int, ...]  # for one object
    dtype: type
    description: str
    is_per_object: bool = True


NUMBERS = {
    "visible_share": Numbers(
        (), np.float32, "visible pixels / pixels of the whole object in the frame; 0 = none there"
    ),
    "box_2d_amodal": Numbers(
        (4,), np.int32, "like box_px, of the whole object as if it stood alone; all 0 = outside"
    ),
    "box_3d_world_m": Numbers((8, 3), np.float32, f"world, m, {_CORNERS}"),
    "box_3d_camera_m": Numbers(
        (8, 3), np.float32, f"camera (x right, y down, z forward), m, {_CORNERS}"
    ),
    "box_3d_px": Numbers((8, 2), np.float32, f"px, {_CORNERS}; NaN = behind the camera"),
    "flow_to": Numbers((), np.int64, "sample_idx that flow leads to; -1: none", False),
    "keypoint_px": Numbers((ANY, 2), np.float32, f"px; {_POINTS}, or behind the camera"),
    "keypoint_world_m": Numbers((ANY, 3), np.float32, f"world, m; {_POINTS}"),
    "keypoint_visibility": Numbers(
        (ANY,),
        np.uint8,
        "0 = out of the frame, or no such point; 1 = a surface is in front of it; 2 = seen; the "
        "attribute `names` says which point is which",
    ),
}

PX_FIELDS = (
    *("intrinsics", "num_visible_px", "box_px"),
    *("box_2d", "box_2d_amodal", "box_3d_px", "keypoint_px"),
)
"""Fields in px, which `data_<res>.h5` holds scaled to its images."""

AS_RENDERED = {name: f"rendered_{name}" for name in PX_FIELDS[:3]}
"""Fields in px that `data_<res>.h5` also holds as they are of the rendered images, by this name.

A file without the second name is from before it was kept: its first is not scaled.
"""


@dataclass(frozen=True)
class Field:
    """What a field holds of each sample."""

    shape: tuple[int, ...]  # without the axis of the samples
    kind: np.dtype | str  # of numbers; TEXT or PNG
    is_required: bool = False


def object_shape(num_objs: int) -> tuple[int, ...]:
    """Shape of the object axis: empty for a single object."""
    return () if num_objs == 1 else (num_objs,)


def list_shard_fields(num_objs: int, is_exr: bool) -> dict[str, Field]:
    """Fields that a shard has or may have, by name.

    Args:
        num_objs: rows for the objects of a sample.
        is_exr: whether it was made from EXR files.
    """
    fields = dict(_list_numbers(num_objs))
    pngs = ("png_images", *(("png_targets", "png_depth") if is_exr else ()))
    fields |= {name: Field((), PNG, True) for name in pngs}
    fields |= {f"png_{name}": Field((), PNG) for name in CODES if is_exr}
    if not is_exr:
        fields["targets"] = Field(object_shape(num_objs), np.dtype(np.int64))
    return fields


def list_array_fields(num_objs: int, is_exr: bool, res: int) -> dict[str, Field]:
    """Fields that ``data_<res>.h5`` has or may have, by name; see `list_shard_fields`."""
    fields = dict(_list_numbers(num_objs))
    fields |= {AS_RENDERED[name]: fields[name] for name in AS_RENDERED}
    fields["data"] = Field((3, res, res), np.dtype(np.float16), True)
    if not is_exr:
        return {**fields, "targets": Field(object_shape(num_objs), np.dtype(np.int64), True)}
    fields["targets"] = Field((3, res, res), np.dtype(np.uint8), True)
    fields["depth"] = Field((res, res), np.dtype(np.uint16))
    for name, code in CODES.items():
        fields[name] = Field(code.find_shape(res, num_objs), np.dtype(code.dtype))
    return fields


def _list_numbers(num_objs: int) -> Iterator[tuple[str, Field]]:
    """Fields of records and of labels that are stored as they are."""
    objects = object_shape(num_objs)
    for name in RECORD_DTYPE.names or ():
        own = RECORD_DTYPE[name]
        kind = TEXT if own.base.kind == "U" else own.base
        yield name, Field((*objects, *own.shape), kind, name not in NEW_NAMES)
    yield "num_visible_px", Field(objects, np.dtype(np.int32))
    yield "box_px", Field((*objects, 4), np.dtype(np.int32))
    for name, numbers in NUMBERS.items():
        shape = (num_objs, *numbers.shape) if numbers.is_per_object else numbers.shape
        yield name, Field(shape, np.dtype(numbers.dtype))
