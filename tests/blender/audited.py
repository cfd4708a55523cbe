"""The audit of a rendered data set, in this process."""

from __future__ import annotations

from pathlib import Path

from synrender.audit.check import Check
from synrender.audit.run import audit_dataset
from synrender.dataset.folder import open_dataset_folder
from synrender.system.folders import Folders


def audit(dataset_dir: Path, data_dir: Path) -> dict[str, Check]:
    """All checks by name; ``data_dir`` has the demo models."""
    folder = open_dataset_folder(dataset_dir.parent, dataset_dir.name)
    checks = audit_dataset(folder, Folders(data_dir), 0, jobs=1, is_quiet=True)
    return {check.name: check for check in checks}
