"""Labels as a reader of the data set gets them; how they come about is not looked at here.

The only module of the audit that leads to `synrender.labels`: what it reads is what is checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synrender.audit.labels.ground_truth import Given
from synrender.audit.rays.audited_dataset import Subject
from synrender.dataset.names import list_shards
from synrender.dataset.shard import Damaged, open_file
from synrender.errors import UserError
from synrender.loading.dataset import Dataset, open_dataset

RAW = "files"
"""Name of the source that is not an archive."""


@dataclass(frozen=True)
class Source:
    """The small files, or one file of an archive."""

    name: str
    rows: dict[int, int]  # place in `data` of each sample
    data: Dataset | str  # or why it cannot be opened


def open_sources(subject: Subject, fields: tuple[str, ...]) -> list[Source]:
    """Opens the small files and all `imgs_XX.h5` for reading some fields."""
    folder = subject.folder
    rows = {idx: place for place, idx in enumerate(folder.list_samples().pairs)}
    sources = [Source(RAW, rows, _open(folder.image_dir, fields))]
    for path in list_shards(folder.path):
        try:
            with open_file(path) as file:
                idxs = file["sample_idx"][()]
        except Damaged:
            continue  # the check of boxes in HDF5 files names it
        if len(idxs):  # fewer samples than shards
            firsts = idxs.reshape(len(idxs), -1)[:, 0].tolist()  # of each object
            rows = {idx: place for place, idx in enumerate(firsts)}
            sources.append(Source(path.name, rows, _open(path, fields)))
    return sources


def read_given(source: Source, idx: int) -> Given | str:
    """Fields of a sample by name, or why they cannot be read."""
    if isinstance(source.data, str):
        return source.data
    try:
        return {name: np.asarray(v) for name, v in source.data[source.rows[idx]].items()}
    except UserError as error:
        return str(error)


def _open(path: Path, fields: tuple[str, ...]) -> Dataset | str:
    try:
        return open_dataset(path, fields=fields)
    except UserError as error:
        return str(error)
