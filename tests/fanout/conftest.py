from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fanout.drive import NUM_SAMPLES, VARIANTS, Driver, write_assets, write_troublemaker
from tests.helpers import link_gin, make_once


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Driver:
    """distributed_render.py with a few plain models, in a data folder of its own."""
    assets = make_once(tmp_path_factory, "fanout_assets", write_assets)
    root = tmp_path_factory.mktemp("fanout")
    python_path = link_gin(root / "python")
    write_troublemaker(python_path)
    environment = {
        "SYNRENDER_DATA_DIR": str(root / "data"),
        "SYNRENDER_SHAPENET_DIR": str(assets / "shapenet"),
        "SYNRENDER_DTD_DIR": str(assets / "dtd"),
        "PYTHONPATH": str(python_path),
    }
    return Driver(root / "data", environment)


@pytest.fixture(scope="session")
def reference(driver: Driver, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of two paired data sets that were rendered without any trouble, by variant."""

    def make(data_dir: Path) -> None:
        environment = {**driver.environment, "SYNRENDER_DATA_DIR": str(data_dir)}
        there = replace(driver, data_dir=data_dir, environment=environment)
        there.run("-d", "reference", "-n", NUM_SAMPLES, "-b", "6")

    made = make_once(tmp_path_factory, "fanout_reference", make)
    names = {variant: f"reference_{variant}" for variant in VARIANTS}
    return {v: shutil.copytree(made / name, driver.data_dir / name) for v, name in names.items()}
