from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

import synrender
from synrender.dataset.claim import (
    add_rejected,
    claim_renderer,
    describe_difference,
    extend_batch,
    refuse_other_settings,
)
from synrender.dataset.cpu_kinds import CpuSamples
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.info import RenderedBy, write_info
from synrender.errors import UserError
from synrender.settings.checks import FrozenDict
from synrender.settings.groups import Settings
from synrender.settings.load import load_settings
from synrender.system.cpus import CpuKind
from synrender.system.folders import find_program_version
from tests.sampling.designs.helpers import create_catalog

HERE, ELSEWHERE = CpuKind("Maker", "here", ("avx",)), CpuKind("Maker", "elsewhere", ("avx", "avx2"))
FIXTURES = Path(__file__).parents[1] / "fixtures"


@pytest.fixture
def folder(tmp_path: Path) -> DatasetFolder:
    """A data set without a recorded device, rendered with Blender 4.5.15."""
    path = shutil.copytree(FIXTURES / "before_single", tmp_path / "before_single")
    return DatasetFolder(path, is_exr=False)


def claim(
    folder: DatasetFolder, idxs: Sequence[int] = range(3), cpu: CpuKind = HERE, **changes: object
) -> str:
    """Claims samples for the renderer of the data set, but for what is changed."""
    by = RenderedBy("4.5.15", "CPU", cpu, revision=1)
    return claim_renderer(folder, dataclasses.replace(by, **changes), idxs)


@pytest.mark.parametrize(
    ("config", "typed", "first"),
    [
        (["render_multi"], ["sample.num_objs = 3"], "sample.num_objs = 1, this run has 3; also"),
        (["render_multi"], ["lighting.r = 9", "batch.seed = 8"], "lighting.r = 0.0, this run has"),
        (["render_single", "OWN"], [], "rendering.denoise_prefilter = 'fast', this run has 'none'"),
        ([], ["sample.classes = ['chair', 'lamp']"], r"sample.classes = \["),
        (["COPY"], ["lighting.r = 9"], r"lighting.r = 0.0, this run has 9.0: choose"),
    ],
)
def test_the_refusal_names_first_what_the_user_named(
    folder: DatasetFolder, tmp_path: Path, config: list[str], typed: list[str], first: str
) -> None:
    """And then what differs besides, such as settings that follow from those."""
    own = tmp_path / "own.gin"
    own.write_text("rendering.denoise_prefilter = 'none'\n")
    paths = {"OWN": str(own), "COPY": str(folder.config_path)}
    settings = load_settings([paths.get(name, name) for name in config], typed)
    with pytest.raises(UserError, match=f"was made with {first}") as caught:
        refuse_other_settings(folder, settings, create_catalog())
    assert "\n" not in str(caught.value)


def test_another_revision_is_refused(folder: DatasetFolder) -> None:
    """A node of a cluster may have another version of this program."""
    with pytest.raises(UserError, match="revision 1, and this program renders revision 2"):
        claim(folder, revision=2)


def test_another_kind_of_cpu_is_recorded_and_said(folder: DatasetFolder) -> None:
    assert claim(folder, range(6)) == ""
    line = claim(folder, range(4, 8), ELSEWHERE)
    assert folder.read_info().cpus == (CpuSamples(HERE, "0-3"), CpuSamples(ELSEWHERE, "4-7"))
    assert "is of 2 kinds of CPU: Maker here; Maker elsewhere with avx2." in line.replace(
        "Maker elsewhere with avx2; Maker here", "Maker here; Maker elsewhere with avx2"
    )
    assert "\n" not in line


def test_another_blender_is_refused(folder: DatasetFolder) -> None:
    with pytest.raises(UserError, match=r"rendered with Blender 4\.5\.15, this is 5\.2\.3"):
        claim(folder, blender="5.2.3")


def test_another_device_is_refused(folder: DatasetFolder) -> None:
    claim(folder)
    assert folder.read_info().device == "CPU"
    with pytest.raises(UserError, match="rendered on CPU, this run has OPTIX: NVIDIA L4"):
        claim(folder, device="OPTIX: NVIDIA L4")
    assert folder.read_info().device == "CPU"


def test_a_data_set_without_a_device_is_the_cpus_unless_it_allowed_a_gpu(
    folder: DatasetFolder,
) -> None:
    with pytest.raises(UserError, match="rendered on CPU"):
        claim(folder, device="OPTIX: NVIDIA L4")
    info = folder.read_info()
    rendering = dataclasses.replace(info.settings.rendering, use_gpu=True)
    settings = dataclasses.replace(info.settings, rendering=rendering)
    write_info(folder.path, dataclasses.replace(info, settings=settings))
    claim(folder, device="OPTIX: NVIDIA L4")
    assert folder.read_info().device == "OPTIX: NVIDIA L4"


def test_cards_of_one_model_are_one_device_however_many(folder: DatasetFolder) -> None:
    claim(folder)
    info = folder.read_info()
    write_info(folder.path, dataclasses.replace(info, device="OPTIX: NVIDIA L4, NVIDIA L4"))
    claim(folder, device="OPTIX: NVIDIA L4")


def test_mixed_devices_are_recorded_for_each_sample_where_they_are_allowed(
    folder: DatasetFolder,
) -> None:
    claim(folder)
    with pytest.raises(UserError, match=r"allow it with rendering\.allow_mixed_devices = True"):
        claim(folder, device="OPTIX: NVIDIA L4")
    info = folder.read_info()
    rendering = dataclasses.replace(info.settings.rendering, allow_mixed_devices=True)
    allowed = dataclasses.replace(info.settings, rendering=rendering)
    assert describe_difference(info.settings, allowed) == ""
    write_info(folder.path, extend_batch(info, allowed))
    for number, device in enumerate(["OPTIX: NVIDIA L4", "CPU", "OPTIX: NVIDIA L4"]):
        claim(folder, [2 * number, 2 * number + 1], device=device)
    found = folder.read_info()
    assert found.device == "CPU"
    assert [(entry.device, entry.samples) for entry in found.cpus if entry.device] == [
        ("CPU", "2-3"), ("OPTIX: NVIDIA L4", "0-1, 4-5"),
    ]  # fmt: skip


def test_rejections_add_up_in_order(folder: DatasetFolder) -> None:
    add_rejected(folder, {"b": "empty file"})
    add_rejected(folder, {"a": "no faces", "b": "empty file"})
    assert list(folder.read_info().rejected.items()) == [("a", "no faces"), ("b", "empty file")]


def test_the_programs_version_names_the_commit_in_a_clone() -> None:
    version = find_program_version()
    assert version.startswith(synrender.__version__)
    if Path(".git").exists() and shutil.which("git"):
        assert "+" in version


def test_a_choice_of_levels_that_decides_nothing_is_no_difference(folder: DatasetFolder) -> None:
    """A data set of before without such levels goes on with a configuration of today."""
    info = folder.read_info()
    settings = info.settings
    spread = dataclasses.replace(
        settings, design=dataclasses.replace(settings.design, level_choice="spread")
    )
    for changed, is_refused in ((spread, False), (give_levels(spread), True)):
        stored = give_levels(settings) if is_refused else settings
        assert ("level_choice" in describe_difference(stored, changed)) is is_refused


def give_levels(settings: Settings) -> Settings:
    levels = FrozenDict({"azimuth": 6, "texture": 3})
    return dataclasses.replace(settings, design=dataclasses.replace(settings.design, levels=levels))
