"""Verdicts about the labels that `rendering.labels` names: the bounds, and how figures are told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from synrender.audit import albedo, amodal, flow, geometry, normals
from synrender.audit.check import Check, decide, list_some, skip
from synrender.audit.examine import SampleFindings
from synrender.audit.finding import Finding, Summary, summarize
from synrender.audit.given import RAW
from synrender.audit.subject import Records, Subject


@dataclass(frozen=True)
class Rule:
    """How a label is judged: the 99th percentile of its errors, or their mean, has a bound."""

    title: str  # of the row in the table
    bound: float
    tell: Callable[[Summary], str]
    is_mean: bool = False

    def passes(self, summary: Summary) -> bool:
        """Whether the errors are within the bound."""
        return (summary.mean if self.is_mean else summary.percentile) <= self.bound


def _tell(unit: str, of: str) -> Callable[[Summary], str]:
    return lambda s: (
        f"{unit} over {s.num} {of}: median {s.median:.2g}, 99th percentile {s.percentile:.2g}, "
        f"maximum {s.largest:.2g}"
    )


def _tell_amodal(s: Summary) -> str:
    return (
        f"IoU mean {1 - s.mean:.4f}, lowest {1 - s.largest:.4f} of {s.num} objects; "
        f"{s.numbers.get('small', 0)} under {amodal.MIN_IOU_PX} px by count; visible shares within "
        f"{100 * amodal.MAX_SHARE_ERROR:g} %"
    )


def _tell_occlusion(s: Summary) -> str:
    wrong, numbers = round(s.mean * s.num), s.numbers
    return (
        f"{wrong} of {s.num} interior px wrong, {numbers.get('occluded', 0)} are occluded; "
        f"{numbers.get('unsure', 0)} more beside an edge of the other sample"
    )


def _tell_keypoints(s: Summary) -> str:
    return (
        f"{_tell('px', 'points')(s)}; visibility of {s.numbers.get('judged', 0)} that are away "
        f"from edges"
    )


_PIXELS = "interior px"
RULES = {
    "normal": Rule("normal", normals.MAX_ANGLE_DEG, _tell("degrees", _PIXELS)),
    "albedo": Rule("albedo", albedo.MAX_LEVELS, _tell("levels", f"{_PIXELS} of flat texture")),
    "shading": Rule("shading", albedo.MAX_LEVELS, _tell("levels", "values, times albedo")),
    "amodal": Rule("amodal", 1 - amodal.MIN_MEAN_IOU, _tell_amodal, is_mean=True),
    "object_coordinates": Rule("coordinates", geometry.MAX_ERROR_MM, _tell("mm", _PIXELS)),
    "world_position": Rule("positions", geometry.MAX_ERROR_MM, _tell("mm", _PIXELS)),
    "box_2d": Rule("box_2d", amodal.MAX_BOX_ERROR_PX, _tell("px", "boxes")),
    "box_2d_amodal": Rule("amodal box", amodal.MAX_BOX_ERROR_PX, _tell("px", "boxes")),
    "box_3d": Rule("box_3d", geometry.MAX_POINT_ERROR_PX, _tell("px", "corners")),
    "flow": Rule("flow", flow.MAX_ERROR_PX, _tell("px", _PIXELS)),
    "occlusion": Rule("occlusion", 0, _tell_occlusion),
    "keypoints": Rule("keypoints", geometry.MAX_POINT_ERROR_PX, _tell_keypoints),
}


def check_all_labels(
    subject: Subject, records: Records, findings: Sequence[SampleFindings]
) -> list[Check]:
    """One check for each label of the data set, and one for those of its archive; or none."""
    labels = subject.settings.rendering.labels
    if not labels:
        return []
    checks = []
    for name in labels:
        found = _gather(findings, name, [RAW])
        summary, culprits = summarize([f for _, f in found]), _find_culprits(found)
        rule = RULES[name]
        text = rule.tell(summary)
        if name == "albedo":
            elsewhere = summarize([f for _, f in _gather(findings, "albedo elsewhere", [RAW])])
            text += (
                f"; elsewhere 99th percentile {elsewhere.percentile:.2g} of {elsewhere.num} px; "
                f"{summary.numbers.get('unknown', 0)} px not judged"
            )
        if name in ("flow", "occlusion"):
            partners = _gather_partners(findings, [RAW])
            culprits += flow.find_partner_faults(records, partners)
            text += f"; {sum(p >= 0 for p in partners.values())} samples lead to another one"
        checks.append(decide(rule.title, rule.passes(summary) and not culprits, text, culprits))
    return [*checks, _check_archive(labels, records, findings)]


def _check_archive(
    labels: Iterable[str], records: Records, findings: Sequence[SampleFindings]
) -> Check:
    """All labels in `imgs_XX.h5`, by the same rules."""
    files = sorted({name for f in findings for name in f.checked.findings if name != RAW})
    if not files:
        return skip("hdf5 labels", "no imgs_XX.h5 with labels")
    texts, culprits, num_rows = [], [], 0
    for name in labels:
        found, rule = _gather(findings, name, files), RULES[name]
        num_rows = max(num_rows, len(found))
        summary = summarize([f for _, f in found])
        if not rule.passes(summary):
            texts.append(f"{rule.title}: {rule.tell(summary)}")
        culprits += [f"{name} of {culprit}" for culprit in _find_culprits(found)]
    culprits += flow.find_partner_faults(records, _gather_partners(findings, files))
    figures = f"{num_rows} rows, within the bounds above but for {list_some(texts) or 'none'}"
    return decide("hdf5 labels", not texts and not culprits, figures, culprits)


def _gather(
    findings: Sequence[SampleFindings], name: str, sources: Sequence[str]
) -> list[tuple[int, Finding]]:
    """Findings of a check in some sources, with their samples."""
    return [
        (f.idx, f.checked.findings[source][name])
        for f in findings
        for source in sources
        if name in f.checked.findings.get(source, {})
    ]


def _gather_partners(findings: Sequence[SampleFindings], sources: Sequence[str]) -> dict[int, int]:
    """Sample that flow leads to, by sample."""
    return {
        f.idx: f.checked.flow_to[source]
        for f in findings
        for source in sources
        if source in f.checked.flow_to
    }


def _find_culprits(found: Sequence[tuple[int, Finding]]) -> list[str]:
    return [f"{idx} {culprit}" for idx, finding in found for culprit in finding.culprits]
