"""Compares the boxes and numbers of visible pixels in the HDF5 files with the rays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synrender.audit.check import Check, Measure, decide, skip
from synrender.audit.measure_samples import SampleFindings
from synrender.audit.rays.audited_dataset import Subject
from synrender.dataset.names import list_shards
from synrender.dataset.shard import Damaged, open_file

MAX_BOX_ERROR_PX = 1
MAX_COUNT_ERROR = 0.02  # share of an object's visible pixels; at least 3 px are allowed


def check_stored(subject: Subject, findings: Sequence[SampleFindings]) -> Check:
    """Checks ``num_visible_px`` and ``box_px`` of ``imgs_XX.h5``, for samples that were cast."""
    files = list_shards(subject.folder.path)
    labels = {f.idx: f.labels for f in findings if f.labels is not None}
    if not (files and labels):
        return skip("hdf5", "no imgs_XX.h5 with label fields")
    worst_box, worst_count, num_rows, culprits = 0, 0, 0, []
    for path in files:
        try:
            with open_file(path) as file:
                idxs, counts, boxes = (
                    file[name][()] for name in ("sample_idx", "num_visible_px", "box_px")
                )
        except Damaged as error:
            culprits.append(str(error))
            continue
        if not len(idxs):  # fewer samples than shards
            continue
        # A single object has no object axis.
        idxs = idxs.reshape(len(idxs), -1)[:, 0]
        counts, boxes = counts.reshape(len(idxs), -1), boxes.reshape(len(idxs), -1, 4)
        for row in np.flatnonzero(np.isin(idxs, list(labels))):
            found = labels[int(idxs[row])]
            box_errors = np.abs(boxes[row] - found.boxes_px).max(axis=1)
            count_errors = np.abs(counts[row] - found.num_cast_px)
            bound = np.maximum(3, MAX_COUNT_ERROR * found.num_cast_px)
            num_rows += 1
            worst_box = max(worst_box, int(box_errors.max()))
            worst_count = max(worst_count, int(count_errors.max()))
            if (box_errors > MAX_BOX_ERROR_PX).any() or (count_errors > bound).any():
                culprits.append(f"{path.name} row {row}")
    figures = f"{num_rows} rows: boxes within {worst_box} px, visible pixels within {worst_count}"
    measures = [
        Measure("box, px", worst_box, at_most=MAX_BOX_ERROR_PX, num=num_rows, of="samples"),
        Measure("visible px, largest difference", worst_count, num=num_rows, of="samples"),
        Measure("rows out of bounds", len(culprits), at_most=0, num=num_rows, of="samples"),
    ]
    return decide("hdf5", not culprits, figures, culprits, measures)
