"""Finds the model or texture that keeps killing workers.

After `MAX_CRASHES` crashes, or as many timeouts, at one sample a model or texture is rejected. A
process that was killed from outside (SIGKILL, a lost node) need not be the fault of an asset, so
`MAX_KILLS` of these are needed. If the sample shows several models, the next attempt renders each
of them alone first, which shows the guilty one. If none dies alone, one of those that no finished
sample shows is rejected.
"""

from __future__ import annotations

import contextlib
from collections import Counter

from synrender.assets.catalog import Catalog
from synrender.crashes.journal import Cause, Entry
from synrender.dataset.folder import PlannedDataset
from synrender.sampling.sample_plan import bucket_to_first_idx, draw_sample, idx_to_bucket

MAX_CRASHES = 2
MAX_KILLS = 5

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
        self, dataset: PlannedDataset, catalog: Catalog, journal: Entry | None, is_slow_run: bool
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


def find_suspects(dataset: PlannedDataset, catalog: Catalog, journal: Entry) -> list[str]:
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
