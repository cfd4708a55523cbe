"""Variants of a data set: which of texture, color, viewpoint and lighting vary in it.

All have the same classes, which are as even as can be.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synrender.assets.catalog import with_own_classes
from synrender.assets.places import OpenAssets
from synrender.dataset.folder import PlannedDataset, plan_dataset_folder
from synrender.dataset.info import read_info
from synrender.errors import UserError, nearest_name, shorten
from synrender.sampling.draws import draw_classes
from synrender.sampling.sample_plan import bucket_to_first_idx, idx_to_group
from synrender.settings.groups import Settings
from synrender.settings.load import load_settings, with_layout

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
"""Texture-color-viewpoint-lighting: which of the factors vary in a data set."""

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

NO_VARIANT = "none"
"""In place of variants: the data set is as its configuration says."""

SET_BY_FLAGS = {
    "batch.idx_offset": "--batch_size",
    "batch.num_samples": "--num_samples",
    "batch.seed": "--seed",
    "object.total_num_samples": "--num_samples",
    "sample.class_idxs": "--num_classes",
    "sample.balanced": "--num_classes",
    "rendering.threads": "--cpus_per_task",
}


def check_variants(names: Sequence[str]) -> tuple[str, ...]:
    """The variants that were asked for, each once.

    Raises:
        UserError: a name is not four digits 0 or 1, or `NO_VARIANT` is not alone.
    """
    if NO_VARIANT in names and len(names) > 1:
        raise UserError(f"--variants {' '.join(names)}: {NO_VARIANT!r} goes alone")
    for name in names:
        digits = name.split("-")
        is_variant = len(digits) == len(FACTORS) and set(digits) <= {"0", "1"}
        if name != NO_VARIANT and not is_variant:
            raise UserError(
                f"--variants {name}: must be four digits 0 or 1 (texture-color-viewpoint-"
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


@dataclass(frozen=True)
class Shared:
    """What all variants of a data set share."""

    num_samples: int  # of each
    num_classes: int  # classes 0 to num_classes - 1 take turns
    seed: int | None = None  # None: that of the gin files
    gin_config: Sequence[str] = ("render_single",)  # gin files, later ones win
    gin_param: Sequence[str] = ()  # bindings that win over the files


def find_own_classes(settings: Settings, assets: OpenAssets) -> tuple[str, ...]:
    """The classes of the source of models, where the settings name others; else none.

    Raises:
        UserError: as `with_own_classes`.
    """
    classes = with_own_classes(settings, assets).sample.classes
    return classes if classes != settings.sample.classes else ()


def plan_datasets(
    path: Path, variants: Sequence[str], shared: Shared, overwrite: bool = False
) -> list[PlannedDataset]:
    """Settings of all variants, which differ only in what the variant binds.

    The path is that of the data sets, before ``_<variant>``.

    Raises:
        UserError: a binding that a flag or the variant decides, or what `load_settings` refuses.
    """
    _refuse_bindings(shared.gin_param, variants)
    bindings = [
        *shared.gin_param,
        "batch.idx_offset = 0",
        f"batch.num_samples = {shared.num_samples}",
        f"object.total_num_samples = {shared.num_samples}",
        f"sample.class_idxs = {shared.num_classes}",
        "sample.balanced = True",
        "rendering.threads = 0",
    ]
    if shared.seed is not None:
        bindings.append(f"batch.seed = {shared.seed}")
    settings = load_settings(shared.gin_config, bindings)
    preferred = settings.batch.cache_obj_frames
    if not any(_bound_name(b) == "batch.cache_obj_frames" for b in shared.gin_param):
        bindings.append(f"batch.cache_obj_frames = {find_group_size(settings)}")
    datasets = []
    for variant in variants:
        dataset_dir = path.with_name(f"{path.name}_{variant}")
        info = None if overwrite else read_info(dataset_dir)
        settings = load_settings(
            shared.gin_config,
            [*bindings, *variant_to_bindings(variant)],
            info.settings if info else None,
        )
        folder = plan_dataset_folder(dataset_dir, settings, overwrite)
        settings = with_layout(settings, folder.files_per_folder)
        datasets.append(PlannedDataset(folder, settings, preferred))
    return datasets


def plan_as_configured(
    path: Path,
    bindings: Sequence[str],
    gin_config: Sequence[str],
    assets: OpenAssets,
    overwrite: bool = False,
) -> PlannedDataset:
    """A data set as its configuration says, all samples of it; bindings win over gin files.

    Raises:
        UserError: what `load_settings` refuses.
    """
    info = None if overwrite else read_info(path)
    settings = load_settings(
        gin_config, [*bindings, "batch.idx_offset = 0", "rendering.threads = 0"],
        info.settings if info else None,
    )  # fmt: skip
    total = settings.object.total_num_samples
    whole = dataclasses.replace(settings.batch, num_samples=total)
    settings = with_own_classes(dataclasses.replace(settings, batch=whole), assets)
    folder = plan_dataset_folder(path, settings, overwrite)
    settings = with_layout(settings, folder.files_per_folder)
    return PlannedDataset(folder, settings, settings.batch.cache_obj_frames)


def _bound_name(binding: str) -> str:
    return binding.partition("=")[0].strip()


def _refuse_bindings(gin_param: Sequence[str], variants: Sequence[str]) -> None:
    by_variant = {_bound_name(b) for v in variants for b in variant_to_bindings(v)}
    for binding in gin_param:
        name, shown = _bound_name(binding), shorten(repr(binding))
        if name in SET_BY_FLAGS:
            raise UserError(f"--gin_param {shown}: here {SET_BY_FLAGS[name]} decides this")
        if name in by_variant:
            raise UserError(
                f"--gin_param {shown}: the variant decides this; choose with --variants, or "
                "render a data set of your own with render.py"
            )


# --- balance of the classes -----------------------------------------------------------------------


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
    """One line on how many samples share models, and why it is another number than preferred."""
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
    if settings.sample.every_model:
        return None  # classes are as frequent as their models
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
