"""Which objects of a BOP image rays see, and where a label may say something else and be right.

What is visible has two answers in BOP: a renderer shows the nearest surface, and the toolkit also
counts what lies within 15 mm behind it. A pixel between the two counts as the label says. What the
depth image shows in front of all models is something without annotation, which hides them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from synrender.audit.bop.bop_files import BopObject
from synrender.audit.mask_checks import find_beside, mask_to_box
from synrender.audit.rays.model_caster import ModelCaster, Rays

MIN_DEPTH_MM = 1e-3
"""If a model's box comes nearer to the camera's plane, it counts as filling the whole picture."""


@dataclass(frozen=True)
class Silhouette:
    """A whole object, as if it stood alone, on a canvas of three by three pictures."""

    depth_mm: np.ndarray  # (h, w) of the picture; inf = not hit
    num_px: int  # on the canvas
    box_px: np.ndarray  # (4,) x_min, y_min, x_max, y_max on it, ends excluded; zeros = nothing


@dataclass(frozen=True)
class BopCamera:
    """Rays of an image, in camera space."""

    intrinsics: np.ndarray  # (3, 3) px
    pixel_center: float  # coordinate of the top left pixel's center: 0 or 0.5
    size: tuple[int, int]  # height and width, px

    def find_directions(self, positions: np.ndarray) -> np.ndarray:
        """Rays with z = 1 through positions (r, 2) as x, y; pixels' centers are whole numbers."""
        pixels = np.column_stack([positions + self.pixel_center, np.ones(len(positions))])
        return pixels @ np.linalg.inv(self.intrinsics).T

    def project(self, points_mm: np.ndarray) -> np.ndarray:
        """Positions (n, 2) of points (n, 3) before the camera: the inverse of `find_directions`."""
        pixels = points_mm @ self.intrinsics.T
        return pixels[:, :2] / pixels[:, 2:] - self.pixel_center


def cast_object(
    camera: BopCamera, thing: BopObject, caster: ModelCaster, positions: np.ndarray
) -> np.ndarray:
    """Depth in mm at which rays through positions (r, 2) hit an object, (r,); inf = not."""
    to_model = np.linalg.inv(thing.rotation)
    origin = -to_model @ thing.translation_mm
    return caster.cast(Rays(origin, camera.find_directions(positions) @ to_model.T)).distances


def cast_silhouette(camera: BopCamera, thing: BopObject, caster: ModelCaster) -> Silhouette:
    """Casts rays through all pixels of the canvas that an object may cover."""
    height, width = camera.size
    depth_mm = np.full((height, width), np.inf)
    x_min, y_min, x_max, y_max = _find_reach(camera, thing, caster.bounds)
    if x_max <= x_min or y_max <= y_min:
        return Silhouette(depth_mm, 0, np.zeros(4, np.int64))
    xs, ys = np.arange(x_min, x_max), np.arange(y_min, y_max)
    positions = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2).astype(np.float64)
    depths = cast_object(camera, thing, caster, positions).reshape(len(ys), len(xs))
    rows, columns = (ys >= 0) & (ys < height), (xs >= 0) & (xs < width)
    depth_mm[np.ix_(ys[rows], xs[columns])] = depths[np.ix_(rows, columns)]
    is_hit = np.isfinite(depths)
    box = mask_to_box(is_hit)
    if is_hit.any():
        box += [x_min, y_min, x_min, y_min]
    return Silhouette(depth_mm, int(is_hit.sum()), box)


def _find_reach(camera: BopCamera, thing: BopObject, bounds: np.ndarray) -> tuple[int, ...]:
    """Pixels of the canvas that a model's box covers: x_min, y_min, x_max, y_max, ends excluded."""
    height, width = camera.size
    low, high = np.array([-width, -height]), np.array([2 * width, 2 * height])
    corners = np.stack(np.meshgrid(*bounds.T), axis=-1).reshape(-1, 3)
    in_camera = corners @ thing.rotation.T + thing.translation_mm
    if (in_camera[:, 2] < MIN_DEPTH_MM).all():
        return (0, 0, 0, 0)  # behind the camera
    if (in_camera[:, 2] >= MIN_DEPTH_MM).all():
        projected = camera.project(in_camera)
        ends = np.floor(projected.min(axis=0)) - 1, np.ceil(projected.max(axis=0)) + 2
        low, high = (np.clip(end, low, high) for end in ends)
    return (*low.astype(int).tolist(), *high.astype(int).tolist())


# --- what is visible ------------------------------------------------------------------------------


VISIBLE_WITHIN_MM = 15.0
"""The toolkit counts a surface as visible up to this far behind the nearest one."""

MAX_UNSETTLED_PX = 20_000
"""More differing pixels in one image are no ties, and casting rays beside them takes too long."""

Answers = tuple[np.ndarray, np.ndarray]
"""Where something is certain, and where a label may claim it; two bool arrays of one shape."""


@dataclass(frozen=True)
class BopView:
    """All that rays see in an image of k objects."""

    camera: BopCamera
    things: Sequence[BopObject]
    casters: Sequence[ModelCaster]
    depths_mm: np.ndarray  # (k, h, w) of each object, as if it stood alone; inf = not hit
    image_mm: np.ndarray | None  # (h, w) of the depth image; 0 = unknown; None: there is none

    def find_visible(self) -> Answers:
        """Where each object is visible, (k, h, w)."""
        return find_visible(self.depths_mm, self.image_mm)

    def settle_whole(self, labels: np.ndarray) -> tuple[np.ndarray, int]:
        """Where each object is, (k, h, w), with ties as in the labels, and their number."""

        def judge(depths_mm: np.ndarray, _: object) -> Answers:
            is_hit = np.isfinite(depths_mm)
            return is_hit, is_hit

        return self._settle(np.isfinite(self.depths_mm), labels, judge)

    def settle_visible(self, labels: np.ndarray) -> tuple[np.ndarray, int]:
        """Where each object is visible, (k, h, w), with ties as in the labels, and their number."""
        certain, possible = self.find_visible()
        return self._settle(certain | (possible & labels), labels, find_visible)

    def count_hidden(self) -> int:
        """Pixels of objects where the depth image shows something in front of all models."""
        if self.image_mm is None:
            return 0
        front = self.depths_mm.min(axis=0, initial=np.inf)
        is_nearer = (self.image_mm > 0) & (self.image_mm < front - VISIBLE_WITHIN_MM)
        return int((is_nearer & np.isfinite(front)).sum())

    def _settle(
        self,
        seen: np.ndarray,
        labels: np.ndarray,
        judge: Callable[[np.ndarray, np.ndarray | None], Answers],
    ) -> tuple[np.ndarray, int]:
        """Settles ties as the labels do: a ray close beside the center sees what they claim.

        It takes what rays through the centers see, (k, h, w), and a judge of depths (k, p, o)
        beside p pixels, given the depth image there, (p, 1).
        """
        ys, xs = np.nonzero((seen != labels).any(axis=0))
        if not 0 < len(ys) <= MAX_UNSETTLED_PX:
            return seen, 0
        positions = find_beside(xs, ys)
        pairs = zip(self.things, self.casters, strict=True)
        depths = [cast_object(self.camera, thing, caster, positions) for thing, caster in pairs]
        beside = np.stack(depths).reshape(len(depths), len(ys), -1)
        image_mm = None if self.image_mm is None else self.image_mm[ys, xs, None]
        certain, possible = judge(beside, image_mm)
        here, wanted = seen[:, ys, xs], labels[:, ys, xs]
        may_be_so = np.where(wanted, possible.any(axis=2), ~certain.all(axis=2))
        is_tie = may_be_so & (wanted != here)
        settled = seen.copy()
        settled[:, ys, xs] = np.where(is_tie, wanted, here)
        return settled, int(is_tie.any(axis=0).sum())


def find_visible(depths_mm: np.ndarray, image_mm: np.ndarray | None) -> Answers:
    """Where each object is visible, two of (k, ...).

    It takes depths (k, ...) of each object, inf = not hit, and those of the depth image, (...), 0 =
    unknown.
    """
    is_hit = np.isfinite(depths_mm)
    front = depths_mm.min(axis=0, initial=np.inf)
    certain = is_hit & (depths_mm == front)
    if image_mm is not None:
        known = np.where(image_mm > 0, image_mm, np.inf)
        certain &= known >= depths_mm - VISIBLE_WITHIN_MM
        front = np.minimum(front, known)
    with np.errstate(invalid="ignore"):  # inf - inf
        return certain, is_hit & (depths_mm - front <= VISIBLE_WITHIN_MM)
