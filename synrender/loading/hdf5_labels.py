"""Readers of the labels in an HDF5 file: PNGs or arrays of whole numbers, and what follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import h5py
import numpy as np

from synrender.dataset.archive_layout import AS_RENDERED, scale_px
from synrender.dataset.info import CameraInfo
from synrender.dataset.shard import DecodeRows
from synrender.images.conversions import depth_to_m
from synrender.images.label_codes import CODES, Code
from synrender.images.resize import find_nearest_pixels
from synrender.labels.coordinates import world_position
from synrender.loading.row_source import BOX_2D, WORLD_POSITION, Reader

ReadColumn = Callable[[str, np.ndarray], np.ndarray]
"""Name of a field of numbers, and rows: its values in them, (k, ...)."""


def create_label_readers(
    file: h5py.File,
    read: ReadColumn,
    decode: DecodeRows,
    read_depth: Callable[[np.ndarray], Any] | None,
    camera: CameraInfo,
    nothing_hit: float,
) -> list[Reader]:
    """Readers of all labels that a file can give and that are not stored as they are.

    Args:
        file: ``imgs_XX.h5`` or ``data_<res>.h5``.
        read: reads the file's own fields.
        decode: decodes those of PNGs.
        read_depth: rows to depth in whole steps, (h, w) uint16 for each; None: there is none.
        camera: of the data set, for records that have none.
        nothing_hit: value of positions there.
    """
    side_px, scale = int(file.attrs["image_size"]), find_scale(file)
    readers = []
    for name, code in CODES.items():
        if f"png_{name}" in file:
            readers.append(Reader((name,), _read_pngs(name, code, side_px, decode)))
        elif name in file:
            factor = scale if name == "flow" else 1
            readers.append(Reader((name,), _read_arrays(name, code, side_px, factor, read)))
    if "box_px" in file:
        num_objs = int(file.attrs["num_objs"])

        def read_boxes(rows: np.ndarray) -> list[np.ndarray]:
            boxes = read(find_rendered(file, "box_px"), rows).reshape(-1, num_objs, 4)
            return [scale_px(BOX_2D, boxes, scale)]

        readers.append(Reader((BOX_2D,), read_boxes))
    if read_depth:
        find_cameras = _create_camera_reader(file, read, camera)
        # The pixels whose depth the file holds: of `data_<res>.h5` those that were kept.
        kept_px = find_nearest_pixels(side_px, round(side_px * scale)) + 0.5
        pixels_px = np.stack(np.meshgrid(kept_px, kept_px), axis=2)

        def read_positions(rows: np.ndarray) -> list[list[np.ndarray]]:
            positions = []
            for steps, matrices in zip(read_depth(rows), find_cameras(rows), strict=True):
                found = world_position(depth_to_m(steps, np.nan), *matrices, pixels_px)
                found[np.isnan(found)] = nothing_hit
                positions.append(found.astype(np.float32))
            return [positions]

        readers.append(Reader((WORLD_POSITION,), read_positions))
    return readers


def find_rendered(file: h5py.File, name: str) -> str:
    """The field that holds what `AS_RENDERED` lists of the rendered images."""
    return AS_RENDERED[name] if AS_RENDERED[name] in file else name


def find_scale(file: h5py.File) -> float:
    """Size of the file's images, as a share of the rendered ones."""
    return int(file.attrs.get("res", file.attrs["image_size"])) / int(file.attrs["image_size"])


def _read_pngs(
    name: str, code: Code, side_px: int, decode: DecodeRows
) -> Callable[[np.ndarray], Any]:
    def read(rows: np.ndarray) -> list[list[np.ndarray]]:
        return [[code.decode(numbers, side_px) for numbers in decode(f"png_{name}", rows)]]

    return read


def _read_arrays(
    name: str, code: Code, side_px: int, scale: float, read_column: ReadColumn
) -> Callable[[np.ndarray], Any]:
    def read(rows: np.ndarray) -> list[np.ndarray]:
        values = code.decode(read_column(name, rows), side_px)
        return [values * np.float32(scale) if scale != 1 else values]

    return read


def _create_camera_reader(
    file: h5py.File, read: ReadColumn, camera: CameraInfo
) -> Callable[[np.ndarray], Iterator[tuple[np.ndarray, np.ndarray]]]:
    """Rows to the intrinsics and the pose of each; those of the data set where it has none."""
    default = np.array(camera.intrinsics), np.array(camera.world_to_camera)
    has_own = "intrinsics" in file and "world_to_camera" in file  # since there are designs
    rendered = find_rendered(file, "intrinsics")

    def find(rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        if not has_own:
            yield from [default] * len(rows)
            return
        # All objects of a sample have the same; the first one is always there.
        intrinsics = read(rendered, rows).reshape(len(rows), -1, 3, 3)[:, 0]
        poses = read("world_to_camera", rows).reshape(len(rows), -1, 4, 4)[:, 0]
        for own in zip(intrinsics, poses, strict=True):
            yield own if all(np.isfinite(matrix).all() for matrix in own) else default

    return find
