from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from PIL import Image

from tests.archive.helpers import Archiver, QuickArchiver, list_files, read_fields
from tests.helpers import PROJECT_DIR, read_record

RESOURCE_LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), -1))
sys.argv = sys.argv[1:]
runpy.run_path("preprocess_data.py", run_name="__main__")
"""


def check_refusal(
    dataset_dir: Path, quick: QuickArchiver, *arguments: object, status: int = 2
) -> str:
    """Runs what must be refused, and checks that no file was changed or left half-written."""
    before = list_files(dataset_dir)
    line = quick.refuse("-d", dataset_dir.name, *arguments, status=status)
    after = list_files(dataset_dir)
    assert {n: after.get(n) for n in before} == before
    for name in after.keys() - before.keys():
        assert not Path(name).name.startswith(".")
        if name.endswith(".h5"):
            assert len(read_fields(dataset_dir / name)["sample_idx"])
    return line


def test_no_such_data_set_names_the_nearest(single: Path, quick: QuickArchiver) -> None:
    assert "'singel': no such data set" in quick.refuse("-d", "singel", "-f")
    assert "did you mean 'single'?" in quick.refuse("-d", "singel", "-f")
    assert "valid: single" in quick.refuse("-d", "xyz", "-p")
    assert "no such data set" in quick.refuse("-d", "../x", "-f")


def test_a_folder_without_data_sets_says_so(quick: QuickArchiver) -> None:
    assert "holds none: render one" in quick.refuse("-d", "x", "-f")


def test_a_folder_that_is_no_data_set(single: Path, quick: QuickArchiver) -> None:
    (single / "dataset.json").unlink()
    assert "has no dataset.json" in check_refusal(single, quick, "-f")


def test_no_samples(single: Path, quick: QuickArchiver) -> None:
    shutil.rmtree(single / "img")
    assert "img: no samples; render some" in check_refusal(single, quick, "-f")


def test_missing_samples_are_named(single: Path, quick: QuickArchiver) -> None:
    (single / "img/00007.png").unlink()
    (single / "img/00012.npy").unlink()
    line = check_refusal(single, quick, "-f")
    assert "2 samples are missing: 7, 12;" in line
    assert f"python render.py -d single -g {single / 'config.gin'}" in line


def test_samples_that_went_missing_after_the_shuffle(single: Path, quick: QuickArchiver) -> None:
    quick.run("-d", "single", "-f", "-i", 0)
    left = int(np.load(single / "idx_ref.npy")[5])
    (single / "img" / f"{left:05d}.png").unlink()
    assert f"1 samples are missing: {left};" in check_refusal(single, quick, "-f")


def test_a_truncated_png_is_named(single: Path, quick: QuickArchiver) -> None:
    path = single / "img/00009.png"
    path.write_bytes(path.read_bytes()[:-20])
    assert f"{path}: truncated" in check_refusal(single, quick, "-f")


def test_a_truncated_exr_is_named(multi: Path, quick: QuickArchiver) -> None:
    path = multi / "img/00009.exr"
    path.write_bytes(path.read_bytes()[:-20])
    assert f"{path}: truncated" in check_refusal(multi, quick, "-f")


def test_a_truncated_record_is_named(single: Path, quick: QuickArchiver) -> None:
    path = single / "img/00009.npy"
    for num_bytes in (0, 20, 900):
        path.write_bytes(path.read_bytes()[:num_bytes])
        assert f"{path}: " in check_refusal(single, quick, "-f")
        assert not list(single.glob("imgs_*"))


def test_records_of_other_lengths_are_named(multi: Path, quick: QuickArchiver) -> None:
    path = multi / "img/00009.npy"
    np.save(path, read_record(multi, 9)[:3])
    line = check_refusal(multi, quick, "-f")
    assert f"{path}: 3 objects, the data set began with 4" in line
    assert not list(multi.glob("imgs_*"))


def test_mixed_sizes_are_named(single: Path, quick: QuickArchiver) -> None:
    path = single / "img/00009.png"
    Image.open(path).resize((33, 33)).save(path)
    assert f"{path}: 33 x 33 px, the data set began with 32 x 32" in check_refusal(
        single, quick, "-f"
    )


def test_other_kinds_of_png_are_named(single: Path, quick: QuickArchiver) -> None:
    path = single / "img/00009.png"
    Image.open(path).convert("L").save(path)
    assert f"{path}: not an 8-bit image, RGB or with alpha" in check_refusal(single, quick, "-f")


def test_png_where_exr_was_asked_for(single: Path, quick: QuickArchiver) -> None:
    assert "--is_exr: the images in" in check_refusal(single, quick, "-f", "-e")


def test_both_kinds_of_images(single: Path, multi: Path, quick: QuickArchiver) -> None:
    shutil.copy(multi / "img/00003.exr", single / "img")
    assert "25 PNG and 1 EXR images" in check_refusal(single, quick, "-f")


def test_bucket_out_of_range(single: Path, quick: QuickArchiver) -> None:
    line = check_refusal(single, quick, "-f", "-i", 3, 12)
    assert "--bucket_idxs 12: must be 0 to 11" in line
    quick.run("-d", "single", "-f", "-b", 5)
    assert "--bucket_idxs 5: must be 0 to 4" in check_refusal(single, quick, "-p", "-i", 5)
    assert "--bucket_idxs -1: must be" in check_refusal(single, quick, "-c", "-i", -1)


def test_an_hdf5_file_of_another_resolution(single: Path, quick: QuickArchiver) -> None:
    quick.run("-d", "single", "-f", "-p", "-r", 8)
    (single / "data_8.h5").rename(single / "data_16.h5")
    line = check_refusal(single, quick, "-p", "-r", 16)
    assert "holds data of shape (25, 3, 8, 8), --res 16 makes (25, 3, 16, 16)" in line


def test_buckets_of_different_archives(
    single: Path, write: Callable[..., Path], quick: QuickArchiver
) -> None:
    other = write(25, res=8)
    quick.run("-d", "single", "-f")
    quick.run("-d", "made", "-f")
    shutil.copy(other / "imgs_04.h5", single)
    line = check_refusal(single, quick, "-p", "-r", 8)
    assert "imgs_04.h5: belongs to another archive than imgs_00.h5 (images of 8 px" in line


def test_nothing_archived_yet(single: Path, quick: QuickArchiver) -> None:
    assert "has no imgs_00.h5; write it with --to_hdf5" in check_refusal(single, quick, "-p")
    quick.run("-d", "single", "-f", "-i", 0)
    assert "imgs_01.h5: missing; write it with --to_hdf5" in check_refusal(single, quick, "-p")


def test_a_damaged_archive(single: Path, quick: QuickArchiver) -> None:
    quick.run("-d", "single", "-f")
    path = single / "imgs_03.h5"
    whole = path.read_bytes()
    path.write_bytes(whole[:3000])
    for step in ("-f", "-p"):
        assert f"{path}: no HDF5 file, or damaged" in check_refusal(single, quick, step)
    path.write_bytes(whole)
    with h5py.File(path, "r+") as file:
        file["png_images"][1] = file["png_images"][1][:100]
    line = check_refusal(single, quick, "-p", "-r", 8)
    assert f"{path}: png_images[1] cannot be decoded" in line


def test_the_remedy_for_a_damaged_shard_works(single: Path, quick: QuickArchiver) -> None:
    quick.run("-d", "single", "-f")
    expected = read_fields(single / "imgs_00.h5")
    (single / "imgs_00.h5").write_bytes(b"nothing")
    line = check_refusal(single, quick, "-f")
    remedy = "--to_hdf5 --overwrite --bucket_idxs 0"
    assert line.endswith(f"write it again with {remedy}")
    quick.run("-d", "single", *remedy.split())
    found = read_fields(single / "imgs_00.h5")
    assert found.keys() == expected.keys()
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
    for path in single.glob("imgs_*.h5"):
        path.write_bytes(b"nothing")
    quick.run("-d", "single", "-f", "--overwrite")


@pytest.mark.parametrize("seed", range(8))
def test_flipped_bits_in_a_shard_lose_no_small_file(
    single: Path, quick: QuickArchiver, seed: int
) -> None:
    """Bits that were flipped by a disk: one line, or nothing of the shard was hit."""
    quick.run("-d", "single", "-f")
    path, rng = single / "imgs_02.h5", random.Random(seed)
    data = bytearray(path.read_bytes())
    for _ in range(200):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)
    before = {p.name for p in (single / "img").iterdir()}
    line = quick.refuse("-d", "single", "-f", "--remove_raw")
    assert str(path) in line
    left = {p.name for p in (single / "img").iterdir()}
    idxs = np.load(single / "idx_ref.npy")[4:6]  # rows of this shard
    assert {f"{i:05d}{suffix}" for i in idxs for suffix in (".png", ".npy")} <= left <= before


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e12])
def test_numbers_that_no_sample_has_stay_out_of_the_archive(
    single: Path, quick: QuickArchiver, value: float
) -> None:
    path = single / "img/00009.npy"
    record = read_record(single, 9)
    record["location"][0, 1] = value
    np.save(path, record)
    line = check_refusal(single, quick, "-f")
    assert f"{path}: field 'location' has an impossible value" in line
    assert not list(single.glob("imgs_*"))


def test_a_damaged_order(single: Path, quick: QuickArchiver) -> None:
    np.save(single / "idx_ref.npy", np.zeros(25, int))
    assert "must name each sample once" in check_refusal(single, quick, "-f")
    (single / "idx_ref.npy").write_bytes(b"")
    assert "idx_ref.npy: cannot be read" in check_refusal(single, quick, "-f")


def test_a_config_that_is_no_text_does_no_harm(single: Path, quick: QuickArchiver) -> None:
    """The settings stand in dataset.json, too."""
    config = (single / "config.gin").read_text()
    (single / "config.gin").write_bytes(bytes(range(256)))
    quick.run("-d", single.name, "-f")
    with h5py.File(single / "imgs_00.h5") as file:
        assert file.attrs["config"] == config


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "nothing to do: give --to_hdf5"),
        (("-p", "--remove_raw"), "--remove_raw: goes with --to_hdf5"),
        (("-c", "--use_mean"), "--use_mean: goes with --preprocess"),
        (("-p", "--use_mean", "-i", "0"), "--use_mean: needs all buckets"),
    ],
)
def test_contradictions(
    arguments: tuple[str, ...], words: str, single: Path, quick: QuickArchiver
) -> None:
    assert words in check_refusal(single, quick, *arguments)


@pytest.mark.parametrize("arguments", [("-r", "0"), ("-b", "0"), ("-j", "x"), ("--seed", "-1")])
def test_numbers_out_of_range(arguments: tuple[str, ...], quick: QuickArchiver) -> None:
    with pytest.raises(SystemExit) as error:
        quick.run("-d", "x", "-f", *arguments)
    assert error.value.code == 2


# --- full disks and killed runs -----------------------------------------------------------------


def run_limited(
    dataset_dir: Path, num_bytes: int, *arguments: object
) -> subprocess.CompletedProcess:
    """Runs preprocess_data.py where no file can grow beyond a size, as on a full disk."""
    call = [sys.executable, "-c", RESOURCE_LIMITED, str(num_bytes), "-d", dataset_dir.name]
    return subprocess.run(
        [*call, *map(str, arguments)],
        cwd=PROJECT_DIR,
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONDONTWRITEBYTECODE": "1",  # or cut-off files would stay behind
            "SYNRENDER_DATA_DIR": str(dataset_dir.parent),
        },
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(("step", "num_bytes"), [(("-f", "-b", 2), 30_000), (("-p",), 300_000)])
def test_a_full_disk_leaves_nothing_half_written(
    step: tuple, num_bytes: int, single: Path, quick: QuickArchiver
) -> None:
    if "-p" in step:
        quick.run("-d", "single", "-f", "-b", 2)
    before = list_files(single)
    for num_jobs in (1, 2):
        result = run_limited(single, num_bytes, *step, "-j", num_jobs)
        assert result.returncode == 1, result.stderr
        assert "cannot be written" in result.stderr
        assert "make room; what is finished is valid, and the same command goes on" in result.stderr
        assert len(result.stderr.splitlines()) == 1
        left = list_files(single)
        assert {n: left[n] for n in left if n != "idx_ref.npy"} == {
            n: before[n] for n in before if n != "idx_ref.npy"
        }
    quick.run("-d", "single", *step)


def test_a_file_that_cannot_fit_is_not_begun(
    single: Path, quick: QuickArchiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick.run("-d", "single", "-f")
    usage = SimpleNamespace(free=2_400_000)
    monkeypatch.setattr("synrender.archive.hdf5_files.shutil.disk_usage", lambda folder: usage)
    line = check_refusal(single, quick, "-p", "-r", 128, status=1)
    assert "needs 2 MB, 2 MB are free" in line
    quick.run("-d", "single", "-p", "-r", 120)


def find_descendants(pid: int) -> set[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = {int(c) for t in tasks for c in (t / "children").read_text().split()}
    except OSError:
        return set()
    return children.union(*map(find_descendants, children))


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_killed_run_is_finished_by_the_next(
    write: Callable[..., Path], archiver: Archiver, quick: QuickArchiver
) -> None:
    dataset_dir = write(480, 2, is_exr=True, res=24)
    (dataset_dir / "img").rename(archiver.data_dir / "raw")
    shutil.copytree(dataset_dir, archiver.data_dir / "other")
    for folder in (dataset_dir, archiver.data_dir / "other"):
        (folder / "img").symlink_to(archiver.data_dir / "raw")
    quick.run("-d", "other", "-f", "-b", 4)

    process = archiver.start("-d", "made", "-f", "-b", 4, "-j", 2)
    wait_until(lambda: len(find_descendants(process.pid)) >= 4)
    wait_until(lambda: list(dataset_dir.glob("imgs_00.h5")) and list(dataset_dir.glob(".imgs_*")))
    descendants = find_descendants(process.pid)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    wait_until(lambda: not any(map(is_running, descendants)))
    process.communicate()
    assert list(dataset_dir.glob(".*.h5")), "it was through already: nothing is tested"
    for path in dataset_dir.glob("[a-z]*.h5"):
        read_fields(path)

    output = quick.run("-d", "made", "-f", "-b", 4)
    assert "imgs_00.h5" in output.splitlines()[0]
    assert "there already" in output.splitlines()[0]
    names = {p.name for p in dataset_dir.glob("*.h5")}
    assert names == {p.name for p in (archiver.data_dir / "other").glob("*.h5")}
    for name in names:
        expected = (archiver.data_dir / "other" / name).read_bytes()
        assert (dataset_dir / name).read_bytes() == expected
    assert not list(dataset_dir.glob(".*.h5"))
