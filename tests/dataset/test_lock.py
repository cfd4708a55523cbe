"""The lock of a data set waits for its turn, says for whom, and harms no file behind it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from synrender.dataset import lock
from synrender.dataset.lock import locked
from synrender.errors import UserError

HOLD = """
import fcntl, sys, time
file = open(sys.argv[1], "a")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("precious")
    for target in (precious, tmp_path / "new"):
        (tmp_path / ".lock").symlink_to(target)
        with pytest.raises(UserError, match=r"\.lock: is no plain file"), locked(tmp_path):
            pass
        (tmp_path / ".lock").unlink()
    assert precious.read_text() == "precious"
    assert not (tmp_path / "new").exists()


def test_nothing_is_written_through_a_hard_link(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("precious")
    os.link(precious, tmp_path / ".lock")
    with locked(tmp_path):
        assert precious.read_text() == "precious"


@pytest.mark.timeout(20)
def test_a_pipe_in_its_place_does_not_hang_and_a_folder_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".lock")
    with locked(tmp_path):
        pass
    (tmp_path / ".lock").unlink()
    (tmp_path / ".lock").mkdir()
    with pytest.raises(UserError, match="no plain file"), locked(tmp_path):
        pass


def test_who_holds_the_lock_is_said_after_a_while(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path / ".lock"), "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        monkeypatch.setattr(lock, "PATIENCE_S", 0)
        with locked(tmp_path):
            pass
    line = capsys.readouterr().err
    assert f"waiting for process {holder.pid} ({sys.executable}" in line
    assert line.count("\n") == 1


def test_a_lock_that_is_soon_free_needs_no_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "PATIENCE_S", 240)
    command = [sys.executable, "-c", HOLD, str(tmp_path / ".lock"), "0.2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with locked(tmp_path):
            pass
    assert capsys.readouterr().err == ""
