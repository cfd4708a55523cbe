"""Renders one job with a Blender executable: one process a batch, watched until it ends."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from synrender.fanout.job import STARTUP_LIMIT_S, Job, Outcome

CRASHES = tuple(
    status
    for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)
    for status in (-number, 128 + number)
)
ENTRY_PATH = Path(__file__).with_name("blender_entry.py")


def run_executable(job: Job) -> Outcome:
    """Starts Blender, waits, and reads what it wrote down."""
    from synrender.fanout.cpus import leased_cpus
    from synrender.fanout.worker import job_to_run_dir, set_environment

    start = time.monotonic()
    set_environment(job)
    run_dir = job_to_run_dir(job)
    run_dir.mkdir(parents=True, exist_ok=True)
    job_path, outcome_path = (run_dir / f"{job.attempt}.{n}.pickle" for n in ("job", "outcome"))
    try:
        job_path.write_bytes(pickle.dumps(job))
        with leased_cpus(job.num_cpus) as cpus, _open_log(job, run_dir) as log:
            status = _run(_create_command(job, job_path, outcome_path), _limit_s(job), log)
        if outcome_path.exists():
            outcome = pickle.loads(outcome_path.read_bytes())
        else:
            outcome = _create_death(job, run_dir, status)
        outcome.cpus = cpus
    except FileNotFoundError:
        outcome = Outcome("node", f"there is no {job.blender}")
    finally:
        for path in (job_path, outcome_path):
            path.unlink(missing_ok=True)
    outcome.seconds = time.monotonic() - start
    return outcome


def _create_command(job: Job, job_path: Path, outcome_path: Path) -> list[str]:
    arguments = [str(ENTRY_PATH), "--", str(job_path), str(outcome_path)]
    if Path(job.blender) == Path(sys.executable):
        return [job.blender, *arguments]
    # The exit code counts for what stands after it.
    return [job.blender, "--background", "--python-exit-code", "1", "--python", *arguments]


def _run(command: list[str], limit_s: float | None, log: int) -> int:
    """Exit status; negative for a signal."""
    from synrender.embedding import blender_environment

    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env={**os.environ, **blender_environment()},
    )
    try:
        return process.wait(limit_s)
    except subprocess.TimeoutExpired:
        return -signal.SIGKILL
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _limit_s(job: Job) -> float | None:
    """Far end of the time limit, for a process that does not even end itself."""
    num_samples = sum(count for _, count in job.ranges)
    return job.time_limit * (num_samples + 1) + STARTUP_LIMIT_S if job.time_limit else None


@contextlib.contextmanager
def _open_log(job: Job, run_dir: Path) -> Iterator[int | None]:
    """Descriptor for Blender's output; None leaves it where ours goes."""
    if not job.is_quiet:
        yield None
        return
    with (run_dir / f"{job.attempt}.log").open("ab", buffering=0) as file:
        yield file.fileno()


def _create_death(job: Job, run_dir: Path, status: int) -> Outcome:
    from synrender.fanout.journal import take_last_words

    journal, tail = take_last_words(run_dir, job.attempt)
    if status < 0:
        what = f"ended by {signal.Signals(-status).name}"
    else:
        what = f"ended with exit status {status}"
    if status > 0 and not journal:
        return Outcome("error", f"{job.blender} {what} before it ran our code", tail)
    if status in CRASHES and journal.get("cause") == "":
        journal["cause"] = "crashed"
    return Outcome("died", f"Blender {what}", tail, journal=journal)
