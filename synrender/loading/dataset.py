"""The map-style data set: samples as dictionaries, for any loader and for PyTorch's."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from synrender.archive.arrays import LAST_FIELD, NOT_WRITTEN
from synrender.archive.hdf5_files import shard_path
from synrender.dataset.archive_layout import SPLITS, create_layout
from synrender.dataset.folder import settings_to_folder
from synrender.dataset.info import DatasetInfo, read_required_info
from synrender.dataset.names import IMAGE_DIR, list_arrays, list_shards
from synrender.dataset.record import KNOWN, NEW_NAMES, RECORD_DTYPE, create_records, is_wild
from synrender.dataset.shard import is_arrays, list_fields, open_file, read_info, read_layout
from synrender.errors import UserError, nearest_name
from synrender.loading.factors import CACHED, Factors
from synrender.loading.hdf5 import open_hdf5
from synrender.loading.raw import open_raw
from synrender.loading.row_source import DEPTH, IMAGE, DatasetFiles, Part, Sample
from synrender.settings.label_table import LABELS
from synrender.settings.label_table import list_fields as list_label_fields

Split = Literal["train", "validation", "test"]
Transform = Callable[[Sample], Any]


def open_dataset(
    path: str | Path,
    split: Split | None = None,
    transform: Transform | None = None,
    fields: Sequence[str] | None = None,
    nothing_hit: float = np.nan,
) -> Dataset:
    """Opens a data set for reading.

    Args:
        path: folder of a data set, its ``img/`` for the small files, a file ``imgs_XX.h5``, or
            ``data_<res>.h5``; a folder gives its shards if it has any, else its small files.
        split: "train", "validation" or "test"; None for all samples.
        transform: what becomes of each sample; a function of a module for loaders that spawn.
        fields: names of what a sample holds; None for everything but ``image_png``, the bytes of
            the PNG, and labels that the data set was not rendered for. What is not named is not
            read.
        nothing_hit: value of ``depth_m`` and ``world_position`` where nothing is hit, such as NaN
            or 0.

    Raises:
        UserError: there is no such data set, split or field.
    """
    return Dataset(find_dataset_files(Path(path)), split, transform, fields, nothing_hit)


class Dataset(Factors):
    """A data set to read: ``len(data)``, ``data[i]``, and the factors behind the samples.

    It opens its files when a process first reads, so that it can be pickled, and be shared by the
    processes of a loader however they are started.
    """

    def __init__(
        self,
        files: DatasetFiles,
        split: Split | None,
        transform: Transform | None,
        fields: Sequence[str] | None,
        nothing_hit: float,
    ) -> None:
        """See `open_dataset`."""
        self._files, self._nothing_hit = files, nothing_hit
        self._parts: dict[Path, Part] = {}
        self._pid = os.getpid()
        self.transform = transform
        self.split = split
        self.path = files.path
        self._first, self._stop = _find_rows(files, split)
        self.fields = self._choose_fields(fields)

    # --- what it is ---------------------------------------------------------------------------

    @property
    def info(self) -> DatasetInfo:
        """The description of the data set, ``dataset.json``."""
        return self._files.info

    @property
    def split_ends(self) -> dict[str, int]:
        """Number of samples up to the end of each split, of the whole data set."""
        return dict(zip(SPLITS, self._files.split_ends, strict=True))

    @property
    def all_fields(self) -> tuple[str, ...]:
        """Fields that this format has; ``fields`` may name any of them."""
        return self._open(self._files.parts[0]).all_names

    @property
    def keypoint_names(self) -> tuple[str, ...]:
        """Names of the points in ``keypoint_px`` and so on; empty where there are none."""
        return self._open(self._files.parts[0]).keypoint_names

    @property
    def files(self) -> tuple[Path, ...]:
        """Files that the data set is in; of small files, the one folder."""
        return self._files.parts

    @property
    def class_names(self) -> dict[int, str]:
        """Name of each class id."""
        return {class_id: found.name for class_id, found in self.info.classes.items()}

    def __repr__(self) -> str:
        split = f", {self.split}" if self.split else ""
        return f"<{self.path}{split}: {len(self)} samples of {', '.join(self.fields)}>"

    def __enter__(self) -> Dataset:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the files of this process; reading opens them again."""
        self._parts = {}

    def with_fields(self, fields: Sequence[str] | None, nothing_hit: float = np.nan) -> Dataset:
        """The same samples with other fields and no transform, without a new search for files.

        Args:
            fields: see `open_dataset`.
            nothing_hit: see `open_dataset`.

        Raises:
            UserError: there is no such field.
        """
        return Dataset(self._files, self.split, None, fields, nothing_hit)

    # --- reading ------------------------------------------------------------------------------

    def __len__(self) -> int:
        return self._stop - self._first

    def __getitem__(self, i: int) -> Any:
        """Sample i of this split, a dictionary by field; or what the transform makes of it."""
        return self.read_samples([i])[0]

    def read_samples(self, idxs: Sequence[int] | np.ndarray) -> list[Any]:
        """Several samples at once, in the given order; faster than one by one.

        Args:
            idxs: of samples of this split, (k,); negative ones count from the end.

        Returns:
            k samples as `Dataset.__getitem__` gives them.

        Raises:
            IndexError: there is no such sample.
            UserError: a file is damaged.
        """
        rows = np.asarray(idxs, np.int64)
        rows = np.where(rows < 0, rows + len(self), rows)
        if rows.size and (rows.min() < 0 or rows.max() >= len(self)):
            raise IndexError(f"{self.path}: has {len(self)} samples, not one at {idxs}")
        samples = self._read(self.fields, rows + self._first)
        return samples if self.transform is None else [self.transform(s) for s in samples]

    __getitems__ = read_samples
    """PyTorch's loader asks for a batch by this name."""

    def read_checked(self, rows: Sequence[int] | np.ndarray) -> list[Sample]:
        """Samples without the transform, whose records and images hold only possible values.

        Other methods return whatever the files hold: looking at each value would take longer than
        reading it.

        Raises:
            UserError: a file is damaged.
        """
        samples = self._read(self.fields, np.asarray(rows, np.int64) + self._first)
        names = [name for name in RECORD_DTYPE.names or () if name in self.fields and samples]
        wild = []
        for name in names:
            values = np.concatenate([np.ravel(sample[name]) for sample in samples])
            firsts = [np.ravel(sample[name])[0] for sample in samples]
            if is_wild(name, values) or (name in KNOWN and min(firsts) < 0):
                wild.append(name)
        if IMAGE in self.fields and not all(np.isfinite(s[IMAGE]).all() for s in samples):
            wild.append(IMAGE)
        if wild:
            raise UserError(
                f"{self.path}: field {wild[0]!r} of one of {len(samples)} samples from row "
                f"{rows[0]} on has an impossible value; write the HDF5 files again with "
                "preprocess_data.py --overwrite"
            )
        return samples

    def read_column(self, name: str) -> np.ndarray:
        """A record field in all samples of this split, (n, ...); text as objects.

        Raises:
            UserError: there is no such field.
        """
        known = self._open(self._files.parts[0]).all_names
        if not len(self) or (name in NEW_NAMES and name not in known):  # an archive from before
            return create_records((len(self),))[name]
        if name not in known:
            raise UserError(f"{self.path}: has no field {name!r}{nearest_name(name, known)}")
        parts = [part for part in map(self._open, self._files.parts) if part.num_rows]
        return np.concatenate([part.read_column(name) for part in parts])[self._first : self._stop]

    def _read_images(self, rows: np.ndarray) -> list[Sample]:
        return self._read((IMAGE,), rows + self._first)

    def _read(self, fields: tuple[str, ...], rows: np.ndarray) -> list[Sample]:
        ends = self._files.part_ends
        places = np.searchsorted(ends, rows, side="right")
        if len(rows) and (places == places[0]).all():
            return self._read_part(int(places[0]), fields, rows)
        samples: list[Sample] = [{}] * len(rows)
        for place in np.unique(places).tolist():
            chosen = np.flatnonzero(places == place)
            found = self._read_part(place, fields, rows[chosen])
            for k, sample in zip(chosen.tolist(), found, strict=True):
                samples[k] = sample
        return samples

    def _read_part(self, place: int, fields: tuple[str, ...], rows: np.ndarray) -> list[Sample]:
        start = self._files.part_ends[place - 1] if place else 0
        return self._open(self._files.parts[place]).read(fields, rows - start)

    def _open(self, path: Path) -> Part:
        """The opened part of this process; one that a parent opened is left to it."""
        if self._pid != os.getpid():
            self._parts, self._pid = {}, os.getpid()
        if path not in self._parts:
            self._parts[path] = self._files.open_part(path, self._nothing_hit, self.info)
        return self._parts[path]

    def __getstate__(self) -> Mapping[str, object]:
        kept = {name: value for name, value in self.__dict__.items() if name not in CACHED}
        return {**kept, "_parts": {}}

    def _choose_fields(self, fields: Sequence[str] | None) -> tuple[str, ...]:
        part = self._open(self._files.parts[0])
        known = part.all_names
        for name in fields or ():
            if name == DEPTH and name not in known:
                raise UserError(
                    f"{self.path}: holds no depth; it needs images in EXR, and data_<res>.h5 one "
                    "that was written since depth is kept (preprocess_data.py -p --overwrite)"
                )
            if name not in known and name in list_label_fields(LABELS):
                raise UserError(
                    f"{self.path}: holds no {name}; it needs images in EXR that were rendered with "
                    "its label in rendering.labels, and HDF5 files written from these"
                )
            if name not in known:
                raise UserError(f"{self.path}: has no field {name!r}{nearest_name(name, known)}")
        return part.names if fields is None else tuple(fields)


def _find_rows(files: DatasetFiles, split: str | None) -> tuple[int, int]:
    """Rows of the files that belong to a split: first, end."""
    if split is None:
        return 0, files.num_rows
    if split not in SPLITS:
        raise UserError(f"split {split!r}: must be 'train', 'validation', 'test' or None")
    k = SPLITS.index(split)
    starts_ends = (0, *files.split_ends)[k : k + 2]
    first, stop = np.clip(np.array(starts_ends) - files.first_row, 0, files.num_rows).tolist()
    return first, stop


def find_dataset_files(path: Path) -> DatasetFiles:
    """Finds the files to read at a path.

    Args:
        path: a file ``imgs_XX.h5`` or ``data_<res>.h5``; ``img/`` for the small files; or the
            folder of a data set, of which the shards are taken, else the small files, else the one
            file of arrays.

    Raises:
        UserError: there is nothing to read, or more than one thing.
    """
    path = path.absolute()
    if path.is_file():
        return _find_files(path, [path])
    if path.name == IMAGE_DIR:
        return _find_raw(path.parent)
    if shards := list_shards(path):
        return _list_shards(path, shards)
    if (path / IMAGE_DIR).is_dir():
        return _find_raw(path)
    arrays = list_arrays(path)
    if len(arrays) == 1:
        return _find_files(path, arrays)
    if arrays:
        names = ", ".join(p.name for p in arrays)
        raise UserError(f"{path}: holds {names}; open one of these files")
    raise UserError(
        f"{path}: no data set; give a folder that render.py wrote, or an HDF5 file of "
        "preprocess_data.py"
    )


def _list_shards(path: Path, shards: Sequence[Path]) -> DatasetFiles:
    with open_file(shards[0]) as file:
        num_shards = read_layout(file).num_shards
    wanted = [shard_path(path, k) for k in range(num_shards)]
    if others := [shard.name for shard in shards if shard not in wanted]:
        raise UserError(
            f"{path}: holds {others[0]}, but the archive has {num_shards} shards; move it away, or "
            "open single files"
        )
    if missing := [shard.name for shard in wanted if shard not in shards]:
        raise UserError(
            f"{path}: lacks {missing[0]} ({len(missing)} of {num_shards} shards); write the rest "
            "with preprocess_data.py -f, or open single files"
        )
    return _find_files(path, shards)


def _find_files(path: Path, files: Sequence[Path]) -> DatasetFiles:
    ends: list[int] = []
    first_row, split_ends, info, kind = 0, (), None, None
    for k, name in enumerate(files):
        with open_file(name) as file:
            is_begun = not np.all(file.attrs.get("buckets_done", True))  # by an earlier version
            if is_begun or (is_arrays(file) and (file[LAST_FIELD][...] == NOT_WRITTEN).any()):
                raise UserError(f"{name}: is not complete; finish it with preprocess_data.py -p")
            names = ("num_objs", "image_size")
            own = read_layout(file), [int(file.attrs[n]) for n in names], [*list_fields(file)]
            kind = kind or own
            if own != kind:
                raise UserError(
                    f"{name}: belongs to another archive than {files[0].name}; write it again with "
                    "preprocess_data.py --to_hdf5 --overwrite"
                )
            if k == 0:
                first_row = int(file.attrs.get("first_row", 0))
                split_ends = tuple(int(end) for end in file.attrs["split_ends"])
                info = read_info(file)
            ends.append((ends[-1] if ends else 0) + len(file["sample_idx"]))
    assert info is not None
    return DatasetFiles(path, tuple(files), tuple(ends), first_row, split_ends, info, open_hdf5)


def _find_raw(path: Path) -> DatasetFiles:
    info = read_required_info(path)
    folder = settings_to_folder(path, info.settings)
    listing = folder.list_samples()
    idxs = np.array(listing.pairs, np.int64)
    if not len(idxs):
        raise UserError(f"{folder.image_dir}: no complete samples; render some with render.py")
    ends = np.searchsorted(idxs, _find_split_ends(info, listing.found)).tolist()
    return DatasetFiles(path, (path,), (len(idxs),), 0, tuple(ends), info, open_raw)


def _find_split_ends(info: DatasetInfo, found: range) -> list[int]:
    """Index of the sample at which each split ends: as the archive cuts, or as a design says."""
    objects = info.settings.object
    if info.design is None:
        layout = create_layout(len(found), 1, objects.n_buckets)
        return [found.start + layout.split_rows[name].stop for name in SPLITS]
    buckets = np.cumsum(info.design.split_buckets)
    # The first sample of bucket b is the first i with i * n_buckets // total >= b.
    return [-(-int(b) * objects.total_num_samples // objects.n_buckets) for b in buckets]
