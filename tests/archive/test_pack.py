from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from synrender.dataset.folder import DatasetFolder
from synrender.dataset.record import RECORD_DTYPE
from synrender.settings.factor_table import COLUMNS
from synrender.system.workers import Workers
from tests.archive.helpers import (
    Archiver,
    QuickArchiver,
    list_files,
    read_archive,
    read_attributes,
    read_fields,
)
from tests.helpers import RenderServer, read_passes, read_record


def check_archive(dataset_dir: Path, num_buckets: int = 12) -> np.ndarray:
    """Compares all fields with the small files; returns the samples' indexes in row order."""
    order = np.load(dataset_dir / "idx_ref.npy")
    paths = sorted(dataset_dir.glob("imgs_*.h5"))
    assert [p.name for p in paths] == [f"imgs_{b:02d}.h5" for b in range(num_buckets)]
    boundaries = [i * len(order) // num_buckets for i in range(num_buckets + 1)]
    for path, start, stop in zip(paths, boundaries, boundaries[1:], strict=False):
        with h5py.File(path) as file:
            assert len(file["png_images"]) == stop - start
            assert file.attrs["first_row"] == start
    fields = read_archive(dataset_dir)
    records = np.stack([read_record(dataset_dir, idx) for idx in order])
    for name in RECORD_DTYPE.names:
        expected = records[name][:, 0] if records.shape[1] == 1 else records[name]
        np.testing.assert_array_equal(fields[name], expected, err_msg=name)
        assert fields[name].shape == expected.shape
    for row, idx in enumerate(order):
        png = dataset_dir / "img" / f"{idx:05d}.png"
        if png.exists():
            assert fields["png_images"][row] == png.read_bytes()
    return order


@pytest.mark.parametrize("num_buckets", [12, 5])
def test_a_rendered_single_data_set_is_archived_as_it_is(
    single: Path, quick: QuickArchiver, num_buckets: int
) -> None:
    output = quick.run("-d", "single", "-f", "-b", num_buckets)
    order = check_archive(single, num_buckets)
    assert "train 20, validation 2, test 3 samples" in output
    for start, stop in ((0, 20), (20, 22), (22, 25)):
        assert sorted(order[start:stop]) == list(range(start, stop))
    fields = read_archive(single)
    np.testing.assert_array_equal(fields["targets"], fields["class"])
    assert fields["rot_mat"].shape == (25, 3, 3)


@pytest.mark.parametrize("num_buckets", [12, 5])
def test_a_rendered_multi_data_set_is_archived_as_it_is(
    multi: Path, quick: QuickArchiver, num_buckets: int
) -> None:
    quick.run("-d", "multi", "-f", "-e", "-b", num_buckets)
    order = check_archive(multi, num_buckets)
    fields = read_archive(multi)
    assert fields["rot_mat"].shape == (20, 4, 3, 3)
    assert "targets" not in fields
    for row, idx in enumerate(order):
        instance = read_passes(multi, idx)["instance"]
        counts = [(instance == k).sum() for k in range(1, 5)]
        assert fields["num_visible_px"][row].tolist() == counts
        for k in range(4):
            ys, xs = np.nonzero(instance == k + 1)
            box = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1] if len(xs) else [0] * 4
            assert fields["box_px"][row, k].tolist() == box


@pytest.mark.parametrize("num_buckets", [12, 5])
@pytest.mark.parametrize(("num_objs", "is_exr"), [(1, False), (3, True)])
def test_60_samples_are_archived_as_they_are(
    write: Callable[..., Path],
    quick: QuickArchiver,
    num_buckets: int,
    num_objs: int,
    is_exr: bool,
) -> None:
    dataset_dir = write(60, num_objs, is_exr)
    output = quick.run("-d", "made", "-f", "-b", num_buckets)
    order = check_archive(dataset_dir, num_buckets)
    for start, stop in ((0, 50), (50, 55), (55, 60)):
        assert sorted(order[start:stop]) == list(range(start, stop))
    assert "shared: train/validation 0, train/test 0, validation/test 0" in output


def test_processes_write_what_one_writes(write: Callable[..., Path], archiver: Archiver) -> None:
    dataset_dir = write(240, 2, is_exr=True)
    archiver.run("-d", "made", "-f", "-b", 1, "-j", 1)
    alone = list_files(dataset_dir)
    archiver.run("-d", "made", "-f", "-b", 1, "-j", 3, "--overwrite")
    assert list_files(dataset_dir) == alone


def test_fields_read_as_plain_types(single: Path, quick: QuickArchiver) -> None:
    quick.run("-d", "single", "-f", "-b", 1)
    with h5py.File(single / "imgs_00.h5") as file:
        assert h5py.check_vlen_dtype(file["png_images"].dtype) == np.uint8
        text = h5py.check_string_dtype(file["model_id"].dtype)
        assert text.encoding == "utf-8"
        assert file["class"].dtype == np.int64
        assert file["rot_mat"].dtype == np.float64


def test_text_beyond_ascii_survives(write: Callable[..., Path], quick: QuickArchiver) -> None:
    quick.run("-d", write(12).name, "-f")
    assert set(read_archive(quick.data_dir / "made")["texture"]) == {"banded/ä_0001.jpg"}


def test_attributes_tell_where_the_data_come_from(multi: Path, quick: QuickArchiver) -> None:
    quick.run("-d", "multi", "-f")
    info = json.loads((multi / "dataset.json").read_text())
    attributes = read_attributes(multi / "imgs_03.h5")
    np.testing.assert_array_equal(attributes["intrinsics"], info["camera"]["intrinsics"])
    np.testing.assert_array_equal(attributes["world_to_camera"], info["camera"]["world_to_camera"])
    assert attributes["seed"] == info["seed"]
    assert attributes["config"] == (multi / "config.gin").read_text()
    assert json.loads(attributes["versions"])["blender"] == info["versions"]["blender"]
    assert json.loads(attributes["dataset"]) == info
    assert attributes["num_samples"] == 20
    assert attributes["split_ends"].tolist() == [16, 18, 20]


@pytest.mark.parametrize("num_samples", [24, 25])
def test_a_size_that_12_does_not_divide_is_said_as_it_is_archived(
    num_samples: int, write: Callable[..., Path], quick: QuickArchiver
) -> None:
    output = quick.run("-d", write(num_samples).name, "-f")
    lines = [line for line in output.splitlines() if "cannot be divided by 12" in line]
    assert len(lines) == (num_samples == 25)
    assert all("take 24 or 36 samples, or go by split_ends" in line for line in lines)


# --- splits ---------------------------------------------------------------------------------------


def test_shared_models_and_textures_are_counted(
    write: Callable[..., Path], quick: QuickArchiver
) -> None:
    dataset_dir = write(240)
    for idx, model_id in ((5, "x"), (205, "x"), (206, "y"), (230, "y"), (231, "x")):
        record = read_record(dataset_dir, idx)
        record["model_id"] = model_id
        record["texture"] = ""  # untextured: no texture that could be shared
        np.save(dataset_dir / "img" / f"{idx:05d}.npy", record)
    output = quick.run("-d", "made", "-f")
    expected = {"train/validation": 1, "train/test": 1, "validation/test": 2}
    splits = json.loads(read_attributes(dataset_dir / "imgs_07.h5")["splits"])
    assert splits["shared_models"] == expected
    assert splits["num_models"] == {"train": 31, "validation": 5, "test": 5}
    assert splits["shared_textures"] == dict.fromkeys(expected, 1)  # on the other objects
    assert splits["num_textures"] == {"train": 11, "validation": 2, "test": 2}
    assert "train/validation 1, train/test 1, validation/test 2" in output
    assert "models are shared" in output


def test_a_small_part_of_a_large_data_set_shares_models_and_says_why(
    multi: Path, quick: QuickArchiver
) -> None:
    output = quick.run("-d", "multi", "-f")
    assert "20 of the 60000 samples (object.total_num_samples)" in output
    assert "render with object.total_num_samples = 20" in output


def test_splits_follow_the_models_of_a_data_set_with_five_buckets(
    write: Callable[..., Path], quick: QuickArchiver
) -> None:
    dataset_dir = write(100, num_model_buckets=5)
    output = quick.run("-d", "made", "-f", "-b", 12)
    assert "shared: train/validation 0, train/test 0, validation/test 0" in output
    order = np.load(dataset_dir / "idx_ref.npy")
    assert sorted(order[:60]) == list(range(60))
    assert sorted(order[60:80]) == list(range(60, 80))


# --- order ----------------------------------------------------------------------------------------


def test_the_order_is_that_of_the_seed_and_kept(single: Path, quick: QuickArchiver) -> None:
    quick.run("-d", "single", "-f", "--seed", 5)
    order = np.load(single / "idx_ref.npy")
    quick.run("-d", "single", "-f", "--overwrite")
    np.testing.assert_array_equal(np.load(single / "idx_ref.npy"), order)
    assert "is not the order of --seed 6" in quick.refuse("-d", "single", "-f", "--seed", 6)
    quick.run("-d", "single", "-f", "--seed", 6, "--overwrite")
    assert (np.load(single / "idx_ref.npy") != order).any()
    check_archive(single)


def test_an_order_that_is_there_is_used(single: Path, quick: QuickArchiver) -> None:
    np.save(single / "idx_ref.npy", np.arange(25)[::-1])
    quick.run("-d", "single", "-f")
    np.testing.assert_array_equal(check_archive(single), np.arange(25)[::-1])


def test_a_data_set_may_begin_anywhere(single: Path, quick: QuickArchiver) -> None:
    for idx in range(5):
        for path in (single / "img").glob(f"{idx:05d}.*"):
            path.unlink()
    quick.run("-d", "single", "-f")
    assert sorted(check_archive(single)) == list(range(5, 25))


# --- second runs ----------------------------------------------------------------------------------


def test_buckets_that_are_there_are_skipped(single: Path, quick: QuickArchiver) -> None:
    quick.run("-d", "single", "-f", "-i", 0, 11)
    assert sorted(p.name for p in single.glob("imgs_*")) == ["imgs_00.h5", "imgs_11.h5"]
    before = {p: p.stat().st_mtime_ns for p in single.glob("imgs_*")}
    output = quick.run("-d", "single", "-f")
    assert "imgs_00.h5, imgs_11.h5: there already" in output
    assert {p: p.stat().st_mtime_ns for p in before} == before
    check_archive(single)
    written = list_files(single)
    quick.run("-d", "single", "-f", "--overwrite", "-i", 0)
    assert list_files(single) == written
    assert (single / "imgs_00.h5").stat().st_mtime_ns > before[single / "imgs_00.h5"]


def test_another_number_of_buckets_needs_overwrite(single: Path, quick: QuickArchiver) -> None:
    quick.run("-d", "single", "-f", "-b", 5)
    order = np.load(single / "idx_ref.npy")
    before = list_files(single)
    assert "has 5 buckets, --num_buckets 12" in quick.refuse("-d", "single", "-f", "-b", 12)
    arguments = ("-d", "single", "-f", "-b", 12, "-i", 0, "--overwrite")
    assert "leave --bucket_idxs out" in quick.refuse(*arguments)
    assert list_files(single) == before
    quick.run("-d", "single", "-f")
    assert list_files(single) == before
    quick.run("-d", "single", "-f", "-b", 12, "--overwrite")
    check_archive(single, 12)
    quick.run("-d", "single", "-f", "-b", 5, "--overwrite")
    check_archive(single, 5)
    np.testing.assert_array_equal(np.load(single / "idx_ref.npy"), order)


def test_a_data_set_that_has_grown_needs_overwrite(single: Path, quick: QuickArchiver) -> None:
    last = {p: p.read_bytes() for p in (single / "img").glob("00024.*")}
    for path in last:
        path.unlink()
    quick.run("-d", "single", "-f")
    for path, data in last.items():
        path.write_bytes(data)
    before = list_files(single)
    line = quick.refuse("-d", "single", "-f")
    assert "orders samples 0 to 23, img/ now holds 0 to 24" in line
    assert list_files(single) == before
    quick.run("-d", "single", "-f", "--overwrite")
    assert len(check_archive(single)) == 25


# --- removing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["single", "multi"])
def test_small_files_go_when_all_was_read_back(
    name: str, request: pytest.FixtureRequest, quick: QuickArchiver
) -> None:
    dataset_dir = request.getfixturevalue(name)
    quick.run("-d", name, "-f", "--remove_raw", "-i", 2, 3)
    order = np.load(dataset_dir / "idx_ref.npy")
    boundaries = [i * len(order) // 12 for i in range(13)]
    gone = set(order[boundaries[2] : boundaries[4]])
    left = {int(p.stem) for p in (dataset_dir / "img").iterdir()}
    assert left == set(order) - gone
    quick.run("-d", name, "-f", "--remove_raw")
    assert not (dataset_dir / "img").exists()
    assert len(read_archive(dataset_dir)["png_images"]) == len(order)
    quick.run("-d", name, "-f", "-p")
    line = quick.refuse("-d", name, "-f", "--overwrite")
    assert f"{len(order)} samples are missing" in line


@pytest.mark.parametrize("suffix", [".png", ".npy"])
def test_small_files_that_differ_stay_with_all_of_their_bucket(
    suffix: str, single: Path, quick: QuickArchiver
) -> None:
    quick.run("-d", "single", "-f", "-b", 2)
    victim = int(np.load(single / "idx_ref.npy")[20])  # in the second bucket
    other = (victim + 1) % 20
    path = single / "img" / f"{victim:05d}{suffix}"
    path.write_bytes(path.with_name(f"{other:05d}{suffix}").read_bytes())
    line = quick.refuse("-d", "single", "-f", "--remove_raw")
    assert f"imgs_01.h5: differs from {path}" in line
    kept = {int(p.stem) for p in (single / "img").iterdir()}
    assert kept == set(np.load(single / "idx_ref.npy")[12:])


def test_only_what_was_compared_counts_as_archived(
    write: Callable[..., Path], quick: QuickArchiver
) -> None:
    """Nobody has looked at rows whose small files are gone."""
    dataset_dir = write(24)
    folder = DatasetFolder(dataset_dir, is_exr=False)
    quick.run("-d", "made", "-f", "-b", 2)
    lost = np.load(dataset_dir / "idx_ref.npy")[:3].tolist()
    folder.image_path(lost[0]).unlink()
    folder.record_path(lost[1]).unlink()
    folder.image_path(lost[2]).unlink()
    folder.record_path(lost[2]).unlink()
    with h5py.File(dataset_dir / "imgs_00.h5", "r+") as file:
        file["class"][2] = 1 - min(file["class"][2], 1)
        file["png_images"][2] = file["png_images"][5]
    for _ in range(2):
        line = quick.refuse("-d", "made", "-f", "--remove_raw")
        assert f"lacks files of 3 samples, the first is {min(lost)}, and no run compared" in line
        assert folder.find_missing(range(24)) == sorted(lost)
    left = {folder.record_path(lost[0]), folder.image_path(lost[1])}
    assert set(folder.image_dir.iterdir()) == left


def test_nothing_is_archived_where_nothing_can_be_compared(
    single: Path, quick: QuickArchiver
) -> None:
    quick.run("-d", "single", "-f")
    shutil.rmtree(single / "img")
    assert "lacks files of 25 samples" in quick.refuse("-d", "single", "-f", "--remove_raw")
    assert DatasetFolder(single, is_exr=False).find_missing(range(25)) == list(range(25))


def test_an_exr_that_differs_stays(multi: Path, quick: QuickArchiver) -> None:
    quick.run("-d", "multi", "-f", "-b", 1)
    (multi / "img/00003.exr").write_bytes((multi / "img/00004.exr").read_bytes())
    assert "differs from" in quick.refuse("-d", "multi", "-f", "--remove_raw")
    assert len(list((multi / "img").iterdir())) == 40


# --- workers --------------------------------------------------------------------------------------


def test_results_wait_in_bounded_number() -> None:
    class Tasks(list):
        num_taken = 0

        def __iter__(self):
            for task in list.__iter__(self):
                self.num_taken += 1
                yield task

    tasks = Tasks((k,) for k in range(60))
    with Workers(2) as workers:
        for done, result in enumerate(workers.map(abs, tasks), start=1):
            assert result == done - 1
            assert tasks.num_taken <= done + 6


def test_samples_of_fewer_objects_have_unknown_rows(
    server: RenderServer, quick: QuickArchiver, tmp_path: Path
) -> None:
    """Where a design varies the number of objects, arrays still have one shape."""
    design = ["design.kind = 'twins'", "design.levels = {'num_objs': [1, 3]}"]
    size = ["batch.num_samples = 24", "object.total_num_samples = 24", "sample.num_objs = 3"]
    dataset_dir = server.render("fewer", *size, *design, config="render_multi")
    shutil.copytree(dataset_dir, tmp_path / "fewer")
    quick.run("-d", "fewer", "-f", "-p", "-r", 16, "--remove_raw")
    for name in ("imgs_00.h5", "data_16.h5"):
        with h5py.File(tmp_path / "fewer" / name) as file:
            for field in ("factor_values", "factor_levels"):
                attributes = file[field].attrs
                assert tuple(attributes["columns"]) == COLUMNS
                assert attributes["units"][COLUMNS.index("azimuth")] == "rad"
                assert json.loads(attributes["levels"]) == {"num_objs": [[1.0], [3.0]]}
    fields = read_archive(tmp_path / "fewer")
    counts = fields["factor_values"][:, 0, COLUMNS.index("num_objs")]
    assert sorted(counts) == [1] * 12 + [3] * 12
    is_there = np.arange(3) < counts[:, None]
    np.testing.assert_array_equal(fields["instance"] > 0, is_there)
    np.testing.assert_array_equal(fields["class"] >= 0, is_there)
    np.testing.assert_array_equal(np.isfinite(fields["factor_values"][..., 0]), is_there)
    assert fields["factor_values"].shape == (24, 3, len(COLUMNS))
    assert fields["factor_levels"].dtype == np.int64


def test_a_design_has_its_own_shares_of_the_splits(
    write: Callable[..., Path], quick: QuickArchiver
) -> None:
    dataset_dir = write(60)
    path = dataset_dir / "dataset.json"
    info = json.loads(path.read_text())
    info["settings"]["design.split"] = [6, 2, 4]
    path.write_text(json.dumps(info))
    output = quick.run("-d", "made", "-f", "-p", "-r", 8)
    assert "(train 30, validation 10, test 20)" in output
    fields = read_fields(dataset_dir / "data_8.h5")
    assert set(fields["bucket"][:30]) == set(range(6))
    assert list(read_attributes(dataset_dir / "imgs_00.h5")["split_ends"]) == [30, 40, 60]
