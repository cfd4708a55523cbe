"""Data sets in object storage are read as local ones, through a cache of bounded size."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from synrender.errors import UserError
from synrender.loading.dataset import open_dataset
from synrender.loading.remote_files import find_cache
from tests.archive.helpers import QuickArchiver
from tests.loading.conftest import RES

NUM_SAMPLES = 48


@pytest.fixture
def local(
    own_formats: Callable[..., dict[str, Path]],
    quick: QuickArchiver,
    storage: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, Path]:
    """A data set, of which the HDF5 files are also in the storage."""
    paths = own_formats(NUM_SAMPLES)
    quick.run("-d", "made", "-p", "-r", RES, "--out", f"{storage}/made")
    monkeypatch.setenv("SYNRENDER_CACHE_DIR", str(tmp_path / "cache"))
    return paths


def check_equal(found, expected) -> None:
    assert len(found) == len(expected) == NUM_SAMPLES
    assert found.split_ends == expected.split_ends
    assert found.fields == expected.fields
    for k in (0, NUM_SAMPLES - 1, 7, 23):
        for name, value in expected[k].items():
            np.testing.assert_array_equal(found[k][name], value)
    np.testing.assert_array_equal(found.factor_values, expected.factor_values)


def test_shards_and_arrays_are_equal(local: dict[str, Path], storage: str) -> None:
    url = f"{storage}/made"
    check_equal(open_dataset(url), open_dataset(local["shards"]))
    check_equal(open_dataset(f"{url}/data_{RES}.h5"), open_dataset(local["arrays"]))
    one = open_dataset(f"{url}/imgs_01.h5", "train")
    expected = open_dataset(local["shards"] / "imgs_01.h5", "train")
    np.testing.assert_array_equal(one[0]["sample_idx"], expected[0]["sample_idx"])
    assert repr(one).startswith(f"<{url}/imgs_01.h5, train: ")


def test_only_what_is_read_is_fetched(local: dict[str, Path], storage: str, tmp_path: Path) -> None:
    data = open_dataset(f"{storage}/made", fields=["class"])
    assert [p.name for p in (tmp_path / "cache").rglob("*.h5")] == ["imgs_00.h5"]
    data[NUM_SAMPLES - 1]
    names = sorted(p.name for p in (tmp_path / "cache").rglob("*.h5"))
    assert names == ["imgs_00.h5", "imgs_04.h5"]


def test_the_cache_stays_within_its_size(
    local: dict[str, Path], storage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards = sorted(local["shards"].glob("imgs_*.h5"))
    max_bytes = int(2.5 * max(path.stat().st_size for path in shards))
    monkeypatch.setenv("SYNRENDER_CACHE_GB", str(max_bytes / 1e9))
    mine = [tmp_path / "cache" / name for name in ("mine.h5", "others/mine.h5")]
    for path in mine:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"mine")
    data = open_dataset(f"{storage}/made")
    expected = open_dataset(local["shards"])
    for k in np.random.default_rng(0).permutation(NUM_SAMPLES):
        np.testing.assert_array_equal(data[k]["image"], expected[k]["image"])
        data.close()
    cached = set((tmp_path / "cache").glob("*/*.h5")) - set(mine)
    assert 0 < sum(p.stat().st_size for p in cached) <= max_bytes
    assert [path.read_bytes() for path in mine] == [b"mine"] * 2
    monkeypatch.setenv("SYNRENDER_CACHE_GB", "1e-9")
    with pytest.raises(UserError, match=r"SYNRENDER_CACHE_GB to more"):
        open_dataset(f"{storage}/made")


def test_a_file_that_changed_is_fetched_again(
    local: dict[str, Path], storage: str, quick: QuickArchiver
) -> None:
    url = f"{storage}/made/data_{RES}.h5"
    before = open_dataset(url)[0]["image"]
    quick.run("-d", "made", "-p", "-r", RES, "--use_mean", "--overwrite")
    quick.run(
        "-d", "made", "-p", "-r", RES, "--use_mean", "--overwrite", "--out", f"{storage}/made"
    )
    assert (open_dataset(url)[0]["image"] != before).any()


def _read_one(url: str, k: int) -> int:
    return int(np.ravel(open_dataset(url, fields=["sample_idx"])[k]["sample_idx"])[0])


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_share_the_cache(local: dict[str, Path], storage: str, method: str) -> None:
    url = f"{storage}/made"
    opened = open_dataset(url, fields=["sample_idx"])
    with multiprocessing.get_context(method).Pool(2) as pool:
        found = pool.starmap(_read_one, [(url, k) for k in range(0, NUM_SAMPLES, 5)])
    assert found == [int(np.ravel(opened[k]["sample_idx"])[0]) for k in range(0, NUM_SAMPLES, 5)]


def test_what_is_not_there_is_named(storage: str) -> None:
    with pytest.raises(UserError, match="no HDF5 file of ours"):
        open_dataset(f"{storage}/nothing")


def test_the_default_cache_is_this_users_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = find_cache({}).folder
    assert folder.parent == tmp_path
    assert folder.stat().st_mode & 0o777 == 0o700
    assert find_cache({}).folder == folder
    folder.chmod(0o777)
    with pytest.raises(UserError, match="SYNRENDER_CACHE_DIR"):
        find_cache({})
    folder.rmdir()
    folder.symlink_to(tmp_path)  # somebody else's, who was first
    with pytest.raises(UserError, match="this user alone"):
        find_cache({})
