"""Each benchmark runs to its end. What they measure is of no use here: the runs are tiny."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import PROJECT_DIR

NEEDED = ("synrender", "config", "render.py", "distributed_render.py", "preprocess_data.py")

COMMANDS = [
    "costs.py labels 1",
    "costs.py environments 1",
    f"costs.py before {PROJECT_DIR} 1",
    "designs.py",
    "fanout.py 20",
    "gpu.py --device cpu --quick",
    "list_models.py -n 100",
    "million.py 300",
    "preprocess.py 24 --repeats 1",
    "render.py --compare --num_rounds 1 --num_samples 2 --num_fan_out 24 --num_scenes 0",
    "scaling.py 2000 30",
    "silhouettes.py {tmp} --samples 480 --res 32",
    "threediebench.py --samples 1 --scenes 1 --side 16 --reference 2",
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with benchmarks that may write their pages."""
    folder = tmp_path_factory.mktemp("project")
    for name in NEEDED:
        (folder / name).symlink_to(PROJECT_DIR / name)
    shutil.copytree(PROJECT_DIR / "benchmarks", folder / "benchmarks")
    return folder


@pytest.mark.slow
@pytest.mark.weekly
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command.split()[:2]))
def test_a_benchmark_runs_to_its_end(command: str, project: Path, tmp_path: Path) -> None:
    name, *arguments = command.format(tmp=tmp_path / "given").split()
    result = subprocess.run(
        [sys.executable, project / "benchmarks" / name, *arguments],
        cwd=project,
        env={**os.environ, "SYNRENDER_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    assert result.stdout.strip()
