"""Models render as they were downloaded, and the audit finds and proves them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from synrender.audit.check import Check, Verdict
from synrender.audit.labels.label_verdicts import RULES
from synrender.audit.run import audit_dataset
from synrender.dataset.folder import open_dataset_folder
from synrender.settings.label_table import LABELS
from synrender.system.folders import Folders
from tests.assets.dressed import dress, write_all_formats
from tests.assets.layouts import (
    ABO,
    ANY_FOLDER,
    GOOGLE_SCANNED,
    OBJAVERSE,
    SHAPENET_V2,
    Write,
    write_glb,
    write_omniobject3d,
    write_table,
    write_v1,
)
from tests.helpers import Renderer, RenderServer

DOWNLOADS: dict[str, Write] = {
    "shapenet-v2, archives": SHAPENET_V2["an archive for each synset"],
    "shapenet-v2, one archive": SHAPENET_V2["one archive"],
    "objaverse": OBJAVERSE["in its own folder"],
    "abo": ABO["as it is downloaded"],
    "shapenet-v1": write_v1,
    "shapenet-glb": write_glb,
    "google-scanned, folders": GOOGLE_SCANNED["folders"],
    "google-scanned, archives": GOOGLE_SCANNED["archives"],
    "omniobject3d": write_omniobject3d,
    "table": write_table,
    "folder": ANY_FOLDER["a folder for each model"],
}
REPLAYED = ("shapenet-v2, archives", "objaverse", "table")  # in archives, folders and a list
LOOK = (
    "rendering.resolution = 32", "rendering.render_samples = 1", "batch.num_samples = 6",
    "object.total_num_samples = 6", "object.n_buckets = 3", "batch.cache_obj_frames = 2",
    "sample.num_objs = 2", f"rendering.labels = {list(LABELS)}",
)  # fmt: skip
ALWAYS = {"files", "mask", "class", "depth", "boxes", "pose", "images"}
TITLES = {rule.title for rule in RULES.values()}
Audit = Callable[..., dict[str, Check]]


@pytest.fixture
def audit_download(server: RenderServer) -> Audit:
    """Renders a download and audits it; returns the checks by name."""

    def audit(name: str, path: Path, *bindings: str) -> dict[str, Check]:
        named = ["sample.classes = ['chair', 'lamp']"] if "shapenet" in str(path) else []
        models = f"assets.models = {str(path)!r}"
        server.render(name, *LOOK, *named, *bindings, models, config="render_multi")
        folder = open_dataset_folder(server.data_dir, name)
        info = folder.read_info()
        assert not info.rejected
        assert not info.incomplete
        assert info.sources.models.source == str(path)
        assert str(path) not in folder.config_path.read_text()
        checks = audit_dataset(folder, Folders(server.data_dir), 0, jobs=1, is_quiet=True)
        failed = [(c.name, c.figures, c.culprits) for c in checks if c.verdict is Verdict.FAIL]
        assert not failed, failed
        return {check.name: check for check in checks}

    return audit


@pytest.mark.parametrize("download", DOWNLOADS)
def test_own_materials_of_a_download_pass_the_audit_with_all_labels(
    audit_download: Audit, wheel: Renderer, tmp_path: Path, download: str
) -> None:
    path = dress(DOWNLOADS[download](tmp_path / download.split(",")[0] / "set"))
    name = f"download_{list(DOWNLOADS).index(download)}"
    checks = audit_download(name, path, "material.source = 'own'")
    passed = {name for name, check in checks.items() if check.verdict is Verdict.PASS}
    assert passed >= ALWAYS | TITLES
    assert "; 0 px not judged" in checks["albedo"].figures
    if download in REPLAYED:
        assert "equal, pixels and record" in wheel.run("--replay", name, "3")


def test_own_materials_of_all_formats_pass_the_audit(audit_download: Audit, tmp_path: Path) -> None:
    path = write_all_formats(tmp_path / "set")
    checks = audit_download(
        "all_formats", path, "material.source = 'own'", "object.n_buckets = 1",
        "batch.num_samples = 8", "object.total_num_samples = 8",
    )  # fmt: skip
    assert "; 0 px not judged" in checks["albedo"].figures


@pytest.mark.parametrize("download", ["objaverse", "google-scanned, archives"])
def test_a_download_with_textures_passes_the_audit(
    audit_download: Audit, tmp_path: Path, download: str
) -> None:
    path = DOWNLOADS[download](tmp_path / "set")
    checks = audit_download(f"textured_{list(DOWNLOADS).index(download)}", path)
    assert {n for n, check in checks.items() if check.verdict is Verdict.PASS} >= ALWAYS | TITLES
