"""The small files of a data set, as an archive takes them: their order, and their records.

The order is drawn once and kept in ``idx_ref.npy``.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synrender.archive.encode import read_image_size
from synrender.dataset.archive_layout import DEFAULT_NUM_SHARDS, Layout, create_layout, draw_order
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.info import DatasetInfo
from synrender.dataset.names import ORDER_FILE, Listing, list_shards
from synrender.dataset.record import (
    MAX_RECORD_BYTES,
    RECORD_DTYPE,
    create_records,
    find_singular_field,
    find_wild_field,
)
from synrender.dataset.shard import is_readable, open_file, read_layout
from synrender.errors import UserError
from synrender.settings.checks import MAX_SAMPLES
from synrender.settings.factor_table import COLUMNS
from synrender.system.files import read_small_file, write_array
from synrender.system.npy_file import parse_npy

_NUM_LISTED = 20


@dataclass(frozen=True)
class SmallFiles:
    """A data set, and which of its samples have files."""

    folder: DatasetFolder
    info: DatasetInfo
    listing: Listing


def list_small_files(folder: DatasetFolder, insists_on_exr: bool) -> SmallFiles:
    """Reads the description of a data set, and lists its small files.

    Raises:
        UserError: there are images of both kinds, or the user insists on another kind.
    """
    listing = folder.list_samples()
    if insists_on_exr and listing.pngs:
        raise UserError(
            f"--is_exr: the images in {folder.image_dir} are PNG; leave -e out, or render with "
            "rendering.render_exr = True"
        )
    return SmallFiles(folder, folder.read_info(), listing)


def refuse_missing(files: SmallFiles, idxs: Iterable[int]) -> None:
    """Raises UserError, naming them, if any of the given samples are missing."""
    missing = files.listing.find_missing(idxs)
    if not missing:
        return
    listed = ", ".join(map(str, missing[:_NUM_LISTED]))
    more = f" and {len(missing) - _NUM_LISTED} more" if len(missing) > _NUM_LISTED else ""
    folder = files.folder
    raise UserError(
        f"{folder.image_dir}: {len(missing)} samples are missing: {listed}{more}; this renders "
        f"them: python render.py -d {folder.name} -g {folder.config_path}"
    )


def read_side_px(folder: DatasetFolder, idx: int) -> int:
    """Side of a sample's square image, px."""
    path = folder.image_path(idx)
    width, height = read_image_size(path)
    if width != height:
        raise UserError(f"{path}: {width} x {height} px; images must be square")
    return width


def load_record(folder: DatasetFolder, idx: int) -> np.ndarray:
    """Record of a sample, (num_objs,) of RECORD_DTYPE.

    Raises:
        UserError: it is missing, truncated or not a record.
    """
    try:
        return folder.read_record(idx)
    except (OSError, ValueError) as error:
        raise UserError(
            f"{folder.record_path(idx)}: {error}; remove it and render it again"
        ) from None


def load_records(folder: DatasetFolder, idxs: np.ndarray, num_objs: int) -> np.ndarray:
    """Records of samples, (k, num_objs) of RECORD_DTYPE.

    Several times as fast as `load_record`: a file with the expected header needs no parsing.

    Raises:
        UserError: one is missing, damaged, or has another number of objects.
    """
    records = np.zeros((len(idxs), num_objs), RECORD_DTYPE)
    file = io.BytesIO()
    np.save(file, np.zeros(num_objs, RECORD_DTYPE))
    expected = file.getvalue()
    header = expected[: len(expected) - RECORD_DTYPE.itemsize * num_objs]
    for i, idx in enumerate(idxs.tolist()):
        try:
            data = read_small_file(folder.record_path(idx), MAX_RECORD_BYTES)
        except (OSError, ValueError):
            data = b""
        if len(data) == len(expected) and data.startswith(header):
            records[i] = np.frombuffer(data, RECORD_DTYPE, offset=len(header))
            continue
        records[i] = pad_record(load_record(folder, idx), num_objs, folder.record_path(idx))
    if find_wild_field(records) or find_singular_field(records):
        for idx in idxs.tolist():
            load_record(folder, idx)  # names the file
    return records


def pad_record(record: np.ndarray, num_objs: int, path: Path) -> np.ndarray:
    """A record with a row for each of ``num_objs`` objects; those that are not there are unknown.

    Only where the design varies their number (factor ``num_objs``) there may be fewer.

    Raises:
        UserError: there are more, or fewer than the record itself says.
    """
    said = record["factor_values"][:, COLUMNS.index("num_objs")]
    if len(record) != num_objs and not (len(record) < num_objs and (said == len(record)).all()):
        raise UserError(
            f"{path}: {len(record)} objects, the data set began with {num_objs}; remove it and "
            "render it again"
        )
    padded = create_records((num_objs,))
    padded[: len(record)] = record
    return padded


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

    def shard_idxs(self, shard: int) -> np.ndarray:
        """Samples of a shard, (k,) int64."""
        rows = self.layout.shard_rows(shard)
        return self.idxs[rows.start : rows.stop]


def plan_order(
    files: SmallFiles, num_shards: int | None, seed: int | None, overwrite: bool
) -> Order:
    """The order in ``idx_ref.npy``, or a new one if there is none. Writes nothing.

    Args:
        files: the small files.
        num_shards: number of files; None: as in the existing archive, or 12.
        seed: seed of the shuffle; None: keep the existing order, or 0.
        overwrite: draw a new order if the existing one does not fit the folder or the arguments.

    Raises:
        UserError: there are no samples, some are missing, or the existing order does not fit.
    """
    folder, found, settings = files.folder, files.listing.found, files.info.settings
    dataset_dir = folder.path
    buckets = settings.object.n_buckets, settings.design.split
    path = dataset_dir / ORDER_FILE
    known_shards = _read_num_shards(dataset_dir, skips_damaged=overwrite)
    num_shards = num_shards or known_shards or DEFAULT_NUM_SHARDS
    if path.exists():
        idxs = _read_order(path)
        layout = create_layout(len(idxs), num_shards, *buckets)
        misfit = _find_misfit(files, idxs, layout, seed)
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
            f"{folder.image_dir}: no samples; render some: python render.py -d {folder.name}"
        )
    if len(found) > MAX_SAMPLES:  # a list of what is missing would fill the memory
        raise UserError(
            f"{folder.image_dir}: holds samples {found.start} to {found.stop - 1}, an "
            f"archive at most {MAX_SAMPLES:,} in a row; move the others away"
        )
    refuse_missing(files, found)
    layout = create_layout(len(found), num_shards, *buckets)
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


def _find_misfit(
    files: SmallFiles, idxs: np.ndarray, layout: Layout, seed: int | None
) -> str | None:
    """Why the existing order cannot be used, or None."""
    path = files.folder.path / ORDER_FILE
    first, last = int(idxs.min()), int(idxs.max())
    found = files.listing.found
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
