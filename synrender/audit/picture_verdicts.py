"""Verdicts about pictures: what no picture should be, and where a PNG shows its objects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from synrender.audit.check import MAX_FALSE_ALARMS, Check, at_most, decide, skip
from synrender.audit.measure_samples import SampleFindings
from synrender.audit.pictures import OutlineFindings
from synrender.audit.rays.audited_dataset import Records, Subject
from synrender.settings.groups import Material

MIN_SPREAD = 1.0  # of a picture's gray value, 8-bit steps
MAX_CLIPPED_SHARE = 0.5
MAX_MAGENTA_SHARE = 0.02
OF_BRIGHTNESS = ("blank", "clipped", "magenta")
"""Faults that an exposure or an environment can make of a true picture."""
SAMPLES = "samples"


@dataclass(frozen=True)
class _Mishap:
    """What a texture, a shadow or a similar color can do to the outline of a true picture."""

    name: str
    px: float  # its probability is at most this, divided by the length of the outline in px
    has: Callable[[OutlineFindings], bool]


MISHAPS = (
    _Mishap("misplaced outlines", 12, lambda o: o.is_misplaced),
    _Mishap("outlines no better placed than by chance", 1.5, lambda o: o.is_lost),
    _Mishap("outlines further left", 8, lambda o: o.shift_px[0] < 0),
    _Mishap("outlines further right", 8, lambda o: o.shift_px[0] > 0),
    _Mishap("outlines further up", 8, lambda o: o.shift_px[1] < 0),
    _Mishap("outlines further down", 8, lambda o: o.shift_px[1] > 0),
)
"""Of 2,400 true samples each of 32, 48 and 64 px, with one object, each happened at most 0.22, 0.10
and 0.14 times as often (upper limits, 95 %; the rule of three where none happened). A true data set
of 6 to 1,000 such samples then fails with a probability below 2e-7. Nearest to the bounds
were objects of a third of the usual size (0.7 times) and scenes of several objects at 32 px (0.5),
in 24 smaller data sets of nine kinds of settings. ``benchmarks/silhouettes.py`` measures it."""

PLACING = {"layout", "camera_distance", "camera_lens"}
"""Factors by which a design can put objects out of the frame."""


def check_outline(subject: Subject, records: Records, findings: Sequence[SampleFindings]) -> Check:
    """PNG: the picture changes more across the objects' outline than across shifts of it.

    A texture may hide an outline or look like one. So each mishap is counted, and fails the data
    set where it happens more often than it does in true ones: with a probability of at most
    `MAX_FALSE_ALARMS`, if pictures that share what they show count once.
    """
    if subject.folder.is_exr:
        return skip("silhouette", "EXR images are judged by their masks")
    found = {f.idx: f.outline for f in findings if f.outline is not None}
    chosen = find_unlike(subject.settings.material, records, found)
    measured = {idx: found[idx] for idx in chosen if found[idx].is_measured}
    lengths = np.array([outline.length_px for outline in measured.values()])
    faults, measures = [], []
    for mishap in MISHAPS:
        idxs = [idx for idx, outline in measured.items() if mishap.has(outline)]
        chances = mishap.px / np.maximum(lengths, 1)
        allowed = count_allowed(chances, MAX_FALSE_ALARMS / len(MISHAPS))
        measures.append(at_most(mishap.name, len(idxs), allowed, len(measured), SAMPLES))
        if len(idxs) > allowed:
            faults += [f"{idx} (shift {found[idx].shift_px} px)" for idx in idxs]
    design = subject.settings.design
    if design.decided.isdisjoint(PLACING):
        hidden = [idx for idx, outline in found.items() if outline.is_hidden]
        faults += [f"{idx} (shows no object)" for idx in hidden]
        name = "samples whose objects are out of the frame"
        measures.append(at_most(name, len(hidden), 0, len(found), SAMPLES))
    if not faults and len(measured) <= (measures[0].at_most or 0):
        return skip(
            "silhouette", f"{len(measured)} outlines are too few to distinguish faults from chance"
        )
    figures = f"of {len(measured)} unlike pictures: " + ", ".join(
        f"{measure.value} {measure.name} (bound {measure.at_most})" for measure in measures
    )
    return decide("silhouette", figures, dict.fromkeys(faults), measures)


def count_allowed(chances: np.ndarray, alpha: float) -> int:
    """Largest number of mishaps that a data set may have.

    More happen with a probability of at most ``alpha``, if one happens to sample i with
    ``chances[i]`` or less: of all chances with the same mean, equal ones give the most (Hoeffding,
    1956).
    """
    if not len(chances):
        return 0
    return int(stats.binom.isf(alpha, len(chances), min(1.0, float(chances.mean()))))


def find_unlike(material: Material, records: Records, idxs: Iterable[int]) -> list[int]:
    """Samples of which no two share their base, or what objects and backdrop show.

    What hides the outline in one of two such pictures hides it in the other.
    """
    has_texture = material.use_texture and material.color_intensity < 1
    fields = [*(("texture", "backdrop_texture") if has_texture else ())]
    if not has_texture or material.color_intensity:
        fields += ["color", "backdrop_color"]
    if material.source == "own":
        fields += ["synset_id", "model_id"]
    wanted = set(idxs)
    seen, chosen = set(), []
    for idx, rows in records.by_sample().items():
        if idx not in wanted:
            continue
        base = int(rows["base"][0])
        look = tuple(rows[name].tobytes() for name in fields)
        if (base < 0 or ("base", base) not in seen) and look not in seen:
            chosen.append(idx)
        seen |= {("base", base), look}
    return chosen


def check_images(
    subject: Subject, findings: Sequence[SampleFindings], may_repeat: Container[int] = ()
) -> Check:
    """Blank, clipped, magenta (if all colors come from textures), not finite, or duplicate.

    A design may mean some samples to show the same as earlier ones: these may repeat.
    """
    material = subject.settings.material
    has_plain_colors = (
        not material.use_texture or material.color_intensity > 0 or material.source == "own"
    )
    max_magenta_share = 1.0 if has_plain_colors else MAX_MAGENTA_SHARE
    found = {f.idx: f.picture for f in findings if f.picture is not None}
    by_digest = defaultdict(list)
    for idx, picture in found.items():
        by_digest[picture.digest].append(idx)
    usual = {idx: picture for idx, picture in found.items() if picture.is_usual}
    faults = {
        "blank": [i for i, p in usual.items() if p.spread < MIN_SPREAD],
        "clipped": [i for i, p in usual.items() if p.clipped_share > MAX_CLIPPED_SHARE],
        "magenta": [i for i, p in usual.items() if p.magenta_share > max_magenta_share],
        "not finite": [i for i, p in found.items() if p.num_not_finite],
        "duplicate": [i for idxs in by_digest.values() for i in idxs[1:] if i not in may_repeat],
    }
    figures = f"of {len(found)}: " + ", ".join(f"{len(i)} {what}" for what, i in faults.items())
    if len(usual) < len(found):
        figures += (
            f"; {len(found) - len(usual)} not judged but for duplicates: exposed, or before an "
            "environment"
        )
    culprits = [f"{i} ({what})" for what, idxs in faults.items() for i in idxs]
    nums = {what: len(usual if what in OF_BRIGHTNESS else found) for what in faults}
    measures = [
        at_most(f"{what} images", len(idxs), 0, nums[what], SAMPLES)
        for what, idxs in faults.items()
    ]
    return decide("images", figures, culprits, measures)
