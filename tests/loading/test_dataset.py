from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

import synrender
from synrender.archive.hdf5_files import shard_path
from synrender.dataset.record import NEW_NAMES, RECORD_DTYPE, are_equal
from synrender.errors import UserError
from synrender.images.conversions import linear_to_srgb8
from synrender.images.exr import read_exr
from tests.archive.helpers import QuickArchiver
from tests.helpers import read_image
from tests.loading.conftest import FIXTURES, RES
from tests.loading.forked import run_alone

Formats = Callable[..., dict[str, Path]]
FORMATS = ("raw", "shards", "arrays")


def by_idx(samples: list[dict]) -> dict[int, dict]:
    return {int(np.ravel(sample["sample_idx"])[0]): sample for sample in samples}


def read_all(path: Path, **options: object) -> dict[int, dict]:
    data = synrender.open_dataset(path, **options)
    return by_idx([data[i] for i in range(len(data))])


def double(sample: dict) -> dict:
    return {"twice": sample["image"].astype(int) * 2}


# --- content ------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(("num_objs", "is_exr"), [(1, False), (1, True), (3, True)])
def test_every_format_gives_the_fields_of_the_small_files(
    form: str, num_objs: int, is_exr: bool, formats: Formats
) -> None:
    path = formats(24, num_objs, is_exr)[form]
    folder = path.parent if path.is_file() or path.name == "img" else path
    samples = read_all(path)
    assert sorted(samples) == list(range(24))
    for idx, sample in samples.items():
        record = np.load(folder / "img" / f"{idx:05d}.npy")
        for name in RECORD_DTYPE.names:
            expected = record[name] if num_objs > 1 else record[name][0]
            if record[name].dtype.kind == "U":
                assert sample[name] == expected.tolist()
                assert type(np.ravel(np.array(sample[name], object))[0]) is str
            else:
                assert are_equal(expected, sample[name]), name
        image = sample["image"]
        if form == "arrays":
            with h5py.File(path) as file:
                mean, std = file.attrs["mean"], file.attrs["std"]
            image = np.rint(image.transpose(1, 2, 0).astype(float) * std + mean)
        if not is_exr:
            assert not {"depth_m", "class_map", "instance_map"} & set(sample)
            np.testing.assert_array_equal(image, read_image(folder, idx))
            continue
        exr = read_exr(folder / "img" / f"{idx:05d}.exr")
        np.testing.assert_array_equal(image, linear_to_srgb8(exr.rgb_linear))
        np.testing.assert_array_equal(sample["instance_map"], exr.instance)
        np.testing.assert_array_equal(sample["class_map"], exr.class_label)
        np.testing.assert_allclose(sample["depth_m"], exr.depth_m, atol=0.000051)
        assert sample["depth_m"].dtype == np.float32


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("nothing_hit", [np.nan, 0.0])
def test_where_nothing_is_hit_depth_is_as_asked(
    form: str, nothing_hit: float, tmp_path: Path, quick: QuickArchiver
) -> None:
    from tests.archive.helpers import write_exr

    folder = shutil.copytree(FIXTURES / "before_multi", tmp_path / "made")
    for path in sorted((folder / "img").glob("*.exr")):
        exr = read_exr(path)
        depth = exr.depth_m.copy()
        depth[:3, :5] = 1e10
        labels = exr.instance.astype(np.float32)
        write_exr(path, exr.rgb_linear, labels, exr.class_label * 1.0, depth)
    quick.run("-d", "made", "-f", "-p", "-r", 32)
    path = {"raw": folder / "img", "shards": folder, "arrays": folder / "data_32.h5"}[form]
    options = {} if np.isnan(nothing_hit) else {"nothing_hit": nothing_hit}
    data = synrender.open_dataset(path, **options)
    for i in range(len(data)):
        depth = data[i]["depth_m"]
        np.testing.assert_array_equal(depth[:3, :5], np.full((3, 5), nothing_hit, np.float32))
        assert (depth[3:] > 0).all()


@pytest.mark.parametrize("form", FORMATS)
def test_splits_transform_and_chosen_fields(form: str, formats: Formats) -> None:
    path = formats(48)[form]
    parts = {s: synrender.open_dataset(path, split=s) for s in ("train", "validation", "test")}
    assert [len(part) for part in parts.values()] == [40, 4, 4]
    for data in parts.values():
        assert data.split_ends == {"train": 40, "validation": 44, "test": 48}
        assert data.class_names[0] == "airplane,aeroplane,plane"
    found = {s: {int(x["sample_idx"][0]) for x in map(d.__getitem__, range(len(d)))}
             for s, d in parts.items()}  # fmt: skip
    assert found["train"] == set(range(40))
    assert found["test"] == set(range(44, 48))
    data = synrender.open_dataset(path, fields=["texture", "image"])
    assert list(data[3]) == ["texture", "image"]
    doubled = synrender.open_dataset(path, "train", double)
    np.testing.assert_array_equal(doubled[3]["twice"], data[3]["image"].astype(int) * 2)
    other = doubled.with_fields(["sample_idx", "image"])
    assert list(other[3]) == ["sample_idx", "image"]
    assert len(other) == len(doubled) < len(data)
    assert other.with_fields(None).fields == synrender.open_dataset(path).fields


@pytest.mark.parametrize("form", FORMATS)
def test_splits_of_a_size_that_12_does_not_divide_end_where_split_ends_says(
    form: str, formats: Formats
) -> None:
    path = formats(29, 1, is_exr=False)[form]
    ends = [24, 26, 29]  # with n // 12 rows each from the end it would be 25, 27, 29
    for k, split in enumerate(("train", "validation", "test")):
        data = synrender.open_dataset(path, split=split)
        assert list(data.split_ends.values()) == ends
        found = {int(data[i]["sample_idx"]) for i in range(len(data))}
        assert found == set(range([0, *ends][k], ends[k]))


def test_a_png_is_given_as_it_is_when_it_is_named(formats: Formats) -> None:
    """From small PNGs and from shards; the arrays have none."""
    paths = formats(24, 1, is_exr=False)
    for form in ("raw", "shards"):
        assert "image_png" not in synrender.open_dataset(paths[form])[0]
        for idx, sample in read_all(paths[form], fields=("sample_idx", "image_png")).items():
            file = paths["raw"] / f"{idx:05d}.png"
            assert sample == {"sample_idx": idx, "image_png": file.read_bytes()}
    with pytest.raises(UserError, match="no field 'image_png'"):
        synrender.open_dataset(paths["arrays"], fields=("image_png",))


@pytest.mark.parametrize("form", FORMATS)
def test_a_batch_is_what_its_samples_are_one_by_one(form: str, formats: Formats) -> None:
    data = synrender.open_dataset(formats(48)[form])
    idxs = [47, 3, 3, 0, 20, 9, 10, -1]
    for i, sample in zip(idxs, data.read_samples(idxs), strict=True):
        alone = data[i]
        assert list(sample) == list(alone) == list(data.fields)
        for name, value in alone.items():
            np.testing.assert_array_equal(sample[name], value)
        sample["image"][:] = 0  # the caller's own
        assert data[i]["image"].any()


def test_a_shard_alone_knows_its_split(formats: Formats) -> None:
    folder = formats(48)["shards"]
    last = synrender.open_dataset(shard_path(folder, 4))  # rows 38 to 47 of five shards
    assert len(last) == 10
    test = synrender.open_dataset(shard_path(folder, 4), split="test")
    assert sorted(int(test[i]["sample_idx"][0]) for i in range(len(test))) == [44, 45, 46, 47]
    assert not len(synrender.open_dataset(shard_path(folder, 0), split="test"))


@pytest.mark.parametrize("name", ["data", "targets", "depth", "rot_mat"])
def test_a_file_that_others_compressed_reads_alike(name: str, own_formats: Formats) -> None:
    path = own_formats(24)["arrays"]
    before = read_all(path)
    with h5py.File(path, "r+") as file:
        values = file[name][...]
        del file[name]
        file.create_dataset(name, data=values, chunks=True, compression="gzip")
    for idx, sample in read_all(path).items():
        for field, value in before[idx].items():
            np.testing.assert_array_equal(sample[field], value)
    data = synrender.open_dataset(path)
    assert len(data.read_samples([5, 2, 5])) == len(data.__getitems__([5, 2, 5])) == 3


@pytest.mark.parametrize("name", ["before_single", "before_multi"])
def test_archives_from_before_designs_open(name: str, tmp_path: Path, quick: QuickArchiver) -> None:
    """Without the fields and the depth that came since."""
    folder = shutil.copytree(FIXTURES / name, tmp_path / "made")
    quick.run("-d", "made", "-f", "-p", "-r", 32)
    raw = read_all(folder / "img")
    for path in [*folder.glob("imgs_*.h5"), folder / "data_32.h5"]:
        with h5py.File(path, "r+") as file:
            for field in {*NEW_NAMES, "depth"} & set(file):
                del file[field]
    for path in (folder, folder / "data_32.h5"):
        samples = read_all(path)
        assert samples.keys() == raw.keys()
        np.testing.assert_array_equal(samples[1]["rot_mat"], raw[1]["rot_mat"])
        data = synrender.open_dataset(path)
        assert np.isnan(data.factor_values).all()
        assert data.twins() == {}
    assert ("class_map" in samples[1]) == (name == "before_multi")
    with pytest.raises(UserError, match="holds no depth"):
        synrender.open_dataset(folder / "data_32.h5", fields=["depth_m"])


# --- processes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_other_processes_read_the_same(method: str, formats: Formats) -> None:
    """Also where this process has read from it before, with its files open."""
    run_alone("read_in_two_processes", method, *formats(24).values())


def test_what_was_read_is_not_pickled(formats: Formats) -> None:
    data = synrender.open_dataset(formats(48)["shards"])
    size = len(pickle.dumps(data))
    assert data.factor_levels.size
    assert data[0]
    assert len(pickle.dumps(data)) == size


def test_a_forked_process_opens_files_of_its_own(formats: Formats) -> None:
    """HDF5 keeps state of an open file that must not be used by two processes."""
    run_alone("open_files_in_a_fork", formats(24)["shards"])


def test_importing_the_package_does_not_import_h5py() -> None:
    script = "import sys, synrender; assert 'h5py' not in sys.modules; synrender.open_dataset"
    subprocess.run([sys.executable, "-c", script], check=True)


# --- mistakes -----------------------------------------------------------------------------------


def test_mistakes_are_one_clear_line(own_formats: Formats, tmp_path: Path) -> None:
    folder = own_formats(24)["shards"]

    def refuse(path: Path, **options: object) -> str:
        with pytest.raises(UserError) as error:
            synrender.open_dataset(path, **options)
        assert "\n" not in str(error.value)
        return str(error.value)

    assert "no data set" in refuse(tmp_path / "nowhere")
    assert "did you mean 'texture'" in refuse(folder, fields=["textur"])
    assert "'train', 'validation', 'test'" in refuse(folder, split="training")
    with pytest.raises(IndexError, match="has 24 samples"):
        synrender.open_dataset(folder)[24]
    shard_path(folder, 2).rename(folder / "hidden.h5")
    assert "lacks imgs_02.h5 (1 of 5 shards)" in refuse(folder)
    shutil.rmtree(folder / "img")
    for path in folder.glob("imgs_*.h5"):
        path.unlink()
    assert len(synrender.open_dataset(folder)) == 24  # the only data_<res>.h5
    shutil.copy(folder / f"data_{RES}.h5", folder / "data_99.h5")
    assert f"data_{RES}.h5, data_99.h5; open one" in refuse(folder)
    (folder / "data_99.h5").write_bytes(b"no HDF5")
    assert "no HDF5 file" in refuse(folder / "data_99.h5")
