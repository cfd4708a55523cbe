"""Boxes and masks: the box of each model in space, boxes in the image, and the visible share."""

from __future__ import annotations

import numpy as np

from synrender.errors import UserError
from synrender.labels.coordinates import linear

BOX_CORNERS = np.array([[i >> 2 & 1, i >> 1 & 1, i & 1] for i in range(8)], np.float64)
"""Corners of the unit box, (8, 3): corner i is at the upper end of x if i & 4, of y if i & 2, of z
if i & 1; axes of the OBJ file."""

BOX_CENTER = np.full((1, 3), 0.5)

FACE_CENTERS = np.array(
    [[end if axis == k else 0.5 for k in range(3)] for axis in range(3) for end in (0.0, 1.0)]
)
"""Centers of the unit box's faces, (6, 3): -x, +x, -y, +y, -z, +z."""


def box_points(record: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Points of each object's own (oriented) box.

    Args:
        record: (num_objs,) of `RECORD_DTYPE`.
        places: (n, 3) in the unit box, such as `BOX_CORNERS`.

    Returns:
        (num_objs, n, 3) float64, world, m.
    """
    points = np.empty((len(record), len(places), 3))
    for k, row in enumerate(record):
        low, high = row["bbox"]
        # The record's box is centered on 0, and its center stands at `location`.
        centered = low + places * (high - low) - (low + high) / 2
        points[k] = centered @ linear(row).T + row["location"]
    return points


def instance_to_boxes(instance: np.ndarray, num_objs: int) -> tuple[np.ndarray, np.ndarray]:
    """Counts the visible pixels of each object and finds their boxes.

    Args:
        instance: (h, w) int, from 1; 0 = none.
        num_objs: number of objects in the sample.

    Returns:
        Number of pixels (num_objs,) int32, and tight boxes (num_objs, 4) int32, see `mask_to_box`.

    Raises:
        UserError: the map shows an instance beyond ``num_objs``.
    """
    refuse_unknown_instances(instance, num_objs)
    num_visible_px = np.bincount(instance.ravel(), minlength=num_objs + 1)[1:].astype(np.int32)
    box_px = np.zeros((num_objs, 4), np.int32)
    for k in np.flatnonzero(num_visible_px):
        box_px[k] = mask_to_box(instance == k + 1)
    return num_visible_px, box_px


def refuse_unknown_instances(instance: np.ndarray, num_objs: int) -> None:
    """Raises UserError if an instance map, (h, w) int, shows objects without a record."""
    unknown = instance[(instance < 0) | (instance > num_objs)]
    if unknown.size:
        raise UserError(
            f"its image shows instance {unknown[0]}, its record has {num_objs} objects; remove "
            "both and render again"
        )


def masks_to_boxes(masks: np.ndarray) -> np.ndarray:
    """Tight boxes of masks (n, h, w) bool, (n, 4) int32, see `mask_to_box`."""
    return np.array([mask_to_box(mask) for mask in masks], np.int32).reshape(-1, 4)


def mask_to_box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Tight box of a mask (h, w) bool: x_min, y_min, x_max, y_max in px.

    The top left pixel covers 0 to 1, so that x_max - x_min is the width. All 0 for an empty mask.
    """
    xs, ys = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not len(xs):
        return 0, 0, 0, 0
    return int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1


def visible_share(instance: np.ndarray, amodal: np.ndarray) -> np.ndarray:
    """Share of each object that no other object hides.

    Args:
        instance: (h, w) int, from 1; 0 = none.
        amodal: (num_objs, h, w) bool, each object as if it stood alone.

    Returns:
        (num_objs,) float32: visible pixels / pixels of the whole object within the frame; 0 for
        an object of which nothing is in the frame.
    """
    num_objs = len(amodal)
    visible_px = np.bincount(instance.ravel(), minlength=num_objs + 1)[1 : num_objs + 1]
    whole_px = amodal.sum(axis=(1, 2))
    return (visible_px / np.maximum(whole_px, 1) * (whole_px > 0)).astype(np.float32)


def shading(rgb_linear: np.ndarray, albedo: np.ndarray) -> np.ndarray:
    """Light that a surface reflects, without its color.

    Args:
        rgb_linear: (h, w, 3) scene-linear image.
        albedo: (h, w, 3) scene-linear, 0 to 1.

    Returns:
        (h, w, 3) float32: image / albedo for each channel; 0 where the albedo is 0.
    """
    is_lit = albedo > 0
    return np.where(is_lit, rgb_linear / np.where(is_lit, albedo, 1), 0).astype(np.float32)
