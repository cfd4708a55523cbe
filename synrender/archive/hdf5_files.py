"""The HDF5 files of an archive: names, fields, attributes, and writing them atomically."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Generator, Sequence
from concurrent.futures import BrokenExecutor
from pathlib import Path
from types import TracebackType

import h5py
import numpy as np
import PIL
from numpy.typing import DTypeLike

from synrender.dataset.archive_layout import Layout, object_shape
from synrender.dataset.design_info import DesignInfo
from synrender.dataset.info import DatasetInfo, info_to_json
from synrender.dataset.names import shard_file
from synrender.dataset.record import RECORD_DTYPE, UNKNOWN_COLUMNS, list_record_fields
from synrender.dataset.shard import ARCHIVE_VERSION
from synrender.settings.factor_table import COLUMNS, FACTORS
from synrender.settings.load import settings_to_gin
from synrender.system.disk import find_full_disk
from synrender.system.files import find_errno
from synrender.system.locks import temporary_file

CHUNK_PX = 32 * 128**2
"""Pixels that a process handles at a time, whatever the size of a data set."""

RECORD_CHUNK = 512
"""Samples whose records are handled at a time."""

PNG_DTYPE = h5py.vlen_dtype(np.uint8)

OF_RENDERED = "; px of the image as it was rendered"
"""How the description of a field in px ends, unless it is of resized images."""

# What the names of some fields do not say: their attribute ``description``.
DESCRIPTIONS = {
    "png_images": "PNG files, 8-bit sRGB; with alpha where one sees through an image",
    "png_targets": "PNG files, 8-bit: instance from 1, class id + 1, depth in cm (255: or more); "
    "0 = backdrop",
    "png_depth": "PNG files, 16-bit gray: depth along the viewing axis in 0.1 mm; 65535 = nothing "
    "hit, or beyond 6.5534 m",
    "intrinsics": f"camera matrix; the top left pixel's center is (0.5, 0.5){OF_RENDERED}",
    "num_visible_px": f"pixels of each object in the instance pass{OF_RENDERED}",
    "box_px": "x_min, y_min, x_max, y_max of each object in the instance pass; pixel edges, so "
    f"that x_max - x_min is the width; all 0 = hidden{OF_RENDERED}",
}


class CannotWrite(OSError):
    """A file that could not be written; the message says what to do."""


def shard_path(dataset_dir: Path, shard: int) -> Path:
    """File of a shard: images and records."""
    return dataset_dir / shard_file(shard)


def find_chunk_size(side_px: int) -> int:
    """Number of square images that are handled at a time."""
    return max(1, min(32, CHUNK_PX // side_px**2))


@contextlib.contextmanager
def new_file(path: Path) -> Generator[h5py.File]:
    """Writes a file under a temporary name, and renames it when it is complete.

    Raises:
        DiskFull: there is no room; the file is removed.
        CannotWrite: it cannot be written for another reason; it is removed.
    """
    try:
        with temporary_file(path) as temporary:
            with _quiet_objects(), h5py.File(temporary, "w", locking=False) as file:
                yield file  # `temporary_file` holds the lock
            os.replace(temporary, path)
    except BrokenExecutor:
        raise
    except (OSError, RuntimeError) as error:  # how HDF5 reports that it could not write
        if full := find_full_disk(error, path.parent):
            raise full from None
        raise CannotWrite(f"{path}: cannot be written ({_find_reason(error)})") from None


@contextlib.contextmanager
def _quiet_objects() -> Generator[None]:
    """Keeps h5py's objects from printing a traceback each as they are freed and cannot be flushed.

    The error itself is raised where the file is written or closed. After a failure the hooks stay:
    objects are freed later still.
    """
    excepthook, unraisablehook = sys.excepthook, sys.unraisablehook

    def print_others(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        while trace and trace.tb_next:
            trace = trace.tb_next
        if not (trace and "h5py" in trace.tb_frame.f_code.co_filename):
            excepthook(kind, error, error.__traceback__)

    def ignore_hdf5(unraisable: sys.UnraisableHookArgs) -> None:
        if "h5py" not in repr(unraisable.object):
            unraisablehook(unraisable)

    sys.excepthook, sys.unraisablehook = print_others, ignore_hdf5
    yield
    sys.excepthook, sys.unraisablehook = excepthook, unraisablehook


def refuse_full_disk(folder: Path, num_bytes: int) -> None:
    """Raises CannotWrite if a file of this size does not fit."""
    free = shutil.disk_usage(folder).free
    if free < num_bytes:
        raise CannotWrite(
            f"{folder}: needs {num_bytes / 1e6:.0f} MB, {free / 1e6:.0f} MB are free; make room, "
            "or choose a smaller --res"
        )


# --- fields ---------------------------------------------------------------------------------------


def create_record_fields(file: h5py.File, num_rows: int, num_objs: int, num_columns: int) -> None:
    """Creates a data set for each field of a record, with some columns of factors.

    Shapes are (num_rows, num_objs, ...), or (num_rows, ...) for a single object, as in 2020.
    Text becomes UTF-8 strings.
    """
    for name in list_record_fields(num_columns):
        field = RECORD_DTYPE[name]
        dtype = h5py.string_dtype() if field.base.kind == "U" else field.base
        shape = (num_columns,) if name in UNKNOWN_COLUMNS else field.shape
        create_field(file, name, (num_rows, *object_shape(num_objs), *shape), dtype)


def describe_factors(file: h5py.File, design: DesignInfo | None, num_columns: int) -> None:
    """Gives ``factor_values`` and ``factor_levels`` their names, units and level values.

    Attributes of both: ``columns`` and ``units`` (text, one for each column) and ``levels`` (JSON:
    the values of each factor's levels, a list of numbers for each level; {} without a design).
    """
    columns = list(COLUMNS[:num_columns])
    units = [factor.unit for factor in FACTORS.values() for _ in factor.columns]
    factors = design.factors if design else {}
    levels = json.dumps({name: factor.levels for name, factor in factors.items()})
    for name in ("factor_values", "factor_levels"):
        file[name].attrs.update(columns=columns, units=units[:num_columns], levels=levels)


def create_field(
    file: h5py.File, name: str, shape: tuple[int, ...], dtype: DTypeLike
) -> h5py.Dataset:
    """Creates an HDF5 data set, with its description from `DESCRIPTIONS` if there is one."""
    dataset = file.create_dataset(name, shape, dtype)
    if name in DESCRIPTIONS:
        dataset.attrs["description"] = DESCRIPTIONS[name]
    return dataset


def allocate_field(
    file: h5py.File, name: str, shape: tuple[int, ...], dtype: DTypeLike
) -> h5py.Dataset:
    """Creates an HDF5 data set and allocates its space, for other processes to fill.

    It is contiguous and uncompressed, by far the fastest of HDF5's layouts for training: a random
    128 x 128 sample takes 0.01 ms (0.3 ms from compressed chunks, which need two thirds of the
    space); a list of indexes takes 0.01 ms a sample (2 ms from any chunks).
    """
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    return file.create_dataset(name, shape, dtype, dcpl=properties, fill_time="never")


def write_rows(
    dataset: h5py.Dataset, rows: slice, values: np.ndarray | Sequence[np.ndarray | bytes]
) -> None:
    """Writes rows of a field: PNG files, or values (num_objs, ...) each.

    Drops the object axis of a single object.
    """
    if isinstance(values[0], bytes):
        for row, png in zip(range(rows.start, rows.stop), values, strict=True):
            dataset[row] = np.frombuffer(png, np.uint8)  # one by one: h5py stacks equal lengths
        return
    stacked = np.asarray(values)
    if stacked.dtype.kind == "U":
        stacked = stacked.astype(object)
    dataset[rows] = stacked.reshape(len(stacked), *dataset.shape[1:])


# --- attributes -----------------------------------------------------------------------------------


def describe_archive(
    info: DatasetInfo, layout: Layout, num_objs: int, side_px: int
) -> dict[str, object]:
    """Attributes that all files of an archive share."""
    versions = {**info.versions, "h5py": h5py.__version__, "pillow": PIL.__version__}
    return {
        "archive_version": ARCHIVE_VERSION,
        "num_samples": layout.num_samples,
        "num_buckets": layout.num_shards,
        "num_model_buckets": sum(layout.split_buckets),
        "split_buckets": layout.split_buckets,
        "split_ends": [rows.stop for rows in layout.split_rows.values()],
        "num_objs": num_objs,
        "image_size": side_px,
        "seed": info.seed,
        "intrinsics": np.array(info.camera.intrinsics, np.float64),
        "world_to_camera": np.array(info.camera.world_to_camera, np.float64),
        "config": settings_to_gin(info.settings),
        "versions": json.dumps(versions),
        "dataset": info_to_json(info),
    }


def _find_reason(error: Exception) -> str:
    """The operating system's message, without HDF5's text around it."""
    number = find_errno(error)
    return os.strerror(number) if number else " ".join(str(error).split())
