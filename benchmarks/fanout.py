"""Measures the fan-out alone: runs many batches that render nothing through Ray.

python benchmarks/fanout.py [NUM_BATCHES]

Prints what the driver holds along the way and the overhead of a batch.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from synrender.dataset.folder import DatasetFolder, PlannedDataset
from synrender.fanout.cluster import RayExecutor, TaskOptions
from synrender.fanout.display import Display
from synrender.fanout.job import Job, Outcome, Status
from synrender.fanout.queue import Batch, BatchQueue, Todo
from synrender.fanout.ray_session import ray_session
from synrender.fanout.run import Options, create_template, run_folder
from synrender.fanout.scheduler import Scheduler
from synrender.settings.groups import BatchSettings, Object, Settings
from synrender.system.folders import Folders


class Report(NamedTuple):
    """What the driver holds after so many batches."""

    num_batches: int
    seconds: float
    memory_mb: float  # grows by steps of 2 to 4 MB at random: Ray's threads have heaps of their own
    num_blocks: int  # of Python's objects


def render_nothing(job: Job) -> Outcome:
    """Stands in for the rendering of a batch."""
    return Outcome(Status.DONE)


def run_noops(num_batches: int, num_reports: int = 10) -> list[Report]:
    """Runs so many batches, and reports along the way and at the end."""
    settings = Settings(
        batch=BatchSettings(num_samples=num_batches), object=Object(total_num_samples=num_batches)
    )
    reports = []
    with tempfile.TemporaryDirectory() as data_dir, run_folder(Folders(Path(data_dir))) as run_dir:
        folders = Folders(Path(data_dir))
        dataset = PlannedDataset(DatasetFolder(folders.data / "noop", is_exr=False), settings)
        todo = Todo(dataset, 1, np.arange(num_batches), np.ones(num_batches, bool))
        display = Display([dataset], 0, is_quiet=True)
        with ray_session(None, 1, folders.data) as session:
            executor = RayExecutor(session, run_dir, TaskOptions(1), function=render_nothing)
            template = create_template(run_dir, Options(), folders)
            scheduler = Scheduler(executor, [dataset], {}, template, display)
            start = time.monotonic()

            class WatchedQueue(BatchQueue):
                def take(self, num_slots: int) -> Batch | None:
                    batch = super().take(num_slots)
                    if batch and batch.idx_offset % max(1, num_batches // num_reports) == 0:
                        reports.append(report_driver(batch.idx_offset, start))
                    return batch

            result = scheduler.run(WatchedQueue([todo]))
            reports.append(report_driver(num_batches, start))
    if result.num_batches != num_batches:
        raise RuntimeError(f"{result.num_batches} of {num_batches} batches came back")
    return reports


def report_driver(num_batches: int, start: float) -> Report:
    """Of this process, now; its resident memory without shared pages."""
    gc.collect()
    fields = Path("/proc/self/statm").read_text().split()
    memory_mb = (int(fields[1]) - int(fields[2])) * 4096 / 1e6
    return Report(num_batches, time.monotonic() - start, memory_mb, sys.getallocatedblocks())


def main() -> None:
    """Runs the benchmark and prints its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("num_batches", nargs="?", type=int, default=100_000)
    reports = run_noops(parser.parse_args().num_batches)
    print("batches   seconds   driver MB   its objects' blocks")
    for report in reports:
        print("{:7d} {:9.1f} {:11.1f} {:21d}".format(*report))
    print(f"overhead: {1000 * reports[-1].seconds / reports[-1].num_batches:.2f} ms a batch")


if __name__ == "__main__":
    main()
