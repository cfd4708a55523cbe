"""Sets up the renderer (settings, passes, denoiser, device) and renders one frame."""

from __future__ import annotations

import hashlib
import importlib
import os
import socket
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from synrender.blender.image_blocks import to_output_path
from synrender.blender.label_passes import needs_label_passes, render_labels
from synrender.blender.start import has_egl
from synrender.errors import UserError
from synrender.images.image_files import find_image_damage
from synrender.images.scanline_exr import read_channels, write_channels
from synrender.settings.groups import Rendering
from synrender.system.console import warn
from synrender.system.cpus import CpuKind, find_cpu

BLENDER_VERSION = bpy.app.version_string.split()[0]

MAX_BOUNCES = 2
"""More bounces make no visible difference in this open scene, and cost time."""

ADAPTIVE_MIN_SAMPLES = 8
"""Makes Cycles check the noise after 16 samples for the first time, then after every 16th.

Its default first check comes after more than 32 samples, where adaptive sampling saves nothing.
Checking after 16 saves a quarter of the time and costs 0.2 dB.
"""

GPU_BACKENDS = ("OPTIX", "CUDA", "HIP", "ONEAPI", "METAL")


@dataclass(frozen=True)
class Engine:
    """A Blender that is ready to render."""

    scene: bpy.types.Scene
    device: str  # "CPU", or the backend and the models of its GPUs
    cpu: CpuKind
    notes: list[str]  # lines to print


def start_engine(rendering: Rendering) -> Engine:
    """Empties Blender and sets everything that is the same for all samples.

    Raises:
        UserError: this Blender lacks something that the settings need.
    """
    if bpy.app.factory_startup:  # no preferences to reset (the wheel): 5 ms instead of 30
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
    render.use_file_extension = False  # use the path unchanged
    render.use_compositing = render.use_sequencer = False
    render.use_persistent_data = False
    _set_texture_cache_off(render)
    _set_color_management(scene, rendering.view_transform)
    _set_stamps_off(render)
    _set_output(scene, rendering.render_exr)
    scene.world = bpy.data.worlds.new("World")
    if device != "CPU":
        compile_kernels(scene, device)
    return Engine(scene, device, _find_cpu(), notes)


def compile_kernels(scene: bpy.types.Scene, device: str) -> bool:
    """Renders an empty picture, for which a GPU's kernels are compiled if they are not kept yet.

    Cycles and the driver keep them, and neither can be asked. So a file in Blender's cache says
    that this was done here before. The scene is set up, without objects; it stays as it is.

    Returns:
        Whether it was done here before.
    """
    what = hashlib.sha256(f"{socket.gethostname()} {BLENDER_VERSION} {device}".encode())
    marker = Path(os.environ["XDG_CACHE_HOME"]) / f"kernels-{what.hexdigest()[:16]}"
    was_there = marker.exists()
    if not was_there:
        warn(f"compiling the kernels of {device}, once on this machine: this can take minutes")
    camera = bpy.data.objects.new("Warm-up", bpy.data.cameras.new("Warm-up"))
    scene.collection.objects.link(camera)
    before = scene.render.resolution_x, scene.cycles.samples
    scene.camera, scene.cycles.samples = camera, 1
    scene.render.resolution_x = scene.render.resolution_y = 8
    try:
        bpy.ops.render.render()
    finally:
        scene.render.resolution_x = scene.render.resolution_y = before[0]
        scene.cycles.samples = before[1]
        bpy.data.cameras.remove(camera.data)  # and the object with it
    marker.touch()
    return was_there


def render_frame(
    scene: bpy.types.Scene, path: Path, noise_seed: int, passes: Collection[str] = ()
) -> None:
    """Renders the current scene into ``path``. Build it again before you render it again.

    Args:
        scene: as `synrender.blender.build` built it.
        path: ``.png``, or ``.exr`` with labels.
        noise_seed: of the image's noise.
        passes: label passes of an EXR besides instance, class and depth, see `render_labels`.

    Raises:
        OSError: the file was not written completely (for example, a full disk).
    """
    scene.cycles.seed = noise_seed
    _render_to_file(scene, path)
    if path.suffix == ".exr" and (passes or needs_label_passes(scene)):
        header, channels = read_channels(path)
        labels = render_labels(scene, path, passes, lambda: _render_to_file(scene, path))
        write_channels(path, header, {**channels, **labels})


def _render_to_file(scene: bpy.types.Scene, path: Path) -> None:
    scene.render.filepath = to_output_path(path)
    try:
        bpy.ops.render.render(write_still=True)
    except RuntimeError as error:
        if path.exists() and find_image_damage(path) is None:
            raise
        raise OSError(f"{path.name} could not be written: {' '.join(str(error).split())}") from None
    damage = find_image_damage(path)
    if damage:
        raise OSError(f"{path.name} was not written completely: {damage}")


def has_denoiser() -> bool:
    """Whether this Blender was built with OpenImageDenoise (Debian's 3.4 was not)."""
    import _cycles

    return bool(_cycles.with_openimagedenoise)


def _set_cycles(scene: bpy.types.Scene, rendering: Rendering) -> None:
    scene.render.engine = "CYCLES"
    cycles = scene.cycles
    cycles.samples = rendering.render_samples
    cycles.use_adaptive_sampling = rendering.adaptive_threshold > 0
    if cycles.use_adaptive_sampling:
        cycles.adaptive_threshold = rendering.adaptive_threshold
        cycles.adaptive_min_samples = ADAPTIVE_MIN_SAMPLES
    cycles.max_bounces = MAX_BOUNCES
    cycles.light_sampling_threshold = 0  # the test for each shadow ray costs more than it saves
    if hasattr(cycles, "use_light_tree"):  # from 3.5 on; slower with only two lights
        cycles.use_light_tree = False
    cycles.use_denoising = rendering.denoise and has_denoiser()
    if cycles.use_denoising:
        cycles.denoiser = "OPENIMAGEDENOISE"
        cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
        cycles.denoising_prefilter = rendering.denoise_prefilter.upper()


def _set_device(scene: bpy.types.Scene, use_gpu: bool) -> tuple[str, list[str]]:
    """Chooses the device of Cycles; returns its name, and lines to print."""
    scene.cycles.device = "CPU"
    if not use_gpu:
        return "CPU", []
    device = _enable_gpus()
    if device is None:
        return "CPU", ["rendering.use_gpu: Blender sees no GPU here; rendering on the CPU."]
    scene.cycles.device = "GPU"
    return device, [f"rendering.use_gpu: rendering on {device}."]


def _find_cpu() -> CpuKind:
    """The kind of CPU, as Cycles sees it."""
    preferences = bpy.context.preferences.addons["cycles"].preferences
    names = [d.name for d in preferences.get_devices_for_type("CPU") if d.type == "CPU"]
    return find_cpu(names[0] if names else "")


def _omit_noisy_image() -> None:
    """Leaves the image before denoising out of EXR files; it takes two fifths of the bytes.

    Cycles' add-on adds this pass whenever the denoiser is on; no setting turns it off.
    """
    addon: Any = importlib.import_module("cycles.engine")
    list_all = addon.list_render_passes
    if list_all.__module__ != addon.__name__:  # already replaced in this process
        return

    def list_wanted(scene: bpy.types.Scene, layer: bpy.types.ViewLayer) -> Iterator[tuple]:
        return (entry for entry in list_all(scene, layer) if entry[0] != "Noisy Image")

    addon.list_render_passes = list_wanted


def _enable_gpus() -> str | None:
    """Enables all GPUs of the first backend that has any; returns e.g. ``"OPTIX: NVIDIA L4"``.

    However many there are: one or eight of a model are the same device.
    """
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
            return f"{backend}: {', '.join(sorted({gpu.name for gpu in gpus}))}"
    return None


def _set_eevee(scene: bpy.types.Scene, rendering: Rendering) -> None:
    if not has_egl():
        raise UserError(
            "rendering.renderer = 'eevee': needs libEGL, which this machine lacks; install the "
            "package libegl1, or use 'cycles'"
        )
    # Versions 4.2 to 4.5 call Eevee Next by another name.
    scene.render.engine = (
        "BLENDER_EEVEE_NEXT" if (4, 2) <= bpy.app.version < (5, 0) else "BLENDER_EEVEE"
    )
    scene.eevee.taa_render_samples = rendering.render_samples


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
    scene.view_settings.gamma = 1  # the exposure is that of each sample
    scene.render.dither_intensity = 0  # so that PNG and EXR agree within one level


def _set_texture_cache_off(render: bpy.types.RenderSettings) -> None:
    """Makes Blender read the textures themselves, and write nothing beside them.

    By default Blender 5.2 renders from smaller copies in a folder `blender_tx` beside an image, if
    there are some. It can also be set to write them.
    """
    for name in ("use_texture_cache", "use_auto_generate_texture_cache"):
        if hasattr(render, name):
            setattr(render, name, False)


def _set_stamps_off(render: bpy.types.RenderSettings) -> None:
    """Leaves times and host names out of PNG files, so that equal pixels give equal files."""
    for name in dir(render):
        if name.startswith("use_stamp") and name != "use_stamp_labels":
            setattr(render, name, False)


def _set_output(scene: bpy.types.Scene, render_exr: bool) -> None:
    image = scene.render.image_settings
    if not render_exr:
        image.file_format, image.color_mode, image.color_depth = "PNG", "RGB", "8"
        return
    if hasattr(image, "media_type"):  # 5.0 needs it set first
        image.media_type = "MULTI_LAYER_IMAGE"
    image.file_format, image.color_mode, image.color_depth = "OPEN_EXR_MULTILAYER", "RGBA", "32"
    image.exr_codec = "ZIP"
    if hasattr(image, "use_exr_interleave"):  # without it 5.0 writes several parts
        image.use_exr_interleave = True
    layer = scene.view_layers[0]
    layer.use_pass_object_index = layer.use_pass_material_index = layer.use_pass_z = True
