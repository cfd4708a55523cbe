"""Draws samples: (settings, catalog, seed, index) -> `SamplePlan`. Pure: no bpy, no disk writes.

Every factor has its own random stream, ``SeedSequence([seed, stream, index])``, so switching one
factor off does not change the others. The index is the group's number for choices that a group
shares (class, model), and the sample's index for all others. Only ``Generator.random`` and
``standard_normal`` are used, because they return the same values in every numpy version that
Blender 3.4 to 5.0 contains.
"""

from __future__ import annotations

import colorsys
import itertools
import math
from dataclasses import dataclass

import numpy as np

from synrender.camera import project, scene_to_intrinsics, scene_to_world_to_camera
from synrender.catalog import Catalog
from synrender.settings import BatchSettings, Lighting, Material, Object, Sample, Scene, Settings

# Stream numbers. Never reuse or reorder them: that would change every data set.
CLASS, MODEL, TEXTURE, COLOR, POSE, LIGHT, LAYOUT, NOISE, COLOR_REFERENCE = range(9)

REST_EULER = (0.5 * math.pi, 0.0, -math.pi / 6)
"""Euler angles before viewpoint noise, rad: the model's Y axis is up, its side faces the camera."""

MEAN_SCALE = 0.8
SCALE_RANGE = (0.1, 1.5)
WARP_RANGE = (0.5, 1.5)
HUE_SHARE = 0.3
"""Share of ``material.color_variation`` that is applied to the hue."""

LIGHT_ANGLE = -0.5
"""Mean angle of the point light from the zenith, rad."""

# Layout of several objects, in units of 1 / LAYOUT_SCALE m.
LAYOUT_STEP = 1.75
LAYOUT_STEP_STD = 0.1  # of the step
LAYOUT_MIN_SPACING = 1.25
LAYOUT_SCALE = 5.0
LAYOUT_HEIGHT_STD_M = 0.05
LAYOUT_OFFSET_M = (0.05, 0.0, 0.05)
LAYOUT_MARGIN = 0.08  # share of the image's side without object centres
NUM_LAYOUT_TRIES = 100
NUM_STEP_TRIES = 20

Vector = tuple[float, ...]


@dataclass(frozen=True)
class ObjectPlan:
    """One object of a sample."""

    class_idx: int
    model_ids: tuple[str, ...]  # candidates in drawn order; the first that loads is used
    euler: Vector  # (3,) XYZ, rad
    scale: Vector  # (3,) factors for a model whose largest side is 0.7 m
    location: Vector  # (3,) of the bounding box's centre, m
    color: Vector  # (3,) scene-linear RGB, 0 to 1


@dataclass(frozen=True)
class SamplePlan:
    """Everything that one sample shows, as plain numbers."""

    idx: int
    bucket: int
    group: int
    objects: tuple[ObjectPlan, ...]
    textures: tuple[str, ...]  # candidates: backdrop, each object, then spares; may be empty
    backdrop_color: Vector  # (3,) scene-linear RGB, 0 to 1
    light_location: Vector  # (3,) of the point light, m
    noise_seed: int  # of the renderer's own sampling


def create_rng(seed: int, stream: int, *key: int) -> np.random.Generator:
    """Random generator of one stream at one index."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, stream, *key])))


def _draw_permutation(rng: np.random.Generator, n: int) -> np.ndarray:
    return np.argsort(rng.random(n), kind="stable")


# --- buckets and groups -----------------------------------------------------------------------


def idx_to_bucket(idx: int, objects: Object) -> int:
    """Bucket of a sample: floor(idx * n_buckets / total_num_samples)."""
    return idx * objects.n_buckets // objects.total_num_samples


def bucket_to_first_idx(bucket: int, objects: Object) -> int:
    """Index of a bucket's first sample; for ``n_buckets``, ``total_num_samples``."""
    return -(-bucket * objects.total_num_samples // objects.n_buckets)


def idx_to_group(idx: int, batch: BatchSettings, objects: Object) -> int:
    """Number of a sample's group, counted from the start of the data set.

    A group is ``cache_obj_frames`` consecutive samples. It ends early at the end of its bucket, so
    that no model appears in two buckets.
    """
    bucket = idx_to_bucket(idx, objects)
    first_idxs = [bucket_to_first_idx(b, objects) for b in range(bucket + 1)]
    num_groups_before = sum(
        -(-(end - start) // batch.cache_obj_frames) for start, end in itertools.pairwise(first_idxs)
    )
    return num_groups_before + (idx - first_idxs[bucket]) // batch.cache_obj_frames


# --- one function for each factor ---------------------------------------------------------------


def draw_classes(seed: int, group: int, sample: Sample) -> list[int]:
    """Class ids of a group's objects, [num_objs].

    If balanced, the classes take turns over all objects of all groups. With several objects, each
    round is shuffled, because neighbours in the list would otherwise always appear together.
    """
    class_list, num_objs = sample.class_list, sample.num_objs
    if not sample.balanced:
        choices = create_rng(seed, CLASS, group).random(num_objs) * len(class_list)
        return [class_list[int(c)] for c in choices]
    classes = []
    for turn in range(group * num_objs, (group + 1) * num_objs):
        round_idx, place = divmod(turn, len(class_list))
        if num_objs > 1:
            place = _draw_permutation(create_rng(seed, CLASS, round_idx), len(class_list))[place]
        classes.append(class_list[place])
    return classes


def draw_model_order(seed: int, group: int, obj_idx: int, model_ids: tuple[str, ...]) -> list[str]:
    """All models of a bucket, in the order in which they are tried for one object."""
    order = _draw_permutation(create_rng(seed, MODEL, group, obj_idx), len(model_ids))
    return [model_ids[i] for i in order]


def draw_textures(seed: int, idx: int, textures: tuple[str, ...]) -> tuple[str, ...]:
    """All textures in the order in which they are tried, each once."""
    return tuple(
        textures[i] for i in _draw_permutation(create_rng(seed, TEXTURE, idx), len(textures))
    )


def draw_poses(
    seed: int, idx: int, num_objs: int, objects: Object
) -> tuple[np.ndarray, np.ndarray]:
    """Euler angles (num_objs, 3) in rad, and scale factors (num_objs, 3)."""
    normals = create_rng(seed, POSE, idx).standard_normal((num_objs, 7))
    scale = np.clip(MEAN_SCALE + objects.random_scaling * normals[:, :1], *SCALE_RANGE)
    warp = normals[:, 1:4] - normals[:, 1:4].mean(axis=1, keepdims=True)  # keeps the overall size
    warp = np.clip(1 + objects.random_warp * warp, *WARP_RANGE)
    return np.array(REST_EULER) + objects.random_viewpoint * normals[:, 4:], scale * warp


def draw_color_reference(seed: int, num_classes: int, num_modes: int) -> np.ndarray:
    """Reference colours of the classes: (num_classes, num_modes, 3) HSV, each 0 to 1.

    Adding modes or classes does not change the colours that exist already.
    """
    return np.stack(
        [create_rng(seed, COLOR_REFERENCE, c).random((num_modes, 3)) for c in range(num_classes)]
    )


def draw_colors(
    seed: int, idx: int, class_idxs: list[int], color_reference: np.ndarray, material: Material
) -> tuple[np.ndarray, np.ndarray]:
    """Colours of the objects (num_objs, 3) and of the backdrop (3,), scene-linear RGB, 0 to 1.

    With ``use_color_ref`` an object's HSV is the reference of its class (h, 0.8 s + 0.2,
    0.4 v + 0.6) plus noise; the hue wraps around, s and v are clipped. Otherwise RGB is uniform.
    """
    rng = create_rng(seed, COLOR, idx)
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


def draw_light(seed: int, idx: int, lighting: Lighting, scene: Scene) -> Vector:
    """Location of the point light, (3,) in m, on an arc in the plane x = 0."""
    angle = LIGHT_ANGLE + lighting.r * create_rng(seed, LIGHT, idx).standard_normal()
    return (0.0, scene.light_distance * math.sin(angle), scene.light_distance * math.cos(angle))


def draw_noise_seed(seed: int, idx: int) -> int:
    """Seed for the renderer's own sampling, 0 to 2^31 - 1."""
    return int(create_rng(seed, NOISE, idx).random() * 2**31)


# --- layout -------------------------------------------------------------------------------------


def draw_layout(seed: int, idx: int, num_objs: int, scene: Scene) -> np.ndarray:
    """Locations of the objects, (num_objs, 3) in m. A single object is at the origin.

    Several objects form a chain on the ground: each is about 1.75 units from the one before it and
    at least 1.25 units from all others; 5 units are 1 m. Up to 100 chains are drawn, and the first
    with all centres in view is used. If there is none, the one closest to that is used.
    """
    if num_objs == 1:
        return np.zeros((1, 3))
    rng = create_rng(seed, LAYOUT, idx)
    best, least_distance = np.zeros((num_objs, 3)), math.inf
    for _ in range(NUM_LAYOUT_TRIES):
        chain = _draw_chain(rng, num_objs)
        chain = (chain - chain.mean(axis=0))[_draw_permutation(rng, num_objs)] / LAYOUT_SCALE
        heights_m = rng.standard_normal((num_objs, 1)) * LAYOUT_HEIGHT_STD_M
        locations_m = np.hstack([chain, heights_m]) + LAYOUT_OFFSET_M
        distance = _distance_out_of_view(locations_m, scene)
        if distance < least_distance:
            best, least_distance = locations_m, distance
        if distance <= 0:
            break
    return best


def _draw_chain(rng: np.random.Generator, num_objs: int) -> np.ndarray:
    points = np.zeros((1, 2))
    while len(points) < num_objs:
        for _ in range(NUM_STEP_TRIES):
            angle = 2 * math.pi * rng.random()
            step = LAYOUT_STEP * (1 + LAYOUT_STEP_STD * rng.standard_normal())
            point = points[-1] + step * np.array([math.cos(angle), math.sin(angle)])
            if np.linalg.norm(points - point, axis=1).min() >= LAYOUT_MIN_SPACING:
                points = np.vstack([points, point])
                break
        else:
            points = np.zeros((1, 2))  # no free place left: start over
    return points


def _distance_out_of_view(locations_m: np.ndarray, scene: Scene) -> float:
    """Largest distance of a centre outside the allowed area, in image sides; <= 0: all inside."""
    positions, depth_m = project(
        locations_m, scene_to_intrinsics(scene, 1), scene_to_world_to_camera(scene)
    )
    if depth_m.min() <= 0.1:
        return math.inf
    return float(np.abs(positions - 0.5).max() - (0.5 - LAYOUT_MARGIN))


# --- the whole sample -----------------------------------------------------------------------------


def draw_sample(settings: Settings, catalog: Catalog, idx: int) -> SamplePlan:
    """Draws sample ``idx``.

    Args:
        settings: of the data set; ``batch.idx_offset`` and ``num_samples`` are not used.
        catalog: the models and textures to draw from.
        idx: 0 to ``object.total_num_samples`` - 1.
    """
    seed, num_objs = settings.batch.seed, settings.sample.num_objs
    bucket = idx_to_bucket(idx, settings.object)
    group = idx_to_group(idx, settings.batch, settings.object)

    class_idxs = draw_classes(seed, group, settings.sample)
    euler, scale = draw_poses(seed, idx, num_objs, settings.object)
    locations_m = draw_layout(seed, idx, num_objs, settings.scene)
    color_reference = draw_color_reference(
        seed, len(settings.sample.classes), settings.material.num_modes
    )
    colors, backdrop_color = draw_colors(seed, idx, class_idxs, color_reference, settings.material)
    objects = [
        ObjectPlan(
            class_idx=class_idx,
            model_ids=tuple(
                draw_model_order(seed, group, k, catalog.bucket_models(class_idx, bucket))
            ),
            euler=_vector(euler[k]),
            scale=_vector(scale[k]),
            location=_vector(locations_m[k]),
            color=_vector(colors[k]),
        )
        for k, class_idx in enumerate(class_idxs)
    ]
    use_texture = settings.material.use_texture
    return SamplePlan(
        idx=idx,
        bucket=bucket,
        group=group,
        objects=tuple(objects),
        textures=draw_textures(seed, idx, catalog.textures) if use_texture else (),
        backdrop_color=_vector(backdrop_color),
        light_location=draw_light(seed, idx, settings.lighting, settings.scene),
        noise_seed=draw_noise_seed(seed, idx),
    )


def _vector(values: np.ndarray) -> Vector:
    return tuple(float(v) for v in values)
