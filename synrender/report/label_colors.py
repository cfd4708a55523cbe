"""Labels that are not ids as colours, in the ways that are usual for each."""

from __future__ import annotations

import numpy as np

from synrender.images.color import linear_to_srgb8

Color = tuple[int, int, int]


def normals_to_rgb(normal: np.ndarray) -> np.ndarray:
    """Normals (h, w, 3) in OpenCV's camera space, black where nothing is hit.

    Red is to the right, green up, blue towards the viewer, as normal maps are drawn: a surface
    that faces the camera is light blue.
    """
    colors = np.rint(127.5 * (normal * (1, -1, -1) + 1))
    return np.where((normal == 0).all(axis=2, keepdims=True), 0, colors).astype(np.uint8)


def coordinates_to_rgb(coordinates: np.ndarray, empty: Color) -> np.ndarray:
    """Object coordinates (h, w, 3), 0 to 1, as red, green and blue; ``empty`` off objects."""
    colors = np.rint(255 * coordinates)
    is_empty = (coordinates == 0).all(axis=2, keepdims=True)
    return np.where(is_empty, empty, colors).astype(np.uint8)


def positions_to_rgb(position_m: np.ndarray) -> np.ndarray:
    """World positions (h, w, 3) as red, green and blue, each from its 2nd to its 98th percent."""
    is_hit = np.isfinite(position_m).all(axis=2)
    if not is_hit.any():
        return np.zeros(position_m.shape, np.uint8)
    low, high = np.percentile(position_m[is_hit], (2, 98), axis=0)
    shares = ((position_m - low) / np.maximum(high - low, 1e-9)).clip(0, 1)
    return np.rint(255 * np.where(is_hit[:, :, None], shares, 0)).astype(np.uint8)


def shading_to_rgb(shading: np.ndarray) -> np.ndarray:
    """Shading (h, w, 3), 0 or more; white is what 1 % of the pixels exceed."""
    return linear_to_srgb8(shading / max(float(np.percentile(shading, 99)), 1e-9))


def flow_to_rgb(flow_px: np.ndarray) -> np.ndarray:
    """Flow (h, w, 2) on a colour wheel: the hue is the direction, the saturation the length.

    Red is to the right, then yellow-green down, cyan to the left and violet up; white is no
    motion, the full colour the length that 1 % of the pixels exceed; black has no place there.
    """
    is_known = np.isfinite(flow_px).all(axis=2)
    x, y = np.where(is_known[:, :, None], flow_px, 0).transpose(2, 0, 1)
    length_px = np.hypot(x, y)
    # Less than a hundredth of a pixel is no motion.
    full_px = max(np.percentile(length_px[is_known], 99), 0.01) if is_known.any() else 1.0
    hue = np.arctan2(y, x) / (2 * np.pi) % 1
    colors = _hue_to_rgb(hue, (length_px / full_px).clip(0, 1))
    return np.rint(255 * np.where(is_known[:, :, None], colors, 0)).astype(np.uint8)


def _hue_to_rgb(hue: np.ndarray, saturation: np.ndarray) -> np.ndarray:
    """HSV with value 1 to RGB: (...) from 0 to 1, to (..., 3)."""
    place = (np.array([5, 3, 1]) + 6 * hue[..., None]) % 6
    return 1 - saturation[..., None] * np.clip(np.minimum(place, 4 - place), 0, 1)


def masks_to_rgb(masks: np.ndarray, colors: list[Color], empty: Color) -> np.ndarray:
    """Whole objects (num_objs, h, w), each with its outline and a tint of its colour.

    Where objects overlap the tints mix, so that what is hidden can be seen too.
    """
    picture = np.full((*masks.shape[1:], 3), empty, np.float64)
    for mask, color in zip(masks, colors, strict=True):
        picture[mask] += (np.array(color) - picture[mask]) * 0.3
    for mask, color in zip(masks, colors, strict=True):
        picture[_find_outline(mask)] = color
    return np.rint(picture).astype(np.uint8)


def _find_outline(mask: np.ndarray) -> np.ndarray:
    """Pixels of a mask (h, w) with a neighbour outside it."""
    padded = np.pad(mask, 1, mode="edge")
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inner


def occlusion_to_rgb(occlusion: np.ndarray, hidden: Color, seen: Color) -> np.ndarray:
    """What the other sample sees and does not see, (h, w) bool."""
    return np.where(occlusion[:, :, None], hidden, seen).astype(np.uint8)
