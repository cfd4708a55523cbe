"""What the fan-out has to do: variants of a data set, batches, even classes, what is missing.

Plain planning: no Ray, no Blender, and nothing is written.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synrender.errors import UserError, nearest_name
from synrender.records import find_missing
from synrender.sampling import bucket_to_first_idx, draw_classes, idx_to_group
from synrender.settings import Settings, load_settings, settings_to_dict

VARIANTS = (
    "0-0-0-0",
    "1-0-0-0",
    "0-1-0-0",
    "0-0-1-0",
    "0-0-0-1",
    "1-1-0-0",
    "0-1-1-0",
    "0-1-0-1",
    "0-1-1-1",
    "1-1-1-0",
    "1-0-1-1",
    "1-1-1-1",
)
"""Texture-colour-viewpoint-lighting: which of the factors vary in a data set."""

FACTORS = (
    (("material.use_texture = False",), ("material.use_texture = True",)),
    (
        ("material.use_color_ref = True", "material.color_intensity = 0.4"),
        ("material.use_color_ref = False",),
    ),
    (("object.random_viewpoint = 0",), ("object.random_viewpoint = 0.5",)),
    (("lighting.r = 0",), ("lighting.r = 2",)),
)
"""For each digit of a variant, what 0 and 1 bind."""

SET_BY_FLAGS = {
    "batch.idx_offset": "--batch_size",
    "batch.num_samples": "--num_samples",
    "batch.seed": "--seed",
    "object.total_num_samples": "--num_samples",
    "sample.class_idxs": "--num_classes",
    "sample.balanced": "--num_classes",
    "rendering.threads": "--cpus_per_task",
}


@dataclass(frozen=True)
class Dataset:
    """One data set to render."""

    name: str
    settings: Settings  # its batch spans the whole data set
    dataset_dir: Path


@dataclass(frozen=True)
class Batch:
    """Consecutive samples that one task renders."""

    dataset: Dataset
    idx_offset: int
    num_samples: int
    num_missing: int  # of them when the run began


# --- variants -----------------------------------------------------------------------------------


def check_variants(names: Sequence[str]) -> tuple[str, ...]:
    """The variants that were asked for, each once.

    Raises:
        UserError: a name is none of four digits 0 or 1.
    """
    for name in names:
        digits = name.split("-")
        if len(digits) != len(FACTORS) or not set(digits) <= {"0", "1"}:
            raise UserError(
                f"--variants {name}: must be four digits 0 or 1 (texture-colour-viewpoint-"
                f"lighting){nearest_name(name, VARIANTS)}"
            )
    return tuple(dict.fromkeys(names))


def variant_to_bindings(variant: str) -> list[str]:
    """Gin bindings of a variant such as ``"1-0-0-1"``."""
    return [
        binding
        for factor, digit in zip(FACTORS, variant.split("-"), strict=True)
        for binding in factor[int(digit)]
    ]


def plan_datasets(
    name: str,
    data_dir: Path,
    variants: Sequence[str],
    num_samples: int,
    num_classes: int,
    seed: int | None,
    gin_config: Sequence[str],
    gin_param: Sequence[str],
) -> list[Dataset]:
    """Settings of all variants: they differ in what the variant binds and in nothing else.

    Args:
        name: of the data sets, before ``_<variant>``.
        data_dir: folder that all of them are in.
        variants: as `check_variants` returns them.
        num_samples: of each data set.
        num_classes: classes 0 to num_classes - 1 take turns.
        seed: of all of them; None leaves the gin files' own.
        gin_config: gin files, later ones win.
        gin_param: bindings that win over the files.

    Raises:
        UserError: a binding that a flag or the variant decides, or what `load_settings` refuses.
    """
    _refuse_bindings(gin_param, variants)
    bindings = [
        *gin_param,
        "batch.idx_offset = 0",
        f"batch.num_samples = {num_samples}",
        f"object.total_num_samples = {num_samples}",
        f"sample.class_idxs = {num_classes}",
        "sample.balanced = True",
        "rendering.threads = 0",
    ]
    if seed is not None:
        bindings.append(f"batch.seed = {seed}")
    settings = load_settings(gin_config, bindings)
    if not any(_bound_name(b) == "batch.cache_obj_frames" for b in gin_param):
        bindings.append(f"batch.cache_obj_frames = {find_group_size(settings)}")
    return [
        Dataset(
            f"{name}_{variant}",
            load_settings(gin_config, [*bindings, *variant_to_bindings(variant)]),
            data_dir / f"{name}_{variant}",
        )
        for variant in variants
    ]


def settings_to_bindings(settings: Settings) -> tuple[str, ...]:
    """Bindings that `load_settings` reads back to equal settings, without any file."""
    return tuple(f"{name} = {value!r}" for name, value in settings_to_dict(settings).items())


def _bound_name(binding: str) -> str:
    return binding.partition("=")[0].strip()


def _refuse_bindings(gin_param: Sequence[str], variants: Sequence[str]) -> None:
    by_variant = {_bound_name(b) for v in variants for b in variant_to_bindings(v)}
    for binding in gin_param:
        name = _bound_name(binding)
        if name in SET_BY_FLAGS:
            raise UserError(f"--gin_param {binding!r}: here {SET_BY_FLAGS[name]} decides this")
        if name in by_variant:
            raise UserError(
                f"--gin_param {binding!r}: the variant decides this; choose with --variants, or "
                "render a data set of your own with render.py"
            )


# --- even classes ---------------------------------------------------------------------------------


def find_group_size(settings: Settings) -> int:
    """The group size nearest to the configured one that makes classes as even as can be.

    It depends on the data set alone: neither batches nor workers may decide what a sample shows.
    """
    preferred = settings.batch.cache_obj_frames
    return min(
        range(1, 2 * preferred + 1),
        key=lambda size: (*_estimate_unevenness(settings, size), abs(size - preferred), size),
    )


def _estimate_unevenness(settings: Settings, group_size: int) -> tuple[int, int]:
    """Largest difference between classes, in objects: within a bucket, over the data set.

    Exact where classes take turns in their order (a single object); with several, each round is
    shuffled, and an unfinished round counts as if it were not.
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
    """Objects of each class in each bucket, (n_buckets, num_classes), by the draws themselves."""
    column = {c: i for i, c in enumerate(settings.sample.class_list)}
    counts = np.zeros((settings.object.n_buckets, len(column)), int)
    group_size = settings.batch.cache_obj_frames
    for bucket, (start, end) in enumerate(_bucket_ranges(settings)):
        first_group = idx_to_group(start, settings.batch, settings.object)
        for k, group_start in enumerate(range(start, end, group_size)):
            for c in draw_classes(settings.batch.seed, first_group + k, settings.sample):
                counts[bucket, column[c]] += min(group_size, end - group_start)
    return counts


def describe_balance(settings: Settings) -> str | None:
    """One line that says by how much the classes are off, or None where they are even."""
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


# --- what is still to do --------------------------------------------------------------------------


@dataclass(frozen=True)
class Todo:
    """What is missing of one data set, batch by batch; a few bytes for each batch."""

    dataset: Dataset
    batch_size: int
    missing: array  # number of missing samples of each batch

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
                yield create_batch(self.dataset, self.batch_size, k, num_missing)


def create_batch(dataset: Dataset, batch_size: int, k: int, num_missing: int = 0) -> Batch:
    """Batch number ``k`` of a data set; the last one may be shorter."""
    start = k * batch_size
    total = dataset.settings.batch.num_samples
    return Batch(dataset, start, min(batch_size, total - start), num_missing)


def find_todo(dataset: Dataset, batch_size: int) -> Todo:
    """Looks at every sample of a data set on disk."""
    num_batches = math.ceil(dataset.settings.batch.num_samples / batch_size)
    missing = array("L", bytes(array("L").itemsize * num_batches))
    is_begun = (dataset.dataset_dir / "img").is_dir()
    for k in range(num_batches):
        batch = create_batch(dataset, batch_size, k)
        missing[k] = len(find_missing_of(batch)) if is_begun else batch.num_samples
    return Todo(dataset, batch_size, missing)


def find_missing_of(batch: Batch) -> list[int]:
    """Samples of a batch that are not complete."""
    idxs = range(batch.idx_offset, batch.idx_offset + batch.num_samples)
    render_exr = batch.dataset.settings.rendering.render_exr
    return find_missing(batch.dataset.dataset_dir, idxs, render_exr)


class BatchQueue:
    """Hands out batches: whole ones as long as there is plenty, smaller ones towards the end.

    All workers then end at about the same time, however few samples there are.
    """

    def __init__(self, todos: Sequence[Todo]) -> None:
        self._batches = _interleave(todos)
        self._num_missing = sum(todo.num_missing for todo in todos)
        self._rest: Batch | None = None  # of a batch that was split

    def take(self, num_slots: int) -> Batch | None:
        """The next batch, of at most half an even share of what is left for so many slots.

        That is guided self-scheduling (Polychronopoulos and Kuck, 1987) with half its share: what
        is in flight does not count, and a batch may take longer than another.
        """
        batch = self._rest or next(self._batches, None)
        self._rest = None
        if batch is None:
            return None
        num_shares = 2 * num_slots if num_slots > 1 else 1  # one worker waits for nobody
        size = math.ceil(self._num_missing / num_shares)
        if size < batch.num_missing:
            batch, self._rest = split_batch(batch, size)
        self._num_missing -= batch.num_missing
        return batch


def split_batch(batch: Batch, num_missing: int) -> tuple[Batch, Batch | None]:
    """A batch with so many missing samples, and one with the rest of them, if there is a rest."""
    missing = find_missing_of(batch)
    if len(missing) <= num_missing:  # somebody else is at work on them
        return batch, None
    num_samples = missing[num_missing] - batch.idx_offset
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
