"""Runs an export: opens the data set, plans, writes the samples and their description."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib.util
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from synrender.archive.hdf5_files import find_chunk_size
from synrender.dataset.certificate import read_audit
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.info import info_to_json
from synrender.dataset.lock import in_use
from synrender.dataset.names import CONFIG_FILE
from synrender.errors import UserError, shorten
from synrender.export.captions_file import CAPTIONS_FILE, write_captions
from synrender.export.card import render_card
from synrender.export.columns import CAPTION_COLUMNS, create_schema
from synrender.export.constants import find_constants, set_constants
from synrender.export.croissant import find_placeholders, render_croissant
from synrender.export.facts import Facts, Publisher, gather_facts
from synrender.export.format import ExportedFile, ExportPlan, find_format
from synrender.export.licenses import find_credits
from synrender.export.listing import CreateBar, ListedFile, describe_files, describe_some
from synrender.export.marker import (
    CARD_FILE,
    CROISSANT_FILE,
    DESCRIPTION_FILES,
    DESIGN_FILE,
    PICTURE_FILE,
    begin,
    claim_folder,
    create_folder,
    find_complete,
    finish,
    remove_traces,
)
from synrender.export.png_samples import (
    Source,
    choose_labels,
    find_sample_bytes,
    open_source,
    read_rows,
    read_task,
)
from synrender.loading.dataset import Dataset
from synrender.loading.export_fields import OF_MASKS
from synrender.loading.pixel_files import PIXEL_FILES
from synrender.loading.row_source import INSTANCE_MAP
from synrender.report.design_graph import to_file
from synrender.report.sheet import choose_sheet, draw_sheet, read_sheet
from synrender.settings.groups import Captions
from synrender.settings.load import settings_to_gin
from synrender.system.console import create_file_bar, say
from synrender.system.files import write_atomically, write_bytes, write_text
from synrender.system.folders import Folders
from synrender.system.workers import Workers

if TYPE_CHECKING:
    from tqdm import tqdm

PRELOADED = ("synrender.export.run",)
"""What the worker processes need, imported once for all of them."""

MAX_PIECE_ROWS = 10_000
"""Samples of a piece at most, however small they are."""

_NUM_PROBED, _NUM_PICTURED = 32, 24

_LAYOUT = 3
"""Of the columns: goes up when exports of earlier versions cannot be continued."""


@dataclass(frozen=True)
class ExportOptions:
    """What the user asks for."""

    format: str
    out: Path
    folders: Folders
    shard_bytes: int = 256_000_000  # of a tar or Parquet file, at most
    publisher: Publisher = field(default_factory=Publisher)
    overwrite: bool = False
    fields: tuple[str, ...] | None = None  # of `LABEL_FIELDS`; None: those that were rendered
    captions: Captions | None = None  # what they are like; None: as the data set says

    def __post_init__(self) -> None:
        """Raises UserError if the folder's name cannot be shown."""
        if not self.out.name.isprintable():
            raise UserError(
                f"--out {shorten(self.out)}: its name holds characters that cannot be shown"
            )


def export_dataset(
    folder: DatasetFolder, options: ExportOptions, workers: Workers, create_bar: CreateBar
) -> None:
    """Exports a data set, or writes what is missing in its export.

    Raises:
        UserError: the data set or an option does not fit; finished pieces are kept.
    """
    _refuse_missing_packages(options.format)
    # Others may read the data set at the same time, but not remove or archive it.
    with in_use(folder.path, "exported", is_shared=True):
        data = open_source(folder.path)
        plan = plan_export(data, options)
        create_folder(plan.out)
        with in_use(plan.out, "written", is_shared=False):
            begun = claim_folder(plan, options.overwrite)
            if begun:
                plan = dataclasses.replace(plan, piece_rows=begun.samples_per_piece)
            constants = begun.constants if begun else find_constants(plan, workers)
            plan = dataclasses.replace(plan, schema=set_constants(plan.schema, constants))
            found = find_complete(plan.out, begun) if begun else []
            listed = found or _write_samples(plan, data, workers, create_bar)
            audit = read_audit(folder.path)
            told = options.publisher.find_told(audit)
            if begun and found and begun.told == told:
                remove_traces(plan.out)
                say(f"{plan.out}: there already")
                return
            files = _find_large_files(plan, listed)
            if found:
                finish(plan, data, files, listed, told=None)  # until it has a new description
            facts = gather_facts(plan, data, files, options.publisher, audit)
            described = describe_some(plan.out, describe(facts, data))
            finish(plan, data, files, [*listed, *described], told)
    counts = ", ".join(f"{name} {num}" for name, num in plan.split_sizes.items())
    done = (
        "there already, with a new description" if found else f"{plan.num_rows} samples ({counts})"
    )
    say(f"{plan.out}: {done}", *filter(None, [find_placeholders(facts)]))


def _refuse_missing_packages(form: str) -> None:
    for name in (*find_format(form).packages, "jinja2", "yaml"):
        if importlib.util.find_spec(name) is None:
            raise UserError(
                f"--to {form}: needs the Python package {name}; make setup installs it, or "
                "pip install 'synrender[export]'"
            )


# --- planning -------------------------------------------------------------------------------------


def plan_export(data: Dataset, options: ExportOptions) -> ExportPlan:
    """Cuts a data set into pieces of a bounded size.

    The size of all samples is taken to be that of the largest of some, so most pieces are smaller.

    Args:
        data: of `open_source`.
        options: what the user asks for.

    Raises:
        UserError: the format or a license does not fit the data set, or a sample is damaged.
    """
    find_credits(data.info.sources, options.publisher.declared)  # refuses wrong licenses
    form = find_format(options.format)
    fields = (*data.fields, *_choose_labels(data, options), *CAPTION_COLUMNS)
    captions = options.captions or data.captions
    fingerprint = _find_fingerprint(data, (*fields, str(captions)))
    source = Source(data.path, fields, fingerprint, len(data), captions)
    samples = read_rows(data.with_fields(fields, np.inf), _spread(len(data), _NUM_PROBED))
    schema = create_schema(data.info, samples[0], form.pixel_labels is None)
    if reason := form.refuse(schema, data.info):
        raise UserError(f"--to {options.format}: {data.path} {reason}")
    largest = max(map(find_sample_bytes, samples))
    return ExportPlan(
        source,
        options.out,
        options.format,
        schema,
        tuple(data.split_ends.items()),
        max(1, min(MAX_PIECE_ROWS, min(options.shard_bytes, form.max_piece_bytes) // largest)),
        options.folders,
    )


def _choose_labels(data: Dataset, options: ExportOptions) -> list[str]:
    """Labels to read, with what the format makes of pixels."""
    needed = find_format(options.format).pixel_labels
    if needed is None:
        labels = choose_labels(data, options.fields)
    else:
        if of_pixels := [name for name in options.fields or () if name in PIXEL_FILES]:
            raise UserError(
                f"--fields {of_pixels[0]}: {options.format} holds no labels of pixels as they are; "
                "webdataset, parquet and mds do"
            )
        labels = [n for n in choose_labels(data, options.fields) if n not in PIXEL_FILES]
        labels += [n for n in choose_labels(data, None) if n in needed]
    counted = [name for name in OF_MASKS if name in data.all_fields]
    return [*labels, *(counted if INSTANCE_MAP in labels else ())]


def _find_fingerprint(data: Dataset, fields: Sequence[str]) -> str:
    """SHA-256 of the description of a data set, of what is read, and the sizes of its files."""
    sizes = [(path.name, path.stat().st_size) for path in data.files if path.is_file()]
    text = f"{_LAYOUT}{fields}{info_to_json(data.info)}{data.split_ends}{sizes}"
    return hashlib.sha256(text.encode()).hexdigest()


def _spread(num_rows: int, num: int) -> np.ndarray:
    """At most ``num`` rows, (k,) int64, spread evenly from the first to the last."""
    return np.unique(np.linspace(0, num_rows - 1, min(num, num_rows)).astype(int))


# --- samples --------------------------------------------------------------------------------------


def _write_samples(
    plan: ExportPlan, data: Dataset, workers: Workers, create_bar: CreateBar
) -> list[ListedFile]:
    """Writes all files that hold samples or their labels; pieces that exist are kept."""
    form = find_format(plan.format)
    paths = [*form.list_files(plan, data), CAPTIONS_FILE]
    begin(plan, data, paths)
    todo = [piece for piece in plan.pieces if not form.piece_path(plan.out, piece).exists()]
    if num_done := len(plan.pieces) - len(todo):
        say(f"{plan.out}: {num_done} of {len(plan.pieces)} pieces are there already")
    size = find_chunk_size(data.info.settings.rendering.resolution)
    chunks = {p: [p.rows[k : k + size] for k in range(0, len(p.rows), size)] for p in todo}
    tasks = [(plan, piece.split, rows) for piece in todo for rows in chunks[piece]]
    # One stream of tasks for all pieces, so that no process waits while a file is finished.
    results = workers.map(encode_task, tasks)
    with create_bar(sum(len(piece.rows) for piece in todo), f"to {plan.format}") as bar:
        for piece in todo:
            finished = _watch(results, chunks[piece], bar)
            write = functools.partial(form.write, plan.schema, finished)
            write_atomically(form.piece_path(plan.out, piece), write)
    form.finish(plan)
    write_captions(plan, workers, create_bar)
    return describe_files(plan.out, paths, workers, create_file_bar)


def encode_task(plan: ExportPlan, split: str, rows: range) -> object:
    """Encodes some samples; runs in a worker."""
    samples = read_task(plan.source, rows)
    return find_format(plan.format).encode(samples, split, plan)


def _watch(results: Iterator[object], chunks: Iterable[range], bar: tqdm) -> Iterator[object]:
    """Yields the results for the chunks of a piece, and advances the bar."""
    for rows, result in zip(chunks, results, strict=False):  # these are of all pieces
        yield result
        bar.update(len(rows))


def _find_large_files(plan: ExportPlan, listed: Sequence[ListedFile]) -> list[ExportedFile]:
    """The files that hold the samples; none in formats of many small files."""
    form, by_path = find_format(plan.format), {file.path: file for file in listed}
    if form.list_paths is not None:
        return []
    found = zip(plan.pieces, map(by_path.__getitem__, form.list_pieces(plan)), strict=True)
    return [
        ExportedFile(file.path, piece.split, len(piece.rows), file.bytes, file.sha256)
        for piece, file in found
    ]


# --- description ----------------------------------------------------------------------------------


def describe(facts: Facts, data: Dataset) -> list[str]:
    """Writes those of `DESCRIPTION_FILES` that there are into the export; returns their names."""
    write_bytes(facts.plan.out / PICTURE_FILE, _draw_picture(data))
    texts = {
        CONFIG_FILE: settings_to_gin(facts.info.settings),
        CROISSANT_FILE: render_croissant(facts),
        CARD_FILE: render_card(facts),
    }
    if facts.design.panels:
        texts[DESIGN_FILE] = to_file(facts.design.panels)
    for name, text in texts.items():
        write_text(facts.plan.out / name, text)
    return [name for name in DESCRIPTION_FILES if name in (PICTURE_FILE, *texts)]


def _draw_picture(data: Dataset) -> bytes:
    """A sheet, as PNG, of samples that show the design."""
    idxs = data.read_column("sample_idx").reshape(len(data), -1)[:, 0]
    file = io.BytesIO()
    sheet = read_sheet(data, choose_sheet(data, idxs, _NUM_PICTURED))
    draw_sheet(sheet).save(file, "png", optimize=True)
    return file.getvalue()
