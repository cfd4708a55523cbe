"""The plan of a run, for ``--dry_run``: what is missing, and estimates from pilot samples."""

from __future__ import annotations

import dataclasses
import math
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synrender.assets.catalog import Catalog
from synrender.assets.places import OpenAssets
from synrender.dataset.claim import claim_dataset, describe_design, refuse_other_settings
from synrender.dataset.design_info import DesignInfo
from synrender.dataset.design_words import describe_factors, to_sentences
from synrender.dataset.folder import PlannedDataset, settings_to_folder
from synrender.errors import UserError
from synrender.fanout.display import count_datasets
from synrender.fanout.executable import run_executable, run_here
from synrender.fanout.job import Job, Status
from synrender.fanout.queue import Todo
from synrender.fanout.run import (
    Options,
    create_template,
    describe_balances,
    find_todos,
    load_catalogs,
    open_executor,
    run_folder,
)
from synrender.fanout.variants import describe_group_size
from synrender.fanout.worker import commit_files
from synrender.sampling.sample_plan import find_split_sizes
from synrender.settings.checks import SPLITS
from synrender.settings.groups import Settings
from synrender.system.console import format_duration, say
from synrender.system.cpus import count_cpus
from synrender.system.disk import existing_parent
from synrender.system.folders import Folders

ARRAY_TASK_S = 2400
"""Seconds that a task of an array job should take, of the hour that ``render.sbatch`` asks for."""

ARRAY_TASK_CPUS = 4
"""CPUs of a task, as ``render.sbatch`` asks for them."""

ARRAY_START_S = 15
"""Seconds until a task renders: Python, Ray and Blender start."""

MAX_ARRAY_TASKS = 1000
"""SLURM's own limit, unless its administrator has changed it."""

NUM_PILOT_SAMPLES = 6
"""Pilot samples of each of two data sets, the first and the last; spread over the missing ones."""


@dataclass(frozen=True)
class Pilot:
    """What samples cost, without the start of Blender."""

    seconds: tuple[float, ...]  # of each sample
    num_bytes: float  # mean

    @property
    def mean_s(self) -> float:
        """Mean seconds of a sample."""
        return float(np.mean(self.seconds))

    @property
    def spread_s(self) -> float:
        """Half the width of the 95 % interval of the mean (2 standard errors)."""
        if len(self.seconds) < 2:
            return self.mean_s
        return float(2 * np.std(self.seconds, ddof=1) / math.sqrt(len(self.seconds)))


def print_plan(
    datasets: Sequence[PlannedDataset],
    batch_size: int,
    options: Options,
    assets: OpenAssets,
    array_arguments: str,
) -> int:
    """Prints the plan and renders nothing into the data sets; returns the exit status 0.

    The last argument is that of the same run as an array job, ``examples/slurm/render.sbatch``.
    """
    folders, catalogs = assets.folders, load_catalogs(datasets, options, assets)
    for dataset in datasets:
        refuse_other_settings(dataset.folder, dataset.settings, catalogs[dataset.name])
    todos = find_todos(datasets, catalogs, batch_size)
    settings = datasets[0].settings  # the variants share the design
    if design := describe_design(settings, catalogs[datasets[0].name]):
        say(*format_design(design, settings))
    group_size = describe_group_size(settings, datasets[0].preferred_group_size)
    say(group_size, *describe_balances(datasets), *format_plan(todos))
    num_missing = sum(todo.num_missing for todo in todos)
    if num_missing:
        slots = count_slots(options, folders)
        pilot = run_pilot(todos, options, folders)
        say(*format_estimate(num_missing, slots, pilot, folders.data))
        say(format_array(num_missing, pilot, array_arguments))
    return 0


def format_plan(todos: Sequence[Todo]) -> list[str]:
    """A table: a line for each data set, and the sums."""
    rows = [("data set", "samples", "complete", "batches")]
    sums = [0, 0, 0]
    for todo in todos:
        num_samples = todo.dataset.settings.batch.num_samples
        numbers = [num_samples, num_samples - todo.num_missing, todo.num_batches]
        rows.append((todo.dataset.name, *map(str, numbers)))
        sums = [a + b for a, b in zip(sums, numbers, strict=True)]
    rows.append((count_datasets(len(todos)), *map(str, sums)))
    width = max(len(row[0]) for row in rows)
    return [f"{row[0]:<{width}}" + "".join(f"{cell:>10}" for cell in row[1:]) for row in rows]


def format_estimate(num_missing: int, slots: int, pilot: Pilot, data_dir: Path) -> list[str]:
    """Disk needed and ETA."""
    needed = num_missing * pilot.num_bytes
    rounds = num_missing / slots
    low = rounds * max(0.0, pilot.mean_s - pilot.spread_s)
    high = rounds * (pilot.mean_s + pilot.spread_s)
    free_bytes = shutil.disk_usage(existing_parent(data_dir)).free
    return [
        f"disk needed: {_format_bytes(needed)} ({_format_bytes(pilot.num_bytes)} a sample), "
        f"{_format_bytes(free_bytes)} free in {data_dir}"
        + ("; that is too little" if needed > free_bytes else ""),
        f"ETA: {format_duration(rounds * pilot.mean_s)} ({format_duration(low)} to "
        f"{format_duration(high)}) with {slots} tasks at a time ({pilot.mean_s:.2f} s a sample, "
        f"from {len(pilot.seconds)} pilot samples spread over the data sets)",
    ]


def format_array(num_missing: int, pilot: Pilot, arguments: str) -> str:
    """The line that submits the work as a SLURM array of tasks of about `ARRAY_TASK_S`."""
    cpu_s = num_missing * pilot.mean_s
    num_tasks = math.ceil(cpu_s / (ARRAY_TASK_CPUS * ARRAY_TASK_S))
    num_tasks = max(1, min(num_tasks, num_missing, MAX_ARRAY_TASKS))
    task_s = ARRAY_START_S + cpu_s / num_tasks / ARRAY_TASK_CPUS
    return (
        f"with SLURM: sbatch --array=0-{num_tasks - 1} examples/slurm/render.sbatch {arguments}: "
        f"{format_duration(task_s)} each, with {ARRAY_TASK_CPUS} CPUs as fast as this one"
    )


def run_pilot(todos: Sequence[Todo], options: Options, folders: Folders) -> Pilot:
    """Renders a few of the missing samples into a scratch folder, and removes them.

    Raises:
        UserError: they cannot be rendered.
    """
    unfinished = [todo for todo in todos if todo.num_missing]
    seconds: list[float] = []
    num_bytes = 0
    with run_folder(folders) as run_dir:
        template = dataclasses.replace(
            create_template(run_dir, options, folders),
            is_gathered=True,
            is_quiet=True,
            blender=options.blender or sys.executable,
        )
        for todo in (unfinished[0], unfinished[-1])[: len(unfinished)]:
            dataset = todo.dataset
            job = dataclasses.replace(
                template,
                attempt=f"pilot-{dataset.name}",
                dataset_name=dataset.name,
                settings=dataset.settings,
                idxs=tuple(choose_pilots(todo)),
                rejected=dataset.folder.read_info().rejected if dataset.folder.is_begun else {},
            )
            outcome = run_executable(job)
            if outcome.status is not Status.DONE:
                raise UserError(f"a pilot sample of {dataset.name} failed: {outcome.message}")
            seconds += outcome.sample_seconds
            num_bytes += sum(len(image) + len(record) for _, image, record in outcome.files)
    return Pilot(tuple(seconds), num_bytes / len(seconds))


def render_samples(
    template: Job, settings: Settings, catalog: Catalog, idxs: Sequence[int], path: Path
) -> None:
    """Renders some samples into a data set of their own, here or with the executable of a job.

    Raises:
        UserError: they cannot be rendered.
    """
    job = dataclasses.replace(
        template,
        attempt=f"preview-{path.name}",
        dataset_name=path.name,
        settings=settings,
        idxs=tuple(idxs),
        is_gathered=True,
        is_quiet=True,
    )
    outcome = run_here(job)
    if outcome.status is not Status.DONE:
        raise UserError(f"a sample of the preview failed: {outcome.message}")
    folder = settings_to_folder(path, settings)
    path.mkdir(parents=True, exist_ok=True)
    claim_dataset(folder, settings, catalog)
    commit_files(folder, outcome)


def choose_pilots(todo: Todo) -> list[int]:
    """Missing samples, spread evenly over all that are missing, so over many models and classes."""
    num_pilots = min(NUM_PILOT_SAMPLES, todo.num_missing)
    wanted = [(2 * k + 1) * todo.num_missing // (2 * num_pilots) for k in range(num_pilots)]
    return todo.missing[wanted].tolist()


def count_slots(options: Options, folders: Folders) -> int:
    """Tasks that run at once, here or on the cluster."""
    if not (options.is_local or options.address):
        return max(1, count_cpus() // options.cpus_per_task)
    with open_executor(options, Path(), folders) as executor:
        return max(1, executor.num_slots(frozenset()))


def _format_bytes(num_bytes: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if num_bytes < 1000:
            return f"{num_bytes:.3g} {unit}"
        num_bytes /= 1000
    return f"{num_bytes:.3g} TB"


# --- the table of a design ------------------------------------------------------------------------


def format_design(design: DesignInfo, settings: Settings) -> list[str]:
    """Lines for the user."""
    told = describe_factors(design, settings)
    width = max(map(len, told), default=0)
    sizes = find_split_sizes(design.split_buckets, settings.object)
    shares = ", ".join(f"{split} {n}" for split, n in zip(SPLITS, sizes, strict=True))
    return [
        f"design: {', '.join(design.kinds)}",
        *(f"  {sentence}" for sentence in to_sentences(design)),
        *(f"  {name:<{width}}  {text}" for name, text in told.items()),
        f"  samples: {shares}",
    ]
