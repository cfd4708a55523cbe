"""``keypoints.json``: points of models that a user names, beside ``dataset.json``."""

from __future__ import annotations

from pathlib import Path

from synrender.dataset.record import MAX_NAME_LENGTH, MAX_VALUE
from synrender.errors import UserError, shorten
from synrender.labels.keypoints import BOX_NAMES, NamedPoints
from synrender.system.json_text import read_json

POINTS_FILE = "keypoints.json"
MAX_BYTES = 1 << 28
MAX_NAMES = 1000
"""An attribute of an HDF5 file holds 4000 texts."""


def read_named_points(dataset_dir: Path) -> NamedPoints:
    """Points by model and name; none if there is no such file.

    The file reads ``{"<synset>/<model>": {"<name>": [x, y, z]}}`` in the coordinates of the OBJ.

    Raises:
        UserError: the file is damaged, or holds something else.
    """
    path = dataset_dir / POINTS_FILE
    try:
        return _to_points(read_json(path, MAX_BYTES))
    except FileNotFoundError:
        return NamedPoints()
    except (OSError, ValueError) as error:
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
            raise ValueError(f"{shorten(model)}: must name points")
        points[model] = {name: _to_point(f"{model}: {name}", xyz) for name, xyz in named.items()}
    names = sorted({name for named in points.values() for name in named})
    if taken := [name for name in names if name in BOX_NAMES]:
        raise ValueError(f"{taken[0]!r} is a point of every box")
    if bad := [name for name in names if not name.isprintable() or len(name) > MAX_NAME_LENGTH]:
        rule = f"a point needs a printable name of at most {MAX_NAME_LENGTH} letters"
        raise ValueError(f"{shorten(bad[0])!r}: {rule}")
    if len(names) > MAX_NAMES:
        raise ValueError(f"{len(names)} different names of points, at most {MAX_NAMES} are allowed")
    return NamedPoints(tuple(names), points)


def _to_point(where: str, xyz: object) -> tuple[float, ...]:
    is_point = isinstance(xyz, list) and len(xyz) == 3
    if not is_point or not all(
        isinstance(v, int | float) and not isinstance(v, bool) and abs(v) <= MAX_VALUE for v in xyz
    ):
        raise ValueError(f"{shorten(where)}: must be three numbers of at most {MAX_VALUE:g}")
    return tuple(float(v) for v in xyz)
