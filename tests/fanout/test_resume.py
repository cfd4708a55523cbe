from __future__ import annotations

import dataclasses
import os
import shutil
import signal
from collections import Counter
from pathlib import Path

import pytest

from synrender.assets.catalog import load_catalog
from synrender.dataset.claim import claim_dataset
from synrender.fanout.variants import Shared, plan_datasets
from synrender.system.folders import find_folders
from synrender.system.locks import temporary_file
from tests.fanout.drive import (
    NUM_SAMPLES,
    QUICK,
    VARIANTS,
    Driver,
    assert_same_dataset,
    finish,
    is_alive,
    wait_until,
)


def read_name(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except OSError:  # it has just ended
        return ""


def stamp(dataset_dirs: list[Path]) -> dict[Path, int]:
    return {p: p.stat().st_mtime_ns for d in dataset_dirs for p in (d / "img").iterdir()}


def test_a_second_run_renders_nothing_and_says_so(
    driver: Driver, reference: dict[str, Path], tmp_path: Path
) -> None:
    before = stamp(list(reference.values()))
    (tmp_path / "ray.py").write_text("raise AssertionError('Ray is not needed')")
    python_path = f"{tmp_path}:{driver.environment['PYTHONPATH']}"
    with temporary_file(reference["1-1-1-1"] / "img" / "00000.png") as stale:
        pass
    stale.touch()
    output = driver.run("-d", "reference", "-n", NUM_SAMPLES, "-c", PYTHONPATH=python_path)
    assert "nothing to render: all 96 samples are complete already" in output
    assert stamp(list(reference.values())) == before  # and what a killed run left is gone


def test_a_worker_that_joins_a_data_set_does_not_list_its_images(
    driver: Driver, reference: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder of 2,000,000 files that would take a second, for every batch."""
    (dataset,) = plan_datasets(
        driver.data_dir / "reference", VARIANTS[:1], Shared(NUM_SAMPLES, 2, gin_param=QUICK)
    )
    names = ("SYNRENDER_DATA_DIR", "SYNRENDER_SHAPENET_DIR", "SYNRENDER_DTD_DIR")
    folders = find_folders({name: driver.environment[name] for name in names})
    catalog = load_catalog(dataset.settings, folders)
    listed, scandir = [], os.scandir

    def record(path: Path) -> object:
        listed.append(Path(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", record)
    claim_dataset(dataset.folder, dataset.settings, catalog)
    batch = dataclasses.replace(dataset.settings.batch, num_samples=6)
    dataset.folder.find_missing(batch.idxs)
    assert dataset.folder.is_begun
    # To see whether the folder is empty, its first entry is read.
    assert listed.count(dataset.folder.image_dir) == 1


def test_only_what_is_missing_or_damaged_is_rendered_again(
    driver: Driver, reference: dict[str, Path], tmp_path: Path
) -> None:
    """Each record is read once, and one that is rendered before and after."""
    dataset_dir = reference["1-1-1-1"]
    img = dataset_dir / "img"
    before = stamp(list(reference.values()))
    contents = {p: p.read_bytes() for p in before}
    for path in (img / "00003.png", img / "00003.npy", img / "00020.npy"):
        path.unlink()
    for path in (img / "00011.png", img / "00047.npy"):
        os.truncate(path, path.stat().st_size // 2)

    counts = tmp_path / "opened"
    arguments = ("-d", "reference", "-n", NUM_SAMPLES, "-b", 10)
    output = driver.run(*arguments, TROUBLE_COUNT=str(counts))

    assert "rendered 4 samples" in output
    opened = Counter(counts.read_text().split())
    again = dict.fromkeys((f"{idx:05d}.npy" for idx in (3, 11, 20, 47)), 3)
    assert opened == {f"{idx:05d}.npy": 2 for idx in range(NUM_SAMPLES)} | again
    after = stamp(list(reference.values()))
    changed = {p.stem for p in after if after[p] != before[p]}
    assert changed == {"00003", "00011", "00020", "00047"}
    assert {p: p.read_bytes() for p in after} == contents


def test_a_gathered_record_is_also_read_to_be_sent_and_as_it_arrives(
    driver: Driver, reference: dict[str, Path], tmp_path: Path
) -> None:
    dataset_dir = driver.data_dir / f"gathered_{VARIANTS[0]}"
    image_dir = shutil.copytree(reference[VARIANTS[0]], dataset_dir) / "img"
    missing = [f"{idx:05d}.npy" for idx in (0, 1, 9, 20)]
    for file in missing:
        (image_dir / file).unlink()
    counts = tmp_path / "opened"
    arguments = ("-d", "gathered", "-n", NUM_SAMPLES, "-b", 6, "--gather", "--local_mode")
    output = driver.run(*arguments, variants=VARIANTS[:1], TROUBLE_COUNT=str(counts))
    assert "rendered 4 samples" in output
    opened = Counter(counts.read_text().split())
    assert opened == {f"{idx:05d}.npy": 1 for idx in range(NUM_SAMPLES)} | dict.fromkeys(missing, 4)


def test_other_settings_are_refused(driver: Driver, reference: dict[str, Path]) -> None:
    output = driver.run("-d", "reference", "-n", NUM_SAMPLES, "--seed", 1, status=2)
    assert output.startswith("error: ")
    assert "batch.seed = 0, this run has 1" in output


@pytest.mark.slow
def test_a_killed_driver_is_finished_by_the_same_command(
    driver: Driver, reference: dict[str, Path]
) -> None:
    arguments = ("-d", "orphan", "-n", NUM_SAMPLES, "-b", 6)
    process = driver.start(*arguments, TROUBLE_SLOW_S="0.2")
    wait_until(lambda: driver.num_records("orphan") >= 5)
    workers = [journal["pid"] for journal in driver.journals()]
    assert workers
    process.kill()
    finish(process, -signal.SIGKILL)
    output = driver.run(*arguments)
    assert "all 96 samples are complete" in output
    for variant in VARIANTS:
        assert_same_dataset(driver.data_dir / f"orphan_{variant}", reference[variant])
    wait_until(lambda: not any(map(is_alive, workers)))


@pytest.mark.slow
def test_ctrl_c_stops_before_the_end_and_leaves_finished_samples(
    driver: Driver, reference: dict[str, Path]
) -> None:
    arguments = ("-d", "stopped", "-n", NUM_SAMPLES, "-b", 6)
    process = driver.start(*arguments, TROUBLE_SLOW_S="0.2")
    wait_until(lambda: driver.num_records("stopped") >= 5)
    workers = [journal["pid"] for journal in driver.journals()]
    os.killpg(process.pid, signal.SIGINT)
    output = finish(process, 130)
    assert "stopped; the same command goes on from here" in output
    assert "Traceback" not in output
    wait_until(lambda: not any(map(is_alive, workers)))

    num_finished = 0
    for variant in VARIANTS:
        for record_path in (driver.data_dir / f"stopped_{variant}" / "img").glob("[0-9]*.npy"):
            for path in (record_path, record_path.with_suffix(".png")):
                expected = reference[variant] / "img" / path.name
                assert path.read_bytes() == expected.read_bytes()
            num_finished += 1
    assert 5 <= num_finished < 2 * NUM_SAMPLES
    output = driver.run(*arguments)
    assert f"rendered {2 * NUM_SAMPLES - num_finished} samples" in output
    for variant in VARIANTS:
        assert_same_dataset(driver.data_dir / f"stopped_{variant}", reference[variant])


@pytest.mark.slow
def test_sigterm_to_the_whole_group_while_ray_starts_ends_the_driver(driver: Driver) -> None:
    """As batch systems send it; Ray's processes are gone then, and nobody may wait for them."""
    process = driver.start("-d", "terminated", "-n", NUM_SAMPLES)

    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    wait_until(lambda: any("raylet" in read_name(pid) for pid in children.read_text().split()))
    os.killpg(process.pid, signal.SIGTERM)
    output = finish(process, 75)
    assert output.endswith("stopped; the same command goes on from here\n")
    assert "Traceback" not in output
