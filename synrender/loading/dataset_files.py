"""Finds the files of a data set, and which rows each holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from synrender.archive.arrays import LAST_FIELD, NOT_WRITTEN
from synrender.archive.hdf5_files import shard_path
from synrender.dataset.archive_layout import SPLITS, create_layout
from synrender.dataset.export_marker import MARKER
from synrender.dataset.folder import settings_to_folder
from synrender.dataset.info import DatasetInfo, read_required_info
from synrender.dataset.names import IMAGE_DIR, list_arrays, list_shards
from synrender.dataset.shard import is_arrays, list_fields, open_file, read_info, read_layout
from synrender.errors import UserError
from synrender.loading.export_files import find_local_export
from synrender.loading.hdf5 import open_hdf5
from synrender.loading.raw import open_raw
from synrender.loading.row_source import DatasetFiles


def find_dataset_files(path: Path) -> DatasetFiles:
    """Finds the files to read at a path.

    Args:
        path: a file ``imgs_XX.h5`` or ``data_<res>.h5``; ``img/`` for the small files; the folder
            of an export; or the folder of a data set, of which the shards are taken, else the small
            files, else the one file of arrays.

    Raises:
        UserError: there is nothing to read, or more than one thing.
    """
    path = path.absolute()
    if path.is_file():
        return find_hdf5_rows(path, [path])
    if (path / MARKER).is_file():
        return find_local_export(path)
    if path.name == IMAGE_DIR:
        return _find_raw(path.parent)
    if shards := list_shards(path):
        return _list_shards(path, shards)
    if (path / IMAGE_DIR).is_dir():
        return _find_raw(path)
    arrays = list_arrays(path)
    if len(arrays) == 1:
        return find_hdf5_rows(path, arrays)
    if arrays:
        names = ", ".join(p.name for p in arrays)
        raise UserError(f"{path}: holds {names}; open one of these files")
    raise UserError(
        f"{path}: no data set; give a folder that render.py wrote, an HDF5 file of "
        "preprocess_data.py, or the folder of a complete export to webdataset or parquet"
    )


def _list_shards(path: Path, shards: Sequence[Path]) -> DatasetFiles:
    with open_file(shards[0]) as file:
        num_shards = read_layout(file).num_shards
    wanted = [shard_path(path, k) for k in range(num_shards)]
    if others := [shard.name for shard in shards if shard not in wanted]:
        raise UserError(
            f"{path}: holds {others[0]}, but the archive has {num_shards} shards; move it away, or "
            "open single files"
        )
    if missing := [shard.name for shard in wanted if shard not in shards]:
        raise UserError(
            f"{path}: lacks {missing[0]} ({len(missing)} of {num_shards} shards); write the rest "
            "with preprocess_data.py -f, or open single files"
        )
    return find_hdf5_rows(path, shards)


def find_hdf5_rows(path: Path, files: Sequence[Path]) -> DatasetFiles:
    """Opens HDF5 files of one archive, to see how many rows each holds.

    Args:
        path: that the user named.
        files: in order.

    Raises:
        UserError: one is damaged, not complete, or of another archive than the first.
    """
    ends: list[int] = []
    first_row, split_ends, info, kind = 0, (), None, None
    for k, name in enumerate(files):
        with open_file(name) as file:
            is_begun = not np.all(file.attrs.get("buckets_done", True))  # by an earlier version
            if is_begun or (is_arrays(file) and (file[LAST_FIELD][...] == NOT_WRITTEN).any()):
                raise UserError(f"{name}: is not complete; finish it with preprocess_data.py -p")
            names = ("num_objs", "image_size")
            own = read_layout(file), [int(file.attrs[n]) for n in names], [*list_fields(file)]
            kind = kind or own
            if own != kind:
                raise UserError(
                    f"{name}: belongs to another archive than {files[0].name}; write it again with "
                    "preprocess_data.py --to_hdf5 --overwrite"
                )
            if k == 0:
                first_row = int(file.attrs.get("first_row", 0))
                split_ends = tuple(int(end) for end in file.attrs["split_ends"])
                info = read_info(file)
            ends.append((ends[-1] if ends else 0) + len(file["sample_idx"]))
    assert info is not None
    return DatasetFiles(path, tuple(files), tuple(ends), first_row, split_ends, info, open_hdf5)


def _find_raw(path: Path) -> DatasetFiles:
    info = read_required_info(path)
    folder = settings_to_folder(path, info.settings)
    listing = folder.list_samples()
    idxs = np.array(listing.pairs, np.int64)
    if not len(idxs):
        raise UserError(f"{folder.image_dir}: no complete samples; render some with render.py")
    ends = np.searchsorted(idxs, _find_split_ends(info, listing.found)).tolist()
    return DatasetFiles(path, (path,), (len(idxs),), 0, tuple(ends), info, open_raw)


def _find_split_ends(info: DatasetInfo, found: range) -> list[int]:
    """Index of the sample at which each split ends: as the archive cuts, or as a design says."""
    objects = info.settings.object
    if info.design is None:
        layout = create_layout(len(found), 1, objects.n_buckets)
        return [found.start + layout.split_rows[name].stop for name in SPLITS]
    buckets = np.cumsum(info.design.split_buckets)
    # The first sample of bucket b is the first i with i * n_buckets // total >= b.
    return [-(-int(b) * objects.total_num_samples // objects.n_buckets) for b in buckets]
