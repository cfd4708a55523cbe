"""The factors of all samples as arrays, from their records, for the checks of a design."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synrender.audit.rays.audited_dataset import Records
from synrender.dataset.archive_layout import buckets_to_splits
from synrender.dataset.design_info import DesignFactor, DesignInfo
from synrender.settings.factor_table import COLUMNS

TRAIN, TEST = 0, 2


@dataclass(frozen=True)
class Samples:
    """One entry for each sample, or each object of one; n in all."""

    idxs: np.ndarray  # (n,) int64, index of the sample
    splits: np.ndarray  # (n,) int64, place in SPLITS
    levels: np.ndarray  # (n, len(COLUMNS)) int64
    values: np.ndarray  # (n, len(COLUMNS)) float64

    def level(self, factor: DesignFactor) -> np.ndarray:
        """Level of a factor, (n,) int64; -1: none."""
        return self.levels[:, COLUMNS.index(factor.columns[0])]

    def value(self, factor: DesignFactor) -> np.ndarray:
        """First number of a factor's value, (n,) float64."""
        return self.values[:, COLUMNS.index(factor.columns[0])]

    def choose(self, are_chosen: np.ndarray) -> Samples:
        """Some of them."""
        columns = (self.idxs, self.splits, self.levels, self.values)
        return Samples(*(column[are_chosen] for column in columns))

    def drawn(self, design: DesignInfo) -> Samples:
        """One sample of each block: the others follow from it and prove nothing more."""
        return self.choose(self.idxs % design.block_size == 0)


def gather_samples(
    records: Records, design: DesignInfo, num_buckets: int, total: int, is_each_object: bool = False
) -> Samples:
    """The factors of each sample (of its first object), or of each object."""
    rows, idxs = records.rows, records.idxs
    if not is_each_object:
        _, firsts = np.unique(idxs, return_index=True)
        rows, idxs = rows[firsts], idxs[firsts]
    splits = buckets_to_splits(idxs * num_buckets // total, design.split_buckets)
    return Samples(idxs, splits, rows["factor_levels"], rows["factor_values"])
