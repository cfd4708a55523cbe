"""Work on all cores: results in order, with a bounded number of them waiting."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import forkserver
from typing import Any, TypeVar

Result = TypeVar("Result")

MIN_TASKS = 3
"""Fewer are done here: starting processes would take longer."""

MIN_LIGHT_TASKS = 100
"""The same for tasks that do little more than read files."""

NUM_WAITING_PER_JOB = 3
"""Tasks in flight for each process; bounds memory whatever the size of the data set."""


class Workers:
    """A pool of processes that starts when it is first worth it and ends with the ``with``."""

    def __init__(self, num_jobs: int, preloaded: Sequence[str] = ()) -> None:
        """Starts nothing yet.

        Args:
            num_jobs: processes; 0: one for each CPU.
            preloaded: modules that one process imports for all the others.
        """
        self.num_jobs = num_jobs or len(os.sched_getaffinity(0))
        self._preloaded = list(preloaded)
        self._context = multiprocessing.get_context("forkserver")
        self._executor: ProcessPoolExecutor | None = None

    def prepare(self) -> None:
        """Lets the process that the others fork from start while this one goes on importing."""
        if self.num_jobs > 1:
            self._context.set_forkserver_preload(self._preloaded)
            forkserver.ensure_running()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)

    def map(
        self,
        function: Callable[..., Result],
        tasks: Sequence[tuple[Any, ...]],
        is_light: bool = False,
    ) -> Iterator[Result]:
        """Yields ``function(*task)`` of each task in order.

        Args:
            function: of a module, so that another process finds it by name.
            tasks: arguments that can be pickled.
            is_light: tasks that are hardly worth sending to another process.

        Raises:
            What the function raises; BrokenProcessPool: a process was killed.
        """
        if self.num_jobs == 1 or len(tasks) < (MIN_LIGHT_TASKS if is_light else MIN_TASKS):
            for task in tasks:
                yield function(*task)
            return
        if self._executor is None:
            self.prepare()
            self._executor = ProcessPoolExecutor(
                self.num_jobs, self._context, initializer=_prepare_process
            )
        waiting: deque[Future[Result]] = deque()
        for task in tasks:
            waiting.append(self._executor.submit(function, *task))
            if len(waiting) > NUM_WAITING_PER_JOB * self.num_jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _prepare_process() -> None:
    """Leaves Ctrl-C to the parent, and ends with it even if it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
    os._exit(1)
