"""OBJ files are read strictly: a broken line is named, and nothing makes the reader hang."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from synrender.assets.obj_file import MAX_CORNERS, ObjMesh, read_obj
from synrender.errors import RejectedAsset

SQUARE = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n"


def read(folder: Path, text: str | bytes) -> ObjMesh:
    path = folder / "model.obj"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_obj(path)


def reject(folder: Path, text: str | bytes) -> str:
    with pytest.raises(RejectedAsset) as caught:
        read(folder, text)
    line = str(caught.value)
    assert "\n" not in line
    assert len(line) < 200
    return line


FACES = {  # how a face is written: how many of its corners have a normal
    "1 2 3 4": 0, "1/9 2/9 3/9 4/9": 0, "1//1 2//1 3//1 4//1": 4, "1/9/1 2/9/1 3/9/1 4/9/1": 4,
    "-4 -3 -2 -1": 0, "-4//-1 -3//-1 -2//-1 -1//-1": 4, "1 2/9 3//1 4/9/1": 2,
    "1/ 2/ 3// 4//": 0, "1\t2  3 4 # comment": 0, "1 1 2 3 3 4 1": 0,
}  # fmt: skip


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n", "   \n"])
def test_every_form_of_a_face_is_the_same_square(tmp_path: Path, face: str, end: str) -> None:
    text = f"mtllib x.mtl\n{SQUARE}vn 0 0 2\nusemtl y\n  f {face}\n"
    mesh = read(tmp_path, text.replace("\n", end))
    assert sorted(mesh.corner_vertices.tolist()) == [0, 1, 2, 3]
    assert mesh.face_sizes.tolist() == [4]
    assert sorted(mesh.corner_normals[:, 2]) == [0] * (4 - FACES[face]) + [1] * FACES[face]


@pytest.mark.parametrize(
    "vertex", ["1 1 0", "+1.0 1. .0", "1e0 10E-1 -0", "1 1 0 1", "1 1 0 .5 .5 1"]
)
def test_every_form_of_a_vertex(tmp_path: Path, vertex: str) -> None:
    mesh = read(tmp_path, SQUARE.replace("1 1 0", vertex) + "f 1 2 3 4\n")
    np.testing.assert_array_equal(mesh.vertices[2], [1, 1, 0])


@pytest.mark.parametrize(
    "vertex",
    ["abc 1 0", "1 1", "1", "", "1e999 1 0", "-1.#IND 1 0", "nan 1 0", "1 inf 0", "1,5 1 0",
     "1_0 1 0", "0x1 1 0", "1.2.3 1 0", "--1 1 0", "1e 1 0", "1 1 0 0 0 0 0 0", "1 1 v 0", "1 1v 0",
     "\xff 1 0", "1e5e5 1 0", ". 1 0", "+ 1 0", "1 1 0 x"],
)  # fmt: skip
def test_a_broken_vertex_is_named_with_its_line(tmp_path: Path, vertex: str) -> None:
    line = reject(tmp_path, "# first\n" + SQUARE.replace("1 1 0", vertex) + "f 1 2 3 4\n")
    assert line.startswith("line 4: ")
    assert repr(vertex.strip().encode().decode("ascii", "backslashreplace")) in line
    assert "vertex" in line


@pytest.mark.parametrize(
    "face",
    ["", "1", "1 2", "1 2 x", "1 2 5", "0 1 2", "1 2 -5", "1 2 3.5", "1 2 /3", "1 2 1/2/3/4",
     "1-2 3 4", "1 2 99999999999999999999", "1 2 3//1", "1/2/1 2/2/1 3/2/1", "1 - 2 3", "1 2 3 f"],
)  # fmt: skip
def test_a_broken_face_is_named_with_its_line(tmp_path: Path, face: str) -> None:
    line = reject(tmp_path, SQUARE + f"f {face}\nf 1 2 3\n")
    assert line.startswith("line 5: ")
    assert "face" in line


def test_an_index_may_come_before_its_vertex_and_one_from_the_end_counts_from_its_line(
    tmp_path: Path,
) -> None:
    mesh = read(tmp_path, "f 1 2 3\n" + SQUARE + "f -1 -2 -3\nv 5 5 5\nf -1 -2 -3\n")
    assert mesh.corner_vertices.tolist() == [0, 1, 2, 3, 2, 1, 4, 3, 2]
    assert reject(tmp_path, "f -1 -2 -3\n" + SQUARE).startswith("line 1: ")


def test_objects_groups_and_smoothing_change_nothing(tmp_path: Path) -> None:
    plain = read(tmp_path, SQUARE + "vn 0 0 1\nf 1//1 2//1 3//1\nf 1 3 4\n")
    cut = SQUARE + "vn 0 0 1\no a\ns 1\nf 1//1 2//1 3//1\no b\ng c\ns off\nf 1 3 4\n"
    split = read(tmp_path, cut)
    for name, value in vars(plain).items():
        np.testing.assert_array_equal(value, getattr(split, name))


def test_a_face_may_meet_its_own_edge(tmp_path: Path) -> None:
    """As exporters write a face with a hole."""
    hole = "v .4 .4 0\nv .4 .6 0\nv .6 .5 0\n"
    assert read(tmp_path, SQUARE + hole + "f 1 2 3 4 1 5 6 7 5\n").face_sizes.tolist() == [9]


def test_a_normal_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    mesh = read(tmp_path, SQUARE + "vn nan nan nan\nvn 0 0 1\nf 1//1 2//2 3//2\nf 1 3 4\n")
    np.testing.assert_array_equal(mesh.corner_normals[:, 2], [0, 1, 1, 0, 0, 0])


def test_lines_use_vertices_and_a_rest_is_truncated(tmp_path: Path) -> None:
    read(tmp_path, SQUARE + "f 1 2 3\nl 3 4\n")
    assert "truncated: 1 of 4" in reject(tmp_path, SQUARE + "f 1 2 3\n")


@pytest.mark.timeout(30)
def test_what_would_hang_or_fill_memory_is_rejected_within_two_seconds(tmp_path: Path) -> None:
    many = " ".join(["1 2 3"] * (MAX_CORNERS // 3 + 1))
    round_face = " ".join(str(k % 3 + 1) for k in range(20_000))
    bombs = {
        "many corners": (SQUARE + f"f {many}\nf 1 2 3 4\n", "a face of 1002 corners"),
        "20,000 corners": (SQUARE + f"f {round_face}\n", "line 5: "),
        "a long line": (SQUARE + "f " + "1 " * 10_000_000 + "\n", "line 5: of 20000003 bytes"),
        "a long vertex": ("v " + "1" * 10_000_000 + " 1 1\n" + SQUARE, "line 1: of"),
        "no line": ("a " * 20_000_000, "no faces"),
        "curves alone": (
            SQUARE + "cstype bezier\ndeg 3\n" + "curv 0 1 1 2 3 4\n" * 500_000,
            "no faces",
        ),
    }
    for name, (text, reason) in bombs.items():
        start = time.monotonic()
        assert reason in reject(tmp_path, text), name
        assert time.monotonic() - start < 4, name  # 2 s on a machine with nothing else to do


@pytest.mark.timeout(30)
def test_only_regular_files_of_a_bounded_size_are_opened(tmp_path: Path) -> None:
    path = tmp_path / "model.obj"

    def reject_it() -> str:
        with pytest.raises(RejectedAsset) as caught:
            read_obj(path)
        path.unlink(missing_ok=True)
        return str(caught.value)

    assert reject_it() == "no OBJ file"
    os.mkfifo(path)
    assert "not a regular file" in reject_it()
    path.symlink_to("/dev/zero")
    assert "not a regular file" in reject_it()
    path.symlink_to(path)
    assert "Too many levels" in reject_it()
    with path.open("wb") as file:
        file.truncate(3 << 30)
    assert "are allowed" in reject_it()
