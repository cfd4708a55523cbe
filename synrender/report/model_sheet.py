"""Draws a sheet of models: a picture of each class with its name below."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from synrender.errors import UserError
from synrender.report.contact_sheet import save_sheet
from synrender.report.pictures import EMPTY
from synrender.report.sheet import BACKGROUND, FAINT_TEXT, MARGIN_PX, TEXT, cut_text
from synrender.system.files import open_regular, write_atomically

MIN_COLUMNS, MAX_COLUMNS = 3, 8
MAX_IN_LINE = 5  # of a sheet of one line
ASPECT = 1.6  # columns per line, of a larger one
HEADER_PX, CAPTION_PX = 48, 44
NAME_PX, NOTE_PX, TITLE_PX = 15, 12, 18
"""Sizes of letters."""

_DESCRIPTION = "One model of each class."
_NUM_HEAD_BYTES = 4096


@dataclass(frozen=True)
class Tile:
    """A class on the sheet."""

    name: str
    num_models: int
    path: Path | None  # of its picture; None: no model can be read


def refuse_foreign_file(path: Path) -> None:
    """Raises UserError if there is a file that is no sheet of models, which would be lost."""
    try:
        with open_regular(path) as file:
            head = file.read(_NUM_HEAD_BYTES)
    except FileNotFoundError:
        return
    except (OSError, ValueError):
        head = b""
    if _DESCRIPTION.encode() not in head:
        raise UserError(
            f"--sheet {path}: is there already, and no sheet of models; give another name"
        )


def draw_model_sheet(tiles: list[Tile], title: str, note: str, path: Path) -> None:
    """Writes a sheet as PNG.

    Args:
        tiles: one for each class, in order; their pictures are squares of one size.
        title: in the upper left.
        note: in the upper right, such as how many classes there are.
        path: of the file.
    """
    images = {k: Image.open(t.path).convert("RGB") for k, t in enumerate(tiles) if t.path}
    side = max((image.width for image in images.values()), default=192)
    num_columns, num_lines = _find_grid(len(tiles))
    step_x, step_y = side + MARGIN_PX, side + CAPTION_PX
    width = MARGIN_PX + max(num_columns, MIN_COLUMNS) * step_x
    size = (width, HEADER_PX + num_lines * step_y + MARGIN_PX)
    sheet = Image.new("RGB", size, BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    small = ImageFont.load_default(NOTE_PX)
    note_px = math.ceil(draw.textlength(note, small))
    draw.text((sheet.width - MARGIN_PX - note_px, 19), note, FAINT_TEXT, small)
    room = sheet.width - note_px - 4 * MARGIN_PX
    font = ImageFont.load_default(TITLE_PX)
    draw.text((MARGIN_PX, 13), cut_text(draw, title, font, room), TEXT, font)
    for k, tile in enumerate(tiles):
        line, column = divmod(k, num_columns)
        place = MARGIN_PX + column * step_x, HEADER_PX + line * step_y
        if k in images:
            sheet.paste(images[k], place)
        else:
            draw.rectangle((*place, place[0] + side - 1, place[1] + side - 1), EMPTY)
            draw.text(
                (place[0] + 12, place[1] + 12), "no model that can be read", FAINT_TEXT, small
            )
        _write_caption(draw, tile, (place[0], place[1] + side), side)
    write_atomically(path, lambda temporary: save_sheet(sheet, temporary, _DESCRIPTION))


def _find_grid(num: int) -> tuple[int, int]:
    """Numbers of columns and lines of a sheet that is a little wider than high."""
    num_lines = round(math.sqrt(num / ASPECT)) if num > MAX_IN_LINE else 1
    num_columns = min(MAX_COLUMNS, math.ceil(num / num_lines))
    return num_columns, math.ceil(num / max(num_columns, 1))


def count_classes(num_shown: int, num: int) -> str:
    """Such as "10 classes", or "60 of 1156 classes"."""
    noun = "class" if num == 1 else "classes"
    return f"{num_shown} of {num} {noun}" if num_shown < num else f"{num} {noun}"


def _write_caption(
    draw: ImageDraw.ImageDraw, tile: Tile, place: tuple[int, int], width_px: int
) -> None:
    x, y = place
    font, small = ImageFont.load_default(NAME_PX), ImageFont.load_default(NOTE_PX)
    noun = "model" if tile.num_models == 1 else "models"
    draw.text((x, y + 3), cut_text(draw, tile.name, font, width_px), TEXT, font)
    draw.text((x, y + 22), f"{tile.num_models} {noun}", FAINT_TEXT, small)
