"""Runs batches on an executor: a bounded number at a time, and a bounded number of retries."""

from __future__ import annotations

import dataclasses
import itertools
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from synrender.assets.catalog import Catalog
from synrender.crashes.blame import MAX_KILLS, Blame
from synrender.crashes.journal import Cause
from synrender.dataset.claim import add_rejected
from synrender.dataset.cpu_kinds import describe_mixture
from synrender.dataset.folder import PlannedDataset
from synrender.errors import UserError
from synrender.fanout.display import Display
from synrender.fanout.job import Job, Outcome, Status
from synrender.fanout.queue import Batch, BatchQueue
from synrender.fanout.worker import commit_files
from synrender.system.cpus import CpuKind

MAX_ERRORS = 3
"""Attempts at a batch that end in an error before it counts as failed."""

MAX_DEATHS = 12
"""Workers that may die in a row over a batch without finishing a sample or rejecting an asset."""

MAX_WITHOUT_PROGRESS = 40
"""Attempts in a row, over all batches, that may make no progress before the run stops.

More where many run at a time: each may have met a model that kills its process `MAX_KILLS` times.
"""


MAX_TIMEOUTS = 4
"""Workers that may exceed the time limit before any sample is finished; then the limit is wrong."""

MIN_CONCLUSIVE_S = 10.0
"""A shorter time limit convicts no model before any sample is finished."""


class Executor(Protocol):
    """What runs jobs: Ray, or this process."""

    def num_slots(self, avoid_nodes: frozenset[str]) -> int:
        """Jobs that run at the same time now."""

    def submit(self, job: Job, avoid_nodes: frozenset[str]) -> Hashable:
        """Hands a job over; returns its handle."""

    def wait(self, handles: list[Hashable], timeout_s: float) -> list[Hashable]:
        """Handles whose jobs have ended; waits for the first."""

    def result(self, handle: Hashable, job: Job) -> Outcome:
        """Outcome of a job that has ended."""

    def find_cpus(self) -> frozenset[CpuKind]:
        """Kinds of CPU of the workers that have begun so far."""

    def kill_hung(self, jobs: dict[Hashable, Job]) -> list[Hashable]:
        """Kills jobs that are far beyond their time limit; returns handles that are given up.

        Raises:
            OSError: no job runs, and none begins.
        """

    def count_unfinished(self, jobs: list[Job]) -> int:
        """Samples that running jobs have finished so far, as far as that can be seen."""


@dataclass
class RunResult:
    """Counts and failures of a run."""

    num_batches: int = 0
    num_retried: int = 0
    failed: list[tuple[Batch, Outcome]] = field(default_factory=list)
    rejected: dict[str, str] = field(default_factory=dict)
    incomplete: dict[str, str] = field(default_factory=dict)  # see `DatasetInfo`
    bad_nodes: dict[str, str] = field(default_factory=dict)  # {node id: why}
    stopped: str = ""  # why the run ended early


@dataclass
class Attempts:
    """Failed attempts at a batch since it last made progress."""

    num_errors: int = 0
    num_deaths: int = 0
    missing: tuple[int, ...] = ()  # after the last of them; (): there was none


class Scheduler:
    """Runs all batches; does not depend on Ray."""

    def __init__(
        self,
        executor: Executor,
        datasets: Sequence[PlannedDataset],
        catalogs: dict[str, Catalog],
        template: Job,
        display: Display,
    ) -> None:
        self._executor, self._template, self._display = executor, template, display
        self._datasets, self._catalogs = datasets, catalogs
        self._blame = Blame()
        self._retries: deque[Batch] = deque()
        self._in_flight: dict[Hashable, tuple[Batch, Job]] = {}
        self._attempts: dict[tuple[str, int], Attempts] = {}
        self._num_without_progress = self._num_timeouts = 0
        self._has_finished_any = False
        self._cpus_before = {
            entry.cpu
            for dataset in datasets
            if dataset.folder.is_begun
            for entry in dataset.folder.read_info().cpus
        }
        self._mixture = ""
        self._counter = itertools.count()
        self.on_finished: Callable[[Batch], object] = lambda batch: None
        self.result = RunResult()

    def run(self, queue: BatchQueue) -> RunResult:
        """Renders all batches of a queue; those that cannot be rendered are in ``failed``.

        Jobs that still run when the run stops early are not canceled: see `cluster.ray_session`.

        Raises:
            UserError: no node can render at all.
        """
        while not self.result.stopped:
            self._fill_window(queue)
            if not self._in_flight:
                break
            handles = self._executor.wait(list(self._in_flight), 1.0)
            self._tell_mixture()
            for handle in handles:
                batch, job = self._in_flight.pop(handle)
                self._settle(batch, job, self._executor.result(handle, job))
            self._give_up_hung()
            self._show()
        return self.result

    # --- submitting ---------------------------------------------------------------------------

    def _fill_window(self, queue: BatchQueue) -> None:
        """Keeps enough jobs waiting for the next free slot, and no more than that."""
        avoid_nodes = frozenset(self.result.bad_nodes)
        num_slots = self._executor.num_slots(avoid_nodes)
        while len(self._in_flight) < 2 * num_slots + 2:
            batch = self._retries.popleft() if self._retries else queue.take(num_slots)
            if batch is None:
                return
            job = self._create_job(batch)
            handle = self._executor.submit(job, avoid_nodes)
            self._in_flight[handle] = batch, job

    def _create_job(self, batch: Batch) -> Job:
        dataset = batch.dataset
        job = dataclasses.replace(
            self._template,
            attempt=f"{dataset.name}-{batch.idx_offset}-{next(self._counter)}",
            dataset_name=dataset.name,
            settings=dataset.settings,
            idxs=self._attempts.get(_key(batch), Attempts()).missing or batch.missing,
            probed=self._blame.find_probed(dataset),
        )
        if not job.is_gathered:
            return job
        return dataclasses.replace(
            job,
            rejected=dataset.folder.read_info().rejected,
            sources=self._catalogs[dataset.name].sources,
        )

    # --- taking in ----------------------------------------------------------------------------

    def _settle(self, batch: Batch, job: Job, outcome: Outcome) -> None:
        if outcome.status is Status.DONE and job.is_gathered:
            outcome = commit_files(batch.dataset.folder, outcome)
        if outcome.status is Status.DONE:
            self._finish(batch, outcome)
        elif outcome.status is Status.BAD_NODE:
            self._avoid_node(batch, outcome)
        elif outcome.status is Status.DISK_FULL:
            self.result.stopped = outcome.message
        elif outcome.status is Status.USER_ERROR:
            self._fail(batch, outcome)
        else:
            self._try_again(batch, outcome)

    def _finish(self, batch: Batch, outcome: Outcome) -> None:
        self._attempts.pop(_key(batch), None)
        self._num_without_progress = 0
        self._has_finished_any = True
        self.result.num_batches += 1
        self._add_rejected(outcome.rejected)
        self.result.incomplete |= outcome.incomplete
        self._display.finish_batch(batch)
        self.on_finished(batch)

    def _fail(self, batch: Batch, outcome: Outcome) -> None:
        self._attempts.pop(_key(batch), None)
        self.result.failed.append((batch, outcome))
        self._display.fail_batch(batch, outcome)

    def _avoid_node(self, batch: Batch, outcome: Outcome) -> None:
        """Stops using a node that cannot render, and gives its batch to other nodes."""
        bad_nodes = self.result.bad_nodes
        if outcome.node_id not in bad_nodes:
            bad_nodes[outcome.node_id] = outcome.message
            self._display.say(
                f"node {outcome.host} cannot render batch {batch.dataset.name} "
                f"{batch.idx_offset}: {outcome.message}; its batches go to other nodes"
            )
        if not outcome.node_id or self._executor.num_slots(frozenset(bad_nodes)) == 0:
            if self.result.num_batches == 0:
                raise UserError(outcome.message)
            self._fail(batch, outcome)
            return
        self._retry(batch)

    def _try_again(self, batch: Batch, outcome: Outcome) -> None:
        attempts = self._attempts.setdefault(_key(batch), Attempts())
        missing = batch.find_missing()
        made_progress = len(missing) < len(attempts.missing or batch.missing)
        attempts.missing = missing
        if not missing:  # the worker died after its last sample
            self._finish(batch, outcome)
            return
        self._has_finished_any |= made_progress
        has_rejected = outcome.status is Status.DIED and self._reject_asset(batch, outcome)
        if made_progress or has_rejected:
            attempts.num_errors = attempts.num_deaths = self._num_without_progress = 0
        else:
            self._num_without_progress += 1
            self._num_timeouts += _has_timed_out(outcome)
        if outcome.status is Status.DIED:
            attempts.num_deaths += 1
        else:
            attempts.num_errors += 1
        if self._num_timeouts >= MAX_TIMEOUTS and not self._has_finished_any:
            self.result.stopped = (
                f"{self._num_timeouts} processes finished no sample within the time limit; give a "
                f"longer one than --time_limit {self._template.time_limit:g}"
            )
        elif attempts.num_errors >= MAX_ERRORS or attempts.num_deaths >= MAX_DEATHS:
            self._fail(batch, outcome)
        elif self._num_without_progress >= max(
            MAX_WITHOUT_PROGRESS, MAX_KILLS * (len(self._in_flight) + 1)
        ):
            self._fail(batch, outcome)
            self.result.stopped = f"{self._num_without_progress} attempts in a row came to nothing"
        else:
            self._retry(batch)

    def _retry(self, batch: Batch) -> None:
        self.result.num_retried += 1
        self._display.retry_batch()
        self._retries.append(batch)

    def _reject_asset(self, batch: Batch, outcome: Outcome) -> bool:
        """Rejects an asset that has killed enough workers, for all data sets; says whether."""
        is_slow_run = not self._has_finished_any
        is_short = self._template.time_limit < MIN_CONCLUSIVE_S
        if is_slow_run and is_short and _has_timed_out(outcome):
            return False
        rejected = self._blame.note_death(
            batch.dataset,
            self._catalogs[batch.dataset.name],
            outcome.journal,
            is_slow_run=is_slow_run,
        )
        new = {n: reason for n, reason in rejected.items() if n not in self.result.rejected}
        for name, reason in new.items():
            self._display.say(f"rejected {name}: {reason}")
        self._add_rejected(new)
        for dataset in self._datasets if new else ():
            add_rejected(dataset.folder, new)
        return bool(rejected)

    def _add_rejected(self, rejected: dict[str, str]) -> None:
        self.result.rejected |= {
            n: reason for n, reason in rejected.items() if n not in self.result.rejected
        }

    # --- watching -----------------------------------------------------------------------------

    def _tell_mixture(self) -> None:
        """Says so if the CPUs of the workers, and of what is there already, are not of one kind."""
        cpus = self._executor.find_cpus()
        mixture = describe_mixture(self._cpus_before | cpus) if cpus else ""
        if mixture and mixture != self._mixture:
            self._display.warn(f"the samples are of {mixture}")
        self._mixture = mixture

    def _give_up_hung(self) -> None:
        jobs = {handle: job for handle, (_, job) in self._in_flight.items()}
        for handle in self._executor.kill_hung(jobs):
            batch, job = self._in_flight.pop(handle)
            outcome = Outcome(Status.DIED, f"no progress within {job.time_limit:g} s a sample")
            self._settle(batch, job, outcome)

    def _show(self) -> None:
        if self._display.is_due():
            jobs = [job for _, job in self._in_flight.values()]
            self._display.show(self._executor.count_unfinished(jobs))


def _has_timed_out(outcome: Outcome) -> bool:
    return outcome.journal is not None and outcome.journal.cause is Cause.HUNG


def _key(batch: Batch) -> tuple[str, int]:
    return batch.dataset.name, batch.idx_offset
