from __future__ import annotations

import os
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from synrender.dataset.folder import DatasetFolder, name_to_dataset_dir
from synrender.dataset.record import RECORD_DTYPE
from synrender.errors import UserError
from synrender.system.files import (
    write_array,
    write_atomically,
    write_text,
)


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
        write_array(folder.record_path(idx), np.zeros(1, RECORD_DTYPE))
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
    with pytest.raises(ValueError, match="not a record"):
        folder.read_record(5)


def test_a_record_that_no_sample_has_is_not_complete(tmp_path: Path) -> None:
    folder = DatasetFolder(tmp_path, is_exr=False)
    folder.image_dir.mkdir()
    for idx in range(7):
        iio.imwrite(folder.image_path(idx), np.zeros((8, 8, 3), np.uint8))
    records = np.zeros((7, 1), RECORD_DTYPE)
    records[1]["scale"][:, 2] = np.nan
    records[2]["bbox"][:, 0, 0] = -1e12
    records[3]["euler"][:, 0] = np.inf
    records[4]["factor_values"] = np.nan  # not known: allowed
    for idx in range(5):
        write_array(folder.record_path(idx), records[idx])
    write_array(folder.record_path(5), np.zeros(0, RECORD_DTYPE))
    header = folder.record_path(0).read_bytes().replace(b"(1,), }", b"(10**16,),}"[:7], 1)
    folder.record_path(6).write_bytes(header)
    assert folder.find_missing(range(7)) == [1, 2, 3, 5, 6]
    os.mkfifo(folder.record_path(7))
    with pytest.raises(ValueError, match="not a regular file"):
        folder.read_record(7)


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
