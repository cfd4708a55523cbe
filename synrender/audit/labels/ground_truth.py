"""What the labels of a sample are compared with, and how their errors are gathered."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from synrender.audit.mask_checks import TIE_OFFSETS_PX, Settled, find_beside, find_quantile
from synrender.audit.rays.view import RayView, find_pixel_centers
from synrender.images.exr import ExrImage

_EDGES = np.concatenate([[0], np.geomspace(1e-9, 1e6, 1501), [np.inf]])
"""Edges of histogram bins, 2.3 % wide."""
_UPPER = np.concatenate([[0], _EDGES[2:]])
"""Upper bound of each bin; what is in the first counts as 0."""


UNKNOWN_PX = "px not judged"
"""Name of the number of pixels at which rays do not show what is right."""


@dataclass(frozen=True)
class Finding:
    """What one check of a label found in one sample."""

    bins: np.ndarray  # (b,) uint16, those of the errors' histogram that are not empty
    counts: np.ndarray  # (b,) uint32
    total: float  # sum of the errors
    largest: float
    culprits: tuple[str, ...] = ()  # what is wrong, whatever the other samples hold
    numbers: dict[str, int] = field(default_factory=dict)  # that add up over samples, by name

    def blame(self, culprit: str, is_wrong: object = True) -> Finding:
        """The same with one culprit more, if anything is wrong."""
        return replace(self, culprits=(*self.culprits, culprit)) if is_wrong else self


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
    """What the findings of all samples add up to."""

    num: int  # of errors
    median: float
    percentile: float  # the 99th
    mean: float
    largest: float
    numbers: Counter[str]


def summarize(findings: Sequence[Finding]) -> Summary:
    """Adds findings up; quantiles are upper bounds of their bin, zeros where there are none."""
    histogram = np.zeros(len(_EDGES) - 1, np.int64)
    numbers: Counter[str] = Counter()
    for finding in findings:
        histogram[finding.bins] += finding.counts
        numbers.update(finding.numbers)
    num = int(histogram.sum())
    largest = max((f.largest for f in findings), default=0.0)
    sums = np.cumsum(histogram)
    # No quantile is larger than the largest error.
    median, percentile = (
        min(float(_UPPER[np.searchsorted(sums, q * num)]), largest) if num else 0.0
        for q in (0.5, 0.99)
    )
    mean = sum(f.total for f in findings) / num if num else 0.0
    return Summary(num, median, percentile, mean, largest, numbers)


# --- what rays say --------------------------------------------------------------------------------


Given = dict[str, np.ndarray]
"""Fields of one sample, by name, as a file gives them."""

ErrorAt = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Errors (r,) of the label at pixels (r, 2) x, y, against rays through positions (r, 2) px."""


@dataclass(frozen=True)
class Truth:
    """One sample: its passes that were checked before, and what rays say about it."""

    exr: ExrImage
    view: RayView
    settled: Settled
    find_partner: Callable[[int], RayView | None]  # the view of another sample, if it can be read

    @functools.cached_property
    def rows(self) -> np.ndarray:
        """Row of the record, from 1, at interior pixels; 0: backdrop; -1: elsewhere. (h, w)."""
        is_hit = np.isfinite(self.view.cast.depth_m)
        return np.where(self.settled.is_common & is_hit, self.view.cast.instance, -1)

    @property
    def is_nothing(self) -> np.ndarray:
        """Where the pass and the rays hit nothing, far from any edge, (h, w) bool."""
        return self.settled.is_common & np.isinf(self.view.cast.depth_m)

    @property
    def pixel_centers(self) -> np.ndarray:
        """Of all pixels, row by row, (h * w, 2) px."""
        return find_pixel_centers(self.view.camera)

    @property
    def num_objs(self) -> int:
        """Objects of the record."""
        return len(self.view.record)


def measure_pixels(truth: Truth, error_at: ErrorAt, where: np.ndarray, bound: float) -> np.ndarray:
    """Errors at some pixels (h, w) bool, as (h, w); 0 elsewhere.

    Where an edge between two faces passes beside a pixel's center, rounding decides which face it
    shows: a label is right if it is right for a ray very close beside the center. So what is beyond
    the bound is measured once more there.
    """
    errors = np.zeros(where.shape)
    ys, xs = np.nonzero(where)
    pixels = np.stack([xs, ys], axis=1)
    found = error_at(pixels, pixels + 0.5)
    bad = np.flatnonzero(~(found <= bound))
    if len(bad):
        beside, num = find_beside(xs[bad] + 0.5, ys[bad] + 0.5), len(TIE_OFFSETS_PX)
        again = error_at(np.repeat(pixels[bad], num, axis=0), beside)
        again = np.where(np.isnan(again), np.inf, again).reshape(-1, num)
        found[bad] = np.fmin(found[bad], again.min(axis=1))
    errors[ys, xs] = np.where(np.isnan(found), np.inf, found)
    return errors


def judge_pixels(
    truth: Truth, errors: np.ndarray, bound: float, unit: str, where: np.ndarray | None = None
) -> Finding:
    """Finding of errors (h, w) at objects' interior pixels, or at some of them, (h, w) bool.

    The bound of the backdrop and of each object's median are judged at once: a percentile over all
    pixels could miss one object.
    """
    rows = truth.rows if where is None else np.where(where, truth.rows, -1)
    culprits = []
    for k in range(1, truth.num_objs + 1):
        median = find_quantile(errors[rows == k], 0.5)
        if median > bound:
            culprits.append(f"object {k} (median {median:.3g} {unit})")
    if (worst := find_quantile(errors[rows == 0], 0.99)) > bound:
        culprits.append(f"backdrop ({worst:.3g} {unit})")
    return create_finding(errors[rows > 0], culprits)
