"""The plain loop to compare with: Blender's operators, its default settings, one process.

It renders the same samples as ours (the same code draws the plans) and is slower for common
reasons: each sample starts from the factory file and imports its models again, and Cycles keeps
Blender's defaults: light tree, 12 bounces, accurate prefilter of the denoiser. Only what the
comparison needs is set: samples, size, color management, and for EXR the label passes.
"""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np

from synrender.assets.catalog import Catalog
from synrender.blender.objects import LARGEST_SIDE_M
from synrender.sampling.camera import SENSOR_WIDTH_MM
from synrender.sampling.sample_plan import ObjectPlan, SamplePlan
from synrender.settings.groups import BACKDROP_PASS_INDEX, Settings


def render_plain(settings: Settings, catalog: Catalog, plan: SamplePlan, path: Path) -> None:
    """Renders one sample into ``path``."""
    build_plain(settings, catalog, plan)
    scene = bpy.context.scene
    scene.cycles.seed = plan.noise_seed
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)


def build_plain(settings: Settings, catalog: Catalog, plan: SamplePlan) -> None:
    """Sets up the scene of one sample."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=False)
    bpy.ops.object.select_all(action="SELECT")
    bpy.ops.object.delete()
    _set_render(settings)
    place = settings.scene
    bpy.ops.object.camera_add(location=place.camera_location, rotation=place.camera_rotation)
    camera = bpy.context.object
    camera.data.lens, camera.data.sensor_width = place.camera_lens, SENSOR_WIDTH_MM
    camera.data.clip_start, camera.data.clip_end = 0.01, 1000
    bpy.context.scene.camera = camera
    bpy.ops.object.light_add(type="POINT", location=plan.light_location)
    point = bpy.context.object.data
    point.energy, point.shadow_soft_size = place.light_energy, place.light_radius
    bpy.ops.object.light_add(type="SUN", location=(0, 0, 0))
    bpy.context.object.data.energy = place.sun_energy
    bpy.ops.mesh.primitive_plane_add(
        size=place.backdrop_size, location=place.backdrop_location, rotation=place.camera_rotation
    )
    backdrop_texture = plan.backdrop_texture.first
    textures = [obj_plan.texture.first for obj_plan in plan.objects]
    _set_material(bpy.context.object, catalog.texture_path(backdrop_texture), BACKDROP_PASS_INDEX)
    for k, (obj_plan, texture) in enumerate(zip(plan.objects, textures, strict=True), start=1):
        file = catalog.model_file(obj_plan.class_idx, obj_plan.model.first)
        obj = _import_model(file.path, obj_plan)
        obj.pass_index = k
        _set_material(obj, catalog.texture_path(texture), obj_plan.class_idx)


def _set_render(settings: Settings) -> None:
    scene, rendering = bpy.context.scene, settings.rendering
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.use_denoising = rendering.render_samples, True
    scene.render.resolution_x = scene.render.resolution_y = rendering.resolution
    scene.view_settings.view_transform = rendering.view_transform
    image = scene.render.image_settings
    if rendering.render_exr:
        if hasattr(image, "media_type"):  # Blender 5.0 needs it first
            image.media_type = "MULTI_LAYER_IMAGE"
        image.file_format, image.color_depth = "OPEN_EXR_MULTILAYER", "32"
        layer = scene.view_layers[0]
        layer.use_pass_object_index = layer.use_pass_material_index = layer.use_pass_z = True
    else:
        image.file_format, image.color_mode = "PNG", "RGB"


def _import_model(path: Path, plan: ObjectPlan) -> bpy.types.Object:
    """Imports, joins, centers, unwraps and places a model."""
    bpy.ops.object.select_all(action="DESELECT")
    bpy.ops.wm.obj_import(filepath=str(path), forward_axis="Y", up_axis="Z")
    obj = bpy.context.selected_objects[0]
    bpy.context.view_layer.objects.active = obj
    if len(bpy.context.selected_objects) > 1:
        bpy.ops.object.join()
    bpy.ops.object.origin_set(type="ORIGIN_GEOMETRY", center="BOUNDS")
    obj.location = (0, 0, 0)
    obj.dimensions = np.array(obj.dimensions) / max(obj.dimensions)
    bpy.ops.object.transform_apply(location=True, rotation=True, scale=True)
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.uv.cube_project(cube_size=2)
    bpy.ops.object.mode_set(mode="OBJECT")
    obj.rotation_euler, obj.location = plan.euler, plan.location
    obj.scale = LARGEST_SIDE_M * np.array(plan.scale)
    return obj


def _set_material(obj: bpy.types.Object, texture: Path, pass_index: int) -> None:
    """Gives an object one material of its own that shows a texture."""
    for _ in range(len(obj.material_slots)):
        bpy.ops.object.material_slot_remove()
    bpy.ops.object.material_slot_add()
    material = bpy.data.materials.new("Textured")
    material.use_nodes, material.pass_index = True, pass_index
    obj.data.materials[0] = material
    tree = material.node_tree
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = bpy.data.images.load(str(texture))
    tree.links.new(node.outputs["Color"], shader.inputs["Base Color"])
