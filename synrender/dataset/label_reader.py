"""Labels of samples from their small files, and from those of the samples that flow leads to."""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from synrender.dataset.folder import DatasetFolder
from synrender.dataset.info import CameraInfo
from synrender.errors import UserError
from synrender.labels.derive import Camera, Labels, View
from synrender.labels.flow import find_partner
from synrender.labels.keypoints import NamedPoints

if TYPE_CHECKING:
    from synrender.images.exr import ExrImage

MAX_RECORDS = 32
"""Records that are kept, to find partners without reading each record of a group again."""

MAX_IMAGE_BYTES = 1 << 26
"""Of images that are kept: partners, which samples in order need again at once."""


class LabelReader:
    """Opens samples of a folder of small files. Keeps a bounded number of records and images."""

    def __init__(
        self,
        folder: DatasetFolder,
        camera: CameraInfo,
        idxs: Sequence[int] | np.ndarray,
        named: NamedPoints,
    ) -> None:
        """Takes the folder, its camera, all its samples in order, and the user's keypoints."""
        self._folder, self._idxs, self._named = folder, idxs, named
        self._camera: Camera = np.array(camera.intrinsics), np.array(camera.world_to_camera)
        self._images: OrderedDict[int, ExrImage] = OrderedDict()
        self.read_record = functools.lru_cache(MAX_RECORDS)(self._read_record)

    def open(self, idx: int) -> Labels:
        """Labels of a sample; reads only what they need, when they need it."""
        return Labels(self._open_view(idx), lambda: self._open_partner(idx), self._named)

    def _open_view(self, idx: int) -> View:
        return View(self.read_record(idx), self._camera, lambda: self._read_image(idx))

    def _open_partner(self, idx: int) -> View | None:
        place = int(np.searchsorted(self._idxs, idx))
        try:
            partner = find_partner(place, self._idxs, self.read_record)
        except UserError as error:
            raise UserError(f"flow of sample {idx} needs its neighbours; {error}") from None
        if partner < 0:
            return None
        return View(self.read_record(partner), self._camera, lambda: self._keep_image(partner))

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
        from synrender.images.exr import read_exr  # a training machine may lack OpenEXR

        return self._images.get(idx) or read_exr(self._folder.image_path(idx))

    def _keep_image(self, idx: int) -> ExrImage:
        image = self._images[idx] = self._read_image(idx)
        self._images.move_to_end(idx)
        arrays = [values for values in vars(image).values() if values is not None]
        max_images = max(1, MAX_IMAGE_BYTES // sum(values.nbytes for values in arrays))
        while len(self._images) > max_images:
            self._images.popitem(last=False)
        return image
