"""A start on a GPU compiles kernels first, changes no pixel, and is not held against a sample."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from synrender.crashes.journal import COMPILE_LIMIT_S, STARTUP_LIMIT_S
from synrender.fanout.job import Job
from synrender.settings.groups import Rendering, Settings
from synrender.system.folders import Folders
from tests.helpers import PROJECT_DIR

CODE = """
import sys
from pathlib import Path
from synrender.blender.start import prepare_blender
prepare_blender(Path(sys.argv[1]))
import bpy
from synrender.blender.engine import compile_kernels, start_engine
from synrender.settings.groups import Rendering
scene = start_engine(Rendering(resolution=64, render_samples=3)).scene
print(compile_kernels(scene, "OPTIX: NVIDIA L4"), compile_kernels(scene, "OPTIX: NVIDIA L4"))
print(scene.render.resolution_x, scene.render.resolution_y, scene.cycles.samples)
print(len(bpy.data.objects), len(bpy.data.cameras), scene.camera)
"""


def test_kernels_are_compiled_once_and_leave_the_scene_as_it_was(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CODE, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT_DIR, check=True)
    lines = [line for line in result.stdout.splitlines() if line and "Saved" not in line]
    assert lines[-3:] == ["False True", "64 64 3", "0 0 None"]
    assert result.stderr.count("compiling the kernels of OPTIX: NVIDIA L4, once on this") == 1


def test_a_machine_without_a_gpu_has_nothing_to_warm_up(tmp_path: Path) -> None:
    environment = {**os.environ, "SYNRENDER_DATA_DIR": str(tmp_path), "CUDA_VISIBLE_DEVICES": ""}
    result = subprocess.run(
        [sys.executable, "-m", "synrender.warmup"],
        capture_output=True,
        text=True,
        cwd=PROJECT_DIR,
        env=environment,
        check=False,
    )
    assert (result.returncode, result.stderr) == (1, "")
    assert "Blender sees no GPU here" in result.stdout


def test_the_limits_of_time_leave_room_for_compiling(tmp_path: Path) -> None:
    settings = Settings(rendering=Rendering(use_gpu=True))
    on_cpu, on_gpu = (
        Job("a", "run", "name", chosen, (0, 1), Folders(tmp_path), time_limit=10)
        for chosen in (Settings(), settings)
    )
    assert on_cpu.limit_s == 30 + STARTUP_LIMIT_S
    assert on_gpu.limit_s == 30 + COMPILE_LIMIT_S
    assert on_gpu.silence_limit_s - on_cpu.silence_limit_s == COMPILE_LIMIT_S - STARTUP_LIMIT_S
