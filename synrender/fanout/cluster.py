"""Starts or joins Ray, and runs jobs as Ray tasks. No other module imports Ray at the top."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import ray
import ray.exceptions

from synrender.crashes.journal import STARTUP_LIMIT_S, Entry, read_journal, take_leftovers
from synrender.errors import UserError, shorten
from synrender.fanout.executable import run_here
from synrender.fanout.job import Job, Outcome, Status
from synrender.fanout.processes import guarded
from synrender.fanout.ray_head import TOKEN_HELP, check_reachable, joining, no_cluster, watched_head
from synrender.fanout.tasks import kill_here, run_job, take_leftovers_here
from synrender.system.console import redirected_output
from synrender.system.cpus import find_allowed_cpus
from synrender.system.disk import find_full_disk
from synrender.system.folders import PROJECT_DIR, is_clone
from synrender.system.interrupts import interrupts_held, sigterm_kept
from synrender.system.locks import temporary_folder

MAX_SAMPLES_PER_WORKER = 2000
"""A worker is replaced after so many samples, so that memory leaks cannot add up."""

MAX_SOCKET_PATH = 107
FOLDER_LENGTH = len("/r-01234567-12345678/r")
SESSION_PATH_LENGTH = len("/session_2000-01-01_00-00-00_000000_4194304/sockets/plasma_store")

SLOTS_EVERY_S = 5.0

NOT_SHIPPED = [".git", ".venv", "/datasets", "/tests", "/img", "**/__pycache__"]
"""Files that are not sent to other machines."""


# --- starting -------------------------------------------------------------------------------------


@contextlib.contextmanager
def ray_session(address: str | None, cpus_per_task: int, data_dir: Path) -> Generator[None]:
    """Joins the cluster at ``address``, or starts Ray on this machine and ends it afterwards.

    Tasks that still run or wait when it closes end with it, and so do their processes. They are
    not cancelled: Ray 2.60 aborts this process ("Tried to complete task that was not pending") if
    a task ends while it is being cancelled.

    Inside, `sys.stdout` goes to the null device: Ray prints a paragraph there for each worker that
    dies, whatever its logging options are. `Display` tells the user instead.

    Args:
        address: address of a cluster; None for this machine alone.
        cpus_per_task: number of CPUs that a task reserves.
        data_dir: where Ray's own files go, if this machine is alone.

    Raises:
        UserError: there is no cluster at the address, or too few CPUs.
    """
    with contextlib.ExitStack() as stack:
        nowhere = stack.enter_context(Path(os.devnull).open("w"))
        stack.enter_context(contextlib.redirect_stdout(nowhere))
        if address:
            _join_cluster(address)
        else:
            folder = stack.enter_context(_temporary_dir(data_dir))
            _start_here(cpus_per_task, folder)
        stack.callback(ray.shutdown)
        stack.enter_context(watched_head(ray.get_runtime_context().gcs_address))
        yield


QUIET = {"log_to_driver": False, "logging_level": "ERROR"}
"""Options of `ray.init`: workers' output stays in their logs."""


def _join_cluster(address: str) -> None:
    try:
        check_reachable(address)
    except (OSError, ValueError) as error:
        raise no_cluster(address, str(error).strip().splitlines()[0]) from None
    try:
        with joining(address):
            _init(address, runtime_env=_create_runtime_env(), **QUIET)
    except ray.exceptions.AuthenticationError:
        raise UserError(
            f"--address {address}: its token is not here, or is another; {TOKEN_HELP}"
        ) from None
    except ConnectionError:  # a wrong token among other things
        raise UserError(
            f"--address {address}: Ray there does not accept this driver; give both the same "
            f"version of Ray. If the cluster has a token, {TOKEN_HELP}"
        ) from None
    except (OSError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        raise no_cluster(address, str(error).strip().splitlines()[0]) from None


def _start_here(cpus_per_task: int, folder: Path) -> None:
    num_cpus = len(find_allowed_cpus())
    if cpus_per_task > num_cpus:
        raise UserError(f"--cpus_per_task {cpus_per_task}: this machine has {num_cpus} CPUs")
    try:
        _init("local", num_cpus=num_cpus, include_dashboard=False, _temp_dir=str(folder), **QUIET)
    except Exception as error:  # of many kinds: no room, or one of its processes was killed
        if full := find_full_disk(error, folder.parent):
            raise full from None
        raise OSError(f"Ray did not start ({shorten(error, 200)})") from None


def _init(address: str, **options: Any) -> None:
    """Starts Ray, which changes none of our handlers of signals meanwhile.

    What Ray's C++ code prints about each failed attempt to connect is dropped; the error says it.
    Ctrl-C takes effect afterwards: Python drops an exception that a handler raises while it forks.
    """
    with (
        Path(os.devnull).open("wb") as nowhere,
        redirected_output(nowhere.fileno()),
        interrupts_held(),
        sigterm_kept(),
    ):
        ray.init(address, **options)


def _create_runtime_env() -> dict[str, Any]:
    """Sends a clone's code to the nodes; an installed package must be on each node."""
    return {"working_dir": str(PROJECT_DIR), "excludes": NOT_SHIPPED} if is_clone() else {}


@contextlib.contextmanager
def _temporary_dir(data_dir: Path) -> Generator[Path]:
    """Folder for Ray's sockets and logs; at the end a guard removes it and who still uses it.

    Only this user can enter it. In the data folder, unless its path is so long that a socket in it
    could not be opened (Linux allows 107 characters): then in /tmp.
    """
    parent, prefix = data_dir / ".ray", "r"
    if len(str(parent)) + FOLDER_LENGTH + SESSION_PATH_LENGTH > MAX_SOCKET_PATH:
        parent, prefix = Path("/tmp"), f"synrender-ray-{os.getuid()}"
    try:
        with temporary_folder(parent, prefix) as folder, guarded(folder):
            yield folder / "r"  # Ray lets everybody into the folder that it makes itself
    finally:
        with contextlib.suppress(OSError):
            (data_dir / ".ray").rmdir()


# --- jobs as tasks --------------------------------------------------------------------------------


class RayExecutor:
    """Runs jobs as Ray tasks, without Ray's own retries: the scheduler decides when to stop."""

    def __init__(
        self,
        run_dir: Path,
        cpus_per_task: int,
        gpus_per_task: float,
        samples_per_task: int,
        function: Callable[[Job], Outcome] = run_job,
        is_shared: bool = True,
    ) -> None:
        """Prepares the task.

        Args:
            run_dir: folder of journals and logs.
            cpus_per_task: number of CPUs that a task reserves.
            gpus_per_task: number of GPUs that a task reserves; may be a fraction.
            samples_per_task: decides after how many tasks a worker is replaced.
            function: what a task runs.
            is_shared: whether workers write into the same ``run_dir``.
        """
        self._run_dir, self._is_shared = run_dir, is_shared
        self._cpus, self._gpus = cpus_per_task, gpus_per_task
        self._task = ray.remote(
            num_cpus=cpus_per_task,
            num_gpus=gpus_per_task,
            max_retries=0,
            max_calls=max(1, MAX_SAMPLES_PER_WORKER // samples_per_task),
        )(function)
        self._nodes: list[dict] = []
        self._nodes_at = -SLOTS_EVERY_S

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
        slots = resources.get("CPU", 0) // self._cpus
        if self._gpus:
            slots = min(slots, resources.get("GPU", 0) // self._gpus)
        return int(slots)

    def submit(self, job: Job, avoid_nodes: frozenset[str]) -> ray.ObjectRef:
        """Hands a job to Ray."""
        if not avoid_nodes:
            return self._task.remote(job)
        selector = {"ray.io/node-id": f"!in({','.join(sorted(avoid_nodes))})"}
        return self._task.options(label_selector=selector).remote(job)

    def wait(self, handles: list, timeout_s: float) -> list:
        """Handles whose tasks have ended."""
        ready, rest = ray.wait(handles, timeout=timeout_s)
        return ready + ray.wait(rest, num_returns=len(rest), timeout=0)[0] if rest else ready

    def result(self, handle: ray.ObjectRef, job: Job) -> Outcome:
        """Outcome of a task."""
        try:
            return ray.get(handle)
        except ray.exceptions.RayTaskError as error:
            return Outcome(
                Status.ERROR, str(error.cause or error).strip().splitlines()[-1], str(error)
            )
        except ray.exceptions.RuntimeEnvSetupError as error:
            return Outcome(Status.ERROR, f"the code could not be shipped: {error}")
        except ray.exceptions.RayError as error:
            message = f"its process died ({type(error).__name__})"
            entry, tail = self._take_leftovers(job)
            host = entry.host if entry else "a node that is gone"
            return Outcome(Status.DIED, message, tail, journal=entry, host=host)

    def _take_leftovers(self, job: Job) -> tuple[Entry | None, str]:
        if self._is_shared:
            return take_leftovers(self._run_dir, job.attempt)
        # It is not known which node it was, so all are asked.
        options = ray.remote(take_leftovers_here).options
        refs = []
        for node in ray.nodes():
            if node["Alive"]:
                selector = {"ray.io/node-id": node["NodeID"]}
                refs.append(options(num_cpus=0, max_retries=0, label_selector=selector).remote(job))
        ready, _ = ray.wait(refs, num_returns=len(refs), timeout=30) if refs else ([], [])
        for ref in ready:
            with contextlib.suppress(ray.exceptions.RayError):
                entry, tail = ray.get(ref)
                if entry:
                    return entry, tail
        return None, ""

    def count_unfinished(self, jobs: list[Job]) -> int:
        """Samples that running tasks have finished, by their journals."""
        if not self._is_shared:
            return 0
        entries = (read_journal(self._run_dir / f"{job.attempt}.json") for job in jobs)
        return sum(entry.done for entry in entries if entry)

    def kill_hung(self, jobs: dict[ray.ObjectRef, Job]) -> list:
        """Kills workers that neither work nor end themselves (stopped, or stuck in the kernel)."""
        if not self._is_shared:
            return []
        hung = []
        for handle, job in jobs.items():
            path = self._run_dir / f"{job.attempt}.json"
            try:
                silence_s = time.time() - path.stat().st_mtime
            except OSError:
                continue  # waits, or has just ended
            if job.time_limit and silence_s > 2 * job.time_limit + STARTUP_LIMIT_S:
                if entry := read_journal(path):
                    _kill_worker(entry)
                hung.append(handle)
        return hung


def _kill_worker(entry: Entry) -> None:
    """Kills the process that wrote a journal, on that process's node."""
    for node in ray.nodes():
        if node["Alive"] and node["NodeManagerHostname"] == entry.host:
            selector = {"ray.io/node-id": node["NodeID"]}
            task = ray.remote(num_cpus=0, max_retries=0, label_selector=selector)(kill_here)
            task.remote(entry.pid)
            return


class LocalExecutor:
    """Runs jobs one after the other in this process, for debugging."""

    def num_slots(self, avoid_nodes: frozenset[str]) -> int:
        """One at a time."""
        return 1

    def submit(self, job: Job, avoid_nodes: frozenset[str]) -> str:
        """Keeps the job for later."""
        return job.attempt

    def wait(self, handles: list, timeout_s: float) -> list:
        """The one that was submitted first."""
        return handles[:1]

    def result(self, handle: str, job: Job) -> Outcome:
        """Runs the job."""
        return run_here(job)

    def kill_hung(self, jobs: dict[str, Job]) -> list:
        """Nothing runs in the background."""
        return []

    def count_unfinished(self, jobs: list[Job]) -> int:
        """Nothing runs in the background."""
        return 0
