"""Where light comes from and how bright it is, against formulas of optics.

A ball hangs at the origin in the dark. The formulas here come from the meaning of the factors, not
from our code.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from scipy.optimize import least_squares

from synrender.settings.factor_table import COLUMNS
from tests.audit.shapes import write_sphere
from tests.blender.test_analytic import (
    SIDE_M,
    create_camera,
    linear_to_srgb8,
    render,
)
from tests.helpers import Renderer, read_image, read_passes, read_records

RADIUS_M = SIDE_M / 2
DISTANCE_M = 1.5
IN_THE_DARK = (
    "material.use_emission = False", "scene.sun_energy = 0", "scene.light_radius = 0",
    # Too small to be seen, and far away.
    "scene.backdrop_size = 0.01", "scene.backdrop_location = (900, 0, 0)",
    "rendering.adaptive_threshold = 0", "rendering.render_samples = 16",
)  # fmt: skip
WHITE = {"environment": "black", "color": (1, 1, 1), "roughness": 0}
"""Without roughness all light of a point but the diffuse one goes past the camera."""


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``black``, and ``directions``, whose color is its direction: (x, y, z) / 2 + 0.5."""
    folder = tmp_path_factory.mktemp("environments")
    polar = (np.arange(128)[:, None] + 0.5) / 128 * np.pi
    # The center of the image is +X, and +Y is to the left of it.
    azimuth = np.pi - (np.arange(256) + 0.5) / 256 * 2 * np.pi
    x, y = np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth)
    directions = np.stack([x, y, np.cos(polar) * np.ones(256)], axis=2)
    for name, image in (("black", 0 * directions), ("directions", directions / 2 + 0.5)):
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        channels = {"RGB": OpenEXR.Channel("RGB", image.astype(np.float32))}
        OpenEXR.File(header, channels).write(str(folder / f"{name}.exr"))
    return folder


def render_ball(
    renderer: Renderer,
    folders: tuple[Path, Path],
    name: str,
    design: dict[str, list],
    *bindings: str,
    exr: bool = True,
    fixed: dict | None = None,
) -> tuple[list[np.ndarray], np.ndarray]:
    """Images of a ball with each combination of some levels, and their records, (n,).

    Returns:
        Images, (h, w, 3): linear of an EXR, else 8-bit.
    """
    scratch, environments = folders
    num = math.prod(map(len, design.values()))
    dataset_dir = render(
        renderer, scratch, name, write_sphere(128, 64), *IN_THE_DARK,
        "design.kind = 'grid'", f"design.levels = {design}", f"design.fixed = {fixed or WHITE}",
        f"batch.num_samples = {num}", f"object.total_num_samples = {num}",
        f"assets.environments = {str(environments)!r}", *bindings, exr=exr,
    )  # fmt: skip
    if exr:
        images = [read_passes(dataset_dir, i)["rgb"].astype(np.float64) for i in range(num)]
    else:
        images = [read_image(dataset_dir, i) for i in range(num)]
    return images, read_records(dataset_dir)[:, 0]


def find_normals() -> tuple[np.ndarray, np.ndarray]:
    """Normals of the ball through pixel centers, (h, w, 3), NaN beside it; and rays of length 1."""
    origin, rays = create_camera()
    rays = rays / np.linalg.norm(rays, axis=-1, keepdims=True)
    b = rays @ origin
    with np.errstate(invalid="ignore"):
        distance = -b - np.sqrt(b**2 - (origin @ origin - RADIUS_M**2))
    return (origin + distance[..., None] * rays) / RADIUS_M, rays


def irradiance(normals: np.ndarray, light_m: np.ndarray) -> np.ndarray:
    """Of a point light at light_m on a sphere, up to a factor: cosine over squared distance."""
    to_light = light_m - RADIUS_M * normals
    distance = np.linalg.norm(to_light, axis=-1)
    return np.sum(normals * to_light, axis=-1).clip(0) / distance**3


def to_vector(azimuth: float, elevation: float) -> np.ndarray:
    """Direction from the origin: azimuth from +X towards +Y, elevation from there towards +Z."""
    level = np.cos(elevation)
    return np.array([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)])


def faces_camera(normals: np.ndarray, rays: np.ndarray) -> np.ndarray:
    """(h, w) bool: seen at less than 60 degrees, where a ball that is not rough is as if matt."""
    with np.errstate(invalid="ignore"):
        return -np.sum(normals * rays, axis=-1) > 0.5


def dim_at_grazing(cosine: np.ndarray) -> np.ndarray:
    """How a smooth surface of Blender 3.4 dims light that comes or goes at a low angle.

    B. Burley, "Physically based shading at Disney" (2012), with a roughness of 0. Later versions
    have a Lambertian surface below the gloss.
    """
    return 1 - 0.5 * (1 - cosine.clip(0, 1)) ** 5


def find_brightest(image: np.ndarray, is_dimmed: bool) -> np.ndarray:
    """Direction from the origin where a ball gets most light, from a fit of all pixels.

    Args:
        image: (h, w, 3) linear.
        is_dimmed: whether its surface dims as `dim_at_grazing` says.
    """
    normals, rays = find_normals()
    where = faces_camera(normals, rays)
    shown, normals = image[..., 1][where], normals[where]
    scale, seen = shown.max(), -np.sum(normals * rays[where], axis=-1)

    def error(guess: np.ndarray) -> np.ndarray:
        factor, azimuth, elevation = guess
        light_m = DISTANCE_M * to_vector(azimuth, elevation)
        model = irradiance(normals, light_m)
        if is_dimmed:
            to_light = light_m - RADIUS_M * normals
            to_light /= np.linalg.norm(to_light, axis=-1, keepdims=True)
            model = (
                model * dim_at_grazing(np.sum(normals * to_light, axis=-1)) * dim_at_grazing(seen)
            )
        return factor * model - shown / scale

    brightest = normals[np.argmax(shown)]
    start = [1.0, math.atan2(brightest[1], brightest[0]), math.asin(brightest[2])]
    found = least_squares(error, start)
    assert np.sqrt(np.mean(found.fun**2)) < 0.01  # it looks like such a ball
    return to_vector(*found.x[1:])


def angle_deg(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Degrees between vectors (..., 3); exact for small ones."""
    sine = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.degrees(np.arctan2(sine, np.sum(a * b, axis=-1)))


def column(records: np.ndarray, name: str) -> np.ndarray:
    return records["factor_values"][:, COLUMNS.index(name)]


def test_a_ball_is_brightest_where_the_light_is(
    renderer: Renderer, tmp_path: Path, environments: Path
) -> None:
    design = {"light_azimuth": [-0.9, 0.1, 0.7], "light_elevation": [-0.2, 0.3, 0.8]}
    images, records = render_ball(renderer, (tmp_path, environments), "by_angles", design)
    for image, record in zip(images, records, strict=True):
        azimuth, elevation = (column(record[None], f"light_{n}") for n in ("azimuth", "elevation"))
        towards = to_vector(azimuth[0], elevation[0])
        assert angle_deg(find_brightest(image, renderer.name == "debian"), towards) < 1
        np.testing.assert_allclose(record["light"], DISTANCE_M * towards, atol=1e-12)


def test_light_angle_is_on_an_arc_across(
    renderer: Renderer, tmp_path: Path, environments: Path
) -> None:
    design = {"light_angle": [-0.7, 0.2, 1.2]}
    images, records = render_ball(renderer, (tmp_path, environments), "by_angle", design)
    for image, angle in zip(images, column(records, "light_angle"), strict=True):
        towards = np.array([0, np.sin(angle), np.cos(angle)])
        assert angle_deg(find_brightest(image, renderer.name == "debian"), towards) < 1


def test_light_is_linear_in_its_energy(
    renderer: Renderer, tmp_path: Path, environments: Path
) -> None:
    design = {"light_energy": [1, 20, 300], "light_azimuth": [0.3]}
    images, records = render_ball(renderer, (tmp_path, environments), "by_energy", design)
    sums = np.array([image.sum() for image in images])
    energies = column(records, "light_energy")
    np.testing.assert_allclose(sums / energies, sums[0] / energies[0], rtol=0.01)


def test_a_mirror_ball_shows_the_environment_where_its_rotation_says(
    renderer: Renderer, tmp_path: Path, environments: Path
) -> None:
    mirror = {"environment": "directions", "color": (1, 1, 1), "roughness": 0, "metallic": 1}
    design = {"environment_rotation": [0.0, 0.7, -2.0], "light_energy": [0]}
    images, records = render_ball(
        renderer, (tmp_path, environments), "mirror", design, fixed=mirror
    )
    normals, rays = find_normals()
    reflected = rays - 2 * np.sum(normals * rays, axis=-1, keepdims=True) * normals
    where = faces_camera(normals, rays)
    for image, rotation in zip(images, column(records, "environment_rotation"), strict=True):
        # A turn about +Z, counter-clockwise seen from above, takes what is shown to what is seen.
        shown, (c, s) = 2 * image - 1, (np.cos(rotation), np.sin(rotation))
        seen = shown @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]).T
        errors = angle_deg(seen[where], reflected[where])
        assert np.percentile(errors, 99) < 0.5, (rotation, errors.max())


def test_light_has_its_color_to_a_level_of_8_bits(
    renderer: Renderer, tmp_path: Path, environments: Path
) -> None:
    design = {"light_color": [(1, 1, 1), ("kelvin", 2700), ("hue", 0.6, 1, 0.8)]}
    arguments = renderer, (tmp_path, environments)
    twins = ("design.kind = 'twins'", "design.twin_size = 3")  # with equal noise
    linear, records = render_ball(*arguments, "colors_linear", design, *twins)
    shown, _ = render_ball(*arguments, "colors_shown", design, *twins, exr=False)
    colors = np.stack([column(records, f"light_color_{part}") for part in "rgb"], axis=1)
    white = linear[np.flatnonzero((colors == 1).all(axis=1))[0]]
    for image, color in zip(shown, colors, strict=True):
        assert np.abs(image - linear_to_srgb8(white * color)).max() <= 1
    assert white.max() > 0.2
