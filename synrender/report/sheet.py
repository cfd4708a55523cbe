"""A sheet of many samples: lines with a label above and a caption below each sample."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from synrender.errors import to_line
from synrender.loading.dataset import Dataset
from synrender.loading.row_source import CLASS_MAP, DEPTH, Sample
from synrender.report.arrangement import Arrangement, arrange, choose_members
from synrender.report.pictures import Picture, class_to_color, find_pictures, find_scale
from synrender.report.record_text import to_class_name
from synrender.report.rows import open_records, read_rows

MAX_WIDTH_PX = 1600
MIN_TILE_PX = 96
GAP_PX = 2  # between the pictures of a sample
MARGIN_PX = 10  # around the sheet and between samples
HEADER_PX = 56
LABEL_PX = 22  # above a line
CAPTION_PX = 18  # below a sample
LEGEND_PX, LEGEND_LINE_PX = 28, 20  # of a legend of one line, and of each further line
ASPECT = 1.3  # width / height to aim at
TITLE_FONT, LABEL_FONT, CAPTION_FONT = 18, 14, 12

BACKGROUND = (24, 26, 30)
TEXT, FAINT_TEXT = (232, 234, 238), (150, 156, 166)

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True)
class Sheet:
    """What a sheet shows, before it is drawn."""

    title: str  # the data set's name
    note: str  # such as "20 of 480 samples"
    arrangement: Arrangement
    samples: list[Sample]  # of ``arrangement.places``, by field
    class_names: Mapping[int, str]


def choose_sheet(data: Dataset, idxs: np.ndarray, num: int) -> Arrangement:
    """Chooses samples of a data set that show its design; without one, the first.

    Args:
        data: the whole data set.
        idxs: (n,) indexes of its samples.
        num: how many samples are shown, about.
    """
    design = data.info.design
    places = np.argsort(idxs, kind="stable")[:num]
    if design:
        blocks = np.unique(idxs // design.block_size).tolist()
        places = np.flatnonzero(np.isin(idxs, choose_members(blocks, design.block_size)))
    rows = read_rows(open_records(data.with_fields(None)), places)
    return arrange(rows, design, data.class_names, num)


def read_sheet(data: Dataset, arrangement: Arrangement, note: str = "") -> Sheet:
    """Reads the samples of a sheet.

    Raises:
        UserError: one is damaged.
    """
    fields = [picture.field for picture in find_pictures(data.with_fields(None).fields)]
    places = np.array(arrangement.places)
    samples = data.with_fields(fields, np.inf).read_checked(places)
    noun = "sample" if len(data) == 1 else "samples"
    total = f"{len(samples)} of {len(data):,}" if len(samples) < len(data) else f"{len(data):,}"
    return Sheet(data.path.name, note or f"{total} {noun}", arrangement, samples, data.class_names)


def draw_sheet(sheet: Sheet) -> Image.Image:
    """Draws the samples of a sheet, each with all of its pictures; classes are listed below."""
    samples = sheet.samples
    pictures, scale = find_pictures(samples[0]), find_scale(samples)
    drawn = [[p.draw(sample[p.field], scale) for p in pictures] for sample in samples]
    depth = f"depth, {scale.near_m:.2f} to {scale.far_m:.2f} m"
    names = [depth if p.field == DEPTH else p.name for p in pictures]
    maps = [sample[CLASS_MAP] for sample in samples if CLASS_MAP in sample]
    seen = sorted({int(v) - 1 for ids in maps for v in np.unique(ids) if v})
    tiles = _place_tiles(sheet.arrangement, drawn, pictures, names)
    legend = _draw_legend({c: to_class_name(c, sheet.class_names) for c in seen}, tiles.width)
    whole = Image.new("RGB", (tiles.width, tiles.height + legend.height), BACKGROUND)
    whole.paste(legend, (0, tiles.height))
    whole.paste(tiles)
    draw = ImageDraw.Draw(whole)
    font = ImageFont.load_default(CAPTION_FONT)
    left = whole.width - MARGIN_PX - draw.textlength(sheet.note, font)
    draw.text((left, 17), sheet.note, FAINT_TEXT, font)
    title = ImageFont.load_default(TITLE_FONT)
    room = left - 3 * MARGIN_PX
    draw.text((MARGIN_PX, 12), cut_text(draw, sheet.title, title, room), TEXT, title)
    return whole


@dataclass(frozen=True)
class _Layout:
    """Sizes and places, px."""

    tile: int  # side of a picture
    cell: int  # width of a sample: all of its pictures
    num_columns: int
    header: int
    label: int  # height above a line
    caption: int  # height below a sample

    @property
    def step(self) -> int:
        """From one row of samples to the next."""
        return self.label + self.tile + self.caption + MARGIN_PX

    def find(self, place: int) -> tuple[int, int]:
        """Left and top of a sample's pictures, by its place in the table."""
        row, column = divmod(place, self.num_columns)
        x = MARGIN_PX + column * (self.cell + MARGIN_PX)
        return x, self.header + self.label + row * self.step


def _place_tiles(
    arrangement: Arrangement,
    drawn: Sequence[Sequence[np.ndarray]],
    pictures: Sequence[Picture],
    names: Sequence[str],
) -> Image.Image:
    layout, num_rows = _find_layout(arrangement, len(pictures), max(drawn[0][0].shape[:2]))
    width = MARGIN_PX + layout.num_columns * (layout.cell + MARGIN_PX)
    sheet = Image.new("RGB", (width, layout.header + num_rows * layout.step), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    caption = ImageFont.load_default(CAPTION_FONT)
    starts, longest = _find_starts(arrangement, layout.num_columns)
    tiles = iter(drawn)
    for line, start in zip(arrangement.lines, starts, strict=True):
        x, y = layout.find(start)
        room = min(longest, layout.num_columns) * (layout.cell + MARGIN_PX) - MARGIN_PX
        font = ImageFont.load_default(LABEL_FONT)
        draw.text((x, y - 19), cut_text(draw, line.label, font, room), TEXT, font)
        for k, text in enumerate(line.captions):
            x, y = layout.find(start + k)
            for tile, picture in zip(next(tiles), pictures, strict=True):
                sheet.paste(_fit(tile, layout.tile, picture.is_map), (x, y))
                x += layout.tile + GAP_PX
            x -= layout.cell + GAP_PX
            short = cut_text(draw, text, caption, layout.cell)
            draw.text((x, y + layout.tile + 2), short, FAINT_TEXT, caption)
    for k, name in enumerate(names if len(names) > 1 else ()):
        font = _find_font(draw, name, layout.tile)
        for column in range(layout.num_columns):
            x = layout.find(column)[0] + k * (layout.tile + GAP_PX)
            draw.text((x, layout.header - 18), name, FAINT_TEXT, font)
    return sheet


def _find_layout(arrangement: Arrangement, num_pictures: int, side_px: int) -> tuple[_Layout, int]:
    """The layout whose shape is best, and its number of rows."""
    tile = side_px * math.ceil(MIN_TILE_PX / side_px)
    usable = MAX_WIDTH_PX - 2 * MARGIN_PX - (num_pictures - 1) * GAP_PX
    tile = min(tile, usable // num_pictures)
    cell = num_pictures * (tile + GAP_PX) - GAP_PX
    num_fitting = max(1, (MAX_WIDTH_PX - MARGIN_PX) // (cell + MARGIN_PX))
    num_samples = len(arrangement.places)

    def cost(num_columns: int) -> float:
        num_rows = _count_rows(arrangement, num_columns)
        aspect = num_columns * cell / (num_rows * tile)
        return abs(math.log(aspect / ASPECT)) + num_columns * num_rows / num_samples - 1

    longest = _find_longest(arrangement)
    fitting = range(1, num_fitting + 1)
    if len(arrangement.lines) > 1:  # each begins a row, or stands in a whole part of one
        wanted = longest * arrangement.num_beside
        parts = [n for n in fitting if n % longest == 0 and wanted in (0, n)]
        fitting = parts or [n for n in fitting if longest % n == 0][-1:]
    num_columns = min(fitting, key=cost)
    header = HEADER_PX + (12 if num_pictures > 1 else 0)
    has_labels = any(line.label for line in arrangement.lines)
    has_captions = any(text for line in arrangement.lines for text in line.captions)
    label, caption = LABEL_PX * has_labels, CAPTION_PX * has_captions
    layout = _Layout(tile, cell, num_columns, header, label, caption)
    return layout, _count_rows(arrangement, num_columns)


def _find_longest(arrangement: Arrangement) -> int:
    return max(len(line.places) for line in arrangement.lines)


def _find_starts(arrangement: Arrangement, num_columns: int) -> tuple[list[int], int]:
    """Where each line begins in a table of so many columns, and how much room each has."""
    longest = _find_longest(arrangement)
    room = longest if longest < num_columns else math.ceil(longest / num_columns) * num_columns
    return [k * room for k in range(len(arrangement.lines))], room


def _count_rows(arrangement: Arrangement, num_columns: int) -> int:
    starts, room = _find_starts(arrangement, num_columns)
    return math.ceil((starts[-1] + room) / num_columns)


def cut_text(draw: ImageDraw.ImageDraw, text: str, font: Font, width_px: float) -> str:
    """A text of one line that fits a width; of a longer one, its start."""
    text = to_line(text)
    if draw.textlength(text, font) <= width_px:
        return text
    lengths = range(len(text[:200]), 0, -1)
    cuts = (f"{text[:n].rstrip(' ,')}..." for n in lengths)
    return next((cut for cut in cuts if draw.textlength(cut, font) <= width_px), "...")


def _find_font(draw: ImageDraw.ImageDraw, text: str, width_px: int) -> Font:
    """Largest font of 8 to 12 px in which a text fits a width, if there is one."""
    fonts = [ImageFont.load_default(size) for size in range(12, 7, -1)]
    return next((f for f in fonts if draw.textlength(text, f) <= width_px), fonts[-1])


def _fit(tile: np.ndarray, tile_px: int, is_map: bool) -> Image.Image:
    """Enlarges without smoothing, and shrinks with smoothing, but for maps."""
    image = Image.fromarray(tile)
    if max(image.size) > tile_px and not is_map:
        return image.resize((tile_px, tile_px), Image.Resampling.LANCZOS)
    return image.resize((tile_px, tile_px), Image.Resampling.NEAREST)


def _draw_legend(names: dict[int, str], width_px: int) -> Image.Image:
    """Names of classes with their colors, in as many lines as they need; empty without names."""
    font, places = ImageFont.load_default(12), {}
    measure = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    x, y = MARGIN_PX, 0
    for class_id, name in names.items():
        end = x + 18 + math.ceil(measure.textlength(name, font))
        if end > width_px - MARGIN_PX and x > MARGIN_PX:
            x, y, end = MARGIN_PX, y + LEGEND_LINE_PX, end - x + MARGIN_PX
        places[class_id] = x, y
        x = end + 18
    legend = Image.new("RGB", (width_px, y + LEGEND_PX if names else 0), BACKGROUND)
    draw = ImageDraw.Draw(legend)
    for class_id, (x, y) in places.items():
        draw.rounded_rectangle((x, y, x + 12, y + 12), 3, class_to_color(class_id))
        draw.text((x + 18, y - 1), names[class_id], TEXT, font)
    return legend
