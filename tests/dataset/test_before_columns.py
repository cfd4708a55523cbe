"""A data set of the version before records had more than 25 columns of factors still works.

It is of commit 9bfa000, with Blender 4.5.15: four tuples of three twins.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from synrender.audit.check import Verdict
from synrender.audit.run import audit_dataset
from synrender.dataset.folder import open_dataset_folder
from synrender.export.columns import create_schema
from synrender.loading.dataset import open_dataset
from synrender.settings.factor_table import COLUMNS, FIRST_COLUMNS
from synrender.system.folders import Folders
from tests.archive.helpers import QuickArchiver
from tests.helpers import Renderer

FIXTURE = Path(__file__).parents[1] / "fixtures" / "before_columns"
NUM_KEPT = 4  # samples: the second tuple is cut


@pytest.fixture
def before(wheel: Renderer, rendered_single: Path) -> Path:
    """A copy in the session's data folder, which has the same demo models."""
    dataset_dir = wheel.data_dir / FIXTURE.name
    shutil.rmtree(dataset_dir, ignore_errors=True)
    shutil.copytree(FIXTURE, dataset_dir)
    own = json.loads((rendered_single / "dataset.json").read_text())["versions"]
    known = json.loads((dataset_dir / "dataset.json").read_text())["versions"]
    if known["blender"] != own["blender"]:
        pytest.skip(f"rendered with Blender {known['blender']}")
    return dataset_dir


def test_it_is_continued_with_its_own_columns(before: Path, wheel: Renderer) -> None:
    for path in sorted((before / "img").glob("*.*"))[2 * NUM_KEPT :]:
        path.unlink()
    output = wheel.run("-d", before.name, "-g", str(before / "config.gin"))
    assert f"rendered {12 - NUM_KEPT} samples" in output
    for path in (FIXTURE / "img").glob("*.npy"):
        assert (before / "img" / path.name).read_bytes() == path.read_bytes(), path
    assert "equal, pixels and record" in wheel.run("--replay", before.name, "5")
    folder = open_dataset_folder(wheel.data_dir, before.name)
    checks = audit_dataset(folder, Folders(wheel.data_dir), 0, jobs=1, is_quiet=True)
    assert [check.name for check in checks if check.verdict is Verdict.FAIL] == []
    (twins,) = [check for check in checks if check.name == "twins"]
    assert "12 samples equal to the bit but for their factor, 0 faults" in twins.figures


def test_it_is_archived_read_and_exported(
    before: Path, wheel: Renderer, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = open_dataset(before / "img")
    QuickArchiver(wheel.data_dir, capsys, monkeypatch).run("-d", before.name, "-f", "-p", "-r", 32)
    with h5py.File(before / "imgs_00.h5") as file:
        assert tuple(file["factor_values"].attrs["columns"]) == FIRST_COLUMNS
        assert file["factor_values"].shape[-1] == file["factor_levels"].shape[-1] == 25
    for path in (before, before / "data_32.h5"):
        data = open_dataset(path)
        order = np.argsort(data.read_column("sample_idx"))
        for name in ("factor_values", "factor_levels"):
            found = data.read_column(name)[order]
            assert found.shape == (12, len(COLUMNS))
            np.testing.assert_array_equal(found, raw.read_column(name))
        assert np.isnan(data.factor_columns["roughness"]).all()
        assert (data.factor_columns["backdrop"] == -1).all()
    schema = create_schema(raw.info, raw[0] | {"labels": None}, has_pixel_labels=False)
    names = {column.name for column in schema.columns}
    assert "factor_camera_lens" in names
    assert "factor_environment" not in names
