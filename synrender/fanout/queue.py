"""The missing samples of each data set, handed out in batches."""

from __future__ import annotations

import bisect
import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from synrender.assets.catalog import Catalog
from synrender.dataset.claim import describe_design
from synrender.dataset.folder import PlannedDataset


@dataclass(frozen=True)
class Batch:
    """Consecutive samples that one task renders."""

    dataset: PlannedDataset
    idx_offset: int
    num_samples: int
    missing: tuple[int, ...]  # those of them that were not complete when the run began, ascending
    block_size: int = 1  # samples that belong together, such as twins: one worker renders them

    @property
    def idxs(self) -> range:
        """Indexes of its samples."""
        return range(self.idx_offset, self.idx_offset + self.num_samples)

    @property
    def num_missing(self) -> int:
        """Samples to render."""
        return len(self.missing)

    def find_missing(self) -> tuple[int, ...]:
        """Its samples to render that are not complete now."""
        return tuple(self.dataset.folder.find_missing(self.missing))


@dataclass(frozen=True)
class Todo:
    """The samples of one data set that a run is to complete; a byte and an index for each."""

    dataset: PlannedDataset
    batch_size: int
    part: np.ndarray  # (num_samples,) int64, ascending: all samples, or those of a shard
    is_missing: np.ndarray  # (num_samples,) bool
    block_size: int = 1

    @property
    def missing(self) -> np.ndarray:
        """Indexes of the samples to render, (num_missing,) int64, ascending."""
        return self.part[self.is_missing]

    @property
    def num_samples(self) -> int:
        """Samples of the part, complete or not."""
        return len(self.part)

    @property
    def num_missing(self) -> int:
        """Samples to render."""
        return int(np.count_nonzero(self.is_missing))

    @property
    def num_batches(self) -> int:
        """Batches with something to render."""
        return len(np.unique(np.flatnonzero(self.is_missing) // self.batch_size))

    def batches(self) -> Iterator[Batch]:
        """The batches with something to render, made one by one."""
        for start in range(0, self.num_samples, self.batch_size):
            chosen = slice(start, start + self.batch_size)
            part = self.part[chosen]
            if missing := tuple(part[self.is_missing[chosen]].tolist()):
                first, last = int(part[0]), int(part[-1])
                yield Batch(self.dataset, first, last + 1 - first, missing, self.block_size)

    def find_missing(self) -> list[int]:
        """Looks at the samples to render: which of them are not complete now."""
        return self.dataset.folder.find_missing(self.missing.tolist())

    def add_missing(self, idxs: Sequence[int] | np.ndarray) -> Todo:
        """The same with more samples of the part to render."""
        return dataclasses.replace(self, is_missing=self.is_missing | np.isin(self.part, idxs))


def find_block_size(dataset: PlannedDataset, catalog: Catalog) -> int:
    """Samples of a tuple of twins, or of a set of sweeps; else 1."""
    design = describe_design(dataset.settings, catalog)
    return design.block_size if design else 1


def find_todo(
    dataset: PlannedDataset, batch_size: int, block_size: int = 1, part: np.ndarray | None = None
) -> Todo:
    """Looks at every sample of a data set, or of a part of it, ascending indexes, on disk.

    The size of a batch is rounded up to whole blocks, see `find_block_size`.
    """
    folder, idxs = dataset.folder, dataset.settings.batch.idxs
    part = np.arange(idxs.start, idxs.stop) if part is None else part
    is_missing = np.ones(len(part), bool)
    if folder.path.is_dir():
        is_missing = np.isin(part, folder.find_missing(part.tolist()))
    batch_size = math.ceil(batch_size / block_size) * block_size
    return Todo(dataset, batch_size, part, is_missing, block_size)


class BatchQueue:
    """Hands out batches: whole ones at first, smaller ones towards the end.

    So all workers finish at about the same time, however few samples there are.
    """

    def __init__(self, todos: Sequence[Todo]) -> None:
        self._batches = _interleave(todos)
        self._num_missing = sum(todo.num_missing for todo in todos)
        self._rest: Batch | None = None  # of a batch that was split

    def take(self, num_slots: int) -> Batch | None:
        """Takes the next batch: at most half an even share of what is left for so many slots.

        This is guided self-scheduling (Polychronopoulos and Kuck, 1987) with half the share,
        because batches in flight are not counted and some batches take longer than others.
        """
        batch = self._rest or next(self._batches, None)
        self._rest = None
        if batch is None:
            return None
        num_shares = 2 * num_slots if num_slots > 1 else 1  # one worker needs no balance
        size = math.ceil(self._num_missing / num_shares)
        if size < batch.num_missing:
            batch, self._rest = split_batch(batch, size)
        self._num_missing -= batch.num_missing
        return batch


def split_batch(batch: Batch, num_missing: int) -> tuple[Batch, Batch | None]:
    """Splits off a batch with so many missing samples; returns it, and the rest or None.

    It gets more of them where it would end within a block.
    """
    missing = batch.missing
    if len(missing) <= num_missing:
        return batch, None
    num_blocks = math.ceil((missing[num_missing] - batch.idx_offset) / batch.block_size)
    num_samples = num_blocks * batch.block_size
    if num_samples >= batch.num_samples:
        return batch, None
    place = bisect.bisect_left(missing, batch.idx_offset + num_samples)
    first = dataclasses.replace(batch, num_samples=num_samples, missing=missing[:place])
    rest = dataclasses.replace(
        batch,
        idx_offset=batch.idx_offset + num_samples,
        num_samples=batch.num_samples - num_samples,
        missing=missing[place:],
    )
    return first, rest


def _interleave(todos: Sequence[Todo]) -> Iterator[Batch]:
    """Batches of all data sets in turn, so that they grow side by side."""
    iterators = [todo.batches() for todo in todos]
    while iterators:
        for iterator in list(iterators):
            batch = next(iterator, None)
            if batch is None:
                iterators.remove(iterator)
            else:
                yield batch
