"""``--remove_raw``: deletes small files after comparing them with their HDF5 copies."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

from synrender.archive.encode import (
    LabelPlan,
    exr_to_targets,
    find_label_numbers,
    plan_labels,
    read_png,
)
from synrender.archive.hdf5_files import find_chunk_size, shard_path
from synrender.archive.raw_samples import load_record, pad_record
from synrender.dataset.archive_layout import object_shape
from synrender.dataset.archived import add_archived, read_archived
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.names import list_shards
from synrender.dataset.record import are_equal, fit_columns, list_record_fields
from synrender.dataset.shard import open_file, read_layout, refuse_broken_heaps
from synrender.errors import UserError
from synrender.images.conversions import depth_to_16_bit
from synrender.images.exr import read_exr
from synrender.images.label_codes import CODES, png_to_numbers
from synrender.images.png import decode_png
from synrender.labels.derive import Labels
from synrender.system.console import CreateBar, say
from synrender.system.workers import Workers


def remove_raw(
    folder: DatasetFolder, shards: Sequence[int], workers: Workers, create_bar: CreateBar
) -> None:
    """Deletes the small files of some shards, each after the whole shard was compared.

    Where flow leads from one shard to another, all shards are compared before any is deleted. What
    was compared is noted in ``archived.json`` before it is deleted.

    Raises:
        UserError: something in an HDF5 file differs, and nothing of its shard is deleted; or there
            were no small files to compare some samples with, in this run or before.
    """
    paths = [shard_path(folder.path, shard) for shard in shards]
    plan = _plan_labels(folder, paths)
    groups = [[path] for path in paths]
    if plan and set(plan.fields) & set(PARTNER_FIELDS):
        _refuse_some(paths)
        groups = [paths]
    num_removed, known, unknown = 0, read_archived(folder.path), []
    with create_bar(len(shards), "files compared") as bar:
        for group in groups:
            found = []
            for path in group:
                found.append(_compare_shard(folder, path, plan, known, workers))
                bar.update(1)
            for path, compared in zip(group, found, strict=True):
                add_archived(folder.path, path.name, compared)
            for path, compared in zip(group, found, strict=True):
                idxs = _read_idxs(path).tolist()
                is_safe = known.union(compared).__contains__
                num_removed += _remove_files(folder, filter(is_safe, idxs))
                unknown += itertools.filterfalse(is_safe, idxs)
    folder.remove_empty_dirs()  # files of other shards may be left
    say(f"{folder.image_dir}: removed {num_removed} files; imgs_*.h5 are now the only copy")
    if unknown:
        raise UserError(
            f"{folder.image_dir}: lacks files of {len(unknown)} samples, the first is "
            f"{min(unknown)}, and no run compared them with imgs_*.h5, so they do not count as "
            f"archived; this renders them again: python render.py -d {folder.name} -g "
            f"{folder.config_path}"
        )


def _plan_labels(folder: DatasetFolder, paths: list[Path]) -> LabelPlan | None:
    idxs = [_read_idxs(path) for path in list_shards(folder.path)]
    return plan_labels(folder, folder.read_info(), np.concatenate(idxs)) if paths else None


def _refuse_some(paths: list[Path]) -> None:
    with open_file(paths[0]) as file:
        num_shards = read_layout(file).num_shards
    if len(paths) < num_shards:
        raise UserError(
            f"--remove_raw: flow leads from samples of one file to those of another, so all "
            f"{num_shards} files must be compared at once; leave --bucket_idxs (-i) out"
        )


def _read_idxs(path: Path) -> np.ndarray:
    """Samples of a file, (n,) int64."""
    with open_file(path) as file:
        num_rows = len(file["png_images"])
        return file["sample_idx"][...].reshape(num_rows, -1)[:, 0] if num_rows else np.zeros(0, int)


def _compare_shard(
    folder: DatasetFolder,
    path: Path,
    plan: LabelPlan | None,
    known: frozenset[int],
    workers: Workers,
) -> list[int]:
    """Samples of a shard that were compared with both of their small files."""
    idxs = _read_idxs(path).tolist()
    with open_file(path) as file:
        num_rows, size = len(file["png_images"]), find_chunk_size(file.attrs["image_size"])
    pieces = [slice(s, min(s + size, num_rows)) for s in range(0, num_rows, size)]
    tasks = [(folder, path, piece, plan, known.intersection(idxs[piece])) for piece in pieces]
    return [idx for compared in workers.map(compare_chunk, tasks) for idx in compared]


def _remove_files(folder: DatasetFolder, idxs: Iterable[int]) -> int:
    """Deletes the small files of samples, the record of each first; returns how many."""
    num_removed = 0
    for idx in idxs:
        for small_file in (folder.record_path(idx), folder.image_path(idx)):
            if small_file.exists():
                small_file.unlink()
                num_removed += 1
    return num_removed


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
        refuse_broken_heaps(file, rows)
        num_objs = int(file.attrs["num_objs"])
        idxs = file["sample_idx"][rows].reshape(rows.stop - rows.start, -1)[:, 0]
        for row, idx in enumerate(idxs.tolist(), start=rows.start):
            record_file, image_file = folder.record_path(idx), folder.image_path(idx)
            if record_file.exists() and not _is_record_equal(folder, file, row, idx, num_objs):
                raise _differs(path, record_file)
            is_whole = record_file.exists() and image_file.exists()
            labels = reader.open(idx) if reader and is_whole else None
            if image_file.exists() and not _is_image_equal(file, row, image_file, labels):
                raise _differs(path, image_file)
            if not is_whole:
                continue
            if labels and plan:
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
    for name in list_record_fields(file["factor_values"].shape[-1]):
        field = file[name]
        stored = field.asstr()[row] if record[name].dtype.kind == "U" else field[row]
        expected = record[name].reshape((*object_shape(num_objs), *record[name].shape[1:]))
        expected = fit_columns(name, expected, field.shape[-1])
        if not are_equal(expected, stored):
            return False
    return True


def _is_image_equal(file: h5py.File, row: int, path: Path, labels: Labels | None) -> bool:
    """Whether a row has the image of a small file; ``labels`` of the same file keep it open."""
    if path.suffix == ".png":
        return file["png_images"][row].tobytes() == read_png(path)
    exr = labels.view.image if labels else read_exr(path, int(file.attrs["image_size"]))
    expected = {
        "png_images": exr.image8,
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
