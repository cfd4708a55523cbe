"""Compares the labels of one BOP image with rays: masks, visible masks, depth, `scene_gt_info`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from synrender.audit.bop.bop_files import BopImage, BopObject
from synrender.audit.bop.bop_images import BadImage, read_depth, read_mask, read_size
from synrender.audit.bop.bop_rays import BopCamera, cast_silhouette
from synrender.audit.bop.bop_view import View
from synrender.audit.bop.gt_info import InfoErrors, compare_info
from synrender.audit.mask_checks import DEPTH_EDGES_MM, find_interior
from synrender.audit.rays.model_caster import ModelCaster

SATURATED = 65535
"""Step of a depth image that means this far or farther."""

MAX_CAST_ROTATION_ERROR = 0.1
"""A matrix that is farther from a rotation is no pose, and no rays are cast at it."""


@dataclass(frozen=True)
class MaskErrors:
    """One kind of mask against the rays; one entry for each object."""

    num_cast_px: np.ndarray  # (k,)
    num_label_px: np.ndarray  # (k,)
    iou: np.ndarray  # (k,) 1 where both are empty
    num_ties: int  # pixels with an edge so close to their centre that rounding decides


@dataclass(frozen=True)
class DepthErrors:
    """Depth of interior pixels against the rays."""

    histogram: np.ndarray  # pixels by error, between DEPTH_EDGES_MM
    medians_mm: np.ndarray  # (k,) of each object; 0 where it has no such pixel
    largest_mm: float
    num_saturated: int  # pixels left out: too far for 16 bits


@dataclass(frozen=True)
class BopFindings:
    """Findings about one image; None for labels that are not there."""

    name: str
    damage: str = ""  # why it cannot be examined
    num_objects: int = 0
    num_px: int = 0
    rotation_errors: np.ndarray = field(default_factory=lambda: np.zeros(0))  # (k,)
    mask: MaskErrors | None = None
    visible: MaskErrors | None = None
    num_hidden_px: int = 0  # of objects, hidden by something without annotation
    depth: DepthErrors | None = None
    info: InfoErrors | None = None


def examine_image(
    image: BopImage, casters: Sequence[ModelCaster], pixel_center: float
) -> BopFindings:
    """Compares all labels of an image with rays.

    Args:
        image: what the data set says of it.
        casters: for the model of each object.
        pixel_center: coordinate of the top left pixel's centre.
    """
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
    view = View(camera, image.objects, casters, depths_mm, image_mm)
    certain, possible = view.find_visible()
    whole_errors, visible_errors, depth_errors = None, None, None
    if labels is not None:
        whole_errors = _compare_masks(*view.settle_whole(labels), labels)
    if visible_labels is not None:
        visible_errors = _compare_masks(*view.settle_visible(visible_labels), visible_labels)
    if steps is not None:
        is_front = np.isfinite(depths_mm) & (depths_mm == depths_mm.min(axis=0, initial=np.inf))
        # Where a label says visible, the depth image has to show the object, and nothing before it.
        agreed = certain if visible_labels is None else is_front & visible_labels
        depth_errors = _compare_depth(steps, image.depth_scale, depths_mm, agreed)
    has_depth = None if steps is None else steps > 0
    infos = [thing.info for thing in image.objects]
    return BopFindings(
        image.name,
        num_objects=len(image.objects),
        num_px=size[0] * size[1],
        rotation_errors=rotation_errors,
        mask=whole_errors,
        visible=visible_errors,
        num_hidden_px=view.count_hidden(),
        depth=depth_errors,
        info=compare_info(infos, silhouettes, certain, possible, has_depth),
    )


def _find_rotation_error(thing: BopObject) -> float:
    rotation = thing.rotation
    errors = np.abs(rotation @ rotation.T - np.eye(3)).max(), abs(np.linalg.det(rotation) - 1)
    return float(max(errors))


def _compare_masks(seen: np.ndarray, num_ties: int, labels: np.ndarray) -> MaskErrors:
    both, either = ((seen & labels).sum(axis=(1, 2)), (seen | labels).sum(axis=(1, 2)))
    iou = np.where(either > 0, both / np.maximum(either, 1), 1.0)
    return MaskErrors(seen.sum(axis=(1, 2)), labels.sum(axis=(1, 2)), iou, num_ties)


def _compare_depth(
    steps: np.ndarray, depth_scale: float, depths_mm: np.ndarray, agreed: np.ndarray
) -> DepthErrors:
    """Errors where rays and labels agree on which object is in front, a pixel from any edge.

    Args:
        steps: (h, w) of the depth image; 0 = unknown, which counts as an infinite error.
        depth_scale: mm of a step.
        depths_mm: (k, h, w) of each object.
        agreed: (k, h, w) where each is visible.
    """
    owner = np.zeros(steps.shape, np.int64)  # number of the object in front, from 1
    for number, is_visible in enumerate(agreed, start=1):
        owner[is_visible] = number
    is_interior = find_interior(owner) & (owner > 0)
    is_saturated = is_interior & (steps >= SATURATED)
    ys, xs = np.nonzero(is_interior & ~is_saturated)
    rows = owner[ys, xs] - 1
    errors = np.abs(steps[ys, xs] * depth_scale - depths_mm[rows, ys, xs])
    errors[steps[ys, xs] == 0] = np.inf
    medians = [
        float(np.quantile(errors[rows == k], 0.5, method="nearest")) if (rows == k).any() else 0.0
        for k in range(len(agreed))
    ]
    bins = np.searchsorted(DEPTH_EDGES_MM[1:-1], errors)
    return DepthErrors(
        np.bincount(bins, minlength=len(DEPTH_EDGES_MM) - 1),
        np.array(medians),
        float(errors.max(initial=0)),
        int(is_saturated.sum()),
    )
