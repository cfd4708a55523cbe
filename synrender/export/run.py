"""Runs an export: pieces that are missing, then what describes them, then the marker."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from synrender.archive.hdf5_files import find_chunk_size
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.lock import in_use
from synrender.dataset.names import CONFIG_FILE
from synrender.errors import UserError, shorten
from synrender.export.card import render_card
from synrender.export.columns import Content, plan_content
from synrender.export.croissant import render_croissant
from synrender.export.facts import Facts, Publisher, gather_facts
from synrender.export.format import ExportedFile, Format, Job, Piece, cut_rows, lines_path, plan_job
from synrender.export.licenses import find_sources
from synrender.export.listing import ListedFile, describe_files, describe_some
from synrender.export.marker import (
    CARD_FILE,
    CROISSANT_FILE,
    DESCRIPTION_FILES,
    MARKER,
    PICTURE_FILE,
    adopt,
    begin,
    create_folder,
    finish,
    is_complete,
    read_marker,
    remove_traces,
)
from synrender.export.png_samples import open_source, read_rows, read_task
from synrender.loading.dataset import Dataset
from synrender.report.pictures import find_pictures
from synrender.report.sheet import draw_sheet
from synrender.settings.load import settings_to_gin
from synrender.system.console import create_file_bar, say
from synrender.system.files import write_atomically, write_bytes, write_text
from synrender.system.workers import Workers


def find_format(name: str) -> Format:
    """A format by its name, which is also that of its module."""
    return importlib.import_module(f"synrender.export.{name}").FORMAT


PRELOADED = ("synrender.export.run",)
"""What the worker processes need, imported once for all of them."""

Progress = Callable[[int, str], Any]


@dataclass(frozen=True)
class ExportOptions:
    """What the user asks for."""

    format: str
    out: Path
    shard_bytes: int = 256_000_000  # of a tar or Parquet file, at most
    publisher: Publisher = field(default_factory=Publisher)
    overwrite: bool = False

    def __post_init__(self) -> None:
        """Raises UserError if the folder's name cannot be shown."""
        if not self.out.name.isprintable():
            raise UserError(f"--out {shorten(self.out)}: its name must be one that can be shown")


def export_dataset(
    folder: DatasetFolder, options: ExportOptions, workers: Workers, progress: Progress
) -> None:
    """Exports a data set, or what is missing of its export.

    Raises:
        UserError: the data set or an option does not fit; finished pieces are kept.
    """
    form = find_format(options.format)
    _refuse_missing_packages(form)
    # Nobody may remove or archive meanwhile what is read; others may read it too.
    with in_use(folder.path, "exported", is_shared=True):
        data = open_source(folder.path)
        find_sources(data.info.sources, options.publisher.declared)  # refuses what is not so
        content = plan_content(data.info, read_rows(data, [0])[0])
        if reason := form.refuse(content):
            raise UserError(f"--to {form.name}: {folder.path} {reason}")
        job = plan_job(data, options.out, form.name, options.shard_bytes)
        create_folder(job.out)
        with in_use(job.out, "written", is_shared=False):
            if not options.overwrite and is_complete(job):
                remove_traces(job)
                _describe_anew(job, form, content, data, options.publisher)
                return
            job = adopt(job, options.overwrite)
            paths = form.list_paths(job, content, data)
            begin(job, paths)
            side_px = data.info.settings.rendering.resolution
            _write_pieces(job, form, content, side_px, workers, progress)
            form.finish(job, content)
            listed = describe_files(job.out, paths, workers, create_file_bar)
            files = _find_large_files(job, form, listed)
            told = options.publisher.find_told(folder.path)
            describe(gather_facts(job, form, content, data, files, options.publisher), data)
            listed += describe_some(job.out, DESCRIPTION_FILES)
            finish(job, files, listed, told)
    counts = ", ".join(f"{name} {len(rows)}" for name, rows in job.split_rows.items())
    say(f"{job.out}: {job.num_rows} samples ({counts})")


def _describe_anew(
    job: Job, form: Format, content: Content, data: Dataset, publisher: Publisher
) -> None:
    """Writes the card and the like of a complete export again, if they would tell other things."""
    known, told = read_marker(job.out / MARKER), publisher.find_told(job.dataset_path)
    if known is None or known.told == told:
        say(f"{job.out}: there already")
        return
    job = dataclasses.replace(job, piece_rows=known.samples_per_piece)
    listed = [file for file in known.find_listed() if file.path not in DESCRIPTION_FILES]
    finish(job, known.files, listed, None)
    describe(gather_facts(job, form, content, data, list(known.files), publisher), data)
    listed += describe_some(job.out, DESCRIPTION_FILES)
    finish(job, known.files, listed, told)
    say(f"{job.out}: there already, described anew")


def encode_task(job: Job, content: Content, split: str, rows: range) -> Any:
    """What a format makes of some samples; runs in a worker."""
    samples = read_task(job.dataset_path, job.fingerprint, job.num_rows, rows)
    return find_format(job.format).encode(samples, split, content, job.out)


def _write_pieces(
    job: Job, form: Format, content: Content, side_px: int, workers: Workers, progress: Progress
) -> None:
    todo = [piece for piece in job.pieces if not form.piece_path(job.out, piece).exists()]
    if num_done := len(job.pieces) - len(todo):
        say(f"{job.out}: {num_done} of {len(job.pieces)} pieces are there already")
    size = find_chunk_size(side_px)
    chunks = {piece: list(cut_rows(piece.rows, size)) for piece in todo}
    tasks = [(job, content, piece.split, rows) for piece in todo for rows in chunks[piece]]
    # One stream of tasks for all pieces, so that no process waits while a file is finished.
    results = workers.map(encode_task, tasks)
    with progress(sum(len(piece.rows) for piece in todo), f"to {form.name}") as bar:
        for piece in todo:

            def write(temporary: Path, piece: Piece = piece) -> None:
                form.write(temporary, content, _watch(results, chunks[piece], bar))

            write_atomically(form.piece_path(job.out, piece), write)


def _watch(results: Iterator[Any], chunks: Sequence[range], bar: Any) -> Iterator[Any]:
    """The results of a piece's chunks; advances the bar."""
    for rows, result in zip(chunks, results, strict=False):  # these are of all pieces
        yield result
        bar.update(len(rows))


def _find_large_files(job: Job, form: Format, listed: Sequence[ListedFile]) -> list[ExportedFile]:
    """The files that hold the samples; none of formats that have a file for each."""
    if form.piece_path is lines_path:
        return []
    return [
        ExportedFile(file.path, piece.split, len(piece.rows), file.bytes, file.sha256)
        for file, piece in zip(listed, job.pieces, strict=True)
    ]


def _refuse_missing_packages(form: Format) -> None:
    for name in (*form.packages, "jinja2", "yaml"):
        if importlib.util.find_spec(name) is None:
            raise UserError(
                f"--to {form.name}: needs the Python package {name}; make setup installs it, or "
                "pip install 'synrender[export]'"
            )


# --- description ----------------------------------------------------------------------------------


_NUM_PICTURED = 20


def describe(facts: Facts, data: Dataset) -> None:
    """Writes all of it into the folder of the export."""
    out = facts.job.out
    write_bytes(out / PICTURE_FILE, draw_picture(facts, data))
    write_text(out / CONFIG_FILE, settings_to_gin(facts.info.settings))
    write_text(out / CROISSANT_FILE, render_croissant(facts))
    write_text(out / CARD_FILE, render_card(facts))


def draw_picture(facts: Facts, data: Dataset) -> bytes:
    """A contact sheet, as PNG, of samples spread evenly over the data set."""
    rows = np.unique(np.linspace(0, len(data) - 1, min(_NUM_PICTURED, len(data))).astype(int))
    fields = [picture.field for picture in find_pictures(data.with_fields(None).fields)]
    shown = data.with_fields(fields, np.inf)
    names = dict(zip(facts.content.class_ids, facts.content.class_names, strict=True))
    file = io.BytesIO()
    sheet = draw_sheet(shown.read_checked(rows), facts.name, names)
    sheet.save(file, "png", optimize=True)
    return file.getvalue()
