"""Gives the models of a download textures and colors of their own, in its layout."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import numpy as np
import trimesh

from tests.assets.gltf_writer import Glb
from tests.assets.helpers import write_files, write_zip
from tests.audit.own_models import (
    CUBE_FACES,
    CUBE_POINTS,
    add_faces,
    add_material,
    colored_ply,
    draw_disk,
    draw_ramp,
    encode_image,
)

Files = dict[str, bytes]
Change = Callable[[Files], Files]
"""Replaces a model's own files, by their names beside it."""

_TEXTURES = {
    "models/model_normalized.obj": ("../images/texture0.jpg", "../images/texture0.jpg"),
    "meshes/model.obj": ("texture.png", "../materials/textures/texture.png"),
    "Scan/Scan.obj": ("Scan.jpg", "Scan.jpg"),
}
"""How an MTL file names a texture, and where that is from the model's folder, by the model."""


def dress(path: Path, change: Change | None = None) -> Path:
    """Replaces each OBJ and GLB file of a download, in archives as well; returns the path."""
    change = change or dress_files
    archives = [path] if path.suffix == ".zip" else sorted(path.rglob("*.zip"))
    for archive in archives:
        with zipfile.ZipFile(archive) as opened:
            files = {name: opened.read(name) for name in opened.namelist()}
        write_zip(archive, change(files))
    if path.is_dir():
        found = [p for p in path.rglob("*") if p.suffix in (".obj", ".glb")]
        files = {p.relative_to(path).as_posix(): p.read_bytes() for p in found}
        write_files(path, change(files))
    return path


def find_texture(name: str) -> tuple[str, str]:
    """How the MTL file of an OBJ names its texture, and where that is from the model's folder."""
    usual = f"{PurePosixPath(name).stem}.png"
    return next((v for k, v in _TEXTURES.items() if name.endswith(k)), (usual, usual))


def dress_files(files: Files) -> Files:
    """The files, with others in place of models, and with what these name."""
    for name in [*files]:
        seed = zlib.crc32(files[name])
        if name.endswith(".glb"):
            files[name] = create_glb(seed).encode()
        elif name.endswith(".obj"):
            folder, stem = PurePosixPath(name).parent, PurePosixPath(name).stem
            texture, place = find_texture(name)
            files[name], files[str(folder / f"{stem}.mtl")] = create_obj(stem, texture, seed)
            kind = "JPEG" if texture.endswith("jpg") else "PNG"
            folder = folder.parent if place.startswith("../") else folder
            files[str(folder / place.removeprefix("../"))] = encode_image(draw_ramp(32, seed), kind)
    return files


def _create_box(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Corners of a box, and places in a texture at the corners of its six faces, (6, 4, 2).

    Each face shows another part of the texture, turned another way, beyond an edge of it.
    """
    rng = np.random.default_rng(seed)
    points = CUBE_POINTS * rng.uniform(0.5, 1, 3)
    starts, sizes = rng.uniform(0.6, 1.4, (6, 1, 2)), rng.uniform(0.5, 0.9, (6, 1, 2))
    uv = starts + sizes * np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
    return points, np.stack([np.roll(face, k, axis=0) for k, face in enumerate(uv)])


def create_obj(stem: str, texture: str, seed: int) -> tuple[bytes, bytes]:
    """A box with a texture on four sides and a color each on two, and its MTL file."""
    points, uv = _create_box(seed)
    lines = [f"mtllib {stem}.mtl"]
    lines += ["v {:.6f} {:.6f} {:.6f}".format(*p) for p in points.tolist()]
    lines += ["vt {:.6f} {:.6f}".format(*p) for p in uv.reshape(-1, 2).tolist()]
    for k, face in enumerate(CUBE_FACES):
        lines.append(f"usemtl {('the top', 'bottom')[k] if k < 2 else 'painted'}")
        lines.append("f " + " ".join(f"{v + 1}/{4 * k + i + 1}" for i, v in enumerate(face)))
    rng = np.random.default_rng(seed)
    mtl = f"newmtl painted\nKd 1.0 0.8 0.6\nmap_Kd {texture}\n"
    for name in ("the top", "bottom"):
        mtl += "newmtl {}\nKd {:.4f} {:.4f} {:.4f}\nd 0.9\n".format(name, *rng.uniform(0, 1, 3))
    return ("\n".join(lines) + "\n").encode(), mtl.encode()


def create_glb(seed: int) -> Glb:
    """A box with a texture, vertex colors and a blended side, and a disk that a mask cuts out."""
    points, uv = _create_box(seed)
    rng = np.random.default_rng(seed)
    glb = Glb()
    factors = rng.uniform(0.3, 1, (3, 4)).tolist()
    painted = add_material(glb, encode_image(draw_ramp(32, seed)), baseColorFactor=factors[0])
    blended = add_material(glb, baseColorFactor=factors[1], alphaMode="BLEND", metallicFactor=0.4)
    disk = add_material(
        glb, encode_image(draw_disk(32)), baseColorFactor=[*factors[2][:3], 1], alphaMode="MASK",
        alphaCutoff=0.4,
    )  # fmt: skip
    colors = rng.uniform(0, 1, (4, 3))
    for k, (face, material) in enumerate(
        zip(CUBE_FACES, [painted, blended] * 2 + [painted, None], strict=True)
    ):
        add_faces(glb, points[face], uv[k], material, colors if k in (2, 5) else None)
    fin = np.array([(-1.6, 0.3, -1), (1.6, 0.3, -1), (1.6, 0.5, 1), (-1.6, 0.5, 1)])
    add_faces(glb, fin, np.array([(0, 0), (1, 0), (1, 1), (0, 1)]), disk)
    glb.root["nodes"] = [
        {"children": [1], "scale": [1, 1, 1.2], "translation": [0, 3, 0]},
        {"mesh": 0, "rotation": [0, 0.6, 0, 0.8], "scale": [2, 2, 2]},
    ]
    return glb


def write_all_formats(folder: Path) -> Path:
    """A model of each format, whose images stand beside it where the format lets them."""
    obj, mtl = create_obj("a", "a.png", 1)
    glb = create_glb(2)
    images = glb.root["images"]
    views = [glb.root["bufferViews"][image["bufferView"]] for image in images]
    parts = [glb.binary[v["byteOffset"] : v["byteOffset"] + v["byteLength"]] for v in views]
    gltf = {
        **glb.root,
        "images": [{"uri": f"an%20image%20{k}.png"} for k in range(len(parts))],
        "buffers": [{"byteLength": len(glb.binary), "uri": "c.bin"}],
    }
    files = {
        "box/a/a.obj": obj, "box/a/a.mtl": mtl, "box/a/a.png": encode_image(draw_ramp(32)),
        "box/b/b.glb": create_glb(3).encode(),
        "box/c/c.gltf": json.dumps(gltf).encode(), "box/c/c.bin": glb.binary,
        **{f"box/c/an image {k}.png": part for k, part in enumerate(parts)},
        "box/d/d.ply": colored_ply(), "box/e/e.stl": trimesh.creation.box().export(file_type="stl"),
    }  # fmt: skip
    return write_files(folder, files)
