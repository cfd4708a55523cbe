"""With the real DataLoader: `make test-torch`. PyTorch is no dependency of this project."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import synrender
from tests.helpers import PROJECT_DIR
from tests.loading.conftest import FORMATS, Exports

torch = pytest.importorskip("torch", reason="make test-torch runs these tests")
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning", "default::UserWarning")

Formats = Callable[..., dict[str, Path]]


def add_up(image: np.ndarray) -> float:
    return float(image.astype(np.float64).sum())


@pytest.mark.parametrize("form", ["raw", "shards", "arrays"])
@pytest.mark.parametrize("method", [None, "fork", "spawn", "forkserver"])
def test_the_loader_gives_every_sample_once(
    form: str, method: str | None, formats: Formats
) -> None:
    """Also of what this process has read before; twice, since workers may stay."""
    data = synrender.open_dataset(formats(48, 2)[form], nothing_hit=0)
    sums = {int(data[i]["sample_idx"][0]): add_up(data[i]["image"]) for i in range(48)}
    workers = {"num_workers": 2, "multiprocessing_context": method, "persistent_workers": True}
    loader = torch.utils.data.DataLoader(
        data, batch_size=7, shuffle=True, **(workers if method else {})
    )
    for _ in range(2):
        found = {}
        for batch in loader:
            assert batch["image"].shape[1:] == data[0]["image"].shape
            assert batch["depth_m"].dtype == torch.float32
            assert batch["texture"][0][0] == "banded/ä_0001.jpg"
            for idx, image in zip(batch["sample_idx"], batch["image"], strict=True):
                found[int(idx[0])] = add_up(image.numpy())
        assert found == sums


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_the_loader_reads_exports(form: str, method: str, exports: Exports) -> None:
    paths, fields = exports("grid"), ["image", "sample_idx"]
    expected = synrender.open_dataset(paths["data"], fields=fields)
    loader = torch.utils.data.DataLoader(
        synrender.open_dataset(paths[form], fields=fields),
        batch_size=7,
        shuffle=True,
        num_workers=2,
        multiprocessing_context=method,
    )
    found = {
        int(idx): image.numpy()
        for batch in loader
        for idx, image in zip(batch["sample_idx"], batch["image"], strict=True)
    }
    assert len(found) == len(expected)
    for sample in expected:
        np.testing.assert_array_equal(found[int(sample["sample_idx"])], sample["image"])


def test_the_example_trains(design: Formats, capsys: pytest.CaptureFixture) -> None:
    main = runpy.run_path(str(PROJECT_DIR / "examples" / "train.py"))["main"]
    assert 0 <= main(str(design()["arrays"]), num_epochs=1) <= 1
    assert "of 4 validation samples" in capsys.readouterr().out
