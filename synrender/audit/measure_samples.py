"""Examines samples: reads each image once, casts rays for the chosen ones, keeps only figures."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from synrender.audit.alphas import AlphaFindings, find_alpha_errors, shows_alpha
from synrender.audit.captions.run import CaptionChecker, CaptionFindings
from synrender.audit.exposures import find_exposure
from synrender.audit.labels.run import CheckedLabels, LabelChecker
from synrender.audit.mask_checks import LabelFindings, compare_labels, settle
from synrender.audit.pictures import (
    OutlineFindings,
    PictureFindings,
    examine_picture,
    find_outline,
    read_picture,
)
from synrender.audit.poses import PositionErrors, find_position_errors
from synrender.audit.rays.audited_dataset import Subject
from synrender.audit.rays.cameras import find_behind, is_blurred
from synrender.audit.rays.model_caster import ModelCaster, UnusableModel
from synrender.audit.rays.view import RayView
from synrender.errors import UserError
from synrender.images.conversions import linear_to_srgb8, over_white
from synrender.images.exr import ExrImage, read_exr
from synrender.settings.groups import is_standing
from synrender.system.files import Unreadable


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
    alpha: AlphaFindings | None = None  # where nothing is behind the objects
    positions: PositionErrors | None = None
    lowest_m: tuple[float, ...] = ()  # world z of each object's lowest point, where it is judged
    checked: CheckedLabels = field(default_factory=CheckedLabels)
    captions: CaptionFindings | None = None


def examine(subject: Subject, task: Task) -> list[SampleFindings]:
    """Examines the samples of a task."""
    examiner, findings = _Examiner(subject), []
    for idx, record, is_cast in zip(task.idxs, task.records, task.are_cast, strict=True):
        try:
            findings.append(examiner.examine(idx, record, is_cast))
        except (_DamagedImage, UnusableModel) as error:
            findings.append(SampleFindings(idx, str(error)))
    return findings


class _DamagedImage(Exception):
    """An image that cannot be read; the message says why."""


class _Examiner:
    """Examines samples one after the other; keeps models and views that the next one may need."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._casters: dict[str, ModelCaster] = {}
        self._views: dict[int, RayView] = {}
        self._checker, self._caption_checker = LabelChecker(subject), CaptionChecker(subject)

    def examine(self, idx: int, record: np.ndarray, is_cast: bool) -> SampleFindings:
        """Findings about a sample."""
        view = self._see(idx, record) if is_cast else None
        values = record["factor_values"][0]
        behind, is_lens_used = find_behind(values), is_blurred(values)
        image = _read_image(self._subject, idx, behind)
        exr = image.exr
        is_exposed = exr is None and find_exposure(record) != 0
        is_seen = None if image.alpha is None else image.alpha > 0
        is_usual = not is_exposed and behind != "environment" and np.any(is_seen is None or is_seen)
        findings = SampleFindings(
            idx,
            picture=examine_picture(image.rgb8, image.num_not_finite, bool(is_usual), is_seen),
            labels_digest=_digest_labels(exr) if exr is not None else "",
        )
        if view is None:
            return findings
        bounds = np.stack([view.caster(k).bounds for k in range(1, len(record) + 1)])
        findings = replace(findings, positions=find_position_errors(record, bounds))
        if is_standing(self._subject.settings):
            matrices = enumerate(record["obj_to_world"], start=1)
            lowest_m = tuple(view.caster(k).find_lowest(matrix) for k, matrix in matrices)
            findings = replace(findings, lowest_m=lowest_m)
        if image.alpha is not None and not is_lens_used and shows_alpha(self._subject.settings):
            findings = replace(findings, alpha=find_alpha_errors(view, image.alpha))
        if exr is None:
            captions = self._caption_checker.check(view, view.cast.instance)
            findings = replace(findings, captions=captions)
            if is_exposed or is_lens_used or behind == "none":
                return findings  # outlines may be lost, or alpha shows them
            centers_px, _ = view.project(record["location"])
            with np.errstate(invalid="ignore"):
                are_inside = (centers_px >= 0) & (centers_px <= view.camera.resolution)
            outline = find_outline(image.rgb8, view.cast.instance, bool(are_inside.all()))
            return replace(findings, outline=outline)
        settled = settle(exr, view.cast, record, view.cast_at)
        labels = compare_labels(exr, view.cast, record, settled)
        checked = self._checker.check(exr, view, settled, self._see_other)
        captions = self._caption_checker.check(view, settled.rows)
        return replace(findings, labels=labels, checked=checked, captions=captions)

    def _see(self, idx: int, record: np.ndarray) -> RayView:
        """View of a sample; drops those before the last one, so that memory does not grow."""
        view = self._views.get(idx) or self._create_view(record)
        *_, last = [None, *self._views]
        self._views = {**({last: self._views[last]} if last is not None else {}), idx: view}
        return view

    def _see_other(self, idx: int) -> RayView | None:
        """View of the sample that flow leads to; None if it cannot be read."""
        try:
            return self._see(idx, self._subject.folder.read_record(idx))
        except (OSError, ValueError, Unreadable, UnusableModel):
            return None

    def _create_view(self, record: np.ndarray) -> RayView:
        """The view of a sample, with its models; those of others are dropped."""
        known, casters = self._casters, {}
        for row in record:
            file, problem = self._subject.model_file(row), self._subject.find_problem(row)
            casters[str(file)] = known.get(str(file)) or ModelCaster(file, problem)
        self._casters = casters
        return RayView(self._subject, record, self._subject.find_camera(record), self._casters)


def _digest_labels(exr: ExrImage) -> str:
    """SHA-256 of the masks, the classes and the depth."""
    passes = (exr.instance, exr.class_label, exr.depth_m)
    return hashlib.sha256(b"".join(p.tobytes() for p in passes)).hexdigest()


@dataclass(frozen=True)
class _Image:
    """An image file."""

    exr: ExrImage | None  # its passes; None: a PNG
    rgb8: np.ndarray  # (h, w, 3) uint8 sRGB, before white
    alpha: np.ndarray | None  # (h, w) 0 to 1, where nothing is behind the objects
    num_not_finite: int  # values of an EXR


def _read_image(subject: Subject, idx: int, behind: str) -> _Image:
    """The image of a sample that has something behind its objects, see BACKDROPS."""
    path, side = subject.folder.image_path(idx), subject.camera.resolution
    has_alpha = behind == "none"
    try:
        if subject.folder.is_exr:
            exr = read_exr(path, side)
            if exr.alpha is not None and not has_alpha:
                raise ValueError("one sees through it, its record says that a backdrop is there")
            alpha = np.ones((side, side)) if exr.alpha is None else exr.alpha
            linear = exr.rgb_linear + (1 - alpha)[:, :, None] if has_alpha else exr.rgb_linear
            num_not_finite = int((~np.isfinite(linear)).sum())
            rgb8 = linear_to_srgb8(np.nan_to_num(linear))
            return _Image(exr, rgb8, alpha if has_alpha else None, num_not_finite)
        pixels = read_picture(path, side)
    except (UserError, OSError, ValueError, SyntaxError) as error:  # SyntaxError: from Pillow
        raise _DamagedImage(f"image: {error}") from None
    kind = "RGBA" if has_alpha else "RGB"
    if pixels.shape != (side, side, len(kind)) or pixels.dtype != np.uint8:
        raise _DamagedImage(f"image: {pixels.shape}, must be {side} x {side} px, {kind}")
    rgb8 = np.ascontiguousarray(over_white(pixels))
    return _Image(None, rgb8, pixels[:, :, 3] / 255 if has_alpha else None, 0)


def cut_tasks(samples: Mapping[int, np.ndarray], chosen: set[int], size: int) -> list[Task]:
    """Cuts records by sample into tasks of at most ``size``, if possible where a group begins."""
    idxs, records = tuple(samples), tuple(samples.values())
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
        part = idxs[start:end]
        tasks.append(Task(part, records[start:end], tuple(i in chosen for i in part)))
        start = end
    return tasks
