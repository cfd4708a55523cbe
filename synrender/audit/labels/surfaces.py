"""Checks what depends on a surface: normals, albedo and shading where the ray hits.

Normals are those of the file's corners, interpolated; albedo is looked up in the texture, or in
what the model's file says about its colors.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from synrender.audit.labels.ground_truth import (
    UNKNOWN_PX,
    Finding,
    Given,
    Truth,
    create_finding,
    judge_pixels,
    measure_pixels,
    missing,
)
from synrender.audit.mask_checks import MAX_SMALL_DIFFERENCE_PX
from synrender.audit.models.texture import linear_to_srgb, look_up, read_texture
from synrender.audit.rays.audited_dataset import Subject
from synrender.audit.rays.view import RayView
from synrender.settings.factor_table import COLUMNS

NOT_BLACK = "not 0 where nothing is hit"

# --- normals --------------------------------------------------------------------------------------


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
    return finding.blame(NOT_BLACK, normal[truth.is_nothing].any())


def find_normals(view: RayView, positions_px: np.ndarray) -> Normals:
    """Normals where rays through positions (r, 2) hit."""
    cast, rays = view.cast_at(positions_px), view.rays(positions_px)
    normals, is_known = np.zeros((len(positions_px), 3)), np.ones(len(positions_px), bool)
    facing = view.camera.world_to_camera[:3, :3] @ view.backdrop.axes[:, 2]
    is_behind = (view.backdrop.location - rays.origin) @ view.backdrop.axes[:, 2] > 0
    normals[np.isfinite(cast.depth_m)] = -facing if is_behind else facing
    for k in range(1, len(view.record) + 1):
        chosen = np.flatnonzero(cast.instance == k)
        if not len(chosen):
            continue
        hits = view.caster(k).hit(view.to_obj_rays(k, rays.select(chosen)))
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


# --- albedo and shading ---------------------------------------------------------------------------


MAX_LEVELS = 1.0
"""Of 255, in sRGB."""
MAX_PART_LEVELS, MAX_PART = 2.0, 0.01
"""More levels may be wrong in this share of the pixels of an object with its own materials."""


@dataclass(frozen=True)
class Paint:
    """What a surface is painted with."""

    texture: np.ndarray | None  # as `read_texture` returns it; None: plain color
    color: np.ndarray  # (3,) scene-linear
    color_share: float  # 0: only the texture, 1: only the color
    is_own: bool = False  # it shows what its model's file says, in place of a texture


@dataclass(frozen=True)
class Albedo:
    """At r places."""

    linear: np.ndarray  # (r, 3); 0 where nothing is hit
    is_flat: np.ndarray  # (r,) bool: a texture changes little there
    is_known: np.ndarray  # (r,) bool: False where rounding decides the place in the texture


class Painter:
    """Reads the textures of samples; keeps those of the last one."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._textures: dict[str, np.ndarray | None] = {}

    def find_paints(self, record: np.ndarray) -> list[Paint | None]:
        """Paint of the backdrop and each object; None where a texture is of a rare kind.

        Raises:
            OSError, ValueError: a texture cannot be read.
        """
        first = record[0]
        names = [str(first["backdrop_texture"]), *map(str, record["texture"])]
        known = self._textures
        self._textures = {
            n: known[n] if n in known else read_texture(self._subject.texture_path(n))
            for n in filter(None, names)
        }
        share = self._subject.settings.material.color_intensity
        is_own = [False, *[self._subject.has_own_materials] * len(record)]
        colors = [first["backdrop_color"], *record["color"]]
        shares = [0.0, *[share] * len(record)]
        paints: list[Paint | None] = []
        for name, color, mixed, own in zip(names, colors, shares, is_own, strict=True):
            texture = self._textures[name] if name else None
            is_readable = texture is not None or not name
            paints.append(Paint(texture, color, mixed, own) if is_readable else None)
        return paints


def find_albedo(view: RayView, paints: list[Paint | None], positions_px: np.ndarray) -> Albedo:
    """Albedo where rays through positions (r, 2) hit."""
    cast = view.cast_at(positions_px)
    num = len(positions_px)
    linear, is_flat, is_known = np.zeros((num, 3)), np.zeros(num, bool), np.ones(num, bool)
    for row, paint in enumerate(paints):
        chosen = np.flatnonzero((cast.instance == row) & np.isfinite(cast.depth_m))
        if not len(chosen):
            continue
        if paint is None:
            is_known[chosen] = False
            continue
        found = _find_paint(view, row, paint, positions_px[chosen], cast.depth_m[chosen])
        linear[chosen], is_flat[chosen], is_known[chosen] = vars(found).values()
    return Albedo(linear, is_flat, is_known)


def _find_paint(
    view: RayView, row: int, paint: Paint, positions_px: np.ndarray, depth_m: np.ndarray
) -> Albedo:
    """Albedo of a row of the record, 0: the backdrop, where rays through positions (r, 2) hit."""
    rays, num = view.rays(positions_px), len(positions_px)
    is_known = np.ones(num, bool)
    if paint.is_own:
        colors = view.caster(row).find_own_colors(view.to_obj_rays(row, rays))
        is_known = colors.is_known
    elif paint.texture is None:
        return Albedo(np.tile(paint.color, (num, 1)), np.ones(num, bool), is_known)
    elif row:
        hits = view.caster(row).hit(view.to_obj_rays(row, rays))
        is_known = ~hits.is_cube_tie & np.isfinite(hits.uv).all(axis=1)
        colors = look_up(paint.texture, np.nan_to_num(hits.uv))
    else:
        points = rays.origin + depth_m[:, None] * rays.directions
        colors = look_up(paint.texture, view.to_backdrop(points))
    share = paint.color_share
    return Albedo((1 - share) * colors.linear + share * paint.color, colors.is_flat, is_known)


def check_albedo(truth: Truth, given: Given, paints: list[Paint | None]) -> dict[str, Finding]:
    """Errors in levels: of flat interior pixels, and of all others."""
    shown = np.asarray(given["albedo"], np.float64)
    where = truth.rows >= 0
    expected = find_albedo(truth.view, paints, truth.pixel_centers[where.reshape(-1)])
    is_flat, is_known = np.zeros(where.shape, bool), np.zeros(where.shape, bool)
    is_flat[where], is_known[where] = expected.is_flat, expected.is_known

    def error_at(pixels: np.ndarray, positions_px: np.ndarray) -> np.ndarray:
        found = find_albedo(truth.view, paints, positions_px)
        return _find_levels(shown[pixels[:, 1], pixels[:, 0]], found.linear)

    errors = measure_pixels(truth, error_at, where & is_known, MAX_LEVELS)
    finding = judge_pixels(truth, errors, MAX_LEVELS, "levels", is_known)
    culprits = [*finding.culprits, *_find_wrong_parts(truth, errors, is_known, paints)]
    unknown = {UNKNOWN_PX: int((where & ~is_known).sum())}
    flat = create_finding(errors[is_known & is_flat & where], culprits, unknown)
    return {
        "albedo": flat.blame(NOT_BLACK, shown[truth.is_nothing].any()),
        "albedo elsewhere": create_finding(errors[is_known & ~is_flat & where]),
    }


def _find_wrong_parts(
    truth: Truth, errors: np.ndarray, is_known: np.ndarray, paints: list[Paint | None]
) -> list[str]:
    """Objects with materials of their own of which a part has wrong colors.

    One of many materials hardly moves the median of an object or a percentile of a data set.
    """
    culprits = []
    for row, paint in enumerate(paints):
        if paint is not None and paint.is_own:
            found = errors[is_known & (truth.rows == row)]
            num_wrong = int((found > MAX_PART_LEVELS).sum())
            if num_wrong > max(MAX_SMALL_DIFFERENCE_PX, MAX_PART * len(found)):
                what = f"{num_wrong} of {len(found)} px beyond {MAX_PART_LEVELS:g} levels"
                culprits.append(f"object {row} ({what})")
    return culprits


MAX_REFLECTION_ERROR = 0.002
"""Of roughness and metallic: half a level of 255."""


def check_reflection(truth: Truth, name: str, given: Given) -> Finding:
    """Errors of roughness or metallic against the recorded factor of the same name.

    Values of models' files are not judged.
    """
    shown, rows = np.asarray(given[name], np.float64), truth.rows
    values = truth.view.record["factor_values"]
    backdrop, objects = (COLUMNS.index(column) for column in (f"backdrop_{name}", name))
    expected = np.concatenate([values[:1, backdrop], values[:, objects]])[np.maximum(rows, 0)]
    is_known = (rows >= 0) & np.isfinite(expected)
    unknown = {UNKNOWN_PX: int(np.sum((rows >= 0) & ~is_known))}
    finding = create_finding(np.abs(shown[is_known] - expected[is_known]), (), unknown)
    return finding.blame(NOT_BLACK, shown[truth.is_nothing].any())


def check_shading(truth: Truth, given: Given) -> Finding:
    """Shading times the albedo pass is the image, within a level; up to where it is white."""
    if truth.exr.albedo is None:
        return missing("the EXR file has no albedo pass")
    shading, albedo = given["shading"].astype(np.float64), truth.exr.albedo.astype(np.float64)
    image = truth.exr.rgb_linear.astype(np.float64)
    errors = 255 * np.abs(linear_to_srgb(shading * albedo) - linear_to_srgb(image))
    is_wrong = (shading != 0) & (albedo == 0)
    return create_finding(errors[albedo > 0]).blame("not 0 where albedo is 0", is_wrong.any())


def _find_levels(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Largest difference of two colors (r, 3) scene-linear, in levels of 255 of sRGB, (r,)."""
    return 255 * np.abs(linear_to_srgb(a) - linear_to_srgb(b)).max(axis=1)
