"""Memory does not grow over 200 samples with a new model each."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from synrender.images.radiance import encode_radiance
from tests.assets.helpers import write_files
from tests.audit.own_models import draw_ramp, encode_image, quad_obj
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
    assert_flat(wheel, tmp_path, bindings, SYNRENDER_SHAPENET_DIR=str(shapenet))


def test_memory_is_flat_with_images_of_models(wheel: Renderer, tmp_path: Path) -> None:
    """Each model has an image of its own, which takes 1 MB when it is decoded."""
    ramp = encode_image(draw_ramp(512))
    for i in range(NUM_SAMPLES):
        files = {**quad_obj(), "ramp.png": ramp}
        write_files(tmp_path / "models" / "thing" / f"m{i:03d}", files)
    bindings = [
        *("material.source = 'own'", "material.use_texture = False"),
        *("sample.classes = ['thing']", "sample.class_idxs = 1"),
        f"batch.num_samples = {NUM_SAMPLES}",
        f"object.total_num_samples = {NUM_SAMPLES}",
        f"object.n_buckets = {NUM_SAMPLES}",
        "batch.cache_obj_frames = 1",
        "rendering.resolution = 16",
        "rendering.render_samples = 1",
    ]
    assert_flat(wheel, tmp_path, bindings, SYNRENDER_MODELS_DIR=str(tmp_path / "models"))


def test_memory_is_flat_with_environments(wheel: Renderer, tmp_path: Path) -> None:
    """24 of 8 MB each, decoded, of which 16 are kept."""
    (tmp_path / "skies").mkdir()
    data = encode_radiance(np.full((512, 1024, 3), 0.5, np.float32))
    for i in range(24):
        (tmp_path / "skies" / f"sky{i}.hdr").write_bytes(data)
    bindings = [
        *("material.use_texture = False", "design.kind = 'grid'"),
        *("design.levels = {'environment': 24}", "design.repeats = 10"),
        *(f"batch.num_samples = {NUM_SAMPLES}", "object.total_num_samples = 240"),
        *("rendering.resolution = 16", "rendering.render_samples = 1"),
    ]
    assert_flat(wheel, tmp_path, bindings, SYNRENDER_ENVIRONMENTS_DIR=str(tmp_path / "skies"))


def assert_flat(wheel: Renderer, folder: Path, bindings: list[str], **environment: str) -> None:
    """Renders, and compares the memory after half of the samples with that at the end."""
    report = folder / "memory.json"
    environment = wheel.full_environment(**environment, SYNRENDER_DATA_DIR=str(folder / "data"))
    (folder / "data").mkdir()
    (folder / "data" / "demo_assets").symlink_to(wheel.data_dir / "demo_assets")
    command = [sys.executable, "-c", SCRIPT, str(report), *bindings]
    subprocess.run(command, cwd=PROJECT_DIR, env=environment, check=True, timeout=300)
    resident_mb = json.loads(report.read_text())
    assert len(resident_mb) == NUM_SAMPLES + 1
    early, late = max(resident_mb[80:100]), max(resident_mb[180:])
    assert late - early < 10
