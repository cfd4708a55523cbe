"""Folders whose names mean something in Blender's own notation."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from tests.helpers import Renderer, write_shapenet

TETRAHEDRON = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 3 1 4\n"


def test_slashes_braces_and_blanks(renderer: Renderer, tmp_path: Path) -> None:
    """In Blender two slashes are relative to a .blend file, and braces are a template from 4.5."""
    root = tmp_path / "{resolution_x} of {nothing} #1 %d"
    write_shapenet(root / "models {y}", {"my model {z}": TETRAHEDRON})
    names = ["my tiles/tile 1.png", "my tiles/tile 2.png"]
    for name in names:
        path = root / "textures" / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((Path(__file__).parents[2] / "img" / "shortcut.png").read_bytes())
    (root / "textures" / "labels").mkdir()
    labels = "".join(f"{name} tiles my\n" for name in names)
    (root / "textures" / "labels" / "labels_joint_anno.txt").write_text(labels)
    there = dataclasses.replace(
        renderer,
        data_dir=root / "data",
        environment={
            **renderer.environment,
            "SYNRENDER_DATA_DIR": f"/{root}/data",
            "SYNRENDER_SHAPENET_DIR": f"/{root}/models {{y}}",
            "SYNRENDER_DTD_DIR": f"/{root}/textures",
        },
    )
    size = ("object.n_buckets = 1", "batch.num_samples = 1", "sample.classes = ['02691156']")
    dataset_dir = there.render("braces", *size)
    assert (dataset_dir / "img" / "00000.png").stat().st_size > 0
    assert json.loads((dataset_dir / "dataset.json").read_text())["rejected"] == {}
