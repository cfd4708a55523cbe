"""Imports, cleans and places models, and reads their pose back from Blender."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from synrender.assets.lost_shape import refuse_lost_shape
from synrender.assets.material import Look
from synrender.assets.mesh import Mesh
from synrender.assets.mesh_formats import read_mesh
from synrender.assets.model_file import ModelFile
from synrender.blender.cleaning import (
    Geometry,
    clean_geometry,
    cube_project,
    cut_quads,
    drop_short_edges,
    find_places,
    split_by_normal,
)
from synrender.blender.materials import UV_NAME
from synrender.blender.own_materials import COLOR_NAME, ModelLook, load_look, uv_set_name
from synrender.blender.scene import create_object, to_array
from synrender.errors import RejectedAsset
from synrender.sampling.camera import euler_to_rot_mat, turn
from synrender.sampling.sample_plan import ObjectPlan
from synrender.settings.checks import MAX_NAME_LENGTH

LARGEST_SIDE_M = 0.7
"""Largest side of a model's bounding box before the plan's scale is applied."""

MAX_UNITS = 1e8
"""A larger model, or one smaller than its inverse, is beyond what single precision can square."""


@dataclass(frozen=True)
class Model:
    """A clean mesh that is ready to be placed, and the offset that centered it."""

    mesh: bpy.types.Mesh  # vertices as in the file, minus center
    center: np.ndarray  # (3,) float64, of the bounding box, model units
    bbox: np.ndarray  # (2, 3) float64, min and max corner of the centered mesh
    look: ModelLook | None = None  # its own materials, if they are to be shown
    has_own_size: bool = False  # its units are m; else its largest side is `LARGEST_SIDE_M`

    @property
    def blocks(self) -> list[bpy.types.ID]:
        """Data blocks that it needs as long as it is shown."""
        return [self.mesh, *(self.look.images.values() if self.look else ())]


# --- loading ------------------------------------------------------------------------------------


def load_model(file: ModelFile, model_id: str, has_look: bool = False) -> Model:
    """Imports a model as one clean, centered mesh with texture coordinates, named by its id.

    With a look, loads what the file says about colors, too.

    Raises:
        RejectedAsset: the file is missing, empty or truncated, or the mesh is not finite, has no
            faces or no extent, or is so far from the origin that its digits leave no shape.
    """
    if len(model_id) > MAX_NAME_LENGTH:
        raise RejectedAsset(f"model id longer than {MAX_NAME_LENGTH} characters")
    obj = read_mesh(file, has_look)
    refuse_lost_shape(obj)
    geometry = clean_geometry(_measure(obj))
    if bpy.app.version < (4, 5):
        geometry = drop_short_edges(geometry)
    low, high = geometry.vertices.min(axis=0), geometry.vertices.max(axis=0)
    center = (low + high) / 2
    vertices = (geometry.vertices - center).astype(np.float32)
    bbox = np.stack([vertices.min(axis=0), vertices.max(axis=0)])
    mesh = _create_mesh(model_id, geometry, vertices)
    look = None if geometry.look is None else load_look(geometry.look)
    return Model(mesh, center, bbox.astype(np.float64), look)


def _measure(obj: Mesh) -> Geometry:
    """Has Blender compute the normals and areas of a file's faces.

    Blender keeps vertices in single precision, so it gets them about the middle of the model.

    Raises:
        RejectedAsset: the model is too large or too small.
    """
    used = obj.vertices[obj.corner_vertices]
    low, high = used.min(axis=0), used.max(axis=0)
    with np.errstate(over="ignore"):
        size = float((high - low).max())
    if size <= 0:
        raise RejectedAsset("degenerate: all vertices stand at one place")
    if not 1 / MAX_UNITS <= size <= MAX_UNITS:
        raise RejectedAsset(f"{size:g} units large; {1 / MAX_UNITS:g} to {MAX_UNITS:g} are allowed")
    with np.errstate(over="ignore"):  # of vertices without a face
        vertices = (obj.vertices - (low + high) / 2).astype(np.float32)
    mesh = bpy.data.meshes.new("measured")
    _add_faces(mesh, vertices, obj.corner_vertices, obj.face_sizes)
    geometry = Geometry(
        vertices=obj.vertices,
        corner_vertices=obj.corner_vertices,
        places=find_places(vertices)[obj.corner_vertices],
        face_sizes=obj.face_sizes,
        corner_normals=obj.corner_normals,
        face_normals=_read_array(mesh.polygons, "normal", 3),
        face_areas=_read_array(mesh.polygons, "area", 1),
        look=obj.look,
    )
    bpy.data.meshes.remove(mesh)
    return geometry


def _add_faces(
    mesh: bpy.types.Mesh, vertices: np.ndarray, corner_vertices: np.ndarray, face_sizes: np.ndarray
) -> None:
    mesh.vertices.add(len(vertices))
    mesh.vertices.foreach_set("co", vertices.reshape(-1))
    mesh.loops.add(len(corner_vertices))
    mesh.loops.foreach_set("vertex_index", corner_vertices)
    mesh.polygons.add(len(face_sizes))
    face_starts = (np.cumsum(face_sizes) - face_sizes).astype(np.int32)
    mesh.polygons.foreach_set("loop_start", face_starts)
    if bpy.app.version < (4, 1):  # later versions derive it
        mesh.polygons.foreach_set("loop_total", face_sizes)


def _read_array(collection: bpy.types.bpy_prop_collection, name: str, width: int) -> np.ndarray:
    values = np.empty(len(collection) * width, np.float32)
    collection.foreach_get(name, values)
    return values.reshape(-1, width) if width > 1 else values


def _create_mesh(name: str, geometry: Geometry, vertices: np.ndarray) -> bpy.types.Mesh:
    """Creates the mesh; ``vertices`` are (v, 3) float32, centered."""
    vertex_idxs, corners = split_by_normal(geometry)
    cut, sizes, faces = cut_quads(geometry, vertices)
    mesh = bpy.data.meshes.new(name)
    _add_faces(mesh, vertices[geometry.corner_vertices[corners]], vertex_idxs[cut], sizes)
    mesh.update(calc_edges=True)
    if geometry.look is None:
        uv = cube_project(geometry, vertices / np.ptp(vertices, axis=0).max())
        _add_places(mesh, UV_NAME, uv[cut])
        mesh.materials.append(None)
    else:
        _add_look(mesh, geometry.look.select(cut, faces))
    _set_vertex_normals(mesh, geometry.corner_normals[corners])
    return mesh


def _add_look(mesh: bpy.types.Mesh, look: Look) -> None:
    """Adds what a mesh needs for its own materials, with a slot for each of them."""
    for _ in look.materials:
        mesh.materials.append(None)
    mesh.polygons.foreach_set("material_index", look.face_materials)
    used = {t.uv_set for material in look.materials for t in material.textures}
    for uv_set in sorted(used):
        _add_places(mesh, uv_set_name(uv_set), look.uv_sets[uv_set])
    if look.colors is not None:
        layer = mesh.color_attributes.new(COLOR_NAME, "FLOAT_COLOR", "CORNER")
        layer.data.foreach_set("color", look.colors.reshape(-1))


def _add_places(mesh: bpy.types.Mesh, name: str, uv: np.ndarray) -> None:
    mesh.uv_layers.new(name=name).data.foreach_set("uv", uv.reshape(-1))


def _set_vertex_normals(mesh: bpy.types.Mesh, normals: np.ndarray) -> None:
    mesh.polygons.foreach_set("use_smooth", np.ones(len(mesh.polygons), bool))
    if bpy.app.version >= (4, 5):  # a thousand times faster than the call below
        attribute = mesh.attributes.new("custom_normal", "FLOAT_VECTOR", "POINT")
        attribute.data.foreach_set("vector", normals.reshape(-1))
        return
    if bpy.app.version < (4, 1):  # later versions do not need this
        mesh.use_auto_smooth = True
    mesh.normals_split_custom_set_from_vertices(normals.tolist())


# --- placing ------------------------------------------------------------------------------------


def create_model_object(
    scene: bpy.types.Scene,
    model: Model,
    plan: ObjectPlan,
    instance: int,
    materials: Sequence[bpy.types.Material],
) -> bpy.types.Object:
    """Places a model with a material for each slot of its mesh.

    The instance, from 1, is its value in the instance pass.
    """
    obj = create_object(scene, f"Object {instance}", model.mesh, plan.location, plan.euler)
    obj.scale = _find_scale(model, plan)
    obj.pass_index = instance
    # The samples of a group share the mesh, so the materials are linked to the object.
    for slot, material in zip(obj.material_slots, materials, strict=True):
        slot.link = "OBJECT"
        slot.material = material
    return obj


def find_depth(model: Model, plan: ObjectPlan) -> float:
    """How far the lowest point of an object is below the center of its box, m."""
    vertices = _read_array(model.mesh.vertices, "co", 3).astype(np.float64)
    heights = vertices * (_find_scale(model, plan) * euler_to_rot_mat(np.array(plan.euler))[2])
    return -float(heights.sum(axis=1).min())


def _find_scale(model: Model, plan: ObjectPlan) -> np.ndarray:
    """Model units to m along each axis, (3,)."""
    if model.has_own_size:
        return np.array(plan.scale)
    largest_side = float((model.bbox[1] - model.bbox[0]).max())
    return np.array(plan.scale) * (LARGEST_SIDE_M / largest_side)


def read_pose(obj: bpy.types.Object, model: Model) -> dict[str, np.ndarray]:
    """Pose fields of the record, read from Blender; call after the view layer's update."""
    obj_to_world = to_array(obj.matrix_world)
    obj_to_world[:3, 3] -= turn(obj_to_world[:3, :3], model.center)
    return {
        "rot_mat": to_array(obj.rotation_euler.to_matrix()),
        "quaternion": to_array(obj.rotation_euler.to_quaternion()),
        "euler": to_array(obj.rotation_euler),
        "bbox": model.bbox,
        "scale": to_array(obj.scale),
        "location": to_array(obj.location),
        "obj_to_world": obj_to_world,
    }
