"""Files of users beside ours: they are not read, not removed, and not mistaken for ours."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import synrender
from synrender.dataset.names import read_files_per_folder, sample_path
from synrender.errors import UserError
from tests.archive.helpers import QuickArchiver, read_fields

THEIRS = ("imgs_00.backup.h5", "imgs_00.h5.bak", "imgs_0.h5", "imgs_00_old.h5", "imgs_000.h5")


@pytest.fixture
def archived(write: Callable[..., Path], quick: QuickArchiver) -> Path:
    """An archive of 24 samples, with copies of a shard beside it."""
    dataset_dir = write(24)
    quick.run("-d", "made", "-f", "-b", 12)
    for name in THEIRS:
        shutil.copy(dataset_dir / "imgs_00.h5", dataset_dir / name)
    return dataset_dir


def test_copies_of_a_shard_are_not_read(archived: Path, quick: QuickArchiver) -> None:
    assert len(synrender.open_dataset(archived)) == 24
    quick.run("-d", "made", "-p", "-r", 8)
    assert len(read_fields(archived / "data_8.h5")["sample_idx"]) == 24
    assert "24 samples (all)" in quick.run("-d", "made", "-c", "-r", 8)


def test_copies_of_a_shard_stay_when_all_is_archived_again(
    archived: Path, quick: QuickArchiver
) -> None:
    before = {name: (archived / name).read_bytes() for name in THEIRS}
    quick.run("-d", "made", "-f", "--overwrite", "-b", 6)
    assert {name: (archived / name).read_bytes() for name in THEIRS} == before
    found = {path.name for path in archived.glob("imgs_*")}
    assert found == {*THEIRS, *(f"imgs_{k:02d}.h5" for k in range(6))}
    assert len(synrender.open_dataset(archived)) == 24


def test_a_shard_of_another_archive_is_named(archived: Path) -> None:
    shutil.copy(archived / "imgs_00.h5", archived / "imgs_12.h5")
    with pytest.raises(UserError, match=r"holds imgs_12\.h5, but the archive has 12 shards; move"):
        synrender.open_dataset(archived)


def test_copies_of_arrays_are_not_read(archived: Path, quick: QuickArchiver) -> None:
    quick.run("-d", "made", "-p", "-r", 8)
    for name in ("data_8.backup.h5", "data_08.h5", "data_mine.h5", "data_8.h5.bak"):
        shutil.copy(archived / "data_8.h5", archived / name)
    shutil.rmtree(archived / "img")
    for path in archived.glob("imgs_*"):
        path.unlink()
    assert len(synrender.open_dataset(archived)) == 24


def test_a_number_that_is_far_off_does_not_fill_the_memory(
    write: Callable[..., Path], quick: QuickArchiver
) -> None:
    dataset_dir = write(24)
    files_per_folder = read_files_per_folder(dataset_dir / "dataset.json")
    far = sample_path(dataset_dir, 999_999_999_999, "png", files_per_folder)
    far.parent.mkdir(exist_ok=True)
    shutil.copy(dataset_dir / "img/00000.png", far)
    line = quick.refuse("-d", "made", "-f")
    assert "holds samples 0 to 999999999999, an archive at most 10,000,000 in a row" in line
