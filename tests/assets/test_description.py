"""What a folder of models is, which of them can be read, and what to write to render them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from synrender.assets.catalog import load_catalog, with_own_classes
from synrender.assets.check_models import CheckedModels, check_models
from synrender.assets.description import describe, find_all_models, find_bindings
from synrender.assets.sources.registry import open_source
from synrender.cli.assets import COMMAND
from synrender.cli.script import run_command
from synrender.errors import UserError
from synrender.settings.load import load_settings
from synrender.system.folders import Folders
from synrender.system.workers import Workers
from tests.assets.helpers import create_obj, write_files
from tests.assets.layouts import (
    ABO_FILES,
    ANY_FOLDER,
    GOOGLE_SCANNED,
    OBJAVERSE_FILES,
    SHAPENET_V2,
    write_table,
)


@pytest.mark.parametrize(
    "write",
    [SHAPENET_V2["an archive for each synset"], GOOGLE_SCANNED["folders"], write_table,
     ANY_FOLDER["an archive"]],
    ids=["shapenet", "google", "table", "folder"],
)  # fmt: skip
def test_the_lines_to_paste_render_the_models(tmp_path: Path, write) -> None:
    found = find_all_models(write(tmp_path / "set"))
    bindings = find_bindings(found)
    settings = load_settings(["render_multi"], [*bindings, "material.use_texture = False"])
    folders = Folders(tmp_path)
    catalog = load_catalog(with_own_classes(settings, folders), folders)
    assert set(catalog.class_names.values()) == {c.name for c in found.classes}
    assert sum(map(len, catalog.entries.values())) == found.num_models


def test_a_layout_that_is_forced_stays_so(tmp_path: Path) -> None:
    path = write_files(tmp_path, {"02691156/m/models/model_normalized.obj": create_obj()})
    assert "assets.source = 'shapenet-v1'" in find_bindings(find_all_models(path, "shapenet-v1"))


def test_a_description_counts_classes_formats_and_licenses(tmp_path: Path) -> None:
    text = "\n".join(describe(find_all_models(GOOGLE_SCANNED["archives"](tmp_path / "set"))))
    assert "Google Scanned Objects" in text
    assert "2 classes, 6 models" in text
    assert "  Toy car       3" in text
    assert "licenses: Creative Commons Attribution 4.0 International 6" in text
    assert "6 models are in zip archives" in text
    text = "\n".join(describe(find_all_models(SHAPENET_V2["unpacked"](tmp_path / "shapenet"))))
    assert "2 of ShapeNetCore's 55 synsets are there" in text
    assert "licenses: not stated 6" in text


def check(path: Path, num_jobs: int = 1) -> tuple[CheckedModels, list[str]]:
    with Workers(num_jobs) as workers:
        checked = check_models(find_all_models(path), workers)
    return checked, checked.describe()


def test_a_check_names_what_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    good = {f"c/m{k:02d}.obj": create_obj() for k in range(13)}
    bad = {"c/bad.obj": b"f 1 2 3\n", "d/cut.glb": b"glTF", "d/good.obj": create_obj()}
    path = write_files(tmp_path / "set", {**good, **bad})
    checked, lines = check(path)
    usable = checked.usable.classes
    assert {c.name: len(entries) for c, entries in usable.items()} == {"c": 13, "d": 1}
    assert lines[0] == "14 of 16 models can be read"
    assert [line.split(":")[0] for line in lines[1:]] == ["  c/bad", "  d/cut"]
    assert run_command(COMMAND, [str(path), "--check"]) == 1
    output = capsys.readouterr().out
    assert "sample.classes = ['c']\nsample.class_idxs = 1\n" in output
    assert "object.n_buckets" not in output
    for name in bad:
        (path / name).unlink()
    assert run_command(COMMAND, [str(path), "--check"]) == 0


def test_a_check_says_the_same_in_any_number_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = {f"c/m{k:02d}.obj": create_obj() for k in range(20)}
    bad = {f"d/m{k:02d}.obj": b"f 1 2 3\n" if k % 3 else b"" for k in range(20)}
    path = write_files(tmp_path / "set", {**good, **bad})
    alone = check(path)
    monkeypatch.setattr("synrender.assets.check_models._SECONDS_ALONE", 0)
    called = []
    with Workers(2) as workers:
        found = find_all_models(path)
        shared = check_models(found, workers, lambda *progress: called.append(progress))
        assert workers._executor  # other processes have read them
    assert shared.rejected == alone[0].rejected
    assert list(shared.rejected) == [f"d/m{k:02d}" for k in range(20)]
    assert shared.usable.classes == alone[0].usable.classes
    assert called == [(done, 40) for done in range(41)]
    assert alone[1] == [
        "20 of 40 models can be read",
        "  d/m01 and 12 more: line 1: a face beyond the 0 vertices: '1 2 3'",
        "  d/m00 and 6 more: empty file",
    ]


def test_the_module_is_the_command(tmp_path: Path) -> None:
    path = ANY_FOLDER["a file for each model"](tmp_path / "set")
    command = [sys.executable, "-m", "synrender.assets", str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert f"assets.models = {str(path)!r}" in result.stdout
    assert "object.n_buckets = 3" in result.stdout


ABO_LISTINGS = {n: data for n, data in ABO_FILES.items() if not n.startswith("3dmodels/original")}
OBJAVERSE_LISTS = {n: data for n, data in OBJAVERSE_FILES.items() if "glbs" not in n}


@pytest.mark.parametrize(
    ("files", "hint"),
    [
        (ABO_LISTINGS, "metadata of ABO without its models"),
        (OBJAVERSE_LISTS, "metadata of Objaverse without its models"),
        ({"taxonomy.json": b"[]"}, "taxonomy of ShapeNet without its synsets"),
        (
            {"set/02691156.zip.incomplete": b""},
            "incomplete is a download that has not",
        ),
        ({"raw_scans.tar.gz": b""}, "raw_scans.tar.gz is packed; unpack it"),
        ({"chairs/a.fbx": b"", "chairs/a.png": b""}, "a.fbx is of a format that is not read"),
        ({"woven/a.jpg": b""}, "this holds images; assets.textures names"),
        ({"notes/a/b/c.txt": b""}, "name the folder that they are in"),
        ({".hidden": b""}, "it is empty"),
    ],
)
def test_a_wrong_or_partial_download_is_named(
    tmp_path: Path, files: dict[str, bytes], hint: str
) -> None:
    path = write_files(tmp_path / "set", files)
    with pytest.raises(UserError, match=hint) as caught:
        open_source(path)
    assert "\n" not in str(caught.value)


def test_files_that_git_lfs_has_not_fetched_are_named(tmp_path: Path) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    lines = describe(find_all_models(write_files(tmp_path, {"c/a.glb": pointer})))
    assert "a.glb is a pointer of Git LFS" in lines[-1]
