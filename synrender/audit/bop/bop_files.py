"""Reads a data set in BOP format: scenes with images, masks, depth and poses, and models in mm.

Format: https://github.com/thodan/bop_toolkit/blob/master/docs/bop_datasets_format.md.
Lengths are in mm; the camera looks along z, x is to the right and y down, as in OpenCV.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from synrender.errors import UserError, shorten
from synrender.images.image_files import read_image
from synrender.system.files import Unreadable
from synrender.system.json_text import read_json

MAX_JSON_BYTES = 1 << 30
MAX_VALUE = 1e9
"""Of a pose or camera: a thousand kilometers, in mm."""

IMAGE_KINDS = ("rgb", "gray")
_SUFFIXES = (".png", ".jpg", ".tif", ".tiff", ".jpeg")
_SCENE_NAME = re.compile(r"\d{6}")
_MODEL_NAME = re.compile(r"obj_(\d{6})\.ply")


Kind = TypeVar("Kind", dict, list, int)


@dataclass(frozen=True)
class BopObject:
    """One object of an image."""

    obj_id: int
    rotation: np.ndarray  # (3, 3) model to camera
    translation_mm: np.ndarray  # (3,) model to camera
    info: dict[str, object]  # of scene_gt_info.json, not checked; {} if there is none


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
        """File of the color or gray image."""
        return next(filter(None, (self.find_file(kind) for kind in IMAGE_KINDS)), None)

    def find_file(self, kind: str) -> Path | None:
        """File in the folder ``kind``, with any of the suffixes; None if there is none."""
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
    model_boxes: dict[int, np.ndarray | None] | None
    """Low and high corner (2, 3) of each model in mm, by object id, as models_info.json says; None
    where it says no box, or where there is no such file."""
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
    boxes = None
    if info_path.exists():
        boxes = {
            _to_int(info_path, key): _read_box(_expect(info_path, dict, value, f"object {key}"))
            for key, value in _read_json(info_path).items()
        }
    images = tuple(image for scene in scenes for image in _read_scene(scene))
    if not images:
        raise UserError(f"{path}: its scene_gt.json name no image, so there is nothing to audit")
    return BopSet(path, models_dir, boxes, images)


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


def _read_box(info: dict) -> np.ndarray | None:
    """Low and high corner of a model, (2, 3) in mm; None if any number is missing."""
    try:
        low, size = (
            np.array([float(info[f"{end}_{axis}"]) for axis in "xyz"]) for end in ("min", "size")
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return np.stack([low, low + size])


def _read_object(path: Path, row: object, info: object, key: str) -> BopObject:
    row = _expect(path, dict, row, f"image {key}")
    return BopObject(
        int(_expect(path, int, row.get("obj_id"), f"image {key}: obj_id")),
        _to_array(path, row, "cam_R_m2c", (3, 3), key),
        _to_array(path, row, "cam_t_m2c", (3,), key),
        _expect(path.with_name("scene_gt_info.json"), dict, info, f"image {key}"),
    )


# --- values from JSON -----------------------------------------------------------------------------


def _read_json(path: Path) -> dict:
    try:
        values = read_json(path, MAX_JSON_BYTES)
    except (OSError, ValueError) as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error
        raise UserError(f"{path}: cannot be read ({reason}); restore it") from None
    return _expect(path, dict, values, "all of it")


def _expect(path: Path, kind: type[Kind], value: object, where: str) -> Kind:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise UserError(f"{path}: {where} must be {kind.__name__}, is {shorten(value)!r}")
    return value


def _to_int(path: Path, key: str) -> int:
    if not key.isdecimal() or len(key) > 9:
        raise UserError(f"{path}: key {shorten(key)!r} must be a whole number")
    return int(key)


def _to_array(path: Path, values: dict, name: str, shape: tuple[int, ...], key: str) -> np.ndarray:
    """Reads an entry that lists as many numbers as the shape holds, as an array of that shape."""
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


# --- images ---------------------------------------------------------------------------------------


MAX_SIDE_PX = 16384


class BadImage(Exception):
    """A file of an image that is missing or cannot be used; the message says why."""


def read_size(image: BopImage) -> tuple[int, int]:
    """Height and width of an image; its color, gray or depth file must be there."""
    path = image.find_picture() or image.find_file("depth")
    if path is None:
        raise BadImage(f"no file in {', '.join(IMAGE_KINDS)} or depth")
    with _open(path) as opened:
        width, height = opened.size
    if max(width, height) > MAX_SIDE_PX:
        raise BadImage(f"{path}: {width} x {height} px, at most {MAX_SIDE_PX} are allowed")
    if path.parent.name in IMAGE_KINDS:
        _decode(path, (height, width))
    return height, width


def read_depth(image: BopImage, size: tuple[int, int]) -> np.ndarray | None:
    """Steps of the depth image, (h, w); None if the scene has no folder ``depth``."""
    if not image.has("depth"):
        return None
    path = image.find_file("depth")
    if path is None:
        raise BadImage("no file in depth")
    pixels = _decode(path, size)
    if pixels.ndim != 2:
        raise BadImage(f"{path}: must be a gray image of 16 bits")
    return pixels.astype(np.float64)


def read_mask(image: BopImage, kind: str, size: tuple[int, int]) -> np.ndarray | None:
    """Masks of all objects, (k, h, w) bool; None if the scene has no folder ``kind``."""
    if not image.has(kind):
        return None
    masks = np.zeros((len(image.objects), *size), bool)
    for number in range(len(image.objects)):
        path = image.mask_path(kind, number)
        pixels = _decode(path, size)
        if pixels.ndim != 2:
            raise BadImage(f"{path}: must be a gray image")
        masks[number] = pixels > 0
    return masks


def _open(path: Path) -> Image.Image:
    try:
        return Image.open(io.BytesIO(read_image(path)))
    except FileNotFoundError:
        raise BadImage(f"{path}: no such file") from None
    except (Unreadable, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadImage(f"{path}: {str(error).splitlines()[0]}") from None


def _decode(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Pixels; an image of another size is refused before it takes memory."""
    with _open(path) as opened:
        width, height = opened.size
        if (height, width) != size:
            raise BadImage(f"{path}: {width} x {height} px, the others have {size[1]} x {size[0]}")
        try:
            return np.asarray(opened)
        except (OSError, ValueError, SyntaxError) as error:
            raise BadImage(f"{path}: {error}") from None
