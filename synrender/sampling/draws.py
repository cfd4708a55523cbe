"""What each factor is drawn from: one function for each, pure, by key.

A key is a sample's index, or a group's number for classes and models; twins that differ in a drawn
factor add their place in the tuple. See `synrender.sampling.streams` for what a stream is.
`draw_factors` draws all that are numbers at once.
"""

from __future__ import annotations

import colorsys
import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from synrender.assets.material import USUAL_ROUGHNESS
from synrender.sampling.camera import find_orbit, orbit_camera
from synrender.sampling.designs.kind import Range, Ranges
from synrender.sampling.distributions import FILES, draw_values, find_distributions
from synrender.sampling.layout import draw_layout
from synrender.sampling.lights import uses_direction
from synrender.sampling.quantiles import LEAST_CHANCE
from synrender.sampling.streams import (
    CLASS,
    COLOR,
    COLOR_REFERENCE,
    LEVEL,
    LIGHT,
    MODEL,
    MODEL_TURN,
    NOISE,
    POSE,
    TEXTURE,
    create_rng,
    draw_permutation,
    permute,
)
from synrender.settings.factor_table import BACKDROPS, COLUMNS, Scope, find_columns, find_factor
from synrender.settings.groups import (
    Design,
    Lighting,
    Material,
    Object,
    Sample,
    Scene,
    Settings,
    is_standing,
)

Key = tuple[int, ...]
NO_RANGES: Ranges = {}

OFFSETS = ("roll", "elevation", "azimuth")
"""Factors of the three Euler angles, in Blender's XYZ order."""

TILTS = ("roll", "elevation")
"""Of these, those that tilt an object; by themselves, those that stand on a ground do not."""

REST_EULER = (0.5 * math.pi, 0.0, -math.pi / 6)
"""Euler angles before viewpoint noise, rad: the model's Y axis is up, its side faces the camera."""

MEAN_SCALE = 0.8
SCALE_RANGE = (0.1, 1.5)
WARP_RANGE = (0.5, 1.5)
HUE_SHARE = 0.3
"""Share of ``material.color_variation`` that is applied to the hue."""

LIGHT_ANGLE = -0.5
"""Mean angle of the point light from the zenith, rad."""

WHITE = (1.0, 1.0, 1.0)

(_CAMERA_AZIMUTH,), (_SCALE,) = find_columns("camera_azimuth"), find_columns("scale")


def draw_factors(
    settings: Settings,
    key: Key,
    class_idxs: list[int],
    scene: Scene,
    ranges: Ranges = NO_RANGES,
) -> np.ndarray:
    """Draws all factors that are numbers, as if a design decided none of them.

    Args:
        settings: of the data set.
        key: of the sample.
        class_idxs: of the objects, [num_objs]; their colors depend on it.
        scene: with the camera that must see all objects.
        ranges: where values of some factors must lie.

    Returns:
        (num_objs, len(COLUMNS)) float64; NaN in the columns of the model, the
        textures, and of what does not apply.
    """
    seed, num_objs = settings.batch.seed, len(class_idxs)
    pose = draw_pose(seed, key, num_objs, settings.object, ranges)
    material = settings.material
    reference = draw_color_reference(seed, len(settings.sample.classes), material.num_modes)
    colors, backdrop_color = draw_colors(seed, key, class_idxs, reference, material)
    light_angle = draw_light_angle(seed, key, settings.lighting, ranges.get("light_angle"))
    drawn = {
        "class": class_idxs,
        "color": colors,
        "scale": pose.scale,
        "warp": pose.warp,
        **{name: pose.offset[:, i] for i, name in enumerate(OFFSETS)},
        **(dict.fromkeys(set(TILTS) - ranges.keys(), 0.0) if is_standing(settings) else {}),
        "light_energy": settings.scene.light_energy,
        "backdrop_color": backdrop_color,
        "num_objs": num_objs,
        "camera_distance": math.dist(settings.scene.camera_location, (0, 0, 0)),
        "camera_lens": settings.scene.camera_lens,
        # What is not named here is NaN: it does not apply, unless a design gives it a value.
        "light_color": WHITE,
        "sun_color": WHITE,
        "num_lights": 1,
        **_find_surfaces(settings.material),
        **_find_surroundings(settings.design, light_angle),
        "backdrop": BACKDROPS.index("plane"),
        "exposure": 0,
    }
    values = np.full((num_objs, len(COLUMNS)), np.nan)
    for name, value in drawn.items():
        set_columns(values, name, value)
    for name, distribution in find_distributions(settings.design).items():
        if name != "class" and name not in FILES:
            num = num_objs if find_factor(name).scope is Scope.OBJECT else 1
            own = draw_values(name, distribution, (seed, *key), num, ranges.get(name))
            set_columns(values, name, own)
    if "layout" not in settings.design.distributions:
        seen = _look_from(values, settings.design, scene)
        scales = np.full(num_objs, settings.design.fixed.get("scale", values[:, _SCALE]))
        set_columns(values, "layout", draw_layout(settings, key, scales, seen))
    return values


def _look_from(values: np.ndarray, design: Design, scene: Scene) -> Scene:
    """The scene as seen from the azimuth that a sample draws, or that its design fixes."""
    azimuth = design.fixed.get("camera_azimuth", values[0, _CAMERA_AZIMUTH])
    if scene.layout == "chain" or math.isnan(azimuth):
        return scene
    _, elevation, roll = find_orbit(scene)
    distance_m = math.dist(scene.camera_location, (0, 0, 0))
    return orbit_camera(scene, (float(azimuth), elevation, roll), distance_m)


def set_columns(values: np.ndarray, name: str, value: npt.ArrayLike) -> None:
    """Sets a factor's columns of (num_objs, len(COLUMNS)), for each object or the same for all."""
    columns = find_columns(name)
    values[:, columns] = np.reshape(value, (-1, len(columns)))


def draw_classes(seed: int, group: int, sample: Sample) -> list[int]:
    """Class ids of a group's objects, [num_objs].

    If balanced, the classes take turns over all objects of all groups. With several objects, each
    round is shuffled, because neighbors in the list would otherwise always appear together.
    """
    class_list, num_objs = sample.class_list, sample.num_objs
    if not sample.balanced:
        choices = create_rng(seed, CLASS, group).random(num_objs) * len(class_list)
        return [class_list[int(c)] for c in choices]
    classes = []
    for turn in range(group * num_objs, (group + 1) * num_objs):
        round_idx, place = divmod(turn, len(class_list))
        if num_objs > 1:
            place = draw_permutation(create_rng(seed, CLASS, round_idx), len(class_list))[place]
        classes.append(class_list[place])
    return classes


def draw_model_order(
    seed: int, group: int, obj_idx: int, model_ids: tuple[str, ...]
) -> tuple[str, ...]:
    """All models of a bucket, in the order in which they are tried for one object."""
    order = draw_permutation(create_rng(seed, MODEL, group, obj_idx), len(model_ids))
    return tuple(model_ids[i] for i in order)


def draw_turn(key: Key, models: Mapping[int, tuple[str, ...]]) -> tuple[int, str]:
    """Class and model at one turn of all models of a bucket, which are given by class id.

    Each round goes through all of them, in an order of its own. The key is the seed of the data
    set, the bucket, and the turn in it, from 0.
    """
    seed, bucket, turn = key
    num = sum(map(len, models.values()))
    round_idx, place = divmod(turn, num)
    place = permute(place, num, seed, MODEL_TURN, bucket, round_idx)
    for class_idx, model_ids in models.items():
        if place < len(model_ids):
            return class_idx, model_ids[place]
        place -= len(model_ids)
    raise ValueError(f"no model at {place}")


def draw_textures(seed: int, key: Key, textures: tuple[str, ...]) -> tuple[str, ...]:
    """All textures in the order in which they are tried, each once."""
    order = draw_permutation(create_rng(seed, TEXTURE, *key), len(textures))
    return tuple(textures[i] for i in order)


@dataclass(frozen=True)
class Pose:
    """How the objects of a sample are turned and stretched."""

    scale: np.ndarray  # (num_objs,)
    warp: np.ndarray  # (num_objs, 3), of each axis; the mean over the axes is 1 before clipping
    offset: np.ndarray  # (num_objs, 3) rad: roll, elevation, azimuth, added to `REST_EULER`


def draw_pose(
    seed: int, key: Key, num_objs: int, objects: Object, offset_range: Ranges = NO_RANGES
) -> Pose:
    """Scale, warp and turn of the objects; scale and turn where they must lie, if anywhere."""
    normals = create_rng(seed, POSE, *key).standard_normal((num_objs, 7))
    scale = MEAN_SCALE + objects.random_scaling * normals[:, 0]
    offset = objects.random_viewpoint * normals[:, 4:]
    if offset_range:
        rng = create_rng(seed, LEVEL, POSE, *key)
        spread = objects.random_scaling
        scale = _move_into(scale, offset_range.get("scale"), MEAN_SCALE, spread, rng)
        for k, name in enumerate(OFFSETS):
            offset[:, k] = _move_into(
                offset[:, k], offset_range.get(name), 0.0, objects.random_viewpoint, rng
            )
    return Pose(np.clip(scale, *SCALE_RANGE), to_warp(normals[:, 1:4], objects), offset)


def to_warp(normals: np.ndarray, objects: Object) -> np.ndarray:
    """Factors of the axes from standard normal numbers, (num_objs, 3); their mean is kept."""
    warp = normals - normals.mean(axis=1, keepdims=True)
    return np.clip(1 + objects.random_warp * warp, *WARP_RANGE)


def _move_into(
    values: np.ndarray, bounds: Range | None, mean: float, std: float, rng: np.random.Generator
) -> np.ndarray:
    """Values of N(mean, std), with those outside their range drawn again inside of it.

    This inverts the cumulative distribution function, so that the result is the normal distribution
    cut off at the bounds.
    """
    chances = rng.random(len(values))  # whether they are needed or not: other draws stay the same
    if bounds is None or std == 0:  # then a distribution of the user's gives the values
        return values
    normal = NormalDist(mean, std)
    low, high = normal.cdf(bounds.low), normal.cdf(bounds.high)
    moved = []
    for value, chance in zip(values.tolist(), chances.tolist(), strict=True):
        if not bounds.holds(value):
            chance = bounds.move_chance(chance, low, high)
            value = normal.inv_cdf(min(max(chance, LEAST_CHANCE), 1 - LEAST_CHANCE))
        moved.append(value)
    return np.array(moved)


@functools.lru_cache(maxsize=4)
def draw_color_reference(seed: int, num_classes: int, num_modes: int) -> np.ndarray:
    """Reference colors of the classes: (num_classes, num_modes, 3) HSV, each 0 to 1; read-only.

    Adding modes or classes does not change the colors that exist already.
    """
    colors = np.stack(
        [create_rng(seed, COLOR_REFERENCE, c).random((num_modes, 3)) for c in range(num_classes)]
    )
    colors.setflags(write=False)  # all samples share it
    return colors


def draw_colors(
    seed: int, key: Key, class_idxs: list[int], color_reference: np.ndarray, material: Material
) -> tuple[np.ndarray, np.ndarray]:
    """Colors of the objects (num_objs, 3) and of the backdrop (3,), scene-linear RGB, 0 to 1.

    With ``use_color_ref`` an object's HSV is the reference of its class (h, 0.8 s + 0.2,
    0.4 v + 0.6) plus noise; the hue wraps around, s and v are clipped. Otherwise RGB is uniform.
    """
    rng = create_rng(seed, COLOR, *key)
    num_objs = len(class_idxs)
    backdrop = rng.random(3)
    uniform, mode_choices = rng.random((num_objs, 3)), rng.random(num_objs)
    jitter = rng.standard_normal((num_objs, 3)) * material.color_variation * [HUE_SHARE, 1, 1]
    if not material.use_color_ref:
        return uniform, backdrop
    modes = (mode_choices * material.num_modes).astype(int)
    hsv = color_reference[class_idxs, modes] * [1, 0.8, 0.4] + [0, 0.2, 0.6] + jitter
    hsv[:, 0] %= 1
    hsv = hsv.clip(0, 1)
    return np.array([colorsys.hsv_to_rgb(*row) for row in hsv]), backdrop


def draw_light_angle(seed: int, key: Key, lighting: Lighting, bounds: Range | None = None) -> float:
    """Angle of the point light from the zenith, rad."""
    angle = LIGHT_ANGLE + lighting.r * create_rng(seed, LIGHT, *key).standard_normal()
    if bounds is None:
        return float(angle)
    rng = create_rng(seed, LEVEL, LIGHT, *key)
    return float(_move_into(np.array([angle]), bounds, LIGHT_ANGLE, lighting.r, rng)[0])


def _find_surfaces(material: Material) -> dict[str, float]:
    """How surfaces reflect, unless a file says so."""
    names = {"own": ("backdrop_",), "pbr": (), "texture": ("", "backdrop_")}[material.source]
    values = {"roughness": USUAL_ROUGHNESS, "metallic": 0.0}
    return {prefix + name: value for prefix in names for name, value in values.items()}


def _find_surroundings(design: Design, light_angle: float) -> dict[str, float]:
    """Where the light and an environment are, of which one of those factors applies."""
    found = {"light_angle": light_angle}
    if uses_direction(design):
        azimuth = math.copysign(math.pi / 2, math.sin(light_angle))
        rest = {"light_azimuth": azimuth, "light_elevation": math.asin(math.cos(light_angle))}
        found = {"light_angle": math.nan, **rest}
    if "environment" in design.decided:
        found |= {"environment_rotation": 0.0, "environment_energy": 1.0}
    return found


def draw_noise_seed(seed: int, idx: int) -> int:
    """Seed for the renderer's own sampling, 0 to 2^31 - 1."""
    return int(create_rng(seed, NOISE, idx).random() * 2**31)
