from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.archive.helpers import Archiver, QuickArchiver, write_dataset


@pytest.fixture
def archiver(tmp_path: Path) -> Archiver:
    return Archiver(tmp_path)


@pytest.fixture
def quick(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> QuickArchiver:
    return QuickArchiver(tmp_path, capsys, monkeypatch)


@pytest.fixture
def write(rendered_single: Path, tmp_path: Path) -> Callable[..., Path]:
    """Writes a data set without rendering, under the name ``made``."""
    info = json.loads((rendered_single / "dataset.json").read_text())
    return lambda *args, **kwargs: write_dataset(tmp_path / "made", info, *args, **kwargs)
