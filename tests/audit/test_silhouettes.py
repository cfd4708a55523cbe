"""The silhouette check knows how often chance fails it; see also `benchmarks/silhouettes.py`."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from synrender.audit.check import MAX_FALSE_ALARMS, Check, Verdict
from synrender.audit.measure_samples import SampleFindings
from synrender.audit.picture_verdicts import MISHAPS, check_outline, count_allowed, find_unlike
from synrender.audit.pictures import OutlineFindings
from synrender.audit.rays.audited_dataset import Records
from synrender.dataset.record import create_records
from synrender.settings.groups import Design, Material

FOUND = np.load(Path(__file__).parents[1] / "fixtures" / "outlines.npz")
"""Shift (x, y), rank and length of outlines, as the benchmark finds them: of 2,400 true samples a
resolution, and of the first 480 of them with falsified masks."""

RESOLUTIONS = (32, 48, 64)
NUM_SETS = 200


def read_outlines(name: str) -> list[OutlineFindings]:
    return [
        OutlineFindings(False, int(length), (int(x), int(y)), rank)
        for x, y, rank, length in FOUND[name].tolist()
    ]


def create_unlike(num: int) -> Records:
    """Samples of which each has its own textures."""
    rows = create_records((num,))
    rows["sample_idx"] = rows["base"] = np.arange(num)
    rows["texture"] = [f"texture/{k}.jpg" for k in range(num)]
    return Records(rows, np.arange(num), {})


def check(outlines: list[OutlineFindings], records: Records, **design: Any) -> Check:
    settings = SimpleNamespace(material=Material(), design=Design(**design))
    subject: Any = SimpleNamespace(folder=SimpleNamespace(is_exr=False), settings=settings)
    findings = [SampleFindings(k, outline=outline) for k, outline in enumerate(outlines)]
    return check_outline(subject, records, findings)


@pytest.mark.parametrize("size", [12, 120])
@pytest.mark.parametrize("res", RESOLUTIONS)
def test_no_true_data_set_fails(res: int, size: int) -> None:
    """Of 12 samples, no two data sets share one; of 120, each sample is in ten data sets."""
    rng, outlines = np.random.default_rng(0), read_outlines(f"{res} px")
    records, num_repeats = create_unlike(size), NUM_SETS * size // len(outlines)
    num_sets = 0
    for order in (rng.permutation(len(outlines)) for _ in range(num_repeats)):
        for chosen in np.split(order, len(order) // size):
            assert check([outlines[k] for k in chosen], records).verdict is Verdict.PASS
            num_sets += 1
    assert num_sets == NUM_SETS


@pytest.mark.parametrize("res", RESOLUTIONS)
@pytest.mark.parametrize(
    ("what", "size"),
    [
        ("1 px to the right", 12),
        ("2 px to the right", 12),
        ("2 px larger", 12),
        ("another pose of the model", 120),
        ("another model", 120),
    ],
)
def test_falsified_data_sets_fail(res: int, what: str, size: int) -> None:
    """All of them, of four times 480 samples."""
    rng, outlines = np.random.default_rng(0), read_outlines(f"{res} px, {what}")
    for order in (rng.permutation(len(outlines)) for _ in range(4)):
        for chosen in np.split(order, len(order) // size):
            found = check([outlines[k] for k in chosen], create_unlike(size))
            assert found.verdict is Verdict.FAIL


@pytest.mark.parametrize("res", RESOLUTIONS)
@pytest.mark.parametrize("mishap", MISHAPS, ids=lambda mishap: mishap.name)
def test_mishaps_are_rarer_than_their_bounds(res: int, mishap: Any) -> None:
    """At any length; in all, the upper 95 % limit of their number is a quarter of the bound."""
    outlines = [o for o in read_outlines(f"{res} px") if o.is_measured]
    bounds = np.array([mishap.px / o.length_px for o in outlines])
    happened = np.array([mishap.has(o) for o in outlines])
    limit = stats.chi2.isf(0.05, 2 * (happened.sum() + 1)) / 2  # of a Poisson number; 3.0 for none
    assert limit <= bounds.sum() / 4
    order = np.argsort(bounds)
    for part in np.array_split(order, 6):
        assert happened[part].sum() <= bounds[part].sum()


@pytest.mark.parametrize("size", [6, 12, 24, 120, 1000])
@pytest.mark.parametrize("res", RESOLUTIONS)
def test_a_true_data_set_fails_less_often_than_promised(res: int, size: int) -> None:
    """If each mishap is as frequent as 2,400 samples allow, with 95 % for all of them together."""
    outlines = [o for o in read_outlines(f"{res} px") if o.is_measured]
    inverse_px = np.mean([1 / o.length_px for o in outlines])
    probability = 0.0
    for mishap in MISHAPS:
        num = sum(mishap.has(o) for o in outlines)
        rate = stats.beta.isf(0.05 / len(MISHAPS), num + 1, len(outlines) - num)
        chances = np.full(size, mishap.px * inverse_px)
        allowed = count_allowed(chances, MAX_FALSE_ALARMS / len(MISHAPS))
        probability += stats.binom.sf(allowed, size, rate)
    assert probability < MAX_FALSE_ALARMS / 500


def test_more_mishaps_than_allowed_are_as_rare_as_promised() -> None:
    """With the exact distribution of a sum of unequal chances."""
    rng, alpha = np.random.default_rng(0), MAX_FALSE_ALARMS / len(MISHAPS)
    for num in (1, 5, 12, 120, 400):
        chances = MISHAPS[0].px / rng.uniform(24, 250, num)
        exact = np.ones(1)
        for chance in chances:
            exact = np.convolve(exact, [1 - chance, chance])
        allowed = count_allowed(chances, alpha)
        assert exact[allowed + 1 :].sum() <= alpha
        assert allowed < num or (chances.mean() ** num > alpha / 10)


def test_as_few_outlines_as_chance_may_misplace_are_not_judged() -> None:
    for num in (1, 3):
        outlines = [OutlineFindings(False, 60, (4, 0), 0.9)] * num
        assert check(outlines, create_unlike(num)).verdict is Verdict.NOT_APPLICABLE
    outlines = [OutlineFindings(False, 60, (4, 0), 0.9)] * 12
    assert check(outlines, create_unlike(12)).verdict is Verdict.FAIL
    short = [OutlineFindings(False, 20, (4, 0), 0.1)] * 12
    assert check(short, create_unlike(12)).verdict is Verdict.NOT_APPLICABLE


def test_pictures_that_share_what_they_show_count_once() -> None:
    """What hides an outline in one of them hides it in all."""
    outlines = [OutlineFindings(False, 60, (4, 0), 0.9)] * 24
    for name in ("base", "texture"):
        records = create_unlike(24)
        records.rows[name] = np.repeat(records.rows[name][::8], 8)
        assert find_unlike(Material(), records, range(24)) == [0, 8, 16]
        assert check(outlines, records).verdict is Verdict.NOT_APPLICABLE
    records.rows["color"] = np.random.default_rng(0).random((24, 3))
    for material in (Material(use_texture=False), Material(color_intensity=0.5)):
        assert len(find_unlike(material, records, range(24))) == 24
    assert find_unlike(Material(), records, [1, 2, 23]) == [1, 23]


def test_an_object_out_of_the_frame_is_a_fault_unless_a_design_puts_it_there() -> None:
    seen, hidden = (OutlineFindings(h, 100 * (not h), (0, 0), 1.0) for h in (False, True))
    outlines = [*[seen] * 11, hidden]
    found = check(outlines, create_unlike(12))
    assert found.verdict is Verdict.FAIL
    assert found.culprits == ("11 (shows no object)",)
    assert check(outlines, create_unlike(12), fixed={"camera_lens": 200}).verdict is Verdict.PASS
