"""Creates materials (one node tree for each object) and loads textures."""

from __future__ import annotations

from pathlib import Path

import bpy

from synrender.blender.pixels import load_image
from synrender.errors import RejectedAsset
from synrender.images.image_files import find_damage, find_excess
from synrender.settings.groups import Material
from synrender.system.files import read_small_file
from synrender.system.hindrances import Unreadable

ROUGHNESS = 0.5

MAX_TEXTURE_BYTES = 1 << 28
"""256 MiB: a PNG of 8192 x 8192 px, uncompressed, takes 200 MB with 8 bits a channel."""


def check_texture(path: Path) -> None:
    """Has Blender decode an image file, once it is known to be whole and of a bounded size.

    Raises:
        RejectedAsset: the file is missing, truncated, too large, or cannot be decoded.
    """
    try:
        data = read_small_file(path, MAX_TEXTURE_BYTES)
    except (OSError, Unreadable) as error:
        raise RejectedAsset(error.strerror or "cannot be read") from None
    except ValueError as error:
        raise RejectedAsset(str(error)) from None
    if problem := find_damage(data) or find_excess(data):
        raise RejectedAsset(problem)
    image = load_texture(path)
    width, height = image.size  # this makes Blender decode it
    has_pixels = width > 0 and height > 0 and image.has_data
    bpy.data.images.remove(image)
    if not has_pixels:
        raise RejectedAsset("not an image that can be decoded")


def load_texture(path: Path) -> bpy.types.Image:
    """Loads an image file that `check_texture` let pass; Cycles decodes it as it renders.

    Raises:
        RejectedAsset: Blender cannot load it.
    """
    try:
        image = load_image(path)
    except RuntimeError:
        raise RejectedAsset("Blender cannot load it") from None
    image.alpha_mode = "NONE"  # else what is transparent is black
    if bpy.app.version < (4, 5) and read_small_file(path, MAX_TEXTURE_BYTES).startswith(b"RIFF"):
        image.pack()  # these versions forget it of a WebP file that they read themselves
    return image


def create_material(
    name: str,
    settings: Material,
    color: tuple[float, ...],
    image: bpy.types.Image | None,
    color_share: float,
    pass_index: int,
) -> bpy.types.Material:
    """Creates a material that shows ``image``, ``color``, or a mixture of both.

    Args:
        name: of the data block.
        settings: with ``use_emission`` the surface emits light and is not lit by the lamps.
        color: (3,) scene-linear RGB, 0 to 1.
        image: texture; None for plain colour.
        color_share: how much of the colour is mixed into the image, 0 to 1.
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
    color_input.default_value = (*color, 1)
    if image is not None:
        texture = nodes.new("ShaderNodeTexImage")
        texture.image = image
        source = texture.outputs["Color"]
        if color_share > 0:
            source = _create_mix(material.node_tree, source, color, color_share)
        links.new(source, color_input)
    output = nodes.new("ShaderNodeOutputMaterial")
    links.new(shader.outputs[0], output.inputs["Surface"])
    return material


def make_unlit(material: bpy.types.Material, has_texture: bool) -> None:
    """Makes a material of `create_material` show its colour whatever the light.

    Without its texture it renders faster, where its colour does not matter.
    """
    nodes, links = material.node_tree.nodes, material.node_tree.links
    output = next(node for node in nodes if node.type == "OUTPUT_MATERIAL")
    shader = output.inputs["Surface"].links[0].from_node
    color_input = shader.inputs["Color" if shader.type == "EMISSION" else "Base Color"]
    emission = nodes.new("ShaderNodeEmission")
    emission.inputs["Color"].default_value = color_input.default_value
    if has_texture and color_input.is_linked:
        links.new(color_input.links[0].from_socket, emission.inputs["Color"])
    links.new(emission.outputs[0], output.inputs["Surface"])


def _create_mix(
    tree: bpy.types.NodeTree,
    source: bpy.types.NodeSocket,
    color: tuple[float, ...],
    color_share: float,
) -> bpy.types.NodeSocket:
    mix = tree.nodes.new("ShaderNodeMix")
    mix.data_type = "RGBA"
    # The node has inputs with the same names for every type; select those of type RGBA.
    first, second = [s for s in mix.inputs if s.type == "RGBA"]
    mix.inputs[0].default_value = color_share
    tree.links.new(source, first)
    second.default_value = (*color, 1)
    return next(s for s in mix.outputs if s.type == "RGBA")
