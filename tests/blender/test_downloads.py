"""Models render as they were downloaded, and the audit finds and proves them."""

from __future__ import annotations

from pathlib import Path

import pytest

from synrender.audit.check import Verdict
from synrender.audit.run import audit_dataset
from synrender.dataset.folder import open_dataset_folder
from synrender.system.folders import Folders
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
from tests.helpers import Renderer

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
LOOK = (
    "rendering.resolution = 16", "rendering.render_samples = 1", "batch.num_samples = 6",
    "object.total_num_samples = 6", "object.n_buckets = 3", "batch.cache_obj_frames = 1",
    "sample.num_objs = 2", "rendering.labels = ['normal', 'object_coordinates', 'amodal']",
)  # fmt: skip


@pytest.mark.parametrize("download", DOWNLOADS)
def test_a_download_renders_and_passes_the_audit(
    wheel: Renderer, tmp_path: Path, download: str
) -> None:
    path = DOWNLOADS[download](tmp_path / "set")
    name = f"download_{list(DOWNLOADS).index(download)}"
    named = ["sample.classes = ['chair', 'lamp']"] if "shapenet" in download else []
    models = f"assets.models = {str(path)!r}"
    output = wheel.run("-d", name, "-g", "render_multi", "-p", *LOOK, *named, models)
    assert "Models: " in output
    assert "rejected" not in output
    folder = open_dataset_folder(wheel.data_dir, name)
    info = folder.read_info()
    assert not info.rejected
    assert info.sources.models.source == str(path)
    assert str(tmp_path) not in folder.config_path.read_text()
    checks = audit_dataset(folder, Folders(wheel.data_dir), 0, jobs=1, is_quiet=True)
    assert not [check for check in checks if check.verdict is Verdict.FAIL]
    verdicts = {check.name: check.verdict for check in checks}
    assert {verdicts[n] for n in ("mask", "class", "depth", "boxes", "pose")} == {Verdict.PASS}
    assert "equal, pixels and record" in wheel.run("--replay", name, "3")
