"""Materials as models' files describe them: plain values, whatever the format.

A material is a base color, which light does not change, and how it reflects. All colors are
scene-linear. What a file does not say is white, opaque, not metallic, and of the usual roughness.
"""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass, field

import numpy as np

from synrender.assets.model_file import ModelFile
from synrender.errors import shorten, to_line

USUAL_ROUGHNESS = 0.5
"""Of materials that do not say theirs."""

MAX_MATERIALS = 4096
"""Of a model. The scanned and modeled sets have at most a few hundred."""

MAX_IMAGES = 256
"""Of a model."""

MAX_UV_SETS = 4
"""Places in textures that a corner has; glTF asks for two."""

_MAX_PROBLEMS = 3
"""Named in one reason."""

Color = tuple[float, float, float]


class WrapMode(enum.Enum):
    """How a texture goes on beyond its edges."""

    REPEAT = "repeat"
    CLAMP = "clamp"  # the texels at its edge go on
    MIRROR = "mirror"


class AlphaMode(enum.Enum):
    """What the alpha of a material means."""

    OPAQUE = "opaque"  # nothing
    MASK = "mask"  # the surface is there where alpha is at least the cutoff, and else it is not
    BLEND = "blend"  # it is there, and lets so much of what is behind it through


@dataclass(frozen=True)
class OwnImage:
    """An image that a model brings; nobody has looked at its content."""

    name: str  # for messages
    content: ModelFile | bytes = field(repr=False)


@dataclass(frozen=True)
class Texture:
    """An image, and how it lies on the surface."""

    image: int  # place among the model's images
    uv_set: int = 0  # which places of the corners it uses
    transform: tuple[float, ...] | None = None
    """(6,) a, b, c, d, e, f: the place (u, v) becomes (a u + b v + c, d u + e v + f)."""
    wraps: tuple[WrapMode, WrapMode] = (WrapMode.REPEAT, WrapMode.REPEAT)  # along u and v
    is_nearest: bool = False  # the nearest texel, instead of the mean of four


@dataclass(frozen=True)
class OwnMaterial:
    """A material that a model brings.

    The base color is ``color``, times the texture, times the colors of the vertices; so is alpha.
    Images of colors are sRGB and made linear after the mean of texels is taken; alpha and all other
    values are taken as they are.
    """

    color: Color = (1.0, 1.0, 1.0)
    color_texture: Texture | None = None
    alpha: float = 1.0
    alpha_texture: Texture | None = None
    is_alpha_gray: bool = False  # alpha is the gray of its texture, if that has no alpha
    alpha_mode: AlphaMode = AlphaMode.OPAQUE
    cutoff: float = 0.5  # of `AlphaMode.MASK`
    metallic: float = 0.0
    roughness: float = USUAL_ROUGHNESS
    metallic_texture: Texture | None = None  # blue: times metallic; green: times roughness
    normal_texture: Texture | None = None  # tangent space, green upwards
    normal_scale: float = 1.0
    emission: Color = (0.0, 0.0, 0.0)  # may be more than 1
    emission_texture: Texture | None = None
    is_unlit: bool = False  # it shows its base color, whatever the light

    @property
    def textures(self) -> tuple[Texture, ...]:
        """All that it has."""
        values = (getattr(self, f.name) for f in dataclasses.fields(self))
        return tuple(value for value in values if isinstance(value, Texture))


PLAIN = OwnMaterial()
"""What faces show of which the file says nothing."""


@dataclass(frozen=True)
class Look:
    """What a file says about the colors of its faces."""

    face_materials: np.ndarray  # (f,) int32, place among the materials
    materials: tuple[OwnMaterial, ...] = (PLAIN,)
    images: tuple[OwnImage, ...] = ()
    uv_sets: tuple[np.ndarray, ...] = ()  # each (c, 2) float32, v upwards; 0 where there is none
    colors: np.ndarray | None = None  # (c, 4) float32, scene-linear RGB and alpha; None: all 1
    problems: tuple[str, ...] = ()  # what cannot be shown, in words

    def select(self, corners: np.ndarray, faces: np.ndarray) -> Look:
        """The look of some corners and faces, in the order of these indexes or masks."""
        return dataclasses.replace(
            self,
            face_materials=self.face_materials[faces],
            uv_sets=tuple(uv[corners] for uv in self.uv_sets),
            colors=None if self.colors is None else self.colors[corners],
        )


def describe_problems(problems: tuple[str, ...]) -> str:
    """One line about what of a look cannot be shown; "" if all can."""
    shown = list(dict.fromkeys(problems))
    more = f"; and {len(shown) - _MAX_PROBLEMS} more" if len(shown) > _MAX_PROBLEMS else ""
    return to_line("; ".join(shown[:_MAX_PROBLEMS])) + more


class ImageList:
    """Images of a model, each once."""

    def __init__(self) -> None:
        self._places: dict[object, int] = {}
        self.images: list[OwnImage] = []

    def add(self, image: OwnImage, key: object) -> int:
        """Place of an image; one of the same key is the same image.

        Raises:
            ValueError: there are too many.
        """
        if key not in self._places:
            if len(self.images) == MAX_IMAGES:
                raise ValueError(f"{shorten(image.name)!r}: more than {MAX_IMAGES} images")
            self._places[key] = len(self.images)
            self.images.append(image)
        return self._places[key]
