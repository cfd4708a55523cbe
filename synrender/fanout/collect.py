"""Writes the files of a gathered batch, as if it had been rendered on this machine."""

from __future__ import annotations

import dataclasses

from synrender.dataset.claim import add_rejected, claim_renderer
from synrender.dataset.folder import DatasetFolder
from synrender.errors import UserError
from synrender.fanout.job import Outcome, Status


def commit_files(folder: DatasetFolder, outcome: Outcome) -> Outcome:
    """Writes each sample atomically, image first and record last; returns the new outcome.

    Raises:
        OSError: this machine cannot write.
    """
    try:
        if outcome.by:
            claim_renderer(folder, outcome.by, [idx for idx, _, _ in outcome.files])
    except UserError as error:
        return dataclasses.replace(outcome, status=Status.BAD_NODE, message=str(error), files=[])
    if outcome.rejected:
        add_rejected(folder, outcome.rejected)
    for idx, image, record in outcome.files:
        folder.commit_files(idx, image, record)
        if not folder.is_complete(idx):
            message = f"sample {idx} arrived incomplete"
            return dataclasses.replace(outcome, status=Status.ERROR, message=message, files=[])
    return dataclasses.replace(outcome, files=[])
