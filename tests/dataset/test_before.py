"""Data sets of an earlier version (commit dc1e1c4, Blender 4.5.15) still work."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from synrender.audit.check import Verdict
from synrender.audit.run import audit_dataset
from synrender.dataset.folder import open_dataset_folder
from synrender.dataset.info import RENDER_REVISION
from synrender.system.folders import Folders
from tests.archive.helpers import QuickArchiver
from tests.helpers import QuickCommand, Renderer

FIXTURES = Path(__file__).parents[1] / "fixtures"
NAMES = ("before_single", "before_multi")


@pytest.fixture(params=NAMES)
def before(request: pytest.FixtureRequest, wheel: Renderer, rendered_single: Path) -> Path:
    """A copy of one old data set in the session's data folder, which has the same demo models."""
    dataset_dir = wheel.data_dir / request.param
    shutil.rmtree(dataset_dir, ignore_errors=True)
    shutil.copytree(FIXTURES / request.param, dataset_dir)
    own = json.loads((rendered_single / "dataset.json").read_text())["versions"]
    path = dataset_dir / "dataset.json"
    info = json.loads(path.read_text())
    if info["versions"]["blender"] != own["blender"]:
        pytest.skip(f"rendered with Blender {info['versions']['blender']}")
    return dataset_dir


def test_it_is_not_continued(before: Path, wheel: Renderer, idle_wheel: QuickCommand) -> None:
    """This program renders other pixels; where no sample is missing, that does not matter."""
    arguments = ["-d", before.name, "-g", str(before / "config.gin")]
    assert "samples are complete already" in idle_wheel.run(*arguments)
    (before / "img" / "00002.npy").unlink()
    files = {p: p.read_bytes() for p in before.rglob("*") if p.is_file()}
    more = ["-p", "batch.num_samples = 12"] if before.name == "before_multi" else []
    for extra in ([], more):
        output = idle_wheel.run(*arguments, *extra, status=2)
        assert (
            "has pixels of revision 1, and this program renders revision 2: version 0.1" in output
        )
        assert output.count("\n") == 2  # the first says that the demo models are used
        assert {p: p.read_bytes() for p in files} == files
    wheel.run(*arguments, "--overwrite", "-p", "batch.num_samples = 1")
    assert json.loads((before / "dataset.json").read_text())["render_revision"] == RENDER_REVISION


def test_other_settings_are_refused(before: Path, idle_wheel: QuickCommand) -> None:
    arguments = ["-d", before.name, "-g", str(before / "config.gin"), "-p", "lighting.r = 1.5"]
    output = idle_wheel.run(*arguments, status=2)
    assert "was made with lighting.r =" in output


def test_it_is_not_replayed(before: Path, idle_wheel: QuickCommand) -> None:
    output = idle_wheel.run("--replay", before.name, "3", status=2)
    assert "renders revision 2: version 0.1.0 of it replays it" in output
    assert output.count("\n") == 1


def test_it_is_archived_and_passes_the_audit(
    before: Path, wheel: Renderer, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = QuickArchiver(wheel.data_dir, capsys, monkeypatch).run(
        "-d", before.name, "-f", "-p", "-r", 32
    )
    assert "data_32.h5" in output
    folder = open_dataset_folder(wheel.data_dir, before.name)
    checks = audit_dataset(folder, Folders(wheel.data_dir), 0, jobs=1, is_quiet=True)
    assert [check.name for check in checks if check.verdict is Verdict.FAIL] == []
