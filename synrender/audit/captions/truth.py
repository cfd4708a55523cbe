"""Whether what a caption says is true of a sample, by what rays hit.

The bounds are a little wider than those by which captions choose their words, so that rounding
never makes a true caption fail; what lies between true and false is in doubt.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from skimage.color import deltaE_ciede2000, rgb2lab

from synrender.assets.sources.synsets import FRONT_LAYOUT, HAVE_FRONT
from synrender.audit.captions.grammar import Looks, Said
from synrender.audit.labels.surfaces import Paint, find_albedo
from synrender.audit.mask_checks import mask_to_box
from synrender.audit.models.texture import linear_to_srgb
from synrender.audit.rays.audited_dataset import Subject
from synrender.audit.rays.view import RayView
from synrender.settings.caption_words import (
    BACKDROP,
    GROUND,
    HIDDEN,
    MULTICOLORED,
    NAMED_COLORS,
    TEXTURE_FAMILIES,
)


class Verdict3(enum.IntEnum):
    """Of a statement; those of several statements together are the least."""

    FALSE = 0
    DOUBT = 1
    UNKNOWN = 2  # there was nothing to compare it with
    TRUE = 3


FALSE, DOUBT, UNKNOWN, TRUE = Verdict3

MIN_SEEN = 0.0025
"""Share of the image: an object that fills less may be named, or not."""
FEW_PX = 2
"""Rays may see so many pixels of an object that is hidden: rounding decides at edges."""
TOLERANCE_PX = 1.5
MIN_HIDDEN, MAX_NOT_HIDDEN = 0.1, 0.01
"""Shares of a whole object behind another one, for "partly hidden" to be true or false."""
DEPTH_TOLERANCE_M = 0.01
LARGE_M, SMALL_M = 0.68, 0.42
SIDE_COSINE, LIGHT_COSINE, COSINE_TOLERANCE = 0.76, 0.35, 0.15
NEARLY, FARTHER = 8.0, 12.0
"""CIEDE2000 beyond the nearest name, up to which a name counts, and from which it is false."""
MIN_SHARE, SURE_SHARE, MIN_PART, FEW = 0.6, 0.85, 0.12, 0.1
"""Of pixels: for one color, so that there are not several, for each of two different ones, and to
show a color at all."""
MIN_KNOWN_SHARE = 0.8
"""Of an object's pixels: where more of its surface cannot be read, its color is not judged."""

NUM_PIXELS = 400
BACKDROP_LIGHT, OBJECT_LIGHT = 0.35, 0.6


UNSEEN = ("color", "texture")
"""Looks that only the record tells, unless the label ``albedo`` shows them in the image."""


def has_albedo(subject: Subject) -> bool:
    """Whether the label shows colors and textures, which a check of its own compares with rays."""
    return "albedo" in subject.settings.rendering.labels


@dataclass(frozen=True)
class Words:
    """What the words of a data set's captions stand for."""

    classes: Mapping[str, str]  # name of each synset
    layout: str  # of the models


@dataclass(frozen=True)
class _Named:
    """Objects that a name may mean."""

    places: tuple[int, ...]  # in the record
    is_known: bool  # False: some only because a color is not known


@dataclass(frozen=True)
class Judged:
    """A statement, which may say several facts."""

    text: str  # for a report
    verdict: Verdict3
    num_unseen: int = 0  # facts that were compared with the record alone, or with nothing


class Scene:
    """One sample as rays see it, and questions that captions answer."""

    def __init__(
        self, view: RayView, rows: np.ndarray, paints: list[Paint | None], words: Words
    ) -> None:
        """Takes what rays hit at each pixel, (h, w) rows of the record from 1, and colors."""
        self._view, self._rows, self._paints, self._words = view, rows, paints, words
        self.has_albedo = has_albedo(view.subject)
        self._num = len(view.record)
        self._num_px = np.bincount(rows.ravel(), minlength=self._num + 1)[1 : self._num + 1]
        self._are_seen = self._num_px > min(FEW_PX, MIN_SEEN * rows.size)
        self._boxes = [mask_to_box(rows == k + 1).astype(float) for k in range(self._num)]

    # --- the whole caption ------------------------------------------------------------------------

    def judge(self, said: Said) -> Verdict3:
        """Whether all that is said is true together."""
        return min(found.verdict for found in self.judge_each(said))

    def judge_each(self, said: Said) -> Iterator[Judged]:
        """Each statement."""
        yield Judged("number", TRUE if said.number is None else self._judge_number(said.number))
        yield self._to_judged("objects", self._judge_objects(said.objects), *said.objects)
        for name, side in said.views:
            named = self._find_named(name)
            verdict = _judge_one([self._judge_view(k, side) for k in named.places], named.is_known)
            yield self._to_judged(f"{_to_text(name)} seen from {side}", verdict, name)
        for subject, word, other in said.relations:
            a, b = self._find_named(subject), self._find_named(other)
            pairs = [(k, m) for k in a.places for m in b.places if k != m]
            verdicts = [self._judge_relation(k, word, m) for k, m in pairs]
            verdict = _judge_one(verdicts, a.is_known and b.is_known)
            text = f"{_to_text(subject)} {word} {_to_text(other)}"
            yield self._to_judged(text, verdict, {**subject, **other})
        yield self._to_judged("backdrop", self._judge_backdrop(said.backdrop), said.backdrop)
        if said.light:
            yield Judged(f"light from {said.light}", self._judge_light(said.light))

    def _to_judged(self, text: str, verdict: Verdict3, *found: Looks) -> Judged:
        """A statement that names some looks."""
        words = UNSEEN if not self.has_albedo else UNSEEN[:1] if verdict == UNKNOWN else ()
        num = sum(word in looks for looks in found for word in words)
        return Judged(text, verdict, num if text in ("objects", "backdrop") else min(num, 1))

    def _judge_number(self, number: int) -> Verdict3:
        least = int((self._num_px >= MIN_SEEN * self._rows.size).sum())
        return TRUE if least <= number <= int(self._are_seen.sum()) else FALSE

    def _judge_objects(self, objects: tuple[Looks, ...]) -> Verdict3:
        """Whether there are different objects that look like each that is named."""
        verdicts = np.array(
            [[self._judge_looks(k, looks) for k in range(self._num)] for looks in objects], int
        ).reshape(-1, self._num)
        for least in (TRUE, UNKNOWN, DOUBT):
            if _can_assign(verdicts >= least):
                return least
        return FALSE

    def _find_named(self, name: Looks) -> _Named:
        """Objects that a name may mean."""
        verdicts = [self._judge_looks(k, name) for k in range(self._num)]
        places = tuple(k for k, verdict in enumerate(verdicts) if verdict != FALSE)
        return _Named(places, UNKNOWN not in verdicts)

    # --- one object -------------------------------------------------------------------------------

    def _judge_looks(self, k: int, looks: Looks) -> Verdict3:
        if not self._are_seen[k]:
            return FALSE
        return min(self._judge_look(k, look, word) for look, word in looks.items())

    def _judge_look(self, k: int, look: str, word: str) -> Verdict3:
        match look:
            case "class":
                own = self._words.classes.get(str(self._view.record[k]["synset_id"]))
                return TRUE if own == word else FALSE
            case "color":
                return _judge_color(self._colors[k], word)
            case "texture":
                return _judge_texture(str(self._view.record[k]["texture"]), word)
            case "size":
                return self._judge_size(k, word)
        return self._judge_view(k, word)

    @functools.cached_property
    def _colors(self) -> list[np.ndarray | None]:
        """How far names are from the colors of each object, see `find_distances`; None: unknown."""
        found: list[np.ndarray | None] = []
        for k in range(self._num):
            ys, xs = np.nonzero(self._rows == k + 1)
            few = np.linspace(0, len(xs) - 1, min(NUM_PIXELS, len(xs))).astype(int)
            positions = np.stack([xs, ys], axis=1)[few] + 0.5
            albedo = find_albedo(self._view, self._paints, positions)
            hit = self._view.cast_at(positions).instance == k + 1
            known = albedo.linear[albedo.is_known & hit]
            is_enough = len(known) and len(known) >= MIN_KNOWN_SHARE * hit.sum()
            found.append(find_distances(known, OBJECT_LIGHT) if is_enough else None)
        return found

    def _judge_size(self, k: int, word: str) -> Verdict3:
        extent = np.ptp(self._view.caster(k + 1).bounds, axis=0)
        matrix = self._view.record[k]["obj_to_world"][:3, :3]
        longest_m = float((extent * np.linalg.norm(matrix, axis=0)).max())
        is_large, is_small = longest_m >= LARGE_M, longest_m <= SMALL_M
        is_so, is_other = (is_large, is_small) if word == "large" else (is_small, is_large)
        return TRUE if is_so else FALSE if is_other else DOUBT

    def _judge_view(self, k: int, side: str) -> Verdict3:
        row = self._view.record[k]
        if self._words.layout != FRONT_LAYOUT or str(row["synset_id"]) not in HAVE_FRONT:
            return DOUBT
        axes = row["obj_to_world"][:3, :3] / np.linalg.norm(row["obj_to_world"][:3, :3], axis=0)
        camera_m = np.linalg.inv(self._view.camera.world_to_camera)[:3, 3]
        offset = camera_m - row["location"]
        right, up, back = axes.T @ (offset / np.linalg.norm(offset))
        cosines = {
            **{"the front": -back, "the back": back, "the left": -right, "the right": right},
            **{"above": up, "below": -up},
        }
        return _judge_cosine(cosines, side, SIDE_COSINE)

    # --- two objects ------------------------------------------------------------------------------

    def _judge_relation(self, a: int, word: str, b: int) -> Verdict3:
        match word:
            case "left of":
                return self._judge_left(a, b)
            case "right of":
                return self._judge_left(b, a)
            case "in front of":
                return self._judge_before(a, b)
            case "behind":
                return self._judge_before(b, a)
        assert word == HIDDEN, word
        alone = self._view.cast.is_hit_alone[a]
        share = (alone & (self._rows == b + 1)).sum() / max(alone.sum(), 1)
        return TRUE if share >= MIN_HIDDEN else FALSE if share <= MAX_NOT_HIDDEN else DOUBT

    def _judge_left(self, a: int, b: int) -> Verdict3:
        (low_a, high_a), (low_b, high_b) = (self._boxes[k][[0, 2]] for k in (a, b))
        middle_a, middle_b = (low_a + high_a) / 2, (low_b + high_b) / 2
        if middle_a >= middle_b:
            return FALSE
        is_so = high_a <= middle_b + TOLERANCE_PX and middle_a <= low_b + TOLERANCE_PX
        return TRUE if is_so else DOUBT

    def _judge_before(self, a: int, b: int) -> Verdict3:
        depths = [self._view.cast.depth_m[self._view.cast.instance == k + 1] for k in (a, b)]
        if not all(map(len, depths)):
            return DOUBT
        if np.median(depths[0]) >= np.median(depths[1]):
            return FALSE
        return TRUE if depths[0].max() <= depths[1].min() + DEPTH_TOLERANCE_M else DOUBT

    # --- what is around ---------------------------------------------------------------------------

    def _judge_backdrop(self, looks: Looks) -> Verdict3:
        row, scene = self._view.record[0], self._view.subject.settings.scene
        verdicts = [TRUE]
        for look, word in looks.items():
            if look == "backdrop":
                verdicts.append(TRUE if word.lower() == (BACKDROP, GROUND)[scene.ground] else FALSE)
            elif look == "texture":
                verdicts.append(_judge_texture(str(row["backdrop_texture"]), word))
            elif row["backdrop_texture"]:
                verdicts.append(UNKNOWN)
            else:
                distances = find_distances(row["backdrop_color"][None], BACKDROP_LIGHT)
                verdicts.append(_judge_color(distances, word))
        return min(verdicts)

    def _judge_light(self, side: str) -> Verdict3:
        """By where the lamp is, from the middle of what rays hit of the objects."""
        view, is_object = self._view, self._rows > 0
        points = view.points[is_object & np.isfinite(view.points).all(axis=2)]
        middle_m = points.mean(axis=0) if len(points) else view.record["location"].mean(axis=0)
        offset = view.record["light"][0] - middle_m
        x, y, z = view.camera.world_to_camera[:3, :3] @ (offset / np.linalg.norm(offset))
        cosines = {
            **{"the right": x, "the left": -x, "above": -y, "below": y},
            **{"behind": z, "the front": -z},
        }
        return _judge_cosine(cosines, side, LIGHT_COSINE)


def _to_text(name: Looks) -> str:
    return " ".join(name.values())


def _judge_one(verdicts: list[Verdict3], is_known: bool) -> Verdict3:
    """Of what may be said of several objects, or pairs: true only if there is no choice."""
    best = max(verdicts, default=FALSE)
    if len(verdicts) < 2 or best == FALSE:
        return best
    return DOUBT if is_known else UNKNOWN


def _judge_cosine(cosines: Mapping[str, float], side: str, least: float) -> Verdict3:
    if cosines[side] >= max(least, max(cosines.values()) - COSINE_TOLERANCE):
        return TRUE
    return FALSE if cosines[side] <= 0 else DOUBT


def _can_assign(fits: np.ndarray) -> bool:
    """Whether each row, (m, n) bool, can have a column of its own."""
    from scipy.optimize import linear_sum_assignment

    if len(fits) > fits.shape[1]:
        return False
    return bool(fits[linear_sum_assignment(fits, maximize=True)].all())


# --- words ----------------------------------------------------------------------------------------


def _judge_texture(path: str, word: str) -> Verdict3:
    """The folder of the texture has the word for a name; words that look alike are not false."""
    *_, own = ("", *path.split("/")[:-1])
    if own == word:
        return TRUE
    families = [TEXTURE_FAMILIES.get(w) for w in (own, word)]
    return DOUBT if families[0] == families[1] and None not in families else FALSE


def find_distances(linear: np.ndarray, light: float) -> np.ndarray:
    """How much farther than the nearest one each name is, (2, k, names): as it is, and in shadow.

    It takes colors (k, 3), scene-linear RGB, and the share of the light in the shadow.
    """
    examples = [
        _to_lab(np.array([list(bytes.fromhex(text[1:])) for text in texts]) / 255)
        for texts in NAMED_COLORS.values()
    ]
    found = []
    for lit in (linear, light * linear):
        lab = _to_lab(linear_to_srgb(np.clip(lit, 0, 1)))
        nearest = [deltaE_ciede2000(lab[:, None], e[None]).min(axis=1) for e in examples]
        distances = np.stack(nearest, axis=1)
        found.append(distances - distances.min(axis=1, keepdims=True))
    return np.stack(found)


def _to_lab(srgb: np.ndarray) -> np.ndarray:
    return rgb2lab(srgb[None])[0]


def _judge_color(behind: np.ndarray | None, word: str) -> Verdict3:
    if behind is None:
        return UNKNOWN
    if word == MULTICOLORED:
        near, far = (behind[0] <= NEARLY).astype(float), (behind[0] >= FARTHER).astype(float)
        if near.mean(axis=0).max() >= SURE_SHARE:
            return FALSE
        parts = near.T @ far / len(near)  # of one name, and not of the other
        return TRUE if (np.minimum(parts, parts.T) >= MIN_PART).any() else DOUBT
    place = list(NAMED_COLORS).index(word)
    if ((behind[..., place] <= NEARLY).mean(axis=1) >= MIN_SHARE).all():
        return TRUE
    return FALSE if ((behind[..., place] < FARTHER).mean(axis=1) <= FEW).all() else DOUBT
