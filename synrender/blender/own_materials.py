"""Loads the images that a model brings, and creates its own materials.

A normal map bends what light sees, and nothing else: the label ``normal`` is that of the shape.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import bpy

from synrender.assets.material import AlphaMode, Look, OwnMaterial, Texture, describe_problems
from synrender.blender.image_blocks import has_alpha, load_own_image
from synrender.blender.materials import (
    Alpha,
    add_emission,
    add_ends,
    add_shader,
    connect_normal_map,
    is_at_least,
)
from synrender.blender.nodes import (
    Value,
    add_image,
    calculate,
    connect,
    create_tree,
    mix_colors,
    multiply,
    multiply_colors,
    split_color,
)
from synrender.errors import RejectedAsset, shorten
from synrender.settings.groups import Material

MAX_MODEL_PIXELS = 1 << 28
"""Of all images of a model: 64 of 2048 x 2048 px. Decoded they take 1 GiB, and again in Cycles."""

MIN_ALPHA = 2**-10
"""Of a blended surface: less cannot be seen, and at 0 the surface would have no labels."""

MAX_LAYERS = 256
"""Surfaces one behind the other that alpha lets a ray through."""

COLOR_NAME = "Color"
"""Layer of the colors of a mesh's corners."""

_DATA_FIELDS = ("metallic_texture", "normal_texture")
"""Textures that hold numbers, and no colors."""


def uv_set_name(uv_set: int) -> str:
    """Name of a layer of places in textures."""
    return f"UV{uv_set}"


@dataclass(frozen=True)
class ModelLook:
    """What a loaded model shows: materials, of which all textures can be shown."""

    materials: tuple[OwnMaterial, ...]
    images: Mapping[tuple[int, bool], bpy.types.Image]  # by place, and whether it holds data
    has_colors: bool  # of corners
    problem: str  # what of the file's look cannot be shown; "" if all can


# --- loading --------------------------------------------------------------------------------------


def load_look(look: Look) -> ModelLook:
    """Loads the images of a look; textures without an image that can be shown are left out."""
    loaded: dict[tuple[int, bool], bpy.types.Image] = {}
    reasons: dict[int, str] = {}
    num_left = MAX_MODEL_PIXELS
    for place, is_data in _list_uses(look.materials):
        if place in reasons:
            continue
        try:
            image = load_own_image(look.images[place], is_data, num_left)
        except RejectedAsset as reason:
            reasons[place] = f"{shorten(look.images[place].name)!r}: {reason}"
            continue
        loaded[place, is_data] = image
        num_left -= image.size[0] * image.size[1]
    materials = tuple(_drop_textures(material, reasons) for material in look.materials)
    problems = (*look.problems, *reasons.values())
    return ModelLook(materials, loaded, look.colors is not None, describe_problems(problems))


def _list_uses(materials: Sequence[OwnMaterial]) -> list[tuple[int, bool]]:
    """Places of images, and whether they hold data there, each once."""
    uses = [
        (texture.image, field in _DATA_FIELDS or (field == "alpha_texture" and m.is_alpha_gray))
        for m in materials
        for field, texture in vars(m).items()
        if isinstance(texture, Texture)
    ]
    return list(dict.fromkeys(uses))


def _drop_textures(material: OwnMaterial, missing: Collection[int]) -> OwnMaterial:
    lost = {
        field: None
        for field, value in vars(material).items()
        if isinstance(value, Texture) and value.image in missing
    }
    return dataclasses.replace(material, **lost)


# --- materials ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tint:
    """A color that is mixed into the base color."""

    color: Sequence[float]  # (3,) scene-linear RGB, 0 to 1
    share: float  # 0: the base color alone, 1: this color alone


def create_own_materials(
    name: str, settings: Material, look: ModelLook, tint: Tint, pass_index: int
) -> list[bpy.types.Material]:
    """Creates the materials of a model, in their order, with a tint in all base colors.

    With ``use_emission`` all surfaces emit their base color; ``alpha`` says what becomes of a
    blended alpha.
    """
    return [_Maker(name, look, own, pass_index).create(settings, tint) for own in look.materials]


class _Maker:
    """Creates one material."""

    def __init__(self, name: str, look: ModelLook, own: OwnMaterial, pass_index: int) -> None:
        self._look, self._own = look, own
        self._textures: dict[tuple[Texture, bool], bpy.types.Node] = {}
        self._material = bpy.data.materials.new(name)
        self._material.pass_index = pass_index
        self._tree = create_tree(self._material)

    def create(self, settings: Material, tint: Tint) -> bpy.types.Material:
        tree, own = self._tree, self._own
        color = multiply_colors(tree, own.color, self._find_color(own.color_texture))
        corners = self._find_corner_colors()
        if corners is not None:
            color = multiply_colors(tree, color, corners.outputs["Color"])
        if tint.share > 0:
            color = mix_colors(tree, tint.share, color, tint.color)
        shines = settings.use_emission or own.is_unlit
        shader = self._add_shader(color)
        lit = add_emission(tree, color) if shines else shader
        add_ends(tree, lit, color, self._find_alpha(settings, corners))
        return self._material

    def _find_color(self, texture: Texture | None, is_data: bool = False) -> Value:
        return self._add(texture, is_data).outputs["Color"] if texture else WHITE

    def _add(self, texture: Texture, is_data: bool) -> bpy.types.Node:
        """The node of a texture, which is added once."""
        key = texture, is_data
        if key not in self._textures:
            image = self._look.images[texture.image, is_data]
            name = uv_set_name(texture.uv_set)
            self._textures[key] = add_image(self._tree, image, texture, name)
        return self._textures[key]

    def _find_corner_colors(self) -> bpy.types.Node | None:
        if not self._look.has_colors:
            return None
        node = self._tree.nodes.new("ShaderNodeAttribute")
        node.attribute_name = COLOR_NAME
        return node

    def _find_alpha(self, settings: Material, corners: bpy.types.Node | None) -> Alpha | None:
        """How much of the surface is there; None: all."""
        tree, own = self._tree, self._own
        is_mask = own.alpha_mode is AlphaMode.MASK
        if not is_mask and (own.alpha_mode is AlphaMode.OPAQUE or settings.alpha == "opaque"):
            return None
        value: Value = own.alpha
        if own.alpha_texture is not None:
            node = self._add(own.alpha_texture, own.is_alpha_gray)
            is_gray = own.is_alpha_gray and not has_alpha(node.image)
            value = multiply(tree, value, node.outputs["Color" if is_gray else "Alpha"])
        if corners is not None:
            value = multiply(tree, value, corners.outputs["Alpha"])
        if is_mask:
            return Alpha(is_at_least(tree, value, own.cutoff), is_mask=True)
        return Alpha(calculate(tree, "MAXIMUM", value, MIN_ALPHA), is_mask=False)

    def _add_shader(self, color: Value) -> bpy.types.Node:
        tree, own = self._tree, self._own
        shader = add_shader(tree, color)
        metallic: Value = own.metallic
        roughness: Value = own.roughness
        if own.metallic_texture is not None:
            packed = self._find_color(own.metallic_texture, is_data=True)
            _, green, blue = split_color(tree, packed)[:3]
            metallic, roughness = multiply(tree, metallic, blue), multiply(tree, roughness, green)
        connect(tree, metallic, shader.inputs["Metallic"])
        connect(tree, roughness, shader.inputs["Roughness"])
        if own.normal_texture is not None:
            color = self._add(own.normal_texture, is_data=True).outputs["Color"]
            name = uv_set_name(own.normal_texture.uv_set)
            connect_normal_map(tree, shader, color, name, own.normal_scale)
        if strength := max(own.emission):
            emission = tuple(value / strength for value in own.emission)
            emission = multiply_colors(tree, emission, self._find_color(own.emission_texture))
            # Blender 4.0 renamed it.
            name = "Emission Color" if bpy.app.version >= (4, 0) else "Emission"
            connect(tree, emission, shader.inputs[name])
            shader.inputs["Emission Strength"].default_value = strength
        return shader


WHITE = (1.0, 1.0, 1.0)


def let_alpha_through(scene: bpy.types.Scene, settings: Material) -> None:
    """Makes Cycles follow rays through what alpha cuts away, and label all that it does not."""
    if settings.source != "own":
        return
    scene.cycles.transparent_max_bounces = MAX_LAYERS
    if settings.alpha == "blend":
        scene.view_layers[0].pass_alpha_threshold = MIN_ALPHA / 2
