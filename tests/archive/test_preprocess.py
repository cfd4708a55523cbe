from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image
from skimage.color import rgb2lab

from tests.archive.helpers import (
    Archiver,
    QuickArchiver,
    list_files,
    read_archive,
    read_attributes,
    read_fields,
)
from tests.helpers import PROJECT_DIR

RGB = np.array([[98.12, 89.92, 84.36], [43.95, 42.66, 44.05]])
LAB = np.array([[38.44, 3.03, 4.77], [17.42, 9.41, 11.37]])


def decode(png: bytes) -> np.ndarray:
    return iio.imread(io.BytesIO(png), extension=".png")


def check_close(data: np.ndarray, expected: np.ndarray) -> None:
    """Equal to half precision: half a unit in the last place, and single precision's own error."""
    assert data.dtype == np.float16
    error = np.abs(data.astype(np.float64) - expected)
    assert (error <= 2.0**-11 * np.abs(expected) + 3e-5).all(), error.max()


# --- pixels -----------------------------------------------------------------------------------


def test_rgb_is_normalized_as_since_2020(single: Path, quick: QuickArchiver) -> None:
    quick.run("-d", "single", "-f", "-p", "-r", 32)
    out, archive = read_fields(single / "data_32.h5"), read_archive(single)
    assert out["data"].shape == (25, 3, 32, 32)
    for row, png in enumerate(archive["png_images"]):
        expected = (decode(png) - RGB[0]) / RGB[1]
        check_close(out["data"][row], expected.transpose(2, 0, 1))


def test_lab_equals_scikit_image_one_at_a_time(multi: Path, quick: QuickArchiver) -> None:
    quick.run("-d", "multi", "-f", "-p", "-l", "-r", 32)
    out, archive = read_fields(multi / "data_32_lab.h5"), read_archive(multi)
    for row, png in enumerate(archive["png_images"]):
        expected = (rgb2lab(decode(png)) - LAB[0]) / LAB[1]
        check_close(out["data"][row], expected.transpose(2, 0, 1))


@pytest.mark.parametrize("res", [64, 20])
def test_images_are_resized_smoothly_and_labels_by_nearest_neighbor(
    res: int, multi: Path, quick: QuickArchiver
) -> None:
    quick.run("-d", "multi", "-f", "-p", "-r", res)
    out, archive = read_fields(multi / f"data_{res}.h5"), read_archive(multi)
    assert out["targets"].shape == (20, 3, res, res)
    assert out["targets"].dtype == np.uint8
    assert out["depth"].shape == (20, res, res)
    assert out["depth"].dtype == np.uint16
    centers = (2 * np.arange(res) + 1) * 32
    places = centers // (2 * res)  # pixels that the centers of the new ones lie in
    is_clear = centers % (2 * res) != 0  # and not on the edge between two
    for row in range(20):
        image = Image.fromarray(decode(archive["png_images"][row]))
        resized = np.asarray(image.resize((res, res), Image.Resampling.BICUBIC))
        check_close(out["data"][row], ((resized - RGB[0]) / RGB[1]).transpose(2, 0, 1))
        labels = decode(archive["png_targets"][row])
        found = out["targets"][row].transpose(1, 2, 0)[is_clear][:, is_clear]
        np.testing.assert_array_equal(found, labels[places[is_clear]][:, places[is_clear]])
        assert found.size > 100
        depth = decode(archive["png_depth"][row])
        found_depth = out["depth"][row][is_clear][:, is_clear]
        np.testing.assert_array_equal(found_depth, depth[places[is_clear]][:, places[is_clear]])
        assert set(np.unique(out["depth"][row])) <= set(depth.flat)
        for channel in range(3):
            assert set(np.unique(out["targets"][row, channel])) <= set(labels[..., channel].flat)


@pytest.mark.parametrize(("num_objs", "is_exr"), [(1, False), (3, True)])
@pytest.mark.parametrize("num_buckets", [12, 5])
def test_all_record_fields_are_kept(
    write: Callable[..., Path],
    quick: QuickArchiver,
    num_objs: int,
    is_exr: bool,
    num_buckets: int,
) -> None:
    dataset_dir = write(60, num_objs, is_exr)
    quick.run("-d", "made", "-f", "-p", "-r", 8, "-b", num_buckets)
    out, archive = read_fields(dataset_dir / "data_8.h5"), read_archive(dataset_dir)
    names = {name for name in archive if not name.startswith("png_")}
    in_px = {"intrinsics"} | ({"box_px", "num_visible_px"} if is_exr else set())
    kept = {name: f"rendered_{name}" if name in in_px else name for name in names}
    pixels = {"data", "targets"} | ({"depth"} if is_exr else set())
    assert set(out) == names | set(kept.values()) | pixels
    for name, kept_name in kept.items():
        np.testing.assert_array_equal(out[kept_name], archive[name], err_msg=name)
        assert out[name].dtype == out[kept_name].dtype == archive[name].dtype


def test_processes_write_what_one_writes(write: Callable[..., Path], archiver: Archiver) -> None:
    dataset_dir = write(240, 2, is_exr=True)
    archiver.run("-d", "made", "-f", "-p", "-l", "-r", 10, "-b", 2, "-j", 1)
    alone = (dataset_dir / "data_10_lab.h5").read_bytes()
    archiver.run("-d", "made", "-p", "-l", "-r", 10, "-j", 3, "--overwrite")
    assert (dataset_dir / "data_10_lab.h5").read_bytes() == alone


# --- readers ----------------------------------------------------------------------------------


def test_a_reader_of_2020_gets_disjoint_models(
    write: Callable[..., Path], quick: QuickArchiver
) -> None:
    """As that training code does: shapes from the arrays, indexes in chunks, splits by share."""
    dataset_dir = write(60)
    quick.run("-d", "made", "-f", "-p", "-r", 8)
    with h5py.File(dataset_dir / "data_8.h5", "r") as file:
        num_samples = len(file["data"])
        first_validation = num_samples * 5 // 6
        first_test = first_validation + num_samples // 12
        splits = [(0, first_validation), (first_validation, first_test), (first_test, num_samples)]
        models, seen = [], set()
        for start, stop in splits:
            ids = []
            for i in range(start, stop, 7):
                chunk = slice(i, min(i + 7, stop))
                images = np.array(file["data"][chunk], np.float32)
                assert images.shape[1:] == (3, 8, 8)
                assert file["targets"][chunk].shape == (len(images),)
                assert file["rot_mat"][chunk].shape == (len(images), 3, 3)
                np.testing.assert_array_equal(file["targets"][chunk], file["class"][chunk])
                ids += list(file["model_id"].asstr()[chunk])
                seen.update(file["sample_idx"][chunk].tolist())
            models.append(set(ids))
    assert seen == set(range(60))
    assert all(models)
    assert not models[0] & models[1]
    assert not models[0] & models[2]
    assert not models[1] & models[2]


def test_a_reader_can_undo_the_normalization(single: Path, quick: QuickArchiver) -> None:
    quick.run("-d", "single", "-f", "-p", "-r", 32)
    path = single / "data_32.h5"
    attributes, data = read_attributes(path), read_fields(path)["data"]
    image = data[3].astype(np.float64).transpose(1, 2, 0) * attributes["std"] + attributes["mean"]
    original = decode(read_archive(single)["png_images"][3])
    np.testing.assert_array_equal(np.rint(image), original)


def test_attributes_are_those_of_the_resized_images(multi: Path, quick: QuickArchiver) -> None:
    quick.run("-d", "multi", "-f", "-p", "-r", 64, "-l")
    attributes = read_attributes(multi / "data_64_lab.h5")
    info = json.loads((multi / "dataset.json").read_text())
    expected = np.array(info["camera"]["intrinsics"]) * [[2], [2], [1]]  # rendered at 32 px
    np.testing.assert_allclose(attributes["intrinsics"], expected)
    assert attributes["color_space"] == "lab"
    np.testing.assert_array_equal([attributes["mean"], attributes["std"]], LAB)
    assert attributes["seed"] == info["seed"]
    assert attributes["config"] == (multi / "config.gin").read_text()
    assert json.loads(attributes["splits"])["num_samples"]["train"] == 16
    assert attributes["split_ends"].tolist() == [16, 18, 20]


# --- mean and standard deviation ----------------------------------------------------------------


@pytest.mark.parametrize("options", [(), ("-l",)])
def test_mean_and_std_are_those_of_all_pixels(
    options: tuple[str], single: Path, quick: QuickArchiver
) -> None:
    quick.run("-d", "single", "-f")
    images = [decode(png) for png in read_archive(single)["png_images"]]
    values = np.stack([rgb2lab(i) if options else i for i in images]).reshape(-1, 3)
    output = quick.run("-d", "single", "-c", "-r", 32, *options)
    assert "25 samples (all) at 32 x 32 px" in output
    for what, expected in (("mean", values.mean(axis=0)), ("std", values.std(axis=0))):
        line = next(line for line in output.splitlines() if line.split()[:1] == [what])
        found = [float(v) for v in line.split(maxsplit=1)[1].split(",")]
        np.testing.assert_allclose(found, expected, atol=0.006)


def test_a_subset_is_random_and_that_of_its_seed(
    write: Callable[..., Path], quick: QuickArchiver
) -> None:
    write(60)
    quick.run("-d", "made", "-f")
    first = quick.run("-d", "made", "-c", 10, "-r", 8)
    assert "10 samples (a random subset, --seed 0)" in first
    assert quick.run("-d", "made", "-c", 10, "-r", 8) == first
    other = quick.run("-d", "made", "-c", 10, "-r", 8, "--seed", 1)
    assert other.splitlines()[1:] != first.splitlines()[1:]


def test_use_mean_normalizes_by_the_data_themselves(single: Path, quick: QuickArchiver) -> None:
    quick.run("-d", "single", "-f", "-p", "-l", "-r", 32, "--use_mean")
    path = single / "data_32_lab.h5"
    data = read_fields(path)["data"].astype(np.float64)
    np.testing.assert_allclose(data.mean(axis=(0, 2, 3)), 0, atol=1e-3)
    np.testing.assert_allclose(data.std(axis=(0, 2, 3)), 1, atol=1e-3)
    images = [rgb2lab(decode(png)) for png in read_archive(single)["png_images"]]
    np.testing.assert_allclose(read_attributes(path)["mean"], np.mean(images, (0, 1, 2)), atol=1e-4)
    line = quick.refuse("-d", "single", "-p", "-l", "-r", 32)
    assert "was normalized with mean" in line
    assert "--overwrite" in line


# --- second runs ----------------------------------------------------------------------------------


def test_buckets_add_up_to_the_same_file(write: Callable[..., Path], quick: QuickArchiver) -> None:
    dataset_dir = write(25, 2, is_exr=True)
    quick.run("-d", "made", "-f", "-p", "-r", 8, "-b", 5)
    whole = read_fields(dataset_dir / "data_8.h5")
    (dataset_dir / "data_8.h5").unlink()
    output = quick.run("-d", "made", "-p", "-r", 8, "-i", 4, 1)
    assert "data_8.partial.h5: 2 of 5 buckets" in output
    assert not (dataset_dir / "data_8.h5").exists()
    quick.run("-d", "made", "-p", "-r", 8, "-i", 1, 0)
    quick.run("-d", "made", "-p", "-r", 8)
    assert not list(dataset_dir.glob("*partial*"))
    parts = read_fields(dataset_dir / "data_8.h5")
    assert set(parts) == set(whole)
    for name, values in whole.items():
        np.testing.assert_array_equal(parts[name], values)


def test_a_file_begun_before_the_rendered_px_were_kept_goes_on_as_it_was_begun(
    write: Callable[..., Path], quick: QuickArchiver
) -> None:
    dataset_dir = write(25, 2, is_exr=True)
    quick.run("-d", "made", "-f", "-p", "-r", 8, "-b", 5, "-i", 4, 1)
    with h5py.File(dataset_dir / "data_8.partial.h5", "r+") as file:
        for name in ("intrinsics", "box_px", "num_visible_px"):
            del file[name]
            file.move(f"rendered_{name}", name)
    quick.run("-d", "made", "-f", "-p", "-r", 8)
    archive, parts = read_archive(dataset_dir), read_fields(dataset_dir / "data_8.h5")
    np.testing.assert_array_equal(parts["box_px"], archive["box_px"])
    np.testing.assert_array_equal(parts["num_visible_px"], archive["num_visible_px"])


def test_what_is_there_is_kept_until_its_source_is_newer(
    single: Path, quick: QuickArchiver
) -> None:
    quick.run("-d", "single", "-f", "-p", "-r", 8)
    before = list_files(single)
    assert "data_8.h5: is there already" in quick.run("-d", "single", "-p", "-r", 8)
    time_ns = (single / "data_8.h5").stat().st_mtime_ns
    quick.run("-d", "single", "-p", "-r", 8, "--overwrite")
    assert (single / "data_8.h5").stat().st_mtime_ns > time_ns
    assert list_files(single) == before
    quick.run("-d", "single", "-f", "--seed", 9, "--overwrite")
    assert "older than imgs_*.h5" in quick.run("-d", "single", "-p", "-r", 8)
    order = np.load(single / "idx_ref.npy")
    np.testing.assert_array_equal(read_fields(single / "data_8.h5")["sample_idx"], order)


MEASURE = """
import resource, subprocess, sys
subprocess.run([sys.executable, "preprocess_data.py", *sys.argv[1:]], check=True)
print("peak_kb", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_data_set(
    write: Callable[..., Path], quick: QuickArchiver
) -> None:
    """Four times the samples, 71 MB more of data: the peak stays where it was."""
    peaks_mb = []
    for num_samples in (60, 240):
        shutil.rmtree(quick.data_dir / "made", ignore_errors=True)
        write(num_samples)
        quick.run("-d", "made", "-f", "-b", 1)
        command = [sys.executable, "-c", MEASURE, "-d", "made", "-p", "-r", "256", "-j", "1"]
        environment = {**os.environ, "SYNRENDER_DATA_DIR": str(quick.data_dir)}
        output = subprocess.run(
            command, cwd=PROJECT_DIR, env=environment, capture_output=True, text=True, check=True
        ).stdout
        peaks_mb.append(int(output.split("peak_kb ")[1]) / 1000)
    assert peaks_mb[1] - peaks_mb[0] < 30
