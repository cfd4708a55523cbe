"""Plans, and runs beside each other, that tell the truth."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from synrender.cli.preprocess import COMMAND
from synrender.dataset.folder import DatasetFolder
from synrender.fanout.variants import Shared, plan_datasets
from tests.fanout.drive import SYNSETS, Driver, finish, wait_until
from tests.helpers import PROJECT_DIR, QuickCommand

ONE = ("0-0-0-0",)


def preprocess(driver: Driver, *arguments: object, status: int = 0) -> str:
    return run_script(driver, "preprocess_data.py", *arguments, status=status)


@pytest.fixture
def archiver(
    driver: Driver, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> QuickCommand:
    return QuickCommand(COMMAND, driver.data_dir, capsys, monkeypatch)


def run_script(driver: Driver, *command: object, status: int = 0) -> str:
    result = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=PROJECT_DIR,
        env={**os.environ, **driver.environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    output = result.stdout + result.stderr
    assert result.returncode == status, output
    return output


def test_what_is_in_a_verified_archive_is_complete(driver: Driver, archiver: QuickCommand) -> None:
    arguments = ("-d", "kept", "-n", 24, "-b", 6, "--local_mode")
    driver.run(*arguments, variants=ONE)
    dataset_dir = driver.data_dir / "kept_0-0-0-0"
    archiver.run("-d", dataset_dir.name, "-f", "--remove_raw")
    assert not (dataset_dir / "img").exists()
    output = driver.run(*arguments, "--dry_run", variants=ONE)
    assert re.search(r"kept_0-0-0-0 +24 +24 +0\n", output)
    assert "nothing to render: all 24" in driver.run(*arguments, variants=ONE)
    bindings = "batch.num_samples = 24", "object.total_num_samples = 24"
    command = ["render.py", "-d", dataset_dir.name, "-g", str(dataset_dir / "config.gin")]
    output = run_script(driver, *command, "-p", *bindings)
    assert "all 24 samples are complete already" in output
    assert not list(dataset_dir.glob("img/[0-9]*"))
    archiver.run("-d", dataset_dir.name, "-f", "--remove_raw")
    # A shard that is not what was verified counts for nothing.
    shard = dataset_dir / "imgs_03.h5"
    expected = sorted(np.load(dataset_dir / "idx_ref.npy")[6:8].tolist())
    shard.write_bytes(shard.read_bytes()[:-100])
    assert DatasetFolder(dataset_dir, is_exr=False).find_missing(range(24)) == expected
    # What is printed mends it.
    driver.run(*arguments, variants=ONE)
    archiver.run("-d", dataset_dir.name, "-f", "--overwrite", "-i", 3)
    archiver.run("-d", dataset_dir.name, "-f", "--remove_raw")
    assert DatasetFolder(dataset_dir, is_exr=False).find_missing(range(24)) == []
    (dataset_dir / "archived.json").write_text("[" * 100_000)
    assert len(DatasetFolder(dataset_dir, is_exr=False).find_missing(range(24))) == 24


@pytest.mark.slow
def test_two_drivers_and_an_archiver_keep_out_of_each_others_way(driver: Driver) -> None:
    arguments = ("-d", "shared", "-n", 24, "-b", 6)
    process = driver.start(*arguments, variants=ONE, TROUBLE_SLOW_S="1")
    wait_until(lambda: driver.num_records("shared"))
    process.send_signal(signal.SIGSTOP)  # it must not be done before the others have started
    try:
        second = driver.run(*arguments, variants=ONE, status=2)
        line = second.splitlines()[-1]
        assert "cannot be rendered by two drivers now: process" in line
        assert f"process {process.pid} " in line
        assert "shared_0-0-0-0/img cannot be rendered by two drivers" in line
        num_records = driver.num_records("shared")
        bindings = "batch.num_samples = 24", "object.total_num_samples = 24"
        line = run_script(
            driver, "render.py", "-d", "shared_0-0-0-0", "--overwrite", "-p", *bindings, status=2
        ).splitlines()[-1]
        assert "shared_0-0-0-0 cannot be overwritten now: process" in line
        assert driver.num_records("shared") >= num_records > 0
        line = preprocess(driver, "-d", "shared_0-0-0-0", "-f", status=2).splitlines()[-1]
        assert "shared_0-0-0-0 cannot be archived now: " in line
    finally:
        process.send_signal(signal.SIGCONT)
    output = finish(process)
    assert "all 24 samples are complete" in output
    preprocess(driver, "-d", "shared_0-0-0-0", "-f")


def test_images_that_vanish_in_mid_run_are_counted_as_missing(driver: Driver) -> None:
    command = [sys.executable, "render.py", "-d", "emptied", "-p"]
    command += ["rendering.resolution = 32", "rendering.render_samples = 1"]
    process = subprocess.Popen(
        [*command, "batch.num_samples = 30"],
        cwd=PROJECT_DIR,
        env={**os.environ, **driver.environment, "TROUBLE_SLOW_S": "0.3"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    image_dir = driver.data_dir / "emptied/img"
    wait_until(lambda: len(list(image_dir.glob("*.npy"))) > 10)
    os.kill(process.pid, signal.SIGSTOP)
    line = preprocess(driver, "-d", "emptied", "-f", status=2).splitlines()[-1]
    assert "emptied cannot be archived now: process" in line
    num_lost = len(list(image_dir.glob("[0-9]*.npy")))
    for path in image_dir.glob("[0-9]*"):
        path.unlink()
    os.kill(process.pid, signal.SIGCONT)
    output = finish(process, 1)
    found = int(re.search(r"error: .*emptied: (\d+) rendered samples have been removed", output)[1])
    assert num_lost <= found <= num_lost + 1


@pytest.mark.slow
def test_images_that_vanish_under_a_fan_out_are_counted_as_missing(driver: Driver) -> None:
    process = driver.start("-d", "gone", "-n", 48, "-b", 4, variants=ONE, TROUBLE_SLOW_S="0.2")
    image_dir = driver.data_dir / "gone_0-0-0-0/img"
    wait_until(lambda: driver.num_records("gone") > 12)
    records = sorted(image_dir.glob("[0-9]*.npy"))[:8]  # two batches, finished for long
    for path in records:
        path.unlink()
        path.with_suffix(".png").unlink()
    output = finish(process, 1)
    assert f"error: {len(records)} of 48 samples are missing" in output
    assert f"rendered {48 - len(records)} samples" in output
    assert driver.num_records("gone") == 48 - len(records)


def test_a_size_that_12_does_not_divide_is_said_with_the_nearest(driver: Driver) -> None:
    output = driver.run("-d", "odd", "-n", 50, "--dry_run", variants=ONE)
    assert "50 samples cannot be divided by 12" in output
    assert "take 48 or 60 samples, or go by split_ends" in output
    assert output.count("cannot be divided") == 1


@pytest.mark.slow
def test_classes_that_are_not_there_are_left_out_by_the_line_that_is_printed(
    driver: Driver, tmp_path: Path
) -> None:
    shapenet = tmp_path / "shapenet"
    shutil.copytree(driver.environment["SYNRENDER_SHAPENET_DIR"], shapenet)
    missing = list(SYNSETS)[1]
    shutil.rmtree(shapenet / missing)
    arguments = ("-d", "fewer", "-n", 24, "-b", 6, "--dry_run")
    where = {"SYNRENDER_SHAPENET_DIR": str(shapenet)}
    output = driver.run(*arguments, "--num_classes", 3, status=2, variants=ONE, **where)
    line = output.splitlines()[-1]
    binding = re.search(r'-p "(sample.classes = \[.*?\])"', line)[1]
    number = re.search(r"--num_classes (\d+)", line)[1]
    assert number == "2"
    command = [*map(str, arguments), "--num_classes", number, "--variants", *ONE]
    result = subprocess.run(
        [sys.executable, "distributed_render.py", *command, "-p", binding],
        cwd=PROJECT_DIR,
        env={**os.environ, **driver.environment, **where},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def test_the_plan_says_how_many_samples_share_models_and_why(driver: Driver) -> None:
    arguments = ("-d", "grouped", "--dry_run", "--num_classes", 3)
    output = driver.run(*arguments, "-n", 132, variants=ONE)
    (settings,) = (
        dataset.settings for dataset in plan_datasets(driver.data_dir / "x", ONE, Shared(132, 3))
    )
    size = settings.batch.cache_obj_frames
    assert size != 10
    assert (
        f"batch.cache_obj_frames = {size}: so many samples in a row share their models; of 1 to 20 "
        "the nearest to 10 that makes the classes of 132 samples as even as can be (-p sets it)"
    ) in output
