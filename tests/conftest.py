from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.helpers import Renderer, has_blender_executable, link_gin

BLENDERS = [
    "wheel",
    pytest.param("debian", marks=pytest.mark.debian_blender),
    *(f"bpy{v}" for v in os.environ.get("SYNRENDER_TEST_BLENDERS", "").split()),
]
"""`make test-blenders` adds the wheels that it has set up, as `bpy4.2` and so on."""


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data folder of the whole test session; the demo set is made in it once."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="session")
def gin_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a Blender executable's Python needs on its path."""
    return link_gin(tmp_path_factory.mktemp("python") / "gin_only")


@pytest.fixture(scope="session")
def wheel(data_dir: Path) -> Renderer:
    """render.py with the bpy wheel."""
    return Renderer("wheel", data_dir)


@pytest.fixture(scope="session", params=BLENDERS)
def renderer(request: pytest.FixtureRequest, data_dir: Path, gin_dir: Path) -> Renderer:
    """render.py with each Blender, every one writing into a data folder of its own."""
    if request.param == "wheel":
        return Renderer("wheel", data_dir)
    if request.param != "debian":
        return Renderer(request.param, data_dir / request.param)
    if not has_blender_executable():
        pytest.skip("no blender on PATH; on Debian: apt-get install blender python3-numpy")
    return Renderer("debian", data_dir / "debian", {"PYTHONPATH": str(gin_dir)})
