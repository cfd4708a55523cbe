"""Reads a data set's small files, ``img/00000.png`` or ``.exr`` and ``img/00000.npy``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from synrender.dataset.folder import DatasetFolder, settings_to_folder
from synrender.dataset.info import DatasetInfo
from synrender.dataset.record import RECORD_DTYPE
from synrender.errors import UserError
from synrender.images.decode import decode_png
from synrender.loading.source import CLASS_MAP, DEPTH, IMAGE, IMAGE_PNG, INSTANCE_MAP, Part, Reader

_REMEDY = "remove it and render again, which fills the gap"


def open_raw(path: Path, nothing_hit: float, info: DatasetInfo) -> Part:
    """Opens the folder of a data set; its rows are its complete samples in order."""
    folder = settings_to_folder(path, info.settings)
    idxs = np.array(folder.list_samples().pairs, np.int64)
    names = RECORD_DTYPE.names or ()
    varies = info.design is not None and "num_objs" in info.design.factors
    is_single = info.settings.sample.num_objs == 1 and not varies

    def read_records(rows: np.ndarray) -> list[list[Any]]:
        records = [_read_record(folder, idx) for idx in idxs[rows].tolist()]
        return [[_to_value(record[name], is_single) for record in records] for name in names]

    def read_images(rows: np.ndarray) -> list[list[np.ndarray]]:
        paths = [folder.image_path(idx) for idx in idxs[rows].tolist()]
        found = [read_pixels(path, nothing_hit).values() for path in paths]
        return [list(values) for values in zip(*found, strict=True)]

    def read_pngs(rows: np.ndarray) -> list[list[bytes]]:
        return [[_read_png(folder.image_path(idx)) for idx in idxs[rows].tolist()]]

    maps = (INSTANCE_MAP, CLASS_MAP, DEPTH) if folder.is_exr else ()
    readers = Reader((IMAGE, *maps), read_images), Reader(names, read_records)
    return Part(readers, len(idxs), () if folder.is_exr else (Reader((IMAGE_PNG,), read_pngs),))


def _read_record(folder: DatasetFolder, idx: int) -> np.ndarray:
    try:
        return folder.read_record(idx)
    except (OSError, ValueError) as error:
        raise UserError(f"{folder.record_path(idx)}: {error}; {_REMEDY}") from None


def _read_png(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: {error}; {_REMEDY}") from None


def _to_value(values: np.ndarray, is_single: bool) -> Any:
    """A field of a record, (num_objs, ...), as HDF5 would give it back."""
    values = values[0] if is_single else values
    return values.tolist() if values.ndim == 0 or values.dtype.kind == "U" else values.copy()


def read_pixels(path: Path, nothing_hit: float) -> dict[str, np.ndarray]:
    """Image of a sample, and from EXR its labels, by field.

    Args:
        path: PNG or EXR.
        nothing_hit: value of the depth there.

    Raises:
        UserError: it is damaged.
    """
    if path.suffix == ".png":
        try:
            return {IMAGE: decode_png(_read_png(path))}
        except ValueError as error:
            raise UserError(f"{path}: {error}; {_REMEDY}") from None
    from synrender.images.color import linear_to_srgb8
    from synrender.images.exr import read_exr  # a training machine may lack OpenEXR

    exr = read_exr(path)
    return {
        IMAGE: linear_to_srgb8(exr.rgb_linear),
        INSTANCE_MAP: exr.instance,
        CLASS_MAP: exr.class_label,
        DEPTH: np.where(np.isfinite(exr.depth_m), exr.depth_m, np.float32(nothing_hit)),
    }
