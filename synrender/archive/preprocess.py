"""``--preprocess``: turns ``imgs_*.h5`` into one file of normalised arrays for training."""

from __future__ import annotations

import itertools
from pathlib import Path

import h5py
import numpy as np

from synrender.archive.arrays import (
    PreprocessOptions,
    copy_records,
    create_fields,
    plan_shard,
)
from synrender.archive.hdf5_files import (
    new_file,
    open_file,
    read_layout,
    refuse_full_disk,
    shard_path,
)
from synrender.archive.pack import Progress, select_shards
from synrender.archive.pixels import fill_rows, list_pixel_labels
from synrender.dataset.certificate import ROOT_ATTRIBUTE
from synrender.dataset.names import arrays_file, list_shards
from synrender.dataset.splits import Layout
from synrender.errors import UserError
from synrender.images.label_codes import CODES
from synrender.system.console import say
from synrender.system.locks import remove_abandoned_files
from synrender.system.workers import Workers


def find_archive(dataset_dir: Path, num_shards: int | None) -> Layout:
    """Layout of the archive in a folder.

    Args:
        dataset_dir: folder of a data set.
        num_shards: number of shards that the user gave; None: any.

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
    progress: Progress,
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
    is_resumed = (
        partial.exists() and not options.overwrite and _is_newer(partial, list_shards(dataset_dir))
    )
    if is_resumed:
        _refuse_other_content(partial, layout, options)
    else:
        partial.unlink(missing_ok=True)
        _refuse_full_disk(inputs[selected[0]], layout, options)

    with new_file(partial, source=partial if is_resumed else None) as out:
        if not is_resumed:
            create_fields(out, inputs[selected[0]], layout, options)
        _settle_root(out, list(inputs.values()))
        todo = [shard for shard in selected if not out.attrs["buckets_done"][shard]]
        rows = {shard: layout.shard_rows(shard) for shard in todo}
        tasks = {b: plan_shard(out, inputs[b], rows[b], options) for b in todo}
        # One stream of tasks for all shards, so that no process waits while records are copied.
        results = workers.map(fill_rows, [task for b in todo for task in tasks[b]])
        with progress(sum(map(len, rows.values())), "preprocess") as bar:
            for shard in todo:
                for num_rows in itertools.islice(results, len(tasks[shard])):
                    bar.update(num_rows)
                copy_records(out, inputs[shard], rows[shard])
                done = out.attrs["buckets_done"]
                done[shard] = True
                out.attrs["buckets_done"] = done
        num_done = int(np.sum(out.attrs["buckets_done"]))
    if num_done == layout.num_shards:
        partial.replace(complete)
        counts = ", ".join(f"{name} {len(rows)}" for name, rows in layout.split_rows.items())
        say(f"{complete}: {layout.num_samples} samples ({counts})")
    else:
        say(
            f"{partial}: {num_done} of {layout.num_shards} buckets; it becomes {complete.name} "
            "when all are done"
        )


def _settle_root(out: h5py.File, paths: list[Path]) -> None:
    """Keeps the root of the certificate only if all shards were made from the files it names."""
    for path in paths:
        with open_file(path) as file:
            if file.attrs.get(ROOT_ATTRIBUTE) != out.attrs.get(ROOT_ATTRIBUTE):
                out.attrs.pop(ROOT_ATTRIBUTE, None)


# --- checks -------------------------------------------------------------------------------------


def _is_newer(path: Path, others: list[Path]) -> bool:
    return path.stat().st_mtime_ns >= max(other.stat().st_mtime_ns for other in others)


def _refuse_misfits(layout: Layout, paths: list[Path]) -> None:
    """Refuses files that are missing, or of another archive or image size than the first."""
    first_size = None
    for path in paths:
        with open_file(path) as file:
            size = (int(file.attrs["image_size"]), int(file.attrs["num_objs"]))
            first_size = first_size or size
            if read_layout(file) != layout or size != first_size:
                raise UserError(
                    f"{path}: belongs to another archive than {paths[0].name} (images of "
                    f"{size[0]} px, {read_layout(file).num_samples} samples); write it again with "
                    "--to_hdf5 --overwrite"
                )


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
                f"{path}: was normalised with mean {_to_text(known[0])} and std "
                f"{_to_text(known[1])}, this call would use {_to_text(normalization[0])} and "
                f"{_to_text(normalization[1])}; rename it, or write it again with --overwrite"
            )


def _refuse_full_disk(path: Path, layout: Layout, options: PreprocessOptions) -> None:
    with open_file(path) as file:
        bytes_per_px = 3 * 2 + 3 + 2 if "png_targets" in file else 3 * 2
        for name in list_pixel_labels(file):
            shape = CODES[name].find_shape(1, int(file.attrs["num_objs"]))
            bytes_per_px += int(np.prod(shape)) * np.dtype(CODES[name].dtype).itemsize
    refuse_full_disk(path.parent, layout.num_samples * options.res**2 * bytes_per_px)


def _to_text(values: np.ndarray) -> str:
    return "(" + ", ".join(f"{v:.2f}" for v in values) + ")"
