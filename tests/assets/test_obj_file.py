"""OBJ files are read strictly: a broken line is named, and nothing makes the reader hang."""

from __future__ import annotations

import numpy as np
import pytest

from synrender.assets.mesh import Mesh
from synrender.assets.obj_file import MAX_CORNERS, read_obj
from synrender.errors import RejectedAsset

SQUARE = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n"


def read(text: str | bytes) -> Mesh:
    return read_obj(text if isinstance(text, bytes) else text.encode())


def reject(text: str | bytes) -> str:
    with pytest.raises(RejectedAsset) as caught:
        read(text)
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
def test_every_form_of_a_face_is_the_same_square(face: str, end: str) -> None:
    text = f"mtllib x.mtl\n{SQUARE}vn 0 0 2\nusemtl y\n  f {face}\n"
    mesh = read(text.replace("\n", end))
    assert sorted(mesh.corner_vertices.tolist()) == [0, 1, 2, 3]
    assert mesh.face_sizes.tolist() == [4]
    assert sorted(mesh.corner_normals[:, 2]) == [0] * (4 - FACES[face]) + [1] * FACES[face]


@pytest.mark.parametrize(
    "vertex", ["1 1 0", "+1.0 1. .0", "1e0 10E-1 -0", "1 1 0 1", "1 1 0 .5 .5 1"]
)
def test_every_form_of_a_vertex(vertex: str) -> None:
    mesh = read(SQUARE.replace("1 1 0", vertex) + "f 1 2 3 4\n")
    np.testing.assert_array_equal(mesh.vertices[2], [1, 1, 0])


@pytest.mark.parametrize(
    "vertex",
    ["abc 1 0", "1 1", "1", "", "1e999 1 0", "-1.#IND 1 0", "nan 1 0", "1 inf 0", "1,5 1 0",
     "1_0 1 0", "0x1 1 0", "1.2.3 1 0", "--1 1 0", "1e 1 0", "1 1 0 0 0 0 0 0", "1 1 v 0", "1 1v 0",
     "\xff 1 0", "1e5e5 1 0", ". 1 0", "+ 1 0", "1 1 0 x"],
)  # fmt: skip
def test_a_broken_vertex_is_named_with_its_line(vertex: str) -> None:
    line = reject("# first\n" + SQUARE.replace("1 1 0", vertex) + "f 1 2 3 4\n")
    assert line.startswith("line 4: ")
    assert f"'{vertex.strip().encode().decode('ascii', 'backslashreplace')}'" in line
    assert "vertex" in line


@pytest.mark.parametrize(
    "face",
    ["", "1", "1 2", "1 2 x", "1 2 5", "0 1 2", "1 2 -5", "1 2 3.5", "1 2 /3", "1 2 1/2/3/4",
     "1-2 3 4", "1 2 99999999999999999999", "1 2 3//1", "1/2/1 2/2/1 3/2/1", "1 - 2 3", "1 2 3 f",
     "1 2 3//-", "1 2 3/-", "# 1 2 3"],
)  # fmt: skip
def test_a_broken_face_is_named_with_its_line(face: str) -> None:
    line = reject(SQUARE + f"f {face}\nf 1 2 3\n")
    assert line.startswith("line 5: ")
    assert "face" in line


def test_an_index_may_come_before_its_vertex_and_one_from_the_end_counts_from_its_line() -> None:
    mesh = read("f 1 2 3\n" + SQUARE + "f -1 -2 -3\nv 5 5 5\nf -1 -2 -3\n")
    assert mesh.corner_vertices.tolist() == [0, 1, 2, 3, 2, 1, 4, 3, 2]
    assert reject("f -1 -2 -3\n" + SQUARE).startswith("line 1: ")


def test_objects_groups_and_smoothing_change_nothing() -> None:
    plain = read(SQUARE + "vn 0 0 1\nf 1//1 2//1 3//1\nf 1 3 4\n")
    cut = SQUARE + "vn 0 0 1\no a\ns 1\nf 1//1 2//1 3//1\no b\ng c\ns off\nf 1 3 4\n"
    split = read(cut)
    for name, value in vars(plain).items():
        np.testing.assert_array_equal(value, getattr(split, name))


def test_a_face_may_meet_its_own_edge() -> None:
    """As exporters write a face with a hole."""
    hole = "v .4 .4 0\nv .4 .6 0\nv .6 .5 0\n"
    assert read(SQUARE + hole + "f 1 2 3 4 1 5 6 7 5\n").face_sizes.tolist() == [9]


def test_a_normal_that_cannot_be_read_is_none() -> None:
    mesh = read(SQUARE + "vn nan nan nan\nvn 0 0 1\nf 1//1 2//2 3//2\nf 1 3 4\n")
    np.testing.assert_array_equal(mesh.corner_normals[:, 2], [0, 1, 1, 0, 0, 0])


@pytest.mark.parametrize(
    "more", ["", "p 5 6 7 8\n", "l 5 6 7\n", "cstype bezier\ndeg 3\ncurv 0 1 5 6 7 8\nend\n"]
)
@pytest.mark.parametrize("where", ["before", "after"])
def test_vertices_without_a_face_are_no_fault(more: str, where: str) -> None:
    unused = "v 9 0 0\nv 9 1 0\nv 9 2 0\nv 9 3 0\n"
    text = SQUARE + unused + more + "f 1 2 3 4\n"
    if where == "after":
        text = SQUARE + "f 1 2 3 4\n" + unused + more
    for end in ("\n", ""):
        assert read(text.rstrip("\n") + end).face_sizes.tolist() == [4]


LAST_LINES = {  # of a file that has no newline at its end: whether it may be whole
    "f 1 2 3": True, "f 1 2": False, "f 1 2 3/": False, "f 1/1 2/1 3": False, "f": False,
    "v 2.5 2.5 2.5": True, "v 2.5 2.5 2": False, "v 2.5 2.5 2.": False, "v 2.5 2.5": False,
    "v 2.5 2.5 -": False, "v 2.5 2.5 2.5e": False, "v": False, "vn 0 0": False, "vt": False,
    "l 1 2": True, "l 1": False, "p 1": True, "p": False, "curv 0 1 1 2": True, "curv 0 1 1": False,
    "# end": True, "g": True, "f 1 2 3 \\": False, "f 1 2 \\\n3": True, "f 1 2 \\\n": False,
}  # fmt: skip


@pytest.mark.parametrize("last", LAST_LINES)
def test_a_file_is_truncated_if_its_last_line_breaks_off(last: str) -> None:
    text = SQUARE.replace("1", "1.5").replace("0", "0.0") + "vt 0 0\nf 1 2 3 4\n" + last
    if LAST_LINES[last]:
        read(text)
    else:
        assert reject(text).startswith(("truncated: ends within", "line 7: not a face"))


WITHOUT_MEANING = (
    "# C:\\models\\", "mtllib C:\\models\\", "usemtl a\\", "g a\\", "o a\\ ", "vt 0 0\\", "l 1 2 \\"
)  # fmt: skip


@pytest.mark.parametrize("line", WITHOUT_MEANING)
@pytest.mark.parametrize("end", ["\n", "\r\n", " \n", "\r"])
def test_a_backslash_ends_other_lines_without_any_meaning(line: str, end: str) -> None:
    text = f"{line}\n" + SQUARE.replace("\n", f"\n{line}\n") + f"f 1 2 3 4 # {line}\nf 1 2 3\n"
    mesh = read(text.replace("\n", end))
    assert mesh.face_sizes.tolist() == [4, 3]
    assert len(mesh.vertices) == 4


@pytest.mark.parametrize("blanks", ["", " ", "\t ", "\r"])
@pytest.mark.parametrize("kind", ["v", "vn", "f"])
def test_a_vertex_or_face_goes_on_after_a_backslash(blanks: str, kind: str) -> None:
    text = SQUARE + "vn 0 0 2\nf 1//1 2//1 3//1 4//1\n"
    lines = [
        line.replace(" ", f" \\{blanks}\n ") if line.startswith(f"{kind} ") else line
        for line in text.splitlines()
    ]
    mesh = read("\n".join(lines) + " # done\\\nf 1 2 3\n")
    np.testing.assert_array_equal(mesh.vertices[2], [1, 1, 0])
    assert mesh.face_sizes.tolist() == [4, 3]
    np.testing.assert_array_equal(mesh.corner_normals[:4], [[0, 0, 1]] * 4)
    start = "\n".join(lines) + "\n"
    num = start.count("\n")
    broken = reject(start + "f 1 \\\n 2 \\\n x\n")
    assert broken == f"line {num + 1}: not a face: '1   2   x'"
    behind = reject(start + "f 1 \\\n 2 \\\n 3\nf 1 2 9\n")
    assert behind.startswith(f"line {num + 4}: a face beyond")


@pytest.mark.parametrize(
    "text",
    ["\1", "\1\2\n\x1f\n", "\x7f\n", "\x1a", "\ufeff", "\ufeff\n", "\\\n" * 9, "\r\r", "\x85"],
)
def test_a_file_of_odd_bytes_alone_is_rejected(text: str) -> None:
    assert reject(text) in ("empty file", "no faces")


def test_odd_bytes_outside_of_what_is_read_change_nothing() -> None:
    odd = "\ufeff# \1\x7f\xff\n" + SQUARE.replace("\n", "\n\ufeff") + "f 1 2 3\x0b4\n\x1a"
    assert read(odd).face_sizes.tolist() == [4]
    for kind in ("utf-16", "utf-32"):
        assert "binary data" in reject(odd.encode(kind))
    for bad in ("v 0 0 0\xa0", "v 0 0 0-", "f#", "f 1 2 3 \\", "v 0 0 0e"):
        reject(SQUARE + f"f 1 2 3 4\n{bad}\n")
    for bad in ("v 0 0\x010", "f 1 2\x1f3", "\1f 1 2 3", "vn 0 0\x7f1", "f 1 2 \\\1\n3"):
        line = reject(SQUARE + f"f 1 2 3 4\n{bad}\n")
        assert line.startswith("line 6: a control character: ")


def test_what_would_hang_or_fill_memory_is_rejected() -> None:
    many = " ".join(["1 2 3"] * (MAX_CORNERS // 3 + 1))
    round_face = " ".join(str(k % 3 + 1) for k in range(20_000))
    bombs = {
        "many corners": (SQUARE + f"f {many}\nf 1 2 3 4\n", "a face of 1002 corners"),
        "20,000 corners": (SQUARE + f"f {round_face}\n", "line 5: "),
        "a long line": (SQUARE + "f " + "1 " * 10_000_000 + "\n", "line 5: of 20000003 bytes"),
        "a long vertex": ("v " + "1" * 10_000_000 + " 1 1\n" + SQUARE, "line 1: of"),
        "no line": ("a " * 20_000_000, "no faces"),
        "empty lines": ("v" + "\n" * 40_000_000, "more than 33554432 lines"),
        "a long continued line": (SQUARE + "f 1 2 " + "\\\n" * 100_000 + "x\n", "line 5: of"),
        "backslashes": (SQUARE + "f 1 2 " + "\\\n" * 10_000_000, "more than 1048576 backslashes"),
        "curves alone": (
            SQUARE + "cstype bezier\ndeg 3\n" + "curv 0 1 1 2 3 4\n" * 500_000,
            "no faces",
        ),
    }
    for name, (text, reason) in bombs.items():
        assert reason in reject(text), name


def test_a_reason_is_short_whatever_the_line_holds() -> None:
    """Each byte that is no text would take five letters."""
    reason = reject(b"v 0 0 0\nf " + b"\x80" * 100 + b"\n")
    assert reason == "line 2: not a face: '" + 15 * "\\x80" + "'"
