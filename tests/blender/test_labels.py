"""Pose, camera and masks agree; uses only the files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.helpers import (
    Renderer,
    RenderServer,
    read_channels,
    read_obj_vertices,
    read_passes,
    read_records,
)


def find_model(data_dir: Path, record: np.void) -> Path:
    shapenet = next(data_dir.glob("demo_assets/ShapeNetCore.v2"))
    return shapenet / str(record["synset_id"]) / str(record["model_id"]) / "models"


def test_vertices_project_into_their_mask(each_server: RenderServer) -> None:
    dataset_dir = each_server.render(
        "reprojected",
        "batch.num_samples = 4",
        "batch.cache_obj_frames = 1",
        "rendering.resolution = 128",
        "object.random_viewpoint = 0.5",
        config="render_multi",
    )
    camera = json.loads((dataset_dir / "dataset.json").read_text())["camera"]
    intrinsics, world_to_camera = (np.array(camera[k]) for k in ("intrinsics", "world_to_camera"))
    num_checked = 0
    for idx, record in enumerate(read_records(dataset_dir)):
        passes = read_passes(dataset_dir, idx)
        for row in record:
            path = find_model(each_server.data_dir, row) / "model_normalized.obj"
            vertices = read_obj_vertices(path)
            homogeneous = np.column_stack([vertices, np.ones(len(vertices))])
            world = homogeneous @ row["obj_to_world"].T
            in_camera = world @ world_to_camera.T
            depth = in_camera[:, 2]
            u, v = ((in_camera[:, :3] @ intrinsics.T)[:, :2] / depth[:, None]).T
            x, y = np.floor(u).astype(int), np.floor(v).astype(int)
            is_seen = (x >= 1) & (y >= 1) & (x < 127) & (y < 127)
            x, y, depth = x[is_seen], y[is_seen], depth[is_seen]
            # A vertex is inside the mask, on its edge, or hidden by another object.
            near = [(dx, dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
            is_own = np.any(
                [passes["instance"][y + dy, x + dx] == row["instance"] for dx, dy in near], axis=0
            )
            front = np.min([passes["depth"][y + dy, x + dx] for dx, dy in near], axis=0)
            is_hidden = front < depth - 1e-3
            assert (is_own | is_hidden).mean() > 0.999
            num_checked += is_own.sum()
            mask = passes["instance"] == row["instance"]
            if mask.sum() > 200 and not is_hidden.any():
                ys, xs = np.nonzero(mask)
                assert abs(u.min() - xs.min()) < 2
                assert abs(v.max() - ys.max() - 1) < 2
            # The visible part of the object is between its nearest and farthest vertex.
            if mask.any():
                seen = passes["depth"][mask]
                assert seen.min() > in_camera[:, 2].min() - 1e-3
                assert seen.max() < in_camera[:, 2].max() + 1e-3
    assert num_checked > 1000


def test_location_is_the_box_center(wheel: Renderer, server: RenderServer) -> None:
    dataset_dir = server.render("centered", "batch.num_samples = 2", config="render_multi")
    for record in read_records(dataset_dir):
        for row in record:
            vertices = read_obj_vertices(find_model(wheel.data_dir, row) / "model_normalized.obj")
            low, high = vertices.min(axis=0), vertices.max(axis=0)
            np.testing.assert_allclose(row["bbox"][1] - row["bbox"][0], high - low, atol=1e-6)
            center = np.append((low + high) / 2, 1) @ row["obj_to_world"].T
            np.testing.assert_allclose(center[:3], row["location"], atol=1e-6)


def test_an_exr_holds_the_denoised_image_and_not_the_noisy_one(each_server: RenderServer) -> None:
    """Cycles adds the noisy one by itself; without it a file is 45 % smaller."""
    dataset_dir = each_server.render("no_noise", "batch.num_samples = 1", config="render_multi")
    names = {name.rsplit(".", 1)[0] for name in read_channels(dataset_dir, 0)}
    index = {"IndexOB", "IndexMA"} if "IndexOB" in names else {"Object Index", "Material Index"}
    assert names == {"Combined", "Depth", *index}
