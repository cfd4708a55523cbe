"""Levels of factors: values that a user gave, or that are drawn once for the whole data set."""

from __future__ import annotations

import dataclasses
import functools
import math
from dataclasses import dataclass

import numpy as np

from synrender.assets.catalog import Catalog
from synrender.errors import UserError, nearest_name, shorten
from synrender.sampling.camera import find_orbit, is_orbited, move_camera, orbit_camera
from synrender.sampling.designs.kind import NAMES, Assignment
from synrender.sampling.distributions import draw_values, find_distributions
from synrender.sampling.draws import (
    LIGHT_ANGLE,
    MEAN_SCALE,
    OFFSETS,
    SCALE_RANGE,
    draw_light_angle,
    draw_pose,
    to_warp,
)
from synrender.sampling.layout import draw_layout
from synrender.sampling.motion import find_reach
from synrender.sampling.quantiles import spread_values
from synrender.sampling.streams import LEVEL, create_rng, draw_permutation
from synrender.settings.checks import MAX_LEVELS, FrozenDict, GinValue
from synrender.settings.color_values import find_color
from synrender.settings.distributions import Distribution, describe
from synrender.settings.factor_table import BACKDROPS, VIEWPOINT, Kind, find_columns, find_factor
from synrender.settings.groups import Scene, Settings

Vector = tuple[float, ...]
ASSETS = ("model", "texture", "backdrop_texture", "environment")
"""Factors whose levels are files. A bad file is replaced by another, see `AssetChoice`."""


@dataclass(frozen=True)
class Levels:
    """Values of one factor."""

    values: tuple[Vector, ...]  # a number for each column; of a layout for each object
    names: tuple[str, ...] = ()  # of classes, textures and environments
    are_drawn: bool = False  # or a user gave them

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Decided:
    """What a design decides of one factor of a sample: one of its levels, or a fixed value."""

    levels: Levels
    level: int = 0  # a fixed value is the only level

    @property
    def value(self) -> Vector:
        """A number for each column; of a layout for each object."""
        return self.levels.values[self.level]


def find_decided(settings: Settings, catalog: Catalog, assigned: Assignment) -> dict[str, Decided]:
    """What the design decides of a sample, by factor."""
    design, decided = settings.design, {}
    for name, level in assigned.levels.items():
        decided[name] = Decided(find_levels(name, design.levels[name], settings, catalog), level)
    for name, value in design.fixed.items():
        decided[name] = Decided(find_levels(name, (value,), settings, catalog))
    return decided


def count_levels(settings: Settings) -> FrozenDict:
    """Number of levels of each factor that has some."""
    counts = {}
    for name, value in settings.design.levels.items():
        counts[name] = len(value) if isinstance(value, tuple) else value
        is_number = isinstance(counts[name], int) and not isinstance(value, bool)
        if not is_number or not 1 <= counts[name] <= MAX_LEVELS:
            raise UserError(
                f"design.levels: {name!r}: must be a number of levels from 1 to {MAX_LEVELS}, or a "
                f"list of values, is {shorten(repr(value))}"
            )
    return FrozenDict(counts)


def find_levels(name: str, value: GinValue, settings: Settings, catalog: Catalog) -> Levels:
    """Levels of a factor or of ``viewpoint``: so many, which are drawn, or the given values.

    Raises:
        UserError: there are not as many, a value is out of range, or two values are equal.
    """
    if name == "class":
        levels = _find_classes(value, settings, catalog)
    elif name == "model":
        levels = _find_models(value, settings, catalog)
    elif name == "backdrop" and not isinstance(value, int):
        levels = _find_backdrops(value)
    elif name in ASSETS:
        levels = _find_images(name, value, settings, catalog)
    else:
        levels = _find_numbers(name, value, settings)
    if isinstance(value, int):
        return dataclasses.replace(levels, are_drawn=True)
    _refuse_equal(name, levels)
    return levels


def _refuse_equal(name: str, levels: Levels) -> None:
    """Raises UserError if two levels are equal. Two angles are equal if they point the same way."""
    seen: dict[object, str] = {}
    for k, values in enumerate(levels.values):
        key: object = values
        text = levels.names[k] if levels.names else ", ".join(f"{v:g}" for v in values)
        if find_factor(name).kind is Kind.CIRCULAR:
            key = tuple((round(math.cos(v), 9), round(math.sin(v), 9)) for v in values)
        if key in seen:
            raise UserError(
                f"design.levels: {name!r}: {seen[key]} and {text} are equal levels; leave one out"
            )
        seen[key] = text


def _find_numbers(name: str, value: GinValue, settings: Settings) -> Levels:
    """Levels of a factor whose values are numbers."""
    if not isinstance(value, int):
        return Levels(tuple(_check_value(name, v, settings) for v in value))
    return _draw_levels(name, value, settings)


def find_narrowest_scene(settings: Settings) -> Scene:
    """The scene with the narrowest view of all samples.

    It has the longest lens and the shortest distance of the design. Layouts are drawn for it, so
    that they do not depend on the sample's own camera, and each camera sees all of them. A camera
    that orbits may stand in any direction.
    """
    scene, found = settings.scene, {}
    for name in ("camera_lens", "camera_distance"):
        value = settings.design.levels.get(name)
        if name in settings.design.fixed:
            value = (settings.design.fixed[name],)
        if value is not None:
            found[name] = [v for (v,) in _find_numbers(name, value, settings).values]
        elif (extent := find_reach(name, settings)) is not None:
            found[name] = list(extent)
    if is_orbited(settings.design):
        nearest_m = min(found.get("camera_distance", [math.dist(scene.camera_location, (0, 0, 0))]))
        scene = orbit_camera(scene, find_orbit(scene), nearest_m)
    elif "camera_distance" in found:
        scene = move_camera(scene, min(found["camera_distance"]))
    if "camera_lens" in found:
        scene = dataclasses.replace(scene, camera_lens=max(found["camera_lens"]))
    return scene


@functools.lru_cache(maxsize=64)
def _draw_levels(name: str, value: int, settings: Settings) -> Levels:
    """Levels that a number stands for; remembered, because each sample asks for them."""
    own = find_distributions(settings.design).get(name)
    if name not in _DRAWN and own is None:
        raise UserError(
            f"design.levels: {name!r} = {value}: it is not drawn, so there is nothing to draw "
            "levels from; give values, in a list, or a distribution in design.distributions"
        )
    if settings.design.level_choice == "spread" and name != "layout":
        levels = _spread_levels(name, value, settings, own)
    else:
        keys = [(LEVEL, NAMES.index(name), k) for k in range(value)]
        levels = tuple(_draw_level(name, key, settings, own) for key in keys)
    if len(set(levels)) < len(levels):
        words = find_factor(name).distribution if own is None else describe(own)
        raise UserError(
            f"design.levels: {name!r} = {value}: its distribution, {words}, gives equal levels; "
            "widen it, ask for fewer, or give values in a list"
        )
    return Levels(levels)


_DRAWN = (
    "color",
    "backdrop_color",
    "scale",
    "warp",
    "viewpoint",
    *VIEWPOINT,
    "light_angle",
    "layout",
)
"""Factors that are drawn as numbers unless a user says from what."""


def _draw_level(
    name: str, key: tuple[int, ...], settings: Settings, own: Distribution | None
) -> Vector:
    """One level; the key ends with its number."""
    seed = settings.batch.seed
    if own is not None:
        num = settings.sample.num_objs if name == "layout" else 1
        return tuple(draw_values(name, own, (seed, *key), num).ravel().tolist())
    if name in ("color", "backdrop_color"):
        return tuple(create_rng(seed, *key).random(3).tolist())
    if name == "light_angle":
        return (draw_light_angle(seed, key, settings.lighting),)
    if name == "layout":
        scales = np.full(settings.sample.num_objs, settings.design.fixed.get("scale", MEAN_SCALE))
        places = draw_layout(settings, key, scales, find_narrowest_scene(settings))
        return tuple(places.ravel().tolist())
    pose = draw_pose(seed, key, 1, settings.object)
    turns = dict(zip(OFFSETS, pose.offset.T, strict=True))
    parts = {"scale": pose.scale, "warp": pose.warp[0], "viewpoint": pose.offset[0, ::-1], **turns}
    return tuple(parts[name].tolist())


def order_for_levels(
    name: str, key: tuple[int, ...], items: tuple[str, ...], seed: int
) -> tuple[str, ...]:
    """Items in the order in which the levels of a factor take them: level 0 the first."""
    rng = create_rng(seed, LEVEL, NAMES.index(name), *key)
    return tuple(items[i] for i in draw_permutation(rng, len(items)))


# --- spread levels --------------------------------------------------------------------------------


LEVEL_SATURATION, LEVEL_VALUE = 0.8, 0.8
"""Of the colors of spread levels, which differ in their hue."""


def _spread_levels(
    name: str, num: int, settings: Settings, own: Distribution | None
) -> tuple[Vector, ...]:
    """Levels evenly over the factor's distribution, see `spread_values`."""
    if own is not None:
        return spread_values(name, own, num)
    spread = spread_values(name, _find_usual(name, settings), num)
    if name == "scale":
        return tuple((min(max(v, SCALE_RANGE[0]), SCALE_RANGE[1]),) for (v,) in spread)
    if name == "warp":
        return tuple(tuple(to_warp(np.array([v]), settings.object)[0].tolist()) for v in spread)
    return spread


def _find_usual(name: str, settings: Settings) -> Distribution:
    """What a factor is drawn from if a user does not set it.

    Colors are spread over all hues, and a warp is what its three normal numbers lead to.
    """
    objects = settings.object
    normals = {
        "scale": (MEAN_SCALE, objects.random_scaling),
        "light_angle": (LIGHT_ANGLE, settings.lighting.r),
        "warp": (0.0, 1.0),
        **dict.fromkeys(("viewpoint", *VIEWPOINT), (0.0, objects.random_viewpoint)),
    }
    if name not in normals:
        return Distribution("hue", (LEVEL_SATURATION, LEVEL_VALUE))
    (mean, std), size = normals[name], len(find_columns(name))
    if std == 0:
        return Distribution("uniform", (mean,) * 2 * size)
    ends = (-math.inf,) * size, (math.inf,) * size
    return Distribution("normal", ((mean,) * size + (std,) * size + ends[0] + ends[1]))


# --- given values and assets ----------------------------------------------------------------------


def _check_value(name: str, value: GinValue, settings: Settings) -> tuple[float, ...]:
    """A value that a user gave, as a number for each column."""
    factor = find_factor(name)
    if factor.parts == "rgb":
        try:
            return find_color(value)
        except ValueError as rule:
            raise UserError(f"design: {name!r}: value {shorten(repr(value))} {rule}") from None
    columns = find_columns(name)
    size = len(columns) * (settings.sample.num_objs if name == "layout" else 1)
    numbers = value if isinstance(value, tuple) else (value,)
    if name == "layout" and all(isinstance(v, tuple) for v in numbers):
        numbers = tuple(v for place in numbers for v in place)
    high = settings.sample.num_objs if name == "num_objs" else factor.high
    types = int if factor.kind is Kind.CATEGORICAL else (int, float)
    is_number = all(isinstance(v, types) and not isinstance(v, bool) for v in numbers)
    if len(numbers) != size or not is_number or not all(factor.low <= v <= high for v in numbers):
        whole = "whole " if types is int else ""
        unit = f" {factor.unit}" if factor.unit else ""
        raise UserError(
            f"design: {name!r}: value {shorten(repr(value))} must be {size} {whole}number"
            f"{'s' * (size > 1)} from {factor.low:g} to {high:g}{unit}"
        )
    return tuple(float(v) for v in numbers)


def _find_classes(value: GinValue, settings: Settings, catalog: Catalog) -> Levels:
    class_list = settings.sample.class_list
    chosen = class_list[:value] if isinstance(value, int) else value
    if isinstance(value, int) and value > len(class_list):
        raise UserError(
            f"design.levels: 'class' = {value}: sample.class_idxs has {len(class_list)} classes"
        )
    for class_idx in chosen:
        if class_idx not in class_list or type(class_idx) is not int:
            raise UserError(
                f"design: 'class': {class_idx!r} must be one of sample.class_idxs, {class_list}"
            )
    names = tuple(catalog.class_names[c].split(",")[0] for c in chosen)
    return Levels(tuple((float(c),) for c in chosen), names)


def _find_models(value: GinValue, settings: Settings, catalog: Catalog) -> Levels:
    if not isinstance(value, int):
        raise UserError(
            "design: 'model': must be a number of levels: each bucket has models of its own"
        )
    for class_idx in settings.sample.class_list:
        for bucket in range(settings.object.n_buckets):
            if (n := len(catalog.bucket_models(class_idx, bucket))) < value:
                raise UserError(
                    f"design.levels: 'model' = {value}: class "
                    f"{settings.sample.classes[class_idx]!r} has {n} models in bucket {bucket}; "
                    "lower it, or object.n_buckets"
                )
    return Levels(tuple((float(k),) for k in range(value)))


def _find_backdrops(value: GinValue) -> Levels:
    for name in value:
        if name not in BACKDROPS:
            raise UserError(
                f"design: 'backdrop': {shorten(repr(name))} must be one of {BACKDROPS}"
                f"{nearest_name(str(name), BACKDROPS)}"
            )
    return Levels(tuple((float(BACKDROPS.index(n)),) for n in value), tuple(value))


def _find_images(name: str, value: GinValue, settings: Settings, catalog: Catalog) -> Levels:
    """Levels of textures or environments."""
    kind, items = "texture", catalog.textures
    if name == "texture" and settings.material.source == "own":
        raise UserError(
            "design: 'texture': material.source = 'own', so objects show no texture; vary "
            "'backdrop_texture' or 'model'"
        )
    if name == "environment":
        kind, items = name, catalog.environments
    elif not items:
        raise UserError(f"design: {name!r}: material.use_texture = False, so there is none to vary")
    if isinstance(value, int):
        if value > len(items):
            raise UserError(f"design.levels: {name!r} = {value}: there are {len(items)} {kind}s")
        names = order_for_levels(name, (), items, settings.batch.seed)[:value]
    else:
        names = value
    for item in names:
        if item not in items:
            hint = nearest_name(str(item), items)
            raise UserError(f"design: {name!r}: no such {kind}: {item!r}{hint}")
    return Levels(tuple((float(items.index(n)),) for n in names), names)
