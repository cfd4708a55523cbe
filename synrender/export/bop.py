"""BOP: scenes of images with masks, depth and poses, and the models in mm as PLY.

Format: https://github.com/thodan/bop_toolkit/blob/master/docs/bop_datasets_format.md. An object of
BOP is rigid, so a model that is shown in several sizes is several objects.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from synrender.archive.encode import array_to_png
from synrender.assets.rendered_models import find_rendered_models
from synrender.dataset.info import DatasetInfo
from synrender.errors import UserError
from synrender.export.bop_models import (
    ModelPlace,
    Shape,
    describe_model,
    draw_silhouette,
    load_shape,
    to_ply,
)
from synrender.export.columns import Schema, to_sample_idx
from synrender.export.croissant import describe_files
from synrender.export.format import (
    ExportPlan,
    Format,
    lines_path,
    read_lines,
    to_json,
    write_lines,
)
from synrender.export.png_samples import Source, find_sample_camera, read_task_records
from synrender.images.conversions import DEPTH_BEYOND
from synrender.images.label_codes import numbers_to_png
from synrender.images.png import decode_png
from synrender.labels.coordinates import project
from synrender.loading.dataset import Dataset
from synrender.loading.row_source import DEPTH, IMAGE, INSTANCE_MAP, Sample
from synrender.system.files import write_bytes, write_text

IMAGES_PER_SCENE = 1000
MAX_SHAPES = 10_000
"""Objects of a data set; each has a file of its own."""

DEPTH_SCALE_MM = 0.1
NOTHING = [-1, -1, -1, -1]
"""Box of an object that is not visible."""

_BOP_SPLITS = {"train": "train", "validation": "val", "test": "test"}
_FIELDS = (*("rot_mat", "location", "scale", "bbox", "instance", "synset_id", "model_id"),)
_ROWS_AT_ONCE = 1000


def refuse(schema: Schema, info: DatasetInfo) -> str:
    """Only EXR images have instances and depth."""
    return "" if schema.has_labels else "has no instance masks; they need images in EXR"


# --- what there is --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Census:
    """What a data set shows."""

    idxs: list[int]  # number of each sample
    num_objs: list[int]  # of each sample
    obj_ids: dict[Shape, int]  # from 1
    boxes: dict[Shape, np.ndarray]  # (2, 3) of the record, model units


@functools.lru_cache(maxsize=1)
def take_census(source: Source) -> Census:
    """Reads the records of all samples.

    Raises:
        UserError: there are too many sizes of models.
    """
    idxs, num_objs, boxes = [], [], {}
    for start in range(0, source.num_rows, _ROWS_AT_ONCE):
        rows = range(start, min(start + _ROWS_AT_ONCE, source.num_rows))
        for sample in read_task_records(source, rows):
            record = to_rows(sample)
            idxs.append(to_sample_idx(sample))
            num_objs.append(len(record["instance"]))
            boxes |= dict(zip(list_shapes(record), record["bbox"], strict=True))
        if len(boxes) > MAX_SHAPES:
            raise UserError(
                f"--to bop: {source.path} shows its models in more than {MAX_SHAPES} sizes, and "
                "each would be an object of its own; render with object.random_scaling = 0 and "
                "object.random_warp = 0"
            )
    shapes = sorted(boxes, key=lambda shape: (shape.synset_id, shape.model_id, shape.scale))
    return Census(idxs, num_objs, {shape: k for k, shape in enumerate(shapes, 1)}, boxes)


def to_rows(sample: Sample) -> dict[str, np.ndarray]:
    """Fields of the record with a row for each object, also of a single one."""
    is_single = np.ndim(sample["class"]) == 0
    rows = {name: np.asarray(sample[name]) for name in _FIELDS if name in sample}
    rows = {name: value[None] for name, value in rows.items()} if is_single else rows
    return {name: value[rows["instance"] > 0] for name, value in rows.items()}


def list_shapes(record: dict[str, np.ndarray]) -> list[Shape]:
    """Shape of each object."""
    texts = zip(record["synset_id"].tolist(), record["model_id"].tolist(), strict=True)
    scales = map(tuple, record["scale"].tolist())
    return [Shape(*names, scale) for names, scale in zip(texts, scales, strict=True)]


def _find_place(plan: ExportPlan) -> ModelPlace:
    models = plan.info.sources.models
    path = find_rendered_models(models.source, plan.folders, models.layout)
    return ModelPlace(path, models.layout)


# --- files ----------------------------------------------------------------------------------------


def list_paths(plan: ExportPlan, data: Dataset) -> list[str]:
    """Images, depth and masks of each sample, three files for each scene, and the models."""
    census, place = take_census(plan.source), _find_place(plan)
    for shape, box in itertools.islice(census.boxes.items(), 1):
        load_shape(place, shape, box)  # so that wrong models are known before work begins
    paths, scenes = [], {}
    for split, rows in plan.split_rows.items():
        for row in rows:
            idx, scene = census.idxs[row], find_scene(split, census.idxs[row])
            scenes[scene] = None
            stem = f"{idx % IMAGES_PER_SCENE:06d}"
            paths += [f"{scene}/{kind}/{stem}.png" for kind in ("rgb", "depth")]
            paths += [
                f"{scene}/{kind}/{stem}_{k:06d}.png"
                for kind in ("mask", "mask_visib")
                for k in range(census.num_objs[row])
            ]
    for scene in scenes:
        paths += [f"{scene}/scene_{name}.json" for name in ("camera", "gt", "gt_info")]
    models = [f"models/obj_{obj_id:06d}.ply" for obj_id in census.obj_ids.values()]
    return [*paths, *models, "models/models_info.json"]


def find_scene(split: str, idx: int) -> str:
    """Folder of the scene of a sample: a thousand numbers of samples share one."""
    return f"{_BOP_SPLITS[split]}/{idx // IMAGES_PER_SCENE:06d}"


def encode(samples: Sequence[Sample], split: str, plan: ExportPlan) -> list[dict[str, object]]:
    """Writes the pictures of each sample; returns its entries of the scene's files."""
    place = _find_place(plan)
    return [_encode(sample, split, plan, place) for sample in samples]


def _encode(sample: Sample, split: str, plan: ExportPlan, place: ModelPlace) -> dict[str, object]:
    idx, record, labels = to_sample_idx(sample), to_rows(sample), sample["labels"]
    folder, stem = plan.out / find_scene(split, idx), f"{idx % IMAGES_PER_SCENE:06d}"
    depth = decode_png(sample[DEPTH], labels.shape, np.uint16)
    depth[(depth == DEPTH_BEYOND) & (labels == 0)] = 0  # nothing is hit: not known
    write_bytes(folder / "rgb" / f"{stem}.png", sample[IMAGE])
    write_bytes(folder / "depth" / f"{stem}.png", array_to_png(depth))
    intrinsics, world_to_camera = find_sample_camera(sample, plan.info.camera)
    poses, infos = [], []
    for k, shape in enumerate(list_shapes(record)):
        rotation = world_to_camera[:3, :3] @ record["rot_mat"][k]
        location = world_to_camera[:3, :3] @ record["location"][k] + world_to_camera[:3, 3]
        model = load_shape(place, shape, record["bbox"][k])
        in_camera_mm = model.vertices @ rotation.T + location * 1000
        canvas = _draw_canvas(project(in_camera_mm, intrinsics), model.corners, labels.shape)
        visible = labels == record["instance"][k]
        whole = _cut_middle(canvas)
        whole |= visible  # rounding at an edge
        for kind, mask in (("mask", whole), ("mask_visib", visible)):
            png = numbers_to_png(mask.astype(np.uint8) * np.uint8(255))
            write_bytes(folder / kind / f"{stem}_{k:06d}.png", png)
        poses.append(
            {
                "cam_R_m2c": rotation.ravel().tolist(),
                "cam_t_m2c": (location * 1000).tolist(),
                "shape": [shape.synset_id, shape.model_id, *shape.scale],
            }
        )
        infos.append(describe_object(canvas, visible, depth))
    center = np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])  # BOP: of the top left pixel
    entry = {
        "cam_K": (intrinsics - center).ravel().tolist(),
        "cam_R_w2c": world_to_camera[:3, :3].ravel().tolist(),
        "cam_t_w2c": (world_to_camera[:3, 3] * 1000).tolist(),
        "depth_scale": DEPTH_SCALE_MM,
    }
    return {"idx": idx, "camera": entry, "gt": poses, "gt_info": infos}


def _draw_canvas(places_px: np.ndarray, corners: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Silhouette on three by three pictures, with the picture in the middle."""
    height, width = size
    return draw_silhouette(np.add(places_px, [width, height]), corners, (3 * height, 3 * width))


def _cut_middle(canvas: np.ndarray) -> np.ndarray:
    """The picture in the middle of three by three, which shares the memory."""
    height, width = canvas.shape[0] // 3, canvas.shape[1] // 3
    return canvas[height : 2 * height, width : 2 * width]


def describe_object(canvas: np.ndarray, visible: np.ndarray, depth: np.ndarray) -> dict:
    """An entry of ``scene_gt_info.json``.

    Args:
        canvas: (3 h, 3 w) silhouette around the picture.
        visible: (h, w) where it is seen.
        depth: (h, w) steps; 0 = not known.
    """
    num_all, num_visible = int(canvas.sum()), int(visible.sum())
    height, width = visible.shape
    return {
        "bbox_obj": _find_box(canvas, (width, height)) if num_visible else NOTHING,
        "bbox_visib": _find_box(visible, (0, 0)) if num_visible else NOTHING,
        "px_count_all": num_all,
        "px_count_valid": int((_cut_middle(canvas) & (depth > 0)).sum()),
        "px_count_visib": num_visible,
        "visib_fract": num_visible / num_all if num_all else 0.0,
    }


def _find_box(mask: np.ndarray, origin: tuple[int, int]) -> list[int]:
    """x, y, width, height as the BOP toolkit counts them: without the last pixel."""
    ys, xs = np.nonzero(mask)
    x, y = int(xs.min()), int(ys.min())
    return [x - origin[0], y - origin[1], int(xs.max()) - x, int(ys.max()) - y]


def finish(plan: ExportPlan) -> None:
    """Writes the files of each scene, and the models."""
    census, place = take_census(plan.source), _find_place(plan)
    for scene, entries in itertools.groupby(_read_entries(plan), lambda entry: entry[0]):
        images = {entry["idx"] % IMAGES_PER_SCENE: entry for _, entry in entries}
        for entry in images.values():
            for pose in entry["gt"]:
                synset_id, model_id, *scale = pose.pop("shape")
                pose["obj_id"] = census.obj_ids[Shape(synset_id, model_id, tuple(scale))]
        for name in ("camera", "gt", "gt_info"):
            lines = ",\n".join(f'"{k}": {to_json(entry[name])}' for k, entry in images.items())
            write_text(plan.out / scene / f"scene_{name}.json", f"{{\n{lines}\n}}\n")
    infos = []
    for shape, obj_id in census.obj_ids.items():
        model = load_shape(place, shape, census.boxes[shape])
        write_bytes(plan.out / "models" / f"obj_{obj_id:06d}.ply", to_ply(model))
        infos.append(f'"{obj_id}": {to_json(describe_model(model))}')
    lines = ",\n".join(infos)
    write_text(plan.out / "models" / "models_info.json", f"{{\n{lines}\n}}\n")


def _read_entries(plan: ExportPlan) -> Iterator[tuple[str, dict]]:
    """Entries of all images with the folders of their scenes."""
    kinds = {"idx": int, "camera": dict, "gt": list, "gt_info": list}
    for piece in plan.pieces:
        for entry in read_lines(plan.out, piece, kinds):
            yield find_scene(piece.split, entry["idx"]), entry


def create_reading_line(folder: str, plan: ExportPlan) -> str:
    """Reads the poses of the first scene."""
    (first,) = read_task_records(plan.source, range(1))
    scene = find_scene(plan.splits[0], to_sample_idx(first))
    return f'json.load(open("{folder}/{scene}/scene_gt.json"))'


FORMAT = Format(
    piece_path=lines_path,
    encode=encode,
    write=write_lines,
    describe=describe_files(
        "*/*/rgb/*.png",
        ("scenes", "*/*/scene_*.json", "application/json"),
        ("depth", "*/*/depth/*.png", "image/png"),
        ("masks", "*/*/mask*/*.png", "image/png"),
        ("models", "models/*.ply", "application/octet-stream"),
    ),
    reading_line=create_reading_line,
    data_files="{split:.3}*/*/rgb/*.png",
    packages=("scipy",),
    pixel_labels=(INSTANCE_MAP, DEPTH),
    refuse=refuse,
    list_paths=list_paths,
    finish=finish,
)
