"""Render settings, passes, denoiser, and the rendering of one frame."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from synrender.embedding import has_egl
from synrender.errors import UserError
from synrender.images.integrity import find_image_damage
from synrender.images.scanline_exr import read_channels, write_channels
from synrender.settings import Rendering

BLENDER_VERSION = bpy.app.version_string.split()[0]

MAX_BOUNCES = 2
"""More change nothing that can be seen in this open scene, and cost time."""

ADAPTIVE_MIN_SAMPLES = 8
"""Cycles looks at the noise after every 16th sample, from the first 16th beyond this one on.

Left to itself it waits for more than 32 samples, and adaptive sampling then saves nothing; looking
after 16 saves a quarter of the time at 0.2 dB.
"""

GPU_BACKENDS = ("OPTIX", "CUDA", "HIP", "ONEAPI", "METAL")


@dataclass(frozen=True)
class Engine:
    """A Blender that is ready to render."""

    scene: bpy.types.Scene
    device: str  # that renders: "CPU", or the backend and the names of its GPUs
    notes: list[str]  # lines to tell the user


def start_engine(rendering: Rendering) -> Engine:
    """Empties Blender and sets everything that stays the same over the samples.

    Raises:
        UserError: this Blender cannot do what the settings ask for.
    """
    if bpy.app.factory_startup:  # no preferences to undo, as in the wheel: 5 ms, and not 30
        bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    else:
        bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    _omit_noisy_image()
    _set_cycles(scene, rendering)
    device, notes = _set_device(scene, rendering.use_gpu)
    if rendering.renderer == "eevee":
        _set_eevee(scene, rendering)
    render = scene.render
    render.resolution_x = render.resolution_y = rendering.resolution
    render.resolution_percentage = 100
    render.threads_mode = "FIXED" if rendering.threads else "AUTO"
    if rendering.threads:
        render.threads = rendering.threads
    render.use_file_extension = False  # the path is final as it stands
    render.use_compositing = render.use_sequencer = False
    render.use_persistent_data = False
    _set_color_management(scene, rendering.view_transform)
    _set_stamps_off(render)
    _set_output(scene, rendering.render_exr)
    scene.world = create_world()
    return Engine(scene, device, notes)


def render_frame(scene: bpy.types.Scene, path: Path, noise_seed: int) -> None:
    """Renders the scene as it stands into ``path``.

    Raises:
        OSError: the file did not get written whole (a full disk, say).
    """
    scene.cycles.seed = noise_seed
    if scene.render.engine == "CYCLES" or path.suffix != ".exr":
        _render_to_file(scene, path)
    else:
        _render_with_cycles_labels(scene, path)


def _render_with_cycles_labels(scene: bpy.types.Scene, path: Path) -> None:
    """Eevee omits the index passes in silence: labels come from one sample a pixel of Cycles."""
    _render_to_file(scene, path)
    header, channels = read_channels(path)
    engine = scene.render.engine
    scene.render.engine = "CYCLES"
    try:
        _render_to_file(scene, path)
    finally:
        scene.render.engine = engine
    _, labels = read_channels(path)
    labels = {name: pixels for name, pixels in labels.items() if ".Combined." not in name}
    write_channels(path, header, {**channels, **labels})


def _render_to_file(scene: bpy.types.Scene, path: Path) -> None:
    scene.render.filepath = str(path)
    try:
        bpy.ops.render.render(write_still=True)
    except RuntimeError as error:
        if path.exists() and find_image_damage(path) is None:
            raise
        raise OSError(f"{path.name} could not be written: {' '.join(str(error).split())}") from None
    damage = find_image_damage(path)
    if damage:
        raise OSError(f"{path.name} was not written whole: {damage}")


def has_denoiser() -> bool:
    """Whether this Blender was built with OpenImageDenoise (Debian's 3.4 was not)."""
    import _cycles

    return bool(_cycles.with_openimagedenoise)


def create_world() -> bpy.types.World:
    """Dim grey surroundings, 0.05 scene-linear: Blender's factory world."""
    world = bpy.data.worlds.new("World")
    if bpy.app.version < (5, 0):  # from 5.0 on a world always has nodes
        world.use_nodes = True
    nodes = world.node_tree.nodes
    nodes.clear()
    background, output = nodes.new("ShaderNodeBackground"), nodes.new("ShaderNodeOutputWorld")
    background.inputs["Color"].default_value = (0.05, 0.05, 0.05, 1)
    world.node_tree.links.new(background.outputs[0], output.inputs["Surface"])
    return world


def _set_cycles(scene: bpy.types.Scene, rendering: Rendering) -> None:
    scene.render.engine = "CYCLES"
    cycles = scene.cycles
    cycles.samples = rendering.render_samples
    cycles.use_adaptive_sampling = rendering.adaptive_threshold > 0
    if cycles.use_adaptive_sampling:
        cycles.adaptive_threshold = rendering.adaptive_threshold
        cycles.adaptive_min_samples = ADAPTIVE_MIN_SAMPLES
    cycles.max_bounces = MAX_BOUNCES
    cycles.light_sampling_threshold = 0  # to test each shadow ray's worth costs more than it saves
    if hasattr(cycles, "use_light_tree"):  # from 3.5 on; costs more than it gives with two lights
        cycles.use_light_tree = False
    cycles.use_denoising = rendering.denoise and has_denoiser()
    if cycles.use_denoising:
        cycles.denoiser = "OPENIMAGEDENOISE"
        cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
        cycles.denoising_prefilter = rendering.denoise_prefilter.upper()


def _set_device(scene: bpy.types.Scene, use_gpu: bool) -> tuple[str, list[str]]:
    """Chooses what Cycles renders on; returns its name, and lines to tell the user."""
    scene.cycles.device = "CPU"
    if not use_gpu:
        return "CPU", []
    device = _enable_gpus()
    if device is None:
        return "CPU", ["rendering.use_gpu: Blender sees no GPU here; rendering on the CPU."]
    scene.cycles.device = "GPU"
    return device, [f"rendering.use_gpu: rendering on {device}."]


def _omit_noisy_image() -> None:
    """Keeps the image before denoising out of EXR files, two fifths of whose bytes it would be.

    Cycles' add-on lists it as a pass whenever there is a denoiser, and no setting leaves it out.
    """
    addon: Any = importlib.import_module("cycles.engine")
    list_all = addon.list_render_passes
    if list_all.__module__ != addon.__name__:  # done before in this process
        return

    def list_wanted(scene: bpy.types.Scene, layer: bpy.types.ViewLayer) -> Iterator[tuple]:
        return (entry for entry in list_all(scene, layer) if entry[0] != "Noisy Image")

    addon.list_render_passes = list_wanted


def _enable_gpus() -> str | None:
    """Enables all GPUs of the first kind that Blender sees, as in ``"OPTIX: NVIDIA L4"``."""
    preferences = bpy.context.preferences.addons["cycles"].preferences
    for backend in GPU_BACKENDS:
        try:
            preferences.compute_device_type = backend
        except TypeError:  # not in this build
            continue
        preferences.refresh_devices()
        gpus = [d for d in preferences.devices if d.type == backend]
        for device in preferences.devices:
            device.use = device in gpus
        if gpus:
            return f"{backend}: {', '.join(sorted(gpu.name for gpu in gpus))}"
    return None


def _set_eevee(scene: bpy.types.Scene, rendering: Rendering) -> None:
    if not has_egl():
        raise UserError(
            "rendering.renderer = 'eevee': needs libEGL, which this machine lacks; install the "
            "package libegl1, or use 'cycles'"
        )
    # 4.2 to 4.5 have Eevee Next beside or instead of Eevee, under a name of its own.
    scene.render.engine = (
        "BLENDER_EEVEE_NEXT" if (4, 2) <= bpy.app.version < (5, 0) else "BLENDER_EEVEE"
    )
    scene.eevee.taa_render_samples = rendering.render_samples
    scene.cycles.samples, scene.cycles.use_denoising = 1, False  # it gives the labels alone


def _set_color_management(scene: bpy.types.Scene, view_transform: str) -> None:
    scene.display_settings.display_device = "sRGB"
    try:
        scene.view_settings.view_transform = view_transform
    except TypeError:
        raise UserError(
            f"rendering.view_transform = {view_transform!r}: Blender {BLENDER_VERSION} does not "
            "have it; use 'Standard' or 'Filmic'"
        ) from None
    scene.view_settings.look = "None"
    scene.view_settings.exposure, scene.view_settings.gamma = 0, 1
    scene.render.dither_intensity = 0  # a PNG then equals the EXR within one level


def _set_stamps_off(render: bpy.types.RenderSettings) -> None:
    """Leaves times and host names out of PNG files: the same pixels are then the same bytes."""
    for name in dir(render):
        if name.startswith("use_stamp") and name != "use_stamp_labels":
            setattr(render, name, False)


def _set_output(scene: bpy.types.Scene, render_exr: bool) -> None:
    image = scene.render.image_settings
    if not render_exr:
        image.file_format, image.color_mode, image.color_depth = "PNG", "RGB", "8"
        return
    if hasattr(image, "media_type"):  # 5.0 asks for it first
        image.media_type = "MULTI_LAYER_IMAGE"
    image.file_format, image.color_mode, image.color_depth = "OPEN_EXR_MULTILAYER", "RGBA", "32"
    image.exr_codec = "ZIP"
    if hasattr(image, "use_exr_interleave"):  # 5.0 writes several parts without it
        image.use_exr_interleave = True
    layer = scene.view_layers[0]
    layer.use_pass_object_index = layer.use_pass_material_index = layer.use_pass_z = True
