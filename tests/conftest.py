from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import pytest

from synrender.settings.label_table import LABELS
from tests.helpers import Renderer, has_blender_executable, link_gin

BLENDERS = [
    "wheel",
    pytest.param("debian", marks=pytest.mark.debian_blender),
    *(f"bpy{v}" for v in os.environ.get("SYNRENDER_TEST_BLENDERS", "").split()),
]
"""`make test-blenders` adds the wheels that it installed, such as `bpy4.2`."""


def pytest_configure() -> None:
    """Undoes what a shell does to a command that it starts in the background: to ignore SIGINT.

    The processes that tests start would inherit that, and no Ctrl-C could be tested.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data folder of the whole test session; the demo set is made in it once."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def gin_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that a Blender executable's Python needs on its path."""
    return link_gin(tmp_path_factory.mktemp("python") / "gin_only")


@pytest.fixture(scope="session")
def wheel(data_dir: Path) -> Renderer:
    """render.py with the bpy wheel."""
    return Renderer("wheel", data_dir)


@pytest.fixture(scope="session", params=BLENDERS)
def renderer(request: pytest.FixtureRequest, data_dir: Path, gin_dir: Path) -> Renderer:
    """render.py with each Blender, each with its own data folder."""
    if request.param == "wheel":
        return Renderer("wheel", data_dir)
    if request.param != "debian":
        return Renderer(request.param, data_dir / request.param)
    if not has_blender_executable():
        pytest.skip("no blender on PATH; on Debian: apt-get install blender python3-numpy")
    return Renderer("debian", data_dir / "debian", {"PYTHONPATH": str(gin_dir)})


# --- data sets that are rendered once per session -------------------------------------------------

NUM_SINGLE, NUM_MULTI = 25, 20


@pytest.fixture(scope="session")
def rendered_single(wheel: Renderer) -> Path:
    """25 samples of one object, PNG: a whole data set, so that all buckets are used."""
    size = [f"batch.num_samples = {NUM_SINGLE}", f"object.total_num_samples = {NUM_SINGLE}"]
    return wheel.render("archive_single", *size, "batch.cache_obj_frames = 2")


@pytest.fixture(scope="session")
def rendered_multi(wheel: Renderer) -> Path:
    """20 samples of four objects, EXR: the first of a data set of 60000."""
    return wheel.render("archive_multi", f"batch.num_samples = {NUM_MULTI}", config="render_multi")


@pytest.fixture
def single(rendered_single: Path, tmp_path: Path) -> Path:
    return shutil.copytree(rendered_single, tmp_path / "single")


@pytest.fixture
def multi(rendered_multi: Path, tmp_path: Path) -> Path:
    return shutil.copytree(rendered_multi, tmp_path / "multi")


# --- labels ---------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def rendered_labels(wheel: Renderer) -> Path:
    """12 samples of two objects with all labels, a whole data set in 3 buckets of 4: its groups."""
    size = ["batch.num_samples = 12", "object.total_num_samples = 12", "object.n_buckets = 3"]
    look = ["rendering.resolution = 32", "rendering.render_samples = 4", "sample.num_objs = 2"]
    motion = ["batch.cache_obj_frames = 4", "object.random_viewpoint = 0.2"]
    labels = f"rendering.labels = {list(LABELS)}"
    return wheel.render("labels", *size, *look, *motion, labels, config="render_multi")


@pytest.fixture
def labelled(rendered_labels: Path, tmp_path: Path) -> Path:
    return shutil.copytree(rendered_labels, tmp_path / "labels")


@pytest.fixture(scope="session")
def rendered_labels_single(wheel: Renderer) -> Path:
    """3 samples of one object with all labels."""
    size = ["batch.num_samples = 3", "object.total_num_samples = 3", "object.n_buckets = 1"]
    look = ["rendering.resolution = 32", "rendering.render_samples = 4", "sample.num_objs = 1"]
    labels = f"rendering.labels = {list(LABELS)}"
    return wheel.render("labels_single", *size, *look, labels, config="render_multi")
