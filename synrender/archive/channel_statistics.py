"""``--calc_mean``: mean and standard deviation of each channel, in one pass over the images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synrender.archive.hdf5_files import find_chunk_size, shard_path
from synrender.archive.pack import Progress
from synrender.archive.pixels import read_colors
from synrender.dataset.shard import open_file
from synrender.system.workers import Workers


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


def measure_moments(
    dataset_dir: Path,
    shards: Sequence[int],
    res: int,
    to_lab: bool,
    num_samples: int | None,
    seed: int,
    workers: Workers,
    progress: Progress,
) -> Moments:
    """Mean and standard deviation of images as `--preprocess` resizes and converts them.

    Args:
        dataset_dir: folder of the data set.
        shards: shards to measure.
        res: side of the images in px.
        to_lab: in LAB, else in 8-bit RGB.
        num_samples: size of a random subset; None for all.
        seed: seed of the subset.
        workers: processes to use.
        progress: creates the progress bar.
    """
    rows = []  # (k, 2): shard, row in its file
    for shard in shards:
        with open_file(shard_path(dataset_dir, shard)) as file:
            num_rows, side_px = len(file["png_images"]), int(file.attrs["image_size"])
        rows.append(np.stack([np.full(num_rows, shard), np.arange(num_rows)], axis=1))
    chosen = np.concatenate(rows)
    if num_samples is not None and num_samples < len(chosen):
        keys = np.random.Generator(np.random.PCG64([seed, num_samples])).random(len(chosen))
        chosen = chosen[np.sort(np.argsort(keys, kind="stable")[:num_samples])]
    tasks, size = [], find_chunk_size(max(res, side_px))
    for shard in shards:
        in_shard = chosen[chosen[:, 0] == shard, 1]
        for start in range(0, len(in_shard), size):
            path = shard_path(dataset_dir, shard)
            tasks.append((path, in_shard[start : start + size], res, to_lab))
    moments = []
    with progress(len(chosen), "mean") as bar:
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
