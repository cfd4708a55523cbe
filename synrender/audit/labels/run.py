"""Checks every label of a sample that `rendering.labels` names, from each file that holds it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from synrender.audit.labels import geometry
from synrender.audit.labels.albedo import Painter, check_albedo, check_shading
from synrender.audit.labels.amodal import check_amodal, check_boxes_2d, settle_amodal
from synrender.audit.labels.flow import check_flow
from synrender.audit.labels.ground_truth import Given, Truth
from synrender.audit.labels.label_errors import Finding, missing
from synrender.audit.labels.normals import check_normal
from synrender.audit.labels.reader_under_test import RAW, Source, open_sources, read_given
from synrender.audit.mask_checks import Settled
from synrender.audit.rays.audited_dataset import Subject
from synrender.audit.rays.view import View
from synrender.images.exr import ExrImage
from synrender.settings.label_table import list_fields
from synrender.system.hindrances import Unreadable


@dataclass(frozen=True)
class CheckedLabels:
    """Of one sample, by the file that gives them; empty where there are none."""

    findings: dict[str, dict[str, Finding]] = field(default_factory=dict)  # then by label
    flow_to: dict[str, int] = field(default_factory=dict)


class LabelChecker:
    """Checks samples one after the other; opens files when the first one is checked."""

    def __init__(self, subject: Subject) -> None:
        """Opens nothing yet."""
        self._subject = subject
        self._labels = subject.settings.rendering.labels
        self._sources: list[Source] | None = None
        self._painter = Painter(subject)

    def check(
        self,
        exr: ExrImage,
        view: View,
        settled: Settled,
        find_partner: Callable[[int], View | None],
    ) -> CheckedLabels:
        """Findings about a sample; empty where the data set has no such labels."""
        checked = CheckedLabels()
        if not self._labels:
            return checked
        if self._sources is None:
            self._sources = open_sources(self._subject, tuple(list_fields(self._labels)))
        truth = Truth(exr, view, settled, find_partner)
        idx = int(view.record["sample_idx"][0])
        for source in self._sources:
            if idx not in source.rows:
                continue
            given = read_given(source, idx)
            if isinstance(given, str):
                found = {name: missing(given) for name in self._labels}
            else:
                found = self._check(truth, source, given)
                if "flow_to" in given:
                    checked.flow_to[source.name] = int(given["flow_to"])
            checked.findings[source.name] = found
        return checked

    def _check(self, truth: Truth, source: Source, given: Given) -> dict[str, Finding]:
        found: dict[str, Finding] = {}
        for name in self._labels:
            try:
                found.update(self._check_label(truth, name, given))
            # A texture or keypoints.json that cannot be read, or a field of another shape.
            except (Unreadable, OSError, ValueError, IndexError, KeyError, TypeError) as error:
                found[name] = missing(f"cannot be checked: {error}")
        if source.name == RAW:
            _compare_with_passes(truth.exr, given, found)
        return found

    def _check_label(self, truth: Truth, name: str, given: Given) -> dict[str, Finding]:
        match name:
            case "albedo":
                return check_albedo(truth, given, self._painter.find_paints(truth.view.record))
            case "flow" | "occlusion":
                return check_flow(truth, name, given)
            case "box_2d":
                masks = [truth.settled.rows == k for k in range(1, truth.num_objs + 1)]
                return {name: check_boxes_2d(truth, name, np.array(masks), given)}
            case "box_2d_amodal":
                alone = truth.view.cast.is_hit_alone
                shown = truth.exr.amodal
                masks = alone if shown is None else settle_amodal(truth, shown)
                return {name: check_boxes_2d(truth, name, masks, given)}
            case "keypoints":
                named = geometry.read_named_points(self._subject.folder.path)
                return {name: geometry.check_keypoints(truth, given, named)}
        return {name: _SIMPLE[name](truth, given)}


_SIMPLE: dict[str, Callable[[Truth, Given], Finding]] = {
    "normal": check_normal,
    "shading": check_shading,
    "amodal": check_amodal,
    "object_coordinates": geometry.check_coordinates,
    "world_position": geometry.check_positions,
    "box_3d": geometry.check_boxes_3d,
}


def _compare_with_passes(exr: ExrImage, given: Given, found: dict[str, Finding]) -> None:
    """What is rendered is given as it is in the EXR."""
    for name in ("normal", "albedo", "amodal"):
        rendered = getattr(exr, name)
        if name in given and name in found and not np.array_equal(rendered, given[name]):
            found[name] = found[name].blame(f"the EXR file's {name} pass is read differently")
