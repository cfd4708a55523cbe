"""Commands that meet at one data set: one goes on, and the others are told so."""

from __future__ import annotations

import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from synrender.assets.catalog import Catalog, load_catalog
from synrender.dataset.claim import claimed
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.lock import in_use, locked
from synrender.errors import UserError
from synrender.settings.groups import Settings
from synrender.settings.load import load_settings
from synrender.system.folders import Folders
from tests.fanout.drive import write_assets


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Catalog]:
    root = tmp_path_factory.mktemp("assets")
    settings = load_settings(["render_single"], ["sample.class_idxs = 2", "batch.num_samples = 24"])
    return settings, load_catalog(settings, Folders(root, *write_assets(root)))


@pytest.fixture
def folder(tmp_path: Path) -> DatasetFolder:
    return DatasetFolder(tmp_path / "met", is_exr=False)


def test_of_two_that_overwrite_at_once_one_goes_on(
    folder: DatasetFolder, given: tuple[Settings, Catalog]
) -> None:
    """Each holds what it has begun until both are done, as they do who render it then."""
    settings, catalog = given
    start, end = threading.Barrier(2), threading.Barrier(2)

    def overwrite(seed: int) -> str:
        batch = dataclasses.replace(settings.batch, seed=seed)
        start.wait(60)
        try:
            with claimed(
                folder, dataclasses.replace(settings, batch=batch), catalog, overwrite=True
            ):
                end.wait(60)
                assert folder.read_info().seed == seed
                return ""
        except UserError as error:
            end.wait(60)
            return str(error)

    with ThreadPoolExecutor(2) as threads:
        for _ in range(50):
            results = sorted(threads.map(overwrite, (1, 2)))
            assert results[0] == ""
            assert "met cannot be overwritten now: " in results[1]
            (folder.image_dir / "00000.png").write_bytes(b"of the one that went on")


def test_nobody_overwrites_what_is_claimed_and_not_rendered_yet(
    folder: DatasetFolder, given: tuple[Settings, Catalog]
) -> None:
    with claimed(folder, *given):
        refused = pytest.raises(UserError, match="cannot be overwritten now")
        with refused, claimed(folder, *given, overwrite=True):
            pass
        with claimed(folder, *given):  # others may render it as well
            pass
    refused = pytest.raises(UserError, match="cannot be rendered now")
    with in_use(folder.path, "archived", is_shared=False), refused, claimed(folder, *given):
        pass
    with claimed(folder, *given, overwrite=True):
        assert folder.is_begun


def test_a_lock_that_is_removed_is_never_held_twice(tmp_path: Path) -> None:
    """Users and earlier versions remove it while others wait for it."""
    alone = threading.Lock()

    def work() -> None:
        for _ in range(100):
            with locked(tmp_path):
                assert alone.acquire(blocking=False)
                alone.release()
                (tmp_path / ".lock").unlink()  # from now on, others lock a new one

    with ThreadPoolExecutor(4) as threads:
        for future in [threads.submit(work) for _ in range(4)]:
            future.result(60)
