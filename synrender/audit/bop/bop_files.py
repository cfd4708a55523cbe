"""Reads a data set in BOP format: scenes with images, masks, depth and poses, and models in mm.

Format: https://github.com/thodan/bop_toolkit/blob/master/docs/bop_datasets_format.md.
Lengths are in mm; the camera looks along z, x is to the right and y down, as in OpenCV.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synrender.errors import UserError, shorten
from synrender.system.json_text import read_json

MAX_JSON_BYTES = 1 << 30
MAX_VALUE = 1e9
"""Of a pose or camera: a thousand kilometres, in mm."""

IMAGE_KINDS = ("rgb", "gray")
_SUFFIXES = (".png", ".jpg", ".tif", ".tiff", ".jpeg")
_SCENE_NAME = re.compile(r"\d{6}")
_MODEL_NAME = re.compile(r"obj_(\d{6})\.ply")


@dataclass(frozen=True)
class BopObject:
    """One object of an image."""

    obj_id: int
    rotation: np.ndarray  # (3, 3) model to camera
    translation_mm: np.ndarray  # (3,) likewise
    info: dict[str, Any]  # of scene_gt_info.json; {} if there is none


@dataclass(frozen=True)
class BopImage:
    """One image with its labels."""

    scene_dir: Path
    idx: int
    intrinsics: np.ndarray  # (3, 3) px
    depth_scale: float  # mm of a step of the depth image
    objects: tuple[BopObject, ...]

    @property
    def name(self) -> str:
        """Scene and number, such as ``"000000/000012"``."""
        return f"{self.scene_dir.name}/{self.idx:06d}"

    def find_picture(self) -> Path | None:
        """File of the colour or grey image."""
        return next(filter(None, (self.find_file(kind) for kind in IMAGE_KINDS)), None)

    def find_file(self, kind: str) -> Path | None:
        """File in the folder ``kind``, with whichever suffix."""
        stem = self.scene_dir / kind / f"{self.idx:06d}"
        paths = (stem.with_suffix(suffix) for suffix in _SUFFIXES)
        return next((path for path in paths if path.is_file()), None)

    def mask_path(self, kind: str, number: int) -> Path:
        """File of an object's mask; ``kind`` is "mask" or "mask_visib"."""
        return self.scene_dir / kind / f"{self.idx:06d}_{number:06d}.png"

    def has(self, kind: str) -> bool:
        """Whether the scene has a folder of this kind of label."""
        return (self.scene_dir / kind).is_dir()


@dataclass(frozen=True)
class BopSet:
    """A data set in BOP format."""

    path: Path
    models_dir: Path
    models_info: dict[int, dict[str, Any]]  # by object id; {} if there is no models_info.json
    images: tuple[BopImage, ...]

    def model_path(self, obj_id: int) -> Path:
        """PLY file of an object."""
        return self.models_dir / f"obj_{obj_id:06d}.ply"


def open_bop(path: Path) -> BopSet:
    """Reads what a data set says, but no image and no model.

    Args:
        path: the data set, one of its splits (``train_pbr``), or one scene.

    Raises:
        UserError: there is no scene or no model, or a file is damaged.
    """
    scenes = _find_scenes(path)
    models_dir = _find_models(path)
    info_path = models_dir / "models_info.json"
    models_info = {}
    if info_path.exists():
        models_info = {
            _to_int(info_path, key): _expect(info_path, dict, value, f"object {key}")
            for key, value in _read_json(info_path).items()
        }
    images = tuple(image for scene in scenes for image in _read_scene(scene))
    if not images:
        raise UserError(f"{path}: its scene_gt.json name no image, so there is nothing to audit")
    return BopSet(path, models_dir, models_info, images)


def _find_scenes(path: Path) -> list[Path]:
    for candidates in ((path,), path.glob("*"), path.glob("*/*")):
        named = sorted(p for p in candidates if _SCENE_NAME.fullmatch(p.absolute().name))
        if scenes := [p for p in named if (p / "scene_gt.json").exists()]:
            return scenes
    raise UserError(
        f"--bop {path}: {'holds' if path.is_dir() else 'no such folder, so it holds'} no scene "
        "such as 000000/scene_gt.json; give the folder of a BOP data set, or of one split"
    )


def _find_models(path: Path) -> Path:
    """Folder of the models: beside the split, or above it."""
    absolute = path.absolute()
    for folder in (absolute, *absolute.parents[:2]):
        models = folder / "models"
        if models.is_dir() and any(_MODEL_NAME.fullmatch(p.name) for p in models.iterdir()):
            return models
    raise UserError(
        f"--bop {path}: no models/obj_000001.ply in it or in the two folders above; put the data "
        "set's models there (a link will do): the audit casts rays at them"
    )


def _read_scene(scene: Path) -> list[BopImage]:
    cameras, poses = (_read_json(scene / f"scene_{name}.json") for name in ("camera", "gt"))
    info_path = scene / "scene_gt_info.json"
    infos = _read_json(info_path) if info_path.exists() else {}
    images = []
    for key, rows in poses.items():
        path = scene / "scene_gt.json"
        idx = _to_int(path, key)
        rows = _expect(path, list, rows, f"image {key}")
        if key not in cameras:
            raise UserError(f"{scene / 'scene_camera.json'}: has no image {key}, scene_gt.json has")
        camera_path = scene / "scene_camera.json"
        camera = _expect(camera_path, dict, cameras[key], f"image {key}")
        info = _expect(info_path, list, infos.get(key, [{}] * len(rows)), f"image {key}")
        if len(info) != len(rows):
            raise UserError(
                f"{info_path}: image {key} has {len(info)} objects, scene_gt.json has {len(rows)}"
            )
        intrinsics = _to_array(camera_path, camera, "cam_K", (3, 3), key)
        if np.linalg.matrix_rank(intrinsics) < 3 or (intrinsics[2] != [0, 0, 1]).any():
            raise UserError(f"{camera_path}: image {key}: cam_K is no camera matrix")
        camera = {"depth_scale": 1.0, **camera}
        scale = float(_to_array(camera_path, camera, "depth_scale", (), key))
        if scale <= 0:
            raise UserError(f"{camera_path}: image {key}: depth_scale {scale:g} must be above 0")
        objects = tuple(_read_object(path, r, i, key) for r, i in zip(rows, info, strict=True))
        images.append(BopImage(scene, idx, intrinsics, scale, objects))
    return sorted(images, key=lambda image: image.idx)


def _read_object(path: Path, row: Any, info: Any, key: str) -> BopObject:
    row = _expect(path, dict, row, f"image {key}")
    return BopObject(
        int(_expect(path, int, row.get("obj_id"), f"image {key}: obj_id")),
        _to_array(path, row, "cam_R_m2c", (3, 3), key),
        _to_array(path, row, "cam_t_m2c", (3,), key),
        _expect(path.with_name("scene_gt_info.json"), dict, info, f"image {key}"),
    )


# --- values from JSON -----------------------------------------------------------------------------


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = read_json(path, MAX_JSON_BYTES)
    except (OSError, ValueError) as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error
        raise UserError(f"{path}: cannot be read ({reason}); restore it") from None
    return _expect(path, dict, values, "all of it")


def _expect(path: Path, kind: type, value: Any, where: str) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise UserError(f"{path}: {where} must be {kind.__name__}, is {shorten(value)!r}")
    return value


def _to_int(path: Path, key: str) -> int:
    if not key.isdecimal() or len(key) > 9:
        raise UserError(f"{path}: key {shorten(key)!r} must be a whole number")
    return int(key)


def _to_array(
    path: Path, values: dict[str, Any], name: str, shape: tuple[int, ...], key: str
) -> np.ndarray:
    """Numbers of the given shape, from as many in a row."""
    try:
        array = np.array(values.get(name), np.float64)
    except (TypeError, ValueError):
        array = np.array(np.nan)
    if array.size != int(np.prod(shape)) or not (np.abs(array) <= MAX_VALUE).all():
        raise UserError(
            f"{path}: image {key}: {name} must be {int(np.prod(shape))} numbers of at most "
            f"{MAX_VALUE:g}, is {shorten(values.get(name))}"
        )
    return array.reshape(shape)
