"""Renders one job in this process: in a Ray worker, in a Blender executable, or in the driver.

Runs in the Python of every Blender, so it does not import Ray.
"""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import time
import traceback

from synrender.assets.catalog import Catalog, create_catalog
from synrender.assets.places import ensure_demo_sources, open_assets
from synrender.blender.batch import BatchTask, Watch, render_batch
from synrender.blender.start import prepare_blender
from synrender.crashes.journal import Journal, Log, Watchdog, logged_output, note_assets
from synrender.dataset.claim import add_incomplete, add_rejected, claim_dataset, claim_renderer
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.info import find_rendered_by
from synrender.errors import UserError
from synrender.fanout.job import Job, Outcome, Status
from synrender.settings.groups import Settings
from synrender.system.cpus import leased_cpus
from synrender.system.disk import find_full_disk
from synrender.system.locks import used_folder

_catalogs: dict[Settings, Catalog] = {}  # of the last data set; listing takes a while


def render_job(job: Job) -> Outcome:
    """Renders the job's samples; any error that does not end the process becomes an outcome.

    `take_files` is to be called with it, in the process that hands the outcome to the driver.
    """
    start = time.monotonic()
    outcome = Outcome(Status.ERROR)
    try:
        with used_folder(job.run_dir):
            _render_watched(job, outcome)
    except OSError as error:  # the journal itself cannot be written
        full = find_full_disk(error, job.run_dir)
        outcome.status = Status.DISK_FULL if full else Status.ERROR
        outcome.message = str(full or error)
    finally:
        _remove_notes(job)
    outcome.seconds = time.monotonic() - start
    return outcome


def _render_watched(job: Job, outcome: Outcome) -> None:
    log_path = job.run_dir / f"{job.attempt}.log" if job.is_quiet else None
    journal = Journal(job.run_dir / f"{job.attempt}.json")
    with (
        leased_cpus(job.num_cpus) as cpus,
        logged_output(log_path) as log,
        Watchdog(job.time_limit, job.startup_limit_s, log) as watchdog,
    ):
        outcome.cpus = cpus
        try:
            _render(job, outcome, journal, log, watchdog)
        except Exception as error:
            _explain(error, outcome, journal, job)
            if outcome.status is Status.ERROR:
                traceback.print_exc()
                outcome.tail = log.tail()


def take_files(job: Job, outcome: Outcome) -> Outcome:
    """Puts the files of a gathered batch into its outcome, and removes them here."""
    try:
        if job.is_gathered and outcome.status is Status.DONE:
            outcome.files = _read_files(job.folder, job.idxs)
            outcome.by = find_rendered_by(job.folder.read_info())
    except (OSError, UserError) as error:
        outcome.status, outcome.message = Status.ERROR, str(error)
    finally:
        if job.is_gathered:
            shutil.rmtree(job.scratch_dir, ignore_errors=True)
    return outcome


def _render(job: Job, outcome: Outcome, journal: Journal, log: Log, watchdog: Watchdog) -> None:
    rendering = dataclasses.replace(
        job.settings.rendering,
        threads=job.num_cpus,
        use_gpu=job.needs_gpu,
    )
    settings = dataclasses.replace(job.settings, rendering=rendering)
    catalog = _load_catalog(job)
    watched = note_assets(catalog, journal)
    folder = job.folder
    folder.path.parent.mkdir(parents=True, exist_ok=True)
    if job.is_gathered:
        claim_dataset(folder, settings, catalog)
        add_rejected(folder, job.rejected)

    def on_sample(done: int, total: int) -> None:
        if done:
            journal.finish_sample()
            outcome.sample_seconds.append(time.monotonic() - began)
        log.clear()

    start, began = None, 0.0

    def on_stage(stage: str, idx: int) -> None:
        nonlocal start, began
        start = start or time.monotonic()
        began = time.monotonic() if stage == "build" else began
        journal.begin_stage(stage, idx)
        if stage == "build":
            watchdog.restart()

    prepare_blender(job.folders.blender, job.blender_scratch_dir)
    first, last = job.idxs[0], job.idxs[-1]
    batch = dataclasses.replace(settings.batch, idx_offset=first, num_samples=last + 1 - first)
    of_batch = dataclasses.replace(settings, batch=batch)
    claim_dataset(folder, of_batch, catalog)
    task = BatchTask(of_batch, folder, watched, job.folders.blender, job.probed, job.idxs)
    report = render_batch(task, Watch(on_sample, on_stage))
    outcome.num_rendered = report.num_rendered
    outcome.rejected |= report.rejected
    outcome.incomplete |= report.incomplete
    outcome.notes += report.notes
    outcome.render_seconds = time.monotonic() - start if start else 0.0
    outcome.status = Status.DONE


def _load_catalog(job: Job) -> Catalog:
    if job.settings not in _catalogs:
        assets = open_assets(job.settings, job.folders)
        if job.is_gathered:  # a node that shares no storage has a data folder of its own
            ensure_demo_sources(job.settings, assets)
        _catalogs.clear()
        _catalogs[job.settings] = create_catalog(job.settings, assets)
    catalog = _catalogs[job.settings]
    if job.sources and (difference := catalog.sources.find_difference(job.sources)):
        kind, source, _ = difference
        raise UserError(f"its {kind} ({source}) differ from the driver's")
    return catalog


# --- what went wrong ------------------------------------------------------------------------------


def _explain(error: Exception, outcome: Outcome, journal: Journal, job: Job) -> None:
    outcome.message = str(error) or type(error).__name__
    if isinstance(error, UserError):
        # Before the first sample it is the node's fault: the driver could use the same settings.
        is_start = journal.entry.stage == "start"
        outcome.status = Status.BAD_NODE if is_start else Status.USER_ERROR
    elif isinstance(error, OSError):
        if full := find_full_disk(error, job.folder.path):
            outcome.status, outcome.message = Status.DISK_FULL, str(full)
    else:
        outcome.message = f"{type(error).__name__}: {outcome.message}"


# --- files ----------------------------------------------------------------------------------------


def commit_files(folder: DatasetFolder, outcome: Outcome) -> Outcome:
    """Writes each sample atomically, image first and record last; returns the new outcome.

    Raises:
        OSError: this machine cannot write.
    """
    try:
        if outcome.by:
            claim_renderer(folder, outcome.by, [idx for idx, _, _ in outcome.files])
    except UserError as error:
        return dataclasses.replace(outcome, status=Status.BAD_NODE, message=str(error), files=[])
    if outcome.rejected:
        add_rejected(folder, outcome.rejected)
    if outcome.incomplete:
        add_incomplete(folder, outcome.incomplete)
    for idx, image, record in outcome.files:
        folder.commit_files(idx, image, record)
        if not folder.is_complete(idx):
            message = f"sample {idx} arrived incomplete"
            return dataclasses.replace(outcome, status=Status.ERROR, message=message, files=[])
    return dataclasses.replace(outcome, files=[])


def _read_files(folder: DatasetFolder, idxs: tuple[int, ...]) -> list[tuple[int, bytes, bytes]]:
    return [
        (idx, folder.image_path(idx).read_bytes(), folder.record_path(idx).read_bytes())
        for idx in idxs
    ]


def _remove_notes(job: Job) -> None:
    """Removes journal and log of this attempt; if its process dies, they stay for the driver."""
    for suffix in (".log", ".json"):
        with contextlib.suppress(OSError):
            (job.run_dir / f"{job.attempt}{suffix}").unlink()
