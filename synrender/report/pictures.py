"""Pictures that show samples: each label as colors.

`PICTURES` lists the ways to look at a sample. Contact sheets and reports show those that a sample
holds, in this order. A new kind of label needs a row there and nothing else.
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from synrender.images.conversions import linear_to_srgb8
from synrender.loading.row_source import CLASS_MAP, DEPTH, IMAGE, INSTANCE_MAP

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


def shares_to_gray(shares: np.ndarray) -> np.ndarray:
    """Shares (h, w), 0 to 1, from black to white."""
    return np.repeat(np.rint(255 * shares.clip(0, 1)).astype(np.uint8)[:, :, None], 3, axis=2)


def flow_to_rgb(flow_px: np.ndarray) -> np.ndarray:
    """Flow (h, w, 2) on a color wheel: the hue is the direction, the saturation the length.

    Red is to the right, then yellow-green down, cyan to the left and violet up; white is no
    motion, the full color the length that 1 % of the pixels exceed; black where no point is known.
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
    """Whole objects (num_objs, h, w), each with its outline and a tint of its color.

    The tints of overlapping objects mix, so hidden parts are visible, too.
    """
    picture = np.full((*masks.shape[1:], 3), empty, np.float64)
    for mask, color in zip(masks, colors, strict=True):
        picture[mask] += (np.array(color) - picture[mask]) * 0.3
    for mask, color in zip(masks, colors, strict=True):
        picture[_find_outline(mask)] = color
    return np.rint(picture).astype(np.uint8)


def _find_outline(mask: np.ndarray) -> np.ndarray:
    """Pixels of a mask (h, w) with a neighbor outside it."""
    padded = np.pad(mask, 1, mode="edge")
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inner


def occlusion_to_rgb(occlusion: np.ndarray, hidden: Color, seen: Color) -> np.ndarray:
    """Pixels (h, w) bool that the other sample does not see."""
    return np.where(occlusion[:, :, None], hidden, seen).astype(np.uint8)


EMPTY: Color = (44, 47, 54)
"""Backdrop, in the label maps."""

_HIDDEN: Color = (230, 159, 0)
"""Points that the sample of the flow does not see."""


def _parse_colors(text: str) -> tuple[Color, ...]:
    """Colors of a text such as ``"e69f00 56b4e9"``."""
    colors = (bytes.fromhex(code) for code in text.split())
    return tuple((red, green, blue) for red, green, blue in colors)


# For instances: Okabe and Ito's colors, which color-blind people can tell apart.
_INSTANCE_COLORS = _parse_colors("e69f00 56b4e9 009e73 f0e442 d55e00 cc79a7 0072b2")

# For classes: ten hues of even lightness, after Tableau 10.
_CLASS_COLORS = _parse_colors(
    "4e79a7 f28e2b e15759 76b7b2 59a14f edc948 b07aa1 ff9da7 9c755f bab0ac"
)

# Viridis at 0, 0.1 ... 1: equal steps look equal, also in gray.
VIRIDIS = _parse_colors(
    "440154 482475 414487 355f8d 2a788e 21918c 22a884 44bf70 7ad151 bddf26 fde725"
)


@dataclass(frozen=True)
class Scale:
    """Depths at the two ends of the color scale, in m, the same for all samples."""

    near_m: float
    far_m: float


@dataclass(frozen=True)
class Picture:
    """One way to look at a sample."""

    field: str  # that it shows, see `synrender.loading.row_source`
    name: str
    is_map: bool  # each pixel is an id, so that no two may be mixed
    draw: Callable[[np.ndarray, Scale], np.ndarray]  # of the field: (h, w, 3) uint8


PICTURES = (
    Picture(IMAGE, "image", False, lambda image, _: image),
    Picture(INSTANCE_MAP, "instance", True, lambda ids, _: _ids_to_rgb(ids, _INSTANCE_COLORS)),
    Picture(CLASS_MAP, "class", True, lambda ids, _: _ids_to_rgb(ids, _CLASS_COLORS)),
    Picture(DEPTH, "depth", False, lambda depth_m, scale: _depth_to_rgb(depth_m, scale)),
    Picture("normal", "normal", False, lambda normal, _: normals_to_rgb(normal)),
    Picture("albedo", "albedo", False, lambda albedo, _: linear_to_srgb8(albedo)),
    Picture("shading", "shading", False, lambda shading, _: shading_to_rgb(shading)),
    Picture("roughness", "roughness", False, lambda values, _: shares_to_gray(values)),
    Picture("metallic", "metallic", False, lambda values, _: shares_to_gray(values)),
    Picture("amodal", "amodal", True, lambda masks, _: _masks_to_rgb(masks)),
    Picture(
        "object_coordinates",
        "object coordinates",
        False,
        lambda coordinates, _: coordinates_to_rgb(coordinates, EMPTY),
    ),
    Picture("world_position", "world position", False, lambda xyz, _: positions_to_rgb(xyz)),
    Picture("flow", "flow", False, lambda flow, _: flow_to_rgb(flow)),
    Picture("occlusion", "occlusion", True, lambda seen, _: occlusion_to_rgb(seen, _HIDDEN, EMPTY)),
)


def find_pictures(fields: Iterable[str]) -> list[Picture]:
    """Pictures that can be drawn from samples with these fields."""
    known = set(fields)
    return [picture for picture in PICTURES if picture.field in known]


def find_scale(samples: Iterable[Mapping[str, np.ndarray]]) -> Scale:
    """Scale on which the depths of these samples differ visibly; outliers are left out."""
    depths = [s[DEPTH][np.isfinite(s[DEPTH])] for s in samples if DEPTH in s]
    depth_m = np.concatenate([*depths, np.zeros(0)])
    if depth_m.size == 0:
        return Scale(1.0, 2.0)
    near_m, far_m = np.percentile(depth_m, (0.5, 99.5))
    return Scale(max(float(near_m), 1e-3), max(float(far_m), 2e-3))


def class_to_color(class_id: int) -> Color:
    """Color of a class in its picture."""
    return _find_color(class_id + 1, _CLASS_COLORS)


def _ids_to_rgb(ids: np.ndarray, colors: tuple[Color, ...]) -> np.ndarray:
    """Color of each id (h, w); 0 is empty."""
    table = [_find_color(k, colors) for k in range(int(ids.max()) + 1)]
    return np.array(table, np.uint8)[ids]


def _masks_to_rgb(masks: np.ndarray) -> np.ndarray:
    colors = [_find_color(k + 1, _INSTANCE_COLORS) for k in range(len(masks))]
    return masks_to_rgb(masks, colors, EMPTY)


def _find_color(number: int, colors: tuple[Color, ...]) -> Color:
    """Color of an id; ids beyond the palette get other hues."""
    if number == 0:
        return EMPTY
    if number <= len(colors):
        return colors[number - 1]
    hue = 0.618034 * number % 1  # the golden ratio keeps neighbors apart
    red, green, blue = (round(255 * v) for v in colorsys.hsv_to_rgb(hue, 0.55, 0.85))
    return red, green, blue


def _depth_to_rgb(depth_m: np.ndarray, scale: Scale) -> np.ndarray:
    """Near is bright; far is dark, and so is what is not hit."""
    near, far = 1 / scale.near_m, 1 / scale.far_m
    inverse = 1 / np.where(depth_m > 0, depth_m, np.inf)  # NaN is not greater either
    values = ((inverse - far) / max(near - far, 1e-9)).clip(0, 1)
    stops = np.linspace(0, 1, len(VIRIDIS))
    channels = [np.interp(values, stops, np.array(VIRIDIS)[:, c]) for c in range(3)]
    return np.rint(np.stack(channels, axis=2)).astype(np.uint8)
