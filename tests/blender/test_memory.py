"""Memory does not grow over 200 samples with a new model each."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.helpers import PROJECT_DIR, Renderer, read_passes

NUM_SAMPLES = 200

SCRIPT = """
import json, sys
from pathlib import Path
sys.path.insert(0, ".")
import paths
from synrender.batch import render_batch
from synrender.catalog import load_catalog
from synrender.console import captured_output
from synrender.settings import load_settings

settings = load_settings(["render_single"], sys.argv[2:])
catalog, _ = load_catalog(settings)
resident_mb = []
def measure(done, total):
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    resident_mb.append(pages * 4096 / 1e6)
with captured_output():
    render_batch(settings, paths.DATA_DIR / "memory", catalog, on_sample=measure)
Path(sys.argv[1]).write_text(json.dumps(resident_mb))
import os
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
        f"object.n_buckets = {NUM_SAMPLES}",  # a bucket, and so a model, for each sample
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


TEXTURE_SCRIPT = """
import json, sys
sys.path.insert(0, ".")
import bpy
import paths
from synrender.blender import build
from synrender.batch import render_batch
from synrender.catalog import load_catalog
from synrender.console import captured_output
from synrender.settings import load_settings

build.MAX_TEXTURE_BYTES = int(sys.argv[2])
settings = load_settings(["render_multi"], sys.argv[3:])
catalog, _ = load_catalog(settings)
held, decoded = [], []
load_texture = build.load_texture
build.load_texture = lambda path: decoded.append(path) or load_texture(path)
def measure(done, total):
    held.append(sum(4 * i.size[0] * i.size[1] for i in bpy.data.images))
with captured_output():
    render_batch(settings, paths.DATA_DIR / sys.argv[1], catalog, on_sample=measure)
print(json.dumps({"held": held[1:], "num_decoded": len(decoded)}), flush=True)
import os
os._exit(0)
"""


def test_decoded_textures_are_kept_within_bounds(wheel: Renderer) -> None:
    wheel.render("warm", "batch.num_samples = 1")  # makes the demo set
    bindings = "rendering.resolution = 16", "rendering.render_samples = 1"

    def render(name: str, max_bytes: int) -> dict:
        command = [sys.executable, "-c", TEXTURE_SCRIPT, name, str(max_bytes), *bindings]
        environment = wheel.full_environment()
        done = subprocess.run(
            command, cwd=PROJECT_DIR, env=environment, check=True, timeout=300, capture_output=True
        )
        return json.loads(done.stdout.splitlines()[-1])

    kept, forgotten = render("kept", 2**30), render("forgotten", 2**20)
    num_used, one_sample = 20 * 5, 5 * 4 * 320 * 240
    assert forgotten["num_decoded"] > kept["num_decoded"]
    assert kept["num_decoded"] < num_used
    assert max(forgotten["held"]) <= 2**20 + one_sample < max(kept["held"])
    for idx in range(20):
        a, b = (read_passes(wheel.data_dir / name, idx) for name in ("kept", "forgotten"))
        for pass_name in a:
            np.testing.assert_array_equal(a[pass_name], b[pass_name])
