"""NeRF: rays by nerfstudio's convention hit the models where the images show them."""

from __future__ import annotations

import dataclasses
import json
import types
from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import trimesh

import synrender
from synrender.dataset.info import read_required_info
from synrender.export import nerf
from synrender.export.columns import Schema
from synrender.settings.factor_table import COLUMNS
from synrender.system.folders import Folders
from tests.export.helpers import Exporter
from tests.helpers import Renderer, RenderServer, read_obj_vertices

SIDE, LENGTH = 32, 4
SCHEMA = Schema((), (), (), True, True)
ORBIT = (
    "design.kind = 'sequence'", f"design.length = {LENGTH}",
    "design.paths = {'camera_azimuth': ('turn', 1), 'camera_lens': ('linear', 40, 60)}",
    "design.fixed = {'camera_elevation': 0.4, 'camera_roll': 0.3}",
    "object.random_viewpoint = 0", "object.n_buckets = 3", f"rendering.resolution = {SIDE}",
    f"batch.num_samples = {3 * LENGTH}", f"object.total_num_samples = {3 * LENGTH}",
    "sample.num_objs = 1",
)  # fmt: skip


@pytest.fixture
def orbits(server: RenderServer, exporter: Exporter) -> Exporter:
    """Exports ``orbits``: three sequences of four views, in EXR."""
    path = server.render("orbits", *ORBIT, config="render_multi")
    return dataclasses.replace(exporter, data_dir=path.parent)


def cast_rays(frame: dict, shared: dict, mesh: trimesh.Trimesh) -> np.ndarray:
    """Pixels of which the rays hit a mesh, (h, w) bool, by OpenGL's convention for cameras."""
    camera = {**shared, **frame}
    xs, ys = np.meshgrid(np.arange(camera["w"]) + 0.5, np.arange(camera["h"]) + 0.5)
    x, y = (xs - camera["cx"]) / camera["fl_x"], (ys - camera["cy"]) / camera["fl_y"]
    pose = np.array(camera["transform_matrix"])
    directions = np.stack([x, -y, -np.ones_like(x)], axis=-1).reshape(-1, 3) @ pose[:3, :3].T
    origins = np.tile(pose[:3, 3], (len(directions), 1))
    return mesh.ray.intersects_any(origins, directions).reshape(xs.shape)


def test_rays_hit_what_the_images_show(orbits: Exporter, wheel: Renderer) -> None:
    out = orbits.export("orbits", "nerf")
    data = synrender.open_dataset(orbits.data_dir / "orbits")
    models = Folders(wheel.data_dir).demo / "ShapeNetCore.v2"
    seen = set()
    for path in sorted(out.glob("*/*/transforms.json")):
        scene = json.loads(path.read_text())
        assert len(scene["frames"]) == LENGTH
        for frame in scene["frames"]:
            idx = int(Path(frame["file_path"]).stem)
            sample = data[idx]
            np.testing.assert_array_equal(
                iio.imread(path.parent / frame["file_path"]), sample["image"]
            )
            shown = sample["instance_map"] > 0
            mask = iio.imread(path.parent / frame["mask_path"])  # the backdrop turns along
            np.testing.assert_array_equal(mask, shown * 255)
            file = models / sample["synset_id"] / sample["model_id"] / "models"
            mesh = load_obj(file / "model_normalized.obj").apply_transform(sample["obj_to_world"])
            hits = cast_rays(frame, scene, mesh)
            assert shown.sum() > 20
            assert (hits != shown).sum() <= 2  # ties at edges
            seen.add(idx)
    assert seen == set(range(3 * LENGTH))
    assert "fl_x" in scene["frames"][0]  # the lens moves


def load_obj(path: Path) -> trimesh.Trimesh:
    lines = [line.split()[1:] for line in path.read_text().splitlines() if line.startswith("f ")]
    faces = [[int(corner.split("/")[0]) - 1 for corner in line] for line in lines]
    triangles = [(f[0], f[k], f[k + 1]) for f in faces for k in range(1, len(f) - 1)]
    return trimesh.Trimesh(read_obj_vertices(path), triangles, process=False)


def test_what_is_no_static_scene_is_refused(
    orbits: Exporter, exporter: Exporter, tmp_path: Path
) -> None:
    line = exporter.refuse("-d", "single", "--to", "nerf", "--out", tmp_path / "x")
    assert line.endswith("has no sequences; render it with design.kind = 'sequence', as "
                         "recipes/orbit does")  # fmt: skip
    info = read_required_info(orbits.data_dir / "orbits")
    assert info.design
    moving = dataclasses.replace(info.design, paths={**info.design.paths, "azimuth": None})
    told = nerf.refuse(SCHEMA, types.SimpleNamespace(design=moving))
    assert told == "moves azimuth in its sequences; nothing but the camera may move"


def test_a_backdrop_that_turns_with_the_camera_needs_masks(orbits: Exporter) -> None:
    """Not a ground, an environment, or none."""
    info = read_required_info(orbits.data_dir / "orbits")
    values = np.full((4, len(COLUMNS)), np.nan)
    values[1:, COLUMNS.index("backdrop")] = [0, 1, 2]
    assert nerf.are_masked(info, values).tolist() == [True, True, False, False]
    scene = dataclasses.replace(info.settings.scene, ground=True)
    ground = types.SimpleNamespace(settings=dataclasses.replace(info.settings, scene=scene))
    assert not nerf.are_masked(ground, values).any()
