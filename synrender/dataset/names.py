"""Names and places of all files and folders that this program writes, and which names are ours.

A name is ours only if this program would write exactly it: a number has one spelling, and nothing
comes before or after. ``imgs_00.backup.h5`` is a user's file. The first samples have their files in
``img/``; what does not fit there goes to ``img/0001/``, ``img/0002/`` and so on. Imports only the
standard library.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from synrender.system.files import temporary_to_name
from synrender.system.json_text import read_json

IMAGE_DIR = "img"
INFO_FILE = "dataset.json"
CONFIG_FILE = "config.gin"
COLORS_FILE = "color_reference.npy"
LOCK_FILE = ".lock"
ARCHIVED_FILE = "archived.json"
AUDIT_FILE = "audit.json"
CERTIFICATE_FILE, HASHES_FILE = "certificate.json", "certificate.npy"
SHEET_FILE = "contact_sheet.png"
REPORT_FILE = "report.html"
ORDER_FILE = "idx_ref.npy"

DESCRIPTION_FILES = (INFO_FILE, COLORS_FILE, CONFIG_FILE)
"""Files that a certificate covers besides the samples."""

_FIRST_FILES = (CONFIG_FILE, COLORS_FILE, LOCK_FILE)
"""Files that a run writes before `INFO_FILE`."""

_LATER_FILES = (
    *(INFO_FILE, ARCHIVED_FILE, AUDIT_FILE, CERTIFICATE_FILE, HASHES_FILE),
    *(SHEET_FILE, REPORT_FILE, ORDER_FILE),
)

SAMPLE_KINDS = ("png", "exr", "npy")

FLAT = 0
"""``batch.files_per_folder`` of data sets that have all files in ``img/``."""

FILES_PER_SAMPLE = 2

MAX_INFO_BYTES = 1 << 26
"""A quarter of a million rejected models and textures with their reasons."""


def _number(num_digits: int) -> str:
    """Pattern of a number below 10^12 that is filled up with zeros to ``num_digits``."""
    return rf"([0-9]{{{num_digits}}}|[1-9][0-9]{{{num_digits},11}})"


_SAMPLE_NUMBER = re.compile(_number(5))
_IMAGE_FOLDER = re.compile(f"(?!0000){_number(4)}")  # number 0 is `IMAGE_DIR` itself
_SHARD = re.compile(rf"imgs_{_number(2)}\.h5")
_ARRAYS = re.compile(r"data_[1-9][0-9]{0,4}(_lab)?\.h5")
_PARTIAL_ARRAYS = re.compile(r"data_[1-9][0-9]{0,4}(_lab)?\.partial\.h5")
_WORK_NOTE = re.compile(r"\.work\..+\.[0-9]+\.json")
_DRIVER_NOTE = re.compile(r"\.driver\.(?:whole|shard|ended)-[0-9a-f]{8}\.[0-9]+\.json")
_LEASE = re.compile(r"\.lease\.([1-9][0-9]{0,11})")
_HDF5 = (_SHARD, _ARRAYS, _PARTIAL_ARRAYS)


# --- samples --------------------------------------------------------------------------------------


def sample_file(idx: int, kind: str) -> str:
    """Name of a sample's file in its folder; ``kind`` is one of `SAMPLE_KINDS`."""
    return f"{idx:05d}.{kind}"


def split_sample_file(name: str) -> tuple[int, str] | None:
    """Sample and kind of a file that has the name of a sample's, whatever the kind; else None."""
    number, dot, kind = name.partition(".")
    return (int(number), kind) if dot and _SAMPLE_NUMBER.fullmatch(number) else None


def image_folder(number: int) -> str:
    """Name of a folder of samples below the data set's; number 0 is `IMAGE_DIR` itself."""
    return f"{IMAGE_DIR}/{number:04d}" if number else IMAGE_DIR


# --- archives -------------------------------------------------------------------------------------


def shard_file(shard: int) -> str:
    """Name of a shard of an archive: images and records."""
    return f"imgs_{shard:02d}.h5"


def file_to_shard(name: str) -> int | None:
    """Number of the shard of this name; None if it is none."""
    match = _SHARD.fullmatch(name)
    return int(match[1]) if match else None


def arrays_file(res: int, to_lab: bool, is_partial: bool = False) -> str:
    """Name of a file of normalized arrays, or of one that is not complete yet."""
    return f"data_{res}{'_lab' if to_lab else ''}{'.partial' if is_partial else ''}.h5"


def is_partial_arrays(name: str) -> bool:
    """Whether a file has the name of one of normalized arrays that is not complete yet."""
    return _PARTIAL_ARRAYS.fullmatch(name) is not None


def list_shards(dataset_dir: Path) -> list[Path]:
    """Shards that are there, by number."""
    return sorted(_list_named(dataset_dir, _SHARD), key=lambda path: file_to_shard(path.name) or 0)


def list_arrays(dataset_dir: Path) -> list[Path]:
    """Complete files of normalized arrays that are there, by name."""
    return _list_named(dataset_dir, _ARRAYS)


def is_hdf5_name(name: str) -> bool:
    """Whether a complete HDF5 file of ours has this name."""
    return bool(_SHARD.fullmatch(name) or _ARRAYS.fullmatch(name))


def list_hdf5(dataset_dir: Path) -> list[Path]:
    """All HDF5 files of ours that are there, complete or not, by name."""
    return _list_named(dataset_dir, *_HDF5)


def list_work_notes(dataset_dir: Path) -> list[Path]:
    """Notes of what a run of render.py is at, by name."""
    return _list_named(dataset_dir, _WORK_NOTE)


def list_driver_notes(dataset_dir: Path) -> list[Path]:
    """Notes of the runs that render a data set, or of shards that have ended, by name."""
    return _list_named(dataset_dir, _DRIVER_NOTE)


def lease_file(number: int) -> str:
    """Name of a lease: who made the one of the highest number may change the description."""
    return f".lease.{number}"


def file_to_lease(name: str) -> int | None:
    """Number of the lease of this name; None if it is none."""
    match = _LEASE.fullmatch(name)
    return int(match[1]) if match else None


def _list_named(folder: Path, *patterns: re.Pattern[str]) -> list[Path]:
    """Regular files of some names, or links to some, in order; none if there is no folder."""
    paths = folder.iterdir() if folder.is_dir() else ()
    return sorted(p for p in paths if _matches(p.name, *patterns) and p.is_file())


def _matches(name: str, *patterns: re.Pattern[str]) -> bool:
    return any(pattern.fullmatch(name) for pattern in patterns)


# --- all of a data set ----------------------------------------------------------------------------


def is_ours(path: Path, dataset_dir: Path, is_begun: bool = True) -> bool:
    """Whether something in a data set's folder, or in its image folders, is a file of ours.

    Unless the data set is begun, only what a run has written before `INFO_FILE` counts.
    """
    folder, name = path.parent.relative_to(dataset_dir).as_posix(), path.name
    mode = path.lstat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        return False
    is_right = _is_sample_file if folder != "." else _is_file_of_dataset
    target = temporary_to_name(name)
    if target is not None and is_right(target):
        return True
    is_first = name in _FIRST_FILES or file_to_lease(name) is not None
    return is_right(name) if is_begun else folder == "." and is_first


def _is_sample_file(name: str) -> bool:
    found = split_sample_file(name)
    return found is not None and found[1] in SAMPLE_KINDS


def _is_file_of_dataset(name: str) -> bool:
    is_named = name in (*_FIRST_FILES, *_LATER_FILES)
    return is_named or _matches(name, *_HDF5, _WORK_NOTE, _DRIVER_NOTE, _LEASE)


# --- samples that are there -----------------------------------------------------------------------


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
        names = [e.name for e in entries if _IMAGE_FOLDER.fullmatch(e.name) and e.is_dir()]
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
