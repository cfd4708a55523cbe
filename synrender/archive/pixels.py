"""Turns the PNGs of an archive into arrays: decodes, resizes, converts to LAB, normalises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from kornia_rs.io import decode_image_png_u8

from synrender.archive.files import open_file
from synrender.errors import UserError
from synrender.images.color import srgb8_to_lab
from util import img_resize

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
class FileOffsets:
    """Where in a file the pixels of some rows go, in bytes from its beginning."""

    path: Path
    data: int
    targets: int | None  # None: there are no dense targets


def fill_rows(
    offsets: FileOffsets,
    path: Path,
    rows: slice,
    res: int,
    to_lab: bool,
    mean: np.ndarray,
    std: np.ndarray,
) -> int:
    """Preprocesses some rows and writes their pixels directly into the file of arrays.

    HDF5 allows a single writer, and sending all pixels to it would take a quarter of the time. So
    the writer only allocates the space, and each process writes at its own offsets.

    Args:
        offsets: where to write.
        path: ``imgs_XX.h5``.
        rows: rows of ``path``.
        res: side of the result in px.
        to_lab: convert to LAB.
        mean: (3,) float64, to normalise with.
        std: likewise.

    Returns:
        Number of rows.
    """
    data, targets = preprocess_chunk(path, rows, res, to_lab, mean, std)
    with offsets.path.open("r+b") as file:
        file.seek(offsets.data)
        file.write(data.data)
        if targets is not None and offsets.targets is not None:
            file.seek(offsets.targets)
            file.write(targets.data)
    return len(data)


def preprocess_chunk(
    path: Path, rows: slice, res: int, to_lab: bool, mean: np.ndarray, std: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """Images and dense targets of some rows of a file.

    Args:
        path: ``imgs_XX.h5``.
        rows: k rows of ``path``.
        res: side of the result in px.
        to_lab: convert to LAB.
        mean: (3,) float64, to normalise with: (value - mean) / std.
        std: likewise.

    Returns:
        (k, 3, res, res) float16, and (k, 3, res, res) uint8 resized by nearest neighbour, or None
        if there are no dense targets.
    """
    shape = (rows.stop - rows.start, 3, res, res)
    data = np.empty(shape, np.float16)
    normalize = _create_normalizer(to_lab, mean, std)
    with open_file(path) as file:
        for i, colors in enumerate(read_colors(file, rows, res, to_lab)):
            normalize(colors, data[i])
        if "png_targets" not in file:
            return data, None
        targets = np.empty(shape, np.uint8)
        for i, planes in enumerate(_read_planes(file, "png_targets", rows, res, nearest=True)):
            targets[i] = planes
    return data, targets


def _create_normalizer(
    to_lab: bool, mean: np.ndarray, std: np.ndarray
) -> Callable[[np.ndarray, np.ndarray], None]:
    """A function that writes (value - mean) / std of an image's planes to its second argument."""
    if to_lab:
        factor = (1 / std).astype(np.float32)[:, None, None]
        shift = (-mean / std).astype(np.float32)[:, None, None]

        def normalize(lab: np.ndarray, out: np.ndarray) -> None:
            lab *= factor  # in place: not used afterwards
            np.add(lab, shift, out=out, casting="same_kind")

        return normalize
    # A table is enough: each channel has only 256 values.
    table = ((np.arange(256) - mean[:, None]) / std[:, None]).astype(np.float16)

    def look_up(planes: np.ndarray, out: np.ndarray) -> None:
        for values, plane, normalized in zip(table, planes, out, strict=True):
            np.take(values, plane, out=normalized, mode="clip")  # "raise" would buffer

    return look_up


def _read_planes(
    file: h5py.File, name: str, rows: np.ndarray | slice, res: int, nearest: bool
) -> Images:
    for i, png in enumerate(file[name][rows]):
        try:
            image = _decode_rgb8(png.tobytes())
        except Exception as error:  # kornia_rs raises nothing narrower
            row = np.arange(len(file[name]))[rows][i]
            raise UserError(
                f"{file.filename}: {name}[{row}] cannot be decoded ({error}); write the file again "
                "with --to_hdf5 --overwrite"
            ) from None
        yield np.ascontiguousarray(img_resize(image, res, nearest).transpose(2, 0, 1))


def _decode_rgb8(png: bytes) -> np.ndarray:
    """An RGB PNG of 8 bits as (h, w, 3) uint8, in less than half of the time that Pillow takes."""
    height_width = tuple(int.from_bytes(png[i : i + 4], "big") for i in (20, 16))
    return decode_image_png_u8(png, height_width, "rgb")
