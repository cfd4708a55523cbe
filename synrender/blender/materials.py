"""Creates materials of textures and plain colors, and ends those of all kinds.

A material has two ends: as light shows it, and without light, which label passes show. A shader
holds how it reflects, also where it emits light instead.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import bpy

from synrender.assets.material import USUAL_ROUGHNESS, Texture
from synrender.blender.nodes import (
    Value,
    add_image,
    calculate,
    connect,
    create_tree,
    mix_colors,
    split_color,
)
from synrender.sampling.sample_plan import SurfacePlan
from synrender.settings.groups import Material

UV_NAME = "UVMap"
"""Layer of places in textures that every mesh has, unless its material is its own."""

_LIT, _UNLIT, _UNLIT_COLOR = "Lit", "Unlit", "Unlit Color"
"""Names of the two ends, and of what the second one shows."""


class Shown(enum.Enum):
    """What materials show without light."""

    COLOR = enum.auto()
    REFLECTION = enum.auto()  # roughness as red, metallic as green
    NOTHING = enum.auto()  # what is left out renders faster


@dataclass(frozen=True)
class MapImages:
    """Maps of a texture's surface besides its color, see `assets.pbr_sets`; None: there is none."""

    roughness: bpy.types.Image | None = None
    metalness: bpy.types.Image | None = None
    normal: bpy.types.Image | None = None
    packed: bpy.types.Image | None = None


@dataclass(frozen=True)
class Surface:
    """What a material shows: an image, a color, or a mixture of both."""

    color: tuple[float, ...]  # (3,) scene-linear RGB, 0 to 1
    image: bpy.types.Image | None  # None: the color alone
    color_share: float  # how much of the color is mixed into the image, 0 to 1
    maps: MapImages = MapImages()


def create_material(
    name: str, settings: Material, surface: Surface, pass_index: int
) -> bpy.types.Material:
    """Creates a material; with ``use_emission`` it emits light and is not lit by the lamps."""
    material = bpy.data.materials.new(name)
    material.pass_index = pass_index
    tree = create_tree(material)
    color: Value = surface.color
    if surface.image is not None:
        texture = tree.nodes.new("ShaderNodeTexImage")
        texture.image = surface.image
        color = texture.outputs["Color"]
        if surface.color_share > 0:
            color = mix_colors(tree, surface.color_share, color, surface.color)
    shader = add_shader(tree, color)
    _add_maps(tree, shader, surface.maps)
    add_ends(tree, add_emission(tree, color) if settings.use_emission else shader, color)
    return material


def set_reflection(material: bpy.types.Material, plan: SurfacePlan) -> None:
    """Sets how a material reflects, instead of what its files say, where the plan says it."""
    tree = material.node_tree
    for name, value in (("Roughness", plan.roughness), ("Metallic", plan.metallic)):
        if value is not None:
            socket = _find_shader(tree).inputs[name]
            for link in socket.links:
                tree.links.remove(link)
            socket.default_value = value


def _find_shader(tree: bpy.types.NodeTree) -> bpy.types.Node:
    return next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")


def _add_maps(tree: bpy.types.NodeTree, shader: bpy.types.Node, maps: MapImages) -> None:
    """Roughness, metalness and normals of a surface, from images of data."""

    def add(image: bpy.types.Image) -> bpy.types.NodeSocket:
        return add_image(tree, image, Texture(0), UV_NAME).outputs["Color"]

    if maps.packed is not None:
        _, roughness, metalness = split_color(tree, add(maps.packed))[:3]
        connect(tree, roughness, shader.inputs["Roughness"])
        connect(tree, metalness, shader.inputs["Metallic"])
    if maps.roughness is not None:
        connect(tree, add(maps.roughness), shader.inputs["Roughness"])
    if maps.metalness is not None:
        connect(tree, add(maps.metalness), shader.inputs["Metallic"])
    if maps.normal is not None:
        connect_normal_map(tree, shader, add(maps.normal), UV_NAME)


# --- parts of all materials -----------------------------------------------------------------------


def add_shader(tree: bpy.types.NodeTree, color: Value) -> bpy.types.Node:
    """What light is reflected by; not metallic, and of the usual roughness."""
    shader = tree.nodes.new("ShaderNodeBsdfPrincipled")
    shader.inputs["Roughness"].default_value = USUAL_ROUGHNESS
    connect(tree, color, shader.inputs["Base Color"])
    return shader


def add_emission(tree: bpy.types.NodeTree, color: Value) -> bpy.types.Node:
    """What emits its color, whatever the light."""
    shader = tree.nodes.new("ShaderNodeEmission")
    connect(tree, color, shader.inputs["Color"])
    return shader


def connect_normal_map(
    tree: bpy.types.NodeTree,
    shader: bpy.types.Node,
    color: bpy.types.NodeSocket,
    uv_name: str,
    strength: float = 1.0,
) -> None:
    """Bends the normals that light sees by a map in tangent space; green is up, as in OpenGL."""
    node = tree.nodes.new("ShaderNodeNormalMap")
    node.space, node.uv_map = "TANGENT", uv_name
    node.inputs["Strength"].default_value = strength
    tree.links.new(color, node.inputs["Color"])
    tree.links.new(node.outputs[0], shader.inputs["Normal"])


@dataclass(frozen=True)
class Alpha:
    """How much of a surface is there."""

    value: Value  # 0 to 1
    is_mask: bool  # it is 0 or 1, and labels are cut, too


def add_ends(
    tree: bpy.types.NodeTree, shader: bpy.types.Node, color: Value, alpha: Alpha | None = None
) -> None:
    """Ends a material that light shows by a shader, and that shows a color without light.

    Without an alpha, all of it is there.
    """
    lit = shader.outputs[0]
    emission = add_emission(tree, color)
    emission.name = _UNLIT_COLOR
    unlit = emission.outputs[0]
    if alpha is not None:
        lit = _cut(tree, lit, alpha.value)
        unlit = _cut(tree, unlit, alpha.value) if alpha.is_mask else unlit
    for name, surface in ((_LIT, lit), (_UNLIT, unlit)):
        output = tree.nodes.new("ShaderNodeOutputMaterial")
        output.name = name
        tree.links.new(surface, output.inputs["Surface"])
    tree.nodes[_LIT].is_active_output = True


def _cut(
    tree: bpy.types.NodeTree, surface: bpy.types.NodeSocket, alpha: Value
) -> bpy.types.NodeSocket:
    mix, nothing = (
        tree.nodes.new(f"ShaderNode{kind}") for kind in ("MixShader", "BsdfTransparent")
    )
    connect(tree, alpha, mix.inputs[0])
    tree.links.new(nothing.outputs[0], mix.inputs[1])
    tree.links.new(surface, mix.inputs[2])
    return mix.outputs[0]


def is_at_least(tree: bpy.types.NodeTree, value: Value, least: float) -> bpy.types.NodeSocket:
    """1 where a value is not below another one, else 0."""
    return calculate(tree, "SUBTRACT", 1.0, calculate(tree, "LESS_THAN", value, least))


def show_unlit(material: bpy.types.Material, shown: Shown) -> None:
    """Makes a material show something whatever the light, and all of it where it is not cut.

    Show its color before anything else, because the others take its place.
    """
    tree = material.node_tree
    tree.nodes[_UNLIT].is_active_output = True
    if shown is Shown.NOTHING:
        for node in tree.nodes:
            if node.type == "EMISSION":
                for link in node.inputs["Color"].links:
                    tree.links.remove(link)
    if shown is Shown.REFLECTION:
        shader, colors = _find_shader(tree), tree.nodes.new("ShaderNodeCombineColor")
        for name, color in (("Roughness", "Red"), ("Metallic", "Green")):
            socket = shader.inputs[name]
            value = socket.links[0].from_socket if socket.is_linked else socket.default_value
            connect(tree, value, colors.inputs[color])
        connect(tree, colors.outputs[0], tree.nodes[_UNLIT_COLOR].inputs["Color"])
