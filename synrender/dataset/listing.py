"""Where the files of a sample are, and which samples have files, by file name only.

The first samples have their files in ``img/``; what does not fit there goes to ``img/0001/``,
``img/0002/`` and so on. Imports only the standard library.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from synrender.dataset.names import (
    IMAGE_DIR,
    SAMPLE_KINDS,
    image_folder,
    is_image_folder,
    sample_file,
    split_sample_file,
)
from synrender.system.json_text import read_json

FLAT = 0
"""``batch.files_per_folder`` of data sets that have all files in ``img/``."""

FILES_PER_SAMPLE = 2

MAX_INFO_BYTES = 1 << 26
"""A quarter of a million rejected models and textures with their reasons."""


@dataclass(frozen=True)
class Listing:
    """Indexes of the samples that have a file of each kind."""

    pngs: frozenset[int]
    exrs: frozenset[int]
    records: frozenset[int]

    @property
    def images(self) -> frozenset[int]:
        """Samples with a PNG or an EXR image."""
        return self.pngs | self.exrs

    @property
    def pairs(self) -> list[int]:
        """Samples with both image and record, in order."""
        return sorted(self.images & self.records)

    @property
    def found(self) -> range:
        """Range from the first to the last sample that has any file."""
        idxs = self.images | self.records
        return range(min(idxs), max(idxs) + 1) if idxs else range(0)

    def find_missing(self, idxs: Iterable[int]) -> list[int]:
        """Which of the given samples lack an image or a record, in order."""
        pairs = self.images & self.records
        return sorted(int(i) for i in idxs if int(i) not in pairs)


def list_samples(dataset_dir: Path, files_per_folder: int = FLAT) -> Listing:
    """Lists the image folders of a data set; a file in another folder than its own is no sample's.

    Empty if there is no folder.
    """
    idxs: dict[str, set[int]] = {kind: set() for kind in SAMPLE_KINDS}
    for folder in list_image_dirs(dataset_dir):
        number = dir_to_number(folder)
        with os.scandir(folder) as entries:
            for entry in entries:
                idx, kind = split_sample_file(entry.name) or (0, "")
                if kind in idxs and idx_to_folder(idx, files_per_folder) == number:
                    idxs[kind].add(idx)
    return Listing(*(frozenset(idxs[kind]) for kind in SAMPLE_KINDS))


def list_image_dirs(dataset_dir: Path) -> list[Path]:
    """The folders of samples that are there: ``img/``, then those in it."""
    folder = dataset_dir / IMAGE_DIR
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        names = [e.name for e in entries if is_image_folder(e.name) and e.is_dir()]
    return [folder, *(folder / name for name in sorted(names, key=int))]


def idx_to_folder(idx: int, files_per_folder: int) -> int:
    """Number of a sample's folder; 0 is ``img/`` itself."""
    return 0 if files_per_folder == FLAT else idx // (files_per_folder // FILES_PER_SAMPLE)


def dir_to_number(image_dir: Path) -> int:
    """Number of a folder of `list_image_dirs`."""
    return 0 if image_dir.name == IMAGE_DIR else int(image_dir.name)


def folder_to_path(dataset_dir: Path, number: int) -> Path:
    """Folder of samples with this number."""
    return dataset_dir / image_folder(number)


def sample_path(dataset_dir: Path, idx: int, kind: str, files_per_folder: int = FLAT) -> Path:
    """File of a sample; ``kind`` is "png", "exr" or "npy"."""
    return dataset_dir / sample_name(idx, kind, files_per_folder)


def sample_name(idx: int, kind: str, files_per_folder: int = FLAT) -> str:
    """Name of a sample's file below the data set's folder, such as ``"img/00000.png"``."""
    return f"{image_folder(idx_to_folder(idx, files_per_folder))}/{sample_file(idx, kind)}"


def read_files_per_folder(dataset_file: Path) -> int:
    """``batch.files_per_folder`` of a ``dataset.json``, and nothing else of it."""
    try:
        number = read_json(dataset_file, MAX_INFO_BYTES)["settings"]["batch.files_per_folder"]
    except (OSError, ValueError, TypeError, KeyError):  # others complain of it
        return FLAT
    return number if type(number) is int and number >= FILES_PER_SAMPLE else FLAT
