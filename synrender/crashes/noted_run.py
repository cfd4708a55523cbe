"""A run of `render.py` notes what is in work, so that a model that kills runs is rejected.

The note is a journal in the data set's folder. It goes when the run ends by itself, by Ctrl-C,
SIGTERM or a full disk; it stays if the process crashes or is killed. Of two notes at the same
sample, the next run concludes what `blame` concludes of two workers that died. On Windows, where
nobody can tell whose notes are old, there are none.
"""

from __future__ import annotations

import contextlib
import dataclasses
import faulthandler
import os
import signal
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

from synrender.assets.catalog import Catalog
from synrender.crashes.blame import Blame
from synrender.crashes.journal import Entry, Journal, JournalCatalog, read_journal
from synrender.dataset.claim import add_rejected
from synrender.dataset.folder import DatasetFolder, PlannedDataset
from synrender.dataset.lock import locked
from synrender.dataset.names import list_work_notes
from synrender.settings.groups import Settings
from synrender.system.console import say
from synrender.system.interrupts import exit_on_signals
from synrender.system.locks import CAN_LOCK, is_abandoned, temporary_file

MAX_KILLS = 2
"""Runs that may be killed from outside at one sample: who restarts one by hand waits for each."""


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
        values = {f.name: getattr(catalog, f.name) for f in dataclasses.fields(catalog)}
        watched = JournalCatalog(**values, use_asset=journal.use_asset)
        yield NotedWork(watched, journal.begin_stage, probed)


def _find_time(note: Path) -> int:
    try:
        return note.stat().st_mtime_ns
    except FileNotFoundError:  # its run has just ended
        return 0


def _judge(dataset: PlannedDataset, catalog: Catalog) -> tuple[dict[str, str], frozenset[int]]:
    """What is to be rejected and probed, by notes of dead runs; removes those that are used up."""
    blame, rejected = Blame(MAX_KILLS), {}
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


def _is_missing(dataset: PlannedDataset, entry: Entry) -> bool:
    idxs = range(dataset.settings.object.total_num_samples)
    return entry.idx in idxs and not dataset.folder.is_complete(entry.idx)
