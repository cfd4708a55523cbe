"""Builds a sample in Blender from its plan and returns the record. Makes no random choice."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import bpy
import numpy as np

from synrender.assets.catalog import Catalog
from synrender.blender.image_blocks import check_texture, load_texture
from synrender.blender.materials import MapImages, Surface, create_material, set_reflection
from synrender.blender.objects import (
    Model,
    create_model_object,
    find_depth,
    load_model,
    read_pose,
)
from synrender.blender.own_materials import Tint, create_own_materials, let_alpha_through
from synrender.blender.scene import (
    create_backdrop,
    create_camera,
    create_lights,
    reset_scene,
    set_focus,
    show_behind,
)
from synrender.blender.world import Surroundings
from synrender.dataset.record import create_records
from synrender.errors import RejectedAsset, UserError
from synrender.sampling.camera import scene_to_intrinsics, scene_to_world_to_camera
from synrender.sampling.sample_plan import (
    AssetChoice,
    ObjectPlan,
    SamplePlan,
    set_down,
    stand_up,
)
from synrender.settings.checks import MAX_NAME_LENGTH
from synrender.settings.factor_table import COLUMNS
from synrender.settings.groups import BACKDROP_PASS_INDEX, Settings


class Builder:
    """Builds samples one after the other in the same scene.

    Keeps between samples: the models of the last sample with their images (the next sample of the
    group uses them again), its environment, the names of good textures, the rejected assets, and
    what models lack.
    None of them changes how a sample looks.
    """

    def __init__(
        self,
        scene: bpy.types.Scene,
        settings: Settings,
        catalog: Catalog,
        rejected: dict[str, str],
    ) -> None:
        self._scene, self._settings, self._catalog = scene, settings, catalog
        self._models: dict[str, Model] = {}
        self._has_looks = settings.material.source == "own"
        self._textures: dict[str, list[tuple[str, Path]]] = {}  # good ones, see `_find_maps`
        self.rejected = dict(rejected)  # {name: reason}, of models, textures and environments
        self._surroundings = Surroundings(scene.world, catalog, self.rejected)
        self.incomplete: dict[str, str] = {}  # {name: reason}, of models without all of their look
        let_alpha_through(scene, settings.material)

    def build_sample(self, plan: SamplePlan) -> np.ndarray:
        """Builds the scene of ``plan``; returns its record, (num_objs,) of `RECORD_DTYPE`.

        Raises:
            UserError: none of the candidate models or textures can be used.
        """
        blocks = [b for model in self._models.values() for b in model.blocks]
        reset_scene(keep=[*blocks, *self._surroundings.kept])
        textures = self._find_textures(plan)
        camera = create_camera(self._scene, plan.scene)
        self._scene.view_settings.exposure = plan.exposure
        create_lights(self._scene, plan)
        environment = self._surroundings.show(plan.environment)
        show_behind(self._scene, plan.backdrop)
        if plan.backdrop == "plane" or plan.scene.ground:
            self._create_backdrop(plan, textures[0])
        names = [self._load_model(obj_plan, plan.bucket) for obj_plan in plan.objects]
        self._models = {name: self._models[name] for name in names}
        plan = stand_up(plan, list(map(self._has_z_up, plan.objects, names)))
        if plan.is_standing:
            models = [self._models[name] for name in names]
            plan = set_down(plan, list(map(find_depth, models, plan.objects)))
        set_focus(camera, plan)
        objects = []
        for k, (name, obj_plan) in enumerate(zip(names, plan.objects, strict=True), start=1):
            model = self._models[name]
            materials = self._create_materials(model, obj_plan, textures[k])
            for material in materials:
                set_reflection(material, obj_plan.surface)
            objects.append(create_model_object(self._scene, model, obj_plan, k, materials))
        bpy.context.view_layer.update()
        return self._describe(plan, names, objects, (*textures, environment))

    def _describe(
        self,
        plan: SamplePlan,
        names: list[str],
        objects: list[bpy.types.Object],
        images: tuple[str, ...],
    ) -> np.ndarray:
        backdrop_texture, *textures, environment = images
        record = create_records((len(objects),))
        for k, (name, obj) in enumerate(zip(names, objects, strict=True)):
            record["synset_id"][k], record["model_id"][k] = name.split("/", 1)
            for field, value in read_pose(obj, self._models[name]).items():
                record[field][k] = value
            record["instance"][k] = obj.pass_index
        record["class"] = [obj_plan.class_idx for obj_plan in plan.objects]
        record["color"] = [obj_plan.color for obj_plan in plan.objects]
        record["backdrop_color"] = plan.backdrop_color
        record["backdrop_texture"], record["texture"] = backdrop_texture, textures
        record["environment"], record["light"] = environment, plan.light_location
        locations = (plan.light_location, *plan.lights.other_locations)
        record["lights"][:, : len(locations)] = locations
        record["sample_idx"], record["bucket"], record["group"] = plan.idx, plan.bucket, plan.group
        record["base"], record["varied"] = plan.base, plan.varied
        record["factor_values"] = [obj_plan.factor_values for obj_plan in plan.objects]
        record["factor_levels"] = [obj_plan.factor_levels for obj_plan in plan.objects]
        for k, obj_plan in enumerate(plan.objects):
            self._fill_asset_columns(record[k], obj_plan.class_idx)
        resolution = self._settings.rendering.resolution
        record["intrinsics"] = scene_to_intrinsics(plan.scene, resolution)
        record["world_to_camera"] = scene_to_world_to_camera(plan.scene)
        return record

    def _fill_asset_columns(self, row: np.void, class_idx: int) -> None:
        """Writes the catalog's places of the model and the textures that an object shows."""
        catalog = self._catalog
        places = {"model": catalog.model_ids[class_idx].index(str(row["model_id"]))}
        for name in ("texture", "backdrop_texture"):
            if row[name]:
                places[name] = catalog.textures.index(str(row[name]))
        if row["environment"]:
            places["environment"] = catalog.environments.index(str(row["environment"]))
        for name, place in places.items():
            row["factor_values"][COLUMNS.index(name)] = place

    def _create_backdrop(self, plan: SamplePlan, texture: str) -> None:
        surface = self._load_surface(texture, plan.backdrop_color)
        material = create_material(
            "Backdrop", self._settings.material, surface, BACKDROP_PASS_INDEX
        )
        set_reflection(material, plan.backdrop_surface)
        obj = create_backdrop(self._scene, plan.scene, material)
        obj.is_shadow_catcher = plan.backdrop != "plane"

    def _create_materials(
        self, model: Model, plan: ObjectPlan, texture: str
    ) -> list[bpy.types.Material]:
        """Materials of an object: its model's own, or one of a texture or a color."""
        settings = self._settings.material
        if model.look is not None:
            tint = Tint(plan.color, settings.color_intensity)
            return create_own_materials("Object", settings, model.look, tint, plan.class_idx)
        surface = self._load_surface(texture, plan.color, settings.color_intensity)
        return [create_material("Object", settings, surface, plan.class_idx)]

    def _load_model(self, plan: ObjectPlan, bucket: int) -> str:
        """Loads a model into ``_models``; returns its ``synset/model`` name.

        Adds candidates that cannot be loaded to ``rejected``.
        """

        def is_usable(model_id: str) -> bool:
            name = self._to_name(plan, model_id)
            if name not in self.rejected and name not in self._models:
                try:
                    file = self._catalog.model_file(plan.class_idx, model_id)
                    loaded = load_model(file, model_id, self._has_looks)
                    own_size = self._settings.object.own_size
                    self._models[name] = dataclasses.replace(loaded, has_own_size=own_size)
                except RejectedAsset as reason:
                    self.rejected[name] = str(reason)
            return name not in self.rejected

        if (model_id := plan.model.find(is_usable)) is not None:
            name = self._to_name(plan, model_id)
            if (look := self._models[name].look) and look.problem:
                self.incomplete[name] = look.problem
            return name
        reasons = [self.rejected.get(self._to_name(plan, m)) for m in plan.model.candidates]
        raise UserError(
            f"class {self._settings.sample.classes[plan.class_idx]!r}, bucket {bucket}: too few of "
            f"its {len(reasons)} models can be used (last: {next(filter(None, reasons[::-1]))}); "
            "mend or add some, or lower object.n_buckets, and start again with --overwrite"
        )

    def _has_z_up(self, plan: ObjectPlan, name: str) -> bool:
        return self._catalog.has_z_up(plan.class_idx, name.split("/", 1)[1])

    def _to_name(self, plan: ObjectPlan, model_id: str) -> str:
        return f"{self._catalog.synset_ids[plan.class_idx]}/{model_id}"

    def _find_textures(self, plan: SamplePlan) -> list[str]:
        """Names of the textures of the backdrop and each object; "" where there is none."""
        choices = [plan.backdrop_texture, *(obj_plan.texture for obj_plan in plan.objects)]
        return [self._find_texture(choice) if choice.candidates else "" for choice in choices]

    def _load_surface(
        self, texture: str, color: tuple[float, ...], color_share: float = 0.0
    ) -> Surface:
        """A texture with its maps, and the color that is mixed into it; "": the color alone."""
        if not texture:
            return Surface(color, None, color_share)
        image, *maps = self._textures[texture]
        images = MapImages(**{kind: load_texture(path, is_data=True) for kind, path in maps})
        return Surface(color, load_texture(image[1]), color_share, images)

    def _find_maps(self, texture: str) -> list[tuple[str, Path]]:
        """Kind and file of each of the images of a texture, the color first."""
        if self._settings.material.source != "pbr":
            return [("color", self._catalog.texture_path(texture))]
        maps = vars(self._catalog.surface_maps(texture))
        return [(kind, path) for kind, path in maps.items() if path is not None]

    def _find_texture(self, choice: AssetChoice) -> str:
        """Name of the texture that is shown; adds those that cannot be used to ``rejected``."""
        if (name := choice.find(self._is_texture_usable)) is not None:
            return name
        reasons = [self.rejected.get(name) for name in choice.candidates]
        last = next(filter(None, reasons[::-1]))
        raise UserError(
            f"{self._catalog.textures_path}: too few of its {len(self._catalog.textures)} textures "
            f"can be used for a sample (last: {last}); mend or add some and start again with "
            "--overwrite"
        )

    def _is_texture_usable(self, name: str) -> bool:
        if name in self._textures or name in self.rejected:
            return name not in self.rejected
        if len(name) > MAX_NAME_LENGTH:
            self.rejected[name] = f"name longer than {MAX_NAME_LENGTH} characters"
            return False
        found = self._find_maps(name)
        for kind, path in found:
            try:
                check_texture(path)
            except RejectedAsset as reason:
                self.rejected[name] = str(reason) if kind == "color" else f"its {kind}: {reason}"
                return False
        self._textures[name] = found
        return True
