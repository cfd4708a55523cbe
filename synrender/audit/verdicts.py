"""Turns findings into verdicts: the bounds, and one function for each check."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from synrender.audit.check import Check, Measure, decide, skip
from synrender.audit.mask_checks import DEPTH_EDGES_MM, TIE_RADIUS_PX, LabelFindings
from synrender.audit.measure_samples import SampleFindings
from synrender.audit.poses import MAX_POSITION_ERROR_M, MAX_ROTATION_ERROR, find_pose_errors
from synrender.audit.rays.audited_dataset import Records, Subject

MIN_MEAN_IOU, MIN_IOU = 0.995, 0.97
MIN_IOU_PX = 100
"""Smaller objects are judged by their number of pixels: one pixel changes their IoU too much."""
MAX_SMALL_DIFFERENCE_PX = 3
MAX_DEPTH_ERROR_MM = 1.0  # of the 99th percentile, of each object's median, of any backdrop pixel
MAX_BOX_ERROR_PX = 1
MAX_COUNT_DIFFERENCE = 0.02  # share of visible pixels
SAMPLES, OBJECTS = "samples", "objects"
EXR_ONLY = "PNG images have no label passes"


def check_files(records: Records, findings: Sequence[SampleFindings]) -> Check:
    """Checks that no sample from the first to the last is missing, damaged, or misnamed."""
    damaged = {**records.damaged, **{f.idx: f.damage for f in findings if f.damage}}
    figures = f"{len(findings)} samples; {len(damaged)} are missing or unusable"
    culprits = (f"{i} ({why})" for i, why in sorted(damaged.items()))
    num = len(findings)
    measures = [
        Measure("missing or unusable samples", len(damaged), at_most=0, num=num, of=SAMPLES)
    ]
    return decide("files", not damaged, figures, culprits, measures)


def check_mask(subject: Subject, findings: Sequence[SampleFindings]) -> Check:
    """Intersection over union of each visible object; small ones by their number of pixels."""
    if not subject.folder.is_exr:
        return skip("mask", EXR_ONLY)
    ious, culprits, num_small, worst_small = [], [], 0, 0
    found = _labels(findings)
    for idx, labels in found.items():
        if labels.num_stray_px:
            culprits.append((-1.0, f"{idx}: {labels.num_stray_px} px of no recorded object"))
        for k, (a, b, iou) in enumerate(
            zip(labels.num_cast_px, labels.num_pass_px, labels.iou, strict=True), start=1
        ):
            if max(a, b) >= MIN_IOU_PX:
                ious.append(iou)
                if iou < MIN_IOU:
                    culprits.append((iou, f"{idx} object {k} (IoU {iou:.3f})"))
            elif max(a, b):
                num_small += 1
                worst_small = max(worst_small, abs(a - b))
                if abs(a - b) > MAX_SMALL_DIFFERENCE_PX:
                    culprits.append((0.0, f"{idx} object {k} ({b} px, rays see {a})"))
    num_ties = sum(labels.num_ties_px for labels in found.values())
    mean, low = (np.mean(ious), np.min(ious)) if ious else (1.0, 1.0)
    figures = (
        f"IoU mean {mean:.4f}, lowest {low:.4f} of {len(ious)} objects; "
        f"{num_small} under {MIN_IOU_PX} px by count; "
        f"{num_ties} px within {TIE_RADIUS_PX:g} px of an edge"
    )
    large = f"objects of at least {MIN_IOU_PX} px"
    num_stray = sum(labels.num_stray_px for labels in found.values())
    num_px = sum(int(labels.num_pass_px.sum()) for labels in found.values())
    measures = [
        Measure("mean IoU", float(mean), at_least=MIN_MEAN_IOU, num=len(ious), of=large),
        Measure("lowest IoU", float(low), at_least=MIN_IOU, num=len(ious), of=large),
        Measure(
            "largest difference of a smaller object, px",
            int(worst_small),
            at_most=MAX_SMALL_DIFFERENCE_PX,
            num=num_small,
            of=OBJECTS,
        ),
        Measure("px of no recorded object", num_stray, at_most=0, num=num_px, of="px of objects"),
    ]
    passes = mean >= MIN_MEAN_IOU and not culprits
    return decide("mask", bool(passes), figures, [c for _, c in sorted(culprits)], measures)


def check_class(subject: Subject, records: Records, findings: Sequence[SampleFindings]) -> Check:
    """Class at each pixel, and the record's class against its model's synset."""
    expected = np.array([subject.synset_ids.get(c, "") for c in records.rows["class"].tolist()])
    is_wrong = expected != records.rows["synset_id"]
    culprits = [f"{i} (class is not its model's)" for i in np.unique(records.idxs[is_wrong])]
    figures = f"{int(is_wrong.sum())} of {len(is_wrong)} objects in another class than their model"
    measures = [
        Measure(
            "objects in another class than their model",
            int(is_wrong.sum()),
            at_most=0,
            num=len(is_wrong),
            of=OBJECTS,
        )
    ]
    if not subject.folder.is_exr:
        return decide("class", not culprits, figures, culprits, measures)
    labels = _labels(findings)
    num_wrong = sum(x.num_wrong_class_px for x in labels.values())
    num_unlike = sum(x.num_unlike_instance_px for x in labels.values())
    culprits += [
        f"{i} ({x.num_wrong_class_px or x.num_unlike_instance_px} px)"
        for i, x in labels.items()
        if x.num_wrong_class_px or x.num_unlike_instance_px
    ]
    num_interior = sum(x.num_interior_px for x in labels.values())
    figures = (
        f"{num_wrong} of {num_interior} interior px wrong, {num_unlike} px anywhere unlike their "
        f"instance; {figures}"
    )
    measures += [
        Measure("wrong px", num_wrong, at_most=0, num=num_interior, of="interior px"),
        Measure(
            "px of another class than their instance",
            num_unlike,
            at_most=0,
            num=len(labels) * subject.camera.resolution**2,
            of="px",
        ),
    ]
    return decide("class", not culprits, figures, culprits, measures)


def check_depth(subject: Subject, findings: Sequence[SampleFindings]) -> Check:
    """Depth of interior pixels, and each object's median: the percentile could miss one object."""
    if not subject.folder.is_exr:
        return skip("depth", EXR_ONLY)
    found = _labels(findings)
    if not found:
        return skip("depth", "none of the chosen images can be read")
    histogram = np.sum([labels.depth_histogram for labels in found.values()], axis=0)
    median, percentile = (histogram_quantile(histogram, q) for q in (0.5, 0.99))
    worst = max(labels.max_depth_error_mm for labels in found.values())
    backdrop = max(labels.backdrop_error_mm for labels in found.values())
    culprits = [
        f"{idx} object {k} (median {error:.2f} mm)"
        for idx, labels in found.items()
        for k, error in enumerate(labels.depth_medians_mm, start=1)
        if error > MAX_DEPTH_ERROR_MM
    ]
    culprits += [
        f"{idx} backdrop ({labels.backdrop_error_mm:.2f} mm)"
        for idx, labels in found.items()
        if labels.backdrop_error_mm > MAX_DEPTH_ERROR_MM
    ]
    figures = (
        f"mm over {histogram.sum()} interior px: median {median:.4f}, 99th percentile "
        f"{percentile:.4f}, maximum {worst:.3f}; backdrop {backdrop:.4f}"
    )
    passes = percentile <= MAX_DEPTH_ERROR_MM and not culprits
    num_px, of = int(histogram.sum()), "interior px of objects"
    object_medians = [error for labels in found.values() for error in labels.depth_medians_mm]
    bound = MAX_DEPTH_ERROR_MM
    measures = [
        Measure("error, median, mm", median, num=num_px, of=of),
        Measure("error, 99th percentile, mm", percentile, at_most=bound, num=num_px, of=of),
        Measure("error, largest, mm", worst, num=num_px, of=of),
        Measure(
            "largest median of an object, mm",
            max(object_medians, default=0.0),
            at_most=bound,
            num=len(object_medians),
            of=OBJECTS,
        ),
        Measure(
            "largest error of the backdrop, mm", backdrop, at_most=bound, num=len(found), of=SAMPLES
        ),
    ]
    return decide("depth", passes, figures, culprits, measures)


def histogram_quantile(histogram: np.ndarray, q: float) -> float:
    """Upper bound of the bin that a quantile falls into, mm; 0 if empty."""
    if not histogram.sum():
        return 0.0
    bin_idx = np.searchsorted(np.cumsum(histogram), q * histogram.sum())
    return float(DEPTH_EDGES_MM[bin_idx + 1])


def check_pose(records: Records, findings: Sequence[SampleFindings]) -> Check:
    """The pose fields agree with each other, and with the OBJ file if it was cast."""
    errors = find_pose_errors(records.rows)
    culprits = set(records.idxs[~errors.are_right].tolist())
    found = {f.idx: f.positions for f in findings if f.positions is not None}
    culprits |= {idx for idx, positions in found.items() if not positions.are_right.all()}
    error_m = max((max(p.location_m.max(), p.bbox_m.max()) for p in found.values()), default=0.0)
    figures = (
        f"rotations differ by {errors.rotation.max():.1e}, obj_to_world by "
        f"{errors.linear_m.max() * 1000:.1e} mm, positions by {error_m * 1000:.1e} mm "
        f"(bound {MAX_POSITION_ERROR_M * 1000:g} mm)"
    )
    of_files = sum(len(positions.location_m) for positions in found.values())
    num, bound = len(records.rows), MAX_POSITION_ERROR_M * 1000
    linear_mm, error_mm = float(errors.linear_m.max()) * 1000, float(error_m) * 1000
    measures = [
        Measure(
            "rotation, entries",
            float(errors.rotation.max()),
            at_most=MAX_ROTATION_ERROR,
            num=num,
            of=OBJECTS,
        ),
        Measure("obj_to_world, mm", linear_mm, at_most=bound, num=num, of=OBJECTS),
        Measure("positions in the OBJ file, mm", error_mm, at_most=bound, num=of_files, of=OBJECTS),
    ]
    return decide("pose", not culprits, figures, map(str, sorted(culprits)), measures)


def check_boxes(subject: Subject, findings: Sequence[SampleFindings]) -> Check:
    """Tight boxes and numbers of visible pixels, of the instance pass and of the rays."""
    if not subject.folder.is_exr:
        return skip("boxes", EXR_ONLY)
    culprits, worst_box, worst_count, num_boxes = [], 0, 0, 0
    for idx, labels in _labels(findings).items():
        count_errors = np.abs(labels.num_cast_px - labels.num_pass_px)
        larger = np.maximum(labels.num_cast_px, labels.num_pass_px)
        is_wrong = (labels.box_errors_px > MAX_BOX_ERROR_PX) | (
            count_errors > np.maximum(MAX_SMALL_DIFFERENCE_PX, MAX_COUNT_DIFFERENCE * larger)
        )
        num_boxes += int((larger > 0).sum())
        worst_box = max(worst_box, int(labels.box_errors_px.max()))
        worst_count = max(worst_count, int(count_errors.max()))
        culprits += [f"{idx} object {k + 1}" for k in np.flatnonzero(is_wrong)]
    figures = f"{num_boxes} boxes within {worst_box} px, visible pixels within {worst_count}"
    measures = [
        Measure("box, px", worst_box, at_most=MAX_BOX_ERROR_PX, num=num_boxes, of=OBJECTS),
        Measure("visible px, largest difference", worst_count, num=num_boxes, of=OBJECTS),
        Measure(
            f"boxes or visible px out of bounds (visible px: {MAX_COUNT_DIFFERENCE:.0%}, or "
            f"{MAX_SMALL_DIFFERENCE_PX} px)",
            len(culprits),
            at_most=0,
            num=num_boxes,
            of=OBJECTS,
        ),
    ]
    return decide("boxes", not culprits, figures, culprits, measures)


def _labels(findings: Iterable[SampleFindings]) -> dict[int, LabelFindings]:
    return {f.idx: f.labels for f in findings if f.labels is not None}
