"""Turns the PNGs of an archive into arrays: decodes, resizes, converts to LAB, normalizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from synrender.dataset.shard import create_decoder, open_file
from synrender.images.conversions import srgb8_to_lab
from synrender.images.label_codes import CODES, Code
from synrender.images.resize import img_resize

Images = Iterator[np.ndarray]

RGB_MEAN_STD = ((98.12, 89.92, 84.36), (43.95, 42.66, 44.05))
LAB_MEAN_STD = ((38.44, 3.03, 4.77), (17.42, 9.41, 11.37))
"""Channel means and standard deviations of the 2020 release's images."""


@dataclass(frozen=True)
class PreprocessOptions:
    """What the user asks for."""

    res: int = 128  # side of the images in px
    to_lab: bool = False
    mean_std: tuple[np.ndarray, np.ndarray] | None = None  # (3,) each; None: those of 2020
    shard_idxs: Sequence[int] = ()  # empty: all
    overwrite: bool = False

    @property
    def normalization(self) -> np.ndarray:
        """Mean and standard deviation of each channel, (2, 3) float64."""
        default = LAB_MEAN_STD if self.to_lab else RGB_MEAN_STD
        return np.array(default if self.mean_std is None else self.mean_std, np.float64)


def read_colors(file: h5py.File, rows: np.ndarray | slice, res: int, to_lab: bool) -> Images:
    """Yields the images of some rows.

    Yields:
        (3, res, res): float32 L*a*b*, or uint8 sRGB.

    Raises:
        UserError: one cannot be decoded.
    """
    for image in _read_images(file, "png_images", rows, res, nearest=False):
        planes = np.ascontiguousarray(image.transpose(2, 0, 1))
        yield srgb8_to_lab(planes) if to_lab else planes


def preprocess_chunk(path: Path, rows: slice, options: PreprocessOptions) -> dict[str, np.ndarray]:
    """Images, dense targets, depth and labels of some rows of a file.

    Args:
        path: ``imgs_XX.h5``.
        rows: k rows of ``path``.
        options: what the user asks for.

    Returns:
        ``data`` (k, 3, res, res) float16; and, resized by nearest neighbor, if there are dense
        targets, ``targets`` (k, 3, res, res) uint8, ``depth`` (k, res, res) uint16, and the numbers
        of the labels of pixels that the file holds, see `CODES`.
    """
    num_rows, res = rows.stop - rows.start, options.res
    data = np.empty((num_rows, 3, res, res), np.float16)
    normalize = _create_normalizer(options)
    with open_file(path) as file:
        for i, colors in enumerate(read_colors(file, rows, res, options.to_lab)):
            normalize(colors, data[i])
        if "png_targets" not in file:
            return {"data": data}
        targets = np.empty(data.shape, np.uint8)
        for i, image in enumerate(_read_images(file, "png_targets", rows, res, nearest=True)):
            targets[i] = image.transpose(2, 0, 1)
        depth = np.empty((num_rows, res, res), np.uint16)
        for i, image in enumerate(_read_images(file, "png_depth", rows, res, nearest=True)):
            depth[i] = image
        labels = {name: _read_label(file, name, rows, res) for name in list_pixel_labels(file)}
    return {"data": data, "targets": targets, "depth": depth, **labels}


def list_pixel_labels(file: h5py.File) -> list[str]:
    """Labels of pixels that an ``imgs_XX.h5`` holds."""
    return [name for name in CODES if f"png_{name}" in file]


def _read_label(file: h5py.File, name: str, rows: slice, res: int) -> np.ndarray:
    """Numbers of a label, as `data_<res>.h5` holds them, (k, ...)."""
    code = CODES[name]
    found = create_decoder(file)(f"png_{name}", rows)
    shape = code.find_shape(res, int(file.attrs["num_objs"]))
    values = np.empty((rows.stop - rows.start, *shape), code.dtype)
    for i, numbers in enumerate(found):
        values[i] = numbers_to_size(numbers, code, res)
    return values


def numbers_to_size(numbers: np.ndarray, code: Code, res: int) -> np.ndarray:
    """Numbers of a label of pixels, resized by nearest neighbor."""
    if not code.is_per_object:
        return img_resize(numbers, res, nearest=True)
    return img_resize(numbers.transpose(1, 2, 0), res, nearest=True).transpose(2, 0, 1)


def _create_normalizer(options: PreprocessOptions) -> Callable[[np.ndarray, np.ndarray], None]:
    """A function that writes (value - mean) / std of an image's planes to its second argument."""
    mean, std = options.normalization
    if options.to_lab:
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


def _read_images(
    file: h5py.File, name: str, rows: np.ndarray | slice, res: int, nearest: bool
) -> Images:
    for image in create_decoder(file)(name, rows):
        yield img_resize(image, res, nearest)
