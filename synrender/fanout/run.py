"""The driver: claims the data sets, renders what is missing, and checks what is still missing."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from synrender.assets.catalog import Catalog, create_catalog
from synrender.assets.places import OpenAssets, ensure_demo_sources
from synrender.dataset.archived import describe_archived
from synrender.dataset.claim import claimed, describe_design
from synrender.dataset.drivers import Driver, driving, remove_ended_notes
from synrender.dataset.folder import PlannedDataset
from synrender.dataset.lock import in_use
from synrender.dataset.removal import MAX_ROUNDS, discard_shown
from synrender.errors import UserError
from synrender.fanout.display import Display
from synrender.fanout.executable import LocalExecutor, check_executable
from synrender.fanout.job import Job
from synrender.fanout.queue import Batch, BatchQueue, Todo, find_block_size, find_todo
from synrender.fanout.scheduler import Executor, RunResult, Scheduler
from synrender.fanout.variants import describe_balance
from synrender.sampling.sample_plan import describe_uneven_splits
from synrender.sampling.work_shard import WorkShard, find_part
from synrender.settings.groups import Settings
from synrender.system.console import format_duration, say
from synrender.system.disk import full_disk_named
from synrender.system.folders import Folders
from synrender.system.interrupts import add_resume
from synrender.system.locks import temporary_folder

GPU_START = (
    "rendering on GPUs: the first start on a machine compiles kernels, for some minutes; python -m "
    "synrender.warmup does it beforehand"
)


@dataclass(frozen=True)
class Options:
    """How to run, not what to render."""

    address: str | None = None
    is_local: bool = False
    is_quiet: bool = False
    is_gathered: bool = False
    overwrite: bool = False
    blender: str = ""
    cpus_per_task: int = 1
    gpus_per_task: float = 0
    time_limit: float = 600.0
    num_cpus: int = 0  # of this machine; 0: all that this process may use
    shard: WorkShard | None = None  # part of the samples of each data set; None: all


def run_datasets(
    datasets: Sequence[PlannedDataset], batch_size: int, options: Options, assets: OpenAssets
) -> int:
    """Renders all that is missing; returns the exit status: 0 only if every sample is complete.

    Raises:
        UserError: a data set cannot be rendered as asked.
        OSError: this machine cannot write.
    """
    with full_disk_named(assets.folders.data), contextlib.ExitStack() as stack:
        catalogs = load_catalogs(datasets, options, assets)
        claims = Claims(catalogs, stack, options.shard)
        claims.add([d for d in datasets if d.folder.is_begun], options.overwrite)
        return _run_claimed(datasets, batch_size, options, assets.folders, claims)


@dataclass(frozen=True)
class Claims:
    """Claimed data sets: until the stack ends, nobody overwrites them, nor renders them as well.

    Shards go together with shards.
    """

    catalogs: dict[str, Catalog]  # by data set
    stack: contextlib.ExitStack
    shard: WorkShard | None = None
    drivers: dict[str, Driver] = field(default_factory=dict)  # of data sets that are claimed

    def add(self, datasets: Sequence[PlannedDataset], overwrite: bool = False) -> None:
        """Begins data sets, or refuses those that were made with other settings."""
        for dataset in (d for d in datasets if d.name not in self.drivers):
            folder, catalog = dataset.folder, self.catalogs[dataset.name]
            self.stack.enter_context(claimed(folder, dataset.settings, catalog, overwrite))
            shard = str(self.shard) if self.shard else ""
            driver = self.stack.enter_context(driving(folder, shard))
            if folder.image_dir.is_dir() and not shard:
                purpose = "rendered by two drivers"
                self.stack.enter_context(in_use(folder.image_dir, purpose, is_shared=False))
            self.drivers[dataset.name] = driver

    def note_complete(self, todos: Sequence[Todo]) -> None:
        """Notes for ``--status`` which samples are complete, as far as that is known."""
        for todo in todos:
            if driver := self.drivers.get(todo.dataset.name):
                driver.begin(todo.part, todo.missing.tolist())

    def note_finished(self, batch: Batch) -> None:
        """Notes for ``--status`` that a batch is complete."""
        self.drivers[batch.dataset.name].add_done(batch.missing)


def find_todos(
    datasets: Sequence[PlannedDataset],
    catalogs: dict[str, Catalog],
    batch_size: int,
    shard: WorkShard | None = None,
) -> list[Todo]:
    """Looks at every sample that a run is to complete, on disk."""
    return [
        find_todo(
            dataset,
            batch_size,
            find_block_size(dataset, catalogs[dataset.name]),
            find_part(dataset.settings, shard, place),
        )
        for place, dataset in enumerate(datasets)
    ]


def _run_claimed(
    datasets: Sequence[PlannedDataset],
    batch_size: int,
    options: Options,
    folders: Folders,
    claims: Claims,
) -> int:
    remove_abandoned_files(datasets)  # of runs that were stopped
    if not options.is_quiet:
        say(*describe_balances(datasets))
    todos = find_todos(datasets, claims.catalogs, batch_size, options.shard)
    if options.shard:
        todos = [todo.add_missing(discard_rejected(todo)) for todo in todos]
    claims.note_complete(todos)
    num_missing = sum(todo.num_missing for todo in todos)
    num_samples = sum(todo.num_samples for todo in todos)
    of_shard = f" of shard {options.shard}" if options.shard else ""
    if not num_missing:
        _end_complete(datasets, options)
        if not options.is_quiet:
            say(f"nothing to render: all {num_samples} samples{of_shard} are complete already.")
            say(*describe_archived(dataset.folder.path for dataset in datasets))
        return 0
    num_done = num_samples - num_missing
    display = Display(datasets, num_done, options.is_quiet, options.blender, num_samples)
    try:
        result, todos = _render(todos, claims, options, folders, display)
    finally:
        display.close()
    remove_abandoned_files(datasets)  # of workers that were stopped
    still_missing = {todo.dataset.name: todo.find_missing() for todo in todos}
    for todo in todos:
        driver = claims.drivers[todo.dataset.name]
        driver.begin(todo.part, still_missing[todo.dataset.name])
    num_rendered = num_missing
    num_missing = sum(map(len, still_missing.values()))
    num_rendered -= num_missing
    _summarize(result, display, num_rendered, num_missing, of_shard)
    if not num_missing:
        _end_complete(datasets, options)
    return 1 if num_missing else 0


def _end_complete(datasets: Sequence[PlannedDataset], options: Options) -> None:
    """Removes what shards have noted of data sets that are complete now."""
    for dataset in datasets if options.shard is None else ():
        with contextlib.suppress(OSError):
            remove_ended_notes(dataset.folder.path)


def discard_rejected(todo: Todo) -> list[int]:
    """Makes those samples of a part missing that show what was rejected; see `discard_shown`."""
    folder = todo.dataset.folder
    rejected = folder.read_info().rejected if folder.is_begun else {}
    return discard_shown(folder, todo.part[~todo.is_missing].tolist(), rejected)


def load_catalogs(
    datasets: Sequence[PlannedDataset], options: Options, assets: OpenAssets
) -> dict[str, Catalog]:
    """Catalog of each data set, by its name; makes the demo models and textures if needed."""
    catalogs: dict[str, Catalog] = {}
    notes: list[str] = []
    for dataset in datasets:
        lines = ensure_demo_sources(dataset.settings, assets)
        notes = lines if len(lines) >= len(notes) else notes  # of a variant with textures, the last
        catalogs[dataset.name] = create_catalog(dataset.settings, assets)
        describe_design(dataset.settings, catalogs[dataset.name])  # refuses what cannot be
    if not options.is_quiet:
        say(*notes)
    return catalogs


def remove_abandoned_files(datasets: Sequence[PlannedDataset]) -> None:
    """Removes files of killed processes. Workers do not: it lists all files of a folder."""
    for dataset in datasets:
        dataset.folder.remove_abandoned_files(dataset.settings.batch.idxs)


def describe_balances(datasets: Sequence[PlannedDataset]) -> list[str]:
    """Lines on uneven classes and uneven splits, if there are any: all variants have the same."""
    settings = datasets[0].settings
    lines = describe_balance(settings), describe_uneven_splits(settings.object.total_num_samples)
    return [line for line in lines if line]


def create_template(run_dir: Path, options: Options, folders: Folders) -> Job:
    """A job with the values that all jobs of a run share."""
    return Job(
        attempt="",
        run=run_dir.name,
        dataset_name="",
        settings=Settings(),
        idxs=(),
        folders=folders,
        # No time limit while debugging.
        time_limit=0 if options.is_local else options.time_limit,
        num_cpus=options.cpus_per_task,
        use_gpu=options.gpus_per_task > 0,
        blender=options.blender,
        is_gathered=options.is_gathered,
        is_quiet=not options.is_local,
        driver_pid=0 if options.address else os.getpid(),
    )


def _render(
    todos: Sequence[Todo],
    claims: Claims,
    options: Options,
    folders: Folders,
    display: Display,
) -> tuple[RunResult, list[Todo]]:
    """Renders what is missing; returns also what was to be rendered in the end."""
    datasets = display.datasets
    if options.blender:
        check_executable(options.blender)
    with run_folder(folders) as run_dir:
        template = create_template(run_dir, options, folders)
        if template.use_gpu or any(d.settings.rendering.use_gpu for d in datasets):
            say(GPU_START)
        with open_executor(options, run_dir, folders, todos[0].batch_size) as executor:
            if executor.num_slots(frozenset()) == 0:
                raise UserError(
                    f"--cpus_per_task {options.cpus_per_task} --gpus_per_task "
                    f"{options.gpus_per_task:g}: no node has that much"
                )
            claims.add(datasets)
            claims.note_complete(todos)
            scheduler = Scheduler(executor, datasets, claims.catalogs, template, display)
            return _run_rounds(scheduler, todos, claims)


@contextlib.contextmanager
def open_executor(
    options: Options, run_dir: Path, folders: Folders, num_samples: int = 1
) -> Generator[Executor]:
    """What runs jobs of so many samples at most: this process, or Ray, here or on the cluster."""
    if options.is_local:
        yield LocalExecutor()
        return
    prepare_environment(options.address)
    from synrender.fanout.cluster import RayExecutor, TaskOptions
    from synrender.fanout.ray_session import ray_session

    tasks = TaskOptions(options.cpus_per_task, options.gpus_per_task, num_samples)
    is_shared = not (options.is_gathered and options.address)
    with ray_session(
        options.address, options.cpus_per_task, folders.data, options.num_cpus
    ) as session:
        yield RayExecutor(session, run_dir, tasks, is_shared=is_shared)


def _run_rounds(
    scheduler: Scheduler, todos: Sequence[Todo], claims: Claims
) -> tuple[RunResult, list[Todo]]:
    """Renders what is missing, and a shard's samples whose models were rejected meanwhile."""
    scheduler.on_finished = claims.note_finished
    result, todos = scheduler.run(BatchQueue(todos)), list(todos)
    for _ in range(MAX_ROUNDS if claims.shard else 0):
        done = [dataclasses.replace(t, is_missing=np.zeros_like(t.is_missing)) for t in todos]
        again = [todo.add_missing(discard_rejected(todo)) for todo in done]
        todos = [t.add_missing(a.missing) for t, a in zip(todos, again, strict=True)]
        if result.stopped or not any(todo.num_missing for todo in again):
            break
        result = scheduler.run(BatchQueue(again))
    return result, todos


@contextlib.contextmanager
def run_folder(folders: Folders) -> Generator[Path]:
    """Folder for journals, logs and Blender's scratch files, which is removed at the end.

    Nobody else can enter it. Those of killed drivers are removed as well.
    """
    try:
        with temporary_folder(folders.fanout, "run") as folder:
            yield folder
    finally:
        with contextlib.suppress(OSError):
            folders.fanout.rmdir()


def _summarize(
    result: RunResult, display: Display, num_rendered: int, num_missing: int, of_shard: str
) -> None:
    seconds = display.seconds
    if result.rejected:
        display.say(f"{len(result.rejected)} models or textures were rejected and replaced:")
        display.say(*(f"  {name}: {reason}" for name, reason in sorted(result.rejected.items())))
    if result.incomplete:
        display.say(f"{len(result.incomplete)} models are shown without all of their own look:")
        display.say(*(f"  {name}: {reason}" for name, reason in sorted(result.incomplete.items())))
    display.say(
        f"rendered {num_rendered} samples in {format_duration(seconds)} "
        f"({num_rendered / seconds:.2f}/s); batches: {result.num_batches} done, "
        f"{result.num_retried} retried, {len(result.failed)} failed."
    )
    if num_missing:
        why = f"stopped: {result.stopped}; " if result.stopped else ""
        missing = (
            f"error: {why}{num_missing} of {display.num_samples} samples{of_shard} are missing"
        )
        display.warn(add_resume(missing))
    else:
        display.say(f"all {display.num_samples} samples{of_shard} are complete.")


def prepare_environment(address: str | None) -> None:
    """Call it before `cluster` is imported, which imports Ray.

    Args:
        address: of the cluster to join; None: this machine alone, where Ray's processes then
            listen on the loopback interface only. (Ray has this switch for macOS and Windows, whose
            firewalls ask about anything else; there is no other.) They also share a token of their
            own, since Ray would write one into the home folder, which there may not be.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # No warnings that do not concern us.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    os.environ.setdefault("RAY_IGNORE_UNHANDLED_ERRORS", "1")  # of tasks that were given up
    if not address:
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
