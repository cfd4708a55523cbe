"""A sheet of models shows a picture and the name of each class, and replaces no other file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synrender.errors import UserError
from synrender.report.model_sheet import (
    HEADER_PX,
    MARGIN_PX,
    Tile,
    count_classes,
    draw_model_sheet,
    refuse_foreign_file,
)
from synrender.report.pictures import EMPTY
from synrender.report.sheet import BACKGROUND

SIDE = 192


def write_picture(path: Path, color: tuple[int, int, int]) -> Path:
    Image.new("RGB", (SIDE, SIDE), color).save(path)
    return path


@pytest.mark.parametrize(("num", "columns", "lines"), [(1, 3, 1), (10, 5, 2), (60, 8, 8)])
def test_each_class_has_its_picture_and_name(
    tmp_path: Path, num: int, columns: int, lines: int
) -> None:
    colors = [(4 * k, 200, 255 - 4 * k) for k in range(num)]
    tiles = [Tile(f"class {k}", k, write_picture(tmp_path / f"{k}.png", c))
             for k, c in enumerate(colors)]  # fmt: skip
    draw_model_sheet(tiles, "title", "note", tmp_path / "sheet.png")
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    assert sheet.shape[1] == MARGIN_PX + columns * (SIDE + MARGIN_PX)
    assert sheet.shape[0] > lines * (SIDE + 30)
    per_line = min(columns, num)
    for k, color in enumerate(colors):
        line, column = divmod(k, per_line)
        y, x = HEADER_PX + line * (SIDE + 44), MARGIN_PX + column * (SIDE + MARGIN_PX)
        assert (sheet[y : y + SIDE, x : x + SIDE] == color).all()
        caption = sheet[y + SIDE : y + SIDE + 40, x : x + SIDE]
        assert (caption.max(axis=(1, 2)) > 200).sum() >= 9  # lines of pixels of its name
    assert (sheet[:HEADER_PX] != BACKGROUND).any()


def test_a_class_without_a_picture_and_a_long_name_leave_the_others_alone(tmp_path: Path) -> None:
    tiles = [
        Tile("x" * 10_000 + "\n", 7, None),
        Tile("b", 1, write_picture(tmp_path / "b.png", (9, 9, 9))),
    ]
    draw_model_sheet(tiles, "y" * 10_000, count_classes(60, 1156), tmp_path / "sheet.png")
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    first = sheet[HEADER_PX : HEADER_PX + SIDE, MARGIN_PX : MARGIN_PX + SIDE]
    assert (first[50:] == EMPTY).all()
    gap = sheet[HEADER_PX:, MARGIN_PX + SIDE : MARGIN_PX + SIDE + MARGIN_PX]
    assert (gap == BACKGROUND).all()
    assert (sheet[HEADER_PX, MARGIN_PX + SIDE + MARGIN_PX + 5] == 9).all()


def test_classes_are_counted() -> None:
    assert [count_classes(*n) for n in ((1, 1), (10, 10), (60, 1156))] == [
        "1 class", "10 classes", "60 of 1156 classes"]  # fmt: skip


def test_only_a_sheet_of_models_is_replaced(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    refuse_foreign_file(sheet)
    draw_model_sheet([Tile("a", 1, write_picture(tmp_path / "a.png", (9, 9, 9)))], "", "", sheet)
    refuse_foreign_file(sheet)
    for path in (tmp_path / "a.png", tmp_path):
        with pytest.raises(UserError, match="is there already, and no sheet of models"):
            refuse_foreign_file(path)
