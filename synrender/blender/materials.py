"""Creates materials, one node tree for each object."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

from synrender.settings.groups import Material

ROUGHNESS = 0.5


@dataclass(frozen=True)
class Surface:
    """What a material shows: an image, a color, or a mixture of both."""

    color: tuple[float, ...]  # (3,) scene-linear RGB, 0 to 1
    image: bpy.types.Image | None  # None: the color alone
    color_share: float  # how much of the color is mixed into the image, 0 to 1


def create_material(
    name: str, settings: Material, surface: Surface, pass_index: int
) -> bpy.types.Material:
    """Creates a material.

    Args:
        name: of the data block.
        settings: with ``use_emission`` the surface emits light and is not lit by the lamps.
        surface: what it shows.
        pass_index: value in the material pass.
    """
    material = bpy.data.materials.new(name)
    material.pass_index = pass_index
    if bpy.app.version < (5, 0):  # from 5.0 on a material always has nodes
        material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    nodes.clear()
    shader = nodes.new(
        "ShaderNodeEmission" if settings.use_emission else "ShaderNodeBsdfPrincipled"
    )
    color_input = shader.inputs["Color" if settings.use_emission else "Base Color"]
    if not settings.use_emission:
        shader.inputs["Roughness"].default_value = ROUGHNESS
    color_input.default_value = (*surface.color, 1)
    if surface.image is not None:
        texture = nodes.new("ShaderNodeTexImage")
        texture.image = surface.image
        source = texture.outputs["Color"]
        if surface.color_share > 0:
            source = _create_mix(material.node_tree, source, surface)
        links.new(source, color_input)
    output = nodes.new("ShaderNodeOutputMaterial")
    links.new(shader.outputs[0], output.inputs["Surface"])
    return material


def _create_mix(
    tree: bpy.types.NodeTree, source: bpy.types.NodeSocket, surface: Surface
) -> bpy.types.NodeSocket:
    mix = tree.nodes.new("ShaderNodeMix")
    mix.data_type = "RGBA"
    # The node has inputs with the same names for every type; select those of type RGBA.
    first, second = [s for s in mix.inputs if s.type == "RGBA"]
    mix.inputs[0].default_value = surface.color_share
    tree.links.new(source, first)
    second.default_value = (*surface.color, 1)
    return next(s for s in mix.outputs if s.type == "RGBA")
