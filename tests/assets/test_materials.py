"""What OBJ, MTL, PLY and glTF files say about colors is read strictly, and told where it is not."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from synrender.assets.material import (
    MAX_IMAGES,
    PLAIN,
    AlphaMode,
    Look,
    OwnMaterial,
    Texture,
    WrapMode,
    describe_problems,
)
from synrender.assets.mesh_formats import read_mesh
from synrender.assets.model_file import ModelFile
from synrender.assets.mtl_file import MAX_MTL_BYTES
from tests.assets.gltf_writer import Glb
from tests.assets.helpers import write_files
from tests.audit.own_models import (
    CORNERS,
    UV,
    add_material,
    add_quad,
    encode_image,
    quad_obj,
    write_obj,
)

QUAD = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"


def read(folder: Path, files: dict[str, bytes | str], name: str = "model.obj") -> Look:
    data = {n: d.encode() if isinstance(d, str) else d for n, d in files.items()}
    write_files(folder, data)
    look = read_mesh(ModelFile(folder / name), has_look=True).look
    assert look is not None
    return look


def read_mtl(folder: Path, mtl: str | bytes, usemtl: str = "a") -> tuple[OwnMaterial, Look]:
    """The material of a quad, and its look."""
    obj = f"mtllib model.mtl\n{QUAD}usemtl {usemtl}\nf 1/1 2/2 3/3 4/4\n"
    look = read(folder, {"model.obj": obj, "model.mtl": mtl})
    assert len(look.materials) == 1
    return look.materials[0], look


# --- MTL ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "newmtl a\nKd 0.1 0.2 0.3\nmap_Kd b.png\n",
        "newmtl a\r\nKd 0.1 0.2 0.3\r\nmap_Kd b.png\r\n",
        "newmtl a\rKd 0.1 0.2 0.3\rmap_Kd b.png\r",
        "\ufeff# made by hand\n\n\tnewmtl   a  \n  kd\t0.1 0.2  0.3 # dark\n MAP_KD\tb.png  \n",
        "Kd 9 9 9\nnewmtl z\nKd 1 1 1\nnewmtl a\nKd 0.1 0.2 0.3\nillum 2\nNs 10\nmap_Kd b.png",
        "newmtl a\nKd 0.1 0.2 0.3\nmap_Kd -bm 1 -clamp off -imfchan m b.png\n",
        'newmtl a\nKd 0.1 0.2 0.3\nmap_Kd "b.png"\n',
        "newmtl a\nKd 0.1 0.2 0.3\nmap_Kd .\\b.png\n",
        "newmtl a\nKd 0.5 0.5 0.5\nnewmtl a\nKd 0.1 0.2 0.3\nmap_Kd b.png\n",
    ],
)
def test_dirt_of_real_mtl_files_changes_nothing(tmp_path: Path, text: str) -> None:
    material, look = read_mtl(tmp_path, text)
    assert material.color == (0.1, 0.2, 0.3)
    assert material.color_texture == Texture(0)
    assert look.problems == ()
    content = look.images[0].content
    assert isinstance(content, ModelFile)
    assert content.path == tmp_path / "b.png"


@pytest.mark.parametrize(
    ("options", "name", "texture"),
    [
        ("-s 2 3 -o 0.5 0.25 0 ", "b.png", Texture(0, 0, (2.0, 0.0, 0.5, 0.0, 3.0, 0.25))),
        ("-s 2 ", "2.png", Texture(0, 0, (2.0, 0.0, 0.0, 0.0, 1.0, 0.0))),
        ("-clamp on ", "a b  c.png", Texture(0, wraps=(WrapMode.CLAMP, WrapMode.CLAMP))),
        ("-mm 0 1 -texres 10 -t 1 1 1 ", "b.png", Texture(0)),
        ("-o ", "b.png", Texture(0)),
        ("", "-bm", Texture(0)),
        ("", "maps/#1 100%.png", Texture(0)),
    ],
)
def test_options_before_the_name_of_an_image(
    tmp_path: Path, options: str, name: str, texture: Texture
) -> None:
    material, look = read_mtl(tmp_path, f"newmtl a\nmap_Kd {options}{name}\n")
    assert material.color_texture == texture
    assert look.images[0].name == name


@pytest.mark.parametrize(
    ("text", "alpha", "mode"),
    [
        ("Kd 1 1 1", 1.0, AlphaMode.OPAQUE),
        ("d 0.25", 0.25, AlphaMode.BLEND),
        ("d -halo 0.25", 0.25, AlphaMode.BLEND),
        ("Tr 0.25", 0.75, AlphaMode.BLEND),
        ("d 1\nTr 1", 1.0, AlphaMode.OPAQUE),
        ("d 7", 1.0, AlphaMode.OPAQUE),
        ("map_d b.png", 1.0, AlphaMode.BLEND),
    ],
)
def test_alpha_of_mtl_files(tmp_path: Path, text: str, alpha: float, mode: AlphaMode) -> None:
    material, _ = read_mtl(tmp_path, f"newmtl a\n{text}\n")
    assert (material.alpha, material.alpha_mode) == (alpha, mode)
    assert (material.alpha_texture is None) == ("map_d" not in text)


@pytest.mark.parametrize(
    ("mtl", "reason"),
    [
        ("newmtl b\nKd 1 0 0\n", "no material 'a' in its MTL file"),
        ("newmtl a\nKd red\n", "Kd 'red' is not read"),
        ("newmtl a\nKd 1 2\n", "Kd '1 2' is not read"),
        ("newmtl a\nKd nan 0 0\n", "Kd 'nan 0 0' is not read"),
        ("newmtl a\nKd spectral b.rfl\n", "Kd 'spectral b.rfl' is not read"),
        ("newmtl a\nd\n", "d '' is not read"),
        ("newmtl a\nmap_Kd ../../etc/passwd\n", "'../../etc/passwd' is not in the model's folder"),
        ("newmtl a\nmap_Kd /etc/passwd\n", "'/etc/passwd' is not in the model's folder"),
        (b"newmtl a\nmap_Kd \xff\x1b.png\n", "is not in the model's folder"),
        (b"newmtl a\n\0", "MTL file 'model.mtl': binary data"),
        ("newmtl a\nKd 1 1 1" + " " * 10 + "1" * 5000, "a line of 501"),
        ("".join(f"newmtl {k}\n" for k in range(5000)), "more than 4096 materials"),
    ],
)
def test_what_cannot_be_read_is_told_and_white(
    tmp_path: Path, mtl: str | bytes, reason: str
) -> None:
    material, look = read_mtl(tmp_path, mtl)
    assert material == dataclasses.replace(PLAIN, is_alpha_gray=material.is_alpha_gray)
    text = describe_problems(look.problems)
    assert reason in text
    assert text.isprintable()


def test_a_missing_or_huge_mtl_file_is_one_reason(tmp_path: Path) -> None:
    files = {k: v for k, v in quad_obj().items() if k != "model.mtl"}
    look = read(tmp_path, files)
    assert look.materials == (PLAIN,)
    assert look.problems == ("MTL file 'model.mtl': No such file or directory",)
    with (tmp_path / "model.mtl").open("wb") as file:
        file.truncate(MAX_MTL_BYTES + 1)
    assert "at most" in read(tmp_path, files).problems[0]


def test_names_of_mtl_files(tmp_path: Path) -> None:
    """One name with blanks, or several names; the first description of a material holds."""
    faces = f"{QUAD}usemtl a\nf 1 2 3 4\n"
    red, blue = "newmtl a\nKd 1 0 0\n", "newmtl a\nKd 0 0 1\n"
    for line, color in (("my model.mtl", (0, 0, 1)), ("one.mtl two.mtl", (1, 0, 0))):
        files = {"my model.mtl": blue, "one.mtl": red, "two.mtl": blue}
        look = read(tmp_path, {"model.obj": f"mtllib {line}\n{faces}", **files})
        assert look.materials[0].color == color
        assert not look.problems


def test_images_of_an_mtl_file_are_named_from_its_own_folder(tmp_path: Path) -> None:
    obj = f"mtllib sub/a.mtl\n{QUAD}usemtl a\nf 1 2 3 4\n"
    mtl = "newmtl a\nmap_Kd ../b.png\nnewmtl b\nmap_Kd ../../b.png\n"
    look = read(tmp_path, {"model.obj": obj, "sub/a.mtl": mtl})
    content = look.images[0].content
    assert isinstance(content, ModelFile)
    assert content.path.resolve() == tmp_path / "b.png"


# --- OBJ ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("face", "uv"),
    [
        ("f 1/1 2/2 3/3 4/4", [[0, 0], [1, 0], [1, 1], [0, 1]]),
        ("f -4/-1 -3/-2 -2/-3 -1/-4", [[0, 1], [1, 1], [1, 0], [0, 0]]),
        ("f 1/2/1 2/3/1 3/4/1", [[1, 0], [1, 1], [0, 1]]),
        ("f 1 2/2 3/9 4/0", [[0, 0], [1, 0], [0, 0], [0, 0]]),
        ("f 1//1 2//1 3//1", [[0, 0]] * 3),
        ("f 1/1 2/2 3/3 # the front", [[0, 0], [1, 0], [1, 1]]),
    ],
)
def test_places_of_the_corners(tmp_path: Path, face: str, uv: list[list[float]]) -> None:
    look = read(tmp_path, {"model.obj": f"{QUAD}vn 0 0 1\n{face}\n"})
    np.testing.assert_array_equal(look.uv_sets[0], np.array(uv, np.float32))


def test_odd_places_count_as_none(tmp_path: Path) -> None:
    text = (
        QUAD.replace("vt 1 0", "vt nan 0").replace("vt 1 1", "vt 1").replace("vt 0 1", "vt 2 3 0")
    )
    look = read(tmp_path, {"model.obj": f"{text}f 1/1 2/2 3/3 4/4\n"})
    assert look.uv_sets[0].tolist() == [[0, 0], [0, 0], [0, 0], [2, 3]]


def test_each_face_has_the_material_that_was_used_last(tmp_path: Path) -> None:
    faces = (
        "f 1 2 3\nusemtl b\nf 1 2 4\nf 2 3 4\nusemtl a\nusemtl  b \nf 1 3 4\nusemtl a\nf 4 3 1\n"
    )
    mtl = "newmtl a\nKd 1 0 0\nnewmtl b\nKd 0 1 0\nnewmtl unused\nmap_Kd gone.png\n"
    obj = f"mtllib model.mtl\n{QUAD}{faces}"
    look = read(tmp_path, {"model.obj": obj, "model.mtl": mtl})
    red, green = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)
    colors = [look.materials[k].color for k in look.face_materials.tolist()]
    assert colors == [PLAIN.color, green, green, green, red]
    assert not look.images  # nobody looks at what no face uses
    assert not look.problems


def test_colors_of_vertices_are_for_faces_without_a_material(tmp_path: Path) -> None:
    lines = [f"v {x} {y} {z} 1 0 0.5" for x, y, z in CORNERS.tolist()]
    obj = "mtllib model.mtl\n" + "\n".join(lines) + "\nf 1 2 3\nusemtl a\nf 1 3 4\n"
    look = read(tmp_path, {"model.obj": obj, "model.mtl": "newmtl a\nKd 0 0 1\n"})
    assert look.colors is not None
    np.testing.assert_allclose(look.colors[:3], np.tile([1, 0, 0.214041, 1], (3, 1)), atol=1e-6)
    np.testing.assert_array_equal(look.colors[3:], 1)


def test_without_being_asked_no_reader_opens_or_keeps_anything(tmp_path: Path) -> None:
    write_files(tmp_path, {**quad_obj(), "model.glb": textured().encode()})
    for name in ("model.mtl", "ramp.png"):
        (tmp_path / name).unlink()
    for name in ("model.obj", "model.glb"):
        mesh = read_mesh(ModelFile(tmp_path / name))
        assert mesh.look is None
        np.testing.assert_array_equal(np.ptp(mesh.vertices, axis=0), [2, 2, 0])


# --- PLY and STL ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "color", "expected"),
    [("uchar", "255 0 128", [1, 0, 0.215861, 1]), ("float", "1 0 0.5", [1, 0, 0.214041, 1]),
     ("ushort", "65535 0 32768", [1, 0, 0.214055, 1]), ("float", "7 -1 nan", [1, 0, 0, 1])],
)  # fmt: skip
def test_colors_of_ply_vertices(
    tmp_path: Path, kind: str, color: str, expected: list[float]
) -> None:
    head = "ply\nformat ascii 1.0\nelement vertex 3\n" + "".join(
        f"property float {name}\n" for name in "xyz"
    )
    head += "".join(f"property {kind} {name}\n" for name in ("red", "green", "blue", "alpha"))
    head += "element face 1\nproperty list uchar int vertex_indices\nend_header\n"
    rows = "".join(f"{x} {y} 0 {color} 0\n" for x, y in ((0, 0), (1, 0), (0, 1)))
    look = read(tmp_path, {"model.ply": f"{head}{rows}3 0 1 2\n"}, "model.ply")
    assert look.materials == (PLAIN,)
    assert look.colors is not None
    np.testing.assert_allclose(look.colors, np.tile(expected, (3, 1)), atol=1e-5)


# --- glTF -----------------------------------------------------------------------------------------


def textured() -> Glb:
    glb = Glb()
    add_quad(glb, add_material(glb, encode_image(np.zeros((2, 2, 3), np.uint8))))
    return glb


def read_glb(folder: Path, glb: Glb) -> Look:
    return read(folder, {"model.glb": glb.encode()}, "model.glb")


def test_a_gltf_material_is_read_whole(tmp_path: Path) -> None:
    glb = textured()
    info = {"index": 0}
    glb.root["materials"][0] = {
        "pbrMetallicRoughness": {
            "baseColorFactor": [0.1, 0.2, 0.3, 0.4], "baseColorTexture": info,
            "metallicFactor": 0.5, "roughnessFactor": 0.6, "metallicRoughnessTexture": info,
        },
        "normalTexture": {**info, "scale": 0.7}, "emissiveFactor": [1, 0.5, 0],
        "emissiveTexture": info, "alphaMode": "MASK", "alphaCutoff": 0.3, "doubleSided": True,
        "occlusionTexture": info,
        "extensions": {"KHR_materials_emissive_strength": {"emissiveStrength": 3}},
    }  # fmt: skip
    look = read_glb(tmp_path, glb)
    texture = Texture(0)
    assert look.materials == (
        OwnMaterial(
            color=(0.1, 0.2, 0.3), color_texture=texture, alpha=0.4, alpha_texture=texture,
            alpha_mode=AlphaMode.MASK, cutoff=0.3, metallic=0.5, roughness=0.6,
            metallic_texture=texture, normal_texture=texture, normal_scale=0.7,
            emission=(3.0, 1.5, 0.0), emission_texture=texture,
        ),
    )  # fmt: skip
    assert len(look.images) == 1
    assert not look.problems


def test_the_defaults_of_the_format_hold(tmp_path: Path) -> None:
    glb = Glb()
    glb.root["materials"] = [{}]
    add_quad(glb, 0)
    assert read_glb(tmp_path, glb).materials == (OwnMaterial(metallic=1.0, roughness=1.0),)


def test_specular_glossiness_and_unlit_materials(tmp_path: Path) -> None:
    glb = textured()
    glossy = {"diffuseFactor": [0.5, 1, 1, 1], "diffuseTexture": {"index": 0}}
    glb.root["materials"][0] = {
        "extensions": {
            "KHR_materials_pbrSpecularGlossiness": {**glossy, "glossinessFactor": 0.25},
            "KHR_materials_unlit": {},
        }
    }
    (material,) = read_glb(tmp_path, glb).materials
    assert material == OwnMaterial(
        color=(0.5, 1.0, 1.0), color_texture=Texture(0), roughness=0.75, is_unlit=True
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"baseColorFactor": [1, 1, 1]}, "baseColorFactor must be 4 finite numbers"),
        ({"baseColorFactor": [1, 1, 1, "x"]}, "baseColorFactor must be 4 finite numbers"),
        ({"baseColorFactor": [1, 1, 1, 10**400]}, "baseColorFactor must be 4 finite numbers"),
        ({"baseColorFactor": 1}, "baseColorFactor is no list"),
        ({"metallicFactor": None}, None),
        ({"metallicFactor": [1]}, "metallicFactor must be 1 finite numbers"),
        ({"baseColorTexture": {}}, "textures[None]: there are 1"),
        ({"baseColorTexture": {"index": 9}}, "textures[9]: there are 1"),
        ({"baseColorTexture": {"index": [0]}}, "textures[[0]]: there are 1"),
        ({"baseColorTexture": {"index": 0, "texCoord": 4}}, "texCoord = 4: must be 0 to 3"),
        ({"baseColorTexture": [0]}, "baseColorTexture is no object"),
    ],
)
def test_a_bad_material_or_texture_is_left_out_and_told(
    tmp_path: Path, change: dict, reason: str | None
) -> None:
    glb = textured()
    glb.root["materials"][0]["pbrMetallicRoughness"].update(change)
    look = read_glb(tmp_path, glb)
    assert (look.materials[0].color_texture is None) == (reason is not None)
    assert look.materials[0].color == (1, 1, 1)
    if reason:
        assert reason in describe_problems(look.problems)


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ({"uri": "../../etc/passwd"}, "'../../etc/passwd' is not in the model's folder"),
        ({"uri": "/etc/passwd"}, "is not in the model's folder"),
        ({"uri": "file:///etc/passwd"}, "is not a file beside the model"),
        ({"uri": "http://a/b.png"}, "is not a file beside the model"),
        ({"uri": "http://[a"}, "is not a file beside the model"),
        ({"uri": "data:image/png,abc"}, "whose data are not base64"),
        ({"uri": "data:image/png;base64,***"}, "whose data are not base64"),
        ({"uri": 3}, "an image whose uri is no text"),
        ({"bufferView": 99}, "bufferViews[99]"),
        ({}, "bufferViews[None]"),
    ],
)
def test_an_image_that_is_not_the_models_is_left_out_and_told(
    tmp_path: Path, image: dict, reason: str
) -> None:
    glb = textured()
    glb.root["images"][0] = image
    look = read_glb(tmp_path, glb)
    assert look.materials[0].color_texture is None
    assert reason in describe_problems(look.problems)


def test_an_image_can_be_a_file_or_data_in_the_text(tmp_path: Path) -> None:
    glb = textured()
    glb.root["images"] = [{"uri": "a%20b.png"}, {"uri": "data:image/png;base64,AAEC"}]
    glb.root["textures"] = [{"extensions": {"EXT_texture_webp": {"source": 0}}}, {"source": 1}]
    glb.root["materials"][0]["emissiveTexture"] = {"index": 1}
    beside, packed = (image.content for image in read_glb(tmp_path, glb).images)
    assert isinstance(beside, ModelFile)
    assert beside.path == tmp_path / "a b.png"
    assert packed == b"\0\1\2"


def test_an_image_of_another_kind_is_told_by_its_extension(tmp_path: Path) -> None:
    glb = textured()
    glb.root["textures"][0] = {"extensions": {"KHR_texture_basisu": {"source": 0}}}
    assert "KHR_texture_basisu, which is not read" in read_glb(tmp_path, glb).problems[0]


def test_images_are_bounded(tmp_path: Path) -> None:
    glb, num = Glb(), MAX_IMAGES + 2
    glb.root["images"] = [{"uri": f"{k}.png"} for k in range(num)]
    glb.root["textures"] = [{"source": k} for k in range(num)]
    for k in range(num):
        add_quad(glb, add_material(glb, baseColorTexture={"index": k}))
    look = read_glb(tmp_path, glb)
    assert len(look.images) == MAX_IMAGES
    text = describe_problems(look.problems)
    assert f"more than {MAX_IMAGES} images" in text


@pytest.mark.parametrize("name", ["TEXCOORD_0", "COLOR_0"])
def test_bad_values_of_vertices_are_left_out_and_told(tmp_path: Path, name: str) -> None:
    width = 2 if name == "TEXCOORD_0" else 4
    for values in (np.full((4, width), np.nan), np.full((4, width), 1e9), np.zeros((3, width))):
        glb = textured()
        attributes = glb.root["meshes"][0]["primitives"][0]["attributes"]
        attributes[name] = glb.accessor(values.astype("<f4"), f"VEC{width}", 5126)
        look = read_glb(tmp_path, glb)
        assert look.problems == (f"{name}: not a finite value for each of 4 vertices",)
        shown = look.uv_sets[0] if width == 2 else look.colors
        np.testing.assert_array_equal(shown, 0 if width == 2 else 1)


def test_places_in_textures_go_upwards(tmp_path: Path) -> None:
    np.testing.assert_allclose(read_glb(tmp_path, textured()).uv_sets[0][:3], UV[:3], atol=1e-6)


def test_a_gltf_file_without_materials_is_white(tmp_path: Path) -> None:
    glb = Glb()
    add_quad(glb, None)
    path = write_files(tmp_path, {"model.gltf": b""}) / "model.gltf"
    glb.root["buffers"][0]["uri"] = "model.bin"
    (tmp_path / "model.bin").write_bytes(glb.binary)
    path.write_text(json.dumps(glb.root))
    look = read_mesh(ModelFile(path), has_look=True).look
    assert look is not None
    assert (look.materials, look.uv_sets, look.colors) == ((PLAIN,), (), None)


def test_faces_that_are_left_out_take_their_materials_with_them(tmp_path: Path) -> None:
    obj = write_obj(CORNERS, {"a": [[0, 0, 1]], "b": [[0, 1, 2, 2]], "c": [[0, 2, 3]]}, UV)
    colors = "".join(f"newmtl {n}\nKd {k} {k} {k}\n" for k, n in enumerate("abc"))
    look = read(tmp_path, {"model.obj": obj, "model.mtl": colors})
    assert [look.materials[k].color[0] for k in look.face_materials.tolist()] == [1, 1]
    assert len(look.uv_sets[0]) == 6
