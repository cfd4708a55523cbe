"""How an archive is laid out: its shards and splits, and the fields of its HDF5 files.

``imgs_XX.h5``, a shard, holds images and labels of pixels as PNG files, and all else as numbers and
text. ``data_<res>.h5`` holds numbers and text alone. `shard` compares files with the tables below.

The rows of an archive are divided into shards (files), and into splits. The two divisions are
independent. ``--num_buckets`` says how many shards there are (the flag has had this name since
2020), and shard i begins at row floor(i * n / num_shards). Splits follow the buckets of models that
the data set was rendered with (``object.n_buckets``, 12 by default): the last bucket is for test,
the one before it for validation, all others are for training. So with 12 buckets the first
floor(n * 10 / 12) rows are for training. Samples are shuffled only within a split. Splits do not
follow the shards, so that no model is in two of them: with 5 shards of a data set of 12 buckets,
3/5 of the samples would end in the middle of a bucket.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from synrender.dataset.record import NEW_NAMES, RECORD_DTYPE, UNKNOWN_COLUMNS, list_record_fields
from synrender.images.label_codes import CODES
from synrender.settings.checks import SPLITS

DEFAULT_NUM_SHARDS = DEFAULT_NUM_BUCKETS = 12


@dataclass(frozen=True)
class Layout:
    """Rows 0 to n - 1 of an archive, all shards one after the other."""

    num_samples: int
    num_shards: int  # files
    split_buckets: tuple[int, ...]  # buckets of models that train, validate and test

    def shard_rows(self, shard: int) -> range:
        """Rows in file ``shard``."""
        n, b = self.num_samples, self.num_shards
        return range(n * shard // b, n * (shard + 1) // b)

    @property
    def split_rows(self) -> dict[str, range]:
        """Rows of each split, by its name."""
        n, b = self.num_samples, sum(self.split_buckets)
        ends = [n * k // b for k in (0, *itertools.accumulate(self.split_buckets))]
        return {name: range(ends[i], ends[i + 1]) for i, name in enumerate(SPLITS)}

    def split_of(self, row: int) -> str:
        """Name of the split of a row."""
        return next(name for name, rows in self.split_rows.items() if row in rows)

    def cut(self, rows: range, size: int) -> Iterator[range]:
        """Cuts rows into pieces of at most ``size`` that lie within one split each."""
        ends = sorted({*(r.stop for r in self.split_rows.values()), rows.stop})
        start = rows.start
        while start < rows.stop:
            stop = min(start + size, *(e for e in ends if e > start))
            yield range(start, stop)
            start = stop


def create_layout(
    num_samples: int, num_shards: int, num_buckets: int, split_buckets: Sequence[int] = ()
) -> Layout:
    """Layout of an archive in so many files; for the buckets see `find_split_buckets`."""
    return Layout(num_samples, num_shards, find_split_buckets(num_buckets, split_buckets))


def find_split_buckets(num_buckets: int, split_buckets: Sequence[int] = ()) -> tuple[int, ...]:
    """Buckets of each split: those of ``design.split``, or all but two, one, one.

    Fewer than 3 buckets of models cannot make three splits and count as 12.
    """
    if num_buckets < len(SPLITS):
        num_buckets, split_buckets = DEFAULT_NUM_BUCKETS, ()
    return tuple(split_buckets) or (num_buckets - 2, 1, 1)


def buckets_to_splits(buckets: np.ndarray, split_buckets: Sequence[int]) -> np.ndarray:
    """Place in `SPLITS` of buckets (n,), (n,) int64."""
    return np.searchsorted(np.cumsum(split_buckets)[:-1], buckets, side="right")


def draw_order(layout: Layout, seed: int) -> np.ndarray:
    """Shuffles within each split.

    Returns:
        (n,) int64: the sample in each row, counted from the first sample.
    """
    parts = []
    for k, rows in enumerate(layout.split_rows.values()):
        keys = np.random.Generator(np.random.PCG64([seed, k])).random(len(rows))
        parts.append(rows.start + np.argsort(keys, kind="stable"))
    return np.concatenate(parts).astype(np.int64)


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
    """Shape and kind of a field for one sample."""

    shape: tuple[int, ...]  # without the axis of the samples
    kind: np.dtype | str  # of numbers; TEXT or PNG
    is_required: bool = False


def object_shape(num_objs: int) -> tuple[int, ...]:
    """Shape of the object axis: empty for a single object."""
    return () if num_objs == 1 else (num_objs,)


def list_shard_fields(num_objs: int, is_exr: bool, num_columns: int) -> dict[str, Field]:
    """Fields that a shard, made from EXR files or from PNG, has or may have, by name."""
    fields = dict(_list_numbers(num_objs, num_columns))
    pngs = ("png_images", *(("png_targets", "png_depth") if is_exr else ()))
    fields |= {name: Field((), PNG, True) for name in pngs}
    fields |= {f"png_{name}": Field((), PNG) for name in CODES if is_exr}
    if not is_exr:
        fields["targets"] = Field(object_shape(num_objs), np.dtype(np.int64))
    return fields


def list_array_fields(num_objs: int, is_exr: bool, num_columns: int, res: int) -> dict[str, Field]:
    """Fields that ``data_<res>.h5`` has or may have, by name; see `list_shard_fields`."""
    fields = dict(_list_numbers(num_objs, num_columns))
    fields |= {AS_RENDERED[name]: fields[name] for name in AS_RENDERED}
    fields["data"] = Field((3, res, res), np.dtype(np.float16), True)
    fields["alpha"] = Field((res, res), np.dtype(np.uint8))
    if not is_exr:
        return {**fields, "targets": Field(object_shape(num_objs), np.dtype(np.int64), True)}
    fields["targets"] = Field((3, res, res), np.dtype(np.uint8), True)
    fields["depth"] = Field((res, res), np.dtype(np.uint16))
    for name, code in CODES.items():
        fields[name] = Field(code.find_shape(res, num_objs), np.dtype(code.dtype))
    return fields


def _list_numbers(num_objs: int, num_columns: int) -> Iterator[tuple[str, Field]]:
    """Fields of records and of labels that are stored as they are."""
    objects = object_shape(num_objs)
    for name in list_record_fields(num_columns):
        own = RECORD_DTYPE[name]
        kind = TEXT if own.base.kind == "U" else own.base
        shape = (num_columns,) if name in UNKNOWN_COLUMNS else own.shape
        yield name, Field((*objects, *shape), kind, name not in NEW_NAMES)
    yield "num_visible_px", Field(objects, np.dtype(np.int32))
    yield "box_px", Field((*objects, 4), np.dtype(np.int32))
    for name, numbers in NUMBERS.items():
        shape = (num_objs, *numbers.shape) if numbers.is_per_object else numbers.shape
        yield name, Field(shape, np.dtype(numbers.dtype))


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
    """Rounds up or down to whole numbers, after rounding errors are removed."""
    return to_whole(np.round(values, 9))
