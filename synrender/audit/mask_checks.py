"""Compares the label passes of an EXR with what the rays hit; parts of it serve BOP labels, too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from skimage.measure import regionprops
from skimage.segmentation import find_boundaries

from synrender.audit.rays.view import Cast
from synrender.images.exr import ExrImage

DEPTH_EDGES_MM = np.concatenate([[0], np.geomspace(1e-4, 1e4, 801), [np.inf]])
"""Edges of histogram bins, 2.3 % wide: percentiles over any number of samples in little memory."""

MIN_MEAN_IOU, MIN_IOU = 0.995, 0.97
MIN_IOU_PX = 100
"""Smaller objects are judged by their number of pixels: one pixel changes their IoU too much."""
MAX_COUNT_DIFFERENCE, MAX_SMALL_DIFFERENCE_PX = 0.02, 3
"""Of a number of pixels: this share of the object's, but at least so many."""
MAX_BOX_ERROR_PX = 1
"""Of each side."""

TIE_RADIUS_PX = 0.002
"""Distance between an edge and a pixel's center within which rounding decides what is hit."""
TIE_DEPTH_M = 1e-3
_RING = np.array([(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)])
TIE_OFFSETS_PX = TIE_RADIUS_PX * np.concatenate([_RING, _RING / 4])
"""(18, 2). Two rings, since a thin part or a corner may pass between the rays of one."""


@dataclass(frozen=True)
class MaskErrors:
    """Masks of one image against the rays; the arrays have one entry for each object."""

    num_cast_px: np.ndarray  # (num_objs,) seen by the rays; ties as in the label
    num_label_px: np.ndarray  # (num_objs,) in the label
    iou: np.ndarray  # (num_objs,) of the two; 1 where both are empty
    num_ties_px: int  # pixels with an edge so close to their center that rounding decides


@dataclass(frozen=True)
class DepthErrors:
    """Depth of the interior pixels of objects against the rays, in mm."""

    histogram: np.ndarray  # (b,) int64 pixels by error, between DEPTH_EDGES_MM
    medians_mm: np.ndarray  # (num_objs,) of each object; 0 where it has no such pixel
    largest_mm: float


@dataclass(frozen=True)
class LabelFindings:
    """Findings about one sample; the arrays have one entry for each object."""

    masks: MaskErrors  # of the instance pass
    box_errors_px: np.ndarray  # (num_objs,) of the side that differs most; ties left out
    boxes_px: np.ndarray  # (num_objs, 4) of the rays: x_min, y_min, x_max, y_max, ends excluded
    num_stray_px: int  # of the instance pass that belong to no object of the record
    num_interior_px: int  # more than a pixel from any edge
    num_wrong_class_px: int  # of these
    num_unlike_instance_px: int  # of all pixels, whose class is not that of their instance
    depth: DepthErrors
    backdrop_error_mm: float  # maximum over its interior pixels
    num_unknown_px: int  # whose mask is not judged: rounding decides what alpha cuts away


@dataclass(frozen=True)
class Settled:
    """Which object each pixel shows, where rounding may decide at edges; (h, w) each."""

    shown: np.ndarray  # int64 row of the record, from 1, in the instance pass; 0 = backdrop
    rows: np.ndarray  # int64, of the rays; where there is a tie, of the pass
    is_tie: np.ndarray  # bool, see find_ties; or rounding decides what alpha cuts away
    is_interior: np.ndarray  # bool: more than a pixel from any edge, and no tie
    is_common: np.ndarray  # bool: of these, where the pass and the rays show the same object


def settle(
    exr: ExrImage, cast: Cast, record: np.ndarray, cast_at: Callable[[np.ndarray], Cast]
) -> Settled:
    """Compares a sample's masks with what rays hit, (h, w); casts more at positions (r, 2) px."""
    # The record's row that each pixel shows, from 1, whatever number the pass gives its instance.
    shown = np.zeros(exr.instance.shape, np.int64)
    for row, instance in enumerate(record["instance"], start=1):
        shown[exr.instance == instance] = row
    is_tie = find_ties(shown, exr.depth_m, cast, cast_at) | ~cast.is_known.all(axis=0)
    rows = np.where(is_tie, shown, cast.instance)
    is_interior = find_interior(rows) & ~is_tie
    return Settled(shown, rows, is_tie, is_interior, is_interior & (shown == cast.instance))


def compare_labels(
    exr: ExrImage, cast: Cast, record: np.ndarray, settled: Settled
) -> LabelFindings:
    """Compares the passes of a sample with what the rays hit, (h, w); its masks are settled."""
    shown, is_interior = settled.shown, settled.is_interior
    ks = np.arange(1, len(record) + 1)[:, None, None]
    boxes = [(mask_to_box(settled.rows == k), mask_to_box(shown == k)) for k in ks[:, 0, 0]]
    class_of_row = np.concatenate([[0], record["class"] + 1])
    is_wrong = exr.class_label != class_of_row[cast.instance]
    is_unlike = exr.class_label != class_of_row[shown]
    with np.errstate(invalid="ignore"):
        errors_mm = np.abs(cast.depth_m - exr.depth_m) * 1000
    errors_mm[np.isinf(cast.depth_m) & np.isinf(exr.depth_m)] = 0
    errors_mm[np.isnan(errors_mm)] = np.inf
    # Where the masks disagree, the depth is another object's; the mask check reports that.
    rows = np.where(settled.is_common, cast.instance, -1)
    is_object = rows > 0
    is_known = cast.is_known.all(axis=0)
    return LabelFindings(
        masks=compare_masks(settled.rows == ks, shown == ks, int(settled.is_tie.sum())),
        box_errors_px=np.array([np.abs(a - b).max() for a, b in boxes]),
        boxes_px=np.array([a for a, _ in boxes]),
        num_stray_px=int(((exr.instance > 0) & (shown == 0)).sum()),
        num_interior_px=int(is_interior.sum()),
        num_wrong_class_px=int((is_wrong & is_interior).sum()),
        num_unlike_instance_px=int(is_unlike.sum()),
        depth=sort_depth_errors(errors_mm[is_object], rows[is_object], len(record)),
        backdrop_error_mm=float(errors_mm[rows == 0].max(initial=0)),
        num_unknown_px=int((~is_known).sum()),
    )


def compare_masks(seen: np.ndarray, labels: np.ndarray, num_ties_px: int) -> MaskErrors:
    """Compares what rays see of each object with its label, (num_objs, h, w) bool each."""
    both, either = ((seen & labels).sum(axis=(1, 2)), (seen | labels).sum(axis=(1, 2)))
    iou = np.where(either > 0, both / np.maximum(either, 1), 1.0)
    return MaskErrors(seen.sum(axis=(1, 2)), labels.sum(axis=(1, 2)), iou, num_ties_px)


def sort_depth_errors(errors_mm: np.ndarray, rows: np.ndarray, num_objs: int) -> DepthErrors:
    """Gathers errors (n,) in mm of pixels that show the objects ``rows`` (n,), from 1."""
    medians = [find_quantile(errors_mm[rows == k], 0.5) for k in range(1, num_objs + 1)]
    bins = np.searchsorted(DEPTH_EDGES_MM[1:-1], errors_mm)
    histogram = np.bincount(bins, minlength=len(DEPTH_EDGES_MM) - 1)
    return DepthErrors(histogram, np.array(medians), float(errors_mm.max(initial=0)))


def find_ties(
    shown: np.ndarray, depth_m: np.ndarray, cast: Cast, cast_at: Callable[[np.ndarray], Cast]
) -> np.ndarray:
    """Pixels with an edge so close to their center that rounding decides which side they show.

    There rays and passes differ, but a ray close beside the center hits what the passes show.

    Args:
        shown: (h, w) record row, from 1, of the instance that the pass shows; 0 = backdrop.
        depth_m: (h, w) of the pass.
        cast: what rays through the pixels' centers hit.
        cast_at: casts rays through positions (r, 2) in px.

    Returns:
        (h, w) bool.
    """
    is_tie = np.zeros(shown.shape, bool)
    differs = (shown != cast.instance) | ~_is_close(depth_m, cast.depth_m)
    ys, xs = np.nonzero(differs)
    if len(ys):
        beside = cast_at(find_beside(xs + 0.5, ys + 0.5))
        instance, beside_m = (a.reshape(len(ys), -1) for a in (beside.instance, beside.depth_m))
        agrees = (instance == shown[ys, xs, None]) & _is_close(depth_m[ys, xs, None], beside_m)
        is_tie[ys, xs] = agrees.any(axis=1)
    return is_tie


def find_beside(xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Positions very close beside each of some (n,), (18 n, 2) as x, y."""
    return (np.stack([xs, ys], axis=1)[:, None] + TIE_OFFSETS_PX).reshape(-1, 2)


def _is_close(a_m: np.ndarray, b_m: np.ndarray) -> np.ndarray:
    return (a_m == b_m) | (np.abs(np.nan_to_num(a_m) - np.nan_to_num(b_m)) <= TIE_DEPTH_M)


def find_interior(instance: np.ndarray) -> np.ndarray:
    """Pixels whose eight neighbors within the image show the same instance, (h, w) bool."""
    return ~find_boundaries(instance, connectivity=2, mode="thick")


def mask_to_box(mask: np.ndarray) -> np.ndarray:
    """Tight box, (4,) int64 px: x_min, y_min, x_max, y_max, ends excluded; zeros: empty."""
    if not mask.any():
        return np.zeros(4, np.int64)
    (region,) = regionprops(mask.astype(np.uint8))
    y_min, x_min, y_max, x_max = region.bbox
    return np.array([x_min, y_min, x_max, y_max])


def find_quantile(errors: np.ndarray, q: float) -> float:
    """The error nearest to a quantile; 0 if there are none."""
    return float(np.quantile(errors, q, method="nearest")) if errors.size else 0.0
