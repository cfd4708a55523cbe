"""The audit's own reading of models' colors, against values that are known by hand."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import trimesh

from synrender.assets.material import AlphaMode
from synrender.assets.mesh_formats import read_mesh
from synrender.assets.model_file import ModelFile
from synrender.audit.models.model_files import read_model
from synrender.audit.models.own_materials import ImageReader, OwnColors
from synrender.audit.models.texture import srgb_to_linear
from synrender.audit.rays.model_caster import ModelCaster, Rays, load_triangles
from tests.assets.dressed import create_glb
from tests.assets.gltf_writer import Glb, tent
from tests.assets.helpers import write_files
from tests.audit.own_models import (
    CORNERS,
    CUBE_FACES,
    CUBE_POINTS,
    SIDES,
    UV,
    add_material,
    add_quad,
    cube_obj,
    draw_disk,
    draw_ramp,
    encode_image,
    masked_glb,
    quad_obj,
    write_obj,
)

ABOVE = np.array([0.1, -0.2, 4.0])
PLACES = np.random.default_rng(5).uniform(-0.98, 0.98, (400, 2))
"""Places x, y on a quad."""


def read(folder: Path, files: dict[str, bytes] | Glb, problem: str = "") -> ModelCaster:
    files = {"model.glb": files.encode()} if isinstance(files, Glb) else files
    write_files(folder, files)
    return ModelCaster(ModelFile(folder / next(iter(files))), problem)


def look_at(caster: ModelCaster, points: np.ndarray, eye: np.ndarray = ABOVE) -> OwnColors:
    return caster.find_own_colors(Rays(eye, points - eye))


def on_quad(z: float = 0.0, places: np.ndarray = PLACES) -> np.ndarray:
    return np.column_stack([places, np.full(len(places), z)])


def mix_texels(texture: np.ndarray, places: np.ndarray, channel: slice = slice(3)) -> np.ndarray:
    """Bilinear mean of a texture that covers the quad, one place at a time, in 0 to 1."""
    size = len(texture)
    found = []
    for x, y in places:
        column, row = (x + 1) / 2 * size - 0.5, (1 - y) / 2 * size - 0.5
        left, top = int(np.floor(column)), int(np.floor(row))
        mean = 0
        for r, row_share in ((top, 1 - (row - top)), (top + 1, row - top)):
            for c, share in ((left, 1 - (column - left)), (left + 1, column - left)):
                mean = mean + row_share * share * texture[r % size, c % size] / 255
        found.append(mean[channel])
    return np.array(found)


def test_a_texture_of_an_obj_file_lies_as_its_places_say(tmp_path: Path) -> None:
    found = look_at(read(tmp_path, quad_obj()), on_quad())
    assert found.is_known.all()
    np.testing.assert_allclose(found.linear, srgb_to_linear(mix_texels(draw_ramp(), PLACES)))
    upper_left = look_at(read(tmp_path, quad_obj()), np.array([[-0.95, 0.95, 0]])).linear
    assert upper_left[0].argmax() == 0  # the first row of the image is its top: red


def test_a_texture_of_a_glb_file_lies_as_in_the_same_obj_file(tmp_path: Path) -> None:
    glb = Glb()
    factor = [0.5, 0.25, 1.0, 1.0]
    add_quad(glb, add_material(glb, encode_image(draw_ramp()), baseColorFactor=factor))
    found = look_at(read(tmp_path, glb), on_quad())
    expected = srgb_to_linear(mix_texels(draw_ramp(), PLACES)) * factor[:3]
    np.testing.assert_allclose(found.linear, expected, atol=1e-6)


def test_each_side_of_a_cube_has_its_material(tmp_path: Path) -> None:
    caster = read(tmp_path, cube_obj())
    for color, face in zip(SIDES.values(), CUBE_FACES, strict=True):
        center = CUBE_POINTS[face].mean(axis=0)
        found = look_at(caster, center[None] + 0.3 * (1 - np.abs(center)), 4 * center)
        np.testing.assert_allclose(found.linear, [color])
        assert found.is_flat.all()


def test_vertex_colors_are_linear_in_glb_and_srgb_in_ply(tmp_path: Path) -> None:
    colors = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.5, 0.5]])
    glb = Glb()
    add_quad(glb, add_material(glb, baseColorFactor=[0.5, 1, 1, 1]), colors=colors)
    found = look_at(read(tmp_path, glb), on_quad()).linear
    x, y = PLACES.T
    below = x > y  # the diagonal from the first corner
    weights = np.zeros((len(PLACES), 4))
    weights[below] = np.stack([1 - x, x - y, y + 1, 0 * x], axis=1)[below] / 2
    weights[~below] = np.stack([1 - y, 0 * x, x + 1, y - x], axis=1)[~below] / 2
    np.testing.assert_allclose(found, weights @ colors * (0.5, 1, 1), atol=1e-6)

    header = "ply\nformat ascii 1.0\nelement vertex 4\nproperty float x\nproperty float y\n"
    header += "property float z\nproperty uchar red\nproperty uchar green\nproperty uchar blue\n"
    header += "element face 1\nproperty list uchar int vertex_indices\nend_header\n"
    srgb = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128)]
    rows = [
        f"{x} {y} {z} {r} {g} {b}\n" for (x, y, z), (r, g, b) in zip(CORNERS, srgb, strict=True)
    ]
    text = header + "".join(rows) + "4 0 1 2 3\n"
    found = look_at(read(tmp_path, {"model.ply": text.encode()}), on_quad()).linear
    linear = srgb_to_linear(np.array(srgb) / 255)
    np.testing.assert_allclose(found, weights @ linear, atol=1e-6)


# --- alpha ----------------------------------------------------------------------------------------


def test_rays_go_on_through_what_a_mask_cuts_away(tmp_path: Path) -> None:
    caster = read(tmp_path, masked_glb())
    places = PLACES * 0.9
    origin, directions = ABOVE, on_quad(0.5, places) - ABOVE
    alpha = mix_texels(draw_disk(), places, slice(3, 4))[:, 0]
    assert (alpha < 0.5).any()
    assert (alpha >= 0.5).any()
    reach = caster.cast(Rays(origin, directions))
    expected = np.where(alpha >= 0.5, 1.0, 4 / 3.5)  # at z = 0.5, or at z = 0 below it
    is_beside = (np.abs(places + directions[:, :2] / 7) > 1).any(axis=1)
    expected[is_beside & (alpha < 0.5)] = np.inf
    sure = np.abs(alpha - 0.5) > 1e-4
    np.testing.assert_allclose(reach.distances[sure], expected[sure], rtol=1e-6)
    np.testing.assert_array_equal(reach.is_known, sure)
    white = np.isclose(caster.find_own_colors(Rays(origin, directions)).linear, 1)
    np.testing.assert_array_equal(white.all(axis=1)[sure], (expected == 4 / 3.5)[sure])


def test_a_blended_alpha_and_a_model_without_its_colors_stop_all_rays(tmp_path: Path) -> None:
    glb = Glb()
    disk = add_material(glb, encode_image(draw_disk()), alphaMode="BLEND")
    add_quad(glb, disk, 0.5)
    blended = read(tmp_path, glb)
    plain = ModelCaster(
        ModelFile(write_files(tmp_path, {"masked.glb": masked_glb().encode()}) / "masked.glb")
    )
    for caster in (blended, plain):
        distances = caster.cast(Rays(ABOVE, on_quad(0.5) - ABOVE)).distances
        np.testing.assert_allclose(distances, 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("alpha", "cutoff", "is_cut"), [(0.3, 0.3, None), (0.31, 0.3, False), (0.29, 0.3, True)]
)
def test_alpha_is_a_product_and_may_be_too_near_to_its_cutoff(
    tmp_path: Path, alpha: float, cutoff: float, is_cut: bool | None
) -> None:
    """Of the factor, the texture and the vertices."""
    glb = Glb()
    image = encode_image(draw_disk(inside=102, outside=102))  # 0.4
    values = {"alphaMode": "MASK", "alphaCutoff": cutoff, "baseColorFactor": [1, 1, 1, alpha / 0.4]}
    add_quad(glb, add_material(glb, image, **values), colors=np.ones((4, 4)))
    reach = read(tmp_path, glb).cast(Rays(ABOVE, on_quad() - ABOVE))
    assert (reach.is_known == (is_cut is not None)).all()
    if is_cut is not None:
        assert (np.isinf(reach.distances) == is_cut).all()


def test_rays_pass_many_layers(tmp_path: Path) -> None:
    glb = Glb()
    hole = add_material(glb, baseColorFactor=[1, 1, 1, 0], alphaMode="MASK")
    for k in range(60):
        add_quad(glb, hole, 1 - k / 100)
    add_quad(glb, add_material(glb, baseColorFactor=[0.2, 0.3, 0.4, 1]), 0.3)
    caster = read(tmp_path, glb)
    reach = caster.cast(Rays(ABOVE, on_quad(0.3) - ABOVE))
    assert reach.is_known.all()
    np.testing.assert_allclose(reach.distances, 1, rtol=1e-6)
    np.testing.assert_allclose(look_at(caster, on_quad(0.3)).linear, [(0.2, 0.3, 0.4)] * 400)


# --- what glTF files say in other ways ------------------------------------------------------------


def test_a_texture_goes_on_as_its_sampler_says(tmp_path: Path) -> None:
    ramp = draw_ramp()
    modes = {10497: lambda k: k % 8, 33071: lambda k: np.clip(k, 0, 7)}
    modes[33648] = lambda k: [*range(8), *range(8)[::-1]][k % 16]
    for mode, wrap in modes.items():
        glb = Glb()
        material = add_material(glb, encode_image(ramp))
        glb.root["samplers"] = [{"wrapS": mode, "wrapT": mode}]
        glb.root["textures"][0]["sampler"] = 0
        primitive = add_quad(glb, material)
        # The image covers a quarter of the quad's width, and begins in its middle.
        uv = (CORNERS[:, :2] * (2, -2)).astype("<f4")
        primitive["attributes"]["TEXCOORD_0"] = glb.accessor(uv, "VEC2", 5126)
        texels = np.random.default_rng(0).integers(-15, 15, (50, 2))
        places = (texels + 0.5) / 8 / 2 * (1, -1)  # centers of texels, x to the right, y down
        found = look_at(read(tmp_path, glb), on_quad(0, places)).linear
        columns, rows = ([wrap(k) for k in axis] for axis in texels.T.tolist())
        np.testing.assert_allclose(found, srgb_to_linear(ramp[rows, columns] / 255), atol=1e-5)


def test_the_second_set_of_places_and_fractions_in_integers_are_read(tmp_path: Path) -> None:
    glb = Glb()
    material = add_material(glb, encode_image(draw_ramp()))
    primitive = add_quad(glb, material)
    attributes = primitive["attributes"]
    uv = np.array([[0, 65535], [65535, 65535], [65535, 0], [0, 0]], "<u2")
    attributes["TEXCOORD_1"] = glb.accessor(uv, "VEC2", 5123, normalized=True)
    attributes["TEXCOORD_0"] = glb.accessor(np.zeros((4, 2), "<f4"), "VEC2", 5126)
    corners = np.concatenate([CORNERS * 127, 0 * CORNERS[:, :1]], axis=1).astype("<i1")
    attributes["POSITION"] = glb.accessor(corners, "VEC3", 5120, normalized=True)
    position = glb.root["accessors"][attributes["POSITION"]]
    glb.root["bufferViews"][position["bufferView"]]["byteStride"] = 4
    glb.root["extensionsRequired"] = ["KHR_mesh_quantization"]
    info = glb.root["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
    info["texCoord"] = 1
    found = look_at(read(tmp_path, glb), on_quad())
    np.testing.assert_allclose(
        found.linear, srgb_to_linear(mix_texels(draw_ramp(), PLACES)), atol=1e-6
    )


def test_a_moved_texture_and_the_nearest_texel(tmp_path: Path) -> None:
    """The corner of the image's first texel moves to a place and is turned about it."""
    ramp = draw_ramp()
    glb = Glb()
    add_quad(glb, add_material(glb, encode_image(ramp)))
    info = glb.root["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
    moved = {"offset": [0.25, 0.5], "scale": [0.5, 0.25], "rotation": np.pi / 2}
    info["extensions"] = {"KHR_texture_transform": moved}
    glb.root["samplers"] = [{"magFilter": 9728}]
    glb.root["textures"][0]["sampler"] = 0
    found = look_at(read(tmp_path, glb), on_quad()).linear
    u, v = (PLACES[:, 0] + 1) / 2, (1 - PLACES[:, 1]) / 2
    # A quarter turn counterclockwise, as one sees it: u goes up, v goes to the right.
    columns, rows = (np.floor(8 * k).astype(int) % 8 for k in (0.25 + 0.25 * v, 0.5 - 0.5 * u))
    np.testing.assert_allclose(found, srgb_to_linear(ramp[rows, columns] / 255), atol=1e-6)


def test_the_color_of_a_glossy_material_comes_before_the_usual_one(tmp_path: Path) -> None:
    glb = Glb()
    add_quad(glb, add_material(glb, baseColorFactor=[1, 0, 0, 1]))
    glossy = {"diffuseFactor": [0.25, 0.5, 0.75, 1]}
    glb.root["materials"][0]["extensions"] = {"KHR_materials_pbrSpecularGlossiness": glossy}
    found = look_at(read(tmp_path, glb), on_quad()).linear
    np.testing.assert_allclose(found, [[0.25, 0.5, 0.75]] * len(PLACES))


def test_places_far_from_0_are_not_judged_where_colors_change(tmp_path: Path) -> None:
    glb = Glb()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    primitive = add_quad(glb, add_material(glb, encode_image(noise)))
    uv = (CORNERS[:, :2] + 10000).astype("<f4")
    primitive["attributes"]["TEXCOORD_0"] = glb.accessor(uv, "VEC2", 5126)
    found = look_at(read(tmp_path, glb), on_quad())
    assert not found.is_known.any()
    assert not found.is_flat.any()


@pytest.mark.parametrize(
    ("problem", "is_known"),
    [("", False), ("'gone.png': No such file", True), ("'a'; and 3 more", False)],
)
def test_a_missing_image_leaves_the_plain_color_if_the_data_set_says_so(
    tmp_path: Path, problem: str, is_known: bool
) -> None:
    files = {**quad_obj(), "model.mtl": b"newmtl painted\nKd 0.5 0.25 1\nmap_Kd gone.png\n"}
    found = look_at(read(tmp_path, files, problem), on_quad())
    assert (found.is_known == is_known).all()
    np.testing.assert_allclose(found.linear, [[0.5, 0.25, 1]] * len(PLACES))


def test_an_image_that_the_data_set_calls_not_shown_is_not_expected(tmp_path: Path) -> None:
    glb = Glb()
    add_quad(glb, add_material(glb, encode_image(draw_ramp()), baseColorFactor=[0.5, 1, 1, 1]))
    found = look_at(read(tmp_path, glb, "'image 0': too large"), on_quad())
    assert found.is_known.all()
    np.testing.assert_allclose(found.linear, [[0.5, 1, 1]] * len(PLACES))
    others = look_at(read(tmp_path, glb, "'image 7': too large; and 2 more"), on_quad())
    assert not others.is_known.any()


def test_what_the_renderers_rays_blur_is_not_judged(tmp_path: Path) -> None:
    """The finer the texels, the larger the pixels and the flatter the ray, the more."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 4), np.uint8)
    glb = Glb()
    add_quad(glb, add_material(glb, encode_image(noise), alphaMode="MASK"))
    caster = read(tmp_path, glb)
    shares = []
    for px_width, eye in ((0.0, ABOVE), (0.2, ABOVE), (1.0, ABOVE), (0.2, [30, 0, 1.0])):
        directions = on_quad() - eye
        rays = Rays(np.array(eye), directions, px_width)
        colors, reach = caster.find_own_colors(rays), caster.cast(rays)
        is_cut = np.isinf(reach.distances)
        shares.append((colors.is_known[~is_cut].mean(), reach.is_known.mean()))
    known, cut_known = np.array(shares).T
    assert known[0] == 1
    assert known[0] > known[1] > known[2]
    assert known[3] < known[1]
    assert cut_known[0] > 0.99
    assert cut_known[0] > cut_known[1] > cut_known[2]
    assert cut_known[3] < cut_known[1]


def test_a_face_without_the_places_that_its_texture_needs_is_not_judged(tmp_path: Path) -> None:
    glb = Glb()
    primitive = add_quad(glb, add_material(glb, encode_image(draw_ramp())))
    del primitive["attributes"]["TEXCOORD_0"]
    assert not look_at(read(tmp_path, glb), on_quad()).is_known.any()


def test_mtl_files_are_read_as_people_write_them(tmp_path: Path) -> None:
    """Options of images, blanks in names, black beside an image, a second description, none."""
    library = "newmtl a\nKd 0 0 0\nmap_Kd -o 0.5 -s 2 2 2 -bm 1 ramp one.png\nNewmtl b\nKd 0.25\n"
    other = "newmtl b\nKd 1 1 1\nnewmtl c\nkd 0.5 0.25 2 # light\nmap_Kd gone.png\n"
    faces = {"a": [[0, 1, 2]], "b": [[0, 2, 3]]}
    text = write_obj(CORNERS, faces, UV) + "v 3 3 0 \nv 3 4 0\nv 2 3 0\nusemtl c\nf 5 6 7\n"
    text = text.replace("mtllib model.mtl", "mtllib first.mtl other.mtl")
    files = {
        "model.obj": (text + "usemtl gone\nv 3 3 1\nv 3 4 1\nv 2 3 1\nf -3 -2 -1\n").encode(),
        "first.mtl": library.encode(), "other.mtl": other.encode(),
        "ramp one.png": encode_image(draw_ramp()),
    }  # fmt: skip
    caster = read(tmp_path, files, "'gone.png': No such file or directory")
    below = PLACES[PLACES[:, 0] > PLACES[:, 1] + 0.01]
    x, y = (below.T + 1) / 2
    places = np.stack([2 * (2 * x + 0.5) - 1, 2 * (2 * y) - 1], axis=1)
    found = look_at(caster, on_quad(0, below)).linear
    np.testing.assert_allclose(found, srgb_to_linear(mix_texels(draw_ramp(), places)), atol=1e-6)
    others = np.array([[-0.5, 0.5, 0], [2.8, 3.4, 0], [2.8, 3.4, 1]])
    expected = [[0.25] * 3, [0.5, 0.25, 1], [1, 1, 1]]
    for point, color in zip(others, expected, strict=True):
        np.testing.assert_allclose(
            look_at(caster, point[None], np.add(point, (0, 0, 0.5))).linear, [color]
        )


def test_vertex_colors_of_obj_files_are_those_of_faces_without_a_material(tmp_path: Path) -> None:
    text = write_obj(CORNERS, {"": [[0, 1, 2]], "painted": [[0, 2, 3]]})
    text = re.sub(r"(?m)^(v .*)$", r"\1 0 0.5 0.2", text)
    files = {"model.obj": text.encode(), "model.mtl": b"newmtl painted\n"}
    found = look_at(read(tmp_path, files), np.array([[0.5, -0.5, 0], [-0.5, 0.5, 0]])).linear
    np.testing.assert_allclose(found, [srgb_to_linear(np.array([0, 0.5, 0.2])), [1, 1, 1]])


@pytest.mark.parametrize("seed", range(4))
def test_both_readers_of_glb_files_say_the_same_of_colors(tmp_path: Path, seed: int) -> None:
    path = write_files(tmp_path, {"model.glb": create_glb(seed).encode()}) / "model.glb"
    mesh = read_mesh(ModelFile(path), has_look=True)
    look = mesh.look
    polygons, coloring = read_model(ModelFile(path), ImageReader(""))
    assert look is not None
    assert coloring is not None
    np.testing.assert_allclose(
        polygons.vertices[polygons.corners], mesh.vertices[mesh.corner_vertices], atol=1e-6
    )
    np.testing.assert_allclose(coloring.uv, look.uv_sets[0], atol=1e-6)
    np.testing.assert_allclose(coloring.colors, look.colors, atol=1e-6)
    for k, idx in enumerate(np.repeat(look.face_materials, 3).tolist()):
        own, finish = look.materials[idx], coloring.finishes[coloring.finish_idxs[k]]
        np.testing.assert_allclose(finish.factor[:3], own.color)
        assert (finish.texture is None) == (own.color_texture is None)
        is_mask = own.alpha_mode is AlphaMode.MASK
        assert finish.cutoff == (own.cutoff if is_mask else None)


# --- where trimesh and the format differ ----------------------------------------------------------


def list_triangles(corners: np.ndarray) -> np.ndarray:
    """Triangles (t, 3, 3) in a fixed order, whichever way they are wound; equal ones once."""
    rounded = corners.astype(np.float32).astype(float).round(4)
    triangles = {tuple(sorted(map(tuple, triangle))) for triangle in rounded.tolist()}
    return np.array(sorted(triangles))


def bent_tree() -> Glb:
    """Three meshes below nodes that move, turn, stretch and mirror them; one stands there twice."""
    rng = np.random.default_rng(1)
    glb = Glb()
    glb.root["meshes"] = [
        {"primitives": [{"attributes": {"POSITION": glb.accessor(p, "VEC3", 5126)}}] * n}
        for p, n in [(rng.normal(size=(6, 3)).astype("<f4"), k) for k in (1, 2, 1)]
    ]
    matrix = np.diag([1.0, -2, 1, 1])
    matrix[:3, 3] = 1, 2, 3
    glb.root["nodes"] = [
        {"children": [1, 2], "rotation": [0, 0.6, 0, 0.8], "scale": [1, 2, 3], "name": "a"},
        {"mesh": 0, "matrix": matrix.T.reshape(-1).tolist(), "children": [3], "name": "a"},
        {"mesh": 1, "translation": [0, 0, 5], "rotation": [0.5, 0.5, 0.5, 0.5], "name": "world"},
        {"mesh": 0, "scale": [-1, 1, 1]},
        {"mesh": 2},  # not in the scene
    ]
    return glb


def test_vertices_stand_where_trimeshs_scene_graph_places_them(tmp_path: Path) -> None:
    path = write_files(tmp_path, {"model.glb": bent_tree().encode()}) / "model.glb"
    triangles, _ = load_triangles(ModelFile(path))
    expected = list_triangles(trimesh.load_scene(path, process=False).to_mesh().triangles)
    found = list_triangles(triangles.corners + triangles.center)
    assert len(expected) == 6
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_nodes_below_a_camera_a_fan_and_a_file_without_scenes_are_read(tmp_path: Path) -> None:
    """trimesh leaves out a fan, the transforms below a camera, and all that is in no scene."""
    plain, odd = tent(), tent(np.arange(4, dtype="<u2"), mode=6)
    for glb in (plain, odd):
        glb.root["nodes"] = [{"translation": [1, 2, 3], "children": [1]}, {"mesh": 0}]
    odd.root["cameras"] = [{"type": "perspective", "perspective": {"yfov": 1, "znear": 0.1}}]
    odd.root["nodes"][0]["camera"] = 0
    del odd.root["scene"], odd.root["scenes"]
    found = []
    for name, glb in (("plain", plain), ("odd", odd)):
        path = write_files(tmp_path, {f"{name}.glb": glb.encode()}) / f"{name}.glb"
        triangles, _ = load_triangles(ModelFile(path))
        found.append(list_triangles(triangles.corners + triangles.center))
    np.testing.assert_array_equal(*found)


def test_sparse_numbers_replace_others(tmp_path: Path) -> None:
    glb = tent()
    rows, moved = np.array([[3]], "<u2"), np.array([[0, 1, 0.75]], "<f4")
    sparse = {
        "count": 1,
        "indices": {"bufferView": glb.view(rows.tobytes()), "componentType": 5123},
        "values": {"bufferView": glb.view(moved.tobytes())},
    }
    glb.root["accessors"][glb.primitive["attributes"]["POSITION"]]["sparse"] = sparse
    path = write_files(tmp_path, {"model.glb": glb.encode()}) / "model.glb"
    np.testing.assert_array_equal(load_triangles(ModelFile(path))[0].bounds[1], [1, 1, 0.75])
