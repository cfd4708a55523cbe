"""What a folder of models is, which of them can be read, and what to write to render them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from synrender.assets.catalog import create_catalog, with_own_classes
from synrender.assets.check_models import CheckedModels, check_models
from synrender.assets.description import describe, find_all_models, find_bindings
from synrender.assets.places import open_assets
from synrender.assets.sources.registry import open_source
from synrender.cli.assets import COMMAND
from synrender.cli.script import run_command
from synrender.errors import UserError
from synrender.settings.load import load_settings
from synrender.system.folders import Folders
from synrender.system.workers import Workers
from tests.assets.helpers import create_obj, write_files
from tests.assets.layouts import (
    ABO,
    ABO_FILES,
    ANY_FOLDER,
    GOOGLE_SCANNED,
    OBJAVERSE,
    OBJAVERSE_FILES,
    SHAPENET_V2,
    Write,
    write_glb,
    write_omniobject3d,
    write_table,
    write_v1,
)
from tests.helpers import PROJECT_DIR


@pytest.mark.parametrize(
    "write",
    [SHAPENET_V2["an archive for each synset"], GOOGLE_SCANNED["folders"], write_table,
     ANY_FOLDER["an archive"]],
    ids=["shapenet", "google", "table", "folder"],
)  # fmt: skip
def test_the_lines_to_paste_render_the_models(tmp_path: Path, write) -> None:
    found = find_all_models(write(tmp_path / "set"))
    bindings = find_bindings(found)
    (tmp_path / "models.gin").write_text("\n".join([*bindings, "material.source = 'own'"]))
    files = ["render_single", str(tmp_path / "models.gin")]
    settings = load_settings(files, ["material.use_texture = False"])
    typed = [*bindings, "material.source = 'own'", "material.use_texture = False"]
    assert load_settings(["render_single"], typed) == settings
    opened = open_assets(settings, Folders(tmp_path))
    catalog = create_catalog(with_own_classes(settings, opened), opened)
    assert set(catalog.class_names.values()) == {c.name for c in found.classes}
    assert sum(map(len, catalog.entries.values())) == found.num_models


def test_scans_of_google_are_stood_up(tmp_path: Path) -> None:
    found = find_all_models(GOOGLE_SCANNED["folders"](tmp_path / "set"))
    assert "assets.up_axis = 'z'" in find_bindings(found)


def test_a_layout_that_is_forced_stays_so(tmp_path: Path) -> None:
    path = write_files(tmp_path, {"02691156/m/models/model_normalized.obj": create_obj()})
    assert "assets.source = 'shapenet-v1'" in find_bindings(find_all_models(path, "shapenet-v1"))


def test_a_description_counts_classes_formats_and_licenses(tmp_path: Path) -> None:
    text = "\n".join(describe(find_all_models(GOOGLE_SCANNED["archives"](tmp_path / "set"))))
    assert "Google Scanned Objects" in text
    assert "2 classes, 6 models" in text
    assert "  Toy car       3" in text
    assert "licenses: Creative Commons Attribution 4.0 International 6" in text
    assert "6 models in 6 zip archives, read without unpacking" in text
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
    typed = re.search(r"python (distributed_render.py .*)", result.stdout)[1]
    lines = "assets." + result.stdout.partition("\n\nassets.")[2]
    (tmp_path / "models.gin").write_text(lines)
    arguments = typed.replace("models.gin", str(tmp_path / "models.gin")).split()
    planned = subprocess.run(
        [sys.executable, *arguments, "--variants", "0-0-0-0", "--status"], cwd=PROJECT_DIR,
        env={**os.environ, "SYNRENDER_DATA_DIR": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert (planned.returncode, planned.stderr) == (0, "")


def without(files: dict[str, bytes], *parts: str) -> dict[str, bytes]:
    """Those of which no part is in the name."""
    return {n: data for n, data in files.items() if not any(part in n for part in parts)}


ABO_LISTINGS = without(ABO_FILES, "3dmodels/original")
OBJAVERSE_LISTS = without(OBJAVERSE_FILES, "glbs")


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
        ({"raw_scans/bowl.tar.gz": b""}, "bowl.tar.gz is packed; unpack it"),
        ({"chairs/a.fbx": b"", "chairs/a.png": b""}, "a.fbx is of a format that is not read"),
        ({"wood/oak/a.jpg": b""}, "it holds images; .* name it in assets.textures"),
        ({"images/a/b.jpg": b"", "labels/labels_joint_anno.txt": b""}, "name it in assets.textur"),
        ({"dawn/dawn_2k.hdr": b"", "dawn/dawn.jpg": b""}, "name it in assets.environments"),
        ({"studio.exr": b""}, "name it in assets.environments"),
        ({"dataset.json": b"", "config.gin": b"", "img/0.png": b""}, "data set that was rendered"),
        ({f"{k}/b/c/d/e.obj": b"" for k in range(2)}, "e.obj is in too many folders"),
        (
            {"abo/" + n: d for n, d in ABO_FILES.items()} | {"dtd/a.png": b""},
            r"name a folder in it: abo \(Amazon Berkeley Objects\)",
        ),
        ({"mine/c/m/a.obj": create_obj(), "dtd/a.png": b""}, r"name a folder in it: mine \("),
        ({"notes/a/b/c.txt": b""}, "name the folder that they are in"),
        ({".hidden": b""}, "it is empty; name the folder"),
    ],
)
def test_a_wrong_or_partial_download_is_named(
    tmp_path: Path, files: dict[str, bytes], hint: str
) -> None:
    path = write_files(tmp_path / "set", files)
    with pytest.raises(UserError, match=hint) as caught:
        open_source(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).count(str(path)) == 1


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"


@pytest.mark.parametrize(
    ("name", "data", "hint"),
    [
        ("chair.obj", create_obj(), "chair.obj: a single model; name the folder"),
        ("notes.txt", b"x", "neither a folder nor a zip archive .*; name the folder"),
        ("set.zip", b"PK\3\4", "set.zip: cut off or damaged .*; download it again"),
        ("set.zip", POINTER, "only a pointer of Git LFS; fetch"),
        ("set.tar", b"x", "packed; unpack it, and name the folder"),
    ],
)
def test_a_file_that_is_no_archive_is_named(
    tmp_path: Path, name: str, data: bytes, hint: str
) -> None:
    with pytest.raises(UserError, match=hint):
        open_source(write_files(tmp_path, {name: data}) / name)


def describe_notes(path: Path) -> list[str]:
    return [line for line in describe(find_all_models(path)) if line.startswith("Note: ")]


@pytest.mark.parametrize(
    ("files", "note"),
    [
        ({"c/a.glb": POINTER}, "a is only a pointer of Git LFS"),
        (without(OBJAVERSE_FILES, "lvis"), "lvis-annotations.json.gz is not there: models have no"),
        (without(OBJAVERSE_FILES, "metadata"), "metadata/ is not there: licenses are unknown"),
        (without(ABO_FILES, "listings"), "unpack abo-listings.tar beside them"),
    ],
)
def test_what_a_download_lacks_is_noted(tmp_path: Path, files: dict[str, bytes], note: str) -> None:
    (line,) = describe_notes(write_files(tmp_path, files))
    assert note in line


@pytest.mark.parametrize(
    ("write", "part"),
    [
        (SHAPENET_V2["unpacked"], "03001627"),
        (SHAPENET_V2["unpacked"], "03001627/m0"),
        (write_v1, "03001627"),
        (write_glb, "03001627"),
        (OBJAVERSE["as it is downloaded"], "glbs"),
        (OBJAVERSE["as it is downloaded"], "glbs/000-000"),
        (ABO["as it is downloaded"], "3dmodels"),
        (ABO["as it is downloaded"], "3dmodels/original"),
        (GOOGLE_SCANNED["folders"], "Bag_0"),
        (GOOGLE_SCANNED["archives"], "Bag_0.zip"),
        (write_omniobject3d, "raw_scans/bowl"),
    ],
)
def test_a_part_of_a_set_is_named(tmp_path: Path, write: Write, part: str) -> None:
    """Its folders would be taken for classes."""
    whole = write(tmp_path / "set")
    (line,) = describe_notes(whole / part)
    assert line.endswith(f"name the whole to get its classes: {whole}")
    assert not describe_notes(whole)


def test_a_folder_of_models_beside_a_set_is_no_part_of_it(tmp_path: Path) -> None:
    GOOGLE_SCANNED["folders"](tmp_path)
    path = write_files(tmp_path / "mine", {"c/a.obj": create_obj()})
    assert not describe_notes(path)
