from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.archive.helpers import Archiver, QuickArchiver, write_dataset
from tests.helpers import Renderer

NUM_SINGLE, NUM_MULTI = 25, 20


@pytest.fixture(scope="session")
def rendered_single(wheel: Renderer) -> Path:
    """25 samples of one object, PNG: a whole data set, so that models are dealt out over it."""
    size = [f"batch.num_samples = {NUM_SINGLE}", f"object.total_num_samples = {NUM_SINGLE}"]
    return wheel.render("archive_single", *size, "batch.cache_obj_frames = 2")


@pytest.fixture(scope="session")
def rendered_multi(wheel: Renderer) -> Path:
    """20 samples of four objects, EXR: the beginning of a data set of 60000."""
    return wheel.render("archive_multi", f"batch.num_samples = {NUM_MULTI}", config="render_multi")


@pytest.fixture
def single(rendered_single: Path, tmp_path: Path) -> Path:
    return shutil.copytree(rendered_single, tmp_path / "single")


@pytest.fixture
def multi(rendered_multi: Path, tmp_path: Path) -> Path:
    return shutil.copytree(rendered_multi, tmp_path / "multi")


@pytest.fixture
def archiver(tmp_path: Path) -> Archiver:
    return Archiver(tmp_path)


@pytest.fixture
def quick(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> QuickArchiver:
    return QuickArchiver(tmp_path, capsys, monkeypatch)


@pytest.fixture
def write(rendered_single: Path, tmp_path: Path) -> Callable[..., Path]:
    """Writes a data set without rendering, under the name ``made``."""
    info = json.loads((rendered_single / "dataset.json").read_text())
    return lambda *args, **kwargs: write_dataset(tmp_path / "made", info, *args, **kwargs)
