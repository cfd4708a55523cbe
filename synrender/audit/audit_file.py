"""Keeps the verdicts of an audit beside the data set, in ``audit.json``."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from synrender import __version__
from synrender.audit.check import Check
from synrender.dataset.certificate import StoredAudit, StoredCheck, write_audit
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.names import AUDIT_FILE
from synrender.system.console import warn


def keep_checks(folder: DatasetFolder, checks: Sequence[Check], num_cast: int) -> StoredAudit:
    """Writes the checks to ``audit.json``; a folder that cannot be written to is no failure.

    Args:
        folder: that was audited.
        checks: of `audit_dataset`.
        num_cast: number of samples that rays were to be cast for; 0: all.

    Returns:
        What was written.
    """
    num_samples = len(folder.list_samples().pairs)
    audit = StoredAudit(
        date=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        version=__version__,
        num_samples=num_samples,
        num_cast=min(num_cast or num_samples, num_samples),
        checks=tuple(StoredCheck(c.name, c.verdict.value, c.figures, c.culprits) for c in checks),
    )
    try:
        write_audit(folder.path, audit)
    except OSError as error:
        warn(f"{folder.path / AUDIT_FILE}: not written ({error})")
    return audit
