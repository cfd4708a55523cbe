"""Models show the materials that their files bring; expected values follow from the files."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from synrender.images.conversions import srgb_to_linear
from synrender.images.exr import read_exr
from tests.assets.gltf_writer import Glb
from tests.assets.helpers import write_files, write_zip
from tests.audit.own_models import (
    CORNERS,
    UV,
    add_faces,
    add_material,
    add_quad,
    cube_obj,
    draw_disk,
    draw_ramp,
    encode_image,
    quad_obj,
    write_obj,
)
from tests.helpers import (
    PROJECT_DIR,
    QUICK,
    Renderer,
    RenderServer,
    read_passes,
    read_records,
)

SIDE_PX = 64
QUAD_PX = SIDE_PX * 0.7 * 0.8 * 50 / 36
"""A quad of 0.7 m, times the mean scale, 1 m before a camera of 50 mm on 36 mm."""

FACING = (
    "material.source = 'own'", "material.color_intensity = 0", "object.n_buckets = 1",
    "object.random_warp = 0", "object.random_viewpoint = 0", "batch.num_samples = 1",
    "design.fixed = {'azimuth': 2.0943951023931953}", "sample.num_objs = 1",
    "scene.camera_location = (1, 0, 0)",
    "scene.camera_rotation = (1.5707963267948966, 0, 1.5707963267948966)",
    "rendering.labels = ['normal', 'albedo', 'amodal']", f"rendering.resolution = {SIDE_PX}",
    "material.use_texture = False", "sample.classes = ['thing']", "sample.class_idxs = 1",
    "rendering.denoise = False",
)  # fmt: skip
"""The quad of `own_models` faces the camera; u goes to the right and v up."""

Files = dict[str, bytes]
_numbers = itertools.count()


@dataclass(frozen=True)
class Shown:
    """What a sample shows."""

    path: Path  # of the data set
    rgb: np.ndarray  # (h, w, 3) scene-linear
    albedo: np.ndarray
    instance: np.ndarray  # (h, w)
    depth_m: np.ndarray
    material: np.ndarray
    normal: np.ndarray  # (h, w, 3)
    amodal: np.ndarray  # (h, w) of the first object

    @property
    def incomplete(self) -> dict[str, str]:
        """Reasons of models that are shown without all of their look."""
        return json.loads((self.path / "dataset.json").read_text()).get("incomplete", {})


Show = Callable[..., Shown]


def read_shown(path: Path) -> Shown:
    exr, passes = read_exr(path / "img" / "00000.exr"), read_passes(path, 0)
    assert exr.albedo is not None
    assert exr.normal is not None
    assert exr.amodal is not None
    return Shown(
        path, passes["rgb"], exr.albedo, passes["instance"], passes["depth"], passes["material"],
        exr.normal, exr.amodal[0],
    )  # fmt: skip


@pytest.fixture
def show(server: RenderServer, tmp_path: Path) -> Show:
    """Renders a model of some files, or of a GLB file, and some bindings."""

    def show(files: Files | Glb, *bindings: str) -> Shown:
        number = next(_numbers)
        folder = write_model(tmp_path / f"models_{number}", files)
        models = f"assets.models = {str(folder)!r}"
        name = f"own_{number}"
        return read_shown(server.render(name, *FACING, *bindings, models, config="render_multi"))

    return show


def write_model(folder: Path, files: Files | Glb) -> Path:
    files = {"model.glb": files.encode()} if isinstance(files, Glb) else files
    write_files(folder / "thing" / "model", files)
    return folder


# --- what is expected -----------------------------------------------------------------------------


def find_places() -> tuple[np.ndarray, np.ndarray]:
    """Places u, v of all pixel centers on the quad, (h, w, 2), and which are on it."""
    center = np.arange(SIDE_PX) + 0.5 - SIDE_PX / 2
    u, v = np.meshgrid(center / QUAD_PX + 0.5, 0.5 - center / QUAD_PX)
    places = np.stack([u, v], axis=2)
    return places, ((places > 0) & (places < 1)).all(axis=2)


PLACES, ON_QUAD = find_places()


def look_up(texels: np.ndarray, places: np.ndarray = PLACES) -> np.ndarray:
    """Bilinear mean of a texture that repeats, of (size, size, channels), at places (..., 2)."""
    size = len(texels)
    x, y = places[..., 0] * size - 0.5, (1 - places[..., 1]) * size - 0.5
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right_share, lower_share = (x - left)[..., None], (y - top)[..., None]

    def texel(dx: int, dy: int) -> np.ndarray:
        return texels[(top + dy) % size, (left + dx) % size].astype(float)

    upper = (1 - right_share) * texel(0, 0) + right_share * texel(1, 0)
    lower = (1 - right_share) * texel(0, 1) + right_share * texel(1, 1)
    return (1 - lower_share) * upper + lower_share * lower


def color_of(texels: np.ndarray, places: np.ndarray = PLACES) -> np.ndarray:
    """Scene-linear color of a texture of uint8 at places."""
    return srgb_to_linear(look_up(texels[:, :, :3], places) / 255)


def assert_albedo(shown: Shown, expected: np.ndarray, tolerance: float = 2e-3) -> None:
    """Compares (h, w, 3) or one color with the albedo on the quad."""
    assert (shown.instance == 1)[ON_QUAD].all()
    expected = np.broadcast_to(expected, (SIDE_PX, SIDE_PX, 3))
    np.testing.assert_allclose(shown.albedo[ON_QUAD], expected[ON_QUAD], atol=tolerance)


def textured_glb(image: bytes, **values: object) -> Glb:
    glb = Glb()
    add_quad(glb, add_material(glb, image, **values))
    return glb


def plain_glb(**values: object) -> Glb:
    glb = Glb()
    add_quad(glb, add_material(glb, **values))
    return glb


RAMP = draw_ramp()

# --- base colors ----------------------------------------------------------------------------------


def test_an_obj_file_shows_the_texture_of_its_mtl_file(show: Show) -> None:
    shown = show(quad_obj())
    assert_albedo(shown, color_of(RAMP))
    assert not shown.incomplete
    assert (shown.material[ON_QUAD] == 0).all()  # its class


@pytest.mark.parametrize(("kd", "factor"), [("0.5 0.25 1", (0.5, 0.25, 1)), ("0 0 0", (1, 1, 1))])
def test_kd_is_multiplied_unless_it_would_hide_the_texture(
    show: Show, kd: str, factor: tuple[float, ...]
) -> None:
    mtl = f"newmtl painted\nKd {kd}\nmap_Kd ramp.png\n".encode()
    assert_albedo(show({**quad_obj(), "model.mtl": mtl}), color_of(RAMP) * factor)


@pytest.mark.parametrize(("kind", "tolerance"), [("PNG", 2e-3), ("JPEG", 0.1), ("WEBP", 2e-3)])
def test_a_glb_file_shows_its_embedded_image(show: Show, kind: str, tolerance: float) -> None:
    options = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}.get(kind, {})
    image = encode_image(RAMP, kind, **options)
    shown = show(textured_glb(image, baseColorFactor=[1, 0.5, 1, 1]))
    assert_albedo(shown, color_of(RAMP) * [1, 0.5, 1], tolerance)


def test_colors_are_shown_whatever_the_alpha(show: Show) -> None:
    disk = draw_disk(8, inside=200, outside=0)
    for mode in ("OPAQUE", "BLEND"):
        assert_albedo(show(textured_glb(encode_image(disk), alphaMode=mode)), color_of(disk))


def test_vertex_colors_are_multiplied_and_linear(show: Show) -> None:
    glb, colors = Glb(), np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]])
    add_quad(glb, add_material(glb, baseColorFactor=[0.5, 1, 1, 1]), colors=colors)
    u, v = PLACES[..., :1], PLACES[..., 1:]
    # Two triangles, cut from the first corner to the third.
    first = colors[0] + u * (colors[1] - colors[0]) + v * (colors[2] - colors[1])
    second = colors[0] + v * (colors[3] - colors[0]) + u * (colors[2] - colors[3])
    assert_albedo(show(glb), np.where(u > v, first, second) * [0.5, 1, 1])


PLY = """ply
format ascii 1.0
element vertex 4
property float x
property float y
property float z
property uchar red
property uchar green
property uchar blue
element face 1
property list uchar int vertex_indices
end_header
-1 -1 0 {0}
1 -1 0 {0}
1 1 0 {0}
-1 1 0 {0}
4 0 1 2 3
"""


def test_colors_of_ply_and_obj_vertices_are_srgb(show: Show) -> None:
    expected = srgb_to_linear(np.array([200, 100, 50]) / 255)
    assert_albedo(show({"model.ply": PLY.format("200 100 50").encode()}), expected)
    lines = [f"v {x} {y} {z} {200 / 255} {100 / 255} {50 / 255}" for x, y, z in CORNERS.tolist()]
    assert_albedo(show({"model.obj": ("\n".join(lines) + "\nf 1 2 3 4\n").encode()}), expected)


def test_a_file_without_materials_is_white(show: Show) -> None:
    lines = [f"v {x} {y} {z}" for x, y, z in CORNERS.tolist()]
    assert_albedo(show({"model.obj": ("\n".join(lines) + "\nf 1 2 3 4\n").encode()}), np.ones(3))


def test_faces_keep_their_materials_through_cleaning(show: Show) -> None:
    """Of the doubled face the first counts; the one without an area is dropped."""
    faces = {"left": [[0, 4, 5, 3], [3, 5, 4, 0]], "flat": [[0, 4, 0]], "right": [[4, 1, 2, 5]]}
    points = np.vstack([CORNERS, [[0, -1, 0], [0, 1, 0]]])
    mtl = b"newmtl left\nKd 1 0 0\nnewmtl flat\nKd 0 1 0\nnewmtl right\nKd 0 0 1\n"
    shown = show({"model.obj": write_obj(points, faces).encode(), "model.mtl": mtl})
    is_left = PLACES[..., :1] < 0.5
    assert_albedo(shown, np.where(is_left, [1, 0, 0], [0, 0, 1]))
    assert (shown.material[ON_QUAD] == 0).all()


def test_color_intensity_mixes_the_drawn_color_in(show: Show) -> None:
    shown = show(quad_obj(), "material.color_intensity = 0.25")
    color = read_records(shown.path)["color"][0, 0]
    assert_albedo(shown, 0.75 * color_of(RAMP) + 0.25 * color)


# --- how a texture lies ---------------------------------------------------------------------------


def sampled_glb(sampler: dict, uv: np.ndarray, **info: object) -> Glb:
    glb = Glb()
    add_faces(glb, CORNERS, uv, add_material(glb, encode_image(RAMP)))
    glb.root["samplers"] = [sampler]
    glb.root["textures"][0]["sampler"] = 0
    glb.root["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"].update(info)
    return glb


WRAPS = {
    10497: lambda x: x,
    33071: lambda x: np.clip(x, 0.5 / len(RAMP), 1 - 0.5 / len(RAMP)),
    33648: lambda x: np.clip(1 - np.abs(x % 2 - 1), 0.5 / len(RAMP), 1 - 0.5 / len(RAMP)),
}


@pytest.mark.parametrize(
    ("wrap_s", "wrap_t"),
    [(33071, 33071), (33648, 33648), (33071, 10497), (10497, 33648), (33648, 33071)],
)
def test_textures_go_on_beyond_their_edges_as_the_sampler_says(
    show: Show, wrap_s: int, wrap_t: int
) -> None:
    shown = show(sampled_glb({"wrapS": wrap_s, "wrapT": wrap_t}, 4 * UV - 1.5))
    u, v = np.moveaxis(4 * PLACES - 1.5, 2, 0)
    wrapped = np.stack([WRAPS[wrap_s](u), 1 - WRAPS[wrap_t](1 - v)], axis=2)
    assert_albedo(shown, color_of(RAMP, wrapped), 5e-3)


def test_the_nearest_texel_is_shown_if_the_sampler_says_so(show: Show) -> None:
    shown = show(sampled_glb({"magFilter": 9728}, UV))
    size = len(RAMP)
    column, row = (PLACES[..., 0] * size), ((1 - PLACES[..., 1]) * size)
    expected = srgb_to_linear(RAMP[row.clip(0, 7).astype(int), column.clip(0, 7).astype(int)] / 255)
    is_inside = ON_QUAD & (np.abs(column % 1 - 0.5) < 0.4) & (np.abs(row % 1 - 0.5) < 0.4)
    np.testing.assert_allclose(shown.albedo[is_inside], expected[is_inside], atol=2e-3)


def test_a_texture_is_moved_as_its_transform_says(show: Show) -> None:
    moved = {"offset": [0.3, 0.1], "rotation": 0.5, "scale": [1.5, 0.5]}
    glb = sampled_glb({}, UV, extensions={"KHR_texture_transform": moved})
    u, v = PLACES[..., 0], 1 - PLACES[..., 1]  # in glTF v is downwards
    cos, sin = np.cos(0.5), np.sin(0.5)
    right = 0.3 + cos * 1.5 * u + sin * 0.5 * v
    down = 0.1 - sin * 1.5 * u + cos * 0.5 * v
    assert_albedo(show(glb), color_of(RAMP, np.stack([right, 1 - down], axis=2)))


def test_a_texture_can_use_the_second_set_of_places(show: Show) -> None:
    glb = sampled_glb({}, 0.5 * UV, texCoord=1)
    attributes = glb.root["meshes"][0]["primitives"][0]["attributes"]
    flipped = np.stack([UV[:, 0], 1 - UV[:, 1]], axis=1).astype("<f4")
    attributes["TEXCOORD_1"] = glb.accessor(flipped, "VEC2", 5126)
    assert_albedo(show(glb), color_of(RAMP))


# --- alpha ----------------------------------------------------------------------------------------


def find_disk(cutoff: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Pixels inside and outside of the disk, without those that are near its edge."""
    alpha = look_up(draw_disk()[:, :, 3:])[..., 0] / 255
    return ON_QUAD & (alpha > cutoff + 0.1), ON_QUAD & (alpha < cutoff - 0.1)


def test_a_mask_cuts_image_and_all_labels_alike(show: Show) -> None:
    glb = textured_glb(encode_image(draw_disk()), alphaMode="MASK", alphaCutoff=0.5)
    shown = show(glb, "rendering.render_samples = 4")
    inside, outside = find_disk()
    assert inside.sum() > 300
    assert outside.sum() > 300
    assert (shown.instance[inside] == 1).all()
    assert (shown.amodal[inside] == 1).all()
    np.testing.assert_allclose(shown.depth_m[inside], 1, atol=1e-4)
    np.testing.assert_allclose(shown.albedo[inside], color_of(draw_disk())[inside], atol=2e-3)
    for labels, backdrop in ((shown.instance, 0), (shown.amodal, 0), (shown.material, 99)):
        assert (labels[outside] == backdrop).all()
    assert (shown.depth_m[outside] > 2).all()
    assert np.ptp(shown.albedo[outside], axis=0).max() < 1e-5  # one color: the backdrop's
    assert np.abs(shown.normal[outside] - shown.normal[0, 0]).max() < 1e-5


def test_a_blended_surface_is_opaque_unless_it_is_to_be_blended(show: Show) -> None:
    blended_glb = textured_glb(encode_image(draw_disk(inside=128)), alphaMode="BLEND")
    masked_glb = textured_glb(encode_image(draw_disk(inside=128)), alphaMode="MASK")
    fine = "rendering.render_samples = 64"
    opaque, masked = show(blended_glb, fine), show(masked_glb, fine)
    blended = show(blended_glb, fine, "material.alpha = 'blend'")
    for name in ("albedo", "instance", "depth_m", "material", "normal", "amodal"):
        np.testing.assert_array_equal(getattr(opaque, name), getattr(blended, name))
    assert (opaque.instance[ON_QUAD] == 1).all()  # where alpha is 0, too
    inside, outside = find_disk(0.25)
    means = {
        name: (shown.rgb[inside].mean(), shown.rgb[outside].mean())
        for name, shown in (("opaque", opaque), ("masked", masked), ("blended", blended))
    }
    # Outside of the disk nothing is seen of the surface; inside, half of it.
    assert means["blended"][1] == pytest.approx(means["masked"][1], rel=0.15)
    assert abs(means["blended"][1] - means["opaque"][1]) > 0.3 * means["opaque"][1]
    assert abs(means["blended"][0] - means["opaque"][0]) > 0.1 * means["opaque"][0]


@pytest.mark.parametrize("mtl", ["d 0.4", "Tr 0.6", "d 1\nmap_d ramp.png"])
def test_the_alpha_of_mtl_files_is_blended(show: Show, mtl: str) -> None:
    files = {**quad_obj(), "model.mtl": f"newmtl painted\nKd 1 1 1\n{mtl}\n".encode()}
    opaque, blended = show(files), show(files, "material.alpha = 'blend'")
    np.testing.assert_array_equal(opaque.albedo, blended.albedo)
    np.testing.assert_array_equal(opaque.instance, blended.instance)
    assert np.abs(opaque.rgb - blended.rgb)[ON_QUAD].mean() > 0.02


def test_masks_one_behind_the_other_let_the_backdrop_through(show: Show) -> None:
    glb = Glb()
    cut = add_material(glb, baseColorFactor=[1, 1, 1, 0], alphaMode="MASK")
    for k in range(40):
        add_quad(glb, cut, z=-0.01 * k)
    add_quad(glb, add_material(glb, baseColorFactor=[1, 0, 0, 1]), z=-1)
    shown = show(glb)
    assert (shown.instance[SIDE_PX // 2, SIDE_PX // 2]) == 1
    np.testing.assert_allclose(shown.albedo[SIDE_PX // 2, SIDE_PX // 2], [1, 0, 0], atol=1e-6)


# --- how a surface reflects -----------------------------------------------------------------------


def test_metallic_and_roughness_change_the_image_and_no_label(show: Show) -> None:
    shown = [
        show(plain_glb(metallicFactor=m, roughnessFactor=r), "rendering.render_samples = 16")
        for m, r in ((0, 1), (1, 1), (1, 0.1))
    ]
    for before, after in itertools.pairwise(shown):
        np.testing.assert_array_equal(before.albedo, after.albedo)
        assert abs((before.rgb - after.rgb)[ON_QUAD].mean()) > 0.01


def add_image(glb: Glb, pixels: np.ndarray) -> dict:
    """Adds an image as a texture; returns what a material says of it."""
    images, textures = (glb.root.setdefault(k, []) for k in ("images", "textures"))
    images.append({"bufferView": glb.view(encode_image(pixels)), "mimeType": "image/png"})
    textures.append({"source": len(images) - 1})
    return {"index": len(textures) - 1}


def test_a_metallic_roughness_texture_holds_numbers(show: Show) -> None:
    """Blue is metallic and green roughness, as they are: 128 is a half, and not less as in sRGB."""
    bindings = ("rendering.render_samples = 16",)
    packed = np.tile(np.array([255, 128, 128], np.uint8), (4, 4, 1))
    glb = plain_glb()
    info = add_image(glb, packed)
    glb.root["materials"][0]["pbrMetallicRoughness"]["metallicRoughnessTexture"] = info
    half = plain_glb(metallicFactor=128 / 255, roughnessFactor=128 / 255)
    np.testing.assert_allclose(show(glb, *bindings).rgb, show(half, *bindings).rgb, atol=1e-4)


def test_a_normal_map_bends_the_light_and_not_the_label(show: Show) -> None:
    def bent(color: tuple[int, int, int]) -> Shown:
        glb = plain_glb(metallicFactor=0)
        info = add_image(glb, np.tile(np.array(color, np.uint8), (4, 4, 1)))
        glb.root["materials"][0]["normalTexture"] = info
        return show(glb, "rendering.render_samples = 16")

    flat, right, up = bent((128, 128, 255)), bent((220, 128, 220)), bent((128, 220, 220))
    plain = show(plain_glb(metallicFactor=0), "rendering.render_samples = 16")
    np.testing.assert_allclose(flat.rgb[ON_QUAD].mean(), plain.rgb[ON_QUAD].mean(), atol=2e-3)
    for other in (right, up):
        np.testing.assert_array_equal(other.normal, plain.normal)
        assert abs((other.rgb - plain.rgb)[ON_QUAD].mean()) > 0.02
    # The light comes from above: green is upwards.
    assert up.rgb[ON_QUAD].mean() > right.rgb[ON_QUAD].mean() + 0.02


def test_emission_shines_in_the_dark(show: Show) -> None:
    dark = ("scene.light_energy = 0", "scene.sun_energy = 0")
    glb = plain_glb(baseColorFactor=[0, 0, 0, 1], metallicFactor=0)
    material = glb.root["materials"][0]
    material["emissiveFactor"] = [1, 0.5, 0.25]
    material["emissiveTexture"] = add_image(glb, RAMP)
    material["extensions"] = {"KHR_materials_emissive_strength": {"emissiveStrength": 2}}
    shown = show(glb, *dark, "rendering.render_samples = 16")
    expected = 2 * color_of(RAMP) * [1, 0.5, 0.25]
    inner = ON_QUAD & (np.abs(PLACES - 0.5).max(axis=2) < 0.45)
    np.testing.assert_allclose(shown.rgb[inner], expected[inner], atol=0.06)
    assert_albedo(shown, np.zeros(3))


def test_an_unlit_material_and_use_emission_show_the_base_color(show: Show) -> None:
    glb = textured_glb(encode_image(RAMP))
    used = show(glb, "material.use_emission = True", "rendering.render_samples = 16")
    glb.root["materials"][0]["extensions"] = {"KHR_materials_unlit": {}}
    unlit = show(glb, "rendering.render_samples = 16")
    inner = ON_QUAD & (np.abs(PLACES - 0.5).max(axis=2) < 0.45)
    for shown in (used, unlit):
        np.testing.assert_allclose(shown.rgb[inner], color_of(RAMP)[inner], atol=0.05)
        assert_albedo(shown, color_of(RAMP))


# --- what is missing or bad -----------------------------------------------------------------------


def test_a_texture_that_is_missing_or_bad_gives_the_plain_color_and_a_reason(show: Show) -> None:
    plain = {**quad_obj(), "model.mtl": b"newmtl painted\nKd 0.2 0.4 0.6\nmap_Kd ramp.png\n"}
    image = plain.pop("ramp.png")
    for data, reason in (
        (None, "'ramp.png': No such file or directory"),
        (image[:-30], "'ramp.png': truncated"),
        (b"not an image", "'ramp.png': not an image of a readable size"),
    ):
        shown = show(plain if data is None else {**plain, "ramp.png": data})
        assert_albedo(shown, np.array([0.2, 0.4, 0.6]))
        assert list(shown.incomplete) == ["thing/model"]
        assert reason in shown.incomplete["thing/model"]


def test_no_file_outside_of_the_models_folder_is_shown(show: Show, tmp_path: Path) -> None:
    (tmp_path / "outside.png").write_bytes(encode_image(RAMP))
    for name in (
        "../../../outside.png", str(tmp_path / "outside.png"), "../../../../etc/passwd",
        "..\\..\\..\\outside.png", "C:\\outside.png",
    ):  # fmt: skip
        mtl = f"newmtl painted\nKd 0.2 0.4 0.6\nmap_Kd {name}\n".encode()
        shown = show({**quad_obj(), "model.mtl": mtl})
        assert_albedo(shown, np.array([0.2, 0.4, 0.6]))
        assert shown.incomplete["thing/model"]


def test_a_link_out_of_the_models_folder_is_not_followed(
    server: RenderServer, tmp_path: Path
) -> None:
    (tmp_path / "outside.png").write_bytes(encode_image(RAMP))
    folder = write_model(tmp_path / "models", quad_obj())
    texture = folder / "thing" / "model" / "ramp.png"
    texture.unlink()
    texture.symlink_to(tmp_path / "outside.png")
    models = f"assets.models = {str(folder)!r}"
    shown = read_shown(server.render("own_link", *FACING, models, config="render_multi"))
    assert_albedo(shown, np.ones(3))
    assert "not in the model's folder" in shown.incomplete["thing/model"]


def test_textures_in_an_archive_are_shown(server: RenderServer, tmp_path: Path) -> None:
    files = {f"thing/model/{name}": data for name, data in quad_obj().items()}
    models = f"assets.models = {str(write_zip(tmp_path / 'models.zip', files))!r}"
    shown = read_shown(server.render("own_zip", *FACING, models, config="render_multi"))
    assert_albedo(shown, color_of(RAMP))
    assert not shown.incomplete


@pytest.mark.parametrize("shard", [(), ("--shard", "0/1")])
def test_it_is_told_once_what_a_model_lacks(
    wheel: Renderer, tmp_path: Path, shard: tuple[str, ...]
) -> None:
    files = quad_obj()
    del files["ramp.png"]
    models = f"assets.models = {str(write_model(tmp_path / 'models', files))!r}"
    small = ["rendering.resolution = 16", "rendering.render_samples = 1", "batch.num_samples = 4"]
    name = f"own_lacks_{len(shard)}"
    arguments = ["-d", name, *shard, "-g", "render_multi", "-p", *FACING, models, *small]
    output = wheel.run(*arguments)
    assert output.count("'ramp.png': No such file or directory") == 1
    assert "rejected" not in output


# --- images between samples, and maps of textures -------------------------------------------------

SCRIPT = """
import json, os, sys
from pathlib import Path
from synrender.assets.catalog import load_catalog
from synrender.blender.batch import BatchTask, Watch, render_batch
from synrender.dataset.claim import claim_dataset
from synrender.dataset.folder import DatasetFolder
from synrender.settings.load import load_settings
from synrender.system.console import captured_output
from synrender.system.folders import find_folders
import bpy

settings = load_settings(["render_multi"], sys.argv[2:])
folders = find_folders(os.environ)
catalog = load_catalog(settings, folders)
folder = DatasetFolder(folders.data / "own_group", is_exr=True)
counts = []
def look(done, total):
    if done == 1:
        Path(sys.argv[1]).unlink()
    counts.append((len(bpy.data.images), len(bpy.data.materials)))
with captured_output():
    claim_dataset(folder, settings, catalog)
    render_batch(BatchTask(settings, folder, catalog, folders.blender), Watch(look))
print(json.dumps([counts[1:], folder.read_info().incomplete]), flush=True)
os._exit(0)
"""


def test_a_group_reads_its_images_once_and_keeps_no_more(wheel: Renderer, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "models", quad_obj())
    texture = folder / "thing" / "model" / "ramp.png"
    bindings = [*FACING, "batch.num_samples = 4", "batch.cache_obj_frames = 4", *QUICK]
    models = f"assets.models = {str(folder)!r}"
    command = [sys.executable, "-c", SCRIPT, str(texture), *bindings, models]
    environment = wheel.full_environment()
    done = subprocess.run(
        command, cwd=PROJECT_DIR, env=environment, check=True, timeout=300, capture_output=True,
        text=True,
    )  # fmt: skip
    counts, incomplete = json.loads(done.stdout.strip().splitlines()[-1])
    assert counts == [counts[0]] * 4
    assert incomplete == {}  # although the file was gone after the first sample
    assert not texture.exists()
    for idx in range(4):
        exr = read_exr(wheel.data_dir / "own_group" / "img" / f"{idx:05d}.exr")
        assert exr.albedo is not None
        assert np.ptp(exr.albedo[exr.instance == 1], axis=0).min() > 0.2  # the texture is shown


def test_maps_of_a_texture_change_the_image_and_no_label(
    server: RenderServer, tmp_path: Path
) -> None:
    def flat(*color: int) -> bytes:
        return encode_image(np.tile(np.array(color, np.uint8), (4, 4, 1)))

    maps = {"Roughness": flat(40, 40, 40), "Metalness": flat(255, 255, 255)}
    maps["NormalGL"] = flat(220, 128, 220)
    for name in ("A", "B"):
        color = {"Color": encode_image(draw_ramp(16))}
        files = {f"{name}_2K-PNG_{kind}.png": data for kind, data in {**color, **maps}.items()}
        write_files(tmp_path / "sets" / name, files)
    folder = write_model(tmp_path / "models", quad_obj())
    bindings = [*FACING, f"assets.models = {str(folder)!r}", "material.use_texture = True"]
    bindings += [f"assets.textures = {str(tmp_path / 'sets')!r}", "rendering.render_samples = 16"]
    plain, mapped = (
        read_shown(
            server.render(
                f"maps_{source}", *bindings, f"material.source = {source!r}", config="render_multi"
            )
        )
        for source in ("texture", "pbr")
    )
    for name in ("albedo", "instance", "depth_m", "material", "normal", "amodal"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(mapped, name))
    for region in (ON_QUAD, ~ON_QUAD):  # the object, and the backdrop
        assert np.abs(plain.rgb - mapped.rgb)[region].mean() > 0.015


SURFACES = ("roughness", "metallic")
REST = {"azimuth": 2.0943951023931953, "roughness": 0.5, "metallic": 0.0}
"""What `FACING` fixes, and how a surface is that no file describes."""


def test_factors_win_over_the_surfaces_of_files(show: Show) -> None:
    bindings = (
        f"design.fixed = {REST}", f"rendering.labels = {['normal', 'albedo', 'amodal', *SURFACES]}",
        "rendering.render_samples = 4",
    )  # fmt: skip
    shiny = plain_glb(metallicFactor=1, roughnessFactor=1)
    info = add_image(shiny, np.tile(np.array([255, 60, 200], np.uint8), (4, 4, 1)))
    shiny.root["materials"][0]["pbrMetallicRoughness"]["metallicRoughnessTexture"] = info
    plain = show(plain_glb(metallicFactor=0, roughnessFactor=0.5), bindings[-1])
    shown = show(shiny, *bindings)
    np.testing.assert_allclose(shown.rgb, plain.rgb, atol=1e-4)
    assert np.abs(show(shiny, bindings[-1]).rgb - plain.rgb)[ON_QUAD].mean() > 0.01
    exr = read_exr(shown.path / "img" / "00000.exr")
    for name in SURFACES:
        np.testing.assert_array_equal(getattr(exr, name)[ON_QUAD], REST[name])


def test_factors_win_over_the_maps_of_a_texture(server: RenderServer, tmp_path: Path) -> None:
    gray = {"Color": 180, "Roughness": 40, "Metalness": 255}
    for name in ("A", "B"):
        files = {
            f"{name}_2K-PNG_{kind}.png": encode_image(np.full((4, 4, 3), level, np.uint8))
            for kind, level in gray.items()
        }
        write_files(tmp_path / "sets" / name, files)
    fixed = REST | {f"backdrop_{name}": REST[name] for name in SURFACES}
    bindings = [
        *FACING, f"assets.models = {str(write_model(tmp_path / 'models', quad_obj()))!r}",
        f"assets.textures = {str(tmp_path / 'sets')!r}", "material.use_texture = True",
    ]  # fmt: skip
    plain, mapped, decided = (
        read_shown(server.render(f"wins_{name}", *bindings, *more, config="render_multi")).rgb
        for name, more in {
            "texture": ("material.source = 'texture'",),
            "pbr": ("material.source = 'pbr'",),
            "decided": ("material.source = 'pbr'", f"design.fixed = {fixed}"),
        }.items()
    )
    np.testing.assert_allclose(decided, plain, atol=1e-4)
    for region in (ON_QUAD, ~ON_QUAD):  # the object, and the backdrop
        assert np.abs(plain - mapped)[region].mean() > 0.01


# --- all Blenders ---------------------------------------------------------------------------------


def test_every_blender_shows_own_materials(renderer: Renderer, tmp_path: Path) -> None:
    """A mask before a textured quad, and a cube of six colors."""
    glb = Glb()
    add_quad(glb, add_material(glb, encode_image(draw_disk()), alphaMode="MASK"), z=0.5)
    add_quad(glb, add_material(glb, encode_image(RAMP), baseColorFactor=[0.5, 1, 1, 1]))
    for name, files in (("glb", glb), ("cube", cube_obj())):
        models = f"assets.models = {str(write_model(tmp_path / name, files))!r}"
        small = ["rendering.render_samples = 2", "rendering.render_exr = True"]
        renderer.run("-d", f"own_{name}", "-p", *FACING, *small, models)
    shown = read_shown(renderer.data_dir / "own_glb")
    center, corner = (SIDE_PX // 2,) * 2, (np.argwhere(shown.instance == 1)[0] + 2).tolist()
    assert shown.depth_m[center] < shown.depth_m[tuple(corner)] - 0.1
    assert not shown.incomplete
    cube = read_shown(renderer.data_dir / "own_cube")
    assert len(np.unique(cube.albedo[cube.instance == 1].round(3), axis=0)) == 1  # it faces us
