"""Builds a planned sample in Blender and says what was built. Makes no random choice."""

from __future__ import annotations

import bpy
import numpy as np

from synrender.blender.materials import create_material, load_texture
from synrender.blender.objects import Model, ModelCache, create_model_object, read_pose
from synrender.blender.scene import create_backdrop, create_camera, create_lights, reset_scene
from synrender.catalog import MAX_NAME_LENGTH, Catalog
from synrender.errors import RejectedAsset, UserError
from synrender.records import RECORD_DTYPE
from synrender.sampling import ObjectPlan, SamplePlan
from synrender.settings import BACKDROP_PASS_INDEX, Settings


class Builder:
    """Builds one sample after the other in the same scene.

    What it keeps between samples is a cache of meshes and the list of rejected assets; neither
    changes what a sample looks like.
    """

    def __init__(
        self,
        scene: bpy.types.Scene,
        settings: Settings,
        catalog: Catalog,
        rejected: dict[str, str],
    ) -> None:
        self._scene, self._settings, self._catalog = scene, settings, catalog
        self._models = ModelCache()
        self.rejected = dict(rejected)  # {name: reason}, of models and textures

    def build_sample(self, plan: SamplePlan) -> np.ndarray:
        """Sets the scene for ``plan``; returns its record, (num_objs,) of `RECORD_DTYPE`.

        Raises:
            UserError: no model or texture that the plan could use is left.
        """
        reset_scene(keep=self._models.trim())
        scene, settings = self._scene, self._settings
        images = self._load_textures(plan)
        textures = [name for name, _ in images]
        backdrop, *materials = [
            create_material(name, settings.material, color, image, pass_index)
            for name, color, (_, image), pass_index in zip(
                ["Backdrop", *(f"Object {k}" for k in range(1, len(plan.objects) + 1))],
                [plan.backdrop_color, *(obj.color for obj in plan.objects)],
                images,
                [BACKDROP_PASS_INDEX, *(obj.class_idx for obj in plan.objects)],
                strict=True,
            )
        ]
        create_camera(scene, settings.scene)
        create_lights(scene, settings.scene, plan.light_location)
        create_backdrop(scene, settings.scene, backdrop)
        placed = []
        for k, obj_plan in enumerate(plan.objects):
            model_id, model = self._load_model(obj_plan, plan.bucket)
            obj = create_model_object(scene, model, obj_plan, k + 1, materials[k])
            placed.append((model_id, model, obj))
        bpy.context.view_layer.update()

        record = np.zeros(len(plan.objects), RECORD_DTYPE)
        for k, (model_id, model, obj) in enumerate(placed):
            for name, value in read_pose(obj, model).items():
                record[name][k] = value
            record["class"][k] = plan.objects[k].class_idx
            record["synset_id"][k] = self._catalog.synset_ids[plan.objects[k].class_idx]
            record["model_id"][k] = model_id
            record["texture"][k] = textures[k + 1]
            record["color"][k] = plan.objects[k].color
            record["instance"][k] = k + 1
        record["light"] = plan.light_location
        record["sample_idx"], record["bucket"] = plan.idx, plan.bucket
        record["group"] = plan.group
        record["backdrop_texture"], record["backdrop_color"] = textures[0], plan.backdrop_color
        return record

    def _load_model(self, plan: ObjectPlan, bucket: int) -> tuple[str, Model]:
        """The first candidate that loads; what does not is remembered with its reason."""
        for model_id in plan.model_ids:
            name = f"{self._catalog.synset_ids[plan.class_idx]}/{model_id}"
            if name in self.rejected:
                continue
            try:
                return model_id, self._models.load(
                    self._catalog.model_path(plan.class_idx, model_id)
                )
            except RejectedAsset as reason:
                self.rejected[name] = str(reason)
        raise UserError(
            f"class {self._settings.sample.classes[plan.class_idx]!r}, bucket {bucket}: none of "
            f"its {len(plan.model_ids)} models can be used (last: {self.rejected[name]}); mend "
            "or remove them, or lower object.n_buckets"
        )

    def _load_textures(self, plan: SamplePlan) -> list[tuple[str, bpy.types.Image | None]]:
        """Names and images for the backdrop and each object; a bad one is replaced by a spare."""
        num_needed = len(plan.objects) + 1
        if not plan.textures:
            return [("", None)] * num_needed
        spares = iter(plan.textures[num_needed:])
        chosen = []
        for name in plan.textures[:num_needed]:
            image = self._load_texture(name)
            while image is None:
                name = next(spares, None)
                if name is None:
                    raise UserError(
                        f"{self._catalog.dtd_dir}: too few of its {len(plan.textures)} textures "
                        f"can be used for a sample that needs {num_needed}; mend or add some"
                    )
                image = self._load_texture(name)
            chosen.append((name, image))
        return chosen

    def _load_texture(self, name: str) -> bpy.types.Image | None:
        if name in self.rejected:
            return None
        try:
            if len(name) > MAX_NAME_LENGTH:
                raise RejectedAsset(f"name longer than {MAX_NAME_LENGTH} characters")
            return load_texture(self._catalog.texture_path(name))
        except RejectedAsset as reason:
            self.rejected[name] = str(reason)
            return None
