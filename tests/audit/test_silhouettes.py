"""The silhouette check knows how often chance fails it; see also `benchmarks/silhouettes.py`."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from synrender.audit.check import MAX_FALSE_ALARMS, Check, Verdict
from synrender.audit.measure_samples import SampleFindings
from synrender.audit.picture_verdicts import MISHAPS, check_outline, count_allowed, find_unlike
from synrender.audit.pictures import OutlineFindings
from synrender.audit.rays.audited_dataset import Records
from synrender.dataset.record import create_records
from synrender.settings.groups import Design, Material

FOUND = np.load(Path(__file__).parents[1] / "fixtures" / "outlines.npz")
"""Of 600 true samples a resolution: shift (x, y), rank, length, as the benchmark finds them."""

NUM_SETS, SET_SIZE = 200, 120


def to_outline(row: np.ndarray) -> OutlineFindings:
    x, y, rank, length = row.tolist()
    return OutlineFindings(False, int(length), (int(x), int(y)), rank)


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


@pytest.mark.parametrize("res", [32, 48, 64])
def test_no_true_data_set_fails(res: int) -> None:
    rng, outlines = np.random.default_rng(0), [to_outline(row) for row in FOUND[f"res_{res}"]]
    records = create_unlike(SET_SIZE)
    for _ in range(NUM_SETS):
        chosen = rng.choice(len(outlines), SET_SIZE, replace=False)
        assert check([outlines[k] for k in chosen], records).verdict is Verdict.PASS


@pytest.mark.parametrize("res", [32, 48, 64])
@pytest.mark.parametrize("mishap", MISHAPS, ids=lambda mishap: mishap.name)
def test_mishaps_are_rarer_than_their_bounds(res: int, mishap: Any) -> None:
    """At any length; less than half as frequent in all."""
    outlines = [o for o in map(to_outline, FOUND[f"res_{res}"]) if o.is_measured]
    bounds = np.array([mishap.px / o.length_px for o in outlines])
    happened = np.array([mishap.has(o) for o in outlines])
    assert happened.sum() < bounds.sum() / 2
    order = np.argsort(bounds)
    for part in np.array_split(order, 6):
        assert happened[part].sum() <= bounds[part].sum()


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
