"""Hashes of all files of a data set that its certificate covers, and one hash over them all."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synrender.dataset.folder import DatasetFolder
from synrender.dataset.names import (
    DESCRIPTION_FILES,
    dir_to_number,
    idx_to_folder,
    list_image_dirs,
    sample_name,
    split_sample_file,
)
from synrender.system.console import CreateBar
from synrender.system.files import read_sha256
from synrender.system.workers import Workers

# --- a Merkle tree --------------------------------------------------------------------------------

_LEAF, _NODE = b"\x00", b"\x01"


def hash_leaf(entry: bytes) -> bytes:
    """Hash of a leaf, 32 bytes."""
    return hashlib.sha256(_LEAF + entry).digest()


def find_root(entries: Iterable[bytes]) -> bytes:
    """Root of a Merkle tree over entries, in this order, 32 bytes; SHA-256 of nothing for none.

    As in RFC 9162, section 2.1.1.

    Holds one hash for each level of the tree, whatever the number of entries.
    """
    # Complete subtrees from left to right, each larger than the next: (number of leaves, hash).
    subtrees: list[tuple[int, bytes]] = []
    for entry in entries:
        subtrees.append((1, hash_leaf(entry)))
        while len(subtrees) > 1 and subtrees[-2][0] == subtrees[-1][0]:
            _join_last(subtrees)
    if not subtrees:
        return hashlib.sha256().digest()
    while len(subtrees) > 1:
        _join_last(subtrees)
    return subtrees[0][1]


def _join_last(subtrees: list[tuple[int, bytes]]) -> None:
    size_right, right = subtrees.pop()
    size_left, left = subtrees.pop()
    node = hashlib.sha256(_NODE + left + right).digest()
    subtrees.append((size_left + size_right, node))


HASH_BYTES = 32
NO_FILE = bytes(HASH_BYTES)
"""Stands for a file that a sample does not have; no file has this hash."""

UNREADABLE = b"\xff" * HASH_BYTES
"""Stands for what is no file that can be read; no file has this hash either."""

MAX_FILE_BYTES = 1 << 34
"""An EXR of 16384 px, the largest that can be rendered, takes 13 GB without compression."""

_FILES_PER_TASK = 256
_KIND = re.compile(r"[a-z0-9_.]+")
_FILE_DTYPE = np.dtype([("sample", np.int64), ("kind", np.uint8)])


@dataclass(frozen=True)
class FileHashes:
    """Hashes of the files of a data set."""

    description: dict[str, bytes]  # by name, of the files that are there
    samples: np.ndarray  # (n,): "sample" int64, ascending, and a field (32,) uint8 for each kind
    others: tuple[str, ...] = ()  # files among the samples' that belong to none

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of a sample's files, such as ("npy", "png")."""
        return (self.samples.dtype.names or ())[1:]

    @property
    def num_files(self) -> int:
        """Number of files that are hashed."""
        counts = (self.samples[kind].any(axis=1).sum() for kind in self.kinds)
        return len(self.description) + sum(map(int, counts))

    def find_root(self) -> bytes:
        """Root of the Merkle tree: the description's files by name, then the samples in order."""
        return find_root(self._iter_entries())

    def align(self, kind: str, idxs: np.ndarray) -> np.ndarray:
        """Hashes of the files of a kind of samples ``idxs`` (n,), (n, 32) uint8; 0 = no file."""
        aligned = np.zeros((len(idxs), HASH_BYTES), np.uint8)
        if kind in self.kinds and len(self.samples):
            rows = np.searchsorted(self.samples["sample"], idxs).clip(0, len(self.samples) - 1)
            is_there = self.samples["sample"][rows] == idxs
            aligned[is_there] = self.samples[kind][rows[is_there]]
        return aligned

    def _iter_entries(self) -> Iterator[bytes]:
        for name in sorted(self.description):
            yield b"file\0" + name.encode() + b"\0" + self.description[name]
        # A tuple of columns is several times as fast as rows of a structured array.
        columns = [self.samples[kind] for kind in self.kinds]
        prefixes = [kind.encode() + b"\0" for kind in self.kinds]
        for i, idx in enumerate(self.samples["sample"].tolist()):
            entry = b"sample\0" + idx.to_bytes(8, "big")
            for prefix, column in zip(prefixes, columns, strict=True):
                if (digest := column[i].tobytes()) != NO_FILE:
                    entry += prefix + digest
            yield entry


def create_samples(num: int, kinds: tuple[str, ...]) -> np.ndarray:
    """Rows for `FileHashes.samples` without files, (num,)."""
    kind_fields = [(kind, np.uint8, (HASH_BYTES,)) for kind in sorted(kinds)]
    return np.zeros(num, np.dtype([("sample", np.int64), *kind_fields]))


def hash_dataset(folder: DatasetFolder, workers: Workers, create_bar: CreateBar) -> FileHashes:
    """Reads and hashes the files of a data set, on all processes."""
    found, kinds, others = list_files(folder)
    tasks = [
        (folder, kinds, found[i : i + _FILES_PER_TASK])
        for i in range(0, len(found), _FILES_PER_TASK)
    ]
    joined = bytearray()
    with create_bar(len(found), "hashes") as bar:
        for task, digests in zip(tasks, workers.map(hash_sample_files, tasks), strict=True):
            joined += digests
            bar.update(len(task[2]))
    digests = np.frombuffer(joined, np.uint8).reshape(-1, HASH_BYTES)
    idxs, rows = np.unique(found["sample"], return_inverse=True)
    samples = create_samples(len(idxs), kinds)
    samples["sample"] = idxs
    for code, kind in enumerate(kinds):
        of_kind = found["kind"] == code
        samples[kind][rows[of_kind]] = digests[of_kind]
    description = {name: hash_file(folder.path / name) for name in DESCRIPTION_FILES}
    return FileHashes({n: d for n, d in description.items() if d != NO_FILE}, samples, others)


def list_files(folder: DatasetFolder) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]:
    """Lists the files of samples.

    Returns:
        The files in order, (f,) of `_FILE_DTYPE`; the names of their kinds; what else is there.
    """
    found: dict[str, list[int]] = {}
    others = []
    image_dirs = list_image_dirs(folder.path)
    for image_dir in image_dirs:
        number = dir_to_number(image_dir)
        with os.scandir(image_dir) as entries:
            for entry in entries:
                idx, kind = split_sample_file(entry.name) or (0, "")
                is_in_place = idx_to_folder(idx, folder.files_per_folder) == number
                if is_in_place and _KIND.fullmatch(kind):
                    found.setdefault(kind, []).append(idx)
                elif Path(entry.path) not in image_dirs:
                    others.append(Path(entry.path).relative_to(folder.path).as_posix())
    kinds = tuple(sorted(found))
    files = np.zeros(sum(map(len, found.values())), _FILE_DTYPE)
    files["sample"] = [idx for kind in kinds for idx in found[kind]]
    files["kind"] = np.repeat(np.arange(len(kinds)), [len(found[kind]) for kind in kinds])
    return np.sort(files, order=("sample", "kind")), kinds, tuple(sorted(others))


def file_name(folder: DatasetFolder, idx: int, kind: str) -> str:
    """Name of a sample's file below the data set's folder, such as ``"img/00000.png"``."""
    return sample_name(idx, kind, folder.files_per_folder)


def hash_sample_files(folder: DatasetFolder, kinds: tuple[str, ...], files: np.ndarray) -> bytes:
    """SHA-256 of files of `list_files`, one after the other; `NO_FILE` for one that is gone."""
    pairs = zip(files["sample"].tolist(), files["kind"].tolist(), strict=True)
    start = f"{folder.path}/"  # text: a path takes as long to build as to read its file
    return b"".join(hash_file(start + file_name(folder, i, kinds[k])) for i, k in pairs)


def hash_file(path: Path | str) -> bytes:
    """SHA-256 of a file; `NO_FILE` or `UNREADABLE` where there is none."""
    try:
        return read_sha256(path, MAX_FILE_BYTES)[1]
    except FileNotFoundError:
        return NO_FILE
    except (OSError, ValueError):
        return UNREADABLE
