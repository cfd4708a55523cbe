"""``--preprocess``: turns ``imgs_*.h5`` into one file of normalized arrays for training."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from pathlib import Path

import h5py
import numpy as np

from synrender.archive.arrays import (
    create_fields,
    fill_rows,
    find_common_root,
    find_written,
    forget_rows,
    open_arrays,
    plan_pieces,
)
from synrender.archive.hdf5_files import new_file, refuse_full_disk, shard_path
from synrender.archive.pack import select_shards
from synrender.archive.pixels import PreprocessOptions, list_pixel_labels
from synrender.dataset.archive_layout import Layout
from synrender.dataset.certificate import ROOT_ATTRIBUTE
from synrender.dataset.lock import in_use, locked
from synrender.dataset.names import arrays_file, file_to_shard, list_shards
from synrender.dataset.shard import open_file, read_info, read_layout
from synrender.errors import UserError
from synrender.images.label_codes import CODES
from synrender.settings.groups import has_alpha
from synrender.system.console import CreateBar, say
from synrender.system.locks import remove_abandoned_files
from synrender.system.workers import Workers


def find_archive(dataset_dir: Path, num_shards: int | None) -> Layout:
    """Layout of the archive in a folder, of as many shards as the user gave, if so.

    Raises:
        UserError: there is no archive, or it has another number of shards.
    """
    paths = list_shards(dataset_dir)
    if not paths:
        raise UserError(f"{dataset_dir}: has no imgs_00.h5; write it with --to_hdf5 (-f)")
    with open_file(paths[0]) as file:
        layout = read_layout(file)
    if num_shards not in (None, layout.num_shards):
        raise UserError(
            f"--num_buckets {num_shards}: the files in {dataset_dir} were written with "
            f"{layout.num_shards}; give that, or leave it out"
        )
    return layout


def preprocess_dataset(
    dataset_dir: Path,
    layout: Layout,
    options: PreprocessOptions,
    workers: Workers,
    create_bar: CreateBar,
) -> None:
    """Writes ``data_<res>.h5``, or ``data_<res>.partial.h5`` while shards are missing.

    Raises:
        UserError: something is missing or does not fit; no half-written file is left.
    """
    remove_abandoned_files(dataset_dir)
    complete, partial = (
        dataset_dir / arrays_file(options.res, options.to_lab, is_partial)
        for is_partial in (False, True)
    )
    selected = select_shards(options.shard_idxs, layout.num_shards)
    if complete.exists():
        if not options.overwrite and _is_newer(complete, list_shards(dataset_dir)):
            _refuse_other_content(complete, layout, options)
            say(f"{complete.name}: is there already")
            return
        if not options.overwrite:
            say(f"{complete.name}: is older than imgs_*.h5, so it is written again")
        selected = range(layout.num_shards)  # a partial file must not replace it
    inputs = {shard: shard_path(dataset_dir, shard) for shard in selected}
    _refuse_misfits(layout, list(inputs.values()))
    with _begun(partial, layout, options):
        rows = {path: layout.shard_rows(shard) for shard, path in inputs.items()}
        written = _fill(partial, rows, options, workers, create_bar)
        all_rows = map(layout.shard_rows, range(layout.num_shards))
        num_done = sum(bool(written[rows.start : rows.stop].all()) for rows in all_rows)
        if num_done == layout.num_shards:
            partial.replace(complete)
    if num_done == layout.num_shards:
        counts = ", ".join(f"{name} {len(rows)}" for name, rows in layout.split_rows.items())
        say(f"{complete}: {layout.num_samples} samples ({counts})")
    else:
        say(
            f"{partial}: {num_done} of {layout.num_shards} buckets; it becomes {complete.name} "
            "when all are done"
        )


@contextlib.contextmanager
def _begun(partial: Path, layout: Layout, options: PreprocessOptions) -> Generator[None]:
    """Creates the partial file, unless it is there and can be continued; keeps others away from it.

    Raises:
        UserError: another process is writing it, or it is what another call began.
        CannotWrite: it does not fit on the disk.
    """
    shards = list_shards(partial.parent)
    with contextlib.ExitStack() as stack:
        with locked(partial.parent):
            if partial.exists():
                with in_use(partial, "written", is_shared=False):
                    if options.overwrite or _is_of_no_use(partial, shards, layout, options):
                        partial.unlink()
            if not partial.exists():
                _refuse_full_disk(shards[0], layout, options)
                with new_file(partial) as out:
                    create_fields(out, shards, layout, options)
            stack.enter_context(in_use(partial, "written", is_shared=False))
        yield


def _is_of_no_use(
    partial: Path, shards: Sequence[Path], layout: Layout, options: PreprocessOptions
) -> bool:
    """Whether nothing of a partial file can be kept, because all was made from other shards.

    Rows that were made from a shard that has been written again since count as not written.

    Raises:
        UserError: it was begun with other options.
    """
    _refuse_other_content(partial, layout, options)
    arrays = open_arrays(partial)
    newer = [path for path in shards if not _is_newer(partial, [path])]
    if newer:
        forget_rows(arrays, [layout.shard_rows(file_to_shard(path.name) or 0) for path in newer])
    with open_file(partial) as file, open_file(shards[0]) as first:
        is_other, root = _find_kind(file) != _find_kind(first), file.attrs.get(ROOT_ATTRIBUTE)
    # All rows must come from files that the root covers.
    has_other_root = root not in (None, find_common_root(shards))
    return is_other or has_other_root or not find_written(partial).any()


def _fill(
    partial: Path,
    shards: dict[Path, range],
    options: PreprocessOptions,
    workers: Workers,
    create_bar: CreateBar,
) -> np.ndarray:
    """Writes the rows, in the file of arrays, of some shards that are not written yet.

    Returns:
        Which rows of ``partial`` are written now, (n,) bool.
    """
    arrays, written = open_arrays(partial), find_written(partial)
    with open_file(partial) as file:
        side_px = max(options.res, int(file.attrs["image_size"]))
    tasks = []
    for path, rows in shards.items():
        for piece in plan_pieces(rows, written, side_px):
            in_shard = slice(piece.start - rows.start, piece.stop - rows.start)
            tasks.append((arrays, path, in_shard, piece.start, options))
    if written.any():
        say(f"{partial.name}: {written.sum()} of {len(written)} samples are there already")
    with create_bar(sum(task[2].stop - task[2].start for task in tasks), "preprocess") as bar:
        for num_rows in workers.map(fill_rows, tasks):
            bar.update(num_rows)
    return find_written(partial)


# --- checks -------------------------------------------------------------------------------------


def _is_newer(path: Path, others: list[Path]) -> bool:
    return path.stat().st_mtime_ns >= max(other.stat().st_mtime_ns for other in others)


def _refuse_misfits(layout: Layout, paths: list[Path]) -> None:
    """Refuses files that are missing, or of another archive or image size than the first."""
    first = None
    for path in paths:
        with open_file(path) as file:
            kind = _find_kind(file)
        first = first or kind
        if kind != first or kind[0] != layout:
            raise UserError(
                f"{path}: belongs to another archive than {paths[0].name} (images of {kind[1]} px, "
                f"{kind[0].num_samples} samples); write it again with --to_hdf5 --overwrite"
            )


def _find_kind(file: h5py.File) -> tuple[Layout, int, int]:
    """Properties that all files of an archive share: layout, side of the images, objects."""
    return read_layout(file), int(file.attrs["image_size"]), int(file.attrs["num_objs"])


def _refuse_other_content(path: Path, layout: Layout, options: PreprocessOptions) -> None:
    """Refuses a file of this name that is not what this call would write."""
    res = options.res
    shape, normalization = (layout.num_samples, 3, res, res), options.normalization
    with open_file(path) as file:
        if "data" not in file or file["data"].shape != shape:
            found = file["data"].shape if "data" in file else "nothing"
            raise UserError(
                f"{path}: holds data of shape {found}, --res {res} makes {shape}; rename it, or "
                "write it again with --overwrite"
            )
        known = np.stack([file.attrs["mean"], file.attrs["std"]])
        if not np.allclose(known, normalization, rtol=1e-9):
            raise UserError(
                f"{path}: was normalized with mean {_to_text(known[0])} and std "
                f"{_to_text(known[1])}, this call would use {_to_text(normalization[0])} and "
                f"{_to_text(normalization[1])}; rename it, or write it again with --overwrite"
            )


def _refuse_full_disk(path: Path, layout: Layout, options: PreprocessOptions) -> None:
    with open_file(path) as file:
        bytes_per_px = 3 * 2 + 3 + 2 if "png_targets" in file else 3 * 2
        bytes_per_px += has_alpha(read_info(file).settings)
        for name in list_pixel_labels(file):
            shape = CODES[name].find_shape(1, int(file.attrs["num_objs"]))
            bytes_per_px += int(np.prod(shape)) * np.dtype(CODES[name].dtype).itemsize
    refuse_full_disk(path.parent, layout.num_samples * options.res**2 * bytes_per_px)


def _to_text(values: np.ndarray) -> str:
    return "(" + ", ".join(f"{v:.2f}" for v in values) + ")"
