"""The verdicts on a data set, which are kept in ``audit.json`` beside it."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from synrender import __version__
from synrender.audit.check import Check
from synrender.dataset.certificate import StoredAudit, StoredCheck, read_audit, write_audit
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.names import AUDIT_FILE
from synrender.errors import UserError
from synrender.system.console import warn
from synrender.system.folders import Folders


def keep_checks(folder: DatasetFolder, checks: Sequence[Check], num_cast: int) -> StoredAudit:
    """Writes the checks of `audit_dataset` to ``audit.json``, and returns what was written.

    A folder that cannot be written to is no failure. Rays were to be cast for ``num_cast`` samples;
    0: all.
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
    except (OSError, UserError) as error:
        warn(f"{folder.path / AUDIT_FILE}: not written ({error})")
    return audit


MAX_SAMPLES = 1000
"""Larger data sets are not audited for a report: it would take more than seconds."""

NUM_CAST = 20


def find_audit(
    folder: DatasetFolder, folders: Folders, may_audit: bool
) -> tuple[StoredAudit | None, str]:
    """Finds what is known about a data set's labels; may audit it if nothing is, and keeps that.

    Returns:
        The audit, and a line to print below it; or None, and a line that says why.
    """
    num_samples = len(folder.list_samples().pairs)
    remedy = f"This does it: python audit_dataset.py -d {folder.name}"
    if audit := read_audit(folder.path):
        changed = num_samples and num_samples != audit.num_samples
        now = f"The data set has {num_samples:,} samples now. " if changed else ""
        return audit, now + (remedy if changed else "")
    if not num_samples:
        return None, "Not audited: the audit reads the small files, which are not there."
    if not may_audit or num_samples > MAX_SAMPLES:
        return None, f"Not audited. {remedy}"
    try:
        from synrender.audit.run import audit_dataset

        checks = audit_dataset(folder, folders, NUM_CAST)
    except (UserError, ImportError) as error:
        return None, f"Not audited: {error}"
    return keep_checks(folder, checks, NUM_CAST), ""
