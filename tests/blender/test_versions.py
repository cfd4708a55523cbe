"""What newer Blenders do on their own and should not, and what they no longer want to be asked."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.helpers import Renderer, read_images

pytestmark = pytest.mark.slow  # each renders a data set several times

MAKE_TEXTURE_CACHE = """
import sys
import bpy
bpy.context.scene.render.engine = "CYCLES"
mesh = bpy.data.meshes.new("Triangle")
mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
bpy.context.scene.collection.objects.link(bpy.data.objects.new("Triangle", mesh))
for path in sys.argv[1:]:
    material = bpy.data.materials.new("Textured")
    tree = material.node_tree
    texture = tree.nodes.new("ShaderNodeTexImage")
    texture.image = bpy.data.images.load(path)
    tree.links.new(texture.outputs[0], tree.nodes["Principled BSDF"].inputs[0])
    mesh.materials.append(material)
bpy.ops.render.generate_texture_cache()
"""
"""Has Blender 5.2 write a tiled copy of each image into a folder `blender_tx` beside it."""

TEXTURED = ("batch.num_samples = 2", "material.color_intensity = 0")


def test_nothing_deprecated_is_called(renderer: Renderer) -> None:
    """Blender says so by a Python warning; as an error it would end the run."""
    for config in ("render_single", "render_multi"):
        arguments = ["batch.num_samples = 1", "rendering.resolution = 32"]
        renderer.run(
            *("-d", f"deprecated_{config}", "-g", config, "-p", *arguments),
            PYTHONWARNINGS="error::DeprecationWarning",
        )


def test_every_blender_makes_the_same_demo_models(
    renderer: Renderer, data_dir: Path, tmp_path: Path
) -> None:
    made = replace(renderer, data_dir=tmp_path).render("first", "batch.num_samples = 1").parent
    files = [path for path in (data_dir / "demo_assets").rglob("*") if path.is_file()]
    assert len(files) > 300
    for path in files:
        name = path.relative_to(data_dir)
        assert (made / name).read_bytes() == path.read_bytes(), name


@pytest.fixture
def copied(renderer: Renderer, tmp_path: Path) -> Renderer:
    """The same Blender with models and textures of its own, to do harm to."""
    shutil.copytree(renderer.data_dir / "demo_assets", tmp_path / "assets")
    folders = {
        "SYNRENDER_SHAPENET_DIR": str(tmp_path / "assets" / "ShapeNetCore.v2"),
        "SYNRENDER_DTD_DIR": str(tmp_path / "assets" / "dtd"),
    }
    return replace(renderer, environment={**renderer.environment, **folders})


def test_textures_are_read_and_nothing_is_written_beside_them(
    copied: Renderer, tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    folders = [path for path in before if path.is_dir()]
    for folder in folders:
        folder.chmod(0o555)
    try:
        copied.render("read_only_textures", *TEXTURED)
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_texture_cache_that_somebody_made_changes_no_pixel(
    copied: Renderer, tmp_path: Path
) -> None:
    """Blender 5.2 reads such a cache wherever it finds one, unless it is told not to."""
    dataset_dir = copied.render("without_cache", *TEXTURED)
    info = json.loads((dataset_dir / "dataset.json").read_text())
    if tuple(map(int, info["versions"]["blender"].split("."))) < (5, 2):
        pytest.skip("this Blender has no texture cache")
    textures = sorted((tmp_path / "assets" / "dtd" / "images").rglob("*.png"))
    script = tmp_path / "make_texture_cache.py"
    script.write_text(MAKE_TEXTURE_CACHE)
    python = copied.command[0]
    subprocess.run([python, script, *textures], check=True, capture_output=True)
    assert list(textures[0].parent.glob("blender_tx/*.tx"))
    expected = read_images(dataset_dir)
    assert (read_images(copied.render("with_cache", *TEXTURED)) == expected).all()
