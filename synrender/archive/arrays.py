"""The file of normalized arrays: its fields, where their rows lie, and which rows are written.

HDF5 makes the file once, with room for all rows. From then on rows are written straight to their
places in it, by several processes at once (HDF5 allows a single writer, and sending it all pixels
would take a quarter of the time). HDF5's own structures never change again, so whatever ends these
processes, the file is as valid as before, and no row that is written is lost. A row's
``sample_idx`` is written last, as the record of a sample is: a row without it is not written yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from synrender.archive.hdf5_files import (
    DESCRIPTIONS,
    OF_RENDERED,
    RECORD_CHUNK,
    allocate_field,
    find_chunk_size,
)
from synrender.archive.pixels import PreprocessOptions, list_pixel_labels, preprocess_chunk
from synrender.dataset.archive_layout import AS_RENDERED, PX_FIELDS, Layout, scale_px
from synrender.dataset.certificate import ROOT_ATTRIBUTE
from synrender.dataset.record import RECORD_DTYPE
from synrender.dataset.shard import list_fields, open_file, read_info, refuse_broken_heap
from synrender.errors import UserError
from synrender.images.label_codes import CODES
from synrender.settings.groups import has_alpha

NOT_COPIED = ("bucket", "first_row", ROOT_ATTRIBUTE)
"""Attributes of a single ``imgs_XX.h5`` that the file of arrays does not take over."""

LAST_FIELD = "sample_idx"
NOT_WRITTEN = -1
"""Value of `LAST_FIELD` in rows that are not written yet."""


@dataclass(frozen=True)
class Arrays:
    """A file of arrays as bytes, for any process to write to."""

    path: Path
    starts: dict[str, int]  # by field: bytes from the beginning of the file to its first row
    row_dtypes: dict[str, np.dtype]  # by field

    def write(self, first_row: int, values: dict[str, np.ndarray]) -> None:
        """Writes rows of some fields, (k, ...) each, `LAST_FIELD` last.

        Raises:
            UserError: a text is longer than the file has room for.
        """
        with self.path.open("r+b") as file:
            for name in sorted(values, key=LAST_FIELD.__eq__):
                dtype = self.row_dtypes[name]
                if values[name].dtype.itemsize > dtype.base.itemsize:
                    raise UserError(
                        f"{self.path}: has no room for a {name} of {values[name].dtype.itemsize} "
                        "bytes; write it again with --preprocess --overwrite"
                    )
                file.seek(self.starts[name] + first_row * dtype.itemsize)
                file.write(np.ascontiguousarray(values[name], dtype.base).data)


def open_arrays(path: Path) -> Arrays:
    """Finds where the rows of a file of arrays lie.

    Raises:
        UserError: it is damaged, or was begun by an earlier version of this program.
    """
    with open_file(path) as file:
        if "buckets_done" in file.attrs:
            raise UserError(
                f"{path}: was begun by an earlier version of this program; begin it again with "
                "--preprocess --overwrite"
            )
        fields = {name: file[name] for name in list_fields(file) if file[name].size}
        starts = {name: field.id.get_offset() for name, field in fields.items()}
        dtypes = {name: np.dtype((f.dtype.str, f.shape[1:])) for name, f in fields.items()}
    return Arrays(path, starts, dtypes)


def find_written(path: Path) -> np.ndarray:
    """Which rows of a file of arrays are written, (n,) bool."""
    with open_file(path) as file:
        last = file[LAST_FIELD][...]
    return (last.reshape(len(last), -1) != NOT_WRITTEN).all(axis=1)


def forget_rows(arrays: Arrays, parts: Sequence[range]) -> None:
    """Makes rows count as not written, all at once."""
    with open_file(arrays.path) as file:
        last = file[LAST_FIELD][...]
    for rows in parts:
        last[rows.start : rows.stop] = NOT_WRITTEN
    arrays.write(0, {LAST_FIELD: last})


# --- creating it ----------------------------------------------------------------------------------


def create_fields(
    out: h5py.File, shards: Sequence[Path], layout: Layout, options: PreprocessOptions
) -> None:
    """Creates all fields for all rows, like those of the first of all shards that are there."""
    n, res = layout.num_samples, options.res
    mean, std = options.normalization
    text_bytes = _find_text_bytes(shards, layout)
    with open_file(shards[0]) as file:
        for name, value in file.attrs.items():
            if name not in NOT_COPIED:
                out.attrs[name] = value
        scale = res / file.attrs["image_size"]
        rendered = file.attrs["intrinsics"]
        out.attrs[AS_RENDERED["intrinsics"]] = rendered
        out.attrs["intrinsics"] = scale_px("intrinsics", rendered, scale)
        for name in list_fields(file):
            field = file[name]
            if not name.startswith("png_") and name != "targets":
                dtype = field.dtype
                if name in text_bytes:
                    dtype = h5py.string_dtype(length=text_bytes[name])
                for copied in filter(None, (name, AS_RENDERED.get(name))):
                    copy = allocate_field(out, copied, (n, *field.shape[1:]), dtype)
                    copy.attrs.update(field.attrs)
                    if copied in PX_FIELDS:
                        text = DESCRIPTIONS.get(name, field.attrs["description"])
                        text = text.removesuffix(OF_RENDERED)
                        copy.attrs["description"] = f"{text}; px of the resized image"
        if "png_targets" in file:
            targets = allocate_field(out, "targets", (n, 3, res, res), np.uint8)
            targets.attrs["description"] = (
                "instance from 1, class id + 1, depth in cm (255: or more); 0 = backdrop; resized "
                "by nearest neighbor"
            )
            depth = allocate_field(out, "depth", (n, res, res), np.uint16)
            depth.attrs["description"] = (
                "depth along the viewing axis in 0.1 mm, resized by nearest neighbor; 65535 = "
                "nothing hit, or beyond 6.5534 m"
            )
            num_objs = int(file.attrs["num_objs"])
            for name in list_pixel_labels(file):
                _create_label(out, name, (n, *CODES[name].find_shape(res, num_objs)), scale)
        else:
            out["targets"] = out["class"]
        if has_alpha(read_info(file).settings):
            alpha = allocate_field(out, "alpha", (n, res, res), np.uint8)
            alpha.attrs["description"] = "255 where an image is opaque, 0 where data show white"
    data = allocate_field(out, "data", (n, 3, res, res), np.float16)
    data.attrs["description"] = (
        f"{'L*, a*, b*' if options.to_lab else 'red, green, blue of 0 to 255'}, as "
        "(value - mean) / std with the attributes mean and std of this file"
    )
    out[LAST_FIELD][...] = NOT_WRITTEN
    out.attrs.update(
        mean=mean,
        std=std,
        res=res,
        color_space="lab" if options.to_lab else "rgb",
        is_measured_mean=options.mean_std is not None,
    )
    root = find_common_root(shards) if len(shards) == layout.num_shards else None
    if root is not None:
        out.attrs[ROOT_ATTRIBUTE] = root


def find_common_root(shards: Sequence[Path]) -> str | None:
    """Root of the certificate of the files that shards were made from; None if not of all."""
    roots = set()
    for path in shards:
        with open_file(path) as file:
            roots.add(file.attrs.get(ROOT_ATTRIBUTE))
    return roots.pop() if len(roots) == 1 else None


def _find_text_bytes(shards: Sequence[Path], layout: Layout) -> dict[str, int]:
    """By field of text: bytes of the longest one, or that may be if not all shards are there."""
    names = [name for name in RECORD_DTYPE.names or () if RECORD_DTYPE[name].kind == "U"]
    if len(shards) < layout.num_shards:
        return {name: RECORD_DTYPE[name].itemsize for name in names}  # 4 a character, as in UTF-8
    found = dict.fromkeys(names, 1)
    for path in shards:
        with open_file(path) as file:
            for name in filter(file.__contains__, names):
                for start in range(0, len(file[name]), RECORD_CHUNK):
                    rows = slice(start, start + RECORD_CHUNK)
                    refuse_broken_heap(file[name], rows)
                    texts = file[name][rows].ravel().tolist()
                    found[name] = max(found[name], *map(len, texts))
    return found


def _create_label(out: h5py.File, name: str, shape: tuple[int, ...], scale: float) -> None:
    code = CODES[name]
    field = allocate_field(out, name, shape, code.dtype)
    field.attrs["description"] = f"{code.description}; resized by nearest neighbor"
    if code.step:
        side_px = int(out.attrs["image_size"])
        field.attrs["step"] = code.step(side_px) * (scale if name == "flow" else 1)


# --- filling it -----------------------------------------------------------------------------------


def plan_pieces(rows: range, written: np.ndarray, side_px: int) -> list[range]:
    """Pieces of the rows of a shard that are not written yet, by the rows of arrays, (n,) bool.

    The side is that of the larger images of both files.
    """
    size = find_chunk_size(side_px)
    pieces = [rows[k : k + size] for k in range(0, len(rows), size)]
    return [piece for piece in pieces if not written[piece.start : piece.stop].all()]


def fill_rows(
    arrays: Arrays, path: Path, rows: slice, first_row: int, options: PreprocessOptions
) -> int:
    """Preprocesses rows of a shard and writes them into the file of arrays.

    Args:
        arrays: where to write.
        path: ``imgs_XX.h5``.
        rows: rows of ``path``.
        first_row: of ``arrays``, to write.
        options: what the user asks for.

    Returns:
        Number of rows.

    Raises:
        UserError: something in ``path`` is damaged.
    """
    values = _read_records(path, rows, options.res) | preprocess_chunk(path, rows, options)
    arrays.write(first_row, {name: v for name, v in values.items() if name in arrays.starts})
    return rows.stop - rows.start


def _read_records(path: Path, rows: slice, res: int) -> dict[str, np.ndarray]:
    """Rows of all record fields of a shard, as the file of arrays has them; text as UTF-8 bytes."""
    found = {}
    with open_file(path) as file:
        scale = res / file.attrs["image_size"]
        for name in list_fields(file):
            field = file[name]
            if not name.startswith("png_") and name != "targets":
                refuse_broken_heap(field, rows)
                values = field[rows]
                values = values.astype("S") if values.dtype.kind == "O" else values
                found[name] = scale_px(name, values, scale)
                if name in AS_RENDERED:
                    found[AS_RENDERED[name]] = values
    return found
