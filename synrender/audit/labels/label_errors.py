"""Errors of a label in one sample, kept small, and how those of all samples add up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

_EDGES = np.concatenate([[0], np.geomspace(1e-9, 1e6, 1501), [np.inf]])
"""Edges of histogram bins, 2.3 % wide."""
_UPPER = np.concatenate([[0], _EDGES[2:]])
"""Upper bound of each bin; what is in the first counts as 0."""


UNKNOWN_PX = "px not judged"
"""Name of the number of pixels at which rays do not tell what is right."""


@dataclass(frozen=True)
class Finding:
    """What one check of a label found in one sample."""

    bins: np.ndarray  # (b,) uint16, those of the errors' histogram that are not empty
    counts: np.ndarray  # (b,) uint32
    total: float  # sum of the errors
    largest: float
    culprits: tuple[str, ...] = ()  # what is wrong, whatever the other samples hold
    numbers: dict[str, int] = field(default_factory=dict)  # that add up over samples, by name

    def blame(self, *culprits: str) -> Finding:
        """The same with more culprits; empty ones are none."""
        return replace(self, culprits=(*self.culprits, *filter(None, culprits)))


def create_finding(
    errors: np.ndarray, culprits: Sequence[str] = (), numbers: dict[str, int] | None = None
) -> Finding:
    """Finding of errors of any shape; NaN counts as infinite."""
    errors = np.where(np.isnan(errors), np.inf, errors).reshape(-1)
    bins, counts = np.unique(np.searchsorted(_EDGES[1:-1], errors), return_counts=True)
    return Finding(
        bins.astype(np.uint16),
        counts.astype(np.uint32),
        float(errors.sum()),
        float(errors.max(initial=0)),
        tuple(culprits),
        numbers or {},
    )


def missing(reason: str) -> Finding:
    """Finding of a label that is not there."""
    return create_finding(np.zeros(0), [reason])


@dataclass(frozen=True)
class Summary:
    """Of the findings of all samples."""

    num: int  # of errors
    median: float
    percentile: float  # the 99th
    mean: float
    largest: float
    numbers: dict[str, int]


def summarize(findings: Sequence[Finding]) -> Summary:
    """Adds findings up; quantiles are upper bounds of their bin, zeros where there are none."""
    histogram = np.zeros(len(_EDGES) - 1, np.int64)
    numbers: dict[str, int] = {}
    for finding in findings:
        histogram[finding.bins] += finding.counts
        for name, number in finding.numbers.items():
            numbers[name] = numbers.get(name, 0) + number
    num = int(histogram.sum())
    largest = max((f.largest for f in findings), default=0.0)
    sums = np.cumsum(histogram)
    # No error is larger than the largest, so that no quantile is.
    median, percentile = (
        min(float(_UPPER[np.searchsorted(sums, q * num)]), largest) if num else 0.0
        for q in (0.5, 0.99)
    )
    mean = sum(f.total for f in findings) / num if num else 0.0
    return Summary(num, median, percentile, mean, largest, numbers)
