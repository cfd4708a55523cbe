"""GLB, glTF, STL and PLY files are read as trimesh reads them, and no damage does harm."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trimesh

from synrender.assets.gltf_file import read_gltf
from synrender.assets.mesh import Mesh
from synrender.assets.mesh_formats import read_mesh
from synrender.assets.model_file import ModelFile
from synrender.assets.ply_file import read_ply
from synrender.assets.stl_file import read_stl
from synrender.assets.tree import open_tree
from synrender.audit.rays.model_caster import UnusableModel, load_triangles
from synrender.errors import RejectedAsset
from tests.assets.gltf_writer import FACES, POINTS, Glb, tent
from tests.assets.helpers import write_files, write_zip


def nothing(name: str) -> bytes:
    raise RejectedAsset(f"{name}: not there")


def read_glb(data: bytes) -> Mesh:
    return read_gltf(data, nothing)


def triangles(mesh: Mesh) -> np.ndarray:
    """(f, 3, 3), in an order that does not depend on the file's."""
    assert (mesh.face_sizes == 3).all()
    return sort(mesh.vertices[mesh.corner_vertices].reshape(-1, 3, 3))


def sort(faces: np.ndarray) -> np.ndarray:
    first = np.array([np.lexsort(face.round(5).T)[0] for face in faces])
    turned = np.stack([np.roll(face, -k, axis=0) for face, k in zip(faces, first, strict=True)])
    return turned[np.lexsort(turned.round(5).reshape(-1, 9).T)]


def export(kind: str, **options: object) -> bytes:
    shape = trimesh.creation.icosphere(2).apply_scale((1, 2, 3)).apply_translation((5, -7, 11))
    data = shape.export(file_type=kind, **options)
    return data.encode() if isinstance(data, str) else data


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (export("glb"), read_glb),
        (export("stl"), read_stl),
        (export("stl_ascii"), read_stl),
        (export("ply"), read_ply),
        (export("ply", encoding="ascii"), read_ply),
    ],
    ids=["glb", "stl", "stl text", "ply", "ply text"],
)
def test_a_file_is_read_as_trimesh_reads_it(data: bytes, read: Callable[[bytes], Mesh]) -> None:
    shape = trimesh.creation.icosphere(2).apply_scale((1, 2, 3)).apply_translation((5, -7, 11))
    mesh = read(data)
    assert mesh.vertices.dtype == np.float64
    np.testing.assert_allclose(triangles(mesh), sort(shape.triangles), atol=2e-6)
    lengths = np.linalg.norm(mesh.corner_normals, axis=1)
    assert np.all((np.abs(lengths - 1) < 1e-5) | (lengths == 0))


# --- glTF -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "nodes",
    [
        [{"mesh": 0, "matrix": [2, 0, 0, 0, 0, 0, 2, 0, 0, -2, 0, 0, 1, 2, 3, 1]}],
        [{"mesh": 0, "scale": [1, -2, 3], "rotation": [0.5, 0.5, -0.5, 0.5]}],
        [{"mesh": 0, "scale": [1, 2, 3], "rotation": [0.3, 0.9, 0.1, 1.6]}],  # not of length 1
        [
            {"children": [1, 2], "translation": [1, 2, 3], "rotation": [0, 0.6, 0, 0.8]},
            {"mesh": 0, "scale": [1, 1, -1]},
            {"mesh": 0, "children": [3], "translation": [9, 0, 0]},
            {"mesh": 0, "matrix": [0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 7, 1]},
        ],
    ],
)
def test_nodes_place_their_meshes(nodes: list[dict]) -> None:
    glb = tent()
    glb.root["nodes"] = nodes
    found = triangles(read_glb(glb.encode()))
    scene = trimesh.load_scene(trimesh.util.wrap_as_stream(glb.encode()), file_type="glb")
    expected = scene.to_mesh().triangles
    assert len(found) == len(expected)
    places = np.array([np.unique(face.round(5), axis=0) for face in found])
    others = np.array([np.unique(face.round(5), axis=0) for face in sort(expected)])
    for values in (places, others):
        values[:] = values[np.lexsort(values.reshape(-1, 9).T)]
    np.testing.assert_allclose(places, others, atol=1e-5)


def test_the_normals_of_a_mirrored_node_stay_on_the_outside() -> None:
    shape = trimesh.creation.icosphere(2)
    glb = Glb()
    attributes = glb.primitive["attributes"]
    attributes["POSITION"] = glb.accessor(shape.vertices.astype("<f4"), "VEC3", 5126)
    attributes["NORMAL"] = glb.accessor(shape.vertex_normals.astype("<f4"), "VEC3", 5126)
    faces = shape.faces.astype("<u2").reshape(-1, 1)
    glb.primitive["indices"] = glb.accessor(faces, "SCALAR", 5123)
    glb.root["nodes"][0]["scale"] = [-1, 2, 1]
    mesh = read_glb(glb.encode())
    corners = mesh.vertices[mesh.corner_vertices]
    assert np.all(np.sum(corners * mesh.corner_normals, axis=1) > 0)
    first, second, third = np.moveaxis(corners.reshape(-1, 3, 3), 1, 0)
    assert np.all(np.sum(np.cross(second - first, third - first) * first, axis=1) > 0)


@pytest.mark.parametrize(
    ("faces", "mode", "expected"),
    [
        (np.array([0, 1, 2, 3], "<u2"), 5, [(0, 1, 2), (1, 3, 2)]),
        (np.array([0, 1, 2, 3], "<u2"), 6, [(1, 2, 0), (2, 3, 0)]),
        (np.array([0, 1, 2, 2, 2, 3], "<u2"), 4, [(0, 1, 2)]),
    ],
    ids=["strip", "fan", "a face without an area"],
)
def test_modes(faces: np.ndarray, mode: int, expected: list[tuple[int, ...]]) -> None:
    mesh = read_glb(tent(faces, mode=mode).encode())
    assert [tuple(face) for face in mesh.corner_vertices.reshape(-1, 3).tolist()] == expected


def test_points_and_lines_are_no_faces() -> None:
    for mode in range(4):
        with pytest.raises(RejectedAsset, match="no faces"):
            read_glb(tent(mode=mode).encode())


def test_vertices_may_be_interleaved_sparse_or_quantized() -> None:
    expected = triangles(read_glb(tent().encode()))
    glb = tent()
    both = np.zeros((5, 6), "<f4")
    both[:, :3] = POINTS
    glb.root["accessors"][0]["bufferView"] = glb.view(both.tobytes(), byteStride=24)
    np.testing.assert_equal(triangles(read_glb(glb.encode())), expected)
    glb = tent()
    del glb.root["accessors"][0]["bufferView"]
    rows = glb.view(np.arange(1, 5, dtype="u1").tobytes())
    glb.root["accessors"][0]["sparse"] = {
        "count": 4,
        "indices": {"bufferView": rows, "componentType": 5121},
        "values": {"bufferView": glb.view(POINTS[1:].tobytes())},
    }  # fmt: skip
    np.testing.assert_equal(triangles(read_glb(glb.encode())), expected)
    glb = Glb()
    whole = np.rint(POINTS / 2 * 32767).astype("<i2")
    padded = np.concatenate([whole, np.zeros((5, 1), "<i2")], axis=1)
    position = glb.accessor(padded, "VEC3", 5122, normalized=True)
    glb.root["bufferViews"][0]["byteStride"] = 8
    glb.primitive["attributes"]["POSITION"] = position
    glb.primitive["indices"] = glb.accessor(FACES[:, None], "SCALAR", 5123)
    glb.root["nodes"][0]["scale"] = [2, 2, 2]
    glb.root["extensionsRequired"] = ["KHR_mesh_quantization"]
    np.testing.assert_allclose(triangles(read_glb(glb.encode())), expected, atol=1e-4)


def test_gltf_as_text_with_its_buffer_within_and_beside() -> None:
    glb = tent()
    expected = triangles(read_glb(glb.encode()))
    uri = "data:application/octet-stream;base64," + base64.b64encode(glb.binary).decode()
    glb.root["buffers"][0]["uri"] = uri
    np.testing.assert_equal(triangles(read_glb(json.dumps(glb.root).encode())), expected)
    glb.root["buffers"][0]["uri"] = "the%20buffer.bin"
    files = {"the buffer.bin": glb.binary}
    mesh = read_gltf(json.dumps(glb.root).encode(), files.__getitem__)
    np.testing.assert_equal(triangles(mesh), expected)
    for uri in ("http://host/buffer.bin", "file:///etc/passwd", "http://[", "C:\\buffer.bin"):
        glb.root["buffers"][0]["uri"] = uri
        with pytest.raises(RejectedAsset, match="not a file beside the model"):
            read_gltf(json.dumps(glb.root).encode(), files.__getitem__)


def change(glb: Glb, *path: str | int, value: object) -> Glb:
    place = glb.root
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return glb


PRIMITIVE = ("meshes", 0, "primitives", 0)


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("asset", "version"), "1.0", "asset.version is 1.0"),
        (("extensionsRequired",), ["KHR_draco_mesh_compression"], "compressed by Draco"),
        (("extensionsRequired",), ["EXT_meshopt_compression"], "compressed by meshopt"),
        (("extensionsRequired",), ["EXT_mesh_gpu_instancing"], "extension EXT_mesh_gpu_inst"),
        ((*PRIMITIVE, "extensions"), {"KHR_draco_mesh_compression": {}}, "compressed by Draco"),
        (("nodes", 0, "children"), [0], "stands in the scene twice"),
        (("nodes", 0, "scale"), [1e308, 1e308, 1], "not finite"),
        (("nodes", 0, "scale"), [1, 1], "must be 3 numbers"),
        (("nodes", 0, "rotation"), [0, 0, 0, 0], "a quaternion of length 0"),
        (("nodes", 0, "rotation"), [0, 0, 1e300, 0], "a quaternion of length"),
        (("nodes", 0, "mesh"), 7, "there are 1"),
        (("accessors", 0, "count"), 10**9, "must be 0 to"),
        (("accessors", 0, "count"), 6, "reaches beyond its buffer"),
        (("accessors", 0, "componentType"), 5130, "unknown type"),
        (("accessors", 1, "count"), 5, "5 corners are no triangles"),
        (("bufferViews", 0, "byteStride"), 4, "a stride of 4"),
        (("buffers", 0, "byteLength"), 10**9, "must be 0 to"),
        (("buffers", 0, "byteLength"), 10**6, "truncated"),
        ((*PRIMITIVE, "attributes", "NORMAL"), 1, "accessor 1 is SCALAR"),
        ((*PRIMITIVE, "indices"), True, "accessors"),
        (("meshes",), {}, "is no list"),
    ],
)
def test_a_bad_file_is_rejected_with_its_reason(path: tuple, value: object, reason: str) -> None:
    with pytest.raises(RejectedAsset, match=reason):
        read_glb(change(tent(), *path, value=value).encode())


@pytest.mark.timeout(60)
def test_a_mesh_that_stands_in_the_scene_too_often_is_rejected() -> None:
    """Each costs time: a file of a megabyte would take a minute and a gigabyte of memory."""
    glb = tent()
    glb.root["scenes"] = [{"nodes": list(range(200))}]
    glb.root["nodes"] = [{"mesh": 0}] * 200
    assert len(read_glb(glb.encode()).face_sizes) == 400
    for primitive in (glb.primitive, {"attributes": {}}):  # one without points counts, too
        glb.root["meshes"] = [{"primitives": [primitive] * 100}]
        with pytest.raises(RejectedAsset, match="more than 16384 primitives in the scene"):
            read_glb(glb.encode())


def test_an_index_beyond_the_vertices_is_rejected() -> None:
    with pytest.raises(RejectedAsset, match="beyond the 5 vertices"):
        read_glb(tent(np.array([0, 1, 5], "<u2")).encode())


def test_a_buffer_is_read_only_in_the_folder_of_its_model(tmp_path: Path) -> None:
    glb = tent()
    (tmp_path / "model").mkdir()
    (tmp_path / "outside.bin").write_bytes(glb.binary)
    (tmp_path / "model" / "link.bin").symlink_to(tmp_path / "outside.bin")
    (tmp_path / "model" / "loop.bin").symlink_to("loop.bin")
    (tmp_path / "model" / "own.bin").write_bytes(glb.binary)
    path = tmp_path / "model" / "model.gltf"
    reasons = {
        "../outside.bin": "not in the model's folder",
        "link.bin": "not in the model's folder",
        "loop.bin": "Too many levels of symbolic links",
        str(tmp_path / "outside.bin"): "not in the model's folder",
        "missing.bin": "no BIN file",
    }
    for uri, reason in reasons.items():
        glb.root["buffers"][0]["uri"] = uri
        path.write_text(json.dumps(glb.root))
        with pytest.raises(RejectedAsset, match=reason):
            read_mesh(ModelFile(path))
    glb.root["buffers"][0]["uri"] = "own.bin"
    path.write_text(json.dumps(glb.root))
    assert len(read_mesh(ModelFile(path)).face_sizes) == 2


# --- PLY and STL ----------------------------------------------------------------------------------

PLY = """ply
format ascii 1.0
comment made by hand
element vertex 5
property float x
property float y
property float z
property uchar red
element face 2
property list uchar int vertex_index
property float quality
element edge 1
property int vertex1
property int vertex2
end_header
0 0 0 255
1 0 0 255
1 1 0 255
0 1 0 255

0 2 0 255
4 0 1 2 3 0.5
3 0 3 4 0.5
0 1
"""


def test_a_ply_file_of_polygons_and_other_tables() -> None:
    mesh = read_ply(PLY.encode())
    assert mesh.face_sizes.tolist() == [4, 3]
    assert mesh.corner_vertices.tolist() == [0, 1, 2, 3, 0, 3, 4]
    assert read_ply(PLY.replace("\n", "\r\n").encode()).face_sizes.tolist() == [4, 3]


@pytest.mark.parametrize("num_rows", [1, 2, 3])
def test_a_text_is_read_in_blocks(monkeypatch: pytest.MonkeyPatch, num_rows: int) -> None:
    """Rows of lists that are equally long are read at once; faces of 3 and 4 corners are not."""
    text = PLY.replace("face 2", "face 4").replace("0 1\n", "3 0 3 4 0.5\n3 0 4 3 0.5\n0 1\n", 1)
    whole = read_ply(text.encode())
    monkeypatch.setattr("synrender.assets.ply_file._BLOCK_ROWS", num_rows)
    mesh = read_ply(text.encode())
    assert mesh.face_sizes.tolist() == [4, 3, 3, 3]
    for name in ("vertices", "corner_vertices", "face_sizes"):
        np.testing.assert_array_equal(getattr(mesh, name), getattr(whole, name))


@pytest.mark.timeout(20)
def test_a_table_without_values_takes_no_time() -> None:
    text = PLY.replace("element vertex", "element nothing 4000000\nelement vertex")
    assert read_ply(text.encode()).face_sizes.tolist() == [4, 3]


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_binary_ply_file_of_polygons(order: str) -> None:
    name = {"<": "binary_little_endian", ">": "binary_big_endian"}[order]
    head = PLY[: PLY.index("0 0 0 255")].replace("ascii", name).encode()
    body = b""
    for x, y in ((0, 0), (1, 0), (1, 1), (0, 1), (0, 2)):
        body += struct.pack(f"{order}fffB", x, y, 0, 255)
    body += struct.pack(f"{order}B4if", 4, 0, 1, 2, 3, 0.5)
    body += struct.pack(f"{order}B3if", 3, 0, 3, 4, 0.5) + struct.pack(f"{order}2i", 0, 1)
    mesh = read_ply(head + body)
    assert mesh.face_sizes.tolist() == [4, 3]
    assert mesh.corner_vertices.tolist() == [0, 1, 2, 3, 0, 3, 4]
    np.testing.assert_equal(mesh.vertices[4], (0, 2, 0))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("ply\n", "plx\n", "no header"),
        ("format ascii 1.0\n", "", "no format"),
        ("vertex 5", "vertex 500000000", "more than"),
        ("vertex 5", "vertex 50", "truncated"),
        ("3 0 3 4", "3 0 3 9", "a face beyond the 5 vertices"),
        ("3 0 3 4", "3 0 3 1.5", "no index of a vertex"),
        ("3 0 3 4", "2 0 3 4", "a face of 2 corners"),
        ("3 0 3 4", "2000 0 3 4", "a list of 2000"),
        ("0 2 0 255", "0 nan 0 255", "not finite"),
        ("0 2 0 255", "0 x 0 255", "vertex: '0 x 0 255' are no numbers"),
        ("0 2 0 255", "0 2 0", "truncated"),
        ("element face 2", "element face 0", "no faces"),
        ("property float z", "property list uchar float z", "list of 255|truncated|x, y and z"),
    ],
)
def test_a_bad_ply_file_is_rejected_with_its_reason(old: str, new: str, reason: str) -> None:
    with pytest.raises(RejectedAsset, match=reason):
        read_ply(PLY.replace(old, new).encode())


def test_a_binary_stl_file_may_begin_with_the_word_solid() -> None:
    data = b"solid" + export("stl")[5:]
    assert len(read_stl(data).face_sizes) == 320


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (export("stl")[:-1], "truncated: 319 triangles of 320"),
        (export("stl_ascii")[:-200], "truncated"),
        (b"", "truncated"),
        (b"\0" * 84, "no faces"),
        (b"solid\nouter loop\nvertex 0 0 0\nvertex 1 0 x\nvertex 0 1 0\nendsolid", "three numbers"),
    ],
)
def test_a_bad_stl_file_is_rejected_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(RejectedAsset, match=reason):
        read_stl(data)


# --- damage ---------------------------------------------------------------------------------------


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        place = int(rng.integers(min(len(changed), 3000)))
        kind = rng.integers(4)
        if kind == 0:
            changed[place] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            changed[place : place + 4] = bytes([255] * 4)
        elif kind == 2:
            del changed[place : place + int(rng.integers(1, 40))]
        else:
            changed[place:place] = changed[: int(rng.integers(1, 40))]
    return bytes(changed)


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (tent().encode(), read_glb),
        (export("glb"), read_glb),
        (export("stl"), read_stl),
        (export("stl_ascii"), read_stl),
        (export("ply"), read_ply),
        (PLY.encode(), read_ply),
    ],
    ids=["glb", "ball", "stl", "stl text", "ply", "ply text"],
)
@pytest.mark.filterwarnings("error")
def test_a_damaged_file_is_rejected_or_read(data: bytes, read: Callable[[bytes], Mesh]) -> None:
    rng = np.random.default_rng(22)
    num_rejected = 0
    for _ in range(300):
        try:
            mesh = read(mutate(data, rng))
        except RejectedAsset:
            num_rejected += 1
        else:
            assert np.isfinite(mesh.vertices).all()
            assert (
                0 <= mesh.corner_vertices.min() <= mesh.corner_vertices.max() < len(mesh.vertices)
            )
            assert mesh.face_sizes.min() >= 3
            assert mesh.face_sizes.sum() == len(mesh.corner_vertices) == len(mesh.corner_normals)
    assert num_rejected > 0


# --- the audit's own readers ----------------------------------------------------------------------


def bent() -> Glb:
    """Two meshes under nodes that turn, mirror and stretch them; the second has no normals."""
    shape = trimesh.creation.icosphere(1)
    glb = Glb()
    position = glb.accessor(shape.vertices.astype("<f4"), "VEC3", 5126)
    normal = glb.accessor(shape.vertex_normals.astype("<f4"), "VEC3", 5126)
    indices = glb.accessor(shape.faces.astype("<u2").reshape(-1, 1), "SCALAR", 5123)
    smooth = {"attributes": {"POSITION": position, "NORMAL": normal}, "indices": indices}
    flat = {"attributes": {"POSITION": position}, "indices": indices}
    line = {"attributes": {"POSITION": position}, "mode": 1}
    glb.root["meshes"] = [{"primitives": [smooth, line]}, {"primitives": [flat]}]
    glb.root["nodes"] = [
        {"children": [1, 2], "rotation": [0, 0.6, 0, 0.8], "translation": [1, 2, 3]},
        {"mesh": 0, "scale": [1, -2, 1]},
        {"mesh": 1, "translation": [0, 0, 5], "rotation": [0.7, 0.7, 0.7, 0.7]},  # not of length 1
    ]
    return glb


@pytest.mark.parametrize("kind", ["glb", "gltf", "stl", "stl text", "ply", "ply text"])
def test_the_audit_reads_the_same_shape_and_normals(tmp_path: Path, kind: str) -> None:
    """By trimesh and readers of its own; nothing is shared with those of the renderer."""
    data = {
        "glb": lambda: bent().encode(),
        "gltf": lambda: json.dumps(bent().root | {"buffers": buffers(bent())}).encode(),
        "stl": lambda: export("stl"),
        "stl text": lambda: export("stl_ascii"),
        "ply": lambda: export("ply", vertex_normal=True),
        "ply text": lambda: export("ply", vertex_normal=True, encoding="ascii"),
    }[kind]()
    path = tmp_path / f"model.{kind.split()[0]}"
    path.write_bytes(data)
    (tmp_path / "beside.bin").write_bytes(bent().binary)
    mesh, proof = read_mesh(ModelFile(path)), load_triangles(ModelFile(path))[0]
    corners = mesh.corner_vertices
    sides = mesh.vertices[corners].reshape(-1, 3, 3)
    across = np.cross(sides[:, 1] - sides[:, 0], sides[:, 2] - sides[:, 0])
    faces = np.repeat(across / np.linalg.norm(across, axis=1, keepdims=True), 3, axis=0)
    is_own = np.linalg.norm(mesh.corner_normals, axis=1, keepdims=True) > 0
    assert is_own.any() == (kind.split()[0] != "stl")
    drawn = np.concatenate(
        [mesh.vertices[corners], np.where(is_own, mesh.corner_normals, faces)], axis=1
    )
    shown = np.concatenate([proof.corners + proof.center, proof.normals], axis=2).reshape(-1, 6)
    assert len(drawn) == len(shown)
    order, other = (np.lexsort(rows.round(3).T) for rows in (drawn, shown))
    np.testing.assert_allclose(drawn[order], shown[other], atol=2e-3)


def buffers(glb: Glb) -> list[dict]:
    return [{"byteLength": len(glb.binary), "uri": "beside.bin"}]


def test_a_gltf_in_an_archive_has_its_buffer_beside_it(tmp_path: Path) -> None:
    text = json.dumps(bent().root | {"buffers": buffers(bent())}).encode()
    files = {"chair/a/model.gltf": text, "chair/a/beside.bin": bent().binary}
    plain = ModelFile(write_files(tmp_path / "set", files) / "chair/a/model.gltf")
    packed = open_tree(write_zip(tmp_path / "set.zip", files)).file("chair/a/model.gltf")
    np.testing.assert_array_equal(read_mesh(packed).vertices, read_mesh(plain).vertices)
    assert len(load_triangles(packed)[0].corners) == len(load_triangles(plain)[0].corners)
    del files["chair/a/beside.bin"]
    files["beside.bin"] = bent().binary  # of no model
    alone = open_tree(write_zip(tmp_path / "alone.zip", files)).file("chair/a/model.gltf")
    with pytest.raises(RejectedAsset, match="no BIN file"):
        read_mesh(alone)


@pytest.mark.parametrize("kind", ["glb", "stl"])
def test_the_audit_calls_a_damaged_file_unusable(tmp_path: Path, kind: str) -> None:
    rng = np.random.default_rng(7)
    whole = bent().encode() if kind == "glb" else export("stl")
    path = tmp_path / f"model.{kind}"
    num_unusable = 0
    for _ in range(100):
        path.write_bytes(mutate(whole, rng))
        try:
            load_triangles(ModelFile(path))
        except UnusableModel:
            num_unusable += 1
    assert num_unusable > 0
