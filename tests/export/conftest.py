from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from synrender.settings.factor_table import COLUMNS
from tests.archive.helpers import Archiver, write_dataset
from tests.export.helpers import Exporter

FIXTURES = Path(__file__).parents[1] / "fixtures"
NUM_SAMPLES, RES = 24, 16


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data sets without rendering: `single` (PNG) and `multi` (EXR), and both as HDF5 alone."""
    data_dir = tmp_path_factory.mktemp("made")
    info = json.loads((FIXTURES / "before_single" / "dataset.json").read_text())
    names = ["airplane,aeroplane,plane", "bag", "bench", "cup/mug", "chair", "lamp", "bag,sack"]
    names += ["sofa,couch", "table", "vessel,watercraft"]
    info["classes"] = {str(k): {"name": n, "synset_id": f"{k:08d}"} for k, n in enumerate(names)}
    write_dataset(data_dir / "single", info, NUM_SAMPLES, 1, False, RES)
    write_dataset(data_dir / "multi", info, NUM_SAMPLES, 2, True, RES)
    for name in ("single", "multi"):
        for path in (data_dir / name / "img").glob("*.npy"):
            record = np.load(path)
            for factor in ("azimuth", "light_angle"):
                record["factor_values"][:, COLUMNS.index(factor)] = int(path.stem) / 10
            np.save(path, record)
        (data_dir / name / "config.gin").write_text("batch.seed = 1\n")
        shutil.copytree(data_dir / name, data_dir / f"{name}_h5")
        Archiver(data_dir).run("-d", f"{name}_h5", "-f", "-b", 5, "-j", 1)
        shutil.rmtree(data_dir / f"{name}_h5" / "img")
    return data_dir


@pytest.fixture
def exporter(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> Exporter:
    """Exports the data sets of `made` to folders of the test."""
    return Exporter(made, tmp_path, capsys, monkeypatch)
