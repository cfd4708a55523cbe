"""Conversion between colour spaces, for whole images."""

from __future__ import annotations

import numpy as np

_SRGB8 = np.arange(256) / 255
_SRGB8_TO_LINEAR = np.where(
    _SRGB8 <= 0.04045, _SRGB8 / 12.92, ((_SRGB8 + 0.055) / 1.055) ** 2.4
).astype(np.float32)
"""Linear value of each 8-bit sRGB value, IEC 61966-2-1."""

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


def srgb8_to_lab(planes: np.ndarray) -> np.ndarray:
    """8-bit sRGB to CIE L*a*b* (D65, 2 degrees) in single precision.

    Several times as fast as `skimage.color.rgb2lab`; tests/images/test_color.py checks that the
    values agree.

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
