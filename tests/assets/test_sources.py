"""Each layout of models is recognized as it is downloaded, and gives the same models."""

from __future__ import annotations

import gzip
import os
import re
from collections import Counter
from pathlib import Path

import pytest

from synrender.assets import provenance, tree
from synrender.assets.catalog import Catalog, create_catalog, load_catalog, with_own_classes
from synrender.assets.mesh_formats import READERS
from synrender.assets.model_file import MODEL_SUFFIXES
from synrender.assets.places import ensure_demo_sources, open_assets
from synrender.assets.provenance import ModelCredit, StatedModel, list_stated
from synrender.assets.sources import source
from synrender.assets.sources.registry import open_source
from synrender.errors import UserError
from synrender.fanout.run import Options, load_catalogs
from synrender.fanout.variants import Shared, check_variants, find_own_classes, plan_datasets
from synrender.settings.groups import Sample
from synrender.settings.load import load_settings
from synrender.system.folders import Folders
from tests.assets.helpers import create_obj, write_files, write_zip
from tests.assets.layouts import (
    ABO_FILES,
    ABO_MODELS,
    ANY_FOLDER,
    GOOGLE_SCANNED,
    OBJAVERSE,
    OBJAVERSE_FILES,
    SHAPENET_V2,
    UIDS,
    create_glb,
    write_glb,
    write_omniobject3d,
    write_table,
    write_v1,
    write_zips,
)


def load(path: Path, *bindings: str, environment: Path | None = None) -> Catalog:
    size = ["object.n_buckets = 1", "material.use_texture = False", "sample.class_idxs = 2"]
    settings = load_settings([], [f"assets.models = {str(path)!r}", *size, *bindings])
    folders = Folders(path.parent / "data", models=environment)
    opened = open_assets(settings, folders)
    settings = with_own_classes(settings, opened)
    assert len(ensure_demo_sources(settings, opened)) == 1
    return create_catalog(settings, opened)


CHAIRS_AND_LAMPS = "sample.classes = ['chair', '03636649']"


@pytest.mark.parametrize("layout", SHAPENET_V2)
def test_shapenet_is_read_as_it_is_downloaded(tmp_path: Path, layout: str) -> None:
    path = SHAPENET_V2[layout](tmp_path / "set")
    catalog = load(path, CHAIRS_AND_LAMPS)
    assert catalog.layout == "shapenet-v2"
    assert catalog.class_names == {0: "chair", 1: "lamp"}
    assert catalog.synset_ids == {0: "03001627", 1: "03636649"}
    assert catalog.model_ids == {0: ("m0", "m1", "m2"), 1: ("m0", "m1", "m2")}
    assert catalog.model_file(1, "m2").read(1000) == create_obj(3)
    assert catalog.model_file(1, "m2").beside("model_normalized.mtl").read(9) == b"#\n"
    assert catalog.model_file(1, "m2").beside("../images/texture0.jpg").read(9) == b"image"
    plain = load(SHAPENET_V2["unpacked"](tmp_path / "plain"), CHAIRS_AND_LAMPS)
    assert catalog.sources.models.fingerprint == plain.sources.models.fingerprint
    assert catalog.sources.models.source == str(path)


def test_the_default_folder_needs_no_taxonomy_if_it_has_models(tmp_path: Path) -> None:
    settings = load_settings(
        [], [CHAIRS_AND_LAMPS, "object.n_buckets = 1", "material.use_texture = False"]
    )
    write_zips(tmp_path / "ShapeNetCore.v2", "{}/")
    assert load_catalog(settings, Folders(tmp_path)).model_ids[0] == ("m0", "m1", "m2")


def test_the_environment_wins_over_the_configuration(tmp_path: Path) -> None:
    here = SHAPENET_V2["unpacked"](tmp_path / "here")
    assert load(tmp_path / "gone", CHAIRS_AND_LAMPS, environment=here).models_path == here


def test_a_synset_without_models_says_what_to_type(tmp_path: Path) -> None:
    path = write_zips(tmp_path / "set", "{}/")
    with pytest.raises(UserError, match=r"has no folder 02828884; unpack .*\['chair'\]"):
        load(path, "sample.classes = ['chair', 'bench']")
    with pytest.raises(UserError, match=r"'chiar' is no name or synset id in .*'chair'"):
        load(path, "sample.classes = ['chiar']", "sample.class_idxs = 1")


def test_what_holds_no_models_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone: there is no such folder or file"):
        load(tmp_path / "gone")
    for files in ({}, {"a/b/c/d.txt": b""}, {"02691156/m/images/x.png": b""}):
        path = write_files(tmp_path / str(len(files)), files)
        path.mkdir(exist_ok=True)
        with pytest.raises(UserError, match=r"no models in a layout that is read"):
            open_source(path)


def test_a_layout_can_be_forced(tmp_path: Path) -> None:
    path = write_files(tmp_path / "set", {"03001627/m/x.obj": b""})
    assert open_source(path, "shapenet-v2").list_classes()
    with pytest.raises(UserError, match=r"assets.source = 'shapnet-v2': no such source; did you"):
        open_source(path, "shapnet-v2")


# --- sets of GLB files ----------------------------------------------------------------------------


@pytest.mark.parametrize("layout", OBJAVERSE)
def test_objaverse_has_the_classes_of_lvis(tmp_path: Path, layout: str) -> None:
    path = OBJAVERSE[layout](tmp_path / "set")
    catalog = load(path, "sample.classes = ['chair', 'lamp']")
    assert catalog.layout == "objaverse"
    assert catalog.model_ids == {0: tuple(UIDS[:3]), 1: tuple(UIDS[3:6])}
    assert catalog.model_file(1, UIDS[4]).read(1 << 20) == create_glb(3)
    with pytest.raises(UserError, match=r"class 'Band_Aid': .* has no"):
        load(path, "sample.classes = ['Band_Aid']", "sample.class_idxs = 1")


def load_objaverse(path: Path) -> Catalog:
    return load(path, "sample.classes = ['chair', 'lamp']")


def test_objaverse_states_license_creator_and_title(tmp_path: Path) -> None:
    path = write_files(tmp_path / "set", OBJAVERSE_FILES)
    stated = list_stated(load_objaverse(path).sources.models.credits)
    assert stated == {
        f"{'chair' if k < 3 else 'lamp'}/{uid}": StatedModel(
            license=("CC-BY-4.0", "CC0-1.0", "CC-BY-NC-SA-4.0")[k % 3],
            creator=f"user{k % 2}",
            source="Objaverse 1.0",
            title=f"Chair {k} \\x07" if k < 3 else f'A "lamp" {{{k}}}',
        )
        for k, uid in enumerate(UIDS[:6])
    }


def test_objaverse_metadata_are_read_only_where_they_are_told(tmp_path: Path) -> None:
    path = write_files(tmp_path / "set", OBJAVERSE_FILES)
    before = load_objaverse(path).plain_sources
    write_files(path, {"metadata/000-000.json.gz": b"damaged"})
    catalog = load_objaverse(path)
    assert catalog.plain_sources == before
    with pytest.raises(UserError, match=r"000-000\.json\.gz: .*; download it again"):
        print(catalog.sources)
    (path / "metadata" / "000-000.json.gz").unlink()
    stated = list_stated(load_objaverse(path).sources.models.credits)
    assert stated[f"chair/{UIDS[0]}"] == StatedModel(None, None, "Objaverse 1.0", None)
    assert stated[f"chair/{UIDS[1]}"].creator == "user1"


@pytest.mark.parametrize(
    ("entry", "license"),
    [
        ('{"license": "mine", "user": 3, "name": [1]}', "mine"),
        ('{"license": 7}', None),
        ("{}", None),
        ('{"license": "' + "x" * 500 + '"}', "x" * 100 + "..."),
    ],
)
def test_odd_metadata_of_objaverse_are_not_stated(
    tmp_path: Path, entry: str, license: str | None
) -> None:
    text = '{\n "%s":\n{"name": "a"},"%s":%s}' % ("f" * 32, UIDS[0], entry)  # noqa: UP031
    files = {**OBJAVERSE_FILES, "metadata/000-000.json.gz": gzip.compress(text.encode())}
    catalog = load_objaverse(write_files(tmp_path / "set", files))
    stated = list_stated(catalog.sources.models.credits)[f"chair/{UIDS[0]}"]
    assert stated == StatedModel(license, None, "Objaverse 1.0", None)


@pytest.mark.parametrize("entry", ['{"license": "by"', '{"a": ' + "[" * 100_000, "{nothing}"])
def test_damaged_metadata_of_objaverse_are_one_line(tmp_path: Path, entry: str) -> None:
    text = f'{{"{UIDS[0]}": {entry}'
    files = {**OBJAVERSE_FILES, "metadata/000-000.json.gz": gzip.compress(text.encode())}
    catalog = load_objaverse(write_files(tmp_path / "set", files))
    with pytest.raises(UserError, match=r"not Objaverse's metadata .*; download it again"):
        print(catalog.sources)


def test_objaverse_without_its_classes_is_one_class(tmp_path: Path) -> None:
    files = {name: data for name, data in OBJAVERSE_FILES.items() if "lvis" not in name}
    path = write_files(tmp_path / "set", files)
    catalog = load(path, "sample.classes = ['unlabeled']", "sample.class_idxs = 1")
    assert catalog.model_ids == {0: tuple(UIDS[:6])}


def test_abo_has_the_types_of_its_products(tmp_path: Path) -> None:
    path = write_files(tmp_path / "set", ABO_FILES)
    catalog = load(path, "sample.classes = ['CHAIR', 'LAMP']")
    assert catalog.layout == "abo"
    ids = tuple(ABO_MODELS)
    assert catalog.model_ids == {0: ids[:3], 1: ids[3:]}
    for name in list(ABO_FILES):
        if name.startswith("listings"):
            (path / name).unlink()
    catalog = load(path, "sample.classes = ['unlabeled']", "sample.class_idxs = 1")
    assert catalog.model_ids == {0: ids}


@pytest.mark.parametrize(
    "data",
    [
        b"no gzip",
        b"",
        gzip.compress(b"[]"),
        gzip.compress(b'{"chair": [3]}'),
        gzip.compress(b"{"),
        OBJAVERSE_FILES["lvis-annotations.json.gz"][:-9],
        gzip.compress(b"[" * 100_000),
    ],
    ids=["no gzip", "empty", "a list", "no uids", "no JSON", "cut off", "deep"],
)
def test_a_damaged_list_is_one_line(tmp_path: Path, data: bytes) -> None:
    path = write_files(tmp_path / "set", {**OBJAVERSE_FILES, "lvis-annotations.json.gz": data})
    with pytest.raises(UserError, match=r"lvis-annotations\.json\.gz: .*; download it again$"):
        load(path, "sample.classes = ['chair']", "sample.class_idxs = 1")


def test_a_list_that_unpacks_without_end_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "MAX_BYTES", 1 << 16)
    bomb = gzip.compress(b"[" + b" " * (1 << 20) + b"]")
    path = write_files(tmp_path / "set", {**OBJAVERSE_FILES, "lvis-annotations.json.gz": bomb})
    with pytest.raises(UserError, match=r"more than 0 MiB when it is unpacked"):
        load(path, "sample.classes = ['chair']", "sample.class_idxs = 1")


# --- other layouts --------------------------------------------------------------------------------


def test_shapenet_v1_is_told_from_v2(tmp_path: Path) -> None:
    catalog = load(write_v1(tmp_path / "set"), CHAIRS_AND_LAMPS)
    assert catalog.layout == "shapenet-v1"
    assert catalog.synset_ids == {0: "03001627", 1: "03636649"}
    assert catalog.model_file(1, "m2").read(1000) == create_obj(3)


def test_shapenet_as_glb(tmp_path: Path) -> None:
    catalog = load(write_glb(tmp_path / "set"), CHAIRS_AND_LAMPS)
    assert catalog.layout == "shapenet-glb"
    assert catalog.model_ids[0] == ("m0", "m1", "m2")
    assert catalog.model_file(1, "m2").read(10_000) == create_glb(3)


def test_omniobject3d(tmp_path: Path) -> None:
    path = write_omniobject3d(tmp_path / "set")
    for named in (path, path / "raw_scans"):
        catalog = load(named)
        assert catalog.layout == "omniobject3d"
        assert catalog.class_names == {0: "bowl", 1: "cup"}
        assert catalog.model_ids[1] == ("cup_000", "cup_001", "cup_002")
        assert catalog.model_file(1, "cup_002").read(1000) == create_obj(3)


@pytest.mark.parametrize("layout", ANY_FOLDER)
def test_a_folder_for_each_class(tmp_path: Path, layout: str) -> None:
    catalog = load(ANY_FOLDER[layout](tmp_path / "set"))
    assert catalog.layout == "folder"
    assert catalog.class_names == catalog.synset_ids == {0: "bowl", 1: "cup"}
    assert catalog.model_ids[1] == ("m0", "m1", "m2")
    assert catalog.model_file(1, "m2").read(1000) == create_obj(3)


def test_a_folder_without_classes_is_one_class(tmp_path: Path) -> None:
    path = write_files(tmp_path / "parts", {"a.obj": create_obj(), "b.STL": b"", "c.txt": b""})
    catalog = load(path, "sample.class_idxs = 1")
    assert catalog.class_names == {0: "parts"}
    assert catalog.model_ids == {0: ("a", "b")}


def test_of_several_formats_of_a_model_the_first_is_read(tmp_path: Path) -> None:
    names = ["c/a.stl", "c/a.glb", "c/b.PLY", "c/x/x.obj", "c/x/part.obj", "c/y/1.obj", "c/y/2.obj"]
    catalog = load(
        write_files(tmp_path / "set", dict.fromkeys(names, b"")), "sample.class_idxs = 1"
    )
    files = {m: catalog.model_file(0, m).path.relative_to(tmp_path) for m in catalog.model_ids[0]}
    assert {k: v.as_posix() for k, v in files.items()} == {
        "a": "set/c/a.glb", "b": "set/c/b.PLY", "x": "set/c/x/x.obj",
    }  # fmt: skip


def test_suffixes_of_models_are_those_that_are_read() -> None:
    assert set(MODEL_SUFFIXES) == set(READERS)


def own(path: Path, *bindings: str) -> Sample:
    settings = load_settings(["render_single"], [f"assets.models = {str(path)!r}", *bindings])
    return with_own_classes(settings, open_assets(settings, Folders(path))).sample


def test_what_is_opened_is_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In all data sets of a run, by whatever needs it: classes, the first lines, the catalogs."""
    models = write_zip(
        tmp_path / "set.zip", {f"{c}/{k}.obj": create_obj() for c in "ab" for k in "123"}
    )
    images = write_files(tmp_path / "images", dict.fromkeys(["a/b.png", "c/d.png", "c/e.jpg"], b""))
    sky = write_files(tmp_path / "sky", {"x/day.hdr": b""})
    places = {"models": models, "textures": images, "environments": sky}
    bindings = [f"assets.{kind} = {str(path)!r}" for kind, path in places.items()]
    bindings += ["object.n_buckets = 1", "design.fixed = {'environment': 'day'}"]
    scanned: Counter[str] = Counter()
    scandir, read_index = os.scandir, tree.read_index

    def count_folder(path: str) -> object:
        scanned[str(path)] += 1
        return scandir(path)

    def count_archive(path: Path) -> object:
        scanned[str(path)] += 1
        return read_index(path)

    monkeypatch.setattr(os, "scandir", count_folder)
    monkeypatch.setattr(tree, "read_index", count_archive)
    settings = load_settings(["render_single"], bindings)
    opened = open_assets(settings, Folders(tmp_path / "data"))
    find_own_classes(settings, opened)
    names = check_variants(["1-1-1-1", "0-1-1-1", "1-0-0-0"])
    shared = Shared(4, 2, 1, ["render_single"], [*bindings, "sample.classes = ['a', 'b']"])
    datasets = plan_datasets(tmp_path / "data" / "x", names, shared)
    catalogs = load_catalogs(datasets, Options(is_quiet=True), opened)
    assert [len(catalog.textures) for catalog in catalogs.values()] == [3, 0, 3]
    folders = {str(images), f"{images}/a", f"{images}/c", str(sky), f"{sky}/x", str(models)}
    assert {name: num for name, num in scanned.items() if name in folders} == dict.fromkeys(
        folders, 1
    )


def find_other_classes(path: Path) -> tuple[str, ...]:
    settings = load_settings(["render_multi"], [f"assets.models = {str(path)!r}"])
    return find_own_classes(settings, open_assets(settings, Folders(path)))


def test_a_source_of_other_classes_brings_its_own(tmp_path: Path) -> None:
    path = ANY_FOLDER["a file for each model"](tmp_path / "set")
    assert own(path).classes == ("bowl", "cup")
    assert own(path).class_list == (0, 1)
    assert own(path, "sample.class_idxs = [1]").class_list == (1,)
    assert own(path, "sample.classes = ['cup']").classes == ("cup",)
    assert find_other_classes(path) == ("bowl", "cup")
    shapenet = write_zips(tmp_path / "shapenet", "{}/")
    assert own(shapenet) == load_settings(["render_single"]).sample
    assert not find_other_classes(shapenet)


def test_classes_of_shapenet_that_the_demo_set_lacks_are_left_out(data_dir: Path) -> None:
    names = ["sample.classes = ['03001627', 'bottle', '02773838', 'lamp']", "sample.class_idxs = 4"]
    given = load_settings([], names)
    opened = open_assets(given, Folders(data_dir))
    settings = with_own_classes(given, opened)
    assert settings.sample.class_list == (0, 3)
    assert len(settings.sample.classes) == 4
    *_, line = ensure_demo_sources(settings, opened)
    assert line.startswith("The demo models have 2 of the configuration's 4 classes; the other 2")
    assert create_catalog(settings, opened).class_names == {0: "chair", 3: "lamp"}
    misspelled = load_settings([], ["sample.classes = ['chair', 'lampp']", "sample.class_idxs = 2"])
    assert with_own_classes(misspelled, opened) == misspelled


def test_built_in_shapes_are_models_with_a_license(tmp_path: Path) -> None:
    named = load_settings([], ["assets.models = 'builtin:shapes'", "material.use_texture = False"])
    opened = open_assets(named, Folders(tmp_path))
    settings = with_own_classes(named, opened)
    assert settings.sample.classes == ("cube", "cylinder", "sphere")
    catalog = create_catalog(settings, opened)
    assert [len(catalog.bucket_models(2, bucket)) for bucket in (0, 11)] == [1, 2]
    (credit,) = catalog.sources.models.credits
    assert (credit.license, credit.num_models) == ("CC0-1.0", 60)


def test_more_classes_than_an_exr_tells_apart_are_one_line(tmp_path: Path) -> None:
    path = write_files(tmp_path / "set", {f"c{k}/a.obj": b"" for k in range(100)})
    assert len(own(path).classes) == 100
    with pytest.raises(UserError, match=r"100 classes: 99 at most .*sample.classes = \['c0'"):
        own(path, "rendering.render_exr = True")


def test_the_working_number_of_buckets_is_that_of_the_smallest_class(tmp_path: Path) -> None:
    names = ["a/1.obj", "a/2.obj", "a/3.obj", "b/1.obj", "b/2.obj"]
    path = write_files(tmp_path / "set", dict.fromkeys(names, b""))
    with pytest.raises(UserError, match=r"'b' has 2 models: .* object.n_buckets = 2"):
        load(path, "object.n_buckets = 12")
    load(path, "object.n_buckets = 2")


def test_a_relative_path_stays_the_same_for_workers_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings([], ["assets.models = 'meshes'"])
    assert settings.assets.models == str(tmp_path / "meshes")
    for value in ("7", "'a\\nb'", "['a']"):
        with pytest.raises(UserError, match=r"assets\.models = "):
            load_settings([], [f"assets.models = {value}"])


@pytest.mark.parametrize("layout", GOOGLE_SCANNED)
def test_google_scanned_objects_state_category_license_and_author(
    tmp_path: Path, layout: str
) -> None:
    path = GOOGLE_SCANNED[layout](tmp_path / "set")
    write_files(path / "No_metadata", {"meshes/model.obj": create_obj()})
    write_files(path / "No_model", {"meshes/other.obj": create_obj()})
    catalog = load(path, "sample.class_idxs = 3")
    assert catalog.layout == "google-scanned"
    assert catalog.class_names == {0: "Bag", 1: "Toy car", 2: "unlabeled"}
    assert catalog.model_ids[1] == ("Toy car_0", "Toy car_1", "Toy car_2")
    assert catalog.model_file(1, "Toy car_2").read(1000) == create_obj(3)
    assert catalog.model_file(1, "Toy car_2").beside("texture.png").read(9) == b"texture"
    assert catalog.model_file(1, "Toy car_2").beside("model.mtl").is_there
    unknown, known = catalog.sources.models.credits
    google = "Google Scanned Objects"
    assert unknown == ModelCredit(None, None, 1, ("unlabeled/No_metadata",), google)
    assert known.license == "Creative Commons Attribution 4.0 International"
    assert (known.creator, known.num_models, len(known.models)) == ("Google", 6, 6)


def test_of_many_models_licenses_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provenance, "MAX_CREDITED", 5)
    (found,) = load(GOOGLE_SCANNED["folders"](tmp_path / "set")).sources.models.credits
    license = "Creative Commons Attribution 4.0 International"
    assert found == ModelCredit(license, None, 6, (), "Google Scanned Objects")


def test_sources_that_state_nothing_are_credited_with_nothing(tmp_path: Path) -> None:
    assert not load(SHAPENET_V2["unpacked"](tmp_path), CHAIRS_AND_LAMPS).sources.models.credits


# --- tables ---------------------------------------------------------------------------------------


def test_a_table_says_which_models_there_are_and_what_they_are(tmp_path: Path) -> None:
    path = write_table(tmp_path / "set")
    catalog = load(path, "object.n_buckets = 3")
    assert catalog.layout == "table"
    assert catalog.class_names == {0: "bowl", 1: "cup"}
    assert catalog.model_ids[0] == ("a", "b", "c", "d", "e", "f")
    assert catalog.model_file(1, "c").read(1000) == create_obj(3)
    (credit,) = catalog.sources.models.credits
    assert (credit.license, credit.creator, credit.num_models) == ("CC0-1.0", "Ann, Bob", 12)


def test_a_table_names_the_set_that_a_model_is_from(tmp_path: Path) -> None:
    files = {f"c/{name}.obj": create_obj() for name in "ab"}
    path = write_files(tmp_path / "set", files)
    (path / "models.csv").write_text("path,source\nc/a.obj,Thingi10K\nc/b.obj,\n")
    credits = load(path, "sample.class_idxs = 1").sources.models.credits
    assert credits == (
        ModelCredit(None, None, 1, ("c/b",)),
        ModelCredit(None, None, 1, ("c/a",), "Thingi10K"),
    )


def test_a_table_fixes_splits(tmp_path: Path) -> None:
    path = write_table(tmp_path / "set")
    catalog = load(path, "object.n_buckets = 3")
    assert [catalog.bucket_models(0, b) for b in range(3)] == [("a", "b"), ("c", "e"), ("d", "f")]
    fingerprint = catalog.sources.models.fingerprint
    table = (path / "models.csv").read_text()
    (path / "models.csv").write_text(table.replace(",validation", ",test"))
    moved = load(path, "object.n_buckets = 3")
    assert [moved.bucket_models(0, b) for b in range(3)] == [("a", "b"), ("c",), ("d", "e", "f")]
    assert moved.sources.models.fingerprint != fingerprint
    (path / "models.csv").write_text(re.sub(",(train|validation|test|)\n", ",train\n", table)[:-1])
    with pytest.raises(UserError, match=r"no models for bucket 1, .* split validation: .* = 2"):
        load(path, "object.n_buckets = 3")
    assert load(path, "object.n_buckets = 2").bucket_models(0, 1) == ("d", "e", "f")


def test_models_without_splits_are_shared_as_ever(tmp_path: Path) -> None:
    names = [f"c/m{k:02d}.obj" for k in range(31)]
    path = write_files(tmp_path / "set", {**dict.fromkeys(names, b""), "models.csv": b""})
    (path / "models.csv").write_text("\n".join(["path", *names]))
    catalog = load(path, "object.n_buckets = 12", "sample.class_idxs = 1")
    ids = catalog.model_ids[0]
    for bucket in range(12):
        expected = ids[31 * bucket // 12 : 31 * (bucket + 1) // 12]
        assert catalog.bucket_models(0, bucket) == expected


def test_ids_of_files_of_one_name_are_their_paths(tmp_path: Path) -> None:
    path = write_files(
        tmp_path / "set", {"models.csv": b"path,class\na/x.obj,c\nb/x.ply,c\ny.stl,c"}
    )
    assert load(path, "sample.class_idxs = 1").model_ids == {0: ("a.x.obj", "b.x.ply", "y")}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "its first line must name its columns"),
        ("class\nc\n", "its first line must name its columns"),
        ("path,licence\n", "'licence' is no column of this table; did you mean 'license'"),
        ("path,path\n", "a column stands there twice"),
        ("path\n../x.obj\n", "line 2: the path '../x.obj' does not lead to a file beside"),
        ("path\n/etc/x.obj\n", "line 2: the path '/etc/x.obj' does not lead"),
        ("path\nx.txt\n", r"line 2: 'x.txt' is none of \.obj"),
        ("path,class\nx.obj,../y\n", "line 2: the class '../y' must have"),
        ("path,split\nx.obj,train\ny.obj,tset\n", "line 3: the split 'tset' must be train"),
        ("path,creator\nx.obj,a\x1bb\n", "line 2: must be one line"),
        ("path,class\nx.obj\n", "line 2 has another number of columns"),
        ("path\nx.obj\nx.obj\n", "x.obj stands in two lines"),
        ('path\n"x.obj\n', "unexpected end of data"),
    ],
)
def test_a_damaged_table_is_one_line(tmp_path: Path, text: str, line: str) -> None:
    path = write_files(tmp_path / "set", {"models.csv": text.encode()})
    with pytest.raises(UserError, match=line) as caught:
        load(path)
    assert str(caught.value).isprintable()
