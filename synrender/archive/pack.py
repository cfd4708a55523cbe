"""``--to_hdf5``: packs the small files of a data set into ``imgs_00.h5`` and so on."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from synrender.archive.encode import (
    Encoded,
    LabelPlan,
    create_label_fields,
    encode_image,
    plan_labels,
)
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
    write_rows,
)
from synrender.archive.raw_samples import (
    Order,
    SmallFiles,
    list_small_files,
    load_records,
    plan_order,
    read_side_px,
    refuse_missing,
    write_order,
)
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
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.names import list_shards, shard_file
from synrender.dataset.record import fit_columns
from synrender.dataset.shard import open_file
from synrender.errors import UserError
from synrender.sampling.sample_plan import describe_uneven_splits
from synrender.system.console import CreateBar, say
from synrender.system.locks import remove_abandoned_files
from synrender.system.workers import Workers


@dataclass(frozen=True)
class PackOptions:
    """Options of ``--to_hdf5``."""

    num_shards: int | None = None  # files; None: as in the existing archive, or 12
    shard_idxs: Sequence[int] = ()  # which to write; empty: all
    insists_on_exr: bool = False
    seed: int | None = None  # of the shuffle; None: keep the existing order, or 0
    overwrite: bool = False


@dataclass(frozen=True)
class ArchivePlan:
    """The content of an archive, and which of its shards are to be written."""

    files: SmallFiles
    order: Order
    todo: tuple[int, ...]  # shards to write
    kept: tuple[int, ...]  # shards that are there and stay
    num_objs: int  # rows for the objects of a sample
    side_px: int  # side of the square images
    labels: LabelPlan | None  # None: there are none

    @property
    def folder(self) -> DatasetFolder:
        """Folder of the data set."""
        return self.files.folder

    def shard_path(self, shard: int) -> Path:
        """File of a shard."""
        return shard_path(self.folder.path, shard)


def pack_dataset(
    folder: DatasetFolder, options: PackOptions, workers: Workers, create_bar: CreateBar
) -> Layout:
    """Writes the shards that do not exist yet.

    Raises:
        UserError: a small file or an option is wrong; complete shards are kept.
    """
    remove_abandoned_files(folder.path)
    files = list_small_files(folder, options.insists_on_exr)
    order = plan_order(files, options.num_shards, options.seed, options.overwrite)
    plan = plan_archive(files, order, options)
    if plan:
        overlap = measure_overlap(plan, workers, create_bar)
        write_order(folder.path, order)
        _write_shards(plan, overlap, workers, create_bar)
        say(f"{folder.path}: wrote {_list_files(plan.todo)}")
        say(*overlap.to_lines(), *explain_overlap(overlap, files.info.settings.object))
        say(*filter(None, [describe_uneven_splits(order.layout.num_samples)]))
    return order.layout


def plan_archive(files: SmallFiles, order: Order, options: PackOptions) -> ArchivePlan | None:
    """Decides what is written, and says what is there already; None: there is nothing to write.

    Raises:
        UserError: the options do not fit what is there, or small files are missing.
    """
    folder, layout = files.folder, order.layout
    selected = select_shards(options.shard_idxs, layout.num_shards)
    if order.is_new and list_shards(folder.path) and len(selected) < layout.num_shards:
        raise UserError(
            f"{folder.path}: the existing files have another order or another number of buckets, "
            "so all must be written again: leave --bucket_idxs out"
        )
    replaced = selected if options.overwrite else ()
    done = [] if order.is_new else find_done(folder.path, order, replaced)
    todo = tuple(b for b in selected if options.overwrite or b not in done)
    if skipped := [b for b in selected if b not in todo]:
        say(f"{folder.path}: {_list_files(skipped)}: there already")
    if not todo:
        return None
    kept = tuple(b for b in done if b not in todo)
    others = [b for b in range(layout.num_shards) if b not in kept]
    refuse_missing(files, np.concatenate([order.shard_idxs(b) for b in others]))
    if kept:
        with open_file(shard_path(folder.path, kept[0])) as file:
            num_objs, side_px = int(file.attrs["num_objs"]), int(file.attrs["image_size"])
    else:
        num_objs = files.info.settings.sample.num_objs
        side_px = read_side_px(folder, files.listing.found.start)
    labels = plan_labels(folder, files.info, order.idxs)
    return ArchivePlan(files, order, todo, kept, num_objs, side_px, labels)


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
        idxs = order.shard_idxs(shard)
        with open_file(path) as file:
            known = file["sample_idx"][...].reshape(len(idxs), -1) if len(idxs) else None
            if known is not None and not np.array_equal(known[:, 0], idxs):
                raise UserError(
                    f"{path}: holds other samples than idx_ref.npy says; remove it and repeat "
                    "the command"
                )
        done.append(shard)
    return done


def measure_overlap(plan: ArchivePlan, workers: Workers, create_bar: CreateBar) -> Overlap:
    """Reads all records (those of kept shards from HDF5) and counts what the splits share."""
    layout = plan.order.layout
    from_files, from_records = [], []
    for shard in range(layout.num_shards):
        rows = layout.shard_rows(shard)
        for piece in layout.cut(rows, RECORD_CHUNK):
            split = layout.split_of(piece.start)
            if shard in plan.kept:
                in_file = range(piece.start - rows.start, piece.stop - rows.start)
                from_files.append((plan.shard_path(shard), in_file, split))
            else:
                idxs = plan.order.idxs[piece.start : piece.stop]
                from_records.append((plan.folder, idxs, plan.num_objs, split))
    tallies: list[Tally] = []
    with create_bar(layout.num_samples, "records") as bar:
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
) -> tuple[list[Encoded], np.ndarray]:
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


def _write_shards(
    plan: ArchivePlan, overlap: Overlap, workers: Workers, create_bar: CreateBar
) -> None:
    """Writes the shards of a plan, one after the other; each is complete when it appears."""
    folder, layout, info = plan.folder, plan.order.layout, plan.files.info
    attributes = describe_archive(info, layout, plan.num_objs, plan.side_px)
    attributes["splits"] = overlap.to_json()
    if root := find_valid_root(folder, workers, create_bar):
        attributes[ROOT_ATTRIBUTE] = root
    size = find_chunk_size(plan.side_px)
    chunks = {b: _cut(plan.order.shard_idxs(b), size) for b in plan.todo}
    common = plan.num_objs, plan.side_px, plan.labels
    tasks = [(folder, idxs, *common) for b in plan.todo for idxs in chunks[b]]
    # One stream of tasks for all shards, so that no process waits while a file is finished.
    results = workers.map(encode_chunk, tasks, is_light=not folder.is_exr)
    with create_bar(sum(len(layout.shard_rows(b)) for b in plan.todo), "to HDF5") as bar:
        for shard in plan.todo:
            rows = layout.shard_rows(shard)
            with new_file(plan.shard_path(shard)) as file:
                file.attrs.update({**attributes, "bucket": shard, "first_row": rows.start})
                _create_fields(file, plan, len(rows))
                for num_written in _write_rows(file, itertools.islice(results, len(chunks[shard]))):
                    bar.update(num_written)


def _cut(idxs: np.ndarray, size: int) -> list[np.ndarray]:
    return [idxs[i : i + size] for i in range(0, len(idxs), size)]


def _create_fields(file: h5py.File, plan: ArchivePlan, num_rows: int) -> None:
    """Creates all fields of a shard."""
    info = plan.files.info
    create_record_fields(file, num_rows, plan.num_objs, info.num_columns)
    describe_factors(file, info.design, info.num_columns)
    create_field(file, "png_images", (num_rows,), PNG_DTYPE)
    if not plan.folder.is_exr:
        file["targets"] = file["class"]  # another name for the same data
        return
    create_field(file, "png_targets", (num_rows,), PNG_DTYPE)
    create_field(file, "png_depth", (num_rows,), PNG_DTYPE)
    shape = (num_rows, *object_shape(plan.num_objs))
    create_field(file, "num_visible_px", shape, np.int32)
    create_field(file, "box_px", (*shape, 4), np.int32)
    if plan.labels:
        create_label_fields(file, plan.labels, num_rows, plan.num_objs, plan.side_px)


def _write_rows(
    file: h5py.File, chunks: Iterable[tuple[list[Encoded], np.ndarray]]
) -> Iterator[int]:
    """Writes the rows of a shard, in the chunks of `encode_chunk`; yields how many each had."""
    start = 0
    fields = {name: file[name] for name in file}  # once: looking them up takes as long as writing
    num_columns = fields["factor_values"].shape[-1]
    for images, records in chunks:
        rows = slice(start, start + len(images))
        for name in filter(fields.__contains__, records.dtype.names or ()):
            write_rows(fields[name], rows, fit_columns(name, records[name], num_columns))
        for name in images[0]:
            write_rows(fields[name], rows, [image[name] for image in images])
        start = rows.stop
        yield len(images)


def _list_files(shards: Sequence[int]) -> str:
    names = [shard_file(b) for b in shards]
    if len(names) > 2 and shards[-1] - shards[0] == len(shards) - 1:
        return f"{names[0]} to {names[-1]}"
    return ", ".join(names)
