"""Processes that work in parallel leave nothing behind, whatever ends them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.helpers import PROJECT_DIR

SCRIPT = textwrap.dedent(
    """
    import argparse, sys, time
    from synrender.cli.script import Command, run_script
    from synrender.system.workers import Workers

    def run(arguments, folders):
        with Workers(2) as workers:
            for _ in workers.map(time.sleep, [(float(sys.argv[1]),)] * 4):
                print("one", flush=True)
        return 0

    if __name__ == "__main__":
        run_script(Command(lambda argv: argparse.Namespace(), run, ()))
    """
)


def start(tmp_path: Path, seconds: float) -> subprocess.Popen[str]:
    (tmp_path / "temporary").mkdir(parents=True)
    (tmp_path / "work.py").write_text(SCRIPT)
    return subprocess.Popen(
        [sys.executable, tmp_path / "work.py", str(seconds)],
        env={**os.environ, "TMPDIR": str(tmp_path / "temporary"), "PYTHONPATH": str(PROJECT_DIR)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("length", [0, 150])
def test_a_normal_end_leaves_no_folder(tmp_path: Path, length: int) -> None:
    """Even where the path of TMPDIR is too long for a socket."""
    process = start(tmp_path / ("long" * (length // 4)), 0.01)
    assert process.communicate(timeout=240) == ("one\n" * 4, "")
    assert process.returncode == 0
    assert list(tmp_path.rglob("temporary/*")) == []


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_all_processes_prints_one_line_and_leaves_no_folder(
    tmp_path_factory: pytest.TempPathFactory, number: signal.Signals
) -> None:
    tmp_path = tmp_path_factory.mktemp("short")
    process = start(tmp_path, 2)
    assert process.stdout is not None
    process.stdout.readline()
    os.killpg(process.pid, number)
    _, errors = process.communicate(timeout=240)
    assert errors == "stopped\n"
    assert process.returncode == 128 + number
    assert list((tmp_path / "temporary").iterdir()) == []
