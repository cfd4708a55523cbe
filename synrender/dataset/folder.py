"""The folder of a data set: its paths, which samples are complete, and the writing of a sample.

A sample is an image ``img/00000.png`` (or ``.exr``) and a record ``img/00000.npy``. Each file is
written under a temporary name in the same folder and renamed, the record last. A sample is complete
if its record is readable and its image is not damaged.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synrender.dataset.info import INFO_FILE, DatasetInfo, read_required_info
from synrender.dataset.listing import IMAGE_DIR, Listing, list_samples, sample_path
from synrender.dataset.record import read_record
from synrender.errors import UserError, nearest_name
from synrender.files import remove_stale_files, write_array, write_atomically
from synrender.images.integrity import is_whole_image

MAX_FOLDER_NAME = 200
_NAME_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


@dataclass(frozen=True)
class DatasetFolder:
    """The folder of one data set; it need not exist yet."""

    path: Path
    is_exr: bool  # images are EXR with label passes; else PNG

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
        return self.path / "config.gin"

    @property
    def color_reference_path(self) -> Path:
        """Array of the classes' reference colours."""
        return self.path / "color_reference.npy"

    def image_path(self, idx: int) -> Path:
        """Image file of a sample."""
        return sample_path(self.path, idx, "exr" if self.is_exr else "png")

    def record_path(self, idx: int) -> Path:
        """Record file of a sample."""
        return sample_path(self.path, idx, "npy")

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
        try:
            self.read_record(idx)
        except (OSError, ValueError):
            return False
        return is_whole_image(self.image_path(idx))

    def find_missing(self, idxs: Iterable[int]) -> list[int]:
        """Which of the given samples are not complete."""
        return [idx for idx in idxs if not self.is_complete(idx)]

    def list_samples(self) -> Listing:
        """Lists which samples have files, without reading them.

        Raises:
            UserError: there are both PNG and EXR images, or the images are not of this format.
        """
        listing = list_samples(self.path)
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
        write_atomically(self.image_path(idx), write_image)
        write_array(self.record_path(idx), record)

    def remove_stale_files(self) -> None:
        """Removes temporary files of this machine's processes that are no longer running."""
        with contextlib.suppress(FileNotFoundError):
            remove_stale_files(self.image_dir)


# --- finding ------------------------------------------------------------------------------------


def name_to_dataset_dir(data_dir: Path, name: str) -> Path:
    """Folder of a data set, which need not exist.

    Raises:
        UserError: the name is not a plain folder name.
    """
    is_plain = bool(name) and not name.startswith((".", "-")) and set(name) <= _NAME_CHARACTERS
    if not is_plain or len(name) > MAX_FOLDER_NAME:
        raise UserError(
            f"--dataset_name {name!r}: must be one folder name of letters, digits, '-', '_' and "
            "'.', not starting with '.' or '-'; to write elsewhere set SYNRENDER_DATA_DIR"
        )
    return data_dir / name


def open_dataset_folder(data_dir: Path, name: str, option: str = "--dataset") -> DatasetFolder:
    """Opens an existing data set; ``option`` is the command-line option that named it.

    Raises:
        UserError: there is no data set of this name, or its description is not valid.
    """
    try:
        with os.scandir(data_dir) as entries:
            names = {e.name for e in entries if _looks_like_dataset(Path(e.path))}
    except OSError:
        names = set()
    if name not in names:
        hint = nearest_name(name, names) or "; the folder holds none: render one with render.py"
        raise UserError(f"{option} {name!r}: no such data set{hint} (in {data_dir})")
    info = read_required_info(data_dir / name)
    return DatasetFolder(data_dir / name, info.settings.rendering.render_exr)


def _looks_like_dataset(folder: Path) -> bool:
    return any((folder / name).exists() for name in (INFO_FILE, IMAGE_DIR, "imgs_00.h5"))
