"""Variants of a data set: which of texture, colour, viewpoint and lighting vary in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from synrender.dataset.folder import PlannedDataset, plan_dataset_folder
from synrender.errors import UserError, nearest_name, shorten
from synrender.fanout.balance import find_group_size
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


def check_variants(names: Sequence[str]) -> tuple[str, ...]:
    """The variants that were asked for, each once.

    Raises:
        UserError: a name is not four digits 0 or 1.
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
    overwrite: bool = False,
) -> list[PlannedDataset]:
    """Settings of all variants, which differ only in what the variant binds.

    Args:
        name: name of the data sets, before ``_<variant>``.
        data_dir: folder that all of them are in.
        variants: as `check_variants` returns them.
        num_samples: number of samples of each data set.
        num_classes: classes 0 to num_classes - 1 take turns.
        seed: seed of all data sets; None: that of the gin files.
        gin_config: gin files, later ones win.
        gin_param: bindings that win over the files.
        overwrite: whether data sets of these names will be removed first.

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
    preferred = settings.batch.cache_obj_frames
    if not any(_bound_name(b) == "batch.cache_obj_frames" for b in gin_param):
        bindings.append(f"batch.cache_obj_frames = {find_group_size(settings)}")
    datasets = []
    for variant in variants:
        settings = load_settings(gin_config, [*bindings, *variant_to_bindings(variant)])
        folder = plan_dataset_folder(data_dir / f"{name}_{variant}", settings, overwrite)
        settings = with_layout(settings, folder.files_per_folder)
        datasets.append(PlannedDataset(folder, settings, preferred))
    return datasets


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
