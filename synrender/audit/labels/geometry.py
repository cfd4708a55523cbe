"""Checks what follows from the OBJ file and its pose: coordinates, points, boxes, amodal masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from synrender.audit.labels.ground_truth import Finding, Given, Truth, create_finding, judge_pixels
from synrender.audit.mask_checks import (
    MAX_BOX_ERROR_PX,
    MAX_SMALL_DIFFERENCE_PX,
    MIN_IOU,
    MIN_IOU_PX,
    find_beside,
    mask_to_box,
)
from synrender.audit.rays.view import OUTSIDE, UNSURE
from synrender.images.conversions import DEPTH_BEYOND, DEPTH_STEPS_PER_M
from synrender.system.json_text import decode, read_json

MAX_ERROR_MM = 1.0
MAX_POINT_ERROR_MM = 0.1
MAX_POINT_ERROR_PX = 0.1
MAX_STORED_DEPTH_M = (DEPTH_BEYOND - 1) / DEPTH_STEPS_PER_M
JUDGED = "points whose visibility is judged"
POINTS_FILE = "keypoints.json"
_MAX_FILE_BYTES = 1 << 28

CORNERS = np.array([(i >> 2 & 1, i >> 1 & 1, i & 1) for i in range(8)], np.float64)
"""(8, 3) shares of the box: the upper bound along x where i & 4, y where i & 2, z where i & 1."""
FACES = np.array([[s if a == axis else 0.5 for a in range(3)] for axis in range(3) for s in (0, 1)])
"""(6, 3): -x, +x, -y, +y, -z, +z."""
KEYPOINTS = np.concatenate([CORNERS, np.full((1, 3), 0.5), FACES])

Points = dict[str, dict[str, tuple[float, ...]]]


def check_coordinates(truth: Truth, given: Given) -> Finding:
    """Errors in mm, in the world, of the places in the models' boxes."""
    shown = np.asarray(given["object_coordinates"], np.float64)
    errors_mm = np.zeros(truth.rows.shape)
    for k in range(1, truth.num_objs + 1):
        where = truth.rows == k
        bounds, to_obj = truth.view.caster(k).bounds, truth.view.to_obj(k)
        center, diagonal = bounds.mean(axis=0), np.linalg.norm(np.ptp(bounds, axis=0))
        found = (shown[where] - 0.5) * diagonal + center
        expected = truth.view.points[where] @ to_obj[:3, :3].T + to_obj[:3, 3]
        to_world = np.linalg.inv(to_obj)[:3, :3]
        errors_mm[where] = 1000 * np.linalg.norm((found - expected) @ to_world.T, axis=1)
    finding = judge_pixels(truth, errors_mm, MAX_ERROR_MM, "mm")
    return finding.blame("not 0 off the objects", shown[truth.settled.shown == 0].any())


def check_positions(truth: Truth, given: Given) -> Finding:
    """Errors of world positions in mm; NaN where nothing is hit."""
    shown = np.asarray(given["world_position"], np.float64)
    errors_mm = np.where(
        truth.rows >= 0, 1000 * np.linalg.norm(shown - truth.view.points, axis=2), 0
    )
    # An archive stores no greater depth, so it does not know these points.
    is_far = truth.view.cast.depth_m > MAX_STORED_DEPTH_M
    errors_mm[is_far & np.isnan(shown).all(axis=2)] = 0
    finding = judge_pixels(truth, errors_mm, MAX_ERROR_MM, "mm")
    is_wrong = np.isfinite(shown[truth.is_nothing]).any()
    return finding.blame("not NaN where nothing is hit", is_wrong)


def check_boxes_3d(truth: Truth, given: Given) -> Finding:
    """Errors of corners in px; those in mm are judged at once."""
    world = _find_points(truth, CORNERS)
    errors_px, culprits = _compare_points(truth, world, given, "box_3d", has_camera=True)
    return create_finding(errors_px, culprits)


def check_keypoints(truth: Truth, given: Given, named: Points) -> Finding:
    """Errors of points in px; visibility is judged away from edges."""
    world = np.concatenate([_find_points(truth, KEYPOINTS), _find_named(truth, named)], axis=1)
    errors_px, culprits = _compare_points(truth, world, given, "keypoint")
    shown = np.asarray(given["keypoint_visibility"]).reshape(truth.num_objs, -1)
    if shown.shape != world.shape[:2]:
        return create_finding(errors_px, [*culprits, f"visibility of {shown.shape[1]} points"])
    verdicts = np.full(world.shape[:2], OUTSIDE)
    is_there = np.isfinite(world).all(axis=2)
    verdicts[is_there] = truth.view.judge(world[is_there])
    is_sure = verdicts != UNSURE
    for k, i in np.argwhere(is_sure & (verdicts != shown)).tolist():
        culprits.append(f"object {k + 1} point {i} ({shown[k, i]}, rays say {verdicts[k, i]})")
    sure = int((is_sure & is_there).sum())
    return create_finding(errors_px, culprits, {JUDGED: sure})


def read_named_points(folder: Path) -> Points:
    """The user's points of each model, from ``keypoints.json``; none without the file.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    path = folder / POINTS_FILE
    return decode(Points, read_json(path, _MAX_FILE_BYTES)) if path.exists() else {}


def _find_points(truth: Truth, shares: np.ndarray) -> np.ndarray:
    """World positions of points given as shares (n, 3) of each object's box, (num_objs, n, 3)."""
    points = []
    for k in range(1, truth.num_objs + 1):
        low, high = truth.view.caster(k).bounds
        points.append(_to_world(truth, k, low + shares * (high - low)))
    return np.array(points)


def _find_named(truth: Truth, named: Points) -> np.ndarray:
    """World positions of the user's points, (num_objs, n, 3); NaN where a model lacks a name."""
    names = sorted({name for points in named.values() for name in points})
    found = np.full((truth.num_objs, len(names), 3), np.nan)
    for k, row in enumerate(truth.view.record):
        own = named.get(f"{row['synset_id']}/{row['model_id']}", {})
        for i, name in enumerate(names):
            if name in own:
                found[k, i] = _to_world(truth, k + 1, np.array(own[name], np.float64)[None])[0]
    return found


def _to_world(truth: Truth, row: int, points: np.ndarray) -> np.ndarray:
    matrix = truth.view.record[row - 1]["obj_to_world"]
    return points @ matrix[:3, :3].T + matrix[:3, 3]


def _compare_points(
    truth: Truth, world: np.ndarray, given: Given, prefix: str, has_camera: bool = False
) -> tuple[np.ndarray, list[str]]:
    """Errors in px of points before the camera, and which objects' points are wrong."""
    culprits, expected = [], {"world_m": world}
    if has_camera:
        expected["camera_m"] = truth.view.to_camera(world)
    for end, points in expected.items():
        shown = np.asarray(given[f"{prefix}_{end}"], np.float64).reshape(truth.num_objs, -1, 3)
        if shown.shape != points.shape:
            return np.zeros(0), [f"{prefix}_{end} of {shown.shape[1]} points"]
        errors_mm = 1000 * np.abs(shown - points).max(axis=2)
        errors_mm[np.isnan(shown).all(axis=2) & np.isnan(points).all(axis=2)] = 0
        culprits += _blame_objects(errors_mm, MAX_POINT_ERROR_MM, f"mm, {prefix}_{end}")
    positions, depth_m = truth.view.project(world)
    shown = np.asarray(given[f"{prefix}_px"], np.float64).reshape(truth.num_objs, -1, 2)
    if shown.shape != positions.shape:
        return np.zeros(0), [f"{prefix}_px of {shown.shape[1]} points"]
    errors_px = np.abs(shown - positions).max(axis=2)
    is_before = depth_m > 0  # False for NaN
    errors_px[~is_before] = 0
    culprits += _blame_objects(errors_px, MAX_POINT_ERROR_PX, f"px, {prefix}_px")
    return errors_px[is_before], culprits


def _blame_objects(errors: np.ndarray, bound: float, what: str) -> list[str]:
    worst = np.where(np.isnan(errors), np.inf, errors).max(axis=1)
    return [
        f"object {k + 1} ({worst[k]:.3g} {what})" for k in np.flatnonzero(worst > bound).tolist()
    ]


# --- masks and 2D boxes ---------------------------------------------------------------------------


MAX_SHARE_ERROR = 0.005
SMALL = "small objects"


def settle_amodal(truth: Truth, amodal: np.ndarray) -> np.ndarray:
    """Masks of the rays, (num_objs, h, w) bool; as the label where rounding decides."""
    alone = _find_alone(truth, amodal)
    settled = alone.copy()
    for k, mask in enumerate(amodal):
        ys, xs = np.nonzero(alone[k] != mask)
        if len(ys):
            hits = truth.view.cast_at(find_beside(xs + 0.5, ys + 0.5)).is_hit_alone[k]
            agrees = (hits.reshape(len(ys), -1) == mask[ys, xs, None]).any(axis=1)
            settled[k, ys, xs] = np.where(agrees, mask[ys, xs], alone[k, ys, xs])
    return settled


def _find_alone(truth: Truth, amodal: np.ndarray) -> np.ndarray:
    """Masks of the rays, (num_objs, h, w) bool; as the label where alpha is its cutoff."""
    return np.where(truth.view.cast.is_known, truth.view.cast.is_hit_alone, amodal)


def check_amodal(truth: Truth, given: Given) -> Finding:
    """Errors are 1 - IoU of each object of 100 px or more."""
    amodal = np.asarray(given["amodal"]).astype(bool)
    alone, settled = _find_alone(truth, amodal), settle_amodal(truth, amodal)
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
            share = np.sum(truth.settled.rows == k) / max(1, settled[k - 1].sum())
            if not abs(shares[k - 1] - share) <= MAX_SHARE_ERROR:
                culprits.append(f"object {k} (share {shares[k - 1]:.3f}, rays see {share:.3f})")
    return create_finding(np.array(errors), culprits, {SMALL: num_small})


def check_boxes_2d(truth: Truth, name: str, masks: np.ndarray, given: Given) -> Finding:
    """Errors in px of the side that differs most, of each object.

    It compares a field of boxes, as `mask_to_box` gives them, with masks (num_objs, h, w) of rays.
    """
    expected = np.array([mask_to_box(mask) for mask in masks])
    errors = np.abs(np.asarray(given[name]).reshape(-1, 4) - expected).max(axis=1)
    wrong = np.flatnonzero(errors > MAX_BOX_ERROR_PX)
    return create_finding(
        errors, [f"object {k + 1} ({errors[k]} px, {name})" for k in wrong.tolist()]
    )
