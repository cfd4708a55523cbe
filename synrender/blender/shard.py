"""Renders a shard of a data set in batches, beside other shards that do the same."""

from __future__ import annotations

import dataclasses
import time

from synrender.blender.batch import BatchReport, BatchTask, Watch, render_batch, without
from synrender.dataset.drivers import Driver
from synrender.dataset.removal import MAX_ROUNDS, discard_shown
from synrender.sampling.work_shard import WorkShard, find_part

SAMPLES_OF_BATCH = 40
"""After so many, a shard reads which models other shards have rejected."""


def render_shard(task: BatchTask, shard: WorkShard, watch: Watch, driver: Driver) -> BatchReport:
    """Renders the samples of a shard that are not complete; see `batch.render_batch`.

    Args:
        task: with the settings of the samples that all shards together render.
        shard: which of them.
        watch: what is called as the shard goes on.
        driver: to be told what is done.
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
        rejected=without(found.rejected, known.rejected),
        incomplete=without(found.incomplete, known.incomplete),
        num_lost=len(missing),
    )


def _count_from(watch: Watch, driver: Driver, batch: list[int], place: tuple[int, int]) -> Watch:
    """What is called as one batch of a shard goes on.

    Args:
        watch: of the shard.
        driver: to be told what is done.
        batch: its samples.
        place: samples of the shard before the batch, and all of it.
    """
    before, total = place

    def on_sample(done: int, _: int) -> None:
        if done:
            driver.add_done(batch[done - 1 : done])
        watch.on_sample(min(before + done, total), total)

    return dataclasses.replace(watch, on_sample=on_sample)
