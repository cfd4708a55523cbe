"""A camera that orbits: labels and camera as the audit's rays and rotations see them."""

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

LEVELS = {
    "camera_azimuth": [0, 1.2, 2.5, -1.5],
    "camera_elevation": [-0.4, 0.5, 1.5707963267948966, 2.0],
    "camera_roll": [0, 0.5, 1.5707963267948966, 3.0],
}
NUM, SIZE = 8, 4

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def orbit(server: RenderServer) -> Path:
    """Two tuples of four twins in the camera's angles, with all labels."""
    return server.render(
        "orbit", "rendering.resolution = 32", "rendering.render_samples = 1",
        f"batch.num_samples = {NUM}", f"object.total_num_samples = {NUM}", "object.n_buckets = 1",
        "sample.num_objs = 2", f"rendering.labels = {list(LABELS)}", "design.kind = 'twins'",
        f"design.twin_size = {SIZE}", f"design.levels = {LEVELS}", config="render_multi",
    )  # fmt: skip


def test_the_audit_proves_all_labels_and_the_camera(orbit: Path) -> None:
    checks = audit(orbit, orbit.parent)
    assert [c.name for c in checks.values() if c.verdict is Verdict.FAIL] == []
    for name in ("mask", "depth", "normal", "albedo", "flow", "occlusion", "keypoints", "twins"):
        assert checks[name].verdict is Verdict.PASS, name
    assert "of 16 objects 16 are seen by a camera that orbits" in checks["camera"].figures


def test_a_camera_that_is_not_where_its_factors_say_is_found(orbit: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(orbit, tmp_path / "orbit")
    record = read_record(copy, 3)
    record["factor_values"][:, find_columns("camera_azimuth")] += 0.001
    np.save(copy / "img" / "00003.npy", record)
    checks = audit(copy, orbit.parent)
    assert checks["camera"].verdict is Verdict.FAIL
    assert checks["camera"].culprits[0].startswith("3 (")


def test_the_backdrop_looks_alike_from_everywhere(orbit: Path) -> None:
    for start in range(0, NUM, SIZE):
        depths = [read_passes(orbit, idx)["depth"] for idx in range(start, start + SIZE)]
        is_backdrop = [read_passes(orbit, i)["instance"] == 0 for i in range(start, start + SIZE)]
        for depth, is_free in zip(depths[1:], is_backdrop[1:], strict=True):
            both = is_free & is_backdrop[0]
            assert both.any()
            np.testing.assert_allclose(depth[both], depths[0][both], atol=1e-5)
