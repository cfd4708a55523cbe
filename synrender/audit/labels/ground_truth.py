"""What the labels of one sample are compared with, and how errors at pixels are gathered."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from synrender.audit.labels.label_errors import Finding, create_finding
from synrender.audit.mask_checks import TIE_OFFSETS_PX, Settled
from synrender.audit.rays.raycast import find_pixel_centers
from synrender.audit.rays.view import View
from synrender.images.exr import ExrImage

Given = dict[str, np.ndarray]
"""Fields of one sample, by name, as a file gives them."""

ErrorAt = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Errors (r,) of the label at pixels (r, 2) x, y, against rays through positions (r, 2) px."""


@dataclass(frozen=True)
class Truth:
    """One sample: its passes that were checked before, and what rays say about it."""

    exr: ExrImage
    view: View
    settled: Settled
    find_partner: Callable[[int], View | None]  # the view of another sample, if it can be read

    @functools.cached_property
    def rows(self) -> np.ndarray:
        """Row of the record, from 1, at interior pixels; 0: backdrop; -1: elsewhere. (h, w)."""
        cast = self.view.cast
        is_hit = np.isfinite(cast.depth_m)
        return np.where(self.settled.is_common & is_hit, cast.instance, -1)

    @property
    def pixel_centers(self) -> np.ndarray:
        """Of all pixels, row by row, (h * w, 2) px."""
        return find_pixel_centers(self.view.camera)

    @property
    def num_objs(self) -> int:
        """Objects of the record."""
        return len(self.view.record)


def measure_pixels(truth: Truth, error_at: ErrorAt, where: np.ndarray, bound: float) -> np.ndarray:
    """Errors at some pixels.

    Where an edge between two faces passes beside a pixel's centre, rounding decides which face it
    shows: a label that is right a hair beside the centre is right.

    Args:
        truth: of the sample.
        error_at: the error.
        where: (h, w) bool.
        bound: errors above it are looked at once more, beside the centre.

    Returns:
        (h, w) errors; 0 elsewhere.
    """
    errors = np.zeros(where.shape)
    ys, xs = np.nonzero(where)
    pixels = np.stack([xs, ys], axis=1)
    found = error_at(pixels, pixels + 0.5)
    bad = np.flatnonzero(~(found <= bound))
    if len(bad):
        num = len(TIE_OFFSETS_PX)
        beside = pixels[bad][:, None] + 0.5 + TIE_OFFSETS_PX
        again = error_at(np.repeat(pixels[bad], num, axis=0), beside.reshape(-1, 2))
        again = np.where(np.isnan(again), np.inf, again).reshape(-1, num)
        found[bad] = np.fmin(found[bad], again.min(axis=1))
    errors[ys, xs] = np.where(np.isnan(found), np.inf, found)
    return errors


def judge_pixels(
    truth: Truth, errors: np.ndarray, bound: float, unit: str, where: np.ndarray | None = None
) -> Finding:
    """Finding of errors (h, w) at objects' interior pixels.

    The backdrop and each object's median are judged at once: a percentile over all pixels could
    miss one object.

    Args:
        truth: of the sample.
        errors: (h, w).
        bound: of the medians, and of most of the backdrop.
        unit: of the errors, for the text.
        where: (h, w) bool, pixels to take; None: all.
    """
    rows = truth.rows if where is None else np.where(where, truth.rows, -1)
    culprits = []
    for k in range(1, truth.num_objs + 1):
        median = _quantile(errors[rows == k], 0.5)
        if median > bound:
            culprits.append(f"object {k} (median {median:.3g} {unit})")
    if (worst := _quantile(errors[rows == 0], 0.99)) > bound:
        culprits.append(f"backdrop ({worst:.3g} {unit})")
    return create_finding(errors[rows > 0], culprits)


def _quantile(errors: np.ndarray, q: float) -> float:
    return float(np.quantile(errors, q, method="nearest")) if errors.size else 0.0
