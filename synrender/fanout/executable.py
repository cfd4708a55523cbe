"""Renders one job with a Blender executable: one process a batch, watched until it ends."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Hashable
from pathlib import Path

from synrender.blender.start import create_environment
from synrender.crashes.journal import Cause, take_leftovers
from synrender.errors import UserError, shorten
from synrender.fanout.job import Job, Outcome, Status, json_to_outcome
from synrender.fanout.worker import render_job, take_files
from synrender.system.cpus import CpuKind, leased_cpus
from synrender.system.files import read_small_file
from synrender.system.locks import used_folder

CRASHES = tuple(
    status
    for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)
    for status in (-number, 128 + number)
)
ENTRY_PATH = Path(__file__).with_name("blender_entry.py")


MAX_OUTCOME_BYTES = 1 << 26
"""A quarter of a million rejected models and textures with their reasons."""

CHECK_LIMIT_S = 120
CHECK_ANSWER = "synrender found Python"


def check_executable(blender: str) -> None:
    """Lets a Blender executable run one line of Python.

    Raises:
        UserError: it does not.
    """
    line = f"print({CHECK_ANSWER!r})"
    is_python = Path(blender) == Path(sys.executable)
    options = ["-c", line] if is_python else ["--background", "--python-expr", line]
    try:
        result = subprocess.run(
            [blender, *options],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=CHECK_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"--blender {blender}: cannot be run ({shorten(error, 200)})") from None
    if CHECK_ANSWER.encode() not in result.stdout:
        raise UserError(
            f"--blender {blender}: ran no Python script (exit status {result.returncode}); give a "
            "Blender from 3.4 on, or leave --blender out to render with the bpy wheel"
        )


def run_here(job: Job) -> Outcome:
    """Renders a job in this process, or with an executable."""
    return run_executable(job) if job.blender else take_files(job, render_job(job))


class LocalExecutor:
    """Runs jobs one after the other in this process, for debugging."""

    def num_slots(self, avoid_nodes: frozenset[str]) -> int:
        """One at a time."""
        return 1

    def submit(self, job: Job, avoid_nodes: frozenset[str]) -> str:
        """Keeps the job for later."""
        return job.attempt

    def wait(self, handles: list[Hashable], timeout_s: float) -> list[Hashable]:
        """The one that was submitted first."""
        return handles[:1]

    def result(self, handle: Hashable, job: Job) -> Outcome:
        """Runs the job."""
        return run_here(job)

    def find_cpus(self) -> frozenset[CpuKind]:
        """None: this process says itself what a data set is of."""
        return frozenset()

    def kill_hung(self, jobs: dict[Hashable, Job]) -> list[Hashable]:
        """Nothing runs in the background."""
        return []

    def count_unfinished(self, jobs: list[Job]) -> int:
        """Nothing runs in the background."""
        return 0


def run_executable(job: Job) -> Outcome:
    """Starts Blender, waits until it ends, and reads the outcome that it saved."""
    start = time.monotonic()
    outcome_path = job.run_dir / f"{job.attempt}.outcome"
    try:
        with (
            used_folder(job.run_dir),
            leased_cpus(job.num_cpus) as cpus,
            _open_log(job) as log,
        ):
            status = _run(job, _create_command(job, outcome_path), log)
        outcome = _read_outcome(outcome_path) or _create_died_outcome(job, status)
        outcome.cpus = cpus
    except FileNotFoundError:
        outcome = Outcome(Status.BAD_NODE, f"there is no {job.blender}")
    finally:
        outcome_path.unlink(missing_ok=True)
    outcome.seconds = time.monotonic() - start
    return take_files(job, outcome)


def _read_outcome(path: Path) -> Outcome | None:
    """The outcome that Blender saved; None if it did not come to its end."""
    try:
        return json_to_outcome(read_small_file(path, MAX_OUTCOME_BYTES).decode())
    except (OSError, ValueError):
        return None


def _create_command(job: Job, outcome_path: Path) -> list[str]:
    arguments = [str(ENTRY_PATH), "--", str(outcome_path), str(os.getpid())]
    if Path(job.blender) == Path(sys.executable):
        return [job.blender, *arguments]
    # --python-exit-code must come before the script that it applies to.
    return [job.blender, "--background", "--python-exit-code", "1", "--python", *arguments]


def _run(job: Job, command: list[str], log: int | None) -> int:
    """Exit status; negative for a signal."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        env=create_environment(job.folders.blender, job.blender_scratch_dir),
    )
    try:
        process.communicate(pickle.dumps(job), job.limit_s if job.time_limit else None)
        return process.returncode
    except subprocess.TimeoutExpired:
        return -signal.SIGKILL
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


@contextlib.contextmanager
def _open_log(job: Job) -> Generator[int | None]:
    """Descriptor for Blender's output; None: the same as ours."""
    if not job.is_quiet:
        yield None
        return
    with (job.run_dir / f"{job.attempt}.log").open("ab", buffering=0) as file:
        yield file.fileno()


def _create_died_outcome(job: Job, status: int) -> Outcome:
    entry, tail = take_leftovers(job.run_dir, job.attempt)
    if status < 0:
        what = f"ended by {signal.Signals(-status).name}"
    else:
        what = f"ended with exit status {status}"
    if status > 0 and entry is None:
        return Outcome(Status.ERROR, f"{job.blender} {what} before it ran our code", tail)
    if entry and status in CRASHES and entry.cause is Cause.UNKNOWN:
        entry = dataclasses.replace(entry, cause=Cause.CRASHED)
    return Outcome(Status.DIED, f"Blender {what}", tail, journal=entry)
