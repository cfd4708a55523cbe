"""Verdicts about the labels that `rendering.labels` names: the bounds, and the figures in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from synrender.audit.check import (
    Check,
    Measure,
    at_most,
    count_faults,
    decide,
    list_some,
    skip,
)
from synrender.audit.labels import flow, geometry, surfaces
from synrender.audit.labels.flow import OCCLUDED, UNSURE_PX
from synrender.audit.labels.geometry import JUDGED, SMALL
from synrender.audit.labels.ground_truth import UNKNOWN_PX, Finding, Summary, summarize
from synrender.audit.labels.run import RAW
from synrender.audit.mask_checks import MAX_BOX_ERROR_PX, MIN_IOU_PX, MIN_MEAN_IOU
from synrender.audit.measure_samples import SampleFindings
from synrender.audit.rays.audited_dataset import Records, Subject


@dataclass(frozen=True)
class Rule:
    """How a label is judged: the 99th percentile of its errors, or their mean, has a bound."""

    title: str  # of the row in the table
    unit: str  # of the errors
    of: str  # what has them
    bound: float
    tell: Callable[[Summary, str], str] = lambda _, errors: errors  # figures, from those of errors
    is_mean: bool = False

    def describe(self, summary: Summary) -> str:
        """The figures in words."""
        errors = (
            f"{self.unit} over {summary.num} {self.of}: median {summary.median:.2g}, 99th "
            f"percentile {summary.percentile:.2g}, maximum {summary.largest:.2g}"
        )
        return self.tell(summary, errors)

    def measure(self, summary: Summary, num_faults: int) -> list[Measure]:
        """The figures as numbers."""
        num, of, unit = summary.num, self.of, self.unit
        what, value = "99th percentile", summary.percentile
        if self.is_mean:
            what, value = "mean", summary.mean
        return [
            at_most(f"{unit}, {what}", value, self.bound, num, of),
            Measure(f"{unit}, median", summary.median, num=num, of=of),
            Measure(f"{unit}, largest", summary.largest, num=num, of=of),
            *(Measure(name, number) for name, number in sorted(summary.numbers.items())),
            at_most("faults", num_faults, 0, num, of),
        ]


def _tell_normal(s: Summary, errors: str) -> str:
    return _tell_unknown(s, errors) if s.numbers[UNKNOWN_PX] else errors


def _tell_unknown(s: Summary, errors: str) -> str:
    return f"{errors}; {s.numbers[UNKNOWN_PX]} px not judged"


def _tell_amodal(s: Summary, _: str) -> str:
    return (
        f"IoU mean {1 - s.mean:.4f}, lowest {1 - s.largest:.4f} of {s.num} objects; "
        f"{s.numbers[SMALL]} under {MIN_IOU_PX} px by count; visible shares within "
        f"{100 * geometry.MAX_SHARE_ERROR:g} %"
    )


def _tell_occlusion(s: Summary, _: str) -> str:
    return (
        f"{round(s.mean * s.num)} of {s.num} interior px wrong, {s.numbers[OCCLUDED]} are "
        f"occluded; {s.numbers[UNSURE_PX]} more are beside an edge of the other sample"
    )


def _tell_keypoints(s: Summary, errors: str) -> str:
    return f"{errors}; visibility of {s.numbers[JUDGED]} that are away from edges"


_PIXELS = "interior px"
RULES = {
    "normal": Rule("normal", "degrees", _PIXELS, surfaces.MAX_ANGLE_DEG, _tell_normal),
    "albedo": Rule("albedo", "levels", f"{_PIXELS} of flat texture", surfaces.MAX_LEVELS),
    "shading": Rule("shading", "levels", "values, times albedo", surfaces.MAX_LEVELS),
    **{
        name: Rule(name, "error", _PIXELS, surfaces.MAX_REFLECTION_ERROR, _tell_unknown)
        for name in ("roughness", "metallic")
    },
    "amodal": Rule("amodal", "1 - IoU", "objects", 1 - MIN_MEAN_IOU, _tell_amodal, True),
    "object_coordinates": Rule("coordinates", "mm", _PIXELS, geometry.MAX_ERROR_MM),
    "world_position": Rule("positions", "mm", _PIXELS, geometry.MAX_ERROR_MM),
    "box_2d": Rule("box_2d", "px", "boxes", MAX_BOX_ERROR_PX),
    "box_2d_amodal": Rule("amodal box", "px", "boxes", MAX_BOX_ERROR_PX),
    "box_3d": Rule("box_3d", "px", "corners", geometry.MAX_POINT_ERROR_PX),
    "flow": Rule("flow", "px", _PIXELS, flow.MAX_ERROR_PX),
    "occlusion": Rule("occlusion", "wrong", _PIXELS, 0, _tell_occlusion, True),
    "keypoints": Rule("keypoints", "px", "points", geometry.MAX_POINT_ERROR_PX, _tell_keypoints),
}
"""By label."""


def check_all_labels(
    subject: Subject, records: Records, findings: Sequence[SampleFindings]
) -> list[Check]:
    """One check for each label of the data set, and one for those of its archive; or none."""
    labels = subject.settings.rendering.labels
    if not labels:
        return []
    checks = [_check_label(name, records, findings) for name in labels]
    return [*checks, _check_archive(labels, records, findings)]


def _check_label(name: str, records: Records, findings: Sequence[SampleFindings]) -> Check:
    """A label as the small files give it."""
    found, rule = _gather(findings, name, [RAW]), RULES[name]
    summary, culprits = summarize([f for _, f in found]), _find_culprits(found)
    text, more = rule.describe(summary), []
    if name == "albedo":
        elsewhere = summarize([f for _, f in _gather(findings, "albedo elsewhere", [RAW])])
        num, percentile = elsewhere.num, elsewhere.percentile
        text += f"; elsewhere 99th percentile {percentile:.2g} of {num} px"
        text, of = _tell_unknown(summary, text), "interior px of uneven texture"
        more = [Measure("levels elsewhere, 99th percentile", percentile, num=num, of=of)]
    if name in ("flow", "occlusion"):
        partners = _gather_partners(findings, [RAW])
        culprits += flow.find_partner_faults(records, partners)
        text += f"; {sum(p >= 0 for p in partners.values())} samples lead to another one"
    measures = [*rule.measure(summary, len(culprits)), *more]
    return decide(rule.title, text, culprits, measures)


def _check_archive(
    labels: Sequence[str], records: Records, findings: Sequence[SampleFindings]
) -> Check:
    """All labels in `imgs_XX.h5`, by the same rules."""
    files = sorted({name for f in findings for name in f.checked.findings if name != RAW})
    if not files:
        return skip("hdf5 labels", "no imgs_XX.h5 with labels")
    texts, culprits, measures, num_rows = [], [], [], 0
    for name in labels:
        found, rule = _gather(findings, name, files), RULES[name]
        num_rows = max(num_rows, len(found))
        summary = summarize([f for _, f in found])
        judged, *_ = rule.measure(summary, 0)
        if not judged.is_within:
            texts.append(f"{rule.title} ({rule.describe(summary)})")
        measures.append(replace(judged, name=f"{rule.title}, {judged.name}"))
        culprits += [f"{name} of {culprit}" for culprit in _find_culprits(found)]
    culprits += flow.find_partner_faults(records, _gather_partners(findings, files))
    beyond = f"beyond their bounds: {list_some(texts)}" if texts else "all within their bounds"
    figures = f"{len(labels)} labels in {num_rows} rows, {beyond}"
    measures += count_faults(culprits, num_rows, "rows")
    return decide("hdf5 labels", figures, culprits, measures)


def _gather(
    findings: Sequence[SampleFindings], name: str, sources: Sequence[str]
) -> list[tuple[int, Finding]]:
    """Findings of a check in some files, with their samples."""
    return [
        (f.idx, f.checked.findings[source][name])
        for f in findings
        for source in sources
        if name in f.checked.findings.get(source, {})
    ]


def _gather_partners(findings: Sequence[SampleFindings], sources: Sequence[str]) -> dict[int, int]:
    """The sample that flow leads to, by sample."""
    return {
        f.idx: f.checked.flow_to[source]
        for f in findings
        for source in sources
        if source in f.checked.flow_to
    }


def _find_culprits(found: Sequence[tuple[int, Finding]]) -> list[str]:
    return [f"{idx} {culprit}" for idx, finding in found for culprit in finding.culprits]
