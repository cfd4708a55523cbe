"""Scenes with known exact answers, rendered for real and read from their EXR files.

The formulas here come from the scene's description in README and config, not from our code.
"""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
from skimage.draw import polygon2mask

from tests.helpers import RenderServer, read_image, read_passes, read_record, write_shapenet

RESOLUTION = 96
SIDE_M = 0.7 * 0.8  # largest side of an object without noise
PLAIN = (
    "object.n_buckets = 1", "object.random_warp = 0", "object.random_viewpoint = 0",
    "material.use_texture = False", "material.use_emission = True", "rendering.denoise = False",
    f"rendering.resolution = {RESOLUTION}", "batch.num_samples = 1",
)  # fmt: skip


def create_sphere(num_rings: int = 160) -> str:
    """A unit sphere by latitude and longitude; facets differ from it by 1e-4 of its radius."""
    lines = []
    for i in range(num_rings + 1):
        polar = np.pi * i / num_rings
        for azimuth in np.linspace(0, 2 * np.pi, 2 * num_rings, endpoint=False):
            x, z = np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth)
            lines.append(f"v {x:.9f} {np.cos(polar):.9f} {z:.9f}")
    n = 2 * num_rings
    for i in range(num_rings):
        for j in range(n):
            a, b = i * n + j + 1, i * n + (j + 1) % n + 1
            lines.append(f"f {a} {a + n} {b + n} {b}")
    return "\n".join(lines) + "\n"


def create_box(x: float, y: float, z: float) -> str:
    corners = [(i * x, j * y, k * z) for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)]
    faces = [(1, 2, 4, 3), (5, 7, 8, 6), (1, 5, 6, 2), (3, 4, 8, 7), (1, 3, 7, 5), (2, 6, 8, 4)]
    lines = ["v {} {} {}".format(*c) for c in corners]
    return "\n".join(lines + ["f {} {} {} {}".format(*f) for f in faces]) + "\n"


def render(
    each_server: RenderServer, folder: Path, name: str, model: str, *bindings: str, exr: bool = True
) -> Path:
    shapenet = write_shapenet(folder / "shapenet", {"model": model})
    models = f"assets.models = {str(shapenet)!r}"
    return each_server.render(name, *PLAIN, f"rendering.render_exr = {exr}", *bindings, models)


def create_camera(resolution: int = RESOLUTION) -> tuple[np.ndarray, np.ndarray]:
    """Camera position, and a ray of unit depth through each pixel center: (h, w, 3), world."""
    focal_px, pitch = 50 / 36 * resolution, 0.36 * np.pi
    offset = (np.arange(resolution) + 0.5 - resolution / 2) / focal_px
    right, down = np.meshgrid(offset, offset)
    # From (1, 0, 0.4) along -x, tilted by the pitch from straight down; right is +y.
    forward = np.array([-np.sin(pitch), 0, -np.cos(pitch)])
    downward = np.array([np.cos(pitch), 0, -np.sin(pitch)])
    rays = forward + right[..., None] * np.array([0, 1, 0]) + down[..., None] * downward
    return np.array([1, 0, 0.4]), rays


def rest_rotation() -> np.ndarray:
    """A model's Y turned up, then -30 degrees about the vertical."""
    upright = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
    c, s = np.cos(-np.pi / 6), np.sin(-np.pi / 6)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ upright


def erode(mask: np.ndarray) -> np.ndarray:
    inside = mask.copy()
    for axis in (0, 1):
        for step in (-1, 1):
            inside &= np.roll(mask, step, axis)
    return inside


def test_depth_of_a_tilted_plane(each_server: RenderServer, tmp_path: Path) -> None:
    """A plate through the origin whose normal after `rest_rotation` is known."""
    plate = "v -1 -1 -1\nv 1 -1 -1\nv 1 1 1\nv -1 1 1\nf 1 2 3 4\n"
    passes = read_passes(render(each_server, tmp_path, "plane", plate), 0)
    normal = rest_rotation() @ np.array([0, 1, -1])
    origin, rays = create_camera()
    depth = -(origin @ normal) / (rays @ normal)
    is_plane = erode(passes["instance"] == 1)
    assert is_plane.sum() > 500
    np.testing.assert_allclose(passes["depth"][is_plane], depth[is_plane], atol=2e-5)


def test_depth_and_outline_of_a_sphere(each_server: RenderServer, tmp_path: Path) -> None:
    passes = read_passes(render(each_server, tmp_path, "sphere", create_sphere()), 0)
    origin, rays = create_camera()
    radius = SIDE_M / 2
    a, b = (rays**2).sum(axis=-1), rays @ origin
    discriminant = b**2 - a * (origin @ origin - radius**2)
    is_hit = discriminant > 0
    is_sphere = passes["instance"] == 1
    assert (is_hit != is_sphere).sum() <= 0.005 * is_hit.sum()
    inside = erode(is_hit & is_sphere)
    depth = ((-b - np.sqrt(np.where(is_hit, discriminant, 0))) / a)[inside]
    assert inside.sum() > 1500
    assert np.abs(passes["depth"][inside] - depth).max() < 1e-3  # facets matter for grazing rays
    assert np.median(np.abs(passes["depth"][inside] - depth)) < 5e-5


def test_corners_and_outline_of_a_cube(each_server: RenderServer, tmp_path: Path) -> None:
    cube = create_box(1, 1, 1)
    passes = read_passes(render(each_server, tmp_path, "cube", cube, "scene.camera_lens = 28"), 0)
    corners = np.array([(i, j, k) for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)])
    world = corners * SIDE_M / 2 @ rest_rotation().T - np.array([1, 0, 0.4])
    pitch = 0.36 * np.pi
    depth = world @ np.array([-np.sin(pitch), 0, -np.cos(pitch)])
    down = world @ np.array([np.cos(pitch), 0, -np.sin(pitch)])
    focal_px = 28 / 36 * RESOLUTION
    u = RESOLUTION / 2 + focal_px * world[:, 1] / depth
    v = RESOLUTION / 2 + focal_px * down / depth
    mask = passes["instance"] == 1
    rows, columns = np.nonzero(mask)
    # A pixel belongs to the cube if its center is inside.
    assert abs(u.min() - columns.min()) < 1
    assert abs(u.max() - columns.max() - 1) < 1
    assert abs(v.min() - rows.min()) < 1
    assert abs(v.max() - rows.max() - 1) < 1
    outline = np.zeros_like(mask)
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    for face in faces:
        outline |= polygon2mask(mask.shape, np.column_stack([v, u])[list(face)] - 0.5)
    assert (outline != mask).sum() < 0.02 * mask.sum()
    assert np.abs(passes["depth"][mask].min() - depth.min()) < 0.01


@pytest.mark.parametrize("hidden_share", [0.25, 0.5])
def test_visible_share_of_a_half_hidden_sphere(
    each_server: RenderServer, tmp_path: Path, hidden_share: float
) -> None:
    """Seen from far away, two spheres are discs whose overlap is a lens of known area."""
    # Two tiny parts, smaller than a pixel, enlarge the box so that the spheres do not touch.
    half_height, num_vertices = 2.5, 61 * 120
    specks = "".join(
        f"v 0 {y} 0\nv 0.001 {y} 0\nv 0 {y} 0.001\nf {k} {k + 1} {k + 2}\n"
        for y, k in ((half_height, num_vertices + 1), (-half_height, num_vertices + 4))
    )
    model = create_sphere(60) + specks
    first = render(
        each_server,
        tmp_path,
        "two_spheres",
        model,
        "sample.num_objs = 2",
        "rendering.resolution = 8",
    )
    near, far = read_record(first, 0)["location"]
    radius = SIDE_M / (2 * half_height)
    assert np.linalg.norm(far - near) > 2 * radius
    # Distance d of the centers in the image where the lens is the wanted share of a disc.
    distances = np.linspace(0, 2 * radius, 20001)
    lens = 2 * radius**2 * np.arccos(distances / (2 * radius))
    lens -= distances / 2 * np.sqrt(4 * radius**2 - distances**2)
    d = np.interp(-hidden_share * np.pi * radius**2, -lens, distances)  # lens shrinks with d
    # View direction in which the centers appear this far apart.
    along = (far - near) / np.linalg.norm(far - near)
    aside = np.cross(along, [0, 0, 1])
    aside /= np.linalg.norm(aside)
    sine = d / np.linalg.norm(far - near)
    backward = -(np.sqrt(1 - sine**2) * along + sine * aside)
    camera = (near + far) / 2 + 200 * backward
    rotation = (np.arccos(backward[2]), 0.0, np.arctan2(backward[1], backward[0]) + np.pi / 2)
    dataset_dir = render(
        each_server, tmp_path, f"hidden_{hidden_share:g}".replace(".", "_"), model,
        "sample.num_objs = 2", "scene.camera_lens = 5000", "rendering.resolution = 320",
        f"scene.camera_location = {tuple(map(float, camera))}",
        f"scene.camera_rotation = {tuple(map(float, rotation))}",
        f"scene.backdrop_location = {tuple(map(float, -10 * backward))}",
    )  # fmt: skip
    np.testing.assert_allclose(read_record(dataset_dir, 0)["location"], [near, far])
    instance = read_passes(dataset_dir, 0)["instance"]
    counts = np.array([(instance == 1).sum(), (instance == 2).sum()])
    disc_px = np.pi * (radius * 5000 / 36 * 320 / 200) ** 2
    assert counts[0] / disc_px == pytest.approx(1, abs=0.01)
    assert counts[1] / disc_px == pytest.approx(1 - hidden_share, abs=0.012)


def linear_to_srgb8(linear: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1, rounded to 8 bits."""
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(255 * srgb.clip(0, 1))


def test_an_emission_of_known_color_has_its_exact_8_bit_value(
    each_server: RenderServer, tmp_path: Path
) -> None:
    dataset_dir = render(
        each_server, tmp_path, "emission", create_box(1, 1, 1), "batch.num_samples = 4", exr=False
    )
    for idx in range(4):
        record = read_record(dataset_dir, idx)[0]
        image = read_image(dataset_dir, idx)
        half = RESOLUTION // 2
        np.testing.assert_array_equal(image[half, half], linear_to_srgb8(record["color"]))
        np.testing.assert_array_equal(image[1, 1], linear_to_srgb8(record["backdrop_color"]))


@pytest.mark.parametrize("value", [18, 119, 255])
def test_a_gray_card_is_the_same_in_png_and_exr(
    each_server: RenderServer, tmp_path: Path, value: int
) -> None:
    images = tmp_path / "dtd" / "images" / "card"
    images.mkdir(parents=True)
    for name in ("a.png", "b.png"):
        iio.imwrite(images / name, np.full((4, 4, 3), value, np.uint8))
    (tmp_path / "dtd" / "labels").mkdir()
    labels = tmp_path / "dtd" / "labels" / "labels_joint_anno.txt"
    labels.write_text("card/a.png card\ncard/b.png card\n")
    textures = ("material.use_texture = True", f"assets.textures = {str(tmp_path / 'dtd')!r}")
    png_dir, exr_dir = (
        render(
            each_server, tmp_path, f"card_{value}_{exr}", create_box(1, 1, 1), *textures, exr=exr
        )
        for exr in (False, True)
    )
    png, linear = read_image(png_dir, 0), read_passes(exr_dir, 0)["rgb"]
    np.testing.assert_array_equal(png, value)
    np.testing.assert_array_equal(linear_to_srgb8(linear), value)
