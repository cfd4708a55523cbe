"""Colors of a texture where rays hit it, as Cycles looks them up, without its code."""

from __future__ import annotations

import enum
import io
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import OpenEXR
from kornia_rs.io import decode_image_png_u16
from PIL import Image

from synrender.images.image_files import EXR_MAGIC, PNG_SIGNATURE
from synrender.system.files import read_small_file

_MAX_BYTES = 1 << 28
_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK")
"""Kinds of images, as Pillow calls them, that are turned into RGB as the renderer turns them."""
_ALPHA_MODES = ("LA", "PA", "RGBA")
MAX_FLAT_STEP = 16
"""Levels of 255 by which the four texels around a place may differ where a texture is flat."""


class Wrap(enum.Enum):
    """How an image goes on beyond its edges."""

    REPEAT = "repeat"
    MIRROR = "mirror"
    CLAMP = "clamp"


REPEATED = (Wrap.REPEAT, Wrap.REPEAT)


@dataclass(frozen=True)
class TextureColors:
    """At r places."""

    linear: np.ndarray  # (r, 3) scene-linear RGB
    alpha: np.ndarray  # (r,); 1 where the texture has none
    contrast: np.ndarray  # (r,) largest difference of the four texels around it, sRGB, 0 to 1
    alpha_contrast: np.ndarray  # (r,) of their alpha

    @property
    def is_flat(self) -> np.ndarray:
        """(r,) bool: the texels around it are almost alike."""
        return 255 * self.contrast <= MAX_FLAT_STEP


def read_texture(path: Path) -> np.ndarray | None:
    """Colors of an image file, whatever its alpha; None if its kind is rare and not judged.

    Returns:
        (h, w, 3), top row first: uint8 or uint16 sRGB, or float32 scene-linear of an EXR file.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    data = read_small_file(path, _MAX_BYTES)
    if data.startswith(EXR_MAGIC):
        return _read_exr(path)
    try:
        texture = decode_texture(data)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    return None if texture is None else texture[:, :, :3]


def decode_texture(data: bytes) -> np.ndarray | None:
    """Colors and alpha of the content of an image file; None if its kind is rare and not judged.

    Returns:
        (h, w, 4), top row first, uint8 or uint16: sRGB and alpha, which is not multiplied in.

    Raises:
        OSError, ValueError: it cannot be decoded.
    """
    if data.startswith(PNG_SIGNATURE) and data[24:25] == b"\x10":
        return _decode_deep_png(data)
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.mode not in _MODES:
                return None
            has_alpha = image.mode in _ALPHA_MODES or "transparency" in image.info
            return np.asarray((image if has_alpha else image.convert("RGB")).convert("RGBA"))
    except (SyntaxError, Image.DecompressionBombError) as error:  # of Pillow
        raise ValueError(str(error)) from None


def _decode_deep_png(data: bytes) -> np.ndarray | None:
    """Values of a PNG of 16 bits, (h, w, 4) uint16."""
    mode = {0: "mono", 2: "rgb", 6: "rgba"}.get(data[25])  # by color type
    if mode is None:
        return None
    width, height = struct.unpack_from(">II", data, 16)
    try:
        values = decode_image_png_u16(data, (height, width), mode)
    except Exception as error:  # kornia_rs raises nothing narrower
        raise ValueError(str(error)) from None
    texture = np.full((height, width, 4), 65535, np.uint16)
    texture[:, :, : 4 if mode == "rgba" else 3] = values
    return texture


def _read_exr(path: Path) -> np.ndarray | None:
    """Values of an EXR file of one part that names its channels R, G and B, or Y."""
    try:
        parts = OpenEXR.File(str(path), separate_channels=True).parts
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None
    data, display = (np.array(parts[0].header.get(f"{of}Window", 0)) for of in ("data", "display"))
    channels = {name: channel.pixels for name, channel in parts[0].channels.items()}
    names = "RGB" if "R" in channels else "YYY"
    found = [channels[name] for name in names if name in channels]
    is_plain = len(parts) == 1 and set(channels) <= {*names, "A"} and np.array_equal(data, display)
    if not is_plain or len(found) < 3 or any(pixels.dtype.kind != "f" for pixels in found):
        return None
    return np.stack(found, axis=2, dtype=np.float32)


def look_up(
    texture: np.ndarray,
    uv: np.ndarray,
    wraps: tuple[Wrap, Wrap] = REPEATED,
    is_nearest: bool = False,
) -> TextureColors:
    """Bilinear mean of the four texels around each place, or the nearest one.

    Args:
        texture: (h, w, 3 or 4) as `read_texture` and `decode_texture` return it; sRGB values are
            made linear after they are mixed.
        uv: (r, 2); (0, 0) is the texture's lower left corner.
        wraps: how it goes on along u and v.
        is_nearest: whether to take the nearest texel.
    """
    height, width, depth = texture.shape
    is_linear = texture.dtype.kind == "f"
    white = 1 if is_linear else np.iinfo(texture.dtype).max
    x, y = uv[:, 0] * width - 0.5, (1 - uv[:, 1]) * height - 0.5
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    right_share, lower_share = x - left, y - top
    if is_nearest:
        right_share, lower_share = (np.where(s < 0.5, 0.0, 1.0) for s in (right_share, lower_share))
    texels, alphas, mean = [], [], np.zeros((len(uv), depth))
    for dy, share_y in ((0, 1 - lower_share), (1, lower_share)):
        row = _wrap(top + dy, height, wraps[1])
        for dx, share_x in ((0, 1 - right_share), (1, right_share)):
            texel = texture[row, _wrap(left + dx, width, wraps[0])] / white
            mean += texel * (share_x * share_y)[:, None]
            colors = texel[:, :3]
            texels.append(linear_to_srgb(colors) if is_linear else colors)
            alphas.append(texel[:, 3] if depth > 3 else np.ones(len(uv)))
    return TextureColors(
        mean[:, :3] if is_linear else srgb_to_linear(mean[:, :3]),
        mean[:, 3] if depth > 3 else np.ones(len(uv)),
        np.ptp(texels, axis=0).max(axis=1),
        np.ptp(alphas, axis=0),
    )


def _wrap(idxs: np.ndarray, num: int, wrap: Wrap) -> np.ndarray:
    """Rows or columns of a texture, 0 to ``num`` - 1, for those of a plane that it fills."""
    match wrap:
        case Wrap.REPEAT:
            return idxs % num
        case Wrap.CLAMP:
            return np.clip(idxs, 0, num - 1)
    folded = idxs % (2 * num)
    return np.minimum(folded, 2 * num - 1 - folded)


def srgb_to_linear(srgb: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1, 0 to 1."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(linear: np.ndarray) -> np.ndarray:
    """The inverse, not rounded; below 0 and above 1 are clipped."""
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
