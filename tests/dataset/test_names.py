"""Names that are ours, and names that only look like it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from synrender.dataset import names
from synrender.dataset.names import list_image_dirs, list_samples
from synrender.system.files import temporary_to_name
from synrender.system.locks import temporary_file

OURS = [
    *("dataset.json", "config.gin", "color_reference.npy", "archived.json", "audit.json", ".lock"),
    *("certificate.json", "certificate.npy", "contact_sheet.png", "report.html", "idx_ref.npy"),
    *("imgs_00.h5", "imgs_11.h5", "imgs_100.h5", "imgs_999.h5"),
    *("data_1.h5", "data_64.h5", "data_128_lab.h5", "data_64.partial.h5", "data_64_lab.partial.h5"),
    *("img/00000.png", "img/00000.npy", "img/99999.exr", "img/100000.png", "img/0001/05000.npy"),
    *(".dataset.host.7.json", ".imgs_00.my.host.77.h5", ".data_64.partial.host.7.h5"),
    *("img/.00000.host.7.png", "img/0001/.05000.host.7.npy", ".work.host.123.json"),
]
OTHERS = [
    *("thesis.tex", "Dataset.json", "dataset.json~", "dataset.json.bak", "config.gin "),
    "keypoints.json",
    *("imgs_00.backup.h5", "imgs_0.h5", "imgs_00.h5.bak", "imgs_000.h5", "imgs_012.h5"),
    *("imgs_00_old.h5", "my_imgs_00.h5", "imgs_ 1.h5", "imgs_-1.h5", "imgs_00.H5", "imgs_00.hdf5"),
    *("imgs_\N{ARABIC-INDIC DIGIT ONE}0.h5", "imgs_00.h5\n", f"imgs_1{'0' * 20}.h5"),
    *("data_064.h5", "data_64.backup.h5", "data_64_rgb.h5", "data_.h5"),
    "data_64.partial.partial.h5",
    *("data_64_lab_lab.h5", "data_0.h5", "data_mine.h5", "data_64.partial_lab.h5"),
    *("img/0000.png", "img/000000.png", "img/012345.png", "img/00000.jpg", "img/00000.png.bak"),
    *("img/00000.instance.png", "img/photo.png", "img/1e5.png", f"img/{'9' * 30}.png"),
    *(".notes", ".git", ".thesis.host.7.tex", ".dataset.json", "img/.00000.png", ".imgs_00.h5"),
    *(".thesis.7.json", ".work.json", ".work.notes.json", ".imgs_0.host.7.h5"),
    "img/.photo.host.7.png",
]  # fmt: skip


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


@pytest.mark.parametrize("name", OURS)
def test_names_that_this_program_writes_are_ours(name: str, tmp_path: Path) -> None:
    assert names.is_ours(touch(tmp_path / name), tmp_path)


@pytest.mark.parametrize("name", OTHERS)
def test_names_that_it_never_writes_are_not(name: str, tmp_path: Path) -> None:
    path = touch(tmp_path / name)
    assert not names.is_ours(path, tmp_path)
    assert not names.list_shards(tmp_path)
    assert not names.list_arrays(tmp_path)
    assert not names.list_hdf5(tmp_path)
    assert not names.list_work_notes(tmp_path)
    assert not list_samples(tmp_path).found


@pytest.mark.parametrize("name", ["imgs_00.h5", "data_64.h5", "img/00000.png"])
def test_only_regular_files_are_ours(name: str, tmp_path: Path) -> None:
    touch(tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    assert not names.is_ours(tmp_path / name, tmp_path)
    assert not names.list_hdf5(tmp_path)
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    assert not names.is_ours(tmp_path / name, tmp_path)
    assert not names.list_hdf5(tmp_path)


def test_names_are_written_as_they_are_read(tmp_path: Path) -> None:
    for shard in (0, 7, 99, 100, 999):
        assert names.file_to_shard(names.shard_file(shard)) == shard
    for idx in (0, 99_999, 100_000, 999_999_999_999):
        assert names.split_sample_file(names.sample_file(idx, "png")) == (idx, "png")
    for arguments in ((64, False, False), (16384, True, False), (1, True, True)):
        path = touch(tmp_path / names.arrays_file(*arguments))
        assert names.is_ours(path, tmp_path)
        assert (path in names.list_arrays(tmp_path)) is not arguments[2]


@pytest.mark.parametrize(
    "name", ["00000.png", "data_64.partial.h5", ".export.json", "train-000000.tar", "config.gin"]
)
def test_a_temporary_name_leads_back_to_the_files_own(name: str, tmp_path: Path) -> None:
    with temporary_file(tmp_path / name) as temporary:
        found = temporary_to_name(temporary.name)
    assert found == name.replace(".partial", "")  # which is ours if the other is


def test_shards_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for shard in (100, 11, 0, 99):
        touch(tmp_path / names.shard_file(shard))
    found = [path.name for path in names.list_shards(tmp_path)]
    assert found == ["imgs_00.h5", "imgs_11.h5", "imgs_99.h5", "imgs_100.h5"]


def test_folders_of_samples_have_one_spelling(tmp_path: Path) -> None:
    for name in ("0001", "9999", "10000", "0000", "00001", "1", "0001.bak", "notes"):
        (tmp_path / "img" / name).mkdir(parents=True)
    found = [path.name for path in list_image_dirs(tmp_path)]
    assert found == ["img", "0001", "9999", "10000"]
