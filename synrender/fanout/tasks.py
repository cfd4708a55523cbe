"""The functions that Ray's workers run."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from synrender.crashes.journal import Entry, take_leftovers
from synrender.fanout.executable import run_here
from synrender.fanout.job import Job, Outcome
from synrender.fanout.processes import end_with_parent
from synrender.system.cpus import CpuKind, find_cpu
from synrender.system.folders import find_folders


@dataclass(frozen=True)
class Worker:
    """The process that runs a task."""

    node_id: str  # Ray's
    host: str
    pid: int  # on its node
    cpu: CpuKind


def create_task(function: Callable[[Job], Outcome]) -> Callable[[Job], Iterator[Worker | Outcome]]:
    """A task that returns its worker as soon as it has begun, and then what a function returns."""

    def run(job: Job) -> Iterator[Worker | Outcome]:
        import ray

        node_id = ray.get_runtime_context().get_node_id()
        yield Worker(node_id, socket.gethostname(), os.getpid(), find_cpu())
        yield function(job)

    return run


def run_job(job: Job) -> Outcome:
    """Renders a job, in this process or with an executable."""
    end_with_parent(job.driver_pid)
    return run_here(_to_node(job))


def take_leftovers_here(job: Job) -> tuple[Entry | None, str]:
    """Collects what an attempt left on this node, where nodes share no storage."""
    return take_leftovers(_to_node(job).run_dir, job.attempt)


def kill_here(pid: int) -> None:
    """Kills a process of this node that neither works nor ends itself."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _to_node(job: Job) -> Job:
    """The job with this node's own folders, where nodes share no storage.

    The data folder is the node's. Models and textures are where the node's environment says, else
    where the driver has them.
    """
    if not job.is_gathered or job.driver_pid:
        return job
    own = find_folders(os.environ)
    theirs = job.folders
    folders = dataclasses.replace(
        own,
        shapenet=own.shapenet or theirs.shapenet,
        dtd=own.dtd or theirs.dtd,
        models=own.models or theirs.models,
    )
    return dataclasses.replace(job, folders=folders)
