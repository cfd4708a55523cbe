"""A contact sheet as a picture: a grid of samples, each as its image and its labels in a row."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from synrender.dataset.info import DatasetInfo
from synrender.loading.raw import open_raw, read_pixels
from synrender.loading.row_source import CLASS_MAP, DEPTH, Sample
from synrender.report.pictures import (
    Picture,
    class_to_color,
    find_pictures,
    find_scale,
)

MAX_WIDTH_PX = 1600
MIN_TILE_PX = 96
GAP_PX = 2  # between the pictures of a sample
MARGIN_PX = 10  # around the sheet and between samples
HEADER_PX = 56
ASPECT = 1.3  # width / height to aim at

BACKGROUND = (24, 26, 30)
TEXT, FAINT_TEXT = (232, 234, 238), (150, 156, 166)


def read_samples(dataset_dir: Path, images: list[Path], info: DatasetInfo) -> list[Sample]:
    """Reads what a sheet shows of the first samples of a data set.

    Args:
        dataset_dir: its folder.
        images: files of the samples, PNG or EXR, all of one size.
        info: its description.

    Raises:
        UserError: a damaged file.
    """
    if not info.settings.rendering.labels:
        return [read_pixels(path, np.inf, info.camera.resolution) for path in images]
    part = open_raw(dataset_dir, np.inf, info)
    fields = [picture.field for picture in find_pictures(part.names)]
    return part.read(fields, np.arange(len(images)))


def draw_sheet(samples: list[Sample], title: str, class_names: dict[int, str]) -> Image.Image:
    """Draws samples.

    Args:
        samples: by field, see `read_samples`.
        title: the data set's name.
        class_names: by class id; those that appear are listed below the samples.
    """
    pictures, scale = find_pictures(samples[0]), find_scale(samples)
    rows = [[p.draw(sample[p.field], scale) for p in pictures] for sample in samples]
    depth = f"depth, {scale.near_m:.2f} to {scale.far_m:.2f} m"
    captions = [depth if p.field == DEPTH else p.name for p in pictures]
    maps = [sample[CLASS_MAP] for sample in samples if CLASS_MAP in sample]
    seen = sorted({int(v) - 1 for ids in maps for v in np.unique(ids) if v})
    sheet, draw = _place_tiles(rows, pictures, captions, footer=seen)
    noun = "sample" if len(samples) == 1 else "samples"
    draw.text((MARGIN_PX, 12), title, TEXT, ImageFont.load_default(18))
    font = ImageFont.load_default(12)
    note = f"{len(samples)} {noun}"
    draw.text((sheet.width - MARGIN_PX - draw.textlength(note, font), 17), note, FAINT_TEXT, font)
    _draw_legend(draw, sheet, {c: class_names.get(c, f"class {c}") for c in seen})
    return sheet


def _place_tiles(
    rows: list[list[np.ndarray]], pictures: list[Picture], captions: list[str], footer: list[int]
) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    num_pictures, side_px = len(pictures), max(rows[0][0].shape[:2])
    tile_px = side_px * math.ceil(MIN_TILE_PX / side_px)
    usable_px = MAX_WIDTH_PX - 2 * MARGIN_PX - (num_pictures - 1) * GAP_PX
    tile_px = min(tile_px, usable_px // num_pictures)
    cell_px = num_pictures * (tile_px + GAP_PX) - GAP_PX
    num_fitting = max(1, (MAX_WIDTH_PX - MARGIN_PX) // (cell_px + MARGIN_PX))

    def layout_cost(num_columns: int) -> float:
        num_lines = math.ceil(len(rows) / num_columns)
        aspect = num_columns * cell_px / (num_lines * tile_px)
        num_empty = num_columns * num_lines - len(rows)
        return abs(math.log(aspect / ASPECT)) + num_empty / len(rows)

    num_columns = min(range(1, num_fitting + 1), key=layout_cost)
    num_lines = math.ceil(len(rows) / num_columns)

    has_captions = num_pictures > 1
    header_px = HEADER_PX + (12 if has_captions else 0)
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
            sheet.paste(_fit(tile, tile_px, pictures[k].is_map), (x, y))
            if line == 0 and has_captions:
                draw.text((x, y - 18), captions[k], FAINT_TEXT, ImageFont.load_default(12))
    return sheet, draw


def _fit(tile: np.ndarray, tile_px: int, is_map: bool) -> Image.Image:
    """Enlarges pixel by pixel, and shrinks smoothly (maps pixel by pixel)."""
    image = Image.fromarray(tile)
    if max(image.size) > tile_px and not is_map:
        return image.resize((tile_px, tile_px), Image.Resampling.LANCZOS)
    return image.resize((tile_px, tile_px), Image.Resampling.NEAREST)


def _draw_legend(draw: ImageDraw.ImageDraw, sheet: Image.Image, names: dict[int, str]) -> None:
    font = ImageFont.load_default(12)
    x, y = MARGIN_PX, sheet.height - 30
    for class_id, name in names.items():
        draw.rounded_rectangle((x, y, x + 12, y + 12), 3, class_to_color(class_id))
        draw.text((x + 18, y - 1), name, TEXT, font)
        x += 18 + draw.textlength(name, font) + 18
