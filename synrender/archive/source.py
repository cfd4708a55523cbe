"""The small files of a data set: which samples are there, and what they have in common."""

from __future__ import annotations

import io
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synrender.archive.encode import read_image_size
from synrender.errors import UserError, nearest_name
from synrender.provenance import read_dataset_info
from synrender.records import RECORD_DTYPE, image_path, read_record, record_path

_FILE_NAME = re.compile(r"(\d{5,})\.(png|exr|npy)")
_NUM_LISTED = 20


@dataclass(frozen=True)
class Source:
    """Folder ``img/`` of a data set."""

    dataset_dir: Path
    images: frozenset[int]  # indexes of samples with an image
    records: frozenset[int]  # indexes of samples with a record
    is_exr: bool

    @property
    def found(self) -> range:
        """From the first to the last sample of which anything is there."""
        idxs = self.images | self.records
        return range(min(idxs), max(idxs) + 1) if idxs else range(0)

    def find_missing(self, idxs: np.ndarray | range) -> list[int]:
        """Those of the given samples that lack their image or record."""
        complete = self.images & self.records
        return sorted(int(i) for i in idxs if i not in complete)


def find_dataset(data_dir: Path, name: str) -> Path:
    """Folder of a data set.

    Raises:
        UserError: there is none of this name.
    """
    try:
        with os.scandir(data_dir) as entries:
            names = {e.name for e in entries if _is_dataset(Path(e.path))}
    except OSError:
        names = set()
    if name not in names:
        raise UserError(
            f"--dataset {name!r}: no such data set in {data_dir}"
            + (nearest_name(name, names) or "; it holds none: render one with render.py")
        )
    return data_dir / name


def _is_dataset(folder: Path) -> bool:
    return any((folder / name).exists() for name in ("dataset.json", "img", "imgs_00.h5"))


def read_info(dataset_dir: Path) -> dict[str, Any]:
    """Content of ``dataset.json``.

    Raises:
        UserError: it is missing or damaged.
    """
    info = read_dataset_info(dataset_dir)
    if info is None:
        raise UserError(f"{dataset_dir}: has no dataset.json, so it is no data set of render.py")
    return info


def scan_source(dataset_dir: Path, is_exr: bool | None) -> Source:
    """Lists ``img/``.

    Args:
        dataset_dir: folder of the data set.
        is_exr: what the user says the images are; None to find out.

    Raises:
        UserError: there are images of both kinds, or of the other one.
    """
    idxs: dict[str, set[int]] = {"png": set(), "exr": set(), "npy": set()}
    folder = dataset_dir / "img"
    if folder.is_dir():
        with os.scandir(folder) as entries:
            for entry in entries:
                if match := _FILE_NAME.fullmatch(entry.name):
                    idxs[match[2]].add(int(match[1]))
    if idxs["png"] and idxs["exr"]:
        raise UserError(
            f"{folder} holds {len(idxs['png'])} PNG and {len(idxs['exr'])} EXR images: a data set "
            "has one kind; move the others away"
        )
    if is_exr and idxs["png"]:
        raise UserError(
            f"--is_exr: the images in {folder} are PNG; leave -e out, or render with "
            "rendering.render_exr = True"
        )
    kind = "exr" if idxs["exr"] else "png"
    return Source(dataset_dir, frozenset(idxs[kind]), frozenset(idxs["npy"]), kind == "exr")


def refuse_missing(source: Source, idxs: np.ndarray | range) -> None:
    """Raises UserError if any of the given samples is not there, naming them."""
    missing = source.find_missing(idxs)
    if not missing:
        return
    listed = ", ".join(map(str, missing[:_NUM_LISTED]))
    more = f" and {len(missing) - _NUM_LISTED} more" if len(missing) > _NUM_LISTED else ""
    name, folder = source.dataset_dir.name, source.dataset_dir
    raise UserError(
        f"{folder / 'img'}: {len(missing)} samples are missing: {listed}{more}; this renders what "
        f"is missing: python render.py -d {name} -g {folder / 'config.gin'}"
    )


def read_sample_shape(source: Source, idx: int) -> tuple[int, int]:
    """Number of objects and side of the square image in px of a sample, for all to agree with."""
    size = read_image_size(image_path(source.dataset_dir, idx, source.is_exr))
    if size[0] != size[1]:
        path = image_path(source.dataset_dir, idx, source.is_exr)
        raise UserError(f"{path}: {size[0]} x {size[1]} px; images must be square")
    return len(load_record(source.dataset_dir, idx)), size[0]


def load_record(dataset_dir: Path, idx: int) -> np.ndarray:
    """Record of a sample, (num_objs,) of RECORD_DTYPE.

    Raises:
        UserError: it is missing, truncated or no record.
    """
    path = record_path(dataset_dir, idx)
    try:
        return read_record(path)
    except (OSError, ValueError) as error:
        reason = f"{path}: {error}; remove it and render again, which fills the gap"
        raise UserError(reason) from None


def load_records(dataset_dir: Path, idxs: np.ndarray, num_objs: int) -> np.ndarray:
    """Records of samples, (k, num_objs) of RECORD_DTYPE.

    Several times as fast as one by one: a file that begins with the bytes that are expected of
    one needs no parsing.

    Raises:
        UserError: one is missing, damaged, or has another number of objects.
    """
    records = np.zeros((len(idxs), num_objs), RECORD_DTYPE)
    file = io.BytesIO()
    np.save(file, np.zeros(num_objs, RECORD_DTYPE))
    expected = file.getvalue()
    header = expected[: len(expected) - RECORD_DTYPE.itemsize * num_objs]
    for i, idx in enumerate(idxs.tolist()):
        try:
            data = record_path(dataset_dir, idx).read_bytes()
        except OSError:
            data = b""
        if len(data) == len(expected) and data.startswith(header):
            records[i] = np.frombuffer(data, RECORD_DTYPE, offset=len(header))
            continue
        record = load_record(dataset_dir, idx)
        if len(record) != num_objs:
            raise UserError(
                f"{record_path(dataset_dir, idx)}: {len(record)} objects, the data set began with "
                f"{num_objs}; remove it and render again, which fills the gap"
            )
        records[i] = record
    return records
