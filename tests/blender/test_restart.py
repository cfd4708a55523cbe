"""After a run is killed, the same command renders exactly the missing samples."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import synrender
from tests.helpers import PROJECT_DIR, QuickCommand, Renderer, RenderServer, read_images

QUICK = ["-p", "rendering.resolution = 32", "rendering.render_samples = 1"]


def modification_times(dataset_dir: Path) -> dict[str, int]:
    return {p.name: p.stat().st_mtime_ns for p in (dataset_dir / "img").iterdir()}


def start_many(
    renderer: Renderer, name: str, num_samples: int = 5000
) -> tuple[subprocess.Popen, Path]:
    """Starts a long run; returns when it has rendered a few samples."""
    dataset_dir = renderer.data_dir / name
    process = renderer.start("-d", name, *QUICK, f"batch.num_samples = {num_samples}")
    deadline = time.monotonic() + 240
    while len(list(dataset_dir.glob("img/[0-9]*.npy"))) < 5:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.002)
    return process, dataset_dir


def test_killed_in_the_middle(renderer: Renderer, each_server: RenderServer) -> None:
    whole = each_server.render("whole_run", "batch.num_samples = 30")
    arguments = ["-d", "killed", *QUICK, "batch.num_samples = 30"]
    process, dataset_dir = start_many(renderer, "killed", num_samples=30)
    with process:
        process.kill()
    done = {p.stem for p in dataset_dir.glob("img/[0-9]*.npy")}
    assert 5 <= len(done) < 30
    before = modification_times(dataset_dir)
    output = renderer.run(*arguments)
    assert f"rendered {30 - len(done)} samples" in output
    assert f"kept {len(done)}" in output
    after = modification_times(dataset_dir)
    for stem in done:
        for name in (f"{stem}.png", f"{stem}.npy"):
            assert after[name] == before[name]
    assert len(after) == 60  # nothing half-written is left
    np.testing.assert_array_equal(read_images(dataset_dir), read_images(whole))


def test_a_third_run_renders_nothing(wheel: Renderer, server: RenderServer, tmp_path: Path) -> None:
    (tmp_path / "bpy.py").write_text("raise AssertionError('Blender is not needed')")
    dataset_dir = server.render("complete", "batch.num_samples = 3")
    before = modification_times(dataset_dir)
    arguments = ["-d", "complete", *QUICK, "batch.num_samples = 3"]
    output = wheel.run(*arguments, PYTHONPATH=str(tmp_path))
    assert "all 3 samples are complete" in output
    assert modification_times(dataset_dir) == before


def test_damaged_samples_are_rendered_again_and_only_those(
    wheel: Renderer, server: RenderServer
) -> None:
    dataset_dir = server.render("damaged", "batch.num_samples = 6")
    images = read_images(dataset_dir)
    img = dataset_dir / "img"
    (img / "00000.png").unlink()
    (img / "00001.npy").unlink()
    for name in ("00002.png", "00003.npy"):
        data = (img / name).read_bytes()
        (img / name).write_bytes(data[: len(data) // 2])
    (img / "00004.npy").write_bytes(b"")
    before = modification_times(dataset_dir)
    output = wheel.run("-d", "damaged", *QUICK, "batch.num_samples = 6")
    assert "rendered 5 samples" in output
    assert modification_times(dataset_dir)["00005.png"] == before["00005.png"]
    np.testing.assert_array_equal(read_images(dataset_dir), images)


def test_other_settings_on_the_same_name_are_refused(
    wheel: Renderer, idle_wheel: QuickCommand, server: RenderServer
) -> None:
    dataset_dir = server.render("claimed", "batch.num_samples = 1")
    config = (dataset_dir / "config.gin").read_bytes()
    other = [*QUICK, "batch.num_samples = 1", "lighting.r = 2"]
    output = idle_wheel.run("-d", "claimed", *other, status=2)
    assert "was made with lighting.r = 0.0, this run has 2.0" in output
    assert output.count("\n") == 1 + output.count("demo")
    assert (dataset_dir / "config.gin").read_bytes() == config
    wheel.run("-d", "claimed", "--overwrite", *other)
    assert "lighting.r = 2.0" in (dataset_dir / "config.gin").read_text()


def test_a_first_run_is_a_whole_data_set_and_a_later_one_keeps_the_size(
    wheel: Renderer, idle_wheel: QuickCommand
) -> None:
    tiny = [*QUICK, "rendering.resolution = 8", "material.use_texture = False"]

    def run(*bindings: str) -> str:
        return wheel.run("-d", "first_run", *tiny, *bindings)

    def run_idly(*bindings: str, status: int = 0) -> str:
        return idle_wheel.run("-d", "first_run", *tiny, *bindings, status=status)

    output = run("batch.num_samples = 108")
    assert "The whole data set will have these 108 samples" in output
    data = synrender.open_dataset(wheel.data_dir / "first_run")
    assert data.read_column("bucket").reshape(-1).tolist() == [i // 9 for i in range(108)]
    models = data.read_column("model_id").reshape(12, 9)
    assert sum(len(set(bucket)) for bucket in models) == len(set(models.reshape(-1)))
    for bindings in ([], ["batch.num_samples = 100"]):
        assert "samples are complete already" in run_idly(*bindings)
    output = run_idly("batch.num_samples = 120", status=2)
    assert (
        "was made with object.total_num_samples = 108, this run has 120: choose another" in output
    )
    shutil.rmtree(wheel.data_dir / "first_run")
    run("batch.num_samples = 1")  # a trial: of 60000
    output = run("batch.num_samples = 100")
    assert "100 of 60000 samples lie in the first of 12 buckets" in output
    assert "rendered 99 samples" in output


def test_other_models_on_the_same_name_are_refused(
    idle_wheel: QuickCommand,
    server: RenderServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.render("sources", "batch.num_samples = 1")
    dtd = tmp_path / "dtd"
    (dtd / "labels").mkdir(parents=True)
    (dtd / "labels" / "labels_joint_anno.txt").write_text("a/1.png a\na/2.png a\n")
    arguments = ["-d", "sources", *QUICK, "batch.num_samples = 1"]
    monkeypatch.setenv("SYNRENDER_DTD_DIR", str(dtd))
    output = idle_wheel.run(*arguments, status=2)
    assert "other textures" in output


def test_another_blender_on_the_same_name_is_refused(wheel: Renderer, server: RenderServer) -> None:
    dataset_dir = server.render("versions", "batch.num_samples = 1")
    info = json.loads((dataset_dir / "dataset.json").read_text())
    info["versions"]["blender"] = "2.80"
    (dataset_dir / "dataset.json").write_text(json.dumps(info))
    output = wheel.run("-d", "versions", *QUICK, "batch.num_samples = 2", status=2)
    assert "was rendered with Blender 2.80" in output


def test_a_folder_that_is_no_data_set_is_left_alone(idle_wheel: QuickCommand) -> None:
    folder = idle_wheel.data_dir / "precious"
    folder.mkdir()
    (folder / "thesis.tex").write_text("text")
    for option in ([], ["--overwrite"]):
        output = idle_wheel.run("-d", "precious", *option, *QUICK, status=2)
        assert "is no data set of this program" in output
    assert (folder / "thesis.tex").read_text() == "text"


@pytest.mark.parametrize("attempt", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_interrupted_by_the_keyboard(renderer: Renderer, attempt: int) -> None:
    process, dataset_dir = start_many(renderer, f"interrupted{attempt}")
    with process:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=240)
    assert process.returncode == 130, errors
    assert "the same command goes on" in errors
    names = modification_times(dataset_dir)
    assert len(names) % 2 == 0
    assert not [n for n in names if n.startswith(".")]


@pytest.mark.parametrize("limit_kb", [8, 40])
def test_a_file_that_cannot_be_written_stops_cleanly(wheel: Renderer, limit_kb: int) -> None:
    """Simulates a full disk with a limit on the file size: writes fail half-way."""
    arguments = ["-d", f"full_{limit_kb}", "-p", "rendering.resolution = 128"]
    arguments += ["rendering.render_samples = 1", "batch.num_samples = 2"]
    script = (
        "import resource, runpy, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit_kb * 1024},) * 2); "
        "sys.argv = ['render.py', *sys.argv[1:]]; runpy.run_path('render.py', run_name='__main__')"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=wheel.full_environment(PYTHONDONTWRITEBYTECODE="1"),  # else truncated files would stay
        capture_output=True,
        text=True,
        timeout=120,
    )
    dataset_dir = wheel.data_dir / f"full_{limit_kb}"
    if limit_kb == 8:
        assert result.returncode == 1, result.stderr
        assert "error: " in result.stderr
        assert "Traceback" not in result.stderr
        assert list((dataset_dir / "img").iterdir()) == []
        assert not list(dataset_dir.glob(".work.*"))  # no model is blamed
    else:
        assert result.returncode == 0, result.stderr
    wheel.run(*arguments)
    assert len(list((dataset_dir / "img").iterdir())) == 4


ANOTHER_SYSTEM = """
import os
os.supports_dir_fd.clear()  # before shutil looks
import runpy, sys
sys.modules["fcntl"] = None
for name in ("sched_getaffinity", "sched_setaffinity", "getuid", "statvfs", "O_NOFOLLOW",
             "O_NONBLOCK", "O_CLOEXEC", "set_blocking"):
    delattr(os, name)
open_file, replace = os.open, os.replace
def open_no_folder(path, *arguments, **options):
    if os.path.isdir(path):
        raise PermissionError(13, "Permission denied", path)
    return open_file(path, *arguments, **options)
def replace_closed(source, target):
    links = [f"/proc/self/fd/{n}" for n in os.listdir("/proc/self/fd")]
    if os.path.realpath(source) in [os.path.realpath(link) for link in links]:
        raise PermissionError(13, "it is open", source)
    replace(source, target)
os.open, os.replace = open_no_folder, replace_closed
sys.argv = ["render.py", *sys.argv[1:]]
runpy.run_path("render.py", run_name="__main__")
"""


def test_render_py_needs_nothing_that_windows_and_macos_lack(wheel: Renderer) -> None:
    quick = ["rendering.resolution = 32", "rendering.render_samples = 1", "batch.num_samples = 2"]
    result = subprocess.run(
        [sys.executable, "-c", ANOTHER_SYSTEM, "-d", "another_system", "-p", *quick],
        cwd=PROJECT_DIR,
        env=wheel.full_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert len(read_images(wheel.data_dir / "another_system")) == 2


WATCHER = """
import fcntl, os
replace = os.replace
def check(source, target):
    with open(source, "rb") as file, open(os.environ["REPLACED"], "a") as log:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            print(target, "free", file=log)
        except BlockingIOError:
            print(target, "held", file=log)
    replace(source, target)
if "REPLACED" in os.environ:
    os.replace = check
"""


@pytest.mark.parametrize("config", ["render_single", "render_multi"])
def test_what_blender_writes_is_locked_until_it_is_complete(
    renderer: Renderer, tmp_path: Path, config: str
) -> None:
    """Blender writes into the file that is locked, and puts no other one into its place."""
    (tmp_path / "sitecustomize.py").write_text(WATCHER)
    inherited = renderer.environment.get("PYTHONPATH", "")
    watched = {"PYTHONPATH": f"{tmp_path}:{inherited}", "REPLACED": str(tmp_path / "replaced")}
    watching = replace(renderer, environment={**renderer.environment, **watched})
    watching.render(f"locked_{config}", "batch.num_samples = 1", config=config)
    lines = (tmp_path / "replaced").read_text().splitlines()
    names = [Path(line.split()[0]).name for line in lines]
    assert {"00000.npy", "dataset.json"} <= set(names)
    assert {"00000.png", "00000.exr"} & set(names)
    assert all(line.endswith(" held") for line in lines)
