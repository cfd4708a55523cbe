"""Reads the small files of a data set for the archive; refuses missing and mixed ones."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synrender.archive.encode import read_image_size
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.names import Listing
from synrender.dataset.record import (
    MAX_RECORD_BYTES,
    RECORD_DTYPE,
    create_records,
    find_singular_field,
    find_wild_field,
)
from synrender.errors import UserError
from synrender.settings.factor_table import COLUMNS
from synrender.system.files import read_small_file

_NUM_LISTED = 20


@dataclass(frozen=True)
class Source:
    """A data set and which of its samples have files."""

    folder: DatasetFolder
    listing: Listing


def open_source(folder: DatasetFolder, insists_on_exr: bool) -> Source:
    """Lists the small files of a data set.

    Raises:
        UserError: there are images of both kinds, or the user insists on another kind.
    """
    listing = folder.list_samples()
    if insists_on_exr and listing.pngs:
        raise UserError(
            f"--is_exr: the images in {folder.image_dir} are PNG; leave -e out, or render with "
            "rendering.render_exr = True"
        )
    return Source(folder, listing)


def refuse_missing(source: Source, idxs: Iterable[int]) -> None:
    """Raises UserError, naming them, if any of the given samples are missing."""
    missing = source.listing.find_missing(idxs)
    if not missing:
        return
    listed = ", ".join(map(str, missing[:_NUM_LISTED]))
    more = f" and {len(missing) - _NUM_LISTED} more" if len(missing) > _NUM_LISTED else ""
    folder = source.folder
    raise UserError(
        f"{folder.image_dir}: {len(missing)} samples are missing: {listed}{more}; this renders "
        f"them: python render.py -d {folder.name} -g {folder.config_path}"
    )


def read_side_px(folder: DatasetFolder, idx: int) -> int:
    """Side of a sample's square image, px."""
    path = folder.image_path(idx)
    width, height = read_image_size(path)
    if width != height:
        raise UserError(f"{path}: {width} x {height} px; images must be square")
    return width


def load_record(folder: DatasetFolder, idx: int) -> np.ndarray:
    """Record of a sample, (num_objs,) of RECORD_DTYPE.

    Raises:
        UserError: it is missing, truncated or not a record.
    """
    try:
        return folder.read_record(idx)
    except (OSError, ValueError) as error:
        raise UserError(
            f"{folder.record_path(idx)}: {error}; remove it and render it again"
        ) from None


def load_records(folder: DatasetFolder, idxs: np.ndarray, num_objs: int) -> np.ndarray:
    """Records of samples, (k, num_objs) of RECORD_DTYPE.

    Several times as fast as `load_record`: a file with the expected header needs no parsing.

    Raises:
        UserError: one is missing, damaged, or has another number of objects.
    """
    records = np.zeros((len(idxs), num_objs), RECORD_DTYPE)
    file = io.BytesIO()
    np.save(file, np.zeros(num_objs, RECORD_DTYPE))
    expected = file.getvalue()
    header = expected[: len(expected) - RECORD_DTYPE.itemsize * num_objs]
    for i, idx in enumerate(idxs.tolist()):
        try:
            data = read_small_file(folder.record_path(idx), MAX_RECORD_BYTES)
        except (OSError, ValueError):
            data = b""
        if len(data) == len(expected) and data.startswith(header):
            records[i] = np.frombuffer(data, RECORD_DTYPE, offset=len(header))
            continue
        records[i] = pad_record(load_record(folder, idx), num_objs, folder.record_path(idx))
    if find_wild_field(records) or find_singular_field(records):
        for idx in idxs.tolist():
            load_record(folder, idx)  # names the file
    return records


def pad_record(record: np.ndarray, num_objs: int, path: Path) -> np.ndarray:
    """A record with a row for each of ``num_objs`` objects; those that are not there are unknown.

    Only where the design varies their number (factor ``num_objs``) there may be fewer.

    Raises:
        UserError: there are more, or fewer than the record itself says.
    """
    said = record["factor_values"][:, COLUMNS.index("num_objs")]
    if len(record) != num_objs and not (len(record) < num_objs and (said == len(record)).all()):
        raise UserError(
            f"{path}: {len(record)} objects, the data set began with {num_objs}; remove it and "
            "render it again"
        )
    padded = create_records((num_objs,))
    padded[: len(record)] = record
    return padded
