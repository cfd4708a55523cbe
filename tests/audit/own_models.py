"""Small models with colors of their own, whose color at any place is known in closed form."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image

from tests.assets.gltf_writer import Glb

CORNERS = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], "<f4")
"""Of a quad in the plane z = 0, counterclockwise."""
UV = (CORNERS[:, :2] + 1) / 2
"""Places in a texture that lies on the quad, v upwards."""


def encode_image(pixels: np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    """An image file of (h, w, 3 or 4) uint8, top row first."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def draw_ramp(size: int = 8, seed: int = 0) -> np.ndarray:
    """A texture without symmetry, (size, size, 3) uint8: each corner has another color."""
    rng = np.random.default_rng(seed)
    corners = np.array([[[230, 40, 40], [40, 210, 60]], [[50, 60, 220], [220, 210, 80]]], float)
    share = np.linspace(0, 1, size)
    rows = corners[0] + share[:, None, None] * (corners[1] - corners[0])
    ramp = rows[:, :1] + share[None, :, None] * (rows[:, 1:] - rows[:, :1])
    return np.clip(ramp + rng.normal(scale=2, size=ramp.shape), 0, 255).astype(np.uint8)


# --- OBJ ------------------------------------------------------------------------------------------


def write_obj(
    points: np.ndarray, faces: Mapping[str, list[list[int]]], uv: np.ndarray | None = None
) -> str:
    """An OBJ file that uses ``model.mtl``.

    Args:
        points: (v, 3).
        faces: numbers of points from 0, by material.
        uv: (v, 2) of the points.
    """
    lines = ["mtllib model.mtl", *("v {:.7f} {:.7f} {:.7f}".format(*p) for p in points.tolist())]
    lines += [] if uv is None else ["vt {:.7f} {:.7f}".format(*p) for p in uv.tolist()]
    for name, own in faces.items():
        lines += [f"usemtl {name}"] if name else []
        corner = "{0}" if uv is None else "{0}/{0}"
        lines += ["f " + " ".join(corner.format(k + 1) for k in face) for face in own]
    return "\n".join(lines) + "\n"


def quad_obj() -> dict[str, bytes]:
    """A quad with a texture, by the names of its files."""
    return {
        "model.obj": write_obj(CORNERS, {"painted": [[0, 1, 2, 3]]}, UV).encode(),
        "model.mtl": b"newmtl painted\nKd 1 1 1\nmap_Kd ramp.png\n",
        "ramp.png": encode_image(draw_ramp()),
    }


SIDES = {
    "red": (0.8, 0.1, 0.1), "green": (0.1, 0.7, 0.1), "blue": (0.1, 0.1, 0.9),
    "yellow": (0.8, 0.7, 0.05), "gray": (0.4, 0.4, 0.4), "dark": (0.02, 0.03, 0.04),
}  # fmt: skip
"""Colors of a cube's sides -x, +x, -y, +y, -z, +z, scene-linear."""
CUBE_POINTS = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
CUBE_FACES = [
    [0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3],
]  # fmt: skip


def cube_obj() -> dict[str, bytes]:
    """A cube with another material on each side."""
    faces = {name: [face] for name, face in zip(SIDES, CUBE_FACES, strict=True)}
    colors = "".join("newmtl {}\nKd {} {} {}\n".format(n, *c) for n, c in SIDES.items())
    return {
        "model.obj": write_obj(CUBE_POINTS, faces).encode(),
        "model.mtl": colors.encode(),
    }


# --- PLY ------------------------------------------------------------------------------------------


def colored_ply(convert: Callable[[np.ndarray], np.ndarray] = lambda srgb: srgb) -> bytes:
    """A cube of quads whose vertices have colors, sRGB bytes; ``convert`` changes them, 0 to 1."""
    srgb = np.random.default_rng(3).integers(20, 250, (8, 3)) / 255
    colors = np.rint(255 * convert(srgb)).astype(int)
    lines = ["ply", "format ascii 1.0", f"element vertex {len(CUBE_POINTS)}"]
    lines += [f"property float {axis}" for axis in "xyz"]
    lines += [f"property uchar {name}" for name in ("red", "green", "blue")]
    lines += ["element face 6", "property list uchar int vertex_indices", "end_header"]
    lines += [" ".join(map(str, [*p, *c])) for p, c in zip(CUBE_POINTS, colors, strict=True)]
    lines += [" ".join(map(str, [4, *face])) for face in CUBE_FACES]
    return ("\n".join(lines) + "\n").encode()


# --- glTF -----------------------------------------------------------------------------------------


def add_material(glb: Glb, image: bytes | None = None, **values: object) -> int:
    """Adds a material; returns its index. ``values`` are those of its pbrMetallicRoughness."""
    alpha = {k: values.pop(k) for k in ("alphaMode", "alphaCutoff") if k in values}
    if image is not None:
        images, textures = (glb.root.setdefault(k, []) for k in ("images", "textures"))
        images.append({"bufferView": glb.view(image), "mimeType": "image/png"})
        textures.append({"source": len(images) - 1})
        values["baseColorTexture"] = {"index": len(textures) - 1}
    materials = glb.root.setdefault("materials", [])
    materials.append({"pbrMetallicRoughness": values, **alpha})
    return len(materials) - 1


def add_faces(
    glb: Glb,
    points: np.ndarray,
    uv: np.ndarray,
    material: int | None,
    colors: np.ndarray | None = None,
) -> dict:
    """Adds a quad as a primitive of the only mesh; returns it.

    Args:
        glb: to add it to.
        points: (4, 3) counterclockwise.
        uv: (4, 2) with v upwards; the format's v is downwards.
        material: its index, or none.
        colors: (4, 3 or 4) at the corners.
    """
    downwards = np.stack([uv[:, 0], 1 - uv[:, 1]], axis=1).astype("<f4")
    attributes = {
        "POSITION": glb.accessor(points.astype("<f4"), "VEC3", 5126),
        "TEXCOORD_0": glb.accessor(downwards, "VEC2", 5126),
    }
    if colors is not None:
        kind = f"VEC{colors.shape[1]}"
        attributes["COLOR_0"] = glb.accessor(colors.astype("<f4"), kind, 5126)
    faces = np.array([[0], [1], [2], [0], [2], [3]], "<u2")
    primitive: dict = {"attributes": attributes, "indices": glb.accessor(faces, "SCALAR", 5123)}
    if material is not None:
        primitive["material"] = material
    primitives = glb.root["meshes"][0]["primitives"]
    if not primitives[0]["attributes"]:
        primitives.clear()
    primitives.append(primitive)
    return primitive


def add_quad(
    glb: Glb, material: int | None, z: float = 0.0, colors: np.ndarray | None = None
) -> dict:
    """Adds the quad with its texture at a height; see `add_faces`."""
    return add_faces(glb, np.add(CORNERS, (0, 0, z)), UV, material, colors)


def draw_disk(size: int = 16, inside: int = 255, outside: int = 0) -> np.ndarray:
    """A ramp whose alpha makes a disk of a radius of 0.35 texture widths, (size, size, 4)."""
    y, x = (np.mgrid[:size, :size] + 0.5) / size - 0.5
    alpha = np.where(np.hypot(x, y) <= 0.35, inside, outside).astype(np.uint8)
    return np.concatenate([draw_ramp(size), alpha[:, :, None]], axis=2)


def masked_glb() -> Glb:
    """A disk cut out of a quad at z = 0.5, before a white quad at z = 0."""
    glb = Glb()
    disk = add_material(glb, encode_image(draw_disk()), alphaMode="MASK")
    add_quad(glb, disk, 0.5)
    add_quad(glb, None, 0.0)
    return glb
