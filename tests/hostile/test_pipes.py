"""A pipe or a device among the files of samples hangs no program, and none takes it for a file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import PROJECT_DIR

NAME = "trapped"
COMMANDS = {
    "render": ["render.py", "-d", NAME, "-g", "{}/config.gin"],
    "replay": ["render.py", "--replay", NAME, "3"],
    "replay of another": ["render.py", "--replay", NAME, "4"],
    "archive": ["preprocess_data.py", "-d", NAME, "-f", "-j", "1"],
    "audit": ["audit_dataset.py", "-d", NAME, "-j", "1", "-n", "2"],
    "certificate": ["audit_dataset.py", "-d", NAME, "-j", "1", "-n", "2", "--certificate"],
    "report": ["report_dataset.py", "-d", NAME, "--no_audit"],
    "contact sheet": ["report_dataset.py", "-d", NAME, "--sheet"],
    "export": ["export_dataset.py", "-d", NAME, "--to", "webdataset", "-j", "1"],
}
STATUSES = {"render": 0, "replay of another": 0, "audit": 1, "certificate": 1}
"""Others end with 2."""


@pytest.fixture(params=[("single", "png"), ("single", "npy"), ("multi", "exr"), ("multi", "npy")])
def trapped(
    request: pytest.FixtureRequest, rendered_single: Path, rendered_multi: Path, tmp_path: Path
) -> tuple[Path, str]:
    """A data set in which sample 3 has a pipe and sample 5 a device as image or record."""
    kind, suffix = request.param
    source = rendered_single if kind == "single" else rendered_multi
    dataset_dir = shutil.copytree(source, tmp_path / NAME)
    pipe, device = (dataset_dir / "img" / f"0000{k}.{suffix}" for k in (3, 5))
    for path in (pipe, device):
        path.unlink()
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    (tmp_path / "demo_assets").symlink_to(source.parent / "demo_assets")
    return dataset_dir, pipe.name


@pytest.mark.slow
@pytest.mark.parametrize("program", COMMANDS)
def test_pipes_and_devices_hang_no_program(trapped: tuple[Path, str], program: str) -> None:
    dataset_dir, name = trapped
    arguments = [argument.format(dataset_dir) for argument in COMMANDS[program]]
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT_DIR,
        env={**os.environ, "SYNRENDER_DATA_DIR": str(dataset_dir.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    output = result.stdout + result.stderr
    shows_records = program != "contact sheet"
    status = STATUSES.get(program, 2) if shows_records or not name.endswith("npy") else 0
    assert result.returncode == status, output
    assert "Traceback" not in output
    if result.returncode == 2:
        assert result.stderr.count("\n") == 1, output
        assert name in output or "3: no such complete sample" in output
