"""Creates the scene: camera, lights, backdrop, and materials, one node tree for each object."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from synrender.errors import RejectedAsset
from synrender.images.image_files import find_damage, find_excess
from synrender.sampling.camera import SENSOR_WIDTH_MM
from synrender.settings.groups import Material, Scene
from synrender.system.files import Unreadable, read_small_file

ROUGHNESS = 0.5

MAX_TEXTURE_BYTES = 1 << 28
"""256 MiB: a PNG of 8192 x 8192 px, uncompressed, takes 200 MB with 8 bits a channel."""


def reset_scene(keep: Collection[bpy.types.ID] = ()) -> None:
    """Removes all objects, lights, cameras, materials, images and meshes except ``keep``.

    ``batch_remove`` frees their memory; if only objects were deleted, memory would keep growing.
    """
    data = bpy.data
    kinds = (data.objects, data.lights, data.cameras, data.materials, data.images, data.meshes)
    kept = {block.as_pointer() for block in keep}
    data.batch_remove([b for kind in kinds for b in kind if b.as_pointer() not in kept])


def to_array(values: object) -> np.ndarray:
    """A vector, rotation or matrix of Blender's as float64: from 5.0 on numpy makes it float32."""
    return np.array(values, np.float64)


def create_object(
    scene: bpy.types.Scene,
    name: str,
    data: bpy.types.ID,
    location: tuple[float, ...],
    rotation: tuple[float, ...] = (0.0, 0.0, 0.0),
) -> bpy.types.Object:
    """Creates an object with the given data block; location in m, rotation XYZ in rad."""
    obj = bpy.data.objects.new(name, data)
    obj.location, obj.rotation_euler = location, rotation
    scene.collection.objects.link(obj)
    return obj


def create_camera(scene: bpy.types.Scene, settings: Scene) -> bpy.types.Object:
    """Creates the camera and makes it the active one."""
    camera = bpy.data.cameras.new("Camera")
    camera.lens = settings.camera_lens
    camera.sensor_fit, camera.sensor_width = "HORIZONTAL", SENSOR_WIDTH_MM
    camera.clip_start, camera.clip_end = 0.01, 1000
    obj = create_object(scene, "Camera", camera, settings.camera_location, settings.camera_rotation)
    scene.camera = obj
    return obj


def create_lights(
    scene: bpy.types.Scene, settings: Scene, light_location: tuple[float, ...]
) -> tuple[bpy.types.Object, bpy.types.Object]:
    """Creates the point light at ``light_location`` (m) and the sun straight above."""
    point = bpy.data.lights.new("Point", "POINT")
    point.energy, point.shadow_soft_size = settings.light_energy, settings.light_radius
    sun = bpy.data.lights.new("Sun", "SUN")
    sun.energy = settings.sun_energy
    return (
        create_object(scene, "Point", point, light_location),
        create_object(scene, "Sun", sun, (0.0, 0.0, 0.0)),
    )


def create_backdrop(
    scene: bpy.types.Scene, settings: Scene, material: bpy.types.Material
) -> bpy.types.Object:
    """Creates a square plane behind the objects, facing the camera; the texture covers it once."""
    half = settings.backdrop_size / 2
    mesh = bpy.data.meshes.new("Backdrop")
    corners = [(-half, -half, 0), (half, -half, 0), (half, half, 0), (-half, half, 0)]
    mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
    uv = mesh.uv_layers.new(name="UVMap")
    uv.data.foreach_set("uv", [0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0])
    mesh.materials.append(material)
    return create_object(
        scene, "Backdrop", mesh, settings.backdrop_location, settings.camera_rotation
    )


# --- materials ------------------------------------------------------------------------------------


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
    """Loads an image file that passed `check_texture`. Cycles decodes it when it renders.

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


# --- image files as Blender takes them ------------------------------------------------------------


def load_image(path: Path) -> bpy.types.Image:
    """Loads an image file, which Blender decodes later.

    Raises:
        RuntimeError: Blender cannot load it.
    """
    return bpy.data.images.load(_to_absolute(path))


def to_output_path(path: Path) -> str:
    """A path for Blender to write to. From 4.5 on braces in it are a template."""
    text = _to_absolute(path)
    if bpy.app.version < (4, 5):
        return text
    return text.replace("{", "{{").replace("}", "}}")


def _to_absolute(path: Path) -> str:
    """Text of a path; what begins with two slashes is relative to the .blend file in Blender."""
    text = str(path)
    return "/" + text.lstrip("/") if text.startswith("//") else text


def read_png(path: Path) -> np.ndarray:
    """Values of an 8-bit image without conversion: (h, w, 3) uint8, top line first."""
    image = load_image(path)
    try:
        image.colorspace_settings.name = "Non-Color"
        width, height = image.size
        values = np.empty(width * height * 4, np.float32)
        image.pixels.foreach_get(values)
    finally:
        bpy.data.images.remove(image)
    return np.rint(values.reshape(height, width, 4)[::-1, :, :3] * 255).astype(np.uint8)
