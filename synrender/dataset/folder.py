"""The folder of a data set: its paths, which samples are complete, and the writing of a sample.

A sample is an image ``img/00000.png`` (or ``.exr``) and a record ``img/00000.npy``; later ones are
in ``img/0001/`` and so on, see `names`. Each file is written under a temporary name in the same
folder and renamed, the record last. A sample is complete if its record is readable and its image is
not damaged.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synrender.dataset.archived import read_archived
from synrender.dataset.info import DatasetInfo, read_info, read_required_info
from synrender.dataset.names import (
    COLORS_FILE,
    CONFIG_FILE,
    FLAT,
    IMAGE_DIR,
    INFO_FILE,
    Listing,
    folder_to_path,
    idx_to_folder,
    list_image_dirs,
    list_samples,
    list_shards,
    sample_path,
)
from synrender.dataset.record import are_records, read_record, record_to_bytes
from synrender.errors import UserError, nearest_name, shorten
from synrender.images.image_files import is_whole_image
from synrender.settings.gin_text import read_gin_file
from synrender.settings.groups import Settings
from synrender.settings.load import load_settings, settings_to_dict, with_layout
from synrender.system.console import warn_once
from synrender.system.files import is_plain_name, write_atomically, write_bytes
from synrender.system.locks import remove_abandoned_files, temporary_file

MAX_FOLDER_NAME = 200
NUM_CHECKED = 64
"""Records that are checked at once: of 1000 objects each, they take 200 MB."""

_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


@dataclass(frozen=True)
class DatasetFolder:
    """The folder of one data set; it need not exist yet."""

    path: Path
    is_exr: bool  # images are EXR with label passes; else PNG
    files_per_folder: int = FLAT  # `BatchSettings.files_per_folder`

    # --- paths ----------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """Name of the data set."""
        return self.path.name

    @property
    def image_dir(self) -> Path:
        """Folder of the images and records."""
        return self.path / IMAGE_DIR

    @property
    def config_path(self) -> Path:
        """Gin file with all settings of the data set."""
        return self.path / CONFIG_FILE

    @property
    def color_reference_path(self) -> Path:
        """Array of the classes' reference colors."""
        return self.path / COLORS_FILE

    def image_path(self, idx: int) -> Path:
        """Image file of a sample."""
        return sample_path(self.path, idx, "exr" if self.is_exr else "png", self.files_per_folder)

    def record_path(self, idx: int) -> Path:
        """Record file of a sample."""
        return sample_path(self.path, idx, "npy", self.files_per_folder)

    # --- reading --------------------------------------------------------------------------------

    @property
    def is_begun(self) -> bool:
        """Whether a run has started this data set."""
        return (self.path / INFO_FILE).exists()

    def read_info(self) -> DatasetInfo:
        """Reads ``dataset.json``.

        Raises:
            UserError: it is missing, damaged, or from another program.
        """
        return read_required_info(self.path)

    def read_record(self, idx: int) -> np.ndarray:
        """Reads a sample's record, (num_objs,) of `RECORD_DTYPE`; see `record.read_record`."""
        return read_record(self.record_path(idx))

    def is_complete(self, idx: int) -> bool:
        """Whether a sample's record is readable and its image is not damaged."""
        return self._are_complete([idx])[0]

    def _are_complete(self, idxs: Sequence[int]) -> list[bool]:
        are_whole = are_records([self.record_path(idx) for idx in idxs])
        pairs = zip(idxs, are_whole, strict=True)
        return [is_whole and is_whole_image(self.image_path(idx)) for idx, is_whole in pairs]

    def find_missing(self, idxs: Iterable[int]) -> list[int]:
        """Which of the given samples are not complete, neither as files nor in a verified archive.

        Reads every file: 1,000,000 samples take half a minute, if the disk is as fast. A folder
        without files takes no time.
        """
        if archived := read_archived(self.path):
            idxs = (idx for idx in idxs if idx not in archived)
        missing: list[int] = []
        for number, group in itertools.groupby(idxs, self._idx_to_folder):
            if _is_empty(folder_to_path(self.path, number)):
                missing.extend(group)
            else:
                while block := list(itertools.islice(group, NUM_CHECKED)):
                    pairs = zip(block, self._are_complete(block), strict=True)
                    missing.extend(idx for idx, is_complete in pairs if not is_complete)
        return missing

    def _idx_to_folder(self, idx: int) -> int:
        return idx_to_folder(idx, self.files_per_folder)

    def list_samples(self) -> Listing:
        """Lists which samples have files, without reading them.

        Raises:
            UserError: there are both PNG and EXR images, or the images are not of this format.
        """
        listing = list_samples(self.path, self.files_per_folder)
        num_pngs, num_exrs = len(listing.pngs), len(listing.exrs)
        if num_pngs and num_exrs:
            raise UserError(
                f"{self.image_dir} holds {num_pngs} PNG and {num_exrs} EXR images: a data set "
                "has one kind; move the others away"
            )
        if (num_pngs and self.is_exr) or (num_exrs and not self.is_exr):
            raise UserError(
                f"{self.image_dir} holds {'PNG' if num_pngs else 'EXR'} images, but "
                f"{INFO_FILE} says rendering.render_exr = {self.is_exr}; move them away and render "
                "the data set again"
            )
        return listing

    # --- writing --------------------------------------------------------------------------------

    def commit_sample(
        self, idx: int, write_image: Callable[[Path], None], record: np.ndarray
    ) -> None:
        """Writes a sample: its image by ``write_image(temporary path)``, then its record."""
        image_path = self._create_parent(self.image_path(idx))
        write_atomically(image_path, write_image)
        write_bytes(self.record_path(idx), record_to_bytes(record))

    def try_image(self, idx: int, write_image: Callable[[Path], None]) -> None:
        """Writes an image of a sample by ``write_image(temporary path)`` and removes it."""
        with temporary_file(self._create_parent(self.image_path(idx))) as path:
            write_image(path)

    def commit_files(self, idx: int, image: bytes, record: bytes) -> None:
        """Writes a sample of which both files are known."""
        write_bytes(self._create_parent(self.image_path(idx)), image)
        write_bytes(self.record_path(idx), record)

    def _create_parent(self, path: Path) -> Path:
        if path.parent != self.image_dir:
            path.parent.mkdir(exist_ok=True)
        return path

    def remove_empty_dirs(self) -> None:
        """Removes the image folders that hold nothing any more."""
        for image_dir in reversed(list_image_dirs(self.path)):
            with contextlib.suppress(OSError):
                image_dir.rmdir()

    def remove_abandoned_files(self, idxs: range) -> None:
        """Removes temporary files of killed processes from the folders of some samples."""
        first, last = (self._idx_to_folder(idx) for idx in (idxs[0], idxs[-1]))
        for number in range(first, last + 1):
            with contextlib.suppress(FileNotFoundError):
                remove_abandoned_files(folder_to_path(self.path, number))


@dataclass(frozen=True)
class PlannedDataset:
    """A data set to render: its folder, which need not exist yet, and its settings."""

    folder: DatasetFolder
    settings: Settings  # its batch spans the whole data set
    preferred_group_size: int = 0  # `batch.cache_obj_frames` before classes were balanced

    @property
    def name(self) -> str:
        """Name of the data set."""
        return self.folder.name


# --- finding ------------------------------------------------------------------------------------


def name_to_dataset_dir(data_dir: Path, name: str) -> Path:
    """Folder of a data set, which need not exist.

    Raises:
        UserError: the name is not a plain folder name.
    """
    is_plain = bool(name) and not name.startswith((".", "-")) and set(name) <= _NAME_CHARACTERS
    if not is_plain or len(name) > MAX_FOLDER_NAME:
        raise UserError(
            f"--dataset_name {shorten(name)!r}: must be one folder name of letters, digits, '-', "
            "'_' and '.', not starting with '.' or '-'; to write elsewhere set SYNRENDER_DATA_DIR"
        )
    return data_dir / name


def settings_to_folder(path: Path, settings: Settings) -> DatasetFolder:
    """Handle on a data set whose own settings are known."""
    return DatasetFolder(path, settings.rendering.render_exr, settings.batch.files_per_folder)


def plan_dataset_folder(path: Path, settings: Settings, overwrite: bool = False) -> DatasetFolder:
    """Handle on a data set to render, which will be overwritten or not.

    One that is there keeps its files where they are; for a new one ``batch.files_per_folder`` of
    the run counts.

    Raises:
        UserError: its description is damaged.
    """
    info = None if overwrite else read_info(path)
    if info:
        _warn_of_edits(path, info)
    batch = info.settings.batch if info else settings.batch
    return settings_to_folder(path, with_layout(settings, batch.files_per_folder))


def open_dataset_folder(data_dir: Path, name: str, option: str = "--dataset") -> DatasetFolder:
    """Opens an existing data set; ``option`` is the command-line option that named it.

    Raises:
        UserError: there is no data set of this name, or its description is not valid.
    """
    try:
        with os.scandir(data_dir) as entries:
            plain = (e for e in entries if is_plain_name(e.name))
            names = {e.name for e in plain if _looks_like_dataset(Path(e.path))}
    except OSError:
        names = set()
    if name not in names:
        hint = nearest_name(name, names) or "; the folder holds none: render one with render.py"
        raise UserError(f"{option} {shorten(name)!r}: no such data set{hint} (in {data_dir})")
    info = read_required_info(data_dir / name)
    _warn_of_edits(data_dir / name, info)
    return settings_to_folder(data_dir / name, info.settings)


def _warn_of_edits(path: Path, info: DatasetInfo) -> None:
    """Says so if `CONFIG_FILE`, which is written from `INFO_FILE` and never read, differs from it.

    The range of samples may differ, since a run can be killed between the two.
    """
    config = path / CONFIG_FILE
    if not config.is_file():
        return
    try:
        names = {f"{binding.group}.{binding.parameter}" for binding in read_gin_file(config)}
        edited = settings_to_dict(load_settings([str(config)]))
    except UserError as error:
        warn_once(f"{error}; {INFO_FILE} counts")
        return
    known = settings_to_dict(info.settings)
    for name in sorted(names - {"batch.idx_offset", "batch.num_samples"}):
        if edited[name] != known[name]:
            here, there = shorten(repr(edited[name])), shorten(repr(known[name]))
            warn_once(
                f"{config} was edited: {name} = {here}. {INFO_FILE} has {there}, and counts; to "
                "render what was edited, give the file with -g to a data set of another name"
            )


def _is_empty(folder: Path) -> bool:
    try:
        with os.scandir(folder) as entries:
            return next(entries, None) is None
    except FileNotFoundError:
        return True


def _looks_like_dataset(folder: Path) -> bool:
    names = (INFO_FILE, IMAGE_DIR)
    return any((folder / name).exists() for name in names) or bool(list_shards(folder))
