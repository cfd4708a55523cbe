"""The box of each model in space: its corners, its centre, and the centres of its faces."""

from __future__ import annotations

import numpy as np

from synrender.labels.coordinates import linear

BOX_CORNERS = np.array([[i >> 2 & 1, i >> 1 & 1, i & 1] for i in range(8)], np.float64)
"""Corners of the unit box, (8, 3): corner i is at the upper end of x if i & 4, of y if i & 2, of z
if i & 1; axes of the OBJ file."""

BOX_CENTER = np.full((1, 3), 0.5)

FACE_CENTERS = np.array(
    [[end if axis == k else 0.5 for k in range(3)] for axis in range(3) for end in (0.0, 1.0)]
)
"""Centres of the unit box's faces, (6, 3): -x, +x, -y, +y, -z, +z."""


def box_points(record: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Points of each object's own (oriented) box.

    Args:
        record: (num_objs,) of `RECORD_DTYPE`.
        places: (n, 3) in the unit box, such as `BOX_CORNERS`.

    Returns:
        (num_objs, n, 3) float64, world, m.
    """
    points = np.empty((len(record), len(places), 3))
    for k, row in enumerate(record):
        low, high = row["bbox"]
        # The record's box is centred on 0, and its centre stands at `location`.
        centered = low + places * (high - low) - (low + high) / 2
        points[k] = centered @ linear(row).T + row["location"]
    return points
