"""NeRF: a folder for each sequence, with images and ``transforms.json`` as nerfstudio reads it.

Convention: https://docs.nerf.studio/quickstart/data_conventions.html. A camera's matrix takes
points of the camera to the world, in m; x is to the right, y up, and the camera looks along -z, as
in OpenGL. The center of the top left pixel is (0.5, 0.5).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from synrender.dataset.info import DatasetInfo
from synrender.errors import UserError
from synrender.export.columns import Schema, idx_to_name, to_sample_idx
from synrender.export.croissant import describe_files
from synrender.export.format import (
    ExportPlan,
    Format,
    find_sample_idxs,
    lines_path,
    read_lines,
    to_json,
    write_lines,
)
from synrender.export.png_samples import find_sample_camera, read_task_records
from synrender.images.label_codes import numbers_to_png
from synrender.loading.dataset import Dataset
from synrender.loading.row_source import IMAGE, INSTANCE_MAP, Sample
from synrender.settings.factor_table import BACKDROPS, COLUMNS
from synrender.system.files import write_bytes, write_text

MAY_MOVE = frozenset(
    f"camera_{name}" for name in ("direction", "azimuth", "elevation", "roll", "distance", "lens")
)
"""Factors of the camera, of which records hold the pose and the intrinsics."""

Frame = dict[str, Any]
"""An entry of ``frames``, of JSON."""

_TO_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
_INTRINSICS = ("fl_x", "fl_y", "cx", "cy")


def refuse(schema: Schema, info: DatasetInfo) -> str:
    """Only the camera may move in a scene."""
    paths = info.design.paths if info.design else {}
    if not paths:
        return "has no sequences; render it with design.kind = 'sequence', as recipes/orbit does"
    if others := sorted(paths.keys() - MAY_MOVE):
        return f"moves {', '.join(others)} in its sequences; nothing but the camera may move"
    return ""


def find_sequence(info: DatasetInfo, idx: int) -> int:
    """Number of the sequence of a sample."""
    return idx // (info.design.block_size if info.design else 1)


def are_masked(info: DatasetInfo, factor_values: np.ndarray) -> np.ndarray:
    """Whether samples show a backdrop that turns with the camera, and so is no part of a scene.

    Args:
        info: of the data set.
        factor_values: of the records (..., columns).
    """
    backdrops = factor_values[..., COLUMNS.index("backdrop")]
    is_plane = np.isnan(backdrops) | (backdrops == BACKDROPS.index("plane"))
    return is_plane & (not info.settings.scene.ground)


def list_paths(plan: ExportPlan, data: Dataset) -> list[str]:
    """An image for each sample, a mask for some, and a file of cameras for each sequence.

    Raises:
        UserError: there is nothing to make masks of.
    """
    idxs, values = find_sample_idxs(data), data.read_column("factor_values")
    has_mask = are_masked(plan.info, values.reshape(len(data), -1, values.shape[-1])[:, 0])
    if has_mask.any() and not plan.schema.has_labels:
        raise UserError(
            f"--to nerf: {data.path} shows a backdrop that turns with the camera; render it with "
            "scene.ground = True, or with rendering.render_exr = True, of which masks are made"
        )
    paths: list[str] = []
    for split, rows in plan.split_rows.items():
        for row in rows:
            folder = find_folder(plan.info, split, idxs[row])
            name = idx_to_name(idxs[row])
            paths += [f"{folder}/images/{name}.png", f"{folder}/transforms.json"]
            paths += [f"{folder}/masks/{name}.png"] if has_mask[row] else []
    return [*dict.fromkeys(paths)]


def find_folder(info: DatasetInfo, split: str, idx: int) -> str:
    """Folder of the sequence of a sample."""
    return f"{split}/{idx_to_name(find_sequence(info, int(idx)))}"


def encode(samples: Sequence[Sample], split: str, plan: ExportPlan) -> list[dict[str, object]]:
    """Writes the pictures of each sample; returns its frame."""
    frames: list[dict[str, object]] = []
    for sample in samples:
        idx = to_sample_idx(sample)
        folder, name = plan.out / find_folder(plan.info, split, idx), idx_to_name(idx)
        write_bytes(folder / "images" / f"{name}.png", sample[IMAGE])
        frame: Frame = {"file_path": f"images/{name}.png"}
        values = np.asarray(sample["factor_values"]).reshape(-1, len(COLUMNS))[0]
        if are_masked(plan.info, values):
            mask = (sample["labels"] > 0).astype(np.uint8) * np.uint8(255)
            write_bytes(folder / "masks" / f"{name}.png", numbers_to_png(mask))
            frame["mask_path"] = f"masks/{name}.png"
        intrinsics, world_to_camera = find_sample_camera(sample, plan.info.camera)
        numbers = (*np.diag(intrinsics)[:2], *intrinsics[:2, 2])
        frame |= {key: float(v) for key, v in zip(_INTRINSICS, numbers, strict=True)}
        frame["transform_matrix"] = (np.linalg.inv(world_to_camera) @ _TO_OPENGL).tolist()
        frames.append({"idx": idx, "frame": frame})
    return frames


def finish(plan: ExportPlan) -> None:
    """Writes the cameras of each sequence."""
    side_px = plan.info.camera.resolution
    for folder, found in itertools.groupby(_read_frames(plan), lambda entry: entry[0]):
        frames = [frame for _, frame in found]
        head: dict[str, object] = {"camera_model": "OPENCV", "w": side_px, "h": side_px}
        if all(frame[key] == frames[0][key] for frame in frames for key in _INTRINSICS):
            head |= {key: frames[0][key] for key in _INTRINSICS}
            head["camera_angle_x"] = 2 * math.atan(side_px / 2 / frames[0]["fl_x"])
            frames = [{k: v for k, v in f.items() if k not in _INTRINSICS} for f in frames]
        lines = ",\n".join(map(to_json, frames))
        text = f'{to_json(head)[:-1]},\n"frames":[\n{lines}\n]}}\n'
        write_text(plan.out / folder / "transforms.json", text)


def _read_frames(plan: ExportPlan) -> Iterator[tuple[str, Frame]]:
    """Frames with the folders of their sequences."""
    for piece in plan.pieces:
        for entry in read_lines(plan.out, piece, {"idx": int, "frame": dict}):
            yield find_folder(plan.info, piece.split, entry["idx"]), entry["frame"]


def create_reading_line(folder: str, plan: ExportPlan) -> str:
    """Reads the cameras of the first sequence."""
    (first,) = read_task_records(plan.source, range(1))
    sequence = find_folder(plan.info, plan.splits[0], to_sample_idx(first))
    return f'json.load(open("{folder}/{sequence}/transforms.json"))'


FORMAT = Format(
    piece_path=lines_path,
    encode=encode,
    write=write_lines,
    describe=describe_files(
        "*/*/images/*.png",
        ("cameras", "*/*/transforms.json", "application/json"),
        ("masks", "*/*/masks/*.png", "image/png"),
    ),
    reading_line=create_reading_line,
    data_files="{split}/*/images/*.png",
    pixel_labels=(INSTANCE_MAP,),
    refuse=refuse,
    list_paths=list_paths,
    finish=finish,
)
