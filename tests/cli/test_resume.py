"""A user is told that the same command goes on where that is true, and nowhere else."""

from __future__ import annotations

import dataclasses
import errno
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from synrender.cli import audit, distribute, export, preprocess, render, report
from synrender.cli.script import Command, run_command
from synrender.errors import CutShort, UserError
from synrender.system.disk import DiskFull
from tests.helpers import PROJECT_DIR

SAME, WITHOUT, NOT = (
    "the same command goes on from ",
    "the same command without --overwrite goes on from ",
    "",
)


@pytest.mark.parametrize(
    ("command", "arguments", "how"),
    [
        (render.COMMAND, "-d a", SAME),
        (render.COMMAND, "-d a --overwrite", WITHOUT),
        (render.COMMAND, "--replay a 3", NOT),
        (distribute.COMMAND, "-d a", SAME),
        (distribute.COMMAND, "-d a --overwrite", WITHOUT),
        (distribute.COMMAND, "-d a --dry_run", NOT),
        (preprocess.COMMAND, "-d a -f", SAME),
        (preprocess.COMMAND, "-d a -p", SAME),
        (preprocess.COMMAND, "-d a -f --overwrite", NOT),  # it begins again
        (preprocess.COMMAND, "-d a -c", NOT),
        (export.COMMAND, "-d a --to coco", SAME),
        (export.COMMAND, "-d a --to coco --overwrite", WITHOUT),
        (export.COMMAND, "-d a --to coco --verify", NOT),
        (audit.COMMAND, "-d a", NOT),
        (report.COMMAND, "-d a", NOT),
    ],
)
def test_each_command_says_how_it_goes_on(
    command: Command, arguments: str, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cut_short = f"; what is finished is valid, and {how}there\n" if how else "\n"
    stopped = f"stopped; {how}here\n" if how else "stopped\n"
    for error, line in (
        (DiskFull("/ is full"), f"error: / is full{cut_short}"),
        (CutShort("lost"), f"error: lost{cut_short}"),
        (BrokenProcessPool("killed"), f"fewer --jobs{cut_short}"),
        (KeyboardInterrupt(), stopped),
        (UserError("no such name"), "error: no such name\n"),
        (OSError(errno.EACCES, "Permission denied"), "error: [Errno 13] Permission denied\n"),
        (OSError(errno.EMFILE, "Too many open files"), "[Errno 24] Too many open files\n"),
        (OSError("Ray did not start"), "error: Ray did not start\n"),
    ):

        def fail(*_: object, error: BaseException = error) -> int:
            raise error

        run_command(dataclasses.replace(command, run=fail), arguments.split())
        printed = capsys.readouterr().err
        assert printed.endswith(line)
        assert printed.count("\n") == 1


SIGNALS = """
import signal, sys, os, threading
from synrender.system.interrupts import exit_on_signals, interrupts_held
from synrender.system.interrupts import Resume, resumed
with resumed(Resume[sys.argv[1]]):
    if sys.argv[2] == "listen":
        exit_on_signals({signal.SIGTERM: 1})
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(60)
    with interrupts_held():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
"""


@pytest.mark.parametrize(("resume", "line"), [("SAME", f"stopped; {SAME}here"), ("NOT", "stopped")])
@pytest.mark.parametrize(("way", "status"), [("listen", 143), ("hold", 130)])
def test_signals_that_end_the_process_at_once_say_the_same(
    resume: str, line: str, way: str, status: int
) -> None:
    command = [sys.executable, "-c", SIGNALS, resume, way]
    result = subprocess.run(command, cwd=PROJECT_DIR, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (status, f"{line}\n")


def test_a_report_on_a_full_disk_does_not_say_that_it_goes_on(single: Path) -> None:
    """A real limit: files may have 0 bytes."""
    script = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
    script += "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    script += "from synrender.cli.report import main\n"
    script += f"sys.argv[1:] = ['-d', '{single.name}', '--sheet']; main()"
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT_DIR,
        env={"SYNRENDER_DATA_DIR": str(single.parent), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1, result.stderr
    assert "is full" in result.stderr
    assert "goes on" not in result.stderr
    assert result.stderr.count("\n") == 1
