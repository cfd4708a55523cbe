from __future__ import annotations

import os
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from synrender.dataset.certificate import remove_certificate
from synrender.dataset.folder import NUM_CHECKED, DatasetFolder, name_to_dataset_dir
from synrender.dataset.record import MATRICES, UNKNOWN_AS_NAN
from synrender.errors import UserError
from synrender.system.files import (
    write_array,
    write_atomically,
    write_text,
)
from tests.helpers import create_record


@pytest.mark.parametrize("name", ["a", "test_dataset", "x-1.0", "tmp_1-0-0-1"])
def test_plain_names_are_folders(tmp_path: Path, name: str) -> None:
    assert name_to_dataset_dir(tmp_path, name) == tmp_path / name


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".x", "-x", "a/b", "/a", "a\\b", "a b", "a\n", "a\0", "ä", "x" * 201]
)
def test_other_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="one folder name"):
        name_to_dataset_dir(tmp_path, name)


def test_only_whole_pairs_are_complete(tmp_path: Path) -> None:
    folder = DatasetFolder(tmp_path, is_exr=False)
    folder.image_dir.mkdir()
    pixels = np.random.Generator(np.random.PCG64(0)).integers(0, 255, (32, 32, 3), np.uint8)
    for idx in range(7):
        iio.imwrite(folder.image_path(idx), pixels)
        write_array(folder.record_path(idx), create_record())
    assert folder.find_missing(range(7)) == []
    assert folder.find_missing(range(9)) == [7, 8]
    assert DatasetFolder(tmp_path, is_exr=True).find_missing(range(2)) == [0, 1]
    folder.image_path(0).unlink()
    folder.record_path(1).unlink()
    for path in (folder.image_path(2), folder.record_path(3)):
        path.write_bytes(path.read_bytes()[:-20])
    folder.record_path(4).write_bytes(b"")
    np.save(folder.record_path(5), np.zeros(3))  # not a record
    assert folder.find_missing(range(7)) == [0, 1, 2, 3, 4, 5]
    with pytest.raises(ValueError, match="another type"):
        folder.read_record(5)


WILD = {
    "scale": np.nan, "bbox": -1e12, "euler": np.inf, "factor_values": 1e10, "class": -1,
    "sample_idx": 10**13, "bucket": -(2**63), "group": 2**62, "instance": 0,
    "factor_levels": -2, "base": -2, "synset_id": "a\0b", "model_id": "\ud800", "texture": "\n",
    "varied": "nope",
}  # fmt: skip


@pytest.mark.parametrize("name", WILD)
def test_a_record_that_no_sample_has_is_not_complete(tmp_path: Path, name: str) -> None:
    folder = DatasetFolder(tmp_path, is_exr=False)
    folder.image_dir.mkdir()
    iio.imwrite(folder.image_path(0), np.zeros((8, 8, 3), np.uint8))
    record = create_record(2)
    record["factor_values"][1] = np.nan  # not known: allowed
    write_array(folder.record_path(0), record)
    assert folder.is_complete(0)
    record[name][1] = WILD[name]
    write_array(folder.record_path(0), record)
    with pytest.raises(ValueError, match=f"field '{name}' has an impossible value"):
        folder.read_record(0)
    assert not folder.is_complete(0)


def test_a_record_that_no_sample_has_is_found_among_whole_ones(tmp_path: Path) -> None:
    folder = DatasetFolder(tmp_path, is_exr=False)
    folder.image_dir.mkdir()
    num_samples = 2 * NUM_CHECKED + 3
    for idx in range(num_samples):
        iio.imwrite(folder.image_path(idx), np.zeros((8, 8, 3), np.uint8))
        write_array(folder.record_path(idx), create_record(1 + idx % 2))
    bad = [3, NUM_CHECKED - 1, NUM_CHECKED + 5, num_samples - 1]
    for idx, name in zip(bad, WILD, strict=False):
        record = create_record()
        record[name][0] = WILD[name]
        write_array(folder.record_path(idx), record)
    assert folder.find_missing(range(num_samples + 2)) == [*bad, num_samples, num_samples + 1]


@pytest.mark.parametrize("name", MATRICES)
def test_a_record_with_a_matrix_without_inverse_is_not_complete(tmp_path: Path, name: str) -> None:
    folder = DatasetFolder(tmp_path, is_exr=False)
    folder.image_dir.mkdir()
    iio.imwrite(folder.image_path(0), np.zeros((8, 8, 3), np.uint8))
    record = create_record(2)
    record[name][1, -1] = 0
    write_array(folder.record_path(0), record)
    with pytest.raises(ValueError, match=f"field '{name}' has no inverse"):
        folder.read_record(0)
    assert not folder.is_complete(0)
    record[name][1] = np.nan  # not known
    is_allowed = name in UNKNOWN_AS_NAN
    write_array(folder.record_path(0), record)
    assert folder.is_complete(0) == is_allowed


def test_text_that_is_no_text_is_no_record(tmp_path: Path) -> None:
    folder = DatasetFolder(tmp_path, is_exr=False)
    folder.image_dir.mkdir()
    record = create_record()
    record["model_id"] = "model"
    write_array(folder.record_path(0), record)
    data = folder.record_path(0).read_bytes()
    folder.record_path(0).write_bytes(data.replace(b"m\0\0\0o", b"m\0\0\x7fo"))
    with pytest.raises(ValueError, match="'model_id' has"):
        folder.read_record(0)


def test_what_is_no_record_is_not_complete(tmp_path: Path) -> None:
    folder = DatasetFolder(tmp_path, is_exr=False)
    folder.image_dir.mkdir()
    write_array(folder.record_path(0), create_record(0))
    with pytest.raises(ValueError, match="without objects"):
        folder.read_record(0)
    os.mkfifo(folder.record_path(1))
    with pytest.raises(ValueError, match="not a regular file"):
        folder.read_record(1)


def test_a_folder_with_the_name_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "certificate.json").mkdir()
    with pytest.raises(UserError, match=r"certificate\.json: is a folder, .* move it away"):
        write_text(tmp_path / "certificate.json", "new")
    with pytest.raises(UserError, match=r"certificate\.json: is a folder, .* move it away"):
        remove_certificate(DatasetFolder(tmp_path, is_exr=False))
    assert [p.name for p in tmp_path.iterdir()] == ["certificate.json"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def fail(temporary: Path) -> None:
        temporary.write_text("half")
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        write_atomically(path, fail)
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "old"
