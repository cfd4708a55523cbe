"""From the PNGs of an archive to arrays for training: decoded, resized, in LAB, normalised."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from synrender.archive.color import srgb8_to_lab
from synrender.archive.files import open_file
from synrender.errors import UserError
from util import img_read_and_resize

Images = Iterator[np.ndarray]


def read_colors(file: h5py.File, rows: np.ndarray | slice, res: int, to_lab: bool) -> Images:
    """Yields the images of some rows.

    Yields:
        (3, res, res): float32 L*a*b*, or uint8 sRGB.

    Raises:
        UserError: one cannot be decoded.
    """
    for planes in _read_planes(file, "png_images", rows, res, nearest=False):
        yield srgb8_to_lab(planes) if to_lab else planes


@dataclass(frozen=True)
class Place:
    """Where in a file the pixels of some rows go, in bytes from its beginning."""

    path: Path
    data: int
    targets: int | None  # None: there are no dense targets


def fill_rows(
    place: Place,
    path: Path,
    rows: slice,
    res: int,
    to_lab: bool,
    mean: np.ndarray,
    std: np.ndarray,
) -> int:
    """Preprocesses some rows and writes their pixels straight to their place.

    HDF5 has a single writer, to which all pixels would have to be sent: that would cost a quarter
    of the time. The writer reserves the space and tells each process where its share begins.

    Args:
        place: where to write.
        path, rows, res, to_lab, mean, std: of `preprocess_chunk`.

    Returns:
        Number of rows.
    """
    data, targets = preprocess_chunk(path, rows, res, to_lab, mean, std)
    with place.path.open("r+b") as file:
        file.seek(place.data)
        file.write(data)
        if targets is not None:
            file.seek(place.targets)
            file.write(targets)
    return len(data)


def preprocess_chunk(
    path: Path, rows: slice, res: int, to_lab: bool, mean: np.ndarray, std: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """Images and dense targets of some rows of a file.

    Args:
        path: ``imgs_XX.h5``.
        rows: k rows of it.
        res: side of the result in px.
        to_lab: convert to LAB.
        mean, std: (3,) float64, to normalise with: (value - mean) / std.

    Returns:
        (k, 3, res, res) float16, and (k, 3, res, res) uint8 resized by nearest neighbour, or None
        where there are no dense targets.
    """
    shape = (rows.stop - rows.start, 3, res, res)
    data, values = np.empty(shape, np.float16), np.empty(shape[1:], np.float32)
    factor = (1 / std).astype(np.float32)[:, None, None]
    shift = (-mean / std).astype(np.float32)[:, None, None]
    with open_file(path) as file:
        for i, colors in enumerate(read_colors(file, rows, res, to_lab)):
            np.multiply(colors, factor, out=values)
            np.add(values, shift, out=data[i], casting="same_kind")
        if "png_targets" not in file:
            return data, None
        targets = np.empty(shape, np.uint8)
        for i, planes in enumerate(_read_planes(file, "png_targets", rows, res, nearest=True)):
            targets[i] = planes
    return data, targets


def _read_planes(
    file: h5py.File, name: str, rows: np.ndarray | slice, res: int, nearest: bool
) -> Images:
    for i, png in enumerate(file[name][rows]):
        try:
            image = img_read_and_resize(png, res, nearest)
        except OSError as error:
            row = np.arange(len(file[name]))[rows][i]
            raise UserError(
                f"{file.filename}: {name}[{row}] cannot be decoded ({error}); write the file anew "
                "with --to_hdf5 --overwrite"
            ) from None
        yield np.ascontiguousarray(image.transpose(2, 0, 1))
