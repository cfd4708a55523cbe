"""Reads the small files of a data set for the archive; refuses missing and mixed ones."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from synrender.archive.encode import read_image_size
from synrender.dataset.folder import DatasetFolder
from synrender.dataset.listing import Listing
from synrender.dataset.record import RECORD_DTYPE
from synrender.errors import UserError

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


def read_sample_shape(folder: DatasetFolder, idx: int) -> tuple[int, int]:
    """Number of objects of a sample, and side of its square image in px."""
    path = folder.image_path(idx)
    width, height = read_image_size(path)
    if width != height:
        raise UserError(f"{path}: {width} x {height} px; images must be square")
    return len(load_record(folder, idx)), width


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
            data = folder.record_path(idx).read_bytes()
        except OSError:
            data = b""
        if len(data) == len(expected) and data.startswith(header):
            records[i] = np.frombuffer(data, RECORD_DTYPE, offset=len(header))
            continue
        record = load_record(folder, idx)
        if len(record) != num_objs:
            raise UserError(
                f"{folder.record_path(idx)}: {len(record)} objects, the data set began with "
                f"{num_objs}; remove it and render it again"
            )
        records[i] = record
    return records
