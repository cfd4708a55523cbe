"""A sample counts as archived as long as its shard is as it was when it was compared."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from synrender.dataset import archived
from synrender.dataset.archived import add_archived, describe_archived, read_archived
from synrender.dataset.folder import DatasetFolder
from tests.archive.helpers import QuickArchiver

SHARD = "imgs_00.h5"


def flip_in_the_middle(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        (value,) = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([value ^ 1]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A shard of 1 MB with three samples that were compared."""
    (tmp_path / SHARD).write_bytes(os.urandom(1 << 20))
    add_archived(tmp_path, SHARD, [3, 1, 2])
    return tmp_path


@pytest.fixture
def is_read_whole(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Shards that are read whole, each time."""
    found, read = [], archived.read_sha256
    archived._find_sha256.cache_clear()

    def watch(path: Path, max_bytes: int) -> tuple[int, bytes]:
        found.append(path)
        return read(path, max_bytes)

    monkeypatch.setattr(archived, "read_sha256", watch)
    return found


def test_a_bit_in_the_middle_of_a_large_shard_makes_its_samples_missing(
    write: Callable[..., Path], quick: QuickArchiver
) -> None:
    dataset_dir = write(24, res=128)
    folder = DatasetFolder(dataset_dir, is_exr=False)
    quick.run("-d", "made", "-f", "-b", 1, "--remove_raw")
    assert (dataset_dir / SHARD).stat().st_size > 1_000_000
    assert folder.find_missing(range(24)) == []
    flip_in_the_middle(dataset_dir / SHARD)
    assert folder.find_missing(range(24)) == list(range(24))
    assert describe_archived([dataset_dir]) == []
    assert "lacks files of 24 samples" in quick.refuse("-d", "made", "-f", "--remove_raw")


def test_an_unchanged_shard_is_not_read_whole(folder: Path, is_read_whole: list[Path]) -> None:
    assert read_archived(folder) == {1, 2, 3}
    assert not is_read_whole
    (line,) = describe_archived([folder])
    assert line.startswith("Of these, 3 are complete because")


def test_a_copy_is_read_whole_once(folder: Path, is_read_whole: list[Path]) -> None:
    copy = folder / "copy"
    copy.mkdir()
    for name in (SHARD, "archived.json"):
        shutil.copyfile(folder / name, copy / name)
    for _ in range(3):
        assert read_archived(copy) == {1, 2, 3}
    assert is_read_whole == [copy / SHARD]
    archived._find_sha256.cache_clear()  # as in another process
    assert read_archived(copy) == {1, 2, 3}
    assert is_read_whole == [copy / SHARD]
    flip_in_the_middle(copy / SHARD)
    assert read_archived(copy) == frozenset()
    assert read_archived(folder) == {1, 2, 3}


def test_what_was_compared_before_counts_only_for_the_same_shard(folder: Path) -> None:
    add_archived(folder, SHARD, [4])
    assert read_archived(folder) == {1, 2, 3, 4}
    flip_in_the_middle(folder / SHARD)
    add_archived(folder, SHARD, [5])
    assert read_archived(folder) == {5}


def test_a_lost_or_shortened_shard_counts_for_nothing(folder: Path) -> None:
    data = (folder / SHARD).read_bytes()
    (folder / SHARD).write_bytes(data[:-1])
    assert read_archived(folder) == frozenset()
    (folder / SHARD).unlink()
    assert read_archived(folder) == frozenset()


def test_a_note_without_a_hash_of_the_whole_is_read(folder: Path) -> None:
    """As the versions before 1.0.0 wrote it."""
    path = folder / "archived.json"
    notes = json.loads(path.read_text())
    for name in ("time_ns", "sha256"):
        del notes[SHARD][name]
    path.write_text(json.dumps(notes))
    assert read_archived(folder) == {1, 2, 3}
    assert json.loads(path.read_text()) == notes
