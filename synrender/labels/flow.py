"""Where the points of a sample are in another sample, and which are hidden there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from synrender.labels.coordinates import (
    find_shown,
    is_seen,
    linear,
    pixel_centers,
    project,
    to_camera,
)
from synrender.settings.factor_table import find_columns

(_AZIMUTH,), (_BACKDROP,) = find_columns("camera_azimuth"), find_columns("backdrop")


def find_partner(
    place: int, idxs: Sequence[int] | np.ndarray, read_record: Callable[[int], np.ndarray]
) -> int:
    """The sample of the flow: the next sample of the group that shows the same models.

    The last sample of a group is followed by the first. Twins are a group. Samples of a
    group follow each other, so few records are read: those up to the partner, and for the last
    sample of a group those back to its first.

    Args:
        place: of the sample in ``idxs``.
        idxs: of all samples, in order.
        read_record: record of a sample, by its index.

    Returns:
        Index of the sample; -1 if no other one of the group shows the same models in the same
        slots.
    """
    own = read_record(int(idxs[place]))

    def is_in_group(other: int) -> bool:
        if not 0 <= other < len(idxs):
            return False
        return read_record(int(idxs[other]))["group"][0] == own["group"][0]

    following = place + 1
    while is_in_group(following):
        if shows_same_models(own, read_record(int(idxs[following]))):
            return int(idxs[following])
        following += 1
    first = place
    while is_in_group(first - 1):
        first -= 1
    for other in range(first, place):
        if shows_same_models(own, read_record(int(idxs[other]))):
            return int(idxs[other])
    return -1


def shows_same_models(record: np.ndarray, other: np.ndarray) -> bool:
    """Whether two records (num_objs,) name the same models in the same order."""
    names = ("synset_id", "model_id")
    return all(np.array_equal(record[name], other[name]) for name in names)


def move_points(
    position_m: np.ndarray,
    instance: np.ndarray,
    record: np.ndarray,
    other: np.ndarray,
    has_ground: bool = False,
) -> np.ndarray:
    """Where the surface points of a sample are in the world of another sample.

    A point of an object keeps its place on the model (also where the object is larger or warped
    there). So does a point of the backdrop: it keeps its place in the world, or turns with a camera
    that orbits, unless it is a ground. Where the other sample shows no backdrop, it has no place.

    Args:
        position_m: (h, w, 3) world, m.
        instance: (h, w) int, from 1; 0 = backdrop or nothing.
        record: (num_objs,) of `RECORD_DTYPE`.
        other: record of the other sample.
        has_ground: whether the backdrop is a ground.

    Returns:
        (h, w, 3) float64, world, m; NaN where there is no point.
    """
    moved = np.array(position_m, np.float64)
    if not has_ground and np.isfinite(record["factor_values"][0, _AZIMUTH]):
        # The backdrop is fixed to the camera.
        here, there = (r["world_to_camera"][0, :3, :3] for r in (record, other))
        moved = moved @ (there.T @ here).T
    if other["factor_values"][0, _BACKDROP] > 0:
        moved[instance == 0] = np.nan
    for k in find_shown(instance, len(record)):
        is_shown = instance == k + 1
        there = linear(other[k]) @ np.linalg.inv(linear(record[k]))
        offset = position_m[is_shown] - record["location"][k]
        moved[is_shown] = offset @ there.T + other["location"][k]
    return moved


def flow_and_occlusion(
    moved_m: np.ndarray,
    intrinsics: np.ndarray,
    world_to_camera: np.ndarray,
    depth_m: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Optical flow to another sample, from the positions of this sample's points there.

    Args:
        moved_m: (h, w, 3) from `move_points`; NaN = no point.
        intrinsics: (3, 3) of the other sample's camera, px.
        world_to_camera: (4, 4) of the other sample's camera.
        depth_m: (h, w) depth map of the other sample; inf = nothing hit.

    Returns:
        Flow (h, w, 2) float32: px to the right and down, from a pixel's center to where its point
        is in the other image; NaN where there is no point, or it is behind that camera. Occlusion
        (h, w) bool: the other sample does not see the point, because something hides it, or it is
        out of the frame, or there is none.
    """
    height, width = moved_m.shape[:2]
    in_camera = to_camera(moved_m, world_to_camera)
    pixels_px = project(in_camera, intrinsics)
    flow = (pixels_px - pixel_centers(height, width)).astype(np.float32)
    seen = is_seen(pixels_px.reshape(-1, 2), in_camera[..., 2].ravel(), depth_m)
    return flow, ~seen.reshape(height, width)


def no_flow(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Flow and occlusion of a sample without a partner: NaN, and True everywhere."""
    return np.full((height, width, 2), np.nan, np.float32), np.ones((height, width), bool)
