"""Two users of a group work in one data folder, as their umask says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import PROJECT_DIR, Renderer, as_group_member

ALICE, BOB = 1001, 1002

IN_TURNS = """
import sys
from pathlib import Path
from synrender.fanout.run import run_folder
from synrender.system.folders import Folders
from synrender.system.locks import temporary_folder

data = Path(sys.argv[1])
with run_folder(Folders(data)) as run, temporary_folder(data / ".ray", "r") as ray:
    (run / "a.json").touch()
    (ray / "log").touch()
    print("ready", flush=True)
    input()
"""


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A data folder of the group's."""
    folder = tmp_path / "shared"
    folder.mkdir()
    os.chown(folder, 0, 2000)
    folder.chmod(0o2775)
    return folder


def start(user: int, data_dir: Path, *arguments: str, umask: int = 0o002) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*as_group_member(user, umask), sys.executable, *arguments],
        cwd=PROJECT_DIR,
        env={**os.environ, "SYNRENDER_DATA_DIR": str(data_dir), "HOME": str(data_dir.parent)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(user: int, data_dir: Path, *arguments: str, umask: int = 0o002, status: int = 0) -> str:
    process = start(user, data_dir, *arguments, umask=umask)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == status, output
    return output


@pytest.mark.slow
def test_each_goes_on_with_what_the_other_began(shared: Path, wheel: Renderer) -> None:
    (shared / "demo_assets").symlink_to(wheel.data_dir / "demo_assets")
    render = ["render.py", "-d", "ours", "-p", "rendering.resolution = 32"]
    render += ["rendering.render_samples = 1", "object.total_num_samples = 12"]
    archive = ["preprocess_data.py", "-d", "ours", "-f", "-j", "1"]
    run(ALICE, shared, *render, "batch.num_samples = 1")
    run(BOB, shared, *render, "batch.num_samples = 2")
    run(ALICE, shared, *archive, "-b", "2", "-i", "0")
    run(BOB, shared, *archive)
    run(ALICE, shared, *archive, "--overwrite", "--remove_raw")
    run(BOB, shared, "render.py", "--overwrite", *render[1:], "batch.num_samples = 1")
    files = [p for p in (shared / "ours").rglob("*") if p.is_file()]
    assert {path.name for path in files} >= {".lock", "dataset.json", "00000.npy"}
    assert all(path.stat().st_mode & 0o777 == 0o664 for path in files)


def test_a_lock_that_the_other_cannot_write_to_still_works(shared: Path) -> None:
    script = "from pathlib import Path; import sys\nfrom synrender.dataset.lock import locked\n"
    script += "with locked(Path(sys.argv[1])): print('held')"
    for user in (ALICE, BOB):
        assert run(user, shared, "-c", script, str(shared), umask=0o022) == "held\n"
    assert (shared / ".lock").stat().st_mode & 0o777 == 0o644


@pytest.mark.slow
def test_both_can_fan_out_at_once(shared: Path) -> None:
    both = [start(user, shared, "-c", IN_TURNS, str(shared)) for user in (ALICE, BOB)]
    for process in both:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    folders = [*shared.glob(".fanout/*"), *shared.glob(".ray/*")]
    assert len(folders) == 4
    assert all(folder.stat().st_mode & 0o777 == 0o700 for folder in folders)  # each its user's own
    for process in both:
        output, _ = process.communicate("\n", timeout=240)
        assert process.returncode == 0, output
    assert not [*shared.glob(".fanout/*"), *shared.glob(".ray/*")]
