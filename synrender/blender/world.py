"""What is around a scene: a dim gray world, or the image of an environment."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np

from synrender.assets.catalog import Catalog
from synrender.assets.environments import to_rejected_name
from synrender.blender.image_blocks import load_image, refuse_undecoded
from synrender.errors import RejectedAsset, UserError
from synrender.images.environment import check_environment, find_map_width
from synrender.sampling.sample_plan import EnvironmentPlan

GRAY = 0.05
"""Scene-linear, as in Blender's factory settings."""

MAX_KEPT_BYTES = 1 << 27
"""128 MiB of decoded environments: four of 2048 x 1024 px. The next samples may show them again."""


class Surroundings:
    """Shows environments in the world of a scene. Keeps their images for the next samples.

    What was kept changes no pixel.
    """

    def __init__(self, world: bpy.types.World, catalog: Catalog, rejected: dict[str, str]) -> None:
        """Makes the world gray; adds the reasons of rejected environments, by name."""
        self._world, self._catalog, self._rejected = world, catalog, rejected
        self._checked: set[str] = set()
        self._map_px: dict[str, int] = {}  # by name, see `find_map_width`
        self._images: dict[str, bpy.types.Image] = {}  # by name, the last shown one at the end
        self._shown = ""
        _show_color(world)

    @property
    def kept(self) -> list[bpy.types.ID]:
        """Data blocks that the next sample may use again."""
        return [*self._images.values()]

    def show(self, plan: EnvironmentPlan) -> str:
        """Shows an environment, or the gray world if there is none; returns its id, or "".

        Raises:
            UserError: none of the environments can be used.
        """
        name = self._find(plan) if plan.image.candidates else ""
        if name != self._shown:
            _show_color(self._world)
            if name:
                _show_image(self._world, self._load(name), self._map_px[name])
            self._shown = name
        if name:
            _set_environment(self._world, plan)
        return name

    def _load(self, name: str) -> bpy.types.Image:
        image = self._images.pop(name, None)
        if image is None:
            image = _decode(self._catalog.environment_path(name))
            image.pack()  # else Cycles reads and decodes the file for each sample
        if name not in self._map_px:
            self._map_px[name] = find_map_width(_read_pixels(image))
        self._images[name] = image
        while (
            sum(map(_count_bytes, self._images.values())) > MAX_KEPT_BYTES and len(self._images) > 1
        ):
            del self._images[next(iter(self._images))]  # the next `reset_scene` removes it
        return image

    def _find(self, plan: EnvironmentPlan) -> str:
        if (name := plan.image.find(self._is_usable)) is not None:
            return name
        reasons = [self._rejected.get(to_rejected_name(name)) for name in plan.image.candidates]
        raise UserError(
            f"{self._catalog.environment_path(plan.image.first).parent}: too few of its "
            f"{len(reasons)} environments can be used (last: "
            f"{next(filter(None, reasons[::-1]))}); mend or add some and start again with "
            "--overwrite"
        )

    def _is_usable(self, name: str) -> bool:
        key = to_rejected_name(name)
        if name not in self._checked and key not in self._rejected:
            try:
                path = self._catalog.environment_path(name)
                check_environment(path)
                bpy.data.images.remove(_decode(path))
                self._checked.add(name)
            except RejectedAsset as reason:
                self._rejected[key] = str(reason)
        return key not in self._rejected


def _decode(path: Path) -> bpy.types.Image:
    """An image that passed `check_environment`; RejectedAsset if Blender cannot decode it."""
    image = load_image(path)
    refuse_undecoded(image)
    return image


def _show_color(world: bpy.types.World) -> None:
    """Makes a world dim gray."""
    if bpy.app.version < (5, 0):  # from 5.0 on a world always has nodes
        world.use_nodes = True
    nodes = world.node_tree.nodes
    nodes.clear()
    background, output = nodes.new("ShaderNodeBackground"), nodes.new("ShaderNodeOutputWorld")
    background.inputs["Color"].default_value = (GRAY, GRAY, GRAY, 1)
    world.node_tree.links.new(background.outputs[0], output.inputs["Surface"])
    world.cycles.sampling_method = "AUTOMATIC"


def _count_bytes(image: bpy.types.Image) -> int:
    """Of the decoded image: four numbers of 32 bits a pixel."""
    return image.size[0] * image.size[1] * 16


def _read_pixels(image: bpy.types.Image) -> np.ndarray:
    """Scene-linear RGB of a decoded image, (h, w, 3) float32, bottom line first."""
    width, height = image.size
    values = np.empty(height * width * 4, np.float32)
    image.pixels.foreach_get(values)
    return values.reshape(height, width, 4)[..., :3]


def _show_image(world: bpy.types.World, image: bpy.types.Image, map_px: int) -> None:
    """Puts an image around a gray world; see `synrender.images.environment` for its directions.

    Cycles makes its map of the light for each sample; unless told, one of 4096 px, which takes 1 s.
    """
    nodes, links = world.node_tree.nodes, world.node_tree.links
    coordinates, mapping = nodes.new("ShaderNodeTexCoord"), nodes.new("ShaderNodeMapping")
    texture = nodes.new("ShaderNodeTexEnvironment")
    texture.image = image
    links.new(coordinates.outputs["Generated"], mapping.inputs["Vector"])
    links.new(mapping.outputs["Vector"], texture.inputs["Vector"])
    links.new(texture.outputs["Color"], _find_node(world, "BACKGROUND").inputs["Color"])
    world.cycles.sampling_method, world.cycles.sample_map_resolution = "MANUAL", map_px


def _set_environment(world: bpy.types.World, plan: EnvironmentPlan) -> None:
    """Turns an environment about +Z, counter-clockwise seen from above, and sets its energy."""
    # The node turns directions into the image, and so the other way around.
    _find_node(world, "MAPPING").inputs["Rotation"].default_value = (0, 0, -plan.rotation)
    _find_node(world, "BACKGROUND").inputs["Strength"].default_value = plan.energy


def _find_node(world: bpy.types.World, kind: str) -> bpy.types.Node:
    return next(node for node in world.node_tree.nodes if node.type == kind)
