"""Where light comes from and how bright it is, against formulas of optics.

A ball hangs at the origin in the dark. The formulas here come from the meaning of the factors, not
from our code.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from scipy.optimize import least_squares

from synrender.images.environment import find_directions
from synrender.settings.factor_table import COLUMNS
from tests.audit.shapes import write_sphere
from tests.blender.test_analytic import PLAIN, SIDE_M, create_camera, linear_to_srgb8
from tests.helpers import (
    RenderServer,
    read_image,
    read_passes,
    read_records,
    write_shapenet,
)

RADIUS_M = SIDE_M / 2
DISTANCE_M = 1.5
SIDE_PX = 64
IN_THE_DARK = (
    *PLAIN, f"rendering.resolution = {SIDE_PX}", "rendering.render_samples = 16",
    "rendering.adaptive_threshold = 0", "design.kind = 'grid'",
    "material.use_emission = False", "scene.sun_energy = 0", "scene.light_radius = 0",
    # Too small to be seen, and far away.
    "scene.backdrop_size = 0.01", "scene.backdrop_location = (900, 0, 0)",
)  # fmt: skip
WHITE = {"environment": "black", "color": (1, 1, 1), "roughness": 0}
"""Without roughness all light of a point but the diffuse one goes past the camera."""

SUN_AZIMUTH, SUN_RADIUS_DEG = 0.6, 0.27
SUN_ELEVATION = math.pi / 2 - 110 * math.pi / 256
"""Between two lines of a map of 512 px."""


@dataclass(frozen=True)
class Room:
    """A dark room in which a ball hangs at the origin."""

    server: RenderServer
    models: Path
    environments: Path
    is_dimmed: bool  # whether surfaces dim as `dim_at_grazing` says

    def show(
        self, name: str, design: dict[str, list], *bindings: str, fixed: dict = WHITE
    ) -> tuple[np.ndarray, np.ndarray]:
        """Images of the ball with each combination of some levels, and their records, (n,).

        Returns:
            Images, (n, h, w, 3): linear of an EXR, else 8-bit.
        """
        num = math.prod(map(len, design.values()))
        dataset_dir = self.server.render(
            f"ball_{name}", *IN_THE_DARK, f"design.levels = {design}", f"design.fixed = {fixed}",
            f"batch.num_samples = {num}", f"object.total_num_samples = {num}",
            f"assets.models = {str(self.models)!r}",
            f"assets.environments = {str(self.environments)!r}", "rendering.render_exr = True",
            *bindings,
        )  # fmt: skip
        if (dataset_dir / "img" / "00000.png").exists():
            images = [read_image(dataset_dir, i) for i in range(num)]
        else:
            images = [read_passes(dataset_dir, i)["rgb"].astype(np.float64) for i in range(num)]
        return np.stack(images), read_records(dataset_dir)[:, 0]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A ball in ShapeNet's layout, and environments.

    They are ``black``, ``directions``, whose color is its direction: (x, y, z) / 2 + 0.5, and
    ``sun``, which is no larger than the real one, and nothing else.
    """
    folder = tmp_path_factory.mktemp("environments")
    directions, fine = find_directions(128, 256), find_directions(1024, 2048)
    towards = to_vector(SUN_AZIMUTH, SUN_ELEVATION)
    is_sun = fine @ towards > np.cos(np.radians(SUN_RADIUS_DEG))
    images = {"black": 0 * directions, "directions": directions / 2 + 0.5}
    images["sun"] = is_sun[..., None] * np.full(3, 1e4)
    for name, image in images.items():
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        channels = {"RGB": OpenEXR.Channel("RGB", image.astype(np.float32))}
        OpenEXR.File(header, channels).write(str(folder / f"{name}.exr"))
    models = write_shapenet(tmp_path_factory.mktemp("ball"), {"ball": write_sphere(128, 64)})
    return models, folder


@pytest.fixture(scope="module")
def room(each_server: RenderServer, folders: tuple[Path, Path]) -> Room:
    return Room(each_server, *folders, is_dimmed=each_server.name == "debian")


def find_normals(side_px: int = SIDE_PX) -> tuple[np.ndarray, np.ndarray]:
    """Normals of the ball through pixel centers, (h, w, 3), NaN beside it; and rays of length 1."""
    origin, rays = create_camera(side_px)
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


def find_brightest(
    image: np.ndarray, is_dimmed: bool, distance_m: float = DISTANCE_M
) -> np.ndarray:
    """Direction from the origin where a ball gets most light, from a fit of all pixels.

    Args:
        image: (h, w, 3) linear.
        is_dimmed: whether its surface dims as `dim_at_grazing` says.
        distance_m: of the light from the origin.
    """
    normals, rays = find_normals()
    where = faces_camera(normals, rays)
    shown, normals = image[..., 1][where], normals[where]
    scale, seen = np.percentile(shown, 99), -np.sum(normals * rays[where], axis=-1)
    shown = shown.clip(0, 1.1 * scale)  # single bright pixels are noise

    def error(guess: np.ndarray) -> np.ndarray:
        factor, azimuth, elevation = guess
        light_m = distance_m * to_vector(azimuth, elevation)
        model = distance_m**2 * irradiance(normals, light_m)
        if is_dimmed:
            to_light = light_m - RADIUS_M * normals
            to_light /= np.linalg.norm(to_light, axis=-1, keepdims=True)
            model = (
                model * dim_at_grazing(np.sum(normals * to_light, axis=-1)) * dim_at_grazing(seen)
            )
        return factor * model - shown / scale

    brightest = shown @ normals
    brightest /= np.linalg.norm(brightest)
    start = [1.0, math.atan2(brightest[1], brightest[0]), math.asin(brightest[2])]
    found = least_squares(error, start)
    assert np.sqrt(np.mean(found.fun**2)) < 0.03  # it looks like such a ball
    return to_vector(*found.x[1:])


def angle_deg(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Degrees between vectors (..., 3); exact for small ones."""
    sine = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.degrees(np.arctan2(sine, np.sum(a * b, axis=-1)))


def column(records: np.ndarray, name: str) -> np.ndarray:
    return records["factor_values"][:, COLUMNS.index(name)]


def test_a_ball_is_brightest_where_the_light_is(room: Room) -> None:
    """And its light is linear in the energy."""
    design = {"light_azimuth": [-0.9, 0.7], "light_elevation": [-0.2, 0.8]}
    images, records = room.show("by_angles", design | {"light_energy": [2, 300]})
    for image, record in zip(images, records, strict=True):
        angles = (column(record[None], f"light_{n}")[0] for n in ("azimuth", "elevation"))
        towards = to_vector(*angles)
        assert angle_deg(find_brightest(image, room.is_dimmed), towards) < 1
        np.testing.assert_allclose(record["light"], DISTANCE_M * towards, atol=1e-12)
    gains = images.sum(axis=(1, 2, 3)) / column(records, "light_energy")
    for towards in np.unique(records["light"], axis=0):
        (pair,) = np.nonzero((records["light"] == towards).all(axis=1))
        np.testing.assert_allclose(gains[pair[0]], gains[pair[1]], rtol=0.01)


def test_light_angle_is_on_an_arc_across(room: Room) -> None:
    images, records = room.show("by_angle", {"light_angle": [-0.7, 0.2, 1.2]})
    for image, angle in zip(images, column(records, "light_angle"), strict=True):
        towards = np.array([0, np.sin(angle), np.cos(angle)])
        assert angle_deg(find_brightest(image, room.is_dimmed), towards) < 1


def test_lights_share_the_energy(room: Room) -> None:
    """Each is drawn, and all together are the mean of what each would be alone."""
    smooth = ("rendering.render_samples = 256", "rendering.resolution = 32")
    fixed = WHITE | {"light_direction": (0.4, 0.5)}
    images, records = room.show("several", {"num_lights": [2, 3]}, *smooth, fixed=fixed)
    places = [record["lights"][: int(n)] for record, n in
              zip(records, column(records, "num_lights"), strict=True)]  # fmt: skip
    towards = np.unique(np.concatenate(places).round(9), axis=0) / DISTANCE_M
    angles = [(math.atan2(y, x), math.asin(z)) for x, y, z in towards.tolist()]
    alone, alone_records = room.show("alone", {"light_direction": angles}, *smooth)
    for image, record, lights in zip(images, records, places, strict=True):
        assert np.isnan(record["lights"][len(lights) :]).all()
        nearest = [np.linalg.norm(alone_records["light"] - at, axis=1).argmin() for at in lights]
        expected = alone[nearest].mean(axis=0)
        for half in (np.s_[:16], np.s_[16:], np.s_[:, :16], np.s_[:, 16:]):
            np.testing.assert_allclose(image[half].sum(), expected[half].sum(), rtol=0.02)


def test_a_spot_lights_its_cone_alone(room: Room) -> None:
    """As bright as a point of the same energy there."""
    cone = ("scene.light_kind = 'spot'", "scene.spot_angle = 0.2", "scene.spot_blend = 0")
    design = {"light_azimuth": [0.3], "light_elevation": [0.4]}
    (spot,), (record,) = room.show("spot", design, *cone)
    (point,), _ = room.show("point", design)
    normals, _ = find_normals()
    off_axis = np.radians(angle_deg(RADIUS_M * normals - record["light"], -record["light"]))
    inside, outside = off_axis < 0.1 - 0.015, off_axis > 0.1 + 0.015
    assert min(inside.sum(), outside.sum()) > 100
    assert spot[outside].max() == 0 < point[outside].max()
    np.testing.assert_allclose(spot[inside], point[inside], rtol=0.02, atol=1e-3)


def test_the_sun_is_above_and_has_its_width_and_color(room: Room) -> None:
    """A sun 0.6 rad wide lights what is turned away from it by up to 0.3 rad."""
    images, records = room.show(
        "sun", {"sun_color": [(1, 1, 1), (1, 0.5, 0.25)]}, "scene.sun_energy = 3",
        "scene.sun_angle = 0.6", "rendering.render_samples = 64", fixed=WHITE | {"light_energy": 0},
    )  # fmt: skip
    is_white = column(records, "sun_color_g") == 1
    white, colored = images[is_white][0], images[~is_white][0]
    gain = colored.sum(axis=(0, 1)) / white.sum(axis=(0, 1))
    np.testing.assert_allclose(gain, (1, 0.5, 0.25), rtol=0.01)
    normals, rays = find_normals()
    elevation = np.arcsin(normals[..., 2])
    assert white[(elevation < -0.33) & faces_camera(normals, rays)].max() == 0
    for low, high in ((-0.25, -0.2), (-0.2, -0.1), (-0.1, 0)):
        assert white[(low < elevation) & (elevation < high)].mean() > 0.001, low


def test_a_sun_in_an_environment_is_found_however_small(room: Room) -> None:
    """A map that misses it would leave the ball dark, but for a few bright pixels."""
    fixed = WHITE | {"environment": "sun", "light_energy": 0}
    (image,), _ = room.show(
        "small_sun", {"environment_rotation": [0.0]}, "rendering.render_samples = 64", fixed=fixed
    )
    towards = to_vector(SUN_AZIMUTH, SUN_ELEVATION)
    assert angle_deg(find_brightest(image, room.is_dimmed, 1000.0), towards) < 1


def test_a_mirror_ball_shows_the_environment_where_its_rotation_says(room: Room) -> None:
    """And its light is linear in the energy."""
    mirror = WHITE | {"environment": "directions", "metallic": 1, "light_energy": 0}
    design = {"environment_rotation": [0.0, 0.7, -2.0], "environment_energy": [0.1, 20]}
    images, records = room.show("mirror", design, "rendering.resolution = 96", fixed=mirror)
    images /= column(records, "environment_energy")[:, None, None, None]
    normals, rays = find_normals(96)
    reflected = rays - 2 * np.sum(normals * rays, axis=-1, keepdims=True) * normals
    where = faces_camera(normals, rays)
    for image, rotation in zip(images, column(records, "environment_rotation"), strict=True):
        # A turn about +Z, counter-clockwise seen from above, takes what is shown to what is seen.
        shown, (c, s) = 2 * image - 1, (np.cos(rotation), np.sin(rotation))
        seen = shown @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]).T
        errors = angle_deg(seen[where], reflected[where])
        assert np.percentile(errors, 99) < 0.5, (rotation, errors.max())
        lengths = np.linalg.norm(seen[where], axis=-1)  # of directions, and so 1
        np.testing.assert_allclose(lengths.mean(), 1, rtol=0.01)


def test_light_has_its_color_to_a_level_of_8_bits(room: Room) -> None:
    design = {"light_color": [(1, 1, 1), ("kelvin", 2700), ("hue", 0.6, 1, 0.8)]}
    twins = ("design.kind = 'twins'", "design.twin_size = 3")  # with equal noise
    linear, records = room.show("colors_linear", design, *twins)
    shown, _ = room.show("colors_shown", design, *twins, "rendering.render_exr = False")
    colors = np.stack([column(records, f"light_color_{part}") for part in "rgb"], axis=1)
    white = linear[np.flatnonzero((colors == 1).all(axis=1))[0]]
    for image, color in zip(shown, colors, strict=True):
        assert np.abs(image - linear_to_srgb8(white * color)).max() <= 1
    assert white.max() > 0.2


# --- files ----------------------------------------------------------------------------------------


def test_a_damaged_environment_is_replaced_and_recorded(
    server: RenderServer, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        pixels = OpenEXR.Channel("RGB", np.full((8, 16, 3), 0.5, np.float32))
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        OpenEXR.File(header, {"RGB": pixels}).write(str(tmp_path / f"{name}.exr"))
    (tmp_path / "b.exr").write_bytes((tmp_path / "b.exr").read_bytes()[:-40])
    folder = f"assets.environments = {str(tmp_path)!r}"
    weights = "design.distributions = {'environment': ('weights', {'a': 1, 'b': 1000})}"
    path = server.render("damaged_sky", folder, weights, "batch.num_samples = 3")
    rejected = json.loads((path / "dataset.json").read_text())["rejected"]
    assert rejected == {"environment:b": "truncated EXR"}
    assert set(read_records(path)["environment"].ravel()) == {"a"}
    named = "design.fixed = {'environment': 'b'}"
    with pytest.raises(AssertionError, match="too few of its 1 environments"):
        server.render("no_sky", folder, named, "batch.num_samples = 1")
