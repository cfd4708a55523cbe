"""Checks flow and occlusion: the point that a ray hits is moved to the partner's pose."""

from __future__ import annotations

import numpy as np

from synrender.audit.labels.ground_truth import (
    Finding,
    Given,
    Truth,
    create_finding,
    judge_pixels,
    missing,
)
from synrender.audit.rays.audited_dataset import Records
from synrender.audit.rays.view import HIDDEN, OUTSIDE, SEEN, UNSURE, RayView

MAX_ERROR_PX = 0.1
OCCLUDED, UNSURE_PX = "occluded px", "px beside an edge of the other sample"


def check_flow(truth: Truth, name: str, given: Given) -> dict[str, Finding]:
    """End-point errors in px (flow), or interior pixels that are wrong (occlusion)."""
    partner_idx = int(given["flow_to"])
    if partner_idx < 0:
        has_flow = name == "flow" and np.isfinite(given["flow"]).any()
        return {name: create_finding(np.zeros(0), ["flow to no sample"] if has_flow else [])}
    partner = truth.find_partner(partner_idx)
    if partner is None or len(partner.record) != truth.num_objs:
        return {name: missing(f"flow_to {partner_idx}: no such sample")}
    moved = move_points(truth, partner)
    check = _check_flow if name == "flow" else _check_occlusion
    return {name: check(truth, partner, moved, given[name])}


def move_points(truth: Truth, partner: RayView) -> np.ndarray:
    """Where the points at this sample's pixels are in the partner's world, (h, w, 3) m."""
    # Points of the backdrop keep their place on it; it turns with a camera that orbits.
    here, there = truth.view, partner
    turn = there.backdrop.axes @ here.backdrop.axes.T
    moved = (here.points - here.backdrop.location) @ turn.T + there.backdrop.location
    if not there.backdrop.is_shown:
        moved[here.cast.instance == 0] = np.nan
    for k in range(1, truth.num_objs + 1):
        where = truth.view.cast.instance == k
        motion = partner.record[k - 1]["obj_to_world"] @ truth.view.to_obj(k)
        moved[where] = here.points[where] @ motion[:3, :3].T + motion[:3, 3]
    return moved


def _check_flow(truth: Truth, partner: RayView, moved: np.ndarray, flow: np.ndarray) -> Finding:
    positions, _ = partner.project(moved)
    centers = truth.pixel_centers.reshape(positions.shape)
    expected = positions - centers
    errors_px = np.linalg.norm(flow - expected, axis=2)
    # An archive stores no larger flow than twice the image's side; farther points have none.
    reach_px = 2 * truth.view.camera.resolution
    with np.errstate(invalid="ignore"):
        has_place = (np.abs(expected) < reach_px).all(axis=2)
    errors_px[~has_place & np.isnan(flow).any(axis=2)] = 0
    return judge_pixels(truth, errors_px, MAX_ERROR_PX, "px")


def _check_occlusion(
    truth: Truth, partner: RayView, moved: np.ndarray, occlusion: np.ndarray
) -> Finding:
    where = (truth.rows >= 0) & np.isfinite(moved).all(axis=2)
    verdicts = partner.judge(moved[where])
    is_sure = verdicts != UNSURE
    is_wrong = is_sure & (occlusion[where] != (verdicts != SEEN))
    is_lost = np.isin(verdicts, (HIDDEN, OUTSIDE))
    culprits = [f"{is_wrong.sum()} of {is_sure.sum()} px"] if is_wrong.any() else []
    return create_finding(
        is_wrong[is_sure].astype(float),
        culprits,
        {OCCLUDED: int(is_lost.sum()), UNSURE_PX: int((~is_sure).sum())},
    )


def find_partner_faults(records: Records, partners: dict[int, int]) -> list[str]:
    """Samples whose ``flow_to``, given by sample, is not the one that the rule names.

    The partner is the next sample of the group that shows the same models in the same places of
    its record; the first of a group follows its last. Twins are a group of their own.
    """
    rows = records.by_sample()
    groups: dict[int, list[int]] = {}
    for idx, record in rows.items():
        groups.setdefault(int(record["group"][0]), []).append(idx)
    faults = []
    for idx, partner in partners.items():
        group = groups[int(rows[idx]["group"][0])]
        place = group.index(idx)
        others = [*group[place + 1 :], *group[:place]]
        same = [i for i in others if _shows_same_models(rows[idx], rows[i])]
        expected = same[0] if same else -1
        if partner != expected:
            faults.append(f"{idx} (flow_to {partner}, not {expected})")
    return faults


def _shows_same_models(a: np.ndarray, b: np.ndarray) -> bool:
    return all(np.array_equal(a[name], b[name]) for name in ("synset_id", "model_id"))
