"""Helpers of the tests of certificates."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from synrender.cli import audit
from synrender.dataset.names import CERTIFICATE_FILE
from synrender.system.folders import Folders


def run_audit(dataset_dir: Path, data_dir: Path, *arguments: str) -> int:
    """The script on one data set; the demo models are in ``data_dir``."""
    folders = Folders(dataset_dir.parent)
    if not folders.demo.exists():
        folders.demo.symlink_to(Folders(data_dir).demo)
    parsed = audit.parse_arguments(["-d", dataset_dir.name, "-j", "1", *arguments])
    return audit.run(parsed, folders)


def body_of(dataset_dir: Path) -> dict:
    return json.loads((dataset_dir / CERTIFICATE_FILE).read_text())["body"]


def flip(name: str) -> Callable[[Path], None]:
    def edit(dataset_dir: Path) -> None:
        path = dataset_dir / name
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)

    return edit
