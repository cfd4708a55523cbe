"""Runs jobs as Ray tasks, and tells which of them are stuck."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import socket
import time
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
import ray.exceptions

from synrender.crashes.journal import STARTUP_LIMIT_S, JournalEntry, read_journal, take_leftovers
from synrender.errors import CutShort
from synrender.fanout.executable import run_here
from synrender.fanout.job import Job, Outcome, Status
from synrender.fanout.processes import (
    BEGUN,
    IDLE_S,
    WAITING,
    Idleness,
    end_with_parent,
    find_family,
    find_servers,
)
from synrender.fanout.ray_session import OF_LIMITS, Session
from synrender.system.console import warn_once
from synrender.system.cpus import CpuKind, find_cpu
from synrender.system.disk import find_full_disk
from synrender.system.folders import find_folders

MAX_SAMPLES_PER_WORKER = 2000
"""A worker is replaced after so many samples, so that memory leaks cannot add up."""

SLOTS_EVERY_S = 5.0

SUSPICION_S = 15.0
"""Tasks that do not begin for so long may never: known reasons are looked for."""

WARNING_S = 30.0
"""Tasks of a cluster that do not begin for so long make a line: they may wait for others'."""

LEFTOVERS_LIMIT_S = 30.0
"""Seconds for a node to hand over what a dead task left."""


@dataclass(frozen=True)
class TaskOptions:
    """What each task reserves, and how long a worker lives."""

    num_cpus: int
    num_gpus: float = 0  # may be a fraction
    num_samples: int = 1  # at most

    @property
    def max_calls(self) -> int:
        """Tasks after which a worker is replaced."""
        return max(1, MAX_SAMPLES_PER_WORKER // self.num_samples)


@dataclass(frozen=True)
class Worker:
    """The process that runs a task."""

    node_id: str  # Ray's
    host: str
    pid: int  # on its node
    cpu: CpuKind


# --- in the worker --------------------------------------------------------------------------------


def create_task(function: Callable[[Job], Outcome]) -> Callable[[Job], Iterator[Worker | Outcome]]:
    """A task that returns its worker as soon as it has begun, and then what a function returns."""

    def run(job: Job) -> Iterator[Worker | Outcome]:
        node_id = ray.get_runtime_context().get_node_id()
        yield Worker(node_id, socket.gethostname(), os.getpid(), find_cpu())
        yield function(job)

    return run


def run_job(job: Job) -> Outcome:
    """Renders a job, in this process or with an executable."""
    end_with_parent(job.driver_pid)
    return run_here(_to_node(job))


def take_leftovers_here(job: Job) -> tuple[JournalEntry | None, str]:
    """Collects what an attempt left on this node, where nodes share no storage."""
    return take_leftovers(_to_node(job).run_dir, job.attempt)


def kill_here(pid: int) -> None:
    """Kills a process of this node that neither works nor ends itself."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _to_node(job: Job) -> Job:
    """The job with this node's own folders, where nodes share no storage.

    The data folder is the node's. Assets are where the node's environment says, else where the
    driver has them.
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
        textures=own.textures or theirs.textures,
        environments=own.environments or theirs.environments,
    )
    return dataclasses.replace(job, folders=folders)


# --- in the driver --------------------------------------------------------------------------------


class RayExecutor:
    """Runs jobs as Ray tasks, without Ray's own retries: the scheduler decides when to stop.

    A task returns two values: the worker as soon as it has begun, and the outcome.
    """

    def __init__(
        self,
        session: Session,
        run_dir: Path,
        options: TaskOptions,
        function: Callable[[Job], Outcome] = run_job,
        is_shared: bool = True,
    ) -> None:
        """Prepares the task; workers write into the same ``run_dir`` if it is shared."""
        self._session, self._run_dir, self._is_shared = session, run_dir, is_shared
        self._options = options
        self._task = ray.remote(
            num_cpus=options.num_cpus,
            num_gpus=options.num_gpus,
            num_returns="streaming",
            max_retries=0,
            max_calls=options.max_calls,
        )(create_task(function))
        self._nodes: list[dict] = []
        self._nodes_at = -SLOTS_EVERY_S
        self._workers: dict[Hashable, Worker] = {}  # of tasks that have begun
        self._failed: dict[Hashable, ray.exceptions.RayError] = {}  # why others could not
        self._num_begun = 0
        self._is_noted = False  # that tasks should begin
        self._cpus: set[CpuKind] = set()  # of all workers so far
        self._stillness, self._idleness = Stillness(), Idleness()

    # --- jobs -------------------------------------------------------------------------------------

    def num_slots(self, avoid_nodes: frozenset[str]) -> int:
        """Number of tasks that the nodes alive now can run at once."""
        if time.monotonic() - self._nodes_at >= SLOTS_EVERY_S:
            self._nodes_at = time.monotonic()
            self._nodes = [node for node in ray.nodes() if node["Alive"]]
        return sum(
            self._count_slots(node["Resources"])
            for node in self._nodes
            if node["NodeID"] not in avoid_nodes
        )

    def _count_slots(self, resources: dict[str, float]) -> int:
        slots = resources.get("CPU", 0) // self._options.num_cpus
        if self._options.num_gpus:
            slots = min(slots, resources.get("GPU", 0) // self._options.num_gpus)
        return int(slots)

    def submit(self, job: Job, avoid_nodes: frozenset[str]) -> ray.ObjectRefGenerator:
        """Hands a job to Ray."""
        if not self._is_noted:
            self._is_noted = True
            self._session.note(WAITING)
        if not avoid_nodes:
            return self._task.remote(job)
        selector = {"ray.io/node-id": f"!in({','.join(sorted(avoid_nodes))})"}
        return self._task.options(label_selector=selector).remote(job)

    def wait(self, handles: list[Hashable], timeout_s: float) -> list[Hashable]:
        """Handles whose tasks have ended."""
        ready, rest = ray.wait(handles, timeout=timeout_s)
        ready += ray.wait(rest, num_returns=len(rest), timeout=0)[0] if rest else []
        return [handle for handle in ready if not self._has_just_begun(handle)]

    def _has_just_begun(self, handle: Any) -> bool:
        """Whether what a task has returned is its worker, which is noted."""
        if handle in self._workers:
            return False
        try:
            worker: Any = ray.get(next(handle))
            self._workers[handle] = worker
            self._num_begun += 1
            if self._num_begun == 1:
                self._session.note(BEGUN)
            self._cpus.add(worker.cpu)
        except ray.exceptions.RayError as error:
            self._failed[handle] = error
        return handle in self._workers

    def result(self, handle: Any, job: Job) -> Outcome:
        """Outcome of a task.

        Raises:
            CutShort: nothing can run any more.
        """
        worker, error = self._workers.pop(handle, None), self._failed.pop(handle, None)
        self._stillness.forget(handle)
        try:
            if error:
                raise error
            outcome: Any = ray.get(next(handle))
            return dataclasses.replace(outcome, node_id=worker.node_id if worker else "")
        except ray.exceptions.RayTaskError as error:
            return Outcome(
                Status.ERROR, str(error.cause or error).strip().splitlines()[-1], str(error)
            )
        except ray.exceptions.LocalRayletDiedError:
            raise CutShort("Ray's server for this machine has died") from None
        except ray.exceptions.RuntimeEnvSetupError as error:
            return Outcome(Status.ERROR, f"the code could not be shipped: {error}")
        except ray.exceptions.RayError as error:
            message = f"its process died ({type(error).__name__})"
            entry, tail = self._take_leftovers(job, worker)
            host = worker.host if worker else "a node that is gone"
            return Outcome(Status.DIED, message, tail, journal=entry, host=host)

    def _take_leftovers(self, job: Job, worker: Worker | None) -> tuple[JournalEntry | None, str]:
        if self._is_shared:
            return take_leftovers(self._run_dir, job.attempt)
        with contextlib.suppress(ray.exceptions.RayError):  # the node is gone
            if worker:
                ref = _start_on(worker, take_leftovers_here, job)
                return ray.get(ref, timeout=LEFTOVERS_LIMIT_S)
        return None, ""

    def find_cpus(self) -> frozenset[CpuKind]:
        """Kinds of CPU of the workers that have begun so far."""
        return frozenset(self._cpus)

    # --- watching ---------------------------------------------------------------------------------

    def count_unfinished(self, jobs: list[Job]) -> int:
        """Samples that running tasks have finished, by their journals."""
        if not self._is_shared:
            return 0
        entries = (read_journal(self._run_dir / f"{job.attempt}.json") for job in jobs)
        return sum(entry.done for entry in entries if entry)

    def kill_hung(self, jobs: dict[Hashable, Job]) -> list[Hashable]:
        """Kills workers that neither work nor end themselves (stopped, or stuck in the kernel).

        Raises:
            OSError: no task runs, and none begins.
        """
        self._check_beginning(is_expected=bool(jobs) and not self._workers)
        hung = []
        for handle, job in jobs.items():
            worker = self._workers.get(handle)
            if worker and self._is_hung(handle, job):
                _start_on(worker, kill_here, worker.pid)
                self._workers.pop(handle)
                self._stillness.forget(handle)
                hung.append(handle)
        return hung

    def _check_beginning(self, is_expected: bool) -> None:
        """Raises OSError if tasks should begin, and none begins."""
        still_s = self._stillness.measure_s("beginning", (is_expected, self._num_begun))
        if not is_expected:
            self._idleness = Idleness()
            return
        if still_s >= SUSPICION_S:
            for folder in (self._run_dir, self._session.folder):
                if folder and (full := find_full_disk(OSError(), folder)):
                    raise full
        if self._session.folder:
            family = [pid for server in find_servers() for pid in find_family(server)]
            if self._idleness.is_idle(family):
                raise OSError(f"Ray begins no task: nothing works for {IDLE_S:g} s; {OF_LIMITS}")
            if still_s >= STARTUP_LIMIT_S:
                raise OSError(f"Ray began no task within {STARTUP_LIMIT_S} s; {OF_LIMITS}")
        elif still_s >= WARNING_S:
            warn_once(
                f"no task has begun for {WARNING_S:g} s: others use the cluster's CPUs, or its "
                "nodes cannot start processes; 'ray status' shows which; still waiting"
            )

    def _is_hung(self, handle: Hashable, job: Job) -> bool:
        """Whether a task that has begun shows no sign of life for too long."""
        if not self._is_shared:
            return self._stillness.measure_s(handle, "begun") > job.limit_s
        try:
            status = (self._run_dir / f"{job.attempt}.json").stat()
            sign = status.st_mtime_ns, status.st_size
        except OSError:  # it has not begun its work, or has just ended
            sign = None
        limit_s = job.silence_limit_s
        if sign is None and job.time_limit:
            limit_s = STARTUP_LIMIT_S
        return self._stillness.measure_s(handle, sign) > limit_s


class Stillness:
    """How long things have not changed, by the clock of this process alone.

    What a thing shows, such as the time of a file, is only compared with what it showed before: the
    clock of a file server may be another.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[Hashable, tuple[object, float]] = {}  # what was seen, and since when

    def measure_s(self, thing: Hashable, sign: object) -> float:
        """Seconds since a thing first showed what it shows now."""
        now = self._clock()
        before, since = self._seen.get(thing, (sign, now))
        self._seen[thing] = sign, since if sign == before else now
        return now - self._seen[thing][1]

    def forget(self, thing: Hashable) -> None:
        """Drops what is known of a thing."""
        self._seen.pop(thing, None)


def _start_on(worker: Worker, function: Callable, argument: Job | int) -> ray.ObjectRef:
    """Runs a function on a worker's node, whatever else runs there."""
    selector = {"ray.io/node-id": worker.node_id}
    task = ray.remote(num_cpus=0, max_retries=0, label_selector=selector)(function)
    return task.remote(argument)
