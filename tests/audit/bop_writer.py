"""Writes a data set of ours in BOP format, with masks drawn by a rasterizer of its own."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

import imageio.v3 as iio
import numpy as np

from tests.helpers import read_passes, read_record

DEPTH_SCALE = 0.1  # mm of a step
IMAGES_PER_SCENE = 2


@dataclass(frozen=True)
class Mesh:
    """A model in mm, centered on 0."""

    vertices: np.ndarray  # (v, 3)
    triangles: np.ndarray  # (f, 3)


def write_bop(dataset_dir: Path, models_dir: Path, folder: Path, num_images: int) -> Path:
    """Converts the first samples of an EXR data set; returns ``folder``.

    Args:
        dataset_dir: of the data set.
        models_dir: ShapeNet folder of its models.
        folder: to be written.
        num_images: to convert.
    """
    camera = json.loads((dataset_dir / "dataset.json").read_text())["camera"]
    intrinsics = np.array(camera["intrinsics"])
    intrinsics[:2, 2] -= 0.5  # BOP: the top left pixel's center is (0, 0)
    world_to_camera = np.array(camera["world_to_camera"])
    meshes: dict[tuple, Mesh] = {}
    for idx in range(num_images):
        scene = folder / "train_pbr" / f"{idx // IMAGES_PER_SCENE:06d}"
        rows, masks = [], []
        for row in read_record(dataset_dir, idx):
            key = (str(row["synset_id"]), str(row["model_id"]), *row["scale"].round(9))
            path = models_dir / key[0] / key[1] / "models" / "model_normalized.obj"
            mesh = meshes.setdefault(key, read_model(path, row["scale"]))
            rotation = world_to_camera[:3, :3] @ row["rot_mat"]
            location = world_to_camera[:3, :3] @ row["location"] + world_to_camera[:3, 3]
            pose = {
                "cam_R_m2c": rotation.ravel().tolist(),
                "cam_t_m2c": (location * 1000).tolist(),
                "obj_id": list(meshes).index(key) + 1,
            }
            rows.append(pose)
            masks.append(rasterize(mesh, rotation, location * 1000, intrinsics, 64))
        write_image(scene, idx % IMAGES_PER_SCENE, read_passes(dataset_dir, idx), rows, masks)
        entry = {"cam_K": intrinsics.ravel().tolist(), "depth_scale": DEPTH_SCALE}
        add_to_json(scene / "scene_camera.json", idx % IMAGES_PER_SCENE, entry)
    for obj_id, mesh in enumerate(meshes.values(), start=1):
        write_ply(folder / "models" / f"obj_{obj_id:06d}.ply", mesh)
        low, size = mesh.vertices.min(axis=0), np.ptp(mesh.vertices, axis=0)
        box = {f"min_{a}": v for a, v in zip("xyz", low.tolist(), strict=True)}
        box |= {f"size_{a}": v for a, v in zip("xyz", size.tolist(), strict=True)}
        add_to_json(folder / "models" / "models_info.json", obj_id, box)
    return folder


def write_image(
    scene: Path, number: int, passes: dict[str, np.ndarray], rows: list[dict], masks: list
) -> None:
    """Writes the files of an image, and its entries in scene_gt.json and scene_gt_info.json.

    Args:
        scene: folder.
        number: of the image in it.
        passes: of the EXR.
        rows: of scene_gt.json.
        masks: of each object, (192, 192) bool, with the image in the middle.
    """
    steps = np.minimum(np.rint(passes["depth"] * 1000 / DEPTH_SCALE), 65535).astype(np.uint16)
    write(scene / "rgb" / f"{number:06d}.png", (passes["rgb"].clip(0, 1) * 255).astype(np.uint8))
    write(scene / "depth" / f"{number:06d}.png", steps)
    infos = []
    for k, canvas in enumerate(masks):
        whole, visible = canvas[64:128, 64:128], passes["instance"] == k + 1
        for kind, mask in (("mask", whole), ("mask_visib", visible)):
            path = scene / kind / f"{number:06d}_{k:06d}.png"
            write(path, mask.astype(np.uint8) * 255)
        infos.append(describe(canvas, visible, steps))
    add_to_json(scene / "scene_gt.json", number, rows)
    add_to_json(scene / "scene_gt_info.json", number, infos)


def describe(canvas: np.ndarray, visible: np.ndarray, steps: np.ndarray) -> dict:
    """An object's entry of scene_gt_info.json."""
    num_all, num_visible = int(canvas.sum()), int(visible.sum())
    is_seen = num_visible > 0
    return {
        "bbox_obj": to_box(canvas, 64) if is_seen else [-1] * 4,
        "bbox_visib": to_box(visible, 0) if is_seen else [-1] * 4,
        "px_count_all": num_all,
        "px_count_valid": int((canvas[64:128, 64:128] & (steps > 0)).sum()),
        "px_count_visib": num_visible,
        "visib_fract": num_visible / num_all if num_all else 0.0,
    }


def to_box(mask: np.ndarray, offset: int) -> list[int]:
    """x, y, width, height as the BOP toolkit has them: the last pixel is not counted."""
    ys, xs = np.nonzero(mask)
    x, y = int(xs.min()), int(ys.min())
    return [x - offset, y - offset, int(xs.max()) - x, int(ys.max()) - y]


def rasterize(
    mesh: Mesh, rotation: np.ndarray, location_mm: np.ndarray, intrinsics: np.ndarray, side: int
) -> np.ndarray:
    """Pixels whose center is in any triangle, on a canvas of three by three images, bool."""
    pixels = (mesh.vertices @ rotation.T + location_mm) @ intrinsics.T
    pixels = pixels[:, :2] / pixels[:, 2:] + side
    mask = np.zeros((3 * side, 3 * side), bool)
    for a, b, c in pixels[mesh.triangles]:
        corners = np.stack([a, b, c])
        low = np.maximum(np.ceil(corners.min(axis=0)), 0).astype(int)
        high = np.minimum(np.floor(corners.max(axis=0)), 3 * side - 1).astype(int)
        if (high < low).any():
            continue
        xs, ys = np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1))
        signs = [
            (q[0] - p[0]) * (ys - p[1]) - (q[1] - p[1]) * (xs - p[0])
            for p, q in ((a, b), (b, c), (c, a))
        ]
        is_inside = (np.stack(signs) >= 0).all(axis=0) | (np.stack(signs) <= 0).all(axis=0)
        mask[low[1] : high[1] + 1, low[0] : high[0] + 1] |= is_inside
    return mask


def read_model(path: Path, scale: np.ndarray) -> Mesh:
    """A model as it stands in an image: scaled, in mm."""
    vertices, triangles = read_obj(path)
    center = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    return Mesh((vertices - center) * scale * 1000, triangles)


@functools.cache
def read_obj(path: Path) -> tuple[np.ndarray, np.ndarray]:
    lines = [line.split() for line in path.read_text().splitlines()]
    vertices = np.array([line[1:4] for line in lines if line[:1] == ["v"]], float)
    triangles = []
    for line in lines:
        if line[:1] == ["f"]:
            corners = [int(corner.split("/")[0]) - 1 for corner in line[1:]]
            triangles += [
                (corners[0], corners[i], corners[i + 1]) for i in range(1, len(corners) - 1)
            ]
    return vertices, np.array(triangles)


def write_ply(path: Path, mesh: Mesh) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        "ply", "format ascii 1.0",
        f"element vertex {len(mesh.vertices)}",
        *(f"property float {axis}" for axis in "xyz"),
        f"element face {len(mesh.triangles)}", "property list uchar int vertex_indices",
        "end_header",
        *(" ".join(f"{x:.9g}" for x in vertex) for vertex in mesh.vertices),
        *(f"3 {a} {b} {c}" for a, b, c in mesh.triangles),
    ]  # fmt: skip
    path.write_text("\n".join(lines) + "\n")


def write(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    iio.imwrite(path, image)


def add_to_json(path: Path, key: int, value: object) -> None:
    values = json.loads(path.read_text()) if path.exists() else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**values, str(key): value}))
