"""What a user sees of a run: one live line in a terminal, plain lines elsewhere, and failures."""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from collections.abc import Sequence
from typing import TextIO

from tqdm import tqdm

from synrender.dataset.folder import PlannedDataset
from synrender.errors import to_line
from synrender.fanout.job import Outcome
from synrender.fanout.queue import Batch
from synrender.system.console import format_duration
from synrender.system.folders import DATA_VARIABLE, find_folders

REFRESH_S = 0.5
LINE_EVERY_S = 15.0
YOUNG_S, LINE_EVERY_S_YOUNG = 20.0, 4.0  # so that a first ETA comes soon


class Display:
    """Counts samples and batches and shows them."""

    def __init__(
        self,
        datasets: Sequence[PlannedDataset],
        num_done: int,
        is_quiet: bool,
        blender: str = "",
        num_samples: int | None = None,
    ) -> None:
        self.datasets = datasets
        self._blender = blender
        if num_samples is None:  # else of a shard
            num_samples = sum(d.settings.batch.num_samples for d in datasets)
        self.num_samples = num_samples
        self._num_first = self._num_done = num_done
        self._num_shown = num_done
        self._num_failed = self._num_retried = 0
        self._is_quiet = is_quiet
        self._stdout = sys.stdout  # `ray_session` redirects sys.stdout to silence Ray
        self._start = self._last_shown = time.monotonic()
        self._bar = None
        if not is_quiet and sys.stderr.isatty():
            self._bar = tqdm(
                total=self.num_samples,
                initial=num_done,
                unit="sample",
                desc=count_datasets(len(datasets)),
                ncols=shutil.get_terminal_size().columns,  # tqdm accepts a width of 0
                nrows=shutil.get_terminal_size().lines,
                mininterval=0,
            )

    # --- events -------------------------------------------------------------------------------

    def finish_batch(self, batch: Batch) -> None:
        """Counts a complete batch."""
        self._num_done += batch.num_missing

    def fail_batch(self, batch: Batch, outcome: Outcome) -> None:
        """Counts a failed batch; prints why, how to repeat it, and the end of Blender's output."""
        self._num_failed += 1
        lines = [
            f"failed: {batch.dataset.name}, samples {batch.idx_offset} to "
            f"{batch.idx_offset + batch.num_samples - 1}, on {outcome.host}: {outcome.message}",
            f"  to reproduce: {batch_to_command(batch, self._blender)}",
        ]
        if outcome.tail:
            lines += [
                "  the end of Blender's output:",
                *(f"  | {t}" for t in outcome.tail.splitlines()),
            ]
        self.warn(*lines)

    def retry_batch(self) -> None:
        """Counts a batch that will be tried again."""
        self._num_retried += 1

    # --- output -------------------------------------------------------------------------------

    def say(self, *lines: str) -> None:
        """Prints lines above the live line, unless quiet."""
        if not self._is_quiet:
            self._write(self._stdout, *lines)

    def warn(self, *lines: str) -> None:
        """Prints lines on stderr above the live line, even if quiet."""
        self._write(sys.stderr, *lines)

    def _write(self, stream: TextIO, *lines: str) -> None:
        for line in map(to_line, lines):
            if self._bar is not None:
                tqdm.write(line, file=stream)
            else:
                print(line, file=stream, flush=True)

    def is_due(self) -> bool:
        """Whether it is time to call `show`."""
        interval = LINE_EVERY_S if self.seconds > YOUNG_S else LINE_EVERY_S_YOUNG
        if self._bar is not None:
            interval = REFRESH_S
        return not self._is_quiet and time.monotonic() - self._last_shown >= interval

    def show(self, num_unfinished: int) -> None:
        """Redraws the live line, or prints a new one, with the samples of unfinished batches."""
        self._last_shown = time.monotonic()
        self._num_shown = max(self._num_shown, self._num_done + num_unfinished)
        trouble = f"{self._num_failed} failed, {self._num_retried} retried"
        if self._bar is not None:
            self._bar.n = self._num_shown
            self._bar.ncols = shutil.get_terminal_size().columns  # it may have changed
            self._bar.set_postfix_str(trouble, refresh=False)
            self._bar.refresh()
            return
        rate = (self._num_shown - self._num_first) / self.seconds
        eta = format_duration((self.num_samples - self._num_shown) / rate) if rate else "?"
        self._write(
            self._stdout,
            f"{count_datasets(len(self.datasets))}: {self._num_shown}/{self.num_samples} samples, "
            f"{rate:.2f}/s, ETA {eta}, batches: {trouble}",
        )

    def close(self) -> None:
        """Ends the live line."""
        if self._bar is not None:
            self._bar.n = self._num_done
            self._bar.close()
            self._bar = None

    @property
    def seconds(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._start


def count_datasets(num: int) -> str:
    """Such as ``1 data set`` or ``12 data sets``."""
    return f"{num} data set{'s' * (num != 1)}"


def batch_to_command(batch: Batch, blender: str = "") -> str:
    """The command line that renders one batch in the foreground."""
    folder = batch.dataset.folder
    where = ""
    if folder.path.parent != find_folders({}).data:
        where = f"{DATA_VARIABLE}={shlex.quote(str(folder.path.parent))} "
    script = f"{shlex.quote(blender)} --background --python render.py --" if blender else ""
    config = shlex.quote(str(folder.config_path))
    return (
        f"{where}{script or 'python render.py'} -d {folder.name} -g {config} "
        f'-p "batch.idx_offset = {batch.idx_offset}" "batch.num_samples = {batch.num_samples}"'
    )
