"""``--to_hdf5``: packs the small files of a data set into ``imgs_00.h5`` and so on."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synrender.archive.encode import EncodedImage, encode_image
from synrender.archive.hdf5_files import (
    PNG_DTYPE,
    RECORD_CHUNK,
    create_field,
    create_record_fields,
    describe_archive,
    describe_factors,
    find_chunk_size,
    new_file,
    shard_path,
    write_pngs,
    write_values,
)
from synrender.archive.label_fields import LabelPlan, create_label_fields, plan_labels
from synrender.archive.order import Order, plan_order, write_order
from synrender.archive.raw_samples import load_records, open_source, read_side_px, refuse_missing
from synrender.archive.shared_models import (
    Overlap,
    Tally,
    count_overlap,
    explain_overlap,
    tally_file,
    tally_records,
)
from synrender.dataset.archive_layout import Layout, object_shape
from synrender.dataset.certificate import ROOT_ATTRIBUTE, find_valid_root
from synrender.dataset.design_info import DesignInfo
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.names import list_shards, shard_file
from synrender.dataset.shard import open_file
from synrender.errors import UserError
from synrender.sampling.sample_plan import describe_uneven_splits
from synrender.system.console import say
from synrender.system.locks import remove_abandoned_files
from synrender.system.workers import Workers

Progress = Callable[[int, str], Any]
"""``with progress(total, what) as bar: bar.update(number)``, as tqdm does."""


@dataclass(frozen=True)
class PackOptions:
    """What the user asks for."""

    num_shards: int | None = None  # files; None: as in the existing archive, or 12
    shard_idxs: Sequence[int] = ()  # which to write; empty: all
    insists_on_exr: bool = False
    seed: int | None = None  # of the shuffle; None: keep the existing order, or 0
    overwrite: bool = False


def pack_dataset(
    folder: DatasetFolder, options: PackOptions, workers: Workers, progress: Progress
) -> Layout:
    """Writes the shards that do not exist yet.

    Raises:
        UserError: a small file or an option is wrong; complete shards are kept.
    """
    info, dataset_dir = folder.read_info(), folder.path
    remove_abandoned_files(dataset_dir)
    source = open_source(folder, options.insists_on_exr)
    settings = info.settings
    order = plan_order(
        source,
        options.num_shards,
        settings.object,
        settings.design,
        options.seed,
        options.overwrite,
    )
    layout = order.layout
    selected = select_shards(options.shard_idxs, layout.num_shards)
    if order.is_new and list_shards(dataset_dir) and len(selected) < layout.num_shards:
        raise UserError(
            f"{dataset_dir}: the existing files have another order or another number of buckets, "
            "so all must be written again: leave --bucket_idxs out"
        )
    replaced = selected if options.overwrite else ()
    done = [] if order.is_new else find_done(dataset_dir, order, replaced)
    todo = [b for b in selected if options.overwrite or b not in done]
    if skipped := [b for b in selected if b not in todo]:
        say(f"{dataset_dir}: {_list_files(skipped)}: there already")
    if not todo:
        return layout

    kept = [b for b in done if b not in todo]
    others = [b for b in range(layout.num_shards) if b not in kept]
    refuse_missing(source, np.concatenate([_shard_idxs(order, b) for b in others]))
    if kept:
        with open_file(shard_path(dataset_dir, kept[0])) as file:
            num_objs, side_px = int(file.attrs["num_objs"]), int(file.attrs["image_size"])
    else:
        num_objs = settings.sample.num_objs
        side_px = read_side_px(folder, source.listing.found.start)
    plan = plan_labels(folder, info, order.idxs)
    overlap = measure_overlap(folder, order, kept, num_objs, workers, progress)
    write_order(dataset_dir, order)
    attributes = {
        **describe_archive(info, layout, num_objs, side_px),
        "splits": overlap.to_json(),
    }
    if root := find_valid_root(folder, workers, progress):
        attributes[ROOT_ATTRIBUTE] = root
    chunks = {b: _cut_shard(order, b, find_chunk_size(side_px)) for b in todo}
    tasks = [(folder, idxs, num_objs, side_px, plan) for b in todo for idxs in chunks[b]]
    # One stream of tasks for all shards, so that no process waits while a file is finished.
    results = workers.map(encode_chunk, tasks, is_light=not folder.is_exr)
    with progress(sum(len(layout.shard_rows(b)) for b in todo), "to HDF5") as bar:
        for shard in todo:
            rows, own = layout.shard_rows(shard), itertools.islice(results, len(chunks[shard]))
            attributes |= {"bucket": shard, "first_row": rows.start}
            path = shard_path(dataset_dir, shard)
            _write_shard(path, len(rows), folder.is_exr, attributes, info.design, plan, own, bar)
    say(f"{dataset_dir}: wrote {_list_files(todo)}")
    say(*overlap.to_lines(), *explain_overlap(overlap, info.settings.object))
    if line := describe_uneven_splits(layout.num_samples):
        say(line)
    return layout


def select_shards(shard_idxs: Sequence[int], num_shards: int) -> Sequence[int]:
    """The shards that the user named, or all.

    Raises:
        UserError: one is out of range.
    """
    for idx in shard_idxs:
        if not 0 <= idx < num_shards:
            raise UserError(f"--bucket_idxs {idx}: must be 0 to {num_shards - 1}")
    return sorted(set(shard_idxs)) or range(num_shards)


def find_done(dataset_dir: Path, order: Order, replaced: Sequence[int] = ()) -> list[int]:
    """Shards whose file exists and holds the right samples; those to be ``replaced`` not read.

    Raises:
        UserError: a file holds other samples.
    """
    done = []
    for shard in range(order.layout.num_shards):
        path = shard_path(dataset_dir, shard)
        if shard in replaced or not path.exists():
            continue
        idxs = _shard_idxs(order, shard)
        with open_file(path) as file:
            known = file["sample_idx"][...].reshape(len(idxs), -1) if len(idxs) else None
            if known is not None and not np.array_equal(known[:, 0], idxs):
                raise UserError(
                    f"{path}: holds other samples than idx_ref.npy says; remove it and repeat "
                    "the command"
                )
        done.append(shard)
    return done


def measure_overlap(
    folder: DatasetFolder,
    order: Order,
    kept: Sequence[int],
    num_objs: int,
    workers: Workers,
    progress: Progress,
) -> Overlap:
    """Reads all records (those of kept shards from HDF5) and counts what the splits share."""
    layout = order.layout
    from_files, from_records = [], []
    for shard in range(layout.num_shards):
        rows = layout.shard_rows(shard)
        for piece in layout.cut(rows, RECORD_CHUNK):
            split = layout.split_of(piece.start)
            if shard in kept:
                in_file = range(piece.start - rows.start, piece.stop - rows.start)
                from_files.append((shard_path(folder.path, shard), in_file, split))
            else:
                idxs = order.idxs[piece.start : piece.stop]
                from_records.append((folder, idxs, num_objs, split))
    tallies: list[Tally] = []
    with progress(layout.num_samples, "records") as bar:
        for tally, task in zip(
            itertools.chain(
                workers.map(tally_file, from_files, is_light=True),
                workers.map(tally_records, from_records, is_light=True),
            ),
            [*from_files, *from_records],
            strict=True,
        ):
            tallies.append(tally)
            bar.update(len(task[1]))
    return count_overlap(layout, tallies)


def encode_chunk(
    folder: DatasetFolder,
    idxs: np.ndarray,
    num_objs: int,
    side_px: int,
    plan: LabelPlan | None = None,
) -> tuple[list[EncodedImage], np.ndarray]:
    """Images with the labels of ``plan``, and records (k, num_objs), of some samples.

    Raises:
        UserError: a file is damaged, or does not match the others.
    """
    reader = plan.open(folder) if plan else None
    images = []
    for idx in idxs.tolist():
        labels = reader.open(idx) if reader else None
        images.append(encode_image(folder.image_path(idx), num_objs, side_px, labels, plan))
    return images, load_records(folder, idxs, num_objs)


def _write_shard(
    path: Path,
    num_rows: int,
    is_exr: bool,
    attributes: dict[str, Any],
    design: DesignInfo | None,
    plan: LabelPlan | None,
    results: Iterable[tuple[list[EncodedImage], np.ndarray]],
    bar: Any,
) -> None:
    num_objs = attributes["num_objs"]
    with new_file(path) as file:
        file.attrs.update(attributes)
        create_record_fields(file, num_rows, num_objs)
        describe_factors(file, design)
        create_field(file, "png_images", (num_rows,), PNG_DTYPE)
        if is_exr:
            create_field(file, "png_targets", (num_rows,), PNG_DTYPE)
            create_field(file, "png_depth", (num_rows,), PNG_DTYPE)
            shape = (num_rows, *object_shape(num_objs))
            create_field(file, "num_visible_px", shape, np.int32)
            create_field(file, "box_px", (*shape, 4), np.int32)
            if plan:
                create_label_fields(file, plan, num_rows, num_objs, attributes["image_size"])
        else:
            file["targets"] = file["class"]  # another name for the same data
        start = 0
        for images, records in results:
            rows = slice(start, start + len(images))
            for name in records.dtype.names or ():
                write_values(file[name], rows, records[name])
            write_pngs(file["png_images"], rows, [i.png_image for i in images])
            if is_exr:
                write_pngs(file["png_targets"], rows, [i.png_targets for i in images])
                write_pngs(file["png_depth"], rows, [i.png_depth for i in images])
                for name in ("num_visible_px", "box_px"):
                    write_values(file[name], rows, np.stack([getattr(i, name) for i in images]))
            for name in images[0].labels:
                values = [image.labels[name] for image in images]
                if name.startswith("png_"):
                    write_pngs(file[name], rows, values)
                else:
                    write_values(file[name], rows, np.stack(values))
            start = rows.stop
            bar.update(len(images))


def _cut_shard(order: Order, shard: int, size: int) -> list[np.ndarray]:
    idxs = _shard_idxs(order, shard)
    return [idxs[i : i + size] for i in range(0, len(idxs), size)]


def _shard_idxs(order: Order, shard: int) -> np.ndarray:
    rows = order.layout.shard_rows(shard)
    return order.idxs[rows.start : rows.stop]


def _list_files(shards: Sequence[int]) -> str:
    names = [shard_file(b) for b in shards]
    if len(names) > 2 and shards[-1] - shards[0] == len(shards) - 1:
        return f"{names[0]} to {names[-1]}"
    return ", ".join(names)
