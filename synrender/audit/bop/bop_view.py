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
from synrender.audit.bop.bop_rays import BopCamera, cast_around
from synrender.audit.mask_checks import TIE_RADIUS_PX
from synrender.audit.rays.model_caster import ModelCaster

VISIBLE_WITHIN_MM = 15.0
"""The toolkit counts a surface as visible up to this far behind the nearest one."""

MAX_UNSETTLED_PX = 20_000
"""If more pixels of an image differ, they are no ties, and looking beside them takes too long."""

_RING = np.array([(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)])
_BESIDE = TIE_RADIUS_PX * np.concatenate([_RING, _RING / 4])  # (o, 2) px

Answers = tuple[np.ndarray, np.ndarray]
"""Where something is certainly so, and where a label may say that it is; bool, of one shape."""


@dataclass(frozen=True)
class View:
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

        def judge(depths_mm: np.ndarray, ys: np.ndarray, xs: np.ndarray) -> Answers:
            is_hit = np.isfinite(depths_mm)
            return is_hit, is_hit

        return self._settle(np.isfinite(self.depths_mm), labels, judge)

    def settle_visible(self, labels: np.ndarray) -> tuple[np.ndarray, int]:
        """Where each object is visible, (k, h, w), with ties as in the labels, and their number."""

        def judge(depths_mm: np.ndarray, ys: np.ndarray, xs: np.ndarray) -> Answers:
            image_mm = None if self.image_mm is None else self.image_mm[ys, xs, None]
            return find_visible(depths_mm, image_mm)

        certain, possible = self.find_visible()
        return self._settle(certain | (possible & labels), labels, judge)

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
        judge: Callable[[np.ndarray, np.ndarray, np.ndarray], Answers],
    ) -> tuple[np.ndarray, int]:
        """Decides ties as the labels do: where a ray close beside the centre sees what they say.

        Args:
            seen: (k, h, w) what rays through the centres see.
            labels: (k, h, w).
            judge: of depths (k, p, o) beside the pixels at ys, xs (p,): two of (k, p, o).
        """
        ys, xs = np.nonzero((seen != labels).any(axis=0))
        if not 0 < len(ys) <= MAX_UNSETTLED_PX:
            return seen, 0
        at = np.stack([xs, ys], axis=1)
        beside = cast_around(self.camera, self.things, self.casters, at, _BESIDE)
        certain, possible = judge(beside, ys, xs)
        here, wanted = seen[:, ys, xs], labels[:, ys, xs]
        may_be_so = np.where(wanted, possible.any(axis=2), ~certain.all(axis=2))
        is_tie = may_be_so & (wanted != here)
        settled = seen.copy()
        settled[:, ys, xs] = np.where(is_tie, wanted, here)
        return settled, int(is_tie.any(axis=0).sum())


def find_visible(depths_mm: np.ndarray, image_mm: np.ndarray | None) -> Answers:
    """Where each object is visible, two of (k, ...).

    Args:
        depths_mm: (k, ...) of each object; inf = not hit.
        image_mm: (...) of the depth image; 0 = unknown; None: there is none.
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
