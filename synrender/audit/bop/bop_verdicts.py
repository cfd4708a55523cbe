"""Turns findings about a BOP data set into verdicts; the bounds are those of our own data sets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synrender.assets.model_file import ModelFile
from synrender.audit.bop.bop_files import BopSet
from synrender.audit.bop.bop_view import VISIBLE_WITHIN_MM
from synrender.audit.bop.examine import MAX_SHARE_ERROR, BopFindings
from synrender.audit.check import Check, Measure, at_most, count_faults, decide, skip
from synrender.audit.mask_checks import MAX_BOX_ERROR_PX, MaskErrors
from synrender.audit.poses import MAX_ROTATION_ERROR
from synrender.audit.rays.model_caster import ModelCaster, UnusableModel
from synrender.audit.verdicts import MAX_DEPTH_ERROR_MM, OBJECTS, judge_depth, judge_masks

MAX_MODEL_ERROR_MM = 0.1
"""Of a model's box against models_info.json: the required accuracy of all geometry."""


def check_bop_files(bop: BopSet, findings: Sequence[BopFindings]) -> Check:
    """No image lacks a file, and all that were examined can be read and have one size."""
    culprits = [f"{f.name} ({f.damage})" for f in findings if f.damage]
    missing = []
    for image in bop.images:
        kinds = [kind for kind in ("depth",) if image.has(kind) and not image.find_file(kind)]
        if image.find_picture() is None:
            kinds.append("rgb or gray")
        missing += [f"{image.name} (no {kind})" for kind in kinds]
        num = len(image.objects)
        for kind in filter(image.has, ("mask", "mask_visib")):
            paths = [image.mask_path(kind, k) for k in range(num + 1)]
            missing += [f"{image.name} (no {kind}/{p.name})" for p in paths[:num] if not p.exists()]
            if paths[num].exists():
                missing.append(f"{image.name} (no object for {kind}/{paths[num].name})")
    known = {f.name for f in findings if f.damage}
    culprits += [m for m in missing if m.split(" ")[0] not in known]
    figures = f"{len(bop.images)} images, {len(findings)} examined; {len(culprits)} faults"
    return decide("files", figures, culprits, count_faults(culprits, len(bop.images), "images"))


def check_bop_models(bop: BopSet, obj_ids: Sequence[int]) -> Check:
    """Boxes of the models against models_info.json."""
    if not bop.model_boxes:
        return skip("models", "no models_info.json")
    culprits, worst = [], 0.0
    for obj_id in obj_ids:
        box_mm = bop.model_boxes.get(obj_id)
        if box_mm is None:
            culprits.append(f"{obj_id} (models_info.json says no box)")
            continue
        try:
            bounds = ModelCaster(ModelFile(bop.model_path(obj_id))).bounds
        except UnusableModel as error:
            culprits.append(f"{obj_id} ({error})")
            continue
        error_mm = float(np.abs(box_mm - bounds).max())
        worst = max(worst, error_mm)
        if not error_mm <= MAX_MODEL_ERROR_MM:
            culprits.append(f"{obj_id} (box differs by {error_mm:.2f} mm)")
    figures = f"boxes of {len(obj_ids)} models within {worst:.4f} mm of models_info.json"
    measure = at_most("box, mm", worst, MAX_MODEL_ERROR_MM, len(obj_ids), "models")
    return decide("models", figures, culprits, [measure])


def check_bop_pose(findings: Sequence[BopFindings]) -> Check:
    """The matrices are rotations. Masks and depth show whether they are the right ones."""
    errors = np.concatenate([np.zeros(0), *(f.rotation_errors for f in findings)])
    culprits = [
        f"{f.name} object {k}"
        for f in findings
        for k in np.flatnonzero(~(f.rotation_errors <= MAX_ROTATION_ERROR))
    ]
    worst = float(errors.max(initial=0))
    figures = f"cam_R_m2c of {len(errors)} objects are rotations within {worst:.1e}"
    measure = at_most("rotation, entries", worst, MAX_ROTATION_ERROR, len(errors), OBJECTS)
    return decide("pose", figures, culprits, [measure])


def _masks(findings: Sequence[BopFindings], kind: str) -> dict[str, MaskErrors]:
    masks = {f.name: f.mask if kind == "mask" else f.visible for f in findings}
    return {name: mask for name, mask in masks.items() if mask is not None}


def find_mean_iou(findings: Sequence[BopFindings], kind: str) -> tuple[float, float]:
    """Mean and lowest IoU of the larger objects of images; 1 if there are none."""
    judged = judge_masks(_masks(findings, kind), first=0)
    return judged.mean, judged.lowest


def check_bop_mask(kind: str, findings: Sequence[BopFindings], hint: str = "") -> Check:
    """IoU of each object, of masks of whole objects ("mask") or "visible" ones: `judge_masks`."""
    masks = _masks(findings, kind)
    if not masks:
        return skip(kind, f"no folder {'mask' if kind == 'mask' else 'mask_visib'}")
    judged, figures = judge_masks(masks, first=0), hint
    if kind == "visible":
        num_hidden = sum(f.num_hidden_px for f in findings)
        figures = (
            f"; up to {VISIBLE_WITHIN_MM:g} mm behind the front both answers count; {num_hidden} "
            f"px hidden by what has no annotation{hint}"
        )
    return decide(kind, judged.figures + figures, judged.culprits, judged.measures)


def check_bop_depth(bop: BopSet, findings: Sequence[BopFindings]) -> Check:
    """Depth of interior pixels of visible objects, and the median of each object."""
    found = {f.name: f.depth for f in findings if f.depth is not None}
    if not found:
        return skip("depth", "no folder depth")
    bound = max(MAX_DEPTH_ERROR_MM, *(image.depth_scale for image in bop.images))
    judged = judge_depth(found, bound, first=0)
    num_saturated = sum(f.num_saturated_px for f in findings)
    figures = (
        f"{judged.figures}; bound {bound:g}: {MAX_DEPTH_ERROR_MM:g}, or a step of the image; "
        f"{num_saturated} px too far for 16 bits"
    )
    return decide("depth", figures, judged.culprits, judged.measures)


def check_bop_info(findings: Sequence[BopFindings]) -> Check:
    """Numbers of pixels, visible share and boxes of scene_gt_info.json."""
    found = {f.name: f.info for f in findings if f.info is not None}
    if not found:
        return skip("info", "no scene_gt_info.json")
    share, count_px, box_px = (
        float(np.concatenate([getattr(info, name) for info in found.values()]).max(initial=0))
        for name in ("share", "count_px", "box_px")
    )
    culprits = [
        f"{name} object {k} ({fault})" for name, info in found.items() for k, fault in info.faults
    ]
    num = sum(len(info.share) for info in found.values())
    figures = (
        f"{num} objects: visib_fract within {share:.4f} (bound {MAX_SHARE_ERROR:g}), pixels within "
        f"{count_px:g}, boxes within {box_px:g} px (bound {MAX_BOX_ERROR_PX})"
    )
    measures = [
        Measure("visib_fract, largest difference", share, num=num, of=OBJECTS),
        Measure("numbers of pixels, largest difference", count_px, num=num, of=OBJECTS),
        at_most("boxes, px", box_px, MAX_BOX_ERROR_PX, num, OBJECTS),
        at_most("values out of bounds", len(culprits), 0, num, OBJECTS),
    ]
    return decide("info", figures, culprits, measures)
