"""Label passes that are asked for: what they hold, and that all else stays as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from synrender.dataset.record import are_equal
from synrender.images.exr import read_exr
from tests.blender.test_analytic import (
    SIDE_M,
    create_camera,
    create_sphere,
    erode,
    render,
    rest_rotation,
)
from tests.helpers import (
    PROJECT_DIR,
    QuickCommand,
    Renderer,
    RenderServer,
    read_channels,
    read_record,
)

ALL = "rendering.labels = ['normal', 'albedo', 'amodal']"
SMALL = ("batch.num_samples = 2", "rendering.resolution = 48", "rendering.render_samples = 4")


def multi(renderer: Renderer | RenderServer, name: str, *bindings: str) -> Path:
    return renderer.render(name, *SMALL, *bindings, config="render_multi")


def to_camera(vectors: np.ndarray, pitch: float = 0.36 * np.pi) -> np.ndarray:
    """World to camera space (x right, y down, z forward) of the default camera."""
    right, down = np.array([0, 1, 0]), np.array([np.cos(pitch), 0, -np.sin(pitch)])
    return vectors @ np.stack([right, down, np.cross(right, down)], axis=1)


def find_angles(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Between unit vectors, degrees."""
    return np.degrees(2 * np.arcsin(np.linalg.norm(a - b, axis=-1) / 2))


NEEDS = """
import os, sys
from pathlib import Path
from synrender.api.functions import load_sources
from synrender.blender.start import prepare_blender
from synrender.sampling.sample_plan import draw_sample
from synrender.settings.load import load_settings
from synrender.system.folders import find_folders
prepare_blender(Path(sys.argv[1]))
from synrender.blender.build import Builder
from synrender.blender.engine import start_engine
from synrender.blender.label_passes import needs_label_passes
for fixed in ({}, {"camera_fstop": 1.4}, {"backdrop": "none"}):
    bindings = [f"design.fixed = {fixed}", "scene.ground = True"]
    settings = load_settings(["render_multi"], bindings)
    settings, catalog = load_sources(settings, find_folders(os.environ))
    scene = start_engine(settings.rendering).scene
    Builder(scene, settings, catalog, {}).build_sample(draw_sample(settings, catalog, 0))
    print(needs_label_passes(scene))
"""


def test_labels_are_rendered_on_their_own_only_where_the_image_lacks_them(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", NEEDS, str(tmp_path)],
        env={**os.environ, "SYNRENDER_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        cwd=PROJECT_DIR,
        check=True,
    )
    assert result.stdout.split()[-3:] == ["False", "True", "True"]


def test_other_passes_and_the_image_keep_every_bit(each_server: RenderServer) -> None:
    plain, labeled = multi(each_server, "no_labels"), multi(each_server, "all_labels", ALL)
    for idx in range(2):
        before, after = read_channels(plain, idx), read_channels(labeled, idx)
        assert len(before) == 7
        for name, pixels in before.items():
            np.testing.assert_array_equal(pixels, after[name])
        new = {name.split(".")[0] for name in after.keys() - before.keys()}
        assert new == {"Normal", "Albedo", "Amodal"}
        a, b = read_record(plain, idx), read_record(labeled, idx)
        assert all(are_equal(a[field], b[field]) for field in a.dtype.names)


def test_only_what_is_asked_for_is_written(server: RenderServer) -> None:
    dataset_dir = multi(server, "shading_alone", "rendering.labels = 'shading'")
    exr = read_exr(dataset_dir / "img" / "00000.exr")
    assert exr.albedo is not None
    assert exr.normal is None
    assert exr.amodal is None


def test_masks_cover_what_is_seen_of_each_object(each_server: RenderServer) -> None:
    dataset_dir = multi(each_server, "all_labels", ALL)
    num_hidden_px = 0
    for idx in range(2):
        exr = read_exr(dataset_dir / "img" / f"{idx:05d}.exr")
        assert exr.amodal is not None
        assert exr.amodal.shape == (4, 48, 48)
        for k, mask in enumerate(exr.amodal, start=1):
            assert mask[exr.instance == k].all()
            # What hides the rest of it is another object in front of it.
            hidden_by = exr.instance[mask & (exr.instance != k)]
            assert (hidden_by > 0).all()
            num_hidden_px += len(hidden_by)
    assert num_hidden_px > 50


@pytest.mark.slow
def test_eevee_gets_the_same_labels(wheel: Renderer, server: RenderServer) -> None:
    a = multi(server, "all_labels", ALL)
    b = multi(wheel, "eevee_labels", ALL, "rendering.renderer = 'eevee'", "batch.num_samples = 1")
    a, b = (read_exr(folder / "img" / "00000.exr") for folder in (a, b))
    for name in ("instance", "class_label", "depth_m", "normal", "albedo", "amodal"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert (a.rgb_linear != b.rgb_linear).any()


def test_normals_of_a_tilted_plane_face_the_camera(
    each_server: RenderServer, tmp_path: Path
) -> None:
    """Seen from its front and, wound the other way, from its back."""
    for name, corners in (("front", "1 2 3 4"), ("back", "4 3 2 1")):
        plate = f"v -1 -1 -1\nv 1 -1 -1\nv 1 1 1\nv -1 1 1\nf {corners}\n"
        dataset_dir = render(each_server, tmp_path / name, f"normals_{name}", plate, ALL)
        exr = read_exr(dataset_dir / "img" / "00000.exr")
        normal = to_camera(rest_rotation() @ np.array([0, 1, -1]) / np.sqrt(2))
        normal *= -np.sign(normal[2])
        is_plane = exr.instance == 1
        assert is_plane.sum() > 500
        assert exr.normal is not None
        assert find_angles(exr.normal[is_plane], normal).max() < 0.01
        assert find_angles(exr.normal[exr.instance == 0], np.array([0, 0, -1])).max() < 0.01


def test_normals_of_a_smooth_sphere(each_server: RenderServer, tmp_path: Path) -> None:
    num_rings = 40
    lines = create_sphere(num_rings).splitlines()
    vertices = [line[2:] for line in lines if line.startswith("v ")]
    faces = [" ".join(f"{k}//{k}" for k in line[2:].split()) for line in lines if line[0] == "f"]
    smooth = "\n".join(
        [f"v {v}" for v in vertices] + [f"vn {v}" for v in vertices] + [f"f {f}" for f in faces]
    )
    dataset_dir = render(each_server, tmp_path, "smooth_sphere", smooth + "\n", ALL)
    exr = read_exr(dataset_dir / "img" / "00000.exr")
    origin, rays = create_camera()
    radius = SIDE_M / 2
    a, b = (rays**2).sum(axis=-1), rays @ origin
    discriminant = b**2 - a * (origin @ origin - radius**2)
    inside = erode(erode((discriminant > 0) & (exr.instance == 1)))
    depth = (-b - np.sqrt(np.where(inside, discriminant, 1))) / a
    normals = to_camera((origin + depth[..., None] * rays) / radius)
    assert exr.normal is not None
    angles = find_angles(exr.normal[inside], normals[inside])
    assert inside.sum() > 1000
    assert np.median(angles) < 0.1
    assert np.quantile(angles, 0.99) < 0.5


def test_nothing_hit_is_0(server: RenderServer, tmp_path: Path) -> None:
    plate = "v -1 -1 -1\nv 1 -1 -1\nv 1 1 1\nv -1 1 1\nf 1 2 3 4\n"
    dataset_dir = render(server, tmp_path, "no_backdrop", plate, ALL, "scene.backdrop_size = 0.01")
    exr = read_exr(dataset_dir / "img" / "00000.exr")
    is_nothing = np.isinf(exr.depth_m)
    assert is_nothing.sum() > 1000
    assert exr.normal is not None
    assert exr.albedo is not None
    assert not exr.normal[is_nothing].any()
    assert not exr.albedo[is_nothing].any()


@pytest.mark.parametrize("use_emission", [True, False])
def test_albedo_is_the_color_whatever_the_light(
    each_server: RenderServer, tmp_path: Path, use_emission: bool
) -> None:
    plate = "v -1 -1 -1\nv 1 -1 -1\nv 1 1 1\nv -1 1 1\nf 1 2 3 4\n"
    dataset_dir = render(
        each_server, tmp_path, f"albedo_{use_emission}", plate, ALL,
        f"material.use_emission = {use_emission}", "scene.sun_energy = 3",
    )  # fmt: skip
    exr = read_exr(dataset_dir / "img" / "00000.exr")
    record = read_record(dataset_dir, 0)[0]
    assert exr.albedo is not None
    for is_shown, color in (
        (exr.instance == 1, record["color"]),
        (exr.instance == 0, record["backdrop_color"]),
    ):
        assert np.abs(exr.albedo[is_shown] - color).max() < 1e-6


def test_a_png_has_no_labels(idle_wheel: QuickCommand) -> None:
    output = idle_wheel.run("-d", "png_labels", "-p", "rendering.labels = ['flow']", status=2)
    assert "rendering.labels = ('flow',): a PNG has no room for labels" in output
    assert len(output.splitlines()) == 1
