from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import synrender
from synrender.report.pictures import find_pictures, find_scale
from tests.helpers import PROJECT_DIR, read_image, read_passes
from tests.report.conftest import write_grid


def draw(dataset_dir: Path, *arguments: object, status: int = 0) -> str:
    call = [sys.executable, "-X", "importtime", "report_dataset.py", "--sheet"]
    result = subprocess.run(
        [*call, "-d", dataset_dir.name, *map(str, arguments)],
        cwd=PROJECT_DIR,
        env={**os.environ, "SYNRENDER_DATA_DIR": str(dataset_dir.parent)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == status, result.stderr
    draw.imports = [line for line in result.stderr.splitlines() if line.startswith("import time:")]
    errors = [line for line in result.stderr.splitlines() if not line.startswith("import time:")]
    return result.stdout + "\n".join(errors)


def find_tile(sheet: np.ndarray, tile: np.ndarray) -> list[tuple[int, int]]:
    """Places (y, x) of a picture within a larger one."""
    h, w = tile.shape[:2]
    corners = np.argwhere((sheet[: -h + 1, : -w + 1] == tile[0, 0]).all(axis=2))
    return [(y, x) for y, x in corners if (sheet[y : y + h, x : x + w] == tile).all()]


def enlarge(image: np.ndarray) -> np.ndarray:
    return image.repeat(3, axis=0).repeat(3, axis=1)  # 32 px to 96 px


def test_a_sheet_shows_the_first_samples_in_order(single: Path) -> None:
    assert draw(single, "-n", 8) == f"{single}/contact_sheet.png\n"
    sheet = np.asarray(Image.open(single / "contact_sheet.png"))
    places = [find_tile(sheet, enlarge(read_image(single, idx))) for idx in range(8)]
    assert all(len(p) == 1 for p in places)
    assert places == sorted(places)
    assert not find_tile(sheet, enlarge(read_image(single, 8)))
    assert sheet.shape[1] <= 1600


def test_a_sheet_shows_a_design_and_is_drawn_again_when_there_are_more(tmp_path: Path) -> None:
    """Pairs of one base stand side by side, though a grid is spread over the data set."""
    folder = write_grid(tmp_path / "made", 48, 1, False)
    path = folder / "contact_sheet.png"
    draw(folder)
    description = Image.open(path).text["Description"]
    shown = list(map(int, description.removesuffix(".").rpartition(": ")[2].split()))
    assert description.startswith("Sheet for 24 of 48 samples: ")
    assert len(shown) == 24
    assert all(b == a + 1 and a % 2 == 0 for a, b in zip(shown[::2], shown[1::2], strict=True))
    sheet = np.asarray(Image.open(path))
    tiles = [read_image(folder, idx).repeat(6, axis=0).repeat(6, axis=1) for idx in shown[:2]]
    ((y, x), *_), ((second_y, second_x), *_) = (find_tile(sheet, tile) for tile in tiles)
    assert (second_y, second_x) == (y, x + 96 + 10)
    time_ns = path.stat().st_mtime_ns
    draw(folder)
    assert path.stat().st_mtime_ns == time_ns
    (folder / "img" / "00047.npy").unlink()
    draw(folder)
    assert "of 47 samples" in Image.open(path).text["Description"]


def test_a_sheet_shows_the_labels_that_were_rendered_for(labeled: Path) -> None:
    draw(labeled)
    sheet = np.asarray(Image.open(labeled / "contact_sheet.png"))
    assert sheet.shape[1] <= 1600
    data = synrender.open_dataset(labeled, nothing_hit=np.inf)
    pictures = find_pictures(data.fields)
    assert [p.field for p in pictures][4:6] == ["normal", "albedo"]
    assert len(pictures) == 14
    samples = [data[i] for i in range(len(data))]
    scale = find_scale(samples)
    for idx in (0, 11):
        tiles = [enlarge(p.draw(samples[idx][p.field], scale)) for p in pictures]
        ((y, x), *_) = find_tile(sheet, tiles[0])
        row = sheet[y : y + len(tiles[0]) + 1]  # metallic is 0 everywhere, and so in all rows
        for tile in tiles[1:]:
            x = min(right for top, right in find_tile(row, tile) if top == 0 and right > x)


def test_a_sheet_of_exr_shows_color_instances_classes_and_depth(multi: Path) -> None:
    draw(multi)
    sheet = np.asarray(Image.open(multi / "contact_sheet.png"))
    assert sheet.shape[1] <= 1600
    instance = enlarge(read_passes(multi, 0)["instance"])
    sizes = []
    for x in range(10, sheet.shape[1] - 96):
        tile = sheet[68 : 68 + 96, x : x + 96].astype(int) @ [1, 256, 65536]
        colors = [np.unique(tile[instance == k]) for k in np.unique(instance)]
        sizes.append(all(len(c) == 1 for c in colors) and len(np.unique(colors)) > 2)
    assert any(sizes), "no tile that has one color for each instance"


def test_a_sheet_that_is_up_to_date_is_left_alone_at_once(single: Path) -> None:
    draw(single)
    path = single / "contact_sheet.png"
    time_ns = path.stat().st_mtime_ns
    draw(single)
    assert path.stat().st_mtime_ns == time_ns
    assert not [line for line in draw.imports if line.split()[-1] in ("numpy", "PIL", "gin")]


def test_a_sheet_follows_its_samples_and_arguments(single: Path) -> None:
    draw(single)
    path = single / "contact_sheet.png"
    first = path.read_bytes()
    draw(single, "-n", 6)
    assert path.read_bytes() != first
    draw(single)
    assert path.read_bytes() == first
    Image.fromarray(read_image(single, 20)).save(single / "img/00003.png")
    draw(single)
    assert path.read_bytes() != first


@pytest.mark.parametrize("damage", ["none", "no samples", "truncated", "-n"])
def test_what_cannot_be_drawn_is_one_line(damage: str, single: Path) -> None:
    arguments = ()
    if damage == "none":
        single = single.with_name("singel")
    elif damage == "no samples":
        for path in (single / "img").glob("*.npy"):
            path.unlink()
    elif damage == "truncated":
        path = single / "img/00002.png"
        path.write_bytes(path.read_bytes()[:500])
    else:
        arguments = ("-n", 0)
    output = draw(single, *arguments, status=2)
    assert output.startswith("error: ")
    assert len(output.splitlines()) == 1
    assert not (single / "contact_sheet.png").exists()
    assert not list(single.glob(".contact*"))
