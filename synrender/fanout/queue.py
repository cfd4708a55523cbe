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
    num_missing: int  # of them when the run began
    block_size: int = 1  # samples that belong together, such as twins: one worker renders them

    @property
    def idxs(self) -> range:
        """Indexes of its samples."""
        return range(self.idx_offset, self.idx_offset + self.num_samples)

    def find_missing(self) -> list[int]:
        """Its samples that are not complete now."""
        return self.dataset.folder.find_missing(self.idxs)


@dataclass(frozen=True)
class Todo:
    """Numbers of missing samples of one data set; a few bytes for each batch."""

    dataset: PlannedDataset
    batch_size: int
    missing: Sequence[int]  # number of missing samples of each batch
    block_size: int = 1

    @property
    def num_missing(self) -> int:
        """Samples to render."""
        return sum(self.missing)

    @property
    def num_batches(self) -> int:
        """Batches with something to render."""
        return sum(1 for n in self.missing if n)

    def batches(self) -> Iterator[Batch]:
        """The batches with something to render, made one by one."""
        for k, num_missing in enumerate(self.missing):
            if num_missing:
                batch = create_batch(self.dataset, self.batch_size, k, num_missing)
                yield dataclasses.replace(batch, block_size=self.block_size)


def create_batch(dataset: PlannedDataset, batch_size: int, k: int, num_missing: int = 0) -> Batch:
    """Batch number ``k`` of a data set; the last one may be shorter."""
    start = k * batch_size
    total = dataset.settings.batch.num_samples
    return Batch(dataset, start, min(batch_size, total - start), num_missing)


def find_block_size(dataset: PlannedDataset, catalog: Catalog) -> int:
    """Samples of a tuple of twins, or of a set of sweeps; else 1."""
    design = describe_design(dataset.settings, catalog)
    return design.block_size if design else 1


def find_todo(dataset: PlannedDataset, batch_size: int, block_size: int = 1) -> Todo:
    """Looks at every sample of a data set on disk.

    Args:
        dataset: to render.
        batch_size: samples of a batch, at least; rounded up to whole blocks.
        block_size: of `find_block_size`.
    """
    batch_size = math.ceil(batch_size / block_size) * block_size
    idxs = dataset.settings.batch.idxs
    num_batches = math.ceil(len(idxs) / batch_size)
    folder = dataset.folder
    missing = folder.find_missing(idxs) if folder.path.is_dir() else idxs
    batch_of_each = np.fromiter(missing, np.int64) // batch_size
    counts = np.bincount(batch_of_each, minlength=num_batches).tolist()
    return Todo(dataset, batch_size, counts, block_size)


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
    missing = batch.find_missing()
    if len(missing) <= num_missing:  # another run is rendering them
        return batch, None
    num_blocks = math.ceil((missing[num_missing] - batch.idx_offset) / batch.block_size)
    num_samples = num_blocks * batch.block_size
    if num_samples >= batch.num_samples:
        return batch, None
    num_missing = bisect.bisect_left(missing, batch.idx_offset + num_samples)
    first = dataclasses.replace(batch, num_samples=num_samples, num_missing=num_missing)
    rest = dataclasses.replace(
        batch,
        idx_offset=batch.idx_offset + num_samples,
        num_samples=batch.num_samples - num_samples,
        num_missing=batch.num_missing - num_missing,
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
