"""Takes in the files of a gathered batch: each is committed as if it had been rendered here."""

from __future__ import annotations

import dataclasses

from synrender.errors import UserError
from synrender.fanout.job import Outcome
from synrender.jobs import Dataset
from synrender.provenance import add_rejected, claim_blender_version
from synrender.records import image_path, is_complete, record_path, write_atomically


def commit_files(dataset: Dataset, outcome: Outcome) -> Outcome:
    """Writes each sample atomically, image first and record last; returns the outcome of that.

    Raises:
        OSError: this machine cannot write.
    """
    dataset_dir, render_exr = dataset.dataset_dir, dataset.settings.rendering.render_exr
    try:
        claim_blender_version(dataset_dir, outcome.blender_version)
    except UserError as error:
        return dataclasses.replace(outcome, status="node", message=str(error), files=[])
    if outcome.rejected:
        add_rejected(dataset_dir, outcome.rejected)
    for idx, image, record in outcome.files:
        for path, data in (
            (image_path(dataset_dir, idx, render_exr), image),
            (record_path(dataset_dir, idx), record),
        ):
            write_atomically(path, lambda temporary, data=data: temporary.write_bytes(data))
        if not is_complete(dataset_dir, idx, render_exr):
            return dataclasses.replace(
                outcome, status="error", message=f"sample {idx} did not arrive whole", files=[]
            )
    outcome.files = []
    return outcome
