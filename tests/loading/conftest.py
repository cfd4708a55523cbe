from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from synrender.settings.factor_table import COLUMNS, find_columns
from tests.archive.helpers import QuickArchiver, write_dataset

FIXTURES = Path(__file__).parents[1] / "fixtures"
NUM_CLASSES, NUM_AZIMUTHS = 3, 4
RES = 16


@pytest.fixture
def quick(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> QuickArchiver:
    return QuickArchiver(tmp_path, capsys, monkeypatch)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a data set without rendering, under the name ``made``."""

    def write_one(
        num_samples: int, num_objs: int = 1, is_exr: bool = False, name: str = "made"
    ) -> Path:
        info = json.loads((FIXTURES / "before_single" / "dataset.json").read_text())
        info["settings"]["sample.num_objs"] = num_objs
        return write_dataset(tmp_path / name, info, num_samples, num_objs, is_exr, RES)

    return write_one


@pytest.fixture
def formats(write: Callable[..., Path], quick: QuickArchiver) -> Callable[..., dict[str, Path]]:
    """One data set in all three formats: the paths to open."""

    def write_all(num_samples: int = 48, num_objs: int = 2, is_exr: bool = True) -> dict[str, Path]:
        folder = write(num_samples, num_objs, is_exr)
        quick.run("-d", "made", "-f", "-p", "-r", RES, "-b", 5)
        return {"raw": folder / "img", "shards": folder, "arrays": folder / f"data_{RES}.h5"}

    return write_all


@pytest.fixture
def design(write: Callable[..., Path], quick: QuickArchiver) -> Callable[..., dict[str, Path]]:
    """A grid of class and azimuth, each cell four times, in two pairs of color twins."""

    def write_all(num_objs: int = 1) -> dict[str, Path]:
        num_samples = NUM_CLASSES * NUM_AZIMUTHS * 4
        folder = write(num_samples, num_objs)
        info = json.loads((folder / "dataset.json").read_text())
        info["design"] = create_design()
        info["settings"]["design.levels"] = {"azimuth": NUM_AZIMUTHS, "class": NUM_CLASSES}
        (folder / "dataset.json").write_text(json.dumps(info))
        for idx in range(num_samples):
            path = folder / "img" / f"{idx:05d}.npy"
            record = np.load(path)
            cell = idx // 2 % (NUM_CLASSES * NUM_AZIMUTHS)
            record["class"] = cell % NUM_CLASSES
            record["factor_values"], record["factor_levels"] = np.nan, -1
            for name, level in (("class", cell % NUM_CLASSES), ("azimuth", cell // NUM_CLASSES)):
                (column,) = find_columns(name)
                record["factor_levels"][:, column] = level
                record["factor_values"][:, column] = level * (1 if name == "class" else 0.5)
            record["base"], record["varied"] = idx // 2, "color"
            np.save(path, record)
        quick.run("-d", "made", "-f", "-p", "-r", RES)
        return {"raw": folder / "img", "shards": folder, "arrays": folder / f"data_{RES}.h5"}

    return write_all


def create_design() -> dict:
    def describe(name: str, kind: str, unit: str, levels: list, names: list) -> dict:
        columns = [COLUMNS[k] for k in find_columns(name)]
        return {
            "kind": kind, "scope": "object", "unit": unit, "columns": columns,
            "levels": levels, "names": names,
        }  # fmt: skip

    classes, azimuths = range(NUM_CLASSES), range(NUM_AZIMUTHS)
    return {
        "kinds": ["grid", "twins"],
        "factors": {
            "azimuth": describe("azimuth", "circular", "rad", [[k * 0.5] for k in azimuths], []),
            "class": describe(
                "class", "categorical", "class id", [[k] for k in classes], ["a", "b", "c"]
            ),
            "color": describe("color", "continuous", "scene-linear RGB", [], []),
        },
        "split_buckets": [10, 1, 1],
        "repeats": 2,
        "block_size": 2,
        "grid": ["class", "azimuth"],
        "sweeps": [],
        "twins": ["color"],
        "shortcut": None,
        "held_out": [],
        "inner_ranges": {},
        "causal": None,
    }
