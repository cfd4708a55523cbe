"""Runs export_dataset.py."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import synrender
from synrender.cli.export import COMMAND
from synrender.images.conversions import depth_to_16_bit
from tests.helpers import PROJECT_DIR, QuickCommand, Renderer

NAMES = ["airplane", "bag_00000001", "bench", "cup_mug_00000003", "chair", "lamp", "bag_00000006"]
NAMES += ["sofa", "table", "vessel"]
"""Names of the classes of the data sets of `made`."""


@dataclass(frozen=True)
class Exporter:
    """Runs export_dataset.py inside the test's process, which starts at once."""

    data_dir: Path
    out_dir: Path
    capsys: pytest.CaptureFixture
    monkeypatch: pytest.MonkeyPatch

    def run(self, *arguments: object, status: int = 0) -> str:
        command = QuickCommand(COMMAND, self.data_dir, self.capsys, self.monkeypatch)
        return command.run("-j", 1, *arguments, status=status)

    def refuse(self, *arguments: object) -> str:
        """Runs it where it must end with one line; returns the line."""
        (line,) = self.run(*arguments, status=2).splitlines()
        assert line.startswith("error: ")
        return line

    def export(self, name: str, form: str, *arguments: object) -> Path:
        """Exports a data set; returns the folder."""
        out = self.out_dir / f"{name}_{form}"
        self.run("-d", name, "--to", form, "--out", out, *arguments)
        return out

    def copy(self, name: str, form: str) -> Path:
        """Copies an export of a data set that is made once; returns the folder."""
        made = self.data_dir.parent / f"{self.data_dir.name}_exports" / f"{name}_{form}"
        if not made.exists():
            self.run("-d", name, "--to", form, "--out", made)
        return shutil.copytree(made, self.out_dir / made.name)

    def start(self, *arguments: object) -> subprocess.Popen:
        """Starts it in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "export_dataset.py", *map(str, arguments)],
            cwd=PROJECT_DIR,
            env=Renderer("wheel", self.data_dir).full_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def samples(self, name: str) -> dict[str, list[dict]]:
        """What `open_dataset` gives, by split."""
        path = self.data_dir / name
        return {
            split: list(synrender.open_dataset(path, split=split, nothing_hit=np.inf))
            for split in ("train", "validation", "test")
        }


def assert_same_pictures(pictures: dict[str, Image.Image], sample: dict) -> None:
    """Pictures of an export, by the names of the fields, are those of a sample."""
    expected = {k: v for k, v in sample.items() if isinstance(v, np.ndarray) and v.ndim > 1}
    names = {"image", "instance_map", "class_map", "depth_m"} & expected.keys()
    assert pictures.keys() == names
    for name, picture in pictures.items():
        wanted = sample[name]
        if name == "depth_m":
            wanted = depth_to_16_bit(wanted)
        np.testing.assert_array_equal(np.asarray(picture), wanted)
        assert picture.mode == ("RGB" if name == "image" else "I;16")


def first(value: object) -> object:
    """Of the first object."""
    return np.ravel(value)[0]
