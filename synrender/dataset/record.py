"""The record of a sample: one row for each object, in ``img/00000.npy``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

MAX_NAME_LENGTH = 64
"""Longest model id or texture name, in characters."""

RECORD_DTYPE = np.dtype(
    [
        # Fields that downstream code has read since 2020.
        ("class", np.int64),  # class id: index into sample.classes
        ("rot_mat", np.float64, (3, 3)),  # object to world, without scale
        ("quaternion", np.float64, (4,)),  # rotation as in rot_mat, (w, x, y, z)
        ("euler", np.float64, (3,)),  # rotation as in rot_mat, XYZ order, rad
        ("bbox", np.float64, (2, 3)),  # min and max corner, model units, centred on 0
        ("scale", np.float64, (3,)),  # model units to m, along the object's own axes
        ("location", np.float64, (3,)),  # of the bounding box's centre, world, m
        ("light", np.float64, (3,)),  # location of the point light, world, m
        # Fields added since then.
        ("obj_to_world", np.float64, (4, 4)),  # from coordinates in the OBJ file to world, m
        ("sample_idx", np.int64),
        ("bucket", np.int64),
        ("group", np.int64),
        ("instance", np.int64),  # value in the instance pass, from 1
        ("synset_id", f"U{MAX_NAME_LENGTH}"),
        ("model_id", f"U{MAX_NAME_LENGTH}"),
        ("texture", f"U{MAX_NAME_LENGTH}"),  # path below DTD's images/; "" if untextured
        ("color", np.float64, (3,)),  # scene-linear RGB, 0 to 1
        ("backdrop_texture", f"U{MAX_NAME_LENGTH}"),
        ("backdrop_color", np.float64, (3,)),
    ]
)
"""One row for each object: a record has shape (num_objs,)."""


def read_record(path: Path) -> np.ndarray:
    """Reads the record of a sample: (num_objs,) of `RECORD_DTYPE`.

    Raises:
        ValueError: the file is truncated or not a record of this program.
        OSError: the file cannot be read.
    """
    try:
        record = np.load(path, allow_pickle=False)
    except EOFError as error:
        raise ValueError("empty file") from error
    if record.dtype != RECORD_DTYPE or record.ndim != 1:
        raise ValueError(f"not a record of this program: dtype {record.dtype}")
    return record
