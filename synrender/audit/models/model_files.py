"""Reads the faces of a model's file, and what it says about their colors, whatever its format."""

from __future__ import annotations

import contextlib
import io

import numpy as np

from synrender.assets.model_file import ModelFile
from synrender.audit.models.gltf_files import read_gltf, reading
from synrender.audit.models.obj_files import ObjFaces, read_finishes, read_obj
from synrender.audit.models.own_materials import PLAIN, Coloring, ImageReader
from synrender.audit.models.ply_faces import read_ply
from synrender.audit.models.polygons import Polygons
from synrender.audit.models.texture import srgb_to_linear

_MAX_BYTES = 1 << 28


def read_model(
    file: ModelFile, images: ImageReader | None = None
) -> tuple[Polygons, Coloring | None]:
    """Faces of all objects of a file, and its colors, unless there is no reader of images.

    Raises:
        OSError, ValueError, IndexError: it cannot be read.
        Unreadable: this process cannot read it.
    """

    def read_beside(name: str) -> bytes:
        return file.beside(name).read(_MAX_BYTES)

    data = file.read(_MAX_BYTES)
    match file.suffix:
        case ".glb" | ".gltf":
            return read_gltf(data, read_beside, images)
        case ".ply":
            polygons, rgb = read_ply(data)
            colors = np.concatenate([rgb, np.ones((len(rgb), 1))], axis=1)
            return polygons, _color_plainly(polygons, colors) if images else None
        case ".stl":
            polygons = _read_stl(data)
            return polygons, _color_plainly(polygons) if images else None
    faces = read_obj(data)
    return faces.polygons, _read_obj_colors(file, faces, images) if images else None


def _read_obj_colors(file: ModelFile, faces: ObjFaces, images: ImageReader) -> Coloring:
    """Of faces without a material that is described, the colors of vertices, which are sRGB."""
    libraries = []
    with contextlib.suppress(OSError, ValueError):  # one is not there
        for text in faces.libraries:
            is_name = len(text.split()) < 2 or file.beside(text).is_there  # or else several
            for name in [text] if is_name else text.split():
                library = file.beside(name)
                libraries.append((library, library.read(_MAX_BYTES)))
    finishes = read_finishes(faces.names, libraries, images)
    colors = np.ones((len(faces.uv), 4))
    if faces.srgb is not None:
        is_plain = np.array([finish is PLAIN for finish in finishes])[faces.materials]
        colors[is_plain, :3] = srgb_to_linear(np.clip(faces.srgb, 0, 1))[is_plain]
    return Coloring(faces.uv, colors, faces.materials, finishes)


def _color_plainly(polygons: Polygons, colors: np.ndarray | None = None) -> Coloring:
    """The coloring of a file without materials, with colors (c, 4) at its corners or white."""
    num = len(polygons.corners)
    uv = np.full((num, 2), np.nan)
    colors = np.ones((num, 4)) if colors is None else colors
    return Coloring(uv, colors, np.zeros(num, np.int64), (PLAIN,))


def _read_stl(data: bytes) -> Polygons:
    """Triangles of an STL file, by trimesh."""
    import trimesh

    with reading():
        mesh = trimesh.load_mesh(io.BytesIO(data), file_type="stl", process=False)
    corners = np.asarray(mesh.faces, np.int64).reshape(-1)
    normals = np.full((len(corners), 3), np.nan)
    return Polygons(np.asarray(mesh.vertices), corners, normals, np.full(len(corners) // 3, 3))
