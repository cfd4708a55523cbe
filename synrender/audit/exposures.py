"""Checks exposure: it changes a PNG as the view transform says, and an EXR not at all."""

from __future__ import annotations

import itertools

import numpy as np

from synrender.audit.check import Check, at_most, decide, skip
from synrender.audit.designs.twins import Sweep, find_sweeps
from synrender.audit.models.texture import linear_to_srgb, srgb_to_linear
from synrender.audit.pictures import read_picture
from synrender.audit.rays.audited_dataset import Records, Subject
from synrender.dataset.cpu_kinds import find_kinds
from synrender.images.scanline_exr import read_channels
from synrender.settings.factor_table import COLUMNS

NAME = "exposure"
ROUNDING = 1.0
"""Levels of 255 by which Blender's 8 bits may differ from the formula."""

_COLUMN = COLUMNS.index(NAME)


def find_exposure(record: np.ndarray) -> float:
    """Exposure of a sample in stops; 0 where its record is from before there were exposures."""
    return float(np.nan_to_num(record["factor_values"][0, _COLUMN]))


def check_exposure(subject: Subject, records: Records) -> Check:
    """Images of samples that differ in their exposure alone."""
    sweeps = _find_exposed(subject, records)
    transform = subject.settings.rendering.view_transform
    if not sweeps:
        return skip(NAME, "no samples differ in their exposure alone")
    if not subject.folder.is_exr and transform != "Standard":
        return skip(NAME, f"the view transform {transform} has no formula")
    of, what = ("values", "as the view transform says")
    if subject.folder.is_exr:
        of, what = ("channels", "equal")
    culprits, num_pairs, num_values = [], 0, 0
    for sweep in sweeps:
        idxs = sorted(sweep.records, key=lambda idx: find_exposure(sweep.records[idx]))
        for a, b in itertools.pairwise(idxs):
            if subject.cpus and len(set(find_kinds(subject.cpus, (a, b)).tolist())) > 1:
                continue  # pixels of two kinds differ
            try:
                num_wrong, num = _compare(subject, sweep, a, b)
            except (OSError, ValueError, SyntaxError):  # the check of files names it
                continue
            num_pairs, num_values = num_pairs + 1, num_values + num
            if num_wrong:
                culprits.append(f"{a} and {b} ({num_wrong} {of})")
    figures = f"{num_pairs - len(culprits)} of {num_pairs} pairs of images are {what}"
    measure = at_most("pairs that are not", len(culprits), 0, num_values, "values")
    return decide(NAME, figures, culprits, [measure])


def _find_exposed(subject: Subject, records: Records) -> list[Sweep]:
    design = subject.design
    if design is None or not (design.twins or design.sweeps or design.paths):
        return []
    is_path = tuple(design.paths) == (NAME,)
    return [sweep for sweep in find_sweeps(design, records) if is_path or sweep.factor == NAME]


def _compare(subject: Subject, sweep: Sweep, a: int, b: int) -> tuple[int, int]:
    """Compares two images; returns how many values are wrong, and of how many."""
    paths = [subject.folder.image_path(idx) for idx in (a, b)]
    if subject.folder.is_exr:
        (_, first), (_, second) = map(read_channels, paths)
        if first.keys() != second.keys():
            return 1, 1
        num_wrong = sum(not np.array_equal(first[n], second[n], equal_nan=True) for n in first)
        return num_wrong, sum(pixels.size for pixels in first.values())
    stops = [find_exposure(sweep.records[idx]) for idx in (a, b)]
    first, second = (read_picture(path, subject.camera.resolution) for path in paths)
    # Colors are those before alpha, of which 8 bits say little where alpha is small.
    is_opaque = (first[..., 3:] == 255).all(axis=2)
    num_other_alpha = int((first[..., 3:] != second[..., 3:]).sum())
    shown = second[is_opaque][:, :3]
    low, high = find_exposed_range(first[is_opaque][:, :3], stops[1] - stops[0])
    return num_other_alpha + int(((shown < low) | (shown > high)).sum()), shown.size


def find_exposed_range(levels: np.ndarray, stops: float) -> tuple[np.ndarray, np.ndarray]:
    """Where levels of 8-bit sRGB, 0 to 255, can be after an exposure, in stops.

    White may have been of any brightness. Exposure multiplies scene-linear light by 2 to the power
    of the stops.
    """

    def expose(levels: np.ndarray) -> np.ndarray:
        return 255 * linear_to_srgb(srgb_to_linear(levels.clip(0, 255) / 255) * 2.0**stops)

    low = np.where(levels <= ROUNDING, 0, expose(levels - ROUNDING))
    high = np.where(levels + ROUNDING >= 255, 255, expose(levels + ROUNDING))
    return low - ROUNDING, high + ROUNDING
