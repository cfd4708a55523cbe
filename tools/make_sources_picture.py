"""Renders img/sources.png: a row of models of each source, with their own materials.

python tools/make_sources_picture.py

The models are those of the demo set, in the layouts of the downloads that the tests read.
"""

from __future__ import annotations

import colorsys
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
import trimesh
from PIL import Image, ImageDraw, ImageFont

PROJECT_DIR = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT_DIR))

from synrender.assets.demo.models import NUM_MODELS_PER_CLASS, SYNSETS, read_models  # noqa: E402
from synrender.assets.demo.textures import KINDS, make_texture  # noqa: E402
from synrender.assets.demo.writer import MATERIALS, ModelPart  # noqa: E402
from synrender.assets.description import find_all_models, to_catalog  # noqa: E402
from synrender.assets.sources.source import ModelClass  # noqa: E402
from synrender.blender.model_pictures import render_models  # noqa: E402
from tests.assets.dressed import Files, dress, find_texture  # noqa: E402
from tests.assets.layouts import (  # noqa: E402
    ABO,
    GOOGLE_SCANNED,
    OBJAVERSE,
    SHAPENET_V2,
    write_glb,
    write_omniobject3d,
    write_v1,
)

TILE_PX, GAP_PX, LABEL_PX = 128, 4, 190
NUM_COLUMNS = 4
TEXTURED = ("paint", "wood", "fabric", "leather", "stone", "trim")
UV_SCALE = 1.6
"""Textures in a unit of a model."""

ROWS = (
    ("ShapeNetCore.v2", "a zip archive for each synset", SHAPENET_V2["an archive for each synset"]),
    ("ShapeNetCore.v1", "<synset>/<model>/model.obj", write_v1),
    ("ShapeNetCore as GLB", "<synset>/<hash>.glb", write_glb),
    ("Objaverse 1.0", "glbs/000-023/<uid>.glb", OBJAVERSE["as it is downloaded"]),
    ("Google Scanned Objects", "a zip archive for each model", GOOGLE_SCANNED["archives"]),
    ("ABO", "3dmodels/original/<X>/<id>.glb", ABO["as it is downloaded"]),
    ("OmniObject3D", "raw_scans/<category>/...", write_omniobject3d),
    ("Any folder", "OBJ, GLB, glTF, PLY, STL", None),
)


class Wardrobe:
    """Demo models one after the other, each of another class, with textures."""

    def __init__(self) -> None:
        self._models = list(read_models())
        self._num = 0

    def next(self) -> list[trimesh.Trimesh]:
        """The parts of a model, y up, with places in a texture."""
        num = self._num
        self._num += 1
        place = num * 7 % len(SYNSETS) * NUM_MODELS_PER_CLASS + num * 5 % NUM_MODELS_PER_CLASS
        texture = Image.fromarray(make_texture(num * 3 % len(KINDS), num % 5)).resize((256, 256))
        return [create_part(part, texture, num) for part in self._models[place]]


def create_part(part: ModelPart, texture: Image.Image, num: int) -> trimesh.Trimesh:
    """A part with places in a texture along the axis that each of its triangles faces most."""
    is_quad = part.faces[:, 3] >= 0
    triangles = np.concatenate([part.faces[:, :3], part.faces[is_quad][:, [0, 2, 3]]])
    points = part.vertices[triangles]
    across = np.abs(np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]))
    axis = across.argmax(axis=1)[:, None]
    u, v = (np.take_along_axis(points, ((axis + k) % 3)[..., None], 2)[..., 0] for k in (1, 2))
    uv = UV_SCALE * np.stack([u, v], axis=-1).reshape(-1, 2)
    hue, saturation, value, shift, _ = MATERIALS[part.material]
    color = colorsys.hsv_to_rgb((hue + shift * num * 0.37) % 1, saturation, value)
    is_textured = part.material in TEXTURED
    material = trimesh.visual.material.PBRMaterial(
        name=part.material,
        baseColorTexture=texture if is_textured else None,
        baseColorFactor=[255] * 4 if is_textured else [*(int(255 * c) for c in color), 255],
        metallicFactor=0.0,
        roughnessFactor=0.6,
    )
    visual = trimesh.visual.TextureVisuals(uv, material=material)
    corners = np.arange(len(uv)).reshape(-1, 3)
    return trimesh.Trimesh(points.reshape(-1, 3), corners, visual=visual, process=False)


def clothe(files: Files, wardrobe: Wardrobe, up: str = "y") -> Files:
    """The files of a download with demo models in place of its own."""
    for name in sorted(n for n in files if n.endswith((".obj", ".glb"))):
        parts = wardrobe.next()
        if up == "z":
            turn = trimesh.transformations.rotation_matrix(np.pi / 2, (1, 0, 0))
            parts = [part.apply_transform(turn) for part in parts]
        if name.endswith(".glb"):
            files[name] = trimesh.Scene(parts).export(file_type="glb")
        else:
            files |= write_obj(name, parts)
    return files


def write_obj(name: str, parts: list[trimesh.Trimesh]) -> Files:
    """An OBJ file, its MTL and its texture, where the layout has it."""
    folder, stem = PurePosixPath(name).parent, PurePosixPath(name).stem
    texture, place = find_texture(name)
    lines, mtl, start = [f"mtllib {stem}.mtl"], [], 1
    images = [part.visual.material.baseColorTexture for part in parts]
    for k, (part, image) in enumerate(zip(parts, images, strict=True)):
        lines += ["v {:.5f} {:.5f} {:.5f}".format(*p) for p in part.vertices.tolist()]
        lines += ["vt {:.5f} {:.5f}".format(*p) for p in part.visual.uv.tolist()]
        corners = (part.faces + start).tolist()
        lines += [f"usemtl m{k}", *("f " + " ".join(f"{c}/{c}" for c in f) for f in corners)]
        start += len(part.vertices)
        color = (part.visual.material.baseColorFactor[:3] / 255).tolist()
        mtl += [f"newmtl m{k}", "Kd {:.4f} {:.4f} {:.4f}".format(*color)]
        mtl += [f"map_Kd {texture}"] * (image is not None)
    owner = folder.parent if place.startswith("../") else folder
    files = {name: "\n".join(lines).encode(), f"{folder}/{stem}.mtl": "\n".join(mtl).encode()}
    if shown := [image for image in images if image is not None]:
        files[str(owner / place.removeprefix("../"))] = encode(shown[0], texture)
    return files


def encode(image: Image.Image, name: str) -> bytes:
    """An image file of the format that a name ends in."""
    with tempfile.TemporaryFile() as file:
        image.convert("RGB").save(file, "JPEG" if name.endswith("jpg") else "PNG")
        file.seek(0)
        return file.read()


def write_any_folder(folder: Path, wardrobe: Wardrobe) -> Path:
    """A model in each format that is read: those with textures, colors of vertices, and none."""
    folder.mkdir()
    (folder / "c").mkdir()
    for k, kind in enumerate(("obj", "glb", "gltf", "ply", "stl", "glb")):
        name, parts = f"c/{k}.{kind}", wardrobe.next()
        if kind == "obj":
            files = write_obj(name, parts)
        elif kind == "gltf":
            made = trimesh.Scene(parts).export(file_type="gltf")
            files = {f"c/{n}": data for n, data in made.items() if n != "model.gltf"}
            files[name] = json.dumps(json.loads(made["model.gltf"])).encode()
        elif kind == "ply":
            colored = [trimesh.Trimesh(p.vertices, p.faces, process=False) for p in parts]
            for part, plain in zip(parts, colored, strict=True):
                plain.visual.vertex_colors = part.visual.to_color().vertex_colors
            files = {name: trimesh.util.concatenate(colored).export(file_type="ply")}
        else:
            files = {name: trimesh.Scene(parts).export(file_type=kind)}
        for file, data in files.items():
            (folder / file).write_bytes(data)
    return folder


def render_row(path: Path, scratch: Path) -> list[Image.Image]:
    """A picture of each of the first models of a source."""
    found = find_all_models(path)
    entries = [entry for entries in found.classes.values() for entry in entries][:NUM_COLUMNS]
    alone = {ModelClass(f"k{k}", f"k{k}", ""): (entry,) for k, entry in enumerate(entries)}
    pictures = render_models(to_catalog(replace(found, classes=alone), list(alone)), scratch)
    size = (TILE_PX, TILE_PX)
    return [Image.open(pictures[c.key]).convert("RGB").resize(size) for c in alone]


def main() -> None:
    """Renders all rows, and writes the picture."""
    step = TILE_PX + GAP_PX
    size = (LABEL_PX + NUM_COLUMNS * step - GAP_PX, len(ROWS) * step - GAP_PX)
    sheet = Image.new("RGB", size, "white")
    draw, wardrobe = ImageDraw.Draw(sheet), Wardrobe()
    for row, (title, layout, write) in enumerate(ROWS):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            if write is None:
                path = write_any_folder(root / "set", wardrobe)
            else:
                up = "z" if title.startswith("Google") else "y"
                path = dress(write(root / "set"), lambda files, up=up: clothe(files, wardrobe, up))
            tiles = render_row(path, root)
        draw.text((0, row * step + 44), title, "black", ImageFont.load_default(15))
        draw.text((0, row * step + 66), layout, "#555555", ImageFont.load_default(12))
        for column, tile in enumerate(tiles):
            sheet.paste(tile, (LABEL_PX + column * step, row * step))
    path = PROJECT_DIR / "img" / "sources.png"
    sheet.save(path, optimize=True)
    print(path)


if __name__ == "__main__":
    main()
