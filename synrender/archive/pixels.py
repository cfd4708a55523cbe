"""Turns the PNGs of an archive into arrays: decodes, resizes, converts to LAB, normalizes.

``--calc_mean`` measures the mean and standard deviation of each channel, in one pass over them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from synrender.archive.hdf5_files import find_chunk_size, shard_path
from synrender.dataset.shard import create_decoder, open_file, read_info
from synrender.images.conversions import srgb8_to_lab
from synrender.images.label_codes import CODES
from synrender.images.resize import img_resize
from synrender.settings.groups import has_alpha
from synrender.system.console import CreateBar
from synrender.system.workers import Workers

Images = Iterator[np.ndarray]

RGB_MEAN_STD = ((98.12, 89.92, 84.36), (43.95, 42.66, 44.05))
LAB_MEAN_STD = ((38.44, 3.03, 4.77), (17.42, 9.41, 11.37))
"""Channel means and standard deviations of the 2020 release's images."""


@dataclass(frozen=True)
class PreprocessOptions:
    """Options of ``--preprocess``."""

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
    for image in _read_resized(file, "png_images", rows, res):
        planes = np.ascontiguousarray(image.transpose(2, 0, 1))
        yield srgb8_to_lab(planes) if to_lab else planes


def preprocess_chunk(path: Path, rows: slice, options: PreprocessOptions) -> dict[str, np.ndarray]:
    """Images, dense targets, depth and labels of some rows of a file.

    Args:
        path: ``imgs_XX.h5``.
        rows: k rows of ``path``.
        options: what the user asks for.

    Returns:
        ``data`` (k, 3, res, res) float16, before white; ``alpha`` (k, res, res) uint8, if images
        have any; and, resized by nearest neighbor, if there are dense
        targets, ``targets`` (k, 3, res, res) uint8, ``depth`` (k, res, res) uint16, and the numbers
        of the labels of pixels that the file holds, see `CODES`.
    """
    res = options.res
    data = np.empty((rows.stop - rows.start, 3, res, res), np.float16)
    normalize = _create_normalizer(options)
    with open_file(path) as file:

        def read(name: str) -> np.ndarray:
            return np.stack(list(_read_resized(file, name, rows, res)))

        for i, colors in enumerate(read_colors(file, rows, res, options.to_lab)):
            normalize(colors, data[i])
        found = {"data": data}
        if has_alpha(read_info(file).settings):
            found["alpha"] = read("alpha")
        if "png_targets" in file:
            found["targets"] = read("png_targets").transpose(0, 3, 1, 2)
            found["depth"] = read("png_depth")
            found |= {name: read(f"png_{name}") for name in list_pixel_labels(file)}
    return found


def list_pixel_labels(file: h5py.File) -> list[str]:
    """Labels of pixels that an ``imgs_XX.h5`` holds."""
    return [name for name in CODES if f"png_{name}" in file]


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


def _read_resized(file: h5py.File, name: str, rows: np.ndarray | slice, res: int) -> Images:
    """Images, or by nearest neighbor targets, depths or numbers of labels of pixels."""
    code, nearest = CODES.get(name.removeprefix("png_")), name not in ("png_images", "alpha")
    for image in create_decoder(file)(name, rows):
        if code and code.is_per_object:
            yield img_resize(image.transpose(1, 2, 0), res, nearest).transpose(2, 0, 1)
        else:
            yield img_resize(image, res, nearest)


@dataclass(frozen=True)
class Moments:
    """Mean and spread of each channel over some pixels."""

    num_px: int
    mean: np.ndarray  # (3,) float64
    sum_squares: np.ndarray  # (3,) float64, of the distances from the mean

    @property
    def std(self) -> np.ndarray:
        """Standard deviation, (3,) float64."""
        return np.sqrt(self.sum_squares / self.num_px)

    def to_lines(self, res: int, to_lab: bool, what: str) -> list[str]:
        """Lines to print; ``what`` says which samples these are."""
        channels = "L*, a*, b*" if to_lab else "red, green, blue"
        return [
            f"{channels} of {self.num_px // res**2} samples ({what}) at {res} x {res} px:",
            "  mean " + ", ".join(f"{v:.2f}" for v in self.mean),
            "  std  " + ", ".join(f"{v:.2f}" for v in self.std),
        ]


@dataclass(frozen=True)
class MeanOptions:
    """Options of ``--calc_mean``."""

    shards: Sequence[int]  # to measure
    res: int  # side of the images in px
    to_lab: bool  # in LAB, else in 8-bit RGB
    num_samples: int | None = None  # size of a random subset; None: all
    seed: int = 0  # of the subset


def measure_moments(
    dataset_dir: Path, options: MeanOptions, workers: Workers, create_bar: CreateBar
) -> Moments:
    """Mean and standard deviation of images as `--preprocess` resizes and converts them."""
    num_samples = options.num_samples
    rows = []  # (k, 2): shard, row in its file
    for shard in options.shards:
        with open_file(shard_path(dataset_dir, shard)) as file:
            num_rows, side_px = len(file["png_images"]), int(file.attrs["image_size"])
        rows.append(np.stack([np.full(num_rows, shard), np.arange(num_rows)], axis=1))
    chosen = np.concatenate(rows)
    if num_samples is not None and num_samples < len(chosen):
        keys = np.random.Generator(np.random.PCG64([options.seed, num_samples])).random(len(chosen))
        chosen = chosen[np.sort(np.argsort(keys, kind="stable")[:num_samples])]
    tasks, size = [], find_chunk_size(max(options.res, side_px))
    for shard in options.shards:
        in_shard = chosen[chosen[:, 0] == shard, 1]
        for start in range(0, len(in_shard), size):
            path = shard_path(dataset_dir, shard)
            tasks.append((path, in_shard[start : start + size], options.res, options.to_lab))
    moments = []
    with create_bar(len(chosen), "mean") as bar:
        for part, task in zip(workers.map(measure_chunk, tasks), tasks, strict=True):
            moments.append(part)
            bar.update(len(task[1]))
    return add_moments(moments)


def measure_chunk(path: Path, rows: np.ndarray, res: int, to_lab: bool) -> Moments:
    """Moments of some images of a file."""
    parts = []
    with open_file(path) as file:
        for colors in read_colors(file, rows, res, to_lab):
            planes = colors.reshape(3, -1)
            mean, variance = (f(planes, axis=1, dtype=np.float64) for f in (np.mean, np.var))
            parts.append(Moments(planes.shape[1], mean, variance * planes.shape[1]))
    return add_moments(parts)


def add_moments(parts: Iterable[Moments]) -> Moments:
    """Moments of all pixels together, numerically stable (Chan, Golub and LeVeque 1983)."""
    total = Moments(0, np.zeros(3), np.zeros(3))
    for part in parts:
        num_px = total.num_px + part.num_px
        distance = part.mean - total.mean
        total = Moments(
            num_px,
            total.mean + distance * part.num_px / num_px,
            total.sum_squares
            + part.sum_squares
            + distance**2 * total.num_px * part.num_px / num_px,
        )
    return total
