from __future__ import annotations

import os

# For this process and all that tests start, before any of them loads numpy: to invert a small
# matrix takes ten times as long with two threads, and on a busy machine far longer.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import shutil
import signal
from collections.abc import Generator
from functools import partial
from pathlib import Path

import pytest

from synrender.assets.demo import ensure_demo
from synrender.cli.render import COMMAND
from synrender.settings.label_table import LABELS
from tests.helpers import (
    QuickCommand,
    Renderer,
    RenderServer,
    has_blender_executable,
    link_gin,
    make_once,
)

pytest_plugins = ["tests.storage", "tests.hub"]

BLENDERS = [
    "wheel",
    pytest.param("debian", marks=[pytest.mark.debian_blender, pytest.mark.slow]),
    *(f"bpy{v}" for v in os.environ.get("SYNRENDER_TEST_BLENDERS", "").split()),
]
"""`make test-blenders` adds the wheels that it installed, such as `bpy4.2`."""


def pytest_configure() -> None:
    """Heeds the signals that a shell, or nohup, has a command in the background ignore.

    The processes that tests start would inherit that, and no Ctrl-C could be tested.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


LONG = ("fanout", "hostile", "docs", "blender", "audit")
"""Folders of tests whose files take longest."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begins with files that take long, so that no process is left with one when others are done.

    `make test` has xdist keep this order.
    """
    places = {name: k for k, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path.parent.name, len(LONG)))


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data folder of this process's tests, with the demo set, which is made once for all."""
    demo = make_once(tmp_path_factory, "demo", lambda folder: ensure_demo(folder / "set"))
    folder = tmp_path_factory.mktemp("data")
    (folder / "demo_assets").symlink_to(demo / "set")
    return folder


@pytest.fixture(scope="session")
def gin_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that a Blender executable's Python needs on its path."""
    return link_gin(tmp_path_factory.mktemp("python") / "gin_only")


@pytest.fixture(scope="session")
def wheel(data_dir: Path) -> Renderer:
    """render.py with the bpy wheel."""
    return Renderer("wheel", data_dir)


@pytest.fixture
def idle_wheel(
    wheel: Renderer, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> QuickCommand:
    """render.py inside the test's process, for runs that end before they need Blender."""
    return QuickCommand(COMMAND, wheel.data_dir, capsys, monkeypatch)


@pytest.fixture(scope="session")
def server(wheel: Renderer) -> Generator[RenderServer]:
    """One bpy wheel that renders many data sets; each `wheel.render` starts another process."""
    server = RenderServer(wheel)
    yield server
    server.close()


@pytest.fixture(scope="session", params=BLENDERS)
def renderer(request: pytest.FixtureRequest, data_dir: Path, gin_dir: Path) -> Renderer:
    """render.py with each Blender, each with its own data folder."""
    if request.param == "wheel":
        return Renderer("wheel", data_dir)
    if request.param != "debian":
        return Renderer(request.param, link_demo(data_dir, request.param))
    return request.getfixturevalue("executable")


def link_demo(data_dir: Path, name: str) -> Path:
    """A data folder below another one, with the same demo models."""
    (data_dir / name).mkdir()
    (data_dir / name / "demo_assets").symlink_to(data_dir / "demo_assets")
    return data_dir / name


@pytest.fixture(scope="session")
def each_server(renderer: Renderer, request: pytest.FixtureRequest) -> Generator[RenderServer]:
    """`server` with each Blender."""
    if renderer.name == "wheel":
        yield request.getfixturevalue("server")
        return
    server = RenderServer(renderer)
    yield server
    server.close()


@pytest.fixture(scope="session")
def executable(data_dir: Path, gin_dir: Path) -> Renderer:
    """render.py with the Blender executable on the path."""
    if not has_blender_executable():
        pytest.skip("no blender on PATH; on Debian: apt-get install blender python3-numpy")
    return Renderer("debian", link_demo(data_dir, "debian"), {"PYTHONPATH": str(gin_dir)})


# --- data sets that are rendered once per session -------------------------------------------------

NUM_SINGLE, NUM_MULTI = 25, 20


@pytest.fixture(scope="session")
def rendered_single(wheel: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """25 samples of one object, PNG: a whole data set, so that all buckets are used."""
    size = [f"batch.num_samples = {NUM_SINGLE}", f"object.total_num_samples = {NUM_SINGLE}"]
    bindings = [*size, "batch.cache_obj_frames = 2"]
    make = partial(wheel.render_in, bindings=bindings)
    return make_once(tmp_path_factory, "single", make) / "set"


@pytest.fixture(scope="session")
def rendered_multi(wheel: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 samples of four objects, EXR: the first of a data set of 60000."""
    bindings = [f"batch.num_samples = {NUM_MULTI}"]
    make = partial(wheel.render_in, bindings=bindings, config="render_multi")
    return make_once(tmp_path_factory, "multi", make) / "set"


@pytest.fixture
def single(rendered_single: Path, tmp_path: Path) -> Path:
    return shutil.copytree(rendered_single, tmp_path / "single")


@pytest.fixture
def multi(rendered_multi: Path, tmp_path: Path) -> Path:
    return shutil.copytree(rendered_multi, tmp_path / "multi")


# --- labels ---------------------------------------------------------------------------------------

LABEL_LOOK = (
    "rendering.resolution = 32", "rendering.render_samples = 4",
    f"rendering.labels = {list(LABELS)}",
)  # fmt: skip


@pytest.fixture(scope="session")
def rendered_labels(wheel: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 samples of two objects with all labels, a whole data set in 3 buckets of 4: its groups."""
    size = ["batch.num_samples = 12", "object.total_num_samples = 12", "object.n_buckets = 3"]
    motion = ["batch.cache_obj_frames = 4", "object.random_viewpoint = 0.2"]
    bindings = [*size, *LABEL_LOOK, *motion, "sample.num_objs = 2"]
    make = partial(wheel.render_in, bindings=bindings, config="render_multi")
    return make_once(tmp_path_factory, "labels", make) / "set"


@pytest.fixture
def labeled(rendered_labels: Path, tmp_path: Path) -> Path:
    return shutil.copytree(rendered_labels, tmp_path / "labels")


@pytest.fixture(scope="session")
def rendered_labels_single(wheel: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3 samples of one object with all labels."""
    size = ["batch.num_samples = 3", "object.total_num_samples = 3", "object.n_buckets = 1"]
    bindings = [*size, *LABEL_LOOK, "sample.num_objs = 1"]
    make = partial(wheel.render_in, bindings=bindings, config="render_multi")
    return make_once(tmp_path_factory, "labels_single", make) / "set"
