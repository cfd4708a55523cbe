"""Checks the alpha of images through which one sees: how much of each pixel rays hit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from synrender.audit.check import Check, Measure, at_most, decide, skip
from synrender.audit.mask_checks import find_interior
from synrender.audit.rays.audited_dataset import Subject
from synrender.audit.rays.view import RayView
from synrender.settings.groups import Settings, has_alpha

if TYPE_CHECKING:
    from synrender.audit.measure_samples import SampleFindings

NAME = "alpha"
FILTER_PX = 3.0
"""Width of the pixel filter of Cycles: a Blackman-Harris window, of twice the width that is set."""

RAYS_PER_PX = 5
"""Of a line through a pixel."""

LEVEL = 1.5 / 255
"""Largest error of an alpha that is 0 or 1: of 8 bits, rounded."""

CAST_ERROR = 0.06
"""Of a coverage, by so many rays: what passes between them."""

NUM_SIGMAS = 6.0
SUM_ERROR = 0.005
"""Of the area of all objects, besides chance."""

LEAST_SAMPLES = 16
"""Rays of the renderer through a pixel before adaptive sampling may stop."""


@dataclass(frozen=True)
class AlphaFindings:
    """Findings about one sample that shows nothing behind its objects."""

    num_px: int  # that were judged
    num_wrong_px: int  # whose alpha is not the share that rays hit, within chance
    area_px: float  # covered by objects, of the rays
    area_error_px: float
    area_bound_px: float

    @property
    def is_right(self) -> bool:
        """Whether all pixels and the area are within their bounds."""
        return self.num_wrong_px == 0 and self.area_error_px <= self.area_bound_px


def find_alpha_errors(view: RayView, alpha: np.ndarray) -> AlphaFindings:
    """Compares alpha (h, w), 0 to 1, with the share of each pixel that rays hit.

    Shadows on a ground add to alpha. Far from edges only one ray is cast, through each center.
    """
    settings = view.subject.settings
    num_samples, has_shadows = count_samples(settings), settings.scene.ground
    is_hit, is_known = view.cast.instance > 0, view.cast.is_known.all(axis=0)
    expected, unknown = is_hit.astype(float), np.zeros(alpha.shape)
    is_right = (np.abs(alpha - expected) <= LEVEL) | (~is_hit & has_shadows)
    is_clear = is_known & find_interior(is_hit.astype(int)) & is_right
    ys, xs = np.nonzero(~is_clear)
    expected[ys, xs], unknown[ys, xs] = _cast_coverage(view, xs, ys)
    # The variance is largest where half of a pixel is covered.
    nearest = np.clip(0.5, expected - CAST_ERROR, expected + CAST_ERROR)
    sigma = np.sqrt(nearest * (1 - nearest) / num_samples)
    bound = CAST_ERROR + unknown + NUM_SIGMAS * sigma
    errors = alpha - expected
    is_wrong = ~is_clear & ((errors < -bound) | ((errors > bound) & (not has_shadows)))
    error_px = abs(errors.sum())
    if has_shadows:  # of what objects cover, nothing is missing
        error_px = max(0.0, -errors[is_hit].sum())
    area_px = float(expected.sum())
    # The first ray of the renderer goes through the center of each pixel.
    center_px = np.abs(is_hit - expected)[~is_clear].sum() / num_samples
    chance_px = NUM_SIGMAS * float(np.sqrt((expected * (1 - expected)).sum() / num_samples))
    return AlphaFindings(
        num_px=alpha.size,
        num_wrong_px=int(is_wrong.sum()),
        area_px=area_px,
        area_error_px=float(error_px),
        area_bound_px=SUM_ERROR * area_px + chance_px + center_px + float(unknown.sum()) + 1,
    )


def shows_alpha(settings: Settings) -> bool:
    """Whether alpha is the share of pixels that objects cover, by a filter that is known."""
    return settings.rendering.renderer == "cycles" and settings.material.alpha == "opaque"


def count_samples(settings: Settings) -> int:
    """Rays of the renderer through each pixel, at least."""
    num = settings.rendering.render_samples
    return min(num, LEAST_SAMPLES) if settings.rendering.adaptive_threshold else num


def _cast_coverage(view: RayView, xs: np.ndarray, ys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of pixels (n,) that objects cover, and the share of which it is not known."""
    num = round(FILTER_PX * RAYS_PER_PX)
    line_px = ((np.arange(num) + 0.5) / num - 0.5) * FILTER_PX
    offsets_px = np.stack(np.meshgrid(line_px, line_px), axis=-1).reshape(-1, 2)
    weights = np.outer(blackman_harris(line_px), blackman_harris(line_px)).reshape(-1)
    weights /= weights.sum()
    centers_px = np.stack([xs, ys], axis=1) + 0.5
    covered, unknown = np.zeros(len(xs)), np.zeros(len(xs))
    for start in range(0, len(xs), _PX_AT_ONCE):
        rows = slice(start, start + _PX_AT_ONCE)
        positions_px = centers_px[rows][:, None] + offsets_px
        cast = view.cast_at(positions_px.reshape(-1, 2))
        covered[rows] = (cast.instance > 0).reshape(-1, len(weights)) @ weights
        unknown[rows] = ~cast.is_known.all(axis=0).reshape(-1, len(weights)) @ weights
    return covered, unknown


_PX_AT_ONCE = 4096


def blackman_harris(x: np.ndarray) -> np.ndarray:
    """The window of F. J. Harris (1978) of four terms, at distances (n,) in px from its center."""
    turns = 2 * np.pi * (x / FILTER_PX + 0.5)
    terms = (0.35875, -0.48829, 0.14128, -0.01168)
    return sum(a * np.cos(k * turns) for k, a in enumerate(terms))


def check_alpha(subject: Subject, findings: Sequence[SampleFindings]) -> Check:
    """Alpha of samples with ``backdrop`` = none; the check of files refuses any other alpha."""
    settings = subject.settings
    if not has_alpha(settings):
        return skip(NAME, "all images are opaque")
    found = {f.idx: f.alpha for f in findings if f.alpha is not None}
    wrong = [idx for idx, alpha in found.items() if not alpha.is_right]
    num_px, area_px = (sum(getattr(a, n) for a in found.values()) for n in ("num_px", "area_px"))
    worst = max((a.area_error_px / max(a.area_px, 1) for a in found.values()), default=0.0)
    num_wrong_px = sum(a.num_wrong_px for a in found.values())
    figures = (
        f"{num_wrong_px} of {num_px} px are not covered as rays say; area of objects within "
        f"{100 * worst:.2g} % in {len(found)} samples"
    )
    culprits = [
        f"{idx} ({found[idx].num_wrong_px} px, area off by {found[idx].area_error_px:.2g} px)"
        for idx in wrong
    ]
    measures = [
        at_most("px", num_wrong_px, 0, num_px, "px"),
        at_most("samples out of bounds", len(wrong), 0, len(found), "samples"),
        Measure("largest error of the area, share", worst, num=round(area_px), of="px of objects"),
    ]
    return decide(NAME, figures, culprits, measures)
