"""Checks that hold of the whole scene: where the camera is, and where objects stand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synrender.audit.check import Check, at_most, decide, skip
from synrender.audit.measure_samples import SampleFindings
from synrender.audit.poses import MAX_POSITION_ERROR_M
from synrender.audit.rays.audited_dataset import Records, Subject
from synrender.audit.rays.cameras import MAX_CAMERA_ERROR, Camera, find_camera_error, is_orbit
from synrender.settings.factor_table import find_columns
from synrender.settings.groups import is_standing


def check_camera(subject: Subject, records: Records) -> Check:
    """Each record's camera is where its distance, lens and angles put it."""
    errors = np.array([_find_camera_error(subject, row) for row in records.rows])
    known = errors[~np.isnan(errors)]
    worst = float(known.max(initial=0))
    num_orbits = int(sum(is_orbit(row["factor_values"]) for row in records.rows))
    culprits = [
        f"{idx} ({error:.2g})"
        for idx, error in zip(records.idxs.tolist(), errors.tolist(), strict=True)
        if error > MAX_CAMERA_ERROR
    ]
    figures = (
        f"matrices differ by {worst:.1e} (bound {MAX_CAMERA_ERROR:g}) from what the factors say; "
        f"of {len(known)} objects {num_orbits} are seen by a camera that orbits"
    )
    measure = at_most("camera, entries", worst, MAX_CAMERA_ERROR, len(known), "objects")
    return decide("camera", figures, dict.fromkeys(culprits), [measure])


_HEIGHT, (_SCALE,) = find_columns("layout")[2], find_columns("scale")


def check_ground(subject: Subject, records: Records, findings: Sequence[SampleFindings]) -> Check:
    """The lowest point of each object is as far above the ground as its layout says."""
    if not is_standing(subject.settings):
        return skip("ground", "objects do not stand on a ground")
    ground_m, bound_mm = subject.settings.scene.ground_height, MAX_POSITION_ERROR_M * 1000
    lowest_m = {f.idx: f.lowest_m for f in findings if f.lowest_m}
    heights_m = records.rows["factor_values"][:, _HEIGHT]
    errors_mm = {
        idx: 1000 * np.abs(np.array(found) - ground_m - heights_m[records.idxs == idx])
        for idx, found in lowest_m.items()
    }
    worst = max((float(errors.max()) for errors in errors_mm.values()), default=0.0)
    culprits = [
        f"{idx} object {k} ({error:.2g} mm)"
        for idx, errors in errors_mm.items()
        for k, error in enumerate(errors.tolist(), start=1)
        if not error <= bound_mm
    ]
    num = sum(map(len, errors_mm.values()))
    figures = (
        f"lowest points of {num} objects are within {worst:.1e} mm of their height above the "
        f"ground (bound {bound_mm:g} mm)"
    )
    measure = at_most("contact, mm", worst, bound_mm, num, "objects")
    return decide("ground", figures, culprits, [measure])


MAX_ROUNDING_M = 1e-6
"""Of a location, which goes through the renderer's single precision."""


def check_layout(subject: Subject, records: Records) -> Check:
    """Scattered objects lie in their square and keep their distances, by their locations."""
    scene, design = subject.settings.scene, subject.settings.design
    if scene.layout != "scatter" or "layout" in {*design.decided, *design.twins}:
        return skip("layout", "objects are not scattered")
    excess_m, culprits, num = 0.0, [], 0
    for rows in records.by_sample().values():
        places = rows["location"][:, :2]
        right, forward = rows["world_to_camera"][0, [0, 2], :2]
        axes = np.stack([right, forward]) / np.linalg.norm([right, forward], axis=1)[:, None]
        first, second = np.triu_indices(len(places), 1)
        offsets = places[first] - places[second]
        scales = rows["factor_values"][:, _SCALE]
        least_m = scene.layout_distance * (scales[first] + scales[second]) / 2
        faults = {
            "out of the square": np.abs(places).max() - scene.layout_size / 2,
            "too near": (least_m - np.linalg.norm(offsets, axis=1)).max(initial=-1),
            "in line": (scene.layout_margin - np.abs(offsets @ axes.T)).max(initial=-1),
        }
        num += len(offsets)
        for fault, distance_m in faults.items():
            excess_m = max(excess_m, float(distance_m))
            if not distance_m <= MAX_ROUNDING_M:
                culprits.append(f"{rows['sample_idx'][0]} (objects {fault})")
    figures = f"{num} pairs of objects keep their distances, {len(culprits)} faults"
    measure = at_most("excess, m", excess_m, MAX_ROUNDING_M, num, "pairs of objects")
    return decide("layout", figures, culprits, [measure])


def _find_camera_error(subject: Subject, row: np.void) -> float:
    """NaN where a record does not say its camera."""
    if np.isnan(row["world_to_camera"]).all() and np.isnan(row["intrinsics"]).all():
        return np.nan
    found = Camera(row["intrinsics"], row["world_to_camera"], subject.camera.resolution)
    return find_camera_error(found, subject.stage.find_camera(row["factor_values"]))
