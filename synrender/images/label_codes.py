"""Labels of pixels as whole numbers, which is how the HDF5 files hold them.

16 bits lose less than the error to which each label is proven (see docs/accuracy.md): 0.002 degrees
of a normal, 1/131070 of a box or a color, 1/256 px of flow at 128 px. Masks lose nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from synrender.images.png import decode_png, encode_png

NORMAL_STEPS = 32767
"""Steps from 0 to 1, and the number of 0."""

UNIT_STEPS = 65535
"""Steps from 0 to 1."""

FLOW_ZERO = 32768
"""Number of no motion; 0 stands for NaN."""


@dataclass(frozen=True)
class Code:
    """How the values of one field become whole numbers, and back."""

    encode: Callable[[np.ndarray, int], np.ndarray]  # values, side in px: uint8 or uint16
    decode: Callable[[np.ndarray, int], np.ndarray]
    channels: int  # of a pixel; 1: without such an axis; 0: a mask, likewise
    description: str
    step: Callable[[int], float] | None = None  # by side in px; None: nothing is rounded to steps
    is_per_object: bool = False  # (num_objs, h, w)

    def find_shape(self, side_px: int, num_objs: int) -> tuple[int, ...]:
        """Shape of the numbers of one sample."""
        shape = (side_px, side_px, *([self.channels] if self.channels > 1 else []))
        return (num_objs, *shape) if self.is_per_object else shape

    @property
    def dtype(self) -> type:
        """Type of the whole numbers."""
        return np.uint16 if self.channels else np.uint8


def find_flow_step(side_px: int) -> float:
    """Step of flow in px, a power of 2, so that 16 bits reach twice the side both ways.

    1/128 px for images of 128 px; a rounding of half a step is below 0.1 px up to 2048 px.
    """
    return 2.0 ** (int(np.ceil(np.log2(side_px))) - 14)


def _encode_unit(values: np.ndarray, _: int) -> np.ndarray:
    return np.rint(np.clip(values, 0, 1) * np.float32(UNIT_STEPS)).astype(np.uint16)


def _encode_albedo(albedo: np.ndarray, side_px: int) -> np.ndarray:
    # What is not black stays so: 0 means that nothing is hit, and that there is no shading.
    return np.maximum(_encode_unit(albedo, side_px), (albedo > 0).astype(np.uint16))


def _decode_unit(numbers: np.ndarray, _: int) -> np.ndarray:
    return numbers.astype(np.float32) / np.float32(UNIT_STEPS)


def _encode_normal(normal: np.ndarray, _: int) -> np.ndarray:
    return np.rint((np.clip(normal, -1, 1) + 1) * np.float32(NORMAL_STEPS)).astype(np.uint16)


def _decode_normal(numbers: np.ndarray, _: int) -> np.ndarray:
    return (numbers.astype(np.float32) - NORMAL_STEPS) / np.float32(NORMAL_STEPS)


def _encode_half(values: np.ndarray, _: int) -> np.ndarray:
    largest = np.finfo(np.float16).max
    return np.clip(values, -largest, largest).astype(np.float16).view(np.uint16)


def _decode_half(numbers: np.ndarray, _: int) -> np.ndarray:
    return np.ascontiguousarray(numbers).view(np.float16).astype(np.float32)


def _encode_flow(flow_px: np.ndarray, side_px: int) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        steps = np.rint(flow_px / find_flow_step(side_px))
        fits = (np.abs(steps) < FLOW_ZERO).all(axis=2, keepdims=True)  # NaN does not
    return np.where(fits, steps + FLOW_ZERO, 0).astype(np.uint16)


def _decode_flow(numbers: np.ndarray, side_px: int) -> np.ndarray:
    steps = np.where(numbers == 0, np.float32(np.nan), numbers.astype(np.float32) - FLOW_ZERO)
    return steps * np.float32(find_flow_step(side_px))


def _encode_mask(mask: np.ndarray, _: int) -> np.ndarray:
    return mask.astype(np.uint8)


def _decode_mask(numbers: np.ndarray, _: int) -> np.ndarray:
    return numbers != 0


def _create_unit_code(
    channels: int, description: str, encode: Callable[[np.ndarray, int], np.ndarray] = _encode_unit
) -> Code:
    """Of values from 0 to 1."""
    return Code(encode, _decode_unit, channels, description, lambda _: 1 / UNIT_STEPS)


CODES = {
    "normal": Code(
        _encode_normal,
        _decode_normal,
        3,
        f"x, y, z in camera space (x right, y down, z forward) as number / {NORMAL_STEPS} - 1; "
        f"{NORMAL_STEPS} three times = nothing hit",
        lambda _: 1 / NORMAL_STEPS,
    ),
    "albedo": _create_unit_code(
        3,
        f"scene-linear red, green, blue of the surface without light as number / {UNIT_STEPS}; "
        "0 three times = nothing hit",
        _encode_albedo,
    ),
    "shading": Code(
        _encode_half,
        _decode_half,
        3,
        "scene-linear image / albedo: the bits of 16-bit floats (relative step 1/2048); 0 where "
        "the albedo is 0",
    ),
    "roughness": _create_unit_code(
        1, f"how rough the surface is, 0 to 1, as number / {UNIT_STEPS}; 0 also = nothing hit"
    ),
    "metallic": _create_unit_code(
        1, f"whether the surface is metal, 0 to 1, as number / {UNIT_STEPS}; 0 also = nothing hit"
    ),
    "amodal": Code(
        _encode_mask,
        _decode_mask,
        0,
        "1 = the object would be seen here if it stood alone",
        is_per_object=True,
    ),
    "object_coordinates": _create_unit_code(
        3,
        f"x, y, z in the model's box as number / {UNIT_STEPS}: (point in the OBJ file - center of "
        "the box) / diagonal + 0.5; 0 three times = no object",
    ),
    "flow": Code(
        _encode_flow,
        _decode_flow,
        2,
        "x, y in px to where the point is in the sample flow_to, as (number - "
        f"{FLOW_ZERO}) * step; 0 twice = it has no place there, or one beyond the numbers",
        find_flow_step,
    ),
    "occlusion": Code(
        _encode_mask, _decode_mask, 0, "1 = the sample flow_to does not see this point"
    ),
}
"""By field. `world_position` needs none: it follows from depth and the camera."""


def numbers_to_png(numbers: np.ndarray) -> bytes:
    """PNG file of a field's numbers.

    Args:
        numbers: (h, w, 2 or 3) or (h, w) uint16; or (h, w) or (n, h, w) uint8 masks.

    Returns:
        16-bit RGB, blue being 0 where there are two channels; 16-bit gray; or 8-bit gray, n masks
        one below the other.
    """
    if numbers.ndim == 3 and numbers.dtype == np.uint16:
        blank = np.zeros((*numbers.shape[:2], 3 - numbers.shape[2]), np.uint16)
        return encode_png(np.concatenate([numbers, blank], axis=2))
    return encode_png(numbers.reshape(-1, numbers.shape[-1]))


def png_to_numbers(png: bytes, code: Code, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers of a field from its PNG file; the inverse of `numbers_to_png`.

    Args:
        png: of `numbers_to_png`.
        code: of the field.
        shape: of the numbers, see `Code.find_shape`.

    Raises:
        ValueError: the PNG is damaged, or of another size or kind.
    """
    if code.channels > 1:
        return decode_png(png, (*shape[:2], 3), code.dtype)[:, :, : code.channels]
    return decode_png(png, (math.prod(shape[:-1]), shape[-1]), code.dtype).reshape(shape)
