"""How the rows of an archive are divided into shards (files), and into splits.

The two divisions are independent. A *shard* is a file; ``--num_buckets`` says how many there are
(the flag has had this name since 2020), and shard i begins at row floor(i * n / num_shards).
*Splits* follow the buckets of models that the data set was rendered with (``object.n_buckets``, 12
by default): the last bucket is for test, the one before it for validation, all others are for
training. So with 12 buckets the first floor(n * 10 / 12) rows are for training. Samples are
shuffled only within a split. Splits follow the buckets and not the shards, so that no model is in
two of them: with 5 shards of a data set of 12 buckets, 3/5 of the samples would end in the middle
of a bucket.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from synrender.settings.checks import SPLITS

DEFAULT_NUM_SHARDS = DEFAULT_NUM_BUCKETS = 12


@dataclass(frozen=True)
class Layout:
    """Rows 0 to n - 1 of an archive, all shards one after the other."""

    num_samples: int
    num_shards: int  # files
    split_buckets: tuple[int, ...]  # buckets of models that train, validate and test

    def shard_rows(self, shard: int) -> range:
        """Rows in file ``shard``."""
        n, b = self.num_samples, self.num_shards
        return range(n * shard // b, n * (shard + 1) // b)

    @property
    def split_rows(self) -> dict[str, range]:
        """Rows of each split, by its name."""
        n, b = self.num_samples, sum(self.split_buckets)
        ends = [n * k // b for k in (0, *itertools.accumulate(self.split_buckets))]
        return {name: range(ends[i], ends[i + 1]) for i, name in enumerate(SPLITS)}

    def split_of(self, row: int) -> str:
        """Name of the split of a row."""
        return next(name for name, rows in self.split_rows.items() if row in rows)

    def cut(self, rows: range, size: int) -> Iterator[range]:
        """Cuts rows into pieces of at most ``size`` that lie within one split each."""
        ends = sorted({*(r.stop for r in self.split_rows.values()), rows.stop})
        start = rows.start
        while start < rows.stop:
            stop = min(start + size, *(e for e in ends if e > start))
            yield range(start, stop)
            start = stop


def create_layout(
    num_samples: int, num_shards: int, num_buckets: int, split_buckets: Sequence[int] = ()
) -> Layout:
    """Layout of an archive.

    Args:
        num_samples: in the archive.
        num_shards: files.
        num_buckets: of models; fewer than 3 cannot make three splits and count as 12.
        split_buckets: buckets of each split (``design.split``); none: all but two, one, one.
    """
    return Layout(num_samples, num_shards, find_split_buckets(num_buckets, split_buckets))


def find_split_buckets(num_buckets: int, split_buckets: Sequence[int] = ()) -> tuple[int, ...]:
    """Buckets of each split; see `create_layout`."""
    if num_buckets < len(SPLITS):
        num_buckets, split_buckets = DEFAULT_NUM_BUCKETS, ()
    return tuple(split_buckets) or (num_buckets - 2, 1, 1)


def buckets_to_splits(buckets: np.ndarray, split_buckets: Sequence[int]) -> np.ndarray:
    """Place in `SPLITS` of buckets (n,), (n,) int64."""
    return np.searchsorted(np.cumsum(split_buckets)[:-1], buckets, side="right")


def draw_order(layout: Layout, seed: int) -> np.ndarray:
    """Shuffles within each split.

    Returns:
        (n,) int64: the sample in each row, counted from the first sample.
    """
    parts = []
    for k, rows in enumerate(layout.split_rows.values()):
        keys = np.random.Generator(np.random.PCG64([seed, k])).random(len(rows))
        parts.append(rows.start + np.argsort(keys, kind="stable"))
    return np.concatenate(parts).astype(np.int64)
