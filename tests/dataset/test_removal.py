"""--overwrite removes a data set of ours whole, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from synrender.dataset.folder import DatasetFolder
from synrender.dataset.removal import (
    find_shown,
    refuse_other_files,
    refuse_removal,
    remove_dataset,
)
from synrender.errors import UserError
from tests.helpers import create_record

FIXTURES = Path(__file__).parents[1] / "fixtures"


@pytest.fixture
def folder(tmp_path: Path) -> DatasetFolder:
    path = shutil.copytree(FIXTURES / "before_single", tmp_path / "before_single")
    return DatasetFolder(path, is_exr=False)


def list_all(path: Path) -> list[str]:
    return sorted(str(p.relative_to(path)) for p in path.rglob("*"))


def refuse_to_remove(folder: DatasetFolder, message: str) -> None:
    before = list_all(folder.path)
    with pytest.raises(UserError, match=message):
        refuse_removal(folder)
    with pytest.raises(UserError, match=message) as caught:
        remove_dataset(folder)
    assert "\n" not in str(caught.value)
    assert list_all(folder.path) == before


def test_a_data_set_goes_whole_with_all_that_this_program_writes(folder: DatasetFolder) -> None:
    for name in (
        ".lock", "contact_sheet.png", "report.html", "audit.json", ".report.host.7.html",
        "idx_ref.npy", "imgs_00.h5", "imgs_11.h5", "data_128.h5",
        "data_64_lab.partial.h5", ".dataset.host.7.json", "img/.00007.my.host.123.png",
        "img/123456.exr",
    ):  # fmt: skip
        (folder.path / name).touch()
    remove_dataset(folder)
    assert list_all(folder.path) == [".lock"]
    remove_dataset(folder)  # nothing else is there: nothing to do


def test_what_a_killed_first_run_left_goes_too(tmp_path: Path) -> None:
    folder = DatasetFolder(tmp_path / "new", is_exr=False)
    folder.image_dir.mkdir(parents=True)
    for name in (".lock", "config.gin", "color_reference.npy", ".dataset.host.7.json"):
        (folder.path / name).touch()
    refuse_other_files(folder)
    remove_dataset(folder)
    assert list_all(folder.path) == [".lock"]


def test_a_foreign_description_does_not_make_a_folder_ours(tmp_path: Path) -> None:
    folder = DatasetFolder(tmp_path / "thesis", is_exr=False)
    folder.image_dir.mkdir(parents=True)
    (folder.path / "dataset.json").write_text(json.dumps({"name": "my dataset"}))
    (folder.path / "thesis.tex").write_text("text")
    (folder.image_dir / "photo.jpg").write_text("photo")
    refuse_to_remove(folder, "not of this program")


def test_a_damaged_description_is_not_removed(folder: DatasetFolder) -> None:
    (folder.path / "dataset.json").write_text("{")
    refuse_to_remove(folder, "restore it, or choose another --dataset_name")


@pytest.mark.parametrize(
    "name",
    [
        "thesis.tex",
        "img/photo.jpg",
        "img/000.png",
        ".git",
        ".notes",
        "imgs_00.h5.bak",
        "runs/1.txt",
    ],
)
def test_files_of_others_keep_the_whole_folder(folder: DatasetFolder, name: str) -> None:
    (folder.path / name).parent.mkdir(exist_ok=True)
    (folder.path / name).touch()
    refuse_to_remove(folder, f"holds {name.split('/')[0]}.*nothing was removed")


def test_a_folder_with_a_files_name_keeps_the_whole_folder(folder: DatasetFolder) -> None:
    (folder.image_dir / "00099.png").mkdir()
    refuse_to_remove(folder, r"holds img/00099\.png")


def test_nothing_is_removed_through_a_link(folder: DatasetFolder) -> None:
    link = folder.path.with_name("link")
    link.symlink_to(folder.path)
    refuse_to_remove(DatasetFolder(link, is_exr=False), "link is a link")
    elsewhere = folder.path.with_name("elsewhere")
    folder.image_dir.rename(elsewhere)
    folder.image_dir.symlink_to(elsewhere)
    before = list_all(elsewhere)
    refuse_to_remove(folder, "img is a link")
    assert list_all(elsewhere) == before


def test_a_file_behind_a_link_stays(folder: DatasetFolder, tmp_path: Path) -> None:
    precious = tmp_path / "precious.png"
    precious.write_text("precious")
    (folder.image_dir / "00099.png").symlink_to(precious)
    remove_dataset(folder)
    assert precious.read_text() == "precious"


def test_a_removal_that_was_killed_can_be_repeated(
    folder: DatasetFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_unlink, calls = Path.unlink, iter(range(5))

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if next(calls, None) is None:
            raise KeyboardInterrupt
        real_unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", unlink)
        with pytest.raises(KeyboardInterrupt):
            remove_dataset(folder)
    assert os.listdir(folder.image_dir)
    remove_dataset(folder)
    assert list_all(folder.path) == []


def test_a_record_shows_its_models_textures_and_environment() -> None:
    record = create_record()
    plain = find_shown(record)
    record["texture"], record["environment"] = "woven_0001", "sky"
    assert find_shown(record) - plain == {"woven_0001", "environment:sky"}
