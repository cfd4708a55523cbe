"""Reads an HDF5 file of an archive, ``imgs_XX.h5`` or ``data_<res>.h5``, row by row.

Fields that lie in the file in one piece and uncompressed, which is how the archive writes all
numbers, are mapped into memory: a random row costs a microsecond where h5py takes 50, and processes
share what the operating system has read. What varies in length (text, PNGs) goes through h5py.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from synrender.dataset.archive_layout import AS_RENDERED, scale_px
from synrender.dataset.info import DatasetInfo
from synrender.dataset.shard import (
    DecodeRows,
    create_decoder,
    damage_named,
    list_fields,
    open_checked,
)
from synrender.images.conversions import depth_to_m
from synrender.images.png import check_whole
from synrender.loading.hdf5_labels import (
    create_label_readers,
    find_rendered,
    find_scale,
)
from synrender.loading.row_source import (
    BOX_2D,
    CLASS_MAP,
    DEPTH,
    IMAGE,
    IMAGE_PNG,
    INSTANCE_MAP,
    WORLD_POSITION,
    Part,
    Reader,
)
from synrender.system.files import open_regular

_PIXELS = ("data", "targets", "depth")


def open_hdf5(path: Path, nothing_hit: float, info: DatasetInfo) -> Part:
    """Opens a file.

    Raises:
        UserError: it is gone, or damaged.
    """
    file = open_checked(path)
    with damage_named(path), open_regular(path) as descriptor:
        mapping = mmap.mmap(descriptor.fileno(), 0, access=mmap.ACCESS_READ)
    fields = {name: file[name] for name in list_fields(file)}
    columns = {name: _map_column(field, mapping) for name, field in fields.items()}
    decode = create_decoder(file)
    labels = create_label_readers(
        file,
        lambda name, rows: _read_rows(columns[name], rows),
        decode,
        _create_depth_reader(file, columns, decode),
        info.camera,
        nothing_hit,
    )
    readers = [*_create_pixel_readers(file, columns, decode, nothing_hit), *labels]
    known = {*_PIXELS, *(name for reader in labels for name in reader.names)}
    for name, field in fields.items():
        if name not in known and not name.startswith("png_"):
            is_text = h5py.check_string_dtype(field.dtype) is not None
            read = TextColumn(field) if is_text else _create_number_reader(file, columns, name)
            readers.append(Reader((name,), _wrap(read)))
    if "png_images" in file:
        readers.append(Reader((IMAGE_PNG,), _create_png_reader(file)))
    derived = frozenset({WORLD_POSITION, BOX_2D}) - frozenset(info.settings.rendering.labels)
    on_request = frozenset({IMAGE_PNG, *AS_RENDERED.values()}) | derived
    names = file["keypoint_px"].attrs["names"].tolist() if "keypoint_px" in file else ()
    return Part(tuple(readers), len(file["sample_idx"]), on_request, tuple(names))


class TextColumn:
    """A field of text, read once as a whole: each distinct text is kept once."""

    def __init__(self, field: h5py.Dataset) -> None:
        """Reads nothing yet."""
        self._field = field
        self._texts: np.ndarray | None = None  # (m,) str
        self._codes: np.ndarray | None = None  # (n,) or (n, num_objs): index into them

    def __call__(self, rows: np.ndarray) -> list[Any]:
        """``str`` of each row, or a list of one for each object."""
        if self._codes is None:
            with damage_named(Path(self._field.file.filename)):
                values = self._field[...]
                texts, codes = np.unique(values, return_inverse=True)
                self._texts = np.array([text.decode() for text in texts.tolist()], object)
            self._codes = codes.reshape(values.shape).astype(np.int32)
        assert self._texts is not None
        return self._texts[self._codes[rows]].tolist()


def _map_column(field: h5py.Dataset, mapping: mmap.mmap) -> np.ndarray | h5py.Dataset:
    """The field's values in the mapped file; the field itself where they do not lie in one piece.

    Also for what has no place in the file yet, because it is empty.
    """
    offset = field.id.get_offset() if field.chunks is None else None
    is_plain = field.dtype.kind in "iuf"
    if offset is None or not is_plain:
        return field
    return np.ndarray(field.shape, field.dtype, buffer=mapping, offset=offset)


def _create_number_reader(
    file: h5py.File, columns: dict[str, Any], name: str
) -> Callable[[np.ndarray], Any]:
    is_px = name in AS_RENDERED
    column = columns[find_rendered(file, name) if is_px else name]
    scale = find_scale(file) if is_px else 1

    def read(rows: np.ndarray) -> Any:
        values = scale_px(name, _read_rows(column, rows), scale)
        return values.tolist() if values.ndim == 1 else values

    return read


def _read_rows(column: np.ndarray | h5py.Dataset, rows: np.ndarray) -> np.ndarray:
    """Rows in any order and number, (k, ...), as a copy."""
    if isinstance(column, np.ndarray):
        return column[rows]
    places, inverse = np.unique(rows, return_inverse=True)  # HDF5 wants them in order, once
    with damage_named(Path(column.file.filename)):
        return column[places][inverse]


def _create_depth_reader(
    file: h5py.File, columns: dict[str, Any], decode: DecodeRows
) -> Callable[[np.ndarray], Any] | None:
    """Rows to depth in whole steps, (h, w) uint16 for each; None: the file holds none."""
    if "png_depth" in file:
        return lambda rows: list(decode("png_depth", rows))
    return (lambda rows: _read_rows(columns["depth"], rows)) if "depth" in file else None


def _create_pixel_readers(
    file: h5py.File, columns: dict[str, Any], decode: DecodeRows, nothing_hit: float
) -> list[Reader]:
    readers = []
    if "data" in file:
        readers.append(Reader((IMAGE,), _wrap(_create_number_reader(file, columns, "data"))))
        if file["targets"].ndim == 4:
            readers.append(
                Reader(
                    (INSTANCE_MAP, CLASS_MAP),
                    lambda rows: _read_rows(columns["targets"], rows)[:, :2].swapaxes(0, 1),
                )
            )
        if "depth" in file:

            def read_depth(rows: np.ndarray) -> list[np.ndarray]:
                return [depth_to_m(_read_rows(columns["depth"], rows), nothing_hit)]

            readers.append(Reader((DEPTH,), read_depth))
        return readers
    readers.append(Reader((IMAGE,), lambda rows: [list(decode("png_images", rows))]))
    if "png_targets" in file:

        def read_maps(rows: np.ndarray) -> list[list[np.ndarray]]:
            images = list(decode("png_targets", rows))
            return [[np.ascontiguousarray(image[:, :, k]) for image in images] for k in (0, 1)]

        def read_png_depth(rows: np.ndarray) -> list[list[np.ndarray]]:
            return [[depth_to_m(steps, nothing_hit) for steps in decode("png_depth", rows)]]

        readers.append(Reader((INSTANCE_MAP, CLASS_MAP), read_maps))
        readers.append(Reader((DEPTH,), read_png_depth))
    return readers


def _create_png_reader(file: h5py.File) -> Callable[[np.ndarray], list[list[bytes]]]:
    field, side_px = file["png_images"], int(file.attrs["image_size"])

    def read(rows: np.ndarray) -> list[list[bytes]]:
        with damage_named(Path(file.filename)):
            pngs = [field[row].tobytes() for row in rows.tolist()]
            return [[check_whole(png, (side_px, side_px, 3), np.uint8) for png in pngs]]

    return read


def _wrap(read: Callable[[np.ndarray], Any]) -> Callable[[np.ndarray], list[Any]]:
    """Of a reader of one field."""
    return lambda rows: [read(rows)]
