"""The order of the samples in an archive: ``idx_ref.npy``, drawn once and kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synrender.archive.raw_samples import Source, refuse_missing
from synrender.dataset.archive_layout import DEFAULT_NUM_SHARDS, Layout, create_layout, draw_order
from synrender.dataset.names import ORDER_FILE, list_shards
from synrender.dataset.shard import is_readable, open_file, read_layout
from synrender.errors import UserError
from synrender.settings.checks import MAX_SAMPLES
from synrender.settings.groups import Design, Object
from synrender.system.files import read_small_file, write_array
from synrender.system.npy_file import parse_npy

DEFAULT_SEED = 0
MAX_ORDER_BYTES = 1 << 28
"""Three times what `bounds.MAX_SAMPLES` take."""

ORDER_DTYPES = (np.dtype(np.int64), np.dtype(np.int32))
"""The first is what we write."""


@dataclass(frozen=True)
class Order:
    """Rows of an archive and the samples that they hold."""

    layout: Layout
    idxs: np.ndarray  # (n,) int64: index of the sample in each row
    is_new: bool  # differs from idx_ref.npy or the existing shards, which must be removed


def plan_order(
    source: Source,
    num_shards: int | None,
    objects: Object,
    design: Design,
    seed: int | None,
    overwrite: bool,
) -> Order:
    """The order in ``idx_ref.npy``, or a new one if there is none. Writes nothing.

    Args:
        source: the small files.
        num_shards: number of files; None: as in the existing archive, or 12.
        objects: of the data set: its buckets.
        design: of the data set: the shares of its splits.
        seed: seed of the shuffle; None: keep the existing order, or 0.
        overwrite: draw a new order if the existing one does not fit the folder or the arguments.

    Raises:
        UserError: there are no samples, some are missing, or the existing order does not fit.
    """
    dataset_dir, found = source.folder.path, source.listing.found
    path = dataset_dir / ORDER_FILE
    known_shards = _read_num_shards(dataset_dir, skips_damaged=overwrite)
    num_shards = num_shards or known_shards or DEFAULT_NUM_SHARDS
    if path.exists():
        idxs = _read_order(path)
        layout = create_layout(len(idxs), num_shards, objects.n_buckets, design.split)
        misfit = _find_misfit(source, idxs, layout, seed)
        has_other_shards = known_shards not in (None, num_shards)
        if not overwrite and has_other_shards:
            raise UserError(
                f"{dataset_dir}: has {known_shards} buckets, --num_buckets {num_shards} differs; "
                f"give {known_shards}, or --overwrite to archive everything again"
            )
        if not overwrite and misfit:
            raise UserError(f"{misfit}, or --overwrite to archive everything again")
        if not misfit:
            return Order(layout, idxs, is_new=has_other_shards)
    if not found:
        raise UserError(
            f"{source.folder.image_dir}: no samples; render some: python render.py -d "
            f"{source.folder.name}"
        )
    if len(found) > MAX_SAMPLES:  # a list of what is missing would fill the memory
        raise UserError(
            f"{source.folder.image_dir}: holds samples {found.start} to {found.stop - 1}, an "
            f"archive at most {MAX_SAMPLES:,} in a row; move the others away"
        )
    refuse_missing(source, found)
    layout = create_layout(len(found), num_shards, objects.n_buckets, design.split)
    return Order(layout, found.start + draw_order(layout, seed or DEFAULT_SEED), True)


def write_order(dataset_dir: Path, order: Order) -> None:
    """If the order is new, removes the old shards and writes it."""
    if not order.is_new:
        return
    for path in list_shards(dataset_dir):
        path.unlink()
    write_array(dataset_dir / ORDER_FILE, order.idxs)


def _read_order(path: Path) -> np.ndarray:
    try:
        idxs = parse_npy(read_small_file(path, MAX_ORDER_BYTES), ORDER_DTYPES)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({error}); remove it to shuffle again") from None
    if not len(idxs) or idxs.min() < 0:
        raise UserError(f"{path}: must be a list of sample indexes; remove it to shuffle again")
    if not np.array_equal(np.sort(idxs), idxs.min() + np.arange(len(idxs))):
        raise UserError(f"{path}: must name each sample once; remove it to shuffle again")
    return idxs.astype(np.int64)


def _find_misfit(source: Source, idxs: np.ndarray, layout: Layout, seed: int | None) -> str | None:
    """Why the existing order cannot be used, or None."""
    path = source.folder.path / ORDER_FILE
    first, last = int(idxs.min()), int(idxs.max())
    found = source.listing.found
    if found and (found.start < first or found.stop - 1 > last):
        return (
            f"{path}: orders samples {first} to {last}, img/ now holds {found.start} to "
            f"{found.stop - 1}; move the others away"
        )
    if seed is not None and not np.array_equal(idxs, first + draw_order(layout, seed)):
        return f"{path}: is not the order of --seed {seed}; leave --seed out to keep it"
    return None


def _read_num_shards(dataset_dir: Path, skips_damaged: bool) -> int | None:
    for path in list_shards(dataset_dir):
        if skips_damaged and not is_readable(path):
            continue
        with open_file(path) as file:
            return read_layout(file).num_shards
    return None
