"""Balances the classes: finds the best group size, and says how uneven they remain."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable

import numpy as np

from synrender.sampling.draws import draw_classes
from synrender.sampling.sample_plan import bucket_to_first_idx, idx_to_group
from synrender.settings.groups import Settings


def find_group_size(settings: Settings) -> int:
    """The group size nearest to the configured one that makes classes as even as can be.

    It depends on the data set alone: neither batches nor workers may decide what a sample shows.
    """
    preferred = settings.batch.cache_obj_frames
    return min(
        range(1, 2 * preferred + 1),
        key=lambda size: (*_estimate_unevenness(settings, size), abs(size - preferred), size),
    )


def describe_group_size(settings: Settings, preferred: int) -> str:
    """One line on how many samples share models, and why.

    Args:
        settings: of the data set.
        preferred: what the configuration says; `find_group_size` may choose another.
    """
    size = settings.batch.cache_obj_frames
    line = f"batch.cache_obj_frames = {size}: so many samples in a row share their models"
    if size == preferred:
        return f"{line}, as the configuration says"
    return (
        f"{line}; of 1 to {2 * preferred} the nearest to {preferred} that makes the classes of "
        f"{settings.object.total_num_samples} samples as even as can be (-p sets it)"
    )


def _estimate_unevenness(settings: Settings, group_size: int) -> tuple[int, int]:
    """Largest difference between classes, in objects: within a bucket, over the data set.

    Exact where classes take turns in their order (a single object); with several, each round is
    shuffled, and an unfinished round is counted as if it were not shuffled.
    """
    num_classes, num_objs = len(settings.sample.class_list), settings.sample.num_objs
    total, num_groups_before, within = np.zeros(num_classes, int), 0, 0
    for start, end in _bucket_ranges(settings):
        num_groups = -(-(end - start) // group_size)
        shortfall = num_groups * group_size - (end - start)  # of the last group
        first, num_turns = num_groups_before * num_objs, num_groups * num_objs
        places = np.arange(first, first + num_turns % num_classes) % num_classes
        counts = np.bincount(places, minlength=num_classes) * group_size
        last = np.arange(first + num_turns - num_objs, first + num_turns) % num_classes
        counts = counts - np.bincount(last, minlength=num_classes) * shortfall
        within = max(within, int(np.ptp(counts)))
        total += counts
        num_groups_before += num_groups
    return within, int(np.ptp(total))


def count_classes(settings: Settings) -> np.ndarray:
    """Draws and counts the objects of each class in each bucket, (n_buckets, num_classes)."""
    group_size = settings.batch.cache_obj_frames
    counts = []
    for start, end in _bucket_ranges(settings):
        first = idx_to_group(start, settings.batch, settings.object)
        groups = range(first, first - (start - end) // group_size)
        shortfall = len(groups) * group_size - (end - start)  # of the last group
        last = _count_in_groups(groups[-1:], settings)
        counts.append(group_size * _count_in_groups(groups, settings) - shortfall * last)
    return np.array(counts)


def _count_in_groups(groups: range, settings: Settings) -> np.ndarray:
    """Objects of each class, one sample of each group counted, (num_classes,).

    Where classes take turns, whole rounds need no drawing: of a million samples it would take 45 s.
    """
    class_list, num_objs = settings.sample.class_list, settings.sample.num_objs
    column = {c: i for i, c in enumerate(class_list)}
    counts = np.zeros(len(class_list), int)
    drawn: Iterable[int] = groups
    if settings.sample.balanced:
        period = len(class_list) // math.gcd(len(class_list), num_objs)  # groups of whole rounds
        start = -(-groups.start // period) * period
        stop = max(start, groups.stop // period * period)
        if stop <= groups.stop:
            counts += (stop - start) * num_objs // len(class_list)
            drawn = (*range(groups.start, start), *range(stop, groups.stop))
    for group in drawn:
        for c in draw_classes(settings.batch.seed, group, settings.sample):
            counts[column[c]] += 1
    return counts


def describe_balance(settings: Settings) -> str | None:
    """One line that says how uneven the classes are, or None if they are even."""
    if settings.design.kind != ("random",) or "class" in settings.design.levels:
        return None  # the design decides
    if _estimate_unevenness(settings, settings.batch.cache_obj_frames) == (0, 0):
        return None
    counts = count_classes(settings)
    within, overall = int(np.ptp(counts, axis=1).max()), int(np.ptp(counts.sum(axis=0)))
    return (
        f"classes cannot be quite even: {settings.object.total_num_samples} samples in "
        f"{settings.object.n_buckets} buckets with {counts.shape[1]} classes leave them up to "
        f"{within} apart within a bucket and {overall} over the data set (in objects)"
    )


def _bucket_ranges(settings: Settings) -> list[tuple[int, int]]:
    firsts = [bucket_to_first_idx(b, settings.object) for b in range(settings.object.n_buckets + 1)]
    return list(itertools.pairwise(firsts))
