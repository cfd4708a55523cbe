"""Objects that stand on a ground: labels and contact as the audit's rays see them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from synrender.audit.check import Verdict
from synrender.settings.factor_table import find_columns
from synrender.settings.label_table import LABELS
from tests.blender.audited import audit
from tests.helpers import RenderServer, read_passes, read_record

LEVELS = {"camera_azimuth": [0, 0.4], "roll": [0.5, 3], "scale": [0.5, 1]}
NUM, HEIGHT_M = 6, -0.2


@pytest.fixture(scope="module")
def ground(server: RenderServer) -> Path:
    """Three sweeps, of the camera's angle and of what changes how far an object reaches down.

    The camera looks at the horizon, where the ground ends and nothing is hit.
    """
    return server.render(
        "ground", "rendering.resolution = 32", "rendering.render_samples = 1",
        f"batch.num_samples = {NUM}", f"object.total_num_samples = {NUM}", "object.n_buckets = 1",
        "sample.num_objs = 2", f"rendering.labels = {list(LABELS)}",
        "design.kind = 'one_at_a_time'", f"design.levels = {LEVELS}",
        "design.fixed = {'camera_elevation': 0.2}",
        "scene.ground = True", f"scene.ground_height = {HEIGHT_M}", "scene.backdrop_size = 8",
        config="render_multi",
    )  # fmt: skip


def test_the_audit_proves_all_labels_and_the_contact(ground: Path) -> None:
    checks = audit(ground, ground.parent)
    assert [(c.name, c.culprits) for c in checks.values() if c.verdict is Verdict.FAIL] == []
    for name in ("mask", "depth", "normal", "albedo", "flow", "occlusion", "ground", "sweeps"):
        assert checks[name].verdict is Verdict.PASS, name
    assert checks["ground"].measures[0].num == 2 * NUM


def test_the_ground_is_level_and_ends_at_the_horizon(ground: Path) -> None:
    record, passes = read_record(ground, 0), read_passes(ground, 0)
    rows, columns = np.nonzero((passes["instance"] == 0) & (passes["depth"] < 100))
    depth_m = passes["depth"][rows, columns]
    pixels = np.stack([columns + 0.5, rows + 0.5, np.ones(len(rows))])
    in_camera = np.linalg.inv(record["intrinsics"][0]) @ pixels * depth_m
    to_world = np.linalg.inv(record["world_to_camera"][0])
    heights_m = (to_world[:3, :3] @ in_camera)[2] + to_world[2, 3]
    np.testing.assert_allclose(heights_m, HEIGHT_M, atol=1e-4)
    assert (passes["depth"][0] > 100).all()


def test_an_object_that_floats_is_found(ground: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(ground, tmp_path / "ground")
    record = read_record(copy, 3)
    record["factor_values"][1, find_columns("layout")[2]] += 0.001
    np.save(copy / "img" / "00003.npy", record)
    checks = audit(copy, ground.parent)
    assert checks["ground"].verdict is Verdict.FAIL
    assert checks["ground"].culprits[0].startswith("3 object 2 (1 mm)")
