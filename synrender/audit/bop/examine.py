"""Compares the labels of one BOP image with rays: masks, visible masks, depth, `scene_gt_info`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from synrender.audit.bop.bop_files import (
    BadImage,
    BopImage,
    BopObject,
    read_depth,
    read_mask,
    read_size,
)
from synrender.audit.bop.bop_view import BopCamera, BopView, Silhouette, cast_silhouette
from synrender.audit.mask_checks import (
    MAX_BOX_ERROR_PX,
    MAX_COUNT_DIFFERENCE,
    MAX_SMALL_DIFFERENCE_PX,
    DepthErrors,
    MaskErrors,
    compare_masks,
    find_interior,
    mask_to_box,
    sort_depth_errors,
)
from synrender.audit.rays.model_caster import ModelCaster

SATURATED = 65535
"""Step of a depth image that means this far or farther."""

MAX_CAST_ROTATION_ERROR = 0.1
"""A matrix that is farther from a rotation is no pose, and no rays are cast at it."""


@dataclass(frozen=True)
class BopFindings:
    """Findings about one image; None for labels that are not there."""

    name: str
    damage: str = ""  # why it cannot be examined
    rotation_errors: np.ndarray = field(default_factory=lambda: np.zeros(0))  # (k,)
    mask: MaskErrors | None = None
    visible: MaskErrors | None = None
    num_hidden_px: int = 0  # of objects, hidden by something without annotation
    depth: DepthErrors | None = None
    num_saturated_px: int = 0  # left out of it: too far for 16 bits
    info: InfoErrors | None = None


def examine_image(
    image: BopImage, casters: Sequence[ModelCaster], pixel_center: float
) -> BopFindings:
    """Compares all labels of an image with rays, given the caster of each object."""
    rotation_errors = np.array([_find_rotation_error(thing) for thing in image.objects])
    try:
        if (rotation_errors > MAX_CAST_ROTATION_ERROR).any():
            raise BadImage("cam_R_m2c is no rotation")
        size = read_size(image)
        steps = read_depth(image, size)
        labels, visible_labels = (read_mask(image, k, size) for k in ("mask", "mask_visib"))
    except BadImage as error:
        return BopFindings(image.name, str(error), rotation_errors=rotation_errors)
    camera = BopCamera(image.intrinsics, pixel_center, size)
    pairs = zip(image.objects, casters, strict=True)
    silhouettes = [cast_silhouette(camera, thing, caster) for thing, caster in pairs]
    depths_mm = np.concatenate([np.zeros((0, *size)), *(s.depth_mm[None] for s in silhouettes)])
    image_mm = None if steps is None else steps * image.depth_scale
    view = BopView(camera, image.objects, casters, depths_mm, image_mm)
    certain, possible = view.find_visible()
    whole_errors, visible_errors, depth_errors, num_saturated_px = None, None, None, 0
    if labels is not None:
        seen, num_ties_px = view.settle_whole(labels)
        whole_errors = compare_masks(seen, labels, num_ties_px)
    if visible_labels is not None:
        seen, num_ties_px = view.settle_visible(visible_labels)
        visible_errors = compare_masks(seen, visible_labels, num_ties_px)
    if steps is not None:
        is_front = np.isfinite(depths_mm) & (depths_mm == depths_mm.min(axis=0, initial=np.inf))
        # Where a label says visible, the depth image has to show the object, and nothing before it.
        agreed = certain if visible_labels is None else is_front & visible_labels
        depth_errors, num_saturated_px = _compare_depth(steps, image.depth_scale, depths_mm, agreed)
    has_depth = None if steps is None else steps > 0
    infos = [thing.info for thing in image.objects]
    return BopFindings(
        image.name,
        rotation_errors=rotation_errors,
        mask=whole_errors,
        visible=visible_errors,
        num_hidden_px=view.count_hidden(),
        depth=depth_errors,
        num_saturated_px=num_saturated_px,
        info=compare_info(infos, silhouettes, certain, possible, has_depth),
    )


def _find_rotation_error(thing: BopObject) -> float:
    rotation = thing.rotation
    errors = np.abs(rotation @ rotation.T - np.eye(3)).max(), abs(np.linalg.det(rotation) - 1)
    return float(max(errors))


def _compare_depth(
    steps: np.ndarray, depth_scale: float, depths_mm: np.ndarray, agreed: np.ndarray
) -> tuple[DepthErrors, int]:
    """Errors where rays and labels agree on which object is in front, a pixel from any edge.

    Args:
        steps: (h, w) of the depth image; 0 = unknown, which counts as an infinite error.
        depth_scale: mm of a step.
        depths_mm: (k, h, w) of each object.
        agreed: (k, h, w) where each is visible.

    Returns:
        The errors, and the number of pixels that are too far for 16 bits and have none.
    """
    owner = np.zeros(steps.shape, np.int64)  # number of the object in front, from 1
    for number, is_visible in enumerate(agreed, start=1):
        owner[is_visible] = number
    is_interior = find_interior(owner) & (owner > 0)
    is_saturated = is_interior & (steps >= SATURATED)
    ys, xs = np.nonzero(is_interior & ~is_saturated)
    rows = owner[ys, xs]
    errors = np.abs(steps[ys, xs] * depth_scale - depths_mm[rows - 1, ys, xs])
    errors[steps[ys, xs] == 0] = np.inf
    return sort_depth_errors(errors, rows, len(agreed)), int(is_saturated.sum())


# --- scene_gt_info --------------------------------------------------------------------------------


MAX_SHARE_ERROR = 0.01
"""Of the visible share; of small objects the share that MAX_SMALL_DIFFERENCE_PX are of them."""

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
    infos: Sequence[dict[str, object]],
    silhouettes: Sequence[Silhouette],
    certain: np.ndarray,
    possible: np.ndarray,
    has_depth: np.ndarray | None,
) -> InfoErrors | None:
    """Compares the entries of all objects of an image; None if there are none.

    Entries that are missing are not compared. Objects are certainly visible at (k, h, w), and
    possibly elsewhere; the depth image is not 0 at (h, w), None if there is none.
    """
    if not any(infos):
        return None
    share, count_px, box_px, faults = [], [], [], []
    for k, (info, silhouette) in enumerate(zip(infos, silhouettes, strict=True)):
        is_there = np.isfinite(silhouette.depth_mm)
        num_all = silhouette.num_px
        low, high = int(certain[k].sum()), int(possible[k].sum())
        count_bound = max(MAX_SMALL_DIFFERENCE_PX, MAX_COUNT_DIFFERENCE * num_all)
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
        if not error <= max(MAX_SHARE_ERROR, MAX_SMALL_DIFFERENCE_PX / max(1, num_all)):
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
                    x_min, y_min, x_max, y_max = (least if least.any() else most).tolist()
                    seen = [x_min, y_min, x_max - x_min, y_max - y_min]
                    faults.append((k, f"{name} {info[name]}, rays see {seen}"))
        box_px.append(worst)
    return InfoErrors(*map(np.array, (share, count_px, box_px)), faults=tuple(faults))


def _outside(value: object, low: float, high: float) -> float:
    """How far a value is out of a range; infinite if it is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return np.inf
    return float(max(low - value, value - high, 0))


def _compare_box(value: object, least: np.ndarray, most: np.ndarray, may_be_hidden: bool) -> float:
    """Largest error in px of a side of x, y, width, height; `NOTHING` may be right, too.

    It takes the boxes of what is certainly there, and of what may be there, see `mask_to_box`.
    """
    if not isinstance(value, list):
        return np.inf
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
