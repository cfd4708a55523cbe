"""The audit reads models by code of its own: OBJ as the renderer does, and PLY of any form."""

from __future__ import annotations

import contextlib
import re
import struct
from pathlib import Path

import numpy as np
import pytest

from synrender.assets.model_file import ModelFile
from synrender.assets.obj_file import read_obj as read_obj_for_renderer
from synrender.audit.models.obj_files import read_obj
from synrender.audit.rays.model_caster import ModelCaster, UnusableModel, load_triangles
from synrender.errors import RejectedAsset
from tests.audit.shapes import CUBE, ODD_MODELS, POLYGON_MODELS
from tests.hostile.mutants import cut, edit_text, flip_bits, repeat_part

# --- OBJ ----------------------------------------------------------------------------------------

TEXTS = {
    **ODD_MODELS,
    **POLYGON_MODELS,
    "byte order mark": "\ufeff" + CUBE.replace("f 1", "\ufefff 1"),
    "old line ends": CUBE.replace("\n", "\r"),
    "an index before its vertex": "f 1 2 3\n" + CUBE + "f -1 -2 -3\nv 5 5 5\nf -1 -2 1\n",
    "places": CUBE + "vt 1 2 3\nvt 4\nvt x 1\nf 1/1 2/-1 3/2/\nf 1/9 2//  3/0\nf -1/1 -2/-3 -3\n",
    "colors": re.sub(r"(?m)^(v .*)$", r"\1 0.1 0.2 0.3", CUBE),
    "colors of some": CUBE.replace("v 1 1 1", "v 1 1 1 0.5 0.5 0.5"),
    "odd bytes": CUBE.replace("f 1", "# \x1c\x85\xa0\nf\t\x0b1"),
}
INSERTS = (
    *("\\\n", "\\", "\n", "\r", "#", " ", "\\ \n", "\t", "\x0b", "\ufeff", "\x85", "\x1c", "\xa0"),
    *("v", "-", "/", "\\\r\n", "f 1 2 3\n", "1", "_", "f\\", "e", "."),
)  # fmt: skip


def insert(data: bytes, rng: np.random.Generator) -> bytes:
    at = rng.integers(0, len(data) + 1)
    return data[:at] + INSERTS[rng.integers(len(INSERTS))].encode() + data[at:]


def assert_read_alike(data: bytes) -> bool:
    """Whether the renderer takes the file; if so, the audit reads the same."""
    try:
        expected = read_obj_for_renderer(data, ModelFile(Path("/nowhere/model.obj")).beside)
    except RejectedAsset:
        return False
    assert expected.look is not None
    faces = read_obj(data)
    polygons = faces.polygons
    np.testing.assert_array_equal(polygons.vertices, expected.vertices)
    # The renderer leaves out corners at the vertex of the one before them.
    kept = []
    for face in np.split(np.arange(len(polygons.corners)), np.cumsum(polygons.sizes)[:-1]):
        own = polygons.corners[face]
        face = face[own != np.roll(own, 1)]
        kept += [face] if len(face) >= 3 else []
    assert [len(face) for face in kept] == expected.face_sizes.tolist()
    corners = np.concatenate(kept)
    np.testing.assert_array_equal(polygons.corners[corners], expected.corner_vertices)
    normals = np.nan_to_num(polygons.normals[corners])
    np.testing.assert_allclose(normals, expected.corner_normals, atol=1e-6)
    uv = np.nan_to_num(faces.uv[corners], posinf=0, neginf=0)
    np.testing.assert_allclose(uv, expected.look.uv_sets[0], rtol=1e-6)
    assert (faces.srgb is None) == (expected.look.colors is None)
    return True


@pytest.mark.parametrize("name", TEXTS)
def test_both_readers_read_the_same_of_a_file(name: str) -> None:
    assert assert_read_alike(TEXTS[name].encode())


def test_both_readers_read_the_same_of_mutants() -> None:
    small = CUBE + "vn 0 0 1\nvt 0.5 2\nvt 1 0\nvt 3 4\n"
    small += "f -1//-1 \\\n -2//-1 -3//-1 # c:\\\nv 1 2 3\nf -1 2/1 -3 1/2/1\n"
    originals = [small.encode(), POLYGON_MODELS["l_shape"].encode()]
    ways = [insert] * 12 + [edit_text] * 2 + [flip_bits, cut, repeat_part]
    rng = np.random.default_rng(2)
    num_taken = 0
    for idx in range(600):
        data = originals[idx % 2]
        for _ in range(rng.integers(1, 3)):
            data = ways[rng.integers(len(ways))](data, rng) or b" "
        num_taken += assert_read_alike(data)
    assert num_taken > 100


# --- PLY ----------------------------------------------------------------------------------------

FORMATS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}


def write_ply(text: str, kind: str, has_more: bool = False) -> bytes:
    """The vertices and faces of an OBJ text; with more elements and properties around them."""
    lines = [line.split() for line in text.splitlines()]
    vertices = [[float(x) for x in line[1:4]] for line in lines if line[:1] == ["v"]]
    faces = [[int(c.split("/")[0]) - 1 for c in line[1:]] for line in lines if line[:1] == ["f"]]
    more = ["element material 2", "property uchar red", "property list uchar float shine"]
    header = [
        "ply", f"format {kind} 1.0", "comment made by hand", *(more if has_more else []),
        f"element vertex {len(vertices)}", "property double x", "property double y",
        *(["property uchar red"] if has_more else []), "property double z",
        f"element face {len(faces)}", *(["property list uint8 int8 flags"] if has_more else []),
        "property list uchar int vertex_indices", *(["property short more"] if has_more else []),
        "element edge 0", "property int vertex1", "end_header",
    ]  # fmt: skip
    rows = [[("B", 9), ("B", 2), ("f", 1.5), ("f", 2)]] * 2 if has_more else []
    red, flags, last = (
        ([("B", 7)], [("B", 1), ("b", -3)], [("h", -9)]) if has_more else ([], [], [])
    )
    rows += [[("d", x), ("d", y), *red, ("d", z)] for x, y, z in vertices]
    rows += [[*flags, ("B", len(f)), *(("i", c) for c in f), *last] for f in faces]
    start = "\n".join(header).encode() + b"\n"
    if not FORMATS[kind]:
        return start + b"".join(" ".join(str(x) for _, x in r).encode() + b"\n" for r in rows)
    order = FORMATS[kind]
    return start + b"".join(struct.pack(order + code, x) for row in rows for code, x in row)


@pytest.mark.parametrize("has_more", [False, True])
@pytest.mark.parametrize("kind", FORMATS)
def test_a_ply_file_of_any_form_is_the_same_model(
    tmp_path: Path, kind: str, has_more: bool
) -> None:
    obj, ply = tmp_path / "model.obj", tmp_path / "model.ply"
    obj.write_text(POLYGON_MODELS["hole"])
    ply.write_bytes(write_ply(POLYGON_MODELS["hole"], kind, has_more))
    expected, found = load_triangles(ModelFile(obj))[0], load_triangles(ModelFile(ply))[0]
    for name, value in vars(expected).items():
        np.testing.assert_array_equal(getattr(found, name), value)


DAMAGED = {
    "empty": b"", "no header": b"ply\n", "another file": b"solid cube\n",
    "no format": b"ply\nelement vertex 3\nend_header\n",
    "a bomb": b"ply\nformat binary_little_endian 1.0\nelement vertex 99999999999\n"
    b"property float x\nproperty float y\nproperty float z\nend_header\n",
    "nothing in a row": b"ply\nformat ascii 1.0\nelement vertex 99999999999\nend_header\n",
    "a list of nan": b"ply\nformat ascii 1.0\nelement face 1\nproperty list int int vertex_index\n"
    b"end_header\nnan 1 2 3\n",
    "a list below 0": b"ply\nformat ascii 1.0\nelement face 1\nproperty list int int vertex_index\n"
    b"end_header\n-3 1 2 3\n",
    "points alone": write_ply(CUBE.partition("f")[0], "ascii"),
    "a face beyond": write_ply(CUBE + "f 1 2 99\n", "ascii"),
    "a face before": write_ply(CUBE + "f 1 2 0\n", "binary_big_endian"),
    "nan": write_ply(CUBE.replace("v 1 1 1", "v 1 1 nan"), "ascii"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_ply_file_is_unusable(tmp_path: Path, name: str) -> None:
    path = tmp_path / "model.ply"
    path.write_bytes(DAMAGED[name])
    with pytest.raises(UnusableModel, match=r"^model /.*/model\.ply: ."):
        ModelCaster(ModelFile(path))


@pytest.mark.parametrize("kind", FORMATS)
def test_a_ply_file_that_ends_early_or_has_odd_bytes_is_unusable_or_read(
    tmp_path: Path, kind: str
) -> None:
    path, data = tmp_path / "model.ply", write_ply(CUBE, kind, has_more=True)
    for length in range(0, len(data) - 12, 7):
        path.write_bytes(data[:length])
        with pytest.raises(UnusableModel):
            load_triangles(ModelFile(path))
    rng = np.random.default_rng(3)
    for _ in range(300):
        path.write_bytes(flip_bits(data, rng))
        with contextlib.suppress(UnusableModel):
            load_triangles(ModelFile(path))
