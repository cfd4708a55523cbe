"""``--remove_raw``: deletes small files after comparing them with their HDF5 copies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from synrender.archive.encode import exr_to_targets, read_png
from synrender.archive.files import find_chunk_size, object_shape, open_file, shard_path
from synrender.archive.pack import Progress
from synrender.archive.source import load_record, pad_record
from synrender.console import say
from synrender.dataset.archived import add_archived
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.record import are_equal
from synrender.errors import UserError
from synrender.images.color import linear_to_srgb8
from synrender.images.depth import depth_to_16_bit
from synrender.images.exr import read_exr
from synrender.workers import Workers
from util import img_read_and_resize


def remove_raw(
    folder: DatasetFolder, shards: Sequence[int], workers: Workers, progress: Progress
) -> None:
    """Deletes the small files of some shards, each after the whole shard was compared.

    Raises:
        UserError: something in an HDF5 file differs; nothing of its shard is deleted.
    """
    num_removed = 0
    with progress(len(shards), "files compared") as bar:
        for shard in shards:
            path = shard_path(folder.path, shard)
            with open_file(path) as file:
                num_rows, size = len(file["png_images"]), find_chunk_size(file.attrs["image_size"])
                idxs = file["sample_idx"][...].reshape(num_rows, -1)[:, 0] if num_rows else []
            starts = range(0, num_rows, size)
            tasks = [(folder, path, slice(s, min(s + size, num_rows))) for s in starts]
            found = [files for chunk in workers.map(compare_chunk, tasks) for files in chunk]
            add_archived(folder.path, path.name, idxs)
            for file_path in found:
                file_path.unlink()
            num_removed += len(found)
            bar.update(1)
    folder.remove_empty_dirs()  # files of other shards may be left
    say(f"{folder.image_dir}: removed {num_removed} files; imgs_*.h5 are now the only copy")


def compare_chunk(folder: DatasetFolder, path: Path, rows: slice) -> list[Path]:
    """Compares rows of an HDF5 file with the small files that are still there.

    Returns:
        The small files, all equal to their HDF5 copies; the record of each sample comes first.

    Raises:
        UserError: a file differs.
    """
    found = []
    with open_file(path) as file:
        num_objs = int(file.attrs["num_objs"])
        idxs = file["sample_idx"][rows].reshape(rows.stop - rows.start, -1)[:, 0]
        for row, idx in enumerate(idxs.tolist(), start=rows.start):
            record_file = folder.record_path(idx)
            image_file = folder.image_path(idx)
            for small_file, is_equal in (
                (record_file, lambda r=row, i=idx: _is_record_equal(folder, file, r, i, num_objs)),
                (image_file, lambda r=row, p=image_file: _is_image_equal(file, r, p)),
            ):
                if not small_file.exists():
                    continue
                if not is_equal():
                    raise UserError(
                        f"{path}: differs from {small_file}, so none of its small files were "
                        "removed; write it again with --to_hdf5 --overwrite"
                    )
                found.append(small_file)
    return found


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
    stored = {name: file[name][row].tobytes() for name in file if name.startswith("png_")}
    if path.suffix == ".png":
        return stored["png_images"] == read_png(path)
    exr = read_exr(path)
    expected = {
        "png_images": linear_to_srgb8(exr.rgb_linear),
        "png_targets": exr_to_targets(exr),
        "png_depth": depth_to_16_bit(exr.depth_m),
    }
    try:
        return all(
            np.array_equal(img_read_and_resize(stored[name]), array)
            for name, array in expected.items()
        )
    except OSError:  # the stored bytes are not an image
        return False
