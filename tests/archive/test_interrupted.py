"""What --preprocess has finished survives whatever ends it, and the next run goes on with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

import synrender
from synrender.errors import UserError
from tests.archive.helpers import QuickArchiver, list_files
from tests.helpers import PROJECT_DIR

HALTED = """
import threading
from synrender.cli.preprocess import COMMAND
from synrender.cli.script import run_script
from synrender.system.workers import Workers
real = Workers.map
def halt(*arguments):
    for number, result in enumerate(real(*arguments), start=1):
        if number == 2:
            print("halted", flush=True)
            threading.Event().wait()
        yield result
Workers.map = halt
run_script(COMMAND)
"""
"""Runs preprocess_data.py until two pieces are done, says so, and waits to be ended there."""

PREPROCESS = ("-d", "made", "-p", "-r", "32", "-l")


@pytest.fixture
def archived(write: Callable[..., Path], quick: QuickArchiver) -> Path:
    """An archive of 5 shards of 48 samples, in a folder without small files."""
    dataset_dir = write(240)
    quick.run("-d", "made", "-f", "-b", 5)
    return dataset_dir


def start(data_dir: Path, *command: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, *command, *PREPROCESS],
        cwd=PROJECT_DIR,
        env={**os.environ, "SYNRENDER_DATA_DIR": str(data_dir)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def count_written(path: Path) -> int:
    with h5py.File(path, locking=False) as file:
        return int((file["sample_idx"][...] >= 0).sum())


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_the_finished_part_survives(
    number: int, status: int, archived: Path, quick: QuickArchiver
) -> None:
    quick.run(*PREPROCESS)
    whole = (archived / "data_32_lab.h5").read_bytes()
    (archived / "data_32_lab.h5").unlink()
    assert "2 of 5 buckets" in quick.run(*PREPROCESS, "-i", 3, 1)
    partial = archived / "data_32_lab.partial.h5"
    inode = partial.stat().st_ino
    process = start(archived.parent, "-c", HALTED, "-j", "1")
    assert "halted\n" in iter(process.stdout.readline, "")
    process.send_signal(number)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == status, errors
    if number != signal.SIGKILL:
        assert errors == "stopped; the same command goes on from here\n"
    assert not list(archived.glob(".data*"))
    assert partial.stat().st_ino == inode
    assert count_written(partial) == 2 * 48 + 32 + 16  # two buckets, and two pieces of another
    with pytest.raises(UserError, match=r"partial\.h5: is not complete"):
        synrender.open_dataset(partial)
    assert "144 of 240 samples are there already" in quick.run(*PREPROCESS)
    assert (archived / "data_32_lab.h5").read_bytes() == whole
    assert not partial.exists()


@pytest.mark.parametrize(
    ("number", "status", "end"),
    [
        (signal.SIGTERM, 143, os.kill),
        (signal.SIGTERM, 143, os.killpg),  # all processes
        (signal.SIGHUP, 129, os.kill),
    ],
)
def test_signals_that_end_a_process_leave_nothing_behind(
    number: int, status: int, end: Callable[[int, int], None], archived: Path, quick: QuickArchiver
) -> None:
    """One line, no hidden file, and no warnings of Python's own resource tracker."""
    process = start(archived.parent, "-c", HALTED, "-j", "2")
    assert process.stdout.readline() == "halted\n"
    end(process.pid, number)
    output, errors = process.communicate(timeout=120)
    assert (process.returncode, output, errors) == (
        status, "", "stopped; the same command goes on from here\n"
    )  # fmt: skip
    assert not list(archived.glob(".data*"))
    assert "are there already" in quick.run(*PREPROCESS)


def test_rows_of_a_shard_that_was_written_again_are_too(
    archived: Path, quick: QuickArchiver
) -> None:
    quick.run("-d", "made", "-p", "-r", 8, "-i", 0, 1, 2)
    quick.run("-d", "made", "-f", "--overwrite", "-i", 1)
    before = list_files(archived)
    output = quick.run("-d", "made", "-p", "-r", 8, "-i", 0, 1, 2)
    assert "96 of 240 samples are there already" in output
    assert list_files(archived) == before
    quick.run("-d", "made", "-f", "--overwrite", "--seed", 7)
    output = quick.run("-d", "made", "-p", "-r", 8)
    assert "there already" not in output
    order = np.load(archived / "idx_ref.npy")
    with h5py.File(archived / "data_8.h5") as file:
        np.testing.assert_array_equal(file["sample_idx"][...], order)


def test_a_shard_that_comes_later_keeps_what_is_there(
    write: Callable[..., Path], quick: QuickArchiver
) -> None:
    dataset_dir = write(24, 2, is_exr=True)
    quick.run("-d", "made", "-f", "-p", "-r", 8, "-b", 3)
    with h5py.File(dataset_dir / "data_8.h5") as file:
        expected = {name: field[...] for name, field in file.items()}
    for path in dataset_dir.glob("*.h5"):
        path.unlink()
    for shard in range(3):
        output = quick.run("-d", "made", "-f", "-p", "-r", 8, "-b", 3, "-i", shard)
        there = f"{8 * shard} of 24 samples are there already"
        assert (there in output) is (shard > 0)
    with h5py.File(dataset_dir / "data_8.h5") as file:
        for name, values in expected.items():
            np.testing.assert_array_equal(file[name][...], values, err_msg=name)


def test_two_runs_do_not_write_the_same_file(archived: Path, quick: QuickArchiver) -> None:
    process = start(archived.parent, "-c", HALTED, "-j", "1")
    try:
        assert "halted\n" in iter(process.stdout.readline, "")
        for more in ((), ("--overwrite",)):
            line = quick.refuse(*PREPROCESS, *more)
            assert "data_32_lab.partial.h5 cannot be written now: process" in line
        quick.run("-d", "made", "-p", "-r", 8)  # another file
        line = quick.refuse("-d", "made", "-f", "--overwrite")
        assert "made cannot be archived now: process" in line
    finally:
        process.kill()
        process.communicate()


def test_a_file_that_an_earlier_version_began_is_not_continued(
    archived: Path, quick: QuickArchiver
) -> None:
    quick.run("-d", "made", "-p", "-r", 8, "-i", 0)
    partial = archived / "data_8.partial.h5"
    with h5py.File(partial, "r+") as file:
        file.attrs["buckets_done"] = np.array([True, False, False, False, False])
    line = quick.refuse("-d", "made", "-p", "-r", 8)
    assert "was begun by an earlier version of this program; begin it again with" in line
    with pytest.raises(UserError, match="is not complete"):
        synrender.open_dataset(partial)
    quick.run("-d", "made", "-p", "-r", 8, "--overwrite")
    assert not partial.exists()
