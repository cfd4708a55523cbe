"""What a model file says about its colors, and the color and alpha that follow at a place."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from synrender.audit.models.polygons import Triangles, dot
from synrender.audit.models.texture import REPEATED, Wrap, decode_texture, look_up
from synrender.errors import shorten

_ALPHA_TIE = 1e-4
"""Difference between alpha and its cutoff below which rounding decides whether a surface is cut."""
_ROUNDING = 2.0**-22
"""Error of a place in a texture, as a share of its distance from 0."""
_MORE = "; and "
"""Comes before the number of problems that are not told."""
_MAX_BLUR = 4 / 255
"""Error of a color that may come from places that are not exact, in sRGB, 0 to 1; colors beside a
pixel's center, which count as well, leave a quarter of it."""


@dataclass(frozen=True)
class Finish:
    """What a material of a file shows: a factor, times a texture where it has one."""

    factor: np.ndarray  # (4,) scene-linear RGB, and alpha
    texture: np.ndarray | None = None  # as `decode_texture` returns it
    wraps: tuple[Wrap, Wrap] = REPEATED
    is_nearest: bool = False  # it shows the nearest texel, not a mean of four
    transform: np.ndarray = field(default_factory=lambda: np.eye(2, 3))  # (2, 3), of places (u, v)
    cutoff: float | None = None  # a surface is cut away where alpha is below; None: nowhere
    is_known: bool = True  # False: of a rare kind that is not judged


PLAIN = Finish(np.ones(4))
"""What faces without a material show."""


class ImageReader:
    """Reads the images of a model, each once for all of its materials."""

    def __init__(self, problem: str) -> None:
        self._problem = problem  # what `dataset.json` says could not be shown; "" if all could
        self._known: dict[object, tuple[np.ndarray | None, bool]] = {}

    def read(
        self, name: str, key: object, read: Callable[[], bytes]
    ) -> tuple[np.ndarray | None, bool]:
        """A texture, None for the plain color, and whether it is judged.

        An image that `dataset.json` calls not shown, by the renderer's name of it, leaves the
        plain color. One that cannot be read here, though the renderer could, is not judged. Images
        of equal keys are read once.
        """
        if repr(shorten(name)) in self._problem:
            return None, True
        if key not in self._known:
            texture = None
            with contextlib.suppress(OSError, LookupError, TypeError, ValueError):
                texture = decode_texture(read())
            is_told = _MORE not in self._problem  # else it may be one of those
            self._known[key] = texture, texture is not None and is_told
        return self._known[key]


@dataclass(frozen=True)
class Coloring:
    """What a file says about the colors at each corner of its faces, face after face."""

    uv: np.ndarray  # (c, 2) float64 in the finish's texture, v upwards; NaN: none
    colors: np.ndarray  # (c, 4) float64, scene-linear RGB and alpha, multiplied in; 1: none
    finish_idxs: np.ndarray  # (c,) int64, that of the face
    finishes: tuple[Finish, ...]


@dataclass(frozen=True)
class OwnColors:
    """At r places."""

    linear: np.ndarray  # (r, 3) scene-linear
    is_flat: np.ndarray  # (r,) bool: a texture changes little there
    is_known: np.ndarray  # (r,) bool
    is_cut: np.ndarray  # (r,) bool: the surface is not there, because its alpha is too low
    is_cut_known: np.ndarray  # (r,) bool: False where rounding decides that


class OwnSurface:
    """The colors of a model's triangles."""

    def __init__(self, triangles: Triangles, coloring: Coloring) -> None:
        self._finishes = coloring.finishes
        self._uv = coloring.uv[triangles.sources]  # (t, 3, 2)
        self._colors = coloring.colors[triangles.sources]  # (t, 3, 4)
        self._finish_idxs = coloring.finish_idxs[triangles.sources[:, 0]]
        self._stretch = _find_stretch(triangles.corners, self._uv)
        self._is_cut_known = triangles.is_cut_known
        self._may_be_cut = np.array([f.cutoff is not None for f in coloring.finishes], bool)

    @property
    def has_holes(self) -> bool:
        """Whether alpha may cut any of the triangles."""
        return bool(self._may_be_cut[self._finish_idxs].any())

    def look_up(self, idxs: np.ndarray, weights: np.ndarray, errors: np.ndarray) -> OwnColors:
        """Colors at places in triangles.

        Args:
            idxs: (r,) triangles.
            weights: (r, 3) of their corners, which add up to 1.
            errors: (r,) how far from there the renderer may hit the triangle, model units.
        """
        num = len(idxs)
        found = OwnColors(
            linear=np.zeros((num, 3)),
            is_flat=np.ones(num, bool),
            is_known=self._is_cut_known[idxs].copy(),
            is_cut=np.zeros(num, bool),
            is_cut_known=np.ones(num, bool),
        )
        factors = np.einsum("rc,rck->rk", weights, self._colors[idxs])
        uv = np.einsum("rc,rck->rk", weights, self._uv[idxs])
        own, errors = self._finish_idxs[idxs], errors * self._stretch[idxs]
        for k in np.unique(own).tolist():
            here = np.flatnonzero(own == k)
            _show(self._finishes[k], found, here, (factors[here], uv[here], errors[here]))
        return found


def _show(
    finish: Finish,
    found: OwnColors,
    here: np.ndarray,
    places: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    """Fills in the colors of a finish at places (h,) of what was found.

    The places come as factors (h, 4), places in textures (h, 2), and errors of these (h,).
    """
    factors, uv, errors = places
    color, doubt = factors * finish.factor, np.full(len(here), _ALPHA_TIE)
    is_read, is_blurred = found.is_known[here] & finish.is_known, np.zeros(len(here), bool)
    if finish.texture is not None:
        is_read &= np.isfinite(uv).all(axis=1)
        turn = finish.transform[:, :2]
        at = np.nan_to_num(uv) @ turn.T + finish.transform[:, 2]
        # How far from its place a texel may be that the renderer shows, in texels.
        blur = _ROUNDING * np.abs(at).max(axis=1) + errors * np.linalg.norm(turn, 2)
        blur *= max(finish.texture.shape[:2])
        texels = look_up(finish.texture, at, finish.wraps, finish.is_nearest)
        color *= np.column_stack([texels.linear, texels.alpha])
        found.is_flat[here] = texels.is_flat
        is_blurred = ~(blur * texels.contrast <= _MAX_BLUR)
        doubt += blur * texels.alpha_contrast
    if finish.cutoff is not None:
        found.is_cut[here] = color[:, 3] < finish.cutoff
        is_sure = np.abs(color[:, 3] - finish.cutoff) > doubt
        found.is_cut_known[here] = is_read & is_sure
    found.linear[here] = color[:, :3]
    found.is_known[here] = is_read & ~is_blurred


def _find_stretch(corners: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """Largest distance in a texture that a model unit on a triangle (t, 3, 3) covers, (t,).

    It is the larger singular value of the map from the triangle's plane to the texture (t, 3, 2).
    """
    (first, second), (u, v) = (
        (values[:, 1] - values[:, 0], values[:, 2] - values[:, 0]) for values in (corners, uv)
    )
    with np.errstate(all="ignore"):
        a, b, c = dot(first, first), dot(first, second), dot(second, second)
        area = a * c - b * b
        trace = (c * dot(u, u) - 2 * b * dot(u, v) + a * dot(v, v)) / area
        product = (u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]) ** 2 / area
        return np.sqrt((trace + np.sqrt(np.maximum(trace**2 - 4 * product, 0))) / 2)
