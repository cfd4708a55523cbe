"""A sample on disk: its record, its file names, when it is complete, and how it gets there.

A sample is an image ``img/00000.png`` (or ``.exr``) and a record ``img/00000.npy``. Each is
written under a temporary name in the same folder and renamed, the record last: where a readable
record and a whole image are, the sample is complete.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from synrender.catalog import MAX_NAME_LENGTH
from synrender.errors import UserError
from synrender.integrity import is_whole_image

RECORD_DTYPE = np.dtype(
    [
        # What downstream code has read since 2020.
        ("class", np.int64),  # class id: place in sample.classes
        ("rot_mat", np.float64, (3, 3)),  # object to world, without scale
        ("quaternion", np.float64, (4,)),  # the same, (w, x, y, z)
        ("euler", np.float64, (3,)),  # the same, XYZ order, rad
        ("bbox", np.float64, (2, 3)),  # min and max corner, model units, centred on 0
        ("scale", np.float64, (3,)),  # model units to m, along the object's own axes
        ("location", np.float64, (3,)),  # of the bounding box's centre, world, m
        ("light", np.float64, (3,)),  # location of the point light, world, m
        # Ours.
        ("obj_to_world", np.float64, (4, 4)),  # a vertex as it stands in the OBJ file to world, m
        ("sample_idx", np.int64),
        ("bucket", np.int64),
        ("group", np.int64),
        ("instance", np.int64),  # value in the instance pass, from 1
        ("synset_id", f"U{MAX_NAME_LENGTH}"),
        ("model_id", f"U{MAX_NAME_LENGTH}"),
        ("texture", f"U{MAX_NAME_LENGTH}"),  # file below DTD's images/; "" when untextured
        ("color", np.float64, (3,)),  # scene-linear RGB, 0 to 1
        ("backdrop_texture", f"U{MAX_NAME_LENGTH}"),
        ("backdrop_color", np.float64, (3,)),
    ]
)
"""One row for each object, so that a record has shape (num_objs,)."""


def image_path(dataset_dir: Path, idx: int, render_exr: bool) -> Path:
    """Image file of a sample."""
    return dataset_dir / "img" / f"{idx:05d}.{'exr' if render_exr else 'png'}"


def record_path(dataset_dir: Path, idx: int) -> Path:
    """Record file of a sample."""
    return dataset_dir / "img" / f"{idx:05d}.npy"


def read_record(path: Path) -> np.ndarray:
    """Record of a sample: (num_objs,) of `RECORD_DTYPE`.

    Raises:
        ValueError: the file is truncated or no record of ours.
        OSError: it cannot be read.
    """
    try:
        record = np.load(path, allow_pickle=False)
    except EOFError as error:
        raise ValueError("empty file") from error
    if record.dtype != RECORD_DTYPE or record.ndim != 1:
        raise ValueError(f"not a record of this program: dtype {record.dtype}")
    return record


def is_complete(dataset_dir: Path, idx: int, render_exr: bool) -> bool:
    """Whether a sample's record is readable and its image whole."""
    try:
        read_record(record_path(dataset_dir, idx))
    except (OSError, ValueError):
        return False
    return is_whole_image(image_path(dataset_dir, idx, render_exr))


def find_missing(dataset_dir: Path, idxs: Iterable[int], render_exr: bool) -> list[int]:
    """Those of the given samples that are not complete."""
    return [idx for idx in idxs if not is_complete(dataset_dir, idx, render_exr)]


# --- atomic writing -----------------------------------------------------------------------------


def temporary_path(path: Path) -> Path:
    """Name in the same folder for a file that is being written by this process."""
    return path.with_name(f".{path.stem}.{socket.gethostname()}.{os.getpid()}{path.suffix}")


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Calls ``write(temporary path)`` and renames the result; leaves nothing behind on failure."""
    temporary = temporary_path(path)
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def write_text(path: Path, text: str) -> None:
    """Writes a text file atomically."""
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_array(path: Path, array: np.ndarray) -> None:
    """Writes an ``.npy`` file atomically."""
    write_atomically(path, lambda temporary: np.save(temporary, array, allow_pickle=False))


def remove_stale_files(folder: Path) -> None:
    """Removes what processes of this machine that are gone were writing when they were killed."""
    host = socket.gethostname()
    with os.scandir(folder) as entries:
        names = [e.name for e in entries if e.name.startswith(".")]
    for name in names:
        stem, _, _ = name.rpartition(".")
        prefix, _, pid = stem.rpartition(".")
        if prefix.endswith(f".{host}") and pid.isdigit() and not _is_alive(int(pid)):
            with contextlib.suppress(OSError):
                (folder / name).unlink()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


# --- names ---------------------------------------------------------------------------------------


def name_to_dataset_dir(data_dir: Path, name: str) -> Path:
    """Folder of a data set.

    Raises:
        UserError: the name is not one plain path component.
    """
    allowed = set("-_.") | set(map(chr, (*range(48, 58), *range(65, 91), *range(97, 123))))
    if not name or name.startswith((".", "-")) or not set(name) <= allowed or len(name) > 200:
        raise UserError(
            f"--dataset_name {name!r}: must be one folder name of letters, digits, '-', '_' and "
            "'.', not starting with '.' or '-'; to write elsewhere set SYNRENDER_DATA_DIR"
        )
    return data_dir / name
