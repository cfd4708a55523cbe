"""Each layout of models is recognized as it is downloaded, and gives the same models."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from synrender.assets.catalog import Catalog, ensure_demo_sources, load_catalog
from synrender.assets.sources import packed_lists
from synrender.assets.sources.registry import open_source
from synrender.errors import UserError
from synrender.settings.load import load_settings
from synrender.system.folders import Folders
from tests.assets.helpers import create_obj, write_files
from tests.assets.layouts import (
    ABO_FILES,
    ABO_MODELS,
    OBJAVERSE,
    OBJAVERSE_FILES,
    SHAPENET_V2,
    UIDS,
    create_glb,
    write_zips,
)


def load(path: Path, *bindings: str, environment: Path | None = None) -> Catalog:
    size = ["object.n_buckets = 1", "material.use_texture = False", "sample.class_idxs = 2"]
    settings = load_settings([], [f"assets.models = {str(path)!r}", *size, *bindings])
    folders = Folders(path.parent / "data", models=environment)
    assert len(ensure_demo_sources(settings, folders)) == 1
    return load_catalog(settings, folders)


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
    monkeypatch.setattr(packed_lists, "MAX_BYTES", 1 << 16)
    bomb = gzip.compress(b"[" + b" " * (1 << 20) + b"]")
    path = write_files(tmp_path / "set", {**OBJAVERSE_FILES, "lvis-annotations.json.gz": bomb})
    with pytest.raises(UserError, match=r"more than 0 MiB when it is unpacked"):
        load(path, "sample.classes = ['chair']", "sample.class_idxs = 1")
