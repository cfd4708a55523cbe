"""Draws samples: (settings, catalog, seed, index) -> `SamplePlan`. Pure: no bpy, no disk writes.

A design decides the levels of some factors (`designs`); all others are drawn, each from a stream of
its own (`draws`). Choices of a group (class, model) are keyed by the group's number, those of a
frame by the index of its base, which is the sample's own without a design.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from synrender.assets.catalog import Catalog
from synrender.sampling.camera import ORBIT, find_orbit, is_orbited, move_camera, orbit_camera
from synrender.sampling.designs import Rules, assign, create_rules
from synrender.sampling.designs.kind import Assignment, Given
from synrender.sampling.distributions import (
    draw_weighted_class,
    draw_weighted_order,
    find_class_weights,
    find_distributions,
)
from synrender.sampling.draws import (
    OFFSETS,
    REST_EULER,
    draw_classes,
    draw_factors,
    draw_model_order,
    draw_noise_seed,
    draw_textures,
    draw_turn,
    set_columns,
)
from synrender.sampling.levels import (
    ASSETS,
    Decided,
    count_levels,
    find_decided,
    find_narrowest_scene,
    order_for_levels,
)
from synrender.sampling.lights import (
    LightsPlan,
    angle_to_location,
    direction_to_location,
    draw_other_lights,
)
from synrender.sampling.motion import Moment, move_factors
from synrender.settings.factor_table import BACKDROPS, COLUMNS, find_columns
from synrender.settings.groups import BatchSettings, Object, Scene, Settings, is_standing
from synrender.settings.load import MIN_TRAINING_SAMPLES

NUM_SHARES = 12
"""Parts of a data set for training code: 10 to train, 1 to validate, 1 to test."""

Vector = tuple[float, ...]


@dataclass(frozen=True)
class AssetChoice:
    """One of several places that are filled from the same candidates, each with another one.

    Such places are the backdrop and the objects of a sample, the levels of a factor, and twins.
    What a place shows depends on the candidates that can be used, and on nothing else: not on the
    order in which samples are rendered, and not on what other factors do.
    """

    candidates: tuple[str, ...] = ()  # in the order in which they are tried; none: nothing is shown
    place: int = 0
    num_places: int = 1  # at most as many as candidates

    @property
    def first(self) -> str:
        """What is shown if it can be used."""
        return self.candidates[self.place]

    def find(self, is_usable: Callable[[str], bool]) -> str | None:
        """The candidate that is shown; None if there are not enough.

        Every ``num_places``-th candidate belongs to a place, and the first usable one of them is
        shown. Places that have none left share out what the other places do not show.
        """
        if (own := self._find_own(self.place, is_usable)) is not None:
            return own
        shown = [self._find_own(place, is_usable) for place in range(self.num_places)]
        num_before = shown[: self.place].count(None)
        others = (c for c in self.candidates if c not in shown and is_usable(c))
        return next(itertools.islice(others, num_before, None), None)

    def _find_own(self, place: int, is_usable: Callable[[str], bool]) -> str | None:
        return next(filter(is_usable, self.candidates[place :: self.num_places]), None)


@dataclass(frozen=True)
class SurfacePlan:
    """How a surface reflects light, apart from its color."""

    roughness: float | None  # 0 to 1; None: as the files of the material say
    metallic: float | None  # likewise


@dataclass(frozen=True)
class EnvironmentPlan:
    """The image around the scene."""

    image: AssetChoice  # of environments; none: a dim gray world
    rotation: float  # about the vertical axis, rad
    energy: float  # what its light is multiplied by


@dataclass(frozen=True)
class ObjectPlan:
    """One object of a sample."""

    class_idx: int
    model: AssetChoice  # of model ids
    texture: AssetChoice
    euler: Vector  # (3,) XYZ, rad
    scale: Vector  # (3,) factors for a model whose largest side is 0.7 m, or of its own size
    location: Vector  # (3,) of the bounding box's center, m; see `SamplePlan.is_standing`
    color: Vector  # (3,) scene-linear RGB, 0 to 1
    surface: SurfacePlan
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
    backdrop_surface: SurfacePlan
    backdrop: str  # one of BACKDROPS
    light_location: Vector  # (3,) of the first light, m
    lights: LightsPlan
    environment: EnvironmentPlan
    scene: Scene  # with this sample's camera and light
    is_standing: bool  # on the ground: z of a location is the height of the lowest point above it
    fstop: float | None  # of the camera; None: all is in focus
    exposure: float  # of a PNG, stops
    noise_seed: int  # of the renderer's own sampling


def stand_up(plan: SamplePlan, have_z_up: Sequence[bool]) -> SamplePlan:
    """The plan for the models that were chosen.

    Args:
        plan: of a sample, with Euler angles for models whose Y axis is up.
        have_z_up: for each object, whether the Z axis of its model's file is up. It stands as if
            its vertices (x, y, z) were (x, z, -y); its angles turn it as it is in the file.
    """
    if not any(have_z_up):
        return plan
    objects = (
        dataclasses.replace(o, euler=(o.euler[0] - REST_EULER[0], *o.euler[1:])) if has_z_up else o
        for o, has_z_up in zip(plan.objects, have_z_up, strict=True)
    )
    return dataclasses.replace(plan, objects=tuple(objects))


def set_down(plan: SamplePlan, depths_m: Sequence[float]) -> SamplePlan:
    """The plan with objects where they stand on the ground, once their models are known.

    Of each object that is how far its lowest point is below its center.
    """
    ground_m = plan.scene.ground_height
    objects = (
        dataclasses.replace(o, location=(*o.location[:2], ground_m + o.location[2] + depth_m))
        for o, depth_m in zip(plan.objects, depths_m, strict=True)
    )
    return dataclasses.replace(plan, objects=tuple(objects), is_standing=False)


# --- buckets and groups -----------------------------------------------------------------------


def idx_to_bucket(idx: int, objects: Object) -> int:
    """Bucket of a sample: floor(idx * n_buckets / total_num_samples)."""
    return idx * objects.n_buckets // objects.total_num_samples


def bucket_to_first_idx(bucket: int, objects: Object) -> int:
    """Index of a bucket's first sample; for ``n_buckets``, ``total_num_samples``."""
    return -(-bucket * objects.total_num_samples // objects.n_buckets)


def find_split_sizes(split_buckets: Sequence[int], objects: Object) -> list[int]:
    """Samples of training, validation and test, by their numbers of buckets."""
    ends = itertools.accumulate(split_buckets, initial=0)
    firsts = [bucket_to_first_idx(end, objects) for end in ends]
    return [last - first for first, last in itertools.pairwise(firsts)]


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
    """One line about the size of a data set, if the user may have meant another; else None.

    There are two cases: a run that is no trial fills only a part of one bucket, or a new data set
    has the size of its first run because nothing else sets it.
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
    design, num_levels, seed = settings.design, count_levels(settings), settings.batch.seed
    return create_rules(Given(design, num_levels, seed, settings.object, settings.lighting))


def find_group(settings: Settings, assigned: Assignment, idx: int) -> int:
    """Number of the group that decides a sample's classes and models.

    Samples of one base are a group. Where a design chooses classes or models, each sample is one.
    """
    kinds = settings.design.kind
    if {"twins", "one_at_a_time", "sequence"} & set(kinds):
        return assigned.base
    if "class" in assigned.levels or "model" in assigned.levels:
        return idx
    return idx_to_group(idx, settings.batch, settings.object)


# --- the whole sample -----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Start:
    """What a sample is drawn from."""

    bucket: int
    group: int
    assigned: Assignment
    decided: dict[str, Decided]  # by factor: what the design decides
    turns: tuple[tuple[int, str], ...]  # class and model of each object; (): they are drawn


def draw_sample(settings: Settings, catalog: Catalog, idx: int) -> SamplePlan:
    """Draws sample ``idx``.

    Args:
        settings: of the data set; ``batch.idx_offset`` and ``num_samples`` are not used.
        catalog: the models and textures to draw from.
        idx: 0 to ``object.total_num_samples`` - 1.
    """
    bucket = idx_to_bucket(idx, settings.object)
    assigned = assign(find_rules(settings), idx, bucket)
    group = find_group(settings, assigned, idx)
    turns = _find_turns(settings, catalog, bucket, group)
    start = _Start(bucket, group, assigned, find_decided(settings, catalog, assigned), turns)
    class_idxs = _draw_class_idxs(settings, start)
    rows = _draw_values(settings, start, class_idxs)
    models = _choose_models(settings, catalog, start, class_idxs)
    backdrop_texture, *textures = _choose_textures(settings, catalog, start)
    levels = _find_factor_levels(assigned)
    objects = (
        _create_object(*parts, levels) for parts in zip(rows, models, textures, strict=False)
    )
    first = _Row(rows[0])
    return SamplePlan(
        idx=idx,
        bucket=bucket,
        group=group,
        base=assigned.base,
        varied=assigned.varied,
        objects=tuple(objects),
        backdrop_texture=backdrop_texture,
        backdrop_color=first.vector("backdrop_color"),
        backdrop_surface=SurfacePlan(
            first.known("backdrop_roughness"), first.known("backdrop_metallic")
        ),
        backdrop=BACKDROPS[int(first.number("backdrop"))],
        light_location=_find_light_location(first, settings.scene),
        lights=_find_lights(first, settings, assigned.base),
        environment=_find_environment(first, _choose_environment(settings, catalog, start)),
        scene=_find_scene(settings.scene, first),
        is_standing=is_standing(settings),
        fstop=first.known("camera_fstop"),
        exposure=first.number("exposure"),
        noise_seed=draw_noise_seed(settings.batch.seed, assigned.base),
    )


def _find_turns(
    settings: Settings, catalog: Catalog, bucket: int, group: int
) -> tuple[tuple[int, str], ...]:
    """Class and model of each object of a group where all models of its bucket take turns."""
    sample = settings.sample
    if not sample.every_model:
        return ()
    first_idx = bucket_to_first_idx(bucket, settings.object)
    first_group = find_group(settings, assign(find_rules(settings), first_idx, bucket), first_idx)
    models = {c: catalog.bucket_models(c, bucket) for c in sample.class_list}
    first = (group - first_group) * sample.num_objs
    turns = range(first, first + sample.num_objs)
    return tuple(draw_turn((settings.batch.seed, bucket, turn), models) for turn in turns)


def _draw_class_idxs(settings: Settings, start: _Start) -> list[int]:
    """Classes of the objects, [num_objs]."""
    sample = settings.sample
    if start.turns:
        return [class_idx for class_idx, _ in start.turns]
    if "class" in start.decided:
        return [int(start.decided["class"].value[0])] * sample.num_objs
    weights = find_class_weights(settings)
    if weights is not None:
        places = draw_weighted_class(settings.batch.seed, start.group, sample.num_objs, weights)
        return [sample.class_list[place] for place in places]
    class_idxs = draw_classes(settings.batch.seed, start.group, sample)
    if step := start.assigned.member_of("class"):  # twins that differ in their class
        places = [sample.class_list.index(c) + step for c in class_idxs]
        class_idxs = [sample.class_list[place % len(sample.class_list)] for place in places]
    return class_idxs


def _draw_values(settings: Settings, start: _Start, class_idxs: list[int]) -> np.ndarray:
    """Values of the factors that are numbers: drawn, of a twin, or what the design decides.

    Returns:
        (number of objects shown, len(COLUMNS)) float64; NaN for the model and the textures.
    """
    assigned, scene = start.assigned, find_narrowest_scene(settings)

    def draw(*key: int) -> np.ndarray:
        return draw_factors(settings, (assigned.base, *key), class_idxs, scene, assigned.ranges)

    values = draw()
    if assigned.member:
        columns = find_columns(assigned.varied)
        values[:, columns] = draw(assigned.member)[:, columns]
    if "sequence" in settings.design.kind:
        move_factors(values, settings, Moment(assigned.base, assigned.step), draw)
    for name, decided in start.decided.items():
        if name not in ASSETS:
            set_columns(values, name, decided.value)
    if is_orbited(settings.design):
        for name, angle in zip(ORBIT, find_orbit(settings.scene), strict=True):
            (column,) = find_columns(name)
            values[np.isnan(values[:, column]), column] = angle
    return values[: int(_Row(values[0]).number("num_objs"))]


def _choose_models(
    settings: Settings, catalog: Catalog, start: _Start, class_idxs: list[int]
) -> list[AssetChoice]:
    """What decides the model of each object: its level, or what was drawn."""
    seed, assigned, decided = settings.batch.seed, start.assigned, start.decided.get("model")
    num_twins = _count_drawn_twins(settings, assigned, "model")
    choices = []
    for k, class_idx in enumerate(class_idxs):
        models = catalog.bucket_models(class_idx, start.bucket)
        if decided:
            order = order_for_levels("model", (class_idx, start.bucket), models, seed)
            choices.append(AssetChoice(order, decided.level, len(decided.levels)))
        else:
            order = draw_model_order(seed, start.group, k, models)
            if start.turns:
                own = start.turns[k][1]
                order = (own, *(model for model in order if model != own))
            choices.append(AssetChoice(order, assigned.member_of("model"), num_twins))
    return choices


def _choose_textures(settings: Settings, catalog: Catalog, start: _Start) -> list[AssetChoice]:
    """What decides the textures of the backdrop and of each object: the design, or what was drawn.

    Objects with materials of their own show none; the backdrop shows the same one as without.
    """
    num, material, assigned = settings.sample.num_objs, settings.material, start.assigned
    if not material.use_texture:
        return [AssetChoice()] * (1 + num)
    drawn = draw_textures(settings.batch.seed, (assigned.base,), catalog.textures)
    num_twins = _count_drawn_twins(settings, assigned, "texture", "backdrop_texture")

    def draw(name: str, place: int) -> AssetChoice:
        place += assigned.member_of(name) * (1 + num)
        return AssetChoice(drawn, place, num_twins * (1 + num))

    backdrop = _choose_files(settings, start, "backdrop_texture", catalog.textures, 1)
    objects = _choose_files(settings, start, "texture", catalog.textures, num)
    if material.source == "own":
        objects = [AssetChoice()] * num
    return [
        *(backdrop or [draw("backdrop_texture", 0)]),
        *(objects or [draw("texture", place) for place in range(1, 1 + num)]),
    ]


def _choose_environment(settings: Settings, catalog: Catalog, start: _Start) -> AssetChoice:
    """What decides the environment; nothing if no design names one."""
    chosen = _choose_files(settings, start, "environment", catalog.environments, 1)
    return chosen[0] if chosen else AssetChoice()


def _choose_files(
    settings: Settings, start: _Start, name: str, items: tuple[str, ...], num: int
) -> list[AssetChoice]:
    """What the design decides of a factor's files at ``num`` places; [] if it does not name it."""
    seed, assigned, decided = settings.batch.seed, start.assigned, start.decided.get(name)
    if decided is not None:
        order, places = (decided.levels.names[decided.level],), (0, 1)
        if decided.levels.are_drawn:
            order = order_for_levels(name, (), items, seed)
            places = decided.level, len(decided.levels)
        return [AssetChoice(order, *places)] * num
    own = find_distributions(settings.design).get(name)
    if own is None:
        return []
    places = assigned.member_of(name), _count_drawn_twins(settings, assigned, name)
    orders = draw_weighted_order(seed, name, (assigned.base,), own, num)
    return [AssetChoice(order, *places) for order in orders]


def _count_drawn_twins(settings: Settings, assigned: Assignment, *names: str) -> int:
    """Twins that differ in one of these factors and have no levels of it; 1: there are none."""
    is_drawn = assigned.varied in names and assigned.varied not in assigned.levels
    return settings.design.twin_size if is_drawn else 1


def _create_object(
    row: np.ndarray, model: AssetChoice, texture: AssetChoice, levels: tuple[int, ...]
) -> ObjectPlan:
    """An object of a sample from its values, (len(COLUMNS),)."""
    values = _Row(row)
    scale, offset = values.number("scale"), [values.number(name) for name in OFFSETS]
    return ObjectPlan(
        class_idx=int(values.number("class")),
        model=model,
        texture=texture,
        euler=tuple(rest + turn for rest, turn in zip(REST_EULER, offset, strict=True)),
        scale=tuple(scale * warp for warp in values.vector("warp")),
        location=values.vector("layout"),
        color=values.vector("color"),
        surface=SurfacePlan(values.known("roughness"), values.known("metallic")),
        # One and the same NaN, so that equal plans compare equal.
        factor_values=tuple(math.nan if math.isnan(v) else v for v in row.tolist()),
        factor_levels=levels,
    )


def _find_light_location(row: _Row, scene: Scene) -> Vector:
    angle, distance_m = row.known("light_angle"), scene.light_distance
    if angle is not None:
        return angle_to_location(angle, distance_m)
    azimuth, elevation = row.number("light_azimuth"), row.number("light_elevation")
    return direction_to_location(azimuth, elevation, distance_m)


def _find_lights(row: _Row, settings: Settings, base: int) -> LightsPlan:
    seed, distance_m = settings.batch.seed, settings.scene.light_distance
    num_others = int(row.number("num_lights")) - 1
    return LightsPlan(
        color=row.vector("light_color"),
        sun_color=row.vector("sun_color"),
        other_locations=draw_other_lights(seed, (base,), num_others, distance_m),
    )


def _find_environment(row: _Row, image: AssetChoice) -> EnvironmentPlan:
    rotation, energy = row.known("environment_rotation"), row.known("environment_energy")
    return EnvironmentPlan(image, rotation or 0.0, 1.0 if energy is None else energy)


def _find_scene(scene: Scene, row: _Row) -> Scene:
    """The scene with this sample's camera and light, from the values of an object."""
    energy, lens = row.number("light_energy"), row.number("camera_lens")
    moved = scene
    if (energy, lens) != (scene.light_energy, scene.camera_lens):
        moved = dataclasses.replace(scene, light_energy=energy, camera_lens=lens)
    distance_m = row.number("camera_distance")
    azimuth, elevation, roll = (row.known(name) for name in ORBIT)
    if azimuth is not None and elevation is not None and roll is not None:
        return orbit_camera(moved, (azimuth, elevation, roll), distance_m)
    is_moved = distance_m != math.dist(scene.camera_location, (0, 0, 0))
    return move_camera(moved, distance_m) if is_moved else moved


def _find_factor_levels(assigned: Assignment) -> tuple[int, ...]:
    """Index of the level of each column; -1: drawn freely, or fixed."""
    levels = [-1] * len(COLUMNS)
    for name, level in assigned.levels.items():
        for column in find_columns(name):
            levels[column] = level
    return tuple(levels)


@dataclass(frozen=True)
class _Row:
    """Values of all factors of an object."""

    values: np.ndarray  # (len(COLUMNS),)

    def vector(self, name: str) -> Vector:
        """All values of a factor."""
        return tuple(self.values[list(find_columns(name))].tolist())

    def number(self, name: str) -> float:
        """The value of a factor that has one."""
        (value,) = self.vector(name)
        return value

    def known(self, name: str) -> float | None:
        """The value of a factor that has one; None where it does not apply."""
        value = self.number(name)
        return None if math.isnan(value) else value
