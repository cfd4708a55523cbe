"""The scheduler with a fake executor: no Ray, no Blender."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from synrender.assets.catalog import Catalog
from synrender.crashes.blame import Blame
from synrender.crashes.journal import Cause, JournalEntry
from synrender.dataset.claim import RenderedBy, claim_dataset, claim_renderer
from synrender.dataset.folder import PlannedDataset
from synrender.errors import UserError
from synrender.fanout import scheduler as scheduling
from synrender.fanout.display import Display
from synrender.fanout.job import Job, Outcome, Status
from synrender.fanout.queue import Batch, BatchQueue, find_todo
from synrender.fanout.scheduler import Scheduler
from synrender.fanout.variants import Shared, plan_datasets
from synrender.sampling.sample_plan import draw_sample
from synrender.settings.groups import Settings
from synrender.system.cpus import CpuKind
from synrender.system.folders import Folders
from tests.assets.helpers import create_entries
from tests.helpers import create_record


class FakeExecutor:
    """Returns for each job the outcome that a function gives."""

    def __init__(self, answer: Callable[[Job], Outcome], nodes: tuple[str, ...] = ("a",)) -> None:
        self.answer, self.nodes = answer, nodes
        self.jobs: list[Job] = []
        self.avoided: list[frozenset[str]] = []  # nodes, for each job
        self.most_in_flight = 0
        self.cpus: tuple[CpuKind, ...] = ()  # of each worker

    def num_slots(self, avoid_nodes: frozenset[str]) -> int:
        return 2 * len(set(self.nodes) - avoid_nodes)

    def submit(self, job: Job, avoid_nodes: frozenset[str]) -> str:
        self.jobs.append(job)
        self.avoided.append(avoid_nodes)
        return job.attempt

    def wait(self, handles: list, timeout_s: float) -> list:
        self.most_in_flight = max(self.most_in_flight, len(handles))
        return handles[:1]

    def result(self, handle: str, job: Job) -> Outcome:
        return self.answer(next(j for j in self.jobs if j.attempt == handle))

    def find_cpus(self) -> frozenset[CpuKind]:
        return frozenset(self.cpus[: len(self.jobs)])

    def kill_hung(self, jobs: dict) -> list:
        return []

    def count_unfinished(self, jobs: list[Job]) -> int:
        return 0


@pytest.fixture
def dataset(tmp_path: Path, catalog: Catalog) -> PlannedDataset:
    (dataset,) = plan_datasets(
        tmp_path / "x", ["0-0-0-0"], Shared(24, 2, 0, gin_param=["object.n_buckets = 2"])
    )
    claim_dataset(dataset.folder, dataset.settings, catalog)
    return dataset


@pytest.fixture
def catalog() -> Catalog:
    entries = {c: create_entries(f"m{k}" for k in range(8)) for c in range(2)}
    synset_ids, names = {0: "s0", 1: "s1"}, {0: "first", 1: "second"}
    layout = "shapenet-v2"
    return Catalog(Path(), layout, None, (False, False), synset_ids, names, entries, (), 2)


class WholeBatches(BatchQueue):
    """Never splits a batch, so that a test can count them."""

    def take(self, num_slots: int) -> Batch | None:
        return super().take(1)


def run(
    dataset: PlannedDataset,
    catalog: Catalog,
    executor: FakeExecutor,
    batch_size: int = 4,
    time_limit: float = 60,
):
    folders = Folders(dataset.folder.path.parent)
    template = Job("", "run", "", Settings(), (), folders, time_limit)
    scheduler = Scheduler(
        executor, [dataset], {dataset.name: catalog}, template, Display([dataset], 0, True)
    )
    return scheduler.run(WholeBatches([find_todo(dataset, batch_size)]))


def render(dataset: PlannedDataset, job: Job) -> None:
    """Makes the batch's files: the smallest PNG, and an empty record."""
    for idx in job.idxs:
        path = dataset.folder.image_dir / f"{idx:05d}.npy"
        np.save(path, create_record(1))
        path.with_suffix(".png").write_bytes(SMALLEST_PNG)


SMALLEST_PNG = iio.imwrite("<bytes>", np.zeros((1, 1, 3), np.uint8), extension=".png")


def test_the_window_is_bounded(dataset: PlannedDataset, catalog: Catalog) -> None:
    executor = FakeExecutor(lambda job: Outcome(Status.DONE))
    result = run(dataset, catalog, executor)
    assert result.num_batches == len(executor.jobs) == 6
    assert executor.most_in_flight <= 2 * 2 + 2


OLD, NEW = (CpuKind("Maker", name, ("avx",)) for name in ("old", "new"))


@pytest.mark.parametrize(
    ("before", "workers", "num_lines"),
    [(OLD, [OLD, OLD], 0), (OLD, [NEW, OLD], 1), (None, [OLD, NEW, OLD], 1), (None, [NEW], 0)],
)
def test_several_kinds_of_cpu_are_said_in_one_line(
    dataset: PlannedDataset,
    catalog: Catalog,
    capsys: pytest.CaptureFixture,
    before: CpuKind | None,
    workers: list[CpuKind],
    num_lines: int,
) -> None:
    """Those of the workers, and that of samples that are there, perhaps of another driver."""
    if before:
        claim_renderer(dataset.folder, RenderedBy("4.5.15", "CPU", before), [0, 1])
    executor = FakeExecutor(lambda job: Outcome(Status.DONE))
    executor.cpus = tuple(workers)
    run(dataset, catalog, executor)
    lines = [line for line in capsys.readouterr().err.splitlines() if "kinds of CPU" in line]
    assert len(lines) == num_lines
    for line in lines:
        assert line.startswith("the samples are of 2 kinds of CPU: Maker new; Maker old. Their")


def test_errors_are_tried_again_and_then_counted_as_failed(
    dataset: PlannedDataset, catalog: Catalog, capfd: pytest.CaptureFixture
) -> None:
    def answer(job: Job) -> Outcome:
        is_bad = job.idxs[0] == 8
        return (
            Outcome(Status.ERROR, "it broke", "line one\nline two")
            if is_bad
            else Outcome(Status.DONE)
        )

    executor = FakeExecutor(answer)
    result = run(dataset, catalog, executor)
    assert result.num_batches == 5
    assert [batch.idx_offset for batch, _ in result.failed] == [8]
    assert sum(job.idxs[0] == 8 for job in executor.jobs) == scheduling.MAX_ERRORS
    shown = capfd.readouterr().err  # even though quiet
    assert "failed: x_0-0-0-0, samples 8 to 11" in shown
    assert f"python render.py -d x_0-0-0-0 -g {dataset.folder.path}/config.gin" in shown
    assert '-p "batch.idx_offset = 8" "batch.num_samples = 4"' in shown
    assert "| line one\n  | line two" in shown


def test_a_process_that_always_dies_is_given_up(dataset: PlannedDataset, catalog: Catalog) -> None:
    executor = FakeExecutor(lambda job: Outcome(Status.DIED, "killed"))
    result = run(dataset, catalog, executor)
    assert result.failed
    assert "came to nothing" in result.stopped
    assert len(executor.jobs) <= scheduling.MAX_WITHOUT_PROGRESS + executor.most_in_flight


def test_a_full_disk_stops_at_once(dataset: PlannedDataset, catalog: Catalog) -> None:
    executor = FakeExecutor(lambda job: Outcome(Status.DISK_FULL, "No space left on device"))
    result = run(dataset, catalog, executor)
    assert result.stopped == "No space left on device"
    assert len(executor.jobs) == executor.most_in_flight


def test_a_node_that_cannot_render_is_avoided(
    dataset: PlannedDataset, catalog: Catalog, capfd: pytest.CaptureFixture
) -> None:
    seen = []

    def answer(job: Job) -> Outcome:
        is_bad = "bad" not in executor.avoided[executor.jobs.index(job)] and len(seen) < 3
        seen.append(is_bad)
        node, status = ("bad", Status.BAD_NODE) if is_bad else ("good", Status.DONE)
        return Outcome(status, "no models", node_id=node)

    executor = FakeExecutor(answer, nodes=("bad", "good"))
    result = run(dataset, catalog, executor)
    assert result.num_batches == 6
    assert not result.failed
    assert result.bad_nodes == {"bad": "no models"}
    assert executor.avoided[-1] == {"bad"}


def test_where_no_node_can_render_it_is_the_users_mistake(
    dataset: PlannedDataset, catalog: Catalog
) -> None:
    executor = FakeExecutor(lambda job: Outcome(Status.BAD_NODE, "no models", node_id="a"))
    with pytest.raises(UserError, match="no models"):
        run(dataset, catalog, executor)


@pytest.mark.parametrize(
    ("cause", "count"), [(Cause.CRASHED, 2), (Cause.HUNG, 2), (Cause.UNKNOWN, 5)]
)
@pytest.mark.parametrize("stage", ["build", "render"])
def test_a_model_is_rejected_after_so_many_deaths_and_its_batch_goes_on(
    dataset: PlannedDataset, catalog: Catalog, cause: Cause, count: int, stage: str
) -> None:
    plan = draw_sample(dataset.settings, catalog, 9)
    culprit = f"s{plan.objects[0].class_idx}/{plan.objects[0].model.first}"
    info_path = dataset.folder.path / "dataset.json"

    def answer(job: Job) -> Outcome:
        rejected = json.loads(info_path.read_text())["rejected"]
        if job.idxs[0] == 8 and culprit not in rejected:
            journal = JournalEntry("host", 1, stage, 9, assets=("s0/m9", culprit), cause=cause)
            return Outcome(Status.DIED, "gone", journal=journal)
        render(dataset, job)
        return Outcome(Status.DONE)

    executor = FakeExecutor(answer)
    result = run(dataset, catalog, executor)
    assert result.num_batches == 6
    assert not result.failed
    assert list(result.rejected) == [culprit]
    assert str(count) in result.rejected[culprit]
    assert sum(job.idxs[0] == 8 for job in executor.jobs) == count + 1


@pytest.mark.parametrize("stage", ["build", "render"])
def test_a_time_limit_that_no_sample_can_meet_ends_the_run_soon_and_blames_no_model(
    dataset: PlannedDataset, catalog: Catalog, stage: str
) -> None:
    def answer(job: Job) -> Outcome:
        idx = job.idxs[0]
        journal = JournalEntry("host", 1, stage, idx, assets=("s0/m1",), cause=Cause.HUNG)
        return Outcome(Status.DIED, "gone", journal=journal)

    executor = FakeExecutor(answer)
    result = run(dataset, catalog, executor, time_limit=1.5)
    assert "give a longer one than --time_limit 1.5" in result.stopped
    assert len(executor.jobs) <= scheduling.MAX_TIMEOUTS + executor.most_in_flight
    assert result.rejected == {}


def test_a_time_limit_that_samples_meet_does_not_end_the_run(
    dataset: PlannedDataset, catalog: Catalog
) -> None:
    """Batches of one model that hangs, after the first sample of each."""

    def answer(job: Job) -> Outcome:
        render(dataset, dataclasses.replace(job, idxs=job.idxs[:1]))
        if len(job.idxs) == 1:
            return Outcome(Status.DONE)
        journal = JournalEntry("host", 1, "render", job.idxs[1], cause=Cause.HUNG)
        return Outcome(Status.DIED, "gone", journal=journal)

    result = run(dataset, catalog, FakeExecutor(answer), time_limit=1.5)
    assert not result.stopped
    assert result.num_batches == 6


def test_many_tasks_that_meet_such_models_at_once_do_not_stop_the_run(
    tmp_path: Path, catalog: Catalog
) -> None:
    (dataset,) = plan_datasets(
        tmp_path / "z", ["0-0-0-0"], Shared(96, 2, 0, gin_param=["object.n_buckets = 2"])
    )
    claim_dataset(dataset.folder, dataset.settings, catalog)
    deaths: Counter[int] = Counter()

    def answer(job: Job) -> Outcome:
        idx = job.idxs[0]
        deaths[idx] += 1
        if deaths[idx] <= 5:
            journal = JournalEntry("host", 1, "build", idx, assets=(f"s0/of{idx}",))
            return Outcome(Status.DIED, "killed", journal=journal)
        render(dataset, job)
        return Outcome(Status.DONE)

    class ManySlots(FakeExecutor):
        def num_slots(self, avoid_nodes: frozenset[str]) -> int:
            return 40

    result = run(dataset, catalog, ManySlots(answer), batch_size=1)
    assert not result.stopped
    assert not result.failed
    assert len(result.rejected) == result.num_batches == 96


def test_a_model_that_finished_samples_show_is_not_blamed_for_its_neighbor(
    tmp_path: Path, catalog: Catalog
) -> None:
    (dataset,) = plan_datasets(
        tmp_path / "y",
        ["0-0-0-0"],
        Shared(24, 2, 0, gin_config=["render_multi"], gin_param=["object.n_buckets = 2"]),
    )
    claim_dataset(dataset.folder, dataset.settings, catalog)
    names = [
        f"s{obj.class_idx}/{obj.model.first}"
        for obj in draw_sample(dataset.settings, catalog, 9).objects
    ]
    assert len(set(names)) > 2
    culprit = names[-1]
    record = create_record(len(names))
    others = [name for name in names if name != culprit]
    for row, name in zip(record, others, strict=False):
        row["synset_id"], row["model_id"] = name.split("/")
    np.save(dataset.folder.image_dir / "00003.npy", record)

    blame = Blame()
    journal = JournalEntry("host", 1, "render", 9, cause=Cause.CRASHED)
    assert blame.note_death(dataset, catalog, journal, is_slow_run=False) == {}
    assert list(blame.note_death(dataset, catalog, journal, is_slow_run=False)) == [culprit]


def test_kills_at_different_samples_blame_no_model(
    dataset: PlannedDataset, catalog: Catalog
) -> None:
    deaths = iter(range(10))

    def answer(job: Job) -> Outcome:
        start = job.idxs[0]
        death = next(deaths, None)
        if death is not None:
            journal = JournalEntry("host", 1, "build", start + death % 4, assets=("s0/m1",))
            return Outcome(Status.DIED, "killed", journal=journal)
        return Outcome(Status.DONE)

    result = run(dataset, catalog, FakeExecutor(answer))
    assert result.num_batches == 6
    assert result.rejected == {}
    assert result.num_retried == 10
