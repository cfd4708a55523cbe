"""Renders the pictures in img/ that the README shows.

python tools/make_pictures.py

Renders with the built-in demo models into a temporary data folder; takes a few minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

PROJECT_DIR = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT_DIR))

from synrender.images.exr import read_exr  # noqa: E402
from synrender.report.sheet import exr_to_tiles  # noqa: E402

TILE_PX = 192
GAP_PX = 6
HEADER_PX = 26

# Settings of the digits in a variant's name: texture, colour, viewpoint, lighting.
BASE = {
    "material.use_texture": "False",
    "material.color_intensity": "0.4",
    "object.random_viewpoint": "0",
    "lighting.r": "0",
}
FACTORS = {
    "base": {},
    "texture": {"material.use_texture": "True"},
    "colour": {"material.use_color_ref": "False"},
    "viewpoint": {"object.random_viewpoint": "0.5"},
    "lighting": {"lighting.r": "2"},
    "all four": {
        "material.use_texture": "True",
        "material.use_color_ref": "False",
        "object.random_viewpoint": "0.5",
        "lighting.r": "2",
    },
}
LOOK = {"rendering.resolution": str(TILE_PX), "rendering.render_samples": "64"}


def render(data_dir: Path, name: str, config: str, parameters: dict[str, str]) -> Path:
    """Renders a data set and returns the folder of its images."""
    bindings = [f"{k} = {v}" for k, v in {**LOOK, **parameters}.items()]
    command = [sys.executable, "render.py", "-d", name, "-g", config, "-p", *bindings]
    environment = {**os.environ, "SYNRENDER_DATA_DIR": str(data_dir)}
    subprocess.run(command, cwd=PROJECT_DIR, env=environment, check=True)
    return data_dir / name / "img"


def compose(rows: list[list[np.ndarray]], headers: list[str]) -> Image.Image:
    """Arranges square tiles on a white sheet with a header above each column."""
    step = TILE_PX + GAP_PX
    size = (len(headers) * step - GAP_PX, HEADER_PX + len(rows) * step - GAP_PX)
    sheet = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    for column, header in enumerate(headers):
        x = column * step + (TILE_PX - draw.textlength(header, font)) / 2
        draw.text((x, 3), header, "black", font)
    for line, row in enumerate(rows):
        for column, tile in enumerate(row):
            sheet.paste(Image.fromarray(tile), (column * step, HEADER_PX + line * step))
    return sheet


def draw_factors(data_dir: Path) -> Image.Image:
    """Renders the same four models with the settings of each entry of `FACTORS`."""
    columns = []
    for name, changes in FACTORS.items():
        parameters = {
            **BASE, **changes, "batch.num_samples": "4", "batch.cache_obj_frames": "1",
            "sample.class_idxs": "[4, 0, 3, 5]", "sample.balanced": "True", "batch.seed": "1",
        }  # fmt: skip
        img = render(data_dir, f"factor_{name.replace(' ', '_')}", "render_single", parameters)
        columns.append([np.asarray(Image.open(img / f"{i:05d}.png")) for i in range(4)])
    return compose([list(row) for row in zip(*columns, strict=True)], list(FACTORS))


def draw_multi(data_dir: Path) -> Image.Image:
    """Renders samples of several objects and shows instance, class and depth maps."""
    parameters = {"batch.num_samples": "10", "batch.cache_obj_frames": "1", "batch.seed": "2"}
    img = render(data_dir, "multi", "render_multi", parameters)
    samples = [read_exr(img / f"{i:05d}.exr") for i in (1, 5, 9)]
    rows = [exr_to_tiles(sample, near_m=0.6, far_m=2.0) for sample in samples]
    return compose(rows, ["colour", "instance", "class", "depth"])


def main() -> None:
    """Renders and writes all pictures."""
    with tempfile.TemporaryDirectory() as folder:
        for name, draw in (("factors", draw_factors), ("multi", draw_multi)):
            path = PROJECT_DIR / "img" / f"{name}.png"
            path.parent.mkdir(exist_ok=True)
            draw(Path(folder)).save(path, optimize=True)
            print(path)


if __name__ == "__main__":
    main()
