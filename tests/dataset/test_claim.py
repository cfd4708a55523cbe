from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

import synrender
from synrender.dataset.claim import add_rejected, claim_renderer
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.info import write_info
from synrender.errors import UserError
from synrender.system.version import find_program_version

FIXTURES = Path(__file__).parents[1] / "fixtures"


@pytest.fixture
def folder(tmp_path: Path) -> DatasetFolder:
    """A data set without a recorded device, rendered with Blender 4.5.15."""
    path = shutil.copytree(FIXTURES / "before_single", tmp_path / "before_single")
    return DatasetFolder(path, is_exr=False)


def test_another_blender_is_refused(folder: DatasetFolder) -> None:
    with pytest.raises(UserError, match=r"rendered with Blender 4\.5\.15, this is 5\.2\.3"):
        claim_renderer(folder, "5.2.3", "CPU")


def test_another_device_is_refused(folder: DatasetFolder) -> None:
    claim_renderer(folder, "4.5.15", "CPU")
    assert folder.read_info().device == "CPU"
    with pytest.raises(UserError, match="rendered on CPU, this run has OPTIX: NVIDIA L4"):
        claim_renderer(folder, "4.5.15", "OPTIX: NVIDIA L4")
    assert folder.read_info().device == "CPU"


def test_a_data_set_without_a_device_is_the_cpus_unless_it_allowed_a_gpu(
    folder: DatasetFolder,
) -> None:
    with pytest.raises(UserError, match="rendered on CPU"):
        claim_renderer(folder, "4.5.15", "OPTIX: NVIDIA L4")
    info = folder.read_info()
    rendering = dataclasses.replace(info.settings.rendering, use_gpu=True)
    settings = dataclasses.replace(info.settings, rendering=rendering)
    write_info(folder.path, dataclasses.replace(info, settings=settings))
    claim_renderer(folder, "4.5.15", "OPTIX: NVIDIA L4")
    assert folder.read_info().device == "OPTIX: NVIDIA L4"


def test_rejections_add_up_in_order(folder: DatasetFolder) -> None:
    add_rejected(folder, {"b": "empty file"})
    add_rejected(folder, {"a": "no faces", "b": "empty file"})
    assert list(folder.read_info().rejected.items()) == [("a", "no faces"), ("b", "empty file")]


def test_the_programs_version_names_the_commit_in_a_clone() -> None:
    version = find_program_version()
    assert version.startswith(synrender.__version__)
    if Path(".git").exists() and shutil.which("git"):
        assert "+" in version
