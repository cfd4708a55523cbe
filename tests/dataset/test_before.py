"""Data sets of an earlier version (commit dc1e1c4, Blender 4.5.15) still work."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from synrender.audit.check import Verdict
from synrender.audit.run import audit_dataset
from synrender.dataset.folder import open_dataset_folder
from synrender.dataset.record import FIRST_NEW_FIELD, RECORD_DTYPE
from synrender.system.folders import Folders
from tests.archive.helpers import Archiver
from tests.helpers import Renderer

FIXTURES = Path(__file__).parents[1] / "fixtures"
NAMES = ("before_single", "before_multi")
OLD_NAMES = list(RECORD_DTYPE.names[: RECORD_DTYPE.names.index(FIRST_NEW_FIELD)])


@pytest.fixture(params=NAMES)
def before(request: pytest.FixtureRequest, wheel: Renderer) -> Path:
    """A copy of one old data set in the session's data folder, which has the same demo models."""
    dataset_dir = wheel.data_dir / request.param
    shutil.rmtree(dataset_dir, ignore_errors=True)
    shutil.copytree(FIXTURES / request.param, dataset_dir)
    wheel.render("warm", "batch.num_samples = 1")  # makes the demo set
    own = json.loads((wheel.data_dir / "warm" / "dataset.json").read_text())["versions"]
    path = dataset_dir / "dataset.json"
    info = json.loads(path.read_text())
    if info["versions"]["blender"] != own["blender"]:
        pytest.skip(f"rendered with Blender {info['versions']['blender']}")
    return dataset_dir


def read_old_fields(dataset_dir: Path) -> np.ndarray:
    """Records of all samples, (n, num_objs), with the fields that there were then."""
    folder = open_dataset_folder(dataset_dir.parent, dataset_dir.name)
    records = np.stack([folder.read_record(idx) for idx in folder.list_samples().pairs])
    return records[OLD_NAMES]


def test_it_is_resumed(before: Path, wheel: Renderer) -> None:
    (before / "img" / "00002.npy").unlink()
    kept = {p: p.stat().st_mtime_ns for p in (before / "img").iterdir() if p.stem != "00002"}
    records = read_old_fields(FIXTURES / before.name)
    wheel.run("-d", before.name, "-g", str(before / "config.gin"))
    assert {p: p.stat().st_mtime_ns for p in kept} == kept
    np.testing.assert_array_equal(read_old_fields(before), records)
    num_samples = len(records)
    if before.name == "before_multi":  # half of a data set: the rest can be added
        config = ["-d", before.name, "-g", str(before / "config.gin")]
        wheel.run(*config, "-p", "batch.num_samples = 12")
        num_samples = 12
        np.testing.assert_array_equal(read_old_fields(before)[:6], records)
    info = json.loads((before / "dataset.json").read_text())
    assert info["settings"]["batch.num_samples"] == num_samples
    assert info["device"] == "CPU"
    assert f"batch.num_samples = {num_samples}\n" in (before / "config.gin").read_text()


def test_other_settings_are_refused(before: Path, wheel: Renderer) -> None:
    arguments = ["-d", before.name, "-g", str(before / "config.gin"), "-p", "lighting.r = 1.5"]
    output = wheel.run(*arguments, status=2)
    assert "was made with lighting.r =" in output


def test_it_is_replayed(before: Path, wheel: Renderer) -> None:
    """Exactly equal on the same kind of CPU; other CPUs may round pixels differently."""
    output = wheel.start("--replay", before.name, "3").communicate(timeout=100)[0]
    assert f"sample 3 of {before.name} (Blender 4.5.15): " in output
    assert "field" not in output  # of the record
    assert "equal, pixels and record" in output or "differs in" in output


def test_it_is_archived_and_passes_the_audit(before: Path, wheel: Renderer) -> None:
    output = Archiver(wheel.data_dir).run("-d", before.name, "-f", "-p", "-r", 32)
    assert "data_32.h5" in output
    folder = open_dataset_folder(wheel.data_dir, before.name)
    checks = audit_dataset(folder, Folders(wheel.data_dir), 0, jobs=1, is_quiet=True)
    assert [check.name for check in checks if check.verdict is Verdict.FAIL] == []
