"""Labels of samples from their small files; ``keypoints.json``, points that a user names."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from synrender.dataset.folder import DatasetFolder
from synrender.dataset.info import CameraInfo
from synrender.dataset.record import MAX_NAME_LENGTH, MAX_VALUE
from synrender.errors import UserError, shorten
from synrender.images.exr import ExrImage, read_exr
from synrender.labels.derive import Camera, Labels, SampleView
from synrender.labels.flow import find_partner
from synrender.labels.keypoints import BOX_NAMES, NamedPoints
from synrender.system.json_text import read_json

MAX_RECORDS = 32
"""Records that are kept, to find partners without reading each record of a group again."""

MAX_IMAGE_BYTES = 1 << 26
"""Largest size of the images that are kept: partners, which the next sample needs again."""


class LabelReader:
    """Opens samples of a folder of small files. Keeps a bounded number of records and images."""

    def __init__(
        self,
        folder: DatasetFolder,
        camera: CameraInfo,
        idxs: Sequence[int] | np.ndarray,
        named: NamedPoints,
        has_ground: bool = False,
    ) -> None:
        """Takes all samples in order, and the user's keypoints; reads nothing yet.

        The backdrop may be a ground, which no camera moves.
        """
        self._folder, self._idxs, self._named = folder, idxs, named
        self._has_ground = has_ground
        self._side_px = camera.resolution
        self._camera: Camera = np.array(camera.intrinsics), np.array(camera.world_to_camera)
        self._images: OrderedDict[int, ExrImage] = OrderedDict()
        self.read_record = functools.lru_cache(MAX_RECORDS)(self._read_record)

    def open(self, idx: int) -> Labels:
        """Labels of a sample; reads only what they need, when they need it."""
        view = self._open_view(idx, self._read_image)
        return Labels(view, lambda: self._open_partner(idx), self._named)

    def _open_partner(self, idx: int) -> SampleView | None:
        place = int(np.searchsorted(self._idxs, idx))
        try:
            partner = find_partner(place, self._idxs, self.read_record)
        except UserError as error:
            raise UserError(f"flow of sample {idx} needs its neighbors; {error}") from None
        if partner < 0:
            return None
        return self._open_view(partner, self._keep_image)

    def _open_view(self, idx: int, read_image: Callable[[int], ExrImage]) -> SampleView:
        record, has_ground = self.read_record(idx), self._has_ground
        return SampleView(record, self._camera, lambda: read_image(idx), has_ground)

    def _read_record(self, idx: int) -> np.ndarray:
        try:
            record = self._folder.read_record(idx)
        except (OSError, ValueError) as error:
            raise UserError(
                f"{self._folder.record_path(idx)}: {error}; remove it and render again, which "
                "fills the gap"
            ) from None
        record.flags.writeable = False  # it is kept
        return record

    def _read_image(self, idx: int) -> ExrImage:
        path = self._folder.image_path(idx)
        return self._images.get(idx) or read_exr(path, self._side_px)

    def _keep_image(self, idx: int) -> ExrImage:
        image = self._images[idx] = self._read_image(idx)
        self._images.move_to_end(idx)
        arrays = [values for values in vars(image).values() if values is not None]
        max_images = max(1, MAX_IMAGE_BYTES // sum(values.nbytes for values in arrays))
        while len(self._images) > max_images:
            self._images.popitem(last=False)
        return image


POINTS_FILE = "keypoints.json"
MAX_BYTES = 1 << 28
MAX_NAMES = 1000
"""An attribute of an HDF5 file holds 4000 texts."""


def read_named_points(dataset_dir: Path) -> NamedPoints:
    """Points by model and name; none if there is no such file.

    The file reads ``{"<synset>/<model>": {"<name>": [x, y, z]}}`` in the coordinates of the OBJ.

    Raises:
        UserError: the file is damaged, or holds something else.
    """
    path = dataset_dir / POINTS_FILE
    try:
        return _to_points(read_json(path, MAX_BYTES))
    except FileNotFoundError:
        return NamedPoints()
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path}: {error}; it must read "
            '{"<synset>/<model>": {"<name>": [x, y, z]}}; mend it, or move it away'
        ) from None


def _to_points(models: object) -> NamedPoints:
    if not isinstance(models, dict):
        raise ValueError("must be a JSON object")
    points = {}
    for model, named in models.items():
        if not isinstance(named, dict):
            raise ValueError(f"{shorten(model)}: must name points")
        points[model] = {name: _to_point(f"{model}: {name}", xyz) for name, xyz in named.items()}
    names = sorted({name for named in points.values() for name in named})
    if taken := [name for name in names if name in BOX_NAMES]:
        raise ValueError(f"{taken[0]!r} is a point of every box")
    if bad := [name for name in names if not name.isprintable() or len(name) > MAX_NAME_LENGTH]:
        rule = f"a point needs a printable name of at most {MAX_NAME_LENGTH} letters"
        raise ValueError(f"{shorten(bad[0])!r}: {rule}")
    if len(names) > MAX_NAMES:
        raise ValueError(f"{len(names)} different names of points, at most {MAX_NAMES} are allowed")
    return NamedPoints(tuple(names), points)


def _to_point(where: str, xyz: object) -> tuple[float, ...]:
    is_point = isinstance(xyz, list) and len(xyz) == 3
    if not is_point or not all(
        isinstance(v, int | float) and not isinstance(v, bool) and abs(v) <= MAX_VALUE for v in xyz
    ):
        raise ValueError(f"{shorten(where)}: must be three numbers of at most {MAX_VALUE:g}")
    return tuple(float(v) for v in xyz)
