from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from synrender.assets.catalog import load_catalog
from synrender.assets.model_file import ModelFile
from synrender.assets.places import ensure_demo_sources, open_assets
from synrender.errors import UserError
from synrender.settings.groups import Settings
from synrender.settings.load import load_settings
from synrender.system.folders import Folders

CLASSES = [("02691156", "airplane,aeroplane,plane"), ("03001627", "chair"), ("03636649", "lamp")]


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A data folder with small ShapeNet and DTD folders in it, and some unrelated files."""
    shapenet, dtd = tmp_path / "ShapeNetCore.v2", tmp_path / "dtd"
    for synset_id, _ in CLASSES:
        for m in range(13):
            (shapenet / synset_id / f"m{m:02d}").mkdir(parents=True)
    taxonomy = [{"synsetId": i, "name": n, "children": [], "numInstances": 13} for i, n in CLASSES]
    (shapenet / "taxonomy.json").write_text(json.dumps(taxonomy))
    (shapenet / "all.csv").touch()
    (shapenet / ".DS_Store").touch()
    (shapenet / "03001627" / ".DS_Store").touch()
    (shapenet / "03001627" / ".hidden").mkdir()
    (shapenet / "03001627" / "notes.txt").touch()
    (dtd / "images" / "woven").mkdir(parents=True)
    (dtd / "labels").mkdir()
    names = [f"woven/woven_{t:04d}.jpg" for t in (3, 1, 2)]
    (dtd / "labels" / "labels_joint_anno.txt").write_text(
        "".join(f"{n} woven grid \n" for n in names)
    )
    return tmp_path


def settings_of(*bindings: str) -> Settings:
    return load_settings(["render_single"], bindings)


def test_models_and_textures_are_sorted_and_other_files_left_out(sources: Path) -> None:
    settings = settings_of("sample.classes = ['chair', '03636649']", "sample.class_idxs = 2")
    assert ensure_demo_sources(settings, open_assets(settings, Folders(sources))) == []
    catalog = load_catalog(settings, Folders(sources))
    assert catalog.is_demo == (False, False)
    assert catalog.synset_ids == {0: "03001627", 1: "03636649"}
    assert catalog.model_ids[0] == tuple(f"m{m:02d}" for m in range(13))
    assert catalog.textures == tuple(f"woven/woven_{t:04d}.jpg" for t in (1, 2, 3))
    path = sources / "ShapeNetCore.v2/03001627/m03/models/model_normalized.obj"
    assert catalog.model_file(0, "m03") == ModelFile(path, levels=1)


def test_only_classes_that_may_appear_need_a_folder(sources: Path) -> None:
    catalog = load_catalog(settings_of("sample.class_idxs = [4]"), Folders(sources))
    assert list(catalog.model_ids) == [4]
    with pytest.raises(UserError, match=r"'bench' is no name or synset id"):
        load_catalog(settings_of("sample.class_idxs = [1]"), Folders(sources))


def test_a_class_with_fewer_models_than_buckets_names_the_remedy(sources: Path) -> None:
    with pytest.raises(UserError, match=r"13 models.*14 buckets.*object.n_buckets = 13"):
        load_catalog(settings_of("object.n_buckets = 14"), Folders(sources))
    load_catalog(settings_of("object.n_buckets = 13"), Folders(sources))


def test_too_few_textures(sources: Path) -> None:
    with pytest.raises(UserError, match=r"3 textures.*needs 4"):
        load_catalog(settings_of("sample.num_objs = 3"), Folders(sources))
    load_catalog(
        settings_of("sample.num_objs = 3", "material.use_texture = False"), Folders(sources)
    )


def test_misspelled_class_names_the_nearest(sources: Path) -> None:
    with pytest.raises(UserError, match=r"did you mean 'chair'"):
        load_catalog(settings_of("sample.classes = ['chiar']"), Folders(sources))


def test_a_source_that_is_set_must_exist(sources: Path) -> None:
    with pytest.raises(UserError, match=r"SYNRENDER_SHAPENET_DIR = .*nowhere: there is no such"):
        load_catalog(settings_of(), Folders(sources, shapenet=sources / "nowhere"))
    with pytest.raises(UserError, match=r"has no taxonomy\.json"):
        load_catalog(settings_of(), Folders(sources, shapenet=sources / "dtd"))


def test_absent_sources_fall_back_to_the_demo_set_and_say_so(data_dir: Path) -> None:
    folders = Folders(data_dir)
    notes = ensure_demo_sources(settings_of(), open_assets(settings_of(), folders))
    catalog = load_catalog(settings_of(), folders)
    assert catalog.is_demo == (True, True)
    assert len(notes) == 1
    assert "demo" in notes[0]
    assert catalog.sources.models.source.startswith("demo")


def test_listing_a_catalog_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"taxonomy.json: missing"):
        load_catalog(settings_of(), Folders(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_classes_named_by_synset_id_have_shapenets_name(sources: Path) -> None:
    settings = settings_of("sample.classes = ['chair', '03636649']", "sample.class_idxs = 2")
    assert load_catalog(settings, Folders(sources)).class_names == {0: "chair", 1: "lamp"}


def test_fingerprint_follows_the_names(sources: Path) -> None:
    before = load_catalog(settings_of(), Folders(sources)).sources
    assert load_catalog(settings_of(), Folders(sources)).sources == before
    (sources / "ShapeNetCore.v2/02691156/m99").mkdir()
    after = load_catalog(settings_of(), Folders(sources)).sources
    assert after.models.fingerprint != before.models.fingerprint
    assert after.textures == before.textures


@pytest.mark.parametrize("text", ["", "{", "[]", '[{"name": "chair"}]', "[1]"])
def test_a_broken_taxonomy_is_a_clear_error(sources: Path, text: str) -> None:
    (sources / "ShapeNetCore.v2" / "taxonomy.json").write_text(text)
    with pytest.raises(UserError):
        load_catalog(settings_of(), Folders(sources))


@pytest.mark.parametrize(
    "entry",
    [("../x", "chair"), ("/x", "chair"), ("", "chair"), ("..", "chair"), (7, "chair"), ("1", 7)],
)
def test_a_synset_id_cannot_lead_out_of_the_folder(sources: Path, entry: tuple) -> None:
    synset_id, name = entry
    path = sources / "ShapeNetCore.v2" / "taxonomy.json"
    path.write_text(json.dumps([{"synsetId": synset_id, "name": name}]))
    with pytest.raises(UserError, match=r"taxonomy\.json: .*restore it") as caught:
        load_catalog(settings_of("sample.classes = ['chair']"), Folders(sources))
    assert "\n" not in str(caught.value)


@pytest.mark.timeout(20)
def test_a_taxonomy_of_any_other_kind_is_one_line(sources: Path) -> None:
    path = sources / "ShapeNetCore.v2" / "taxonomy.json"
    for content in (b"[" * 200_000, b'[{"name": "\xff"}]', "[]".encode("utf-16"), b"7"):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"taxonomy\.json"):
            load_catalog(settings_of(), Folders(sources))
    path.unlink()
    path.mkdir()
    with pytest.raises((UserError, OSError)):
        load_catalog(settings_of(), Folders(sources))


@pytest.mark.parametrize("name", ["../../secret.jpg", "/etc/x.jpg", "a//b.jpg", "a/../b.jpg"])
def test_a_texture_name_cannot_lead_out_of_the_folder(sources: Path, name: str) -> None:
    (sources / "dtd/labels/labels_joint_anno.txt").write_text(f"a/1.jpg a\n{name} a\na/2.jpg a\n")
    with pytest.raises(UserError, match=r"labels_joint_anno\.txt: .* is no path below its images"):
        load_catalog(settings_of(), Folders(sources))


def test_a_list_of_textures_that_is_no_text_is_one_line(sources: Path) -> None:
    (sources / "dtd/labels/labels_joint_anno.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"not a list of images"):
        load_catalog(settings_of(), Folders(sources))


def test_a_model_folder_that_is_no_text_is_one_line(sources: Path) -> None:
    os.mkdir(os.fsencode(sources / "ShapeNetCore.v2/02691156") + b"/\xff\n")
    with pytest.raises(UserError, match="needs a printable name"):
        load_catalog(settings_of(), Folders(sources))


def test_names_of_textures_may_have_blanks(sources: Path) -> None:
    labels = sources / "dtd" / "labels" / "labels_joint_anno.txt"
    labels.write_text(
        "my stones/gray stone 1.PNG\nplain.jpg woven grid\nwood.png old.jpeg\twoven\n"
        "no_ending a b\n"
    )
    catalog = load_catalog(settings_of("sample.class_idxs = [4]"), Folders(sources))
    assert catalog.textures == (
        "my stones/gray stone 1.PNG",
        "no_ending",
        "plain.jpg",
        "wood.png old.jpeg",
    )


@pytest.mark.parametrize("name", ["x" * 201, "a\tb", "a\nb", "a\x1b[2Jb", "", "a\u2028b"])
def test_a_class_name_that_no_line_can_show_is_refused_if_it_is_used(
    sources: Path, name: str
) -> None:
    path = sources / "ShapeNetCore.v2" / "taxonomy.json"
    taxonomy = json.loads(path.read_text())
    taxonomy[2]["name"] = name
    path.write_text(json.dumps(taxonomy))
    others = settings_of("sample.classes = ['chair']", "sample.class_idxs = 1")
    assert load_catalog(others, Folders(sources)).class_names == {0: "chair"}
    chosen = settings_of("sample.classes = ['03636649']", "sample.class_idxs = 1")
    with pytest.raises(UserError, match=r"taxonomy\.json: the class name .*; mend it") as caught:
        load_catalog(chosen, Folders(sources))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300 + len(str(sources))


def test_a_synset_id_that_no_record_can_hold_is_refused(sources: Path) -> None:
    root = sources / "ShapeNetCore.v2"
    text = (root / "taxonomy.json").read_text().replace("03636649", "0" * 65)
    (root / "taxonomy.json").write_text(text)
    (root / "03636649").rename(root / ("0" * 65))
    settings = settings_of("sample.classes = ['lamp']", "sample.class_idxs = 1")
    with pytest.raises(UserError, match="has more than 64 characters; rename its folder"):
        load_catalog(settings, Folders(sources))
