"""What a model file says about its colors, and the color and alpha that follow at a place."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from synrender.audit.models.polygons import Triangles
from synrender.audit.models.texture import REPEATED, Wrap, decode_texture, look_up
from synrender.errors import shorten

_ALPHA_TIE = 1e-4
"""Difference between alpha and its cutoff below which rounding decides whether a surface is cut."""
_ROUNDING = 2.0**-22
"""Error of a place in a texture, as a share of its distance from 0."""
_MORE = "; and "
"""Comes before the number of problems that are not told."""
_MAX_BLUR = 0.5 / 255
"""Error of a color that comes from it, in sRGB, 0 to 1."""


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
        """Reads nothing yet.

        Args:
            problem: what `dataset.json` says could not be shown of the model; "" if all could.
        """
        self._problem = problem
        self._known: dict[object, tuple[np.ndarray | None, bool]] = {}

    def read(
        self, name: str, key: object, read: Callable[[], bytes]
    ) -> tuple[np.ndarray | None, bool]:
        """A texture, None for the plain color, and whether it is judged.

        An image that `dataset.json` calls not shown leaves the plain color. One that cannot be read
        here, though the renderer could, is not judged.

        Args:
            name: of the image, as the renderer calls it.
            key: equal for the same image.
            read: gives its content.
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
        """Orders what the file says by triangles."""
        self._finishes = coloring.finishes
        self._uv = coloring.uv[triangles.sources]  # (t, 3, 2)
        self._colors = coloring.colors[triangles.sources]  # (t, 3, 4)
        self._finish_idxs = coloring.finish_idxs[triangles.sources[:, 0]]
        self._is_cut_known = triangles.is_cut_known
        self._may_be_cut = np.array([f.cutoff is not None for f in coloring.finishes], bool)

    @property
    def has_holes(self) -> bool:
        """Whether alpha may cut any of the triangles."""
        return bool(self._may_be_cut[self._finish_idxs].any())

    def look_up(self, idxs: np.ndarray, weights: np.ndarray) -> OwnColors:
        """Colors at places in triangles.

        Args:
            idxs: (r,) triangles.
            weights: (r, 3) of their corners, which add up to 1.
        """
        num = len(idxs)
        linear, alpha, is_flat = np.zeros((num, 3)), np.ones(num), np.ones(num, bool)
        is_known = self._is_cut_known[idxs].copy()
        cutoffs = np.full(num, -np.inf)
        factors = np.einsum("rc,rck->rk", weights, self._colors[idxs])
        uv = np.einsum("rc,rck->rk", weights, self._uv[idxs])
        own = self._finish_idxs[idxs]
        for k in np.unique(own).tolist():
            finish, here = self._finishes[k], np.flatnonzero(own == k)
            color = factors[here] * finish.factor
            is_known[here] &= finish.is_known
            if finish.texture is not None:
                is_known[here] &= np.isfinite(uv[here]).all(axis=1)
                places = np.nan_to_num(uv[here]) @ finish.transform[:, :2].T
                places += finish.transform[:, 2]
                texels = look_up(finish.texture, places, finish.wraps, finish.is_nearest)
                is_known[here] &= ~_is_blurred(finish.texture, places, texels.contrast)
                color[:, :3] *= texels.linear
                color[:, 3] *= texels.alpha
                is_flat[here] = texels.is_flat
            linear[here], alpha[here] = color[:, :3], color[:, 3]
            if finish.cutoff is not None:
                cutoffs[here] = finish.cutoff
        is_cut_known = (np.abs(alpha - cutoffs) > _ALPHA_TIE) & (is_known | np.isinf(cutoffs))
        return OwnColors(linear, is_flat, is_known, alpha < cutoffs, is_cut_known)


def _is_blurred(texture: np.ndarray, places: np.ndarray, contrast: np.ndarray) -> np.ndarray:
    """Whether single precision does not tell places far from 0 apart well enough, (r,) bool."""
    texels = np.abs(places).max(axis=1) * max(texture.shape[:2])
    return texels * _ROUNDING * contrast > _MAX_BLUR
