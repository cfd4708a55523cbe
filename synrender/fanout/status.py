"""What is done of data sets, for ``--status``, by the notes of shards alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synrender.dataset.archived import read_archived
from synrender.dataset.driver_notes import (
    ENDED,
    FoundNote,
    find_kind,
    is_alive,
    join_bits,
    list_notes,
)
from synrender.dataset.folder import PlannedDataset
from synrender.system.console import say


@dataclass(frozen=True)
class DatasetStatus:
    """Counts of one data set."""

    name: str
    num_samples: int
    num_done: int
    num_rejected: int  # models and textures
    is_counted: bool  # in the folder, and not from notes
    notes: tuple[FoundNote, ...]  # of runs at work, and of shards that have ended


def print_status(datasets: Sequence[PlannedDataset], is_checked: bool) -> int:
    """Prints what is done; returns the exit status: 0, or 1 if a check finds the notes wrong.

    A check reads every sample, and compares.
    """
    statuses = [find_status(dataset) for dataset in datasets]
    say(*format_statuses(statuses, time.time()))
    if not is_checked:
        return 0
    is_right = True
    for dataset, status in zip(datasets, statuses, strict=True):
        found = len(dataset.settings.batch.idxs)
        found -= len(dataset.folder.find_missing(dataset.settings.batch.idxs))
        if found == status.num_done:
            say(f"{status.name}: {found} samples are complete, as counted")
            continue
        is_right = False
        say(
            f"{status.name}: {found} samples are complete, and {status.num_done} were counted; "
            "the next run of each shard counts anew, and renders what is missing"
        )
    return 0 if is_right else 1


def find_status(dataset: PlannedDataset) -> DatasetStatus:
    """What is done of a data set, which need not be begun."""
    folder, batch = dataset.folder, dataset.settings.batch
    if not folder.is_begun:
        return DatasetStatus(folder.name, batch.num_samples, 0, 0, False, ())
    notes = tuple(list_notes(folder.path))
    counted = [found.note for found in notes if found.note.num_samples]
    if counted:
        num_done = int(join_bits(counted, batch.idxs.stop)[batch.idx_offset :].sum())
    else:
        idxs = {*folder.list_samples().pairs, *read_archived(folder.path)}
        num_done = sum(idx in batch.idxs for idx in idxs)
    rejected = folder.read_info().rejected
    return DatasetStatus(
        folder.name, batch.num_samples, num_done, len(rejected), not counted, notes
    )


def format_statuses(statuses: Sequence[DatasetStatus], now_s: float) -> list[str]:
    """A table: a line for each data set, lines for its shards, and the sums."""
    rows = [("data set", "samples", "done", "missing", "rejected", "per minute")]
    sums = np.zeros(4)
    remarks: dict[int, list[str]] = {}
    for status in statuses:
        rate = sum(found.note.find_rate(now_s) for found in status.notes if is_alive(found.path))
        done = [status.num_samples, status.num_done, status.num_samples - status.num_done]
        sums += [*done, rate]
        name = status.name + " (counted in the folder)" * status.is_counted
        rows.append((name, *map(str, done), str(status.num_rejected), f"{rate:.1f}"))
        remarks[len(rows) - 1] = [_describe(found, now_s) for found in status.notes]
    *counts, rate = sums.tolist()
    if len(statuses) > 1:
        samples, done, missing = (f"{count:.0f}" for count in counts)
        rows.append((f"{len(statuses)} data sets", samples, done, missing, "", f"{rate:.1f}"))
    width = max(len(row[0]) for row in rows)
    lines = []
    for place, row in enumerate(rows):
        lines.append(f"{row[0]:<{width}}" + "".join(f"{cell:>11}" for cell in row[1:]))
        lines += remarks.get(place, [])
    return lines


def _describe(found: FoundNote, now_s: float) -> str:
    """A line on one run."""
    note = found.note
    what = f"shard {note.shard}" if note.shard else "all samples"
    num_done = int(join_bits([note], note.num_samples and len(note.bits)).sum())
    is_ended = find_kind(found.path) == ENDED
    state = "at work" if is_alive(found.path) else "ended" if is_ended else "killed"
    return (
        f"  {what} on {note.host}: {num_done} of {note.num_samples}, {state}; "
        f"{note.count_minutes(now_s)} in the last hour, {note.find_rate(now_s):.1f} per minute"
    )
