"""Reads the multilayer EXR of a sample, written by any Blender from 3.4 to 5.x."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synrender.errors import UserError
from synrender.images.conversions import FARTHEST_M, linear_to_rgba8, linear_to_srgb8
from synrender.images.image_files import find_damage, read_image
from synrender.images.scanline_exr import decode_channels
from synrender.settings.groups import BACKDROP_PASS_INDEX

# Last parts of a channel's name, after the view layer's. Blender 5 renamed passes and channels.
_CHANNEL_NAMES = {
    "red": ("Combined.R",),
    "green": ("Combined.G",),
    "blue": ("Combined.B",),
    "instance": ("IndexOB.X", "Object Index.X"),
    "material": ("IndexMA.X", "Material Index.X"),
    "depth": ("Depth.Z", "Depth.V"),
}


MAX_INDEX = 32_767
"""Largest index of an object or material in Blender."""


@dataclass(frozen=True)
class ExrImage:
    """The passes of a sample, all of height h and width w, top row first."""

    rgb_linear: np.ndarray  # (h, w, 3) float32, scene-linear, 0 to any brightness
    instance: np.ndarray  # (h, w) int32, from 1; 0 = backdrop or nothing
    class_label: np.ndarray  # (h, w) int32, class id + 1; 0 = backdrop or nothing
    depth_m: np.ndarray  # (h, w) float32 along the viewing axis; inf = nothing hit
    alpha: np.ndarray | None = None  # (h, w) float32; None: 1. Colors are multiplied by it.
    # None where `rendering.labels` did not ask for it; 0 where nothing is hit:
    normal: np.ndarray | None = None  # (h, w, 3) float32, unit, camera space
    albedo: np.ndarray | None = None  # (h, w, 3) float32, scene-linear
    roughness: np.ndarray | None = None  # (h, w) float32, 0 to 1
    metallic: np.ndarray | None = None  # likewise
    amodal: np.ndarray | None = None  # (num_objs, h, w) bool, in the order of instances

    @property
    def image8(self) -> np.ndarray:
        """8-bit sRGB, (h, w, 3) uint8; with alpha (h, w, 4), colors not multiplied by it."""
        if self.alpha is None:
            return linear_to_srgb8(self.rgb_linear)
        return linear_to_rgba8(self.rgb_linear, self.alpha)


def read_exr(path: Path, side_px: int | None = None) -> ExrImage:
    """Reads a sample's image and label passes.

    Args:
        path: of the file.
        side_px: side that the square image must have; None: any.

    Raises:
        UserError: the file is missing, damaged, of another size, or lacks a pass.
    """
    try:
        data = read_image(path, side_px)
        if damage := find_damage(data):
            raise ValueError(damage)
        _, channels = decode_channels(data)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(
            f"{path}: {reason}; remove it and render again: only missing samples are rendered"
        ) from None
    pixels = {what: _require_channel(path, channels, what) for what in _CHANNEL_NAMES}
    if len({p.shape for p in pixels.values()}) > 1:
        raise UserError(f"{path}: its passes differ in size; render it again")

    for what in ("instance", "material"):
        if not (pixels[what].min() >= 0 and pixels[what].max() <= MAX_INDEX):  # or not a number
            raise UserError(f"{path}: its {what} pass holds what is no index; render it again")
    instance = np.rint(pixels["instance"]).astype(np.int32)
    material = np.rint(pixels["material"]).astype(np.int32)
    # Where a ray hits nothing, the material index is 0, which is also the first class's index.
    is_object = (instance > 0) & (material != BACKDROP_PASS_INDEX)
    depth_m, alpha = pixels["depth"].astype(np.float32), _find_channel(channels, "Combined.A")
    roughness, metallic = (_find_channel(channels, f"{n}.V") for n in ("Roughness", "Metallic"))
    return ExrImage(
        rgb_linear=np.stack([pixels[c] for c in ("red", "green", "blue")], axis=2, dtype="f4"),
        instance=instance,
        class_label=np.where(is_object, material + 1, 0),
        depth_m=np.where(depth_m < FARTHEST_M, depth_m, np.float32(np.inf)),
        alpha=None if alpha is None or alpha.min() >= OPAQUE else alpha.astype(np.float32),
        normal=_find_vectors(channels, "Normal", "XYZ"),
        albedo=_find_vectors(channels, "Albedo", "RGB"),
        roughness=None if roughness is None else roughness.astype(np.float32),
        metallic=None if metallic is None else metallic.astype(np.float32),
        amodal=_find_amodal(channels),
    )


OPAQUE = 0.999
"""Alpha of a pixel through which nothing is seen; an average of many samples may be rounded."""


def _find_vectors(
    channels: dict[str, np.ndarray], label: str, components: str
) -> np.ndarray | None:
    found = [_find_channel(channels, f"{label}.{component}") for component in components]
    known = [pixels for pixels in found if pixels is not None]
    return np.stack(known, axis=2, dtype="f4") if len(known) == len(components) else None


def _find_amodal(channels: dict[str, np.ndarray]) -> np.ndarray | None:
    masks = {
        int(name.rpartition(".")[2]): pixels > 0.5
        for name, pixels in channels.items()
        if ".Amodal." in name
    }
    return np.stack([masks[k] for k in sorted(masks)]) if masks else None


def _find_channel(channels: dict[str, np.ndarray], *ends: str) -> np.ndarray | None:
    """The first channel whose name is one of these, after the view layer's."""
    suffixes = tuple(f".{end}" for end in ends)
    return next((p for name, p in channels.items() if name.endswith(suffixes)), None)


def _require_channel(path: Path, channels: dict[str, np.ndarray], what: str) -> np.ndarray:
    pixels = _find_channel(channels, *_CHANNEL_NAMES[what])
    if pixels is not None:
        return pixels
    raise UserError(
        f"{path}: no {what} pass among its channels ({', '.join(channels)}); it must be rendered "
        "with rendering.render_exr = True and Cycles"
    )
