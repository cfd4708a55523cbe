"""Checks the normal pass: the OBJ file's corner normals, interpolated where the ray hits."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from synrender.audit.labels.ground_truth import Given, Truth, judge_pixels, measure_pixels
from synrender.audit.labels.label_errors import UNKNOWN_PX, Finding
from synrender.audit.rays.view import View

MAX_ANGLE_DEG = 0.5
_MAX_LENGTH_ERROR = 1e-2
_UNKNOWN = -1.0


@dataclass(frozen=True)
class Normals:
    """At r places."""

    unit: np.ndarray  # (r, 3) camera space; 0: nothing is hit
    is_known: np.ndarray  # (r,) bool: False where rounding decides how a face is cut


def check_normal(truth: Truth, given: Given) -> Finding:
    """Angles between the label and the rays' normals, in degrees."""
    normal = np.asarray(given["normal"], np.float64)

    def error_at(pixels: np.ndarray, positions_px: np.ndarray) -> np.ndarray:
        shown = normal[pixels[:, 1], pixels[:, 0]]
        found = find_normals(truth.view, positions_px)
        is_unit = np.abs(np.linalg.norm(shown, axis=1) - 1) <= _MAX_LENGTH_ERROR
        angles = np.where(is_unit, _find_angles(shown, found.unit), 180.0)
        return np.where(found.is_known, angles, _UNKNOWN)

    errors = measure_pixels(truth, error_at, truth.rows >= 0, MAX_ANGLE_DEG)
    is_known = errors != _UNKNOWN
    finding = judge_pixels(truth, errors, MAX_ANGLE_DEG, "degrees", is_known)
    finding = replace(finding, numbers={UNKNOWN_PX: int(np.sum(~is_known))})
    is_nothing = truth.settled.is_common & np.isinf(truth.view.cast.depth_m)
    return finding.blame("not 0 where nothing is hit" if normal[is_nothing].any() else "")


def find_normals(view: View, positions_px: np.ndarray) -> Normals:
    """Normals where rays through positions (r, 2) hit."""
    cast, rays = view.cast_at(positions_px), view.rays(positions_px)
    normals, is_known = np.zeros((len(positions_px), 3)), np.ones(len(positions_px), bool)
    normals[np.isfinite(cast.depth_m)] = (0, 0, -1)  # the backdrop faces the camera
    for k in range(1, len(view.record) + 1):
        chosen = np.flatnonzero(cast.instance == k)
        if not len(chosen):
            continue
        origin, directions = view.to_obj_rays(k, rays, chosen)
        hits = view.caster(k).hit(origin, directions)
        # Row vectors: normals transform by the transposed inverse of obj_to_world.
        corners = _to_unit(hits.corner_normals @ view.to_obj(k)[:3, :3])
        drawn = _to_unit(np.einsum("rc,rck->rk", hits.weights, corners))
        normals[chosen] = drawn @ view.camera.world_to_camera[:3, :3].T
        is_known[chosen] = hits.is_normal_known
    return Normals(normals, is_known)


def _to_unit(vectors: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _find_angles(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Degrees between vectors (r, 3); exact for small ones, unlike the arc cosine."""
    sine = np.linalg.norm(np.cross(a, b), axis=1)
    return np.degrees(np.arctan2(sine, np.sum(a * b, axis=1)))
