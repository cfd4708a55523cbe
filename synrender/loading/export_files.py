"""Finds the shards of a WebDataset or Parquet export, and opens them as parts of a data set."""

from __future__ import annotations

import contextlib
import dataclasses
import tarfile
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synrender.dataset.export_marker import MARKER, MAX_MARKER_BYTES, Marker, parse_marker
from synrender.dataset.info import DatasetInfo, dict_to_info
from synrender.errors import UserError, shorten
from synrender.loading.export_fields import ExportRows, create_export_part
from synrender.loading.parquet import ParquetRows
from synrender.loading.row_source import DatasetFiles, FieldReader, Part, Values
from synrender.loading.webdataset import open_tar
from synrender.settings.checks import SPLITS
from synrender.system.files import read_small_file

OPENERS: dict[str, Callable[[Path], ExportRows]] = {"webdataset": open_tar, "parquet": ParquetRows}
"""By format."""

WRITTEN_AGAIN = "the same export_dataset.py command writes it again"
FETCHED_AGAIN = "it is fetched again"

_DAMAGE = (ValueError, TypeError, LookupError, RuntimeError, EOFError, OSError, tarfile.TarError)
"""What reading a damaged file raises; all errors of pyarrow are some of these."""


@dataclass(frozen=True)
class ExportParts:
    """Opens the shards of an export: a plain value that goes to other processes."""

    format: str
    constants: Mapping[str, object]
    keypoint_names: tuple[str, ...]
    num_samples: Mapping[str, int]  # of each shard, by the name of its file
    remedy: str  # what follows when a damaged one is removed

    def open(self, path: Path, nothing_hit: float, info: DatasetInfo) -> Part:
        """Opens a shard on this machine.

        Raises:
            UserError: it is gone or damaged, or a package is missing.
        """
        with self._damage_named(path):
            rows, wanted = OPENERS[self.format](path), self.num_samples[path.name]
            if rows.num_rows != wanted:
                raise ValueError(f"{rows.num_rows} samples instead of {wanted}")
        part = create_export_part(rows, self.constants, info, nothing_hit)
        (reader,) = part.readers

        def read_some(names: list[str], places: np.ndarray) -> Iterable[Values]:
            with self._damage_named(path):
                return list(reader.read_some(names, places))

        readers = (FieldReader(reader.names, read_some),)
        return dataclasses.replace(part, readers=readers, keypoint_names=self.keypoint_names)

    @contextlib.contextmanager
    def _damage_named(self, path: Path) -> Generator[None]:
        try:
            yield
        except FileNotFoundError:
            raise UserError(f"{path}: is gone; open the export again") from None
        except _DAMAGE as error:
            if isinstance(error, OSError) and error.errno:  # no fault of the file
                raise UserError(f"{path}: cannot be read ({error.strerror})") from None
            what = f"damaged ({shorten(error, 200)})"
            raise UserError(f"{path}: {what}; remove it, and {self.remedy}") from None


def find_local_export(path: Path) -> DatasetFiles:
    """An export in a folder that holds `MARKER`; see `find_export`."""

    def find_size(name: str) -> int | None:
        return (path / name).stat().st_size if (path / name).is_file() else None

    data = read_small_file(path / MARKER, MAX_MARKER_BYTES)
    files = find_export(str(path), data, find_size, WRITTEN_AGAIN)
    return dataclasses.replace(files, parts=tuple(path / part for part in files.parts))


def find_export(
    place: str, data: bytes, find_size: Callable[[str], int | None], remedy: str
) -> DatasetFiles:
    """The shards of an export, with paths below its folder.

    Args:
        place: of the export.
        data: content of its `MARKER`.
        find_size: bytes of a file below its folder; None: it is not there.
        remedy: what follows when a damaged shard is removed.

    Raises:
        UserError: it cannot be read by `open_dataset`, or a shard is missing or of another size.
    """
    marker, info = _read_marker(place, data)
    for file in marker.files:
        size = find_size(file.path)
        if size is None:
            raise UserError(f"{place}: lacks {file.path}; {WRITTEN_AGAIN}")
        if size != file.bytes:
            what = f"{file.path} has {size} bytes instead of {file.bytes}"
            raise UserError(f"{place}: {what}; remove it, and {WRITTEN_AGAIN}")
    num_samples = {Path(file.path).name: file.num_samples for file in marker.files}
    parts = ExportParts(marker.format, marker.constants, marker.keypoint_names, num_samples, remedy)
    return DatasetFiles(
        path=Path(place),
        parts=tuple(Path(file.path) for file in marker.files),
        part_ends=tuple(np.cumsum(list(num_samples.values())).tolist()),
        first_row=0,
        split_ends=tuple(np.cumsum([marker.splits[name] for name in SPLITS]).tolist()),
        info=info,
        open_part=parts.open,
        is_export=True,
    )


def _read_marker(place: str, data: bytes) -> tuple[Marker, DatasetInfo]:
    try:
        marker = parse_marker(data)
        if marker.format not in OPENERS:
            raise UserError(
                f"{place}: is an export to {shorten(marker.format)}; open one to webdataset or "
                "parquet, or the data set itself"
            )
        if not marker.info:
            raise UserError(
                f"{place}: an earlier version of this program wrote this export, without a "
                "description of the data set; write it again with export_dataset.py --overwrite"
            )
        if not marker.files or marker.splits.keys() != set(SPLITS):
            raise ValueError("it must name all shards and splits")
        return marker, dict_to_info(marker.info)
    except ValueError as error:
        raise UserError(
            f"{place}/{MARKER}: damaged ({shorten(error, 200)}); write the export again with "
            "export_dataset.py --overwrite"
        ) from None
