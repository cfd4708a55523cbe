"""Scenes of boxes, ellipsoids and a backdrop, whose labels follow from formulas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from synrender.dataset.record import create_records
from synrender.labels.derive import SampleView

INTRINSICS = np.array([[180.0, 0, 64], [0, 180, 64], [0, 0, 1]])
AT_ORIGIN = np.eye(4)  # looks along +Z with Y down
SIZE_PX = 128


def turn(x: float, y: float, z: float) -> np.ndarray:
    """Rotation matrix (3, 3) of XYZ Euler angles, rad."""
    (cx, cy, cz), (sx, sy, sz) = np.cos((x, y, z)), np.sin((x, y, z))
    rot_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    rot_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    return np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]]) @ rot_y @ rot_x


@dataclass(frozen=True)
class Solid:
    """A box or an ellipsoid of half axes `half` in model units, around `center` in its OBJ file."""

    kind: str  # "box" or "ellipsoid"
    location: Sequence[float]
    scale: Sequence[float] = (0.3, 0.3, 0.3)
    rot_mat: np.ndarray = field(default_factory=lambda: np.eye(3))
    half: Sequence[float] = (0.5, 0.5, 0.5)
    center: Sequence[float] = (0.0, 0.0, 0.0)
    model: str = "m"

    @property
    def linear(self) -> np.ndarray:
        """Model units to m, (3, 3)."""
        return self.rot_mat * np.array(self.scale)

    def hit(self, origin: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """Smallest positive t of origin + t direction on the surface, (n,); inf: none."""
        inverse = np.linalg.inv(self.linear)
        start = inverse @ (origin - np.array(self.location)) / np.array(self.half)
        along = directions @ inverse.T / np.array(self.half)
        if self.kind == "box":
            with np.errstate(divide="ignore", invalid="ignore"):
                ends = np.stack([(-1 - start) / along, (1 - start) / along])
            near, far = ends.min(axis=0).max(axis=1), ends.max(axis=0).min(axis=1)
        else:
            a, b, c = (along**2).sum(axis=1), along @ start, start @ start - 1
            root = np.sqrt(np.where(b**2 >= a * c, b**2 - a * c, np.nan))
            near, far = (-b - root) / a, (-b + root) / a
        with np.errstate(invalid="ignore"):
            return np.where((near <= far) & (near > 0), near, np.inf)


@dataclass(frozen=True)
class Scene:
    """Solids before a backdrop in the plane z = `backdrop_m` of the world."""

    solids: Sequence[Solid]
    world_to_camera: np.ndarray = field(default_factory=lambda: AT_ORIGIN)
    intrinsics: np.ndarray = field(default_factory=lambda: INTRINSICS)
    backdrop_m: float = 3.0  # inf: none
    idx: int = 0
    group: int = 0

    def cast(self, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """First hit of rays from the camera towards world points (n, 3).

        Returns:
            t (n,), 1 at the target, and the instance (n,), from 1; 0 = backdrop or nothing.
        """
        rot_mat = self.world_to_camera[:3, :3]
        origin = -rot_mat.T @ self.world_to_camera[:3, 3]
        directions = targets - origin
        with np.errstate(divide="ignore"):
            backdrop = (self.backdrop_m - origin[2]) / directions[:, 2]
        ts = [np.where(backdrop > 0, backdrop, np.inf)]
        ts += [solid.hit(origin, directions) for solid in self.solids]
        return np.min(ts, axis=0), np.argmin(ts, axis=0)

    def record(self) -> np.ndarray:
        """Record as the program writes it."""
        record = create_records((len(self.solids),))
        for k, solid in enumerate(self.solids):
            record["bbox"][k] = [-np.array(solid.half), solid.half]
            record["location"][k], record["scale"][k] = solid.location, solid.scale
            record["rot_mat"][k] = solid.rot_mat
            matrix = np.eye(4)
            matrix[:3, :3] = solid.linear
            matrix[:3, 3] = np.array(solid.location) - solid.linear @ np.array(solid.center)
            record["obj_to_world"][k] = matrix
            record["model_id"][k], record["synset_id"][k] = solid.model, "s"
            record["instance"][k] = k + 1
        record["sample_idx"], record["group"] = self.idx, self.group
        record["world_to_camera"], record["intrinsics"] = self.world_to_camera, self.intrinsics
        return record

    def view(self) -> SampleView:
        """The sample as its files would show it; passes are taken at the pixels' centers."""
        image = self.image()
        return SampleView(self.record(), (np.eye(3), np.eye(4)), lambda: image)

    def image(self) -> Any:
        """Passes as in `ExrImage`."""
        xs, ys = np.meshgrid(np.arange(SIZE_PX) + 0.5, np.arange(SIZE_PX) + 0.5)
        pixels = np.stack([xs, ys, np.ones_like(xs)], axis=2).reshape(-1, 3)
        in_camera = pixels @ np.linalg.inv(self.intrinsics).T  # at depth 1
        targets = (in_camera - self.world_to_camera[:3, 3]) @ self.world_to_camera[:3, :3]
        t, instance = self.cast(targets)
        shape = (SIZE_PX, SIZE_PX)
        amodal = []
        for k in range(len(self.solids)):
            alone = Scene([self.solids[k]], self.world_to_camera, backdrop_m=np.inf)
            amodal.append((alone.cast(targets)[1] == 1).reshape(shape))
        return SimpleNamespace(
            depth_m=t.reshape(shape).astype(np.float32),
            instance=instance.reshape(shape).astype(np.int32),
            amodal=np.array(amodal),
            rgb_linear=np.full((*shape, 3), 0.25, np.float32),
            albedo=np.full((*shape, 3), 0.5, np.float32),
            roughness=np.full(shape, 0.5, np.float32),
            metallic=np.zeros(shape, np.float32),
            normal=None,
        )
