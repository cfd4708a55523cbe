"""Creates the scene: camera, lights and backdrop."""

from __future__ import annotations

import math
from collections.abc import Collection

import bpy
import numpy as np

from synrender.sampling.camera import MIN_DEPTH_M, SENSOR_WIDTH_MM, find_nearest_depth
from synrender.sampling.sample_plan import SamplePlan
from synrender.settings.groups import Scene


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
    camera.clip_start, camera.clip_end = MIN_DEPTH_M, 1000
    obj = create_object(scene, "Camera", camera, settings.camera_location, settings.camera_rotation)
    scene.camera = obj
    return obj


def create_lights(scene: bpy.types.Scene, plan: SamplePlan) -> None:
    """Creates the lights of a sample: point or spot lights, and the sun straight above.

    Those other than the sun share ``scene.light_energy``. A spot light with a full cone has the
    brightness of a point light of the same energy.
    """
    settings, lights = plan.scene, plan.lights
    locations = (plan.light_location, *lights.other_locations)
    name = settings.light_kind.capitalize()
    for location in locations:
        light = bpy.data.lights.new(name, name.upper())
        light.energy, light.color = settings.light_energy / len(locations), lights.color
        light.shadow_soft_size = settings.light_radius
        rotation = (0.0, 0.0, 0.0)
        if settings.light_kind == "spot":
            light.spot_size, light.spot_blend = settings.spot_angle, settings.spot_blend
            rotation = _aim_at_origin(location)
        create_object(scene, name, light, location, rotation)
    sun = bpy.data.lights.new("Sun", "SUN")
    sun.energy, sun.color, sun.angle = settings.sun_energy, lights.sun_color, settings.sun_angle
    create_object(scene, "Sun", sun, (0.0, 0.0, 0.0))


def _aim_at_origin(location: tuple[float, ...]) -> tuple[float, ...]:
    """Euler angles XYZ, rad, of a spot light at a location (m): it shines along its own -Z."""
    x, y, z = location
    return 0.0, math.atan2(math.hypot(x, y), z), math.atan2(y, x)


def set_focus(camera: bpy.types.Object, plan: SamplePlan) -> None:
    """Gives a camera the lens of a sample, if it has one: what is out of focus is blurred.

    Unless the distance is set, the nearest center of an object is in focus. A point at a depth z is
    seen as a disk of ``focal_px * d * abs(1 / z - 1 / focus)`` px in diameter: the circle of
    confusion of a thin lens of diameter d = focal length / f-stop, in m, with the image at a
    distance of focal_px.
    """
    if plan.fstop is not None:
        centers_m = np.array([obj_plan.location for obj_plan in plan.objects])
        nearest_m = find_nearest_depth(plan.scene, centers_m)
        lens = camera.data.dof
        lens.use_dof, lens.aperture_fstop = True, plan.fstop
        lens.focus_distance = plan.scene.focus_distance or nearest_m


def create_backdrop(
    scene: bpy.types.Scene, settings: Scene, material: bpy.types.Material
) -> bpy.types.Object:
    """Creates a square plane behind the objects, facing the camera, or the ground below them.

    The texture covers it once.
    """
    half = settings.backdrop_size / 2
    mesh = bpy.data.meshes.new("Backdrop")
    corners = [(-half, -half, 0), (half, -half, 0), (half, half, 0), (-half, half, 0)]
    mesh.from_pydata(corners, [], [(0, 1, 2, 3)])
    uv = mesh.uv_layers.new(name="UVMap")
    uv.data.foreach_set("uv", [0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 1.0])
    mesh.materials.append(material)
    if settings.ground:
        return create_object(scene, "Backdrop", mesh, (0.0, 0.0, settings.ground_height))
    return create_object(
        scene, "Backdrop", mesh, settings.backdrop_location, settings.camera_rotation
    )


def show_behind(scene: bpy.types.Scene, backdrop: str) -> None:
    """Makes what is around a scene visible, or with ``none`` lets images be seen through.

    A PNG then has an alpha, and its colors are not multiplied by it; those of an EXR are.
    """
    scene.render.film_transparent = backdrop == "none"
    image = scene.render.image_settings
    if image.file_format == "PNG":
        image.color_mode = "RGBA" if backdrop == "none" else "RGB"


def find_catchers(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """Objects of which only the shadows on them are seen. Blender calls every lamp a catcher."""
    return [obj for obj in scene.objects if obj.type == "MESH" and obj.is_shadow_catcher]
