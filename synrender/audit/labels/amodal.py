"""Checks amodal masks, visible shares and 2D boxes: each object is cast alone."""

from __future__ import annotations

import numpy as np

from synrender.audit.labels.ground_truth import Given, Truth
from synrender.audit.labels.label_errors import Finding, create_finding
from synrender.audit.mask_checks import TIE_OFFSETS_PX, mask_to_box

MIN_MEAN_IOU, MIN_IOU, MIN_IOU_PX = 0.995, 0.97, 100
MAX_SMALL_DIFFERENCE_PX = 3  # of objects under MIN_IOU_PX
MAX_SHARE_ERROR = 0.005
SMALL = "small objects"
MAX_BOX_ERROR_PX = 1


def settle_amodal(truth: Truth, amodal: np.ndarray) -> np.ndarray:
    """Masks of the rays, (num_objs, h, w) bool; where rounding decides at an edge, the label's."""
    alone = truth.view.cast.is_hit_alone
    settled = alone.copy()
    for k, mask in enumerate(amodal):
        ys, xs = np.nonzero(alone[k] != mask)
        if len(ys):
            beside = np.stack([xs, ys], axis=1)[:, None] + 0.5 + TIE_OFFSETS_PX
            hits = truth.view.cast_at(beside.reshape(-1, 2)).is_hit_alone[k]
            agrees = (hits.reshape(len(ys), -1) == mask[ys, xs, None]).any(axis=1)
            settled[k, ys, xs] = np.where(agrees, mask[ys, xs], alone[k, ys, xs])
    return settled


def check_amodal(truth: Truth, given: Given) -> Finding:
    """Errors are 1 - IoU of each object of 100 px or more."""
    amodal = np.asarray(given["amodal"]).astype(bool)
    alone, rows = truth.view.cast.is_hit_alone, truth.settled.rows
    settled = settle_amodal(truth, amodal)
    shares = given.get("visible_share")
    errors, culprits, num_small = [], [], 0
    for k, (mask, rays) in enumerate(zip(amodal, alone, strict=True), start=1):
        num_px = max(int(mask.sum()), int(rays.sum()))
        lost = 1 - (mask & rays).sum() / max(1, (mask | rays).sum())
        if num_px >= MIN_IOU_PX:
            errors.append(lost)
            if lost > 1 - MIN_IOU:
                culprits.append(f"object {k} (IoU {1 - lost:.3f})")
        elif num_px:
            num_small += 1
            if np.sum(mask != settled[k - 1]) > MAX_SMALL_DIFFERENCE_PX:
                culprits.append(f"object {k} ({mask.sum()} px, rays see {rays.sum()})")
        if shares is not None:
            share = np.sum(rows == k) / max(1, settled[k - 1].sum())
            if not abs(shares[k - 1] - share) <= MAX_SHARE_ERROR:
                culprits.append(f"object {k} (share {shares[k - 1]:.3f}, rays see {share:.3f})")
    return create_finding(np.array(errors), culprits, {SMALL: num_small})


def check_boxes_2d(truth: Truth, name: str, masks: np.ndarray, given: Given) -> Finding:
    """Errors in px of the side that differs most, of each object.

    Args:
        truth: of the sample.
        name: of the field.
        masks: (num_objs, h, w) of the rays.
        given: the fields; boxes as x_min, y_min, x_max, y_max, ends excluded, 0 if hidden.
    """
    expected = np.array([mask_to_box(mask) for mask in masks])
    errors = np.abs(np.asarray(given[name]).reshape(-1, 4) - expected).max(axis=1)
    wrong = np.flatnonzero(errors > MAX_BOX_ERROR_PX)
    return create_finding(
        errors, [f"object {k + 1} ({errors[k]} px, {name})" for k in wrong.tolist()]
    )
