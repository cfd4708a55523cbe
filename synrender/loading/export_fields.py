"""Fields of samples from the columns of an export: the inverse of `synrender.export.columns`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from synrender.dataset.archive_layout import NUMBERS
from synrender.dataset.info import DatasetInfo
from synrender.dataset.record import RECORD_DTYPE, UNKNOWN_COLUMNS
from synrender.images.conversions import find_alpha
from synrender.images.png import check_whole, decode_image, find_image_shape
from synrender.loading.captions import CAPTION, KINDS, NEGATIVES
from synrender.loading.pixel_files import PIXEL_FILES, decode_pixels
from synrender.loading.row_source import ALPHA, IMAGE, IMAGE_PNG, FieldReader, Part, Values
from synrender.settings.factor_table import COLUMNS
from synrender.settings.groups import has_alpha

OBJECT_LABELS = (
    *("visible_share", "box_2d", "box_2d_amodal", "box_3d_world_m", "box_3d_camera_m"),
    *("box_3d_px", "keypoint_px", "keypoint_world_m", "keypoint_visibility"),
)
"""Labels of each object, which are exported where ``rendering.labels`` asks for them."""

OF_MASKS = {"num_visible_px": (), "box_px": (4,)}
"""Values that an archive stores for each object, and that are counted for the small files: int32 of
this shape."""

FLOW_TO = "flow_to"
"""Number of the sample that ``flow`` and ``occlusion`` lead to; -1: none."""

AMODAL = "amodal"

CAPTION_COLUMNS = (CAPTION, NEGATIVES, KINDS)

FACTOR_COLUMNS = {"factor_values": "factor_", "factor_levels": "level_"}
"""Fields with a number for each of `COLUMNS`, and how the names of their own columns begin."""

_LABEL, _CLASS, _BASE = "label", "class", "base"

Row = Mapping[str, Any]
"""Values of one sample by column, also of those that are the same in all samples."""


class ExportRows(Protocol):
    """The rows of one opened shard of an export."""

    @property
    def num_rows(self) -> int:
        """Number of samples."""

    @property
    def columns(self) -> Collection[str]:
        """Names of the columns."""

    def read(self, columns: Sequence[str], rows: np.ndarray) -> Mapping[str, Values]:
        """Values of some columns at rows (k,) int64: k of each.

        Of `PIXEL_FILES`, bytes of PNG files, or arrays; of all others, what JSON would hold.
        """


@dataclass(frozen=True)
class _Field:
    columns: tuple[str, ...]  # that it is made of
    convert: Callable[[Row], object]


def create_export_part(
    rows: ExportRows, constants: Row, info: DatasetInfo, nothing_hit: float
) -> Part:
    """A shard as a part of a data set.

    Args:
        rows: of the shard.
        constants: values by column that stand once for all samples and objects.
        info: description of the data set.
        nothing_hit: see `synrender.loading.dataset.open_dataset`.
    """
    known = {*rows.columns, *constants}
    fields = dict(_list_fields(known, info, nothing_hit))

    def read(names: list[str], places: np.ndarray) -> Iterator[list[object]]:
        needed = dict.fromkeys(name for field in names for name in fields[field].columns)
        columns = rows.read([name for name in needed if name not in constants], places)
        values = zip(*columns.values(), strict=True)
        samples = [{**constants, **dict(zip(columns, own, strict=True))} for own in values]
        return ([fields[name].convert(sample) for sample in samples] for name in names)

    on_request = {IMAGE_PNG, NEGATIVES, KINDS} | (set() if has_alpha(info.settings) else {ALPHA})
    return Part((FieldReader(tuple(fields), read),), rows.num_rows, frozenset(on_request))


def _list_fields(
    known: Collection[str], info: DatasetInfo, nothing_hit: float
) -> Iterator[tuple[str, _Field]]:
    """All fields that can be made of some columns."""
    side_px = info.camera.resolution
    yield IMAGE_PNG, _Field((IMAGE,), lambda row: _check_image(row[IMAGE], side_px))
    yield ALPHA, _Field((IMAGE,), lambda row: find_alpha(decode_image(row[IMAGE], side_px)))
    for name in PIXEL_FILES:
        if name in known:
            to_pixels = functools.partial(_to_pixels, name, side_px, nothing_hit)
            yield name, _Field((name, _LABEL) if name == AMODAL else (name,), to_pixels)
    synset_ids = {k: info.classes[c].synset_id for k, c in enumerate(sorted(info.classes))}
    class_ids = dict(enumerate(sorted(info.classes)))
    yield _CLASS, _Field((_LABEL,), lambda row: _to_record(_CLASS, _replace(row, class_ids), row))
    yield "synset_id", _Field((_LABEL,), lambda row: _replace(row, synset_ids))
    for name in RECORD_DTYPE.names or ():
        if name in known:
            yield name, _Field((name, _LABEL), functools.partial(_find_record, name))
    for name, prefix in FACTOR_COLUMNS.items():
        places = {f"{prefix}{c}": k for k, c in enumerate(COLUMNS) if f"{prefix}{c}" in known}
        if _BASE in known:
            to_factors = functools.partial(_to_factors, name, places, class_ids)
            yield name, _Field((*places, _LABEL, _BASE), to_factors)
    for name in (*OF_MASKS, *OBJECT_LABELS, FLOW_TO):
        if name in known:
            yield name, _Field((name, _LABEL), functools.partial(_to_label, name))
    for name in (NEGATIVES, KINDS, CAPTION):
        if name in known:
            yield name, _Field((name,), lambda row, name=name: row[name])


def _check_image(png: bytes, side_px: int) -> bytes:
    return check_whole(png, find_image_shape(png, side_px), np.uint8)


def _to_pixels(name: str, side_px: int, nothing_hit: float, row: Row) -> np.ndarray:
    pixels = decode_pixels(name, row[name], side_px, nothing_hit)
    # An archive has masks for as many objects as any sample shows; the columns have its own alone.
    return pixels[: np.size(row[_LABEL])] if name == AMODAL else pixels


def _count_objects(row: Row) -> tuple[int, ...]:
    """Shape of the axis of the objects: () in data sets of single objects."""
    return (len(row[_LABEL]),) if isinstance(row[_LABEL], list) else ()


def _replace(row: Row, values: Mapping[int, Any]) -> Any:
    """What belongs to the label of each object."""
    labels = row[_LABEL]
    return [values[k] for k in labels] if isinstance(labels, list) else values[labels]


def _find_record(name: str, row: Row) -> object:
    return _to_record(name, row[name], row)


def _to_record(name: str, value: Any, row: Row) -> object:
    """A field of a record as an archive gives it; what stands once is repeated for each object."""
    field, objects = RECORD_DTYPE[name], _count_objects(row)
    if field.base.kind == "U":
        return [value] * objects[0] if objects and isinstance(value, str) else value
    array = np.array(value, field.base)  # None becomes NaN
    if array.ndim == len(field.shape):
        array = np.broadcast_to(array, objects + field.shape).copy()
    return _check_shape(array, objects + field.shape)


def _check_shape(array: np.ndarray, shape: tuple[int, ...]) -> object:
    """The array, or the number in it."""
    if array.shape != shape:
        raise ValueError(f"values of shape {array.shape}, not {shape}")
    return array if shape else array.item()


def _to_factors(
    name: str, places: Mapping[str, int], class_ids: Mapping[int, int], row: Row
) -> np.ndarray:
    """``factor_values`` or ``factor_levels`` from a column for each of their numbers."""
    unknown, objects = UNKNOWN_COLUMNS[name], _count_objects(row)
    found = np.full((*objects, len(COLUMNS)), unknown, RECORD_DTYPE[name].base)
    for column, k in places.items():
        values = np.array(row[column], np.float64)  # None becomes NaN
        found[..., k] = np.where(np.isnan(values), unknown, values)
    if name == "factor_values" and np.ravel(row[_BASE])[0] >= 0:  # else from before designs
        found[..., COLUMNS.index(_CLASS)] = _replace(row, class_ids)
    return found


def _to_label(name: str, row: Row) -> object:
    objects = _count_objects(row)
    if name == FLOW_TO:
        return int(row[name])
    if name in OF_MASKS:
        return _check_shape(np.array(row[name], np.int32), objects + OF_MASKS[name])
    array = np.array(row[name], NUMBERS[name].dtype if name in NUMBERS else np.int32)
    return array if objects else array[None]
