"""Labels of a sample by the names of their fields; each is computed when it is first needed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from synrender.errors import UserError
from synrender.labels import boxes
from synrender.labels.boxes import BOX_CORNERS, box_points
from synrender.labels.coordinates import (
    find_camera,
    object_coordinates,
    project,
    to_camera,
    world_position,
)
from synrender.labels.flow import flow_and_occlusion, move_points, no_flow
from synrender.labels.keypoints import NamedPoints, keypoint_positions, keypoint_visibility

if TYPE_CHECKING:
    from synrender.images.exr import ExrImage

Camera = tuple[np.ndarray, np.ndarray]
"""Intrinsics (3, 3) px and world to camera (4, 4)."""


class SampleView:
    """Record, camera and image of a sample. The image is read when a label first needs it."""

    def __init__(
        self,
        record: np.ndarray,
        camera: Camera,
        read_image: Callable[[], ExrImage],
        has_ground: bool = False,
    ) -> None:
        """Takes the data set's camera, for records without one; no camera moves a ground."""
        self.record, self.has_ground = record, has_ground
        self.intrinsics, self.world_to_camera = find_camera(record, *camera)
        self._read_image = read_image

    @functools.cached_property
    def image(self) -> ExrImage:
        """The passes of the sample; do not change them."""
        image = self._read_image()
        try:
            boxes.refuse_unknown_instances(image.instance, len(self.record))
        except UserError as error:
            raise UserError(f"sample {self.idx}: {error}") from None
        return image

    @property
    def idx(self) -> int:
        """Index of the sample."""
        return int(self.record["sample_idx"][0])


class Labels:
    """Labels of a sample, an attribute for each field. Intermediate results are computed once."""

    def __init__(
        self,
        view: SampleView,
        find_partner: Callable[[], SampleView | None],
        named: NamedPoints | None = None,
    ) -> None:
        """Takes a sample, a reader of the sample of the flow, and the keypoints of the user."""
        self.view, self._find_partner = view, find_partner
        self._named = named or NamedPoints()

    # --- rendered, and what follows from the masks ------------------------------------------------

    @property
    def normal(self) -> np.ndarray:
        """(h, w, 3) float32, camera space; 0 where nothing is hit."""
        return self._rendered("normal")

    @property
    def albedo(self) -> np.ndarray:
        """(h, w, 3) float32, scene-linear; 0 where nothing is hit."""
        return self._rendered("albedo")

    @property
    def shading(self) -> np.ndarray:
        """(h, w, 3) float32, image / albedo; 0 where the albedo is 0."""
        return boxes.shading(self.view.image.rgb_linear, self.albedo)

    @property
    def roughness(self) -> np.ndarray:
        """(h, w) float32, 0 to 1; 0 where nothing is hit."""
        return self._rendered("roughness")

    @property
    def metallic(self) -> np.ndarray:
        """(h, w) float32, 0 to 1; 0 where nothing is hit."""
        return self._rendered("metallic")

    @property
    def amodal(self) -> np.ndarray:
        """(num_objs, h, w) bool."""
        return self._rendered("amodal")

    @property
    def visible_share(self) -> np.ndarray:
        """(num_objs,) float32, 0 to 1."""
        return boxes.visible_share(self.view.image.instance, self.amodal)

    @property
    def box_2d(self) -> np.ndarray:
        """(num_objs, 4) int32 px."""
        view = self.view
        return boxes.instance_to_boxes(view.image.instance, len(view.record))[1]

    @property
    def box_2d_amodal(self) -> np.ndarray:
        """(num_objs, 4) int32 px."""
        return boxes.masks_to_boxes(self.amodal)

    def _rendered(self, name: str) -> np.ndarray:
        values = getattr(self.view.image, name)
        if values is None:
            raise UserError(
                f"sample {self.view.idx}: its EXR file holds no {name} pass, which "
                "rendering.labels asks for; remove it and render again"
            )
        return values

    # --- coordinates ------------------------------------------------------------------------------

    @functools.cached_property
    def _position_m(self) -> np.ndarray:
        view = self.view
        return world_position(view.image.depth_m, view.intrinsics, view.world_to_camera)

    @property
    def world_position(self) -> np.ndarray:
        """(h, w, 3) float32, m; NaN where nothing is hit."""
        return self._position_m.astype(np.float32)

    @property
    def object_coordinates(self) -> np.ndarray:
        """(h, w, 3) float32, 0 to 1; 0 off objects."""
        view = self.view
        return object_coordinates(self._position_m, view.image.instance, view.record)

    # --- boxes and points -------------------------------------------------------------------------

    @property
    def box_3d_world_m(self) -> np.ndarray:
        """(num_objs, 8, 3) float32."""
        return self._corners_m.astype(np.float32)

    @property
    def box_3d_camera_m(self) -> np.ndarray:
        """(num_objs, 8, 3) float32."""
        return to_camera(self._corners_m, self.view.world_to_camera).astype(np.float32)

    @property
    def box_3d_px(self) -> np.ndarray:
        """(num_objs, 8, 2) float32; NaN behind the camera."""
        return self._to_px(self._corners_m)

    @property
    def keypoint_world_m(self) -> np.ndarray:
        """(num_objs, 15 or more, 3) float32."""
        return self._keypoints_m.astype(np.float32)

    @property
    def keypoint_px(self) -> np.ndarray:
        """(num_objs, 15 or more, 2) float32; NaN behind the camera."""
        return self._to_px(self._keypoints_m)

    @property
    def keypoint_visibility(self) -> np.ndarray:
        """(num_objs, 15 or more) uint8: 0, 1 or 2."""
        view = self.view
        return keypoint_visibility(
            self._keypoints_m, view.intrinsics, view.world_to_camera, view.image.depth_m
        )

    @functools.cached_property
    def _corners_m(self) -> np.ndarray:
        return box_points(self.view.record, BOX_CORNERS)

    @functools.cached_property
    def _keypoints_m(self) -> np.ndarray:
        return keypoint_positions(self.view.record, self._named)

    def _to_px(self, points_m: np.ndarray) -> np.ndarray:
        in_camera = to_camera(points_m, self.view.world_to_camera)
        return project(in_camera, self.view.intrinsics).astype(np.float32)

    # --- flow -------------------------------------------------------------------------------------

    @property
    def flow(self) -> np.ndarray:
        """(h, w, 2) float32 px; NaN where the point is unknown."""
        return self._flow_and_occlusion[0]

    @property
    def occlusion(self) -> np.ndarray:
        """(h, w) bool."""
        return self._flow_and_occlusion[1]

    @property
    def flow_to(self) -> int:
        """Index of the sample of the flow; -1: none."""
        return -1 if self._partner is None else self._partner.idx

    @functools.cached_property
    def _partner(self) -> SampleView | None:
        return self._find_partner()

    @functools.cached_property
    def _flow_and_occlusion(self) -> tuple[np.ndarray, np.ndarray]:
        view, there = self.view, self._partner
        if there is None:
            return no_flow(*view.image.instance.shape)
        moved_m = move_points(
            self._position_m, view.image.instance, view.record, there.record, view.has_ground
        )
        return flow_and_occlusion(
            moved_m, there.intrinsics, there.world_to_camera, there.image.depth_m
        )
