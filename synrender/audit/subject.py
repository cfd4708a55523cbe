"""What is audited: the files of a data set, and the OBJ files that it was rendered from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import paths
from synrender.archive.source import read_info, scan_source
from synrender.catalog import MODEL_FILE
from synrender.errors import UserError
from synrender.records import image_path, read_record, record_path

_DEMO_SOURCE = re.compile(r"demo, version (\d+)")


@dataclass(frozen=True)
class Camera:
    """Of `dataset.json`: OpenCV's convention, the top left pixel's centre at (0.5, 0.5)."""

    intrinsics: np.ndarray  # (3, 3) px
    world_to_camera: np.ndarray  # (4, 4) m
    resolution: int  # side of the square image, px


@dataclass(frozen=True)
class Backdrop:
    """The square plane behind the objects, which faces the camera."""

    location: np.ndarray  # (3,) of its centre, world, m
    size: float  # side, m


@dataclass(frozen=True)
class Subject:
    """A data set as its files describe it."""

    dataset_dir: Path
    models_dir: Path  # ShapeNetCore.v2, or what stands in for it
    is_exr: bool
    camera: Camera
    backdrop: Backdrop
    settings: dict[str, Any]  # by gin name, such as "object.n_buckets"
    synset_ids: dict[int, str]  # by class id

    def image_path(self, idx: int) -> Path:
        """Image of a sample."""
        return image_path(self.dataset_dir, idx, self.is_exr)

    def model_path(self, row: np.void) -> Path:
        """OBJ file of an object of a record."""
        return self.models_dir / str(row["synset_id"]) / str(row["model_id"]) / MODEL_FILE


@dataclass(frozen=True)
class Records:
    """All records of a data set, one row for each object."""

    rows: np.ndarray  # (r,) of RECORD_DTYPE
    idxs: np.ndarray  # (r,) int64, sample that each row belongs to, by its file's name
    damaged: dict[int, str]  # samples that cannot be audited, with the reason

    @property
    def sample_idxs(self) -> np.ndarray:
        """Samples with a readable record and an image, ascending."""
        return np.unique(self.idxs)


def open_subject(dataset_dir: Path) -> Subject:
    """Reads the description of a data set.

    Raises:
        UserError: it is no data set, or its models are not where it says.
    """
    info = read_info(dataset_dir)
    try:
        camera, settings = info["camera"], info["settings"]
        return Subject(
            dataset_dir,
            find_models_dir(info["sources"]["models"]["source"]),
            bool(settings["rendering.render_exr"]),
            Camera(
                np.array(camera["intrinsics"], float),
                np.array(camera["world_to_camera"], float),
                int(camera["resolution"]),
            ),
            Backdrop(
                np.array(settings["scene.backdrop_location"], float),
                float(settings["scene.backdrop_size"]),
            ),
            settings,
            {int(c): entry["synset_id"] for c, entry in info["classes"].items()},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{dataset_dir / 'dataset.json'}: not as this program writes it ({error!r}); "
            "render the data set again with --overwrite"
        ) from None


def find_models_dir(source: str) -> Path:
    """Folder of the OBJ files that `dataset.json` calls ``source``.

    Raises:
        UserError: it is not there, or another version of the demo set is.
    """
    if match := _DEMO_SOURCE.fullmatch(source):
        root = paths.DATA_DIR / "demo_assets"
        try:
            found = (root / "version").read_text(encoding="ascii").strip()
        except OSError:
            found = "none"
        if found != match[1]:
            raise UserError(
                f"{root}: version {found} of the demo models, the data set was rendered from "
                f"version {match[1]}; render the data set again with --overwrite"
            )
        return root / "ShapeNetCore.v2"
    folder = Path(paths.SHAPENET_DIR or source)
    if not folder.is_dir():
        raise UserError(
            f"{folder}: no such folder, the data set's models were there; set "
            "SYNRENDER_SHAPENET_DIR to where ShapeNetCore.v2 is now"
        )
    return folder.absolute()


def load_records(subject: Subject) -> Records:
    """Reads the records of all samples.

    Raises:
        UserError: no sample is complete.
    """
    source = scan_source(subject.dataset_dir, None)
    rows, damaged = {}, dict.fromkeys(source.find_missing(source.found), "image or record missing")
    for idx in sorted(source.images & source.records):
        try:
            record = read_record(record_path(subject.dataset_dir, idx))
        except (OSError, ValueError) as error:
            damaged[idx] = f"record: {error}"
            continue
        if (record["sample_idx"] != idx).any():
            damaged[idx] = f"its record says it is sample {record['sample_idx'].tolist()}"
        if len(record):
            rows[idx] = record
    if not rows:
        raise UserError(
            f"{subject.dataset_dir}: no sample is complete; render it first: python render.py -d "
            f"{subject.dataset_dir.name} -g {subject.dataset_dir / 'config.gin'}"
        )
    idxs = np.repeat(np.array(list(rows), np.int64), [len(r) for r in rows.values()])
    return Records(np.concatenate(list(rows.values())), idxs, damaged)
