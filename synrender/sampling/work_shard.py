"""Parts of the work: which samples of a data set ``--shard I/N`` renders, by their indexes alone.

Each shard gets whole groups, and whole blocks of designs. These are dealt like cards: larger ones
first, then by the turn at which classes come, then by bucket. So two shards differ by one group at
most: in all samples, in the groups of each class (of one size), and in those of each bucket. A
further data set is dealt on from where the last one ended, so that shards are even over variants.
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass

import numpy as np

from synrender.errors import UserError, shorten
from synrender.sampling.sample_plan import bucket_to_first_idx, find_rules
from synrender.settings.groups import Settings

MAX_WORK_SHARDS = 100_000
"""Of one data set. SLURM allows arrays of some thousands."""

_MAX_EXCHANGES = 10_000
"""Between two shards; a data set of 100,000 groups needs some hundreds."""


@dataclass(frozen=True)
class WorkShard:
    """One of several parts of the work."""

    idx: int  # from 0
    count: int

    def __str__(self) -> str:
        return f"{self.idx}/{self.count}"


def parse_work_shard(text: str) -> WorkShard:
    """Shard I of N from a text ``I/N``; shards count from 0, as the tasks of a SLURM array do.

    Raises:
        UserError: it is no such text, or there is no such shard.
    """
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text, re.ASCII)
    if match is None:
        raise UserError(f"--shard {shorten(text)!r}: must be two whole numbers I/N, such as 0/16")
    idx, count = int(match[1]), int(match[2])
    if not 1 <= count <= MAX_WORK_SHARDS:
        raise UserError(f"--shard {text}: N must be 1 to {MAX_WORK_SHARDS}")
    if idx >= count:
        raise UserError(
            f"--shard {text}: shards count from 0, as SLURM does, so the last one of {count} is "
            f"{count - 1}/{count}"
        )
    return WorkShard(idx, count)


def find_part(settings: Settings, shard: WorkShard | None, place: int = 0) -> np.ndarray:
    """Indexes of a shard's samples, (n,) int64, ascending; without a shard, of all samples.

    Dealt on from other data sets that are rendered together, among which this one has a place.
    """
    idxs = np.arange(settings.batch.idxs.start, settings.batch.idxs.stop)
    return idxs if shard is None else idxs[find_shards(settings, shard.count, place) == shard.idx]


def find_shards(settings: Settings, num_shards: int, place: int = 0) -> np.ndarray:
    """Shard of each sample, (num_samples,) int64; see `find_part`."""
    starts, sizes = _find_groups(settings)
    shards = _deal_groups(settings, num_shards, starts, sizes)
    return np.repeat((shards + place * len(starts)) % num_shards, sizes)


def _find_groups(settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """First index and size of each group, or block of a design, as far as the batch reaches.

    Returns:
        Two arrays (num_groups,) int64.
    """
    objects, batch = settings.object, settings.batch
    block_size = find_rules(settings).block_size
    step = block_size if block_size > 1 else batch.cache_obj_frames
    ends = [bucket_to_first_idx(b, objects) for b in range(objects.n_buckets + 1)]
    firsts = [np.arange(a, b, step) for a, b in itertools.pairwise(ends)]
    starts = np.concatenate(firsts)  # a bucket holds whole blocks
    bounds = np.append(starts, objects.total_num_samples)
    bounds = np.clip(bounds, batch.idxs.start, batch.idxs.stop)
    sizes = np.diff(bounds)
    return bounds[:-1][sizes > 0], sizes[sizes > 0]


def _deal_groups(
    settings: Settings, num_shards: int, starts: np.ndarray, sizes: np.ndarray
) -> np.ndarray:
    """Shard of each group, (num_groups,) int64, by first index, ascending, and size."""
    objects, sample = settings.object, settings.sample
    buckets = starts * objects.n_buckets // objects.total_num_samples
    num_classes = len(sample.class_list)
    num_turns = num_classes // math.gcd(num_classes, sample.num_objs) if sample.balanced else 1
    turns = np.arange(len(starts)) % num_turns
    # A hand: groups of one size that come at the same turn. The next one begins a bucket further.
    size_places = np.unique(-sizes, return_inverse=True)[1].reshape(-1)
    hands = size_places * num_turns + turns
    order = np.lexsort((starts, (buckets - hands) % objects.n_buckets, hands))
    shards = np.empty(len(starts), np.int64)
    shards[order] = np.arange(len(starts)) % num_shards
    kinds = np.stack([hands, size_places, np.zeros_like(hands)]), buckets[None]
    _even_out(shards, kinds, num_shards)
    # Those with a group more are the first, so that a further data set can be dealt on from there.
    ranks = np.argsort(-np.bincount(shards, minlength=num_shards), kind="stable")
    return np.argsort(ranks)[shards]


def _even_out(shards: np.ndarray, kinds: tuple[np.ndarray, np.ndarray], num_shards: int) -> None:
    """Exchanges groups between shards until each bucket is even too, within one group.

    Args:
        shards: of each group, (num_groups,); changed.
        kinds: of each group, twice (levels, num_groups): hand, size and whole; bucket.
        num_shards: how many there are.
    """
    buckets = kinds[1][0]
    num_buckets = int(buckets.max()) + 1
    counts = np.zeros((num_buckets, num_shards), np.int64)
    np.add.at(counts, (buckets, shards), 1)
    for _ in range(_MAX_EXCHANGES):
        bucket = int(np.ptp(counts, axis=1).argmax())
        if np.ptp(counts[bucket]) <= 1:
            return
        pair = int(counts[bucket].argmax()), int(counts[bucket].argmin())
        both = np.flatnonzero(np.isin(shards, pair))
        is_first = _halve([_pair_up(levels[:, both].tolist()) for levels in kinds])
        shards[both] = np.where(is_first, *pair)
        for shard in pair:
            counts[:, shard] = np.bincount(buckets[shards == shard], minlength=num_buckets)


def _halve(partners: list[list[int | None]]) -> list[bool]:
    """Halves some groups so that partners go to different halves; returns who is in the first.

    A walk from partner to partner, by hand and by bucket in turn, deals what it meets to the two
    halves in turn (an Euler split, as in de Werra's equitable colorings of bipartite graphs, 1971).

    Args:
        partners: of each group: by hand, by bucket.
    """
    num_groups = len(partners[0])
    halves: list[bool | None] = [None] * num_groups
    excess = 0  # of the first half
    ends = [k for k in range(num_groups) if None in (partners[0][k], partners[1][k])]
    for start in (*ends, *range(num_groups)):
        kind = 0 if partners[0][start] is not None else 1
        half, place = excess <= 0, start
        while place is not None and halves[place] is None:
            halves[place] = half
            excess += 1 if half else -1
            half, kind, place = not half, 1 - kind, partners[kind][place]
    return [bool(half) for half in halves]


def _pair_up(levels: list[list[int]]) -> list[int | None]:
    """The partner of each group: of the same kind at the first level, else at the next one.

    Args:
        levels: the kind of each group, at each level; those of one level hold those of the last.
    """
    partners: list[int | None] = [None] * len(levels[0])
    left = range(len(levels[0]))
    for kinds in levels:
        waiting: dict[int, int] = {}
        for place in left:
            if (other := waiting.pop(kinds[place], None)) is None:
                waiting[kinds[place]] = place
            else:
                partners[place], partners[other] = other, place
        left = sorted(waiting.values(), key=kinds.__getitem__)
    return partners
