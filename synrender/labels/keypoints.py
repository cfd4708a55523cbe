"""Named points of each object: where they are in the world and image, and if they are visible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from synrender.labels.boxes import BOX_CENTER, BOX_CORNERS, FACE_CENTERS, box_points
from synrender.labels.coordinates import is_seen, project, to_camera

OUT_OF_FRAME, HIDDEN, SEEN = 0, 1, 2
"""Visibility: out of the frame or behind the camera; in the frame, but a surface is in front; seen.

Most points of a box are not on the surface: the visibility says whether anything is before them."""

BOX_PLACES = np.concatenate([BOX_CORNERS, BOX_CENTER, FACE_CENTERS])
"""The 15 points of every object, in its unit box."""

BOX_NAMES = (
    *(f"corner_{i}" for i in range(8)),
    "center",
    *(f"face_{side}{axis}" for axis in "xyz" for side in "-+"),
)


@dataclass(frozen=True)
class NamedPoints:
    """Points of the user, from ``keypoints.json``."""

    names: tuple[str, ...] = ()  # sorted: all that any model has
    points: Mapping[str, Mapping[str, tuple[float, ...]]] = field(default_factory=dict)
    """By "<synset>/<model>" and name: x, y, z in the coordinates of the OBJ file."""

    @property
    def all_names(self) -> tuple[str, ...]:
        """Names of all keypoints in their order: 15 of the box, then those of the user."""
        return (*BOX_NAMES, *self.names)


def keypoint_positions(record: np.ndarray, named: NamedPoints) -> np.ndarray:
    """Keypoints of all objects, (num_objs, 15 + names, 3) float64, world, m.

    NaN where a model lacks a name.
    """
    points = np.full((len(record), len(BOX_PLACES) + len(named.names), 3), np.nan)
    points[:, : len(BOX_PLACES)] = box_points(record, BOX_PLACES)
    for k, row in enumerate(record):
        own = named.points.get(f"{row['synset_id']}/{row['model_id']}", {})
        for i, name in enumerate(named.names, start=len(BOX_PLACES)):
            if name in own:
                points[k, i] = (row["obj_to_world"] @ (*own[name], 1))[:3]
    return points


def keypoint_visibility(
    points_m: np.ndarray, intrinsics: np.ndarray, world_to_camera: np.ndarray, depth_m: np.ndarray
) -> np.ndarray:
    """Visibility of points (..., 3) in a depth map (h, w), (...) uint8: 0, 1 or 2, see `SEEN`."""
    in_camera = to_camera(points_m.reshape(-1, 3), world_to_camera)
    pixels_px = project(in_camera, intrinsics)
    size = depth_m.shape[::-1]
    with np.errstate(invalid="ignore"):
        is_in_frame = ((pixels_px >= 0) & (pixels_px < size)).all(axis=1)
    seen = is_seen(pixels_px, in_camera[:, 2], depth_m)
    visibility = np.where(seen, SEEN, np.where(is_in_frame, HIDDEN, OUT_OF_FRAME))
    return visibility.astype(np.uint8).reshape(points_m.shape[:-1])
