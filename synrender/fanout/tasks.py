"""What Ray's workers are asked to do.

A worker imports this module before it knows where things are, hence the late imports.
"""

from __future__ import annotations

import contextlib
import os
import signal

from synrender.fanout.executable import run_executable
from synrender.fanout.job import Job, Outcome
from synrender.fanout.worker import job_to_run_dir, render_job, set_environment


def run_job(job: Job) -> Outcome:
    """Renders a job, in this process or with an executable."""
    import ray

    outcome = run_executable(job) if job.blender else render_job(job)
    outcome.node_id = ray.get_runtime_context().get_node_id()
    return outcome


def take_last_words_here(job: Job) -> tuple[dict, str]:
    """What an attempt left on this node, where nodes share no storage."""
    set_environment(job)
    from synrender.fanout.journal import take_last_words

    return take_last_words(job_to_run_dir(job), job.attempt)


def kill_here(pid: int) -> None:
    """Kills a process of this node that neither works nor ends itself."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
