"""A contact sheet as a picture: a grid of samples, each as its image or its passes in a row."""

from __future__ import annotations

import colorsys
import math
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from synrender.images.color import linear_to_srgb8
from synrender.images.exr import ExrImage, read_exr

MAX_WIDTH_PX = 1600
MIN_TILE_PX = 96
GAP_PX = 2  # between the passes of a sample
MARGIN_PX = 10  # around the sheet and between samples
HEADER_PX = 56
ASPECT = 1.3  # width / height to aim at

BACKGROUND = (24, 26, 30)
TEXT, FAINT_TEXT = (232, 234, 238), (150, 156, 166)
EMPTY = (44, 47, 54)  # backdrop, in the label maps

# For instances: Okabe and Ito's colours, which colour-blind people can tell apart.
_INSTANCE_COLORS = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (213, 94, 0),
    (204, 121, 167),
    (0, 114, 178),
)

# For classes: ten hues of even lightness, after Tableau 10.
_CLASS_COLORS = (
    (78, 121, 167),
    (242, 142, 43),
    (225, 87, 89),
    (118, 183, 178),
    (89, 161, 79),
    (237, 201, 72),
    (176, 122, 161),
    (255, 157, 167),
    (156, 117, 95),
    (186, 176, 172),
)

# Viridis at 0, 0.1 ... 1: equal steps look equal, also in grey.
_VIRIDIS = np.array(
    [
        (68, 1, 84),
        (72, 36, 117),
        (65, 68, 135),
        (53, 95, 141),
        (42, 120, 142),
        (33, 145, 140),
        (34, 168, 132),
        (68, 191, 112),
        (122, 209, 81),
        (189, 223, 38),
        (253, 231, 37),
    ],
    np.float64,
)


def draw_sheet(images: list[Path], title: str, class_names: dict[int, str]) -> Image.Image:
    """Draws the samples of the given image files, PNG or EXR.

    Args:
        images: files of samples, all of one kind and size.
        title: the data set's name.
        class_names: by class id; those that appear are listed below the samples of EXR files.

    Raises:
        UserError: a damaged EXR.
        OSError: a damaged PNG.
    """
    is_exr = images[0].suffix == ".exr"
    if is_exr:
        samples = [read_exr(path) for path in images]
        near_m, far_m = _find_depth_range(samples)
        rows = [exr_to_tiles(sample, near_m, far_m) for sample in samples]
        captions = ["colour", "instance", "class", f"depth, {near_m:.2f} to {far_m:.2f} m"]
        seen = sorted({int(v) - 1 for s in samples for v in np.unique(s.class_label) if v})
    else:
        rows = [[_open_rgb(path)] for path in images]
        captions, seen = [], []
    sheet, draw = _place_tiles(rows, captions, footer=seen)
    noun = "sample" if len(images) == 1 else "samples"
    draw.text((MARGIN_PX, 12), title, TEXT, ImageFont.load_default(18))
    font = ImageFont.load_default(12)
    note = f"{len(images)} {noun}"
    draw.text((sheet.width - MARGIN_PX - draw.textlength(note, font), 17), note, FAINT_TEXT, font)
    _draw_legend(draw, sheet, {c: class_names.get(c, f"class {c}") for c in seen})
    return sheet


def exr_to_tiles(sample: ExrImage, near_m: float, far_m: float) -> list[np.ndarray]:
    """Pictures (h, w, 3) uint8 of colour, instances, classes and depth (near is bright)."""
    inverse = (1 / sample.depth_m - 1 / far_m) / max(1 / near_m - 1 / far_m, 1e-9)
    return [
        linear_to_srgb8(sample.rgb_linear),
        _label_to_rgb(sample.instance, _INSTANCE_COLORS),
        _label_to_rgb(sample.class_label, _CLASS_COLORS),
        _to_viridis(inverse),
    ]


def _open_rgb(path: Path) -> np.ndarray:
    return iio.imread(path, mode="RGB")


def _find_depth_range(samples: list[ExrImage]) -> tuple[float, float]:
    """Depths at the two ends of the colour scale, in m, the same for all samples."""
    depth_m = np.concatenate([s.depth_m[np.isfinite(s.depth_m)] for s in samples])
    if depth_m.size == 0:
        return 1.0, 2.0
    near_m, far_m = np.percentile(depth_m, (0.5, 99.5))
    return max(float(near_m), 1e-3), max(float(far_m), 2e-3)


def _label_to_rgb(label: np.ndarray, colors: tuple[tuple[int, int, int], ...]) -> np.ndarray:
    """Colour of each label (h, w); 0 is empty. Labels beyond the palette get hues of their own."""
    num_labels = int(label.max())
    table = [EMPTY, *colors[:num_labels]]
    for k in range(len(table), num_labels + 1):
        hue = 0.618034 * k % 1  # the golden ratio keeps neighbours apart
        table.append(tuple(round(255 * v) for v in colorsys.hsv_to_rgb(hue, 0.55, 0.85)))
    return np.array(table, np.uint8)[label]


def _to_viridis(values: np.ndarray) -> np.ndarray:
    stops = np.linspace(0, 1, len(_VIRIDIS))
    channels = [np.interp(values.clip(0, 1), stops, _VIRIDIS[:, c]) for c in range(3)]
    return np.rint(np.stack(channels, axis=2)).astype(np.uint8)


def _place_tiles(
    rows: list[list[np.ndarray]], captions: list[str], footer: list[int]
) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    num_passes, side_px = len(rows[0]), max(rows[0][0].shape[:2])
    tile_px = side_px * math.ceil(MIN_TILE_PX / side_px)
    usable_px = MAX_WIDTH_PX - 2 * MARGIN_PX - (num_passes - 1) * GAP_PX
    tile_px = min(tile_px, usable_px // num_passes)
    cell_px = num_passes * (tile_px + GAP_PX) - GAP_PX
    num_fitting = max(1, (MAX_WIDTH_PX - MARGIN_PX) // (cell_px + MARGIN_PX))

    def layout_cost(num_columns: int) -> float:
        num_lines = math.ceil(len(rows) / num_columns)
        aspect = num_columns * cell_px / (num_lines * tile_px)
        num_empty = num_columns * num_lines - len(rows)
        return abs(math.log(aspect / ASPECT)) + num_empty / len(rows)

    num_columns = min(range(1, num_fitting + 1), key=layout_cost)
    num_lines = math.ceil(len(rows) / num_columns)

    header_px = HEADER_PX + (12 if captions else 0)
    line_px = tile_px + MARGIN_PX
    width = MARGIN_PX + num_columns * (cell_px + MARGIN_PX)
    height = header_px + num_lines * line_px + (28 if footer else 0)
    sheet = Image.new("RGB", (width, height), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for i, tiles in enumerate(rows):
        line, column = divmod(i, num_columns)
        for k, tile in enumerate(tiles):
            x = MARGIN_PX + column * (cell_px + MARGIN_PX) + k * (tile_px + GAP_PX)
            y = header_px + line * line_px
            sheet.paste(_fit(tile, tile_px, is_label=k in (1, 2)), (x, y))
            if line == 0 and captions:
                draw.text((x, y - 18), captions[k], FAINT_TEXT, ImageFont.load_default(12))
    return sheet, draw


def _fit(tile: np.ndarray, tile_px: int, is_label: bool) -> Image.Image:
    """Enlarges pixel by pixel, and shrinks smoothly (labels pixel by pixel)."""
    image = Image.fromarray(tile)
    if max(image.size) > tile_px and not is_label:
        return image.resize((tile_px, tile_px), Image.Resampling.LANCZOS)
    return image.resize((tile_px, tile_px), Image.Resampling.NEAREST)


def _draw_legend(draw: ImageDraw.ImageDraw, sheet: Image.Image, names: dict[int, str]) -> None:
    font = ImageFont.load_default(12)
    x, y = MARGIN_PX, sheet.height - 30
    for class_idx, name in names.items():
        color = tuple(_label_to_rgb(np.array([[class_idx + 1]]), _CLASS_COLORS)[0, 0].tolist())
        draw.rounded_rectangle((x, y, x + 12, y + 12), 3, color)
        draw.text((x + 18, y - 1), name, TEXT, font)
        x += 18 + draw.textlength(name, font) + 18
