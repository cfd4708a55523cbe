"""What becomes of samples that show a model or texture that was rejected later on.

A model that cannot be read is never shown. One that crashes Blender may be: some samples of it were
rendered well before, by this shard or by another. Then it would depend on who came first which
samples show it. So a shard renders its samples of such a model again, with the next candidate.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np

from synrender.assets.environments import to_rejected_name
from synrender.dataset.folder import DatasetFolder

MAX_ROUNDS = 10
"""In which a shard renders samples again whose models other shards have rejected meanwhile."""


def discard_shown(
    folder: DatasetFolder, idxs: Iterable[int], rejected: Collection[str]
) -> list[int]:
    """Removes the records of samples that show something rejected: these samples are missing then.

    The record goes first, and is written last, so that a kill never leaves the image of one model
    with the record of another.

    Args:
        folder: of the data set.
        idxs: samples that the caller renders next, where they are missing.
        rejected: names of models, as ``synset/model``, and of textures.

    Returns:
        The samples, in order.
    """
    discarded = []
    for idx in idxs if rejected else ():
        try:
            record = folder.read_record(idx)
        except (OSError, ValueError):  # it is missing anyway
            continue
        if not find_shown(record).isdisjoint(rejected):
            folder.record_path(idx).unlink(missing_ok=True)
            discarded.append(idx)
    return discarded


def find_shown(record: np.ndarray) -> set[str]:
    """Names, as those of rejected assets, of what a sample shows, by its record, (num_objs,)."""
    models = (f"{row['synset_id']}/{row['model_id']}" for row in record)
    textures = (str(row[name]) for row in record for name in ("texture", "backdrop_texture"))
    environments = {str(row["environment"]) for row in record} - {""}
    return {*models, *filter(None, textures), *map(to_rejected_name, environments)}
