"""The audit passes right data sets, from clean and dirty files, and reports what is wrong."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest

from synrender.assets.rendered_models import find_rendered_models
from synrender.audit.check import Measure, Verdict, decide
from synrender.audit.rays.view import require_ray_caster
from synrender.dataset.certificate import read_audit
from synrender.errors import UserError
from synrender.system.folders import Folders
from tests.audit.conftest import applied, failed
from tests.helpers import PROJECT_DIR, Renderer

ALL = {"files", "class", "captions", "pose", "camera", "lights", "images", "splits", "balance"}


def run_script(wheel: Renderer, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-W", "error", "audit_dataset.py", *arguments],
        cwd=PROJECT_DIR, env=wheel.full_environment(), capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_an_exr_data_set_passes(multi: Path, audit) -> None:
    checks = audit(multi)
    assert failed(checks) == set(), checks
    assert applied(checks) == ALL | {"mask", "depth", "boxes"}


def test_a_png_data_set_passes(single: Path, audit) -> None:
    checks = audit(single)
    assert failed(checks) == set(), checks
    assert applied(checks) == ALL | {"silhouette"}


def test_models_in_dirty_files_pass(dirty: Path, audit) -> None:
    shown = {r["model_id"] for p in (dirty / "img").glob("*.npy") for r in np.load(p)}
    assert len(shown) == 6
    checks = audit(dirty)
    assert failed(checks) == set(), checks
    assert applied(checks) >= {"mask", "class", "depth", "boxes", "pose"}


@pytest.fixture
def copy(wheel: Renderer, multi: Path) -> Generator[Path]:
    """The EXR data set in this process's data folder."""
    copy = shutil.copytree(multi, wheel.data_dir / "audit_multi")
    yield copy
    shutil.rmtree(copy)


def test_the_script_prints_a_table_and_keeps_its_verdicts_where_it_can(
    wheel: Renderer, copy: Path
) -> None:
    """With any number of processes it is the same table."""
    result = run_script(wheel, "-d", copy.name, "-n", "3", "-j", "1")
    assert (result.returncode, result.stderr) == (0, "")
    printed = result.stdout
    assert "mask        pass            IoU mean" in printed
    num_large, num_small = re.search(r"of (\d+) objects; (\d+) under", printed).groups()
    assert 6 <= int(num_large) + int(num_small) <= 9  # some are hidden
    path, audit = copy / "audit.json", read_audit(copy)
    assert audit is not None
    assert (audit.num_samples, audit.num_cast) == (len(list((copy / "img").glob("*.npy"))), 3)
    lines = [f"{check.name:<11} {check.verdict}" for check in audit.checks]
    assert [line for line in lines if line not in printed] == []
    path.unlink()
    path.mkdir()  # nothing can be written there
    result = run_script(wheel, "-d", copy.name, "-n", "3", "-j", "2")
    assert (result.returncode, result.stdout) == (0, printed)
    assert result.stderr.startswith(f"{path}: not written")
    assert result.stderr.count("\n") == 1


def test_the_script_fails_with_a_finding_and_with_a_mistake(wheel: Renderer, single: Path) -> None:
    copy = wheel.data_dir / "audit_gap"
    (copy / "img").mkdir(parents=True, exist_ok=True)
    for path in [single / "dataset.json", *(single / "img").glob("*")]:
        target = copy / path.relative_to(single)
        if path.name != "00005.png" and not target.exists():
            os.link(path, target)
    result = run_script(wheel, "-d", copy.name, "-j", "1", "-n", "1")
    assert result.returncode == 1, result
    assert "files       FAIL" in result.stdout
    assert "-> 5 (image or record missing)" in result.stdout

    result = run_script(wheel, "-d", "audit_gpa")
    assert result.returncode == 2
    assert result.stderr.startswith("error: ")
    assert "did you mean 'audit_gap'" in result.stderr
    assert result.stderr.count("\n") == 1


def test_help_teaches(wheel: Renderer) -> None:
    result = run_script(wheel, "--help")
    assert result.returncode == 0
    for word in ("silhouette", "examples:", "SYNRENDER_SHAPENET_DIR", "Exit status"):
        assert word in result.stdout


def test_nothing_complete_is_a_users_mistake(multi: Path, tmp_path: Path, audit) -> None:
    (tmp_path / "img").mkdir()
    (tmp_path / "dataset.json").write_text((multi / "dataset.json").read_text())
    with pytest.raises(UserError, match="no sample is complete"):
        audit(tmp_path)


def test_a_missing_ray_caster_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "embreex", None)
    with pytest.raises(UserError, match="embreex is missing: pip install"):
        require_ray_caster()


def test_models_are_looked_for_where_the_data_set_says(
    tmp_path: Path, wheel: Renderer, multi: Path
) -> None:
    folders = Folders(wheel.data_dir)
    demo = json.loads((multi / "dataset.json").read_text())["sources"]["models"]["source"]
    assert find_rendered_models(demo, folders) == wheel.data_dir / "demo_assets" / "ShapeNetCore.v2"
    with pytest.raises(UserError, match="from version 999"):
        find_rendered_models("demo, version 999", folders)
    assert find_rendered_models(str(tmp_path), folders) == tmp_path
    with pytest.raises(UserError, match="SYNRENDER_MODELS_DIR"):
        find_rendered_models(str(tmp_path / "gone"), folders)
    elsewhere = Folders(wheel.data_dir, shapenet=tmp_path)
    assert find_rendered_models(str(tmp_path / "gone"), elsewhere) == tmp_path
    with pytest.raises(UserError, match="no such folder or file"):
        find_rendered_models(str(tmp_path / "gone"), elsewhere, "another layout")
    elsewhere = Folders(wheel.data_dir, models=tmp_path)
    assert find_rendered_models(str(tmp_path / "gone"), elsewhere, "another layout") == tmp_path


def test_a_check_that_judged_nothing_does_not_apply() -> None:
    """An average over no pixels would pass, whatever the files hold."""
    nothing = [
        Measure("error, mm", 0.0, at_most=1, num=0),
        Measure("pixels that are not judged", 9),
    ]
    assert decide("depth", "over 0 px", (), nothing).verdict is Verdict.NOT_APPLICABLE
    assert decide("depth", "over 0 px", ["3"], nothing).verdict is Verdict.FAIL
    some = [*nothing, Measure("faults", 0, at_most=0, num=1)]
    assert decide("depth", "over 0 px", (), some).verdict is Verdict.PASS
    assert decide("files", "without numbers").verdict is Verdict.PASS


@pytest.mark.parametrize("value", [0.9, 3.1, np.nan])
def test_a_measure_out_of_its_bounds_fails_a_check_without_culprits(value: float) -> None:
    measure = Measure("error, mm", value, at_least=1, at_most=3, num=1)
    assert decide("depth", "over 1 px", (), [measure]).verdict is Verdict.FAIL


@pytest.mark.parametrize("bound", ["at_least", "at_most"])
def test_nan_is_within_no_bound(bound: str) -> None:
    assert not Measure("error, mm", np.nan, **{bound: 1}).is_within
