"""Folders of samples: ``img/`` for the first, ``img/0001/`` and so on for later ones."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import synrender
from synrender.audit.check import Verdict
from synrender.audit.run import audit_dataset
from synrender.dataset.folder import DatasetFolder, open_dataset_folder
from synrender.dataset.names import sample_path
from synrender.errors import UserError
from synrender.report.contact_sheet import draw_contact_sheet
from synrender.settings.groups import BatchSettings
from synrender.system.files import write_array
from synrender.system.folders import Folders
from synrender.system.locks import temporary_file
from tests.archive.helpers import QuickArchiver
from tests.fanout.drive import Driver
from tests.helpers import QuickCommand, Renderer, RenderServer, create_record

NUM_SAMPLES = 14
LAYOUT = "batch.files_per_folder = 8"  # four samples
SIZE = (f"batch.num_samples = {NUM_SAMPLES}", f"object.total_num_samples = {NUM_SAMPLES}")


def list_files(dataset_dir: Path) -> dict[str, int]:
    paths = (dataset_dir / "img").rglob("*.*")
    return {p.relative_to(dataset_dir / "img").as_posix(): p.stat().st_mtime_ns for p in paths}


def expect_files(num_samples: int, per_folder: int) -> set[str]:
    idxs = range(num_samples)
    folders = [f"{i // per_folder:04d}/" if i >= per_folder else "" for i in idxs]
    return {f"{folders[i]}{i:05d}.{kind}" for i in idxs for kind in ("png", "npy")}


@pytest.fixture(scope="module")
def layered_once(server: RenderServer) -> Path:
    return server.render("layered_once", *SIZE, LAYOUT)


@pytest.fixture
def layered(layered_once: Path) -> Path:
    dataset_dir = layered_once.parent / "layered"
    shutil.rmtree(dataset_dir, ignore_errors=True)
    shutil.copytree(layered_once, dataset_dir)
    return dataset_dir


@pytest.fixture
def flat(layered: Path) -> Path:
    """The same data set as a version without folders would have left it."""
    for path in list(layered.glob("img/0*/*")):
        path.rename(layered / "img" / path.name)
    for folder in layered.glob("img/0???"):
        folder.rmdir()
    path = layered / "dataset.json"
    info = json.loads(path.read_text())
    del info["settings"]["batch.files_per_folder"]
    path.write_text(json.dumps(info))
    config = (layered / "config.gin").read_text().splitlines(keepends=True)
    (layered / "config.gin").write_text("".join(x for x in config if "per_folder" not in x))
    return layered


def test_the_default_leaves_five_thousand_samples_where_they_were_in_2020(tmp_path: Path) -> None:
    size = BatchSettings().files_per_folder
    paths = {i: sample_path(tmp_path, i, "png", size) for i in (0, 4_999, 5_000, 999_999)}
    names = {i: path.relative_to(tmp_path).as_posix() for i, path in paths.items()}
    assert names == {
        0: "img/00000.png",
        4_999: "img/04999.png",
        5_000: "img/0001/05000.png",
        999_999: "img/0199/999999.png",
    }


@pytest.mark.parametrize("value", [-1, 1, 2.0, True, "8"])
def test_a_folder_holds_a_sample_at_least(value: object) -> None:
    with pytest.raises(UserError, match=r"batch\.files_per_folder = .*: must be"):
        BatchSettings(files_per_folder=value)


def test_later_samples_have_folders_of_their_own(
    layered: Path, wheel: Renderer, idle_wheel: QuickCommand
) -> None:
    files = list_files(layered)
    assert files.keys() == expect_files(NUM_SAMPLES, 4)
    assert "complete already" in idle_wheel.run("-d", "layered", "-g", layered / "config.gin")
    (layered / "img" / "0002" / "00009.png").write_bytes(b"")
    shutil.rmtree(layered / "img" / "0003")
    wheel.run("-d", "layered", "-g", str(layered / "config.gin"))
    now = list_files(layered)
    assert now.keys() == files.keys()
    again = {name for name in files if files[name] != now[name]}
    assert {Path(name).stem for name in again} == {"00009", "00012", "00013"}


def test_a_data_set_keeps_its_layout(
    layered: Path, wheel: Renderer, idle_wheel: QuickCommand
) -> None:
    files = list_files(layered)
    arguments = ["-d", "layered", "-g", str(layered / "config.gin")]
    idle_wheel.run(*arguments, "-p", "batch.files_per_folder = 2")
    assert list_files(layered) == files
    wheel.run(*arguments, "--overwrite", "-p", "batch.files_per_folder = 20")
    assert list_files(layered).keys() == expect_files(NUM_SAMPLES, 10)


def test_overwrite_spares_what_others_put_into_a_later_folder(
    layered: Path, idle_wheel: QuickCommand
) -> None:
    arguments = ["-d", "layered", "-g", str(layered / "config.gin"), "--overwrite"]
    notes = layered / "img" / "0002" / "notes.txt"
    notes.write_text("mine")
    files = list_files(layered)
    output = idle_wheel.run(*arguments, status=2)
    assert "holds img/0002/notes.txt, which this program did not write" in output
    assert list_files(layered) == files
    notes.rename(layered.parent / "notes.txt")
    elsewhere = layered.parent / "elsewhere"
    (layered / "img" / "0001").rename(elsewhere)
    (layered / "img" / "0001").symlink_to(elsewhere)
    assert "img/0001 is a link" in idle_wheel.run(*arguments, status=2)
    assert len(list(elsewhere.iterdir())) == 8
    shutil.rmtree(elsewhere)


def test_a_flat_data_set_is_resumed_and_replayed(flat: Path, wheel: Renderer) -> None:
    files = list_files(flat)
    assert files.keys() == expect_files(NUM_SAMPLES, NUM_SAMPLES)
    (flat / "img" / "00010.npy").unlink()
    wheel.run("-d", "layered", "-g", str(flat / "config.gin"), "-p", LAYOUT)
    assert {name for name, t in list_files(flat).items() if files[name] != t} == {
        "00010.png", "00010.npy",
    }  # fmt: skip
    output = wheel.run("--replay", "layered", "12")
    assert "equal, pixels and record" in output


@pytest.mark.parametrize("kind", ["layered", "flat"])
def test_either_is_replayed_audited_shown_and_archived(
    kind: str,
    wheel: Renderer,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dataset_dir = request.getfixturevalue(kind)
    if kind == "layered":  # the other one is replayed above
        assert "equal, pixels and record" in wheel.run("--replay", "layered", "13")
    folder = open_dataset_folder(wheel.data_dir, "layered")
    checks = audit_dataset(folder, Folders(wheel.data_dir), 0, jobs=1, is_quiet=True)
    assert {c.name for c in checks if c.verdict is Verdict.FAIL} <= {"balance"}
    draw_contact_sheet(dataset_dir, tmp_path / "sheet.png", NUM_SAMPLES)
    shown = " ".join(map(str, range(NUM_SAMPLES)))
    description = f"Sheet for {NUM_SAMPLES} of {NUM_SAMPLES} samples: {shown}."
    with Image.open(tmp_path / "sheet.png") as picture:
        assert picture.info["Description"] == description
    data = synrender.open_dataset(dataset_dir)
    assert [int(data[i]["sample_idx"]) for i in range(len(data))] == list(range(NUM_SAMPLES))
    archiver = QuickArchiver(wheel.data_dir, capsys, monkeypatch)
    archiver.run("-d", "layered", "-f", "--remove_raw")
    assert not (dataset_dir / "img").exists()
    assert len(np.load(dataset_dir / "idx_ref.npy")) == NUM_SAMPLES


def test_a_file_in_another_folder_is_no_samples(layered: Path) -> None:
    folder = open_dataset_folder(layered.parent, "layered")
    (layered / "img" / "0001" / "00005.npy").rename(layered / "img" / "00005.npy")
    assert folder.find_missing(range(NUM_SAMPLES)) == [5]
    assert folder.list_samples().find_missing(range(NUM_SAMPLES)) == [5]


def test_what_a_killed_process_left_is_removed_from_every_folder(
    layered: Path, idle_wheel: QuickCommand
) -> None:
    left = []
    for folder in ("", "0001", "0003"):
        with temporary_file(layered / "img" / folder / "00005.png") as path:
            left.append(path)
    for path in left:
        path.write_bytes(b"half")
    idle_wheel.run("-d", "layered", "-g", layered / "config.gin")
    assert not any(path.exists() for path in left)


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--gather",)])
def test_the_fan_out_writes_the_same_layout(wheel: Renderer, options: tuple[str, ...]) -> None:
    driver = Driver(wheel.data_dir, wheel.full_environment())
    arguments = ["-d", "fanned", "-n", NUM_SAMPLES, "-q", "--overwrite", *options]
    (wheel.data_dir / "layout.gin").write_text(f"{LAYOUT}\n")
    arguments += ["-g", wheel.data_dir / "layout.gin"]
    driver.run(*arguments, variants=("0-0-0-0",))
    dataset_dir = wheel.data_dir / "fanned_0-0-0-0"
    files = list_files(dataset_dir)
    assert files.keys() == expect_files(NUM_SAMPLES, 4)
    (dataset_dir / "img" / "0001" / "00006.npy").unlink()
    driver.run(*(a for a in arguments if a != "--overwrite"), variants=("0-0-0-0",))
    assert list_files(dataset_dir).keys() == files.keys()


def test_no_file_of_a_million_is_looked_for_in_an_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(folder: DatasetFolder, idx: int) -> bool:
        raise AssertionError(idx)

    monkeypatch.setattr(DatasetFolder, "is_complete", look)
    for files_per_folder in (0, 10_000):
        folder = DatasetFolder(tmp_path, is_exr=False, files_per_folder=files_per_folder)
        folder.image_dir.mkdir(exist_ok=True)
        assert len(folder.find_missing(range(1_000_000))) == 1_000_000


def test_a_record_that_is_cut_off_or_no_file_is_not_read(tmp_path: Path) -> None:
    folder = DatasetFolder(tmp_path, is_exr=False)
    folder.image_dir.mkdir()
    write_array(folder.record_path(0), create_record(2))
    assert len(folder.read_record(0)) == 2
    data = folder.record_path(0).read_bytes()
    for size in (0, 4, 60, 2000, len(data) - 1):
        folder.record_path(0).write_bytes(data[:size])
        with pytest.raises(ValueError, match=r"file|array"):
            folder.read_record(0)
    os.mkfifo(folder.record_path(1))
    with pytest.raises(ValueError, match="not a regular file"):
        folder.read_record(1)
