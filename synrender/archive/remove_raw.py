"""``--remove_raw``: deletes small files after comparing them with their HDF5 copies."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from synrender.archive.compare import PARTNER_FIELDS, compare_chunk
from synrender.archive.hdf5_files import find_chunk_size, shard_path
from synrender.archive.label_fields import LabelPlan, plan_labels
from synrender.archive.pack import Progress
from synrender.dataset.archived import add_archived, read_archived
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.names import list_shards
from synrender.dataset.shard import open_file, read_layout
from synrender.errors import UserError
from synrender.system.console import say
from synrender.system.workers import Workers


def remove_raw(
    folder: DatasetFolder, shards: Sequence[int], workers: Workers, progress: Progress
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
    with progress(len(shards), "files compared") as bar:
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
