"""Finds the model or texture that keeps killing processes: workers, or runs of `render.py`.

After `MAX_CRASHES` crashes, or as many timeouts, at one sample a model or texture is rejected. A
process that was killed from outside (SIGKILL, a lost node) need not be the fault of an asset, so
`MAX_KILLS` of these are needed. If the sample shows several models, the next attempt renders each
of them alone first, which shows the guilty one. If none dies alone, one of those that no finished
sample shows is rejected.

A run of `render.py` notes what is in work in a journal in the data set's folder. The note goes when
the run ends by itself, by Ctrl-C, SIGTERM or a full disk; it stays if the process crashes or is
killed. From two notes at the same sample the next run concludes what the driver of a fan-out
concludes from two workers that died. On Windows, where nobody can tell whose notes are old, there
are none.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

from synrender.assets.catalog import Catalog
from synrender.crashes.journal import (
    Cause,
    Journal,
    JournalEntry,
    note_assets,
    read_journal,
)
from synrender.dataset.claim import add_rejected
from synrender.dataset.folder import DatasetFolder, PlannedDataset
from synrender.dataset.lock import locked
from synrender.dataset.names import list_work_notes
from synrender.sampling.sample_plan import bucket_to_first_idx, draw_sample, idx_to_bucket
from synrender.settings.groups import Settings
from synrender.system.console import say
from synrender.system.interrupts import exit_on_signals
from synrender.system.locks import CAN_LOCK, is_abandoned, temporary_file

MAX_CRASHES = 2
MAX_KILLS = 5
MAX_KILLED_RUNS = 2
"""The same of runs of `render.py`: a user who starts each again by hand waits for each."""

REASONS = {
    Cause.CRASHED: "crashed Blender {count} times",
    Cause.HUNG: "exceeded the time limit {count} times",
    Cause.UNKNOWN: "its process was killed {count} times in a row (out of memory?)",
}


class Blame:
    """Counts deaths by cause, sample and asset."""

    def __init__(self, max_kills: int = MAX_KILLS) -> None:
        self._max_kills = max_kills
        self._deaths: Counter[tuple[tuple[Cause, str, int], str]] = Counter()
        self._suspicions: Counter[str] = Counter()

    def note_death(
        self,
        dataset: PlannedDataset,
        catalog: Catalog,
        journal: JournalEntry | None,
        is_slow_run: bool,
    ) -> dict[str, str]:
        """Counts a death; returns what is now to be rejected: ``{name: reason}``, may be empty.

        Args:
            dataset: data set that the worker was rendering.
            catalog: catalog of the data set.
            journal: the worker's journal, if there is one.
            is_slow_run: nothing has been finished yet, so that a timeout proves nothing.
        """
        suspects = find_suspects(dataset, catalog, journal) if journal else []
        if journal is None or not suspects:
            return {}
        cause = journal.cause
        if cause is Cause.HUNG and is_slow_run and journal.stage == "render":
            return {}
        sample = (cause, dataset.name, journal.idx)
        for name in suspects:
            self._suspicions[name] += 1
            self._deaths[sample, name] += 1
        limit = self._max_kills if cause is Cause.UNKNOWN else MAX_CRASHES
        guilty = [name for name in suspects if self._deaths[sample, name] >= limit]
        if not guilty:
            return {}
        # Of several models that were rendered together, those that no finished sample shows; of
        # these, the one that was suspected most often.
        candidates = find_unproven(dataset, guilty, journal.idx) or guilty
        name = max(candidates, key=lambda suspect: self._suspicions[suspect])
        reason = REASONS[cause].format(count=self._deaths[sample, name])
        if len(guilty) > 1:
            reason += f" (found among {len(guilty)} models in sample {journal.idx})"
        for other in suspects:
            del self._deaths[sample, other]
        return {name: reason}

    def find_probed(self, dataset: PlannedDataset) -> frozenset[int]:
        """Samples at which processes died: see ``probed`` of `batch.BatchTask`."""
        samples = (sample for sample, _ in self._deaths)
        return frozenset(idx for _, name, idx in samples if name == dataset.name)


def find_suspects(dataset: PlannedDataset, catalog: Catalog, journal: JournalEntry) -> list[str]:
    """Assets in use when a worker died: the one being loaded, or all models being rendered."""
    if journal.stage == "build":
        return list(journal.assets[-1:])
    if journal.stage != "render":
        return []
    rejected = dataset.folder.read_info().rejected
    suspects = []
    for obj in draw_sample(dataset.settings, catalog, journal.idx).objects:
        synset = catalog.synset_ids[obj.class_idx]
        model_id = obj.model.find(lambda m, synset=synset: f"{synset}/{m}" not in rejected)
        if model_id is not None:
            suspects.append(f"{synset}/{model_id}")
    return list(dict.fromkeys(suspects))


def find_unproven(dataset: PlannedDataset, suspects: list[str], idx: int) -> list[str]:
    """Those of several suspects that no finished sample shows.

    Only samples of the bucket of ``idx`` are read: no other can show a model of it.
    """
    unproven = list(suspects)
    objects = dataset.settings.object
    bucket = idx_to_bucket(idx, objects)
    others = range(bucket_to_first_idx(bucket, objects), bucket_to_first_idx(bucket + 1, objects))
    for other in others if len(suspects) > 1 else ():
        with contextlib.suppress(OSError, ValueError):  # not finished
            record = dataset.folder.read_record(other)
            shown = {f"{row['synset_id']}/{row['model_id']}" for row in record}
            unproven = [name for name in unproven if name not in shown]
    return unproven


# --- runs of render.py ----------------------------------------------------------------------------


@dataclass(frozen=True)
class NotedWork:
    """What `batch.render_batch` is to be given."""

    catalog: Catalog
    on_stage: Callable[[str, int], None]
    probed: frozenset[int]


@contextlib.contextmanager
def noted_work(folder: DatasetFolder, settings: Settings, catalog: Catalog) -> Generator[NotedWork]:
    """Rejects models that killed earlier runs, and keeps a note of this run's work.

    Args:
        folder: of a claimed data set.
        settings: of it.
        catalog: of it.
    """
    if not CAN_LOCK or not os.access(folder.path, os.W_OK):  # there nothing is rendered
        yield NotedWork(catalog, lambda stage, idx: None, frozenset())
        return
    with contextlib.ExitStack() as stack:
        with locked(folder.path):  # so that no other run takes the new note for an abandoned one
            rejected, probed = _judge(PlannedDataset(folder, settings), catalog)
            path = stack.enter_context(temporary_file(folder.path / "work.json", label="run"))
            journal = Journal(path)
            stack.callback(journal.close)
        for name, reason in rejected.items():
            say(f"rejected {name}: {reason}")
        if rejected:
            add_rejected(folder, rejected)
        exit_on_signals({signal.SIGTERM: 1, signal.SIGINT: 2}, journal.close)
        file = stack.enter_context(path.open("ab", buffering=0))
        faulthandler.enable(file, all_threads=False)
        stack.callback(faulthandler.disable)
        yield NotedWork(note_assets(catalog, journal), journal.begin_stage, probed)


def _find_time(note: Path) -> int:
    try:
        return note.stat().st_mtime_ns
    except FileNotFoundError:  # its run has just ended
        return 0


def _judge(dataset: PlannedDataset, catalog: Catalog) -> tuple[dict[str, str], frozenset[int]]:
    """What is to be rejected and probed, by notes of dead runs; removes those that are used up."""
    blame, rejected = Blame(MAX_KILLED_RUNS), {}
    kept: dict[int, list[Path]] = {}
    for path in sorted(list_work_notes(dataset.folder.path), key=_find_time):
        if not is_abandoned(path):
            continue
        entry = read_journal(path)
        if entry is None or not _is_missing(dataset, entry):
            path.unlink(missing_ok=True)
            continue
        kept.setdefault(entry.idx, []).append(path)
        if found := blame.note_death(dataset, catalog, entry, is_slow_run=False):
            rejected |= found
            for judged in kept.pop(entry.idx):
                judged.unlink(missing_ok=True)
    return rejected, blame.find_probed(dataset)


def _is_missing(dataset: PlannedDataset, entry: JournalEntry) -> bool:
    idxs = range(dataset.settings.object.total_num_samples)
    return entry.idx in idxs and not dataset.folder.is_complete(entry.idx)
