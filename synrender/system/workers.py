"""Runs tasks in parallel processes; yields results in order, with bounded memory."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import forkserver, util
from typing import TypeVar

from synrender.system.cpus import count_cpus

Result = TypeVar("Result")

MIN_TASKS = 3
"""Fewer tasks run in this process, because starting other processes would take longer."""

MIN_LIGHT_TASKS = 100
"""Like `MIN_TASKS`, for tasks that only read files."""

MAX_FOLDER_BYTES = 107 - len("/pymp-12345678/listener-12345678")
"""Of a folder for temporary files in which a socket can be; Linux allows it 107 in all."""

NUM_WAITING_PER_JOB = 3
"""Unfinished tasks per process; limits memory for any size of data set."""


class Workers:
    """A pool of processes: starts when first needed, ends with the ``with`` block."""

    def __init__(self, num_jobs: int, preloaded: Sequence[str] = ()) -> None:
        """Starts no process yet.

        Args:
            num_jobs: number of processes; 0: one for each CPU.
            preloaded: modules that the fork server imports once for all processes.
        """
        self.num_jobs = num_jobs or count_cpus()
        self._preloaded = list(preloaded)
        self._context = multiprocessing.get_context("forkserver")
        self._executor: ProcessPoolExecutor | None = None

    def prepare(self) -> None:
        """Starts the fork server, so that it can import modules while this process continues."""
        if self.num_jobs > 1:
            self._context.set_forkserver_preload(self._preloaded)
            with _hangups_ignored(), _short_folder():
                forkserver.ensure_running()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)

    def map(
        self,
        function: Callable[..., Result],
        tasks: Sequence[tuple[object, ...]],
        is_light: bool = False,
    ) -> Iterator[Result]:
        """Yields ``function(*task)`` for each task, in order.

        Args:
            function: defined at module level, so that it can be pickled.
            tasks: tuples of arguments that can be pickled.
            is_light: each task takes so little time that a process pays off for many only.

        Raises:
            Exception: whatever the function raises.
            BrokenProcessPool: a process was killed.
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


def remove_server_folder() -> None:
    """Removes the folder of the fork server's socket, as Python does at a normal exit."""
    if "tempdir" in multiprocessing.current_process()._config:  # ty: ignore[missing-attribute]
        shutil.rmtree(util.get_temp_dir(), ignore_errors=True)


@contextlib.contextmanager
def _hangups_ignored() -> Generator[None]:
    """Lets processes that start within ignore SIGHUP, which terminals send to all of a group.

    They end with this process. The tracker of resources would be missed before, with a warning.
    """
    if not hasattr(signal, "SIGHUP") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before or signal.SIG_DFL)


@contextlib.contextmanager
def _short_folder() -> Generator[None]:
    """Has the fork server's socket lie in /tmp where the path of TMPDIR is too long for it."""
    before = tempfile.gettempdir()
    is_long = len(os.fsencode(before)) > MAX_FOLDER_BYTES
    tempfile.tempdir = "/tmp" if is_long else before
    try:
        yield
    finally:
        tempfile.tempdir = before


def _prepare_process() -> None:
    """Ignores Ctrl-C, which the parent handles, and ends when the parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
    os._exit(1)
