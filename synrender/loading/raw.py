"""Reads a data set's small files, ``img/00000.png`` or ``.exr`` and ``img/00000.npy``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from synrender.dataset.folder import settings_to_folder
from synrender.dataset.info import DatasetInfo
from synrender.dataset.label_reader import LabelReader, read_named_points
from synrender.dataset.record import RECORD_DTYPE
from synrender.errors import UserError
from synrender.images.conversions import find_alpha, over_white
from synrender.images.exr import ExrImage, read_exr
from synrender.images.image_files import read_image
from synrender.images.png import check_whole, decode_image, encode_png, find_image_shape
from synrender.labels.derive import Labels
from synrender.loading.row_source import (
    ALPHA,
    CLASS_MAP,
    DEPTH,
    IMAGE,
    IMAGE_PNG,
    INSTANCE_MAP,
    WORLD_POSITION,
    FieldReader,
    Part,
    Reader,
)
from synrender.settings.groups import has_alpha
from synrender.settings.label_table import PASSES, list_fields, list_possible

_REMEDY = "remove it and render again, which fills the gap"


def open_raw(path: Path, nothing_hit: float, info: DatasetInfo) -> Part:
    """Opens the folder of a data set; its rows are its complete samples in order."""
    folder = settings_to_folder(path, info.settings)
    idxs = np.array(folder.list_samples().pairs, np.int64)
    named, side_px = read_named_points(path), info.camera.resolution
    samples = LabelReader(folder, info.camera, idxs, named, info.settings.scene.ground)
    names = RECORD_DTYPE.names or ()
    varies = info.design is not None and "num_objs" in info.design.factors
    is_single = info.settings.sample.num_objs == 1 and not varies

    def read_records(rows: np.ndarray) -> list[list[object]]:
        records = [samples.read_record(idx) for idx in idxs[rows].tolist()]
        return [[_to_value(record[name], is_single) for record in records] for name in names]

    side_px = info.camera.resolution

    def read_images(rows: np.ndarray) -> list[list[np.ndarray]]:
        paths = [folder.image_path(idx) for idx in idxs[rows].tolist()]
        return [[over_white(_read_png(path, side_px, decode_image)) for path in paths]]

    def read_alphas(rows: np.ndarray) -> list[list[np.ndarray]]:
        paths = [folder.image_path(idx) for idx in idxs[rows].tolist()]
        return [[find_alpha(_read_png(path, side_px, decode_image)) for path in paths]]

    def read_pngs(rows: np.ndarray) -> list[list[bytes]]:
        paths = [folder.image_path(idx) for idx in idxs[rows].tolist()]
        return [[_read_png(path, side_px, _check_image) for path in paths]]

    def read_exr_fields(wanted: list[str], rows: np.ndarray) -> list[tuple[object, ...]]:
        found = []
        for idx in idxs[rows].tolist():
            labels = samples.open(idx)
            found.append([_read_field(labels, name, nothing_hit) for name in wanted])
        return list(zip(*found, strict=True)) or [()] * len(wanted)

    records = Reader(names, read_records)
    alpha_on_request = frozenset() if has_alpha(info.settings) else frozenset({ALPHA})
    if not folder.is_exr:
        images = Reader((IMAGE,), read_images), Reader((IMAGE_PNG,), read_pngs)
        alphas = Reader((ALPHA,), read_alphas)
        return Part((*images, alphas, records), len(idxs), alpha_on_request | {IMAGE_PNG})
    rendered = info.settings.rendering.labels
    possible = list_fields(list_possible(rendered))
    on_request = frozenset(possible) - frozenset(list_fields(rendered)) | alpha_on_request
    fields = (*_EXR_FIELDS, *possible)
    if has_alpha(info.settings):  # in place of an image before white
        fields, on_request = (*fields, IMAGE_PNG), on_request | {IMAGE_PNG}
    pixels = FieldReader(fields, read_exr_fields)
    return Part((pixels, records), len(idxs), on_request, named.all_names)


Read = TypeVar("Read")


def _check_image(png: bytes, side_px: int) -> bytes:
    return check_whole(png, find_image_shape(png, side_px), np.uint8)


def _read_png(path: Path, side_px: int, read: Callable[[bytes, int], Read]) -> Read:
    try:
        return read(read_image(path, side_px), side_px)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: {error}; {_REMEDY}") from None


def _read_field(labels: Labels, name: str, nothing_hit: float) -> object:
    if name in _EXR_FIELDS:
        return _EXR_FIELDS[name](labels.view.image, nothing_hit)
    if name == IMAGE_PNG:
        return encode_png(labels.view.image.image8)
    value = getattr(labels, name)
    if name == WORLD_POSITION:
        return np.where(np.isnan(value), np.float32(nothing_hit), value)
    is_kept = name in PASSES  # the image may be kept for another sample
    return value.copy() if is_kept else value


def _to_value(values: np.ndarray, is_single: bool) -> object:
    """A field of a record, (num_objs, ...), as HDF5 would give it back."""
    values = values[0] if is_single else values
    return values.tolist() if values.ndim == 0 or values.dtype.kind == "U" else values.copy()


def read_pixels(path: Path, nothing_hit: float, side_px: int) -> dict[str, np.ndarray]:
    """Image of a sample, and from EXR its labels, by field.

    Args:
        path: PNG or EXR.
        nothing_hit: value of the depth there.
        side_px: of the image.

    Raises:
        UserError: it is damaged.
    """
    if path.suffix == ".png":
        return {IMAGE: over_white(_read_png(path, side_px, decode_image))}
    exr = read_exr(path, side_px)
    return {name: find(exr, nothing_hit) for name, find in _EXR_FIELDS.items()}


def _find_depth(exr: ExrImage, nothing_hit: float) -> np.ndarray:
    return np.where(np.isfinite(exr.depth_m), exr.depth_m, np.float32(nothing_hit))


_EXR_FIELDS: dict[str, Callable[[ExrImage, float], np.ndarray]] = {
    IMAGE: lambda exr, _: over_white(exr.image8),
    ALPHA: lambda exr, _: find_alpha(exr.image8),
    INSTANCE_MAP: lambda exr, _: exr.instance.copy(),
    CLASS_MAP: lambda exr, _: exr.class_label.copy(),
    DEPTH: _find_depth,
}
