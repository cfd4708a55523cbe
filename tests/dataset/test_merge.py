"""Parts of a data set that were rendered into several folders become one, and nothing else does."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from synrender.cli.dataset import COMMAND
from synrender.cli.script import run_command
from synrender.dataset.claim import add_rejected
from synrender.dataset.cpu_kinds import add_samples
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.info import read_required_info, write_info
from synrender.dataset.merge import Merged, merge_datasets
from synrender.errors import UserError
from synrender.settings.load import load_settings
from synrender.system.cpus import CpuKind

FIXTURES = Path(__file__).parents[1] / "fixtures"
WHOLE = FIXTURES / "before_single"


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    """Two parts: samples of even and of odd index."""
    found = [shutil.copytree(WHOLE, tmp_path / "parts" / name / "mine") for name in "ab"]
    for number, part in enumerate(found):
        for path in (part / "img").iterdir():
            if int(path.stem) % 2 != number:
                path.unlink()
    return found


def merge(parts: list[Path], tmp_path: Path) -> Merged:
    return merge_datasets(tmp_path / "merged", parts, lambda done, total: None)


def read_all(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "img").iterdir()}


def test_parts_become_one_data_set_and_stay(parts: list[Path], tmp_path: Path) -> None:
    before = [read_all(part) for part in parts]
    merged = merge(parts, tmp_path)
    num_samples = len(read_all(WHOLE)) // 2
    assert (merged.num_copied, merged.num_missing) == (num_samples, 0)
    assert read_all(tmp_path / "merged") == read_all(WHOLE)
    assert read_required_info(tmp_path / "merged") == read_required_info(WHOLE)
    colors = tmp_path / "merged" / "color_reference.npy"
    assert colors.read_bytes() == (WHOLE / colors.name).read_bytes()
    assert load_settings([str(tmp_path / "merged" / "config.gin")])
    assert [read_all(part) for part in parts] == before


def test_a_killed_merge_is_continued(parts: list[Path], tmp_path: Path) -> None:
    merge(parts[:1], tmp_path)
    (tmp_path / "merged/img/00000.npy").unlink()  # the image is there, and the record is not
    merged = merge(parts, tmp_path)
    assert merged.num_missing == 0
    assert merged.num_present == len(read_all(parts[0])) // 2 - 1
    assert read_all(tmp_path / "merged") == read_all(WHOLE)


def test_a_damaged_sample_is_left_out(parts: list[Path], tmp_path: Path) -> None:
    image = parts[1] / "img/00001.png"
    image.write_bytes(image.read_bytes()[:-40])
    merged = merge(parts, tmp_path)
    assert (merged.num_damaged, merged.num_missing) == (1, 1)
    assert not (tmp_path / "merged/img/00001.npy").exists()


def test_samples_of_what_another_part_rejected_are_left_out(
    parts: list[Path], tmp_path: Path
) -> None:
    row = np.load(parts[1] / "img/00001.npy")[0]
    model = f"{row['synset_id']}/{row['model_id']}"
    add_rejected(DatasetFolder(parts[0], is_exr=False), {model: "crashes"})
    merged = merge(parts, tmp_path)
    assert merged.num_rejected >= 1
    assert merged.num_missing == merged.num_rejected
    assert not (tmp_path / "merged/img/00001.npy").exists()
    assert read_required_info(tmp_path / "merged").rejected == {model: "crashes"}


def test_a_part_with_other_settings_is_refused(parts: list[Path], tmp_path: Path) -> None:
    info = read_required_info(parts[1])
    scene = dataclasses.replace(info.settings.scene, camera_lens=60.0)
    settings = dataclasses.replace(info.settings, scene=scene)
    write_info(parts[1], dataclasses.replace(info, settings=settings))
    with pytest.raises(UserError, match=r"scene\.camera_lens.*no parts of one data set"):
        merge(parts, tmp_path)
    assert not (tmp_path / "merged").exists()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"device": "OPTIX: NVIDIA L4"}, "the device CPU"),
        ({"versions": {"blender": "9.9.9"}}, "Blender .*9.9.9"),
        ({"render_revision": 7}, "revision"),
    ],
)
def test_a_part_of_another_renderer_is_refused(
    parts: list[Path], tmp_path: Path, changed: dict[str, object], message: str
) -> None:
    path = parts[1] / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))
    with pytest.raises(UserError, match=message):
        merge(parts, tmp_path)


def test_a_sample_that_differs_is_refused(parts: list[Path], tmp_path: Path) -> None:
    for kind, other in (("png", "00002.png"), ("npy", "00002.npy")):
        shutil.copy(parts[0] / "img" / other, parts[1] / "img" / f"00000.{kind}")
    with pytest.raises(UserError, match=r"sample 0: img/00000\.\w+ differs"):
        merge(parts, tmp_path)


def test_the_merged_data_set_is_none_of_the_parts(parts: list[Path]) -> None:
    with pytest.raises(UserError, match="is one of the parts"):
        merge_datasets(parts[0], parts, lambda done, total: None)


def test_the_command_says_what_is_missing(
    parts: list[Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SYNRENDER_DATA_DIR", str(tmp_path / "data"))
    assert run_command(COMMAND, ["merge", str(parts[0]), "-d", "joined"]) == 0
    out = capsys.readouterr().out
    assert "copied, 0 there already" in out
    assert "to render what is missing: python render.py -d joined -g " in out


def test_parts_of_several_devices_keep_the_device_of_each_sample(
    parts: list[Path], tmp_path: Path
) -> None:
    devices = "CPU", "OPTIX: NVIDIA L4"
    for part, device in zip(parts, devices, strict=True):
        info = read_required_info(part)
        rendering = dataclasses.replace(info.settings.rendering, allow_mixed_devices=True)
        settings = dataclasses.replace(info.settings, rendering=rendering)
        idxs = DatasetFolder(part, is_exr=False).list_samples().pairs
        cpus = add_samples((), CpuKind("Maker", "here", ("avx",)), idxs)
        changed = dataclasses.replace(info, settings=settings, device=device, cpus=cpus)
        write_info(part, changed)
    merge(parts, tmp_path)
    merged = read_required_info(tmp_path / "merged")
    assert merged.device == "CPU"
    assert [(entry.device, entry.ranges[0][0]) for entry in merged.cpus] == [
        (None, 0), ("OPTIX: NVIDIA L4", 1),
    ]  # fmt: skip
