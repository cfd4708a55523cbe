"""Creates the lights: point or spot lights, and the sun straight above."""

from __future__ import annotations

import math

import bpy

from synrender.blender.scene import create_object
from synrender.sampling.sample_plan import SamplePlan
from synrender.settings.groups import Scene


def create_lights(scene: bpy.types.Scene, plan: SamplePlan) -> list[bpy.types.Object]:
    """Creates the lights of a sample.

    The lights other than the sun share ``scene.light_energy``. A spot light with a full cone has
    the brightness of a point light of the same energy.

    Returns:
        The point or spot lights, the first one first, and the sun.
    """
    settings, lights = plan.scene, plan.lights
    locations = (plan.light_location, *lights.other_locations)
    created = [
        _create_light(scene, settings, lights.color, location, len(locations))
        for location in locations
    ]
    sun = bpy.data.lights.new("Sun", "SUN")
    sun.energy, sun.color, sun.angle = settings.sun_energy, lights.sun_color, settings.sun_angle
    return [*created, create_object(scene, "Sun", sun, (0.0, 0.0, 0.0))]


def _create_light(
    scene: bpy.types.Scene,
    settings: Scene,
    color: tuple[float, ...],
    location: tuple[float, ...],
    num_lights: int,
) -> bpy.types.Object:
    name = settings.light_kind.capitalize()
    light = bpy.data.lights.new(name, settings.light_kind.upper())
    light.energy, light.color = settings.light_energy / num_lights, color
    light.shadow_soft_size = settings.light_radius
    if settings.light_kind == "point":
        return create_object(scene, name, light, location)
    light.spot_size, light.spot_blend = settings.spot_angle, settings.spot_blend
    return create_object(scene, name, light, location, _aim_at_origin(location))


def _aim_at_origin(location: tuple[float, ...]) -> tuple[float, ...]:
    """Euler angles XYZ, rad, of a spot light at a location (m): it shines along its own -Z."""
    x, y, z = location
    return 0.0, math.atan2(math.hypot(x, y), z), math.atan2(y, x)
