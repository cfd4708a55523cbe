"""Renders the gallery of the documentation, docs/gallery: a card for each factor, label and design.

python tools/make_gallery.py [KIND_NAME ...]

A card is a picture and the command that made its data set. The page, docs/gallery.md, is written
from the same list.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

PROJECT_DIR = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT_DIR))

import synrender  # noqa: E402
from synrender.loading.row_source import Sample  # noqa: E402
from synrender.report.pictures import find_pictures, find_scale  # noqa: E402
from synrender.settings.factor_table import COLUMNS, FACTORS, find_columns  # noqa: E402
from synrender.settings.label_table import LABELS, Label  # noqa: E402

FOLDER = PROJECT_DIR / "docs" / "gallery"
PAGE = PROJECT_DIR / "docs" / "gallery.md"
GAP_PX = 4

# --- cards ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Card:
    """A picture of a data set."""

    kind: str  # "factor", "label" or "design"
    name: str
    dataset: str  # its name; several cards can show one data set
    shows: str  # what is to be seen, a sentence in Markdown
    arguments: tuple[str, ...]  # of render.py, after the name
    draw: Callable[[Path], Image.Image]  # from the folder of the data set

    @property
    def path(self) -> Path:
        """The picture's file."""
        return FOLDER / f"{self.kind}_{self.name}.png"

    @property
    def command(self) -> str:
        """What was typed."""
        words = ["python", "render.py", "-d", self.dataset, *self.arguments]
        return " ".join(f'"{word}"' if set(" '") & set(word) else word for word in words)

    @property
    def alternative(self) -> str:
        """What is to be seen, without marks."""
        return self.shows.replace("`", "").removesuffix(".")


LEVELS = {
    "class": ("[0, 3, 4, 6]", "an airplane, a car, a chair and a sofa"),
    "model": ("2", "two chairs"),
    "texture": ("4", "four textures"),
    "color": (
        "[[0.6, 0.05, 0.05], [0.6, 0.4, 0.02], [0.05, 0.4, 0.1], [0.05, 0.1, 0.6]]",
        "four colors",
    ),
    "scale": ("[0.4, 0.6, 0.8, 1.0]", ""),
    "azimuth": ("[-1.2, -0.4, 0.4, 1.2]", "rad"),
    "elevation": ("[-0.6, -0.2, 0.2, 0.6]", "rad"),
    "roll": ("[-0.6, -0.2, 0.2, 0.6]", "rad"),
    "warp": (
        "[[1, 1, 1], [0.6, 1, 1.2], [1.3, 0.6, 1], [1, 1.4, 0.7]]",
        "four sets of widths, heights and depths",
    ),
    "light_angle": ("[-1.4, -0.5, 0.4, 1.3]", "rad"),
    "light_energy": ("[15, 50, 150, 400]", "W"),
    "backdrop_texture": ("4", "four textures"),
    "backdrop_color": (
        "[[0.4, 0.05, 0.05], [0.4, 0.3, 0.02], [0.05, 0.3, 0.1], [0.05, 0.1, 0.4]]",
        "four colors",
    ),
    "layout": ("4", "four drawn layouts of three objects"),
    "num_objs": ("[1, 2, 3, 4]", "objects"),
    "camera_distance": ("[0.9, 1.2, 1.6, 2.2]", "m"),
    "camera_lens": ("[28, 40, 60, 90]", "mm"),
    "environment": ("3", "a sky, a studio and a sunset"),
    "environment_rotation": ("[0, 1.57, 3.14, 4.71]", "rad"),
    "environment_energy": ("[0.25, 0.5, 1, 2]", ""),
    "light_color": (
        "[('kelvin', 2000), ('kelvin', 4000), ('kelvin', 6500), ('hue', 0.6, 0.7, 1)]",
        "candle, lamp and daylight by temperature, and a blue hue",
    ),
    "sun_color": ("[[1, 0.2, 0.2], [1, 0.9, 0.3], [0.3, 1, 0.4], [0.3, 0.4, 1]]", "four colors"),
    "light_elevation": ("[0.15, 0.6, 1.05, 1.5]", "rad"),
    "light_azimuth": ("[-2.6, -1.57, -0.6, 0.4]", "rad"),
    "num_lights": ("[1, 2, 4, 8]", "lights"),
    "camera_azimuth": ("[-0.9, -0.3, 0.3, 0.9]", "rad"),
    "camera_elevation": ("[0.1, 0.4, 0.7, 1.0]", "rad"),
    "camera_roll": ("[-0.6, -0.2, 0.2, 0.6]", "rad"),
    "camera_fstop": ("[0.05, 0.1, 0.2, 1]", ""),
    "roughness": ("[0, 0.2, 0.5, 1]", "of a metal"),
    "metallic": ("[0, 0.33, 0.67, 1]", ""),
    "backdrop_roughness": ("[0, 0.2, 0.5, 1]", "of a metal"),
    "backdrop_metallic": ("[0, 0.33, 0.67, 1]", ""),
    "backdrop": (
        "['plane', 'environment', 'none']",
        "plane, environment, and none, which is transparent",
    ),
    "exposure": ("[-2, -1, 0, 1]", "stops"),
}
"""Of each factor: its levels, and what else there is to say of them."""

THREE = ("design.twin_size = 3", "batch.num_samples = 3", "object.total_num_samples = 36")

DIM = ("scene.light_energy = 30", "scene.sun_energy = 0.2")
STUDIO = "'environment': 'studio', 'environment_energy': 0.4"
NO_SUN = ("scene.sun_energy = 0",)
PLAIN = "material.use_texture = False"
SHADOWS = ("scene.ground = True", "scene.light_radius = 0.1", PLAIN, *NO_SUN)

MORE = {
    "model": ("design.twin_size = 2", "batch.num_samples = 2"),
    "color": ("material.use_texture = False",),
    "backdrop_color": ("material.use_texture = False",),
    "layout": ("sample.num_objs = 3",),
    "num_objs": ("sample.num_objs = 4",),
    "environment": (*THREE, "scene.light_energy = 0", *NO_SUN),
    "environment_rotation": (
        "design.fixed = {'environment': 'sunset', 'metallic': 1, 'roughness': 0.1}",
        "scene.light_energy = 0", "scene.sun_energy = 0",
    ),
    "environment_energy": (
        "design.fixed = {'environment': 'studio'}",
        "scene.light_energy = 0", "scene.sun_energy = 0",
    ),
    **dict.fromkeys(("light_angle", "light_energy"), NO_SUN),
    **dict.fromkeys(("light_azimuth", "light_elevation", "num_lights"), SHADOWS),
    "light_color": ("material.use_texture = False", *NO_SUN),
    "sun_color": ("material.use_texture = False", "scene.sun_energy = 4", "scene.light_energy = 0"),
    "camera_fstop": ("sample.num_objs = 3",),
    "roughness": (
        *DIM,
        f"design.fixed = {{'metallic': 1, {STUDIO}}}",
    ),
    "metallic": (
        *DIM,
        f"design.fixed = {{'roughness': 0.15, {STUDIO}}}",
    ),
    "backdrop_roughness": (
        *DIM,
        f"design.fixed = {{'backdrop_metallic': 1, {STUDIO}}}",
    ),
    "backdrop_metallic": (
        *DIM,
        f"design.fixed = {{'backdrop_roughness': 0.15, {STUDIO}}}",
    ),
    "backdrop": (
        *THREE, "design.fixed = {'environment': 'sky'}",
    ),
}  # fmt: skip
"""Other settings of some factors, with which more of them is to be seen."""

DESIGNS = {
    "grid": "Every combination of the levels of its factors.",
    "one_at_a_time": "Each factor alone goes through its levels.",
    "twins": "Pairs of samples differ in one factor.",
    "sequence": "The object turns while its light moves.",
    "shortcut": "In training the backdrop predicts the class, in the test it does not.",
    "holdout": "Some combinations are only in the test.",
    "causal": "The class decides the backdrop, and both decide the light.",
}


def list_cards() -> dict[str, list[Card]]:
    """The cards of each section of the page, in order."""
    small = ("rendering.resolution = 64", "rendering.render_samples = 16")
    return {
        "Factors": [_create_factor_card(name) for name in FACTORS],
        "Labels": [
            Card(
                "label",
                name,
                "labels",
                f"{label.meaning[0].upper()}{label.meaning[1:]}.",
                ("-g", "render_multi", "examples/gallery_labels.gin"),
                functools.partial(draw_label, label),
            )
            for name, label in LABELS.items()
        ],
        "Designs": [
            Card(
                "design",
                name,
                f"design_{name}",
                what,
                ("-g", "render_single", f"design_{name}", "-p", *small),
                draw_sheet,
            )
            for name, what in DESIGNS.items()
        ],
    }


def _describe(levels: str, remark: str) -> str:
    """The levels with their unit, or a remark that says what they are."""
    is_plain = levels.startswith("[") and not set("[('") & set(levels[1:]) and len(remark) <= 10
    return f"{levels.strip('[]')} {remark}".strip() if is_plain else remark


def _create_factor_card(name: str) -> Card:
    levels, remark = LEVELS[name]
    bindings = (f"design.levels = {{'{name}': {levels}}}", *MORE.get(name, ()))
    return Card(
        "factor",
        name,
        name,
        f"Only `{name}` differs: {_describe(levels, remark)}.",
        ("-g", "render_single", "examples/gallery.gin", "-p", *bindings),
        functools.partial(draw_row, name),
    )


# --- pictures -------------------------------------------------------------------------------------


def draw_row(name: str, dataset_dir: Path) -> Image.Image:
    """The samples of a data set by the value of a factor; a checkerboard shows through."""
    data = synrender.open_dataset(dataset_dir / "img")
    columns = list(find_columns(name))
    values = [sample["factor_values"].reshape(-1, len(COLUMNS))[0, columns] for sample in data]
    order = sorted(range(len(values)), key=lambda k: tuple(values[k]))
    tiles = [Image.open(dataset_dir / "img" / f"{k:05d}.png").convert("RGBA") for k in order]
    squares = (np.indices(tiles[0].size) // 8).sum(axis=0) % 2
    checkered = Image.fromarray(np.where(squares, 200, 255).astype(np.uint8)).convert("RGBA")
    return arrange([Image.alpha_composite(checkered, tile) for tile in tiles])


def arrange(tiles: list[Image.Image]) -> Image.Image:
    """Tiles of one size in a row."""
    step = tiles[0].width + GAP_PX
    row = Image.new("RGB", (len(tiles) * step - GAP_PX, tiles[0].height), "white")
    for k, tile in enumerate(tiles):
        row.paste(tile, (k * step, 0))
    return row


def draw_label(label: Label, dataset_dir: Path) -> Image.Image:
    """The image of the first sample, and the label beside it or in it."""
    sample = synrender.open_dataset(
        dataset_dir / "img", fields=["image", "depth_m", *label.fields]
    )[0]
    image = Image.fromarray(sample["image"])
    pictures = [p for p in find_pictures(sample) if p.field in label.fields]
    if pictures:
        scale = find_scale([sample])
        tiles = [image, *(Image.fromarray(p.draw(sample[p.field], scale)) for p in pictures)]
    else:
        tiles = [image, _draw_shapes(label, sample, image)]
    return arrange(tiles)


EDGES = [(a, b) for a in range(8) for b in range(a) if (a ^ b).bit_count() == 1]
"""Of a box, between its corners."""


def _draw_shapes(label: Label, sample: Sample, image: Image.Image) -> Image.Image:
    """Boxes and points of each object, in the image."""
    drawn = image.copy()
    draw = ImageDraw.Draw(drawn)
    for k, color in enumerate(("orange", "skyblue", "lime")):
        if label.name in ("box_2d", "box_2d_amodal"):
            x0, y0, x1, y1 = sample[label.name][k]
            draw.rectangle((x0, y0, x1 - 1, y1 - 1), outline=color, width=2)
        elif label.name == "box_3d":
            corners = sample["box_3d_px"][k]
            for a, b in EDGES:
                draw.line((*corners[a][:2], *corners[b][:2]), fill=color, width=2)
        else:
            for x, y in sample["keypoint_px"][k]:
                draw.ellipse((x - 2.5, y - 2.5, x + 2.5, y + 2.5), fill=color)
    return drawn


def draw_sheet(dataset_dir: Path) -> Image.Image:
    """The contact sheet of a data set, as ``report_dataset.py --sheet`` draws it."""
    run_script("report_dataset.py", dataset_dir, "--sheet")
    return Image.open(dataset_dir / "contact_sheet.png")


def run_script(script: str, dataset_dir: Path, *arguments: str) -> None:
    """Runs a command of the project on a data set."""
    subprocess.run(
        [sys.executable, script, "-d", dataset_dir.name, *arguments],
        cwd=PROJECT_DIR,
        env={**os.environ, "SYNRENDER_DATA_DIR": str(dataset_dir.parent)},
        check=True,
    )


def draw_card(card: Card, data_dir: Path) -> Image.Image:
    """Renders the data set of a card unless another one has done so, and draws it."""
    dataset_dir = data_dir / card.dataset
    if not dataset_dir.exists():
        run_script("render.py", dataset_dir, *card.arguments)
    return card.draw(dataset_dir)


# --- page -----------------------------------------------------------------------------------------


INTRODUCTION = """\
After this page you know what can be varied and labeled, and what to type for it. All pictures show
built-in demo models. Under each picture is the command that made its data set; `make gallery` makes
all of them again.
"""

NOTES = {
    "Factors": "All samples of a picture are twins: they are equal to the bit but for one factor.",
    "Labels": (
        "On the left of each picture is the image, on the right the label. All labels are of one\n"
        "data set."
    ),
    "Designs": (
        "These are contact sheets, as `python report_dataset.py -d NAME --sheet` draws them. They\n"
        "show a part of the data set, arranged as the design is."
    ),
}


def write_page(cards: dict[str, list[Card]]) -> Iterator[str]:
    """Lines of the page."""
    yield "# Gallery\n"
    yield INTRODUCTION
    for section, listed in cards.items():
        yield f"## {section}\n"
        yield f"{NOTES[section]}\n"
        yield "::::{grid} 1\n:gutter: 3\n"
        for card in listed:
            yield f":::{{grid-item-card}} `{card.name}`"
            yield f"![{card.alternative}](gallery/{card.path.name})\n"
            yield f"{card.shows}\n"
            yield f"```sh\n{card.command}\n```"
            yield ":::\n"
        yield "::::\n"
    yield "## Recipes\n\nA recipe is a published data set as a file; see [recipes](recipes.md).\n"
    yield "::::{grid} 1\n:gutter: 3\n"
    recipes = (PAGE.with_name("recipes.md")).read_text()
    for section in recipes.split("\n## ")[1:]:
        name = section.partition("\n")[0]
        command = re.findall(r"^python .*$", section, re.MULTILINE)[0]
        ((alt, path),) = re.findall(rf"!\[([^]]*)\]\((\S*/{name}\.png)\)", section)
        yield f":::{{grid-item-card}} `{name}`\n![{alt}]({path})\n\n```sh\n{command}\n```\n:::\n"
    yield "::::\n"
    yield "## Sources of models\n"
    yield "Each source has a section in [sets of models](howto/sources.md).\n"
    sources = (PAGE.parent / "howto" / "sources.md").read_text()
    (alt,) = re.findall(r"!\[([^]]*)\]\(\S*/sources\.png\)", sources)
    yield f"![{' '.join(alt.split())}](../img/sources.png)\n"


def main() -> None:
    """Renders the cards that were named, or all, and writes the page."""
    cards = list_cards()
    listed = [card for section in cards.values() for card in section]
    chosen = sys.argv[1:] or [card.path.stem for card in listed]
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for card in listed:
            if card.path.stem in chosen:
                draw_card(card, Path(folder)).save(card.path, optimize=True)
                print(card.path, flush=True)
    PAGE.write_text("\n".join(write_page(cards)))


if __name__ == "__main__":
    main()
