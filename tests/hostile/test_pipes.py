"""A pipe or a device among the files of samples hangs no program, and none takes it for a file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from synrender.cli import audit, export, preprocess, report
from tests.helpers import PROJECT_DIR, QuickCommand

NAME = "trapped"
QUICK = {
    "archive": (preprocess.COMMAND, ["-d", NAME, "-f", "-j", "1"]),
    "audit": (audit.COMMAND, ["-d", NAME, "-j", "1", "-n", "2"]),
    "certificate": (audit.COMMAND, ["-d", NAME, "-j", "1", "-n", "2", "--certificate"]),
    "report": (report.COMMAND, ["-d", NAME, "--no_audit"]),
    "contact sheet": (report.COMMAND, ["-d", NAME, "--sheet"]),
    "export": (export.COMMAND, ["-d", NAME, "--to", "webdataset", "-j", "1"]),
}
"""What needs no Blender runs in the process of the tests."""

COMMANDS = {
    "render": ["render.py", "-d", NAME, "-g", "{}/config.gin"],
    "replay": ["render.py", "--replay", NAME, "3"],
    "replay of another": ["render.py", "--replay", NAME, "4"],
}
STATUSES = {"render": 0, "replay of another": 0, "audit": 1, "certificate": 1}
"""Others end with 2."""


@pytest.fixture(params=[("single", "png"), ("single", "npy"), ("multi", "exr")])
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
@pytest.mark.timeout(120)
@pytest.mark.parametrize("program", [*COMMANDS, *QUICK])
def test_pipes_and_devices_hang_no_program(
    trapped: tuple[Path, str],
    program: str,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dataset_dir, name = trapped
    status = STATUSES.get(program, 2)
    if program in QUICK:
        command, arguments = QUICK[program]
        quick = QuickCommand(command, dataset_dir.parent, capsys, monkeypatch)
        output = quick.run(*arguments, status=status)
    else:
        arguments = [argument.format(dataset_dir) for argument in COMMANDS[program]]
        result = subprocess.run(
            [sys.executable, *arguments],
            cwd=PROJECT_DIR,
            env={**os.environ, "SYNRENDER_DATA_DIR": str(dataset_dir.parent)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
        )
        output = result.stdout
        assert result.returncode == status, output
    assert "Traceback" not in output
    if status == 2:
        assert output.count("error: ") == 1, output
        assert name in output or "3: no such complete sample" in output
