"""Lists which samples have files, by file name only. Imports only the standard library."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

IMAGE_DIR = "img"
_FILE_NAME = re.compile(r"(\d{5,})\.(png|exr|npy)")


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


def list_samples(dataset_dir: Path) -> Listing:
    """Lists the image folder of a data set; empty if there is no folder."""
    idxs: dict[str, set[int]] = {"png": set(), "exr": set(), "npy": set()}
    folder = dataset_dir / IMAGE_DIR
    if folder.is_dir():
        with os.scandir(folder) as entries:
            for entry in entries:
                if match := _FILE_NAME.fullmatch(entry.name):
                    idxs[match[2]].add(int(match[1]))
    return Listing(*(frozenset(idxs[kind]) for kind in ("png", "exr", "npy")))


def sample_path(dataset_dir: Path, idx: int, kind: str) -> Path:
    """File of a sample; ``kind`` is "png", "exr" or "npy"."""
    return dataset_dir / IMAGE_DIR / f"{idx:05d}.{kind}"
