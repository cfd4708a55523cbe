"""Where several objects stand: a chain of places, all of them in view, or anywhere in a square."""

from __future__ import annotations

import math

import numpy as np

from synrender.errors import UserError
from synrender.sampling.camera import (
    SENSOR_WIDTH_MM,
    find_orbit,
    is_orbited,
    project,
    scene_to_intrinsics,
    scene_to_world_to_camera,
)
from synrender.sampling.streams import LAYOUT, create_rng, draw_permutation
from synrender.settings.groups import Scene, Settings, is_standing

# Layout of several objects, in units of 1 / LAYOUT_SCALE m.
LAYOUT_STEP = 1.75
LAYOUT_STEP_STD = 0.1  # of the step
LAYOUT_MIN_SPACING = 1.25
LAYOUT_SCALE = 5.0
LAYOUT_HEIGHT_STD_M = 0.05
LAYOUT_OFFSET_M = (0.05, 0.0, 0.05)
LAYOUT_MARGIN = 0.08  # share of the image's side without object centers
NUM_LAYOUT_TRIES = 100
NUM_STEP_TRIES = 20
SHRINK, NUM_SHRINKS = 0.95, 200
"""Factor that shrinks a layout until it is in view, and how often at most."""

NUM_SCATTER_TRIES = 500
"""Places that are tried for an object of a scattered layout, before all are placed again."""


def draw_layout(
    settings: Settings, key: tuple[int, ...], scales: np.ndarray, scene: Scene
) -> np.ndarray:
    """Locations of the objects, (num_objs, 3) in m. A single object of a chain is at the origin.

    Where objects stand on a ground, the third number is the height above it, which is 0.

    Args:
        settings: of the data set. If its cameras orbit, every camera sees the objects that looks at
            the origin from the distance of the scene's: all centers are in a sphere.
        key: of the sample.
        scales: of the objects, (num_objs,).
        scene: with the camera that must see them, or along whose view they keep their margin.

    Raises:
        UserError: there is no room for scattered objects.

    Several objects form a chain on the ground: each is about 1.75 units from the one before it and
    at least 1.25 units from all others; 5 units are 1 m. Up to 100 chains are drawn, and the first
    with all centers in view is used. If there is none, the closest one is used, and made
    smaller until all are in view.
    """
    if settings.scene.layout == "scatter":
        return _scatter(settings, key, scales, scene)
    if len(scales) == 1:
        return np.zeros((1, 3))
    places_m = _draw_places(settings, key, len(scales), scene)
    if is_standing(settings):
        places_m[:, 2] = 0
    return places_m


def _scatter(
    settings: Settings, key: tuple[int, ...], scales: np.ndarray, scene: Scene
) -> np.ndarray:
    """Locations in a square, each drawn until it keeps its distances from those before it."""
    rules, rng = settings.scene, create_rng(settings.batch.seed, LAYOUT, *key)
    azimuth = find_orbit(scene)[0]
    along = np.array([math.cos(azimuth), math.sin(azimuth)])
    across = np.array([-along[1], along[0]])
    for _ in range(NUM_LAYOUT_TRIES):
        places = np.zeros((0, 2))
        for scale in scales:
            tried = rules.layout_size * (rng.random((NUM_SCATTER_TRIES, 2)) - 0.5)
            offsets = tried[:, None] - places
            least_m = rules.layout_distance * (scale + scales[: len(places)]) / 2
            is_free = np.sqrt((offsets**2).sum(axis=2)) >= least_m
            for axis in (along, across):
                is_free &= np.abs((offsets * axis).sum(axis=2)) >= rules.layout_margin
            free = np.flatnonzero(is_free.all(axis=1))
            if not len(free):
                break
            places = np.vstack([places, tried[free[0]]])
        else:
            return np.hstack([places, np.zeros((len(scales), 1))])
    raise UserError(
        f"scene.layout_size = {rules.layout_size:g}: a square of that size has no room for "
        f"{len(scales)} objects at scene.layout_distance = {rules.layout_distance:g} m and "
        f"scene.layout_margin = {rules.layout_margin:g} m; change one of them, with --overwrite"
    )


def _draw_places(
    settings: Settings, key: tuple[int, ...], num_objs: int, scene: Scene
) -> np.ndarray:
    """Locations of several objects, as if there were no ground."""
    everywhere = is_orbited(settings.design)
    find_distance = _distance_out_of_sphere if everywhere else _distance_out_of_view
    rng = create_rng(settings.batch.seed, LAYOUT, *key)
    best, least_distance = np.zeros((num_objs, 3)), math.inf
    for _ in range(NUM_LAYOUT_TRIES):
        chain = _draw_chain(rng, num_objs)
        chain = (chain - chain.mean(axis=0))[draw_permutation(rng, num_objs)] / LAYOUT_SCALE
        heights_m = rng.standard_normal((num_objs, 1)) * LAYOUT_HEIGHT_STD_M
        locations_m = np.hstack([chain, heights_m]) + LAYOUT_OFFSET_M
        distance = find_distance(locations_m, scene)
        if distance < least_distance:
            best, least_distance = locations_m, distance
        if distance <= 0:
            return best
    middle_m = np.zeros(3) if everywhere else _find_middle(scene)
    for k in range(1, NUM_SHRINKS):
        moved_m = middle_m + SHRINK**k * (best - middle_m)
        if find_distance(moved_m, scene) <= 0:
            return moved_m
    return best  # the camera looks elsewhere


def _find_middle(scene: Scene) -> np.ndarray:
    """A point in the middle of the image, as far as the objects are, (3,) m."""
    world_to_camera = scene_to_world_to_camera(scene)
    forward = world_to_camera[2, :3]
    camera_m = np.array(scene.camera_location)
    return camera_m + forward * ((np.array(LAYOUT_OFFSET_M) - camera_m) * forward).sum()


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
            points = np.zeros((1, 2))  # no room left: start again
    return points


def _distance_out_of_view(locations_m: np.ndarray, scene: Scene) -> float:
    """Largest distance of a center outside the allowed area, in image sides; <= 0: all inside."""
    positions, depth_m = project(
        locations_m, scene_to_intrinsics(scene, 1), scene_to_world_to_camera(scene)
    )
    if depth_m.min() <= 0.1:
        return math.inf
    return float(np.abs(positions - 0.5).max() - (0.5 - LAYOUT_MARGIN))


def _distance_out_of_sphere(locations_m: np.ndarray, scene: Scene) -> float:
    """Likewise in the worst of all directions: seen at a right angle to the line to the origin."""
    radius_m = float(np.sqrt((locations_m**2).sum(axis=1)).max())
    distance_m = math.dist(scene.camera_location, (0, 0, 0))
    if radius_m >= distance_m:
        return math.inf
    spread = radius_m / math.sqrt(distance_m**2 - radius_m**2)
    return spread * scene.camera_lens / SENSOR_WIDTH_MM - (0.5 - LAYOUT_MARGIN)
