"""Renders the pictures in img/ that README and docs show.

python tools/make_pictures.py [NAME ...]

Renders with the built-in demo models into a temporary data folder; takes a few minutes.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

PROJECT_DIR = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT_DIR))

import synrender  # noqa: E402
from synrender.fanout.variants import VARIANTS, variant_to_bindings  # noqa: E402
from synrender.report.pictures import Scale, find_pictures  # noqa: E402
from synrender.settings.factor_table import BACKDROPS, FACTORS, Kind, find_columns  # noqa: E402
from synrender.settings.groups import Sample  # noqa: E402
from tools.make_gallery import run_script  # noqa: E402

GAP_PX = 6
HEADER_PX = 22
HEADER_FONT = 14  # px, as pictures are no wider than a page: 736 px

# Settings of the digits in a variant's name: texture, color, viewpoint, lighting.
BASE = {
    "material.use_texture": "False",
    "material.color_intensity": "0.4",
    "object.random_viewpoint": "0",
    "lighting.r": "0",
    # Sharp shadows, so that the light can be told.
    "scene.light_radius": "0.1",
    "scene.sun_energy": "0.3",
}
VARIED = {
    "base": {},
    "texture": {"material.use_texture": "True"},
    "color": {"material.use_color_ref": "False"},
    "viewpoint": {"object.random_viewpoint": "0.5"},
    "lighting": {"lighting.r": "1.2"},
    "all four": {
        "material.use_texture": "True",
        "material.use_color_ref": "False",
        "object.random_viewpoint": "0.5",
        "lighting.r": "1.2",
    },
}
LOOK = {"rendering.render_samples": "64"}


def render(data_dir: Path, name: str, config: str | list[str], parameters: dict[str, str]) -> Path:
    """Renders a data set and returns the folder of its images."""
    bindings = [f"{k} = {v}" for k, v in {**LOOK, **parameters}.items()]
    files = [config] if isinstance(config, str) else config
    run_script("render.py", data_dir / name, "-g", *files, "-p", *bindings)
    return data_dir / name / "img"


def compose(rows: list[list[np.ndarray]], headers: list[list[str]]) -> Image.Image:
    """Arranges square tiles on a white sheet, with lines of headers above the first rows."""
    side_px = len(rows[0][0])
    step = side_px + GAP_PX
    height = len(rows) * step + len(headers) * HEADER_PX - GAP_PX
    sheet = Image.new("RGB", (len(rows[0]) * step - GAP_PX, height), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(HEADER_FONT)
    top = 0
    for line, row in enumerate(rows):
        for column, header in enumerate(headers[line] if line < len(headers) else []):
            x = column * step + (side_px - draw.textlength(header, font)) / 2
            draw.text((x, top + 2), header, "black", font)
        top += HEADER_PX * (line < len(headers))
        for column, tile in enumerate(row):
            sheet.paste(Image.fromarray(tile), (column * step, top))
        top += step
    return sheet


def draw_factors(data_dir: Path) -> Image.Image:
    """Renders the same four models with the settings of each entry of `VARIED`."""
    columns = []
    for name, changes in VARIED.items():
        parameters = {
            **BASE, **changes, "batch.num_samples": "4", "batch.cache_obj_frames": "1",
            "sample.class_idxs": "[4, 0, 3, 5]", "sample.balanced": "True", "batch.seed": "57",
            "rendering.resolution": "117",
        }  # fmt: skip
        img = render(data_dir, f"factor_{name.replace(' ', '_')}", "render_single", parameters)
        columns.append([np.asarray(Image.open(img / f"{i:05d}.png")) for i in range(4)])
    return compose([list(row) for row in zip(*columns, strict=True)], [list(VARIED)])


def draw_multi(data_dir: Path) -> Image.Image:
    """Renders samples of several objects, and shows some of their labels."""
    parameters = {
        "batch.num_samples": "6", "batch.cache_obj_frames": "2", "batch.seed": "2",
        "rendering.resolution": "142", "rendering.labels": "('normal', 'flow')",
    }  # fmt: skip
    names = ("image", "instance", "normal", "depth", "flow")
    tiles = draw_maps(render(data_dir, "multi", "render_multi", parameters), (0, 2, 4))
    rows = [[row[name] for name in names] for row in tiles]
    return compose(rows, [[DEPTH_HEADER if name == "depth" else name for name in names]])


def draw_labels(data_dir: Path) -> Image.Image:
    """Renders a sample of several objects with all labels that are maps."""
    parameters = {
        "rendering.resolution": "179", "batch.num_samples": "2", "batch.cache_obj_frames": "2",
        "batch.seed": "2", "rendering.labels": LABEL_MAPS,
    }  # fmt: skip
    (tiles,) = draw_maps(render(data_dir, "labels", "render_multi", parameters), (0,))
    named = [(DEPTH_HEADER if k == "depth" else k, tile) for k, tile in tiles.items()]
    rows = [named[start : start + 4] for start in range(0, len(named), 4)]
    return compose([[tile for _, tile in row] for row in rows], [[k for k, _ in r] for r in rows])


DEPTH_SCALE = Scale(near_m=0.6, far_m=2.0)
DEPTH_HEADER = f"depth, {DEPTH_SCALE.near_m:g} to {DEPTH_SCALE.far_m:g} m"


def draw_maps(img: Path, idxs: tuple[int, ...]) -> list[dict[str, np.ndarray]]:
    """The pictures of some samples, by name."""
    data = synrender.open_dataset(img)
    pictures = find_pictures(data.all_fields)
    samples = data.with_fields([p.field for p in pictures], np.inf).read_samples(idxs)
    return [{p.name: p.draw(s[p.field], DEPTH_SCALE) for p in pictures} for s in samples]


LABEL_MAPS = (
    "('normal', 'albedo', 'shading', 'amodal', 'object_coordinates', 'world_position', 'flow', "
    "'occlusion')"
)


@dataclass(frozen=True)
class Twins:
    """A row of samples that differ in one factor alone."""

    levels: int | list  # as in design.levels: a number, or values
    captions: str = "{:g}"  # of a value; files are named
    settings: dict[str, str] = field(default_factory=dict)


SMOOTH = {"material.use_texture": "False", "scene.light_radius": "0.1"}
"""Plain colors and sharp shadows, in which lights can be told apart."""

WHITE = "'color': (0.7, 0.7, 0.7), 'backdrop_color': (0.25, 0.25, 0.28), 'scale': 0.65"
DIM = {**SMOOTH, "design.fixed": f"{{{WHITE}}}", "scene.sun_energy": "0.3"}
STANDING = {**DIM, "scene.ground": "True"}
AROUND = {**SMOOTH, "scene.sun_energy": "0"}


def fix(text: str, settings: dict[str, str] = DIM) -> dict[str, str]:
    """Settings with more factors that have one value."""
    return {**settings, "design.fixed": f"{{{WHITE}, {text}}}"}


THREE = "{:.2g}, {:.2g}, {:.2g}"
TURN = [-1.57, 0, 1.57, 3.14]
SHINY = "'light_energy': 0, 'environment': 'studio'"
TWINS: dict[str, dict[str, Twins]] = {
    "twins": {
        "class": Twins([0, 3, 4, 6]),
        "model": Twins(2),
        "texture": Twins(4),
        "color": Twins(4, THREE),
        "scale": Twins([0.5, 0.7, 0.9, 1.1]),
        "warp": Twins([[1, 1, 1], [0.6, 1, 1.2], [1.3, 0.6, 1], [1, 1.4, 0.7]], THREE),
        "azimuth": Twins([-1.2, -0.4, 0.4, 1.2]),
        "elevation": Twins([-0.6, -0.2, 0.2, 0.6]),
        "roll": Twins([-0.6, -0.2, 0.2, 0.6]),
        "layout": Twins([[0, -0.15, 0], [0, 0.15, 0], [0.2, 0, 0], [-0.6, 0, 0]], THREE),
        "num_objs": Twins([1, 2, 3, 4], "{:g}", {"sample.num_objs": "4"}),
        "roughness": Twins([0, 0.25, 0.5, 1], "{:g}", fix(f"{SHINY}, 'metallic': 1", AROUND)),
        "metallic": Twins([0, 0.5, 0.8, 1], "{:g}", fix(f"{SHINY}, 'roughness': 0.2", AROUND)),
        "backdrop_texture": Twins(4),
    },
    "twins_light": {
        "light_angle": Twins([-1.4, -0.5, 0.5, 1.4], "{:g}", DIM),
        "light_azimuth": Twins(TURN, "{:g}", fix("'light_elevation': 0.5", STANDING)),
        "light_elevation": Twins([0.1, 0.5, 1, 1.57], "{:g}", fix("'light_azimuth': -1", STANDING)),
        "light_energy": Twins([5, 30, 100, 300], "{:g}", DIM),
        "light_color": Twins(
            [("kelvin", 2200), ("kelvin", 4000), ("kelvin", 12000), ("hue", 0.9, 0.8, 1)],
            THREE,
            DIM,
        ),
        "num_lights": Twins([1, 2, 4, 8], "{:g}", STANDING),
        "sun_color": Twins(
            [(1, 1, 1), ("kelvin", 2200), ("kelvin", 12000), ("hue", 0.35, 0.7, 1)],
            THREE,
            {**fix("'light_energy': 10"), "scene.sun_energy": "3"},
        ),
        "environment": Twins(
            ["sky", "studio", "sunset"],
            "{:g}",
            fix("'light_energy': 0, 'environment_energy': 0.5", AROUND),
        ),
        "environment_rotation": Twins(
            TURN,
            "{:g}",
            fix("'light_energy': 0, 'environment_energy': 0.5, 'environment': 'sunset'", AROUND),
        ),
        "environment_energy": Twins(
            [0.1, 0.3, 1, 2], "{:g}", fix("'light_energy': 0, 'environment': 'sky'", AROUND)
        ),
        "exposure": Twins([-2, -1, 0, 1]),
        "backdrop_color": Twins(4, THREE, SMOOTH),
        "backdrop_roughness": Twins(
            [0.1, 0.25, 0.5, 1], "{:g}", fix("'light_angle': 0.2, 'backdrop_metallic': 1", STANDING)
        ),
        "backdrop_metallic": Twins(
            [0, 0.4, 0.8, 1], "{:g}", fix("'light_angle': 0.2, 'backdrop_roughness': 0.3", STANDING)
        ),
    },
    "twins_camera": {
        "camera_distance": Twins([0.8, 1.1, 1.4, 1.7], "{:g}"),
        "camera_lens": Twins([28, 50, 70, 100], "{:g}"),
        "camera_azimuth": Twins(TURN),
        "camera_elevation": Twins([-0.2, 0.3, 0.8, 1.4]),
        "camera_roll": Twins([-0.6, -0.2, 0.2, 0.6]),
        "camera_fstop": Twins([0.5, 1, 2, 16], "f/{:g}", {"sample.num_objs": "3"}),
    },
}
"""The rows of each picture by factor."""

ROW_PX, NAME_PX, CAPTION_PX, BETWEEN_PX = 88, 20, 20, 16


def draw_twins(data_dir: Path, picture: str) -> Image.Image:
    """Two columns of rows, see `TWINS`: the factor above, the values below."""
    rows = {name: render_twins(data_dir, name, twins) for name, twins in TWINS[picture].items()}
    step, height = ROW_PX + 2, NAME_PX + ROW_PX + CAPTION_PX
    width, half = 4 * step - 2, (len(rows) + 1) // 2
    sheet = Image.new("RGB", (2 * width + BETWEEN_PX, half * height), "white")
    draw, font, small = ImageDraw.Draw(sheet), *map(ImageFont.load_default, (14, 12))
    for k, (name, tiles) in enumerate(rows.items()):
        x, y = k // half * (width + BETWEEN_PX), k % half * height
        factor = FACTORS[name]
        has_unit = factor.unit and factor.kind is not Kind.CATEGORICAL
        draw.text((x, y + 2), f"{name}, {factor.unit}" if has_unit else name, "black", font)
        for i, (tile, caption) in enumerate(tiles):
            left = x + i * step
            sheet.paste(Image.fromarray(tile), (left, y + NAME_PX))
            middle = left + (ROW_PX - draw.textlength(caption, small)) / 2
            draw.text((middle, y + NAME_PX + ROW_PX), caption, "black", small)
    return sheet


ON_A_GROUND = "on a ground:"
CAMERA = {
    "camera_fstop": (0.2, 0.5, 1.4, 16),
    "exposure": (-1.5, 0, 1, 2),
    "backdrop": BACKDROPS,
    ON_A_GROUND: BACKDROPS,
}
"""Factors of the camera and of what is behind the objects, with their levels."""


def draw_camera(data_dir: Path) -> Image.Image:
    """A row of samples for each of `CAMERA`; a checkerboard is seen where there is alpha."""
    side_px, header_px = 144, 20
    step = side_px + GAP_PX
    sheet = Image.new("RGB", (4 * step - GAP_PX, len(CAMERA) * (step + header_px)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    board = np.kron(np.indices((side_px // 8,) * 2).sum(0) % 2, np.ones((8, 8)))
    board = Image.fromarray(np.uint8(255 - 55 * board)).convert("RGB")
    for line, (row, levels) in enumerate(CAMERA.items()):
        is_grounded = row == ON_A_GROUND
        factor = "backdrop" if is_grounded else row
        is_number = FACTORS[factor].kind is not Kind.CATEGORICAL
        head = ", ".join(filter(None, (row, FACTORS[factor].unit))) + ":" if is_number else row
        parameters = {
            "rendering.resolution": str(side_px), "rendering.render_exr": "False",
            "design.kind": "'one_at_a_time'", "design.levels": f"{{'{factor}': {levels}}}",
            "design.fixed": "{'environment': 'sunset', 'camera_elevation': 0.2}"
            if factor == "backdrop"
            else "{}",
            "scene.ground": str(is_grounded), "sample.num_objs": "3", "batch.seed": "2",
            "batch.num_samples": str(len(levels)), "object.n_buckets": "1",
            "object.total_num_samples": str(len(levels)), "rendering.render_samples": "128",
        }  # fmt: skip
        img = render(data_dir, f"camera_{line}", "render_multi", parameters)
        y = line * (step + header_px)
        for k, path in enumerate(sorted(img.glob("*.png"))):
            tile = Image.open(path)
            text = f"{levels[k]}" if k else f"{head} {levels[k]}"
            draw.text((k * step + 2, y + 3), text, "black", font)
            sheet.paste(board, (k * step, y + header_px))
            mask = tile if tile.mode == "RGBA" else None
            sheet.paste(tile, (k * step, y + header_px), mask)
    return sheet


def render_twins(data_dir: Path, name: str, twins: Twins) -> list[tuple[np.ndarray, str]]:
    """Tiles of a row with their captions, by ascending values."""
    levels = twins.levels
    count = levels if isinstance(levels, int) else len(levels)
    parameters = {
        "rendering.resolution": str(ROW_PX), "design.kind": "'twins'",
        "design.twin_size": str(count), "design.levels": f"{{'{name}': {levels}}}",
        "sample.class_idxs": "[0, 3, 4, 6]", "sample.balanced": "True", "batch.seed": "3",
        "batch.idx_offset": str(2 * count), "batch.num_samples": str(count),
        "object.total_num_samples": str(36 * count), "object.random_viewpoint": "0",
        "material.color_intensity": "0.4", **twins.settings,
    }  # fmt: skip
    img = render(data_dir, f"twins_{name}", "render_single", parameters)
    columns, found = list(find_columns(name)), []
    for path in sorted(img.glob("*.png")):
        record = np.load(path.with_suffix(".npy"))[0]
        values = record["factor_values"][columns].tolist()
        text = twins.captions.format(*values)
        if name in ("texture", "backdrop_texture", "environment"):
            text = Path(str(record[name])).stem
        elif name == "class":
            text = Sample().classes[record["class"]].split(",")[0]
        elif name == "model":
            text = f"{record['model_id'][:8]} ..."
        found.append((int(record["factor_levels"][columns[0]]), np.asarray(Image.open(path)), text))
    return [(tile, text) for _, tile, text in sorted(found, key=lambda row: row[0])]


def draw_report(data_dir: Path) -> Image.Image:
    """A report as a browser shows it: its samples in light, its factors in dark."""
    from playwright.sync_api import sync_playwright

    parameters = {
        "design.twins": "('texture', 'viewpoint', 'light_angle', 'backdrop_texture')",
        "batch.num_samples": "96", "object.total_num_samples": "96", "batch.seed": "2",
        "sample.num_objs": "3", "rendering.resolution": "128", "lighting.r": "1",
        "object.random_viewpoint": "0.5", "batch.cache_obj_frames": "2",
        "rendering.labels": "('normal',)", "rendering.render_samples": "16",
    }  # fmt: skip
    img = render(data_dir, "report", ["render_multi", "design_twins"], parameters)
    run_script("report_dataset.py", img.parent)
    url = (img.parent / "report.html").as_uri()
    halves = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        for scheme, script in (("light", REPORT_SAMPLES), ("dark", REPORT_FACTORS)):
            page = chromium.new_context(color_scheme=scheme, viewport=REPORT_PX).new_page()
            page.goto(url)
            page.evaluate(script)
            page.wait_for_timeout(500)
            halves.append(Image.open(io.BytesIO(page.screenshot())))
        chromium.close()
    picture = Image.new("RGB", (REPORT_PX["width"], 2 * REPORT_PX["height"]))
    for k, half in enumerate(halves):
        picture.paste(half, (0, k * REPORT_PX["height"]))
    return picture


REPORT_PX = {"width": 760, "height": 740}  # of each half
REPORT_SAMPLES = """
document.querySelector("input[value=class]").click();
document.querySelector("#blend").value = 60;
document.querySelector("#blend").dispatchEvent(new Event("input", {bubbles: true}));
"""
REPORT_FACTORS = "document.querySelector('#factors').scrollIntoView({behavior: 'instant'})"


RECIPES = {
    "threediebench": {"batch.cache_obj_frames": "1"},
    "pug_like": {},
    "clevr_like": {"rendering.render_exr": "False"},
    "shapenet_views": {"design.length": "4"},
    "s3o4d_like": {"batch.cache_obj_frames": "4"},
    "orbit": {"design.length": "8", "batch.num_samples": "8"},
}
"""What the picture of each recipe sets besides its size, so that it shows several models."""

RECIPE_PX, RECIPE_COLUMNS = 160, 4


def draw_recipe(data_dir: Path, name: str) -> Image.Image:
    """The first eight samples of a recipe, by the command of `docs/recipes.md`."""
    look = {"rendering.resolution": str(RECIPE_PX), "rendering.render_samples": "32"}
    given = {"batch.num_samples": "8", **look, **RECIPES[name]}
    files = [f"recipes/{name}"] if name != "orbit" else ["render_single", "recipes/orbit"]
    paths = sorted(render(data_dir, name, files, given).glob("*.png"))
    return arrange([Image.open(path).convert("RGBA") for path in paths])


def draw_newell2020(data_dir: Path) -> Image.Image:
    """The same sample in each of the 12 variants."""
    tiles = []
    for variant in VARIANTS:
        bindings = dict(b.split(" = ", 1) for b in variant_to_bindings(variant))
        given = {**bindings, "batch.num_samples": "1", "rendering.resolution": str(RECIPE_PX)}
        files = ["render_single", "recipes/newell2020"]
        img = render(data_dir, f"newell_{variant}", files, given)
        tiles.append(np.asarray(Image.open(img / "00000.png").convert("RGB")))
    starts = range(0, len(tiles), RECIPE_COLUMNS)
    rows, names = ([x[k : k + RECIPE_COLUMNS] for k in starts] for x in (tiles, list(VARIANTS)))
    return compose(rows, names)


def arrange(tiles: list[Image.Image]) -> Image.Image:
    """Tiles in rows of `RECIPE_COLUMNS` on a white sheet."""
    step, columns = RECIPE_PX + GAP_PX, RECIPE_COLUMNS
    num_rows = -(-len(tiles) // columns)
    sheet = Image.new("RGB", (columns * step - GAP_PX, num_rows * step - GAP_PX), "white")
    for k, tile in enumerate(tiles):
        sheet.paste(tile, (k % columns * step, k // columns * step), tile)
    return sheet


def main() -> None:
    """Renders and writes all pictures."""
    chosen = sys.argv[1:] or list(PICTURES)
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen:
            path = PROJECT_DIR / "img" / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            PICTURES[name](Path(folder)).save(path, optimize=True)
            print(path)


PICTURES = {
    "factors": draw_factors, "multi": draw_multi, "labels": draw_labels, "camera": draw_camera,
    "report": draw_report,
    **{name: partial(draw_twins, picture=name) for name in TWINS},
    **{f"recipes/{name}": partial(draw_recipe, name=name) for name in RECIPES},
    "recipes/newell2020": draw_newell2020,
}  # fmt: skip

if __name__ == "__main__":
    main()
