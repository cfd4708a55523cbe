"""Examines samples: reads each image once, casts rays for the chosen ones, keeps only figures."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from synrender.audit.labels import LabelFindings, compare_labels
from synrender.audit.outline import OutlineFindings, find_outline
from synrender.audit.picture import PictureFindings, examine_picture
from synrender.audit.poses import PositionErrors, find_position_errors
from synrender.audit.raycast import (
    Cast,
    ModelCaster,
    UnusableModel,
    cast_rays,
    find_pixel_centers,
    pixels_to_rays,
)
from synrender.audit.subject import Subject
from synrender.errors import UserError
from synrender.files import read_small_file
from synrender.images.color import linear_to_srgb8
from synrender.images.exr import ExrImage, read_exr
from synrender.images.integrity import MAX_IMAGE_BYTES


@dataclass(frozen=True)
class Task:
    """Consecutive samples for one worker; samples of one group share models."""

    idxs: tuple[int, ...]
    records: tuple[np.ndarray, ...]  # (num_objs,) each
    are_cast: tuple[bool, ...]


@dataclass(frozen=True)
class SampleFindings:
    """Findings about one sample; None for a part that was not examined."""

    idx: int
    damage: str = ""  # why the image or a model cannot be read
    picture: PictureFindings | None = None
    labels_digest: str = ""  # equal for equal label passes; "" of a PNG
    labels: LabelFindings | None = None  # EXR
    outline: OutlineFindings | None = None  # PNG
    positions: PositionErrors | None = None


def examine(subject: Subject, task: Task) -> list[SampleFindings]:
    """Examines the samples of a task."""
    casters: dict[str, ModelCaster] = {}
    findings = []
    for idx, record, is_cast in zip(task.idxs, task.records, task.are_cast, strict=True):
        try:
            if is_cast:
                casters = _load_models(subject, record, casters)
            findings.append(_examine_sample(subject, idx, record, casters if is_cast else {}))
        except (_DamagedImage, UnusableModel) as error:
            findings.append(SampleFindings(idx, str(error)))
    return findings


class _DamagedImage(Exception):
    """An image that cannot be read; the message says why."""


def _load_models(
    subject: Subject, record: np.ndarray, known: dict[str, ModelCaster]
) -> dict[str, ModelCaster]:
    """The models of a sample, by path; drops all others, so that memory does not grow."""
    paths = [subject.model_path(row) for row in record]
    return {str(p): known.get(str(p)) or ModelCaster(p) for p in paths}


def _examine_sample(
    subject: Subject, idx: int, record: np.ndarray, casters: dict[str, ModelCaster]
) -> SampleFindings:
    exr, rgb8, num_not_finite = _read_image(subject, idx)
    picture = examine_picture(rgb8, num_not_finite)
    digest = _digest_labels(exr) if exr is not None else ""
    if not casters:
        return SampleFindings(idx, picture=picture, labels_digest=digest)
    camera = subject.find_camera(record)
    flat = cast_rays(subject, pixels_to_rays(camera, find_pixel_centers(camera)), record, casters)
    cast = Cast(flat.instance.reshape(rgb8.shape[:2]), flat.depth_m.reshape(rgb8.shape[:2]))

    def cast_at(positions_px: np.ndarray) -> Cast:
        return cast_rays(subject, pixels_to_rays(camera, positions_px), record, casters)

    bounds = np.stack([casters[str(subject.model_path(row))].bounds for row in record])
    return SampleFindings(
        idx,
        picture=picture,
        labels_digest=digest,
        labels=compare_labels(exr, cast, record, cast_at) if exr is not None else None,
        outline=find_outline(rgb8, cast.instance) if exr is None else None,
        positions=find_position_errors(record, bounds),
    )


def _digest_labels(exr: ExrImage) -> str:
    """SHA-256 of the masks, the classes and the depth."""
    passes = (exr.instance, exr.class_label, exr.depth_m)
    return hashlib.sha256(b"".join(p.tobytes() for p in passes)).hexdigest()


def _read_image(subject: Subject, idx: int) -> tuple:
    """The EXR's passes or None, the picture (h, w, 3) uint8 sRGB, its number of bad values."""
    path, side = subject.folder.image_path(idx), subject.camera.resolution
    exr, num_not_finite = None, 0
    try:
        if subject.folder.is_exr:
            exr = read_exr(path)
            num_not_finite = int((~np.isfinite(exr.rgb_linear)).sum())
            rgb8 = linear_to_srgb8(np.nan_to_num(exr.rgb_linear))
        else:
            rgb8 = _read_picture(path, side)
    except (UserError, OSError, ValueError, SyntaxError) as error:  # SyntaxError: from Pillow
        raise _DamagedImage(f"image: {error}") from None
    if rgb8.shape[:2] != (side, side) or rgb8.ndim != 3 or rgb8.dtype != np.uint8:
        raise _DamagedImage(f"image: {rgb8.shape}, dataset.json says {side} x {side} px, RGB")
    return exr, np.ascontiguousarray(rgb8[:, :, :3]), num_not_finite


def _read_picture(path: Path, side: int) -> np.ndarray:
    """Pixels of an image file; one of another size is refused before they take memory."""
    try:
        with Image.open(io.BytesIO(read_small_file(path, MAX_IMAGE_BYTES))) as image:
            if image.size != (side, side):
                width, height = image.size
                raise ValueError(f"{width} x {height} px, dataset.json says {side} x {side}")
            return np.asarray(image)
    except Image.DecompressionBombError as error:
        raise ValueError(str(error)) from None


def cut_tasks(
    idxs: Sequence[int], records: Sequence[np.ndarray], chosen: set[int], size: int
) -> list[Task]:
    """Cuts samples into tasks of at most ``size``, if possible where a group begins."""
    tasks: list[Task] = []
    start = 0
    for end in range(1, len(idxs) + 1):
        is_last = end == len(idxs)
        if not is_last and end - start < size:
            if records[end]["group"][0] == records[end - 1]["group"][0]:
                continue
            # Short groups are joined: a task costs more than it saves.
            if end - start < size // 2:
                continue
        part = tuple(idxs[start:end])
        tasks.append(Task(part, tuple(records[start:end]), tuple(i in chosen for i in part)))
        start = end
    return tasks
