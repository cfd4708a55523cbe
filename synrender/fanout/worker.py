"""Renders one job in this process: in a Ray worker, in a Blender executable, or in the driver.

Runs in every Python that Blender has, so it knows nothing of Ray. The project's own modules are
imported late: where things are comes with the job, and paths.py reads it when it is imported.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import shutil
import socket
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from synrender.fanout.job import Job, Outcome

if TYPE_CHECKING:
    from synrender.catalog import Catalog
    from synrender.settings import Settings

PROBE_BYTES = 1 << 20
"""What a disk, a quota and a limit must let us write where Blender could not."""

_catalogs: dict[tuple[str, ...], Catalog] = {}  # of the last data set; listing takes a while


def render_job(job: Job) -> Outcome:
    """Renders the job's samples; every trouble short of the process's end becomes an outcome."""
    set_environment(job)
    start = time.monotonic()
    from synrender.fanout.cpus import leased_cpus
    from synrender.fanout.journal import Journal, Watchdog, logged_output

    outcome = Outcome("error")
    try:
        run_dir = job_to_run_dir(job)
        run_dir.mkdir(parents=True, exist_ok=True)
        log_path = run_dir / f"{job.attempt}.log" if job.is_quiet else None
        journal = Journal(run_dir / f"{job.attempt}.json")
        with (
            leased_cpus(job.num_cpus) as cpus,
            logged_output(log_path) as log,
            Watchdog(job.time_limit, log) as watchdog,
        ):
            outcome.cpus = cpus
            try:
                _render(job, outcome, journal, log, watchdog)
            except Exception as error:
                _explain(error, outcome, journal, job)
                if outcome.status == "error":
                    traceback.print_exc()
                    outcome.tail = log.tail()
    except OSError as error:  # the journal itself cannot be written
        outcome.status, outcome.message = _explain_os_error(error, Path(job.attempt)), str(error)
    finally:
        _remove_scratch(job)
    outcome.seconds = time.monotonic() - start
    return outcome


def set_environment(job: Job) -> None:
    """Says where things are; a node that shares no storage may have its models elsewhere."""
    for name, value in job.environment.items():
        if not (job.is_gathered and name in os.environ):
            os.environ[name] = value


def job_to_run_dir(job: Job) -> Path:
    """Folder of journals and logs of the job's run, on this node."""
    import paths

    return paths.DATA_DIR / ".fanout" / job.run


def _render(job: Job, outcome: Outcome, journal, log, watchdog) -> None:
    from synrender.batch import render_batch
    from synrender.fanout.journal import JournalCatalog
    from synrender.provenance import add_rejected, claim_dataset, read_dataset_info
    from synrender.settings import load_settings

    settings = load_settings((), job.bindings)
    settings = dataclasses.replace(
        settings,
        rendering=dataclasses.replace(
            settings.rendering,
            threads=job.num_cpus,
            use_gpu=settings.rendering.use_gpu or job.use_gpu,
        ),
    )
    catalog = _load_catalog(job, settings)
    watched = JournalCatalog(
        **{f.name: getattr(catalog, f.name) for f in dataclasses.fields(catalog)},
        use_asset=journal.use_asset,
    )
    dataset_dir = _job_to_dataset_dir(job)
    if job.is_gathered:
        claim_dataset(dataset_dir, settings, catalog)
        add_rejected(dataset_dir, job.rejected)

    def on_sample(done: int, total: int) -> None:
        if done:
            journal.finish_sample()
        log.clear()

    start = None

    def on_stage(stage: str, idx: int) -> None:
        nonlocal start
        start = start or time.monotonic()
        journal.begin_stage(stage, idx)
        if stage == "build":
            watchdog.restart()

    for idx_offset, num_samples in job.ranges:
        batch = dataclasses.replace(settings.batch, idx_offset=idx_offset, num_samples=num_samples)
        report = render_batch(
            dataclasses.replace(settings, batch=batch),
            dataset_dir,
            watched,
            on_sample=on_sample,
            on_stage=on_stage,
        )
        outcome.num_rendered += report.num_rendered
        outcome.rejected |= report.rejected
        outcome.notes += [note for note in report.notes if note not in outcome.notes]
    _note_temp_dir(job)
    outcome.render_seconds = time.monotonic() - start if start else 0.0
    if job.is_gathered:
        outcome.files = _read_files(dataset_dir, settings, job.ranges)
        outcome.blender_version = read_dataset_info(dataset_dir)["versions"].get("blender", "")
    outcome.status = "done"


def _note_temp_dir(job: Job) -> None:
    """Tells the driver of Blender's scratch folder, which a worker's end leaves behind."""
    if "bpy" in sys.modules:
        note = job_to_run_dir(job) / f"{socket.gethostname()}.{os.getpid()}.tempdir"
        note.write_text(sys.modules["bpy"].app.tempdir, encoding="utf-8")


def _load_catalog(job: Job, settings: Settings) -> Catalog:
    from synrender.catalog import load_catalog
    from synrender.errors import UserError

    if job.bindings not in _catalogs:
        _catalogs.clear()
        _catalogs[job.bindings] = load_catalog(settings)[0]
    catalog = _catalogs[job.bindings]
    for kind, source in catalog.to_provenance().items() if job.fingerprints else ():
        if source["fingerprint"] != job.fingerprints[kind]:
            raise UserError(f"its {kind} ({source['source']}) are not the driver's")
    return catalog


# --- what went wrong ------------------------------------------------------------------------------


def _explain(error: Exception, outcome: Outcome, journal, job: Job) -> None:
    from synrender.errors import UserError

    outcome.message = str(error) or type(error).__name__
    if isinstance(error, UserError):
        # Before its first sample the node is to blame: the driver read the same settings well.
        outcome.status = "node" if journal.stage == "start" else "user"
    elif isinstance(error, OSError):
        outcome.status = _explain_os_error(error, _job_to_dataset_dir(job))
    else:
        outcome.message = f"{type(error).__name__}: {outcome.message}"


def _explain_os_error(error: OSError, folder: Path) -> str:
    if error.errno is None:  # Blender says that it cannot write and not why
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(bytes(PROBE_BYTES))
        except OSError as reason:
            error = reason
    return "disk" if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else "error"


# --- gathered batches -----------------------------------------------------------------------------


def _job_to_dataset_dir(job: Job) -> Path:
    import paths

    folder = job_to_run_dir(job) / f"{job.attempt}.scratch" if job.is_gathered else paths.DATA_DIR
    folder.mkdir(parents=True, exist_ok=True)
    return folder / job.dataset_name


def _read_files(
    dataset_dir: Path, settings: Settings, ranges: tuple[tuple[int, int], ...]
) -> list[tuple[int, bytes, bytes]]:
    from synrender.records import image_path, record_path

    return [
        (
            idx,
            image_path(dataset_dir, idx, settings.rendering.render_exr).read_bytes(),
            record_path(dataset_dir, idx).read_bytes(),
        )
        for start, count in ranges
        for idx in range(start, start + count)
    ]


def _remove_scratch(job: Job) -> None:
    """Removes what this attempt leaves here; the journal of one that dies stays for the driver."""
    run_dir = job_to_run_dir(job)
    for suffix in (".log", ".json"):
        with contextlib.suppress(OSError):
            (run_dir / f"{job.attempt}{suffix}").unlink()
    if job.is_gathered:
        shutil.rmtree(run_dir / f"{job.attempt}.scratch", ignore_errors=True)
