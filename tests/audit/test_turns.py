"""Models that take turns: the audit counts the groups of each in every complete bucket."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synrender.audit.check import Check, Verdict
from synrender.audit.rays.audited_dataset import Records, Subject
from synrender.audit.rays.cameras import Camera, Stage
from synrender.audit.split_shares import check_balance
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.record import create_records
from synrender.sampling.sample_plan import draw_sample
from tests.sampling.designs.helpers import create_catalog, create_settings

SETTINGS = create_settings(
    "sample.every_model = True", "object.n_buckets = 12", "batch.cache_obj_frames = 2", total=600
)
"""25 groups in each of 12 buckets."""


def draw_records() -> np.ndarray:
    catalog = create_catalog(num_models=20)  # 5 or 10 of them in each bucket
    plans = [draw_sample(SETTINGS, catalog, idx) for idx in range(600)]
    records = create_records((600,))
    for record, plan in zip(records, plans, strict=True):
        (shown,) = plan.objects
        record["sample_idx"], record["bucket"], record["group"] = plan.idx, plan.bucket, plan.group
        record["class"], record["instance"] = shown.class_idx, 1
        record["synset_id"] = f"synset{shown.class_idx}"
        record["model_id"] = shown.model.first
    return records


def check(records: np.ndarray) -> Check:
    camera = Camera(np.eye(3), np.eye(4), 32)
    subject = Subject(
        DatasetFolder(Path("x"), is_exr=False), Path("models"),
        Stage(camera, 50, SETTINGS.scene), SETTINGS, {c: f"synset{c}" for c in range(5)},
        {c: f"class {c}" for c in range(5)},
    )  # fmt: skip
    return check_balance(subject, Records(records, records["sample_idx"], {}))


@pytest.fixture(scope="module")
def records() -> np.ndarray:
    return draw_records()


def test_turns_pass_and_a_model_that_is_shown_too_often_fails(records: np.ndarray) -> None:
    found = check(records)
    assert found.verdict is Verdict.PASS, found
    assert (
        found.figures == "100 models by turns; in 12 buckets that are complete their groups "
        "differ by 1 (bound 1)"
    )
    wrong = records.copy()
    same = wrong[(wrong["bucket"] == 3)][0]
    for name in ("class", "synset_id", "model_id"):
        wrong[name][3 * 50 + 10 : 3 * 50 + 20] = same[name]
    assert check(wrong).culprits[0].startswith("bucket 3: ")


def test_a_bucket_that_lacks_samples_is_not_judged(records: np.ndarray) -> None:
    assert check(records[:30]).verdict is Verdict.NOT_APPLICABLE
