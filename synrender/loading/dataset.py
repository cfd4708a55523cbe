"""The map-style data set: samples as dictionaries, for any loader and for PyTorch's."""

from __future__ import annotations

import copy
import functools
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from synrender.dataset.archive_layout import SPLITS
from synrender.dataset.info import DatasetInfo
from synrender.dataset.record import KNOWN, NEW_NAMES, RECORD_DTYPE, create_records, is_wild
from synrender.errors import UserError, nearest_name
from synrender.loading.captions import CAPTION, CAPTION_FIELDS, Captioner
from synrender.loading.dataset_files import find_dataset_files
from synrender.loading.factors import CACHED, Factors
from synrender.loading.remote_files import find_cache, find_remote_files
from synrender.loading.row_source import DEPTH, IMAGE, DatasetFiles, Part, Sample
from synrender.settings.groups import Captions
from synrender.settings.label_table import LABELS
from synrender.settings.label_table import list_fields as list_label_fields
from synrender.system.remote import is_url

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
            ``data_<res>.h5``; a folder gives its shards if it has any, else its small files. Or the
            folder of an export to WebDataset or Parquet. HDF5 files and exports can be in object
            storage, such as ``s3://bucket/name``: each file is fetched when it is needed, into a
            local cache (`synrender.loading.remote_files`).
        split: "train", "validation" or "test"; None for all samples.
        transform: what becomes of each sample; a function of a module for loaders that spawn.
        fields: names of what a sample holds; None for everything but ``image_png``, the bytes of
            the PNG, labels that the data set was not rendered for, and of captions all but
            ``caption``. What is not named is not read. Of an export, what it holds.
        nothing_hit: value of ``depth_m`` and ``world_position`` where nothing is hit, such as NaN
            or 0.

    Raises:
        UserError: there is no such data set, split or field.
    """
    if is_url(path):
        files = find_remote_files(str(path), find_cache(os.environ))
    else:
        files = find_dataset_files(Path(path))
    return Dataset(files, split, transform, fields, nothing_hit)


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
        self.captions = files.info.settings.captions
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
        names = self._open(self._files.parts[0]).all_names
        return names if self._files.is_export else (*names, *CAPTION_FIELDS)

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
        return f"<{self._files.place}{split}: {len(self)} samples of {', '.join(self.fields)}>"

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
        data = Dataset(self._files, self.split, None, fields, nothing_hit)
        data.captions = self.captions
        return data

    def with_captions(self, captions: Captions) -> Dataset:
        """The same samples with captions of another style, see `synrender.settings.groups`.

        Raises:
            UserError: it is an export, which holds captions of one style.
        """
        if self._files.is_export:
            raise UserError(
                f"{self._files.place}: holds the captions that were exported; choose others with "
                "export_dataset.py --captions, or open the data set itself"
            )
        data = copy.copy(self)
        data.captions, data._parts = captions, {}
        data.__dict__.pop("_captioner", None)
        return data

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
            raise IndexError(f"{self._files.place}: has {len(self)} samples, not one at {idxs}")
        samples = self._read(self.fields, rows + self._first)
        return samples if self.transform is None else [self.transform(s) for s in samples]

    __getitems__ = read_samples
    """PyTorch's loader asks for a batch by this name."""

    def tracks(self, sequence: Sequence[int] | np.ndarray) -> Sample:
        """Keypoints over a sequence: where each point is in each of its samples.

        Args:
            sequence: k samples, such as a row of `sequences`.

        Returns:
            ``keypoint_px`` (k, num_objs, points, 2), ``keypoint_world_m`` with 3 in place of the 2,
            and ``keypoint_visibility`` without it; `keypoint_names` names the points.

        Raises:
            IndexError: there is no such sample.
            UserError: the data set was rendered without the label ``keypoints``.

        >>> tracks = data.tracks(data.sequences()[0])  # doctest: +SKIP
        """
        fields = LABELS["keypoints"].fields
        if missing := set(fields) - set(self.all_fields):
            raise UserError(
                f"{self.path}: has no {min(missing)}; render it with rendering.labels = "
                "['keypoints'] and rendering.render_exr = True"
            )
        samples = self.with_fields(fields).read_samples(sequence)
        return {name: np.stack([sample[name] for sample in samples]) for name in fields}

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
            command = "export_dataset.py" if self._files.is_export else "preprocess_data.py"
            raise UserError(
                f"{self._files.place}: field {wild[0]!r} of one of {len(samples)} samples from row "
                f"{rows[0]} on has an impossible value; write these files again with {command} "
                "--overwrite"
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
            raise UserError(
                f"{self._files.place}: has no field {name!r}{nearest_name(name, known)}"
            )
        parts = [part for part in map(self._open, self._files.parts) if part.num_rows]
        return np.concatenate([part.read_column(name) for part in parts])[self._first : self._stop]

    def _read_images(self, rows: np.ndarray) -> list[Sample]:
        return self._read((IMAGE,), rows + self._first)

    def _read(self, fields: tuple[str, ...], rows: np.ndarray) -> list[Sample]:
        written = [name for name in fields if name in CAPTION_FIELDS]
        if not written or self._files.is_export:
            return self._read_stored(fields, rows)
        stored = [name for name in fields if name not in CAPTION_FIELDS]
        samples = self._read_stored((*dict.fromkeys((*stored, *self._captioner.needed)),), rows)
        found = [sample | self._captioner.write(sample, written) for sample in samples]
        return [{name: sample[name] for name in fields} for sample in found]

    @functools.cached_property
    def _captioner(self) -> Captioner:
        stored = self._open(self._files.parts[0]).all_names
        return Captioner(self.info, stored, self.captions)

    def _read_stored(self, fields: tuple[str, ...], rows: np.ndarray) -> list[Sample]:
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
        made = (*CACHED, "_captioner")
        kept = {name: value for name, value in self.__dict__.items() if name not in made}
        return {**kept, "_parts": {}}

    def _choose_fields(self, fields: Sequence[str] | None) -> tuple[str, ...]:
        part, known = self._open(self._files.parts[0]), self.all_fields
        for name in fields or ():
            if self._files.is_export and name not in known:
                raise UserError(
                    f"{self._files.place}: was exported without {name!r}; write it with "
                    "export_dataset.py --fields, or open the data set itself"
                    f"{nearest_name(name, known)}"
                )
            if name == DEPTH and name not in known:
                raise UserError(
                    f"{self._files.place}: holds no depth; it needs images in EXR, and "
                    "data_<res>.h5 one that was written since depth is kept (preprocess_data.py -p "
                    "--overwrite)"
                )
            if name not in known and name in list_label_fields(LABELS):
                raise UserError(
                    f"{self._files.place}: holds no {name}; it needs images in EXR that were "
                    "rendered with its label in rendering.labels, and HDF5 files written from these"
                )
            if name not in known:
                raise UserError(
                    f"{self._files.place}: has no field {name!r}{nearest_name(name, known)}"
                )
        if fields is not None:
            return tuple(fields)
        return (*(name for name in part.names if name != CAPTION), CAPTION)


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
