"""Renders the missing samples of a batch or a shard, and writes each one as soon as it is done."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from synrender.assets.catalog import Catalog
from synrender.blender.start import prepare_blender
from synrender.dataset.archived import describe_archived
from synrender.dataset.claim import add_incomplete, add_rejected, claim_renderer, claimed
from synrender.dataset.drivers import Driver
from synrender.dataset.folder import DatasetFolder, plan_dataset_folder
from synrender.dataset.info import RenderedBy
from synrender.dataset.lock import in_use
from synrender.dataset.record import keep_columns
from synrender.dataset.removal import MAX_ROUNDS, discard_shown
from synrender.sampling.sample_plan import draw_sample
from synrender.sampling.work_shard import WorkShard, find_part
from synrender.settings.groups import Settings
from synrender.settings.label_table import find_passes
from synrender.system.console import format_duration, warn_once
from synrender.system.interrupts import interrupts_held


@dataclass(frozen=True)
class BatchReport:
    """What a batch did."""

    num_samples: int
    num_rendered: int  # the other samples were complete already
    seconds: float
    rejected: dict[str, str] = field(default_factory=dict)  # in this batch: {name: reason}
    incomplete: dict[str, str] = field(default_factory=dict)  # likewise, see `DatasetInfo`
    notes: list[str] = field(default_factory=list)  # lines to print
    num_lost: int = 0  # rendered samples that are no longer there: others removed them

    def to_lines(self, folder: DatasetFolder) -> list[str]:
        """The report as lines to print."""
        lines = list(self.notes)
        if self.num_rendered == 0:
            lines.append(f"{folder.path}: all {self.num_samples} samples are complete already.")
            return [*lines, *describe_archived([folder.path])]
        lines += [f"rejected {name}: {reason}" for name, reason in self.rejected.items()]
        lines += [f"shown in part, {name}: {reason}" for name, reason in self.incomplete.items()]
        kept = self.num_samples - self.num_rendered
        lines.append(
            f"{folder.path}: rendered {self.num_rendered} samples in "
            f"{format_duration(self.seconds)}" + (f", kept {kept}." if kept else ".")
        )
        return lines


@dataclass(frozen=True)
class BatchTask:
    """A batch, and what it takes to render it."""

    settings: Settings  # of the data set; their ``batch`` says which samples
    folder: DatasetFolder  # which `claim_dataset` has claimed for these settings
    catalog: Catalog
    blender_home: Path  # for the files that Blender itself writes, see `Folders.blender`
    probed: frozenset[int] = frozenset()
    """Samples at which Blender died. If they show several models, each of these is first rendered
    alone, at the stage "build", so that it is seen which one it is."""
    missing: Sequence[int] | None = None
    """The samples to render, ascending, if the caller has looked and will look again."""


@dataclass(frozen=True)
class Watch:
    """What is called as a batch goes on."""

    on_sample: Callable[[int, int], None] = lambda done, total: None
    """``on_sample(done, total)`` at the start and after each sample."""

    on_stage: Callable[[str, int], None] = lambda stage, idx: None
    """``on_stage("build" or "render", idx)`` before each stage of a sample."""


def render_batch(task: BatchTask, watch: Watch = Watch()) -> BatchReport:
    """Renders the samples of a batch that are not complete.

    Starts Blender only if there is something to render.

    Raises:
        UserError: this Blender lacks a requested feature, or is not the one of the data set.
        RuntimeError: Blender failed.
        OSError: files cannot be written.
        KeyboardInterrupt: Ctrl-C was pressed; raised after the current sample is finished.
    """
    start = time.monotonic()
    batch, folder = task.settings.batch, task.folder
    known = folder.read_info()
    is_known = task.missing is not None
    missing = list(task.missing) if task.missing is not None else folder.find_missing(batch.idxs)
    if not missing:
        return BatchReport(batch.num_samples, 0, time.monotonic() - start)
    with in_use(folder.path, "rendered", is_shared=True):
        found, notes = _render_samples(task, missing, known.rejected, watch)
    return BatchReport(
        batch.num_samples,
        len(missing),
        time.monotonic() - start,
        _without(found.rejected, known.rejected),
        _without(found.incomplete, known.incomplete),
        notes,
        num_lost=0 if is_known else len(folder.find_missing(missing)),
    )


def render_some(
    settings: Settings, catalog: Catalog, idxs: Sequence[int], path: Path, blender_home: Path
) -> None:
    """Renders some samples of a data set into a folder, or what is missing of them.

    Raises:
        UserError: the settings do not fit what is there, or this Blender lacks a feature.
        RuntimeError: Blender failed.
    """
    folder = plan_dataset_folder(path, settings)
    with claimed(folder, settings, catalog):
        missing = folder.find_missing(sorted(idxs))
        render_batch(BatchTask(settings, folder, catalog, blender_home, missing=missing))


def _without(reasons: dict[str, str], known: dict[str, str]) -> dict[str, str]:
    """Reasons, by name, of what was not known."""
    return {name: reason for name, reason in reasons.items() if name not in known}


@dataclass(frozen=True)
class _Found:
    """What was found out about models and textures: {name: reason}."""

    rejected: dict[str, str]
    incomplete: dict[str, str] = field(default_factory=dict)

    def record(self, folder: DatasetFolder, before: _Found) -> None:
        """Writes what is new into ``dataset.json``."""
        if self.rejected.keys() > before.rejected.keys():
            add_rejected(folder, self.rejected)
        if self.incomplete.keys() > before.incomplete.keys():
            add_incomplete(folder, self.incomplete)


def _render_samples(
    task: BatchTask, missing: list[int], rejected: dict[str, str], watch: Watch
) -> tuple[_Found, list[str]]:
    """Renders samples; returns what was found about assets, and lines to print."""
    prepare_blender(task.blender_home)
    from synrender.blender.build import Builder
    from synrender.blender.engine import BLENDER_VERSION, render_frame, start_engine

    settings, folder = task.settings, task.folder
    with interrupts_held() as check_for_interrupt:
        passes = find_passes(settings.rendering.labels)
        engine = start_engine(settings.rendering)
        by = RenderedBy(BLENDER_VERSION, engine.device, engine.cpu)
        if mixture := claim_renderer(folder, by, missing):
            warn_once(mixture)
        num_columns = folder.read_info().num_columns
        builder = Builder(engine.scene, settings, task.catalog, rejected)
        found = _Found(rejected)
        watch.on_sample(0, len(missing))
        for done, idx in enumerate(missing, start=1):
            check_for_interrupt()
            watch.on_stage("build", idx)
            plan = draw_sample(settings, task.catalog, idx)
            write_image = functools.partial(
                render_frame, engine.scene, noise_seed=plan.noise_seed, passes=passes
            )
            for obj_plan in plan.objects if idx in task.probed and len(plan.objects) > 1 else ():
                watch.on_stage("build", idx)
                builder = Builder(engine.scene, settings, task.catalog, builder.rejected)
                builder.build_sample(dataclasses.replace(plan, objects=(obj_plan,)))
                folder.try_image(idx, write_image)
            record = builder.build_sample(plan)
            before, found = found, _Found({**builder.rejected}, {**builder.incomplete})
            found.record(folder, before)
            watch.on_stage("render", idx)
            folder.commit_sample(idx, write_image, keep_columns(record, num_columns))
            watch.on_sample(done, len(missing))
    return found, engine.notes


# --- shards ---------------------------------------------------------------------------------------

SAMPLES_OF_BATCH = 40
"""After so many, a shard reads which models other shards have rejected."""


def render_shard(task: BatchTask, shard: WorkShard, watch: Watch, driver: Driver) -> BatchReport:
    """Renders the samples of a shard that are not complete, beside other shards that do the same.

    The task is of the samples that all shards together render; the driver is told what is done.
    """
    start, folder = time.monotonic(), task.folder
    part = find_part(task.settings, shard)
    missing = folder.find_missing(part.tolist())
    known = folder.read_info()
    report = BatchReport(len(part), 0, 0.0)
    rendered: set[int] = set()
    for _ in range(MAX_ROUNDS):
        complete = sorted({*part.tolist()}.difference(missing))
        missing = sorted({*missing, *discard_shown(folder, complete, folder.read_info().rejected)})
        driver.begin(part, missing)
        if not missing:
            break
        for first in range(0, len(missing), SAMPLES_OF_BATCH):
            # Others may have rendered some, if the number of shards has changed.
            batch = folder.find_missing(missing[first : first + SAMPLES_OF_BATCH])
            counted = _count_from(watch, driver, batch, (first, len(missing)))
            done = render_batch(dataclasses.replace(task, missing=batch), counted)
            report = dataclasses.replace(report, notes=done.notes or report.notes)
            rendered.update(batch)
        missing = folder.find_missing(missing)
        if missing:  # others have removed them
            break
    found = folder.read_info()
    return dataclasses.replace(
        report,
        num_rendered=len(rendered),
        seconds=time.monotonic() - start,
        rejected=_without(found.rejected, known.rejected),
        incomplete=_without(found.incomplete, known.incomplete),
        num_lost=len(missing),
    )


def _count_from(watch: Watch, driver: Driver, batch: list[int], place: tuple[int, int]) -> Watch:
    """What is called as a batch goes on, before which so many samples of all of its shard come."""
    before, total = place

    def on_sample(done: int, _: int) -> None:
        if done:
            driver.add_done(batch[done - 1 : done])
        watch.on_sample(min(before + done, total), total)

    return dataclasses.replace(watch, on_sample=on_sample)
