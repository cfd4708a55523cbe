"""What a caption may say of a sample: facts that hold with a margin, from its record and pixels.

Where masks are known, objects are where their visible pixels are; else where their boxes in space
appear in the image, and then much less is certain. What is not certain is not said.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from synrender.assets.sources.synsets import FRONT_LAYOUT, HAVE_FRONT
from synrender.captions.color_names import BACKDROP_LIGHT, ColorName, name_colors, name_surfaces
from synrender.dataset.info import DatasetInfo
from synrender.labels.boxes import BOX_CORNERS, box_points
from synrender.labels.coordinates import find_camera, project, to_camera
from synrender.settings.caption_styles import LOOKS
from synrender.settings.caption_words import BACKDROP, GROUND, HIDDEN
from synrender.settings.factor_table import BACKDROPS, COLUMNS, find_columns
from synrender.settings.groups import Material, Scene

MAX_NAMED = 6
"""Objects that a caption names, those that fill most of the image."""

MIN_SEEN = 0.005
"""Share of the image that an object must fill to be named. One that fills less, but is not hidden
as a whole, is in doubt."""

MIN_INSIDE = 0.5
"""Share of an object's box in the frame, where there are no masks."""

MARGIN = 0.02
"""Of places in the image, as a share of its side."""
DEPTH_MARGIN_M = 0.02
MIN_OVERLAP = 0.5
"""Of the narrower of two objects, side by side, for one to be in front of the other."""
MIN_HIDDEN = 0.15
"""Share of a whole object that another one hides."""

LARGE_M, LARGE_IN_IMAGE = 0.7, 0.6
SMALL_M, SMALL_IN_IMAGE = 0.4, 0.55
"""Longest side of what is large, at least, or small, at most: in the world, and as a share of the
image's side. The usual model has 0.56 m."""

MIN_VIEW = math.cos(math.radians(35))
"""Cosine of the angle between the direction to the camera and the side that it sees."""

MIN_LIGHT = 0.5
"""Cosine of the angle between the direction to the light and an axis of the camera."""
MIN_CONTRAST = 2.0
"""How many times as bright as the sun a lamp must be for its side to be seen."""
MIN_WHITENESS = 0.5
MAX_EXPOSURE = 1.0
"""Of the light, its least over its largest component, and stops: in stronger colors, or where all
is dark, nobody sees what color a surface has."""


@dataclass(frozen=True)
class ObjectFacts:
    """What is known of an object; "" where nothing is said."""

    instance: int
    class_name: str
    size: str = ""
    color: ColorName = field(default_factory=ColorName)
    texture: str = ""
    view: str = ""

    def look(self, name: str) -> str:
        """The value of one of `caption_styles.LOOKS`."""
        of_others = {"class": self.class_name, "color": self.color.name}
        return of_others[name] if name in of_others else getattr(self, name)


@dataclass(frozen=True)
class Relation:
    """How an object is to another one: places in `SceneFacts.objects`, and one of `RELATIONS`."""

    subject: int
    word: str
    object: int


@dataclass(frozen=True)
class SceneFacts:
    """What is known of a sample."""

    objects: tuple[ObjectFacts, ...]  # that captions name, the largest first
    others: tuple[ObjectFacts, ...] = ()  # that may be seen, but are not named
    num_seen: int = 0  # 0: in doubt
    are_all_named: bool = False
    relations: tuple[Relation, ...] = ()
    backdrop_color: ColorName = field(default_factory=ColorName)
    backdrop_texture: str = ""
    light: str = ""
    backdrop: str = BACKDROP  # what it is called

    def to_values(self) -> dict[str, object]:
        """The facts for JSON; what is not known is left out. Objects go by their instance."""
        objects = [
            {"instance": o.instance, **{n: o.look(n) for n in LOOKS if o.look(n)}}
            for o in self.objects
        ]
        instance = [o.instance for o in self.objects]
        relations = [
            {"subject": instance[r.subject], "relation": r.word, "object": instance[r.object]}
            for r in self.relations
        ]
        backdrop = {"color": self.backdrop_color.name, "texture": self.backdrop_texture}
        values = {
            "number": self.num_seen,
            "objects": objects,
            "relations": relations,
            "backdrop": {name: word for name, word in backdrop.items() if word},
            "light": self.light,
        }
        return {name: value for name, value in values.items() if value or name == "objects"}


@dataclass(frozen=True)
class Scenery:
    """What holds for all samples of a data set."""

    class_names: Mapping[int, str]  # the first name of each class
    intrinsics: np.ndarray  # (3, 3) px, of samples whose record has none
    world_to_camera: np.ndarray  # (4, 4), likewise
    side_px: int
    material: Material
    scene: Scene
    have_front: bool  # models of some classes face a known way


def info_to_scenery(info: DatasetInfo) -> Scenery:
    """What the description of a data set says about all of its samples."""
    return Scenery(
        {c: entry.name.split(",")[0].strip() for c, entry in info.classes.items()},
        np.array(info.camera.intrinsics),
        np.array(info.camera.world_to_camera),
        info.camera.resolution,
        info.settings.material,
        info.settings.scene,
        info.sources.models.layout == FRONT_LAYOUT,
    )


@dataclass(frozen=True)
class Pixels:
    """What is known of the pixels of a sample; None: nothing. Rows are those of the record."""

    num_px: np.ndarray | None = None  # (n,) visible
    box_px: np.ndarray | None = None  # (n, 4) around them: x_min, y_min, x_max, y_max
    hidden: np.ndarray | None = None  # (n, n) share of the whole first object behind the second
    albedo: Sequence[np.ndarray] | None = None  # of each object, (k, 3) scene-linear RGB


@dataclass(frozen=True)
class _Places:
    """Where objects are."""

    low: np.ndarray  # (n, 2) px, of the box in the image
    high: np.ndarray  # (n, 2)
    inner_low: np.ndarray  # (n, 2) what others must not reach, to be beside the object
    inner_high: np.ndarray  # (n, 2)
    whole_px: np.ndarray  # (n,) longest side of the whole object, whether it is in the frame or not
    near_m: np.ndarray  # (n,) depth of the box in space
    far_m: np.ndarray  # (n,)
    is_seen: np.ndarray  # (n,) bool
    is_hidden: np.ndarray  # (n,) bool; what is neither is in doubt


def find_facts(record: np.ndarray, pixels: Pixels, scenery: Scenery) -> SceneFacts:
    """Facts of a sample, from its record (n,) of `RECORD_DTYPE`, its pixels and its data set."""
    intrinsics, world_to_camera = find_camera(record, scenery.intrinsics, scenery.world_to_camera)
    places = _find_places(record, pixels, (intrinsics, world_to_camera), scenery.side_px)
    area = (places.high - places.low).clip(0).prod(axis=1)
    size = area if pixels.num_px is None else pixels.num_px
    order = [k for k in np.argsort(-size, kind="stable").tolist() if places.is_seen[k]]
    named = order[:MAX_NAMED]
    rest = [k for k in range(len(record)) if k not in named and not places.is_hidden[k]]
    colors = _find_colors(record, pixels, scenery)
    objects = [
        ObjectFacts(
            int(record["instance"][k]),
            scenery.class_names.get(int(record["class"][k]), ""),
            _find_size(record[k], places.whole_px[k] / scenery.side_px),
            colors[k],
            _find_texture(record["texture"][k]) if scenery.material.color_intensity < 1 else "",
            _find_view(record[k], world_to_camera) if scenery.have_front else "",
        )
        for k in range(len(record))
    ]
    backdrop = _find_backdrop(record[0], scenery)
    are_certain = (places.is_seen | places.is_hidden).all()
    return SceneFacts(
        tuple(objects[k] for k in named),
        tuple(objects[k] for k in rest),
        len(order) if are_certain else 0,
        not rest,
        tuple(_find_relations(named, places, pixels.hidden, scenery.side_px)),
        *backdrop,
        _find_light(record, world_to_camera, scenery),
        GROUND if scenery.scene.ground else BACKDROP,
    )


# --- where things are -----------------------------------------------------------------------------


def _find_places(
    record: np.ndarray, pixels: Pixels, camera: tuple[np.ndarray, np.ndarray], side_px: int
) -> _Places:
    intrinsics, world_to_camera = camera
    corners = to_camera(box_points(record, BOX_CORNERS), world_to_camera)
    depth_m = corners[..., 2]
    projected = project(corners, intrinsics)  # NaN behind the camera
    low, high = projected.min(axis=1), projected.max(axis=1)
    whole_px = (high - low).max(axis=1)
    near_m, far_m = depth_m.min(axis=1), depth_m.max(axis=1)
    if pixels.num_px is not None and pixels.box_px is not None:
        low, high = pixels.box_px[:, :2].astype(float), pixels.box_px[:, 2:].astype(float)
        center = (low + high) / 2
        is_seen = pixels.num_px >= MIN_SEEN * side_px**2
        is_hidden = pixels.num_px == 0
        return _Places(low, high, center, center, whole_px, near_m, far_m, is_seen, is_hidden)
    low_in, high_in = low.clip(0, side_px), high.clip(0, side_px)
    with np.errstate(invalid="ignore", divide="ignore"):
        share_in = (high_in - low_in).prod(axis=1) / (high - low).prod(axis=1)
        is_seen = (share_in >= MIN_INSIDE) & ~_find_covered(low, high, near_m, far_m)
    is_outside = (high_in <= low_in).any(axis=1)
    return _Places(low_in, high_in, low_in, high_in, whole_px, near_m, far_m, is_seen, is_outside)


def _find_covered(
    low: np.ndarray, high: np.ndarray, near_m: np.ndarray, far_m: np.ndarray
) -> np.ndarray:
    """(n,) bool: something that is not behind the object's box overlaps it, or it is not known."""
    apart = (low[:, None] >= high[None]).any(axis=2) | (high[:, None] <= low[None]).any(axis=2)
    is_behind = near_m[None] >= far_m[:, None]  # of the second object, behind the first
    is_free = apart | is_behind | np.eye(len(low), dtype=bool)
    return ~is_free.all(axis=1)


def _find_relations(
    named: Sequence[int], places: _Places, hidden: np.ndarray | None, side_px: int
) -> list[Relation]:
    """One relation of each two objects that are named one after the other, if there is any."""
    found = []
    for place, (a, b) in enumerate(itertools.pairwise(named)):
        if hidden is not None and hidden[a, b] >= MIN_HIDDEN and hidden[b, a] == 0:
            found.append(Relation(place, HIDDEN, place + 1))
        elif hidden is not None and hidden[b, a] >= MIN_HIDDEN and hidden[a, b] == 0:
            found.append(Relation(place + 1, HIDDEN, place))
        elif word := _relate(a, b, places, MARGIN * side_px):
            found.append(Relation(place, word, place + 1))
    return found


def _relate(a: int, b: int, places: _Places, margin_px: float) -> str:
    """What the first object is to the second one, by their boxes."""
    overlap = np.minimum(places.high[a], places.high[b]) - np.maximum(places.low[a], places.low[b])
    narrower = np.minimum(*(places.high[k] - places.low[k] for k in (a, b)))
    if (overlap >= MIN_OVERLAP * narrower).all():
        if places.far_m[a] + DEPTH_MARGIN_M <= places.near_m[b]:
            return "in front of"
        if places.far_m[b] + DEPTH_MARGIN_M <= places.near_m[a]:
            return "behind"
    for first, second, word in ((a, b, "left of"), (b, a, "right of")):
        ends = places.high[first, 0], places.inner_high[first, 0]
        begins = places.inner_low[second, 0], places.low[second, 0]
        if all(end + margin_px <= begin for end, begin in zip(ends, begins, strict=True)):
            return word
    return ""


# --- what things look like ------------------------------------------------------------------------


def _find_size(row: np.void, share_of_image: float) -> str:
    longest_m = float(((row["bbox"][1] - row["bbox"][0]) * row["scale"]).max())
    if longest_m >= LARGE_M and share_of_image >= LARGE_IN_IMAGE:
        return "large"
    return "small" if longest_m <= SMALL_M and share_of_image <= SMALL_IN_IMAGE else ""


def _find_colors(record: np.ndarray, pixels: Pixels, scenery: Scenery) -> list[ColorName]:
    """Colors of the objects' surfaces: from the albedo, or of plain ones from the record."""
    if not _shows_colors(record[0]):
        return [ColorName()] * len(record)
    if pixels.albedo is not None:
        return name_surfaces(pixels.albedo)
    material = scenery.material
    is_plain = (record["texture"] == "") | (material.color_intensity == 1)
    is_plain &= material.source != "own"
    found = iter(name_colors(record["color"][is_plain]))
    return [next(found) if plain else ColorName() for plain in is_plain.tolist()]


def _shows_colors(row: np.void) -> bool:
    """Whether colors are seen as they are; NaN: of a version that had only such light."""
    if abs(row["factor_values"][COLUMNS.index("exposure")]) > MAX_EXPOSURE:
        return False
    lights = [row["factor_values"][list(find_columns(n))] for n in ("light_color", "sun_color")]
    return not any(color.min() < MIN_WHITENESS * color.max() for color in lights)


def _find_texture(path: str) -> str:
    """The folder of a texture, which DTD names by what it looks like."""
    return str(path).rpartition("/")[0].rpartition("/")[2]


def _find_view(row: np.void, world_to_camera: np.ndarray) -> str:
    """The side of an object that the camera sees."""
    if str(row["synset_id"]) not in HAVE_FRONT:
        return ""
    camera_m = -world_to_camera[:3, :3].T @ world_to_camera[:3, 3]
    offset_m = row["rot_mat"].T @ (camera_m - row["location"])
    x, y, z = (offset_m / max(float(np.linalg.norm(offset_m)), _TINY_M)).tolist()
    sides = {
        **{"the front": -z, "the back": z, "the left": -x, "the right": x},
        **{"above": y, "below": -y},
    }
    side = max(sides, key=sides.__getitem__)
    return side if sides[side] >= MIN_VIEW else ""


def _find_backdrop(row: np.void, scenery: Scenery) -> tuple[ColorName, str]:
    """Color and texture of the plane behind the objects; of a texture no color is known."""
    kind = row["factor_values"][COLUMNS.index("backdrop")]
    if np.isfinite(kind) and BACKDROPS[int(kind)] != "plane":
        return ColorName(), ""
    if row["backdrop_texture"]:
        return ColorName(), _find_texture(row["backdrop_texture"])
    if not _shows_colors(row):
        return ColorName(), ""
    return name_colors(row["backdrop_color"][None], BACKDROP_LIGHT)[0], ""


def _find_light(record: np.ndarray, world_to_camera: np.ndarray, scenery: Scenery) -> str:
    """The side that the light comes from, where one lamp outshines the sun."""
    values = dict(zip(COLUMNS, record["factor_values"][0].tolist(), strict=True))
    if values["num_lights"] > 1 or record["environment"][0] or scenery.material.use_emission:
        return ""
    scene, middle_m = scenery.scene, record["location"].mean(axis=0)
    offset_m = record["light"][0] - middle_m
    distance_m = max(float(np.linalg.norm(offset_m)), _TINY_M)
    watts = scene.light_energy if np.isnan(values["light_energy"]) else values["light_energy"]
    if watts / (4 * math.pi * distance_m**2) < MIN_CONTRAST * scene.sun_energy:
        return ""
    x, y, z = (world_to_camera[:3, :3] @ offset_m / distance_m).tolist()
    sides = {"the right": x, "the left": -x, "above": -y, "below": y, "behind": z, "the front": -z}
    (most, side), (second, _) = sorted(((v, k) for k, v in sides.items()), reverse=True)[:2]
    return side if most >= MIN_LIGHT and most >= second + _LIGHT_LEAD else ""


_TINY_M = 1e-9
_LIGHT_LEAD = 0.15
"""By how much the cosine of one side must exceed that of the next, to name it alone."""
