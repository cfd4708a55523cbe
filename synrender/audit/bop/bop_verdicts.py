"""Turns findings about a BOP data set into verdicts; the bounds are those of our own data sets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synrender.audit.bop.bop_files import BopSet
from synrender.audit.bop.bop_view import VISIBLE_WITHIN_MM
from synrender.audit.bop.examine import BopFindings, MaskErrors
from synrender.audit.bop.gt_info import MAX_BOX_ERROR_PX, MAX_SHARE_ERROR
from synrender.audit.check import Check, Measure, decide, skip
from synrender.audit.mask_checks import TIE_RADIUS_PX
from synrender.audit.poses import MAX_ROTATION_ERROR
from synrender.audit.rays.model_caster import ModelCaster, UnusableModel
from synrender.audit.verdicts import (
    MAX_DEPTH_ERROR_MM,
    MAX_SMALL_DIFFERENCE_PX,
    MIN_IOU,
    MIN_IOU_PX,
    MIN_MEAN_IOU,
    histogram_quantile,
)

MAX_MODEL_ERROR_MM = 0.1
"""Of a model's box against models_info.json: the required accuracy of all geometry."""

OBJECTS = "objects"


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
    measure = Measure("faults", len(culprits), at_most=0, num=len(bop.images), of="images")
    return decide("files", not culprits, figures, culprits, [measure])


def check_bop_models(bop: BopSet, obj_ids: Sequence[int]) -> Check:
    """Boxes of the models against models_info.json."""
    if not bop.models_info:
        return skip("models", "no models_info.json")
    culprits, worst = [], 0.0
    for obj_id in obj_ids:
        info = bop.models_info.get(obj_id, {})
        try:
            low = np.array([float(info[f"min_{axis}"]) for axis in "xyz"])
            size = np.array([float(info[f"size_{axis}"]) for axis in "xyz"])
            bounds = ModelCaster(bop.model_path(obj_id)).bounds
        except (KeyError, TypeError, ValueError):
            culprits.append(f"{obj_id} (models_info.json says no box)")
            continue
        except UnusableModel as error:
            culprits.append(f"{obj_id} ({error})")
            continue
        error_mm = float(np.abs(np.stack([low, low + size]) - bounds).max())
        worst = max(worst, error_mm)
        if not error_mm <= MAX_MODEL_ERROR_MM:
            culprits.append(f"{obj_id} (box differs by {error_mm:.2f} mm)")
    figures = f"boxes of {len(obj_ids)} models within {worst:.4f} mm of models_info.json"
    measure = Measure("box, mm", worst, at_most=MAX_MODEL_ERROR_MM, num=len(obj_ids), of="models")
    return decide("models", not culprits, figures, culprits, [measure])


def check_bop_pose(findings: Sequence[BopFindings]) -> Check:
    """The matrices are rotations; whether they are the right ones, masks and depth tell."""
    errors = np.concatenate([np.zeros(0), *(f.rotation_errors for f in findings)])
    culprits = [
        f"{f.name} object {k}"
        for f in findings
        for k in np.flatnonzero(~(f.rotation_errors <= MAX_ROTATION_ERROR))
    ]
    worst = float(errors.max(initial=0))
    figures = f"cam_R_m2c of {len(errors)} objects are rotations within {worst:.1e}"
    measure = Measure(
        "rotation, entries", worst, at_most=MAX_ROTATION_ERROR, num=len(errors), of=OBJECTS
    )
    return decide("pose", not culprits, figures, culprits, [measure])


def _masks(findings: Sequence[BopFindings], kind: str) -> dict[str, MaskErrors]:
    masks = {f.name: f.mask if kind == "mask" else f.visible for f in findings}
    return {name: mask for name, mask in masks.items() if mask is not None}


def find_mean_iou(findings: Sequence[BopFindings], kind: str) -> tuple[float, float]:
    """Mean and lowest IoU of the larger objects of images; 1 if there are none."""
    masks = _masks(findings, kind).values()
    larger = [np.maximum(m.num_cast_px, m.num_label_px) >= MIN_IOU_PX for m in masks]
    ious = np.concatenate([np.zeros(0), *(m.iou[k] for m, k in zip(masks, larger, strict=True))])
    return (float(ious.mean()), float(ious.min())) if len(ious) else (1.0, 1.0)


def check_bop_mask(kind: str, findings: Sequence[BopFindings], hint: str = "") -> Check:
    """Intersection over union of each object; small ones by their number of pixels.

    Args:
        kind: "mask" of whole objects, or "visible".
        findings: about all images.
        hint: to be added to the figures.
    """
    masks = _masks(findings, kind)
    if not masks:
        return skip(kind, f"no folder {'mask' if kind == 'mask' else 'mask_visib'}")
    culprits, num_large, num_small, worst_small = [], 0, 0, 0
    for name, mask in masks.items():
        triples = zip(mask.num_cast_px, mask.num_label_px, mask.iou, strict=True)
        for k, (num_cast, num_label, iou) in enumerate(triples):
            if max(num_cast, num_label) >= MIN_IOU_PX:
                num_large += 1
                if iou < MIN_IOU:
                    culprits.append((iou, f"{name} object {k} (IoU {iou:.3f})"))
                continue
            difference = abs(int(num_cast) - int(num_label))
            num_small += 1
            worst_small = max(worst_small, difference)
            if difference > MAX_SMALL_DIFFERENCE_PX:
                line = f"{name} object {k} ({num_label} px, rays see {num_cast})"
                culprits.append((0.0, line))
    mean, low = find_mean_iou(findings, kind)
    num_ties = sum(mask.num_ties for mask in masks.values())
    figures = (
        f"IoU mean {mean:.4f}, lowest {low:.4f} of {num_large} objects; {num_small} under "
        f"{MIN_IOU_PX} px by count; {num_ties} px within {TIE_RADIUS_PX:g} px of an edge"
    )
    if kind == "visible":
        num_hidden = sum(f.num_hidden_px for f in findings)
        figures += (
            f"; up to {VISIBLE_WITHIN_MM:g} mm behind the front both answers count; {num_hidden} "
            "px hidden by what has no annotation"
        )
    measures = [
        Measure("mean IoU", mean, at_least=MIN_MEAN_IOU, num=num_large, of=OBJECTS),
        Measure("lowest IoU", low, at_least=MIN_IOU, num=num_large, of=OBJECTS),
        Measure(
            "largest difference of a smaller object, px",
            worst_small,
            at_most=MAX_SMALL_DIFFERENCE_PX,
            num=num_small,
            of=OBJECTS,
        ),
    ]
    lines = [line for _, line in sorted(culprits)]
    return decide(kind, mean >= MIN_MEAN_IOU and not lines, figures + hint, lines, measures)


def check_bop_depth(bop: BopSet, findings: Sequence[BopFindings]) -> Check:
    """Depth of interior pixels of visible objects, and the median of each object."""
    found = {f.name: f.depth for f in findings if f.depth is not None}
    if not found:
        return skip("depth", "no folder depth")
    bound = max(MAX_DEPTH_ERROR_MM, *(image.depth_scale for image in bop.images))
    histogram = np.sum([d.histogram for d in found.values()], axis=0)
    median, percentile = (histogram_quantile(histogram, q) for q in (0.5, 0.99))
    worst = max(d.largest_mm for d in found.values())
    medians = np.concatenate([d.medians_mm for d in found.values()])
    culprits = [
        f"{name} object {k} (median {depth.medians_mm[k]:.2f} mm)"
        for name, depth in found.items()
        for k in np.flatnonzero(depth.medians_mm > bound)
    ]
    num_saturated = sum(d.num_saturated for d in found.values())
    num_px = int(histogram.sum())
    figures = (
        f"mm over {num_px} interior px: median {median:.4f}, 99th percentile {percentile:.4f}, "
        f"maximum {worst:.3f}; bound {bound:g}: {MAX_DEPTH_ERROR_MM:g}, or a step of the image; "
        f"{num_saturated} px too far for 16 bits"
    )
    of = "interior px of objects"
    measures = [
        Measure("error, median, mm", median, num=num_px, of=of),
        Measure("error, 99th percentile, mm", percentile, at_most=bound, num=num_px, of=of),
        Measure(
            "largest median of an object, mm",
            float(medians.max(initial=0)),
            at_most=bound,
            num=len(medians),
            of=OBJECTS,
        ),
    ]
    return decide("depth", percentile <= bound and not culprits, figures, culprits, measures)


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
        Measure("boxes, px", box_px, at_most=MAX_BOX_ERROR_PX, num=num, of=OBJECTS),
        Measure("values out of bounds", len(culprits), at_most=0, num=num, of=OBJECTS),
    ]
    return decide("info", not culprits, figures, culprits, measures)
