"""Every Blender's labels pass the audit, of clean and of odd models."""

from __future__ import annotations

from pathlib import Path

import pytest

from synrender.audit.check import Check, Verdict
from synrender.audit.labels.label_verdicts import RULES
from synrender.audit.run import audit_dataset
from synrender.dataset.folder import open_dataset_folder
from synrender.settings.label_table import LABELS
from synrender.system.folders import Folders
from tests.audit.shapes import ODD_MODELS, POLYGON_MODELS
from tests.helpers import RenderServer, read_record, write_shapenet

SETTINGS = (
    "rendering.resolution = 64", "rendering.render_samples = 1", "object.n_buckets = 1",
    "batch.cache_obj_frames = 2", f"rendering.labels = {list(LABELS)}",
)  # fmt: skip


def render_and_audit(each_server: RenderServer, name: str, *bindings: str) -> list[Check]:
    each_server.render(name, *SETTINGS, *bindings, config="render_multi")
    folder = open_dataset_folder(each_server.data_dir, name)
    return audit_dataset(folder, Folders(each_server.data_dir), 0, jobs=1, is_quiet=True)


def assert_labels_pass(checks: list[Check]) -> None:
    failed = [(c.name, c.figures, c.culprits) for c in checks if c.verdict is Verdict.FAIL]
    assert not failed, failed
    passed = {check.name for check in checks if check.verdict is Verdict.PASS}
    assert passed >= {rule.title for rule in RULES.values()}


def test_labels_of_demo_models(each_server: RenderServer) -> None:
    assert_labels_pass(
        render_and_audit(
            each_server, "audited_demo", "sample.num_objs = 3", "object.random_viewpoint = 0.5",
            "batch.num_samples = 4", "object.total_num_samples = 4",
        )
    )  # fmt: skip


@pytest.mark.parametrize("models", [ODD_MODELS, POLYGON_MODELS], ids=["odd", "polygons"])
def test_labels_of_odd_models(
    each_server: RenderServer, tmp_path: Path, models: dict[str, str]
) -> None:
    shapenet = write_shapenet(tmp_path, models)
    name = f"audited_{'odd' if models is ODD_MODELS else 'polygons'}"
    checks = render_and_audit(
        each_server, name, "sample.num_objs = 4", "object.random_viewpoint = 2",
        "batch.num_samples = 12", "object.total_num_samples = 12", "sample.class_idxs = 1",
        f"assets.models = {str(shapenet)!r}",
    )  # fmt: skip
    folder = each_server.data_dir / name
    shown = {row["model_id"] for idx in range(12) for row in read_record(folder, idx)}
    assert shown == set(models)
    assert_labels_pass(checks)
