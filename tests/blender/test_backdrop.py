"""What is behind the objects: a plane, what is around the scene, or nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from synrender.settings.factor_table import COLUMNS
from tests.audit.shapes import write_sphere
from tests.blender.test_analytic import create_box, create_camera, linear_to_srgb8, render
from tests.blender.test_lights import folders  # noqa: F401  (a fixture)
from tests.helpers import (
    QuickCommand,
    Renderer,
    RenderServer,
    read_channels,
    read_image,
    read_passes,
    read_record,
)

BACKDROPS = ("plane", "environment", "none")
COLOR = (0.9, 0.4, 0.1)
BALL = ("rendering.render_samples = 16", "rendering.adaptive_threshold = 0")


def show(backdrop: str, *others: str) -> str:
    return f"design.fixed = {{'backdrop': '{backdrop}', 'color': {COLOR}{''.join(others)}}}"


def test_colors_of_a_png_are_not_multiplied_by_its_alpha(
    renderer: Renderer, tmp_path: Path
) -> None:
    arguments = renderer, tmp_path, "see_through", write_sphere(64, 32), *BALL, show("none")
    png = read_image(render(*arguments, exr=False), 0)
    rgb, alpha = png[..., :3], png[..., 3]
    assert png.shape[2] == 4
    assert set(np.unique(alpha)) >= {0, 255}
    assert ((alpha > 0) & (alpha < 255)).sum() > 50
    # A sample in 16 has 16 of 255: fewer could not be told from the rounding of 8 bits.
    assert np.abs(rgb[alpha > 0] - linear_to_srgb8(np.array(COLOR))).max() <= 1
    exr = render(*arguments[:2], "see_through_exr", *arguments[3:])
    channels = read_channels(exr, 0)
    assert np.abs(255 * channels["Combined.A"] - alpha).max() <= 0.51
    for channel, color in zip("RGB", COLOR, strict=True):
        pixels = channels[f"Combined.{channel}"]
        np.testing.assert_allclose(pixels, color * channels["Combined.A"], atol=1e-6)


def test_the_environment_is_seen_where_its_rotation_says(
    renderer: Renderer,
    tmp_path: Path,
    folders: tuple[Path, Path],  # noqa: F811
) -> None:
    rotation = 2.5
    fixed = show(
        "environment", f", 'environment': 'directions', 'environment_rotation': {rotation}"
    )
    dataset_dir = render(
        renderer, tmp_path, "seen_around", write_sphere(32, 16), *BALL, fixed,
        f"assets.environments = {str(folders[1])!r}",
    )  # fmt: skip
    passes, (_, rays) = read_passes(dataset_dir, 0), create_camera()
    # A turn about +Z, counter-clockwise seen from above, takes what is shown to what is seen.
    shown, (c, s) = 2 * passes["rgb"] - 1, (np.cos(rotation), np.sin(rotation))
    seen = shown @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]).T
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    cross = np.linalg.norm(np.cross(seen, rays), axis=-1)
    degrees = np.degrees(np.arctan2(cross, np.sum(seen * rays, axis=-1)))
    is_around = ~binary_dilation(passes["instance"] > 0, iterations=4)
    assert is_around.sum() > 1000
    assert degrees[is_around].max() < 0.5
    assert (passes["depth"][passes["instance"] == 0] > 1e9).all()


@pytest.fixture(scope="module")
def twins(server: RenderServer) -> list[dict[str, np.ndarray]]:
    """Channels of three samples, in the order of `BACKDROPS`."""
    folder = server.render(
        "backdrop_twins", "rendering.labels = ('normal', 'albedo')", "sample.num_objs = 2",
        "batch.num_samples = 3", "object.total_num_samples = 3", "object.n_buckets = 1",
        "design.kind = 'twins'", "design.twin_size = 3",
        f"design.levels = {{'backdrop': {BACKDROPS}}}", config="render_multi",
    )  # fmt: skip
    found = {}
    for idx in range(3):
        value = read_record(folder, idx)["factor_values"][0, COLUMNS.index("backdrop")]
        found[int(value)] = read_channels(folder, idx)
    return [found[k] for k in range(3)]


def test_labels_of_objects_stay_and_those_of_the_plane_go(
    twins: list[dict[str, np.ndarray]],
) -> None:
    plane, *others = twins
    is_object = plane["IndexOB.X"] > 0
    for channels in others:
        assert channels.keys() == plane.keys()
        for name in channels:
            if not name.startswith("Combined."):
                nothing = 1e10 if name == "Depth.Z" else 0
                expected = np.where(is_object, plane[name], np.float32(nothing))
                np.testing.assert_array_equal(channels[name], expected, name)
    assert (plane["Depth.Z"] < 1e9).all()
    assert [channels["Combined.A"].min() for channels in twins] == [1, 1, 0]


@pytest.mark.parametrize("backdrop", ["environment", "none"])
def test_of_a_ground_only_the_shadows_are_seen(
    renderer: Renderer, tmp_path: Path, backdrop: str
) -> None:
    ground = (
        "scene.ground = True", "material.use_emission = False", "scene.sun_energy = 30",
        "scene.light_energy = 0", *BALL,
    )  # fmt: skip
    model, above = create_box(1, 0.05, 1), ", 'layout': (0, 0, 0.15)"
    passes, alpha = {}, {}
    for shown in (backdrop, "plane"):
        name = f"shadows_{backdrop}_{shown}"
        dataset_dir = render(renderer, tmp_path / shown, name, model, *ground, show(shown, above))
        passes[shown] = read_passes(dataset_dir, 0)
        alpha[shown] = read_channels(dataset_dir, 0)["Combined.A"]
    is_object = passes["plane"]["instance"] > 0
    np.testing.assert_array_equal(passes[backdrop]["instance"] > 0, is_object)
    assert (passes[backdrop]["depth"][~is_object] > 1e9).all()
    gray = passes["plane"]["rgb"].mean(axis=2)
    is_dark = ~is_object & (gray < 0.5 * np.median(gray[~is_object]))
    assert is_dark.sum() > 50  # in the sun's shadow
    shadow = alpha[backdrop]
    if backdrop == "environment":
        shadow = 1 - passes[backdrop]["rgb"].mean(axis=2) / 0.05  # the gray that is around
    assert np.median(shadow[is_dark]) > 0.5
    assert np.median(shadow[~is_dark & ~is_object]) < 0.1


def test_eevee_has_no_shadows_alone(idle_wheel: QuickCommand) -> None:
    bindings = ("scene.ground = True", "rendering.renderer = 'eevee'", show("none"))
    output = idle_wheel.run("-d", "eevee_shadows", "-p", *bindings, status=2)
    assert "of a ground only shadows are seen, which Eevee cannot render" in output
    assert len(output.splitlines()) == 1
