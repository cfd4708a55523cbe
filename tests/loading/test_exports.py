"""Exports to WebDataset and Parquet are read as the data set that they were made from."""

from __future__ import annotations

import json
import multiprocessing
import pickle
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from synrender.errors import UserError
from synrender.loading.dataset import Dataset, open_dataset
from synrender.system.remote import RemoteFolder
from tests.archive.helpers import QuickArchiver
from tests.export.helpers import Exporter
from tests.loading.conftest import FORMATS, Exports, settle, write_plain
from tests.loading.forked import run_alone

KINDS = ("grid", "multi", "labels")


@pytest.fixture
def own(exports: Exports, tmp_path: Path) -> Callable[[str, str], Path]:
    """A copy of an export, for a test that changes it."""
    return lambda kind, form: Path(shutil.copytree(exports(kind)[form], tmp_path / form))


def shards(out: Path) -> list[Path]:
    return sorted([*out.rglob("*.tar"), *out.rglob("*.parquet")])


def check_samples(found: list[dict], expected: list[dict]) -> None:
    assert len(found) == len(expected) > 0
    for mine, wanted in zip(found, expected, strict=True):
        assert mine.keys() == wanted.keys()
        for name, value in wanted.items():
            np.testing.assert_array_equal(mine[name], value, err_msg=name)
            is_map = name in ("instance_map", "class_map")  # of more bits in an export
            if isinstance(value, np.ndarray) and not is_map:
                assert mine[name].dtype == value.dtype, name
            assert isinstance(mine[name], np.ndarray) == isinstance(value, np.ndarray), name


def find_fields(data: Dataset, more: tuple[str, ...] = ()) -> list[str]:
    """Fields that an export of the data set has, too."""
    return [*data.fields, "image_png", "alpha", "caption_negatives", *more]


# --- content --------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_export_gives_what_its_data_set_gives(kind: str, form: str, exports: Exports) -> None:
    """To the bit: images, maps, labels, records and captions, in every split."""
    paths = exports(kind)
    whole = open_dataset(paths["data"])
    assert {*open_dataset(paths[form]).fields} == {*whole.fields}
    assert len(open_dataset(paths[form])) == len(whole)
    for split in ("train", "validation", "test"):
        found, expected = (
            open_dataset(paths[name], split, fields=find_fields(whole), nothing_hit=-1)
            for name in (form, "data")
        )
        assert found.split_ends == expected.split_ends
        assert found.class_names == expected.class_names
        assert found.keypoint_names == expected.keypoint_names
        assert len(found.sequences()) > 0 or kind != "multi"
        check_samples(list(found), list(expected))
        idxs = np.random.default_rng(0).integers(-len(found), len(found), 9)
        check_samples(found.read_samples(idxs), expected.read_samples(idxs))
        check_samples(found.read_checked(range(2)), expected.read_checked(range(2)))
        np.testing.assert_array_equal(found.sequences(), expected.sequences())


@pytest.mark.parametrize("form", FORMATS)
def test_factors_levels_and_twins(form: str, exports: Exports) -> None:
    found, expected = (open_dataset(exports("grid")[name], "train") for name in (form, "data"))
    np.testing.assert_array_equal(found.factor_values, expected.factor_values)
    np.testing.assert_array_equal(found.latents, expected.latents)
    assert found.factors == expected.factors
    for name, column in expected.factor_columns.items():
        np.testing.assert_array_equal(found.factor_columns[name], column)
    np.testing.assert_array_equal(found.twins()["color"], expected.twins()["color"])
    np.testing.assert_array_equal(found.indices({"class": 2}), expected.indices({"class": 2}))
    levels, images = found.sample(4, 0)
    np.testing.assert_array_equal(images, expected.sample(4, 0)[1])
    assert levels.shape == (4, 2)


@pytest.mark.parametrize("kind", ["grid", "multi"])
def test_tables_are_equal(kind: str, exports: Exports) -> None:
    pandas = pytest.importorskip("pandas")
    tables = [open_dataset(path).to_pandas() for path in exports(kind).values()]
    for table in tables[1:]:
        pandas.testing.assert_frame_equal(table, tables[0])


@pytest.mark.parametrize("form", FORMATS)
def test_tracks_follow_keypoints(form: str, exports: Exports) -> None:
    found, expected = (
        open_dataset(exports("labels")[name]).tracks([0, 3, 1]) for name in (form, "data")
    )
    check_samples([found], [expected])


@pytest.mark.parametrize("form", FORMATS)
def test_samples_have_as_many_objects_as_they_show(form: str, exports: Exports) -> None:
    """As the small files; the HDF5 files of the same data set fill them up."""
    paths = exports("varied")
    found, expected = (
        {int(s["sample_idx"][0]): s for s in open_dataset(p)}
        for p in (paths[form], paths["data"] / "img")
    )
    check_samples([found[k] for k in sorted(found)], [expected[k] for k in sorted(expected)])


# --- processes and places -------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_of_a_loader_read_the_same(method: str, exports: Exports) -> None:
    """What this process has open goes to others, forked or pickled."""
    run_alone("read_in_two_processes", method, *(exports("grid")[form] for form in FORMATS))


@pytest.mark.parametrize("form", FORMATS)
def test_what_was_read_is_not_pickled(form: str, exports: Exports) -> None:
    data = open_dataset(exports("grid")[form])
    size = len(pickle.dumps(data))
    assert data[0]
    assert len(pickle.dumps(data)) == size


@pytest.fixture
def remote(storage: str, exports: Exports, tmp_path: Path, monkeypatch) -> Callable[..., str]:
    """Copies an export to storage; returns its address."""
    monkeypatch.setenv("SYNRENDER_CACHE_DIR", str(tmp_path / "cache"))

    def copy(kind: str, form: str) -> str:
        out, folder = exports(kind)[form], RemoteFolder(f"{storage}/{kind}")
        for path in filter(Path.is_file, out.rglob("*")):
            folder.upload(path, path.relative_to(out).as_posix())
        return folder.url

    return copy


@pytest.mark.parametrize("form", FORMATS)
def test_storage_gives_the_same_and_only_what_is_read(
    form: str, remote: Callable[..., str], exports: Exports, tmp_path: Path
) -> None:
    data = open_dataset(remote("grid", form))
    assert data.info == open_dataset(exports("grid")[form]).info
    assert len(shards(tmp_path / "cache")) == 1
    expected = open_dataset(exports("grid")["data"])
    check_samples([data[47]], [expected[47]])
    assert len(shards(tmp_path / "cache")) == 2
    check_samples(list(data), list(expected))
    assert len(shards(tmp_path / "cache")) == len(shards(exports("grid")[form]))


@pytest.mark.parametrize("form", FORMATS)
def test_the_cache_stays_within_its_size(
    form: str, remote: Callable[..., str], exports: Exports, tmp_path: Path, monkeypatch
) -> None:
    sizes = [path.stat().st_size for path in shards(exports("grid")[form])]
    max_bytes = int(2.5 * max(sizes))
    assert sum(sizes) > 2 * max_bytes
    monkeypatch.setenv("SYNRENDER_CACHE_GB", str(max_bytes / 1e9))
    data, expected = open_dataset(remote("grid", form)), open_dataset(exports("grid")["data"])
    for k in np.random.default_rng(0).permutation(len(data)).tolist():
        np.testing.assert_array_equal(data[k]["image"], expected[k]["image"])
        data.close()
        assert sum(p.stat().st_size for p in shards(tmp_path / "cache")) <= max_bytes


def _sum_images(url: str, start: int) -> list[int]:
    data = open_dataset(url, fields=["image"])
    rows = np.roll(np.arange(len(data)), start)
    sums = [int(sample["image"].sum()) for sample in data.read_samples(rows)]
    return np.roll(sums, -start).tolist()


def test_two_processes_share_a_cache(
    remote: Callable[..., str], exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that holds not even half of the export."""
    sizes = [path.stat().st_size for path in shards(exports("grid")["webdataset"])]
    monkeypatch.setenv("SYNRENDER_CACHE_GB", str(2.5 * max(sizes) / 1e9))
    url = remote("grid", "webdataset")
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = pool.starmap(_sum_images, [(url, 0), (url, 20)])
    expected = [int(s["image"].sum()) for s in open_dataset(exports("grid")["data"])]
    assert found == [expected, expected]


# --- mistakes and damage --------------------------------------------------------------------------


def refuse(work: Callable[[], object]) -> str:
    with pytest.raises(UserError) as error:
        work()
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("form", FORMATS)
def test_a_missing_or_damaged_shard_is_one_line(form: str, own: Callable[..., Path]) -> None:
    out = own("grid", form)
    path = next(path for path in shards(out) if path.name.startswith("test"))
    name, data = path.relative_to(out).as_posix(), path.read_bytes()
    opened = open_dataset(out, fields=["image", "class"])
    path.unlink()
    again = "the same export_dataset.py command writes it again"
    assert refuse(lambda: open_dataset(out)) == f"{out}: lacks {name}; {again}"
    last = len(opened) - 1
    path.write_bytes(data[:-600])
    line = refuse(lambda: open_dataset(out))
    assert f"{name} has {len(data) - 600} bytes instead of {len(data)}; remove it, and" in line
    for damaged in (bytes(len(data)), data[: len(data) // 2] + bytes(len(data) - len(data) // 2)):
        path.write_bytes(damaged)
        whole = open_dataset(out, fields=["image", "class"])
        line = refuse(lambda whole=whole: whole.read_samples(range(last - 3, last + 1)))
        assert line.startswith(f"{path}: damaged (")
        assert line.endswith(f"); remove it, and {again}")
    path.unlink()
    line = refuse(lambda: opened.read_samples([0, last]))
    assert line == f"{path}: is gone; open the export again"
    path.symlink_to(path.name)  # what no process can open is not damaged
    line = refuse(lambda: opened.read_samples([0, last]))
    assert line.startswith(f"{path}: cannot be read (")


@pytest.mark.parametrize("storage", ["file"], indirect=True)
@pytest.mark.parametrize("form", FORMATS)
def test_a_damaged_copy_is_fetched_again_when_it_is_removed(
    form: str, remote: Callable[..., str], tmp_path: Path
) -> None:
    url = remote("grid", form)
    before = open_dataset(url)[0]
    (path,) = shards(tmp_path / "cache")
    path.write_bytes(bytes(path.stat().st_size))
    line = refuse(lambda: open_dataset(url))
    assert line.startswith(f"{path}: damaged (")
    assert line.endswith("remove it, and it is fetched again")
    path.unlink()
    check_samples([open_dataset(url)[0]], [before])


def test_a_shard_that_storage_lost_is_named(remote: Callable[..., str]) -> None:
    url = remote("grid", "webdataset")
    data = open_dataset(url)
    RemoteFolder(url).remove("test-000000.tar")
    assert refuse(lambda: data[-1]) == f"{url}/test-000000.tar: is gone; put it there again"
    assert refuse(lambda: open_dataset(url)).startswith(f"{url}: lacks test-000000.tar; the same")


def test_what_an_export_lacks_is_one_line(own: Callable[..., Path]) -> None:
    out = own("multi", "webdataset")
    data = open_dataset(out)
    for name in ("normal", "caption_facts", "world_position", "imag"):
        line = refuse(lambda name=name: open_dataset(out, fields=[name]))
        assert f"{out}: was exported without {name!r}; write it with export_dataset.py" in line
    assert "did you mean 'image'" in line
    assert "--captions, or open" in refuse(lambda: data.with_captions(data.captions))
    marker = json.loads((out / "export.json").read_text())
    for change, words in (
        ({"format": "coco"}, "is an export to coco; open one to webdataset or parquet, or"),
        ({"info": {}}, "without a description of the data set; write it again with"),
        ({"splits": {}}, "damaged (it must name all shards and splits)"),
        ({"version": 1}, "damaged (version must be str, is '1')"),
    ):
        (out / "export.json").write_text(json.dumps(marker | change))
        assert words in refuse(lambda: open_dataset(out))
    (out / "export.json").unlink()
    assert "the folder of a complete export" in refuse(lambda: open_dataset(out))


def test_an_export_says_nothing_of_the_folders_of_its_author(
    quick: QuickArchiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = write_plain(tmp_path / "made", 12)
    settle(made, "plain")
    info = json.loads((made / "dataset.json").read_text())
    info["sources"]["models"]["source"] = info["sources"]["textures"]["source"] = "/secret/home/x"
    info["rejected"] = {"a/b": "/secret/home/x/a/b: no OBJ"}
    (made / "dataset.json").write_text(json.dumps(info))
    exporter = Exporter(tmp_path, tmp_path, quick.capsys, monkeypatch)
    out = exporter.export("made", "webdataset")
    assert b"secret" not in b"".join(p.read_bytes() for p in out.rglob("*") if p.is_file())
    fingerprint = open_dataset(out).info.sources.models.fingerprint
    assert fingerprint == info["sources"]["models"]["fingerprint"]


def test_parquet_says_which_package_it_needs(exports: Exports, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    line = refuse(lambda: open_dataset(exports("grid")["parquet"]))
    assert line.endswith("needs the Python package pyarrow; pip install pyarrow")
    assert open_dataset(exports("grid")["webdataset"])[0]
