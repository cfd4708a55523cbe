"""Verdicts about pictures: what no picture should be, and where a PNG shows its objects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Sequence

import numpy as np

from synrender.audit.check import Check, Measure, count_faults, decide, skip
from synrender.audit.measure_samples import SampleFindings
from synrender.audit.outline import MAX_ERROR_PX
from synrender.audit.rays.audited_dataset import Subject

MIN_SPREAD = 1.0  # of a picture's grey value, 8-bit steps
MAX_CLIPPED_SHARE = 0.5
MAX_MAGENTA_SHARE = 0.02
MAX_MISPLACED_SHARE = 0.05
"""Share of pictures that may change more at another shift: a texture can hide an outline."""
MIN_RANK = 0.75
"""Lowest rank of any picture; right outlines rank above 0.96, random places at 0.5."""

SAMPLES = "samples"


def check_outline(subject: Subject, findings: Sequence[SampleFindings]) -> Check:
    """PNG: the picture changes more across the objects' outline than across shifts of it."""
    if subject.folder.is_exr:
        return skip("silhouette", "EXR images are judged by their masks")
    found = {f.idx: f.outline for f in findings if f.outline is not None}
    outside = [idx for idx, outline in found.items() if outline.num_visible_px == 0]
    hidden = [f"{i} (shows no object)" for i in outside]
    measured = {idx: outline for idx, outline in found.items() if outline.is_measured}
    if not measured:
        measures = count_faults(hidden, len(found), SAMPLES)
        return decide("silhouette", not outside, "no outline is long enough", hidden, measures)
    shifts = np.array([outline.shift_px for outline in measured.values()])
    ranks = np.array([outline.rank for outline in measured.values()])
    is_off = np.abs(shifts).max(axis=1) > MAX_ERROR_PX
    is_lost = ranks < MIN_RANK
    middle = np.median(shifts, axis=0)
    figures = (
        f"{int((~is_off).sum())} of {len(measured)} outlines where they should be, within "
        f"{MAX_ERROR_PX} px, {int(is_lost.sum())} no better than by chance; median shift "
        f"({middle[0]:g}, {middle[1]:g}) px; {len(outside)} samples show none"
    )
    num_allowed = max(1, int(MAX_MISPLACED_SHARE * len(measured)))
    passes = (
        is_off.sum() + len(outside) <= num_allowed
        and not is_lost.any()
        and np.abs(middle).max() < 1
    )
    idxs = list(measured)
    culprits = hidden + [
        f"{idxs[i]} (shift {measured[idxs[i]].shift_px} px)"
        for i in np.argsort(ranks).tolist()
        if is_off[i]
    ]
    num = len(measured)
    num_misplaced = int(is_off.sum()) + len(outside)
    measures = [
        Measure("misplaced outlines", num_misplaced, at_most=num_allowed, num=num, of=SAMPLES),
        Measure("lowest rank", float(ranks.min()), at_least=MIN_RANK, num=num, of=SAMPLES),
        Measure("median shift, px", float(np.abs(middle).max()), at_most=1, num=num, of=SAMPLES),
    ]
    return decide("silhouette", bool(passes), figures, culprits, measures)


def check_images(
    subject: Subject, findings: Sequence[SampleFindings], may_repeat: Container[int] = ()
) -> Check:
    """Blank, clipped, magenta (if all colours come from textures), not finite, or duplicate.

    Args:
        subject: the data set.
        findings: of all samples.
        may_repeat: samples that a design means to show the same as an earlier one.
    """
    has_plain_colors = (
        not subject.settings.material.use_texture or subject.settings.material.color_intensity > 0
    )
    max_magenta_share = 1.0 if has_plain_colors else MAX_MAGENTA_SHARE
    found = {f.idx: f.picture for f in findings if f.picture is not None}
    by_digest = defaultdict(list)
    for idx, picture in found.items():
        by_digest[picture.digest].append(idx)
    faults = {
        "blank": [i for i, p in found.items() if p.spread < MIN_SPREAD],
        "clipped": [i for i, p in found.items() if p.clipped_share > MAX_CLIPPED_SHARE],
        "magenta": [i for i, p in found.items() if p.magenta_share > max_magenta_share],
        "not finite": [i for i, p in found.items() if p.num_not_finite],
        "duplicate": [i for idxs in by_digest.values() for i in idxs[1:] if i not in may_repeat],
    }
    figures = f"of {len(found)}: " + ", ".join(f"{len(i)} {what}" for what, i in faults.items())
    culprits = [f"{i} ({what})" for what, idxs in faults.items() for i in idxs]
    measures = [
        Measure(f"{what} images", len(idxs), at_most=0, num=len(found), of=SAMPLES)
        for what, idxs in faults.items()
    ]
    return decide("images", not culprits, figures, culprits, measures)
