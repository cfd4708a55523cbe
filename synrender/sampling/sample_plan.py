"""Draws samples: (settings, catalog, seed, index) -> `SamplePlan`. Pure: no bpy, no disk writes.

A design decides the levels of some factors (`designs`); all others are drawn, each from a stream of
its own (`draws`). Choices of a group (class, model) are keyed by the group's number, those of a
frame by the index of its base, which is the sample's own without a design.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np

from synrender.assets.catalog import Catalog
from synrender.sampling.asset_choice import AssetChoice
from synrender.sampling.camera import move_camera
from synrender.sampling.designs import Cell, Rules, assign, create_rules
from synrender.sampling.draws import (
    OFFSETS,
    REST_EULER,
    Key,
    draw_classes,
    draw_color_reference,
    draw_colors,
    draw_layout,
    draw_light_angle,
    draw_model_order,
    draw_noise_seed,
    draw_pose,
    draw_textures,
    find_light_location,
)
from synrender.sampling.levels import (
    Levels,
    count_levels,
    find_levels,
    find_narrowest_scene,
    order_for_levels,
)
from synrender.settings.factor_table import COLUMNS, VIEWPOINT, find_columns
from synrender.settings.groups import BatchSettings, Object, Scene, Settings
from synrender.settings.load import MIN_TRAINING_SAMPLES

NUM_SHARES = 12
"""Parts of a data set that training code reckons with: 10 train, 1 validates, 1 tests."""

Vector = tuple[float, ...]


@dataclass(frozen=True)
class ObjectPlan:
    """One object of a sample."""

    class_idx: int
    model: AssetChoice  # of model ids
    texture: AssetChoice
    euler: Vector  # (3,) XYZ, rad
    scale: Vector  # (3,) factors for a model whose largest side is 0.7 m
    location: Vector  # (3,) of the bounding box's centre, m
    color: Vector  # (3,) scene-linear RGB, 0 to 1
    factor_values: Vector  # one for each of `COLUMNS`; NaN for model and textures
    factor_levels: tuple[int, ...]  # likewise; -1: drawn freely


@dataclass(frozen=True)
class SamplePlan:
    """Everything that one sample shows, as plain numbers."""

    idx: int
    bucket: int
    group: int
    base: int  # what all but the varied factor is drawn from
    varied: str  # factor in which samples of one base differ; "" if none
    objects: tuple[ObjectPlan, ...]
    backdrop_texture: AssetChoice
    backdrop_color: Vector  # (3,) scene-linear RGB, 0 to 1
    light_location: Vector  # (3,) of the point light, m
    scene: Scene  # with this sample's camera and light
    noise_seed: int  # of the renderer's own sampling


# --- buckets and groups -----------------------------------------------------------------------


def idx_to_bucket(idx: int, objects: Object) -> int:
    """Bucket of a sample: floor(idx * n_buckets / total_num_samples)."""
    return idx * objects.n_buckets // objects.total_num_samples


def bucket_to_first_idx(bucket: int, objects: Object) -> int:
    """Index of a bucket's first sample; for ``n_buckets``, ``total_num_samples``."""
    return -(-bucket * objects.total_num_samples // objects.n_buckets)


def describe_uneven_splits(num_samples: int) -> str | None:
    """One line about a data set that `NUM_SHARES` does not divide; None if it does."""
    share, rest = divmod(num_samples, NUM_SHARES)
    if not rest:
        return None
    sizes = [n * NUM_SHARES for n in (share, share + 1) if n]
    return (
        f"{num_samples} samples cannot be divided by {NUM_SHARES}: the training code of 2020 takes "
        f"the last {NUM_SHARES}ths by n // {NUM_SHARES} rows and so mixes validation and test; "
        f"take {' or '.join(map(str, sizes))} samples, or go by split_ends of the HDF5 files"
    )


def describe_size(settings: Settings, is_begun: bool) -> str | None:
    """One line about the size of a data set, where it may not be what was meant; else None.

    That is: a run that is no trial fills a part of one bucket, or the size of a new data set is
    that of its first run, since nothing names it.
    """
    batch, objects = settings.batch, settings.object
    num_samples = batch.num_samples
    if num_samples < MIN_TRAINING_SAMPLES or batch.idx_offset:
        return None
    is_named = "object.total_num_samples" in settings.named
    if num_samples == objects.total_num_samples and not is_named and not is_begun:
        return (
            f"The whole data set will have these {num_samples} samples; if more will follow, set "
            "object.total_num_samples now, because each sample's models depend on it"
        )
    if idx_to_bucket(num_samples - 1, objects) or objects.n_buckets == 1:
        return None
    start_again = ", and --overwrite or another --dataset_name" if is_begun else ""
    return (
        f"{num_samples} of {objects.total_num_samples} samples lie in the first of "
        f"{objects.n_buckets} buckets, so that training, validation and test will share models; "
        f"for a whole data set of {num_samples} add "
        f'-p "object.total_num_samples = {num_samples}"{start_again}'
    )


def idx_to_group(idx: int, batch: BatchSettings, objects: Object) -> int:
    """Number of a sample's group, counted from the start of the data set.

    A group is ``cache_obj_frames`` consecutive samples. It ends early at the end of its bucket, so
    that no model appears in two buckets.
    """
    bucket = idx_to_bucket(idx, objects)
    first = bucket_to_first_idx(bucket, objects)
    # The buckets before hold `size` samples, or one more.
    size = objects.total_num_samples // objects.n_buckets
    num_larger = first - bucket * size
    num_groups_before = (bucket - num_larger) * -(-size // batch.cache_obj_frames)
    num_groups_before += num_larger * -(-(size + 1) // batch.cache_obj_frames)
    return num_groups_before + (idx - first) // batch.cache_obj_frames


# --- the design -----------------------------------------------------------------------------------


def find_rules(settings: Settings) -> Rules:
    """The design of a data set, checked; see `synrender.sampling.designs.create_rules`."""
    return create_rules(
        settings.design, count_levels(settings), settings.batch.seed, settings.object
    )


def find_group(settings: Settings, cell: Cell, idx: int) -> int:
    """Number of the group that decides a sample's classes and models.

    Samples of one base are a group. Where a design chooses classes or models, each sample is one.
    """
    kinds = settings.design.kind
    if "twins" in kinds or "one_at_a_time" in kinds:
        return cell.base
    if "class" in cell.levels or "model" in cell.levels:
        return idx
    return idx_to_group(idx, settings.batch, settings.object)


class _Choices:
    """What a design says of one sample: levels, fixed values, and the keys of what is drawn."""

    def __init__(self, settings: Settings, catalog: Catalog, cell: Cell) -> None:
        self._settings, self._catalog, self.cell = settings, catalog, cell
        self._levels: dict[str, Levels] = {}
        for name in cell.levels:
            value = settings.design.levels[name]
            self._levels[name] = find_levels(name, value, settings, catalog)
        self._fixed = {
            name: find_levels(name, (value,), settings, catalog)
            for name, value in settings.design.fixed.items()
        }

    def key(self, name: str) -> Key:
        """Key of a factor's own draw: another one for a twin that differs in it."""
        if self.cell.member and self.cell.is_varied(name):
            return self.cell.base, self.cell.member
        return (self.cell.base,)

    def member(self, name: str) -> int:
        """Place in its block of a sample that differs in this factor; 0 for all others."""
        return self.cell.member if self.cell.is_varied(name) else 0

    def value(self, name: str) -> Vector | None:
        """Value of a factor that is not drawn: of its level, or fixed."""
        if name in VIEWPOINT and (whole := self.value("viewpoint")) is not None:
            return whole[VIEWPOINT.index(name) :][:1]
        if name in self._levels:
            return self._levels[name].values[self.cell.levels[name]]
        if name in self._fixed:
            return self._fixed[name].values[0]
        return None

    def texture(self, name: str, place: int, order: tuple[str, ...]) -> AssetChoice:
        """What decides a texture: its level, a fixed name, or what was drawn.

        Args:
            name: of the factor.
            place: 0 for the backdrop, 1 for the first object and so on.
            order: all textures, in the order that was drawn for the sample.
        """
        if name in self._fixed:
            return AssetChoice(self._fixed[name].names)
        if name in self._levels:
            levels, level = self._levels[name], self.cell.levels[name]
            if not isinstance(self._settings.design.levels[name], int):
                return AssetChoice((levels.names[level],))
            textures, seed = self._catalog.textures, self._settings.batch.seed
            return AssetChoice(order_for_levels(name, (), textures, seed), level, len(levels))
        num_shown = self._settings.sample.num_objs + 1
        num_samples = self._count_drawn_twins({"texture", "backdrop_texture"})
        return AssetChoice(order, place + self.member(name) * num_shown, num_samples * num_shown)

    def model(self, class_idx: int, bucket: int, order: tuple[str, ...]) -> AssetChoice:
        """What decides a model: its level, or what was drawn."""
        if "model" in self._levels:
            models, seed = self._catalog.bucket_models(class_idx, bucket), self._settings.batch.seed
            order = order_for_levels("model", (class_idx, bucket), models, seed)
            return AssetChoice(order, self.cell.levels["model"], len(self._levels["model"]))
        return AssetChoice(order, self.member("model"), self._count_drawn_twins({"model"}))

    def _count_drawn_twins(self, names: set[str]) -> int:
        """Twins that differ in one of these factors and have no levels of it; 1: there are none."""
        is_drawn = self.cell.varied in names - self._levels.keys()
        return self._settings.design.twin_size if is_drawn else 1

    def factor_levels(self) -> tuple[int, ...]:
        """Index of the level of each column; -1: drawn freely, or fixed."""
        levels = [-1] * len(COLUMNS)
        for name, level in self.cell.levels.items():
            for column in find_columns(name):
                levels[column] = level
        return tuple(levels)


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
    cell = assign(find_rules(settings), idx, bucket)
    choices = _Choices(settings, catalog, cell)
    group = find_group(settings, cell, idx)
    class_idxs = _draw_class_idxs(settings, choices, group)
    models = [
        choices.model(
            class_idx,
            bucket,
            draw_model_order(seed, group, k, catalog.bucket_models(class_idx, bucket)),
        )
        for k, class_idx in enumerate(class_idxs)
    ]
    scale, warp, offset = _draw_pose(settings, choices)
    locations_m = _draw_locations(settings, choices)
    colors, backdrop_color = _draw_colors(settings, choices, class_idxs)
    backdrop_texture, *textures = _draw_textures(settings, choices, catalog)
    light_angle = _draw_light_angle(settings, choices)
    scene, camera_distance = _find_scene(settings.scene, choices)
    num_shown = int((choices.value("num_objs") or (num_objs,))[0])
    levels = choices.factor_levels()
    objects = []
    for k in range(num_shown):
        values = {
            "class": [class_idxs[k]],
            "color": colors[k],
            "scale": [scale[k]],
            **{name: [offset[k, i]] for i, name in enumerate(OFFSETS)},
            "warp": warp[k],
            "light_angle": [light_angle],
            "light_energy": [scene.light_energy],
            "backdrop_color": backdrop_color,
            "layout": locations_m[k],
            "num_objs": [num_shown],
            "camera_distance": [camera_distance],
            "camera_lens": [scene.camera_lens],
        }
        objects.append(
            ObjectPlan(
                class_idx=class_idxs[k],
                model=models[k],
                texture=textures[k],
                euler=_vector(np.array(REST_EULER) + offset[k]),
                scale=_vector(scale[k] * warp[k]),
                location=_vector(locations_m[k]),
                color=_vector(colors[k]),
                factor_values=_to_columns(values),
                factor_levels=levels,
            )
        )
    return SamplePlan(
        idx=idx,
        bucket=bucket,
        group=group,
        base=cell.base,
        varied=cell.varied,
        objects=tuple(objects),
        backdrop_texture=backdrop_texture,
        backdrop_color=_vector(backdrop_color),
        light_location=find_light_location(light_angle, settings.scene),
        scene=scene,
        noise_seed=draw_noise_seed(seed, cell.base),
    )


def _draw_class_idxs(settings: Settings, choices: _Choices, group: int) -> list[int]:
    sample = settings.sample
    if (value := choices.value("class")) is not None:
        return [int(value[0])] * sample.num_objs
    class_idxs = draw_classes(settings.batch.seed, group, sample)
    if step := choices.member("class"):  # twins that differ in their class
        places = [sample.class_list.index(c) + step for c in class_idxs]
        class_idxs = [sample.class_list[place % len(sample.class_list)] for place in places]
    return class_idxs


def _draw_pose(settings: Settings, choices: _Choices) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scale (num_objs,), warp (num_objs, 3) and offsets from the pose at rest (num_objs, 3)."""
    num_objs = settings.sample.num_objs

    def draw(name: str) -> dict[str, np.ndarray]:
        ranges = choices.cell.ranges
        pose = draw_pose(settings.batch.seed, choices.key(name), num_objs, settings.object, ranges)
        offsets = {part: pose.offset[:, i] for i, part in enumerate(OFFSETS)}
        return {"scale": pose.scale, "warp": pose.warp, **offsets}

    parts = draw("")
    for name in parts:
        if (value := choices.value(name)) is not None:
            parts[name] = np.broadcast_to(value if name == "warp" else value[0], parts[name].shape)
        elif choices.member(name):
            parts[name] = draw(name)[name]
    return parts["scale"], parts["warp"], np.stack([parts[name] for name in OFFSETS], axis=1)


def _draw_locations(settings: Settings, choices: _Choices) -> np.ndarray:
    num_objs = settings.sample.num_objs
    if (value := choices.value("layout")) is not None:
        return np.array(value).reshape(num_objs, 3)
    scene = find_narrowest_scene(settings)
    return draw_layout(settings.batch.seed, choices.key("layout"), num_objs, scene)


def _draw_colors(
    settings: Settings, choices: _Choices, class_idxs: list[int]
) -> tuple[np.ndarray, np.ndarray]:
    seed, material = settings.batch.seed, settings.material
    reference = draw_color_reference(seed, len(settings.sample.classes), material.num_modes)

    def draw(name: str) -> tuple[np.ndarray, np.ndarray]:
        return draw_colors(seed, choices.key(name), class_idxs, reference, material)

    colors, backdrop = draw("color")[0], draw("backdrop_color")[1]
    if (value := choices.value("color")) is not None:
        colors = np.broadcast_to(value, colors.shape)
    if (value := choices.value("backdrop_color")) is not None:
        backdrop = np.array(value)
    return colors, backdrop


def _draw_textures(settings: Settings, choices: _Choices, catalog: Catalog) -> list[AssetChoice]:
    """What decides the textures of the backdrop and of each object."""
    num_objs = settings.sample.num_objs
    if not settings.material.use_texture:
        return [AssetChoice()] * (num_objs + 1)
    order = draw_textures(settings.batch.seed, (choices.cell.base,), catalog.textures)
    names = ["backdrop_texture", *["texture"] * num_objs]
    return [choices.texture(name, place, order) for place, name in enumerate(names)]


def _draw_light_angle(settings: Settings, choices: _Choices) -> float:
    if (value := choices.value("light_angle")) is not None:
        return value[0]
    bounds = choices.cell.ranges.get("light_angle")
    return draw_light_angle(
        settings.batch.seed, choices.key("light_angle"), settings.lighting, bounds
    )


def _find_scene(scene: Scene, choices: _Choices) -> tuple[Scene, float]:
    """The scene with this sample's camera and light, and the camera's distance in m."""
    for name in ("light_energy", "camera_lens"):
        if (value := choices.value(name)) is not None:
            scene = dataclasses.replace(scene, **{name: value[0]})
    distance = choices.value("camera_distance")
    if distance is None:
        return scene, math.dist(scene.camera_location, (0, 0, 0))
    return move_camera(scene, distance[0]), distance[0]


def _to_columns(values: dict[str, object]) -> Vector:
    columns = np.full(len(COLUMNS), np.nan)
    for name, value in values.items():
        columns[list(find_columns(name))] = value
    # One and the same NaN, so that equal plans compare equal.
    return tuple(math.nan if math.isnan(v) else float(v) for v in columns)


def _vector(values: np.ndarray) -> Vector:
    return tuple(float(v) for v in values)
