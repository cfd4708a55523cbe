"""Killed and stopped workers, and full disks."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from synrender.dataset.folder import DatasetFolder
from tests.fanout.drive import (
    BATCH,
    Driver,
    assert_same_as_reference,
    finish,
    is_alive,
    small_disk,
    wait_until,
)

pytestmark = pytest.mark.slow  # each starts Ray, and most kill or hang what it started


def read_affinities(pid: int) -> set[str]:
    """CPUs that the threads of a process may use, as the kernel lists them."""
    statuses = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/status")]
    return {re.search(r"Cpus_allowed_list:\s+(\S+)", status)[1] for status in statuses}


APART = """
import fcntl, os, socket, struct, sys
up = struct.pack("16sh14x", b"lo", 1)  # an ifreq with IFF_UP
fcntl.ioctl(socket.socket(), 0x8914, up)  # SIOCSIFFLAGS
os.execvp(sys.argv[1], sys.argv[1:])
"""


def own_network() -> tuple[str, ...]:
    """Prefix of a command that gets a network of its own, if this user may make one.

    CPUs are leased by names in a network, so workers of other runs are not seen there.
    """
    prefix = ("unshare", "--net", sys.executable, "-c", APART)
    is_allowed = shutil.which(prefix[0]) and not subprocess.call(
        [*prefix, "true"], stderr=subprocess.DEVNULL
    )
    return prefix if is_allowed else ()


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two CPUs")
def test_every_worker_has_a_cpu_of_its_own(driver: Driver) -> None:
    """Of one run; two runs share the CPUs."""
    driver = dataclasses.replace(driver, prefix=own_network())
    process = driver.start("-d", "pinned", *BATCH, TROUBLE_SLOW_S="0.3")
    num_cpus = len(os.sched_getaffinity(0))

    def all_at_work() -> list[dict]:
        at_work = [journal for journal in driver.journals() if journal["done"]]
        return at_work if len(at_work) == num_cpus else []

    try:
        cpus = [read_affinities(journal["pid"]) for journal in wait_until(all_at_work)]
    finally:
        os.kill(process.pid, signal.SIGTERM)  # ends a run as Ctrl-C does
        output = finish(process, 75)
    assert output.endswith("stopped; the same command goes on from here\n")
    assert all(len(c) == 1 for c in cpus), cpus  # every thread on the same one
    assert len(set.union(*cpus)) == num_cpus


def test_workers_killed_at_random_moments_lose_nothing(
    driver: Driver, reference: dict[str, Path]
) -> None:
    process = driver.start("-d", "killed", *BATCH, TROUBLE_SLOW_S="0.3")
    rng, num_kills = random.Random(0), 0
    while num_kills < 5:
        time.sleep(rng.uniform(0, 1))
        journals = wait_until(lambda: driver.journals() or process.poll() is not None)
        assert process.poll() is None, f"over after {num_kills} kills: {finish(process)}"
        with contextlib.suppress(ProcessLookupError):
            os.kill(rng.choice(journals)["pid"], signal.SIGKILL)
            num_kills += 1
    output = finish(process)
    assert "all 96 samples are complete" in output
    assert " 0 failed" in output
    assert_same_as_reference(driver, "killed", reference)


IMPATIENT = """
from synrender.cli.distribute import COMMAND
from synrender.cli.script import run_script
from synrender.fanout.job import Job

Job.silence_limit_s = property(lambda job: 20.0)
run_script(COMMAND)
"""
"""The command, with a driver that waits 20 s for a sign of life, and not 23 minutes."""


def test_a_worker_that_is_stopped_for_good_is_killed_and_its_batch_rendered(
    driver: Driver, reference: dict[str, Path]
) -> None:
    impatient = dataclasses.replace(driver, script=("-c", IMPATIENT))
    process = impatient.start("-d", "frozen", *BATCH, TROUBLE_SLOW_S="0.3")
    wait_until(lambda: driver.num_records("frozen") > 3 and driver.journals())
    pid = driver.journals()[0]["pid"]
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: not is_alive(pid), 240)
    output = finish(process)
    assert "all 96 samples are complete" in output
    assert " 0 retried" not in output.splitlines()[-2]
    assert " 0 failed" in output.splitlines()[-2]
    assert "ERROR" not in output  # of Ray's
    assert_same_as_reference(driver, "frozen", reference)


def test_a_full_disk_stops_the_run_with_one_line(driver: Driver, tmp_path: Path) -> None:
    """On a small tmpfs; where mounting is forbidden, by a limit on the size of a file."""
    with small_disk(tmp_path / "disk", "3m") as is_mounted:
        data_dir = tmp_path / "disk"
        environment = {"SYNRENDER_DATA_DIR": str(data_dir)}
        arguments = ["-d", "full", "--is_multi", "-n", 240, "-b", 10]
        if is_mounted:
            output = driver.run(*arguments, status=1, variants=("0-0-0-0",), **environment)
        else:
            arguments += ["-l", "-q"]  # Ray's own files would break the limit
            soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (16_000, hard))
            try:
                process = driver.start(*arguments, variants=("0-0-0-0",), **environment)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            output = finish(process, 1)
        errors = [line for line in output.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, output
        assert errors[0].startswith("error: stopped: "), output
        assert "is full: " in errors[0]
        assert "Traceback" not in output
        dataset_dir = data_dir / "full_0-0-0-0"
        finished = [int(p.stem) for p in (dataset_dir / "img").glob("[0-9]*.npy")]
        assert is_mounted == bool(finished)
        assert DatasetFolder(dataset_dir, is_exr=True).find_missing(finished) == []
        assert not list((dataset_dir / "img").glob(".*"))


def test_a_disk_that_is_full_from_the_start_is_one_line(driver: Driver, tmp_path: Path) -> None:
    """40 kB: enough for the data set's first files, and not for Ray's."""
    with small_disk(tmp_path / "disk", "40k") as is_mounted:
        if not is_mounted:
            pytest.skip("this machine lets nobody mount")
        for arguments in ([], ["-l"]):
            output = driver.run(
                *("-d", "none", "--is_multi", "-n", 24, *arguments),
                status=1,
                variants=("0-0-0-0",),
                SYNRENDER_DATA_DIR=str(tmp_path / "disk"),
            )
            errors = [line for line in output.splitlines() if line.startswith("error: ")]
            assert len(errors) == 1, output
            assert f"{tmp_path / 'disk'} is full" in errors[0]
            assert output.splitlines()[-1] == errors[0]
            assert "Traceback" not in output


def test_render_and_preprocess_name_a_full_disk_too(driver: Driver, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    environment = {**os.environ, **driver.environment, "SYNRENDER_DATA_DIR": str(disk)}

    def run_full(*command: str, **changes: str) -> None:
        result = subprocess.run(
            [os.sys.executable, *command],
            env={**environment, **changes},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 1, result.stderr
        assert result.stderr.splitlines()[-1].startswith(f"error: {disk} is full: {disk}")
        assert "Traceback" not in result.stderr

    with small_disk(disk, "2m") as is_mounted:
        if not is_mounted:
            pytest.skip("this machine lets nobody mount")
        quick = ["rendering.resolution = 32", "rendering.render_samples = 1"]
        exr = ["-g", "render_multi", "-p", *quick, "sample.class_idxs = 3"]
        run_full("render.py", "-d", "full", *exr, "batch.num_samples = 200")
        records = list((disk / "full/img").glob("[0-9]*.npy"))
        assert len(records) > 10
        for image in (disk / "full/img").glob("[0-9]*.exr"):
            if image.with_suffix(".npy") not in records:
                image.unlink()
        run_full("preprocess_data.py", "-d", "full", "-f", "-j", "1")
        assert not list((disk / "full").glob("*.h5"))
        # Not even the demo models fit.
        run_full("render.py", "-d", "demo", SYNRENDER_SHAPENET_DIR="", SYNRENDER_DTD_DIR="")
