"""A histogram of numbers that arrive one part after the other, whose range nobody knows before."""

from __future__ import annotations

import numpy as np

NUM_BINS = 512
"""Enough to be merged into the bins of a chart wherever the range ends."""


class GrowingHistogram:
    """Exact counts in bins of equal width; the width doubles when a number falls outside."""

    def __init__(self) -> None:
        """Counts nothing yet."""
        self.counts = np.zeros(NUM_BINS, np.int64)
        self.low, self.width = 0.0, 0.0  # of the first bin; width 0: all numbers so far are equal
        self.min, self.max = np.inf, -np.inf
        self.total, self._sum = 0, 0.0

    @property
    def mean(self) -> float:
        """Of all numbers; NaN if there are none."""
        return self._sum / self.total if self.total else float("nan")

    def add(self, values: np.ndarray) -> None:
        """Counts numbers, (n,); those that are not finite are left out."""
        values = values[np.isfinite(values)].astype(np.float64)
        if not len(values):
            return
        old_min, old_total = self.min, self.total
        self.min, self.max = min(self.min, values.min()), max(self.max, values.max())
        self.total, self._sum = self.total + len(values), self._sum + float(values.sum())
        if self.min == self.max:
            return  # all equal so far; they are counted when another number comes
        if self.width == 0:
            # Half of the bins, so that a second part of the same distribution still fits.
            self.width = max((self.max - self.min) / (NUM_BINS // 2), np.spacing(self.max))
            self.low = self.min - self.width * (NUM_BINS // 4)
            if old_total:
                self._count(np.full(1, old_min), old_total)
        while self.min < self.low or self.max >= self.low + NUM_BINS * self.width:
            self._double()
        self._count(values, 1)

    def _count(self, values: np.ndarray, weight: int) -> None:
        places = ((values - self.low) / self.width).astype(np.int64).clip(0, NUM_BINS - 1)
        self.counts += weight * np.bincount(places, minlength=NUM_BINS)

    def _double(self) -> None:
        """Merges pairs of bins; the free half is where it is needed."""
        merged = self.counts.reshape(-1, 2).sum(axis=1)
        grows_down = self.min < self.low
        zeros = np.zeros(NUM_BINS // 2, np.int64)
        self.counts = np.concatenate([zeros, merged] if grows_down else [merged, zeros])
        if grows_down:
            self.low -= NUM_BINS * self.width
        self.width *= 2

    def read(self, low: float, high: float, num_bins: int) -> np.ndarray:
        """Counts in ``num_bins`` bins of equal width from ``low`` to ``high``, (num_bins,) float64.

        A bin of ours that lies across an edge is shared between both sides in proportion.
        """
        if self.width == 0:
            counts = np.zeros(num_bins)
            if self.total:
                place = int((self.min - low) / max(high - low, 1e-300) * num_bins)
                counts[min(max(place, 0), num_bins - 1)] = self.total
            return counts
        edges = self.low + self.width * np.arange(NUM_BINS + 1)
        below = np.append(0, np.cumsum(self.counts))
        wanted = np.linspace(low, high, num_bins + 1)
        found = np.interp(wanted, edges, below)
        found[0], found[-1] = 0, self.total  # ends of the range may lie within a bin
        return np.diff(found)

    def quantile(self, q: float) -> float:
        """Number below which a share ``q`` lies, to within a bin; NaN if there are none."""
        if self.width == 0:
            return float(self.min) if self.total else float("nan")
        place = int(np.searchsorted(np.cumsum(self.counts), q * self.total))
        value = self.low + (place + 0.5) * self.width
        return float(min(max(value, self.min), self.max))
