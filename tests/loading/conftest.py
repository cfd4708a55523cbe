from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from synrender.export import run
from synrender.settings.factor_table import COLUMNS, find_columns
from tests.archive.helpers import QuickArchiver, write_dataset
from tests.export.helpers import Exporter
from tests.helpers import make_once

FIXTURES = Path(__file__).parents[1] / "fixtures"
NUM_CLASSES, NUM_AZIMUTHS = 3, 4
RES = 16

FORMATS = ("webdataset", "parquet")
ROWS = 7
"""Samples of a shard."""

Exports = Callable[[str], dict[str, Path]]


@pytest.fixture
def quick(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> QuickArchiver:
    return QuickArchiver(tmp_path, capsys, monkeypatch)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a data set without rendering, under the name ``made``."""
    return lambda *args, **kwargs: write_plain(tmp_path / "made", *args, **kwargs)


def write_plain(folder: Path, num_samples: int, num_objs: int = 1, is_exr: bool = False) -> Path:
    info = json.loads((FIXTURES / "before_single" / "dataset.json").read_text())
    info["settings"]["sample.num_objs"] = num_objs
    return write_dataset(folder, info, num_samples, num_objs, is_exr, RES)


@pytest.fixture
def formats(
    quick: QuickArchiver, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., dict[str, Path]]:
    """One data set in all three formats: the paths to open. Made once; tests only read it."""

    def write_all(num_samples: int = 48, num_objs: int = 2, is_exr: bool = True) -> dict[str, Path]:
        def make(folder: Path) -> None:
            write_plain(folder / "made", num_samples, num_objs, is_exr)
            archiver = replace(quick, data_dir=folder)
            archiver.run("-d", "made", "-f", "-p", "-r", RES, "-b", 5)

        name = f"formats_{num_samples}_{num_objs}_{is_exr}"
        return list_formats(make_once(tmp_path_factory, name, make) / "made")

    return write_all


@pytest.fixture
def own_formats(
    formats: Callable[..., dict[str, Path]], tmp_path: Path
) -> Callable[..., dict[str, Path]]:
    """The same under the name ``made``, for a test that changes it."""

    def copy_all(*args: object) -> dict[str, Path]:
        return list_formats(shutil.copytree(formats(*args)["shards"], tmp_path / "made"))

    return copy_all


def list_formats(folder: Path) -> dict[str, Path]:
    return {"raw": folder / "img", "shards": folder, "arrays": folder / f"data_{RES}.h5"}


@pytest.fixture
def design(
    quick: QuickArchiver, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., dict[str, Path]]:
    """A grid of class and azimuth, each cell four times, in two pairs of color twins.

    Made once; tests only read it.
    """

    def write_all(num_objs: int = 1) -> dict[str, Path]:
        def make(folder: Path) -> None:
            write_design(folder / "made", num_objs)
            replace(quick, data_dir=folder).run("-d", "made", "-f", "-p", "-r", RES)

        return list_formats(make_once(tmp_path_factory, f"design_{num_objs}", make) / "made")

    return write_all


def write_design(folder: Path, num_objs: int) -> None:
    num_samples = NUM_CLASSES * NUM_AZIMUTHS * 4
    write_plain(folder, num_samples, num_objs)
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


# --- exports --------------------------------------------------------------------------------------


@pytest.fixture
def exports(
    quick: QuickArchiver,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Exports:
    """HDF5 files by the name "data", and their exports by format. Made once; tests only read it."""

    def export(kind: str) -> dict[str, Path]:
        def make(folder: Path) -> None:
            made = folder / "made"
            if kind == "labels":
                shutil.copytree(request.getfixturevalue("rendered_labels"), made)
            elif kind == "grid":
                write_design(made, 1)
            else:
                write_plain(made, 24, 3 if kind == "varied" else 2, kind == "multi")
            if kind != "labels":
                settle(made, kind)
            replace(quick, data_dir=folder).run("-d", "made", "-f", "-b", 3)
            monkeypatch.setattr(run, "MAX_PIECE_ROWS", ROWS)
            exporter = Exporter(folder, folder, quick.capsys, monkeypatch)
            for form in FORMATS:
                exporter.export("made", form)

        folder = make_once(tmp_path_factory, f"exports_{kind}", make)
        return {"data": folder / "made", **{form: folder / f"made_{form}" for form in FORMATS}}

    return export


def settle(made: Path, kind: str) -> None:
    """Has records say what a renderer says of them; of "multi", every two are a sequence."""
    info = json.loads((made / "dataset.json").read_text())
    info["classes"] = {str(k): {"name": f"class {k}", "synset_id": f"{k:08d}"} for k in range(10)}
    info["settings"]["sample.class_idxs"] = [*range(10)]
    if kind == "multi":
        turn = {"kind": ["sequence"], "length": 2, "paths": {"azimuth": ["turn", 1]}}
        info["settings"] |= {f"design.{name}": value for name, value in turn.items()}
        design = create_design()
        moved = {"azimuth": {**design["factors"]["azimuth"], "levels": []}}
        paths = {"azimuth": {"kind": "turn", "numbers": [1.0]}}
        design |= {"kinds": ["sequence"], "factors": moved, "grid": [], "twins": [], "paths": paths}
        info["design"] = design
    (made / "dataset.json").write_text(json.dumps(info))
    for path in (made / "img").glob("*.npy"):
        record = np.load(path)
        if kind == "varied":
            record = record[: int(path.stem) % 3 + 1]
            record["factor_values"][:, COLUMNS.index("num_objs")] = len(record)
        record["synset_id"] = [info["classes"][str(c)]["synset_id"] for c in record["class"]]
        record["factor_values"][:, COLUMNS.index("class")] = record["class"]
        record["light"] = record["light"][0]
        if kind != "grid":
            record["factor_levels"] = -1
        np.save(path, record)
