"""The examples run as their docstrings say, on small data sets."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import imageio.v3 as iio
import pytest

from tests.helpers import PROJECT_DIR, Renderer


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
