"""``--remove_raw``: deletes small files after comparing them with their HDF5 copies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from synrender.archive.compare import PARTNER_FIELDS, compare_chunk
from synrender.archive.hdf5_files import (
    find_chunk_size,
    open_file,
    read_layout,
    shard_path,
)
from synrender.archive.label_fields import LabelPlan, plan_labels
from synrender.archive.pack import Progress
from synrender.dataset.archived import add_archived
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.names import list_shards
from synrender.errors import UserError
from synrender.system.console import say
from synrender.system.workers import Workers


def remove_raw(
    folder: DatasetFolder, shards: Sequence[int], workers: Workers, progress: Progress
) -> None:
    """Deletes the small files of some shards, each after the whole shard was compared.

    Where flow leads from one shard to another, all shards are compared before any is deleted.

    Raises:
        UserError: something in an HDF5 file differs; nothing of its shard is deleted.
    """
    paths = [shard_path(folder.path, shard) for shard in shards]
    plan = _plan_labels(folder, paths)
    groups = [[path] for path in paths]
    if plan and set(plan.fields) & set(PARTNER_FIELDS):
        _refuse_some(paths)
        groups = [paths]
    num_removed = 0
    with progress(len(shards), "files compared") as bar:
        for group in groups:
            for path in group:
                _compare_shard(folder, path, plan, workers)
                bar.update(1)
            num_removed += sum(_remove_files(folder, path) for path in group)
    folder.remove_empty_dirs()  # files of other shards may be left
    say(f"{folder.image_dir}: removed {num_removed} files; imgs_*.h5 are now the only copy")


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
    folder: DatasetFolder, path: Path, plan: LabelPlan | None, workers: Workers
) -> None:
    with open_file(path) as file:
        num_rows, size = len(file["png_images"]), find_chunk_size(file.attrs["image_size"])
    starts = range(0, num_rows, size)
    tasks = [(folder, path, slice(s, min(s + size, num_rows)), plan) for s in starts]
    for _ in workers.map(compare_chunk, tasks):
        pass


def _remove_files(folder: DatasetFolder, path: Path) -> int:
    """Deletes the small files of a shard, the record of each sample first; returns how many."""
    idxs, num_removed = _read_idxs(path).tolist(), 0
    add_archived(folder.path, path.name, idxs)
    for idx in idxs:
        for small_file in (folder.record_path(idx), folder.image_path(idx)):
            if small_file.exists():
                small_file.unlink()
                num_removed += 1
    return num_removed
