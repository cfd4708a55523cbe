"""Several runs of render.py render one data set at once, each a shard, as one run does alone."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from synrender.dataset.driver_notes import find_kind, is_alive, list_notes
from tests.fanout.drive import assert_same_dataset
from tests.helpers import QUICK, QuickCommand, Renderer, disable_locks, read_record

pytestmark = pytest.mark.slow  # each starts several Blenders

NUM_SAMPLES = 48
SETTINGS = [
    *("-p", *QUICK, f"batch.num_samples = {NUM_SAMPLES}"),
    *(f"object.total_num_samples = {NUM_SAMPLES}", "batch.cache_obj_frames = 2"),
    *("sample.class_idxs = 4", "sample.balanced = True"),
]


@pytest.fixture(scope="module")
def whole(wheel: Renderer) -> Path:
    """The same data set, rendered by one run."""
    wheel.run("-d", "whole", *SETTINGS)
    return wheel.data_dir / "whole"


def start(wheel: Renderer, name: str, shard: str, **environment: str) -> subprocess.Popen:
    return wheel.start("-d", name, "--shard", shard, *SETTINGS, **environment)


def finish(process: subprocess.Popen, status: int = 0) -> str:
    output = "".join(process.communicate(timeout=240))
    assert process.returncode == status, output
    return output


def wait_for(condition: Callable[[], object], process: subprocess.Popen) -> None:
    end = time.monotonic() + 240
    while not condition():
        assert process.poll() is None, "".join(process.communicate())
        assert time.monotonic() < end
        time.sleep(0.01)


def count_records(dataset_dir: Path) -> int:
    return len(list(dataset_dir.glob("img/[0-9]*.npy")))


def read_info(dataset_dir: Path) -> dict:
    return json.loads((dataset_dir / "dataset.json").read_text())


def test_two_at_once_are_killed_and_three_go_on(wheel: Renderer, whole: Path) -> None:
    dataset_dir = wheel.data_dir / "killed_shards"
    first, second = (start(wheel, dataset_dir.name, f"{k}/2") for k in range(2))
    wait_for(lambda: count_records(dataset_dir) > 8, first)
    first.kill()
    second.send_signal(signal.SIGTERM)
    assert "stopped; the same command goes on from here\n" in finish(second, 75)
    finish(first, -signal.SIGKILL)
    num_before = count_records(dataset_dir)
    assert 8 < num_before < NUM_SAMPLES
    shards = [start(wheel, dataset_dir.name, f"{k}/3") for k in range(3)]
    outputs = [finish(process) for process in shards]
    assert all("rendered" in output for output in outputs)
    assert_same_dataset(dataset_dir, whole)
    assert read_info(dataset_dir) == read_info(whole)
    assert (dataset_dir / "config.gin").read_bytes() == (whole / "config.gin").read_bytes()


@pytest.mark.parametrize("has_locks", [True, False])
def test_shards_and_a_run_of_all_samples_keep_each_other_out(
    wheel: Renderer, whole: Path, has_locks: bool
) -> None:
    """Also where files cannot be locked: there, a note says that its run is alive."""
    dataset_dir = wheel.data_dir / f"mixed_{has_locks}"
    environment = {} if has_locks else disable_locks(dataset_dir, 37)
    shard = start(wheel, dataset_dir.name, "0/2", **environment)
    wait_for(lambda: count_records(dataset_dir), shard)
    shard.send_signal(signal.SIGSTOP)
    try:
        line = wheel.run("-d", dataset_dir.name, *SETTINGS, status=2, **environment)
        assert f"is rendered in shards now, shard 0/2 by process {shard.pid} on " in line
        assert "--shard 0/1" in line
        finish(start(wheel, dataset_dir.name, "1/2", **environment))
    finally:
        shard.send_signal(signal.SIGCONT)
    finish(shard)
    for idx in range(24):
        (dataset_dir / f"img/{idx:05d}.npy").unlink()
    every = wheel.start("-d", dataset_dir.name, *SETTINGS, **environment)
    wait_for(lambda: count_records(dataset_dir) > 24, every)  # it holds no lock then
    every.send_signal(signal.SIGSTOP)
    try:
        output = finish(start(wheel, dataset_dir.name, "0/2", **environment), 2)
        assert f"is rendered as a whole now, by process {every.pid} on " in output
    finally:
        every.send_signal(signal.SIGCONT)
    finish(every)
    assert_same_dataset(dataset_dir, whole)


def test_a_model_that_another_shard_rejects_is_shown_by_no_sample(
    wheel: Renderer, whole: Path
) -> None:
    """Neither by those that were rendered before: what is shown depends on no order."""
    dataset_dir = wheel.data_dir / "verdicts"
    for k in range(2):
        wheel.run("-d", dataset_dir.name, "--shard", f"{k}/2", *SETTINGS)
    row = read_record(dataset_dir, 5)[0]
    name = f"{row['synset_id']}/{row['model_id']}"
    info = read_info(dataset_dir)
    info["rejected"] = {name: "crashed Blender 2 times"}
    (dataset_dir / "dataset.json").write_text(json.dumps(info))
    output = wheel.run("-d", dataset_dir.name, "--shard", "0/1", *SETTINGS)
    assert "rendered " in output
    fresh = wheel.data_dir / "verdicts_first"
    for k in range(3):  # the verdict comes before all other shards
        wheel.run("-d", fresh.name, "--shard", f"{k}/3", *SETTINGS)
        (fresh / "dataset.json").write_text(
            json.dumps({**read_info(fresh), "rejected": info["rejected"]})
        )
    wheel.run("-d", fresh.name, "--shard", "0/1", *SETTINGS)
    assert_same_dataset(dataset_dir, fresh)
    shown = {
        f"{r['synset_id']}/{r['model_id']}"
        for k in range(NUM_SAMPLES)
        for r in read_record(fresh, k)
    }
    assert name not in shown


def test_the_notes_of_shards_count_what_is_done(wheel: Renderer, whole: Path) -> None:
    dataset_dir = wheel.data_dir / "counted_shards"
    wheel.run("-d", dataset_dir.name, "--shard", "1/4", *SETTINGS)
    (found,) = list_notes(dataset_dir)
    assert (found.note.shard, find_kind(found.path)) == ("1/4", "ended")
    assert not is_alive(found.path)
    assert found.note.num_samples == found.note.bits.sum() == count_records(dataset_dir) == 12
    assert sum(found.note.minutes.values()) == 12
    wheel.run("-d", dataset_dir.name, "--shard", "1/4", *SETTINGS)
    assert len(list_notes(dataset_dir)) == 1  # one for each shard


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--shard", "4/4"), "shards count from 0"),
        (("--shard", "0/4", "--overwrite"), "shards would remove what others have rendered"),
        (("--shard", "0/4", "--replay", "whole", "3"), "leave --shard out"),
    ],
)
def test_what_does_not_go_with_shards_is_one_line(
    idle_wheel: QuickCommand, whole: Path, arguments: tuple[str, ...], message: str
) -> None:
    output = idle_wheel.run("-d", "refused", *arguments, status=2)
    assert message in output
    assert output.count("\n") == 1
    assert not (idle_wheel.data_dir / "refused").exists()
