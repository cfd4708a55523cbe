"""Small node trees: values that are numbers or sockets, their products, and textures."""

from __future__ import annotations

from collections.abc import Sequence

import bpy

from synrender.assets.material import Texture, WrapMode

Value = float | Sequence[float] | bpy.types.NodeSocket
"""A number, a color (3,) scene-linear, or the output of a node."""


def create_tree(material: bpy.types.Material) -> bpy.types.NodeTree:
    """The material's node tree, empty."""
    if bpy.app.version < (5, 0):  # from 5.0 on a material always has nodes
        material.use_nodes = True
    material.node_tree.nodes.clear()
    return material.node_tree


def connect(tree: bpy.types.NodeTree, value: Value, socket: bpy.types.NodeSocket) -> None:
    """Gives an input its value; colors get an alpha of 1."""
    if isinstance(value, bpy.types.NodeSocket):
        tree.links.new(value, socket)
    elif isinstance(value, Sequence):
        socket.default_value = (*value, 1) if socket.type == "RGBA" else tuple(value)
    else:
        socket.default_value = value


def calculate(tree: bpy.types.NodeTree, operation: str, *values: Value) -> bpy.types.NodeSocket:
    """A number of two or three others, by an operation of Blender's Math node."""
    node = tree.nodes.new("ShaderNodeMath")
    node.operation = operation
    for value, socket in zip(values, node.inputs, strict=False):
        connect(tree, value, socket)
    return node.outputs[0]


def multiply(tree: bpy.types.NodeTree, first: Value, second: Value) -> Value:
    """A product of numbers, which are not both known."""
    if first == 1:
        return second
    return first if second == 1 else calculate(tree, "MULTIPLY", first, second)


def mix_colors(
    tree: bpy.types.NodeTree, share: float, first: Value, second: Value, blend: str = "MIX"
) -> bpy.types.NodeSocket:
    """A color: the first if the share is 0, and if it is 1 the second or what ``blend`` says."""
    node = tree.nodes.new("ShaderNodeMix")
    node.data_type, node.blend_type = "RGBA", blend
    # The node has inputs with the same names for every type; select those of type RGBA.
    inputs = [socket for socket in node.inputs if socket.type == "RGBA"]
    node.inputs[0].default_value = share
    for value, socket in zip((first, second), inputs, strict=True):
        connect(tree, value, socket)
    return next(socket for socket in node.outputs if socket.type == "RGBA")


def multiply_colors(tree: bpy.types.NodeTree, first: Value, second: Value) -> Value:
    """A product of colors, which are not both known."""
    if _is_white(first):
        return second
    return first if _is_white(second) else mix_colors(tree, 1.0, first, second, "MULTIPLY")


def _is_white(color: Value) -> bool:
    return isinstance(color, Sequence) and all(value == 1 for value in color)


def split_color(tree: bpy.types.NodeTree, color: Value) -> tuple[bpy.types.NodeSocket, ...]:
    """Red, green and blue of a color."""
    node = tree.nodes.new("ShaderNodeSeparateColor")
    connect(tree, color, node.inputs[0])
    return tuple(node.outputs)


# --- textures -------------------------------------------------------------------------------------


def add_image(
    tree: bpy.types.NodeTree, image: bpy.types.Image, texture: Texture, uv_name: str
) -> bpy.types.Node:
    """A texture, whose outputs are Color and Alpha, at the places of a layer of the mesh."""
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    node.interpolation = "Closest" if texture.is_nearest else "Linear"
    place = _add_places(tree, uv_name)
    if texture.transform is not None:
        place = _transform(tree, place, texture.transform)
    if texture.wraps == (WrapMode.CLAMP, WrapMode.CLAMP):
        node.extension = "EXTEND"
    elif texture.wraps != (WrapMode.REPEAT, WrapMode.REPEAT):
        place = _wrap(tree, place, texture.wraps, tuple(image.size))
    tree.links.new(place, node.inputs["Vector"])
    return node


def _add_places(tree: bpy.types.NodeTree, uv_name: str) -> bpy.types.NodeSocket:
    node = tree.nodes.new("ShaderNodeUVMap")
    node.uv_map = uv_name
    return node.outputs[0]


def _transform(
    tree: bpy.types.NodeTree, place: bpy.types.NodeSocket, transform: Sequence[float]
) -> bpy.types.NodeSocket:
    joined = tree.nodes.new("ShaderNodeCombineXYZ")
    for k, socket in zip((0, 3), joined.inputs, strict=False):
        node = tree.nodes.new("ShaderNodeVectorMath")
        node.operation = "DOT_PRODUCT"
        tree.links.new(place, node.inputs[0])
        node.inputs[1].default_value = (*transform[k : k + 2], 0)
        moved = calculate(tree, "ADD", node.outputs["Value"], transform[k + 2])
        tree.links.new(moved, socket)
    return joined.outputs[0]


def _wrap(
    tree: bpy.types.NodeTree,
    place: bpy.types.NodeSocket,
    wraps: tuple[WrapMode, WrapMode],
    size_px: tuple[int, ...],
) -> bpy.types.NodeSocket:
    """A place in an image that repeats, so that it looks wrapped in another way.

    Clamped to the middle of the outermost texels, the mean of four texels is one of these alone.
    """
    split, joined = (tree.nodes.new(f"ShaderNode{kind}XYZ") for kind in ("Separate", "Combine"))
    tree.links.new(place, split.inputs[0])
    for k, wrap in enumerate(wraps):
        value = split.outputs[k]
        if wrap is WrapMode.MIRROR:
            value = calculate(tree, "PINGPONG", value, 1.0)
        if wrap is not WrapMode.REPEAT:
            edge = 0.5 / size_px[k]
            value = calculate(tree, "MINIMUM", value, 1 - edge)
            value = calculate(tree, "MAXIMUM", value, edge)
        tree.links.new(value, joined.inputs[k])
    return joined.outputs[0]
