"""Small models in every format that is read, and archives of them, to make mutants of."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import trimesh
from PIL import Image

from tests.assets import layouts
from tests.assets.gltf_writer import Glb
from tests.assets.helpers import create_obj, write_files, write_zip


def write_models(root: Path) -> Path:
    """A folder or archive of each kind, as `run_file_mutants.MODEL_FILES` names them."""
    scene = create_scene()
    uri = "data:application/octet-stream;base64," + base64.b64encode(scene.binary).decode()
    write_files(root / "glb", {"c/box.glb": export("glb"), "c/scene.glb": scene.encode()})
    write_files(
        root / "gltf",
        {
            "c/within.gltf": encode_text(scene, uri),
            "c/beside.gltf": encode_text(scene, "beside.bin"),
            "c/beside.bin": scene.binary,
        },
    )
    texts = {"encoding": "ascii"}
    little = export("ply", vertex_normal=True)
    write_files(
        root / "ply",
        {"c/text.ply": export("ply", **texts), "c/little.ply": little, "c/big.ply": swap(little)},
    )
    write_files(root / "stl", {"c/text.stl": export("stl_ascii"), "c/binary.stl": export("stl")})
    write_files(
        root / "obj",
        {"c/skin.obj": create_skinned_obj(), "c/skin.mtl": MTL, "c/skin.png": encode_picture()},
    )
    models = {f"c/m{k}.obj": create_obj(1 + k) for k in range(3)}
    write_zip(root / "zip" / "set.zip", {**models, "d/m.glb": export("glb"), "d/m.txt": b"x"})
    layouts.GOOGLE_SCANNED["archives"](root / "google")
    (root / "set").mkdir()
    return root


def export(kind: str, **options: object) -> bytes:
    """A ball of 80 triangles."""
    shape = trimesh.creation.icosphere(1).apply_scale((1, 2, 3))
    data = shape.export(file_type=kind, **options)
    return data.encode() if isinstance(data, str) else data


MTL = b"""newmtl skin
Kd 0.5 0.9 0.9
map_Kd skin.png
newmtl glass
Kd 0.1 0.8 0.2
d 0.5
"""


def create_skinned_obj() -> bytes:
    """A ball of two materials, with places in a texture."""
    shape = trimesh.creation.icosphere(1)
    lines = ["mtllib skin.mtl"]
    lines += [f"v {x:.4f} {y:.4f} {z:.4f}" for x, y, z in shape.vertices]
    lines += [f"vt {u:.4f} {v:.4f}" for u, v, _ in shape.vertices]
    for k, face in enumerate(shape.faces + 1):
        lines += ["usemtl skin"] * (k == 0) + ["usemtl glass"] * (k == 60)
        lines.append("f " + " ".join(f"{i}/{i}" for i in face))
    return "\n".join([*lines, ""]).encode()


def create_scene() -> Glb:
    """Turned nodes, a strip, interleaved and sparse values, colors, and a picture."""
    shape = trimesh.creation.icosphere(1)
    glb = Glb()
    both = np.concatenate([shape.vertices, shape.vertex_normals], axis=1).astype("<f4")
    view = glb.view(both.tobytes(), byteStride=24)
    accessor = {"bufferView": view, "componentType": 5126, "count": len(both), "type": "VEC3"}
    glb.root["accessors"] += [accessor, {**accessor, "byteOffset": 12}]
    uvs = glb.accessor(shape.vertices[:, :2].astype("<f4"), "VEC2", 5126)
    colors = np.tile([0, 128, 64, 255], (len(both), 1)).astype("u1")
    attributes = {
        "POSITION": 0,
        "NORMAL": 1,
        "TEXCOORD_0": uvs,
        "COLOR_0": glb.accessor(colors, "VEC4", 5121, normalized=True),
    }
    corners = glb.accessor(shape.faces.astype("<u2").reshape(-1, 1), "SCALAR", 5123)
    strip = glb.accessor(np.arange(9, dtype="u1")[:, None], "SCALAR", 5121)
    glb.root["accessors"][strip]["sparse"] = {
        "count": 1,
        "indices": {"bufferView": glb.view(b"\2\0\0\0"), "componentType": 5121},
        "values": {"bufferView": glb.view(b"\5\0\0\0")},
    }
    glb.root["meshes"][0]["primitives"] = [
        {"attributes": attributes, "indices": corners, "material": 0},
        {"attributes": {"POSITION": 0}, "indices": strip, "mode": 5, "material": 1},
    ]
    glb.root["nodes"] = [
        {"children": [1], "rotation": [0.5, 0.5, -0.5, 0.5], "scale": [1, -2, 1]},
        {"mesh": 0, "matrix": [2, 0, 0, 0, 0, 0, 2, 0, 0, -2, 0, 0, 1, 2, 3, 1]},
    ]
    glb.root |= create_materials(glb)
    return glb


def create_materials(glb: Glb) -> dict:
    """A material of textures and one of numbers; the picture is in the file."""
    image = glb.view(encode_picture())
    surface = {
        "baseColorTexture": {"index": 0},
        "baseColorFactor": [0.5, 1, 1, 1],
        "metallicRoughnessTexture": {"index": 0},
    }
    return {
        "images": [{"bufferView": image, "mimeType": "image/png"}],
        "samplers": [{"wrapS": 10497, "wrapT": 33071, "magFilter": 9728}],
        "textures": [{"source": 0, "sampler": 0}],
        "materials": [
            {
                "pbrMetallicRoughness": surface,
                "normalTexture": {"index": 0, "scale": 0.5},
                "emissiveFactor": [0, 0.1, 0],
                "alphaMode": "MASK",
                "alphaCutoff": 0.25,
            },
            {"pbrMetallicRoughness": {"metallicFactor": 0, "roughnessFactor": 0.5}},
        ],
    }


def encode_picture(kind: str = "png") -> bytes:
    """A small picture that is nowhere magenta."""
    pixels = np.random.default_rng(0).integers(64, 200, (8, 8, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def encode_text(glb: Glb, uri: str) -> bytes:
    """The same as JSON, with its buffer at a URI."""
    root = {**glb.root, "buffers": [{"byteLength": len(glb.binary), "uri": uri}]}
    return json.dumps(root).encode()


def swap(data: bytes) -> bytes:
    """A binary PLY file of triangles, with the other order of bytes."""
    head, end, body = data.partition(b"end_header\n")
    count = int(head.split(b"element vertex ")[1].split()[0])
    width = head.split(b"element face")[0].count(b"property float")
    vertices = np.frombuffer(body, "<f4", count * width).astype(">f4")
    faces = np.frombuffer(body, [("n", "u1"), ("i", "<i4", 3)], offset=4 * len(vertices))
    swapped = faces.astype([("n", "u1"), ("i", ">i4", 3)])
    big = head.replace(b"little", b"big")
    return big + end + vertices.tobytes() + swapped.tobytes()
