"""A model that keeps killing runs of render.py is rejected; a run that is stopped blames none."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from synrender.system.locks import ABANDONED_AFTER_S, temporary_file
from tests.blender.test_dirt import BOX, FLAT
from tests.fanout.drive import write_troublemaker
from tests.helpers import Renderer, RenderServer, read_record, write_shapenet

pytestmark = pytest.mark.slow  # each kills or stops several runs

NUM_SAMPLES = 10
HEAVY = "02691156/heavy"
SETTINGS = [*FLAT, f"batch.num_samples = {NUM_SAMPLES}", "rendering.resolution = 8"]
SETTINGS += ["rendering.render_samples = 1"]


def create_heavy_model(side: int = 170) -> str:
    """OBJ text of a wavy sheet, which takes about half a second to build."""
    x, y = (a.reshape(-1) for a in np.mgrid[:side, :side] / side)
    vertices = "".join(f"v {a:.6f} {b:.6f} {c:.6f}\n" for a, b, c in zip(x, y, x * y, strict=True))
    corners = (r * side + c + 1 for r in range(side - 1) for c in range(side - 1))
    return vertices + "".join(f"f {k} {k + 1} {k + side + 1} {k + side}\n" for k in corners)


@pytest.fixture(scope="module")
def shapenet(tmp_path_factory: pytest.TempPathFactory) -> str:
    models = {"good": BOX, "heavy": create_heavy_model(), "other": BOX.replace("0.3", "0.1")}
    return str(write_shapenet(tmp_path_factory.mktemp("models") / "shapenet", models))


def start(renderer: Renderer, name: str, shapenet: str) -> subprocess.Popen:
    return renderer.start("-d", name, "-p", *SETTINGS, SYNRENDER_SHAPENET_DIR=shapenet)


def run(renderer: Renderer, name: str, shapenet: str) -> str:
    return renderer.run("-d", name, "-p", *SETTINGS, SYNRENDER_SHAPENET_DIR=shapenet)


def find_notes(dataset_dir: Path) -> list[Path]:
    return list(dataset_dir.glob(".work.*"))


def wait_for_heavy_model(process: subprocess.Popen, dataset_dir: Path) -> int:
    """Returns the sample while that model is built for it, as the note says."""
    end = time.monotonic() + 240
    while time.monotonic() < end:
        assert process.poll() is None
        for note in find_notes(dataset_dir):
            entry = json.loads(note.read_text().partition("\n")[0] or "{}")
            is_ours = entry.get("pid") == process.pid
            if is_ours and entry["stage"] == "build" and entry["assets"][-1:] == [HEAVY]:
                return entry["idx"]
        time.sleep(0.002)
    raise AssertionError("the model was never built")


def end_at_heavy_model(renderer: Renderer, name: str, shapenet: str, *signals: int) -> str:
    """Starts a run, sends signals while that model is built; returns stderr."""
    with start(renderer, name, shapenet) as process:
        wait_for_heavy_model(process, renderer.data_dir / name)
        for number in signals:
            process.send_signal(number)
            time.sleep(0.05)
        _, errors = process.communicate(timeout=240)
    assert process.returncode != 0
    return errors


def read_rejected(dataset_dir: Path) -> dict[str, str]:
    return json.loads((dataset_dir / "dataset.json").read_text())["rejected"]


def read_models(dataset_dir: Path) -> list[str]:
    return [str(read_record(dataset_dir, idx)[0]["model_id"]) for idx in range(NUM_SAMPLES)]


@pytest.fixture(scope="module")
def models_of_whole_run(wheel: Renderer, shapenet: str) -> list[str]:
    run(wheel, "never_killed", shapenet)
    models = read_models(wheel.data_dir / "never_killed")
    assert {"good", "heavy", "other"} == set(models)
    return models


@pytest.mark.parametrize(
    ("number", "reason"),
    [(signal.SIGSEGV, "crashed Blender 2 times"), (signal.SIGKILL, "its process was killed 2 ")],
)
def test_a_model_that_killed_two_runs_is_rejected_by_the_next(
    renderer: Renderer,
    shapenet: str,
    models_of_whole_run: list[str],
    number: int,
    reason: str,
) -> None:
    name = f"killer_{number.name}"
    dataset_dir = renderer.data_dir / name
    for count in (1, 2):
        end_at_heavy_model(renderer, name, shapenet, number)
        assert len(find_notes(dataset_dir)) == count
        assert read_rejected(dataset_dir) == {}
    assert f"rejected {HEAVY}: {reason}" in run(renderer, name, shapenet)
    assert find_notes(dataset_dir) == []
    assert list(read_rejected(dataset_dir)) == [HEAVY]
    assert read_rejected(dataset_dir)[HEAVY].startswith(reason)
    for before, now in zip(models_of_whole_run, read_models(dataset_dir), strict=True):
        assert now in ("good", "other") if before == "heavy" else now == before


@pytest.mark.parametrize(
    ("signals", "status"),
    [((signal.SIGTERM,), 75), ((signal.SIGINT, signal.SIGINT), 130), ((signal.SIGINT,), 130)],
)
def test_a_run_that_the_user_stops_blames_no_model(
    wheel: Renderer, shapenet: str, signals: tuple[int, ...], status: int
) -> None:
    name = f"stopped_{len(signals)}_{status}"
    dataset_dir = wheel.data_dir / name
    for _ in range(2):
        with start(wheel, name, shapenet) as process:
            idx = wait_for_heavy_model(process, dataset_dir)
            for number in signals:
                process.send_signal(number)
                time.sleep(0.05)
            _, errors = process.communicate(timeout=240)
        assert process.returncode == status, errors
        assert set(errors.splitlines()) == {"stopped; the same command goes on from here"}
        assert find_notes(dataset_dir) == []
        is_finished = (dataset_dir / f"img/{idx:05d}.npy").exists()
        assert is_finished == (signals == (signal.SIGINT,))  # this one stops between samples
        if is_finished:
            break
    run(wheel, name, shapenet)
    assert read_rejected(dataset_dir) == {}


# --- notes that are there -------------------------------------------------------------------------


def write_note(dataset_dir: Path, cause: str = "", **values: object) -> Path:
    """The note of a run of this machine that is no more."""
    entry = {"host": "elsewhere", "pid": 1, "stage": "render", "idx": 0, "done": 0, "assets": []}
    path = create_note_path(dataset_dir)
    path.write_text(json.dumps({**entry, **values}) + "\n" + cause)
    return path


def create_note_path(dataset_dir: Path) -> Path:
    """A path that a run would give its note now."""
    with temporary_file(dataset_dir / "work.json", label="run") as path:
        return path


def move_to_another_machine(note: Path) -> Path:
    """The same note from another machine, or of this one before it was started again."""
    moved = note.with_name(re.sub(r"run-[0-9a-f]{8}", "run-00000000", note.name))
    assert moved != note
    return note.rename(moved)


def make_old(note: Path) -> None:
    time_ns = note.stat().st_mtime_ns - (ABANDONED_AFTER_S + 60) * 10**9
    os.utime(note, ns=(time_ns, time_ns))


CRASH = "Fatal Python error: Aborted\n"
QUICK = ["rendering.resolution = 8", "rendering.render_samples = 1", "batch.num_samples = 3"]


def test_a_note_after_a_power_cut_counts_once(wheel: Renderer, server: RenderServer) -> None:
    dataset_dir = server.render("power_cut", *QUICK)
    (dataset_dir / "img/00000.npy").unlink()
    model = f"{read_record(dataset_dir, 1)['synset_id'][0]}/x"
    for stale in (
        {"stage": "build", "assets": [model]},  # one death at sample 0
        {"idx": 1},  # finished since
        {"stage": "start", "idx": -1},
        {"idx": 10**9},
    ):
        write_note(dataset_dir, **stale)
    create_note_path(dataset_dir).write_text("")  # what a disk may make of it
    create_note_path(dataset_dir).write_text("[" * 100_000)
    for note in find_notes(dataset_dir):
        make_old(move_to_another_machine(note))
    wheel.run("-d", "power_cut", "-p", *QUICK)
    assert len(find_notes(dataset_dir)) == 1
    assert read_rejected(dataset_dir) == {}
    wheel.run("-d", "power_cut", "-p", *QUICK)  # sample 0 is there now
    assert find_notes(dataset_dir) == []


def test_a_new_note_from_another_machine_stays_for_a_day(
    wheel: Renderer, server: RenderServer
) -> None:
    """Its run may still be at work: the lock that it holds need not be seen here."""
    dataset_dir = server.render("elsewhere", *QUICK)
    (dataset_dir / "img/00000.npy").unlink()
    model = f"{read_record(dataset_dir, 1)['synset_id'][0]}/x"
    notes = [
        move_to_another_machine(write_note(dataset_dir, CRASH, stage="build", assets=[model]))
        for _ in range(2)
    ]
    wheel.run("-d", "elsewhere", "-p", *QUICK)
    assert sorted(find_notes(dataset_dir)) == sorted(notes)
    assert read_rejected(dataset_dir) == {}
    (dataset_dir / "img/00000.npy").unlink()
    for note in notes:
        make_old(note)
    output = wheel.run("-d", "elsewhere", "-p", *QUICK)
    assert f"rejected {model}: crashed Blender 2 times" in output
    assert find_notes(dataset_dir) == []


def test_of_several_models_one_that_no_finished_sample_shows_is_rejected(
    wheel: Renderer, server: RenderServer
) -> None:
    arguments = ["-d", "several", "-g", "render_multi", "-p", *QUICK]
    server.render("several", *QUICK, config="render_multi")
    dataset_dir = wheel.data_dir / "several"
    shown = [
        [f"{row['synset_id']}/{row['model_id']}" for row in read_record(dataset_dir, idx)]
        for idx in range(3)
    ]
    (dataset_dir / "img/00002.npy").unlink()
    only_there = [name for name in shown[2] if name not in shown[0] + shown[1]]
    for _ in range(2):
        write_note(dataset_dir, CRASH, idx=2)
    output = wheel.run(*arguments)
    (name,) = read_rejected(dataset_dir)
    assert name in (only_there or shown[2])
    assert f"rejected {name}: crashed Blender 2 times (found among" in output
    assert find_notes(dataset_dir) == []


def test_of_several_models_the_guilty_one_is_found(
    wheel: Renderer, server: RenderServer, tmp_path: Path
) -> None:
    """After the first death the models of that sample are rendered one by one."""
    python_path = tmp_path / "python"
    python_path.mkdir()
    write_troublemaker(python_path)
    arguments = ["-d", "guilty", "-g", "render_multi", "-p", *QUICK]
    server.render("guilty", *QUICK, config="render_multi")
    row = read_record(wheel.data_dir / "guilty", 2)[2]
    culprit = f"{row['synset_id']}/{row['model_id']}"
    trouble = {"TROUBLE_RENDER": f"/{culprit}/", "PYTHONPATH": str(python_path)}
    with wheel.start(*arguments, "--overwrite", **trouble) as process:
        process.communicate(timeout=240)
    with wheel.start(*arguments, **trouble) as process:
        process.communicate(timeout=240)
    output = wheel.run(*arguments, **trouble)
    assert f"rejected {culprit}: crashed Blender 2 times\n" in output
    assert list(read_rejected(wheel.data_dir / "guilty")) == [culprit]


def test_a_run_at_work_keeps_its_note(wheel: Renderer, shapenet: str) -> None:
    dataset_dir = wheel.data_dir / "two_runs"
    with start(wheel, "two_runs", shapenet) as first:
        wait_for_heavy_model(first, dataset_dir)
        (note,) = find_notes(dataset_dir)
        os.kill(first.pid, signal.SIGSTOP)
        run(wheel, "two_runs", shapenet)
        assert find_notes(dataset_dir) == [note]
        os.kill(first.pid, signal.SIGCONT)
        assert first.wait(240) == 0
    assert find_notes(dataset_dir) == []
    assert read_rejected(dataset_dir) == {}


def test_the_note_goes_with_the_data_set(wheel: Renderer, server: RenderServer) -> None:
    dataset_dir = server.render("noted", *QUICK)
    for _ in range(2):
        write_note(dataset_dir, CRASH, idx=2)
    wheel.run("-d", "noted", "--overwrite", "-p", *QUICK)
    assert find_notes(dataset_dir) == []
    assert read_rejected(dataset_dir) == {}
