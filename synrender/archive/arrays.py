"""The file of normalised arrays: its options, its fields, and what a shard adds to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from synrender.archive.hdf5_files import (
    DESCRIPTIONS,
    OF_RENDERED,
    RECORD_CHUNK,
    create_field,
    create_pixels,
    find_chunk_size,
    open_file,
)
from synrender.archive.label_fields import AS_RENDERED, PX_FIELDS, scale_px
from synrender.archive.pixels import FileOffsets, list_pixel_labels
from synrender.dataset.splits import Layout
from synrender.images.label_codes import CODES

RGB_MEAN_STD = ((98.12, 89.92, 84.36), (43.95, 42.66, 44.05))
LAB_MEAN_STD = ((38.44, 3.03, 4.77), (17.42, 9.41, 11.37))
"""Channel means and standard deviations of the 2020 release's images."""

NOT_COPIED = ("bucket", "first_row")
"""Attributes of a single ``imgs_XX.h5`` that the file of arrays does not take over."""


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


def create_fields(
    out: h5py.File, first_input: Path, layout: Layout, options: PreprocessOptions
) -> None:
    """Creates all fields for all rows, like those of the first ``imgs_XX.h5``."""
    n, res = layout.num_samples, options.res
    mean, std = options.normalization
    with open_file(first_input) as file:
        for name, value in file.attrs.items():
            if name not in NOT_COPIED:
                out.attrs[name] = value
        scale = res / file.attrs["image_size"]
        rendered = file.attrs["intrinsics"]
        out.attrs[AS_RENDERED["intrinsics"]] = rendered
        out.attrs["intrinsics"] = scale_px("intrinsics", rendered, scale)
        for name, field in file.items():
            if not name.startswith("png_") and name != "targets":
                for copied in filter(None, (name, AS_RENDERED.get(name))):
                    copy = create_field(out, copied, (n, *field.shape[1:]), field.dtype)
                    copy.attrs.update(field.attrs)
                    if copied in PX_FIELDS:
                        text = DESCRIPTIONS.get(name, field.attrs["description"])
                        text = text.removesuffix(OF_RENDERED)
                        copy.attrs["description"] = f"{text}; px of the resized image"
        if "png_targets" in file:
            targets = create_pixels(out, "targets", (n, 3, res, res), np.uint8)
            targets.attrs["description"] = (
                "instance from 1, class id + 1, depth in cm (255: or more); 0 = backdrop; resized "
                "by nearest neighbour"
            )
            depth = create_pixels(out, "depth", (n, res, res), np.uint16)
            depth.attrs["description"] = (
                "depth along the viewing axis in 0.1 mm, resized by nearest neighbour; 65535 = "
                "nothing hit, or beyond 6.5534 m"
            )
            num_objs = int(file.attrs["num_objs"])
            for name in list_pixel_labels(file):
                _create_label(out, name, (n, *CODES[name].find_shape(res, num_objs)), scale)
        else:
            out["targets"] = out["class"]
    data = create_pixels(out, "data", (n, 3, res, res), np.float16)
    data.attrs["description"] = (
        f"{'L*, a*, b*' if options.to_lab else 'red, green, blue of 0 to 255'}, as "
        "(value - mean) / std with the attributes mean and std of this file"
    )
    out.attrs.update(
        mean=mean,
        std=std,
        res=res,
        color_space="lab" if options.to_lab else "rgb",
        is_measured_mean=options.mean_std is not None,
        buckets_done=np.zeros(layout.num_shards, bool),
    )


def _create_label(out: h5py.File, name: str, shape: tuple[int, ...], scale: float) -> None:
    code = CODES[name]
    field = create_pixels(out, name, shape, code.dtype)
    field.attrs["description"] = f"{code.description}; resized by nearest neighbour"
    if code.step:
        side_px = int(out.attrs["image_size"])
        field.attrs["step"] = code.step(side_px) * (scale if name == "flow" else 1)


def plan_shard(
    out: h5py.File, path: Path, rows: range, options: PreprocessOptions
) -> list[tuple[Any, ...]]:
    """Tasks for `fill_rows` that fill the pixels of a shard.

    Args:
        out: the file of arrays.
        path: ``imgs_XX.h5`` of the shard.
        rows: rows of ``out`` that the shard fills.
        options: what the user asks for.
    """
    mean, std = options.normalization
    size = find_chunk_size(max(options.res, int(out.attrs["image_size"])))
    starts = range(0, len(rows), size)
    pieces = [slice(start, min(start + size, len(rows))) for start in starts]
    return [
        (_find_offsets(out, rows.start + p.start), path, p, options.res, options.to_lab, mean, std)
        for p in pieces
    ]


def copy_records(out: h5py.File, path: Path, rows: range) -> None:
    """Copies the record fields of a shard."""
    scale = out.attrs["res"] / out.attrs["image_size"]
    for name, start, values in _read_records(path, len(rows)):
        first = rows.start + start
        rows_done = slice(first, first + len(values))
        if name in AS_RENDERED:
            if AS_RENDERED[name] not in out:  # begun before both were kept
                out[name][rows_done] = values
                continue
            out[AS_RENDERED[name]][rows_done] = values
        out[name][rows_done] = scale_px(name, values, scale)


def _read_records(path: Path, num_rows: int) -> Iterator[tuple[str, int, np.ndarray]]:
    """Pieces of all record fields of a shard: (field, first row, values)."""
    with open_file(path) as file:
        for name, field in file.items():
            if not name.startswith("png_") and name != "targets":
                for start in range(0, num_rows, RECORD_CHUNK):
                    yield name, start, field[start : start + RECORD_CHUNK]


def _find_offsets(out: h5py.File, row: int) -> FileOffsets:
    """Byte offsets of a row's pixels."""

    def find_offset(dataset: h5py.Dataset) -> int:
        row_bytes = dataset.dtype.itemsize * int(np.prod(dataset.shape[1:]))
        return dataset.id.get_offset() + row * row_bytes

    is_dense = out["targets"].ndim == 4 and out["targets"].dtype == np.uint8
    names = ["data", *(["targets"] if is_dense else [])]
    # A file that was begun before depth was kept has none.
    names += [name for name in ("depth", *CODES) if name in out]
    return FileOffsets(Path(out.filename), {name: find_offset(out[name]) for name in names})
