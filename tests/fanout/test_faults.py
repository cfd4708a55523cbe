from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import random
import re
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ray.cluster_utils import Cluster

from synrender.dataset.folder import DatasetFolder
from tests.fanout.drive import (
    NUM_SAMPLES,
    VARIANTS,
    Driver,
    assert_same_dataset,
    finish,
    is_alive,
    small_disk,
    wait_until,
    write_assets,
)
from tests.helpers import as_plain_user, has_blender_executable, read_records

pytestmark = pytest.mark.slow  # each starts Ray, and most kill or hang what it started

BATCH = ("-n", NUM_SAMPLES, "-b", 6)


def assert_same_as_reference(driver: Driver, name: str, reference: dict[str, Path]) -> None:
    for variant in VARIANTS:
        dataset_dir = driver.data_dir / f"{name}_{variant}"
        assert_same_dataset(dataset_dir, reference[variant])
        assert json.loads((dataset_dir / "dataset.json").read_text())["rejected"] == {}


def read_affinities(pid: int) -> set[str]:
    """CPUs that the threads of a process may use, as the kernel lists them."""
    statuses = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/status")]
    return {re.search(r"Cpus_allowed_list:\s+(\S+)", status)[1] for status in statuses}


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two CPUs")
def test_every_worker_has_a_cpu_of_its_own(driver: Driver) -> None:
    process = driver.start("-d", "pinned", *BATCH, TROUBLE_SLOW_S="0.3")
    num_cpus = len(os.sched_getaffinity(0))

    def all_at_work() -> list[dict]:
        at_work = [journal for journal in driver.journals() if journal["done"]]
        return at_work if len(at_work) == num_cpus else []

    try:
        cpus = [read_affinities(journal["pid"]) for journal in wait_until(all_at_work)]
    finally:
        os.kill(process.pid, signal.SIGTERM)  # ends a run as Ctrl-C does
        output = finish(process, 75)
    assert output.endswith("stopped; the same command goes on from here\n")
    assert all(len(c) == 1 for c in cpus), cpus  # every thread on the same one
    assert len(set.union(*cpus)) == num_cpus


def test_workers_killed_at_random_moments_lose_nothing(
    driver: Driver, reference: dict[str, Path]
) -> None:
    process = driver.start("-d", "killed", *BATCH, TROUBLE_SLOW_S="0.3")
    rng, num_kills = random.Random(0), 0
    while num_kills < 5:
        time.sleep(rng.uniform(0, 1))
        journals = wait_until(lambda: driver.journals() or process.poll() is not None)
        assert process.poll() is None, f"over after {num_kills} kills: {finish(process)}"
        with contextlib.suppress(ProcessLookupError):
            os.kill(rng.choice(journals)["pid"], signal.SIGKILL)
            num_kills += 1
    output = finish(process)
    assert "all 96 samples are complete" in output
    assert " 0 failed" in output
    assert_same_as_reference(driver, "killed", reference)


IMPATIENT = """
from synrender.cli.distribute import COMMAND
from synrender.cli.script import run_script
from synrender.fanout.job import Job

Job.silence_limit_s = property(lambda job: 20.0)
run_script(COMMAND)
"""
"""The command, with a driver that waits 20 s for a sign of life, and not 23 minutes."""


def test_a_worker_that_is_stopped_for_good_is_killed_and_its_batch_rendered(
    driver: Driver, reference: dict[str, Path]
) -> None:
    impatient = dataclasses.replace(driver, script=("-c", IMPATIENT))
    process = impatient.start("-d", "frozen", *BATCH, TROUBLE_SLOW_S="0.3")
    wait_until(lambda: driver.num_records("frozen") > 3 and driver.journals())
    pid = driver.journals()[0]["pid"]
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: not is_alive(pid), 240)
    output = finish(process)
    assert "all 96 samples are complete" in output
    assert " 0 retried" not in output.splitlines()[-2]
    assert " 0 failed" in output.splitlines()[-2]
    assert "ERROR" not in output  # of Ray's
    assert_same_as_reference(driver, "frozen", reference)


@pytest.mark.parametrize(
    ("trouble", "reason", "blender"),
    [
        ("TROUBLE_CRASH", "crashed Blender 2 times", ""),
        ("TROUBLE_HANG", "exceeded the time limit", ""),
        pytest.param(
            *("TROUBLE_CRASH", "crashed Blender 2 times", "blender"),
            marks=pytest.mark.debian_blender,
        ),
        pytest.param(
            *("TROUBLE_HANG", "exceeded the time limit", "blender"),
            marks=[pytest.mark.debian_blender, pytest.mark.weekly],
        ),
    ],
)
def test_a_model_that_ends_or_hangs_the_process_is_rejected_and_replaced(
    driver: Driver, reference: dict[str, Path], trouble: str, reason: str, blender: str
) -> None:
    if blender and not has_blender_executable():
        pytest.skip("no blender on PATH; on Debian: apt-get install blender python3-numpy")
    plain = read_records(reference["0-0-0-0"])[:, 0]
    culprit = f"{plain['synset_id'][8]}/{plain['model_id'][8]}"  # in mid-batch
    name = f"{trouble}{blender}"
    arguments, variants = ["-d", name, *BATCH, "--time_limit", 6], VARIANTS
    if blender:
        arguments, variants = [*arguments, "--blender", blender, "-b", 12], VARIANTS[:1]
    output = driver.run(*arguments, variants=variants, **{trouble: f"/{culprit}/"})
    assert f"all {len(variants) * NUM_SAMPLES} samples are complete" in output
    assert output.count(f"  {culprit}: {reason}") == 1
    for variant in variants:
        dataset_dir = driver.data_dir / f"{name}_{variant}"
        rejected = json.loads((dataset_dir / "dataset.json").read_text())["rejected"]
        assert list(rejected) == [culprit]
        assert rejected[culprit].startswith(reason)
        records, expected = read_records(dataset_dir)[:, 0], read_records(reference[variant])[:, 0]
        is_hit = (expected["synset_id"] == culprit[:8]) & (expected["model_id"] == culprit[9:])
        assert is_hit[8]
        assert (records["model_id"][is_hit] != culprit[9:]).all()
        for idx in (~is_hit).nonzero()[0] if not blender else ():
            ours, theirs = (d / "img" / f"{idx:05d}.png" for d in (dataset_dir, reference[variant]))
            assert ours.read_bytes() == theirs.read_bytes()


@pytest.mark.parametrize(
    ("kind", "trouble"), [(("--is_multi",), "TROUBLE_RENDER"), ((), "TROUBLE_CRASH")]
)
def test_a_batch_of_eight_models_that_crash_is_finished(
    driver: Driver, kind: tuple[str, ...], trouble: str
) -> None:
    """Two of the three models that each class has in the first two buckets.

    Were one more of them rejected, of several in a sample, samples could not be rendered.
    """
    crash, name = "/m00[0134]/", f"eight{trouble}"
    output = driver.run(
        *("-d", name, *kind, "-n", 72, "-b", 12),
        variants=("0-0-0-0",),
        bindings=("batch.cache_obj_frames = 1",),
        **{trouble: crash},
    )
    assert "all 72 samples are complete" in output
    dataset_dir = driver.data_dir / f"{name}_0-0-0-0"
    shown = read_records(dataset_dir)["model_id"].ravel()
    assert not [model for model in shown if re.search(crash, f"/{model}/")]
    rejected = json.loads((dataset_dir / "dataset.json").read_text())["rejected"]
    assert 5 <= len(rejected) <= 8  # as many as are drawn
    assert not [model for model in rejected if not re.search(crash, f"/{model}/")]
    assert set(rejected.values()) == {"crashed Blender 2 times"}


def test_models_that_may_not_be_read_are_rejected_and_replaced(
    driver: Driver, tmp_path: Path
) -> None:
    """A folder, a file and a texture of mode 000, in every bucket; and a file of odd bytes."""
    shapenet, dtd = write_assets(tmp_path)
    models = sorted((shapenet / "02691156").iterdir())
    locked = [folder for k, folder in enumerate(models) if k % 3 == 0]
    locked += [m / "models/model_normalized.obj" for k, m in enumerate(models) if k % 3 == 1]
    locked.append(next((dtd / "images/noise").iterdir()))
    odd = locked.pop(0) / "models/model_normalized.obj"
    odd.write_bytes(b"\1\2\n\x1f")
    for path in locked:
        path.chmod(0)
    try:
        output = dataclasses.replace(driver, prefix=as_plain_user()).run(
            *("-d", "unreadable", "-n", 60, "-b", 6),
            variants=("1-0-0-0",),
            bindings=("batch.cache_obj_frames = 1",),
            SYNRENDER_SHAPENET_DIR=str(shapenet),
            SYNRENDER_DTD_DIR=str(dtd),
        )
    finally:
        for path in locked:
            path.chmod(0o700)
    assert "all 60 samples are complete" in output
    info = json.loads((driver.data_dir / "unreadable_1-0-0-0/dataset.json").read_text())
    assert info["rejected"].pop(f"02691156/{models[0].name}") == "empty file"
    reasons = set(info["rejected"].values())
    assert len(info["rejected"]) > 12
    assert all(reason.endswith("Permission denied") for reason in reasons), reasons
    assert f"noise/{locked[-1].name}" in info["rejected"]


def test_a_failure_shows_the_batch_how_to_repeat_it_and_the_end_of_blenders_output(
    driver: Driver,
) -> None:
    # All models of class 0 in bucket 0 crash, so nothing is left for its samples.
    output = driver.run(
        *("-d", "hopeless", "-n", 24, "-b", 6),
        variants=("0-0-0-0",),
        status=1,
        TROUBLE_CRASH="/02691156/m00",
    )
    assert "failed: hopeless_0-0-0-0, samples 0 to 5" in output
    assert "too few of its 3 models can be used" in output
    config = driver.data_dir / "hopeless_0-0-0-0" / "config.gin"
    command = (
        f"python render.py -d hopeless_0-0-0-0 -g {config} "
        '-p "batch.idx_offset = 0" "batch.num_samples = 6"'
    )
    assert command in output
    num_missing = int(re.search(r"error: (\d+) of 24 samples are missing", output)[1])
    assert num_missing == 24 - driver.num_records("hopeless") > 0
    # What is printed does reproduce it.
    result = subprocess.run(
        command.replace("python ", "exec python ", 1),
        shell=True,
        env={
            **driver.environment,
            "PATH": f"{Path(os.sys.executable).parent}:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert "too few of its 3 models can be used" in result.stderr


# --- a full disk ----------------------------------------------------------------------------------


def test_a_full_disk_stops_the_run_with_one_line(driver: Driver, tmp_path: Path) -> None:
    """On a small tmpfs; where mounting is forbidden, by a limit on the size of a file."""
    with small_disk(tmp_path / "disk", "3m") as is_mounted:
        data_dir = tmp_path / "disk"
        environment = {"SYNRENDER_DATA_DIR": str(data_dir)}
        arguments = ["-d", "full", "--is_multi", "-n", 240, "-b", 10]
        if is_mounted:
            output = driver.run(*arguments, status=1, variants=("0-0-0-0",), **environment)
        else:
            arguments += ["-l", "-q"]  # Ray's own files would break the limit
            soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (16_000, hard))
            try:
                process = driver.start(*arguments, variants=("0-0-0-0",), **environment)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            output = finish(process, 1)
        errors = [line for line in output.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, output
        assert errors[0].startswith("error: stopped: "), output
        assert "is full: " in errors[0]
        assert "Traceback" not in output
        dataset_dir = data_dir / "full_0-0-0-0"
        finished = [int(p.stem) for p in (dataset_dir / "img").glob("[0-9]*.npy")]
        assert is_mounted == bool(finished)
        assert DatasetFolder(dataset_dir, is_exr=True).find_missing(finished) == []
        assert not list((dataset_dir / "img").glob(".*"))


def test_a_disk_that_is_full_from_the_start_is_one_line(driver: Driver, tmp_path: Path) -> None:
    """40 kB: enough for the data set's first files, and not for Ray's."""
    with small_disk(tmp_path / "disk", "40k") as is_mounted:
        if not is_mounted:
            pytest.skip("this machine lets nobody mount")
        for arguments in ([], ["-l"]):
            output = driver.run(
                *("-d", "none", "--is_multi", "-n", 24, *arguments),
                status=1,
                variants=("0-0-0-0",),
                SYNRENDER_DATA_DIR=str(tmp_path / "disk"),
            )
            errors = [line for line in output.splitlines() if line.startswith("error: ")]
            assert len(errors) == 1, output
            assert f"{tmp_path / 'disk'} is full" in errors[0]
            assert output.splitlines()[-1] == errors[0]
            assert "Traceback" not in output


def test_render_and_preprocess_name_a_full_disk_too(driver: Driver, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    environment = {**os.environ, **driver.environment, "SYNRENDER_DATA_DIR": str(disk)}

    def run_full(*command: str, **changes: str) -> None:
        result = subprocess.run(
            [os.sys.executable, *command],
            env={**environment, **changes},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 1, result.stderr
        assert result.stderr.splitlines()[-1].startswith(f"error: {disk} is full: {disk}")
        assert "Traceback" not in result.stderr

    with small_disk(disk, "2m") as is_mounted:
        if not is_mounted:
            pytest.skip("this machine lets nobody mount")
        quick = ["rendering.resolution = 32", "rendering.render_samples = 1"]
        exr = ["-g", "render_multi", "-p", *quick, "sample.class_idxs = 3"]
        run_full("render.py", "-d", "full", *exr, "batch.num_samples = 200")
        records = list((disk / "full/img").glob("[0-9]*.npy"))
        assert len(records) > 10
        for image in (disk / "full/img").glob("[0-9]*.exr"):
            if image.with_suffix(".npy") not in records:
                image.unlink()
        run_full("preprocess_data.py", "-d", "full", "-f", "-j", "1")
        assert not list((disk / "full").glob("*.h5"))
        # Not even the demo models fit.
        run_full("render.py", "-d", "demo", SYNRENDER_SHAPENET_DIR="", SYNRENDER_DTD_DIR="")


# --- several nodes --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster(driver: Driver) -> Iterator[Cluster]:
    """A head of one CPU, to which a test can add nodes; all on this machine."""
    before = dict(os.environ)
    # What nodes start with; where things are comes with the job.
    os.environ["PYTHONPATH"] = driver.environment["PYTHONPATH"]
    os.environ.update(RAY_USAGE_STATS_ENABLED="0", TROUBLE_SLOW_S="0.15")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    yield cluster
    cluster.shutdown()
    os.environ.clear()
    os.environ.update(before)


def test_a_node_removed_in_mid_run_loses_nothing(
    driver: Driver, reference: dict[str, Path], cluster: Cluster
) -> None:
    node = cluster.add_node(num_cpus=1)
    process = driver.start("-d", "removed", *BATCH, "-a", cluster.address, TROUBLE_SLOW_S="0.15")
    wait_until(lambda: len(driver.journals()) == 2 and driver.num_records("removed") > 3)
    cluster.remove_node(node, allow_graceful=False)
    output = finish(process)
    assert "all 96 samples are complete" in output
    assert_same_as_reference(driver, "removed", reference)


def test_a_node_without_models_fails_its_batch_and_not_the_run(
    driver: Driver, reference: dict[str, Path], cluster: Cluster
) -> None:
    node = cluster.add_node(
        num_cpus=1, env_vars={"SYNRENDER_SHAPENET_DIR": "/nowhere", "PATH": os.environ["PATH"]}
    )
    try:
        output = driver.run("-d", "bare", *BATCH, "--redis_address", cluster.address, "--gather")
    finally:
        cluster.remove_node(node)
    assert "all 96 samples are complete" in output
    lines = [line for line in output.splitlines() if "/nowhere" in line]
    assert len(lines) == 1
    assert "its batches go to other nodes" in lines[0]
    assert_same_as_reference(driver, "bare", reference)


def test_no_cluster_at_the_address_is_a_mistake_said_in_one_line(driver: Driver) -> None:
    output = driver.run("-d", "nobody", *BATCH, "-a", "127.0.0.1:9", status=2)
    assert output.count("\n") == 1
    assert "no Ray cluster answers there" in output
    assert not (driver.data_dir / "nobody_0-0-0-0").exists()
