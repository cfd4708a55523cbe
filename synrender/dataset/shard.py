"""Opens the HDF5 files of an archive, and checks their whole structure before they are read.

Attributes, fields, their shapes, types and places are compared with those that this program writes.
After that only two things can still be damaged: a PNG, and a text.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
import re
import struct
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from synrender.dataset.archive_layout import (
    ANY,
    PNG,
    TEXT,
    Field,
    Layout,
    create_layout,
    list_array_fields,
    list_shard_fields,
)
from synrender.dataset.info import DatasetInfo, json_to_info
from synrender.dataset.names import file_to_shard, is_partial_arrays
from synrender.errors import UserError, shorten
from synrender.images.conversions import find_alpha, over_white
from synrender.images.label_codes import CODES, png_to_numbers
from synrender.images.png import decode_image, decode_png
from synrender.settings.checks import (
    MAX_BUCKETS,
    MAX_OBJECTS,
    MAX_RESOLUTION,
    MAX_SHARDS,
    MAX_TOTAL_SAMPLES,
)
from synrender.settings.factor_table import COLUMNS, FIRST_COLUMNS
from synrender.system.disk import FULL_DISK
from synrender.system.files import find_errno, find_hindrance, open_hdf5_file, open_regular

ARCHIVE_VERSION = 1
"""Version of the HDF5 files; goes up with a change that readers must know."""

READ_ERRORS = (
    *(OSError, RuntimeError, KeyError, ValueError, TypeError, IndexError),
    *(AttributeError, OverflowError, MemoryError),
)
"""Exceptions of h5py for a damaged file; a flipped bit may lead to any of them."""

MAX_RATIO = 1200
"""Bytes that others' compression makes of one, at most: deflate reaches 1032."""

MAX_CHUNK_BYTES = 1 << 26
"""Largest chunk of such a field, all of which is read for one row. h5py makes chunks of 1 MB."""

_HEAP_HEADER = 16
"""Bytes before a collection of values of varying length, and before each value in it."""

_COLLECTION = re.compile(rb"GCOL\x01\0\0\0")
_ATTRIBUTE_BYTES = 1 << 20
"""Searched for collections of texts of attributes, which take some 10 kB."""

_WALKED_BYTES = 1 << 12
"""Read of a collection at once: all of one that holds texts."""

_REFERENCE_STRUCT = struct.Struct("<IQI")
_REFERENCE = np.dtype([("length", "<u4"), ("address", "<u8"), ("place", "<u4")])
"""HDF5 stores this in place of a value of varying length."""


class Damaged(UserError):
    """A file that is missing, or is not, or not any more, as this program writes it."""


@contextlib.contextmanager
def open_file(path: Path) -> Generator[h5py.File]:
    """Opens a file of an archive for reading, as `open_checked`.

    Only read the file inside the ``with`` block: errors there are reported as a damaged file.

    Raises:
        Hindrance: this process cannot read it, which is no fault of the file.
        Damaged: it is missing, damaged, or not written by this program.
    """
    with damage_named(path), open_checked(path) as file:
        yield file


def open_checked(path: Path) -> h5py.File:
    """Opens a file of an archive of which the whole structure is as this program writes it.

    Raises:
        Hindrance: this process cannot read it, which is no fault of the file.
        Damaged: it is missing, damaged, or not written by this program.
    """
    with damage_named(path):
        status = os.stat(path)
        check_file(path, (status.st_ino, status.st_size, status.st_mtime_ns))
        return _open(path)


@contextlib.contextmanager
def damage_named(path: Path) -> Generator[None]:
    """Raises `Damaged`, with the file's name and what helps, for errors of reading within."""
    try:
        yield
    except FileNotFoundError:
        raise Damaged(f"{path}: missing; write it with --to_hdf5") from None
    except READ_ERRORS as error:
        if find_errno(error) in FULL_DISK:  # of a file that is written meanwhile
            raise
        if hindrance := find_hindrance(path, error):
            raise hindrance from None
        reason = find_errno(error)
        what = f"cannot be read ({os.strerror(reason)})" if reason else "no HDF5 file, or damaged"
        what += f" ({shorten(error, 200)})" if isinstance(error, Misfit) else ""
        raise Damaged(f"{path}: {what}; {find_remedy(path)}") from None


def is_readable(path: Path) -> bool:
    """Whether a file is one of an archive.

    Raises:
        Hindrance: this process cannot read it, which is no fault of the file.
    """
    try:
        open_checked(path).close()
    except Damaged:
        return False
    return True


def find_remedy(path: Path) -> str:
    """The option that writes a damaged file of an archive again, for messages."""
    shard = file_to_shard(path.name)
    if shard is not None:
        return f"write it again with --to_hdf5 --overwrite --bucket_idxs {shard}"
    return "write it again with --preprocess --overwrite"


def read_layout(file: h5py.File) -> Layout:
    """Layout of the archive that a file belongs to."""
    names = ("num_samples", "num_buckets", "num_model_buckets")
    split_buckets = tuple(map(int, file.attrs.get("split_buckets", ())))
    return create_layout(*(int(file.attrs[name]) for name in names), split_buckets)


def read_info(file: h5py.File) -> DatasetInfo:
    """Description of the data set that a file was made from."""
    return json_to_info(file.attrs["dataset"])


def is_arrays(file: h5py.File) -> bool:
    """Whether it is ``data_<res>.h5``, and not a shard."""
    return "data" in file


def list_fields(file: h5py.File) -> dict[str, Field]:
    """Fields of a checked file, by name; fields that other programs added are left out."""
    return {name: field for name, field in _list_known(file).items() if name in file}


# --- values of varying length ---------------------------------------------------------------------


def refuse_broken_heap(field: h5py.Dataset, rows: slice) -> None:
    """`create_heap_check` for a single call."""
    create_heap_check(field)(rows)


def create_heap_check(field: h5py.Dataset) -> Callable[[int | slice], None]:
    """A function that refuses rows of PNGs or texts that HDF5 could not read, as it would not end.

    Values of varying length lie in collections of objects. HDF5 walks through a collection by the
    lengths that it states; at a length of 0 it stays where it is for ever. To be called before such
    a value of a checked file is read. Fields of other values are let through.

    Returns:
        Takes the rows that are about to be read; raises Misfit if a collection is damaged.
    """
    offset = field.id.get_offset() if field.dtype.kind == "O" and field.size else None
    if offset is None:
        return lambda rows: None
    num_rows, descriptor = len(field), field.file.id.get_vfd_handle()
    row_bytes = field.size // num_rows * _REFERENCE.itemsize

    def check(rows: int | slice) -> None:
        start, stop, _ = rows.indices(num_rows) if isinstance(rows, slice) else (rows, rows + 1, 1)
        stored = os.pread(descriptor, max(0, stop - start) * row_bytes, offset + start * row_bytes)
        references = _REFERENCE_STRUCT.iter_unpack(stored)
        for address in {address for length, address, _ in references if length}:
            _check_collection(descriptor, address)

    return check


def refuse_broken_heaps(file: h5py.File, rows: slice) -> None:
    """`refuse_broken_heap` of all fields of a checked file."""
    for name in list_fields(file):
        refuse_broken_heap(file[name], rows)


def _refuse_broken_attributes(path: Path) -> None:
    """`refuse_broken_heaps` of texts of attributes, whose collections are the first of a file."""
    with open_regular(path) as file:
        start = file.read(_ATTRIBUTE_BYTES)
        for match in _COLLECTION.finditer(start):
            _check_collection(file.fileno(), match.start())


def _check_collection(descriptor: int, address: int) -> None:
    """Walks through a collection as HDF5 does. Source: HDF5 File Format, III.E, global heap."""
    start = os.pread(descriptor, _WALKED_BYTES, address)
    if not _COLLECTION.match(start):
        raise Misfit("values of varying length are not where they should be")
    (end,) = struct.unpack_from("<Q", start, 8)
    position = _HEAP_HEADER
    while position + _HEAP_HEADER <= end:
        if position + _HEAP_HEADER <= len(start):
            header = start[position : position + _HEAP_HEADER]
        else:
            header = os.pread(descriptor, _HEAP_HEADER, address + position)
        number, num_bytes = struct.unpack("<H6xQ", header.ljust(_HEAP_HEADER, b"\0"))
        step = _HEAP_HEADER + -(-num_bytes // 8) * 8 if number else num_bytes
        if not _HEAP_HEADER <= step <= end - position:
            raise Misfit("values of varying length are damaged")
        position += step


# --- pixels ---------------------------------------------------------------------------------------

_IMAGES = "png_images"

DecodeRows = Callable[[str, "np.ndarray | slice"], Iterator[np.ndarray]]
"""Name of a field of PNG files, and rows: the pixels in each, or the numbers of a label. Of images,
what they show before white, or by the name ``alpha`` their alpha."""


def create_decoder(file: h5py.File) -> DecodeRows:
    """A function that decodes PNG files of a checked shard.

    It raises UserError for a file that is damaged, or of another size than all images are.
    """
    side_px, num_objs = int(file.attrs["image_size"]), int(file.attrs["num_objs"])
    fields = {name: file[name] for name in list_fields(file) if name.startswith("png_")}
    if _IMAGES in fields:
        fields["alpha"] = fields[_IMAGES]
    checks = {name: create_heap_check(field) for name, field in fields.items()}

    def decode(name: str, rows: np.ndarray | slice) -> Iterator[np.ndarray]:
        field, check_heap = fields[name], checks[name]
        is_slice = isinstance(rows, slice)
        if is_slice:
            with damage_named(Path(file.filename)):
                check_heap(rows)
        pngs = iter(field[rows]) if is_slice else map(field.__getitem__, rows.tolist())
        for row in range(*rows.indices(len(field))) if is_slice else rows.tolist():
            try:
                if not is_slice:
                    check_heap(row)
                yield _to_pixels(name, next(pngs).tobytes(), side_px, num_objs)
            except READ_ERRORS as error:
                what = f"{name}[{row}] cannot be decoded ({shorten(error, 200)})"
                remedy = find_remedy(Path(file.filename))
                raise UserError(f"{file.filename}: {what}; {remedy}") from None

    return decode


def _to_pixels(name: str, png: bytes, side_px: int, num_objs: int) -> np.ndarray:
    label = name.removeprefix("png_")
    if label in CODES:
        return png_to_numbers(png, CODES[label], CODES[label].find_shape(side_px, num_objs))
    if label == "depth":
        return decode_png(png, (side_px, side_px), np.uint16)
    if name == "alpha":
        return find_alpha(decode_image(png, side_px))
    if name == _IMAGES:
        return over_white(decode_image(png, side_px))
    return decode_png(png, (side_px, side_px, 3), np.uint8)


# --- checks ---------------------------------------------------------------------------------------


class Misfit(ValueError):
    """Something in a file is not as this program writes it; the message says what."""


def _open(path: Path) -> h5py.File:
    # Its writer holds a partial file with `in_use`, and never changes what is read of it here.
    return open_hdf5_file(path, is_held=is_partial_arrays(path.name))


@functools.lru_cache(256)
def check_file(path: Path, identity: tuple[int, ...]) -> None:
    """Checks a file, once for each state of it: inode, size and time of change.

    Raises:
        Damaged: it is of another program.
        Misfit: it is not as this program writes it.
        OSError, RuntimeError, ...: HDF5 cannot read it, see `READ_ERRORS`.
    """
    _refuse_broken_attributes(path)
    with _open(path) as file:
        if file.attrs.get("archive_version") != ARCHIVE_VERSION:
            raise Damaged(f"{path}: not written by this program; move it away")
        for name in file:  # a link could lead to another file, or to a device
            if not isinstance(file.get(name, getlink=True), h5py.HardLink):
                raise Misfit(f"{shorten(name)} is a link")
        num_rows = _check_attributes(file)
        known = _list_known(file)
        for name, field in known.items():
            if name in file:
                _check_field(file, name, (num_rows, *field.shape), field.kind)
            elif field.is_required:
                raise Misfit(f"has no field {name}")


def _list_known(file: h5py.File) -> dict[str, Field]:
    num_objs, num_columns = int(file.attrs["num_objs"]), _count_columns(file)
    if not is_arrays(file):
        return list_shard_fields(num_objs, "png_targets" in file, num_columns)
    is_exr = "targets" in file and file["targets"].dtype == np.uint8
    return list_array_fields(num_objs, is_exr, num_columns, int(file.attrs["res"]))


def _count_columns(file: h5py.File) -> int:
    """Columns of factors that the file has: those of today, or of the version that wrote it."""
    shape = getattr(file.get("factor_values"), "shape", None) or (0,)
    return shape[-1] if len(FIRST_COLUMNS) <= shape[-1] < len(COLUMNS) else len(COLUMNS)


def _check_attributes(file: h5py.File) -> int:
    """Checks all attributes that anything reads; returns the number of rows."""
    _check_integer(file, "num_samples", 1, MAX_TOTAL_SAMPLES)
    _check_integer(file, "num_buckets", 1, MAX_SHARDS)
    _check_integer(file, "num_model_buckets", 1, MAX_BUCKETS)
    _check_integer(file, "num_objs", 1, MAX_OBJECTS)
    _check_integer(file, "image_size", 1, MAX_RESOLUTION)
    for name, shape in (("intrinsics", (3, 3)), ("world_to_camera", (4, 4))):
        _check_numbers(file, name, shape)
    if "split_buckets" in file.attrs:
        sizes = _check_numbers(file, "split_buckets", (3,))
        if sizes.dtype.kind not in "iu" or sizes.min() < 0 or not 0 < sizes.sum() <= MAX_BUCKETS:
            raise Misfit("the attribute split_buckets holds no numbers of buckets")
    layout = read_layout(file)
    ends = _check_numbers(file, "split_ends", (3,))
    if ends.tolist() != [rows.stop for rows in layout.split_rows.values()]:
        raise Misfit("the attribute split_ends is another than follows from num_samples")
    _read_attribute(file, "dataset")
    try:
        read_info(file)
    except (ValueError, AttributeError, UserError) as error:
        raise Misfit(f"the attribute dataset is damaged: {error}") from None
    if is_arrays(file):
        _check_integer(file, "res", 1, MAX_RESOLUTION)
        _check_numbers(file, "mean", (3,))
        if not (_check_numbers(file, "std", (3,)) > 0).all():
            raise Misfit("the attribute std must be above 0")
        if _read_attribute(file, "color_space") not in ("rgb", "lab"):
            raise Misfit("the attribute color_space is neither rgb nor lab")
        return layout.num_samples
    _check_integer(file, "bucket", 0, layout.num_shards - 1)
    rows = layout.shard_rows(int(file.attrs["bucket"]))
    _check_integer(file, "first_row", rows.start, rows.start)
    return len(rows)


def _read_attribute(file: h5py.File, name: str) -> Any:
    if name not in file.attrs:
        raise Misfit(f"has no attribute {name}")
    return file.attrs[name]


def _check_integer(file: h5py.File, name: str, low: int, high: int) -> None:
    value = np.asarray(_read_attribute(file, name))
    if value.ndim or value.dtype.kind not in "iu" or not low <= int(value) <= high:
        raise Misfit(f"the attribute {name} must be {low} to {high}, is {shorten(value)}")


def _check_numbers(file: h5py.File, name: str, shape: tuple[int, ...]) -> np.ndarray:
    values = np.asarray(_read_attribute(file, name))
    is_right = values.shape == shape and values.dtype.kind in "iuf"
    if not is_right or not (np.abs(values) <= MAX_TOTAL_SAMPLES).all():
        raise Misfit(f"the attribute {name} must be {shape} numbers, is {shorten(values)}")
    return values


def _check_field(file: h5py.File, name: str, shape: tuple[int, ...], kind: np.dtype | str) -> None:
    """Checks that a field lies in this file, with this shape and type, and whole."""
    field = file[name]
    if not isinstance(field, h5py.Dataset):
        raise Misfit(f"{name} is not a field")
    open_axes = [axis for axis, size in enumerate(shape) if size == ANY]
    if len(field.shape or ()) == len(shape):
        shape = tuple(field.shape[k] if k in open_axes else n for k, n in enumerate(shape))
    if field.shape != shape or not _is_of_kind(field, kind):
        raise Misfit(f"{name} holds {field.shape} {field.dtype}, must be {shape} {kind}")
    if field.is_virtual or field.external:
        raise Misfit(f"{name} lies in another file")
    if open_axes:
        if "names" not in field.attrs:
            raise Misfit(f"{name} says no names")
        names = field.attrs["names"]
        if np.shape(names) != (shape[open_axes[0]],) or not all(isinstance(n, str) for n in names):
            raise Misfit(f"{name} has other names than {shape[open_axes[0]]} texts")
    if field.size:
        _check_storage(file, field)


def _is_of_kind(field: h5py.Dataset, kind: np.dtype | str) -> bool:
    if kind == TEXT:
        return h5py.check_string_dtype(field.dtype) is not None
    if kind == PNG:
        return h5py.check_vlen_dtype(field.dtype) == np.uint8
    return field.dtype == kind


def _check_storage(file: h5py.File, field: h5py.Dataset) -> None:
    """Refuses a field of which the file holds less than its shape says."""
    stored, offset = field.id.get_storage_size(), field.id.get_offset()
    file_bytes = os.stat(file.filename).st_size
    is_varying = field.dtype.kind == "O"
    num_bytes = field.size * (_REFERENCE.itemsize if is_varying else field.dtype.itemsize)
    if field.chunks is not None and not is_varying:  # others may have compressed it
        chunk_bytes = math.prod(field.chunks) * field.dtype.itemsize
        if chunk_bytes > MAX_CHUNK_BYTES:
            raise Misfit(f"{field.name} has chunks of {chunk_bytes} bytes")
        if num_bytes > MAX_RATIO * stored or stored > file_bytes:
            raise Misfit(f"{field.name} is cut off")
        return
    if offset is None or stored != num_bytes or offset + stored > file_bytes:
        raise Misfit(f"{field.name} is cut off, or not in one piece")
    if is_varying:  # HDF5 makes room for a value before it looks whether there is one
        with Path(file.filename).open("rb") as content:
            content.seek(offset)
            references = np.frombuffer(content.read(stored), _REFERENCE)
        if int(references["length"].sum(dtype=np.int64)) > file_bytes:
            raise Misfit(f"{field.name} holds values that are longer than the file")
