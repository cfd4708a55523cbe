"""What every format gives to `Dataset`: rows, and readers of named fields.

Fields have one name and one meaning in all formats:

- ``image``: uint8 (h, w, 3) sRGB; of ``data_<res>.h5`` float16 (3, res, res), normalized
- ``alpha``: (h, w) uint8, of images with `has_alpha`, else only when it is named: 0 where one sees
  through an image, 255 where not; ``image`` shows white there. Not of ``data_<res>.h5`` without it
- ``instance_map``, ``class_map``: (h, w) integers: instance from 1, class id + 1; 0 = backdrop
- ``depth_m``: (h, w) float32 along the viewing axis
- ``image_png``: bytes of an 8-bit PNG, where the format holds them; only when it is named
- fields of `label_table`: those that the data set's ``rendering.labels`` names, others
  that the format can give only when they are named; ``(num_objs, ...)`` also of a single object
- every field of a record: (...) of a single object, (num_objs, ...) of several; text as ``str``, or
  a list of one for each object
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synrender.dataset.info import DatasetInfo

IMAGE, INSTANCE_MAP, CLASS_MAP, DEPTH = "image", "instance_map", "class_map", "depth_m"
IMAGE_PNG, ALPHA = "image_png", "alpha"
WORLD_POSITION, BOX_2D = "world_position", "box_2d"
Sample = dict[str, Any]
Values = Sequence[Any] | np.ndarray
"""k values of one field; their type depends on the field."""


@dataclass(frozen=True)
class Reader:
    """Reads fields that come from the same place, such as two maps in one PNG."""

    names: tuple[str, ...]
    read: Callable[[np.ndarray], Iterable[Values]]
    """Rows (k,) int64 to a sequence of k values for each field; arrays are copies."""

    def read_some(self, names: list[str], rows: np.ndarray) -> Iterable[Values]:
        """A sequence of values for each of the given names."""
        columns = dict(zip(self.names, self.read(rows), strict=True))
        return [columns[name] for name in names]


@dataclass(frozen=True)
class FieldReader:
    """Reads fields that share work but are computed one by one, such as labels."""

    names: tuple[str, ...]
    read_some: Callable[[list[str], np.ndarray], Iterable[Values]]
    """Some of the names and rows (k,) int64 to a sequence of k values for each name."""


@dataclass(frozen=True)
class Part:
    """One opened file (or folder of small files); of this process alone."""

    readers: tuple[Reader | FieldReader, ...]
    num_rows: int
    on_request: frozenset[str] = frozenset()  # fields that a sample has only if they are named
    keypoint_names: tuple[str, ...] = ()

    @property
    def all_names(self) -> tuple[str, ...]:
        """Fields that can be named."""
        return tuple(name for reader in self.readers for name in reader.names)

    @property
    def names(self) -> tuple[str, ...]:
        """Fields that a sample has unless some are named."""
        return tuple(name for name in self.all_names if name not in self.on_request)

    def read(self, names: Iterable[str], rows: np.ndarray) -> list[Sample]:
        """Samples of some rows, with the given fields in their order."""
        wanted, found = list(names), {}
        for reader in self.readers:
            if chosen := [name for name in reader.names if name in wanted]:
                found.update(zip(chosen, reader.read_some(chosen, rows), strict=True))
        columns = [found[name] for name in wanted]
        return [dict(zip(wanted, values, strict=True)) for values in zip(*columns, strict=True)]

    def read_column(self, name: str) -> np.ndarray:
        """A field in all rows, (n, ...); text as objects.

        Where the number of objects varies, only the first of each sample: (n, 1, ...).
        """
        reader = next(reader for reader in self.readers if name in reader.names)
        (values,) = reader.read_some([name], np.arange(self.num_rows))
        if len({np.shape(value) for value in values}) > 1:
            values = [value[:1] for value in values]
        return np.array(values, object if np.array(values[0]).dtype.kind == "U" else None)


OpenPart = Callable[[Path, float, DatasetInfo], Part]
"""Opens a file, or the folder of small ones: path, value where nothing is hit, description."""


@dataclass(frozen=True)
class DatasetFiles:
    """Where a data set's rows are; a plain value that goes to other processes."""

    path: Path  # that the user named
    parts: tuple[Path, ...]  # files, or the one folder, that hold the rows one after the other
    part_ends: tuple[int, ...]  # number of rows up to the end of each part
    first_row: int  # of the whole data set, of a shard that is opened alone
    split_ends: tuple[int, ...]  # ends of training, validation and test in the whole data set
    info: DatasetInfo
    open_part: OpenPart
    url: str = ""  # that the user named, of files in object storage
    is_export: bool = False  # whether it holds only what was exported

    @property
    def place(self) -> str:
        """What the user named."""
        return self.url or str(self.path)

    @property
    def num_rows(self) -> int:
        """In all parts."""
        return self.part_ends[-1]
