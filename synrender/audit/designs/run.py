"""The section on designs: whether the factors vary together as ``dataset.json`` says."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

import numpy as np

from synrender.audit.check import Check, count_faults, decide, skip
from synrender.audit.designs.fit import IMAGES, check_fit
from synrender.audit.designs.independence import check_independent
from synrender.audit.designs.promises import (
    Promise,
    check_causal,
    check_cells,
    check_do,
    check_even,
    check_holdout,
    check_shortcut,
    gather_samples,
)
from synrender.audit.designs.sequences import check_sequences
from synrender.audit.designs.twins import check_blocks, check_labels_of_blocks
from synrender.audit.measure_samples import SampleFindings
from synrender.audit.rays.audited_dataset import Records, Subject
from synrender.dataset.cpu_kinds import CpuSamples, find_kinds
from synrender.dataset.design_info import DesignFactor, DesignInfo
from synrender.settings.factor_table import COLUMNS
from synrender.settings.groups import is_standing


def check_designs(
    subject: Subject, records: Records, findings: Sequence[SampleFindings]
) -> list[Check]:
    """All checks of the data set's design; one that does not apply if it has none."""
    design = subject.design
    if design is None:
        return [skip("design", "all factors are drawn at random")]
    found = {f.idx: f.labels_digest for f in findings if f.labels_digest}
    digests = keep_one_kind(found, subject.cpus, design.block_size)
    settings = subject.settings
    promise = Promise(
        design,
        settings.object.n_buckets,
        settings.object.total_num_samples,
        settings.material.use_color_ref,
        subject.rejected,
        settings.sample.classes,
    )
    if is_standing(settings):  # a height follows from model and pose, and the ground proves it
        rows = records.rows.copy()
        rows["location"][:, 2] = 0
        records = dataclasses.replace(records, rows=rows)
    checks = check_promise(promise, records, digests)
    if num_left_out := len(found) - len(digests):
        *others, last = checks
        figures = f"{last.figures}; {num_left_out} samples of another kind of CPU are left out"
        checks = [*others, dataclasses.replace(last, figures=figures)]
    return checks


def keep_one_kind(
    digests: dict[int, str], cpus: Sequence[CpuSamples], block_size: int
) -> dict[int, str]:
    """Digests of those samples of each block that one kind of CPU rendered: its first one's."""
    first: dict[int, int] = {}
    return {
        idx: digests[idx]
        for idx, kind in zip(digests, find_kinds(cpus, digests).tolist(), strict=True)
        if first.setdefault(idx // block_size, kind) == kind
    }


def check_promise(
    promise: Promise, records: Records, labels_digests: dict[int, str]
) -> list[Check]:
    """Checks a design against the records of all samples, and digests of label passes by sample."""
    design, num_buckets, total = promise.design, promise.num_buckets, promise.total
    samples = gather_samples(records, design, num_buckets, total)
    objects = gather_samples(records, design, num_buckets, total, is_each_object=True)
    drawn = samples.drawn(design)
    return [
        check_levels(design, records, promise.rejected),
        check_cells(design, samples, total),
        check_even(design, drawn),
        check_independent(design, drawn, promise.has_class_colors),
        check_shortcut(design, drawn),
        check_holdout(design, objects),
        check_causal(design, drawn),
        check_do(design, drawn),
        check_fit(promise, objects, records),
        check_blocks(design, records),
        check_sequences(design, records),
        check_labels_of_blocks(design, records, labels_digests),
    ]


def check_levels(design: DesignInfo, records: Records, rejected: Collection[str]) -> Check:
    """Each object has a level of each factor with levels, its value too, and no other level."""
    with_levels = {name: factor for name, factor in design.factors.items() if factor.levels}
    culprits = []
    for name, factor in with_levels.items():
        wrong = ~_have_values(name, factor, records, rejected)
        culprits += [f"{i} ({name})" for i in np.unique(records.idxs[wrong])]
    columns = {column for factor in with_levels.values() for column in factor.columns}
    others = [k for k, column in enumerate(COLUMNS) if column not in columns]
    has_others = (records.rows["factor_levels"][:, others] != -1).any(axis=1)
    culprits += [f"{i} (a level of another factor)" for i in np.unique(records.idxs[has_others])]
    figures = (
        f"{len(with_levels)} factors with levels; {len(culprits)} values are not their level's"
    )
    measures = count_faults(culprits, records.rows["factor_levels"].size, "levels, -1 where none")
    return decide("levels", figures, culprits, measures)


def _have_values(
    name: str, factor: DesignFactor, records: Records, rejected: Collection[str]
) -> np.ndarray:
    """(r,) bool: whether each row's value is that of its level."""
    columns = [COLUMNS.index(column) for column in factor.columns]
    levels = records.rows["factor_levels"][:, columns]
    level = levels[:, 0].clip(0, len(factor.levels) - 1)
    are_right = (levels == level[:, None]).all(axis=1)
    if name == "model":  # its levels are other models in each bucket and class
        return are_right
    if name in IMAGES:
        names = np.array(factor.names)
        prefix = "environment:" if name == "environment" else ""
        is_replaced = np.array([f"{prefix}{image}" in rejected for image in factor.names])
        return are_right & ((records.rows[name] == names[level]) | is_replaced[level])
    values = np.array(factor.levels)
    # A layout has a place for each object; all others hold for all objects.
    values = values.reshape(len(values), -1, len(columns))
    objects = np.arange(len(level)) - np.searchsorted(records.idxs, records.idxs)
    given = values[level, objects % values.shape[1]]
    are_right &= (records.rows["factor_values"][:, columns] == given).all(axis=1)
    return are_right & (records.rows["class"] == given[:, 0]) if name == "class" else are_right
