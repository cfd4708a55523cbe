"""What is out of focus is blurred as a thin lens blurs it; labels are those of a pinhole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synrender.settings.factor_table import COLUMNS
from tests.audit.shapes import write_sphere
from tests.blender.test_analytic import SIDE_M, render
from tests.helpers import RenderServer, read_channels, read_image, read_record

SIDE_PX = 48
FOCAL_PX, FOCAL_M = 50 / 36 * SIDE_PX, 0.05
DEPTH_M = np.sin(0.36 * np.pi) + 0.4 * np.cos(0.36 * np.pi)  # of the origin from (1, 0, 0.4)
GRAY = 0.05  # of the world
SCALE = 0.1
RADIUS_PX = SCALE * SIDE_M / 0.8 / 2 * FOCAL_PX / DEPTH_M
BALL = (
    f"rendering.resolution = {SIDE_PX}", "rendering.adaptive_threshold = 0",
    "scene.backdrop_size = 0.01", "scene.backdrop_location = (900, 0, 0)",
)  # fmt: skip
FSTOPS = (0.2, 0.4, 1.6)


def find_spread(image: np.ndarray) -> float:
    """Mean squared distance of the light from its center, px^2, without the gray behind it."""
    light = image[..., 1].astype(float) - GRAY
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX]
    light /= light.sum()
    center_x, center_y = (light * x).sum(), (light * y).sum()
    return float((light * ((x - center_x) ** 2 + (y - center_y) ** 2)).sum())


def render_balls(each_server: RenderServer, folder: Path, *bindings: str) -> dict[float, dict]:
    """Channels of a white ball at the origin, by the f-stop; 0: without a lens."""
    white = "'color': (1, 1, 1), 'scale': " + str(SCALE)
    found = {}
    for name, num, design in (
        ("pinhole", 1, f"design.fixed = {{{white}}}"),
        ("lens", 3, f"design.fixed = {{{white}}}\ndesign.levels = {{'camera_fstop': {FSTOPS}}}"),
    ):
        dataset_dir = render(
            each_server, folder, f"{name}_{len(bindings)}", write_sphere(64, 32), *BALL,
            *design.split("\n"), "design.kind = 'grid'" if num > 1 else "batch.seed = 0",
            f"rendering.render_samples = {1024 if num > 1 else 64}",
            f"batch.num_samples = {num}", f"object.total_num_samples = {num}", *bindings,
        )  # fmt: skip
        for idx in range(num):
            fstop = read_record(dataset_dir, idx)["factor_values"][0, COLUMNS.index("camera_fstop")]
            found[float(np.nan_to_num(fstop))] = read_channels(dataset_dir, idx)
    return found


def get_image(channels: dict[str, np.ndarray]) -> np.ndarray:
    return np.stack([channels[f"Combined.{c}"] for c in "RGB"], axis=2)


def test_a_ball_out_of_focus_becomes_the_circle_of_confusion(
    each_server: RenderServer, tmp_path: Path
) -> None:
    focus_m = 0.5
    balls = render_balls(each_server, tmp_path, f"scene.focus_distance = {focus_m}")
    sharp = find_spread(get_image(balls.pop(0.0)))
    assert abs(sharp - RADIUS_PX**2 / 2) < 0.15 * sharp  # and what the pixel filter adds
    for fstop, channels in balls.items():
        diameter_px = FOCAL_PX * FOCAL_M / fstop * abs(1 / DEPTH_M - 1 / focus_m)
        # The mean squared distance from the center of a disk is half of its squared radius.
        found_px = 2 * np.sqrt(2 * (find_spread(get_image(channels)) - sharp))
        assert abs(found_px - diameter_px) < 0.02 * diameter_px + 0.05, fstop


def test_the_nearest_center_is_sharp_and_labels_are_a_pinholes(
    each_server: RenderServer, tmp_path: Path
) -> None:
    balls = render_balls(each_server, tmp_path)
    pinhole = balls.pop(0.0)
    sharp = find_spread(get_image(pinhole))
    for channels in balls.values():
        assert abs(find_spread(get_image(channels)) - sharp) < 0.02 * sharp
        assert channels.keys() == pinhole.keys()
        for name in channels:
            if not name.startswith("Combined."):
                np.testing.assert_array_equal(channels[name], pinhole[name], name)


TWINS = (
    "batch.num_samples = 6", "object.total_num_samples = 6", "object.n_buckets = 2",
    "design.kind = 'twins'", "design.twin_size = 3",
    "design.levels = {'camera_fstop': [0.3, 1, 8]}", "rendering.render_samples = 4",
)  # fmt: skip


@pytest.mark.parametrize("labels", ["()", "('normal', 'amodal', 'albedo')"])
def test_twins_of_the_f_stop_have_equal_labels(server: RenderServer, labels: str) -> None:
    exr = ("rendering.render_exr = True", f"rendering.labels = {labels}", "sample.num_objs = 2")
    dataset_dir = server.render(f"lens_twins_{len(labels)}", *TWINS, *exr, config="render_multi")
    for start in (0, 3):
        first, *others = (read_channels(dataset_dir, idx) for idx in range(start, start + 3))
        for other in others:
            assert {name for name in first if not np.array_equal(first[name], other[name])} == {
                f"Combined.{c}" for c in "RGB"
            }


def test_a_png_is_blurred_too(server: RenderServer) -> None:
    dataset_dir = server.render("lens_png", *TWINS)
    images = [read_image(dataset_dir, idx).astype(float) for idx in range(3)]
    fstops = [
        read_record(dataset_dir, idx)["factor_values"][0, COLUMNS.index("camera_fstop")]
        for idx in range(3)
    ]
    edges = [np.abs(np.diff(image, axis=0)).sum() for image in images]
    assert np.argsort(edges).tolist() == np.argsort(fstops).tolist()
