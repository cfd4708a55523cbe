"""Renders label passes with Cycles, one ray through the center of each pixel.

Cycles sends the first sample of a pixel through its center, and takes index and depth passes from
that sample alone. Label passes are rendered with one sample, so all show the same point. They are
those of a pinhole camera, whatever the focus, and show no catcher of shadows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from pathlib import Path

import bpy
import numpy as np

from synrender.blender.materials import Shown, show_unlit
from synrender.blender.scene import find_catchers, to_array
from synrender.images.conversions import FARTHEST_M
from synrender.images.scanline_exr import read_channels

Channels = dict[str, np.ndarray]

INSTANCE = (".IndexOB.X", ".Object Index.X")
"""How the name of the channel of instances ends; Blender 5.0 renamed it."""

REFLECTION = {"Roughness": "R", "Metallic": "G"}
"""Labels, and the color by which `Shown.REFLECTION` shows each."""


def needs_label_passes(scene: bpy.types.Scene) -> bool:
    """Whether the index and depth passes of an image are not the labels.

    Eevee has no index passes, a lens is seen through at a random point, and of a catcher of shadows
    there is no surface to be seen.
    """
    is_cycles, lens = scene.render.engine == "CYCLES", scene.camera.data.dof
    return not is_cycles or lens.use_dof or bool(find_catchers(scene))


def render_labels(
    scene: bpy.types.Scene, path: Path, passes: Collection[str], render: Callable[[], None]
) -> Channels:
    """Renders the label passes of the current scene. No image can be rendered of it afterwards.

    Args:
        scene: as it was rendered.
        path: where ``render`` writes; the file is of no use afterwards.
        passes: of `label_table.PASSES`; the instance, material and depth passes come with any.
        render: renders the scene into ``path``.

    Returns:
        Channels by name, with the view layer's in front, (h, w): ``IndexOB.X`` and so on as Blender
        calls them; ``Normal.X`` to ``.Z``, unit, in camera space (x right, y down, z forward), 0
        where nothing is hit; ``Albedo.R`` to ``.B``, scene-linear, likewise; ``Amodal.k`` for each
        instance k, 1 where the object is seen if it stands alone, else 0; ``Roughness.V`` and
        ``Metallic.V``, 0 to 1, 0 where nothing is hit.
    """
    layer = scene.view_layers[0]
    _make_unlit(scene, Shown.COLOR if "albedo" in passes else Shown.NOTHING)
    with _one_sample(scene):
        layer.use_pass_normal = "normal" in passes
        render()
        _, found = read_channels(path)
        layer.use_pass_normal = False
        labels = {name: pixels for name, pixels in found.items() if ".Combined." not in name}
        depth_m = next(p for name, p in found.items() if ".Depth." in name)
        is_hit = depth_m < FARTHEST_M
        if "normal" in passes:
            labels |= _to_camera_space(scene, found, is_hit)
        if "albedo" in passes:
            for channel in "RGB":
                rgb = found[f"{layer.name}.Combined.{channel}"]
                labels[f"{layer.name}.Albedo.{channel}"] = np.where(is_hit, rgb, np.float32(0))
        if wanted := [name for name in REFLECTION if name.lower() in passes]:
            _make_unlit(scene, Shown.REFLECTION)
            render()
            _, found = read_channels(path)
            for name in wanted:
                values = found[f"{layer.name}.Combined.{REFLECTION[name]}"]
                labels[f"{layer.name}.{name}.V"] = np.where(is_hit, values, np.float32(0))
        if "amodal" in passes:
            labels |= _render_alone(scene, path, render)
    return labels


def _make_unlit(scene: bpy.types.Scene, shown: Shown) -> None:
    for obj in scene.objects:
        for slot in obj.material_slots:
            show_unlit(slot.material, shown)


def _to_camera_space(scene: bpy.types.Scene, found: Channels, is_hit: np.ndarray) -> Channels:
    names = [f"{scene.view_layers[0].name}.Normal.{axis}" for axis in "XYZ"]
    in_world = np.stack([found[name] for name in names], axis=2)
    camera_to_world = to_array(scene.camera.matrix_world.to_3x3())
    # Blender's camera has Y up and looks along -Z.
    in_camera = in_world @ camera_to_world * (1, -1, -1) * is_hit[:, :, None]
    return dict(zip(names, np.moveaxis(in_camera.astype(np.float32) + 0, 2, 0), strict=True))


def _render_alone(scene: bpy.types.Scene, path: Path, render: Callable[[], None]) -> Channels:
    """Renders each object without the others and the backdrop."""
    name = scene.view_layers[0].name
    shapes = [obj for obj in scene.objects if obj.type == "MESH"]
    _make_unlit(scene, Shown.NOTHING)
    masks = {}
    for obj in (obj for obj in shapes if obj.pass_index):
        for other in shapes:
            other.hide_render = other != obj
        render()
        _, found = read_channels(path)
        index = next(pixels for channel, pixels in found.items() if channel.endswith(INSTANCE))
        masks[f"{name}.Amodal.{obj.pass_index}"] = (index == obj.pass_index).astype(np.float16)
    return masks


@contextmanager
def _one_sample(scene: bpy.types.Scene) -> Generator[None]:
    """Makes Cycles render one plain sample of each pixel, all in focus, within the context."""
    wanted: list[tuple[object, str, object]] = [
        (scene.render, "engine", "CYCLES"),
        (scene.render.image_settings, "exr_codec", "NONE"),
        (scene.render, "use_persistent_data", True),
        (scene.cycles, "samples", 1),
        (scene.cycles, "use_adaptive_sampling", False),
        (scene.cycles, "use_denoising", False),
        (scene.cycles, "max_bounces", 0),
        (scene.camera.data.dof, "use_dof", False),
        *((catcher, "hide_render", True) for catcher in find_catchers(scene)),
    ]
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in wanted]
    for owner, name, value in wanted:
        setattr(owner, name, value)
    try:
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)
