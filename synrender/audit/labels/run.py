"""Checks every label of a sample that `rendering.labels` names, from each file that holds it.

The labels are those that a reader of the data set gets. This is the only module of the audit that
leads to `synrender.labels`: what it reads is what is checked.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from synrender.audit.labels import geometry
from synrender.audit.labels.flow import check_flow
from synrender.audit.labels.geometry import check_amodal, check_boxes_2d, settle_amodal
from synrender.audit.labels.ground_truth import Finding, Given, Truth, missing
from synrender.audit.labels.surfaces import (
    Painter,
    check_albedo,
    check_normal,
    check_reflection,
    check_shading,
)
from synrender.audit.mask_checks import Settled
from synrender.audit.rays.audited_dataset import Subject
from synrender.audit.rays.view import RayView
from synrender.dataset.names import list_shards
from synrender.dataset.shard import Damaged, open_file
from synrender.errors import UserError
from synrender.images.exr import ExrImage
from synrender.loading.dataset import Dataset, open_dataset
from synrender.settings.label_table import PASSES, list_fields
from synrender.system.files import Unreadable

RAW = "files"
"""Name of the source that is not an archive."""


@dataclass(frozen=True)
class LabelSource:
    """The small files, or one file of an archive."""

    name: str
    rows: dict[int, int]  # place in `data` of each sample
    data: Dataset | str  # or why it cannot be opened


class Sources:
    """All files of a data set that give some fields of samples; opened when one is first read."""

    def __init__(self, subject: Subject, fields: Sequence[str]) -> None:
        self._subject, self._fields = subject, tuple(fields)

    @functools.cached_property
    def _opened(self) -> list[LabelSource]:
        folder = self._subject.folder
        rows = {idx: place for place, idx in enumerate(folder.list_samples().pairs)}
        sources = [LabelSource(RAW, rows, _open(folder.image_dir, self._fields))]
        for path in list_shards(folder.path):
            try:
                with open_file(path) as file:
                    idxs = file["sample_idx"][()]
            except Damaged:
                continue  # the check of boxes in HDF5 files names it
            if len(idxs):  # fewer samples than shards
                firsts = idxs.reshape(len(idxs), -1)[:, 0].tolist()  # of each object
                rows = {idx: place for place, idx in enumerate(firsts)}
                sources.append(LabelSource(path.name, rows, _open(path, self._fields)))
        return sources

    def read(self, idx: int) -> Iterator[tuple[LabelSource, Given | str]]:
        """Fields of a sample by name, or why they cannot be read, from each file that has it."""
        for source in self._opened:
            if idx in source.rows:
                yield source, read_given(source, idx)


def read_given(source: LabelSource, idx: int) -> Given | str:
    """Fields of a sample by name, or why they cannot be read."""
    if isinstance(source.data, str):
        return source.data
    try:
        return {name: np.asarray(v) for name, v in source.data[source.rows[idx]].items()}
    except UserError as error:
        return str(error)


def _open(path: Path, fields: tuple[str, ...]) -> Dataset | str:
    try:
        return open_dataset(path, fields=fields)
    except UserError as error:
        return str(error)


# --- checks ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CheckedLabels:
    """Findings about the labels of one sample, by the file that gives them; {} without labels."""

    findings: dict[str, dict[str, Finding]] = field(default_factory=dict)  # then by label
    flow_to: dict[str, int] = field(default_factory=dict)


class LabelChecker:
    """Checks samples one after the other."""

    def __init__(self, subject: Subject) -> None:
        self._subject, self._painter = subject, Painter(subject)
        self._labels = subject.settings.rendering.labels
        self._sources = Sources(subject, list_fields(self._labels))

    def check(
        self,
        exr: ExrImage,
        view: RayView,
        settled: Settled,
        find_partner: Callable[[int], RayView | None],
    ) -> CheckedLabels:
        """Findings about a sample; empty where the data set has no such labels."""
        checked = CheckedLabels()
        if not self._labels:
            return checked
        truth = Truth(exr, view, settled, find_partner)
        for source, given in self._sources.read(int(view.record["sample_idx"][0])):
            if isinstance(given, str):
                found = {name: missing(given) for name in self._labels}
            else:
                found = self._check(truth, source, given)
                if "flow_to" in given:
                    checked.flow_to[source.name] = int(given["flow_to"])
            checked.findings[source.name] = found
        return checked

    def _check(self, truth: Truth, source: LabelSource, given: Given) -> dict[str, Finding]:
        found: dict[str, Finding] = {}
        for name in self._labels:
            try:
                found.update(self._check_label(truth, name, given))
            # A texture or keypoints.json that cannot be read, or a field of another shape.
            except (Unreadable, OSError, ValueError, IndexError, KeyError, TypeError) as error:
                found[name] = missing(f"cannot be checked: {error}")
        if source.name == RAW:
            _compare_with_passes(truth.exr, given, found)
        return found

    def _check_label(self, truth: Truth, name: str, given: Given) -> dict[str, Finding]:
        match name:
            case "albedo":
                return check_albedo(truth, given, self._painter.find_paints(truth.view.record))
            case "roughness" | "metallic":
                return {name: check_reflection(truth, name, given)}
            case "flow" | "occlusion":
                return check_flow(truth, name, given)
            case "box_2d":
                masks = [truth.settled.rows == k for k in range(1, truth.num_objs + 1)]
                return {name: check_boxes_2d(truth, name, np.array(masks), given)}
            case "box_2d_amodal":
                alone = truth.view.cast.is_hit_alone
                shown = truth.exr.amodal
                masks = alone if shown is None else settle_amodal(truth, shown)
                return {name: check_boxes_2d(truth, name, masks, given)}
            case "keypoints":
                named = geometry.read_named_points(self._subject.folder.path)
                return {name: geometry.check_keypoints(truth, given, named)}
        return {name: _SIMPLE[name](truth, given)}


_SIMPLE: dict[str, Callable[[Truth, Given], Finding]] = {
    "normal": check_normal,
    "shading": check_shading,
    "amodal": check_amodal,
    "object_coordinates": geometry.check_coordinates,
    "world_position": geometry.check_positions,
    "box_3d": geometry.check_boxes_3d,
}


def _compare_with_passes(exr: ExrImage, given: Given, found: dict[str, Finding]) -> None:
    """Blames rendered labels that a reader gives differently than the EXR file holds them."""
    for name in PASSES:
        rendered = getattr(exr, name)
        if name in given and name in found and not np.array_equal(rendered, given[name]):
            found[name] = found[name].blame(f"the EXR file's {name} pass is read differently")
