"""Rows of a file of a Parquet export. A random row costs the reading of its group of rows."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synrender.errors import UserError
from synrender.loading.pixel_files import PIXEL_FILES
from synrender.loading.row_source import Values

if TYPE_CHECKING:
    import pyarrow


class ParquetRows:
    """The rows of an open file. The group that was read last is kept, for those that follow."""

    def __init__(self, path: Path) -> None:
        """Opens the file.

        Raises:
            UserError: pyarrow is not installed.
            ValueError: the file is damaged.
            OSError: it cannot be read, or is damaged.
        """
        try:
            from pyarrow.parquet import ParquetFile
        except ImportError:
            raise UserError(
                f"{path}: needs the Python package pyarrow; pip install pyarrow"
            ) from None
        self._file = ParquetFile(path)
        about = self._file.metadata
        self.columns: Sequence[str] = self._file.schema_arrow.names
        self.num_rows: int = about.num_rows
        sizes = [about.row_group(k).num_rows for k in range(about.num_row_groups)]
        self._starts = np.cumsum([0, *sizes])
        self._read_group = functools.lru_cache(1)(self._read_some)

    def read(self, columns: Sequence[str], rows: np.ndarray) -> Mapping[str, Values]:
        """Values of some rows by column; see `synrender.loading.export_fields.ExportRows`."""
        found: dict[str, list[Any]] = {name: [None] * len(rows) for name in columns}
        groups = np.searchsorted(self._starts, rows, side="right") - 1
        for group in np.unique(groups).tolist():
            chosen = np.flatnonzero(groups == group)
            places = rows[chosen] - self._starts[group]
            table = self._read_group(group, tuple(columns))
            for name in columns:
                values = _to_values(name, table[name], places)
                for k, value in zip(chosen.tolist(), values, strict=True):
                    found[name][k] = value
        return found

    def _read_some(self, group: int, columns: tuple[str, ...]) -> pyarrow.Table:
        return self._file.read_row_group(group, list(columns), use_threads=False)


def _to_values(name: str, column: pyarrow.ChunkedArray, places: np.ndarray) -> Values:
    """Values at some places: bytes of pictures, arrays, or what JSON would hold."""
    import pyarrow

    array = column.combine_chunks()
    # Once the library `datasets` is imported, arrays of pixels are of a type of its own.
    array = getattr(array, "storage", array).take(pyarrow.array(places))
    if name not in PIXEL_FILES:
        return array.to_pylist()
    if PIXEL_FILES[name].mode:
        return array.field("bytes").to_pylist()
    lengths = np.array(array.value_lengths())
    shape = [-1]
    for _ in range(2):
        array = array.flatten()
        shape.append(array.value_lengths()[0].as_py())
    values = array.flatten().to_numpy(zero_copy_only=False).reshape(shape)
    return [part.copy() for part in np.split(values, np.cumsum(lengths)[:-1])]
