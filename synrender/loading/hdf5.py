"""Reads an HDF5 file of an archive, ``imgs_XX.h5`` or ``data_<res>.h5``, row by row.

Fields that lie in the file in one piece and uncompressed, which is how the archive writes all
numbers, are mapped into memory: a random row costs a microsecond where h5py takes 50, and processes
share what the operating system has read. What varies in length (text, PNGs) goes through h5py.
"""

from __future__ import annotations

import functools
import mmap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from synrender.dataset.archive_layout import AS_RENDERED, scale_px
from synrender.dataset.info import CameraInfo, DatasetInfo
from synrender.dataset.record import fit_columns
from synrender.dataset.shard import (
    DecodeRows,
    create_decoder,
    create_heap_check,
    damage_named,
    list_fields,
    open_checked,
    refuse_broken_heap,
)
from synrender.images.conversions import depth_to_m
from synrender.images.label_codes import CODES, Code
from synrender.images.png import check_whole, find_image_shape
from synrender.images.resize import find_nearest_pixels
from synrender.labels.coordinates import world_position
from synrender.loading.row_source import (
    ALPHA,
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
from synrender.settings.groups import has_alpha
from synrender.system.files import open_regular

_PIXELS = ("data", "targets", "depth")

ReadRows = Callable[[np.ndarray], Sequence[object] | np.ndarray]
"""Rows (k,) to k values of one field."""


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
    opened = OpenedFields(file, columns, create_decoder(file))
    labels = create_label_readers(opened, info.camera, nothing_hit)
    readers = [*_create_pixel_readers(opened, nothing_hit), *labels]
    known = {*_PIXELS, *(name for reader in labels for name in reader.names)}
    for name, field in fields.items():
        if name not in known and not name.startswith("png_"):
            is_text = h5py.check_string_dtype(field.dtype) is not None
            read = TextColumn(field) if is_text else _create_number_reader(opened, name)
            readers.append(Reader((name,), _wrap(read)))
    if "png_images" in file:
        readers.append(Reader((IMAGE_PNG,), _create_png_reader(file)))
    derived = frozenset({WORLD_POSITION, BOX_2D}) - frozenset(info.settings.rendering.labels)
    if not has_alpha(info.settings):
        derived |= {ALPHA}
    on_request = frozenset({IMAGE_PNG, *AS_RENDERED.values()}) | derived
    names = file["keypoint_px"].attrs["names"].tolist() if "keypoint_px" in file else ()
    return Part(tuple(readers), len(file["sample_idx"]), on_request, tuple(names))


@dataclass(frozen=True)
class OpenedFields:
    """The fields of an open file."""

    file: h5py.File  # ``imgs_XX.h5`` or ``data_<res>.h5``
    columns: dict[str, np.ndarray | h5py.Dataset]  # by name; what is mapped is an array
    decode: DecodeRows  # of those that hold PNG files

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def read(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Rows of a field in any order and number, (k, ...), as a copy."""
        column = self.columns[name]
        if isinstance(column, np.ndarray):
            return column[rows]
        places, inverse = np.unique(rows, return_inverse=True)  # HDF5 wants them in order, once
        with damage_named(Path(self.file.filename)):
            return column[places][inverse]

    @functools.cached_property
    def has_depth(self) -> bool:
        """Whether `read_depth` can be called."""
        return "png_depth" in self or "depth" in self

    def read_depth(self, rows: np.ndarray) -> Iterable[np.ndarray]:
        """Depth of each row in whole steps, (h, w) uint16."""
        is_png = "png_depth" in self
        return self.decode("png_depth", rows) if is_png else self.read("depth", rows)

    @functools.cached_property
    def num_objs(self) -> int:
        """Rows for the objects of a sample."""
        return int(self.file.attrs["num_objs"])

    @functools.cached_property
    def rendered_px(self) -> int:
        """Side of the images as they were rendered."""
        return int(self.file.attrs["image_size"])

    @functools.cached_property
    def scale(self) -> float:
        """Size of the file's images, as a share of the rendered ones."""
        return int(self.file.attrs.get("res", self.rendered_px)) / self.rendered_px

    def find_rendered(self, name: str) -> str:
        """The field that holds what `AS_RENDERED` lists of the rendered images."""
        return AS_RENDERED[name] if AS_RENDERED[name] in self else name


class TextColumn:
    """A field of text, read once as a whole: each distinct text is kept once."""

    def __init__(self, field: h5py.Dataset) -> None:
        """Reads nothing yet."""
        self._field = field
        self._texts: np.ndarray | None = None  # (m,) str
        self._codes: np.ndarray | None = None  # (n,) or (n, num_objs): index into them

    def __call__(self, rows: np.ndarray) -> list[object]:
        """``str`` of each row, or a list of one for each object."""
        if self._codes is None:
            with damage_named(Path(self._field.file.filename)):
                refuse_broken_heap(self._field, slice(None))
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


def _create_number_reader(fields: OpenedFields, name: str) -> ReadRows:
    is_px = name in AS_RENDERED
    source, scale = (fields.find_rendered(name), fields.scale) if is_px else (name, 1.0)

    def read(rows: np.ndarray) -> Sequence[object] | np.ndarray:
        values = fit_columns(name, scale_px(name, fields.read(source, rows), scale))
        return values.tolist() if values.ndim == 1 else values

    return read


def _create_pixel_readers(fields: OpenedFields, nothing_hit: float) -> list[Reader]:
    readers = []
    if "data" in fields:
        readers.append(Reader((IMAGE,), _wrap(_create_number_reader(fields, "data"))))
        if fields.file["targets"].ndim == 4:
            readers.append(
                Reader(
                    (INSTANCE_MAP, CLASS_MAP),
                    lambda rows: fields.read("targets", rows)[:, :2].swapaxes(0, 1),
                )
            )
        if "depth" in fields:
            to_m = functools.partial(depth_to_m, nothing_hit=nothing_hit)
            readers.append(Reader((DEPTH,), lambda rows: [to_m(fields.read("depth", rows))]))
        return readers
    decode = fields.decode
    readers.append(Reader((IMAGE,), lambda rows: [list(decode("png_images", rows))]))
    readers.append(Reader((ALPHA,), lambda rows: [list(decode(ALPHA, rows))]))
    if "png_targets" in fields:

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
    check_heap = create_heap_check(field)

    def read(rows: np.ndarray) -> list[list[bytes]]:
        with damage_named(Path(file.filename)):
            pngs = []
            for row in rows.tolist():
                check_heap(row)
                pngs.append(field[row].tobytes())
            shapes = [find_image_shape(png, side_px) for png in pngs]
            return [list(map(check_whole, pngs, shapes, [np.uint8] * len(pngs)))]

    return read


def _wrap(read: ReadRows) -> Callable[[np.ndarray], list[Sequence[object] | np.ndarray]]:
    """Turns a reader of one field into one of a list of fields."""
    return lambda rows: [read(rows)]


# --- labels that are not stored as they are -------------------------------------------------------


def create_label_readers(
    fields: OpenedFields, camera: CameraInfo, nothing_hit: float
) -> list[Reader]:
    """Readers of all labels that a file can give and that are not stored as they are.

    Args:
        fields: of ``imgs_XX.h5`` or ``data_<res>.h5``.
        camera: of the data set, for records that have none.
        nothing_hit: value of positions there.
    """
    readers = []
    for name, code in CODES.items():
        if f"png_{name}" in fields:
            readers.append(Reader((name,), _create_png_label_reader(fields, name, code)))
        elif name in fields:
            readers.append(Reader((name,), _create_array_label_reader(fields, name, code)))
    if "box_px" in fields:

        def read_boxes(rows: np.ndarray) -> list[np.ndarray]:
            boxes = fields.read(fields.find_rendered("box_px"), rows)
            return [scale_px(BOX_2D, boxes.reshape(-1, fields.num_objs, 4), fields.scale)]

        readers.append(Reader((BOX_2D,), read_boxes))
    if fields.has_depth:
        find_cameras = _create_camera_reader(fields, camera)
        # The pixels whose depth the file holds: of `data_<res>.h5` those that were kept.
        side_px = fields.rendered_px
        kept_px = find_nearest_pixels(side_px, round(side_px * fields.scale)) + 0.5
        pixels_px = np.stack(np.meshgrid(kept_px, kept_px), axis=2)

        def read_positions(rows: np.ndarray) -> list[list[np.ndarray]]:
            positions = []
            for steps, matrices in zip(fields.read_depth(rows), find_cameras(rows), strict=True):
                found = world_position(depth_to_m(steps, np.nan), *matrices, pixels_px)
                found[np.isnan(found)] = nothing_hit
                positions.append(found.astype(np.float32))
            return [positions]

        readers.append(Reader((WORLD_POSITION,), read_positions))
    return readers


def _create_png_label_reader(
    fields: OpenedFields, name: str, code: Code
) -> Callable[[np.ndarray], list[list[np.ndarray]]]:
    side_px = fields.rendered_px

    def read(rows: np.ndarray) -> list[list[np.ndarray]]:
        return [[code.decode(numbers, side_px) for numbers in fields.decode(f"png_{name}", rows)]]

    return read


def _create_array_label_reader(
    fields: OpenedFields, name: str, code: Code
) -> Callable[[np.ndarray], list[np.ndarray]]:
    scale = fields.scale if name == "flow" else 1

    def read(rows: np.ndarray) -> list[np.ndarray]:
        values = code.decode(fields.read(name, rows), fields.rendered_px)
        return [values * np.float32(scale) if scale != 1 else values]

    return read


def _create_camera_reader(
    fields: OpenedFields, camera: CameraInfo
) -> Callable[[np.ndarray], Iterator[tuple[np.ndarray, np.ndarray]]]:
    """Rows to the intrinsics and the pose of each; those of the data set where it has none."""
    default = np.array(camera.intrinsics), np.array(camera.world_to_camera)
    has_own = "intrinsics" in fields and "world_to_camera" in fields  # since there are designs
    rendered = fields.find_rendered("intrinsics")

    def find(rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        if not has_own:
            yield from [default] * len(rows)
            return
        # All objects of a sample have the same; the first one is always there.
        intrinsics = fields.read(rendered, rows).reshape(len(rows), -1, 3, 3)[:, 0]
        poses = fields.read("world_to_camera", rows).reshape(len(rows), -1, 4, 4)[:, 0]
        for own in zip(intrinsics, poses, strict=True):
            yield own if all(np.isfinite(matrix).all() for matrix in own) else default

    return find
