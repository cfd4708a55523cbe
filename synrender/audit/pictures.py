"""Findings about pictures: faults of a whole picture, and where it shows its objects.

A picture without label passes still shows where its objects are: its color changes more across an
object's outline than elsewhere. So the outline that the rays see is laid over the picture, where it
should be and at all shifts around; the change of color across it has to be largest where it should
be. Textures have edges too, but none that follow the outline.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from synrender.images.image_files import read_image

# --- outlines -------------------------------------------------------------------------------------


MAX_SHIFT_PX = 6
"""Largest shift of the outline that is tried, in x and in y."""

MAX_ERROR_PX = 1
"""Largest shift of a right outline: shifts are whole pixels, and the picture is filtered."""

MIN_OUTLINE_PX = 24
"""Shorter outlines are not judged."""

MIN_RANK = 0.75
"""Lowest rank of an outline that is found; those in random places have any rank."""

_MAX_STEP = 60
"""Larger changes of an 8-bit value count as this one, so that one bright edge does not decide."""


@dataclass(frozen=True)
class OutlineFindings:
    """Findings about one sample."""

    is_hidden: bool  # no ray hits an object, and some object's center is outside the frame
    length_px: int  # of the outline: pairs of neighboring pixels that it runs between
    shift_px: tuple[int, int]  # (x, y) at which the picture changes most along the outline
    rank: float  # share of shifts where it changes less than where the outline should be

    @property
    def is_measured(self) -> bool:
        """Whether the outline is long enough to be judged."""
        return self.length_px >= MIN_OUTLINE_PX

    @property
    def is_misplaced(self) -> bool:
        """Whether the picture changes most farther away than a right outline is found."""
        return not _is_near(self.shift_px)

    @property
    def is_lost(self) -> bool:
        """Whether it changes more at so many shifts that the place may be any."""
        return self.rank < MIN_RANK


def find_outline(
    rgb8: np.ndarray, instance: np.ndarray, are_centers_inside: bool = True
) -> OutlineFindings:
    """Looks for the objects' outlines around where they should be.

    It takes a picture (h, w, 3) uint8, and the instances (h, w) that rays hit, 0 = backdrop. If
    the centers of all objects are inside the frame, rays miss them all only if they are smaller
    than the distance of two rays.
    """
    reach = range(-MAX_SHIFT_PX, MAX_SHIFT_PX + 1)
    pairs = []  # changes between neighbors along an axis, and where the outline runs between two
    for axis in (0, 1):
        change = np.abs(np.diff(rgb8.astype(np.int16), axis=axis)).max(axis=2)
        change = np.pad(np.minimum(change, _MAX_STEP), MAX_SHIFT_PX, mode="edge")
        pairs.append((change, np.nonzero(np.diff(instance, axis=axis))))
    length = sum(len(ys) for _, (ys, _) in pairs)
    contrasts = {
        (dx, dy): sum(
            int(change[ys + MAX_SHIFT_PX + dy, xs + MAX_SHIFT_PX + dx].sum())
            for change, (ys, xs) in pairs
        )
        / max(length, 1)
        for dy in reach
        for dx in reach
    }
    # Among equal contrasts the smallest shift.
    shift = max(contrasts, key=lambda s: (contrasts[s], -abs(s[0]) - abs(s[1])))
    there = max(c for s, c in contrasts.items() if _is_near(s))
    elsewhere = np.array([c for s, c in contrasts.items() if not _is_near(s)])
    return OutlineFindings(
        not (are_centers_inside or instance.any()), length, shift, float((elsewhere < there).mean())
    )


def _is_near(shift_px: tuple[int, int]) -> bool:
    return max(map(abs, shift_px)) <= MAX_ERROR_PX


# --- whole pictures -------------------------------------------------------------------------------


@dataclass(frozen=True)
class PictureFindings:
    """Findings about one sample."""

    is_usual: bool  # something is seen, whose brightness no exposure and no environment decides

    spread: float  # standard deviation of the gray value, 8-bit steps
    clipped_share: float  # of pixels, white or black in all channels
    magenta_share: float  # of pixels in the hue and saturation of a missing texture
    num_not_finite: int  # values of an EXR
    digest: str  # equal for equal pixels


def examine_picture(
    rgb8: np.ndarray,
    num_not_finite: int = 0,
    is_usual: bool = True,
    is_seen: np.ndarray | None = None,
) -> PictureFindings:
    """Examines a picture (h, w, 3) uint8 sRGB, which is seen at (h, w) bool; None: everywhere."""
    rgb = rgb8.astype(np.int16)
    is_seen = np.ones(rgb.shape[:2], bool) if is_seen is None else is_seen
    is_clipped = (rgb == 255).all(axis=2) | (rgb == 0).all(axis=2)
    red, green, blue = np.moveaxis(rgb, 2, 0)
    # Blender paints a missing image as red = blue = 1, green = 0. Shading makes that darker, and
    # gloss adds a little green; purple textures have more green.
    weaker = np.minimum(red, blue)
    is_magenta = (weaker >= 64) & (green * 6 <= weaker) & (np.abs(red - blue) * 16 <= weaker)
    return PictureFindings(
        is_usual=is_usual,
        spread=float(rgb.mean(axis=2).std()),
        clipped_share=float(is_clipped[is_seen].mean()) if np.any(is_seen) else 0.0,
        magenta_share=float(is_magenta.mean()),
        num_not_finite=num_not_finite,
        digest=hashlib.sha256(rgb8.tobytes() + repr(rgb8.shape).encode()).hexdigest(),
    )


def read_picture(path: Path, side: int) -> np.ndarray:
    """Pixels of an image file; one of another size is refused before they take memory.

    Raises:
        OSError, ValueError, SyntaxError: it cannot be read; the last one comes from Pillow.
    """
    try:
        with Image.open(io.BytesIO(read_image(path, side))) as image:
            if image.size != (side, side):
                raise ValueError(f"{image.width} x {image.height} px, must be {side} x {side} px")
            return np.asarray(image)
    except Image.DecompressionBombError as error:
        raise ValueError(str(error)) from None
