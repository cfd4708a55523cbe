"""``keypoints.json``: points of models that a user names, beside ``dataset.json``."""

from __future__ import annotations

import json
import math
from pathlib import Path

from synrender.errors import UserError
from synrender.labels.keypoints import BOX_NAMES, NamedPoints
from synrender.system.files import read_small_file

POINTS_FILE = "keypoints.json"
MAX_BYTES = 1 << 28


def read_named_points(dataset_dir: Path) -> NamedPoints:
    """Points by model and name; none if there is no such file.

    The file reads ``{"<synset>/<model>": {"<name>": [x, y, z]}}`` in the coordinates of the OBJ.

    Raises:
        UserError: the file is damaged, or holds something else.
    """
    path = dataset_dir / POINTS_FILE
    try:
        return _to_points(json.loads(read_small_file(path, MAX_BYTES)))
    except FileNotFoundError:
        return NamedPoints()
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(
            f"{path}: {error}; it must read "
            '{"<synset>/<model>": {"<name>": [x, y, z]}}; mend it, or move it away'
        ) from None


def _to_points(models: object) -> NamedPoints:
    if not isinstance(models, dict):
        raise ValueError("must be a JSON object")
    points = {}
    for model, named in models.items():
        if not isinstance(named, dict):
            raise ValueError(f"{model}: must name points")
        points[model] = {name: _to_point(f"{model}: {name}", xyz) for name, xyz in named.items()}
    names = sorted({name for named in points.values() for name in named})
    if taken := [name for name in names if name in BOX_NAMES]:
        raise ValueError(f"{taken[0]!r} is a point of every box")
    return NamedPoints(tuple(names), points)


def _to_point(where: str, xyz: object) -> tuple[float, ...]:
    is_point = isinstance(xyz, list) and len(xyz) == 3
    if not is_point or not all(
        isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in xyz
    ):
        raise ValueError(f"{where}: must be three finite numbers")
    return tuple(float(v) for v in xyz)
