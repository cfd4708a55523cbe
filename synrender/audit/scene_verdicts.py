"""Checks that hold of the whole scene: where the camera is."""

from __future__ import annotations

import numpy as np

from synrender.audit.check import Check, Measure, decide
from synrender.audit.rays.audited_dataset import Records, Subject
from synrender.audit.rays.cameras import MAX_CAMERA_ERROR, Camera, find_camera_error, is_orbit


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
    measure = Measure(
        "camera, entries", worst, at_most=MAX_CAMERA_ERROR, num=len(known), of="objects"
    )
    return decide("camera", not culprits, figures, dict.fromkeys(culprits), [measure])


def _find_camera_error(subject: Subject, row: np.void) -> float:
    """NaN where a record does not say its camera."""
    if np.isnan(row["world_to_camera"]).all() and np.isnan(row["intrinsics"]).all():
        return np.nan
    found = Camera(row["intrinsics"], row["world_to_camera"], subject.camera.resolution)
    return find_camera_error(found, subject.stage.find_camera(row["factor_values"]))
