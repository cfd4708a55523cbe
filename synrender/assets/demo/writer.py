"""Writes a model as OBJ and MTL files in the layout of ShapeNetCore.v2."""

from __future__ import annotations

import colorsys
from pathlib import Path

import numpy as np

from .mesh import Mesh, corner_normals

Design = list[tuple[str, str, Mesh]]
"""The parts of one model: (part name, material name, mesh)."""

MATERIALS = {
    # name: (hue, saturation, value, factor on the model's hue shift, shininess)
    "paint": (0.00, 0.75, 0.70, 1.0, 90.0),
    "trim": (0.55, 0.12, 0.85, 0.3, 60.0),
    "wood": (0.075, 0.55, 0.50, 0.03, 20.0),
    "fabric": (0.60, 0.40, 0.60, 1.0, 5.0),
    "leather": (0.06, 0.55, 0.35, 0.1, 30.0),
    "metal": (0.60, 0.03, 0.60, 0.0, 120.0),
    "dark": (0.60, 0.05, 0.12, 0.0, 40.0),
    "rubber": (0.60, 0.02, 0.06, 0.0, 5.0),
    "glass": (0.55, 0.20, 0.25, 0.0, 200.0),
    "light": (0.13, 0.18, 0.95, 0.02, 10.0),
    "stone": (0.10, 0.10, 0.70, 0.1, 30.0),
}


def write_model(folder: Path, design: Design, hue_shift: float) -> None:
    """Write models/model_normalized.obj and .mtl into a model's folder."""
    (folder / "models").mkdir(parents=True)
    obj_path = folder / "models" / "model_normalized.obj"
    obj_path.write_bytes(design_to_obj(design).encode("ascii"))
    materials = sorted({material for _, material, _ in design})
    obj_path.with_suffix(".mtl").write_bytes(materials_to_mtl(materials, hue_shift).encode("ascii"))


def design_to_obj(design: Design) -> str:
    """Text of an OBJ file: centred, bounding-box diagonal 1, one group for each part."""
    vertices = np.concatenate([mesh.vertices for _, _, mesh in design])
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    vertices = (vertices - 0.5 * (low + high)) / np.linalg.norm(high - low)
    vertices = np.round(vertices, 6) + 0.0  # no negative zeros
    offset, faces = 0, []
    for _, _, mesh in design:
        faces.append(np.where(mesh.faces >= 0, mesh.faces + offset, -1))
        offset += len(mesh.vertices)
    normals, normal_faces = _unique_normals(corner_normals(vertices, np.concatenate(faces)))

    text = ["mtllib model_normalized.mtl\n"]
    text.append(("v %.6f %.6f %.6f\n" * len(vertices)) % tuple(vertices.ravel().tolist()))
    text.append(("vn %.3f %.3f %.3f\n" * len(normals)) % tuple(normals.ravel().tolist()))
    first_face = 0
    for part_idx, ((name, material, _), part_faces) in enumerate(zip(design, faces, strict=True)):
        text.append(f"g {name}_{part_idx}\nusemtl {material}\n")
        corners = np.stack(
            [part_faces, normal_faces[first_face : first_face + len(part_faces)]], axis=-1
        )
        first_face += len(part_faces)
        is_quad = part_faces[:, 3] >= 0
        for chosen in (corners[is_quad], corners[~is_quad, :3]):
            line = "f" + " %d//%d" * chosen.shape[1] + "\n"
            text.append((line * len(chosen)) % tuple((chosen + 1).ravel().tolist()))
    return "".join(text)


def _unique_normals(normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(F, 4, 3) -> unique normals, rounded to 3 decimals (U, 3), and their indices (F, 4)."""
    steps = np.rint(normals.reshape(-1, 3) * 1000.0).astype(np.int64) + 1000
    key = (steps[:, 0] * 2001 + steps[:, 1]) * 2001 + steps[:, 2]
    unique, inverse = np.unique(key, return_inverse=True)
    table = np.stack([unique // 2001**2, unique // 2001 % 2001, unique % 2001], axis=1)
    return (table - 1000) / 1000.0, inverse.reshape(normals.shape[:2])


def materials_to_mtl(names: list[str], hue_shift: float) -> str:
    """Text of an MTL file; hue_shift, 0 to 1, moves the hue of some materials."""
    text = []
    for name in names:
        hue, saturation, value, shift_factor, shininess = MATERIALS[name]
        red, green, blue = colorsys.hsv_to_rgb(
            (hue + shift_factor * hue_shift) % 1.0, saturation, value
        )
        text.append(
            f"newmtl {name}\nKa 0 0 0\nKd {red:.4f} {green:.4f} {blue:.4f}\n"
            f"Ks 0.2 0.2 0.2\nNs {shininess:.1f}\nd 1\nillum 2\n\n"
        )
    return "".join(text)
