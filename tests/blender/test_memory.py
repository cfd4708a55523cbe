"""Memory does not grow over 200 samples with a new model each."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import PROJECT_DIR, Renderer

pytestmark = pytest.mark.slow  # it renders for half a minute

NUM_SAMPLES = 200

SCRIPT = """
import json, os, sys
from pathlib import Path
sys.path.insert(0, ".")
from synrender.blender.batch import BatchTask, Watch, render_batch
from synrender.dataset.claim import claim_dataset
from synrender.assets.catalog import load_catalog
from synrender.system.console import captured_output
from synrender.dataset.folder import DatasetFolder
from synrender.system.folders import find_folders
from synrender.settings.load import (load_settings)

settings = load_settings(["render_single"], sys.argv[2:])
folders = find_folders(os.environ)
catalog = load_catalog(settings, folders)
folder = DatasetFolder(folders.data / "memory", is_exr=False)
resident_mb = []
def measure(done, total):
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    resident_mb.append(pages * 4096 / 1e6)
with captured_output():
    claim_dataset(folder, settings, catalog)
    render_batch(BatchTask(settings, folder, catalog, folders.blender), Watch(measure))
Path(sys.argv[1]).write_text(json.dumps(resident_mb))
os._exit(0)
"""


def test_memory_is_flat(wheel: Renderer, tmp_path: Path) -> None:
    wheel.render("warm", "batch.num_samples = 1")  # makes the demo set
    source = wheel.data_dir / "demo_assets" / "ShapeNetCore.v2"
    planes = sorted((source / "02691156").iterdir())
    shapenet = tmp_path / "shapenet"
    (shapenet / "02691156").mkdir(parents=True)
    shutil.copy(source / "taxonomy.json", shapenet)
    for i in range(NUM_SAMPLES):
        (shapenet / "02691156" / f"m{i:03d}").symlink_to(planes[i % len(planes)])
    bindings = [
        f"batch.num_samples = {NUM_SAMPLES}",
        f"object.total_num_samples = {NUM_SAMPLES}",
        f"object.n_buckets = {NUM_SAMPLES}",  # one bucket, so one model, for each sample
        "batch.cache_obj_frames = 1",
        "rendering.resolution = 16",
        "rendering.render_samples = 1",
    ]
    report = tmp_path / "memory.json"
    environment = wheel.full_environment(SYNRENDER_SHAPENET_DIR=str(shapenet))
    command = [sys.executable, "-c", SCRIPT, str(report), *bindings]
    subprocess.run(command, cwd=PROJECT_DIR, env=environment, check=True, timeout=300)
    resident_mb = json.loads(report.read_text())
    assert len(resident_mb) == NUM_SAMPLES + 1
    early, late = max(resident_mb[80:100]), max(resident_mb[180:])
    assert late - early < 10
