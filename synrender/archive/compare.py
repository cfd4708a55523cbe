"""Compares what is in HDF5 files with the small files that it was made from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

from synrender.archive.encode import exr_to_targets, read_png
from synrender.archive.label_fields import LabelPlan, find_label_numbers
from synrender.archive.raw_samples import load_record, pad_record
from synrender.dataset.archive_layout import object_shape
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.record import are_equal
from synrender.dataset.shard import open_file
from synrender.errors import UserError
from synrender.images.conversions import depth_to_16_bit, linear_to_srgb8
from synrender.images.exr import read_exr
from synrender.images.label_codes import CODES, png_to_numbers
from synrender.images.png import decode_png
from synrender.labels.derive import Labels

PARTNER_FIELDS = ("flow", "flow_to", "occlusion")
"""Labels that need the small files of another sample too."""


def compare_chunk(
    folder: DatasetFolder, path: Path, rows: slice, plan: LabelPlan | None, known: frozenset[int]
) -> list[int]:
    """Compares rows of an HDF5 file with the small files that are still there.

    Args:
        folder: of the small files.
        path: ``imgs_XX.h5``.
        rows: of ``path``.
        plan: labels to compare; None: there are none.
        known: samples that an earlier run compared, and whose partners may be gone since.

    Returns:
        Samples that were compared with both of their files.

    Raises:
        UserError: a file differs, or lacks what its labels follow from.
    """
    reader, compared = plan.open(folder) if plan else None, []
    with open_file(path) as file:
        num_objs = int(file.attrs["num_objs"])
        idxs = file["sample_idx"][rows].reshape(rows.stop - rows.start, -1)[:, 0]
        for row, idx in enumerate(idxs.tolist(), start=rows.start):
            record_file, image_file = folder.record_path(idx), folder.image_path(idx)
            if record_file.exists() and not _is_record_equal(folder, file, row, idx, num_objs):
                raise _differs(path, record_file)
            if image_file.exists() and not _is_image_equal(file, row, image_file):
                raise _differs(path, image_file)
            if not (record_file.exists() and image_file.exists()):
                continue
            if reader and plan:
                labels = reader.open(idx)
                fields = _find_fields(labels, plan, is_known=idx in known)
                if not _are_labels_equal(file, row, labels, replace(plan, fields=fields)):
                    raise _differs(path, image_file)
            compared.append(idx)
    return compared


def _differs(path: Path, small_file: Path) -> UserError:
    return UserError(
        f"{path}: differs from {small_file}, so none of its small files were removed; write it "
        "again with --to_hdf5 --overwrite"
    )


def _find_fields(labels: Labels, plan: LabelPlan, is_known: bool) -> tuple[str, ...]:
    """Labels that can be compared; of a sample that is known, the partner may be gone."""
    others = tuple(name for name in plan.fields if name not in PARTNER_FIELDS)
    if others == plan.fields:
        return others
    try:
        _ = labels.occlusion  # reads the partner
    except UserError:
        if not is_known:
            raise
        return others
    return plan.fields


def _are_labels_equal(file: h5py.File, row: int, labels: Labels, plan: LabelPlan) -> bool:
    side_px = int(file.attrs["image_size"])
    num_objs = int(file.attrs["num_objs"])
    expected = find_label_numbers(labels, plan, num_objs, side_px)
    for name, value in expected.items():
        try:
            if name in CODES:
                png = file[f"png_{name}"][row].tobytes()
                stored = png_to_numbers(png, CODES[name], value.shape)
            else:
                stored = file[name][row]
        except (KeyError, ValueError):  # no such field, or not an image
            return False
        if not are_equal(value, stored):
            return False
    return True


def _is_record_equal(
    folder: DatasetFolder, file: h5py.File, row: int, idx: int, num_objs: int
) -> bool:
    record = pad_record(load_record(folder, idx), num_objs, folder.record_path(idx))
    for name in record.dtype.names or ():
        field = file[name]
        stored = field.asstr()[row] if record[name].dtype.kind == "U" else field[row]
        expected = record[name].reshape((*object_shape(num_objs), *record[name].shape[1:]))
        if not are_equal(expected, stored):
            return False
    return True


def _is_image_equal(file: h5py.File, row: int, path: Path) -> bool:
    if path.suffix == ".png":
        return file["png_images"][row].tobytes() == read_png(path)
    exr = read_exr(path, int(file.attrs["image_size"]))
    expected = {
        "png_images": linear_to_srgb8(exr.rgb_linear),
        "png_targets": exr_to_targets(exr),
        "png_depth": depth_to_16_bit(exr.depth_m),
    }
    try:
        return all(
            np.array_equal(
                decode_png(file[name][row].tobytes(), array.shape, array.dtype.type), array
            )
            for name, array in expected.items()
        )
    except ValueError:  # the stored bytes are no such image
        return False
