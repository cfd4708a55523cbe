"""Imports, cleans and places models, and reads their pose back from Blender."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import bpy
import numpy as np

from synrender.assets.lost_shape import refuse_lost_shape
from synrender.assets.mesh import Mesh
from synrender.assets.mesh_formats import read_mesh
from synrender.assets.model_file import ModelFile
from synrender.blender.scene import create_object, to_array
from synrender.errors import RejectedAsset
from synrender.sampling.camera import turn
from synrender.sampling.sample_plan import ObjectPlan
from synrender.settings.checks import MAX_NAME_LENGTH

LARGEST_SIDE_M = 0.7
"""Largest side of every model's bounding box before the plan's scale is applied."""

MAX_UNITS = 1e8
"""A larger model, or one smaller than its inverse, is beyond what single precision can square."""

MIN_RELATIVE_AREA = 1e-12
"""Smallest area of a face that is kept, as a share of the squared largest side."""


@dataclass(frozen=True)
class Geometry:
    """Polygons as numpy arrays. The corners of all faces are listed face after face."""

    vertices: np.ndarray  # (v, 3) float64, model units, as in the file
    corner_vertices: np.ndarray  # (c,) int32, index into vertices
    places: np.ndarray  # (c,) int64, equal for corners that single precision puts at one place
    face_sizes: np.ndarray  # (f,) int32, corners of each face
    corner_normals: np.ndarray  # (c, 3) float32, unit length, or 0 for the face's own
    face_normals: np.ndarray  # (f, 3) float32
    face_areas: np.ndarray  # (f,) float32


@dataclass(frozen=True)
class Model:
    """A clean mesh that is ready to be placed, and the offset that centered it."""

    mesh: bpy.types.Mesh  # vertices as in the file, minus center
    center: np.ndarray  # (3,) float64, of the bounding box, model units
    bbox: np.ndarray  # (2, 3) float64, min and max corner of the centered mesh


# --- loading ------------------------------------------------------------------------------------


def load_model(file: ModelFile, model_id: str) -> Model:
    """Imports a model as one clean, centered mesh with texture coordinates.

    Raises:
        RejectedAsset: the file is missing, empty or truncated, or the mesh is not finite, has no
            faces or no extent, or is so far from the origin that its digits leave no shape.
    """
    if len(model_id) > MAX_NAME_LENGTH:
        raise RejectedAsset(f"model id longer than {MAX_NAME_LENGTH} characters")
    obj = read_mesh(file)
    refuse_lost_shape(obj)
    geometry = clean_geometry(_measure(obj))
    if bpy.app.version < (4, 5):
        geometry = drop_short_edges(geometry)
    low, high = geometry.vertices.min(axis=0), geometry.vertices.max(axis=0)
    center = (low + high) / 2
    vertices = (geometry.vertices - center).astype(np.float32)
    bbox = np.stack([vertices.min(axis=0), vertices.max(axis=0)])
    uv = cube_project(geometry, vertices / np.ptp(bbox, axis=0).max())
    mesh = _create_mesh(model_id, geometry, vertices, uv)
    return Model(mesh, center, bbox.astype(np.float64))


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
        places=_find_places(vertices)[obj.corner_vertices],
        face_sizes=obj.face_sizes,
        corner_normals=obj.corner_normals,
        face_normals=_read_array(mesh.polygons, "normal", 3),
        face_areas=_read_array(mesh.polygons, "area", 1),
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


# --- cleaning -----------------------------------------------------------------------------------


def clean_geometry(geometry: Geometry) -> Geometry:
    """Drops duplicate faces, zero-area faces and unused vertices; flips wrong normals.

    Two faces are duplicates if their corners are at the same positions, in any order. A normal is
    wrong if it is not on its face's front side.

    Raises:
        RejectedAsset: no face with an area is left.
    """
    size = float(np.ptp(geometry.vertices[geometry.corner_vertices], axis=0).max())
    has_area = geometry.face_areas > MIN_RELATIVE_AREA * size**2
    if not has_area.any():
        raise RejectedAsset("degenerate: no face has an area")
    is_kept = _find_first_faces(geometry, has_area)
    is_kept_corner = np.repeat(is_kept, geometry.face_sizes)
    kept_corners = geometry.corner_vertices[is_kept_corner]
    is_used = np.zeros(len(geometry.vertices), bool)
    is_used[kept_corners] = True
    new_idxs = np.cumsum(is_used, dtype=np.int32) - 1
    face_sizes, face_normals = geometry.face_sizes[is_kept], geometry.face_normals[is_kept]
    return Geometry(
        vertices=geometry.vertices[is_used],
        corner_vertices=new_idxs[kept_corners],
        places=geometry.places[is_kept_corner],
        face_sizes=face_sizes,
        corner_normals=_turn_normals(
            geometry.corner_normals[is_kept_corner], np.repeat(face_normals, face_sizes, axis=0)
        ),
        face_normals=face_normals,
        face_areas=geometry.face_areas[is_kept],
    )


def drop_short_edges(geometry: Geometry) -> Geometry:
    """Leaves out a corner at the same place as the one before it in its face.

    Blender 3.4 to 4.4 turns normals away at an edge without length, by up to 7 degrees. No face
    changes its shape, and those of `clean_geometry` have an area, so that three corners are left.
    """
    places, sizes = geometry.places, geometry.face_sizes
    ends = np.cumsum(sizes)
    before = np.roll(places, 1)
    before[ends - sizes] = places[ends - 1]
    is_kept = places != before
    return dataclasses.replace(
        geometry,
        corner_vertices=geometry.corner_vertices[is_kept],
        places=places[is_kept],
        face_sizes=np.add.reduceat(is_kept, ends - sizes, dtype=np.int32),
        corner_normals=geometry.corner_normals[is_kept],
    )


def _find_places(vertices: np.ndarray) -> np.ndarray:
    """A number for the place of each vertex, (v,) int64, from (v, 3) float32."""
    # Adding 0 turns -0 into 0, so that both have the same bytes.
    places = np.ascontiguousarray(vertices + np.float32(0)).view("V12").reshape(-1)
    return np.unique(places, return_inverse=True)[1].reshape(-1)


def _find_first_faces(geometry: Geometry, has_area: np.ndarray) -> np.ndarray:
    """Which of the faces with an area are not duplicates of an earlier one, (f,) bool."""
    face_starts = np.cumsum(geometry.face_sizes) - geometry.face_sizes
    is_first = np.zeros(len(geometry.face_sizes), bool)
    for face_size in np.unique(geometry.face_sizes):
        faces = np.flatnonzero(has_area & (geometry.face_sizes == face_size))
        corners = face_starts[faces][:, None] + np.arange(face_size)
        keys = np.sort(geometry.places[corners], axis=1)
        _, first = np.unique(keys, axis=0, return_index=True)
        is_first[faces[first]] = True
    return is_first


def _turn_normals(corner_normals: np.ndarray, face_normals: np.ndarray) -> np.ndarray:
    """Flips normals to their face's front side; uses the face normal where one is unusable."""
    side = np.sum(corner_normals * face_normals, axis=1, keepdims=True)
    length = np.linalg.norm(corner_normals, axis=1, keepdims=True)
    is_usable = np.isfinite(side) & (length > 0.5) & (np.abs(side) > 1e-3)
    return np.where(is_usable, corner_normals * np.sign(side), face_normals).astype(np.float32)


def cube_project(geometry: Geometry, vertices: np.ndarray) -> np.ndarray:
    """Texture coordinates: projects each face onto the cube side that it faces most directly.

    Args:
        geometry: the faces.
        vertices: (v, 3), centered and with a largest side of 1.

    Returns:
        (c, 2) float32: the largest side spans half the texture, as in Blender's cube projection;
        the center is at (0.5, 0.5).
    """
    dominant = np.abs(geometry.face_normals).argmax(axis=1)
    axes = np.array([[1, 2], [0, 2], [0, 1]])[np.repeat(dominant, geometry.face_sizes)]
    corners = vertices[geometry.corner_vertices]
    return (0.5 + 0.5 * np.take_along_axis(corners, axes, axis=1)).astype(np.float32)


def _create_mesh(
    name: str, geometry: Geometry, vertices: np.ndarray, uv: np.ndarray
) -> bpy.types.Mesh:
    vertex_idxs, corners = _split_by_normal(geometry)
    cut, sizes = _cut_quads(geometry, vertices)
    mesh = bpy.data.meshes.new(name)
    _add_faces(mesh, vertices[geometry.corner_vertices[corners]], vertex_idxs[cut], sizes)
    mesh.update(calc_edges=True)
    mesh.uv_layers.new(name="UVMap").data.foreach_set("uv", uv[cut].reshape(-1))
    _set_vertex_normals(mesh, geometry.corner_normals[corners])
    return mesh


def _cut_quads(geometry: Geometry, vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cuts quads into triangles: Blender's versions differ in how they cut those that are bent.

    Along the diagonal from the first corner; from the second where both others lie on one side.

    Returns:
        The corner of the geometry at each corner that is left, and the sizes of the faces, int32.
    """
    sizes = geometry.face_sizes
    is_quad, starts = sizes == 4, np.cumsum(sizes) - sizes
    quads = vertices[geometry.corner_vertices[starts[is_quad, None] + np.arange(4)]]
    second, third, fourth = np.moveaxis(quads[:, 1:] - quads[:, :1], 1, 0)
    is_dented = np.zeros(len(sizes), np.int64)
    is_dented[is_quad] = np.sum(np.cross(second, third) * np.cross(fourth, third), axis=1) > 0
    num_corners = np.where(is_quad, 6, sizes)
    face = np.repeat(np.arange(len(sizes)), num_corners)
    place = np.arange(len(face)) - np.repeat(np.cumsum(num_corners) - num_corners, num_corners)
    cuts = np.array([(0, 1, 2, 0, 2, 3), (0, 1, 3, 1, 2, 3)])
    place = np.where(is_quad[face], cuts[is_dented[face], place % 6], place)
    return starts[face] + place, np.repeat(np.where(is_quad, 3, sizes), 1 + is_quad).astype("i4")


def _split_by_normal(geometry: Geometry) -> tuple[np.ndarray, np.ndarray]:
    """Splits each vertex into one for each of its normals: Cycles uses one normal per vertex.

    Cycles splits sharp edges itself, but not edges between faces that wind in opposite directions;
    one of those faces would be black.

    Returns:
        The vertex index of each corner, (c,) int32, and one corner of each vertex, (v,).
    """
    steps = np.rint(geometry.corner_normals.astype(np.float64) * (1 << 19)).astype(np.int64)
    normal_keys = (steps[:, 0] * (1 << 21) + steps[:, 1]) * (1 << 21) + steps[:, 2]
    order = np.lexsort((normal_keys, geometry.corner_vertices))
    is_first = np.ones(len(order), bool)
    is_first[1:] = (np.diff(geometry.corner_vertices[order]) != 0) | (
        np.diff(normal_keys[order]) != 0
    )
    vertex_idxs = np.empty(len(order), np.int32)
    vertex_idxs[order] = np.cumsum(is_first) - 1
    return vertex_idxs, order[is_first]


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
    material: bpy.types.Material,
) -> bpy.types.Object:
    """Places a model; ``instance`` (from 1) is its value in the instance pass."""
    obj = create_object(scene, f"Object {instance}", model.mesh, plan.location, plan.euler)
    largest_side = float((model.bbox[1] - model.bbox[0]).max())
    obj.scale = np.array(plan.scale) * (LARGEST_SIDE_M / largest_side)
    obj.pass_index = instance
    # The samples of a group share the mesh, so the material is linked to the object.
    if not model.mesh.materials:
        model.mesh.materials.append(None)
    obj.material_slots[0].link = "OBJECT"
    obj.material_slots[0].material = material
    return obj


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
