"""Reads the materials and images of a glTF file: metallic-roughness, with some extensions.

Read are ``KHR_texture_transform``, ``KHR_materials_unlit``, ``KHR_materials_emissive_strength``,
``EXT_texture_webp``, and the color of ``KHR_materials_pbrSpecularGlossiness``. All surfaces are
seen from both sides, whatever ``doubleSided`` says, and occlusion is left to the renderer. What
cannot be read is left out and told: a material is white then, or a texture is not shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from synrender.assets.gltf_document import (
    Document,
    Json,
    decode_data,
    integer,
    list_of,
    member,
    to_file_name,
)
from synrender.assets.material import (
    MAX_MATERIALS,
    MAX_UV_SETS,
    PLAIN,
    AlphaMode,
    Color,
    ImageList,
    OwnImage,
    OwnMaterial,
    Texture,
    WrapMode,
)
from synrender.assets.model_file import ModelFile
from synrender.errors import RejectedAsset, shorten

MAX_NUMBER = 1e30
MAX_STRENGTH = 1e4
"""Of emission, in units of white."""

_WRAPS = {10497: WrapMode.REPEAT, 33071: WrapMode.CLAMP, 33648: WrapMode.MIRROR}
_NEAREST = 9728
_GLOSSY = "KHR_materials_pbrSpecularGlossiness"


@dataclass
class GltfMaterials:
    """The materials of a file, as they are asked for."""

    document: Document
    find_beside: Callable[[str], ModelFile]  # an image's file by its name; raises ValueError
    images: ImageList = field(default_factory=ImageList)
    problems: list[str] = field(default_factory=list)
    _known: dict[str, OwnMaterial] = field(default_factory=dict)

    def find(self, idx: object) -> OwnMaterial:
        """A material; white if there is none or it cannot be read."""
        if idx is None:
            return PLAIN
        key = str(idx)
        if key not in self._known:
            try:
                if len(self._known) == MAX_MATERIALS:
                    raise RejectedAsset(f"more than {MAX_MATERIALS} materials")
                self._known[key] = self._read(self.document.find("materials", idx))
            except (RejectedAsset, ValueError) as reason:
                self.problems.append(f"material {shorten(key)}: {reason}")
                return PLAIN
        return self._known[key]

    def _read(self, place: Json) -> OwnMaterial:
        extensions = member(place, "extensions", {})
        if _GLOSSY in extensions:
            material = self._read_glossy(member(extensions, _GLOSSY))
        else:
            material = self._read_metallic(member(place, "pbrMetallicRoughness", {}))
        mode = place.get("alphaMode", "OPAQUE")
        if mode not in ("OPAQUE", "MASK", "BLEND"):
            raise ValueError(f"alphaMode is {shorten(str(mode))}")
        strength = member(extensions, "KHR_materials_emissive_strength", {})
        factor = _number(strength, "emissiveStrength", 1.0, MAX_STRENGTH)
        red, green, blue = _numbers(place, "emissiveFactor", [0.0] * 3)
        normal = self._find_texture(place, "normalTexture")
        is_opaque = mode == "OPAQUE"
        return replace(
            material,
            alpha=1.0 if is_opaque else material.alpha,
            alpha_texture=None if is_opaque else material.color_texture,
            alpha_mode=AlphaMode[str(mode)],
            cutoff=_number(place, "alphaCutoff", 0.5, 1e6),
            normal_texture=normal,
            normal_scale=_number(member(place, "normalTexture", {}), "scale", 1.0, 1e3),
            emission=(red * factor, green * factor, blue * factor),
            emission_texture=self._find_texture(place, "emissiveTexture"),
            is_unlit="KHR_materials_unlit" in extensions,
        )

    def _read_metallic(self, place: Json) -> OwnMaterial:
        *color, alpha = _numbers(place, "baseColorFactor", [1.0] * 4)
        return OwnMaterial(
            color=_to_color(color),
            color_texture=self._find_texture(place, "baseColorTexture"),
            alpha=alpha,
            metallic=_number(place, "metallicFactor", 1.0),
            roughness=_number(place, "roughnessFactor", 1.0),
            metallic_texture=self._find_texture(place, "metallicRoughnessTexture"),
        )

    def _read_glossy(self, place: Json) -> OwnMaterial:
        *color, alpha = _numbers(place, "diffuseFactor", [1.0] * 4)
        return OwnMaterial(
            color=_to_color(color),
            color_texture=self._find_texture(place, "diffuseTexture"),
            alpha=alpha,
            roughness=1 - _number(place, "glossinessFactor", 1.0),
        )

    # --- textures ---------------------------------------------------------------------------------

    def _find_texture(self, place: Json, key: str) -> Texture | None:
        """A texture of a material; None if it has none, or none that can be shown."""
        if place.get(key) is None:
            return None
        try:
            return self._read_texture(member(place, key))
        except (RejectedAsset, ValueError) as reason:
            self.problems.append(f"{key}: {reason}")
            return None

    def _read_texture(self, info: Json) -> Texture:
        texture = self.document.find("textures", info.get("index"))
        extensions = member(texture, "extensions", {})
        source = member(extensions, "EXT_texture_webp", {}).get("source", texture.get("source"))
        if source is None:
            names = ", ".join(extensions) or "nothing"
            raise ValueError(f"its image is given by {shorten(names)}, which is not read")
        sampler: Json = {}
        if texture.get("sampler") is not None:
            sampler = self.document.find("samplers", texture["sampler"])
        moved = member(member(info, "extensions", {}), "KHR_texture_transform", {})
        uv_set = integer(info, "texCoord", 0, MAX_UV_SETS - 1)
        return Texture(
            self._find_image(source),
            integer(moved, "texCoord", uv_set, MAX_UV_SETS - 1),
            _find_transform(moved),
            (_find_wrap(sampler, "wrapS"), _find_wrap(sampler, "wrapT")),
            sampler.get("magFilter") == _NEAREST,
        )

    def _find_image(self, idx: object) -> int:
        image = self.document.find("images", idx)
        return self.images.add(OwnImage(f"image {idx}", self._find_content(image)), idx)

    def _find_content(self, image: Json) -> ModelFile | bytes:
        uri = image.get("uri")
        if uri is None:
            return self.document.read_view(image.get("bufferView"))[0]
        if not isinstance(uri, str):
            raise ValueError("an image whose uri is no text")
        data = decode_data(uri, "an image whose")
        return self.find_beside(to_file_name(uri)) if data is None else data


def _find_wrap(sampler: Json, key: str) -> WrapMode:
    wrap = sampler.get(key, 10497)
    if not isinstance(wrap, int) or wrap not in _WRAPS:
        raise ValueError(f"{key} is {shorten(str(wrap))}")
    return _WRAPS[wrap]


def _find_transform(place: Json) -> tuple[float, ...] | None:
    """What KHR_texture_transform does to places whose v is upwards, in place of downwards.

    Source: the extension's README; with v' = 1 - v on both sides.
    """
    if not place.keys() & {"offset", "rotation", "scale"}:
        return None
    right, down = _numbers(place, "offset", [0.0] * 2, -1e6, 1e6)
    across, along = _numbers(place, "scale", [1.0] * 2, -1e6, 1e6)
    (angle,) = _numbers({"rotation": [place.get("rotation", 0.0)]}, "rotation", [0.0], -1e6, 1e6)
    cos, sin = math.cos(angle), math.sin(angle)
    return (
        *(across * cos, -along * sin, right + along * sin),
        *(across * sin, along * cos, 1 - down - along * cos),
    )


# --- numbers --------------------------------------------------------------------------------------


def _to_color(values: list[float]) -> Color:
    red, green, blue = values
    return red, green, blue


def _number(place: Json, key: str, default: float, most: float = 1.0) -> float:
    """A number, moved into 0 to ``most``."""
    if place.get(key) is None:
        return default
    return _numbers({key: [place[key]]}, key, [default], 0.0, most)[0]


def _numbers(
    place: Json, key: str, default: list[float], least: float = 0.0, most: float = 1.0
) -> list[float]:
    """As many numbers as the default has, each moved into ``least`` to ``most``."""
    if place.get(key) is None:
        return default
    values = list_of(place, key)
    numbers = [float(v) for v in values if isinstance(v, (int, float)) and abs(v) < MAX_NUMBER]
    if not len(numbers) == len(values) == len(default):
        raise ValueError(f"{key} must be {len(default)} finite numbers")
    return [min(max(number, least), most) for number in numbers]
