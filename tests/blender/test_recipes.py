"""Recipes as they are rendered: small parts of them, proven by the audit."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from synrender.audit.check import Verdict
from tests.blender.audited import audit
from tests.helpers import RenderServer, read_record, read_records

NUM = 3
CHECKS = {
    "threediebench": ("mask", "depth", "camera", "lights"),
    "pug_like": ("mask", "camera", "ground"),
    "shapenet_views": ("mask", "depth", "camera"),
    "s3o4d_like": ("mask", "depth", "camera", "lights"),
    "clevr_like": ("mask", "depth", "class", "boxes", "ground", "layout", "lights"),
}
"""Checks that each recipe has to pass, besides those of all data sets."""


def render(server: RenderServer, name: str) -> Path:
    few = (
        f"batch.num_samples = {NUM}",
        "batch.cache_obj_frames = 1",
        "rendering.render_exr = True",
        "rendering.resolution = 64",
    )
    return server.render(f"recipe_{name}", *few, config=f"recipes/{name}")


@pytest.mark.slow
@pytest.mark.parametrize("name", CHECKS)
def test_the_audit_proves_a_part_of_each_recipe(server: RenderServer, name: str) -> None:
    path = render(server, name)
    checks = audit(path, path.parent)
    assert [(c.name, c.culprits) for c in checks.values() if c.verdict is Verdict.FAIL] == []
    assert {n: checks[n].verdict for n in CHECKS[name]} == dict.fromkeys(CHECKS[name], Verdict.PASS)


@pytest.mark.slow
def test_models_keep_their_own_size(server: RenderServer) -> None:
    records = read_records(render(server, "threediebench"))
    np.testing.assert_array_equal(records["scale"], 1)
    diagonals = np.linalg.norm(np.ptp(records["bbox"], axis=2), axis=2)
    np.testing.assert_allclose(diagonals, 1, atol=1e-5)  # as ShapeNet has it


@pytest.mark.slow
def test_an_object_that_is_too_near_is_found(server: RenderServer, tmp_path: Path) -> None:
    path = render(server, "clevr_like")
    copy = shutil.copytree(path, tmp_path / "data" / "clevr")
    record = read_record(copy, 1)
    record["location"][1, :2] = record["location"][0, :2] + 0.1
    np.save(copy / "img" / "00001.npy", record)
    found = audit(copy, path.parent)["layout"]
    assert found.verdict is Verdict.FAIL
    assert {"1 (objects too near)", "1 (objects in line)"} <= set(found.culprits)
