from __future__ import annotations

from pathlib import Path

import pytest

from tests.fanout.drive import NUM_SAMPLES, VARIANTS, Driver, write_assets, write_troublemaker
from tests.helpers import link_gin


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Driver:
    """distributed_render.py with a few plain models, in a data folder of its own."""
    root = tmp_path_factory.mktemp("fanout")
    python_path = link_gin(root / "python")
    write_troublemaker(python_path)
    shapenet_dir, dtd_dir = write_assets(root)
    environment = {
        "SYNRENDER_DATA_DIR": str(root / "data"),
        "SYNRENDER_SHAPENET_DIR": str(shapenet_dir),
        "SYNRENDER_DTD_DIR": str(dtd_dir),
        "PYTHONPATH": str(python_path),
    }
    return Driver(root / "data", environment)


@pytest.fixture(scope="session")
def reference(driver: Driver) -> dict[str, Path]:
    """Folders of two paired data sets that were rendered without any trouble, by variant."""
    driver.run("-d", "reference", "-n", NUM_SAMPLES, "-b", "6")
    return {variant: driver.data_dir / f"reference_{variant}" for variant in VARIANTS}
