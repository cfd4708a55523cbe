"""Writes a model as OBJ and MTL files in the layout of ShapeNetCore.v2."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class ModelPart:
    """One closed part of a model.

    vertices: (V, 3) float64, rounded to six decimals. faces: (F, 4) int64, counter-clockwise seen
    from outside; the last entry of a triangle is -1.
    """

    name: str
    material: str  # of `MATERIALS`
    vertices: np.ndarray
    faces: np.ndarray


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


def write_model(folder: Path, parts: list[ModelPart], hue_shift: float) -> None:
    """Writes models/model_normalized.obj and .mtl into a model's folder."""
    (folder / "models").mkdir(parents=True)
    obj_path = folder / "models" / "model_normalized.obj"
    obj_path.write_bytes(parts_to_obj(parts).encode("ascii"))
    materials = sorted({part.material for part in parts})
    obj_path.with_suffix(".mtl").write_bytes(materials_to_mtl(materials, hue_shift).encode("ascii"))


def parts_to_obj(parts: list[ModelPart]) -> str:
    """Text of an OBJ file with a group for each part and a normal for each corner of a face."""
    vertices = np.concatenate([part.vertices for part in parts])
    offset, faces = 0, []
    for part in parts:
        faces.append(np.where(part.faces >= 0, part.faces + offset, -1))
        offset += len(part.vertices)
    normals, normal_faces = _unique_normals(corner_normals(vertices, np.concatenate(faces)))

    text = ["mtllib model_normalized.mtl\n"]
    text.append(("v %.6f %.6f %.6f\n" * len(vertices)) % tuple(vertices.ravel().tolist()))
    text.append(("vn %.3f %.3f %.3f\n" * len(normals)) % tuple(normals.ravel().tolist()))
    first_face = 0
    for part_idx, (part, part_faces) in enumerate(zip(parts, faces, strict=True)):
        text.append(f"g {part.name}_{part_idx}\nusemtl {part.material}\n")
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


def corner_normals(vertices: np.ndarray, faces: np.ndarray, crease_deg: float = 38.0) -> np.ndarray:
    """Unit normals (F, 4, 3), one for each corner of a face; a triangle's fourth repeats its third.

    A corner's normal is the area-weighted mean over the faces around its vertex whose normals are
    within crease_deg of its own face's: round parts become smooth and boxes stay flat.
    """
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    d = np.where(faces[:, 3:] >= 0, vertices[faces[:, 3]], c)
    area_normal = np.cross(c - a, d - b)
    unit = area_normal / np.linalg.norm(area_normal, axis=1, keepdims=True)

    corner = np.flatnonzero(faces.ravel() >= 0)
    corner = corner[np.argsort(faces.ravel()[corner], kind="stable")]
    face_idx = corner // 4
    count = np.bincount(faces.ravel()[corner], minlength=len(vertices))
    valence = np.repeat(count, count)
    start = np.repeat(np.cumsum(count) - count, count)
    left = np.repeat(np.arange(len(corner)), valence)
    first_pair = np.cumsum(valence) - valence
    right = np.arange(len(left)) - first_pair[left] + start[left]
    cosine = np.einsum("ij,ij->i", unit[face_idx[left]], unit[face_idx[right]])
    is_smooth = cosine > np.cos(np.radians(crease_deg))
    left, right = left[is_smooth], right[is_smooth]
    weight = area_normal[face_idx[right]]
    total = np.stack([np.bincount(left, weight[:, i], len(corner)) for i in range(3)], axis=1)
    normals = np.zeros((faces.size, 3))
    normals[corner] = total / np.linalg.norm(total, axis=1, keepdims=True)
    normals = normals.reshape(-1, 4, 3)
    normals[:, 3] = np.where(faces[:, 3:] >= 0, normals[:, 3], normals[:, 2])
    return normals
