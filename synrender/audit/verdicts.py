"""Turns findings into verdicts: the bounds, and one function for each check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from synrender.audit.check import Check, Measure, at_most, decide, skip
from synrender.audit.mask_checks import (
    DEPTH_EDGES_MM,
    MAX_BOX_ERROR_PX,
    MAX_COUNT_DIFFERENCE,
    MAX_SMALL_DIFFERENCE_PX,
    MIN_IOU,
    MIN_IOU_PX,
    MIN_MEAN_IOU,
    TIE_RADIUS_PX,
    DepthErrors,
    LabelFindings,
    MaskErrors,
)
from synrender.audit.measure_samples import SampleFindings
from synrender.audit.poses import MAX_POSITION_ERROR_M, MAX_ROTATION_ERROR, find_pose_errors
from synrender.audit.rays.audited_dataset import Records, Subject
from synrender.dataset.names import list_shards
from synrender.dataset.shard import Damaged, open_file

MAX_DEPTH_ERROR_MM = 1.0  # of the 99th percentile, of each object's median, of any backdrop pixel
SAMPLES, OBJECTS = "samples", "objects"
EXR_ONLY = "PNG images have no label passes"


def check_files(records: Records, findings: Sequence[SampleFindings]) -> Check:
    """Checks that no sample from the first to the last is missing, damaged, or misnamed."""
    damaged = {**records.damaged, **{f.idx: f.damage for f in findings if f.damage}}
    figures = f"{len(findings)} samples; {len(damaged)} are missing or unusable"
    culprits = [f"{i} ({why})" for i, why in sorted(damaged.items())]
    measure = at_most("missing or unusable samples", len(damaged), 0, len(findings), SAMPLES)
    return decide("files", figures, culprits, [measure])


def check_mask(subject: Subject, findings: Sequence[SampleFindings]) -> Check:
    """Intersection over union of each visible object; small ones by their number of pixels."""
    if not subject.folder.is_exr:
        return skip("mask", EXR_ONLY)
    found = _labels(findings)
    judged = judge_masks({str(idx): labels.masks for idx, labels in found.items()}, first=1)
    culprits = [
        f"{idx}: {labels.num_stray_px} px of no recorded object"
        for idx, labels in found.items()
        if labels.num_stray_px
    ]
    num_px = sum(int(labels.masks.num_label_px.sum()) for labels in found.values())
    num_unknown = sum(labels.num_unknown_px for labels in found.values())
    unknown = f"; {num_unknown} px not judged, where alpha is its cutoff" if num_unknown else ""
    num_stray = sum(labels.num_stray_px for labels in found.values())
    stray = at_most("px of no recorded object", num_stray, 0, num_px, "px of objects")
    figures, culprits = judged.figures + unknown, [*culprits, *judged.culprits]
    return decide("mask", figures, culprits, [*judged.measures, stray])


@dataclass(frozen=True)
class JudgedLabel:
    """What is known of one kind of label before it becomes a check."""

    figures: str
    culprits: list[str]  # the worst first
    measures: list[Measure]
    mean: float = 0.0  # of what is judged
    lowest: float = 0.0


def judge_masks(masks: Mapping[str, MaskErrors], first: int) -> JudgedLabel:
    """Judges masks by the IoU of each object; small objects by their number of pixels.

    They come by the name of the image, of which the first object has the number ``first``.
    """
    ious, culprits, num_small, worst_small = [], [], 0, 0
    for name, errors in masks.items():
        triples = zip(errors.num_cast_px, errors.num_label_px, errors.iou, strict=True)
        for k, (num_cast, num_label, iou) in enumerate(triples, start=first):
            if max(num_cast, num_label) >= MIN_IOU_PX:
                ious.append(iou)
                if iou < MIN_IOU:
                    culprits.append((iou, f"{name} object {k} (IoU {iou:.3f})"))
            elif max(num_cast, num_label):
                num_small += 1
                difference = abs(int(num_cast) - int(num_label))
                worst_small = max(worst_small, difference)
                if difference > MAX_SMALL_DIFFERENCE_PX:
                    line = f"{name} object {k} ({num_label} px, rays see {num_cast})"
                    culprits.append((0.0, line))
    mean, lowest = (float(np.mean(ious)), float(np.min(ious))) if ious else (1.0, 1.0)
    num_ties = sum(errors.num_ties_px for errors in masks.values())
    figures = (
        f"IoU mean {mean:.4f}, lowest {lowest:.4f} of {len(ious)} objects; "
        f"{num_small} under {MIN_IOU_PX} px by count; "
        f"{num_ties} px within {TIE_RADIUS_PX:g} px of an edge"
    )
    small, large = (
        "largest difference of a smaller object, px",
        f"objects of at least {MIN_IOU_PX} px",
    )
    measures = [
        Measure("mean IoU", mean, at_least=MIN_MEAN_IOU, num=len(ious), of=large),
        Measure("lowest IoU", lowest, at_least=MIN_IOU, num=len(ious), of=large),
        at_most(small, worst_small, MAX_SMALL_DIFFERENCE_PX, num_small, OBJECTS),
    ]
    return JudgedLabel(figures, [line for _, line in sorted(culprits)], measures, mean, lowest)


def check_class(subject: Subject, records: Records, findings: Sequence[SampleFindings]) -> Check:
    """Class at each pixel, and the record's class against its model's synset."""
    expected = np.array([subject.synset_ids.get(c, "") for c in records.rows["class"].tolist()])
    is_wrong = expected != records.rows["synset_id"]
    culprits = [f"{i} (class is not its model's)" for i in np.unique(records.idxs[is_wrong])]
    num_objs, what = int(is_wrong.sum()), "objects in another class than their model"
    figures = f"{num_objs} of {len(is_wrong)} {what}"
    measures = [at_most(what, num_objs, 0, len(is_wrong), OBJECTS)]
    if not subject.folder.is_exr:
        return decide("class", figures, culprits, measures)
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
    num_px = len(labels) * subject.camera.resolution**2
    measures += [
        at_most("wrong px", num_wrong, 0, num_interior, "interior px"),
        at_most("px of another class than their instance", num_unlike, 0, num_px, "px"),
    ]
    return decide("class", figures, culprits, measures)


def check_depth(subject: Subject, findings: Sequence[SampleFindings]) -> Check:
    """Depth of interior pixels, of the objects and of the backdrop."""
    if not subject.folder.is_exr:
        return skip("depth", EXR_ONLY)
    found = _labels(findings)
    if not found:
        return skip("depth", "none of the chosen images can be read")
    bound = MAX_DEPTH_ERROR_MM
    depths = {str(idx): labels.depth for idx, labels in found.items()}
    judged = judge_depth(depths, bound, first=1)
    backdrop = max(labels.backdrop_error_mm for labels in found.values())
    culprits = [
        f"{idx} backdrop ({labels.backdrop_error_mm:.2f} mm)"
        for idx, labels in found.items()
        if labels.backdrop_error_mm > bound
    ]
    measure = at_most("largest error of the backdrop, mm", backdrop, bound, len(found), SAMPLES)
    figures = f"{judged.figures}; backdrop {backdrop:.4f}"
    return decide("depth", figures, [*judged.culprits, *culprits], [*judged.measures, measure])


def judge_depth(depths: Mapping[str, DepthErrors], bound: float, first: int) -> JudgedLabel:
    """Judges the depth of objects' interior pixels: the 99th percentile, and each object's median.

    Both have one bound, in mm: the percentile over all pixels could miss one object. Errors come by
    the name of the image, one at least, of which the first object has the number ``first``.
    """
    histogram = np.sum([errors.histogram for errors in depths.values()], axis=0)
    median, percentile = (histogram_quantile(histogram, q) for q in (0.5, 0.99))
    largest = max(errors.largest_mm for errors in depths.values())
    medians = np.concatenate([errors.medians_mm for errors in depths.values()])
    culprits = [
        f"{name} object {k} (median {error:.2f} mm)"
        for name, errors in depths.items()
        for k, error in enumerate(errors.medians_mm, start=first)
        if error > bound
    ]
    num_px, of = int(histogram.sum()), "interior px of objects"
    figures = (
        f"mm over {num_px} interior px: median {median:.4f}, 99th percentile {percentile:.4f}, "
        f"maximum {largest:.3f}"
    )
    worst = float(medians.max(initial=0))
    measures = [
        Measure("error, median, mm", median, num=num_px, of=of),
        at_most("error, 99th percentile, mm", percentile, bound, num_px, of),
        Measure("error, largest, mm", largest, num=num_px, of=of),
        at_most("largest median of an object, mm", worst, bound, len(medians), OBJECTS),
    ]
    return JudgedLabel(figures, culprits, measures)


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
    turn, num, bound = float(errors.rotation.max()), len(records.rows), MAX_POSITION_ERROR_M * 1000
    linear_mm, error_mm = float(errors.linear_m.max()) * 1000, float(error_m) * 1000
    figures = (
        f"rotations differ by {turn:.1e}, obj_to_world by {linear_mm:.1e} mm, positions by "
        f"{error_mm:.1e} mm (bound {bound:g} mm)"
    )
    of_files = sum(len(positions.location_m) for positions in found.values())
    measures = [
        at_most("rotation, entries", turn, MAX_ROTATION_ERROR, num, OBJECTS),
        at_most("obj_to_world, mm", linear_mm, bound, num, OBJECTS),
        at_most("positions in the OBJ file, mm", error_mm, bound, of_files, OBJECTS),
    ]
    return decide("pose", figures, map(str, sorted(culprits)), measures)


def check_boxes(subject: Subject, findings: Sequence[SampleFindings]) -> Check:
    """Tight boxes and numbers of visible pixels, of the instance pass and of the rays."""
    if not subject.folder.is_exr:
        return skip("boxes", EXR_ONLY)
    culprits, worst_box, worst_count, num_boxes = [], 0, 0, 0
    for idx, labels in _labels(findings).items():
        num_cast_px, num_label_px = labels.masks.num_cast_px, labels.masks.num_label_px
        count_errors = np.abs(num_cast_px - num_label_px)
        larger = np.maximum(num_cast_px, num_label_px)
        is_wrong = (labels.box_errors_px > MAX_BOX_ERROR_PX) | (
            count_errors > np.maximum(MAX_SMALL_DIFFERENCE_PX, MAX_COUNT_DIFFERENCE * larger)
        )
        num_boxes += int((larger > 0).sum())
        worst_box = max(worst_box, int(labels.box_errors_px.max()))
        worst_count = max(worst_count, int(count_errors.max()))
        culprits += [f"{idx} object {k + 1}" for k in np.flatnonzero(is_wrong)]
    figures = f"{num_boxes} boxes within {worst_box} px, visible pixels within {worst_count}"
    beyond = (
        f"boxes or visible px out of bounds (visible px: {MAX_COUNT_DIFFERENCE:.0%}, or "
        f"{MAX_SMALL_DIFFERENCE_PX} px)"
    )
    measures = [
        at_most("box, px", worst_box, MAX_BOX_ERROR_PX, num_boxes, OBJECTS),
        Measure("visible px, largest difference", worst_count, num=num_boxes, of=OBJECTS),
        at_most(beyond, len(culprits), 0, num_boxes, OBJECTS),
    ]
    return decide("boxes", figures, culprits, measures)


def _labels(findings: Iterable[SampleFindings]) -> dict[int, LabelFindings]:
    return {f.idx: f.labels for f in findings if f.labels is not None}


# --- archives -------------------------------------------------------------------------------------


def check_stored(subject: Subject, findings: Sequence[SampleFindings]) -> Check:
    """Checks ``num_visible_px`` and ``box_px`` of ``imgs_XX.h5``, for samples that were cast."""
    files = list_shards(subject.folder.path)
    labels = _labels(findings)
    if not (files and labels):
        return skip("hdf5", "no imgs_XX.h5 with label fields")
    worst_box, worst_count, num_rows, culprits = 0, 0, 0, []
    for path in files:
        try:
            with open_file(path) as file:
                idxs, counts, boxes = (
                    file[name][()] for name in ("sample_idx", "num_visible_px", "box_px")
                )
        except Damaged as error:
            culprits.append(str(error))
            continue
        if not len(idxs):  # fewer samples than shards
            continue
        # A single object has no object axis.
        idxs = idxs.reshape(len(idxs), -1)[:, 0]
        counts, boxes = counts.reshape(len(idxs), -1), boxes.reshape(len(idxs), -1, 4)
        for row in np.flatnonzero(np.isin(idxs, list(labels))):
            found = labels[int(idxs[row])]
            box_errors = np.abs(boxes[row] - found.boxes_px).max(axis=1)
            num_cast_px = found.masks.num_cast_px
            count_errors = np.abs(counts[row] - num_cast_px)
            bound = np.maximum(MAX_SMALL_DIFFERENCE_PX, MAX_COUNT_DIFFERENCE * num_cast_px)
            num_rows += 1
            worst_box = max(worst_box, int(box_errors.max()))
            worst_count = max(worst_count, int(count_errors.max()))
            if (box_errors > MAX_BOX_ERROR_PX).any() or (count_errors > bound).any():
                culprits.append(f"{path.name} row {row}")
    figures = f"{num_rows} rows: boxes within {worst_box} px, visible pixels within {worst_count}"
    measures = [
        at_most("box, px", worst_box, MAX_BOX_ERROR_PX, num_rows, SAMPLES),
        Measure("visible px, largest difference", worst_count, num=num_rows, of=SAMPLES),
        at_most("rows out of bounds", len(culprits), 0, num_rows, SAMPLES),
    ]
    return decide("hdf5", figures, culprits, measures)
