"""The examples run as their docstrings say, on small data sets."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest

from synrender.cli import preprocess
from synrender.cli.script import run_command
from synrender.settings.factor_table import find_columns
from tests.helpers import PROJECT_DIR, Renderer
from tests.report.conftest import RES, write_grid


@pytest.mark.slow
def test_a_classifier_takes_the_shortcut(wheel: Renderer, tmp_path: Path) -> None:
    """With so few samples only that the perfect shortcut is learned, and that it misleads."""
    plot = tmp_path / "shortcut.png"
    command = [sys.executable, "examples/shortcut.py", "--num_samples", "120"]
    output = subprocess.run(
        [*command, "--rhos", "0", "1", "--out", str(plot)],
        cwd=PROJECT_DIR,
        env={**os.environ, "SYNRENDER_DATA_DIR": str(wheel.data_dir)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    scores = [float(v) for v in re.findall(r"(?:training|test) (\d\.\d\d)", output)]
    train_without, test_without, train_with, test_with = scores
    assert train_with == 1.0
    assert test_with < 0.5
    assert test_without > test_with
    assert train_without > 0.5
    assert iio.imread(plot).ndim == 3


def test_a_probe_reads_what_the_pixels_show_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red shows the azimuth and green the class; nothing shows the scale."""
    folder = write_grid(tmp_path / "made", 240, 1, is_exr=False)
    random = np.random.default_rng(0)
    for path in sorted((folder / "img").glob("*.npy")):
        record = np.load(path)
        (azimuth,) = record["factor_values"][0, list(find_columns("azimuth"))]
        record["factor_values"][:, find_columns("scale")] = random.random()
        image = random.integers(0, 30, (RES, RES, 3))
        image[:, :, 0] += int(100 * azimuth)
        image[record["class"][0], :, 1] += 200
        iio.imwrite(path.with_suffix(".png"), image.astype(np.uint8))
        np.save(path, record)
    monkeypatch.setenv("SYNRENDER_DATA_DIR", str(tmp_path))
    arguments = ["-d", "made", "-f", "-p", "-r", str(RES), "-j", "1"]
    assert run_command(preprocess.COMMAND, arguments) == 0
    output = subprocess.run(
        [sys.executable, "examples/probe.py", str(folder / f"data_{RES}.h5")],
        cwd=PROJECT_DIR,
        env={**os.environ, "PYTHONPATH": str(PROJECT_DIR)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    rows = {line.split()[0]: line.split()[1:] for line in output.splitlines()}
    found = {name: [float(v) for v in row[1:]] for name, row in rows.items() if name != "factor"}
    assert rows["class"][0] == "accuracy"
    assert found["class"][:2] == [1.0, 1.0]
    assert 0.3 < found["class"][2] < 0.4
    assert rows["azimuth"][0] == "R2"
    assert min(found["azimuth"][:2]) > 0.9
    assert max(found["scale"][:2]) < 0.2
    assert "roll" not in found  # it does not vary
