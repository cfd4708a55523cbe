"""Checks that hold of the whole scene: where the camera is, objects stand, and lights are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synrender.audit.check import Check, at_most, decide, skip
from synrender.audit.measure_samples import SampleFindings
from synrender.audit.poses import MAX_POSITION_ERROR_M
from synrender.audit.rays.audited_dataset import Records, Subject
from synrender.audit.rays.cameras import MAX_CAMERA_ERROR, Camera, find_camera_error, is_orbit
from synrender.settings.factor_table import COLUMNS, find_columns
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


# --- lights ---------------------------------------------------------------------------------------


MAX_LIGHT_ERROR = 1e-9
"""Of a location, as a share of the distance from the origin: rounding alone leaves 1e-15."""


def check_lights(subject: Subject, records: Records) -> Check:
    """Locations of the lights of all samples that record where they are."""
    rows, distance_m = records.rows, subject.settings.scene.light_distance
    expected = find_first_lights(rows["factor_values"], distance_m)
    are_known = np.isfinite(expected).all(axis=1)
    if not are_known.any():
        return skip("lights", "records from before designs have no angles of lights")
    rows, expected, idxs = rows[are_known], expected[are_known], records.idxs[are_known]
    error_m = np.abs(rows["light"] - expected).max(axis=1)
    bound_m = MAX_LIGHT_ERROR * max(distance_m, 1.0)
    are_wrong = ~(error_m <= bound_m) | _find_wrong_others(rows, distance_m, bound_m)
    culprits = [str(idx) for idx in np.unique(idxs[are_wrong])]
    num = len(np.unique(idxs))
    largest_m, elsewhere = float(error_m.max()), "samples with a light elsewhere"
    figures = (
        f"first light within {largest_m:.2g} m of its angles in {num} samples; "
        f"{len(culprits)} {elsewhere}"
    )
    measures = [
        at_most("largest error of the first light, m", largest_m, bound_m, num, "samples"),
        at_most(elsewhere, len(culprits), 0, num, "samples"),
    ]
    return decide("lights", figures, culprits, measures)


def find_first_lights(factor_values: np.ndarray, distance_m: float) -> np.ndarray:
    """Where factors (r, columns) say that the first light is, (r, 3) m; NaN: they do not say."""
    angle, azimuth, elevation = (
        factor_values[:, COLUMNS.index(name)]
        for name in ("light_angle", "light_azimuth", "light_elevation")
    )
    on_arc = np.stack([0 * angle, np.sin(angle), np.cos(angle)], axis=1)
    level = np.cos(elevation)
    on_sphere = np.stack(
        [level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)], axis=1
    )
    return distance_m * np.where(np.isfinite(angle)[:, None], on_arc, on_sphere)


def _find_wrong_others(rows: np.ndarray, distance_m: float, bound_m: float) -> np.ndarray:
    """(r,) bool: the lights are not as many as the factor says, or one is not where it may be."""
    lights, num = rows["lights"], rows["factor_values"][:, COLUMNS.index("num_lights")]
    is_recorded = np.isfinite(num)  # not by earlier versions
    places = np.arange(lights.shape[1])
    is_there = np.isfinite(lights).all(axis=2)
    is_wrong = (is_there != (places < num[:, None])).any(axis=1)
    is_wrong |= (lights[:, 0] != rows["light"]).any(axis=1)
    others = np.where(is_there, np.linalg.norm(lights, axis=2), distance_m)[:, 1:]
    is_wrong |= (np.abs(others - distance_m) > bound_m).any(axis=1)
    is_wrong |= (np.where(is_there, lights[..., 2], 0)[:, 1:] < -bound_m).any(axis=1)
    return is_wrong & is_recorded
