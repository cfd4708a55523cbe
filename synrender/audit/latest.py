"""The verdicts on a data set: those of the last audit, or of a quick one where there was none."""

from __future__ import annotations

from synrender.audit.audit_file import keep_checks
from synrender.dataset.certificate import StoredAudit, read_audit
from synrender.dataset.folder import DatasetFolder
from synrender.errors import UserError
from synrender.system.folders import Folders
from synrender.system.workers import Workers

MAX_SAMPLES = 1000
"""Larger data sets are not audited by the way: it would take more than seconds."""

NUM_CAST = 20


def find_audit(
    folder: DatasetFolder, folders: Folders, may_audit: bool
) -> tuple[StoredAudit | None, str]:
    """What is known of a data set's labels.

    Args:
        folder: of the data set.
        folders: where its models may be.
        may_audit: whether to audit it if nothing is known; what was found is kept.

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
        return None, "Not audited, and the audit reads the small files, which are not there."
    if not may_audit or num_samples > MAX_SAMPLES:
        return None, f"Not audited. {remedy}"
    try:
        from synrender.audit.run import run_audit

        with Workers(0) as workers:
            checks = run_audit(folder, folders, NUM_CAST, 0, workers).checks
    except (UserError, ImportError) as error:
        return None, f"Not audited: {error}"
    return keep_checks(folder, checks, NUM_CAST), ""
