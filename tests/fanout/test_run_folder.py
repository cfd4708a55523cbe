"""What lies in the folder of a run is not trusted, and others cannot put anything there."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from synrender.blender.start import remove_scratch_folder
from synrender.fanout.executable import run_executable
from synrender.fanout.job import Job, Outcome, Status, json_to_outcome, outcome_to_json
from synrender.fanout.run import run_folder
from synrender.settings.groups import Settings
from synrender.system.folders import Folders


class Attack:
    """What creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


def test_only_the_user_can_enter_it_and_nobody_can_guess_its_name(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    names = set()
    for _ in range(3):
        with run_folder(folders) as run_dir:
            assert run_dir.stat().st_mode & 0o777 == 0o700
            names.add(run_dir.name)
    assert len(names) == 3
    assert not folders.fanout.exists()


def test_a_planted_note_removes_no_folder(tmp_path: Path) -> None:
    victim = tmp_path / "thesis"
    victim.mkdir()
    with run_folder(Folders(tmp_path / "data")) as run_dir:
        for name in ("host.123.tempdir", "tmp.tempdir"):
            (run_dir / name).write_text(str(victim))
        (run_dir / "tmp").symlink_to(victim)
    assert victim.is_dir()


def test_a_planted_outcome_runs_no_code_and_no_job_lies_in_a_file(tmp_path: Path) -> None:
    """A stand-in for Blender lists the folder, and saves a pickle in place of an outcome."""
    proof = tmp_path / "proof"
    attack, seen = tmp_path / "attack", tmp_path / "seen"
    attack.write_bytes(pickle.dumps(Attack(proof)))
    blender = tmp_path / "blender"
    script = f'ls -A "$(dirname "$7")" > {seen}\n'
    script += f'for f in "$@"; do case "$f" in */attempt.*) cp {attack} "$f";; esac; done'
    blender.write_text(f"#!/bin/sh\n{script}\n")
    blender.chmod(0o700)
    with run_folder(Folders(tmp_path / "data")) as run_dir:
        job = Job(
            *("attempt", run_dir.name, "x", Settings(), ((0, 1),), Folders(tmp_path / "data")),
            time_limit=60,
            num_cpus=0,
            blender=str(blender),
        )
        outcome = run_executable(job)
    assert outcome.status is Status.DIED
    assert outcome.message == "Blender ended with exit status 0"
    assert not proof.exists()
    assert set(seen.read_text().split()) == {"attempt.log", "tmp"}  # tmp is Blender's own


def test_an_outcome_is_read_as_it_was_saved() -> None:
    outcome = Outcome(
        Status.DONE,
        "fine",
        seconds=1.5,
        sample_seconds=[0.25],
        num_rendered=1,
        rejected={"02691156/m": "no faces"},
        incomplete={"02691156/n": "skin.png: not there"},
        notes=["a note"],
    )
    assert json_to_outcome(outcome_to_json(outcome)) == outcome


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "1",
        "[" * 100_000,
        "{}",
        '{"status": "no such"}',
        '{"status": []}',
        '{"status": "done", "rejected": []}',
        '{"status": "done", "num_rendered": true}',
        '{"status": "done", "files": []}',
        '{"status": "done", "journal": null}',
    ],
)
def test_what_is_no_outcome_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no outcome of a job"):
        json_to_outcome(text)


@pytest.mark.parametrize(("name", "is_removed"), [("blender_a1b2c3", True), ("shared", False)])
def test_only_a_folder_that_blender_made_for_itself_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, is_removed: bool
) -> None:
    """A Blender that cannot make one names the folder that all its scratch files go to."""
    folder = tmp_path / name
    folder.mkdir()
    app = SimpleNamespace(tempdir=f"{folder}/")
    monkeypatch.setitem(sys.modules, "bpy", SimpleNamespace(app=app))
    remove_scratch_folder()
    assert folder.exists() is not is_removed
