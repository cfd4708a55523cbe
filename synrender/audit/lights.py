"""Checks that the recorded locations of lights follow from the recorded angles and settings."""

from __future__ import annotations

import numpy as np

from synrender.audit.check import Check, at_most, decide, skip
from synrender.audit.rays.audited_dataset import Records, Subject
from synrender.settings.factor_table import COLUMNS

MAX_ERROR = 1e-9
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
    bound_m = MAX_ERROR * max(distance_m, 1.0)
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
