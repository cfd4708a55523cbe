"""Compares `scene_gt_info.json` of a BOP image with rays: counts, visible share, boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synrender.audit.bop.bop_rays import Silhouette
from synrender.audit.mask_checks import mask_to_box

MAX_BOX_ERROR_PX = 1
"""Of each side. Whether a box's width counts its last pixel is not settled, so both pass."""

MAX_COUNT_ERROR, MIN_COUNT_ERROR_PX = 0.02, 3
"""Of a number of pixels: this share of the object's, but at least so many."""

MAX_SHARE_ERROR = 0.01
"""Of the visible share; for small objects what MIN_COUNT_ERROR_PX make up of them."""

NOTHING = (-1, -1, -1, -1)
"""Box of an object that is not visible."""


@dataclass(frozen=True)
class InfoErrors:
    """Differences of an image's entries; one for each object."""

    share: np.ndarray  # (k,) of the visible share
    count_px: np.ndarray  # (k,) of the worst number of pixels
    box_px: np.ndarray  # (k,) of the worst side
    faults: tuple[tuple[int, str], ...]  # object, and what is out of bounds


def compare_info(
    infos: Sequence[dict[str, Any]],
    silhouettes: Sequence[Silhouette],
    certain: np.ndarray,
    possible: np.ndarray,
    has_depth: np.ndarray | None,
) -> InfoErrors | None:
    """Compares the entries of all objects of an image; None if there are none.

    Args:
        infos: of each object; what is not there is not compared.
        silhouettes: of each object.
        certain: (k, h, w) where it is visible.
        possible: (k, h, w) where a label may say that it is.
        has_depth: (h, w) where the depth image is not 0; None if there is none.
    """
    if not any(infos):
        return None
    share, count_px, box_px, faults = [], [], [], []
    for k, (info, silhouette) in enumerate(zip(infos, silhouettes, strict=True)):
        is_there = np.isfinite(silhouette.depth_mm)
        num_all = silhouette.num_px
        low, high = int(certain[k].sum()), int(possible[k].sum())
        count_bound = max(MIN_COUNT_ERROR_PX, MAX_COUNT_ERROR * num_all)
        counts = {"px_count_all": (num_all, num_all), "px_count_visib": (low, high)}
        if has_depth is not None:
            num_valid = int((is_there & has_depth).sum())
            counts["px_count_valid"] = (num_valid, num_valid)
        errors = {
            name: _outside(info[name], *ends) for name, ends in counts.items() if name in info
        }
        faults += [
            (k, f"{name} {info[name]}, rays see {counts[name][0]}")
            for name, error in errors.items()
            if not error <= count_bound
        ]
        count_px.append(max(errors.values(), default=0.0))

        shares = (low / num_all, high / num_all) if num_all else (0.0, 0.0)
        error = _outside(info.get("visib_fract", shares[0]), *shares)
        if not error <= max(MAX_SHARE_ERROR, MIN_COUNT_ERROR_PX / max(1, num_all)):
            faults.append((k, f"visib_fract {info['visib_fract']}, rays see {shares[0]:.3f}"))
        share.append(error)

        inner, outer = mask_to_box(certain[k]), mask_to_box(possible[k])
        boxes = {"bbox_obj": (silhouette.box_px, silhouette.box_px), "bbox_visib": (inner, outer)}
        worst = 0.0
        for name, (least, most) in boxes.items():
            if name in info:
                error = _compare_box(info[name], least, most, may_be_hidden=low <= count_bound)
                worst = max(worst, error)
                if not error <= MAX_BOX_ERROR_PX:
                    seen = least if least.any() else most
                    faults.append((k, f"{name} {info[name]}, rays see {_to_width(seen)}"))
        box_px.append(worst)
    return InfoErrors(*map(np.array, (share, count_px, box_px)), faults=tuple(faults))


def _outside(value: Any, low: float, high: float) -> float:
    """How far a value is out of a range; infinite if it is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return np.inf
    return float(max(low - value, value - high, 0))


def _compare_box(value: Any, least: np.ndarray, most: np.ndarray, may_be_hidden: bool) -> float:
    """Largest error of a side, in px.

    Args:
        value: x, y, width, height, or `NOTHING`.
        least: box of what is certainly there: x_min, y_min, x_max, y_max, ends excluded.
        most: of what may be there.
        may_be_hidden: whether `NOTHING` is right as well.
    """
    try:
        x, y, width, height = (float(number) for number in value)
    except (TypeError, ValueError):
        return np.inf
    if (x, y, width, height) == NOTHING:
        return 0.0 if may_be_hidden or not most.any() else np.inf
    if not most.any():
        return np.inf
    least = least if least.any() else most
    # The last pixel is counted in a width, or it is not.
    low, high = np.minimum(least, most) - [0, 0, 1, 1], np.maximum(least, most)
    sides = zip((x, y, x + width, y + height), low.tolist(), high.tolist(), strict=True)
    return max(_outside(*side) for side in sides)


def _to_width(box: np.ndarray) -> list[int]:
    return [int(box[0]), int(box[1]), int(box[2] - box[0]), int(box[3] - box[1])]
