"""Conversions of pixel values: colors, and depth in the 16 bits that the HDF5 files hold."""

from __future__ import annotations

import numpy as np


def srgb_to_linear(values: np.ndarray) -> np.ndarray:
    """Scene-linear values of sRGB, both 0 to 1, float64. Source: IEC 61966-2-1."""
    values = np.asarray(values, np.float64)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


_SRGB8_TO_LINEAR = srgb_to_linear(np.arange(256) / 255).astype(np.float32)
"""Of each 8-bit value."""

# Linear RGB of sRGB's primaries to XYZ, and the white of D65 for the 2 degree observer, as in
# scikit-image; together: XYZ relative to white.
_RGB_TO_XYZ = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
)
_WHITE_D65 = np.array([0.95047, 1.0, 1.08883])
_RGB_TO_RELATIVE_XYZ = (_RGB_TO_XYZ / _WHITE_D65[:, None]).astype(np.float32)


def linear_to_srgb8(linear: np.ndarray) -> np.ndarray:
    """Scene-linear values of any shape to 8-bit sRGB by IEC 61966-2-1, clipped and rounded.

    Returns:
        uint8 of the same shape.
    """
    linear = np.clip(linear, 0, 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(255 * srgb).astype(np.uint8)


def linear_to_rgba8(premultiplied: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Scene-linear colors times alpha (..., 3), and alpha (...), 0 to 1, as 8-bit sRGB and alpha.

    Returns:
        (..., 4) uint8; the colors are not multiplied by alpha.
    """
    alpha = np.clip(alpha, 0, 1)[..., None]
    straight = linear_to_srgb8(premultiplied / np.where(alpha > 0, alpha, 1))
    return np.concatenate([straight, np.rint(255 * alpha).astype(np.uint8)], axis=-1)


def over_white(image: np.ndarray) -> np.ndarray:
    """An 8-bit sRGB image as it looks before white: light of both is added in linear light.

    Args:
        image: (..., 4) uint8 with alpha, of which colors are not multiplied by alpha, or (..., 3).

    Returns:
        (..., 3) uint8; the image itself where it has no alpha.
    """
    if image.shape[-1] == 3:
        return image
    alpha = image[..., 3:].astype(np.float32) / 255
    return linear_to_srgb8(_SRGB8_TO_LINEAR[image[..., :3]] * alpha + (1 - alpha))


def find_alpha(image: np.ndarray) -> np.ndarray:
    """Alpha (...) of an 8-bit image (..., 3 or 4); 255 where it has none."""
    return image[..., 3] if image.shape[-1] == 4 else np.full(image.shape[:-1], 255, np.uint8)


def srgb8_to_lab(planes: np.ndarray) -> np.ndarray:
    """8-bit sRGB to CIE L*a*b* (D65, 2 degrees) in single precision.

    Several times as fast as `skimage.color.rgb2lab`; tests/images/test_conversions.py checks that
    the values agree.

    Args:
        planes: (3, ...) uint8: red, green, blue.

    Returns:
        (3, ...) float32: L* 0 to 100, a* and b* about -110 to 100.
    """
    # All steps work in place: allocating new arrays would take four times as long as computing.
    linear = np.take(_SRGB8_TO_LINEAR, planes)
    # Not `@`, which would start extra threads in each of our processes.
    xyz = np.einsum("ij,j...->i...", _RGB_TO_RELATIVE_XYZ, linear)
    f = np.cbrt(xyz, out=linear)
    is_dark = xyz <= np.float32(0.008856)
    xyz *= np.float32(7.787)
    xyz += np.float32(16 / 116)
    np.copyto(f, xyz, where=is_dark)
    lab = xyz
    np.multiply(f[1], 116, out=lab[0])
    lab[0] -= 16
    np.subtract(f[0], f[1], out=lab[1])
    lab[1] *= 500
    np.subtract(f[1], f[2], out=lab[2])
    lab[2] *= 200
    return lab


DEPTH_STEPS_PER_M = 10_000
"""0.1 mm a step."""

FARTHEST_M = 1e9
"""Blender's depth is 1e10 (in half floats: infinity) where a ray hits nothing."""

DEPTH_BEYOND = 65535
"""Where nothing was hit, or farther than 6.5534 m away."""


def depth_to_16_bit(depth_m: np.ndarray) -> np.ndarray:
    """Depth in m to uint16 steps of 0.1 mm, rounded; `DEPTH_BEYOND` where it does not fit."""
    steps = np.rint(np.minimum(depth_m.astype(np.float64) * DEPTH_STEPS_PER_M, DEPTH_BEYOND))
    return steps.astype(np.uint16)


def depth_to_m(steps: np.ndarray, nothing_hit: float) -> np.ndarray:
    """Steps of 0.1 mm to depth in m; the inverse of `depth_to_16_bit`.

    Args:
        steps: uint16 of any shape.
        nothing_hit: value for `DEPTH_BEYOND`, such as NaN or 0.

    Returns:
        float32 of the same shape, m.
    """
    depth_m = steps.astype(np.float32) / np.float32(DEPTH_STEPS_PER_M)
    depth_m[steps == DEPTH_BEYOND] = nothing_hit
    return depth_m
